//! What people do. Each act is checked before anything is recorded.

use super::entry::{What, Who};
use super::facts::Measure;
use super::incident::Opening;
use super::plan::Grade;
use super::refusal::Refusal;
use super::{Hotline, Outcome};
use crate::air::Stamp;

/// Characters of a note, a reason, the words of a measure.
const TEXT_MAX: usize = 4_000;
/// Characters of a place.
const PLACE_MAX: usize = 200;
/// Characters of the cause of an incident that somebody opens.
const CAUSE_MAX: usize = 60;

/// Somebody does something.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Act {
    /// Who, as the edge has made sure of.
    pub who: Who,
    /// What.
    pub does: Does,
}

/// What people can do. `incident` is an id or a case number.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// Opens an incident by hand.
    Open {
        /// What it is about: a cause of the plan, so that the air can join, or another.
        cause: String,
        /// Whether it is an exercise.
        exercise: bool,
        /// The group of zones; none if there is only one.
        group: Option<String>,
        /// Why, in words.
        text: String,
    },
    /// Knows of it.
    Acknowledge {
        /// Of which incident.
        incident: String,
    },
    /// Shares a measure.
    Share {
        /// In which incident.
        incident: String,
        /// The measure.
        measure: Measure,
    },
    /// Ends a measure of its own.
    End {
        /// When it ends; now if not given.
        at: Option<Stamp>,
        /// In which incident.
        incident: String,
        /// The number of the measure.
        measure: u32,
    },
    /// Says something.
    Note {
        /// In which incident.
        incident: String,
        /// In words.
        text: String,
    },
    /// Agrees to close.
    Close {
        /// Which incident.
        incident: String,
    },
    /// Says that its own system could not use a message.
    Reject {
        /// Of which incident.
        incident: String,
        /// The number of the entry that the message told of.
        of: u32,
        /// What is wrong, in words.
        text: String,
    },
}

impl Hotline {
    /// Does what somebody does, or says why not.
    pub(super) fn act(&mut self, act: &Act, out: &mut Outcome) -> Result<(), Refusal> {
        let who = &act.who;
        match &act.does {
            Does::Open { cause, exercise, group, text } => {
                self.open_by_hand((cause, *exercise, group.as_deref(), text), who, out)
            }
            Does::Acknowledge { incident } => {
                let (place, party) = self.party_acts(incident, who)?;
                self.may_acknowledge(place, &party)?;
                self.recorded(place, who, What::Acknowledged, out)
            }
            Does::Share { incident, measure } => {
                let (place, party) = self.party_acts(incident, who)?;
                self.may_share(place, &party, measure)?;
                self.recorded(place, who, What::Measure { measure: measure.clone() }, out)
            }
            Does::End { at, incident, measure } => {
                let (place, party) = self.party_acts(incident, who)?;
                let at = at.unwrap_or(self.clock);
                self.may_end(place, &party, *measure, at)?;
                self.recorded(place, who, What::Ended { at, measure: *measure }, out)
            }
            Does::Note { incident, text } => {
                let place = self.open_place(incident)?;
                self.may_note(place, who, text)?;
                self.recorded(place, who, What::Note { text: text.clone() }, out)
            }
            Does::Reject { incident, of, text } => {
                let place = self.place_of(incident);
                let place = place.ok_or_else(|| Refusal::NoIncident(incident.clone()))?;
                let party = self.party_of(place, who)?;
                readable("text", text, TEXT_MAX)?;
                if self.incidents.get(place).is_some_and(|i| i.has_rejected(&party, *of)) {
                    return Err(Refusal::RejectedAlready { party, of: *of });
                }
                self.recorded(place, who, What::Rejected { of: *of, text: text.clone() }, out)
            }
            Does::Close { incident } => {
                let (place, party) = self.party_acts(incident, who)?;
                self.may_agree(place, &party)?;
                self.recorded(place, who, What::Agreed, out)?;
                if self.incidents.get(place).is_some_and(|i| i.missing().is_empty()) {
                    self.record(place, Who::System, What::Closed, out);
                }
                Ok(())
            }
        }
    }

    fn recorded(
        &mut self,
        place: usize,
        who: &Who,
        what: What,
        out: &mut Outcome,
    ) -> Result<(), Refusal> {
        self.record(place, who.clone(), what, out);
        Ok(())
    }

    fn open_by_hand(
        &mut self,
        (cause, exercise, group, text): (&str, bool, Option<&str>, &str),
        who: &Who,
        out: &mut Outcome,
    ) -> Result<(), Refusal> {
        if self.plan.parties.is_empty() {
            return Err(Refusal::NoParties);
        }
        let ids: Vec<&str> = self.plan.parties.iter().map(|p| p.id.as_str()).collect();
        allowed(who, &ids)?;
        readable("cause", cause, CAUSE_MAX)?;
        readable("text", text, TEXT_MAX)?;
        let known = self.plan.group_ids();
        let group = match (group, known.as_slice()) {
            (Some(id), all) if all.contains(&id) => id.to_owned(),
            (None, [only]) => (*only).to_owned(),
            (id, all) => {
                let group = id.unwrap_or_default().to_owned();
                return Err(Refusal::NoGroup { group, known: all.join(", ") });
            }
        };
        if let Some(open) = self.open_one(&group, cause, exercise) {
            let case = open.case().to_owned();
            return Err(Refusal::OpenAlready { case, cause: cause.to_owned(), group });
        }
        let standing = self.standing(&group, cause, exercise);
        let levels = standing.iter().map(|s| &s.level);
        let level = levels.max_by_key(|g| g.height()).cloned().unwrap_or_else(Grade::none);
        let (cause, text) = (cause.to_owned(), Some(text.to_owned()));
        let opening = Opening { group, cause, exercise, change: None, level, standing, text };
        self.open(opening, who.clone(), out);
        Ok(())
    }

