//! The generic mapping: any JSON document, by what the operator says of it.
//!
//! ```text
//!  document ─▶ laid out once (`Tree`) ─▶ texts in it opened ─▶ entries (`each`; else the
//!  whole) ─▶ for each entry:
//!      who    `device`: pointers, captured names, levels of the topic
//!      when   `time`
//!      what   `values`: fixed places     `name`, `value`: pairs, told apart by name
//!  ─▶ values of one device at one instant together
//! ```
//!
//! A value that is absent is absent, since many senders leave out what they do
//! not know; a message in which nothing that is mapped is present was mapped
//! wrongly, and is refused with the names it does have. An entry without a
//! device is left out, and the others stay.

mod document;
mod entry;
mod field;
mod moment;
mod template;

pub use document::{Unwrap, Wrapping};
pub use entry::{Each, Place};
pub use field::{Condition, Field, Kind, Meaning, Scale};
pub use moment::{TimeBase, TimeFrom};
pub(super) use template::Ask;
pub use template::Template;

use super::gathered::Gathered;
use super::json::Tree;
use super::number;
use super::plain::{Captured, usual_quantity};
use super::{Captures, Decoded, Message, Notes, Refused, TopicPattern, device_fault};
use crate::air::Observation;
use document::Document;
use entry::Entry;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Where the parts of a reading stand in a JSON document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mapping {
    /// Texts in the document that hold documents.
    pub unwrap: Vec<Unwrap>,
    /// What repeats; `None`: the document is one entry.
    pub each: Option<Each>,
    /// A text of each entry whose levels have names, like a topic's.
    pub path: Option<Path>,
    /// Who speaks: the first of these that is there; none: as [`Template::topic`].
    pub device: Vec<Template>,
    /// When; `None`: arrival time counts.
    pub time: Option<TimeFrom>,
    /// What, by its place.
    pub values: Vec<Field>,
    /// What, by its name.
    pub named: Option<Named>,
    /// What looks like a reading and is none, and why.
    pub left_out: Vec<(Place, String)>,
    /// What tells one packet of a device from the next, for networks in which
    /// several gateways report each; none: nothing does.
    pub once: Vec<Place>,
}

/// How many packets of a device are remembered: as many as may be under way by
/// different gateways at once.
const PACKETS: usize = 16;

/// A text of a document whose levels have names, like a topic's.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// Where it stands.
    pub place: Place,
    /// The first of these that matches names its levels.
    pub patterns: Vec<TopicPattern>,
}

impl Path {
    /// Whether a level of it can have this name.
    pub fn names(&self, name: &str) -> bool {
        self.patterns.iter().any(|p| p.names(name))
    }
}

/// Values that are told apart by a name beside them.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Where the name stands; `None`: the captured `{quantity}`.
    pub name: Option<Place>,
    /// The value; its meaning counts where `fixed` is set.
    pub value: Field,
    /// Everything is this, whatever it is called.
    pub fixed: bool,
    /// The network's own names, looked up before the usual ones; whole names,
    /// case does not matter.
    pub names: BTreeMap<String, Meaning>,
}

impl Named {
    /// Takes the value of an entry, if its name is known.
    fn take(&self, entry: &Entry, captured: &Captured, found: &mut Gathered) {
        if self.fixed {
            return self.value.take(entry, captured, found);
        }
        let name = match &self.name {
            Some(place) => entry.identity(place),
            None => entry.captured("quantity"),
        };
        if let Some(meaning) = name.and_then(|name| meaning(&self.names, &name)) {
            self.value.take_as(&meaning, entry, captured, found);
        }
    }
}

/// What a name means: by the network's own names, whole ones before those that
/// only say how a name ends (`*_pm10`), else by the usual ones.
pub(super) fn meaning<'a>(
    own: &'a BTreeMap<String, Meaning>,
    name: &str,
) -> Option<Cow<'a, Meaning>> {
    let own = |fits: &dyn Fn(&str) -> bool| own.iter().find(|(n, _)| fits(n)).map(|(_, m)| m);
    let whole = own(&|n| n.eq_ignore_ascii_case(name));
    let meant = whole.or_else(|| own(&|n| n.strip_prefix('*').is_some_and(|end| ends(name, end))));
    let usual = || usual_quantity(name).map(|quantity| Cow::Owned(quantity.into()));
    meant.map(Cow::Borrowed).or_else(usual)
}

