//! One incident: what its transcript amounts to.

use super::entry::{Entry, FIRST, Owed, What, Who};
use super::facts::{Asked, Facts, Measure, Standing};
use super::party::PartyState;
use super::plan::{Grade, Place};
use super::saved::Rejected;
use crate::air::Stamp;
use crate::rules::stable_id;
use std::collections::{BTreeMap, BTreeSet};

/// One hotline case. Only `Incident::apply` changes it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Incident {
    id: String,
    case: String,
    group: String,
    cause: String,
    exercise: bool,
    /// When it was opened, or opened again.
    opened_at: Stamp,
    closed_at: Option<Stamp>,
    level: Grade,
    lifted: bool,
    /// Whether the air has anything to do with it yet.
    of_air: bool,
    /// Where the air stands at each place that has been bad.
    standing: BTreeMap<Place, Grade>,
    /// The places that have been bad enough to open it, since it was opened.
    opened_by: BTreeSet<Place>,
    /// The last change that brought in one more place without raising the level.
    spread: Option<u32>,
    cooling: Option<Cooling>,
    parties: Vec<PartyState>,
    measures: Vec<Shared>,
    /// The last note of each author, to know it when it comes twice.
    notes: BTreeMap<String, (u32, String)>,
    entries: u32,
    head: String,
    /// Saved apart from the rest, since earlier versions did not have it.
    #[serde(skip)]
    pub(super) rejected: Rejected,
}

/// The air is better than the level says, and has not been so for long.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Cooling {
    pub since: Stamp,
    /// The worst that it has been since.
    pub peak: Grade,
}

/// A measure that a party has shared.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Shared {
    /// The number of its entry, which names it.
    pub number: u32,
    /// Whose it is.
    pub party: String,
    /// What it says.
    pub measure: Measure,
    /// When its party ended it.
    pub ended: Option<Stamp>,
}

impl Shared {
    /// Whether it is in force at an instant.
    pub fn in_force(&self, at: Stamp) -> bool {
        let ends = [self.measure.until, self.ended].into_iter().flatten().min();
        self.measure.from <= at && ends.is_none_or(|end| at < end)
    }
}

/// What an incident begins with.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    pub group: String,
    pub cause: String,
    pub exercise: bool,
    pub change: Option<Facts>,
    pub level: Grade,
    pub standing: Vec<Standing>,
    pub text: Option<String>,
}

impl Opening {
    /// The entry that it is.
    pub fn entry(self, case: String, parties: Vec<Asked>) -> What {
        What::Opened {
            case,
            cause: self.cause,
            change: self.change,
            exercise: self.exercise,
            group: self.group,
            level: self.level,
            parties,
            standing: self.standing,
            text: self.text,
        }
    }
}

impl Incident {
    /// An incident without an entry yet.
    pub(super) fn new(opening: &Opening, case: &str, now: Stamp) -> Incident {
        let kind = if opening.exercise { "exercise" } else { "real" };
        Incident {
            id: stable_id(now, &["incident", &opening.group, &opening.cause, kind, case]),
            case: case.to_owned(),
            group: opening.group.clone(),
            cause: opening.cause.clone(),
            exercise: opening.exercise,
            opened_at: now,
            closed_at: None,
            level: Grade::none(),
            lifted: false,
            of_air: false,
            standing: BTreeMap::new(),
            opened_by: BTreeSet::new(),
            spread: None,
            cooling: None,
            parties: Vec::new(),
            measures: Vec::new(),
            notes: BTreeMap::new(),
            entries: 0,
            head: FIRST.to_owned(),
            rejected: Rejected::new(),
        }
    }

    /// What a transcript amounts to; `None` if it does not begin with an opening.
    pub(super) fn of(transcript: &[Entry]) -> Option<Incident> {
        let first = transcript.first()?;
        let What::Opened { case, cause, change, exercise, group, level, standing, text, .. } =
            first.what.clone()
        else {
            return None;
        };
        let opening = Opening { group, cause, exercise, change, level, standing, text };
        let mut incident = Incident::new(&opening, &case, first.at);
        incident.id = first.incident.clone();
        transcript.iter().for_each(|entry| incident.apply(entry));
        Some(incident)
    }

