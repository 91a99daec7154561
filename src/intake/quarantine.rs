//! What could not be understood is set aside with its bytes, and leaves again: read
//! after all once the configuration was mended, dropped by an operator, or pushed
//! out, the oldest first, when it is too much.
//!
//! Read again, a message is judged as it came, by the time it arrived; its readings
//! enter behind what has come since, as late data do. What it says for later
//! messages (a birth, a discovery) is not learnt from it: what was learnt since is
//! newer. In the ledger it moves within the line it was counted in.

use super::arrive::Inward;
use super::state::State;
use super::tally::Count;
use crate::air::mask::mask;
use crate::air::{Hour, Stamp};
use crate::decode::Refused;
use crate::flow::{Arrival, AsideAct, AsideHandled};
use crate::store::{
    Aside, Bucket, LeftQuarantine, Oldest, QuarantineRow, Row, RowKind, StoreError,
};
use std::collections::BTreeMap;

/// Pushed out in one batch at most, so that a lowered limit does not hold up what
/// comes in meanwhile.
const PUSHED_OUT_AT_ONCE: usize = 5_000;
/// Looked up in one step.
const PUSHED_OUT_STEP: usize = 64;

impl State {
    /// Sets a message aside that cannot be understood.
    pub(super) fn set_aside(
        &mut self,
        inward: &Inward,
        arrival: &Arrival,
        reason: &'static str,
        detail: &str,
    ) -> Result<(), StoreError> {
        self.leave(inward, Bucket::Quarantined, None, 0)?;
        self.count(inward, Count::Quarantined(reason));
        let row = QuarantineRow {
            id: 0,
            seq: self.index.seq,
            source: String::new(),
            topic: arrival.topic.to_vec(),
            payload: arrival.payload.to_vec(),
            reason: reason.to_owned(),
            detail: mask(detail),
            at: inward.at,
        };
        self.aside.messages += 1;
        self.aside.bytes += (row.topic.len() + row.payload.len()) as u64;
        self.writer.put_quarantine(&row, inward.source, inward.retained)
    }

    /// Says that a message which was set aside ends in another bucket; nothing for
    /// one that was not.
    pub(super) fn left_quarantine(
        &mut self,
        inward: &Inward,
        bucket: Bucket,
    ) -> Result<(), StoreError> {
        if !inward.aside {
            return Ok(());
        }
        let hour = inward.arrived.hour();
        let left = LeftQuarantine { source: inward.source, hour, bucket, count: 1 };
        self.append(inward.at, RowKind::LeftQuarantine(left))
    }

    /// An operator does something about a message that was set aside.
    pub fn handle_aside(&mut self, act: &AsideAct, at: Stamp) -> Result<AsideHandled, StoreError> {
        let id = match act {
            AsideAct::Retry(id) | AsideAct::Drop(id) => *id,
        };
        let Some(aside) = self.writer.aside(id)? else { return Ok(AsideHandled::Absent) };
        let handled = match act {
            AsideAct::Retry(_) => self.read_again(&aside, at)?,
            AsideAct::Drop(_) => {
                let (source, hour) = (aside.source, aside.at.hour());
                let left = LeftQuarantine { source, hour, bucket: Bucket::Ignored, count: 1 };
                self.append(at, RowKind::LeftQuarantine(left))?;
                AsideHandled::Left { bucket: Bucket::Ignored.name(), readings: 0 }
            }
        };
        if matches!(handled, AsideHandled::Left { .. }) {
            let way = if matches!(act, AsideAct::Retry(_)) { "read" } else { "dropped" };
            let bytes = (aside.topic.len() + aside.payload.len()) as u64;
            let gone = Oldest { id: aside.id, source: aside.source, at: aside.at, bytes };
            self.take_out(&gone, way)?;
        }
        tracing::info!(?act, ?handled, "an operator acts on the quarantine");
        Ok(handled)
    }

    fn read_again(&mut self, aside: &Aside, at: Stamp) -> Result<AsideHandled, StoreError> {
        let Some(seat) = self.seats.iter().position(|s| s.row == aside.source) else {
            return Ok(AsideHandled::NoSource);
        };
        let bytes = (aside.topic.as_slice(), aside.payload.as_slice());
        let heard = self.read(seat, bytes, aside.retained, aside.at);
        let inward = Inward {
            seat,
            source: aside.source,
            arrived: aside.at,
            at,
            retained: aside.retained,
            packet: None,
            again: false,
            aside: true,
        };
        let before = self.writer.last().journal;
        let bucket = match heard.outcome {
            Err(Refused::Malformed { reason, detail }) => {
                let detail = mask(&detail);
                self.writer.put_aside_reason(aside.id, reason, &detail)?;
                return Ok(AsideHandled::Again { reason: reason.to_owned(), detail });
            }
            Err(Refused::Ignored(policy)) => {
                self.count_ignored(&inward, policy);
                self.leave(&inward, Bucket::Ignored, None, 0)?;
                Bucket::Ignored
            }
            Ok(decoded) => self.enter(&inward, decoded, heard.policy)?,
        };
        Ok(AsideHandled::Left { bucket: bucket.name(), readings: self.readings_after(before)? })
    }

    /// Readings in the rows of the journal after one.
    fn readings_after(&self, seq: i64) -> Result<u64, StoreError> {
        let rows = self.writer.journal(seq, self.writer.last().journal - seq)?;
        let readings = |row: &Row| match &row.kind {
            RowKind::Arrival(arrival) => arrival.values.len() as u64,
            _ => 0,
        };
        Ok(rows.iter().map(readings).sum())
    }

    /// Takes a message out, which went that `way`: `read`, `dropped` or `pushed_out`.
    fn take_out(&mut self, gone: &Oldest, way: &'static str) -> Result<(), StoreError> {
        self.writer.take_aside(gone.id)?;
        self.aside.messages = self.aside.messages.saturating_sub(1);
        self.aside.bytes = self.aside.bytes.saturating_sub(gone.bytes);
        if let Some(place) = self.seats.iter().position(|s| s.row == gone.source) {
            self.tally.add(place, Count::LeftQuarantine(way));
        }
        Ok(())
    }

    /// Pushes the oldest out while more is set aside than may be.
    pub(super) fn bound_quarantine(&mut self) -> Result<(), StoreError> {
        let mut gone: BTreeMap<(u32, Hour), u64> = BTreeMap::new();
        let mut taken = 0;
        while self.too_much_aside() && taken < PUSHED_OUT_AT_ONCE {
            let oldest = self.writer.oldest_aside(PUSHED_OUT_STEP)?;
            if oldest.is_empty() {
                break;
            }
            for one in oldest {
                if !self.too_much_aside() {
                    break;
                }
                self.take_out(&one, "pushed_out")?;
                *gone.entry((one.source, one.at.hour())).or_default() += 1;
                taken += 1;
            }
        }
        for ((source, hour), count) in gone {
            tracing::warn!(count, %hour, "the quarantine is full: the oldest messages are dropped");
            let left = LeftQuarantine { source, hour, bucket: Bucket::Ignored, count };
            self.append(self.index.received, RowKind::LeftQuarantine(left))?;
        }
        self.metrics.aside(self.aside.messages, self.aside.bytes);
        Ok(())
    }

    fn too_much_aside(&self) -> bool {
        let most = &self.plan.quarantine;
        self.aside.messages > most.max_messages || self.aside.bytes > most.max_bytes
    }
}
