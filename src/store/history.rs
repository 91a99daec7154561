//! Reading closed hours and the ledger.

use super::ledger::{Counts, LedgerKey, LedgerLine};
use super::read::{Filter, Reader, Res};
use super::types::*;
use crate::air::{Hour, Quantity};
use rusqlite::params;

impl Reader {
    /// Closed hours of series, by device, hour and quantity.
    pub fn hours(&self, filter: &Filter) -> Res<Vec<HourRow>> {
        let (from, to) = filter.hours();
        let quantity = filter.quantity.map(|q| i64::from(q.code()));
        let Some(devices) = &filter.devices else {
            return self.all(
                &format!(
                    "{HOURS} WHERE hour >= ?1 AND hour < ?2 AND (?3 IS NULL OR quantity = ?3)
                          ORDER BY hour, device, quantity, label LIMIT ?4"
                ),
                params![from, to, quantity, filter.sql_limit()],
                hour_of,
            );
        };
        let mut all = Vec::new();
        for device in devices {
            all.extend(self.all(
                &format!("{HOURS} WHERE device = ?1 AND hour >= ?2 AND hour < ?3 AND (?4 IS NULL OR quantity = ?4)
                          ORDER BY hour, quantity, label LIMIT ?5"),
                params![device.0, from, to, quantity, filter.sql_limit()],
                hour_of,
            )?);
        }
        all.sort_by_key(|h| (h.hour, h.device, h.quantity, h.label));
        if filter.limit > 0 {
            all.truncate(filter.limit);
        }
        Ok(all)
    }

    /// Hours written after a revision, in the order of writing.
    pub fn hours_after(&self, revision: i64, limit: usize) -> Res<Vec<HourRow>> {
        self.all(
            &format!("{HOURS} WHERE revision > ? ORDER BY revision LIMIT ?"),
            params![revision, limit as i64],
            hour_of,
        )
    }

    /// Judged hours of zones.
    pub fn zone_hours(&self, filter: &Filter) -> Res<Vec<ZoneHourRow>> {
        let (from, to) = filter.hours();
        let rows = self.all(
            "SELECT zone, quantity, hour, sum_micro, stations, expected, valid, left_out FROM zone_hours
             WHERE hour >= ?1 AND hour < ?2 AND (?3 IS NULL OR zone = ?3) AND (?4 IS NULL OR quantity = ?4)
             ORDER BY hour, zone, quantity LIMIT ?5",
            params![from, to, filter.zone, filter.quantity.map(Quantity::code), filter.sql_limit()],
            |r| {
                Ok((r.get::<_, u8>(1)?, ZoneHourRow {
                    zone: r.get(0)?,
                    quantity: Quantity::Pm2_5,
                    hour: Hour(r.get(2)?),
                    sum_micro: r.get(3)?,
                    stations: r.get(4)?,
                    expected: r.get(5)?,
                    valid: r.get(6)?,
                    left_out: ZoneHourRow::ids(r.get(7)?),
                }))
            },
        )?;
        rows.into_iter()
            .map(|(code, row)| match Quantity::from_code(code) {
                Some(quantity) => Ok(ZoneHourRow { quantity, ..row }),
                None => Err(self.damaged(format!("zone hour with quantity {code}"))),
            })
            .collect()
    }

    /// Ledger lines of hours of receipt that are over; the running hour is in the [`super::Index`].
    pub fn ledger(&self, from: Hour, to: Hour) -> Res<Vec<(LedgerKey, LedgerLine)>> {
        self.all(
            "SELECT hour, source, device, received, stored, duplicate, quarantined, ignored,
                    r_received, r_stored, r_duplicate, r_quarantined, r_ignored
             FROM ledger WHERE hour >= ? AND hour < ? ORDER BY hour, source, device",
            params![from.0, to.0],
            |r| {
                let counts = |i: usize| -> rusqlite::Result<Counts> {
                    let n = |k: usize| r.get::<_, i64>(i + k).map(|v| v as u64);
                    Ok(Counts {
                        received: n(0)?,
                        stored: n(1)?,
                        duplicate: n(2)?,
                        quarantined: n(3)?,
                        ignored: n(4)?,
                    })
                };
                let key = LedgerKey { hour: Hour(r.get(0)?), source: r.get(1)?, device: r.get(2)? };
                Ok((key, LedgerLine { messages: counts(3)?, readings: counts(8)? }))
            },
        )
    }
}

pub(super) const HOURS: &str = "SELECT revision, device, hour, quantity, label, count, sum_micro, min_micro, max_micro, minutes, flagged FROM hours";

/// An hour as stored.
pub(super) fn hour_of(r: &rusqlite::Row<'_>) -> rusqlite::Result<HourRow> {
    let code: u8 = r.get(3)?;
    let quantity = Quantity::from_code(code)
        .ok_or(rusqlite::Error::IntegralValueOutOfRange(3, i64::from(code)))?;
    Ok(HourRow {
        revision: r.get(0)?,
        device: DeviceId(r.get(1)?),
        hour: Hour(r.get(2)?),
        quantity,
        label: r.get(4)?,
        count: r.get(5)?,
        sum_micro: r.get(6)?,
        min_micro: r.get(7)?,
        max_micro: r.get(8)?,
        minutes: r.get::<_, i64>(9)? as u64,
        flagged: r.get(10)?,
    })
}
