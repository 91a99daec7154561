//! The single writer. Everything between [`Writer::begin`] and [`Writer::commit`]
//! becomes visible and durable together, or not at all.

use super::body::encode_body;
use super::index::OpenHour;
use super::read::closed_hour;
use super::retain::dropped_before;
use super::row::{LEFT_QUARANTINE, RawRow};
use super::schema::{StoreError, classify, file, open_writer};
use super::sealed::Unpacked;
use super::types::*;
use crate::air::reading::TimeSource;
use crate::air::{Hour, Label, Measured, Stamp, Value};
use crate::flow::Committed;
use rusqlite::{Connection, OptionalExtension, params};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Rows of a device-hour walked through at most to find a reading again: an hour
/// of one a second. What lies deeper among readings that came out of their order
/// counts as new.
const WALK_MAX: usize = 4_096;

/// The one connection that writes. When the disk is full, a batch can be given up
/// and tried again; any other error from it is fatal to the process: a failed sync
/// cannot be repeated, only recovered from by starting again.
pub struct Writer {
    pub(super) conn: Connection,
    pub(super) path: PathBuf,
    devices: HashMap<String, DeviceId>,
    /// In the order of their ids.
    device_names: Vec<String>,
    labels: HashMap<Label, u32>,
    label_names: HashMap<u32, Label>,
    pub(super) last: Committed,
    /// The last journal row that is sealed.
    pub(super) through: i64,
    /// Readings of hours before this one may have been dropped.
    pub(super) dropped_before: Hour,
    pub(super) unpacked: RefCell<Unpacked>,
    body: Vec<u8>,
}

/// A snapshot of the intake: the journal row it is of, the index, the state.
pub struct Snapshot {
    /// The last journal row folded in.
    pub seq: i64,
    /// The [`super::Index`], encoded.
    pub index: Vec<u8>,
    /// The intake's own state, encoded.
    pub state: Vec<u8>,
}

pub(super) type Res<T> = Result<T, StoreError>;

impl Writer {
    /// Opens the store of a data directory, or makes it. The directory must be
    /// locked by the caller ([`super::lock`]).
    pub fn open(dir: &Path) -> Res<Writer> {
        let conn = open_writer(dir)?;
        let mut writer = Writer {
            conn,
            path: file(dir),
            devices: HashMap::new(),
            device_names: Vec::new(),
            labels: HashMap::new(),
            label_names: HashMap::new(),
            last: Committed::default(),
            through: 0,
            dropped_before: Hour(i32::MIN),
            unpacked: RefCell::default(),
            body: Vec::new(),
        };
        writer.load().map_err(|e| classify(&file(dir), e))?;
        Ok(writer)
    }

    fn load(&mut self) -> rusqlite::Result<()> {
        let acts = self.last.acts;
        let number = |sql: &str| {
            self.conn
                .query_row(sql, [], |r| r.get::<_, Option<i64>>(0))
                .map(Option::unwrap_or_default)
        };
        self.last = Committed {
            journal: number("SELECT max(seq) FROM journal")?,
            outbox: number("SELECT max(id) FROM outbox")?,
            change: number("SELECT max(id) FROM changes")?,
            hour: number("SELECT max(revision) FROM hours")?,
            acts,
        };
        self.devices.clear();
        self.device_names.clear();
        self.through = number("SELECT through FROM sealed")?;
        let mut statement = self.conn.prepare("SELECT id, name FROM devices ORDER BY id")?;
        let devices =
            statement.query_map([], |r| Ok((r.get::<_, String>(1)?, DeviceId(r.get(0)?))))?;
        for device in devices {
            let (name, id) = device?;
            self.device_names.push(name.clone());
            self.devices.insert(name, id);
        }
        self.labels.clear();
        self.label_names.clear();
        let mut statement = self.conn.prepare("SELECT id, channel, variant FROM labels")?;
        let labels = statement.query_map([], |r| {
            Ok((r.get::<_, u32>(0)?, Label { channel: r.get(1)?, variant: r.get(2)? }))
        })?;
        for label in labels {
            let (id, label) = label?;
            self.label_names.insert(id, label.clone());
            self.labels.insert(label, id);
        }
        self.dropped_before = dropped_before(&self.conn)?;
        Ok(())
    }

    pub(super) fn run(&self, sql: &str, params: impl rusqlite::Params) -> Res<usize> {
        let run = || self.conn.prepare_cached(sql)?.execute(params);
        run().map_err(|e| classify(&self.path, e))
    }

    /// How far the store is, with what is not yet committed.
    pub fn last(&self) -> Committed {
        self.last
    }

    /// Every known device.
    pub fn devices(&self) -> &HashMap<String, DeviceId> {
        &self.devices
    }

    /// Starts a batch.
    pub fn begin(&mut self) -> Res<()> {
        self.run("BEGIN IMMEDIATE", []).map(drop)
    }

