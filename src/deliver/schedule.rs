//! What the answer to an attempt means, and when to try again.
//!
//! | answer | outcome |
//! |---|---|
//! | 2xx | delivered |
//! | 410 | dead, and the receiver is disabled |
//! | 429, 503 with `Retry-After` | again, not before the time asked for (at most [`RETRY_AFTER_MAX`]) |
//! | 3xx, other 4xx, 5xx | again: a receiver that is wrongly set up may be mended |
//! | 2xx with an error in the body (chat services) | again |
//! | no answer | again |
//! | 5xx of a mail server to a message | dead |
//!
//! `schedule[n]` is the wait before attempt `n + 1`; when it is used up, the
//! notice is dead. Waits get ±20 % jitter from the notice's identity, so that
//! many notices do not come back at once, and the same one always waits the same.

use crate::air::Stamp;
use crate::flow::Outcome;
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The longest wait that a receiver can ask for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// What an attempt brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The receiver answered.
    Status {
        /// HTTP status.
        code: u16,
        /// The header `Retry-After`, as sent.
        retry_after: Option<String>,
        /// What it said, shortened; for people.
        words: String,
        /// SHA-256 of what it said, in hexadecimal; none if that did not end in time.
        digest: Option<String>,
    },
    /// It answered 2xx, and said in the body that it does not take it.
    Refused {
        /// HTTP status.
        code: u16,
        /// What it said.
        why: String,
    },
    /// It answered that it will never take it.
    Never {
        /// Status, of SMTP.
        code: u16,
        /// What it said.
        why: String,
    },
    /// It did not: time-out, refused, reset, no such host, not to be signed.
    None(String),
}

/// The attempt that is judged.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// The notice's identity.
    pub uid: &'a str,
    /// Attempts so far, with this one.
    pub attempts: u32,
    /// When it ended, by the clock of the daemon.
    pub at: Stamp,
    /// When it ended, by the machine's clock.
    pub real: Stamp,
    /// How much faster than the machine's the daemon's clock runs.
    pub speed: f64,
    /// How long it took.
    pub took: Duration,
}

/// What comes of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// To be kept; its `next` is by the clock of the daemon.
    pub outcome: Outcome,
    /// How long to wait by the machine's clock, if it is to be tried again.
    pub wait: Option<Duration>,
}

/// Judges an attempt.
pub fn judge(answer: &Answer, ended: Ended<'_>, schedule: &[Duration]) -> Verdict {
    let (why, asked) = match answer {
        Answer::Status { code, digest, .. } if (200..300).contains(code) => {
            let took_ms = u64::try_from(ended.took.as_millis()).unwrap_or(u64::MAX);
            let outcome = Outcome::Delivered { status: *code, took_ms, digest: digest.clone() };
            return Verdict { outcome, wait: None };
        }
        Answer::Status { code: 410, words, .. } => {
            let why = with_words("410: the receiver asks to be left alone", words);
            return Verdict { outcome: Outcome::Dead { why, disable: true }, wait: None };
        }
        Answer::Never { code, why } => {
            let why = with_words(&format!("{code}: the receiver refuses it for good"), why);
            return Verdict { outcome: Outcome::Dead { why, disable: false }, wait: None };
        }
        Answer::Status { code, retry_after, words, .. } => {
            let asked = match (code, retry_after) {
                (429 | 503, Some(text)) => retry_after_of(text, ended.real),
                _ => None,
            };
            (with_words(&status_text(*code), words), asked)
        }
        Answer::Refused { code, why } => (format!("{code}, but {why}"), None),
        Answer::None(why) => (why.clone(), None),
    };
    let Some(step) = schedule.get(ended.attempts as usize) else {
        let why = format!("given up after {} attempts; the last: {why}", ended.attempts);
        return Verdict { outcome: Outcome::Dead { why, disable: false }, wait: None };
    };
    let step = jittered(*step, ended.uid, ended.attempts);
    let wait = asked.map_or(step, |asked| step.max(asked.min(RETRY_AFTER_MAX)));
    let next = ended.at.plus(wait.mul_f64(ended.speed.max(0.0)));
    Verdict { outcome: Outcome::Retry { why, next }, wait: Some(wait) }
}

/// How long from now until `next`, in time of the machine. Bounded by the
/// longest wait there is, so that a clock put back does not silence a notice.
pub fn wait_until(next: Stamp, now: Stamp, speed: f64, schedule: &[Duration]) -> Duration {
    let ms = u64::try_from(next.since(now)).unwrap_or(0);
    let longest = schedule.iter().copied().max().unwrap_or_default().mul_f64(1.0 + JITTER);
    let real = if speed > 0.0 { ms as f64 / speed } else { ms as f64 };
    Duration::from_millis(real as u64).min(longest.max(RETRY_AFTER_MAX))
}

const JITTER: f64 = 0.2;

/// A wait of 80 to 120 % of `step`, always the same for a notice and attempt.
fn jittered(step: Duration, uid: &str, attempt: u32) -> Duration {
    let hash = xxh3_64_with_seed(uid.as_bytes(), u64::from(attempt));
    let share = (hash >> 11) as f64 / (1u64 << 53) as f64;
    step.mul_f64(1.0 - JITTER + 2.0 * JITTER * share)
}

