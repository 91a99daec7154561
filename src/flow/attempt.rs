//! What `deliver` says of each attempt.

use crate::air::Stamp;

/// How one attempt to deliver a notice ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The notice's row in the outbox.
    pub notice: i64,
    /// When it ended.
    pub at: Stamp,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The receiver took it.
    Delivered {
        /// Status, of HTTP or SMTP.
        status: u16,
        /// From request to end of response, ms.
        took_ms: u64,
        /// SHA-256 of the answer's body, in hexadecimal; none if it did not end in time.
        digest: Option<String>,
    },
    /// Not now: why, and when to try again.
    Retry {
        /// In words, with the status if there was one.
        why: String,
        /// The next attempt.
        next: Stamp,
    },
    /// Never: why.
    Dead {
        /// In words, with the status if there was one.
        why: String,
        /// Whether the receiver asked to be left alone (410): it is disabled.
        disable: bool,
    },
}
