//! Reading journal and history as one.

use super::super::block::Sealed;
use super::super::read::{Reader, Res};
use super::super::schema::StoreError;
use super::super::types::{DeviceId, Row, RowKind};
use super::{Kept, PartInfo};
use crate::air::{Hour, Stamp};
use rusqlite::{Connection, params};

/// Where the rows of a device-hour are.
pub(super) trait Rows {
    /// The last journal row that is sealed.
    fn through(&mut self) -> Res<i64>;
    /// A row of the journal that is not sealed.
    fn journal_row(&mut self, seq: i64) -> Res<Option<Row>>;
    /// The sealed rows of a device-hour, the latest received last.
    fn sealed_hour(&mut self, device: DeviceId, hour: Hour) -> Res<Vec<Kept>>;
    /// What to answer where something is not as it must be.
    fn damage(&self, what: String) -> StoreError;
}

/// Walks the rows of a device-hour, the latest received first, from its head on,
/// for as long as they are wanted: first in the journal, then in history.
pub(super) fn walk(
    rows: &mut impl Rows,
    (device, hour): (DeviceId, Hour),
    head: i64,
    mut visit: impl FnMut(Kept) -> bool,
) -> Res<()> {
    let leads_on = walk_journal(rows, head, |_, row| visit(row))?;
    if leads_on {
        let sealed = rows.sealed_hour(device, hour)?;
        // Ends with the first that is not wanted.
        let _ = sealed.into_iter().rev().all(visit);
    }
    Ok(())
}

/// Walks the rows of a chain in the journal, each with its place, the latest received
/// first, for as long as they are wanted. Returns whether it leads on to rows in
/// history that are wanted too.
pub(super) fn walk_journal(
    rows: &mut impl Rows,
    head: i64,
    mut visit: impl FnMut(i64, Kept) -> bool,
) -> Res<bool> {
    let through = rows.through()?;
    let mut seq = head;
    while seq > through {
        let Some(row) = rows.journal_row(seq)? else {
            return Err(rows.damage(format!("journal row {seq} is missing")));
        };
        let RowKind::Arrival(arrival) = row.kind else {
            return Err(rows.damage(format!("journal row {seq} is not of a device")));
        };
        if arrival.prev >= seq {
            return Err(rows.damage(format!("journal row {seq} leads forward")));
        }
        let prev = arrival.prev;
        if !visit(seq, Kept::of(row.received, arrival)) {
            return Ok(false);
        }
        seq = prev;
    }
    Ok(seq > 0)
}

/// The parts of a device with rows in `[first, last]` that count, oldest first.
pub(super) fn parts_in(
    conn: &Connection,
    device: DeviceId,
    (first, last): (Hour, Hour),
) -> rusqlite::Result<Vec<PartInfo>> {
    let mut statement = conn.prepare_cached(
        "SELECT device, upto, first, last, rows, readings FROM history
         WHERE device = ? AND last >= ? AND first <= ? AND upto <= (SELECT through FROM sealed)",
    )?;
    let found = statement.query_map(params![device.0, first.0, last.0], part_of)?;
    let mut parts = found.collect::<rusqlite::Result<Vec<_>>>()?;
    parts.sort_unstable_by_key(|p| p.upto);
    Ok(parts)
}

fn part_of(r: &rusqlite::Row<'_>) -> rusqlite::Result<PartInfo> {
    Ok(PartInfo {
        device: DeviceId(r.get(0)?),
        upto: r.get(1)?,
        first: Hour(r.get(2)?),
        last: Hour(r.get(3)?),
        rows: r.get(4)?,
        readings: r.get(5)?,
    })
}

/// The rows of one hour among those of a block, which are in the order of time.
pub(super) fn of_hour(rows: &[Sealed], hour: Hour) -> &[Sealed] {
    let first = rows.partition_point(|r| r.observed < hour.start());
    let end = rows.partition_point(|r| r.observed < hour.end());
    rows.get(first..end).unwrap_or_default()
}

impl Rows for Reader {
    fn through(&mut self) -> Res<i64> {
        self.sealed_through()
    }

    fn journal_row(&mut self, seq: i64) -> Res<Option<Row>> {
        Reader::journal_row(self, seq)
    }

    fn sealed_hour(&mut self, device: DeviceId, hour: Hour) -> Res<Vec<Kept>> {
        let parts = parts_in(self.connection(), device, (hour, hour)).map_err(|e| self.err(e))?;
        let mut all = Vec::new();
        for part in parts {
            let rows = self.unpack(&part)?;
            for row in of_hour(&rows, hour) {
                all.push(self.kept(row)?);
            }
        }
        Ok(all)
    }

