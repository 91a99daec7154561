//! The hotline: incidents between parties, from what happened and what time it is.
//!
//! An **incident** is one case of the parties: bad air of one cause over one group
//! of zones, or what an officer opened by hand. It has a case number, a level
//! that follows the air, and a **transcript**: a chain of entries to which is
//! only ever added.
//!
//! ```text
//!  Happening ─▶ what is due by now ─▶ decide ─▶ Entry ─▶ Incident::apply ─▶ Telling
//!  (change, act, time)                (duty, air, act)   (the only way it changes)  (to whom)
//! ```
//!
//! - A **change** that meets an opener opens an incident; the ones after it join.
//!   The level rises at once and falls when it has stayed lower for `cooling`, so
//!   that air which flaps about a bound does not ring every hour.
//! - Each **party** is called up its own ladder of receivers until it acknowledges.
//!   Its acknowledgement ends its own reminders and nobody else's; they come back
//!   if it then shares no measure and no note in time.
//! - It is **closed** when the level is lifted and every party has agreed. Silence
//!   closes nothing. Bad air soon after opens the same case again.
//! - An **exercise** runs the same way beside the real ones: changes, case numbers
//!   and receivers of the two never meet. Somebody opens it, or the calendar does.
//!
//! Time is an input and never runs backwards here. What became due while nobody
//! asked is done at the next happening, in the order in which it was due, each
//! thing once, with the instant at which it was due beside the one at which it
//! was done; of reminders that were missed, one is sent.
//!
//! Identities are made from what they stand for, so that replaying the same
//! happenings gives the same entries and tells nothing twice.

mod act;
mod air;
mod canon;
mod detail;
mod drill;
mod duty;
mod entry;
mod facts;
mod incident;
mod instant;
mod notice;
mod party;
mod plan;
mod refusal;
mod saved;
mod summary;
mod telling;
mod verify;
mod words;

#[cfg(test)]
mod tests;

pub use act::{Act, Does};
pub use canon::canonical;
pub use drill::{Drill, DrillDay};
pub use entry::{Entry, FIRST, Kind, Owed, What, Who};
pub use facts::{Asked, Facts, Measure, MeasureKind, Proof, Standing};
pub use incident::{Incident, Shared};
pub use party::PartyState;
pub use plan::{EMERGENCY_RANK, Grade, Group, LiftedWhen, Opener, Party, Place, Plan, Step};
pub use refusal::Refusal;
pub use saved::Saved;
pub use summary::{MeasureSummary, PartySummary, Summary};
pub use telling::Telling;
pub use verify::{Tampered, verify, verify_json};
pub use words::Words;

use crate::air::Stamp;
use crate::rules::Change;
use air::Air;
use incident::Opening;
use std::collections::BTreeMap;

/// The time before anything has happened.
const BEFORE_ALL: Stamp = Stamp(i64::MIN);

/// All incidents that are open or may be opened again.
#[derive(Debug, Clone)]
pub struct Hotline {
    plan: Plan,
    incidents: Vec<Incident>,
    air: Air,
    /// The last case number by year, of real incidents and of exercises.
    cases: BTreeMap<(i16, bool), u32>,
    /// The latest time there was.
    clock: Stamp,
}

/// What can happen to the hotline.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// Time went by.
    Tick,
    /// A level changed, now: changes that late data made to the past do not belong here.
    Change {
        /// The change.
        change: Box<Change>,
        /// Whether it was made up for an exercise.
        exercise: bool,
    },
    /// Somebody acts.
    Act(Act),
    /// A receiver has taken what it was told of an incident.
    Delivered {
        /// The incident's id.
        incident: String,
        /// The proof.
        proof: Proof,
    },
}

/// What followed from one happening.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// New entries of transcripts, in order, with who is told of each.
    pub recorded: Vec<Recorded>,
    /// Why an act was not done; what was due before it is recorded all the same.
    pub refused: Option<Refusal>,
}

/// One new entry of a transcript.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The entry.
    pub entry: Entry,
    /// Who is told of it.
    pub tellings: Vec<Telling>,
}

impl Hotline {
    /// A hotline on which nothing has happened yet.
    pub fn new(plan: Plan) -> Hotline {
        Hotline {
            plan,
            incidents: Vec::new(),
            air: Air::default(),
            cases: BTreeMap::new(),
            clock: BEFORE_ALL,
        }
    }

