//! One pass over the store: seal what can be sealed, then merge.
//!
//! It reads with a connection of its own and asks the single writer for each small
//! piece, so that it is the same in the daemon, where the intake writes, and on a
//! store that no daemon runs on.

use super::super::read::Reader;
use super::super::schema::StoreError;
use super::super::types::DeviceId;
use super::PartInfo;
use super::merge::{AT_ONCE, merged, to_merge};
use super::prepare::Step;
use crate::flow::{Merged, Part, Upkeep};
use std::time::Duration;

/// Rows whose devices are prepared together: bounds the memory that it takes.
const ROWS_AT_ONCE: i64 = 1 << 16;
/// Bytes and parts of one piece: what the writer has done in some milliseconds.
const PIECE_BYTES: usize = 1 << 18;
const PIECE_PARTS: usize = 64;
/// Rows deleted in one piece.
const TRIMMED: u32 = 8_000;

/// What is sealed, and how far.
#[derive(Debug, Clone, Default)]
pub struct SealRule {
    /// How long ago rows came in, at least.
    pub after: Duration,
    /// The targets of `forward`: what they do not have yet stays in the journal.
    pub targets: Vec<String>,
    /// Whether all that can be is sealed and merged, however little it is.
    pub all: bool,
    /// Over how long a time parts become one: what is dropped goes by whole parts.
    /// Zero: any.
    pub reach: Duration,
}

impl SealRule {
    /// Over how many hours parts become one.
    fn reach(&self) -> i32 {
        let hours = i32::try_from(self.reach.as_secs() / 3_600).unwrap_or(i32::MAX);
        if self.reach.is_zero() { i32::MAX } else { hours.max(1) }
    }
}

/// Seals and merges as far as the rule says. `write` has the writer do a piece, and
/// answers whether it was done; with `false` the pass ends, and the next goes on.
/// Returns how many rows it has sealed.
///
/// # Errors
/// If the store cannot be read, and those of `write`.
pub fn pass<E: From<StoreError>>(
    reader: &mut Reader,
    rule: &SealRule,
    mut write: impl FnMut(Upkeep) -> Result<bool, E>,
) -> Result<i64, E> {
    let write = &mut write;
    let mut sealed = 0;
    // What an earlier pass has left.
    while write(Upkeep::Trim { rows: TRIMMED })? {}
    while let Some(step) = next_step(reader, rule, write)? {
        if !seal(reader, step, write)? {
            return Ok(sealed);
        }
        sealed += step.through - step.after;
        while write(Upkeep::Trim { rows: TRIMMED })? {}
        merge(reader, Some(step), (AT_ONCE, rule.reach()), write)?;
    }
    if rule.all {
        merge(reader, None, (2, rule.reach()), write)?;
    }
    Ok(sealed)
}

/// The next step, as far as the state of the intake is kept: a restart absorbs the
/// journal behind it. It is kept now, since one that another version has kept may be
/// of no use; who cannot keep it seals nothing.
fn next_step<E: From<StoreError>>(
    reader: &mut Reader,
    rule: &SealRule,
    write: &mut impl FnMut(Upkeep) -> Result<bool, E>,
) -> Result<Option<Step>, E> {
    let Some(mut step) = reader.sealable(rule)? else { return Ok(None) };
    if !write(Upkeep::Snapshot)? {
        return Ok(None);
    }
    step.through = step.through.min(reader.snapshot_seq()?);
    Ok((step.through > step.after).then_some(step))
}

