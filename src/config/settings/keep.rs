//! What is kept beside the readings, and who gets a copy of them.

use crate::config::Secret;
use std::path::PathBuf;
use std::time::Duration;

/// The daily statements of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// Whether they are made. Default true.
    pub statements: bool,
    /// The file of the key that signs them. Default: `statement.key` in the data directory.
    pub key_file: Option<PathBuf>,
}

/// For how long readings and hours are kept, and how much of them. Zero, the default
/// of each: for ever, and however much it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// Readings that are sealed, by their own time.
    pub readings: Duration,
    /// Bytes of them; beyond, the oldest go.
    pub readings_bytes: u64,
    /// Closed hours.
    pub hours: Duration,
    /// Bytes that the whole store may have in use; beyond, the oldest go although
    /// something still needs them.
    pub hard_bytes: u64,
}

/// How much may be set aside; beyond, the oldest is dropped and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarantine {
    /// Messages. Default 100,000.
    pub max_messages: u64,
    /// Bytes of their topics and bodies. Default 256 MiB.
    pub max_bytes: u64,
}

impl Default for Quarantine {
    fn default() -> Quarantine {
        Quarantine { max_messages: 100_000, max_bytes: 256 << 20 }
    }
}

/// A database that gets a copy in line protocol.
#[derive(Debug, Clone)]
pub struct Influx {
    /// Its name in labels and cursors.
    pub name: String,
    /// Base URL.
    pub url: String,
    /// Organisation.
    pub org: String,
    /// Bucket.
    pub bucket: String,
    /// Token; VictoriaMetrics needs none.
    pub token: Option<Secret>,
    /// Whether bodies are gzipped. Default true.
    pub gzip: bool,
    /// Lines in one request at most. Default 5000.
    pub batch_lines: usize,
    /// Bytes in one request at most, before compression. Default 1 MiB.
    pub batch_bytes: usize,
    /// How long one request may take. Default 30s.
    pub timeout: Duration,
    /// How long it keeps points; zero, the default: not known. Older ones are not sent.
    pub retention: Duration,
    /// Whether a bucket that is missing is made. Default false.
    pub create_bucket: bool,
    /// How it is asked what it has; `None`, the default: it is not.
    pub read_back: Option<ReadBack>,
    /// How long after the end of an hour. Default 1h.
    pub read_back_after: Duration,
}

/// How a database is asked what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBack {
    /// `/api/v1/export` of VictoriaMetrics.
    VictoriaMetrics,
    /// Flux, `/api/v2/query` of InfluxDB 2.
    Flux,
}
