//! What is to be sent to targets of `forward` once more, and how far what they have
//! was read back.

use super::read::{Reader, Res};
use super::types::DeviceId;
use super::write::{Res as Written, Writer};
use crate::air::{Hour, Stamp};
use rusqlite::{Row, params};

/// A stretch of time whose points a target is sent once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// Its row.
    pub id: i64,
    /// Points from this time on …
    pub from: Stamp,
    /// … and before this one.
    pub to: Stamp,
    /// Where it goes on: at this hour of this device.
    pub next: (DeviceId, Hour),
    /// Points sent so far.
    pub points: u64,
    /// When it was asked for.
    pub asked: Stamp,
    /// When all of it was taken.
    pub done: Option<Stamp>,
}

const REPLAYS: &str =
    "SELECT target, id, start, end, device, hour, points, asked, done FROM replays";

fn replay_of(r: &Row<'_>) -> rusqlite::Result<(String, Replay)> {
    let replay = Replay {
        id: r.get(1)?,
        from: Stamp(r.get(2)?),
        to: Stamp(r.get(3)?),
        next: (DeviceId(r.get(4)?), Hour(r.get(5)?)),
        points: r.get::<_, i64>(6)? as u64,
        asked: Stamp(r.get(7)?),
        done: r.get::<_, Option<i64>>(8)?.map(Stamp),
    };
    Ok((r.get(0)?, replay))
}

impl Writer {
    /// Notes that a target is to be sent a stretch of time once more; its number.
    pub fn ask_replay(&self, target: &str, from: Stamp, to: Stamp, at: Stamp) -> Written<i64> {
        self.run(
            "INSERT INTO replays (target, start, end, device, hour, points, asked)
             VALUES (?, ?, ?, 1, ?, 0, ?)",
            params![target, from.0, to.0, from.hour().0, at.0],
        )?;
        Ok(self.conn.last_insert_rowid())
    }

    /// Notes how far a replay is: where it goes on, points sent, when it was done.
    pub fn put_replay(
        &self,
        id: i64,
        (device, hour): (DeviceId, Hour),
        points: u64,
        done: Option<Stamp>,
    ) -> Written<()> {
        self.run(
            "UPDATE replays SET device = ?, hour = ?, points = ?, done = ? WHERE id = ?",
            params![device.0, hour.0, points as i64, done.map(|d| d.0), id],
        )
        .map(drop)
    }

    /// Notes up to which hour what a target has was read back.
    pub fn put_read_back(&self, target: &str, hour: Hour) -> Written<()> {
        self.run(
            "INSERT OR REPLACE INTO read_back (target, hour) VALUES (?, ?)",
            params![target, hour.0],
        )
        .map(drop)
    }
}

impl Reader {
    /// The latest replays, the newest first, with their targets.
    pub fn replays(&self, limit: usize) -> Res<Vec<(String, Replay)>> {
        self.all(&format!("{REPLAYS} ORDER BY id DESC LIMIT ?"), [limit as i64], replay_of)
    }

    /// The first replay of a target after one that is not done.
    pub fn next_replay(&self, target: &str, after: i64) -> Res<Option<Replay>> {
        let sql =
            format!("{REPLAYS} WHERE target = ? AND id > ? AND done IS NULL ORDER BY id LIMIT 1");
        let found = self.all(&sql, params![target, after], replay_of)?;
        Ok(found.into_iter().next().map(|(_, replay)| replay))
    }

    /// The first hour that was not yet read back from a target.
    pub fn read_back(&self, target: &str) -> Res<Option<Hour>> {
        let sql = "SELECT hour FROM read_back WHERE target = ?";
        Ok(self.all(sql, [target], |r| r.get(0))?.into_iter().next().map(Hour))
    }

    /// The first device from this one on that has closed hours in `[from, to)`.
    pub fn device_with_hours(
        &self,
        device: DeviceId,
        from: Hour,
        to: Hour,
    ) -> Res<Option<DeviceId>> {
        let mut statement = self
            .connection()
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM chains WHERE device = ? AND hour >= ? AND hour < ?)",
            )
            .map_err(|e| self.err(e))?;
        let last = self.number("SELECT max(id) FROM devices")?;
        for id in i64::from(device.0)..=last {
            let any = statement.query_row(params![id, from.0, to.0], |r| r.get::<_, bool>(0));
            if any.map_err(|e| self.err(e))? {
                return Ok(u32::try_from(id).ok().map(DeviceId));
            }
        }
        Ok(None)
    }
}
