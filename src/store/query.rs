//! Reading a page at a time: what the API and exports ask of large tables.
//! Every question here walks a primary key, however much is stored.

use super::history::{HOURS, hour_of};
use super::ledger::{Counts, LedgerKey, LedgerLine};
use super::read::{Reader, Res};
use super::types::*;
use crate::air::{Hour, Quantity};
use rusqlite::params;

/// The place of an hour within a device, in the order of [`Reader::hours_page`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct HourPlace {
    /// The hour.
    pub hour: Hour,
    /// The quantity's code.
    pub quantity: u8,
    /// The label's row.
    pub label: u32,
}

impl HourPlace {
    /// Before every hour of a device.
    pub const START: HourPlace = HourPlace { hour: Hour(i32::MIN), quantity: 0, label: 0 };

    /// The place of an hour.
    pub fn of(row: &HourRow) -> HourPlace {
        HourPlace { hour: row.hour, quantity: row.quantity.code(), label: row.label }
    }
}

impl Reader {
    /// Closed hours in `[from, to)` of the series of one device, by hour, quantity
    /// and label, after a place, at most `limit`.
    pub fn hours_page(
        &self,
        device: DeviceId,
        (from, to): (Hour, Hour),
        quantity: Option<Quantity>,
        after: HourPlace,
        limit: usize,
    ) -> Res<Vec<HourRow>> {
        self.all(
            &format!(
                "{HOURS} WHERE device = ?1 AND hour >= ?2 AND hour < ?3
                   AND (hour, quantity, label) > (?4, ?5, ?6) AND (?7 IS NULL OR quantity = ?7)
                 ORDER BY hour, quantity, label LIMIT ?8"
            ),
            params![
                device.0,
                from.0.max(after.hour.0),
                to.0,
                after.hour.0,
                after.quantity,
                after.label,
                quantity.map(Quantity::code),
                limit as i64
            ],
            hour_of,
        )
    }

    /// Judged hours in `[from, to)` of one quantity of a zone, the earliest first
    /// or the latest first, at most `limit`.
    pub fn zone_hours_page(
        &self,
        zone: &str,
        quantity: Quantity,
        (from, to): (Hour, Hour),
        latest_first: bool,
        limit: usize,
    ) -> Res<Vec<ZoneHourRow>> {
        let order = if latest_first { "DESC" } else { "ASC" };
        self.all(
            &format!(
                "SELECT hour, sum_micro, stations, expected, valid, left_out FROM zone_hours
                 WHERE zone = ? AND quantity = ? AND hour >= ? AND hour < ?
                 ORDER BY hour {order} LIMIT ?"
            ),
            params![zone, quantity.code(), from.0, to.0, limit as i64],
            |r| {
                Ok(ZoneHourRow {
                    zone: zone.to_owned(),
                    quantity,
                    hour: Hour(r.get(0)?),
                    sum_micro: r.get(1)?,
                    stations: r.get(2)?,
                    expected: r.get(3)?,
                    valid: r.get(4)?,
                    left_out: ZoneHourRow::ids(r.get(5)?),
                })
            },
        )
    }

    /// The sum of the ledger over hours of receipt in `[from, to)` that are over.
    pub fn ledger_sum(&self, from: Hour, to: Hour) -> Res<LedgerLine> {
        let found = self.all(
            "SELECT sum(received), sum(stored), sum(duplicate), sum(quarantined), sum(ignored),
                    sum(r_received), sum(r_stored), sum(r_duplicate), sum(r_quarantined), sum(r_ignored)
             FROM ledger WHERE hour >= ? AND hour < ?",
            params![from.0, to.0],
            |r| Ok(LedgerLine { messages: counts(r, 0)?, readings: counts(r, 5)? }),
        )?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// The sum of the ledger of one device over hours of receipt in `[from, to)`
    /// that are over.
    pub fn ledger_of(&self, device: DeviceId, from: Hour, to: Hour) -> Res<LedgerLine> {
        let found = self.all(
            "SELECT sum(received), sum(stored), sum(duplicate), sum(quarantined), sum(ignored),
                    sum(r_received), sum(r_stored), sum(r_duplicate), sum(r_quarantined), sum(r_ignored)
             FROM ledger WHERE hour >= ? AND hour < ? AND device = ?",
            params![from.0, to.0, device.0],
            |r| Ok(LedgerLine { messages: counts(r, 0)?, readings: counts(r, 5)? }),
        )?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// The closed hours in `[from, to)` of every series of a device.
    pub fn device_hours(&self, device: DeviceId, from: Hour, to: Hour) -> Res<Vec<HourRow>> {
        self.all(
            &format!("{HOURS} WHERE device = ?1 AND hour >= ?2 AND hour < ?3"),
            params![device.0, from.0, to.0],
            hour_of,
        )
    }

    /// Ledger lines of hours of receipt in `[from, to)` that are over, in the order
    /// of their key's hour, source and device, after a key, at most `limit`.
    pub fn ledger_page(
        &self,
        from: Hour,
        to: Hour,
        after: Option<LedgerKey>,
        limit: usize,
    ) -> Res<Vec<(LedgerKey, LedgerLine)>> {
        let (hour, source, device) = after.map_or((i64::MIN, -1, -1), |k| {
            (i64::from(k.hour.0), i64::from(k.source), i64::from(k.device))
        });
        self.all(
            "SELECT received, stored, duplicate, quarantined, ignored,
                    r_received, r_stored, r_duplicate, r_quarantined, r_ignored, hour, source, device
             FROM ledger WHERE hour >= ?1 AND hour < ?2 AND (hour, source, device) > (?3, ?4, ?5)
             ORDER BY hour, source, device LIMIT ?6",
            params![
                i64::from(from.0).max(hour),
                to.0,
                hour,
                source,
                device,
                limit as i64
            ],
            |r| {
                let key =
                    LedgerKey { hour: Hour(r.get(10)?), source: r.get(11)?, device: r.get(12)? };
                Ok((key, LedgerLine { messages: counts(r, 0)?, readings: counts(r, 5)? }))
            },
        )
    }
}

/// Five counts from a column on; a sum over nothing is zero.
fn counts(r: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Counts> {
    let n = |k: usize| r.get::<_, Option<i64>>(first + k).map(|v| v.unwrap_or(0) as u64);
    Ok(Counts {
        received: n(0)?,
        stored: n(1)?,
        duplicate: n(2)?,
        quarantined: n(3)?,
        ignored: n(4)?,
    })
}
