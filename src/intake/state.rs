//! The state that the intake folds events into.

use super::believe;
use super::desk::Desk;
use super::judge;
use super::lanes::Lanes;
use super::plan::Plan;
use super::tally::Tally;
use crate::air::{Hour, Stamp};
use crate::decode::Memory;
use crate::flow::{IMPORT, Upkeep};
use crate::quality::Past;
use crate::rules::judge::{Judge, Saved};
use crate::store::{
    ArrivalRow, AsideSize, DeviceId, Index, Row, RowKind, Snapshot, StoreError, Writer,
};
use crate::telemetry::{Health, Metrics, Part, Role, SourceMetrics};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Journal rows between snapshots, at least: a restart absorbs at most so many
/// and a batch, which takes well under a second.
const SNAPSHOT_ROWS: i64 = 100_000;
/// Rows between snapshots for each device, so that a large network does not
/// spend its time on snapshots.
const SNAPSHOT_ROWS_PER_DEVICE: i64 = 20;

/// A source as the intake knows it.
#[derive(Debug)]
pub(super) struct Seat {
    /// Its row in `sources`.
    pub row: u32,
    /// When a message came last, or the start.
    pub heard: Stamp,
    /// What its messages have said for those to come.
    pub memory: Memory,
    pub metrics: SourceMetrics,
    pub part: Part,
    pub lanes: Lanes,
}

/// The fold over everything that happened.
pub(super) struct State {
    pub plan: Arc<Plan>,
    pub writer: Writer,
    /// The source of readings from files, if there are any.
    imports: Option<u32>,
    pub index: Index,
    pub judge: Judge,
    /// What the series of devices brought before.
    pub past: Past,
    pub seats: Vec<Seat>,
    pub metrics: Metrics,
    /// What the running batch adds to the counters.
    pub tally: Tally,
    /// Conditions of the operation that hold now: (kind, subject) → since.
    pub conditions: BTreeMap<(String, String), Stamp>,
    /// The hotline, if there is one.
    pub desk: Option<Desk>,
    /// How much is set aside.
    pub aside: AsideSize,
    snapshot_at: i64,
}

/// The state as it is kept; from nothing on, if that cannot be read and the whole
/// journal is there to absorb.
fn kept(writer: &Writer) -> Result<(Index, (Saved, Past)), StoreError> {
    let kept = writer.snapshot()?;
    let any = kept.is_some();
    let both = kept.and_then(|k| Index::decode(&k.index).zip(believe::unpack(&k.state)));
    match both {
        Some(both) => Ok(both),
        None if writer.sealed_through() > 0 => Err(writer.unknown_state()),
        None => {
            if any {
                tracing::warn!("the snapshot is of another version; reading the whole journal");
            }
            Ok(<_>::default())
        }
    }
}

/// Whether a row is absorbed as it happens or after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// What follows from it is written down and told.
    Live,
    /// What followed from it was committed with it.
    Replay,
}

impl State {
    /// The state of the store, for the parts of a plan.
    pub fn recover(
        plan: Arc<Plan>,
        writer: Writer,
        metrics: Metrics,
        health: &Health,
        now: Stamp,
    ) -> Result<State, StoreError> {
        let mut state = State::new(plan, writer, metrics, health, now)?;
        state.read_back(now)?;
        state.forget_what_is_not_configured()?;
        Ok(state)
    }

    /// The parts of a plan, before anything is read.
    pub fn new(
        plan: Arc<Plan>,
        mut writer: Writer,
        metrics: Metrics,
        health: &Health,
        now: Stamp,
    ) -> Result<State, StoreError> {
        let mut seats = Vec::new();
        for source in &plan.sources {
            let row = writer.source(&source.name)?;
            let part = health.part(&format!("source/{}", source.name), Role::Edge, None);
            part.down("not connected yet");
            let lanes = Lanes::of(source, writer.filters(row)?);
            let metrics = metrics.source(&source.name);
            seats.push(Seat { row, heard: now, memory: Memory::default(), metrics, part, lanes });
        }
        let judge = Judge::new(plan.judge.clone(), now);
        Ok(State {
            plan,
            writer,
            imports: None,
            index: Index::default(),
            judge,
            past: Past::default(),
            seats,
            metrics,
            tally: Tally::default(),
            conditions: BTreeMap::new(),
            desk: None,
            aside: AsideSize::default(),
            snapshot_at: 0,
        })
    }

    /// Takes for the state what is committed: the latest snapshot and the journal
    /// rows after it. At the start, and after a batch that was given up.
    pub fn read_back(&mut self, now: Stamp) -> Result<(), StoreError> {
        self.tally.forget();
        self.imports = self.writer.known_source(IMPORT)?;
        for seat in &mut self.seats {
            seat.memory = Memory::of(self.writer.remembered(seat.row)?);
        }
        let (index, (saved, past)) = kept(&self.writer)?;
        self.judge = Judge::new(self.plan.judge.clone(), now);
        for number in 1..=saved.devices() {
            self.judge.announce(self.writer.device_name(DeviceId(number)));
        }
        self.judge.restore(saved);
        self.conditions = self.writer.conditions()?;
        self.desk = Desk::recover(&self.plan, &self.writer)?;
        self.aside = self.writer.aside_size()?;
        self.snapshot_at = index.seq;
        (self.index, self.past) = (index, past);
        self.replay()
    }

    fn replay(&mut self) -> Result<(), StoreError> {
        let mut after = self.index.seq;
        while after < self.writer.last().journal {
            for row in self.writer.journal(after, 10_000)? {
                self.absorb(&row, Mode::Replay)?;
            }
            after += 10_000;
        }
        Ok(())
    }

