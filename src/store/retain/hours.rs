//! Dropping closed hours: device by device, since so they lie together, and a whole
//! day at a time, since each device is a page of the store that is written anew.

use super::super::read::{Reader, Res};
use super::super::schema::StoreError;
use super::dropped_before;
use super::pass::{KeepRule, Retained};
use crate::air::Hour;
use crate::flow::{Limit, Upkeep};
use rusqlite::params;

/// Devices whose hours are dropped in one piece, and hours in it at most: what the
/// writer has done in some milliseconds.
const PIECE_DEVICES: usize = 64;
const PIECE_ROWS: u32 = 1_000;

/// Hours of a day.
const DAY: i32 = 24;

/// What of the closed hours goes.
#[derive(Debug, Clone, Copy)]
struct Old {
    before: Hour,
    heads_before: Hour,
    written: i64,
    beyond: Limit,
}

/// Drops the hours of the days that end before an hour. Does nothing if the pass
/// before has left none.
pub(super) fn drop_old<E: From<StoreError>>(
    reader: &Reader,
    (rule, hour): (&KeepRule, Hour),
    kept: Retained,
    write: &mut impl FnMut(Upkeep) -> Result<bool, E>,
) -> Result<Retained, E> {
    let before = Hour(hour.0.div_euclid(DAY).saturating_mul(DAY));
    if kept.hours_before >= before {
        return Ok(kept);
    }
    let written = reader.written_everywhere(rule)?;
    let old = reader.old(before, written, Limit::Age)?;
    let any = drop_all(reader, old, write)?;
    // What a target does not have yet is looked for again.
    let all_written = written >= reader.committed()?.hour - 1;
    let hours_before = if any || !all_written { kept.hours_before } else { before };
    Ok(Retained { hours_before, ..kept })
}

/// Drops the oldest day of hours for as long as something is true, and none from an
/// hour on, whether a target has them or not.
pub(super) fn drop_oldest<E: From<StoreError>>(
    reader: &Reader,
    from: Hour,
    write: &mut impl FnMut(Upkeep) -> Result<bool, E>,
    mut goes_on: impl FnMut(&Reader) -> Result<bool, E>,
) -> Result<(), E> {
    while goes_on(reader)? {
        let Some(oldest) = reader.oldest_hour()? else { return Ok(()) };
        let before = Hour((oldest.0.div_euclid(DAY) + 1).saturating_mul(DAY)).min(from);
        let old = reader.old(before, reader.committed()?.hour - 1, Limit::Hard)?;
        if !drop_all(reader, old, write)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Drops them, piece by piece; whether there were any.
fn drop_all<E: From<StoreError>>(
    reader: &Reader,
    old: Old,
    write: &mut impl FnMut(Upkeep) -> Result<bool, E>,
) -> Result<bool, E> {
    let Old { before, heads_before, written, beyond } = old;
    let (mut any, rows) = (false, PIECE_ROWS);
    for devices in reader.devices_with_old(&old)?.chunks(PIECE_DEVICES) {
        let devices = devices.to_vec();
        let piece = Upkeep::DropHours { devices, before, heads_before, written, rows, beyond };
        while write(piece.clone())? {
            any = true;
        }
    }
    while write(Upkeep::DropZoneHours { before, rows, beyond })? {
        any = true;
    }
    Ok(any)
}

impl Reader {
    fn old(&self, before: Hour, written: i64, beyond: Limit) -> Res<Old> {
        let dropped = dropped_before(self.connection()).map_err(|e| self.err(e))?;
        Ok(Old { before, heads_before: before.min(dropped), written, beyond })
    }

    /// The devices that have closed hours to drop, or heads of dropped rows.
    fn devices_with_old(&self, old: &Old) -> Res<Vec<u32>> {
        self.all(
            "SELECT id FROM devices WHERE
               EXISTS (SELECT 1 FROM hours WHERE device = id AND hour < ?1 AND revision <= ?2)
               OR EXISTS (SELECT 1 FROM chains WHERE device = id AND hour < ?3)",
            params![old.before.0, old.written, old.heads_before.0],
            |r| r.get(0),
        )
    }

    /// The first closed hour of all; `None` without any.
    fn oldest_hour(&self) -> Res<Option<Hour>> {
        let sql = "SELECT min((SELECT min(hour) FROM hours WHERE device = id)) FROM devices";
        let found = self.all(sql, [], |r| r.get::<_, Option<i32>>(0))?;
        Ok(found.into_iter().next().flatten().map(Hour))
    }
}
