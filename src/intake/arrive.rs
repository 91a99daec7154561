//! One arrival becomes rows of the journal: decoded, judged for quality, told
//! apart from what is there already, and put into exactly one bucket.

use super::state::State;
use super::tally::Count;
use crate::air::reading::TimeSource;
use crate::air::{Measured, Observation, Stamp, StandIn, Value};
use crate::decode::{self, Decoded, Heard, Message, Refused, Remember};
use crate::flow::Arrival;
use crate::quality::When;
use crate::store::{ArrivalRow, Bucket, DeviceId, OpenHour, Packet, RowKind, StoreError};
use std::collections::HashMap;
use xxhash_rust::xxh3::Xxh3;

/// So many values are compared each with each; beyond, hashing is cheaper.
const APART_MAX: usize = 16;

/// A message on its way into the journal, with what is known of it besides its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inward {
    /// The place of its source among the seats.
    pub seat: usize,
    /// The row of its source in `sources`.
    pub source: u32,
    /// When it came in.
    pub arrived: Stamp,
    /// When its rows are written: later than it came, if it was set aside.
    pub at: Stamp,
    /// Whether the broker sent it from its memory.
    pub retained: bool,
    /// Its packet.
    pub packet: Option<Packet>,
    /// Whether the broker sends it again: nothing in it is new.
    pub again: bool,
    /// Whether it was set aside and is counted already.
    pub aside: bool,
}

/// An observation with what of it is new.
struct Sorted {
    device: DeviceId,
    observed: Stamp,
    time_source: TimeSource,
    values: Vec<Measured>,
    duplicates: u32,
    revises: bool,
}

impl State {
    /// Takes one message in.
    pub fn arrive(&mut self, arrival: &Arrival) -> Result<(), StoreError> {
        let at = arrival.at;
        let place = usize::from(arrival.source.0);
        let Some(seat) = self.seats.get_mut(place) else { return Ok(()) };
        // It may have waited for longer than the source may be silent.
        seat.heard = seat.heard.max(at);
        let source = seat.row;
        self.tally.add(place, Count::Arrivals(1));
        let packet =
            arrival.receipt.map(|r| Packet { lane: r.lane, id: r.packet, digest: digest(arrival) });
        self.heard_source(place, at)?;
        let heard = self.read(place, (&arrival.topic, &arrival.payload), arrival.retained, at);
        let again = self.sent_again(arrival, source, packet);
        if !again {
            self.learn(arrival, source, at, heard.noted)?;
        }
        let retained = arrival.retained;
        let inward =
            Inward { seat: place, source, arrived: at, at, retained, packet, again, aside: false };
        match heard.outcome {
            Err(Refused::Malformed { .. }) if again => {
                self.leave(&inward, Bucket::Duplicate, None, 0)
            }
            Err(Refused::Malformed { reason, detail }) => {
                self.set_aside(&inward, arrival, reason, &detail)
            }
            Err(Refused::Ignored(policy)) => {
                self.count_ignored(&inward, policy);
                self.leave(&inward, Bucket::Ignored, None, 0)
            }
            Ok(decoded) => self.enter(&inward, decoded, heard.policy).map(drop),
        }
    }

    /// What was decoded goes into the journal; tells the bucket it ends in.
    pub(super) fn enter(
        &mut self,
        inward: &Inward,
        decoded: Decoded,
        policy: Option<&'static str>,
    ) -> Result<Bucket, StoreError> {
        if decoded.forecasts.is_empty() {
            self.observations(inward, decoded, policy.unwrap_or("no_values"))
        } else {
            self.foretelling(inward, decoded)
        }
    }

    /// What a message of a source says, by today's configuration.
    pub(super) fn read(
        &self,
        place: usize,
        (topic, payload): (&[u8], &[u8]),
        retained: bool,
        received: Stamp,
    ) -> Heard {
        let Ok(topic) = std::str::from_utf8(topic) else {
            return Heard::refused(Refused::Malformed {
                reason: "topic_not_utf8",
                detail: "the topic is not UTF-8; MQTT does not allow that: mend the publisher"
                    .into(),
            });
        };
        let Some((source, seat)) = self.plan.sources.get(place).zip(self.seats.get(place)) else {
            return Heard::refused(Refused::Ignored("no_route"));
        };
        let message = Message { topic, payload, retained, received };
        decode::decode(&source.routes, &message, &seat.memory)
    }