/// Seconds, or an HTTP date.
fn retry_after_of(text: &str, real: Stamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    let ms = date.timestamp().as_millisecond().saturating_sub(real.0);
    Some(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}

fn status_text(code: u16) -> String {
    match code {
        300..=399 => format!("{code}: redirects are not followed; give the receiver's final url"),
        401 | 403 => format!("{code}: the receiver refuses us; check its url and secret"),
        404 => format!("{code}: nothing there; check the receiver's url"),
        _ => code.to_string(),
    }
}

fn with_words(status: &str, words: &str) -> String {
    if words.is_empty() { status.to_owned() } else { format!("{status} ({words})") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SCHEDULE: [Duration; 3] =
        [Duration::ZERO, Duration::from_secs(5), Duration::from_secs(30)];

    fn ended(attempts: u32) -> Ended<'static> {
        Ended {
            uid: "n1",
            attempts,
            at: Stamp(1_000_000),
            real: Stamp::parse("1994-11-06T08:49:07Z").unwrap(),
            speed: 1.0,
            took: Duration::from_millis(7),
        }
    }

    fn status(code: u16, retry_after: Option<&str>) -> Answer {
        let retry_after = retry_after.map(str::to_owned);
        Answer::Status { code, retry_after, words: String::new(), digest: Some("ab".to_owned()) }
    }

    fn wait(answer: &Answer) -> Option<Duration> {
        judge(answer, ended(1), &SCHEDULE).wait
    }

    #[test]
    fn every_2xx_is_delivered_and_nothing_else_is() {
        for code in 100..600 {
            let verdict = judge(&status(code, None), ended(1), &SCHEDULE);
            match verdict.outcome {
                Outcome::Delivered { status, took_ms, digest } => {
                    assert!((200..300).contains(&code));
                    assert_eq!((status, took_ms, digest.as_deref()), (code, 7, Some("ab")));
                }
                Outcome::Dead { disable, .. } => assert!(code == 410 && disable),
                Outcome::Retry { .. } => assert!(!(200..300).contains(&code) && code != 410),
            }
        }
    }

    #[test]
    fn what_a_service_refuses_with_a_2xx_is_tried_again() {
        let answer = Answer::Refused { code: 200, why: "errcode 310000 sign not match".to_owned() };
        let verdict = judge(&answer, ended(1), &SCHEDULE);
        let Outcome::Retry { why, .. } = verdict.outcome else { panic!("{verdict:?}") };
        assert_eq!(why, "200, but errcode 310000 sign not match");
        assert!(verdict.wait.is_some());
    }

    #[test]
    fn what_a_mail_server_refuses_for_good_is_dead_at_once_and_disables_nobody() {
        let never = Answer::Never { code: 550, why: "no such user".to_owned() };
        let Verdict { outcome: Outcome::Dead { why, disable }, wait: None } =
            judge(&never, ended(1), &SCHEDULE)
        else {
            panic!("not dead")
        };
        assert_eq!(why, "550: the receiver refuses it for good (no such user)");
        assert!(!disable);
    }

    #[test]
    fn after_the_last_step_a_notice_is_dead_and_says_why() {
        let refused = Answer::None("connection refused".to_owned());
        assert!(judge(&refused, ended(2), &SCHEDULE).wait.is_some());
        let verdict = judge(&refused, ended(3), &SCHEDULE);
        let why = "given up after 3 attempts; the last: connection refused".to_owned();
        assert_eq!(verdict, Verdict { outcome: Outcome::Dead { why, disable: false }, wait: None });
    }

    #[test]
    fn retry_after_is_honoured_in_both_forms_and_bounded() {
        let cases = [
            ("120", Duration::from_secs(120)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Duration::from_secs(30)),
            ("99999999", RETRY_AFTER_MAX),
        ];
        for (text, expected) in cases {
            assert_eq!(wait(&status(429, Some(text))), Some(expected), "{text}");
            assert_eq!(wait(&status(503, Some(text))), Some(expected), "{text}");
        }
    }

    #[test]
    fn retry_after_never_makes_a_notice_come_back_sooner_than_its_schedule() {
        for text in ["0", "1", "Sun, 06 Nov 1994 08:00:00 GMT", "soon", "-5", ""] {
            assert_eq!(wait(&status(429, Some(text))), wait(&status(429, None)), "{text}");
        }
        assert_eq!(wait(&status(500, Some("120"))), wait(&status(500, None)));
    }

    #[test]
    fn a_fast_clock_turns_a_real_wait_into_a_longer_one_of_its_own() {
        let fast = Ended { speed: 600.0, ..ended(1) };
        let verdict = judge(&status(429, Some("10")), fast, &SCHEDULE);
        assert_eq!(verdict.wait, Some(Duration::from_secs(10)));
        let Outcome::Retry { next, .. } = verdict.outcome else { panic!("{verdict:?}") };
        assert_eq!(next, Stamp(1_000_000 + 10 * 600 * 1000));
        assert_eq!(wait_until(next, fast.at, 600.0, &SCHEDULE), Duration::from_secs(10));
    }

    #[test]
    fn a_clock_put_back_delays_a_notice_by_a_day_at_most() {
        let year = Stamp(365 * 86_400_000);
        assert_eq!(wait_until(year, Stamp(0), 1.0, &SCHEDULE), RETRY_AFTER_MAX);
        assert_eq!(wait_until(Stamp(0), year, 1.0, &SCHEDULE), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_fifth_and_is_always_the_same(uid in "\\PC{0,40}", n in 0u32..20, s in 0u64..100_000) {
            let step = Duration::from_secs(s);
            let wait = jittered(step, &uid, n);
            prop_assert!(wait >= step.mul_f64(0.799) && wait <= step.mul_f64(1.201));
            prop_assert_eq!(wait, jittered(step, &uid, n));
        }

        #[test]
        fn no_retry_after_breaks_anything(text in "\\PC{0,40}") {
            prop_assert!(wait(&status(429, Some(&text))).is_some());
        }
    }
}
