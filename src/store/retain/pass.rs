//! One pass over what is kept: what is beyond a limit is dropped, piece by piece.

use super::super::read::{Reader, Res};
use super::super::schema::StoreError;
use super::choose::{Old, Sweep};
use super::needs::Needs;
use crate::air::{Hour, Stamp};
use crate::flow::{Limit, Upkeep};
use rusqlite::params;
use std::time::Duration;

/// Parts of history looked at in one step, …
const LOOKED_AT: i64 = 1_000;
/// … and dropped in one piece: what the writer has done in some milliseconds.
const PIECE_PARTS: usize = 64;
/// With less than this of the hard limit in use, it is far again.
const FAR: f64 = 0.875;
/// Down to so much of the hard limit is dropped, so that it is not reached at once.
const CLEARED: f64 = 0.9375;

/// For how long what is kept, and how much of it.
#[derive(Debug, Clone, Default)]
pub struct KeepRule {
    /// How long sealed readings are kept, by their own time. Zero: for ever.
    pub readings: Duration,
    /// How many bytes their blocks may have. Zero: any number.
    pub readings_bytes: u64,
    /// How long closed hours are kept. Zero: for ever.
    pub hours: Duration,
    /// How many bytes the whole store may have in use. Zero: any number.
    pub hard_bytes: u64,
    /// How far back late data correct hours: those are kept in any case.
    pub judged: Duration,
    /// The targets of `forward`.
    pub targets: Vec<String>,
    /// Those of them that are read back.
    pub read_back: Vec<String>,
}

impl KeepRule {
    /// Whether anything is dropped at all.
    pub fn drops(&self) -> bool {
        !self.readings.is_zero()
            || !self.hours.is_zero()
            || self.readings_bytes > 0
            || self.hard_bytes > 0
    }

    /// The first hour that the judgement may still need.
    pub(super) fn judged_from(&self, now: Stamp) -> Hour {
        now.minus(self.judged).hour()
    }

    fn is_over(&self, used: u64) -> bool {
        self.hard_bytes > 0 && used > self.hard_bytes
    }
}

/// How near the hard limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hard {
    /// Far, or there is none.
    Far,
    /// It was reached before, or is about to be.
    Near,
    /// It was reached: something was dropped for it, or nothing is left that may be.
    Reached,
}

/// What a pass knows of the passes before it, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retained {
    /// Closed hours before this one are dropped, all of them.
    pub(super) hours_before: Hour,
    /// How near the hard limit is.
    pub hard: Hard,
}

impl Default for Retained {
    fn default() -> Retained {
        Retained { hours_before: Hour(i32::MIN), hard: Hard::Far }
    }
}

impl Reader {
    /// Bytes of the store that are in use: without the room that is left in its file.
    pub fn used(&self) -> Res<u64> {
        let pages = self.number("PRAGMA page_count")? - self.number("PRAGMA freelist_count")?;
        Ok((pages * self.number("PRAGMA page_size")?) as u64)
    }

    /// Whether the store is beyond the hard limit.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn is_over(&self, rule: &KeepRule) -> Res<bool> {
        Ok(rule.hard_bytes > 0 && rule.is_over(self.used()?))
    }

    /// The oldest parts that count, after one, by their last hours.
    fn oldest(&self, after: (Hour, i64)) -> Res<Vec<Old>> {
        self.all(
            "SELECT upto, last, length(block) FROM history
             WHERE (last, upto) > (?, ?) AND upto <= (SELECT through FROM sealed)
             ORDER BY last, upto LIMIT ?",
            params![after.0.0, after.1, LOOKED_AT],
            |r| {
                let bytes = r.get::<_, i64>(2)? as u64;
                Ok(Old { upto: r.get(0)?, last: Hour(r.get(1)?), bytes })
            },
        )
    }
}