    /// The one function that changes the state. An act that is refused changes
    /// nothing, except that what was due by `now` is done first.
    pub fn happened(&mut self, event: &Happening, now: Stamp) -> Outcome {
        // Nothing was missed by one that was not there.
        let before = if self.clock == BEFORE_ALL { now } else { self.clock };
        self.clock = self.clock.max(now);
        let mut out = Outcome::default();
        self.do_what_is_due(&mut out);
        self.forget_what_stays_closed();
        self.open_drills(before, &mut out);
        match event {
            Happening::Tick => {}
            Happening::Change { change, exercise } => self.change(change, *exercise, &mut out),
            Happening::Act(act) => out.refused = self.act(act, &mut out).err(),
            Happening::Delivered { incident, proof } => self.delivered(incident, proof, &mut out),
        }
        self.do_what_is_due(&mut out);
        out
    }

    /// Keeps the proof of a delivery, of which nobody is told in turn.
    fn delivered(&mut self, incident: &str, proof: &Proof, out: &mut Outcome) {
        if let Some(place) = self.place_of(incident).filter(|_| self.plan.prove_delivery) {
            self.record(place, Who::System, What::Delivered(proof.clone()), out);
        }
    }

    /// When something is due next, if nothing happens before.
    pub fn next_due(&self) -> Option<Stamp> {
        let duty = self.next_duty().map(|(due, ..)| due);
        duty.into_iter().chain(self.next_drill()).min()
    }

    /// The incidents that are open, and those closed so lately that they may be
    /// opened again; oldest first.
    pub fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// The incident of an id or case number.
    pub fn incident(&self, id_or_case: &str) -> Option<&Incident> {
        self.place_of(id_or_case).and_then(|place| self.incidents.get(place))
    }

    /// What it goes by.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The open incident of a group and cause.
    fn open_one(&self, group: &str, cause: &str, exercise: bool) -> Option<&Incident> {
        let same = |i: &&Incident| (i.group(), i.cause(), i.exercise()) == (group, cause, exercise);
        self.incidents.iter().find(|i| same(i) && i.closed_at().is_none())
    }

    fn place_of(&self, id_or_case: &str) -> Option<usize> {
        self.incidents.iter().position(|i| i.id() == id_or_case || i.case() == id_or_case)
    }

    /// Adds an entry to the transcript of an incident and lets it take effect.
    fn record(&mut self, place: usize, who: Who, what: What, out: &mut Outcome) {
        let Some(incident) = self.incidents.get_mut(place) else { return };
        let entry = incident.next_entry(self.clock, who, what);
        incident.apply(&entry);
        let tellings = telling::of(&self.plan, incident, &entry);
        out.recorded.push(Recorded { entry, tellings });
    }

    /// Opens a new incident; gives its place.
    fn open(&mut self, opening: Opening, who: Who, out: &mut Outcome) -> usize {
        let year = year(self.clock);
        let count = self.cases.entry((year, opening.exercise)).or_default();
        *count += 1;
        let kind = if opening.exercise { "EX-" } else { "" };
        let case = format!("{kind}{year}-{count:04}");
        let asked = self.asked(&who);
        self.incidents.push(Incident::new(&opening, &case, self.clock));
        let place = self.incidents.len() - 1;
        self.record(place, who, opening.entry(case, asked), out);
        place
    }

    /// What each party is asked when an incident opens; none is asked to
    /// acknowledge what it has opened itself.
    fn asked(&self, who: &Who) -> Vec<Asked> {
        let ask = |p: &Party| {
            let at_once = p.steps.iter().take_while(|s| s.after.is_zero());
            let at_once: Vec<&Step> = at_once.collect();
            Asked {
                party: p.id.clone(),
                acknowledge_by: self.clock.plus(p.ack_within),
                steps: at_once.len() as u32,
                receivers: at_once.iter().flat_map(|s| s.receivers.clone()).collect(),
                knows: who.party() == Some(&p.id),
            }
        };
        self.plan.parties.iter().map(ask).collect()
    }

    fn forget_what_stays_closed(&mut self) {
        let since = self.clock.minus(self.plan.reopen_within);
        self.incidents.retain(|i| i.closed_at().is_none_or(|at| at >= since));
    }
}

/// The year, UTC, in which a case is counted.
fn year(at: Stamp) -> i16 {
    let known = jiff::Timestamp::from_millisecond(at.0);
    known.map_or(0, |t| t.to_zoned(jiff::tz::TimeZone::UTC).year())
}
