//! What a session with a broker knows: which subscriptions are asked for,
//! granted, refused, or to be given up. Plain state, driven by [`super::task`].
//!
//! Subscribing again to what the session already has is harmless, and with
//! MQTT 5 brings no retained messages again; so a process subscribes to
//! everything when it first connects, and after that only when the broker has
//! lost the session, or for filters that it refused. Shared subscriptions are asked
//! for each time: they never bring retained messages, and Mosquitto 2.0 forgets them
//! when it restarts, although it keeps the session.

use super::fault::Fault;
use super::packet::{Dialect, Request};
use crate::flow::SourceState;
use bytes::BytesMut;
use std::time::{Duration, Instant};

/// How long a refused filter rests before it is asked for again: the broker's
/// rules may have been put right meanwhile.
const ASK_AGAIN: Duration = Duration::from_secs(300);

/// What the filter of a shared subscription begins with (MQTT 5, 4.8.2).
const SHARED: &str = "$share/";

/// The subscriptions of one source.
pub(super) struct Session {
    dialect: &'static dyn Dialect,
    qos: u8,
    filters: Vec<String>,
    /// Filters of an earlier configuration that the session may still hold.
    given_up: Vec<String>,
    refused: Vec<String>,
    refused_at: Instant,
    /// Whether this process has asked for all filters and got an answer.
    asked_once: bool,
    asking: Option<(u16, Vec<String>)>,
    giving_up: Option<u16>,
    last_packet: u16,
}

impl Session {
    /// A session that shall hold `filters`, and may hold `previous` ones.
    pub fn new(
        dialect: &'static dyn Dialect,
        qos: u8,
        filters: &[String],
        previous: &[String],
    ) -> Session {
        let mut wanted: Vec<String> = Vec::with_capacity(filters.len());
        for filter in filters {
            if !wanted.contains(filter) {
                wanted.push(filter.clone());
            }
        }
        let given_up = previous.iter().filter(|f| !wanted.contains(f)).cloned().collect();
        Session {
            dialect,
            qos,
            filters: wanted,
            given_up,
            refused: Vec::new(),
            refused_at: Instant::now(),
            asked_once: false,
            asking: None,
            giving_up: None,
            last_packet: 0,
        }
    }

    /// The broker took us. Says whether we are ready without asking for anything.
    pub fn connected(&mut self, present: bool, out: &mut BytesMut) -> Result<bool, Fault> {
        if let Some((_, unanswered)) = self.asking.take() {
            self.refused = unanswered;
        }
        self.giving_up = None;
        if !present {
            // Its session is new: it holds nothing that could be given up.
            self.given_up.clear();
        }
        let refused = std::mem::take(&mut self.refused);
        let keeps = |filter: &&String| {
            present && self.asked_once && !filter.starts_with(SHARED) && !refused.contains(*filter)
        };
        let missing = self.filters.iter().filter(|f| !keeps(f)).cloned().collect();
        self.ask(missing, out)?;
        // Only then: where an old filter matches what a new one does, a message
        // may come by both, but none by neither.
        if !self.given_up.is_empty() {
            let packet = self.next_packet();
            let filters = self.given_up.clone();
            let request = Request { packet, filters: &filters, qos: 0, retained: false };
            self.dialect.unsubscribe(&request, out)?;
            self.giving_up = Some(packet);
        }
        Ok(self.asking.is_none())
    }

    /// Whether it shall hold nothing.
    pub fn is_leaving(&self) -> bool {
        self.filters.is_empty()
    }

    /// Whether the broker holds no subscription for it any more.
    pub fn holds_nothing(&self) -> bool {
        self.is_leaving() && self.given_up.is_empty()
    }

    /// The broker answered SUBSCRIBE.
    pub fn subscribed(
        &mut self,
        packet: u16,
        answers: &[Result<u8, &'static str>],
    ) -> Option<SourceState> {
        let (_, filters) = self.asking.take_if(|(asked, _)| *asked == packet)?;
        self.asked_once = true;
        self.refused.clear();
        let mut told = Vec::new();
        for (i, filter) in filters.into_iter().enumerate() {
            match answers.get(i).unwrap_or(&Err("no answer")) {
                Ok(granted) if *granted < self.qos => tracing::warn!(
                    filter,
                    asked = self.qos,
                    granted,
                    "the broker grants a lower QoS than asked: messages can be lost on the way"
                ),
                Ok(_) => {}
                Err(why) => {
                    told.push(format!("{filter} ({why})"));
                    self.refused.push(filter);
                }
            }
        }
        self.refused_at = Instant::now();
        Some(if told.is_empty() { SourceState::Up } else { SourceState::Refused(told) })
    }

    /// The broker answered UNSUBSCRIBE.
    pub fn unsubscribed(&mut self, packet: u16) {
        if self.giving_up == Some(packet) {
            self.giving_up = None;
            self.given_up.clear();
        }
    }

    /// Asks again for what was refused, if it has rested long enough.
    pub fn ask_again(&mut self, now: Instant, out: &mut BytesMut) -> Result<(), Fault> {
        let rested = now.duration_since(self.refused_at) >= ASK_AGAIN;
        if self.asking.is_some() || self.refused.is_empty() || !rested {
            return Ok(());
        }
        let refused = std::mem::take(&mut self.refused);
        self.ask(refused, out)
    }

    fn ask(&mut self, filters: Vec<String>, out: &mut BytesMut) -> Result<(), Fault> {
        if filters.is_empty() {
            return Ok(());
        }
        let packet = self.next_packet();
        let request = Request { packet, filters: &filters, qos: self.qos, retained: true };
        self.dialect.subscribe(&request, out)?;
        self.asking = Some((packet, filters));
        Ok(())
    }

    fn next_packet(&mut self) -> u16 {
        self.last_packet = self.last_packet.checked_add(1).unwrap_or(1);
        self.last_packet
    }
}

#[cfg(test)]
mod tests {
    use super::super::v5::V5;
    use super::*;

