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

    /// Every value that a device ever had for one instant, revised ones too, found
    /// by walking back from the head of its hour.
    pub fn values_ever(&self, hour: &OpenHour, observed: Stamp) -> Res<Vec<Measured>> {
        let mut values = Vec::new();
        if observed > hour.newest {
            return Ok(values);
        }
        let mut seq = hour.head;
        while seq != 0 {
            let Some(Row { kind: RowKind::Arrival(row), .. }) = self.row(seq)? else {
                return Err(
                    self.damaged(format!("journal row {seq} is missing or not of a device"))
                );
            };
            if row.observed == observed {
                values.extend(row.values);
            } else if hour.sorted && row.observed < observed {
                break;
            }
            if row.prev >= seq {
                return Err(self.damaged(format!("journal row {seq} leads forward")));
            }
            seq = row.prev;
        }
        Ok(values)
    }
}