/// Drops what is beyond the rule. `write` has the writer do a piece, and answers
/// whether it was done. `before` is what the last pass answered.
///
/// # Errors
/// If the store cannot be read, and those of `write`.
pub fn pass<E: From<StoreError>>(
    reader: &mut Reader,
    rule: &KeepRule,
    before: Retained,
    mut write: impl FnMut(Upkeep) -> Result<bool, E>,
) -> Result<Retained, E> {
    let write = &mut write;
    let Some(now) = reader.last_received()?.filter(|_| rule.drops()) else { return Ok(before) };
    let needs = reader.needs(rule, now)?;
    if !rule.readings.is_zero() || rule.readings_bytes > 0 {
        let sweep = Sweep {
            before: oldest_kept(rule.readings, now),
            excess: readings_excess(reader, rule)?,
            beyond: Limit::Size,
            needs,
        };
        drop_parts(reader, sweep, write)?;
    }
    let mut kept = before;
    if !rule.hours.is_zero() {
        let hour = oldest_kept(rule.hours, now).min(needs.from);
        kept = super::hours::drop_old(reader, (rule, hour), before, write)?;
    }
    kept.hard = hard(reader, rule, now, write)?;
    Ok(kept)
}

fn oldest_kept(keep: Duration, now: Stamp) -> Hour {
    if keep.is_zero() { Hour(i32::MIN) } else { now.minus(keep).hour() }
}

fn readings_excess(reader: &Reader, rule: &KeepRule) -> Res<u64> {
    if rule.readings_bytes == 0 {
        return Ok(0);
    }
    let bytes = reader.number("SELECT sum(length(block)) FROM history INDEXED BY history_age")?;
    Ok((bytes as u64).saturating_sub(rule.readings_bytes))
}

/// Drops the parts that a sweep takes; whether there were any.
fn drop_parts<E: From<StoreError>>(
    reader: &Reader,
    mut sweep: Sweep,
    write: &mut impl FnMut(Upkeep) -> Result<bool, E>,
) -> Result<bool, E> {
    let (mut after, mut any) = ((Hour(i32::MIN), 0), false);
    loop {
        let parts = reader.oldest(after)?;
        let Some(last) = parts.last() else { return Ok(any) };
        after = (last.last, last.upto);
        let mut over = false;
        let mut pieces: Vec<(Limit, Vec<i64>)> = Vec::new();
        for part in &parts {
            over = sweep.is_over(part);
            if over {
                break;
            }
            // One that is spared may stand before one that is not.
            let Some(beyond) = sweep.takes(part) else { continue };
            match pieces.last_mut() {
                Some((same, piece)) if *same == beyond && piece.len() < PIECE_PARTS => {
                    piece.push(part.upto);
                }
                _ => pieces.push((beyond, vec![part.upto])),
            }
        }
        for (beyond, parts) in pieces {
            if !write(Upkeep::DropParts { parts, beyond })? {
                return Ok(any);
            }
            any = true;
        }
        if over {
            return Ok(any);
        }
    }
}

/// Drops the oldest of the store while it is beyond the hard limit: first what nobody
/// needs, then what is needed, then hours.
fn hard<E: From<StoreError>>(
    reader: &mut Reader,
    rule: &KeepRule,
    now: Stamp,
    write: &mut impl FnMut(Upkeep) -> Result<bool, E>,
) -> Result<Hard, E> {
    let share = |share: f64| (rule.hard_bytes as f64 * share) as u64;
    let mut used = reader.used()?;
    if !rule.is_over(used) {
        let far = rule.hard_bytes == 0 || used < share(FAR);
        return Ok(if far { Hard::Far } else { Hard::Near });
    }
    let spared = reader.needs(rule, now)?;
    let of_the_judgement = Needs { after: i64::MAX, from: rule.judged_from(now) };
    for needs in [spared, of_the_judgement] {
        // Again, since a part takes no more than about as much room as its block.
        loop {
            let excess = used.saturating_sub(share(CLEARED));
            let sweep = Sweep { before: Hour(i32::MIN), excess, beyond: Limit::Hard, needs };
            let any = drop_parts(reader, sweep, write)?;
            used = reader.used()?;
            if !rule.is_over(used) {
                return Ok(Hard::Reached);
            }
            if !any {
                break;
            }
        }
    }
    super::hours::drop_oldest(reader, of_the_judgement.from, write, |reader| {
        Ok(reader.used()? > share(CLEARED))
    })?;
    Ok(Hard::Reached)
}
