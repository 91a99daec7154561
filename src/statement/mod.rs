//! The ledger's daily statement: what came in on one UTC day and what became of it,
//! in a form that somebody who trusts neither us nor our machine can check.
//!
//! ```text
//!  ledger of a day that is over ─▶ document ─▶ canonical JSON ─▶ SHA-256, Ed25519 ─▶ store
//!        (store::Reader)             make                             sign
//! ```
//!
//! Each statement holds the hash of the one of the day before, so that none can be
//! changed, left out or put in later without it showing in all that follow. The
//! signature says whose they are: the public key alone is enough to check them
//! (`verify`). `docs/statements.md` describes the form for others' tools.
//!
//! A statement is made once and never again: messages that leave quarantine later
//! are told under `moved` in the statement of the day on which they left.

mod day;
mod make;
mod sign;
mod task;
mod verify;

pub use day::Day;
pub use make::{Document, document};
pub use sign::{Key, KeyError, PublicKey, sealed};
pub use task::{Context, StatementError, run};
pub use verify::{Fault, Verified, verify};
