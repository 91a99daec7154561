//! An incident of the hotline as a newcomer reads it: a line an entry, who did
//! what and when, and whether its transcript verifies.

use super::stage::Scene;
use super::view::Case;
use crate::air::Stamp;
use crate::air::place::Language;
use crate::hotline::{Entry, Facts, Owed, What, Who, Words, verify_json};
use crate::rules::Scope;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::io::{self, Write};

/// Columns of the time and of who acted.
const WHO: usize = 22;

/// Writes incidents in words.
pub struct Story<'a> {
    scene: &'a Scene,
    words: Words<'a>,
}

/// Whether an entry is told here: the proof that a notice arrived is not.
pub fn is_story(entry: &Entry) -> bool {
    !matches!(entry.what, What::Delivered(_))
}

impl<'a> Story<'a> {
    /// One in English, by clocks in Seoul.
    pub fn new(scene: &'a Scene) -> Story<'a> {
        let time_zone = TimeZone::get("Asia/Seoul").unwrap_or(TimeZone::UTC);
        let words = Words { language: Language::En, time_zone, plan: &scene.hotline };
        Story { scene, words }
    }

    /// Prints a case with its whole transcript; whether that verifies.
    pub fn print(&self, case: &Case, out: &mut impl Write) -> io::Result<bool> {
        let state = match case.row.closed {
            Some(at) => format!("closed {}", self.clock(at)),
            None => "still open".to_owned(),
        };
        writeln!(out, "\n  The hotline, case {}: {state} (clocks in Seoul)\n", case.row.case)?;
        for entry in case.entries.iter().filter(|e| is_story(e)) {
            let who = self.who(&entry.who);
            let (number, time, said) = (entry.number, self.clock(entry.at), self.said(&entry.what));
            writeln!(out, "  {number:>3}  {time}  {who:<WHO$}{said}")?;
        }
        let head = case.row.state["head"].as_str();
        let verified = verify_json(&case.transcript, head);
        let count = case.entries.len();
        match &verified {
            Ok(()) => writeln!(
                out,
                "\n  transcript {count} entries, each with the hash of the one before: it verifies (head {}…)",
                head.and_then(|h| h.get(..12)).unwrap_or_default()
            )?,
            Err(fault) => writeln!(out, "\n  transcript DOES NOT VERIFY: {fault}")?,
        }
        Ok(verified.is_ok())
    }

    /// An entry in one line without its time.
    pub fn line(&self, entry: &Entry) -> String {
        let said = self.said(&entry.what);
        match &entry.who {
            Who::System => said,
            who => format!("{}: {said}", self.who(who)),
        }
    }

    /// Where a case stands, in one line.
    pub fn state(&self, case: &Case) -> String {
        let level = case.row.state["level"]["name"].as_str().unwrap_or("none");
        let number = &case.row.case;
        if case.row.closed.is_some() {
            return format!("{number} closed by both parties");
        }
        let parties = case.row.state["parties"].as_array().into_iter().flatten();
        let parties = parties.filter_map(|party| {
            let id = party["party"].as_str()?;
            Some(format!("{} {}", self.words.party(id), stands(party)))
        });
        format!("{number} at {level}; {}", parties.collect::<Vec<_>>().join("; "))
    }

    fn who(&self, who: &Who) -> String {
        match who {
            Who::System => "Dustline".to_owned(),
            Who::Operator { .. } => "operator".to_owned(),
            Who::Party { name: Some(name), party, .. } => {
                format!("{} ({name})", self.words.party(party))
            }
            Who::Party { party, .. } => self.words.party(party),
        }
    }

    fn said(&self, what: &What) -> String {
        let (party, owed) = (|id: &str| self.words.party(id), |owed: Owed| self.words.owed(owed));
        match what {
            What::Opened { change, parties, .. } => {
                let asked: Vec<String> = parties.iter().map(|a| party(&a.party)).collect();
                let cause = change.as_ref().map(|c| self.change(c)).unwrap_or_default();
                format!("incident opened: {cause}; called: {}", asked.join(", "))
            }
            What::Reopened { change, .. } => format!("opened again: {}", self.change(change)),
            What::Joined { change } => self.change(change),
            What::Level { from, lifted, to, .. } => {
                let moved = format!("level {} → {}", self.words.level(from), self.words.level(to));
                if *lifted { format!("{moved}: it can be closed") } else { moved }
            }
            What::Escalated { party: id, receivers, .. } => {
                format!("{} is silent: {} is called", party(id), receivers.join(", "))
            }
            What::Overdue { owed: what, party: id, .. } => {
                format!("{} is late: {}", party(id), owed(*what))
            }
            What::Reminder { owed: what, party: id, .. } => {
                format!("{} is reminded: {}", party(id), owed(*what))
            }
            What::Acknowledged => "acknowledges".to_owned(),
            What::Measure { measure: m } => {
                format!("measure, {}: {}, {}", self.words.measure(m.kind), m.place, m.text)
            }
            What::Ended { measure, .. } => format!("ends measure {measure}"),
            What::Note { text } => format!("note: {text}"),
            What::Agreed => "agrees to close".to_owned(),
            What::Closed => "closed by both parties".to_owned(),
            What::Rejected { of, text } => {
                format!("could not use the message of entry {of}: {text}")
            }
            What::Delivered(proof) => format!("{} has taken entry {}", proof.receiver, proof.of),
        }
    }

    fn change(&self, change: &Facts) -> String {
        let place = match &change.scope {
            Scope::Zone(id) => self.scene.zone(id),
            Scope::Station(id) => self.scene.station(id),
        };
        let value: f64 = change.value.parse().unwrap_or_default();
        let unit = change.quantity.unit_text();
        format!("{place} {} at {value:.0} {unit}", self.words.level(&change.to))
    }

    /// The day of the week and the time.
    fn clock(&self, at: Stamp) -> String {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        at.to_zoned(self.words.time_zone.clone()).strftime("%a %H:%M").to_string()
    }
}

/// Where a party stands, of its part of an incident's summary.
fn stands(party: &Value) -> &'static str {
    let has = |key: &str| !party[key].is_null();
    match party["owes"].as_str() {
        Some("acknowledgement") if has("overdue") => "is silent",
        Some("acknowledgement") => "is called",
        Some("share") if has("shared") => "has shared measures",
        Some("share") => "has acknowledged",
        Some(_) => "is asked to close",
        None => "agrees to close",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_party_is_called_until_it_acknowledges_and_then_shares_and_agrees() {
        let party = |owes: Value, overdue: Value, shared: Value| {
            stands(&json!({ "owes": owes, "overdue": overdue, "shared": shared }))
        };
        let none = Value::Null;
        assert_eq!(party(json!("acknowledgement"), none.clone(), none.clone()), "is called");
        assert_eq!(
            party(json!("acknowledgement"), json!("acknowledgement"), none.clone()),
            "is silent"
        );
        assert_eq!(party(json!("share"), none.clone(), none.clone()), "has acknowledged");
        assert_eq!(party(json!("share"), none.clone(), json!("t")), "has shared measures");
        assert_eq!(party(json!("agreement"), none.clone(), json!("t")), "is asked to close");
        assert_eq!(party(none.clone(), none.clone(), none), "agrees to close");
    }
}
