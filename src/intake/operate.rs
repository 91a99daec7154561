//! What the intake does for the operation itself: the passing of time, sources
//! that come, go and fall silent.

use super::notify;
use super::state::State;
use super::tally::Count;
use super::task::condition_of;
use crate::air::{Hour, Stamp};
use crate::config::settings::EventKind;
use crate::flow::{Lane, Operational, SourceId, SourceState};
use crate::rules::Ruleset;
use crate::rules::judge::{LevelNow, PlannedZone};
use crate::store::{DeviceId, OpenHour, RowKind, StoreError};
use std::time::Duration;

/// Hours of zones closed by one tick at most, so that catching up after a long
/// absence does not hold up what comes in meanwhile.
const CLOSED_AT_ONCE: usize = 1_000;
/// Devices whose hours are closed in one batch at most: so few that what
/// comes in meanwhile is acknowledged soon.
const DEVICES_AT_ONCE: u32 = 500;

impl State {
    /// Our clock was set, by so much. What is closed by it waits as after a start.
    pub fn clock_was_set(&mut self, now: Stamp, by_ms: i64) {
        tracing::warn!(
            by_ms,
            "the machine's clock was set; hours are not closed by it for a while"
        );
        self.time_stood_still(now);
    }

    /// Messages were not taken for a while, or the clock was set: hours wait for
    /// those that come now as after a start, and no source has been silent.
    pub fn time_stood_still(&mut self, now: Stamp) {
        self.judge.clock_was_set(now);
        self.seats.iter_mut().for_each(|seat| seat.heard = now);
    }

    /// Time went by while messages wait: the hotline's goes on, and nothing else.
    pub fn tick_of_the_hotline(&mut self, now: Stamp) -> Result<(), StoreError> {
        match &mut self.desk {
            Some(desk) => desk.tick(now, &mut self.writer),
            None => Ok(()),
        }
    }

    /// Ends what belongs to parts that the configuration no longer has, and lets
    /// receivers be tried again that asked to be left alone: a start is an
    /// operator's act.
    pub fn forget_what_is_not_configured(&mut self) -> Result<(), StoreError> {
        let ladders: Vec<String> = self
            .plan
            .judge
            .zones
            .iter()
            .flat_map(|z| z.rulesets.iter().map(move |r| (z, r)))
            .flat_map(|(z, r)| {
                let rulesets = self.plan.judge.rulesets.get(r).into_iter().flatten();
                let scales = rulesets.flat_map(Ruleset::scales);
                scales.map(move |scale| format!("{} zone/{}", scale.id, z.id))
            })
            .collect();
        let thresholds = &self.plan.judge.thresholds;
        self.writer.retain_levels(|ladder, scope| {
            ladders.contains(&format!("{ladder} {scope}"))
                || thresholds.iter().any(|t| t.id == ladder && scope.starts_with("station/"))
        })?;
        self.writer.enable_receivers()?;
        let sources = &self.plan.sources;
        let gone = |kind: &str, subject: &str| match kind {
            "receiver_disabled" => true,
            "source_silent" | "subscription_refused" => !sources.iter().any(|s| s.name == subject),
            "station_disagrees" => {
                let of = |z: &PlannedZone| subject.starts_with(&format!("{}/", z.id));
                self.plan.judge.neighbours.is_none() || !self.plan.judge.zones.iter().any(of)
            }
            "zone_unknown" => {
                let known = |l: &String| {
                    l.split_once(" zone/").is_some_and(|(l, z)| subject == format!("{z}/{l}"))
                };
                !ladders.iter().any(known)
            }
            _ => false,
        };
        let ended: Vec<_> = self.conditions.keys().filter(|(k, s)| gone(k, s)).cloned().collect();
        for (kind, subject) in ended {
            self.writer.put_condition(&kind, &subject, None)?;
            self.conditions.remove(&(kind, subject));
        }
        Ok(())
    }

