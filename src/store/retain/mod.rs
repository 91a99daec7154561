//! What the store keeps for how long, and what it drops.
//!
//! | tier | is dropped |
//! |---|---|
//! | `history` | parts whose last hour is too old; the oldest, while there is more than there may be |
//! | `hours`, `zone_hours` | hours that are too old, a day at a time |
//! | everything else | never here: quarantine has bounds of its own |
//!
//! The journal is not dropped from: its readings are sealed first. What a target of
//! `forward` does not have yet, what a replay that is under way or the read-back of a
//! target goes back to, and the hours that late data still correct are spared
//! (`needs`). Only the hard limit, on the whole store, spares none of them but the
//! last; what it drops is counted apart, and said aloud.
//!
//! As sealing, it is done in small pieces by the single writer ([`pass`]). Each piece
//! counts what it drops in the same transaction (table `dropped`), so that wherever a
//! crash cuts it off, stored = kept + dropped, and the next pass goes on.
//!
//! Parts go as a whole, when all of their hours are old enough. So an hour may have
//! lost some of its readings and not others; its sums stay as they were when it had
//! them all, and late data are kept as ever but do not change them
//! ([`Writer::lacks_readings`](super::Writer::lacks_readings)).

mod choose;
mod hours;
mod needs;
mod pass;
mod write;

pub use pass::{Hard, KeepRule, Retained, pass as retain};

use super::read::{Reader, Res};
use crate::air::{Hour, Stamp};
use crate::flow::Limit;
use rusqlite::Connection;

/// The tiers that are dropped from, by their tables.
pub const TIERS: [&str; 3] = [HISTORY, HOURS, ZONE_HOURS];
const HISTORY: &str = "history";
const HOURS: &str = "hours";
const ZONE_HOURS: &str = "zone_hours";

/// What was dropped of a tier.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Dropped {
    /// `history`, `hours` or `zone_hours`.
    pub tier: &'static str,
    /// What it was beyond: `age`, `size` or `hard`.
    pub beyond: &'static str,
    /// How many: readings, hours of series, hours of zones.
    pub count: u64,
    /// Nothing is missing from this hour on.
    pub before: Hour,
    /// When something was dropped last, by the journal's time.
    pub at: Stamp,
}

impl Reader {
    /// What was dropped so far.
    pub fn dropped(&self) -> Res<Vec<Dropped>> {
        let mut all = Vec::new();
        for tier in TIERS {
            let sql = "SELECT count, before, at FROM dropped WHERE tier = ? AND beyond = ?";
            for limit in Limit::ALL {
                let beyond = limit.name();
                all.extend(self.all(sql, [tier, beyond], |r| {
                    let (count, before, at) =
                        (r.get::<_, i64>(0)? as u64, Hour(r.get(1)?), Stamp(r.get(2)?));
                    Ok(Dropped { tier, beyond, count, before, at })
                })?);
            }
        }
        Ok(all)
    }
}

/// Readings of hours before this one may have been dropped.
pub(super) fn dropped_before(conn: &Connection) -> rusqlite::Result<Hour> {
    let sql = "SELECT max(before) FROM dropped WHERE tier = 'history'";
    let before = conn.query_row(sql, [], |r| r.get::<_, Option<i32>>(0))?;
    Ok(Hour(before.unwrap_or(i32::MIN)))
}
