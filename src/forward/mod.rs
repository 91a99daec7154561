//! Forwarding: what is committed, as line protocol, to databases that speak the
//! v2 write API.
//!
//! Each **target** has a cursor of its own in the store: the last journal row,
//! change and hour it has taken. The cursor only moves after the target has said
//! so; what is sent twice is the same point twice. A target that is down, refuses
//! us or is slow holds up nothing but its own cursor.
//!
//! | answer | means |
//! |---|---|
//! | 2xx | taken: the cursor moves |
//! | none, 408, 429, 5xx | weather: the same again, after 0.5 s … 30 s |
//! | 400, 413, 422 | a line is wrong: halved until only that line is set aside in quarantine with its words; if not one line is taken, held |
//! | any other | the configuration is wrong: the cursor is held, `forwarding_held` is raised, and the same is tried again |
//!
//! | file | is |
//! |---|---|
//! | `line` | one point as text |
//! | `batch` | the next points after a cursor |
//! | `client` | one request, and what its answer means |
//! | `send` | some lines, until they are taken or found wrong |
//! | `sift` | finding the lines that a target refuses, and setting them aside |
//! | `key` | which place of the target's data a line is about |
//! | `redrive` | what is sent once more: replays, hours that a target has lost |
//! | `admin` | which of token, organisation and bucket is wrong; making the bucket |
//! | `again`, `ask` | points of closed hours; what a target has of them |
//! | `task` | the loop of one target |

mod admin;
mod again;
mod ask;
mod batch;
mod client;
mod key;
pub mod line;
mod redrive;
mod send;
mod sift;
mod task;

pub use admin::probe;
pub use batch::Labels;

pub use task::{Context, ForwardError, run};
