//! What the store needs done in its own time: old rows of the journal are sealed
//! into history, small parts of history become larger ones, and what is beyond what
//! is to be kept is dropped.
//!
//! ```text
//!  store ──▶ read, pack ──▶ Command::Upkeep, a small piece ──▶ intake
//!                ▲                                               │
//!                └────────────── done, on disk ◀─────────────────┘
//! ```
//! The work, reading and packing, is done here, on a connection and a thread of its
//! own; the single writer only puts down what is ready, in pieces of some
//! milliseconds that share its transactions with what comes in. One piece is under
//! way at a time, with a rest behind it, so that upkeep neither fills the intake's
//! inbox nor slows it for long. It may end after any piece: [`crate::store::pass`] and
//! [`crate::store::retain`] say how.

mod task;

pub use task::{Context, UpkeepError, run};
