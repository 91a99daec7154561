//! What became of what others than operators ask of the single writer.

use crate::air::Stamp;
use crate::hotline::Refusal;

/// What became of a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was not there.
    New,
    /// Its issuer has corrected what it said before.
    Revised,
    /// It was there already.
    Duplicate,
}

/// What an act has left in a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    /// The incident's id.
    pub incident: String,
    /// The number of the entry.
    pub number: u32,
}

/// Why a one-time link did nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFollowed {
    /// It was used before.
    #[error("this link was used at {0}; it works once")]
    Used(Stamp),
    /// Its time is over.
    #[error("this link expired at {0}; a newer notice has a newer one")]
    Expired(Stamp),
    /// The incident was closed and opened again after it was sent.
    #[error("the incident was opened again at {0}, after this link was sent; use a newer one")]
    Outlived(Stamp),
    /// The hotline refuses the act.
    #[error("{0}")]
    Refused(#[from] Refusal),
}