    fn filters(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    /// The packet types written, by their number in the protocol.
    fn types(out: &BytesMut) -> Vec<u8> {
        let mut frames = super::super::frame::Frames::new(1_000);
        let mut rest = out.clone();
        std::iter::from_fn(|| frames.next(&mut rest).unwrap()).map(|f| f[0] >> 4).collect()
    }

    const SUBSCRIBE: u8 = 8;
    const UNSUBSCRIBE: u8 = 10;

    #[test]
    fn a_process_subscribes_once_and_after_that_only_when_the_session_is_lost() {
        let mut s = Session::new(&V5, 1, &filters(&["a", "b"]), &[]);
        let mut out = BytesMut::new();
        assert!(!s.connected(true, &mut out).unwrap());
        assert_eq!(types(&out), [SUBSCRIBE]);
        assert_eq!(s.subscribed(1, &[Ok(1), Ok(1)]), Some(SourceState::Up));

        out.clear();
        assert!(s.connected(true, &mut out).unwrap());
        assert!(out.is_empty());
        assert!(!s.connected(false, &mut out).unwrap());
        assert_eq!(types(&out), [SUBSCRIBE]);
    }

    #[test]
    fn shared_subscriptions_are_asked_for_with_every_connection() {
        let mut s = Session::new(&V5, 1, &filters(&["$share/g/a", "b"]), &[]);
        let mut out = BytesMut::new();
        s.connected(false, &mut out).unwrap();
        s.subscribed(1, &[Ok(1), Ok(1)]);
        out.clear();
        assert!(!s.connected(true, &mut out).unwrap());
        assert_eq!(types(&out), [SUBSCRIBE]);
        let asked = |what: &[u8]| out.windows(what.len()).any(|w| w == what);
        assert!(asked(b"$share/g/a") && !asked(b"\x01b"));
        assert_eq!(s.subscribed(2, &[Ok(1)]), Some(SourceState::Up));
    }

    #[test]
    fn a_connection_lost_before_the_answer_asks_again() {
        let mut s = Session::new(&V5, 1, &filters(&["a"]), &[]);
        let mut out = BytesMut::new();
        s.connected(false, &mut out).unwrap();
        out.clear();
        assert!(!s.connected(true, &mut out).unwrap());
        assert_eq!(types(&out), [SUBSCRIBE]);
        assert_eq!(s.subscribed(1, &[Ok(1)]), None, "the answer to the lost question");
        assert_eq!(s.subscribed(2, &[Ok(1)]), Some(SourceState::Up));
    }

    #[test]
    fn what_the_configuration_no_longer_names_is_given_up_once() {
        let mut s = Session::new(&V5, 1, &filters(&["a"]), &filters(&["a", "old"]));
        let mut out = BytesMut::new();
        s.connected(true, &mut out).unwrap();
        assert_eq!(types(&out), [SUBSCRIBE, UNSUBSCRIBE]);
        assert!(out.windows(3).any(|w| w == b"old"));
        s.subscribed(1, &[Ok(1)]);
        s.unsubscribed(2);
        out.clear();
        s.connected(true, &mut out).unwrap();
        assert!(out.is_empty());
    }

    #[test]
    fn a_refused_filter_is_named_and_asked_for_again_after_a_rest() {
        let mut s = Session::new(&V5, 1, &filters(&["a", "b"]), &[]);
        let mut out = BytesMut::new();
        s.connected(false, &mut out).unwrap();
        let state = s.subscribed(1, &[Ok(1), Err("not authorised")]);
        assert_eq!(state, Some(SourceState::Refused(filters(&["b (not authorised)"]))));

        out.clear();
        s.ask_again(Instant::now(), &mut out).unwrap();
        assert!(out.is_empty(), "too early");
        s.ask_again(Instant::now() + ASK_AGAIN, &mut out).unwrap();
        assert_eq!(types(&out), [SUBSCRIBE]);
        assert_eq!(s.subscribed(2, &[Ok(1)]), Some(SourceState::Up));
    }

    #[test]
    fn a_session_that_shall_hold_nothing_gives_everything_up_and_says_when() {
        let mut s = Session::new(&V5, 1, &[], &filters(&["old"]));
        let mut out = BytesMut::new();
        s.connected(true, &mut out).unwrap();
        assert_eq!(types(&out), [UNSUBSCRIBE]);
        assert!(s.is_leaving() && !s.holds_nothing());
        s.unsubscribed(1);
        assert!(s.holds_nothing());
    }

    #[test]
    fn a_filter_named_twice_is_asked_for_once() {
        let mut s = Session::new(&V5, 1, &filters(&["a", "a"]), &[]);
        s.connected(false, &mut BytesMut::new()).unwrap();
        assert_eq!(s.subscribed(1, &[Ok(1)]), Some(SourceState::Up));
    }
}
