//! Which series of a device is its main value, in networks whose messages leave it
//! open: every number has a channel (two lasers, a task that a user named) or a
//! variant. Without an answer such readings are kept and shown, but never judged.
//!
//! Readings stay labelled as they came. The answer goes along with them, and the
//! main value is made beside them once they have been checked.

use super::{Decoded, Memory, Notes, Remember};
use crate::air::{Label, StandIn};
use std::sync::Arc;

/// How the main values of a device are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MainValue {
    /// Of these series, in every message.
    Of(Arc<StandIn>),
    /// The channel that brought a quantity of a device first; it stays that. For
    /// networks with one number a message.
    First,
}

/// The prefix of what is remembered, which no format has as its name.
const NOTES: &str = "main";

impl MainValue {
    /// What stands for the main values of a message, and what to remember of that.
    pub(super) fn of(
        &self,
        found: &Decoded,
        memory: &Memory,
    ) -> (Option<Arc<StandIn>>, Vec<Remember>) {
        match self {
            MainValue::Of(stand_in) => (Some(stand_in.clone()), Vec::new()),
            MainValue::First => first(found, memory),
        }
    }
}

fn first(found: &Decoded, memory: &Memory) -> (Option<Arc<StandIn>>, Vec<Remember>) {
    let [observation] = found.observations.as_slice() else { return (None, Vec::new()) };
    let [value] = observation.values.as_slice() else { return (None, Vec::new()) };
    let Label { channel, variant } = &value.label;
    let mut notes = Notes::new(memory, NOTES);
    let label = notes.label(&observation.device, value.quantity, channel, channel);
    let stand_in = StandIn { channels: vec![channel.clone()], variant: variant.clone() };
    (label.is_main().then(|| Arc::new(stand_in)), notes.finish().1)
}
