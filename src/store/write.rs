//! The single writer. Everything between [`Writer::begin`] and [`Writer::commit`]
//! becomes visible and durable together, or not at all.

use super::body::encode_body;
use super::index::OpenHour;
use super::read::{RawRow, closed_hour, hour_of};
use super::schema::{StoreError, classify, file, open_writer};
use super::types::*;
use crate::air::reading::TimeSource;
use crate::air::{Hour, Label, Measured, Stamp};
use crate::flow::{Attempt, Committed, Outcome};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// The one connection that writes. An error from it is fatal to the process: a
/// failed sync cannot be repeated, only recovered from by starting again.
pub struct Writer {
    conn: Connection,
    path: PathBuf,
    devices: HashMap<String, DeviceId>,
    labels: HashMap<Label, u32>,
    label_names: HashMap<u32, Label>,
    last: Committed,
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

type Res<T> = Result<T, StoreError>;

impl Writer {
    /// Opens the store of a data directory, or makes it. The directory must be
    /// locked by the caller ([`super::lock`]).
    pub fn open(dir: &Path) -> Res<Writer> {
        let conn = open_writer(dir)?;
        let mut writer = Writer {
            conn,
            path: file(dir),
            devices: HashMap::new(),
            labels: HashMap::new(),
            label_names: HashMap::new(),
            last: Committed::default(),
            body: Vec::new(),
        };
        writer.load().map_err(|e| classify(&file(dir), e))?;
        Ok(writer)
    }

    fn load(&mut self) -> rusqlite::Result<()> {
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
        };
        let mut statement = self.conn.prepare("SELECT id, name FROM devices")?;
        let devices =
            statement.query_map([], |r| Ok((r.get::<_, String>(1)?, DeviceId(r.get(0)?))))?;
        self.devices = devices.collect::<rusqlite::Result<_>>()?;
        let mut statement = self.conn.prepare("SELECT id, channel, variant FROM labels")?;
        let labels = statement.query_map([], |r| {
            Ok((r.get::<_, u32>(0)?, Label { channel: r.get(1)?, variant: r.get(2)? }))
        })?;
        for label in labels {
            let (id, label) = label?;
            self.label_names.insert(id, label.clone());
            self.labels.insert(label, id);
        }
        Ok(())
    }