    /// Time went by: closes the hours that are due by the clock, and notices
    /// sources that have fallen silent.
    pub fn tick(&mut self, now: Stamp) -> Result<(), StoreError> {
        self.metrics.series(self.judge.open_series() as u64);
        self.tick_of_the_hotline(now)?;
        for _ in 0..CLOSED_AT_ONCE {
            let Some((zone, hour)) = self.judge.due_by_clock(now) else { break };
            self.append(now, RowKind::ZoneClosed { zone, hour })?;
        }
        let zones_wait = self.judge.due_by_clock(now).is_some();
        if !zones_wait {
            // Not before the hours are closed that the decisions look at.
            self.decide(now)?;
        }
        if self.index.closing.is_none()
            && let Some(frontier) =
                self.judge.frontier(now).filter(|f| !zones_wait && *f > self.index.frontier)
        {
            self.close_some(frontier, DeviceId(0), now)?;
        }
        for place in 0..self.seats.len() {
            self.silence(place, now)?;
        }
        Ok(())
    }

    /// Takes the decisions of the day that are due.
    fn decide(&mut self, now: Stamp) -> Result<(), StoreError> {
        for _ in 0..CLOSED_AT_ONCE {
            let Some((zone, at)) = self.judge.decision_due(now) else { break };
            self.append(now, RowKind::Decided { zone, at })?;
        }
        Ok(())
    }

    /// Goes on with the closing that is under way, if one is. A batch does so much
    /// of it that its acknowledgements hardly wait for it.
    pub fn go_on(&mut self) -> Result<(), StoreError> {
        match self.index.closing {
            Some((frontier, done)) => self.close_some(frontier, done, self.index.received),
            None => Ok(()),
        }
    }

    /// Closes the hours before `frontier` of the next devices.
    pub(super) fn close_some(
        &mut self,
        frontier: Hour,
        done: DeviceId,
        now: Stamp,
    ) -> Result<(), StoreError> {
        let upto = DeviceId(done.0.saturating_add(DEVICES_AT_ONCE));
        self.keep_heads(frontier, done, upto)?;
        self.append(now, RowKind::DevicesClosed { frontier, upto })
    }

    /// Writes down where the hours that close now are found in the journal, of the
    /// devices after one up to another.
    fn keep_heads(
        &mut self,
        frontier: Hour,
        after: DeviceId,
        upto: DeviceId,
    ) -> Result<(), StoreError> {
        let closing = |o: &&OpenHour| o.hour < frontier;
        let some = self.index.devices.iter().enumerate().skip(after.0 as usize);
        for (place, device) in some.take((upto.0 - after.0) as usize) {
            let id = DeviceId(place as u32 + 1);
            let mut any = false;
            for open in device.open.iter().filter(closing) {
                self.writer.put_chain(id, open)?;
                any = true;
            }
            if any {
                self.writer.put_last(id, device.last)?;
            }
        }
        Ok(())
    }

    fn silence(&mut self, place: usize, now: Stamp) -> Result<(), StoreError> {
        let (Some(seat), Some(source)) = (self.seats.get(place), self.plan.sources.get(place))
        else {
            return Ok(());
        };
        let quiet_ms = now.since(seat.heard);
        let silent = source.silent_after > Duration::ZERO
            && u128::try_from(quiet_ms).is_ok_and(|ms| ms >= source.silent_after.as_millis());
        seat.metrics.silent.set(i64::from(silent));
        if !silent {
            return Ok(());
        }
        let detail = format!(
            "no message since {}; look at the broker, its access rules and the publishers",
            seat.heard
        );
        let name = source.name.clone();
        self.condition("source_silent", &name, Some(&detail), now)
    }

    /// A message came from a source: it is not silent.
    pub(super) fn heard_source(&mut self, place: usize, now: Stamp) -> Result<(), StoreError> {
        if self.conditions.is_empty() {
            return Ok(());
        }
        let Some(name) = self.plan.sources.get(place).map(|s| s.name.clone()) else {
            return Ok(());
        };
        self.condition("source_silent", &name, None, now)
    }

