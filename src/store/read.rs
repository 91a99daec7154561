//! Reading what is committed, on a connection of one's own.

use super::body::decode_body;
use super::index::{Index, OpenHour};
use super::schema::{StoreError, classify, file, open_reader};
use super::types::*;
use crate::air::reading::TimeSource;
use crate::air::{Hour, Label, Quantity, Stamp};
use crate::flow::Committed;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A read-only view of the store. Names of devices, sources and labels are
/// remembered and looked up again when an unknown one turns up.
pub struct Reader {
    conn: Connection,
    path: PathBuf,
    names: Names,
}

/// The names behind ids.
#[derive(Debug, Default)]
struct Names {
    devices: Vec<String>,
    device_ids: HashMap<String, DeviceId>,
    sources: HashMap<u32, String>,
    labels: HashMap<u32, Label>,
}

/// Which hours, changes or ledger lines are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Not before this.
    pub from: Option<Stamp>,
    /// Before this.
    pub to: Option<Stamp>,
    /// Of these devices; `None`: all.
    pub devices: Option<Vec<DeviceId>>,
    /// Of this quantity.
    pub quantity: Option<Quantity>,
    /// Of this zone.
    pub zone: Option<String>,
    /// At most so many; 0: all.
    pub limit: usize,
}

impl Filter {
    fn hours(&self) -> (i64, i64) {
        let from = self.from.map_or(i64::from(i32::MIN), |t| ceil_hour(t));
        let to = self.to.map_or(i64::from(i32::MAX), |t| ceil_hour(t));
        (from, to)
    }

    fn sql_limit(&self) -> i64 {
        if self.limit == 0 { -1 } else { self.limit as i64 }
    }
}

/// The first hour that starts at or after the instant.
fn ceil_hour(t: Stamp) -> i64 {
    let hour = t.hour();
    i64::from(if hour.start() < t { hour.next().0 } else { hour.0 })
}

type Res<T> = Result<T, StoreError>;

impl Reader {
    /// Opens the store of a data directory; it must have been made by a daemon.
    pub fn open(dir: &Path) -> Res<Reader> {
        Ok(Reader { conn: open_reader(dir)?, path: file(dir), names: Names::default() })
    }

    fn err(&self, e: rusqlite::Error) -> StoreError {
        classify(&self.path, e)
    }