    /// Ends a batch: when it returns, everything since [`Writer::begin`] is on disk.
    pub fn commit(&mut self) -> Res<Committed> {
        self.run("COMMIT", [])?;
        Ok(self.last)
    }

    /// Gives a batch up: it is as if nothing had come since [`Writer::begin`].
    pub fn roll_back(&mut self) -> Res<()> {
        // SQLite ends the transaction itself after some failures.
        if !self.conn.is_autocommit() {
            self.run("ROLLBACK", [])?;
        }
        self.load().map_err(|e| classify(&self.path, e))
    }

    /// The directory that the store lies in.
    pub fn dir(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// The row of a source by name; made if new. Outside a batch.
    pub fn source(&mut self, name: &str) -> Res<u32> {
        self.run("INSERT OR IGNORE INTO sources (name) VALUES (?)", [name])?;
        self.conn
            .query_row("SELECT id FROM sources WHERE name = ?", [name], |r| r.get(0))
            .map_err(|e| classify(&self.path, e))
    }

    /// The row of a device by name; made if new.
    pub fn device(&mut self, name: &str, source: u32) -> Res<DeviceId> {
        if let Some(id) = self.devices.get(name) {
            return Ok(*id);
        }
        let id = DeviceId(self.devices.len() as u32 + 1);
        self.run(
            "INSERT INTO devices (id, name, source) VALUES (?, ?, ?)",
            params![id.0, name, source],
        )?;
        self.devices.insert(name.to_owned(), id);
        self.device_names.push(name.to_owned());
        Ok(id)
    }

    /// The name of a device; empty if it is not known.
    pub fn device_name(&self, id: DeviceId) -> &str {
        let place = (id.0 as usize).wrapping_sub(1);
        self.device_names.get(place).map_or("", String::as_str)
    }

    /// The row of a label; 0 for the main one, made if new.
    pub fn label(&mut self, label: &Label) -> Res<u32> {
        if label.is_main() {
            return Ok(0);
        }
        if let Some(id) = self.labels.get(label) {
            return Ok(*id);
        }
        let id = self.labels.len() as u32 + 1;
        self.run(
            "INSERT INTO labels (id, channel, variant) VALUES (?, ?, ?)",
            params![id, label.channel, label.variant],
        )?;
        self.labels.insert(label.clone(), id);
        self.label_names.insert(id, label.clone());
        Ok(id)
    }

    /// Appends a row to the journal and returns it with its place.
    pub fn append(&mut self, received: Stamp, kind: RowKind) -> Res<Row> {
        let row = Row { seq: self.last.journal + 1, received, kind };
        match &row.kind {
            RowKind::Arrival(a) => self.append_arrival(&row, a)?,
            RowKind::ZoneClosed { zone, hour } => {
                self.append_other(&row, 0, None, i64::from(hour.0), zone.as_bytes())?;
            }
            RowKind::ZoneRevised { zone, quantity, hour, moved } => {
                let body = postcard::to_allocvec(&(zone, quantity.code(), hour));
                let body = body.and_then(|body| match moved {
                    Some(moved) => postcard::to_extend(moved, body),
                    None => Ok(body),
                });
                let body = body.map_err(|e| self.damaged(e.to_string()))?;
                self.append_other(&row, 3, None, i64::from(hour.hour.0), &body)?;
            }
            RowKind::DevicesClosed { frontier, upto } => {
                let upto = upto.0.to_le_bytes();
                self.append_other(&row, 1, None, i64::from(frontier.0), &upto)?;
            }
            RowKind::Overload { source, count } => {
                self.append_other(&row, 2, Some(*source), *count as i64, b"")?;
            }
            RowKind::LeftQuarantine(left) => {
                let body = postcard::to_allocvec(&(left.bucket as u8, left.count));
                let body = body.map_err(|e| self.damaged(e.to_string()))?;
                let hour = i64::from(left.hour.0);
                self.append_other(&row, LEFT_QUARANTINE, Some(left.source), hour, &body)?;
            }
            RowKind::NewSession { source, lane } => {
                self.append_other(&row, 4, Some(*source), i64::from(*lane), b"")?;
            }
            RowKind::Forecast(forecast) => {
                let body =
                    postcard::to_allocvec(forecast).map_err(|e| self.damaged(e.to_string()))?;
                self.append_other(&row, 5, None, forecast.from.0, &body)?;
            }
            RowKind::Decided { zone, at } => {
                self.append_other(&row, 6, None, at.0, zone.as_bytes())?;
            }
        }
        self.last.journal = row.seq;
        Ok(row)
    }

    fn append_arrival(&mut self, row: &Row, a: &ArrivalRow) -> Res<()> {
        for m in &a.values {
            self.label(&m.value.label)?;
        }
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        let labels = &self.labels;
        encode_body(&mut body, a.duplicates, a.skipped, &a.values, |l| {
            labels.get(l).copied().unwrap_or(0)
        });
        let mut tag = a.bucket as u32;
        tag |= if a.continues { 8 } else { 0 };
        tag |= if a.time_source == TimeSource::Device { 16 } else { 0 };
        tag |= if a.revises { 32 } else { 0 };
        let done = self.run(
            "INSERT INTO journal (seq, tag, received, source, device, observed, prev, packet, digest, body)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                row.seq,
                tag,
                row.received.0,
                a.source,
                a.device.map(|d| d.0),
                a.observed.0,
                a.prev,
                a.packet.map(|p| u32::from(p.lane) << 16 | u32::from(p.id)),
                a.packet.map(|p| p.digest as i64),
                body
            ],
        );
        self.body = body;
        done.map(drop)
    }

