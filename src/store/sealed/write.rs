//! Writing history: small pieces, each safe to be the last before a crash.

use super::super::schema::{StoreError, classify};
use super::super::types::{DeviceId, Row};
use super::super::write::{Res, Writer};
use super::Kept;
use super::read::{Rows, of_hour, parts_in, walk};
use crate::air::Hour;
use crate::flow::{Merged, Part, Upkeep};
use rusqlite::params;

impl Writer {
    /// Does a piece of upkeep, in the running batch. `false` if it is not possible or
    /// there is nothing to do. A snapshot is the intake's to keep.
    pub fn upkeep(&mut self, work: &Upkeep) -> Res<bool> {
        match work {
            Upkeep::Snapshot => Ok(false),
            Upkeep::Forget => {
                self.run("DELETE FROM history WHERE upto > ?", [self.through])?;
                Ok(true)
            }
            Upkeep::Prepare(parts) => {
                parts.iter().try_for_each(|part| self.put_part(part))?;
                Ok(true)
            }
            Upkeep::Seal { through } => self.seal(*through),
            Upkeep::Trim { rows } => {
                // A stretch of places rather than a list of rows: half of the time.
                let gone = "DELETE FROM journal
                     WHERE seq <= min(?, (SELECT min(seq) FROM journal) + ? - 1)";
                Ok(self.run(gone, params![self.through, rows])? > 0)
            }
            Upkeep::Merge(all) => {
                for Merged { after, part } in all {
                    let gone = "DELETE FROM history WHERE device = ? AND upto > ? AND upto <= ?";
                    self.run(gone, params![part.device, after, part.upto])?;
                    self.put_part(part)?;
                }
                Ok(true)
            }
            Upkeep::DropParts { .. } | Upkeep::DropHours { .. } | Upkeep::DropZoneHours { .. } => {
                self.drop_kept(work)
            }
        }
    }

    fn seal(&mut self, through: i64) -> Res<bool> {
        let kept = self.snapshot_seq()?;
        if through <= self.through || through > kept || through >= self.last.journal {
            return Ok(false);
        }
        self.run("UPDATE sealed SET through = ?", [through])?;
        self.through = through;
        Ok(true)
    }

    fn put_part(&self, part: &Part) -> Res<()> {
        self.run(
            "INSERT INTO history (device, upto, first, last, rows, readings, block) VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![
                part.device,
                part.upto,
                part.first.0,
                part.last.0,
                part.rows,
                part.readings,
                part.block
            ],
        )
        .map(drop)
    }

    /// Makes the file as small as what is in it. Outside a batch; takes as much room
    /// on the disk again meanwhile.
    pub fn shrink(&self) -> Res<()> {
        self.run("VACUUM", [])?;
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        self.conn.query_row(checkpoint, [], |_| Ok(())).map_err(|e| classify(&self.path, e))
    }

    /// Walks the rows of a device-hour, the latest received first, from its head
    /// on, for as long as they are wanted.
    pub(in super::super) fn walk(
        &self,
        place: (DeviceId, Hour),
        head: i64,
        visit: impl FnMut(Kept) -> bool,
    ) -> Res<()> {
        walk(&mut &*self, place, head, visit)
    }
}

impl Rows for &Writer {
    fn through(&mut self) -> Res<i64> {
        Ok(self.through)
    }

    fn journal_row(&mut self, seq: i64) -> Res<Option<Row>> {
        self.row(seq)
    }

    /// A part that cannot be read is left out and named: new readings are taken all
    /// the same, and those in it count as not there.
    fn sealed_hour(&mut self, device: DeviceId, hour: Hour) -> Res<Vec<Kept>> {
        let parts = parts_in(&self.conn, device, (hour, hour));
        let mut all = Vec::new();
        for part in parts.map_err(|e| classify(&self.path, e))? {
            match self.unpacked.borrow_mut().rows(&self.conn, &self.path, &part) {
                Ok(rows) => {
                    let rows = of_hour(&rows, hour).iter();
                    all.extend(
                        rows.filter_map(|row| Kept::unsealed(row, |id| self.label_name(id))),
                    );
                }
                Err(StoreError::Damaged { what, .. }) => {
                    tracing::error!(
                        what,
                        "damaged history; `dustline store check` says what to do"
                    );
                }
                Err(e) => return Err(e),
            }
        }
        Ok(all)
    }

    fn damage(&self, what: String) -> StoreError {
        self.damaged(what)
    }
}
