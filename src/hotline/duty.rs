//! What becomes due by itself, and when.

use super::entry::{Owed, What, Who};
use super::incident::Incident;
use super::party::PartyState;
use super::plan::Plan;
use super::{Hotline, Outcome};
use crate::air::Stamp;

/// Something that is done when its time has come. Of what is due at one instant,
/// the first here is done first: a call up the ladder makes a reminder needless.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Duty {
    /// The level of the incident falls.
    Fall,
    /// The next step of a party's ladder is climbed.
    Climb(String),
    /// A party's deadline has passed.
    Overdue(String, Owed),
    /// A party is reminded.
    Remind(String, Owed),
}

impl Hotline {
    /// The duty that comes first, with its time and the place of its incident.
    pub(super) fn next_duty(&self) -> Option<(Stamp, usize, Duty)> {
        let incidents = self.incidents.iter().enumerate();
        let all = incidents.flat_map(|(place, incident)| {
            duties(incident, &self.plan).into_iter().map(move |(due, duty)| (due, place, duty))
        });
        all.min()
    }

    /// Does everything that is due by now, in the order in which it was due.
    pub(super) fn do_what_is_due(&mut self, out: &mut Outcome) {
        while let Some((due, place, duty)) = self.next_duty().filter(|(due, ..)| *due <= self.clock)
        {
            let Some(what) = self.done(place, duty, due) else { return };
            self.record(place, Who::System, what, out);
        }
    }

    /// The entry of a duty that is done.
    fn done(&self, place: usize, duty: Duty, due: Stamp) -> Option<What> {
        let incident = self.incidents.get(place)?;
        Some(match duty {
            Duty::Fall => {
                let to = incident.cooling()?.peak.clone();
                let (from, lifted) = (incident.level().clone(), self.plan.lifts(&to));
                What::Level { due: Some(due), from, lifted, to }
            }
            Duty::Climb(party) => {
                let climbed = incident.party(&party)?.climbed;
                let step = self.plan.party(&party)?.steps.get(climbed as usize)?;
                What::Escalated { due, party, receivers: step.receivers.clone(), step: climbed + 1 }
            }
            Duty::Overdue(party, owed) => What::Overdue { due, owed, party },
            Duty::Remind(party, owed) => What::Reminder { due, owed, party },
        })
    }
}

fn duties(incident: &Incident, plan: &Plan) -> Vec<(Stamp, Duty)> {
    if incident.closed_at().is_some() {
        return Vec::new();
    }
    let fall = incident.cooling().map(|c| (c.since.plus(plan.cooling), Duty::Fall));
    let of_parties = incident.parties().iter().flat_map(|p| of_party(incident, p, plan));
    fall.into_iter().chain(of_parties).collect()
}

fn of_party(incident: &Incident, state: &PartyState, plan: &Plan) -> Vec<(Stamp, Duty)> {
    let (Some(owed), Some(party)) = (incident.owes(state), plan.party(&state.id)) else {
        return Vec::new();
    };
    let id = || state.id.clone();
    let deadline = match owed {
        Owed::Acknowledgement => Some(state.acknowledge_by),
        Owed::Share => state.share_by(party),
        Owed::Agreement => None,
    };
    let late = state.overdue == Some(owed);
    let overdue = deadline.filter(|_| !late).map(|due| (due, Duty::Overdue(id(), owed)));
    let climb = party.steps.get(state.climbed as usize);
    let climb = climb.filter(|_| owed == Owed::Acknowledgement);
    let climb = climb.map(|s| (incident.opened_at().plus(s.after), Duty::Climb(id())));
    let every = match owed {
        Owed::Agreement => plan.remind_close_every,
        _ => plan.remind_every,
    };
    // Who has acknowledged is left alone until it has let its deadline pass.
    let reminded = !every.is_zero() && (owed != Owed::Share || late);
    let remind = reminded.then(|| (state.called.plus(every), Duty::Remind(id(), owed)));
    [overdue, climb, remind].into_iter().flatten().collect()
}
