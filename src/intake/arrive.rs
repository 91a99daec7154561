//! One arrival becomes rows of the journal: decoded, judged for quality, told
//! apart from what is there already, and put into exactly one bucket.

use super::state::State;
use crate::air::mask::mask;
use crate::air::reading::TimeSource;
use crate::air::{Measured, Observation, Stamp, Value};
use crate::decode::{self, Decoded, Heard, Message, Refused, Remember};
use crate::flow::Arrival;
use crate::quality::When;
use crate::store::{
    ArrivalRow, Bucket, DeviceId, OpenHour, Packet, QuarantineRow, RowKind, StoreError,
};
use std::collections::HashMap;
use xxhash_rust::xxh3::Xxh3;

/// So many values are compared each with each; beyond, hashing is cheaper.
const APART_MAX: usize = 16;

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
    pub fn arrive(&mut self, arrival: Arrival) -> Result<(), StoreError> {
        let at = arrival.at;
        let Some(seat) = self.seats.get_mut(usize::from(arrival.source.0)) else { return Ok(()) };
        seat.heard = at;
        seat.metrics.arrivals.inc();
        let source = seat.row;
        let packet = arrival.receipt.map(|r| Packet {
            lane: r.lane,
            id: r.packet,
            digest: digest(&arrival),
        });
        self.heard_source(usize::from(arrival.source.0), at)?;
        let heard = self.read(&arrival, at);
        let again = self.sent_again(&arrival, source, packet);
        if !again {
            self.learn(&arrival, source, at, heard.noted)?;
        }
        match heard.outcome {
            Err(Refused::Malformed { reason, detail }) => {
                if again {
                    return self.leave(at, source, packet, Bucket::Duplicate, None, 0);
                }
                self.quarantine(&arrival, at, source, packet, (reason, detail))
            }
            Err(Refused::Ignored(policy)) => {
                self.count_ignored(&arrival, policy);
                self.leave(at, source, packet, Bucket::Ignored, None, 0)
            }
            Ok(decoded) if !decoded.forecasts.is_empty() => {
                self.foretelling(&arrival, (source, packet), decoded, again)
            }
            Ok(decoded) => {
                let policy = heard.policy.unwrap_or("no_values");
                self.observations(&arrival, at, source, packet, decoded, (again, policy))
            }
        }
    }

    fn read(&self, arrival: &Arrival, at: Stamp) -> Heard {
        let place = usize::from(arrival.source.0);
        let Ok(topic) = std::str::from_utf8(&arrival.topic) else {
            return Heard::refused(Refused::Malformed {
                reason: "topic_not_utf8",
                detail: "the topic is not UTF-8; MQTT does not allow that: mend the publisher"
                    .into(),
            });
        };
        let Some((source, seat)) = self.plan.sources.get(place).zip(self.seats.get(place)) else {
            return Heard::refused(Refused::Ignored("no_route"));
        };
        let message =
            Message { topic, payload: &arrival.payload, retained: arrival.retained, received: at };
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
        let Some(seat) = self.seats.get_mut(usize::from(arrival.source.0)) else { return Ok(()) };
        let learnt = seat.memory.learn(noted);
        seat.metrics.pushed_out.inc_by(learnt.pushed_out);
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
        arrival: &Arrival,
        at: Stamp,
        source: u32,
        packet: Option<Packet>,
        decoded: Decoded,
        (again, policy): (bool, &'static str),
    ) -> Result<(), StoreError> {
        let skipped = decoded.skipped.len() as u32;
        let mut sorted = Vec::with_capacity(decoded.observations.len());
        let mut timeless = 0;
        let seat = usize::from(arrival.source.0);
        for observation in together(decoded.observations) {
            if arrival.retained && observation.at.is_none() {
                timeless += observation.values.len() as u32;
            } else {
                sorted.push(self.sort(observation, at, seat, source, again)?);
            }
        }
        let bucket = match () {
            () if sorted.iter().any(|s| !s.values.is_empty()) => Bucket::Stored,
            () if !sorted.is_empty() => Bucket::Duplicate,
            () => Bucket::Ignored,
        };
        if bucket == Bucket::Ignored {
            let policy = if timeless > 0 { "retained_without_time" } else { policy };
            self.count_ignored(arrival, policy);
            let device = decoded.device.and_then(|d| self.writer.devices().get(&d).copied());
            return self.leave(at, source, packet, bucket, device, skipped + timeless);
        }
        for (place, mut s) in sorted.into_iter().enumerate() {
            let first = place == 0;
            // Looked up now: a row of this very message may be in front of it.
            let hour = self.hour_of(s.device, s.observed, at)?;
            self.follow(seat, s.device, s.observed, &mut s.values)?;
            self.count_readings(arrival, &s);
            let row = ArrivalRow {
                source,
                bucket,
                continues: !first,
                device: Some(s.device),
                observed: s.observed,
                time_source: s.time_source,
                revises: s.revises,
                prev: hour.map_or(0, |h| h.head),
                packet: packet.filter(|_| first),
                values: s.values,
                duplicates: s.duplicates,
                skipped: if first { skipped + timeless } else { 0 },
            };
            self.append(at, RowKind::Arrival(row))?;
        }
        if bucket == Bucket::Duplicate {
            self.count(arrival, |m| {
                m.duplicates.inc();
            });
        }
        Ok(())
    }

    /// Tells what of an observation is new, what revises, what is there already.
    fn sort(
        &mut self,
        observation: Observation,
        at: Stamp,
        place: usize,
        source: u32,
        again: bool,
    ) -> Result<Sorted, StoreError> {
        let (observed, time_source) = match observation.at {
            Some(own) => (own, TimeSource::Device),
            None => (at, TimeSource::Arrival),
        };
        let device = self.writer.device(&observation.device, source)?;
        let mut sorted = Sorted {
            device,
            observed,
            time_source,
            values: Vec::new(),
            duplicates: 0,
            revises: false,
        };
        if again {
            sorted.duplicates = observation.values.len() as u32;
            return Ok(sorted);
        }
        let hour = self.hour_of(device, observed, at)?;
        let when = When { observed, source: time_source, received: at };
        let judged = self.believed(place, observation, when);
        let there = match &hour {
            Some(hour) => self.writer.values_at(hour, observed, &judged)?,
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
    fn hour_of(
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
        at: Stamp,
        source: u32,
        packet: Option<Packet>,
        bucket: Bucket,
        device: Option<DeviceId>,
        skipped: u32,
    ) -> Result<(), StoreError> {
        let row = ArrivalRow {
            source,
            bucket,
            continues: false,
            device,
            observed: at,
            time_source: TimeSource::Arrival,
            revises: false,
            prev: 0,
            packet,
            values: Vec::new(),
            duplicates: 0,
            skipped,
        };
        self.append(at, RowKind::Arrival(row))
    }

    fn quarantine(
        &mut self,
        arrival: &Arrival,
        at: Stamp,
        source: u32,
        packet: Option<Packet>,
        (reason, detail): (&'static str, String),
    ) -> Result<(), StoreError> {
        self.leave(at, source, packet, Bucket::Quarantined, None, 0)?;
        self.count(arrival, |m| m.quarantined(reason));
        let row = QuarantineRow {
            id: 0,
            seq: self.index.seq,
            source: String::new(),
            topic: arrival.topic.to_vec(),
            payload: arrival.payload.to_vec(),
            reason: reason.to_owned(),
            detail: mask(&detail),
            at,
        };
        self.writer.put_quarantine(&row, source)
    }

    fn count(&self, arrival: &Arrival, count: impl FnOnce(&crate::telemetry::SourceMetrics)) {
        if let Some(seat) = self.seats.get(usize::from(arrival.source.0)) {
            count(&seat.metrics);
        }
    }

    fn count_ignored(&self, arrival: &Arrival, policy: &'static str) {
        self.count(arrival, |m| m.ignored(policy, 1));
    }

    fn count_readings(&self, arrival: &Arrival, s: &Sorted) {
        self.count(arrival, |m| {
            m.readings_stored.inc_by(s.values.len() as u64);
        });
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