    /// A condition of the operation holds, with its detail, or does not. Tells
    /// receivers when it begins and when it ends, and never in between.
    pub(super) fn condition(
        &mut self,
        kind: &str,
        subject: &str,
        holds: Option<&str>,
        now: Stamp,
    ) -> Result<(), StoreError> {
        let key = (kind.to_owned(), subject.to_owned());
        let since = match (holds, self.conditions.get(&key)) {
            (Some(_), None) => now,
            (None, Some(since)) => *since,
            _ => return Ok(()),
        };
        match holds {
            Some(detail) => {
                tracing::warn!(kind, subject, detail, "condition begins");
                self.conditions.insert(key, since);
                self.writer.put_condition(kind, subject, Some((since, detail)))?;
            }
            None => {
                tracing::info!(kind, subject, "condition ends");
                self.conditions.remove(&key);
                self.writer.put_condition(kind, subject, None)?;
            }
        }
        let detail = holds.unwrap_or("over");
        let event = notify::operational_event((kind, subject), holds.is_some(), since, now, detail);
        notify::tell(self, &event, now, EventKind::Operational, &[])
    }

    /// A ladder of a zone that has been unknown for too long is itself an alert.
    pub(super) fn unknown(
        &mut self,
        zone: &str,
        levels: &[LevelNow],
        now: Stamp,
    ) -> Result<(), StoreError> {
        for level in levels {
            // A condition that only lacks a forecast is no lack of data.
            let since = level
                .unknown_since
                .filter(|_| level.measured && level.last.is_none_or(|h| !h.valid));
            let since = since.filter(|s| now >= s.plus(self.plan.unknown_after));
            let detail = since.map(|since| {
                format!("too little valid data since {since}; the level stays {}", level.level)
            });
            let subject = format!("{zone}/{}", level.ladder);
            self.condition("zone_unknown", &subject, detail.as_deref(), now)?;
        }
        Ok(())
    }

    /// A lane of a source connected, lost its connection, or was refused a subscription.
    pub fn source_state(
        &mut self,
        source: SourceId,
        (lane, state): (Lane, &SourceState),
        at: Stamp,
    ) -> Result<(), StoreError> {
        let place = usize::from(source.0);
        let (Some(seat), Some(planned)) = (self.seats.get_mut(place), self.plan.sources.get(place))
        else {
            return Ok(());
        };
        if seat.lanes.heard(lane, state, planned.filters()) {
            self.writer.put_filters(seat.row, seat.lanes.filters())?;
        }
        let (name, state) = (planned.name.clone(), seat.lanes.together());
        seat.metrics.connected.set(i64::from(state == SourceState::Up));
        match &state {
            SourceState::Up => seat.part.ok(),
            SourceState::Down(why) if seat.lanes.any_up() => seat.part.degraded(why.clone()),
            SourceState::Down(why) => seat.part.down(why.clone()),
            SourceState::Refused(filters) => {
                seat.part.degraded(format!("the broker refused {}", filters.join(", ")));
            }
        }
        match condition_of(&state) {
            // A broker that is away for a moment is weather; silence is told in time.
            Some(("source_down", _)) => Ok(()),
            Some((kind, detail)) => self.condition(kind, &name, Some(&detail), at),
            None => self.condition("subscription_refused", &name, None, at),
        }
    }

    /// The broker began the session of a lane anew, and packet identifiers with
    /// it: those that were committed are forgotten, or an equal message under an
    /// old number would be taken for sent again.
    pub fn new_session(
        &mut self,
        source: SourceId,
        lane: Lane,
        at: Stamp,
    ) -> Result<(), StoreError> {
        let Some(seat) = self.seats.get(usize::from(source.0)) else { return Ok(()) };
        let source = seat.row;
        if !self.index.knows_packets(source, lane) {
            return Ok(());
        }
        self.append(at, RowKind::NewSession { source, lane })
    }

    /// QoS 0 messages were dropped because the intake was behind.
    pub fn overload(&mut self, source: SourceId, count: u64, at: Stamp) -> Result<(), StoreError> {
        let place = usize::from(source.0);
        let Some(seat) = self.seats.get(place) else { return Ok(()) };
        let source = seat.row;
        self.tally.add(place, Count::Arrivals(count));
        self.tally.add(place, Count::Ignored("overload", count));
        self.append(at, RowKind::Overload { source, count })
    }

    /// A stage reports a condition of its own.
    pub fn operational(&mut self, o: &Operational) -> Result<(), StoreError> {
        self.condition(o.kind, &o.subject, o.active.then_some(o.detail.as_str()), o.at)
    }
}
