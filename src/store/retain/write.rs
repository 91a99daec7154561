//! Dropping, in small pieces, each of which counts what it drops.

use super::super::index::OpenHour;
use super::super::schema::classify;
use super::super::types::DeviceId;
use super::super::write::{Res, Writer};
use super::{HISTORY, HOURS, ZONE_HOURS};
use crate::air::Hour;
use crate::flow::{Limit, Upkeep};
use rusqlite::params;

impl Writer {
    /// Does a piece of dropping, in the running batch; whether there was something.
    pub(in super::super) fn drop_kept(&mut self, work: &Upkeep) -> Res<bool> {
        match work {
            Upkeep::DropParts { parts, beyond } => self.drop_parts(parts, *beyond),
            Upkeep::DropHours { devices, before, heads_before, written, rows, beyond } => {
                let mut left = *rows;
                for device in devices {
                    left -= self.drop_hours((*device, *before, *written), left)?;
                }
                let dropped = rows - left;
                self.count_dropped(HOURS, *beyond, u64::from(dropped), *before)?;
                for device in devices {
                    left -= self.drop_heads((*device, *heads_before), left)?;
                }
                Ok(left < *rows)
            }
            Upkeep::DropZoneHours { before, rows, beyond } => {
                let gone = "DELETE FROM zone_hours WHERE (zone, quantity, hour) IN
                     (SELECT zone, quantity, hour FROM zone_hours WHERE hour < ? LIMIT ?)";
                let dropped = self.run(gone, params![before.0, rows])? as u64;
                self.count_dropped(ZONE_HOURS, *beyond, dropped, *before)?;
                Ok(dropped > 0)
            }
            _ => Ok(false),
        }
    }

    fn drop_parts(&mut self, parts: &[i64], beyond: Limit) -> Res<bool> {
        let (mut readings, mut before) = (0, Hour(i32::MIN));
        for upto in parts {
            if let Some((last, some)) = self.drop_part(*upto)? {
                readings += some;
                before = before.max(last.next());
            }
        }
        self.count_dropped(HISTORY, beyond, readings, before)?;
        self.dropped_before = self.dropped_before.max(before);
        // Also if a pass before had dropped them: there may be more.
        Ok(true)
    }

    /// Drops a part, if it is there: its last hour and its readings.
    fn drop_part(&self, upto: i64) -> Res<Option<(Hour, u64)>> {
        let run = || {
            let mut gone = self.conn.prepare_cached(
                "DELETE FROM history WHERE upto = ? AND upto <= ? RETURNING last, readings",
            )?;
            let mut rows = gone.query(params![upto, self.through])?;
            let dropped = match rows.next()? {
                Some(r) => Some((Hour(r.get(0)?), r.get::<_, i64>(1)? as u64)),
                None => None,
            };
            // The statement has done its work when there are no more rows.
            while rows.next()?.is_some() {}
            Ok(dropped)
        };
        run().map_err(|e| classify(&self.path, e))
    }

    fn drop_hours(&self, (device, before, written): (u32, Hour, i64), rows: u32) -> Res<u32> {
        let gone = "DELETE FROM hours WHERE (device, hour, quantity, label) IN
             (SELECT device, hour, quantity, label FROM hours
              WHERE device = ? AND hour < ? AND revision <= ? LIMIT ?)";
        Ok(self.run(gone, params![device, before.0, written, rows])? as u32)
    }

    /// Forgets where the rows of hours were found that have none any more.
    fn drop_heads(&self, (device, before): (u32, Hour), rows: u32) -> Res<u32> {
        let gone = "DELETE FROM chains WHERE (device, hour) IN
             (SELECT device, hour FROM chains c WHERE device = ?1 AND hour < ?2 AND head <= ?3
                AND NOT EXISTS (SELECT 1 FROM hours h WHERE h.device = ?1 AND h.hour = c.hour)
                AND NOT EXISTS (SELECT 1 FROM history p
                                WHERE p.device = ?1 AND p.last >= c.hour AND p.first <= c.hour)
              LIMIT ?4)";
        Ok(self.run(gone, params![device, before.0, self.through, rows])? as u32)
    }

    fn count_dropped(&self, tier: &str, beyond: Limit, count: u64, before: Hour) -> Res<()> {
        if count == 0 {
            return Ok(());
        }
        self.run(
            "INSERT INTO dropped (tier, beyond, count, before, at)
             VALUES (?1, ?2, ?3, ?4, (SELECT received FROM journal ORDER BY seq DESC LIMIT 1))
             ON CONFLICT (tier, beyond) DO UPDATE SET
               count = count + ?3, before = max(before, ?4), at = excluded.at",
            params![tier, beyond.name(), count as i64, before.0],
        )
        .map(drop)
    }

    /// Whether some of the readings of a closed hour are dropped: its sums cannot be
    /// made of what is left.
    pub fn lacks_readings(&self, device: DeviceId, hour: &OpenHour) -> Res<bool> {
        if hour.hour >= self.dropped_before {
            return Ok(false);
        }
        let mut found = 0;
        self.walk((device, hour.hour), hour.head, |_| {
            found += 1;
            true
        })?;
        Ok(found < hour.rows)
    }
}