/// Whether a name ends so and has more before it; case does not matter.
fn ends(name: &str, end: &str) -> bool {
    let start = name.len().checked_sub(end.len()).filter(|start| *start > 0);
    start.and_then(|s| name.get(s..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// What came of the entries so far.
#[derive(Default)]
struct Whole {
    decoded: Decoded,
    no_device: bool,
    /// What is wrong with the first device that could not be one.
    fault: Option<String>,
    repeated: bool,
}

/// Observations with those of one device and instant together, in the order of the
/// first of each.
fn together(observations: Vec<Observation>) -> Vec<Observation> {
    let mut places = BTreeMap::new();
    let keys = observations.iter().map(|o| (o.device.as_str(), o.at));
    let place = |key| {
        let next = places.len();
        *places.entry(key).or_insert(next)
    };
    let places: Vec<usize> = keys.map(place).collect();
    let mut together: Vec<Observation> = Vec::new();
    for (o, place) in observations.into_iter().zip(places) {
        match together.get_mut(place) {
            Some(first) => first.values.extend(o.values),
            None => together.push(o),
        }
    }
    together
}

impl Whole {
    fn add(&mut self, one: Decoded) {
        for o in one.observations {
            let all = &mut self.decoded.observations;
            // As a rule an entry is of the same device and instant as the one before.
            match all.last_mut().filter(|last| last.at == o.at && last.device == o.device) {
                Some(last) => last.values.extend(o.values),
                None => all.push(o),
            }
        }
        self.decoded.skipped.extend(one.skipped);
        self.decoded.device = one.device.or(self.decoded.device.take());
    }
}

impl Mapping {
    pub(super) fn read(
        &self,
        m: &Message,
        tree: &Tree,
        captures: &Captures,
        notes: &mut Notes,
    ) -> Result<Decoded, Refused> {
        self.with_document(tree, |document| self.document(document, m, captures, notes))
    }

    /// The same if these conditions of the document hold; else nothing.
    pub(super) fn read_when(
        &self,
        conditions: &[Condition],
        m: &Message,
        tree: &Tree,
        captures: &Captures,
        notes: &mut Notes,
    ) -> Option<Result<Decoded, Refused>> {
        self.with_document(tree, |document| {
            all_hold(conditions, document).then(|| self.document(document, m, captures, notes))
        })
    }

    fn document(
        &self,
        document: &Document,
        m: &Message,
        captures: &Captures,
        notes: &mut Notes,
    ) -> Result<Decoded, Refused> {
        let mut whole = Whole::default();
        match &self.each {
            None => self.entry(Entry::whole(document, captures), m, notes, &mut whole),
            Some(each) => {
                for value in each.entries(document)? {
                    let entry = Entry::one(document, captures, each, value);
                    self.entry(entry, m, notes, &mut whole);
                }
            }
        }
        self.finish(whole, document)
    }

    /// What came of all entries, or why there is nothing.
    fn finish(&self, whole: Whole, document: &Document) -> Result<Decoded, Refused> {
        let Whole { mut decoded, no_device, fault, repeated } = whole;
        if !decoded.observations.is_empty() {
            decoded.device = None;
            if decoded.observations.len() > 1 {
                decoded.observations = together(decoded.observations);
            }
        } else if repeated {
            return Err(Refused::Ignored("repeated"));
        } else if let Some(fault) = fault {
            return Err(Refused::malformed("bad_device", fault));
        } else if decoded.device.is_none() {
            let nothing = || self.nothing_mapped(document);
            return Err(if no_device { self.no_device() } else { nothing() });
        }
        Ok(decoded)
    }

    /// Whether these conditions of a document hold.
    pub(super) fn fits(&self, conditions: &[Condition], tree: &Tree) -> bool {
        self.with_document(tree, |document| all_hold(conditions, document))
    }

    /// Does something with a document when the texts in it are opened.
    fn with_document<T>(&self, tree: &Tree, work: impl FnOnce(&Document) -> T) -> T {
        let texts: Vec<_> = self.unwrap.iter().filter_map(|u| u.open(tree)).collect();
        let opened = texts
            .iter()
            .filter_map(|(place, text)| Some((*place, Tree::parse(text, place.tokens())?)));
        let opened: Vec<_> = opened.collect();
        work(&Document::new(tree, &opened))
    }

    fn entry(&self, mut entry: Entry, m: &Message, notes: &mut Notes, whole: &mut Whole) {
        if let Some(path) = &self.path {
            entry.hear(path);
        }
        let mut found = Gathered::default();
        let captured = Captured::of(&entry);
        self.values.iter().for_each(|field| field.take(&entry, &captured, &mut found));
        if let Some(named) = &self.named {
            named.take(&entry, &captured, &mut found);
        }
        for (place, why) in &self.left_out {
            if let Some(value) = entry.at(place) {
                found.skip(value.path(), why.clone());
            }
        }
        if found.is_empty() {
            return;
        }
        let Some(device) = self.device(&entry) else {
            whole.no_device = true;
            let reason = "no device where it is mapped";
            return whole.decoded.skipped.push(entry.skipped(reason));
        };
        // What cannot be one is not kept: it may be long, and of many entries.
        if let Some(fault) = device_fault(&device) {
            whole.decoded.skipped.push(entry.skipped(&fault));
            whole.fault.get_or_insert(fault);
            return;
        }
        if self.repeats(&device, &entry, notes) {
            whole.repeated = true;
            return;
        }
        let at = self.time.as_ref().and_then(|t| t.of(&entry, m.received, &mut found));
        whole.add(found.of(device, at));
    }

    /// Whether this packet of a device has been read already; remembers it.
    fn repeats(&self, device: &str, entry: &Entry, notes: &mut Notes) -> bool {
        let parts: Vec<_> = self.once.iter().filter_map(|p| entry.identity(p)).collect();
        if parts.is_empty() || parts.len() < self.once.len() {
            return false;
        }
        let (key, packet) = (format!("once#{device}"), parts.join("#"));
        let mut packets: Vec<String> = notes.recall(&key).unwrap_or_default();
        if packets.contains(&packet) {
            return true;
        }
        packets.push(packet);
        packets.drain(..packets.len().saturating_sub(PACKETS));
        notes.remember(&key, &packets);
        false
    }

    fn device(&self, entry: &Entry) -> Option<String> {
        if self.device.is_empty() {
            return Template::topic().of(entry);
        }
        self.device.iter().find_map(|template| template.of(entry))
    }

    fn no_device(&self) -> Refused {
        let tried: Vec<String> = self.device.iter().map(Template::to_string).collect();
        let tried = number::shown_long(&tried.join(", "));
        let detail = format!("no text or whole number at {tried}, where the device is mapped");
        Refused::malformed("no_device", detail)
    }

    fn nothing_mapped(&self, document: &Document) -> Refused {
        let places = self.values.iter().flat_map(|f| &f.places).map(Place::to_string);
        let named = self.named.iter().flat_map(|n| n.names.keys().cloned());
        let each = self.each.iter().map(Each::to_string);
        let mapped: Vec<String> = each.chain(places).chain(named).collect();
        let detail = format!(
            "none of the mapped values ({}) is there; the document has: {}",
            number::shown_long(&mapped.join(", ")),
            number::shown_long(&document.names().join(", ")),
        );
        Refused::malformed("nothing_mapped", detail)
    }
}

/// Whether these conditions of a document hold.
fn all_hold(conditions: &[Condition], document: &Document) -> bool {
    let captures = Captures::none("");
    let entry = Entry::whole(document, &captures);
    conditions.iter().all(|condition| condition.holds(&entry))
}

#[cfg(test)]
mod tests;