    fn run(&self, sql: &str, params: impl rusqlite::Params) -> Res<usize> {
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

    /// The row of a source by name; made if new. Outside a batch.
    pub fn source(&mut self, name: &str) -> Res<u32> {
        self.run("INSERT OR IGNORE INTO sources (name) VALUES (?)", [name])?;
        self.conn
            .query_row("SELECT id FROM sources WHERE name = ?", [name], |r| r.get(0))
            .map_err(|e| classify(&self.path, e))
    }

    /// The filters kept for a source.
    pub fn filters(&self, source: u32) -> Res<Vec<String>> {
        let text: String = self
            .conn
            .query_row("SELECT filters FROM sources WHERE id = ?", [source], |r| r.get(0))
            .map_err(|e| classify(&self.path, e))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Keeps the filters of a source.
    pub fn put_filters(&self, source: u32, filters: &[String]) -> Res<()> {
        let text = filters.join("\n");
        self.run("UPDATE sources SET filters = ? WHERE id = ?", params![text, source]).map(drop)
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
        Ok(id)
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
            RowKind::ZoneRevised { zone, quantity, hour } => {
                let body = postcard::to_allocvec(&(zone, quantity.code(), hour))
                    .map_err(|e| self.damaged(e.to_string()))?;
                self.append_other(&row, 3, None, i64::from(hour.hour.0), &body)?;
            }
            RowKind::DevicesClosed { frontier } => {
                self.append_other(&row, 1, None, i64::from(frontier.0), b"")?;
            }
            RowKind::Overload { source, count } => {
                self.append_other(&row, 2, Some(*source), *count as i64, b"")?;
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
                a.packet.map(|p| p.0),
                a.packet.map(|p| p.1 as i64),
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

    /// The values that count for one device at one instant, found by walking back
    /// from the head of its hour. Later rows win.
    pub fn values_at(&self, hour: &OpenHour, observed: Stamp) -> Res<Vec<Measured>> {
        let mut values: Vec<Measured> = Vec::new();
        if observed > hour.newest {
            return Ok(values);
        }
        let mut seq = hour.head;
        while seq != 0 {
            let Some(Row { kind: RowKind::Arrival(row), .. }) = self.row(seq)? else {
                return Err(
                    self.damaged(format!("journal row {seq} is missing or not of a device"))
                );
            };
            if row.observed == observed {
                for m in row.values {
                    let known = values.iter().any(|v| same_series(v, &m));
                    if !known {
                        values.push(m);
                    }
                }
            } else if hour.sorted && row.observed < observed {
                break;
            }
            if row.prev >= seq {
                return Err(self.damaged(format!("journal row {seq} leads forward")));
            }
            seq = row.prev;
        }
        Ok(values)
    }

    /// All readings of a device-hour that count as its values, walking back from
    /// its head: of several for one series and instant the latest received.
    pub fn counting(&self, head: i64) -> Res<Vec<(Stamp, Measured)>> {
        let mut all: Vec<(Stamp, Measured)> = Vec::new();
        let mut seen = HashSet::new();
        let mut seq = head;
        while seq != 0 {
            let Some(Row { kind: RowKind::Arrival(row), .. }) = self.row(seq)? else {
                return Err(
                    self.damaged(format!("journal row {seq} is missing or not of a device"))
                );
            };
            for m in row.values {
                if seen.insert((row.observed, m.value.quantity, m.value.label.clone())) {
                    all.push((row.observed, m));
                }
            }
            if row.prev >= seq {
                return Err(self.damaged(format!("journal row {seq} leads forward")));
            }
            seq = row.prev;
        }
        Ok(all)
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
        let row = raw.decode(|id| {
            if id == 0 { Some(Label::default()) } else { self.label_names.get(&id).cloned() }
        });
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

    fn damaged(&self, what: String) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), what }
    }

    /// The head of a closed device-hour.
    pub fn closed_hour(&self, device: DeviceId, hour: Hour) -> Res<Option<OpenHour>> {
        closed_hour(&self.conn, device, hour).map_err(|e| classify(&self.path, e))
    }

    /// Keeps the head of a closed device-hour.
    pub fn put_chain(&self, device: DeviceId, hour: &OpenHour) -> Res<()> {
        self.run(
            "INSERT OR REPLACE INTO chains (device, hour, head, newest, rows, sorted) VALUES (?, ?, ?, ?, ?, ?)",
            params![device.0, hour.hour.0, hour.head, hour.newest.0, hour.rows, hour.sorted],
        )
        .map(drop)
    }

    /// Remembers the last row of a device, for those who ask for its latest value.
    pub fn put_last(&self, device: DeviceId, last: i64) -> Res<()> {
        self.run("UPDATE devices SET last = ? WHERE id = ?", params![last, device.0]).map(drop)
    }

    /// The closed hours of the series of a device.
    pub fn hours(&self, device: DeviceId, hour: Hour) -> Res<Vec<HourRow>> {
        let run = || {
            let mut statement = self.conn.prepare_cached(
                "SELECT revision, device, hour, quantity, label, count, sum_micro, min_micro, max_micro, minutes, flagged
                 FROM hours WHERE device = ? AND hour = ?",
            )?;
            statement
                .query_map(params![device.0, hour.0], hour_of)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        run().map_err(|e| classify(&self.path, e))
    }

    /// Writes the closed hour of a series, or its revision.
    pub fn put_hour(&mut self, h: &HourRow) -> Res<()> {
        self.last.hour += 1;
        self.run(
            "INSERT OR REPLACE INTO hours (device, hour, quantity, label, count, sum_micro, min_micro, max_micro, minutes, flagged, revision)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                h.device.0,
                h.hour.0,
                h.quantity.code(),
                h.label,
                h.count,
                h.sum_micro,
                h.min_micro,
                h.max_micro,
                h.minutes as i64,
                h.flagged,
                self.last.hour
            ],
        )
        .map(drop)
    }

    /// Writes the judged hour of a zone, or its revision.
    pub fn put_zone_hour(&self, z: &ZoneHourRow) -> Res<()> {
        self.run(
            "INSERT OR REPLACE INTO zone_hours (zone, quantity, hour, sum_micro, stations, expected, valid)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![z.zone, z.quantity.code(), z.hour.0, z.sum_micro, z.stations, z.expected, z.valid],
        )
        .map(drop)
    }

    /// Adds lines of hours of receipt that are over to the ledger.
    pub fn put_ledger(&self, lines: &BTreeMap<LedgerKey, LedgerLine>) -> Res<()> {
        for (key, line) in lines {
            let (m, r) = (&line.messages, &line.readings);
            let n = |v: u64| v as i64;
            self.run(
                "INSERT INTO ledger VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
                 ON CONFLICT (hour, source, device) DO UPDATE SET
                   received = received + ?4, stored = stored + ?5, duplicate = duplicate + ?6,
                   quarantined = quarantined + ?7, ignored = ignored + ?8, r_received = r_received + ?9,
                   r_stored = r_stored + ?10, r_duplicate = r_duplicate + ?11,
                   r_quarantined = r_quarantined + ?12, r_ignored = r_ignored + ?13",
                params![
                    key.hour.0, key.source, key.device,
                    n(m.received), n(m.stored), n(m.duplicate), n(m.quarantined), n(m.ignored),
                    n(r.received), n(r.stored), n(r.duplicate), n(r.quarantined), n(r.ignored)
                ],
            )?;
        }
        Ok(())
    }

    /// Sets a message aside with its raw bytes; `source` is its row.
    pub fn put_quarantine(&self, q: &QuarantineRow, source: u32) -> Res<()> {
        self.run(
            "INSERT INTO quarantine (seq, source, topic, payload, reason, detail, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![q.seq, source, q.topic, q.payload, q.reason, q.detail, q.at.0],
        )
        .map(drop)
    }

    /// Keeps a change; false if it is there already.
    pub fn put_change(&mut self, c: &ChangeRow) -> Res<bool> {
        let new = self.run(
            "INSERT OR IGNORE INTO changes (id, uid, ladder, scope, from_level, to_level, at, late, data)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                self.last.change + 1, c.uid, c.ladder, c.scope, c.from, c.to, c.at.0, c.late, c.data.to_string()
            ],
        )?;
        self.last.change += new as i64;
        Ok(new > 0)
    }

    /// Keeps the present level of a ladder.
    pub fn put_level(&self, l: &LevelRow) -> Res<()> {
        self.run(
            "INSERT OR REPLACE INTO levels (ladder, scope, level, since, value, inputs, ruleset, unknown_since)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                l.ladder, l.scope, l.level, l.since.0, l.value, l.inputs.to_string(), l.ruleset,
                l.unknown_since.map(|t| t.0)
            ],
        )
        .map(drop)
    }

