//! What becomes of notices, as the writer keeps it.
//!
//! Rows of the outbox are tried in the order of their numbers, and whoever has
//! seen one number looks only at later ones. A notice that is to be tried again
//! after it was given up therefore gets a new number at the end; its identity for
//! the receiver, the `webhook-id`, stays.

use super::judged::event_of;
use super::schema::classify;
use super::types::{EventRow, NoticeState};
use super::write::{Res, Writer};
use crate::air::Stamp;
use crate::flow::{Attempt, Handled, Outcome};
use rusqlite::{OptionalExtension, params};

impl Writer {
    /// Notes what came of an attempt to deliver a notice.
    pub fn put_attempt(&self, a: &Attempt) -> Res<()> {
        let (state, next, last, done) = match &a.outcome {
            Outcome::Delivered { status, took_ms, digest } => {
                let answer = digest.as_ref().map(|d| format!("; answer sha256 {d}"));
                let said = format!("{status} in {took_ms} ms{}", answer.unwrap_or_default());
                ("delivered", a.at, said, Some(a.at.0))
            }
            Outcome::Retry { why, next } => ("pending", *next, why.clone(), None),
            Outcome::Dead { why, .. } => ("dead", a.at, why.clone(), Some(a.at.0)),
        };
        self.run(
            "UPDATE outbox SET state = ?, attempts = attempts + 1, next = ?, last = ?, done = ? WHERE id = ? AND state = 'pending'",
            params![state, next.0, last, done, a.notice],
        )?;
        if let Outcome::Dead { why, disable: true } = &a.outcome {
            self.run(
                "INSERT OR IGNORE INTO disabled_receivers (receiver, at, why) SELECT receiver, ?, ? FROM outbox WHERE id = ?",
                params![a.at.0, why, a.notice],
            )?;
        }
        Ok(())
    }

    /// The receiver of a notice.
    pub fn receiver_of(&self, notice: i64) -> Res<Option<String>> {
        let run = || {
            self.conn
                .prepare_cached("SELECT receiver FROM outbox WHERE id = ?")?
                .query_row([notice], |r| r.get(0))
                .optional()
        };
        run().map_err(|e| classify(&self.path, e))
    }

    /// Lets receivers be tried again that asked to be left alone.
    pub fn enable_receivers(&self) -> Res<()> {
        self.run("DELETE FROM disabled_receivers", []).map(drop)
    }

    /// A notice's receiver, the attempts that ended, and what it tells.
    pub fn attempted(&self, notice: i64) -> Res<Option<(String, u32, EventRow)>> {
        let run = || {
            self.conn
                .prepare_cached(
                    "SELECT o.receiver, o.attempts, e.id, e.uid, e.kind, e.subject, e.time, e.data
                     FROM outbox o JOIN events e ON e.id = o.event WHERE o.id = ?",
                )?
                .query_row([notice], |r| Ok((r.get(0)?, r.get(1)?, event_of(r, 2)?)))
                .optional()
        };
        run().map_err(|e| classify(&self.path, e))
    }

    /// The `webhook-id` and receiver of a notice of an incident that was delivered,
    /// and what it told.
    pub fn delivered(&self, notice: i64) -> Res<Option<(String, String, EventRow)>> {
        let run = || {
            self.conn
                .prepare_cached(
                    "SELECT o.uid, o.receiver, e.id, e.uid, e.kind, e.subject, e.time, e.data
                     FROM outbox o JOIN events e ON e.id = o.event
                     WHERE o.id = ? AND o.state = 'delivered' AND e.kind = 'dustline.incident.v1'",
                )?
                .query_row([notice], |r| Ok((r.get(0)?, r.get(1)?, event_of(r, 2)?)))
                .optional()
        };
        run().map_err(|e| classify(&self.path, e))
    }

    /// Writes one more notice of an event that is kept already; nothing happens
    /// if there is one of this identity.
    pub fn put_notice(&mut self, event: i64, uid: &str, receiver: &str, at: Stamp) -> Res<()> {
        let next = self.last.outbox + 1;
        let new = self.run(
            "INSERT OR IGNORE INTO outbox (id, uid, event, receiver, state, created, next)
             VALUES (?, ?, ?, ?, 'pending', ?, ?)",
            params![next, uid, event, receiver, at.0, at.0],
        )?;
        self.last.outbox += new as i64;
        Ok(())
    }

    /// Has a dead notice tried again from the start of the schedule, under a new
    /// number.
    pub fn retry_notice(&mut self, notice: i64, at: Stamp) -> Res<Handled> {
        if let Some(unfit) = self.unfit(notice, NoticeState::Dead)? {
            return Ok(unfit);
        }
        self.last.outbox += 1;
        self.run(
            "UPDATE outbox SET id = ?, state = 'pending', attempts = 0, next = ?, done = NULL WHERE id = ?",
            params![self.last.outbox, at.0, notice],
        )?;
        Ok(Handled::Done { notice: self.last.outbox })
    }

    /// Gives a pending notice up.
    pub fn drop_notice(&self, notice: i64, at: Stamp) -> Res<Handled> {
        if let Some(unfit) = self.unfit(notice, NoticeState::Pending)? {
            return Ok(unfit);
        }
        self.run(
            "UPDATE outbox SET state = 'dead', last = 'given up by the operator', next = ?, done = ? WHERE id = ?",
            params![at.0, at.0, notice],
        )?;
        Ok(Handled::Done { notice })
    }

    /// Lets a receiver be tried again that asked to be left alone; false if it is not disabled.
    pub fn enable_receiver(&self, receiver: &str) -> Res<bool> {
        Ok(self.run("DELETE FROM disabled_receivers WHERE receiver = ?", [receiver])? > 0)
    }

    /// Announces with the next commit that an operator has acted.
    pub fn acted(&mut self) {
        self.last.acts += 1;
    }

    /// Why a notice is not to be acted upon; none if it is in the state for it.
    fn unfit(&self, notice: i64, wanted: NoticeState) -> Res<Option<Handled>> {
        let state: Option<String> = self
            .conn
            .query_row("SELECT state FROM outbox WHERE id = ?", [notice], |r| r.get(0))
            .optional()
            .map_err(|e| classify(&self.path, e))?;
        Ok(match state {
            None => Some(Handled::Absent),
            Some(state) if state == wanted.name() => None,
            Some(state) => Some(Handled::Unfit { state }),
        })
    }
}
