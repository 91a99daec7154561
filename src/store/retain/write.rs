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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::Stamp;

    const ONE: DeviceId = DeviceId(1);

    /// A store whose journal is sealed up to row 100, and what stands in these tables.
    fn store(rows: &str) -> (tempfile::TempDir, Writer) {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path()).unwrap();
        writer.conn.execute_batch(rows).unwrap();
        writer.through = 100;
        (dir, writer)
    }

    /// The hours of a device whose rows can be found.
    fn heads(writer: &Writer, device: i64) -> Vec<i32> {
        let mut all =
            writer.conn.prepare("SELECT hour FROM chains WHERE device = ? ORDER BY hour").unwrap();
        let hours = all.query_map([device], |r| r.get(0)).unwrap();
        hours.collect::<rusqlite::Result<_>>().unwrap()
    }

    #[test]
    fn only_heads_of_old_hours_with_neither_sums_nor_rows_are_forgotten() {
        let (_dir, writer) = store(
            "INSERT INTO chains VALUES (1,1,10,0,3,1), (1,2,20,0,3,1), (1,3,30,0,3,1),
               (1,4,40,0,3,1), (1,5,50,0,3,1), (1,6,101,0,3,1), (1,7,100,0,3,1), (1,9,90,0,3,1),
               (2,1,11,0,3,1);
             INSERT INTO hours VALUES (1,2,1,0,3,0,0,0,0,0,1), (2,7,1,0,3,0,0,0,0,0,2);
             INSERT INTO history VALUES (1,1,60,3,5,9,9,x''), (2,2,70,1,9,9,9,x'');",
        );
        // Of 2 there are sums, of 3 to 5 sealed rows, of 6 a row that is not sealed yet.
        let of = (ONE.0, Hour(9));
        assert_eq!(writer.drop_heads(of, 1).unwrap(), 1);
        assert_eq!(heads(&writer, 1), [2, 3, 4, 5, 6, 7, 9], "one at a time");
        assert_eq!(writer.drop_heads(of, 9).unwrap(), 1);
        assert_eq!(heads(&writer, 1), [2, 3, 4, 5, 6, 9]);
        assert_eq!(writer.drop_heads(of, 9).unwrap(), 0);
        assert_eq!(heads(&writer, 2), [1]);
    }

    #[test]
    fn an_hour_lacks_readings_if_fewer_are_found_than_it_had_and_only_where_some_were_dropped() {
        let (_dir, mut writer) = store("");
        writer.dropped_before = Hour(5);
        let hour = |hour, rows| OpenHour {
            hour: Hour(hour),
            head: 10,
            newest: Stamp(0),
            rows,
            sorted: true,
        };
        assert!(writer.lacks_readings(ONE, &hour(4, 1)).unwrap());
        assert!(!writer.lacks_readings(ONE, &hour(4, 0)).unwrap(), "it has as many as it had");
        assert!(!writer.lacks_readings(ONE, &hour(5, 1)).unwrap(), "nothing of it was dropped");
    }
}