    /// Announces devices to the judge up to this one, in the order of their ids:
    /// live and on replay a station is there from its first row on.
    fn announce(&mut self, device: DeviceId) {
        for number in self.judge.announced() as u32 + 1..=device.0 {
            self.judge.announce(self.writer.device_name(DeviceId(number)));
        }
    }

    /// The filters that earlier processes subscribed each lane of a source to.
    /// Together with the new ones they are kept until the lane is up: only then has
    /// the broker been told to give the old ones up.
    pub fn previous_filters(&mut self, place: usize) -> Result<Vec<Vec<String>>, StoreError> {
        let Some((seat, source)) = self.seats.get_mut(place).zip(self.plan.sources.get(place))
        else {
            return Ok(Vec::new());
        };
        let previous = seat.lanes.begin(&source.filters());
        self.writer.put_filters(seat.row, seat.lanes.filters())?;
        Ok(previous)
    }

    /// Appends a row and absorbs it.
    pub fn append(&mut self, at: Stamp, kind: RowKind) -> Result<(), StoreError> {
        let row = self.writer.append(at, kind)?;
        self.absorb(&row, Mode::Live)
    }

    /// The one function that changes the state, live and after a restart.
    fn absorb(&mut self, row: &Row, mode: Mode) -> Result<(), StoreError> {
        if let RowKind::Arrival(ArrivalRow { device: Some(device), .. }) = &row.kind {
            self.announce(*device);
        }
        let before = self.index.closing.map_or(1, |(_, done)| done.0 + 1);
        let over = self.index.apply(row);
        if mode == Mode::Live {
            self.writer.put_ledger(&over)?;
        }
        match &row.kind {
            RowKind::Arrival(arrival) if !arrival.values.is_empty() => {
                self.absorb_readings(row, arrival, mode)
            }
            RowKind::ZoneClosed { zone, hour } => {
                let judged = judge::close_zone(self, zone, *hour, row.received, mode)?;
                judged.into_iter().try_for_each(|j| self.judged(j, row.received, mode))
            }
            RowKind::ZoneRevised { zone, quantity, hour, moved } if mode == Mode::Replay => {
                self.judge.zone_revised(zone, *quantity, *hour, moved.as_ref(), row.received);
                Ok(())
            }
            RowKind::DevicesClosed { frontier, .. } => {
                self.close_devices(*frontier, before..=self.closed_upto(), mode)
            }
            RowKind::LeftQuarantine(left) if mode == Mode::Live => {
                self.writer.put_ledger_move(left, row.received)
            }
            RowKind::Forecast(forecast) => self.absorb_forecast(row, forecast, mode),
            RowKind::Decided { zone, at } => self.absorb_decision(row, (zone, *at), mode),
            _ => Ok(()),
        }
    }

    fn absorb_readings(
        &mut self,
        row: &Row,
        arrival: &ArrivalRow,
        mode: Mode,
    ) -> Result<(), StoreError> {
        let Some(device) = arrival.device else { return Ok(()) };
        let hour = arrival.observed.hour();
        if self.index.tracks(device, hour, row.received) {
            judge::open_hour(self, row, arrival, device, mode)?;
        } else if mode == Mode::Live {
            judge::closed_hour(self, row, arrival, device)?;
        }
        if self.imports == Some(arrival.source) {
            return Ok(());
        }
        self.remember_series(device, arrival)?;
        judge::thresholds(self, row, arrival, device, mode)?;
        judge::heard(self, row, arrival, device, mode)
    }

    /// The last device whose hours the latest closing has closed.
    fn closed_upto(&self) -> u32 {
        self.index.closing.map_or(u32::MAX, |(_, done)| done.0)
    }

    /// Closes the open hours before `frontier` of some devices.
    fn close_devices(
        &mut self,
        frontier: Hour,
        devices: RangeInclusive<u32>,
        mode: Mode,
    ) -> Result<(), StoreError> {
        let closed = self.judge.close_devices(frontier, devices);
        if mode == Mode::Replay {
            return Ok(());
        }
        for hour in &closed {
            judge::put_hours(&mut self.writer, hour)?;
        }
        Ok(())
    }

    /// Ends a batch: keeps what moved of the hotline, and a snapshot now and then.
    pub fn settle(&mut self) -> Result<(), StoreError> {
        self.bound_quarantine()?;
        if let Some(desk) = &mut self.desk {
            desk.keep(&self.writer)?;
        }
        let rows = SNAPSHOT_ROWS.max(SNAPSHOT_ROWS_PER_DEVICE * self.judge.announced() as i64);
        if self.index.seq - self.snapshot_at >= rows {
            self.keep_snapshot()?;
        }
        Ok(())
    }

    /// Does a piece of what the store needs done in its own time.
    pub fn upkeep(&mut self, work: &Upkeep) -> Result<bool, StoreError> {
        match work {
            Upkeep::Snapshot => self.keep_snapshot().map(|()| true),
            other => self.writer.upkeep(other),
        }
    }

    /// Writes the state down.
    pub fn keep_snapshot(&mut self) -> Result<(), StoreError> {
        let encoded = (self.index.encode(), believe::pack(&self.judge.save(), &self.past));
        if let (Some(index), Some(state)) = encoded {
            self.writer.put_snapshot(&Snapshot { seq: self.index.seq, index, state })?;
            self.snapshot_at = self.index.seq;
        }
        Ok(())
    }
}
