//! Official rules as data, and the pure step from hours to changes.
//!
//! A **ruleset** is what an authority published: where it applies, the legal
//! source, from when to when, its **ladders** and **conditions**. A ladder has
//! ordered levels, each with a criterion to raise it and one to lift it, judged on
//! the hours of one quantity; the levels of a condition rest on more: forecasts,
//! indices, seasons, ladders ([`condition`]). A **standard** limits the mean of a year
//! and the number of its days above ([`Standard`]). A **threshold** is the operator's own
//! immediate rule on single readings of a station.
//!
//! ```text
//! readings ─▶ HourSums (series, hour) ─▶ ZoneHour ─▶ LadderState ─▶ Step ───────┐
//!        │                forecasts ─▶ Evidence ─▶ ConditionState ─▶ ConditionStep ┤
//!        └──────────────────────────────▶ ThresholdState ─▶ ThresholdStep ─────────┴▶ Change
//! ```
//!
//! Everything here is a function of its inputs: time is one of them. Sums are
//! kept in integers of 10⁻⁶ units, so that no order of arrival changes a mean,
//! and a mean of exactly 75 is exactly 75. Silence never clears a level, and a
//! reading that quality control did not let pass never raises one. The stations of an
//! hour are compared with each other, and a policy may leave odd ones out of the mean
//! ([`neighbours`]).
//!
//! A judgement says "criterion met", never that an authority has issued anything.

mod change;
pub mod condition;
mod criterion;
mod data;
mod hours;
mod input;
pub mod judge;
mod ladder;
pub mod neighbours;
mod rulesets;
mod standard;
mod threshold;
mod zone;

#[cfg(test)]
mod golden;

pub use change::{Change, ChangeData, Scope, stable_id};
pub use condition::{Condition, Season};
pub use criterion::{lifted, raised};
pub use data::{Ladder, Level, Lift, NONE, Raise, Ruleset, Scale, Sure, Threshold};
pub use hours::{HourSums, MICRO, MICRO_MAX, micro};
pub use input::{Input, Particulars, Period};
pub use ladder::{LadderRules, LadderState, Revision, Step, Why};
pub use rulesets::{
    Case, RulesetError, RulesetFile, builtin, builtin_files, in_force, parse, read_file,
};
pub use standard::{Days, Standard, StandardLevel, Year, YearLevel};
pub use threshold::{EMERGENCY, ThresholdState, ThresholdStep};
pub use zone::{StationMoved, ZoneHour};
