//! Official rules as data, and the pure step from hours to changes.
//!
//! A **ruleset** is what an authority published: where it applies, the legal
//! source, from when to when, and its **ladders**. A ladder has ordered levels,
//! each with a criterion to raise it and one to lift it. A **threshold** is the
//! operator's own immediate rule on single readings of a station.
//!
//! Everything here is a function of its inputs: time is one of them. Sums are
//! kept in integers of 10⁻⁶ units, so that no order of arrival changes a mean,
//! and a mean of exactly 75 is exactly 75.
//!
//! A judgement says "criterion met", never that an authority has issued anything.

mod data;

pub use data::{Ladder, Level, Lift, Raise, Ruleset, Threshold};
