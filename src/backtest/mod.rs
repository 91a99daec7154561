//! Judging data of the past by any rules: the very judge of the live path, fed
//! from files or from a store.
//!
//! ```text
//! CSV files ─▶ read ─┐
//!                    ├▶ Data ─▶ settle (by time; a later row revises) ─▶ rules::judge ─▶ Outcome
//! a store ─▶ hours ──┘
//! ```
//!
//! Everything is read before anything is judged, so that the order of rows and
//! files does not matter: what comes late in a file is in time, as it would have
//! been live. Of several rows for one station, quantity and time the last one
//! counts, as a revision does live; equal ones are duplicates and change nothing.
//! Then every hour from a zone's first reading to the last of all data is closed
//! in order, also those for which there is nothing.
//!
//! A row stands for a whole hour unless told otherwise. Values are taken as they
//! are written: the quality tests for live sensors are not applied to them.

mod choose;
mod data;
mod read;
mod run;
mod score;
mod store;
mod years;
mod zones;

pub use choose::{Choice, ChooseError, choose};
pub use data::{Counted, Data};
pub use read::{Pieces, ReadError, TimeLabel, read_zones};
pub use run::{Outcome, Tally, Told, Way, run};
pub use score::{QuantityScore, score_forecast};
pub use years::ZoneYear;
pub use zones::{ZoneBy, Zoning};

#[cfg(test)]
mod tests;
