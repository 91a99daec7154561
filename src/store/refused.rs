//! Points that targets of `forward` refused, with the targets' words.
//!
//! They are no part of the ledger's `quarantined`: each is made of readings that are
//! stored, and what is sent once more is made of those anew. A row is one place in a
//! target's data; refused again, it has the latest words.

use super::read::{Reader, Res};
use super::schema::classify;
use super::write::{Res as Written, Writer};
use crate::air::Stamp;
use crate::flow::{PointKey, RefusedPoint};
use rusqlite::{OptionalExtension, Row, params};

/// A refused point as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// Its number.
    pub id: i64,
    /// The target that refused it.
    pub target: String,
    /// Which point, how it was sent, and the target's words.
    pub point: RefusedPoint,
    /// When it was refused last.
    pub at: Stamp,
}

const ROWS: &str =
    "SELECT id, target, measurement, source, device, series, time, line, why, at FROM refused";

fn row_of(r: &Row<'_>) -> rusqlite::Result<RefusedRow> {
    let key = PointKey {
        measurement: r.get(2)?,
        source: r.get(3)?,
        device: r.get(4)?,
        series: r.get(5)?,
        time: Stamp(r.get(6)?),
    };
    let point = RefusedPoint { key, line: r.get(7)?, why: r.get(8)? };
    Ok(RefusedRow { id: r.get(0)?, target: r.get(1)?, point, at: Stamp(r.get(9)?) })
}

impl Writer {
    /// Keeps a point that a target refused.
    pub fn put_refused(&self, target: &str, point: &RefusedPoint, at: Stamp) -> Written<()> {
        let key = &point.key;
        self.run(
            "INSERT INTO refused (target, measurement, source, device, series, time, line, why, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (target, measurement, source, device, series, time)
             DO UPDATE SET line = ?7, why = ?8, at = ?9",
            params![
                target,
                key.measurement,
                key.source,
                key.device,
                key.series,
                key.time.0,
                point.line,
                point.why,
                at.0
            ],
        )
        .map(drop)
    }

    /// A refused point by its number.
    pub fn refused(&self, id: i64) -> Written<Option<RefusedRow>> {
        let found = self
            .conn
            .prepare_cached(&format!("{ROWS} WHERE id = ?"))
            .and_then(|mut s| s.query_row([id], row_of).optional());
        found.map_err(|e| classify(&self.path, e))
    }

    /// Takes a refused point off the list.
    pub fn take_refused(&self, id: i64) -> Written<()> {
        self.run("DELETE FROM refused WHERE id = ?", [id]).map(drop)
    }

    /// Takes the oldest off the list beyond so many; how many these were.
    pub fn bound_refused(&self, most: u64) -> Written<u64> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let beyond = "SELECT id FROM refused ORDER BY id DESC LIMIT -1 OFFSET ?";
        self.run(&format!("DELETE FROM refused WHERE id IN ({beyond})"), [most]).map(|n| n as u64)
    }
}

impl Reader {
    /// Refused points after a number, of one target if asked, at most `limit`.
    pub fn refused(&self, target: Option<&str>, after: i64, limit: usize) -> Res<Vec<RefusedRow>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql =
            format!("{ROWS} WHERE id > ?1 AND (?2 IS NULL OR target = ?2) ORDER BY id LIMIT ?3");
        self.all(&sql, params![after, target, limit], row_of)
    }

    /// How many points a target refused that are still on the list.
    pub fn refused_count(&self, target: &str) -> Res<u64> {
        let sql = "SELECT count(*) FROM refused WHERE target = ?";
        let found = self.all(sql, [target], |r| r.get::<_, i64>(0))?;
        Ok(found.first().map_or(0, |n| *n as u64))
    }

    /// The refused points of a target of times in `[from, to)`, with their numbers.
    pub fn refused_between(
        &self,
        target: &str,
        (from, to): (Stamp, Stamp),
    ) -> Res<Vec<(PointKey, i64)>> {
        let sql = format!("{ROWS} WHERE target = ? AND time >= ? AND time < ? ORDER BY id");
        let keyed = |r: &Row<'_>| row_of(r).map(|row| (row.point.key, row.id));
        self.all(&sql, params![target, from.0, to.0], keyed)
    }

    /// Whether a target refused a point before, and it is still on the list.
    pub fn is_refused(&self, target: &str, key: &PointKey) -> Res<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM refused WHERE target = ? AND measurement = ?
                   AND source = ? AND device = ? AND series = ? AND time = ?)";
        let PointKey { measurement, source, device, series, time } = key;
        let place = params![target, measurement, source, device, series, time.0];
        Ok(self.all(sql, place, |r| r.get::<_, bool>(0))?.contains(&true))
    }
}