    /// The entry that comes next, with its place in the chain.
    pub(super) fn next_entry(&self, at: Stamp, who: Who, what: What) -> Entry {
        let entry = Entry {
            at,
            hash: String::new(),
            incident: self.id.clone(),
            number: self.entries + 1,
            previous: self.head.clone(),
            what,
            who,
        };
        entry.sealed()
    }

    /// Lets an entry take effect: the one way in which an incident changes.
    pub(super) fn apply(&mut self, entry: &Entry) {
        self.entries = entry.number;
        self.head = entry.hash.clone();
        match &entry.what {
            What::Opened { change, level, parties, standing, .. } => {
                self.begin((change.as_ref(), standing, level), parties, entry.at);
            }
            What::Reopened { change, level, parties, standing } => {
                self.begin((Some(change), standing, level), parties, entry.at);
            }
            What::Joined { change } => self.join(change, entry.number, entry.at),
            // The next fall counts from when this one was due, whenever it was done.
            What::Level { due, lifted, to, .. } => {
                self.level_is(to, *lifted, due.unwrap_or(entry.at), entry.at);
            }
            What::Escalated { party, receivers, step, .. } => {
                self.with(party, |p| {
                    p.climbed = *step;
                    p.called = entry.at;
                    p.reach(receivers);
                });
            }
            What::Overdue { owed, party, .. } => self.with(party, |p| {
                p.overdue = Some(*owed);
                p.called = entry.at;
            }),
            What::Reminder { party, .. } => self.with(party, |p| p.called = entry.at),
            What::Closed => self.closed_at = Some(entry.at),
            _ => self.acted(entry),
        }
    }

    /// Lets the act of a person take effect.
    fn acted(&mut self, entry: &Entry) {
        let author = entry.who.party().cloned().unwrap_or_default();
        match &entry.what {
            What::Acknowledged => self.with(&author, |p| p.acknowledge(entry.at)),
            What::Measure { measure } => {
                let measure = measure.clone();
                let number = entry.number;
                let party = author.clone();
                self.measures.push(Shared { number, party, measure, ended: None });
                self.with(&author, |p| p.share(entry.at));
            }
            What::Ended { at, measure } => {
                let named = self.measures.iter_mut().find(|m| m.number == *measure);
                named.into_iter().for_each(|m| m.ended = Some(*at));
                self.with(&author, |p| p.share(entry.at));
            }
            What::Note { text } => {
                self.notes.insert(author.clone(), (entry.number, text.clone()));
                self.with(&author, |p| p.share(entry.at));
            }
            What::Rejected { of, .. } => {
                self.rejected.insert((author, *of));
            }
            What::Agreed => {
                self.with(&author, |p| p.agree(entry.at));
                // The others are told, and need not be reminded at once.
                self.parties.iter_mut().for_each(|p| p.called = entry.at);
            }
            _ => {}
        }
    }

    fn begin(
        &mut self,
        (change, standing, level): (Option<&Facts>, &[Standing], &Grade),
        parties: &[Asked],
        now: Stamp,
    ) {
        self.opened_at = now;
        self.closed_at = None;
        self.lifted = false;
        self.cooling = None;
        self.level = level.clone();
        self.standing = standing.iter().map(|s| (s.place.clone(), s.level.clone())).collect();
        self.parties = parties.iter().map(|asked| PartyState::asked(asked, now)).collect();
        let changed = change.map(|c| (c.place(), c.to.clone()));
        self.standing.extend(changed);
        self.of_air = level.rank > 0;
        let opening = self.standing.iter().filter(|(_, grade)| grade.opens);
        self.opened_by = opening.map(|(place, _)| place.clone()).collect();
    }

    fn join(&mut self, change: &Facts, number: u32, now: Stamp) {
        self.of_air |= change.to.rank > 0;
        self.standing.insert(change.place(), change.to.clone());
        let air = self.air();
        let more = change.to.opens && self.opened_by.insert(change.place());
        if more && air.height() <= self.level.height() {
            self.spread = Some(number);
        }
        self.cooling = match self.cooling.take() {
            _ if air.height() >= self.level.height() => None,
            None => Some(Cooling { since: now, peak: air }),
            Some(c) if c.peak.height() < air.height() => Some(Cooling { peak: air, ..c }),
            Some(c) => Some(c),
        };
    }

