//! The hotline at work: what happens to it, and what of that is kept and told.

use super::plan::Plan;
use super::state::State;
use crate::air::Stamp;
use crate::air::place::Language;
use crate::flow::{Acted, NotFollowed};
use crate::hotline::{
    self, Act, Does, Entry, Happening, Hotline, Incident, Outcome, Proof, Recorded, Refusal, Saved,
    Summary, Telling, Who, Words, canonical,
};
use crate::link::{Deed, Link};
use crate::rules::{Change, stable_id};
use crate::store::{EventRow, IncidentRow, StoreError, Writer};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What comes of following a link, unless the store fails.
type Followed = Result<Option<Result<Acted, NotFollowed>>, StoreError>;
/// What comes of an act, unless the store fails.
type Answer = Result<Option<Result<Acted, Refusal>>, StoreError>;

/// A notice that a receiver has taken.
pub(super) struct Delivered {
    /// The `webhook-id` of the notice.
    pub uid: String,
    pub receiver: String,
    /// When the answer came.
    pub at: Stamp,
    pub status: u16,
    /// Of the answer's body.
    pub digest: Option<String>,
}

/// The hotline, with who can be told.
pub(super) struct Desk {
    hotline: Hotline,
    /// The receivers there are.
    receivers: BTreeSet<String>,
    /// Whether anything happened since it was kept.
    moved: bool,
}

impl Desk {
    /// The hotline of a plan as it was left; `None` if the plan has none.
    pub fn recover(plan: &Plan, writer: &Writer) -> Result<Option<Desk>, StoreError> {
        let Some(hotline) = plan.hotline.clone() else { return Ok(None) };
        let kept = writer.hotline()?;
        let hotline = match kept.as_deref().map(Saved::decode) {
            None => Hotline::new(hotline),
            Some(Some(saved)) => Hotline::restored(hotline, saved),
            Some(None) => {
                tracing::warn!("the hotline was kept by another version; reading its transcripts");
                recalled(hotline, writer)?
            }
        };
        let receivers = plan.receivers.iter().map(|r| r.id.clone()).collect();
        Ok(Some(Desk { hotline, receivers, moved: false }))
    }

    /// A level moved, now.
    pub fn change(&mut self, change: &Change, writer: &mut Writer) -> Result<(), StoreError> {
        let event = Happening::Change { change: Box::new(change.clone()), exercise: false };
        self.happened(&event, change.decided_at, writer).map(drop)
    }

    /// Time went by: does what is due.
    pub fn tick(&mut self, now: Stamp, writer: &mut Writer) -> Result<(), StoreError> {
        match self.hotline.next_due() {
            Some(due) if due <= now => self.happened(&Happening::Tick, now, writer).map(drop),
            _ => Ok(()),
        }
    }

    /// Somebody acts: the entry that it leaves, or why it was not done.
    fn act(&mut self, act: Act, now: Stamp, writer: &mut Writer) -> Answer {
        let who = act.who.clone();
        let outcome = self.happened(&Happening::Act(act), now, writer)?;
        if let Some(refusal) = outcome.refused {
            return Ok(Some(Err(refusal)));
        }
        let own = outcome.recorded.into_iter().map(|r| r.entry).rfind(|e| e.who == who);
        Ok(own.map(|e| Ok(Acted { incident: e.incident, number: e.number })))
    }

    /// Somebody uses a one-time link: its act is done, and the link is spent, in
    /// one transaction. A link that does nothing is not spent.
    fn follow(
        &mut self,
        link: &Link,
        (name, from): (Option<String>, String),
        now: Stamp,
        writer: &mut Writer,
    ) -> Followed {
        let id = link.id();
        if let Some(at) = writer.link_used(&id)? {
            return Ok(Some(Err(NotFollowed::Used(at))));
        }
        if link.is_over(now) {
            return Ok(Some(Err(NotFollowed::Expired(link.expires))));
        }
        let opened = self.hotline.incident(&link.incident).map(Incident::opened_at);
        if let Some(at) = opened.filter(|at| *at > link.at) {
            return Ok(Some(Err(NotFollowed::Outlived(at))));
        }
        let from = format!("link to {}, {from}", link.receiver);
        let who = Who::Party { from, name, party: link.party.clone() };
        let incident = link.incident.clone();
        let does = match link.deed {
            Deed::Acknowledge => Does::Acknowledge { incident },
            Deed::Close => Does::Close { incident },
        };
        let acted = self.act(Act { who, does }, now, writer)?;
        if let Some(Ok(_)) = &acted {
            writer.use_link(&id, now, link.expires)?;
        }
        Ok(acted.map(|acted| acted.map_err(NotFollowed::from)))
    }

    /// A receiver has taken a notice; matters if it was of an incident.
    pub fn delivered(
        &mut self,
        notice: &Delivered,
        event: &EventRow,
        writer: &mut Writer,
    ) -> Result<(), StoreError> {
        let text = |key: &str| event.data.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = event.data.get("number").and_then(Value::as_u64);
        let of = number.and_then(|number| u32::try_from(number).ok());
        let (Some(incident), Some(party), Some(of)) = (text("incident"), text("party"), of) else {
            return Ok(());
        };
        let proof = Proof {
            answer: notice.digest.clone(),
            at: notice.at,
            notice: notice.uid.clone(),
            of,
            party,
            receiver: notice.receiver.clone(),
            status: notice.status,
        };
        let event = Happening::Delivered { incident, proof };
        self.happened(&event, notice.at, writer).map(drop)
    }

