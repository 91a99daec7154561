//! Writing what follows from the journal: hours, judgements, notices, snapshots.

use super::history::hour_of;
use super::index::{OpenHour, Over};
use super::schema::classify;
use super::types::*;
use super::write::{Res, Snapshot, Writer};
use crate::air::{Hour, Stamp};
use rusqlite::{OptionalExtension, params};
use std::collections::BTreeMap;

/// Between the filters of two lanes of a source; no filter may have it in it.
const LANE_END: &str = "\u{1e}";

impl Writer {
    /// The filters kept for a source, by lane.
    pub fn filters(&self, source: u32) -> Res<Vec<Vec<String>>> {
        let text: String = self
            .conn
            .query_row("SELECT filters FROM sources WHERE id = ?", [source], |r| r.get(0))
            .map_err(|e| classify(&self.path, e))?;
        Ok(text.split(LANE_END).map(|l| l.lines().map(str::to_owned).collect()).collect())
    }

    /// Keeps the filters of a source, by lane.
    pub fn put_filters(&self, source: u32, lanes: &[Vec<String>]) -> Res<()> {
        let lanes: Vec<String> = lanes.iter().map(|filters| filters.join("\n")).collect();
        let text = lanes.join(LANE_END);
        self.run("UPDATE sources SET filters = ? WHERE id = ?", params![text, source]).map(drop)
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
        let left_out = (!z.left_out.is_empty())
            .then(|| serde_json::Value::from(z.left_out.clone()).to_string());
        self.run(
            "INSERT OR REPLACE INTO zone_hours (zone, quantity, hour, sum_micro, stations, expected, valid, left_out)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            params![z.zone, z.quantity.code(), z.hour.0, z.sum_micro, z.stations, z.expected, z.valid, left_out],
        )
        .map(drop)
    }

    /// Takes what is over into the table of the ledger.
    pub fn put_ledger(&self, over: &Over) -> Res<()> {
        for (key, line) in &over.lines {
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
        over.moved.iter().try_for_each(|left| self.move_ledger(left))
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

    /// Keeps only these levels, by ladder and scope.
    pub fn retain_levels(&self, keep: impl Fn(&str, &str) -> bool) -> Res<()> {
        let run = || {
            let mut statement = self.conn.prepare("SELECT ladder, scope FROM levels")?;
            let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<(String, String)>>>()
        };
        for (ladder, scope) in run().map_err(|e| classify(&self.path, e))? {
            if !keep(&ladder, &scope) {
                let gone = params![ladder, scope];
                self.run("DELETE FROM levels WHERE ladder = ? AND scope = ?", gone)?;
            }
        }
        Ok(())
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

    /// What the messages of a source have said for those to come, what was
    /// learnt first in front.
    pub fn remembered(&self, source: u32) -> Res<Vec<(String, String)>> {
        let run = || {
            let mut statement = self
                .conn
                .prepare("SELECT key, value FROM remembered WHERE source = ? ORDER BY id")?;
            let rows = statement.query_map([source], |r| Ok((r.get(0)?, r.get(1)?)))?;
            rows.collect::<rusqlite::Result<_>>()
        };
        run().map_err(|e| classify(&self.path, e))
    }

    /// Remembers something of a source, or forgets it. What is replaced counts as
    /// learnt now.
    pub fn put_remembered(
        &self,
        source: u32,
        key: &str,
        value: Option<&str>,
        at: Stamp,
    ) -> Res<()> {
        match value {
            Some(value) => self.run(
                "INSERT OR REPLACE INTO remembered (source, key, value, at) VALUES (?, ?, ?, ?)",
                params![source, key, value, at.0],
            ),
            None => self
                .run("DELETE FROM remembered WHERE source = ? AND key = ?", params![source, key]),
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

    /// The last journal row that the state kept last is of, 0 if none is kept.
    pub(super) fn snapshot_seq(&self) -> Res<i64> {
        let sql = "SELECT max(seq) FROM snapshot";
        let seq = self.conn.query_row(sql, [], |r| r.get::<_, Option<i64>>(0));
        Ok(seq.map_err(|e| classify(&self.path, e))?.unwrap_or(0))
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
