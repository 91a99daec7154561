//! Points that targets of `forward` refuse. They are stored readings, so that the
//! ledger does not move with them: a list says which a target lacks, and why.

use super::state::State;
use crate::air::Stamp;
use crate::flow::{Refused, RefusedAct, RefusedHandled};
use crate::store::{RefusedRow, StoreError};

impl State {
    /// Does what a refused point, or somebody about it, asks for.
    pub(super) fn refused(&mut self, event: &mut Refused) -> Result<(), StoreError> {
        match event {
            Refused::Points { target, points, at, reply } => {
                for point in points {
                    self.writer.put_refused(target, point, *at)?;
                }
                let gone = self.writer.bound_refused(self.plan.quarantine.max_messages)?;
                if gone > 0 {
                    tracing::warn!(
                        gone,
                        "too many points are refused: the oldest are off the list"
                    );
                }
                reply.put(());
                Ok(())
            }
            Refused::Taken(points) => {
                tracing::info!(points = points.len(), "points are taken that had been refused");
                points.iter().try_for_each(|id| self.writer.take_refused(*id))
            }
            Refused::Act { act, at, reply } => {
                let handled = self.handle_refused(*act, *at)?;
                tracing::info!(?act, ?handled, "an operator acts on the quarantine");
                reply.put(handled);
                Ok(())
            }
        }
    }

    fn handle_refused(&mut self, act: RefusedAct, at: Stamp) -> Result<RefusedHandled, StoreError> {
        let (RefusedAct::Retry(id) | RefusedAct::Drop(id)) = act;
        let Some(row) = self.writer.refused(id)? else { return Ok(RefusedHandled::Absent) };
        if act == RefusedAct::Drop(id) {
            self.writer.take_refused(id)?;
            return Ok(RefusedHandled::Dropped);
        }
        let key = &row.point.key;
        if key.measurement == "air_change" {
            return Ok(RefusedHandled::Change);
        }
        if self.is_open(&row) {
            return Ok(RefusedHandled::Open);
        }
        let end = Stamp(key.time.0.saturating_add(1));
        self.writer.ask_replay(&row.target, key.time, end, at).map(RefusedHandled::Asked)
    }

    /// Whether the hour of a point is still open.
    fn is_open(&self, row: &RefusedRow) -> bool {
        let key = &row.point.key;
        let device = self.writer.devices().get(&key.device);
        let place = device.and_then(|id| usize::try_from(id.0).ok()?.checked_sub(1));
        let known = place.and_then(|place| self.index.devices.get(place));
        known.is_some_and(|device| device.open.iter().any(|o| o.hour == key.time.hour()))
    }
}