    /// Keeps an event and writes a notice for each receiver, identified by
    /// `(notice uid, receiver)`. Nothing happens if the event is there already.
    pub fn put_event(&mut self, e: &EventRow, notices: &[(String, String)]) -> Res<()> {
        let new = self.run(
            "INSERT OR IGNORE INTO events (uid, kind, subject, time, data) VALUES (?, ?, ?, ?, ?)",
            params![e.uid, e.kind, e.subject, e.time.0, e.data.to_string()],
        )?;
        if new == 0 {
            return Ok(());
        }
        let event = self.conn.last_insert_rowid();
        for (uid, receiver) in notices {
            self.last.outbox += 1;
            self.run(
                "INSERT INTO outbox (id, uid, event, receiver, state, created, next) VALUES (?, ?, ?, ?, 'pending', ?, ?)",
                params![self.last.outbox, uid, event, receiver, e.time.0, e.time.0],
            )?;
        }
        Ok(())
    }

    /// Notes what came of an attempt to deliver a notice.
    pub fn put_attempt(&self, a: &Attempt) -> Res<()> {
        let (state, next, last, done) = match &a.outcome {
            Outcome::Delivered { status, took_ms } => {
                ("delivered", a.at, format!("{status} in {took_ms} ms"), Some(a.at.0))
            }
            Outcome::Retry { why, next } => ("pending", *next, why.clone(), None),
            Outcome::Dead { why, .. } => ("dead", a.at, why.clone(), Some(a.at.0)),
        };
        self.run(
            "UPDATE outbox SET state = ?, attempts = attempts + 1, next = ?, last = ?, done = ? WHERE id = ? AND state = 'pending'",
            params![state, next.0, last, done, a.notice],
        )?;
        if let Outcome::Dead { why, disable: true } = &a.outcome {
            self.run(
                "INSERT OR IGNORE INTO disabled_receivers (receiver, at, why) SELECT receiver, ?, ? FROM outbox WHERE id = ?",
                params![a.at.0, why, a.notice],
            )?;
        }
        Ok(())
    }

