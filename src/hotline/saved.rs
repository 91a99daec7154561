//! What outlives the process.

use super::Hotline;
use super::air::Air;
use super::entry::Entry;
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

    /// Goes on from transcripts alone, for when what was saved cannot be read. What
    /// the air was where no incident is open comes with its next change.
    pub fn recalled<'a>(plan: Plan, transcripts: impl IntoIterator<Item = &'a [Entry]>) -> Hotline {
        let mut hotline = Hotline::new(plan);
        for transcript in transcripts {
            let Some(incident) = Incident::of(transcript) else { continue };
            let latest = transcript.last().map_or(hotline.clock, |e| e.at);
            hotline.clock = hotline.clock.max(latest);
            if let Some((year, count)) = counted(incident.case()) {
                let last = hotline.cases.entry((year, incident.exercise())).or_default();
                *last = count.max(*last);
            }
            hotline.incidents.push(incident);
        }
        hotline
    }

    /// Goes on from what was saved, by a plan that may be another.
    pub fn restored(plan: Plan, saved: Saved) -> Hotline {
        let Saved { incidents, air, cases, clock } = saved;
        Hotline { plan, incidents, air, cases, clock }
    }
}

/// The year and the count in a case number.
fn counted(case: &str) -> Option<(i16, u32)> {
    let (year, count) = case.trim_start_matches("EX-").split_once('-')?;
    Some((year.parse().ok()?, count.parse().ok()?))
}
