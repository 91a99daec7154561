//! Who is told of an entry.

use super::entry::{Entry, Kind, What};
use super::incident::Incident;
use super::plan::Plan;
use crate::rules::stable_id;

/// What the receivers of one party must be told: an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// The same for the same entry and party after any restart.
    pub id: String,
    /// What it is about.
    pub kind: Kind,
    /// The party whose receivers are told.
    pub party: String,
    /// Who is told; never empty.
    pub receivers: Vec<String>,
    /// The incident's case number.
    pub case: String,
    /// Whether it is an exercise: to be marked wherever it is read.
    pub exercise: bool,
    /// The number of the entry.
    pub number: u32,
    /// The hash of the entry: whoever keeps it can prove what the transcript was.
    pub hash: String,
}

/// Everything there is to tell of an entry that has just taken effect.
pub(super) fn of(plan: &Plan, incident: &Incident, entry: &Entry) -> Vec<Telling> {
    let told = |id: &str, called: &[String]| {
        let receivers = plan.reachable(called, incident.exercise());
        (!receivers.is_empty()).then(|| Telling {
            id: stable_id(entry.at, &[&entry.incident, &entry.number.to_string(), id]),
            kind: entry.what.kind(),
            party: id.to_owned(),
            receivers,
            case: incident.case().to_owned(),
            exercise: incident.exercise(),
            number: entry.number,
            hash: entry.hash.clone(),
        })
    };
    let everyone = || incident.parties().iter().map(|p| (p.id.as_str(), &p.reached));
    match &entry.what {
        // Spreading to one more place is news; the rest of what joins is in the level.
        What::Joined { .. } if !incident.has_spread(entry.number) => Vec::new(),
        // Its own system could not use that either, and the two could go on for ever.
        What::Rejected { .. } | What::Delivered(_) => Vec::new(),
        What::Reminder { party, .. } => {
            let own = everyone().filter(|(id, _)| id == party);
            own.filter_map(|(id, reached)| told(id, reached)).collect()
        }
        // The party's next receivers are called, and the others see that.
        What::Escalated { party, receivers, .. } => everyone()
            .filter_map(|(id, reached)| told(id, if id == party { receivers } else { reached }))
            .collect(),
        _ => everyone().filter_map(|(id, reached)| told(id, reached)).collect(),
    }
}
