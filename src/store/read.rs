//! Reading what is committed, on a connection of one's own.

use super::index::{Index, OpenHour};
use super::row::RawRow;
use super::schema::{StoreError, classify, file, open_reader};
use super::sealed::Unpacked;
use super::types::*;
use crate::air::{Hour, Label, Quantity, Stamp};
use crate::flow::Committed;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// A read-only view of the store. Names of devices, sources and labels are
/// remembered and looked up again when an unknown one turns up.
pub struct Reader {
    conn: Connection,
    path: PathBuf,
    names: Names,
    unpacked: Unpacked,
}

/// The names behind ids.
#[derive(Debug, Default)]
struct Names {
    devices: Vec<String>,
    device_ids: HashMap<String, DeviceId>,
    sources: HashMap<u32, String>,
    labels: HashMap<u32, Label>,
    label_ids: HashMap<Label, u32>,
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
    pub(super) fn hours(&self) -> (i64, i64) {
        let from = self.from.map_or(i64::from(i32::MIN), ceil_hour);
        let to = self.to.map_or(i64::from(i32::MAX), ceil_hour);
        (from, to)
    }

    pub(super) fn sql_limit(&self) -> i64 {
        if self.limit == 0 { -1 } else { self.limit as i64 }
    }
}

/// The first hour that starts at or after the instant.
fn ceil_hour(t: Stamp) -> i64 {
    let hour = t.hour();
    i64::from(if hour.start() < t { hour.next().0 } else { hour.0 })
}

pub(super) type Res<T> = Result<T, StoreError>;

