//! Bytes to readings: one file a network format, one generic mapping.
//!
//! A decoder is a pure function of topic, payload and its settings. It never
//! panics, allocates within a small multiple of its input, and one bad entry
//! never drops the rest of a message.

use crate::air::{Observation, Skipped};

/// What a decoder made of one message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// What it found; may be empty.
    pub observations: Vec<Observation>,
    /// What it left out, and why.
    pub skipped: Vec<Skipped>,
}

/// Why a message as a whole is no readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Not a reading by design (a housekeeping topic, an availability message):
    /// counted as ignored under this policy name.
    Ignored(&'static str),
    /// Cannot be understood: kept in quarantine.
    Malformed {
        /// A fixed name for counting, such as `not_json`.
        reason: &'static str,
        /// What, where and what to do next, for an operator.
        detail: String,
    },
}

/// How one subscription's messages are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {}
