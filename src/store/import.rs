//! What taking readings in from files needs to know of those that are there.

use super::index::OpenHour;
use super::schema::classify;
use super::types::*;
use super::write::{Res, Writer};
use crate::air::{Measured, Stamp};
use rusqlite::OptionalExtension;

impl Writer {
    /// The row of a source by name, if there is one.
    pub fn known_source(&self, name: &str) -> Res<Option<u32>> {
        self.conn
            .query_row("SELECT id FROM sources WHERE name = ?", [name], |r| r.get(0))
            .optional()
            .map_err(|e| classify(&self.path, e))
    }

    /// Every value that a device ever had for one instant of an hour, revised ones
    /// too.
    pub fn values_ever(
        &self,
        device: DeviceId,
        hour: &OpenHour,
        observed: Stamp,
    ) -> Res<Vec<Measured>> {
        let mut values = Vec::new();
        if observed > hour.newest {
            return Ok(values);
        }
        self.walk((device, hour.hour), hour.head, |row| {
            let earlier = row.observed < observed;
            if row.observed == observed {
                values.extend(row.values);
            }
            !(hour.sorted && earlier)
        })?;
        Ok(values)
    }
}
