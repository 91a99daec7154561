//! The database: one SQLite file in the data directory, the only truth.
//!
//! **Append first, cluster later.** Every arrival becomes one or more rows of the
//! append-only `journal`, in the order of receipt, in the transaction that also
//! holds the hours, changes and notices it caused. `synchronous=FULL` in WAL
//! mode: a commit that returned is on disk.
//!
//! A row's `prev` leads to the previous row of the same device and hour, so that
//! the readings of one device-hour are found by walking back from its head,
//! without an index that would have to be written for every reading. Heads of
//! closed hours lie in `chains`; those of open hours are in the [`Index`], which
//! is a fold over the journal and is kept as a snapshot from time to time.
//!
//! One thread writes ([`Writer`], owned by the intake). Everyone else has a
//! read-only connection of their own ([`Reader`]) and sees what is committed.
//!
//! | table | holds | written |
//! |---|---|---|
//! | `journal` | every arrival, the readings it brought, closings | each batch |
//! | `history`, `sealed` | readings that have left the journal for compressed blocks | when rows are old enough |
//! | `dropped` | how much was dropped of history and hours | with each piece |
//! | `hours`, `chains`, `zone_hours` | closed hours of series, heads, zones | when an hour closes |
//! | `ledger` | counts per source, device and hour | when an hour of receipt is over |
//! | `ledger_moves` | what left quarantine after all | as it happens |
//! | `statements` | the daily statements of the ledger | when a day is over |
//! | `quarantine` | raw bytes, topic, reason | each batch |
//! | `forecasts` | what issuers expect, with earlier issues | each batch |
//! | `changes`, `levels` | what was judged | each batch |
//! | `events`, `outbox` | what receivers must be told, and how far that is | each batch |
//! | `hotline`, `incidents`, `transcript` | what the parties have done | with each thing that happens |
//! | `used_links` | one-time links that were used | with the act |
//! | `cursors` | how far each target of `forward` is | on its command |
//! | `refused` | points that targets refused, with their words | with each |
//! | `replays`, `read_back` | what targets are sent once more, how far they were read back | as they go |
//! | `remembered` | what messages said for those to come: births, discovery | with the message |
//! | `snapshot` | the intake's state at a journal row | now and then |

mod backup;
pub mod block;
mod body;
mod check;
mod disk;
mod forecasts;
mod history;
mod import;
mod incidents;
mod index;
mod info;
mod judged;
mod keep;
mod ledger;
mod links;
mod outbox;
mod quarantine;
mod query;
mod read;
mod refused;
mod replays;
mod retain;
mod row;
mod schema;
mod sealed;
mod statements;
#[cfg(test)]
mod testing;
mod types;
mod write;

pub use block::Point;
pub use body::{decode_body, encode_body};
pub use check::{Checked, Finding};
pub use disk::{Disk, says_full};
pub use forecasts::{ForecastFilter, ForecastRow};
pub use incidents::{IncidentFilter, IncidentRow};
pub use index::{DeviceIndex, Index, OpenHour, Over};
pub use info::{Gone, Info, TableInfo, Tier};
pub use ledger::{Counts, LedgerKey, LedgerLine, NamedLedgerLine};
pub use quarantine::{Aside, AsideSize, Oldest};
pub use query::HourPlace;
pub use read::{Filter, Reader};
pub use refused::RefusedRow;
pub use replays::Replay;
pub use retain::{Dropped, Hard, KeepRule, Retained, retain};
pub use schema::{StoreError, lock};
pub use sealed::{Kept, PartInfo, SealRule, Span, pass};
pub use statements::Share;
pub use types::*;
pub use write::{Snapshot, Writer};
