//! What was set aside, and how it leaves again.
//!
//! Rows of the quarantine and the ledger's `quarantined` are the same messages: a
//! message that is read after all, dropped or pushed out moves within the line of
//! the hour it was received in, from `quarantined` to another bucket. A row of the
//! journal says so ([`LeftQuarantine`]), `ledger_moves` sums those rows up, and
//! every line of the ledger balances before and after.

use super::ledger::LedgerKey;
use super::read::Reader;
use super::schema::classify;
use super::types::{LeftQuarantine, QuarantineRow};
use super::write::{Res, Writer};
use crate::air::{Hour, Stamp};
use rusqlite::{OptionalExtension, params};

/// A message that was set aside, as it is needed to read it again.
#[derive(Debug, Clone, PartialEq)]
pub struct Aside {
    /// Its row.
    pub id: i64,
    /// The source's row in `sources`.
    pub source: u32,
    /// The topic, raw.
    pub topic: Vec<u8>,
    /// The body, raw.
    pub payload: Vec<u8>,
    /// Whether the broker had sent it from its memory.
    pub retained: bool,
    /// When it came in.
    pub at: Stamp,
}

/// How much is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AsideSize {
    /// Messages.
    pub messages: u64,
    /// Bytes of their topics and bodies.
    pub bytes: u64,
}

/// The oldest of what is set aside, without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oldest {
    /// Its row.
    pub id: i64,
    /// The source's row in `sources`.
    pub source: u32,
    /// When it came in.
    pub at: Stamp,
    /// Bytes of its topic and body.
    pub bytes: u64,
}

const SIZE: &str =
    "SELECT count(*), coalesce(sum(length(topic) + length(payload)), 0) FROM quarantine";

impl Writer {
    /// Sets a message aside with its raw bytes; `source` is its row, `retained` says
    /// whether the broker sent it from its memory.
    pub fn put_quarantine(&self, q: &QuarantineRow, source: u32, retained: bool) -> Res<()> {
        self.run(
            "INSERT INTO quarantine (seq, source, topic, payload, reason, detail, at, retained)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            params![q.seq, source, q.topic, q.payload, q.reason, q.detail, q.at.0, retained],
        )
        .map(drop)
    }

    /// How much is set aside. Reads the whole table: for the start.
    pub fn aside_size(&self) -> Res<AsideSize> {
        self.conn
            .query_row(SIZE, [], |r| {
                Ok(AsideSize {
                    messages: r.get::<_, i64>(0)? as u64,
                    bytes: r.get::<_, i64>(1)? as u64,
                })
            })
            .map_err(|e| classify(&self.path, e))
    }

    /// One message that was set aside.
    pub fn aside(&self, id: i64) -> Res<Option<Aside>> {
        let run = || {
            self.conn
                .prepare_cached(
                    "SELECT id, source, topic, payload, retained, at FROM quarantine WHERE id = ?",
                )?
                .query_row([id], |r| {
                    Ok(Aside {
                        id: r.get(0)?,
                        source: r.get(1)?,
                        topic: r.get(2)?,
                        payload: r.get(3)?,
                        retained: r.get(4)?,
                        at: Stamp(r.get(5)?),
                    })
                })
                .optional()
        };
        run().map_err(|e| classify(&self.path, e))
    }

    /// The oldest that are set aside, in the order of receipt, at most `limit`.
    pub fn oldest_aside(&self, limit: usize) -> Res<Vec<Oldest>> {
        let run = || {
            let mut statement = self.conn.prepare_cached(
                "SELECT id, source, at, length(topic) + length(payload) FROM quarantine
                 ORDER BY id LIMIT ?",
            )?;
            let rows = statement.query_map([limit as i64], |r| {
                Ok(Oldest {
                    id: r.get(0)?,
                    source: r.get(1)?,
                    at: Stamp(r.get(2)?),
                    bytes: r.get::<_, i64>(3)? as u64,
                })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        run().map_err(|e| classify(&self.path, e))
    }

    /// Takes a message out; its bytes are gone with it.
    pub fn take_aside(&self, id: i64) -> Res<()> {
        self.run("DELETE FROM quarantine WHERE id = ?", [id]).map(drop)
    }

    /// Keeps why a message could not be read this time either.
    pub fn put_aside_reason(&self, id: i64, reason: &str, detail: &str) -> Res<()> {
        self.run(
            "UPDATE quarantine SET reason = ?, detail = ? WHERE id = ?",
            params![reason, detail, id],
        )
        .map(drop)
    }

    /// Sums up that messages left quarantine in an hour.
    pub fn put_ledger_move(&self, left: &LeftQuarantine, at: Stamp) -> Res<()> {
        self.run(
            "INSERT INTO ledger_moves (left, hour, source, bucket, count) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (left, hour, source, bucket) DO UPDATE SET count = count + ?5",
            params![at.hour().0, left.hour.0, left.source, left.bucket as u32, left.count as i64],
        )
        .map(drop)
    }

    /// Moves messages that left quarantine within a line of an hour of receipt that is over.
    pub fn move_ledger(&self, left: &LeftQuarantine) -> Res<()> {
        let key = LedgerKey { source: left.source, device: 0, hour: left.hour };
        // The name of a bucket is that of its column.
        let sql = format!(
            "UPDATE ledger SET quarantined = quarantined - ?1, {to} = {to} + ?1
             WHERE hour = ?2 AND source = ?3 AND device = ?4",
            to = left.bucket.name()
        );
        self.run(&sql, params![left.count as i64, key.hour.0, key.source, key.device]).map(drop)
    }
}

impl Reader {
    /// How many messages are set aside.
    pub fn aside_count(&self) -> Res<u64> {
        Ok(self.number("SELECT count(*) FROM quarantine")? as u64)
    }

    /// Messages that left quarantine in the hours of `[from, to)`, with the hour in
    /// which each left.
    pub fn ledger_moves(&self, from: Hour, to: Hour) -> Res<Vec<(Hour, LeftQuarantine)>> {
        let rows = self.all(
            "SELECT left, hour, source, bucket, count FROM ledger_moves
             WHERE left >= ? AND left < ? ORDER BY left, hour, source, bucket",
            params![from.0, to.0],
            |r| {
                Ok((
                    Hour(r.get(0)?),
                    Hour(r.get(1)?),
                    r.get::<_, u32>(2)?,
                    r.get::<_, u8>(3)?,
                    r.get::<_, i64>(4)?,
                ))
            },
        )?;
        rows.into_iter()
            .map(|(at, hour, source, bucket, count)| {
                let bucket = super::types::Bucket::of(bucket).ok_or_else(|| {
                    self.damaged(format!("ledger_moves has a bucket {bucket}, which is none"))
                })?;
                Ok((at, LeftQuarantine { source, hour, bucket, count: count as u64 }))
            })
            .collect()
    }
}
