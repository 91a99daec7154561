//! What the intake does for the operation itself: the passing of time, sources
//! that come, go and fall silent, attempts of delivery.

use super::notify;
use super::state::State;
use super::task::condition_of;
use crate::air::{Hour, Stamp};
use crate::config::settings::EventKind;
use crate::flow::{Attempt, Operational, Outcome, SourceId, SourceState};
use crate::rules::judge::LevelNow;
use crate::store::{DeviceId, OpenHour, RowKind, StoreError};
use std::time::Duration;

impl State {
    /// Time went by: closes the hours that are due by the clock, and notices
    /// sources that have fallen silent.
    pub fn tick(&mut self, now: Stamp) -> Result<(), StoreError> {
        let now = self.stamp(now);
        while let Some((zone, hour)) = self.judge.due_by_clock(now) {
            self.append(now, RowKind::ZoneClosed { zone, hour })?;
        }
        if let Some(frontier) = self.judge.frontier(now).filter(|f| *f > self.index.frontier) {
            self.keep_heads(frontier)?;
            self.append(now, RowKind::DevicesClosed { frontier })?;
        }
        for place in 0..self.seats.len() {
            self.silence(place, now)?;
        }
        Ok(())
    }

    /// Writes down where the hours that close now are found in the journal.
    fn keep_heads(&mut self, frontier: Hour) -> Result<(), StoreError> {
        let closing = |o: &&OpenHour| o.hour < frontier;
        for (place, device) in self.index.devices.iter().enumerate() {
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
            let since = level.unknown_since.filter(|s| now >= s.plus(self.plan.unknown_after));
            let detail = since.map(|since| {
                format!("too little valid data since {since}; the level stays {}", level.level)
            });
            let subject = format!("{zone}/{}", level.ladder);
            self.condition("zone_unknown", &subject, detail.as_deref(), now)?;
        }
        Ok(())
    }

    /// A source connected, lost its connection, or was refused a subscription.
    pub fn source_state(
        &mut self,
        source: SourceId,
        state: &SourceState,
        at: Stamp,
    ) -> Result<(), StoreError> {
        let place = usize::from(source.0);
        let (Some(seat), Some(planned)) = (self.seats.get(place), self.plan.sources.get(place))
        else {
            return Ok(());
        };
        seat.metrics.connected.set(i64::from(*state == SourceState::Up));
        let (name, at) = (planned.name.clone(), self.stamp(at));
        match state {
            SourceState::Up => {
                seat.part.ok();
                self.writer.put_filters(seat.row, &planned.filters())?;
            }
            SourceState::Down(why) => seat.part.down(why.clone()),
            SourceState::Refused(filters) => {
                seat.part.degraded(format!("the broker refused {}", filters.join(", ")));
            }
        }
        match condition_of(state) {
            // A broker that is away for a moment is weather; silence is told in time.
            Some(("source_down", _)) => Ok(()),
            Some((kind, detail)) => self.condition(kind, &name, Some(&detail), at),
            None => self.condition("subscription_refused", &name, None, at),
        }
    }

    /// QoS 0 messages were dropped because the intake was behind.
    pub fn overload(&mut self, source: SourceId, count: u64, at: Stamp) -> Result<(), StoreError> {
        let Some(seat) = self.seats.get(usize::from(source.0)) else { return Ok(()) };
        seat.metrics.arrivals.inc_by(count);
        seat.metrics.ignored("overload", count);
        let source = seat.row;
        let at = self.stamp(at);
        self.append(at, RowKind::Overload { source, count })
    }

    /// An attempt to deliver a notice ended.
    pub fn attempt(&mut self, attempt: &Attempt) -> Result<(), StoreError> {
        self.writer.put_attempt(attempt)?;
        let Outcome::Dead { why, disable: true } = &attempt.outcome else { return Ok(()) };
        let receiver = self.writer.receiver_of(attempt.notice)?.unwrap_or_default();
        let at = self.stamp(attempt.at);
        self.condition("receiver_disabled", &receiver, Some(why), at)
    }

    /// A stage reports a condition of its own.
    pub fn operational(&mut self, o: &Operational) -> Result<(), StoreError> {
        let at = self.stamp(o.at);
        self.condition(o.kind, &o.subject, o.active.then_some(o.detail.as_str()), at)
    }
}
