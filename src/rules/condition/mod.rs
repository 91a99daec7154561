//! Conditions: levels that are met by more than the hours of one quantity.
//!
//! A [`Condition`] has ordered levels, as a ladder has. Each is met by any of
//! several alternatives, and an alternative by all of its [`Term`]s: a mean of
//! today, a forecast for tomorrow, an index, a season, another ladder.
//!
//! ```text
//! Evidence (hours, forecasts, walks of ladders) ─▶ Look (at an instant) ─▶ Truth of each level
//!                                                     ConditionState ◀── ┘ ─▶ ConditionStep ─▶ Change
//! ```
//!
//! What is missing is never taken for a no: a term is true, false or **unknown**.
//! At every instant the highest level that is true holds. A level that held before
//! stays as long as its criterion is unknown, or what the rules ask for to lift it
//! is not true. So absence lifts nothing.
//!
//! A condition is decided at **instants**: once a day at a local time, or at the end
//! of every judged hour and at every issue of a forecast. What an instant gives is a
//! function of the evidence up to it, whenever that came. [`ConditionState`] keeps
//! where the condition stood before the past that is open to revision, and judges
//! its instants again when late evidence comes, so that any order of arrival ends
//! the same, with at most one step to be told.

mod ahead;
mod data;
mod evidence;
mod forecasts;
mod instants;
mod local;
mod look;
mod measure;
mod state;
mod stations;
mod step;
mod truth;
mod words;

pub use ahead::EPISODE;
pub use data::{
    Any, Bound, Condition, ConditionLevel, Decide, InForce, Lifted, LocalTime, Measure, Season,
    Side, StationMean, Term, Window,
};
pub use evidence::{Evidence, Hours, Walk};
pub use forecasts::{Forecasts, Stretch};
pub use local::{date_of, day as day_of, instant as instant_of};
pub use look::View;
pub use measure::Sum;
pub use state::{ConditionRules, ConditionState, Found, Scene};
pub use stations::Stations;
pub use step::{ConditionStep, Peers};
pub use truth::Truth;
pub use words::{
    aggregate as aggregate_in_words, all as all_in_words, any as any_in_words,
    lifted as lifted_in_words, name as name_of,
};