    /// The place of an incident that is open.
    fn open_place(&self, id_or_case: &str) -> Result<usize, Refusal> {
        let found = self.place_of(id_or_case).and_then(|p| Some((p, self.incidents.get(p)?)));
        let (place, incident) = found.ok_or_else(|| Refusal::NoIncident(id_or_case.to_owned()))?;
        match incident.closed_at() {
            Some(at) => Err(Refusal::Closed { case: incident.case().to_owned(), at }),
            None => Ok(place),
        }
    }

    /// The place of an open incident, and the party of it that acts.
    fn party_acts(&self, id_or_case: &str, who: &Who) -> Result<(usize, String), Refusal> {
        let place = self.open_place(id_or_case)?;
        Ok((place, self.party_of(place, who)?))
    }

    /// The party of an incident that acts.
    fn party_of(&self, place: usize, who: &Who) -> Result<String, Refusal> {
        let ids = self.party_ids(place);
        allowed(who, &ids)?;
        who.party().cloned().ok_or_else(|| Refusal::PartiesOnly { parties: ids.join(", ") })
    }

    fn party_ids(&self, place: usize) -> Vec<&str> {
        let incident = self.incidents.get(place).into_iter();
        incident.flat_map(|i| i.parties()).map(|p| p.id.as_str()).collect()
    }

    fn may_acknowledge(&self, place: usize, party: &str) -> Result<(), Refusal> {
        let Some(incident) = self.incidents.get(place) else { return Ok(()) };
        match incident.party(party).and_then(|p| p.acknowledged) {
            Some(at) => {
                let (party, case) = (party.to_owned(), incident.case().to_owned());
                Err(Refusal::Acknowledged { party, case, at })
            }
            None => Ok(()),
        }
    }

    fn may_share(&self, place: usize, party: &str, measure: &Measure) -> Result<(), Refusal> {
        readable("place", &measure.place, PLACE_MAX)?;
        readable("text", &measure.text, TEXT_MAX)?;
        if let Some(end) = measure.until.filter(|end| *end <= measure.from) {
            return Err(Refusal::EndsBeforeItBegins { begin: measure.from, end });
        }
        let measures = self.incidents.get(place).into_iter().flat_map(|i| i.measures());
        let mut same =
            measures.filter(|m| m.party == party && m.measure == *measure && m.ended.is_none());
        same.next().map_or(Ok(()), |m| Err(Refusal::SaidAlready { number: m.number }))
    }

    fn may_end(&self, place: usize, party: &str, number: u32, at: Stamp) -> Result<(), Refusal> {
        let Some(incident) = self.incidents.get(place) else { return Ok(()) };
        let shared = incident.measures();
        let Some(measure) = shared.iter().find(|m| m.number == number) else {
            let known: Vec<String> = shared.iter().map(|m| m.number.to_string()).collect();
            let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
            return Err(Refusal::NoMeasure { case: incident.case().to_owned(), number, known });
        };
        if measure.party != party {
            return Err(Refusal::NotYours { number, owner: measure.party.clone() });
        }
        if let Some(at) = measure.ended {
            return Err(Refusal::EndedAlready { number, at });
        }
        let begin = measure.measure.from;
        if at < begin { Err(Refusal::EndsBeforeItBegins { begin, end: at }) } else { Ok(()) }
    }

    fn may_note(&self, place: usize, who: &Who, text: &str) -> Result<(), Refusal> {
        allowed(who, &self.party_ids(place))?;
        readable("text", text, TEXT_MAX)?;
        let author = who.party().map_or("", String::as_str);
        let last = self.incidents.get(place).and_then(|i| i.last_note(author));
        match last.filter(|(_, said)| *said == text) {
            Some((number, _)) => Err(Refusal::SaidAlready { number }),
            None => Ok(()),
        }
    }

    fn may_agree(&self, place: usize, party: &str) -> Result<(), Refusal> {
        let Some(incident) = self.incidents.get(place) else { return Ok(()) };
        let case = incident.case().to_owned();
        if !incident.may_close() {
            return Err(Refusal::NotLifted { case, level: incident.level().clone() });
        }
        match incident.party(party).and_then(|p| p.agreed) {
            Some(at) => {
                let (party, missing) = (party.to_owned(), incident.missing().join(", "));
                Err(Refusal::Agreed { party, case, at, missing })
            }
            None => Ok(()),
        }
    }
}

/// Whether somebody may act at all: the operator, or one of the parties.
fn allowed(who: &Who, parties: &[&str]) -> Result<(), Refusal> {
    let all = || parties.join(", ");
    match who {
        Who::Operator { .. } => Ok(()),
        Who::Party { party, .. } if parties.contains(&party.as_str()) => Ok(()),
        Who::Party { party, .. } => Err(Refusal::NotAParty { who: party.clone(), parties: all() }),
        Who::System => Err(Refusal::PartiesOnly { parties: all() }),
    }
}

fn readable(field: &'static str, text: &str, max: usize) -> Result<(), Refusal> {
    let control = |c: char| c.is_control() && c != '\n';
    if text.trim().is_empty() || text.chars().count() > max || text.chars().any(control) {
        return Err(Refusal::BadText { field, max });
    }
    Ok(())
}