    fn damaged(&self, what: String) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), what }
    }

    fn all<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        map: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Res<Vec<T>> {
        let run = || {
            let mut statement = self.conn.prepare_cached(sql)?;
            statement.query_map(params, map)?.collect::<rusqlite::Result<Vec<T>>>()
        };
        run().map_err(|e| self.err(e))
    }

    fn number(&self, sql: &str) -> Res<i64> {
        let run = || self.conn.prepare_cached(sql)?.query_row([], |r| r.get::<_, Option<i64>>(0));
        Ok(run().map_err(|e| self.err(e))?.unwrap_or(0))
    }

    /// How far the store is.
    pub fn committed(&self) -> Res<Committed> {
        Ok(Committed {
            journal: self.number("SELECT max(seq) FROM journal")?,
            outbox: self.number("SELECT max(id) FROM outbox")?,
            change: self.number("SELECT max(id) FROM changes")?,
            hour: self.number("SELECT max(revision) FROM hours")?,
        })
    }

    /// Size of the database in bytes, with its write-ahead log.
    pub fn bytes(&self) -> u64 {
        let of = |p: &Path| std::fs::metadata(p).map_or(0, |m| m.len());
        of(&self.path) + of(&self.path.with_extension("db-wal"))
    }

    /// Looks up the names of devices, sources and labels again.
    pub fn refresh_names(&mut self) -> Res<()> {
        let known = self.names.devices.len() as i64;
        let new =
            self.all("SELECT id, name FROM devices WHERE id > ? ORDER BY id", [known], |r| {
                Ok((r.get::<_, u32>(0)?, r.get::<_, String>(1)?))
            })?;
        for (id, name) in new {
            self.names.device_ids.insert(name.clone(), DeviceId(id));
            self.names.devices.push(name);
        }
        let sources =
            self.all("SELECT id, name FROM sources", [], |r| Ok((r.get(0)?, r.get(1)?)))?;
        self.names.sources = sources.into_iter().collect();
        let labels = self.all("SELECT id, channel, variant FROM labels", [], |r| {
            Ok((r.get(0)?, Label { channel: r.get(1)?, variant: r.get(2)? }))
        })?;
        self.names.labels = labels.into_iter().collect();
        Ok(())
    }

    /// The name of a device; empty if it is not known (after [`Reader::refresh_names`]).
    pub fn device_name(&self, id: DeviceId) -> &str {
        let place = (id.0 as usize).wrapping_sub(1);
        self.names.devices.get(place).map_or("", String::as_str)
    }

    /// The id of a device by name (after [`Reader::refresh_names`]).
    pub fn device_id(&self, name: &str) -> Option<DeviceId> {
        self.names.device_ids.get(name).copied()
    }

    /// Every device with its name, by id (after [`Reader::refresh_names`]).
    pub fn devices(&self) -> impl Iterator<Item = (DeviceId, &str)> {
        self.names.devices.iter().enumerate().map(|(i, n)| (DeviceId(i as u32 + 1), n.as_str()))
    }

    /// The name of a source; empty if it is not known (after [`Reader::refresh_names`]).
    pub fn source_name(&self, id: u32) -> &str {
        self.names.sources.get(&id).map_or("", String::as_str)
    }

    /// The label of a row in `labels` (after [`Reader::refresh_names`]).
    pub fn label(&self, id: u32) -> Option<Label> {
        if id == 0 { Some(Label::default()) } else { self.names.labels.get(&id).cloned() }
    }

    /// Journal rows after `seq` in order, at most `limit`.
    pub fn journal(&mut self, after: i64, limit: usize) -> Res<Vec<Row>> {
        let raw = self.all(
            "SELECT seq, tag, received, source, device, observed, prev, packet, digest, body
             FROM journal WHERE seq > ? ORDER BY seq LIMIT ?",
            params![after, limit as i64],
            RawRow::read,
        )?;
        raw.into_iter().map(|r| self.row_of(r)).collect()
    }

    /// One journal row.
    pub fn row(&mut self, seq: i64) -> Res<Option<Row>> {
        let run = || {
            self.conn
                .prepare_cached(
                    "SELECT seq, tag, received, source, device, observed, prev, packet, digest, body
                     FROM journal WHERE seq = ?",
                )?
                .query_row([seq], RawRow::read)
                .optional()
        };
        let raw = run().map_err(|e| self.err(e))?;
        raw.map(|r| self.row_of(r)).transpose()
    }

    fn row_of(&mut self, raw: RawRow) -> Res<Row> {
        if let Some(row) = raw.decode(|id| self.label(id)) {
            return Ok(row);
        }
        self.refresh_names()?;
        raw.decode(|id| self.label(id))
            .ok_or_else(|| self.damaged(format!("journal row {} cannot be read", raw.seq)))
    }

    /// The rows of one device-hour, newest receipt first, walking back from its head.
    pub fn chain(&mut self, head: i64) -> Res<Vec<Row>> {
        let mut rows = Vec::new();
        let mut seq = head;
        while seq != 0 {
            let Some(row) = self.row(seq)? else {
                return Err(self.damaged(format!("journal row {seq} is missing")));
            };
            let RowKind::Arrival(arrival) = &row.kind else {
                return Err(self.damaged(format!("journal row {seq} is not of a device")));
            };
            if arrival.prev >= seq {
                return Err(self.damaged(format!("journal row {seq} leads forward")));
            }
            seq = arrival.prev;
            rows.push(row);
        }
        Ok(rows)
    }

    /// The head of a closed device-hour.
    pub fn closed_hour(&self, device: DeviceId, hour: Hour) -> Res<Option<OpenHour>> {
        closed_hour(&self.conn, device, hour).map_err(|e| self.err(e))
    }

    /// Heads of the closed hours of a device in `[from, to)`, oldest first.
    pub fn closed_hours(&self, device: DeviceId, from: Hour, to: Hour) -> Res<Vec<OpenHour>> {
        self.all(
            "SELECT hour, head, newest, rows, sorted FROM chains
             WHERE device = ? AND hour >= ? AND hour < ? ORDER BY hour",
            params![device.0, from.0, to.0],
            chain_of,
        )
    }

    /// Closed hours of series, by device, hour and quantity.
    pub fn hours(&self, filter: &Filter) -> Res<Vec<HourRow>> {
        let (from, to) = filter.hours();
        let quantity = filter.quantity.map(|q| i64::from(q.code()));
        let Some(devices) = &filter.devices else {
            return self.all(
                &format!(
                    "{HOURS} WHERE hour >= ?1 AND hour < ?2 AND (?3 IS NULL OR quantity = ?3)
                          ORDER BY hour, device, quantity, label LIMIT ?4"
                ),
                params![from, to, quantity, filter.sql_limit()],
                hour_of,
            );
        };
        let mut all = Vec::new();
        for device in devices {
            all.extend(self.all(
                &format!("{HOURS} WHERE device = ?1 AND hour >= ?2 AND hour < ?3 AND (?4 IS NULL OR quantity = ?4)
                          ORDER BY hour, quantity, label LIMIT ?5"),
                params![device.0, from, to, quantity, filter.sql_limit()],
                hour_of,
            )?);
        }
        all.sort_by_key(|h| (h.hour, h.device, h.quantity, h.label));
        if filter.limit > 0 {
            all.truncate(filter.limit);
        }
        Ok(all)
    }

    /// Hours written after a revision, in the order of writing.
    pub fn hours_after(&self, revision: i64, limit: usize) -> Res<Vec<HourRow>> {
        self.all(
            &format!("{HOURS} WHERE revision > ? ORDER BY revision LIMIT ?"),
            params![revision, limit as i64],
            hour_of,
        )
    }

    /// Judged hours of zones.
    pub fn zone_hours(&self, filter: &Filter) -> Res<Vec<ZoneHourRow>> {
        let (from, to) = filter.hours();
        let rows = self.all(
            "SELECT zone, quantity, hour, sum_micro, stations, expected, valid FROM zone_hours
             WHERE hour >= ?1 AND hour < ?2 AND (?3 IS NULL OR zone = ?3) AND (?4 IS NULL OR quantity = ?4)
             ORDER BY hour, zone, quantity LIMIT ?5",
            params![from, to, filter.zone, filter.quantity.map(Quantity::code), filter.sql_limit()],
            |r| {
                Ok((r.get::<_, u8>(1)?, ZoneHourRow {
                    zone: r.get(0)?,
                    quantity: Quantity::Pm2_5,
                    hour: Hour(r.get(2)?),
                    sum_micro: r.get(3)?,
                    stations: r.get(4)?,
                    expected: r.get(5)?,
                    valid: r.get(6)?,
                }))
            },
        )?;
        rows.into_iter()
            .map(|(code, row)| match Quantity::from_code(code) {
                Some(quantity) => Ok(ZoneHourRow { quantity, ..row }),
                None => Err(self.damaged(format!("zone hour with quantity {code}"))),
            })
            .collect()
    }

    /// Changes in the order of decision, `at` within the filter, after a row.
    pub fn changes(&self, filter: &Filter, after: i64) -> Res<Vec<ChangeRow>> {
        self.all(
            "SELECT id, uid, ladder, scope, from_level, to_level, at, late, data FROM changes
             WHERE id > ?1 AND at >= ?2 AND at < ?3 AND (?4 IS NULL OR scope = 'zone/' || ?4)
             ORDER BY id LIMIT ?5",
            params![
                after,
                filter.from.map_or(i64::MIN, |t| t.0),
                filter.to.map_or(i64::MAX, |t| t.0),
                filter.zone,
                filter.sql_limit()
            ],
            change_of,
        )
    }

    /// One change by its identity.
    pub fn change(&self, uid: &str) -> Res<Option<ChangeRow>> {
        let found = self.all(
            "SELECT id, uid, ladder, scope, from_level, to_level, at, late, data FROM changes WHERE uid = ?",
            [uid],
            change_of,
        )?;
        Ok(found.into_iter().next())
    }

    /// The present level of every ladder and threshold.
    pub fn levels(&self) -> Res<Vec<LevelRow>> {
        self.all(
            "SELECT ladder, scope, level, since, value, inputs, ruleset, unknown_since FROM levels ORDER BY ladder, scope",
            [],
            |r| {
                Ok(LevelRow {
                    ladder: r.get(0)?,
                    scope: r.get(1)?,
                    level: r.get(2)?,
                    since: Stamp(r.get(3)?),
                    value: r.get(4)?,
                    inputs: json(&r.get::<_, String>(5)?),
                    ruleset: r.get(6)?,
                    unknown_since: r.get::<_, Option<i64>>(7)?.map(Stamp),
                })
            },
        )
    }

    /// What was set aside, after a row.
    pub fn quarantine(&self, after: i64, limit: usize) -> Res<Vec<QuarantineRow>> {
        self.all(
            "SELECT q.id, q.seq, s.name, q.topic, q.payload, q.reason, q.detail, q.at
             FROM quarantine q JOIN sources s ON s.id = q.source WHERE q.id > ? ORDER BY q.id LIMIT ?",
            params![after, limit as i64],
            |r| {
                Ok(QuarantineRow {
                    id: r.get(0)?,
                    seq: r.get(1)?,
                    source: r.get(2)?,
                    topic: r.get(3)?,
                    payload: r.get(4)?,
                    reason: r.get(5)?,
                    detail: r.get(6)?,
                    at: Stamp(r.get(7)?),
                })
            },
        )
    }

    /// Notices after a row of the outbox, in order; of one state if asked.
    pub fn outbox(&self, state: Option<NoticeState>, after: i64, limit: usize) -> Res<Vec<Notice>> {
        self.all(
            &format!(
                "{NOTICES} WHERE o.id > ?1 AND (?2 IS NULL OR o.state = ?2) ORDER BY o.id LIMIT ?3"
            ),
            params![after, state.map(NoticeState::name), limit as i64],
            notice_of,
        )
    }

    /// One notice by its row.
    pub fn notice(&self, id: i64) -> Res<Option<Notice>> {
        let found = self.all(&format!("{NOTICES} WHERE o.id = ?"), [id], notice_of)?;
        Ok(found.into_iter().next())
    }

    /// Receivers that asked to be left alone (410), with when and why.
    pub fn disabled_receivers(&self) -> Res<Vec<(String, Stamp, String)>> {
        self.all("SELECT receiver, at, why FROM disabled_receivers", [], |r| {
            Ok((r.get(0)?, Stamp(r.get(1)?), r.get(2)?))
        })
    }

    /// Conditions of the operation that hold: kind, subject, since when, in words.
    pub fn conditions(&self) -> Res<Vec<(String, String, Stamp, String)>> {
        self.all("SELECT kind, subject, since, detail FROM conditions ORDER BY since", [], |r| {
            Ok((r.get(0)?, r.get(1)?, Stamp(r.get(2)?), r.get(3)?))
        })
    }

    /// Notices per receiver and state.
    pub fn outbox_counts(&self) -> Res<Vec<(String, String, u64)>> {
        self.all("SELECT receiver, state, count(*) FROM outbox GROUP BY receiver, state", [], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get::<_, i64>(2)? as u64))
        })
    }

    /// How far a target of `forward` is.
    pub fn cursor(&self, target: &str) -> Res<Cursor> {
        let found = self.all(
            "SELECT journal, change, hour FROM cursors WHERE target = ?",
            [target],
            |r| Ok(Cursor { journal: r.get(0)?, change: r.get(1)?, hour: r.get(2)? }),
        )?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// Ledger lines of hours of receipt that are over; the running hour is in the [`Index`].
    pub fn ledger(&self, from: Hour, to: Hour) -> Res<Vec<(LedgerKey, LedgerLine)>> {
        self.all(
            "SELECT hour, source, device, received, stored, duplicate, quarantined, ignored,
                    r_received, r_stored, r_duplicate, r_quarantined, r_ignored
             FROM ledger WHERE hour >= ? AND hour < ? ORDER BY hour, source, device",
            params![from.0, to.0],
            |r| {
                let counts = |i: usize| -> rusqlite::Result<Counts> {
                    let n = |k: usize| r.get::<_, i64>(i + k).map(|v| v as u64);
                    Ok(Counts {
                        received: n(0)?,
                        stored: n(1)?,
                        duplicate: n(2)?,
                        quarantined: n(3)?,
                        ignored: n(4)?,
                    })
                };
                let key = LedgerKey { hour: Hour(r.get(0)?), source: r.get(1)?, device: r.get(2)? };
                Ok((key, LedgerLine { messages: counts(3)?, readings: counts(8)? }))
            },
        )
    }

    /// The fold over the journal as of the last commit: the latest snapshot and
    /// the rows after it.
    pub fn index(&mut self) -> Res<Index> {
        let mut index = match snapshot_index(&self.conn).map_err(|e| self.err(e))? {
            Some(bytes) => postcard::from_bytes(&bytes).unwrap_or_default(),
            None => Index::default(),
        };
        self.catch_up(&mut index)?;
        Ok(index)
    }

    /// Folds the rows after the index into it.
    pub fn catch_up(&mut self, index: &mut Index) -> Res<()> {
        loop {
            let rows = self.journal(index.seq, 10_000)?;
            for row in &rows {
                index.apply(row);
            }
            if rows.len() < 10_000 {
                return Ok(());
            }
        }
    }
}

