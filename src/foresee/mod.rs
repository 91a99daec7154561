//! Forecasts that nobody sends: files that are looked at again and again, and
//! our own simple forecast.
//!
//! ```text
//!  files ──▶ file ─ decode ─┐
//!                           ├▶ Command::Forecasts ─▶ intake (as from the API)
//!  zone hours ─▶ own ───────┘
//! ```
//!
//! [`own`] and [`score`] are pure: what is issued live is what is scored on data
//! of the past. Our own forecast carries the issuer [`crate::air::forecast::OWN`],
//! and no condition looks at it unless its zone names that issuer.

mod file;
pub mod own;
pub mod score;
mod task;

pub use task::{Context, ForeseeError, run};
