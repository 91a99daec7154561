//! What outlives the process.

use super::Hotline;
use super::air::Air;
use super::entry::Entry;
use super::incident::Incident;
use super::plan::Plan;
use crate::air::Stamp;
use std::collections::{BTreeMap, BTreeSet};

/// The messages of an incident that could not be used: the party whose system said
/// so, which sends again what it has no answer to, and the entry they told of.
pub(super) type Rejected = BTreeSet<(String, u32)>;

/// What of a [`Hotline`] outlives the process. Everything is by name, so that
/// another configuration goes on with the same incidents.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Saved {
    incidents: Vec<Incident>,
    air: Air,
    cases: BTreeMap<(i16, bool), u32>,
    clock: Stamp,
}

/// The layout of [`Saved`] as bytes: the incidents, and behind them the messages
/// that were rejected in each.
const LAYOUT: u8 = 2;
/// The layout before, which ends with the incidents; it is read, too.
const WITHOUT_REJECTED: u8 = 1;

impl Saved {
    /// As bytes, with the layout in front.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let rejected: Vec<&Rejected> = self.incidents.iter().map(|i| &i.rejected).collect();
        postcard::to_extend(&(self, rejected), vec![LAYOUT]).ok()
    }

    /// From bytes of this layout or the one before.
    pub fn decode(bytes: &[u8]) -> Option<Saved> {
        let (layout, rest) = bytes.split_first()?;
        let (mut saved, rejected): (Saved, Vec<Rejected>) = match *layout {
            LAYOUT => postcard::from_bytes(rest).ok()?,
            WITHOUT_REJECTED => (postcard::from_bytes(rest).ok()?, Vec::new()),
            _ => return None,
        };
        for (incident, rejected) in saved.incidents.iter_mut().zip(rejected) {
            incident.rejected = rejected;
        }
        Some(saved)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotline::{Act, Does, Happening, Party, Who};

    /// Nothing but case 2022-0001, which the operator has opened, in layout 1.
    const EARLIER: &str = "\
        01011a303146525646523830304b53524148533254485031315454513509323032322d3030303103616c6c04\
        64757374008080e1efc65f00046e6f6e65000000000000000001024b52c0eecef0c65f0000000000008080e1\
        efc65f0000014061383937326339626465633935316131643334343232326139653338383862396466346133\
        3838353933323266323163333631383065613237666331623665660001cc1f00018080e1efc65f";

    #[test]
    fn what_was_saved_in_the_layout_before_is_read() {
        let plan = Plan { parties: vec![Party::new("KR")], ..Plan::default() };
        let mut hotline = Hotline::new(plan);
        let who = Who::Operator { from: "cli".into(), name: None };
        let (cause, text) = ("dust".to_owned(), "x".to_owned());
        let does = Does::Open { cause, exercise: false, group: None, text };
        hotline.happened(&Happening::Act(Act { who, does }), Stamp(1_641_600_000_000));
        let bytes = hex(EARLIER);
        assert_eq!(Saved::decode(&bytes), Some(hotline.save()));
        assert_eq!(Saved::decode(&[&[0], &bytes[1..]].concat()), None, "a layout there never was");
    }

    fn hex(text: &str) -> Vec<u8> {
        let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }
}
