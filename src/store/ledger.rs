//! The counts of the ledger.

use super::types::Bucket;
use crate::air::Hour;
use serde::{Deserialize, Serialize};

/// Counts of messages or readings, each in exactly one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// All.
    pub received: u64,
    /// New, or revisions.
    pub stored: u64,
    /// There already.
    pub duplicate: u64,
    /// Set aside.
    pub quarantined: u64,
    /// Left out by a named policy.
    pub ignored: u64,
}

impl Counts {
    /// Counts `n` into a bucket, and as received.
    pub fn add(&mut self, bucket: Bucket, n: u64) {
        self.received += n;
        match bucket {
            Bucket::Stored => self.stored += n,
            Bucket::Duplicate => self.duplicate += n,
            Bucket::Quarantined => self.quarantined += n,
            Bucket::Ignored => self.ignored += n,
        }
    }

    /// Moves `n` from quarantined to another bucket; false, and nothing is done, if
    /// so many are not there.
    pub fn leave_quarantine(&mut self, to: Bucket, n: u64) -> bool {
        let Some(left) = self.quarantined.checked_sub(n) else { return false };
        self.quarantined = left;
        self.received -= n;
        self.add(to, n);
        true
    }

    /// Adds another count.
    pub fn merge(&mut self, other: &Counts) {
        self.received += other.received;
        self.stored += other.stored;
        self.duplicate += other.duplicate;
        self.quarantined += other.quarantined;
        self.ignored += other.ignored;
    }

    /// received = stored + duplicate + quarantined + ignored.
    pub fn balances(&self) -> bool {
        self.received == self.stored + self.duplicate + self.quarantined + self.ignored
    }
}

/// The key of a line of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LedgerKey {
    /// The source's row in `sources`.
    pub source: u32,
    /// The device's row, 0 where none was recognised.
    pub device: u32,
    /// The hour of receipt.
    pub hour: Hour,
}

/// A line of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LedgerLine {
    /// Messages.
    pub messages: Counts,
    /// The readings inside them.
    pub readings: Counts,
}

/// A line of the ledger with names, as people read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NamedLedgerLine {
    /// The source's name.
    pub source: String,
    /// The device; empty where none was recognised.
    pub device: String,
    /// The hour of receipt.
    pub hour: Hour,
    /// The counts.
    pub line: LedgerLine,
}
