//! The field's words: quantities and units, time and hours, readings, forecasts, places,
//! indices; what of a device's text may be shown.
//!
//! Nothing here does I/O or knows a clock, and nothing of ours is imported.

pub mod forecast;
pub mod index;
pub mod mask;
pub mod place;
pub mod quantity;
pub mod reading;
pub mod time;

pub use forecast::{Cause, Forecast, Foretold, IndexKind};
pub use place::Names;
pub use quantity::Quantity;
pub use reading::{Flag, Label, Measured, Observation, Reason, Reasons, Skipped, StandIn, Value};
pub use time::{Hour, Stamp};
