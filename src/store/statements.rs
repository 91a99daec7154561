//! The daily statements as they are kept, and what they are made from.

use super::read::{Reader, Res};
use super::types::RowKind;
use super::write::{Res as Written, Writer};
use crate::air::{Hour, Stamp};
use crate::flow::FORWARDING_HELD;
use rusqlite::{OptionalExtension, params};

/// Journal rows read in one step.
const STEP: usize = 10_000;

impl Writer {
    /// Keeps the statement of a day; the first one stays.
    pub fn put_statement(&self, day: i32, hash: &str, text: &str) -> Written<()> {
        self.run(
            "INSERT OR IGNORE INTO statements (day, hash, statement) VALUES (?, ?, ?)",
            params![day, hash, text],
        )
        .map(drop)
    }
}

/// How much of some readings a target of `forward` has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// It has taken them, or refused them line by line.
    pub forwarded: u64,
    /// It does not have them yet.
    pub pending: u64,
    /// It takes nothing until its configuration is mended.
    pub held: u64,
}

impl Reader {
    /// How much a target has of the `stored` readings that were received in the hours
    /// of `[from, to)`. Reads the rows that it does not have, sealed or not.
    pub fn share(&mut self, target: &str, (from, to): (Hour, Hour), stored: u64) -> Res<Share> {
        let after = self.cursor(target)?.journal;
        let waiting = self.readings_received(after, from, to)?.min(stored);
        let is_held = |kind: &str, subject: &str| kind == FORWARDING_HELD && subject == target;
        let held = self.conditions()?.iter().any(|(kind, subject, ..)| is_held(kind, subject));
        let (pending, held) = if held { (0, waiting) } else { (waiting, 0) };
        Ok(Share { forwarded: stored - waiting, pending, held })
    }

    /// Statements of days after one, in order, at most `limit`, as canonical JSON.
    pub fn statements(&self, after: i32, limit: usize) -> Res<Vec<(i32, String)>> {
        self.all(
            "SELECT day, statement FROM statements WHERE day > ? ORDER BY day LIMIT ?",
            params![after, limit as i64],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
    }

    /// The day of the last statement, and its hash.
    pub fn last_statement(&self) -> Res<Option<(i32, String)>> {
        let sql = "SELECT day, hash FROM statements ORDER BY day DESC LIMIT 1";
        let found = self.all(sql, [], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(found.into_iter().next())
    }

    /// The first hour in the table of the ledger.
    pub fn first_ledger_hour(&self) -> Res<Option<Hour>> {
        let found = self.all("SELECT min(hour) FROM ledger", [], |r| r.get::<_, Option<i32>>(0))?;
        Ok(found.into_iter().next().flatten().map(Hour))
    }

    /// When the last row of the journal was received.
    pub fn last_received(&self) -> Res<Option<Stamp>> {
        let sql = "SELECT received FROM journal ORDER BY seq DESC LIMIT 1";
        Ok(self.all(sql, [], |r| r.get(0))?.into_iter().next().map(Stamp))
    }

    /// Readings in the rows after one that were received in the hours of `[from, to)`.
    /// Of a sealed part that reaches behind that row all rows count: it is sent as a
    /// whole.
    pub fn readings_received(&mut self, after: i64, from: Hour, to: Hour) -> Res<u64> {
        self.at_once(|reader| {
            let sealed = reader.sealed_received(after, from, to)?;
            Ok(sealed + reader.journal_received(after, from, to)?)
        })
    }

    fn sealed_received(&mut self, after: i64, from: Hour, to: Hour) -> Res<u64> {
        let (mut after, mut readings) = (after, 0);
        loop {
            let parts = self.parts_after(after, STEP)?;
            let Some(last) = parts.last() else { return Ok(readings) };
            after = last.upto;
            for part in &parts {
                let rows = self.unpack(part)?;
                let within = |at: Stamp| at >= from.start() && at < to.start();
                let some = rows.iter().filter(|row| within(row.received));
                readings += some.map(|row| row.values.len() as u64).sum::<u64>();
            }
        }
    }

    fn journal_received(&mut self, after: i64, from: Hour, to: Hour) -> Res<u64> {
        let mut after = after.max(self.row_before(from.start())?);
        let mut readings = 0;
        loop {
            let rows = self.journal(after, STEP)?;
            let Some(last) = rows.last() else { return Ok(readings) };
            after = last.seq;
            for row in &rows {
                if row.received >= to.start() {
                    return Ok(readings);
                }
                if let RowKind::Arrival(arrival) = &row.kind {
                    readings += arrival.values.len() as u64;
                }
            }
        }
    }

    /// The last row that was received before an instant, 0 if there is none: found by
    /// halving, since rows are in the order of receipt.
    pub fn row_before(&self, at: Stamp) -> Res<i64> {
        let first = self.number("SELECT min(seq) FROM journal")?;
        let last = self.number("SELECT max(seq) FROM journal")?;
        let (mut before, mut from) = (first - 1, last + 1);
        while from - before > 1 {
            let middle = before + (from - before) / 2;
            let row = self
                .connection()
                .prepare_cached(
                    "SELECT seq, received FROM journal WHERE seq >= ? ORDER BY seq LIMIT 1",
                )
                .and_then(|mut s| {
                    s.query_row([middle], |r| Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?)))
                        .optional()
                })
                .map_err(|e| self.err(e))?;
            match row {
                Some((seq, received)) if received < at.0 => before = seq,
                _ => from = middle,
            }
        }
        Ok(before.max(0))
    }
}