    fn append_other(
        &self,
        row: &Row,
        kind: u32,
        source: Option<u32>,
        number: i64,
        body: &[u8],
    ) -> Res<()> {
        self.run(
            "INSERT INTO journal (seq, tag, received, source, observed, body) VALUES (?, ?, ?, ?, ?, ?)",
            params![row.seq, kind << 3, row.received.0, source, number, body],
        )
        .map(drop)
    }

    /// The values that count for one device at one instant of an hour. Later rows
    /// win. Only the series of `wanted` are looked for, and no further than needed.
    pub fn values_at(
        &self,
        device: DeviceId,
        hour: &OpenHour,
        observed: Stamp,
        wanted: &[Measured],
    ) -> Res<Vec<Measured>> {
        let mut values: Vec<Measured> = Vec::new();
        if observed > hour.newest {
            return Ok(values);
        }
        let mut steps = 0;
        self.walk((device, hour.hour), hour.head, |row| {
            steps += 1;
            if row.observed != observed {
                return steps < WALK_MAX && !(hour.sorted && row.observed < observed);
            }
            for m in row.values {
                let known = values.iter().any(|v| same_series(&v.value, &m.value));
                if !known && wanted.iter().any(|w| same_series(&w.value, &m.value)) {
                    values.push(m);
                }
            }
            steps < WALK_MAX && values.len() < wanted.len()
        })?;
        Ok(values)
    }

    /// All readings of a device-hour that count as its values, walking back from
    /// its head: of several for one series and instant the latest received.
    pub fn counting(&self, place: (DeviceId, Hour), head: i64) -> Res<Vec<(Stamp, Measured)>> {
        let mut all: Vec<(Stamp, Measured)> = Vec::new();
        let mut seen = HashSet::new();
        self.walk(place, head, |row| {
            for m in row.values {
                if seen.insert((row.observed, m.value.quantity, m.value.label.clone())) {
                    all.push((row.observed, m));
                }
            }
            true
        })?;
        Ok(all)
    }

    /// The last journal row that is sealed.
    pub fn sealed_through(&self) -> i64 {
        self.through
    }

    pub(super) fn label_name(&self, id: u32) -> Option<Label> {
        if id == 0 { Some(Label::default()) } else { self.label_names.get(&id).cloned() }
    }

    /// One journal row, committed or not.
    pub fn row(&self, seq: i64) -> Res<Option<Row>> {
        let run = || {
            self.conn
                .prepare_cached(
                    "SELECT seq, tag, received, source, device, observed, prev, packet, digest, body
                     FROM journal WHERE seq = ?",
                )?
                .query_row([seq], RawRow::read)
                .optional()
        };
        let Some(raw) = run().map_err(|e| classify(&self.path, e))? else { return Ok(None) };
        let row = raw.decode(|id| self.label_name(id));
        row.map(Some).ok_or_else(|| self.damaged(format!("journal row {seq} cannot be read")))
    }

    /// Journal rows after `seq` in order, at most `limit`.
    pub fn journal(&self, after: i64, limit: i64) -> Res<Vec<Row>> {
        let mut rows = Vec::new();
        for seq in after + 1..=(after + limit).min(self.last.journal) {
            rows.extend(self.row(seq)?);
        }
        Ok(rows)
    }

    /// The state that is kept cannot be read, and not be made anew either.
    pub fn unknown_state(&self) -> StoreError {
        StoreError::State { path: self.path.clone(), through: self.through }
    }

    pub(super) fn damaged(&self, what: String) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), what }
    }

    /// The head of a closed device-hour.
    pub fn closed_hour(&self, device: DeviceId, hour: Hour) -> Res<Option<OpenHour>> {
        closed_hour(&self.conn, device, hour).map_err(|e| classify(&self.path, e))
    }
}

fn same_series(a: &Value, b: &Value) -> bool {
    a.quantity == b.quantity && a.label == b.label
}
