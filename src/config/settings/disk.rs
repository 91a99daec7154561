//! How much room the disk of the store must have.

/// Bytes in a MiB.
const MIB: u64 = 1 << 20;

/// How much room the disk of the store must have, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskBounds {
    /// With less left, the operator is told. Default 1 GiB.
    pub low: u64,
    /// With less left, messages wait at their brokers, and what must be written
    /// has the rest. Default 64 MiB.
    pub full: u64,
    /// Held back in a file of its own, for when something else has taken that
    /// rest too. Default 16 MiB.
    pub reserve: u64,
}

impl DiskBounds {
    /// From whole MiB, as the configuration has them.
    pub fn of_mib(low: u64, full: u64, reserve: u64) -> DiskBounds {
        DiskBounds { low: low * MIB, full: full * MIB, reserve: reserve * MIB }
    }
}

impl Default for DiskBounds {
    fn default() -> DiskBounds {
        DiskBounds::of_mib(1_024, 64, 16)
    }
}
