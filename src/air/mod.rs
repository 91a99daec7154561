//! The field's words: quantities and units, time and hours, readings, forecasts, places,
//! indices; what of a device's text may be shown; sentences that several parts tell.
//!
//! Nothing here does I/O or knows a clock, and nothing of ours is imported.

pub mod forecast;
pub mod index;
pub mod mask;
pub mod place;
pub mod quantity;
pub mod reading;
pub mod time;
pub mod words;

pub use forecast::{Cause, Forecast, Foretold, IndexKind};
pub use place::Names;
pub use quantity::Quantity;
pub use reading::{Flag, Label, Measured, Observation, Reason, Reasons, Skipped, StandIn, Value};
pub use time::{Hour, Stamp};
