//! Notices of the outbox become webhooks and e-mail, until each is delivered or
//! given up.
//!
//! A **notice** is a committed row: one receiver must be told of one event. Its
//! `uid` is the `webhook-id` of every attempt, so a receiver that sees it twice
//! can know. An **attempt** ends in one of three ways: delivered, to be tried
//! again, or dead; the single writer is told, and only what it has committed
//! survives a restart. A notice that was delivered a moment before a crash is
//! delivered again, under the same id.
//!
//! Notices of one receiver and one subject form a **line**: the next one is tried
//! only after the one before it is delivered or dead. Lines are independent of
//! each other, and no receiver can hold up another.
//!
//! | file | is |
//! |---|---|
//! | `text` | what people read, in Korean, Chinese and English |
//! | `format/` | the event as the receiver wants it, one file a format |
//! | `sign` | the headers of Standard Webhooks |
//! | `guard` | which addresses may be connected to |
//! | `schedule` | what the answer to an attempt means, and when to try again |
//! | `queue` | which notice may be tried now |
//! | `http` | the one client, and the harmless probe |
//! | `mail` | e-mail by SMTP |
//! | `work` | reads of the outbox, and attempts |
//! | `task` | the loop |

pub mod format;
mod guard;
pub mod http;
mod mail;
mod queue;
pub mod schedule;
pub mod sign;
mod task;
pub mod text;
mod work;

pub use http::probe;
pub use task::{Context, DeliverError, run};
