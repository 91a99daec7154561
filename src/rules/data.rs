//! Rulesets, ladders and thresholds as data.

use super::condition::{Condition, Season};
use super::standard::Standard;
use crate::air::{Names, Quantity};

pub use crate::air::index::Sure;

/// The level of a ladder that stands at none of its levels.
pub const NONE: &str = "none";

/// One version of the rules of one authority.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruleset {
    /// Its id, such as `kr-air-alert`.
    pub id: String,
    /// The version: the date from which it is in force, `YYYY-MM-DD`.
    pub version: String,
    /// What it is called.
    pub title: Names,
    /// ISO 3166-1 code of the jurisdiction.
    pub jurisdiction: String,
    /// IANA name of the time zone in which its dates are meant and its people tell time.
    pub time_zone: String,
    /// The legal text.
    pub source: String,
    /// Where the figures were read.
    pub links: Vec<String>,
    /// How sure the least certain of its figures is.
    pub sure: Sure,
    /// What a reader should know of the figures; empty if nothing.
    pub note: String,
    /// First instant in force.
    pub from: crate::air::Stamp,
    /// First instant no longer in force, if it has been replaced.
    pub until: Option<crate::air::Stamp>,
    /// Its ladders.
    pub ladders: Vec<Ladder>,
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// Parts of the year to which its conditions and texts refer.
    pub seasons: Vec<Season>,
    /// What a year should be.
    pub standards: Vec<Standard>,
}

impl Ruleset {
    /// The name under which a decision records it: `kr-air-alert@2018-07-01`.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// Its ladders and conditions alike.
    pub fn scales(&self) -> impl Iterator<Item = Scale<'_>> {
        let ladders = self.ladders.iter().map(Ladder::scale);
        ladders.chain(self.conditions.iter().map(Condition::scale))
    }

    /// The ladder or condition of that id; an id is given once in a ruleset.
    pub fn scale(&self, id: &str) -> Option<Scale<'_>> {
        self.scales().find(|scale| scale.id == id)
    }
}

/// What ladders and conditions have in common: a name, and levels above `none`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale<'a> {
    /// Its id, such as `kr-pm25`.
    pub id: &'a str,
    /// What it is called.
    pub title: &'a Names,
    /// The quantity it is about.
    pub quantity: Quantity,
    /// Name and title of the levels above `none`, lowest first.
    pub levels: Vec<(&'a str, &'a Names)>,
}

impl Scale<'_> {
    /// What a level is called.
    pub fn level_title(&self, level: &str) -> Option<&Names> {
        self.levels.iter().find(|(name, _)| *name == level).map(|(_, title)| *title)
    }
}

/// Ordered levels of one quantity, judged on the hourly means of a zone.
/// Level 0 is `none`; `levels[0]` is level 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    /// Its id, such as `kr-pm25`.
    pub id: String,
    /// What it is called.
    pub title: Names,
    /// The quantity judged.
    pub quantity: Quantity,
    /// The levels above `none`, lowest first.
    pub levels: Vec<Level>,
}

impl Ladder {
    /// What it has in common with a condition.
    pub fn scale(&self) -> Scale<'_> {
        let levels = self.levels.iter().map(|l| (l.name.as_str(), &l.title)).collect();
        Scale { id: &self.id, title: &self.title, quantity: self.quantity, levels }
    }

    /// The rank of a level's name: 0 for `none`, 1 for `levels[0]`, and so on.
    /// A name that this ladder does not have, left by another version, counts
    /// as its highest level, so that only valid data can lift it.
    pub fn rank(&self, level: &str) -> usize {
        if level == NONE {
            return 0;
        }
        self.levels.iter().position(|l| l.name == level).map_or(self.levels.len(), |i| i + 1)
    }

    /// The name of a rank; the highest level for a rank beyond it.
    pub fn name_of(&self, rank: usize) -> &str {
        let index = rank.min(self.levels.len()).checked_sub(1);
        index.and_then(|i| self.levels.get(i)).map_or(NONE, |l| l.name.as_str())
    }
}

/// One level of a ladder.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Its name, such as `advisory`.
    pub name: String,
    /// What it is called.
    pub title: Names,
    /// What raises the ladder to it.
    pub raise: Raise,
    /// What lifts it.
    pub lift: Lift,
}

/// Raised when the zone mean is at least `at_least` in `hours` consecutive hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Raise {
    /// Inclusive bound, in the quantity's unit.
    pub at_least: f64,
    /// Consecutive hours needed.
    pub hours: u8,
}

/// Lifted when the zone mean is below `below` in one hour; the ladder then
/// stands at the highest lower level whose own lift criterion is not met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lift {
    /// Exclusive bound, in the quantity's unit.
    pub below: f64,
}

/// The operator's immediate rule on the readings of one station.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// Its id.
    pub id: String,
    /// The quantity judged.
    pub quantity: Quantity,
    /// Inclusive bound that raises it, in the quantity's unit.
    pub at_least: f64,
    /// How many of the last `of` valid readings must reach it.
    pub readings: u8,
    /// The number of last valid readings looked at.
    pub of: u8,
    /// Exclusive bound below which as many readings must lie to lift it.
    pub lift_below: f64,
}
