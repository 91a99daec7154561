//! What becomes of notices: attempts, receivers that stand in, acts of operators.

use super::desk::Delivered;
use super::state::State;
use crate::air::Stamp;
use crate::flow::{Attempt, Handled, OutboxAct, Outcome};
use crate::rules::stable_id;
use crate::store::{EventRow, StoreError};
use serde_json::Value;

impl State {
    /// An attempt to deliver a notice ended.
    pub fn attempt(&mut self, attempt: &Attempt) -> Result<(), StoreError> {
        self.writer.put_attempt(attempt)?;
        self.stand_in(attempt)?;
        self.prove(attempt)?;
        let Outcome::Dead { why, disable: true } = &attempt.outcome else { return Ok(()) };
        let receiver = self.writer.receiver_of(attempt.notice)?.unwrap_or_default();
        self.condition("receiver_disabled", &receiver, Some(why), attempt.at)
    }

    /// Has the hotline keep the proof that a notice of an incident was delivered.
    fn prove(&mut self, attempt: &Attempt) -> Result<(), StoreError> {
        let Outcome::Delivered { status, digest, .. } = &attempt.outcome else { return Ok(()) };
        let Some(desk) = &mut self.desk else { return Ok(()) };
        let Some((uid, receiver, event)) = self.writer.delivered(attempt.notice)? else {
            return Ok(());
        };
        let (status, digest) = (*status, digest.clone());
        let delivered = Delivered { uid, receiver, at: attempt.at, status, digest };
        desk.delivered(&delivered, &event, &mut self.writer)
    }

    /// Tells the receiver that stands in for one that cannot be reached.
    fn stand_in(&mut self, attempt: &Attempt) -> Result<(), StoreError> {
        let receivers = &self.plan.receivers;
        let failed = !matches!(attempt.outcome, Outcome::Delivered { .. });
        if !failed || receivers.iter().all(|r| r.fallback.is_none()) {
            return Ok(());
        }
        let Some((receiver, attempts, event)) = self.writer.attempted(attempt.notice)? else {
            return Ok(());
        };
        let of = |id: &str| receivers.iter().find(|r| r.id == id);
        let Some(fallback) = of(&receiver).and_then(|r| r.fallback.as_ref()) else {
            return Ok(());
        };
        let dead = matches!(attempt.outcome, Outcome::Dead { .. });
        let exercise = event.data.get("exercise").and_then(Value::as_bool) == Some(true);
        let reachable = of(&fallback.receiver).is_some_and(|r| !(r.real_only && exercise));
        if !reachable || (!dead && attempts < fallback.after) {
            return Ok(());
        }
        // The identity that a notice to it has anyway: who is told already is not told twice.
        let uid = stable_id(instant_of(&event), &[&event.uid, &fallback.receiver]);
        tracing::warn!(receiver, fallback = fallback.receiver, "another receiver is told instead");
        self.writer.put_notice(event.id, &uid, &fallback.receiver, attempt.at)
    }

    /// An operator does something about notices.
    pub fn handle_outbox(&mut self, act: &OutboxAct, at: Stamp) -> Result<Handled, StoreError> {
        let acted = match act {
            OutboxAct::Retry(notice) => self.writer.retry_notice(*notice, at)?,
            OutboxAct::Drop(notice) => self.writer.drop_notice(*notice, at)?,
            OutboxAct::Enable(receiver) => self.enable(receiver, at)?,
        };
        tracing::info!(?act, ?acted, "an operator acts on the outbox");
        self.writer.acted();
        Ok(acted)
    }

    fn enable(&mut self, receiver: &str, at: Stamp) -> Result<Handled, StoreError> {
        if !self.writer.enable_receiver(receiver)? {
            return Ok(Handled::Absent);
        }
        self.condition("receiver_disabled", receiver, None, at)?;
        Ok(Handled::Done { notice: 0 })
    }
}

/// The instant that an event is about, of which its notices have their identity.
fn instant_of(event: &EventRow) -> Stamp {
    let at = event.data.get("at").and_then(Value::as_str).and_then(Stamp::parse);
    at.unwrap_or(event.time)
}