    fn level_is(&mut self, to: &Grade, lifted: bool, since: Stamp, now: Stamp) {
        self.level = to.clone();
        let air = self.air();
        let lower = air.height() < to.height();
        self.cooling = lower.then_some(Cooling { since, peak: air });
        if lifted && !self.lifted {
            // What is asked of the parties is another thing from now on.
            self.parties.iter_mut().for_each(|p| {
                p.called = now;
                p.overdue = None;
            });
        } else if !lifted {
            self.parties.iter_mut().for_each(|p| p.agreed = None);
        }
        self.lifted = lifted;
    }

    fn with(&mut self, party: &str, change: impl FnOnce(&mut PartyState)) {
        if let Some(state) = self.parties.iter_mut().find(|p| p.id == party) {
            change(state);
        }
    }
}

/// What there is to be seen of it.
impl Incident {
    /// Its id, the same after every restart.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its case number, such as `2026-0042`, or `EX-2026-0003` of an exercise.
    pub fn case(&self) -> &str {
        &self.case
    }

    /// The group of zones.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// What it is about.
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// Whether it is an exercise.
    pub fn exercise(&self) -> bool {
        self.exercise
    }

    /// When it was opened, or opened again.
    pub fn opened_at(&self) -> Stamp {
        self.opened_at
    }

    /// When it was closed.
    pub fn closed_at(&self) -> Option<Stamp> {
        self.closed_at
    }

    /// Its level.
    pub fn level(&self) -> &Grade {
        &self.level
    }

    /// Whether the air was bad and is no longer.
    pub fn is_lifted(&self) -> bool {
        self.lifted
    }

    /// Whether the air holds it open no longer: lifted, or never of the air.
    pub fn may_close(&self) -> bool {
        self.lifted || !self.of_air
    }

    /// The parties, in the order of the configuration at its opening.
    pub fn parties(&self) -> &[PartyState] {
        &self.parties
    }

    /// One of its parties.
    pub fn party(&self, id: &str) -> Option<&PartyState> {
        self.parties.iter().find(|p| p.id == id)
    }

    /// The measures shared so far.
    pub fn measures(&self) -> &[Shared] {
        &self.measures
    }

    /// Number and hash of the last entry.
    pub fn head(&self) -> (u32, &str) {
        (self.entries, &self.head)
    }

    /// What a party owes now; `None` when it has done all or the case is closed.
    pub fn owes(&self, party: &PartyState) -> Option<Owed> {
        if self.closed_at.is_some() || party.agreed.is_some() {
            return None;
        }
        let somebody_agreed = self.parties.iter().any(|p| p.agreed.is_some());
        Some(match party.acknowledged {
            _ if self.lifted => Owed::Agreement,
            None => Owed::Acknowledgement,
            Some(_) if somebody_agreed => Owed::Agreement,
            Some(_) => Owed::Share,
        })
    }

    /// The parties that have not agreed to close; none once it is closed.
    pub fn missing(&self) -> Vec<&str> {
        let open = self.parties.iter().filter(|p| self.closed_at.is_none() && p.agreed.is_none());
        open.map(|p| p.id.as_str()).collect()
    }

    pub(super) fn cooling(&self) -> Option<&Cooling> {
        self.cooling.as_ref()
    }

    pub(super) fn has_spread(&self, by: u32) -> bool {
        self.spread == Some(by)
    }

    /// Whether a party has said already that it cannot use the message of an entry.
    pub(super) fn has_rejected(&self, party: &str, of: u32) -> bool {
        self.rejected.contains(&(party.to_owned(), of))
    }

    pub(super) fn last_note(&self, author: &str) -> Option<(u32, &str)> {
        self.notes.get(author).map(|(number, text)| (*number, text.as_str()))
    }

    /// The worst that the air is anywhere.
    pub(super) fn air(&self) -> Grade {
        self.standing.values().max_by_key(|g| g.height()).cloned().unwrap_or_else(Grade::none)
    }
}
