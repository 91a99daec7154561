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
use crate::flow::{Part, Upkeep};
use std::time::Duration;

/// Rows whose devices are prepared together: bounds the memory that it takes.
const ROWS_AT_ONCE: i64 = 1 << 16;
/// Bytes and parts of one piece: what the writer has done in some milliseconds.
const PIECE_BYTES: usize = 1 << 18;
const PIECE_PARTS: usize = 64;
/// Rows deleted in one piece.
const TRIMMED: u32 = 2_000;

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
    let mut first = 1;
    while first <= devices {
        let last = first.saturating_add(at_once - 1).min(devices);
        let parts = reader.prepare(step, first..=last)?;
        for piece in pieces(parts) {
            if !write(Upkeep::Prepare(piece))? {
                return Ok(false);
            }
        }
        first = last + 1;
    }
    write(Upkeep::Seal { through: step.through })
}

/// Parts in pieces that are not too large.
fn pieces(parts: Vec<Part>) -> Vec<Vec<Part>> {
    let mut pieces: Vec<Vec<Part>> = Vec::new();
    let mut bytes = PIECE_BYTES;
    for part in parts {
        bytes += part.block.len();
        match pieces.last_mut() {
            Some(piece) if bytes < PIECE_BYTES && piece.len() < PIECE_PARTS => piece.push(part),
            _ => {
                bytes = part.block.len();
                pieces.push(vec![part]);
            }
        }
    }
    pieces
}

/// Merges the parts of the devices that have one of this step, or of all.
fn merge<E: From<StoreError>>(
    reader: &mut Reader,
    step: Option<Step>,
    (least, reach): (usize, i32),
    write: &mut impl FnMut(Upkeep) -> Result<bool, E>,
) -> Result<(), E> {
    let after = step.map_or(0, |step| step.after);
    for device in reader.devices_with_parts(after)? {
        loop {
            let parts = reader.parts_of(device)?;
            let Some(range) = to_merge(&parts, least, reach) else { break };
            let before = range.start.checked_sub(1).and_then(|place| parts.get(place));
            let after = before.map_or(0, |part| part.upto);
            let some = parts.get(range).unwrap_or_default();
            let part = match together(reader, some) {
                // It stays as it is, for the check to find.
                Err(StoreError::Damaged { what, .. }) => {
                    tracing::error!(what, "not merged; `dustline store check` says what to do");
                    None
                }
                part => part?,
            };
            let Some(part) = part else { break };
            if !write(Upkeep::Merge { after, part })? {
                return Ok(());
            }
        }
    }
    Ok(())
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