const HOURS: &str = "SELECT revision, device, hour, quantity, label, count, sum_micro, min_micro, max_micro, minutes, flagged FROM hours";
const NOTICES: &str =
    "SELECT o.id, o.uid, o.receiver, o.state, o.attempts, o.created, o.next, o.last, o.done,
  e.id, e.uid, e.kind, e.subject, e.time, e.data FROM outbox o JOIN events e ON e.id = o.event";

/// The index part of the snapshot, as bytes.
pub(super) fn snapshot_index(conn: &Connection) -> rusqlite::Result<Option<Vec<u8>>> {
    conn.query_row("SELECT fold FROM snapshot WHERE id = 1", [], |r| r.get(0)).optional()
}

/// The head of a closed device-hour.
pub(super) fn closed_hour(
    conn: &Connection,
    device: DeviceId,
    hour: Hour,
) -> rusqlite::Result<Option<OpenHour>> {
    conn.prepare_cached(
        "SELECT hour, head, newest, rows, sorted FROM chains WHERE device = ? AND hour = ?",
    )?
    .query_row(params![device.0, hour.0], chain_of)
    .optional()
}

fn chain_of(r: &rusqlite::Row<'_>) -> rusqlite::Result<OpenHour> {
    Ok(OpenHour {
        hour: Hour(r.get(0)?),
        head: r.get(1)?,
        newest: Stamp(r.get(2)?),
        rows: r.get(3)?,
        sorted: r.get(4)?,
    })
}