impl Reader {
    /// Opens the store of a data directory; it must have been made by a daemon.
    pub fn open(dir: &Path) -> Res<Reader> {
        Ok(Reader {
            conn: open_reader(dir)?,
            path: file(dir),
            names: Names::default(),
            unpacked: Unpacked::default(),
        })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.conn
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What blocks are unpacked with: the connection, the file, those unpacked last.
    pub(super) fn unpacking(&mut self) -> (&Connection, &Path, &mut Unpacked) {
        (&self.conn, &self.path, &mut self.unpacked)
    }

    pub(super) fn err(&self, e: rusqlite::Error) -> StoreError {
        classify(&self.path, e)
    }

    pub(super) fn damaged(&self, what: String) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), what }
    }

    pub(super) fn all<T>(
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

    /// One number; 0 if there is none.
    pub(super) fn number(&self, sql: &str) -> Res<i64> {
        let run = || {
            let mut statement = self.conn.prepare_cached(sql)?;
            statement.query_row([], |r| r.get::<_, Option<i64>>(0)).optional()
        };
        Ok(run().map_err(|e| self.err(e))?.flatten().unwrap_or(0))
    }

    /// How far the store is.
    pub fn committed(&self) -> Res<Committed> {
        Ok(Committed {
            journal: self.number("SELECT max(seq) FROM journal")?,
            outbox: self.number("SELECT max(id) FROM outbox")?,
            change: self.number("SELECT max(id) FROM changes")?,
            hour: self.number("SELECT max(revision) FROM hours")?,
            acts: 0,
        })
    }

    /// Size of the database in bytes, with its write-ahead log.
    pub fn bytes(&self) -> u64 {
        let (file, wal) = self.files();
        file + wal
    }

    /// Sizes of the file and of its write-ahead log in bytes.
    pub(super) fn files(&self) -> (u64, u64) {
        let of = |p: &Path| std::fs::metadata(p).map_or(0, |m| m.len());
        (of(&self.path), of(&self.path.with_extension("db-wal")))
    }

    /// Bytes that the disk has left for us; `None` if the system does not say.
    pub fn free(&self) -> Option<u64> {
        super::disk::free(&self.path)
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
        let label_ids = self.names.labels.iter().map(|(id, label)| (label.clone(), *id));
        self.names.label_ids = label_ids.collect();
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
        self.label_ref(id).cloned()
    }

    /// As [`Reader::label`], where it is kept.
    pub(super) fn label_ref(&self, id: u32) -> Option<&Label> {
        if id == 0 { Some(Label::MAIN) } else { self.names.labels.get(&id) }
    }

    /// The row of a label, the other way round.
    pub(super) fn label_id(&self, label: &Label) -> Option<u32> {
        if label.is_main() { Some(0) } else { self.names.label_ids.get(label).copied() }
    }

    /// The rows of labels by label; that of the main one is 0 and not among them.
    pub(super) fn label_ids(&self) -> &HashMap<Label, u32> {
        &self.names.label_ids
    }

    /// Journal rows after `seq` that are not sealed, in order, at most `limit`.
    pub fn journal(&mut self, after: i64, limit: usize) -> Res<Vec<Row>> {
        let raw = self.all(
            &format!(
                "{ROWS} WHERE seq > max(?, (SELECT through FROM sealed)) ORDER BY seq LIMIT ?"
            ),
            params![after, limit as i64],
            RawRow::read,
        )?;
        raw.into_iter().map(|r| self.row_of(r)).collect()
    }

    /// Visits the journal rows of some devices after a row up to another, in order.
    pub(super) fn rows_of(
        &mut self,
        devices: RangeInclusive<u32>,
        (after, upto): (i64, i64),
        mut visit: impl FnMut(Row),
    ) -> Res<()> {
        let sql =
            format!("{ROWS} WHERE seq > ? AND seq <= ? AND device BETWEEN ? AND ? ORDER BY seq");
        let mut statement = self.conn.prepare_cached(&sql).map_err(|e| self.err(e))?;
        let which = params![after, upto, devices.start(), devices.end()];
        for raw in statement.query_map(which, RawRow::read).map_err(|e| self.err(e))? {
            let raw = raw.map_err(|e| self.err(e))?;
            let row = raw.decode(|id| self.label(id));
            visit(row.ok_or_else(|| self.unreadable(&raw))?);
        }
        Ok(())
    }

    /// One journal row that is not sealed.
    pub fn row(&mut self, seq: i64) -> Res<Option<Row>> {
        if seq <= self.sealed_through()? { Ok(None) } else { self.journal_row(seq) }
    }

    /// One journal row that is known not to be sealed.
    pub(super) fn journal_row(&mut self, seq: i64) -> Res<Option<Row>> {
        let run = || {
            self.conn
                .prepare_cached(&format!("{ROWS} WHERE seq = ?"))?
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
        raw.decode(|id| self.label(id)).ok_or_else(|| self.unreadable(&raw))
    }

    fn unreadable(&self, raw: &RawRow) -> StoreError {
        self.damaged(format!("journal row {} cannot be read", raw.seq))
    }

    /// The head of a closed device-hour.
    pub fn closed_hour(&self, device: DeviceId, hour: Hour) -> Res<Option<OpenHour>> {
        closed_hour(&self.conn, device, hour).map_err(|e| self.err(e))
    }

    /// Heads of the closed hours of a device in `[from, to)`, oldest first.
    pub fn closed_hours(&self, device: DeviceId, from: Hour, to: Hour) -> Res<Vec<OpenHour>> {
        self.first_closed_hours(device, (from, to), usize::MAX)
    }

    /// The first of them, so many at most.
    pub fn first_closed_hours(
        &self,
        device: DeviceId,
        (from, to): (Hour, Hour),
        limit: usize,
    ) -> Res<Vec<OpenHour>> {
        self.all(
            "SELECT hour, head, newest, rows, sorted FROM chains
             WHERE device = ? AND hour >= ? AND hour < ? ORDER BY hour LIMIT ?",
            params![device.0, from.0, to.0, i64::try_from(limit).unwrap_or(i64::MAX)],
            chain_of,
        )
    }

    /// The fold over the journal as of the last commit: the latest snapshot and
    /// the rows after it.
    ///
    /// # Errors
    /// If the store cannot be read, or if the snapshot cannot and rows that it was
    /// made from are sealed.
    pub fn index(&mut self) -> Res<Index> {
        self.at_once(|reader| {
            let mut index = reader.kept_index()?;
            reader.fold(&mut index)?;
            Ok(index)
        })
    }

    /// Brings an index up to the last commit: by the rows after it or, if some of
    /// those are sealed, from the latest snapshot on.
    ///
    /// # Errors
    /// As [`Reader::index`].
    pub fn catch_up(&mut self, index: &mut Index) -> Res<()> {
        self.at_once(|reader| {
            if index.seq < reader.sealed_through()? {
                *index = reader.kept_index()?;
            }
            reader.fold(index)
        })
    }

    fn kept_index(&self) -> Res<Index> {
        let kept = snapshot_index(&self.conn).map_err(|e| self.err(e))?;
        match (kept.as_deref().and_then(Index::decode), self.sealed_through()?) {
            (Some(index), _) => Ok(index),
            (None, 0) => Ok(Index::default()),
            (None, through) => Err(StoreError::State { path: self.path.clone(), through }),
        }
    }

    fn fold(&mut self, index: &mut Index) -> Res<()> {
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

/// The columns of the journal.
const ROWS: &str =
    "SELECT seq, tag, received, source, device, observed, prev, packet, digest, body FROM journal";

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
