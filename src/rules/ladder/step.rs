//! One step of a ladder, with what it rests on.

use super::Verdict;
use crate::air::{Names, Quantity, Stamp};
use crate::rules::criterion;
use crate::rules::data::{Ladder, Ruleset};
use crate::rules::zone::ZoneHour;

/// What moved a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The criterion that raises a level was met.
    Raised,
    /// The criterion that lifts a level was met.
    Lifted,
    /// Late data took back an earlier step.
    Retracted,
}

/// A ladder moved from one level to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The version that judged, as in [`Ruleset::reference`].
    pub ruleset: String,
    /// The ladder's id.
    pub ladder: String,
    /// The quantity judged.
    pub quantity: Quantity,
    /// Name of the level before.
    pub from: String,
    /// Name of the level after.
    pub to: String,
    /// When the criterion was met: the end of the last hour needed.
    pub at: Stamp,
    /// The mean of that hour, in the quantity's unit.
    pub value: f64,
    /// The hours it rests on, in order.
    pub inputs: Vec<ZoneHour>,
    /// What moved it.
    pub why: Why,
    /// The criterion in words.
    pub criterion: Names,
    /// Whether it lies before the end of the last hour judged: news of the past.
    pub late: bool,
    /// 0, or the number of this step among those told for an instant that was
    /// not after all told before: tells apart a step taken, taken back and taken again.
    pub repeat: u32,
}

impl Step {
    /// Whether two steps are the same move at the same instant.
    pub(super) fn same_move(&self, other: &Step) -> bool {
        self.at == other.at && self.from == other.from && self.to == other.to
    }
}

pub(super) fn from_verdict(
    ruleset: &Ruleset,
    ladder: &Ladder,
    from: &str,
    verdict: &Verdict,
    inputs: Vec<ZoneHour>,
    last: &ZoneHour,
) -> Step {
    // A raise meets the criterion of the level reached, a lift that of the level above it.
    let criterion = match verdict.why {
        Why::Raised => ladder
            .levels
            .get(verdict.to.saturating_sub(1))
            .map(|level| criterion::raised(&level.raise, ladder.quantity)),
        _ => ladder
            .levels
            .get(verdict.to)
            .map(|level| criterion::lifted(&level.lift, ladder.quantity)),
    };
    Step {
        ruleset: ruleset.reference(),
        ladder: ladder.id.clone(),
        quantity: ladder.quantity,
        from: from.to_owned(),
        to: ladder.name_of(verdict.to).to_owned(),
        at: last.hour.end(),
        value: last.mean().unwrap_or_default(),
        inputs,
        why: verdict.why,
        criterion: criterion.unwrap_or_default(),
        late: false,
        repeat: 0,
    }
}