/// An hour as stored.
pub(super) fn hour_of(r: &rusqlite::Row<'_>) -> rusqlite::Result<HourRow> {
    let code: u8 = r.get(3)?;
    let quantity = Quantity::from_code(code)
        .ok_or(rusqlite::Error::IntegralValueOutOfRange(3, i64::from(code)))?;
    Ok(HourRow {
        revision: r.get(0)?,
        device: DeviceId(r.get(1)?),
        hour: Hour(r.get(2)?),
        quantity,
        label: r.get(4)?,
        count: r.get(5)?,
        sum_micro: r.get(6)?,
        min_micro: r.get(7)?,
        max_micro: r.get(8)?,
        minutes: r.get::<_, i64>(9)? as u64,
        flagged: r.get(10)?,
    })
}

fn change_of(r: &rusqlite::Row<'_>) -> rusqlite::Result<ChangeRow> {
    Ok(ChangeRow {
        id: r.get(0)?,
        uid: r.get(1)?,
        ladder: r.get(2)?,
        scope: r.get(3)?,
        from: r.get(4)?,
        to: r.get(5)?,
        at: Stamp(r.get(6)?),
        late: r.get(7)?,
        data: json(&r.get::<_, String>(8)?),
    })
}

fn notice_of(r: &rusqlite::Row<'_>) -> rusqlite::Result<Notice> {
    let state = match r.get::<_, String>(3)?.as_str() {
        "delivered" => NoticeState::Delivered,
        "dead" => NoticeState::Dead,
        _ => NoticeState::Pending,
    };
    Ok(Notice {
        id: r.get(0)?,
        uid: r.get(1)?,
        receiver: r.get(2)?,
        state,
        attempts: r.get(4)?,
        created: Stamp(r.get(5)?),
        next: Stamp(r.get(6)?),
        last: r.get(7)?,
        done: r.get::<_, Option<i64>>(8)?.map(Stamp),
        event: EventRow {
            id: r.get(9)?,
            uid: r.get(10)?,
            kind: r.get(11)?,
            subject: r.get(12)?,
            time: Stamp(r.get(13)?),
            data: json(&r.get::<_, String>(14)?),
        },
    })
}

