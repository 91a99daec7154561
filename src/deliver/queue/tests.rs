use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

fn pending(id: i64, receiver: &str, subject: &str, due: Instant) -> Pending {
    Pending { id, receiver: receiver.to_owned(), subject: subject.to_owned(), attempts: 0, due }
}

fn ids(queue: &mut Queue, now: Instant) -> Vec<Job> {
    std::iter::from_fn(|| queue.take(now)).collect()
}

#[test]
fn the_next_of_a_line_waits_for_the_one_before() {
    let now = Instant::now();
    let mut queue = Queue::new(64);
    for id in 1..=3 {
        queue.add(pending(id, "a", "zone/seoul", now));
    }
    let first = queue.take(now).unwrap();
    assert_eq!((first.id, queue.take(now)), (1, None));
    let later = now + Duration::from_secs(5);
    queue.ended(&first, End::Again(later));
    assert_eq!((queue.take(now), queue.next_due()), (None, Some(later)));
    let again = queue.take(later).unwrap();
    assert_eq!((again.id, again.attempts), (1, 1));
    queue.ended(&again, End::Gone);
    assert_eq!(queue.take(later).unwrap().id, 2);
}

#[test]
fn subjects_go_side_by_side_up_to_the_bound_of_a_receiver() {
    let now = Instant::now();
    let mut queue = Queue::new(64);
    for id in 1..=10 {
        queue.add(pending(id, "a", &format!("s{id}"), now));
    }
    let jobs = ids(&mut queue, now);
    assert_eq!(jobs.len(), PER_RECEIVER);
    queue.ended(&jobs[0], End::Delivered);
    assert_eq!(ids(&mut queue, now).len(), 1);
}

#[test]
fn a_receiver_that_fails_occupies_one_place_until_it_takes_something() {
    let now = Instant::now();
    let mut queue = Queue::new(64);
    for id in 1..=10 {
        queue.add(pending(id, "a", &format!("s{id}"), now));
    }
    let later = now + Duration::from_secs(60);
    for job in ids(&mut queue, now) {
        queue.ended(&job, End::Again(later));
    }
    let probe = ids(&mut queue, now);
    assert_eq!(probe.len(), 1);
    queue.ended(&probe[0], End::Delivered);
    assert_eq!(ids(&mut queue, now).len(), PER_RECEIVER);
}

#[test]
fn receivers_take_turns_however_much_one_has() {
    let now = Instant::now();
    let mut queue = Queue::new(2);
    for id in 1..=100 {
        queue.add(pending(id, "a", &format!("s{id}"), now));
    }
    queue.add(pending(101, "b", "s", now));
    let receivers: Vec<String> = ids(&mut queue, now).into_iter().map(|j| j.receiver).collect();
    assert_eq!(receivers, ["a", "b"]);
}

#[test]
fn notices_of_a_closed_receiver_are_handed_out_with_the_reason() {
    let now = Instant::now();
    let mut queue = Queue::new(64);
    queue.add(pending(1, "a", "s", now));
    queue.close("a", "410");
    assert_eq!(queue.take(now).unwrap().closed.as_deref(), Some("410"));
}

#[test]
fn a_long_line_remembers_little() {
    let now = Instant::now();
    let mut queue = Queue::new(64);
    for id in 1..=10_000 {
        queue.add(pending(id, "a", "s", now));
    }
    let held: usize = queue.lines.values().map(|l| l.heads.len()).sum();
    assert_eq!(held, LINE_MAX);
}

/// The outbox and a reader of it that can be late.
struct Outbox {
    rows: Vec<Pending>,
    seen: usize,
}

impl Outbox {
    fn refill(&self, refill: &Refill, upto: usize) -> (Vec<Pending>, bool) {
        let of_line = |n: &&Pending| {
            n.id >= refill.from && n.receiver == refill.receiver && n.subject == refill.subject
        };
        let mut found: Vec<Pending> = self.rows[..upto].iter().filter(of_line).cloned().collect();
        let exhausted = found.len() <= LINE_MAX;
        found.truncate(LINE_MAX);
        (found, exhausted)
    }
}

proptest! {
    /// Whatever the order of events, every notice is delivered once, in the
    /// order of its line, also when a refill has not seen the newest rows.
    #[test]
    fn every_notice_is_handed_out_once_and_in_order(
        keys in prop::collection::vec((0u8..2, 0u8..2), 1..400),
        steps in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let now = Instant::now();
        let rows = keys.iter().enumerate().map(|(i, (r, s))| {
            pending(i as i64 + 1, &format!("r{r}"), &format!("s{s}"), now)
        });
        let mut outbox = Outbox { rows: rows.collect(), seen: 0 };
        let mut queue = Queue::new(5);
        let mut running: Vec<Job> = Vec::new();
        let mut refills: Vec<(Refill, usize)> = Vec::new();
        let mut order: BTreeMap<(String, String), Vec<i64>> = BTreeMap::new();
        let drain = std::iter::repeat_n([0u8, 1, 2, 3], 2000).flatten();
        for step in steps.into_iter().chain(drain) {
            match step % 4 {
                0 if outbox.seen < outbox.rows.len() => {
                    queue.add(outbox.rows[outbox.seen].clone());
                    outbox.seen += 1;
                }
                1 => running.extend(queue.take(now)),
                2 if !running.is_empty() => {
                    let job = running.remove(usize::from(step / 4) % running.len());
                    let row = &outbox.rows[job.id as usize - 1];
                    let end = if step % 5 == 4 { End::Again(now) } else { End::Delivered };
                    if end == End::Delivered {
                        order.entry((row.receiver.clone(), row.subject.clone())).or_default().push(job.id);
                    }
                    refills.extend(queue.ended(&job, end).map(|r| (r, outbox.seen)));
                }
                3 if !refills.is_empty() => {
                    let (refill, upto) = refills.remove(0);
                    let (found, exhausted) = outbox.refill(&refill, upto);
                    refills.extend(queue.refilled(&refill, found, exhausted).map(|r| (r, outbox.seen)));
                }
                _ => {}
            }
        }
        let all: usize = order.values().map(Vec::len).sum();
        prop_assert_eq!(all, outbox.rows.len());
        for ids in order.values() {
            prop_assert!(ids.windows(2).all(|w| w[0] < w[1]), "{:?}", ids);
        }
        prop_assert!(queue.lines.is_empty() && queue.line_of.is_empty() && queue.timers.is_empty());
        prop_assert_eq!(queue.running, 0);
    }
}
