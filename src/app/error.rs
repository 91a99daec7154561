//! Why the daemon cannot start, or ended.

use crate::intake::IntakeError;
use crate::store::StoreError;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the daemon cannot start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The store cannot be used.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The intake ended.
    #[error("{0}")]
    Intake(#[from] IntakeError),
    /// The HTTP port cannot be had.
    #[error("http.listen = \"{address}\": {source}; stop what uses the port or choose another")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The key of one-time links cannot be had.
    #[error("{path}: {source}; check that it belongs to the user that runs dustline")]
    Links {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: std::io::Error,
    },
    /// A part ended that should not have.
    #[error("{0} ended by itself; see the log above")]
    Ended(&'static str),
    /// Not everything stopped in time; what was acknowledged is safe.
    #[error("not everything stopped within {}s; what was acknowledged is on disk", super::STOP_DEADLINE.as_secs())]
    Deadline,
}
