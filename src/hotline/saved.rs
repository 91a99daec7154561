//! What outlives the process.

use super::Hotline;
use super::air::Air;
use super::incident::Incident;
use super::plan::Plan;
use crate::air::Stamp;
use std::collections::BTreeMap;

/// What of a [`Hotline`] outlives the process. Everything is by name, so that
/// another configuration goes on with the same incidents.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Saved {
    incidents: Vec<Incident>,
    air: Air,
    cases: BTreeMap<(i16, bool), u32>,
    clock: Stamp,
}

/// The layout of [`Saved`] as bytes; another one is not read.
const LAYOUT: u8 = 1;

impl Saved {
    /// As bytes, with the layout in front.
    pub fn encode(&self) -> Option<Vec<u8>> {
        postcard::to_extend(self, vec![LAYOUT]).ok()
    }

    /// From bytes of this layout.
    pub fn decode(bytes: &[u8]) -> Option<Saved> {
        let (layout, rest) = bytes.split_first()?;
        postcard::from_bytes(rest).ok().filter(|_| *layout == LAYOUT)
    }
}

impl Hotline {
    /// What outlives the process.
    pub fn save(&self) -> Saved {
        Saved {
            incidents: self.incidents.clone(),
            air: self.air.clone(),
            cases: self.cases.clone(),
            clock: self.clock,
        }
    }

    /// Goes on from what was saved, by a plan that may be another.
    pub fn restored(plan: Plan, saved: Saved) -> Hotline {
        let Saved { incidents, air, cases, clock } = saved;
        Hotline { plan, incidents, air, cases, clock }
    }
}