    fn happened(
        &mut self,
        event: &Happening,
        now: Stamp,
        writer: &mut Writer,
    ) -> Result<Outcome, StoreError> {
        let outcome = self.hotline.happened(event, now);
        self.moved = true;
        for recorded in &outcome.recorded {
            self.put(recorded, writer)?;
        }
        Ok(outcome)
    }

    /// Keeps an entry, where its incident stands now, and the notices of it.
    fn put(&self, recorded: &Recorded, writer: &mut Writer) -> Result<(), StoreError> {
        let entry = &recorded.entry;
        let value = json!(entry);
        // Entries are made of texts and whole numbers, which have this form.
        let text = canonical(&value).unwrap_or_else(|| value.to_string());
        writer.put_entry(&entry.incident, entry.number, &entry.hash, &text)?;
        let Some(incident) = self.hotline.incident(&entry.incident) else { return Ok(()) };
        writer.put_incident(&IncidentRow {
            row: 0,
            id: incident.id().to_owned(),
            case: incident.case().to_owned(),
            exercise: incident.exercise(),
            opened: incident.opened_at(),
            closed: incident.closed_at(),
            state: json!(Summary::of(incident, self.hotline.plan())),
        })?;
        recorded.tellings.iter().try_for_each(|t| self.tell(t, entry, incident, writer))
    }

    /// Writes what the receivers of one party are told of an entry.
    fn tell(
        &self,
        telling: &Telling,
        entry: &Entry,
        incident: &Incident,
        writer: &mut Writer,
    ) -> Result<(), StoreError> {
        let known = telling.receivers.iter().filter(|r| self.receivers.contains(*r));
        let notices: Vec<(String, String)> =
            known.map(|r| (stable_id(entry.at, &[&telling.id, r]), r.clone())).collect();
        if notices.is_empty() {
            return Ok(());
        }
        let event = EventRow {
            id: 0,
            uid: telling.id.clone(),
            kind: "dustline.incident.v1".to_owned(),
            subject: format!("incident/{}", entry.incident),
            time: entry.at,
            data: self.data(telling, entry, incident),
        };
        writer.put_event(&event, &notices)
    }

    /// The webhook's `data`, without what depends on the receiver.
    fn data(&self, telling: &Telling, entry: &Entry, incident: &Incident) -> Value {
        let plan = self.hotline.plan();
        let (mut said, mut named) = (Map::new(), Map::new());
        for language in Language::ALL {
            let words = Words { language, time_zone: language.time_zone(), plan };
            let code = || language.code().to_owned();
            said.insert(code(), words.notice(incident, entry, &telling.party).into());
            named.insert(code(), json!(words.variables(incident, entry, &telling.party)));
        }
        json!({
            "incident": entry.incident,
            "case": telling.case,
            "kind": telling.kind.name(),
            "party": telling.party,
            "at": entry.at.to_string(),
            "number": telling.number,
            "hash": telling.hash,
            "exercise": telling.exercise,
            "cause": incident.cause(),
            "group": incident.group(),
            "level": incident.level().name,
            "missing": incident.missing(),
            "owes": incident.party(&telling.party).and_then(|p| incident.owes(p)),
            "who": entry.who,
            "what": entry.what,
            "said": said,
            "words": named,
        })
    }

    /// Keeps the state if anything happened.
    pub fn keep(&mut self, writer: &Writer) -> Result<(), StoreError> {
        if let Some(state) = self.hotline.save().encode().filter(|_| self.moved) {
            writer.put_hotline(&state)?;
            self.moved = false;
        }
        Ok(())
    }
}

impl State {
    /// Somebody acts on the hotline; `None` if there is none.
    pub fn act(&mut self, act: Act, now: Stamp) -> Answer {
        let Some(desk) = &mut self.desk else { return Ok(None) };
        desk.act(act, now, &mut self.writer)
    }

    /// Somebody uses a one-time link; `None` if there is no hotline.
    pub fn follow_link(
        &mut self,
        link: &Link,
        name: Option<String>,
        from: String,
        now: Stamp,
    ) -> Followed {
        let Some(desk) = &mut self.desk else { return Ok(None) };
        desk.follow(link, (name, from), now, &mut self.writer)
    }
}

/// The hotline of the transcripts that are kept.
fn recalled(plan: hotline::Plan, writer: &Writer) -> Result<Hotline, StoreError> {
    let read = |transcript: &Vec<String>| -> Vec<Entry> {
        transcript.iter().map_while(|entry| serde_json::from_str(entry).ok()).collect()
    };
    let transcripts: Vec<Vec<Entry>> = writer.transcripts()?.iter().map(read).collect();
    Ok(Hotline::recalled(plan, transcripts.iter().map(Vec::as_slice)))
}
