//! Parts that several answers share.

use crate::air::{Hour, Reasons, Stamp};
use crate::store::{Counts, DeviceId, Reader, StoreError};
use serde::{Serialize, Serializer};

/// An instant as answers show it: RFC 3339, UTC, with `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2022-01-08T13:00:00Z")]
pub struct Time(pub Stamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.text().as_str())
    }
}

impl From<Hour> for Time {
    fn from(hour: Hour) -> Time {
        Time(hour.start())
    }
}

/// Counts of messages or readings, each in exactly one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CountsShape {
    /// All.
    pub received: u64,
    /// New, or revisions.
    pub stored: u64,
    /// There already.
    pub duplicate: u64,
    /// Set aside with their raw bytes.
    pub quarantined: u64,
    /// Left out by a named policy.
    pub ignored: u64,
}

impl From<Counts> for CountsShape {
    fn from(c: Counts) -> CountsShape {
        CountsShape {
            received: c.received,
            stored: c.stored,
            duplicate: c.duplicate,
            quarantined: c.quarantined,
            ignored: c.ignored,
        }
    }
}

/// The names of reasons.
pub fn reasons(reasons: Reasons) -> Vec<&'static str> {
    reasons.iter().map(|r| r.name()).collect()
}

/// 10⁻⁶ units in units.
pub fn from_micro(micro: i64) -> f64 {
    micro as f64 / 1e6
}

/// The name of a device, looked up again if it is new.
pub fn device_name(reader: &mut Reader, id: DeviceId) -> Result<String, StoreError> {
    if reader.device_name(id).is_empty() {
        reader.refresh_names()?;
    }
    Ok(reader.device_name(id).to_owned())
}

/// The name of a source, looked up again if it is new.
pub fn source_name(reader: &mut Reader, id: u32) -> Result<String, StoreError> {
    if reader.source_name(id).is_empty() {
        reader.refresh_names()?;
    }
    Ok(reader.source_name(id).to_owned())
}
