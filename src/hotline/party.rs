//! What a party has done in an incident, and what it owes.

use super::entry::Owed;
use super::facts::Asked;
use super::plan::Party;
use crate::air::Stamp;

/// Where a party stands in an incident.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PartyState {
    /// The party's id.
    pub id: String,
    /// By when it must acknowledge.
    pub acknowledge_by: Stamp,
    /// When it acknowledged.
    pub acknowledged: Option<Stamp>,
    /// When it last shared a measure or a note.
    pub shared: Option<Stamp>,
    /// When it agreed to close.
    pub agreed: Option<Stamp>,
    /// The deadline it let pass, if it has not done since what it owed.
    pub overdue: Option<Owed>,
    /// How many steps of its ladder were climbed.
    pub climbed: u32,
    /// Who has been called for it, each once.
    pub reached: Vec<String>,
    /// When it was last called: reminders count from here.
    pub called: Stamp,
}

impl PartyState {
    /// A party that is asked now.
    pub(super) fn asked(asked: &Asked, now: Stamp) -> PartyState {
        let mut state = PartyState {
            id: asked.party.clone(),
            acknowledge_by: asked.acknowledge_by,
            acknowledged: asked.knows.then_some(now),
            shared: None,
            agreed: None,
            overdue: None,
            climbed: asked.steps,
            reached: Vec::new(),
            called: now,
        };
        state.reach(&asked.receivers);
        state
    }

    /// Notes who has been called.
    pub(super) fn reach(&mut self, receivers: &[String]) {
        for receiver in receivers {
            if !self.reached.contains(receiver) {
                self.reached.push(receiver.clone());
            }
        }
    }

    /// By when it must share something; `None` before it has acknowledged, or if
    /// it never must.
    pub fn share_by(&self, party: &Party) -> Option<Stamp> {
        let (since, within) = match self.shared {
            Some(shared) => (shared.max(self.acknowledged?), party.update_within),
            None => (self.acknowledged?, party.share_within),
        };
        (!within.is_zero()).then(|| since.plus(within))
    }

    pub(super) fn acknowledge(&mut self, now: Stamp) {
        self.acknowledged = Some(now);
        self.overdue = None;
        self.called = now;
    }

    pub(super) fn share(&mut self, now: Stamp) {
        self.shared = Some(now);
        self.overdue = self.overdue.filter(|owed| *owed != Owed::Share);
        self.called = now;
    }

    /// Who agrees knows.
    pub(super) fn agree(&mut self, now: Stamp) {
        self.agreed = Some(now);
        self.acknowledged.get_or_insert(now);
        self.overdue = None;
    }
}
