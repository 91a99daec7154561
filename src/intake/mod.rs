//! The single writer: takes what happened, applies the pure parts, commits,
//! hands receipts back.
//!
//! Events are taken as they come: whatever is waiting, up to a bound, makes one
//! transaction; there is no timer, so a lone reading is on disk and acknowledged
//! at once and a flood is committed in large batches. What happens when there is no
//! room on the disk is in `disk`.
//!
//! The state (`state::State`) is a fold over journal rows. Live and after a
//! restart the same function absorbs a row; a restart starts from the last
//! snapshot, absorbs the rows after it, and drops what they decided then, since
//! that was committed with them. What is decided by our clock (an hour closed by
//! grace) is a row of the journal too, so that nothing depends on when the
//! process ran.
//!
//! The hotline (`desk`) is not folded from the journal: its state is kept whole
//! with each thing that happens to it, in the transaction of the transcript's
//! entries and of the notices. A transcript is a promise to the parties; what is
//! in it must not depend on how a later configuration would judge the past.

mod arrive;
mod batch;
mod believe;
mod desk;
mod disk;
mod foretell;
mod import;
mod judge;
mod lanes;
mod notify;
mod operate;
mod outbox;
mod plan;
mod quarantine;
mod refused;
mod state;
mod tally;
mod task;

pub use import::{ImportRow, Imported, Importer};
pub use plan::Plan;
pub use task::{Intake, IntakeError, LaneStart, Parts, run};