    /// Remembers what a message said for those after it, in its transaction.
    fn learn(
        &mut self,
        arrival: &Arrival,
        source: u32,
        at: Stamp,
        noted: Vec<Remember>,
    ) -> Result<(), StoreError> {
        let place = usize::from(arrival.source.0);
        let Some(seat) = self.seats.get_mut(place) else { return Ok(()) };
        let learnt = seat.memory.learn(noted);
        if learnt.pushed_out > 0 {
            self.tally.add(place, Count::PushedOut(learnt.pushed_out));
        }
        for Remember { key, value } in learnt.changes {
            self.writer.put_remembered(source, &key, value.as_deref(), at)?;
        }
        Ok(())
    }

    /// Whether the broker sends again what was committed, because it never saw
    /// our acknowledgement.
    fn sent_again(&self, arrival: &Arrival, source: u32, packet: Option<Packet>) -> bool {
        arrival.duplicate && packet.is_some_and(|p| self.index.committed_before(source, p))
    }

    fn observations(
        &mut self,
        inward: &Inward,
        decoded: Decoded,
        policy: &'static str,
    ) -> Result<Bucket, StoreError> {
        let mut left_out = decoded.skipped.len() as u32;
        let mut sorted = Vec::with_capacity(decoded.observations.len());
        let mut policy = policy;
        let main = decoded.main.as_deref();
        for observation in together(decoded.observations) {
            if inward.retained && observation.at.is_none() {
                left_out += observation.values.len() as u32;
                policy = "retained_without_time";
            } else {
                sorted.push(self.sort(observation, main, inward)?);
            }
        }
        let bucket = match () {
            () if sorted.iter().any(|s| !s.values.is_empty()) => Bucket::Stored,
            () if !sorted.is_empty() => Bucket::Duplicate,
            () => Bucket::Ignored,
        };
        if bucket == Bucket::Ignored {
            self.count_ignored(inward, policy);
            let device = decoded.device.and_then(|d| self.writer.devices().get(&d).copied());
            self.leave(inward, bucket, device, left_out)?;
            return Ok(bucket);
        }
        self.left_quarantine(inward, bucket)?;
        for (place, s) in sorted.into_iter().enumerate() {
            let first = place == 0;
            self.put_readings(inward, s, (bucket, first), if first { left_out } else { 0 })?;
        }
        if bucket == Bucket::Duplicate {
            self.count(inward, Count::Duplicate);
        }
        Ok(bucket)
    }

    /// A row for what one observation brought.
    fn put_readings(
        &mut self,
        inward: &Inward,
        mut s: Sorted,
        (bucket, first): (Bucket, bool),
        skipped: u32,
    ) -> Result<(), StoreError> {
        // Looked up now: a row of this very message may be in front of it.
        let hour = self.hour_of(s.device, s.observed, inward.at)?;
        self.follow(inward.seat, s.device, s.observed, &mut s.values)?;
        self.count(inward, Count::Stored(s.values.len() as u64));
        let row = ArrivalRow {
            source: inward.source,
            bucket,
            continues: !first || inward.aside,
            device: Some(s.device),
            observed: s.observed,
            time_source: s.time_source,
            revises: s.revises,
            prev: hour.map_or(0, |h| h.head),
            packet: inward.packet.filter(|_| first),
            values: s.values,
            duplicates: s.duplicates,
            skipped,
        };
        self.append(inward.at, RowKind::Arrival(row))
    }