    fn damage(&self, what: String) -> StoreError {
        self.damaged(what)
    }
}

impl Reader {
    /// Looks several times and sees the store as of one commit, whatever is written,
    /// sealed or merged meanwhile.
    ///
    /// # Errors
    /// If the store cannot be read, and those of the looking.
    pub fn at_once<T, E: From<StoreError>>(
        &mut self,
        look: impl FnOnce(&mut Reader) -> Result<T, E>,
    ) -> Result<T, E> {
        if !self.connection().is_autocommit() {
            return look(self);
        }
        self.connection().execute_batch("BEGIN").map_err(|e| self.err(e))?;
        let found = look(self);
        // Nothing was written that could be lost.
        self.connection().execute_batch("ROLLBACK").map_err(|e| self.err(e))?;
        found
    }

    /// The last journal row that is sealed.
    pub fn sealed_through(&self) -> Res<i64> {
        self.number("SELECT through FROM sealed")
    }

    /// Walks the rows of a device-hour, the latest received first, from its head
    /// on, for as long as they are wanted.
    pub fn walk(
        &mut self,
        place: (DeviceId, Hour),
        head: i64,
        visit: impl FnMut(Kept) -> bool,
    ) -> Res<()> {
        self.at_once(|reader| walk(reader, place, head, visit))
    }

    /// The rows of a device-hour, the latest received first.
    pub fn chain(&mut self, place: (DeviceId, Hour), head: i64) -> Res<Vec<Kept>> {
        let mut rows = Vec::new();
        self.walk(place, head, |row| {
            rows.push(row);
            true
        })?;
        Ok(rows)
    }

    /// The hour of the last row with readings of a device, which is in the journal
    /// at `last` or sealed; `None` if there is none.
    pub fn last_hour(&mut self, device: DeviceId, last: i64) -> Res<Option<Hour>> {
        if last == 0 {
            return Ok(None);
        }
        self.at_once(|reader| {
            if let Some(Row { kind: RowKind::Arrival(a), .. }) = reader.row(last)? {
                return Ok(Some(a.observed.hour()));
            }
            let parts = reader.parts_of(device)?;
            let Some(newest) = parts.last() else { return Ok(None) };
            let rows = reader.unpack(newest)?;
            Ok(rows.iter().max_by_key(|r| r.received).map(|r| r.observed.hour()))
        })
    }

    /// The parts of a device that count, oldest first.
    pub fn parts_of(&self, device: DeviceId) -> Res<Vec<PartInfo>> {
        let all = (Hour(i32::MIN), Hour(i32::MAX));
        parts_in(self.connection(), device, all).map_err(|e| self.err(e))
    }

    /// The parts of all devices that count, after one of this age, oldest first, at
    /// most `limit`.
    pub fn parts_after(&self, upto: i64, limit: usize) -> Res<Vec<PartInfo>> {
        self.all(
            "SELECT device, upto, first, last, rows, readings FROM history
             WHERE upto > ? AND upto <= (SELECT through FROM sealed) ORDER BY upto LIMIT ?",
            params![upto, limit as i64],
            part_of,
        )
    }

    /// The rows of a part, in the order of their times, and of receipt where those
    /// are the same.
    pub fn part(&mut self, part: &PartInfo) -> Res<Vec<Kept>> {
        let rows = self.unpack(part)?;
        rows.iter().map(|row| self.kept(row)).collect()
    }

    /// The rows of a part as they are packed.
    pub(in super::super) fn unpack(&mut self, part: &PartInfo) -> Res<std::sync::Arc<Vec<Sealed>>> {
        let (conn, path, unpacked) = self.unpacking();
        unpacked.rows(conn, path, part)
    }

    fn kept(&mut self, row: &Sealed) -> Res<Kept> {
        if let Some(kept) = Kept::unsealed(row, |id| self.label(id)) {
            return Ok(kept);
        }
        self.refresh_names()?;
        Kept::unsealed(row, |id| self.label(id)).ok_or_else(|| self.no_label())
    }

    /// A reading is of a label that is not in the store.
    pub(super) fn no_label(&self) -> StoreError {
        self.damaged("a sealed row names a label that is not there".to_owned())
    }

    /// When a row of the journal came in.
    pub(super) fn received(&self, seq: i64) -> Res<Option<Stamp>> {
        let sql = "SELECT received FROM journal WHERE seq = ?";
        Ok(self.all(sql, [seq], |r| Ok(Stamp(r.get(0)?)))?.first().copied())
    }
}