/// Text that this program wrote as JSON; shown as text if it is not.
fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::String(text.to_owned()))
}

/// A journal row as SQLite has it.
pub(super) struct RawRow {
    seq: i64,
    tag: u32,
    received: i64,
    source: Option<u32>,
    device: Option<u32>,
    observed: Option<i64>,
    prev: Option<i64>,
    packet: Option<u16>,
    digest: Option<i64>,
    body: Option<Vec<u8>>,
}

impl RawRow {
    pub(super) fn read(r: &rusqlite::Row<'_>) -> rusqlite::Result<RawRow> {
        Ok(RawRow {
            seq: r.get(0)?,
            tag: r.get(1)?,
            received: r.get(2)?,
            source: r.get(3)?,
            device: r.get(4)?,
            observed: r.get(5)?,
            prev: r.get(6)?,
            packet: r.get(7)?,
            digest: r.get(8)?,
            body: r.get(9)?,
        })
    }

    /// The row as meant; `None` if it is damaged or names an unknown label.
    pub(super) fn decode(&self, label: impl Fn(u32) -> Option<Label>) -> Option<Row> {
        let body = self.body.as_deref().unwrap_or_default();
        let bucket = match self.tag & 7 {
            0 => return self.decode_other(body),
            n => *Bucket::ALL.get(n as usize - 1)?,
        };
        let (duplicates, skipped, values) = decode_body(body, label)?;
        let flag = |bit: u32| self.tag & bit != 0;
        let arrival = ArrivalRow {
            source: self.source?,
            bucket,
            continues: flag(8),
            device: self.device.map(DeviceId),
            observed: Stamp(self.observed.unwrap_or(self.received)),
            time_source: if flag(16) { TimeSource::Device } else { TimeSource::Arrival },
            revises: flag(32),
            prev: self.prev.unwrap_or(0),
            packet: self.packet.zip(self.digest.map(|d| d as u64)),
            values,
            duplicates,
            skipped,
        };
        Some(self.row(RowKind::Arrival(arrival)))
    }

    fn decode_other(&self, body: &[u8]) -> Option<Row> {
        let hour = || Some(Hour(i32::try_from(self.observed?).ok()?));
        let kind = match self.tag >> 3 {
            0 => {
                RowKind::ZoneClosed { zone: String::from_utf8(body.to_vec()).ok()?, hour: hour()? }
            }
            1 => RowKind::DevicesClosed { frontier: hour()? },
            3 => {
                let (zone, code, hour) = postcard::from_bytes(body).ok()?;
                RowKind::ZoneRevised { zone, quantity: Quantity::from_code(code)?, hour }
            }
            2 => RowKind::Overload { source: self.source?, count: self.observed? as u64 },
            _ => return None,
        };
        Some(self.row(kind))
    }

    fn row(&self, kind: RowKind) -> Row {
        Row { seq: self.seq, received: Stamp(self.received), kind }
    }
}