    /// The receiver of a notice.
    pub fn receiver_of(&self, notice: i64) -> Res<Option<String>> {
        let run = || {
            self.conn
                .prepare_cached("SELECT receiver FROM outbox WHERE id = ?")?
                .query_row([notice], |r| r.get(0))
                .optional()
        };
        run().map_err(|e| classify(&self.path, e))
    }

    /// Notes how far a target of `forward` is.
    pub fn put_cursor(&self, target: &str, c: Cursor) -> Res<()> {
        self.run(
            "INSERT OR REPLACE INTO cursors (target, journal, change, hour) VALUES (?, ?, ?, ?)",
            params![target, c.journal, c.change, c.hour],
        )
        .map(drop)
    }

    /// Conditions of the operation that hold: (kind, subject) and since when.
    pub fn conditions(&self) -> Res<BTreeMap<(String, String), Stamp>> {
        let run = || {
            let mut statement = self.conn.prepare("SELECT kind, subject, since FROM conditions")?;
            let rows =
                statement.query_map([], |r| Ok(((r.get(0)?, r.get(1)?), Stamp(r.get(2)?))))?;
            rows.collect::<rusqlite::Result<_>>()
        };
        run().map_err(|e| classify(&self.path, e))
    }

    /// A condition of the operation begins or ends.
    pub fn put_condition(
        &self,
        kind: &str,
        subject: &str,
        begins: Option<(Stamp, &str)>,
    ) -> Res<()> {
        match begins {
            Some((since, detail)) => self.run(
                "INSERT OR REPLACE INTO conditions (kind, subject, since, detail) VALUES (?, ?, ?, ?)",
                params![kind, subject, since.0, detail],
            ),
            None => self.run(
                "DELETE FROM conditions WHERE kind = ? AND subject = ?",
                params![kind, subject],
            ),
        }
        .map(drop)
    }

    /// Keeps the intake's state as of a journal row.
    pub fn put_snapshot(&self, s: &Snapshot) -> Res<()> {
        self.run(
            "INSERT OR REPLACE INTO snapshot (id, seq, fold, state) VALUES (1, ?, ?, ?)",
            params![s.seq, s.index, s.state],
        )
        .map(drop)
    }

    /// The intake's state as kept last.
    pub fn snapshot(&self) -> Res<Option<Snapshot>> {
        self.conn
            .query_row("SELECT seq, fold, state FROM snapshot WHERE id = 1", [], |r| {
                Ok(Snapshot { seq: r.get(0)?, index: r.get(1)?, state: r.get(2)? })
            })
            .optional()
            .map_err(|e| classify(&self.path, e))
    }
}

fn same_series(a: &Measured, b: &Measured) -> bool {
    a.value.quantity == b.value.quantity && a.value.label == b.value.label
}