fn seal<E: From<StoreError>>(
    reader: &mut Reader,
    step: Step,
    write: &mut impl FnMut(Upkeep) -> Result<bool, E>,
) -> Result<bool, E> {
    if !write(Upkeep::Forget)? {
        return Ok(false);
    }
    reader.refresh_names()?;
    let devices = reader.devices().count() as u32;
    let rows = (step.through - step.after).max(1);
    let at_once = (i64::from(devices) * ROWS_AT_ONCE / rows).max(1) as u32;
    let (mut first, mut piece) = (1, Piece::new());
    while first <= devices {
        let last = first.saturating_add(at_once - 1).min(devices);
        for part in reader.prepare(step, first..=last)? {
            let bytes = part.block.len();
            if let Some(full) = piece.push(part, bytes)
                && !write(Upkeep::Prepare(full))?
            {
                return Ok(false);
            }
        }
        first = last + 1;
    }
    Ok(write(Upkeep::Prepare(piece.all))? && write(Upkeep::Seal { through: step.through })?)
}

/// What goes into one command to the writer.
struct Piece<T> {
    all: Vec<T>,
    bytes: usize,
}

impl<T> Piece<T> {
    fn new() -> Piece<T> {
        Piece { all: Vec::new(), bytes: 0 }
    }

    /// Adds something of so many bytes; all there is, once that is enough.
    fn push(&mut self, one: T, bytes: usize) -> Option<Vec<T>> {
        self.all.push(one);
        self.bytes += bytes;
        let enough = self.bytes >= PIECE_BYTES || self.all.len() >= PIECE_PARTS;
        enough.then(|| std::mem::replace(self, Piece::new()).all)
    }
}

/// Merges the parts of the devices that have one of this step, or of all: round by
/// round, those of each device once in a round.
fn merge<E: From<StoreError>>(
    reader: &mut Reader,
    step: Option<Step>,
    (least, reach): (usize, i32),
    write: &mut impl FnMut(Upkeep) -> Result<bool, E>,
) -> Result<(), E> {
    let mut devices = reader.devices_with_parts(step.map_or(0, |step| step.after))?;
    while !devices.is_empty() {
        let (mut again, mut piece) = (Vec::new(), Piece::new());
        for device in devices {
            let Some(merged) = merge_one(reader, device, (least, reach))? else { continue };
            again.push(device);
            let bytes = merged.part.block.len();
            if let Some(full) = piece.push(merged, bytes)
                && !write(Upkeep::Merge(full))?
            {
                return Ok(());
            }
        }
        if !piece.all.is_empty() && !write(Upkeep::Merge(piece.all))? {
            return Ok(());
        }
        devices = again;
    }
    Ok(())
}

/// Parts of a device as one, if some are to be.
fn merge_one(
    reader: &mut Reader,
    device: DeviceId,
    (least, reach): (usize, i32),
) -> Result<Option<Merged>, StoreError> {
    let parts = reader.parts_of(device)?;
    let Some(range) = to_merge(&parts, least, reach) else { return Ok(None) };
    let before = range.start.checked_sub(1).and_then(|place| parts.get(place));
    let after = before.map_or(0, |part| part.upto);
    let part = match together(reader, parts.get(range).unwrap_or_default()) {
        // It stays as it is, for the check to find.
        Err(StoreError::Damaged { what, .. }) => {
            tracing::error!(what, "not merged; `dustline store check` says what to do");
            None
        }
        part => part?,
    };
    Ok(part.map(|part| Merged { after, part }))
}

fn together(reader: &mut Reader, parts: &[PartInfo]) -> Result<Option<Part>, StoreError> {
    let blocks = parts.iter().map(|part| reader.unpack(part)).collect::<Result<Vec<_>, _>>()?;
    Ok(merged(parts, &blocks))
}

impl Reader {
    /// The last journal row that the state kept last is of.
    fn snapshot_seq(&self) -> Result<i64, StoreError> {
        self.number("SELECT max(seq) FROM snapshot")
    }

    /// The devices with a part that is newer than this.
    fn devices_with_parts(&self, after: i64) -> Result<Vec<DeviceId>, StoreError> {
        let sql = "SELECT DISTINCT device FROM history WHERE upto > ?";
        self.all(sql, [after], |r| Ok(DeviceId(r.get(0)?)))
    }
}