    /// Tells what of an observation is new, what revises, what is there already.
    fn sort(
        &mut self,
        observation: Observation,
        main: Option<&StandIn>,
        inward: &Inward,
    ) -> Result<Sorted, StoreError> {
        let (observed, time_source) = match observation.at {
            Some(own) => (own, TimeSource::Device),
            None => (inward.arrived, TimeSource::Arrival),
        };
        let device = self.writer.device(&observation.device, inward.source)?;
        let mut sorted = Sorted {
            device,
            observed,
            time_source,
            values: Vec::new(),
            duplicates: 0,
            revises: false,
        };
        if inward.again {
            sorted.duplicates = observation.values.len() as u32;
            return Ok(sorted);
        }
        let hour = self.hour_of(device, observed, inward.at)?;
        let when = When { observed, source: time_source, received: inward.arrived };
        let judged = self.believed(inward.seat, observation, when, main);
        let there = match &hour {
            Some(hour) => self.writer.values_at(device, hour, observed, &judged)?,
            None => Vec::new(),
        };
        for m in judged {
            let known = there
                .iter()
                .find(|t| t.value.quantity == m.value.quantity && t.value.label == m.value.label);
            match known {
                Some(t) if t.value.value.to_bits() == m.value.value.to_bits() => {
                    sorted.duplicates += 1;
                }
                other => {
                    sorted.revises |= other.is_some();
                    sorted.values.push(m);
                }
            }
        }
        Ok(sorted)
    }

    /// The rows of a device in the hour of an instant, open or closed.
    pub(super) fn hour_of(
        &self,
        device: DeviceId,
        observed: Stamp,
        at: Stamp,
    ) -> Result<Option<OpenHour>, StoreError> {
        let hour = observed.hour();
        if self.index.tracks(device, hour, at)
            && let Some(open) = self.index.device(device).and_then(|d| d.open_hour(hour))
        {
            return Ok(Some(open));
        }
        // Also of an hour that is only now near enough to be kept open.
        self.writer.closed_hour(device, hour)
    }

    /// A row for a message that brought nothing new.
    pub(super) fn leave(
        &mut self,
        inward: &Inward,
        bucket: Bucket,
        device: Option<DeviceId>,
        skipped: u32,
    ) -> Result<(), StoreError> {
        self.left_quarantine(inward, bucket)?;
        if inward.aside && skipped == 0 {
            return Ok(());
        }
        let row = ArrivalRow {
            source: inward.source,
            bucket,
            continues: inward.aside,
            device,
            observed: inward.arrived,
            time_source: TimeSource::Arrival,
            revises: false,
            prev: 0,
            packet: inward.packet,
            values: Vec::new(),
            duplicates: 0,
            skipped,
        };
        self.append(inward.at, RowKind::Arrival(row))
    }

    pub(super) fn count(&mut self, inward: &Inward, count: Count) {
        self.tally.add(inward.seat, count);
    }

    /// Counts a message as left out by a policy.
    pub(super) fn count_ignored(&mut self, inward: &Inward, policy: &'static str) {
        self.count(inward, Count::Ignored(policy, 1));
    }
}

/// Joins observations of one device at one instant; a later value of a series
/// takes the place of an earlier one.
fn together(observations: Vec<Observation>) -> Vec<Observation> {
    if let [one] = observations.as_slice()
        && apart(&one.values)
    {
        return observations;
    }
    let mut places = HashMap::new();
    let mut series = HashMap::new();
    let mut out: Vec<Observation> = Vec::with_capacity(observations.len());
    for o in observations {
        let place = *places.entry((o.device.clone(), o.at)).or_insert(out.len());
        if place == out.len() {
            out.push(Observation { values: Vec::with_capacity(o.values.len()), ..o.clone() });
        }
        let Some(there) = out.get_mut(place) else { continue };
        for value in o.values {
            let key = (place, value.quantity, value.label.clone());
            match series.get(&key).and_then(|i: &usize| there.values.get_mut(*i)) {
                Some(earlier) => *earlier = value,
                None => {
                    series.insert(key, there.values.len());
                    there.values.push(value);
                }
            }
        }
    }
    out
}

/// Whether these few values are all of different series.
fn apart(values: &[Value]) -> bool {
    let same = |a: &Value, b: &Value| a.quantity == b.quantity && a.label == b.label;
    values.len() <= APART_MAX
        && values.iter().enumerate().all(|(i, v)| !values[..i].iter().any(|w| same(v, w)))
}

/// Recognises a message sent again.
fn digest(arrival: &Arrival) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&arrival.topic);
    hash.update(&[0]);
    hash.update(&arrival.payload);
    hash.digest()
}
