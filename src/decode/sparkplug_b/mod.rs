//! Sparkplug B: `spBv1.0/<group>/<type>/<edge node>[/<device>]` with protobuf.
//!
//! A birth (NBIRTH of the edge node, DBIRTH of a device) lists every metric with
//! name, alias, type, unit and value; data (NDATA, DDATA) bring what changed,
//! often under the alias alone; a death makes the births void.
//!
//! ```text
//!  NBIRTH ──▶ forget the node's births ─┐
//!  DBIRTH ──────────────────────────────┴▶ remember the air's metrics ─▶ readings
//!  NDATA, DDATA ──▶ recall them ─▶ readings, or `not_described_yet`
//!  NDEATH, DDEATH ──▶ forget
//! ```
//!
//! Messages of an edge node are numbered 0 to 255. A gap means that some were
//! lost. Data are read on as the last birth says, since no one here may ask for
//! another one; the gap is noted as left out, and counted in what is remembered.
//! A type that differs from the birth's betrays an alias that has changed hands.

mod payload;
mod wire;

use super::gathered::{self, Gathered};
use super::memory::{DESCRIBED_MAX, channel_of};
use super::plain::usual_quantity;
use super::unit::{self, Conversion};
use super::{Captures, Decoded, Message, Notes, Refused, number, time};
use crate::air::{Label, Quantity, Stamp};
use payload::{Metric, Payload, Unread};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The first level of every topic.
const NAMESPACE: &str = "spBv1.0";
/// What births say besides what is measured.
const CONTROL: [&str; 4] = ["Node Control/", "Device Control/", "Properties/", BIRTH_DEATH];
/// The number by which the death of an edge node names its birth.
const BIRTH_DEATH: &str = "bdSeq";
/// The longest name that is remembered, bytes.
const NAME_MAX: usize = 200;

/// What an edge node has said about itself.
#[derive(Debug, Serialize, Deserialize)]
struct Session {
    /// The birth–death number of its birth.
    birth: Option<u64>,
    /// The number of its last message.
    seq: u64,
    /// How many gaps there were since its birth.
    gaps: u64,
}

/// One metric of the air as the birth describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Described {
    name: String,
    alias: Option<u64>,
    datatype: Option<u64>,
    quantity: Quantity,
    label: Label,
    conversion: Conversion,
}

/// Who speaks, from the topic.
struct Speaker<'a> {
    /// `NBIRTH`, `DDATA`, …
    kind: &'a str,
    /// `<group>/<edge node>`.
    node: String,
    /// The device below it, if it is one.
    device: Option<&'a str>,
}

impl<'a> Speaker<'a> {
    fn of(topic: &'a str) -> Option<Speaker<'a>> {
        let mut levels = topic.split('/').skip_while(|l| *l != NAMESPACE).skip(1);
        let (group, kind, edge) = (levels.next()?, levels.next()?, levels.next()?);
        let (device, end) = (levels.next(), levels.next());
        let fits = end.is_none() && kind.starts_with('D') == device.is_some();
        fits.then(|| Speaker { kind, node: format!("{group}/{edge}"), device })
    }

    /// The whole identity: `<group>/<edge node>[/<device>]`.
    fn identity(&self) -> String {
        match self.device {
            Some(device) => format!("{}/{device}", self.node),
            None => self.node.clone(),
        }
    }

    fn session_key(&self) -> String {
        format!("session#{}", self.node)
    }

    fn birth_key(&self) -> String {
        format!("birth#{}", self.identity())
    }
}

/// Reads one message.
pub fn read(m: &Message, captures: &Captures, notes: &mut Notes) -> Result<Decoded, Refused> {
    let kinds = ["NBIRTH", "DBIRTH", "NDATA", "DDATA", "NDEATH", "DDEATH"];
    let speaker = Speaker::of(m.topic).filter(|s| kinds.contains(&s.kind));
    let Some(speaker) = speaker else { return Err(Refused::Ignored("housekeeping")) };
    if m.payload.is_empty() {
        return Err(Refused::Ignored("empty"));
    }
    let payload = Payload::read(m.payload).map_err(refused)?;
    let mut found = Found { by_time: BTreeMap::new(), rest: Gathered::default() };
    for fault in &payload.faults {
        found.rest.skip("", *fault);
    }
    if !speaker.kind.ends_with("DATA") {
        notes.describes("described");
    }
    let described = match speaker.kind {
        "NDEATH" => {
            node_death(&speaker, &payload, notes);
            Vec::new()
        }
        "DDEATH" => {
            found.note_gap(follow(&speaker, &payload, notes));
            notes.forget(&speaker.birth_key());
            Vec::new()
        }
        "NBIRTH" => {
            forget_node(&speaker, notes);
            let birth = payload.unsigned(BIRTH_DEATH);
            let session = Session { birth, seq: payload.seq.unwrap_or(0), gaps: 0 };
            notes.remember(&speaker.session_key(), &session);
            describe(&speaker, &payload, notes)
        }
        "DBIRTH" => {
            found.note_gap(follow(&speaker, &payload, notes));
            describe(&speaker, &payload, notes)
        }
        _ => {
            found.note_gap(follow(&speaker, &payload, notes));
            match notes.recall(&speaker.birth_key()) {
                Some(described) => described,
                None if needs_birth(&payload) => return Err(not_born(&speaker)),
                None => Vec::new(),
            }
        }
    };
    found.take(&payload, &described);
    let device = captures.get("device").map_or_else(|| speaker.identity(), str::to_owned);
    Ok(found.of(device))
}

fn refused(unread: Unread) -> Refused {
    match unread {
        Unread::Malformed(fault) => {
            Refused::malformed("not_protobuf", format!("{fault}: is this Sparkplug B?"))
        }
        Unread::TooMany(count) => gathered::too_many(count),
    }
}

fn not_born(speaker: &Speaker) -> Refused {
    let detail = format!(
        "no birth of {} has been seen since its last death: have its edge node send one (Node Control/Rebirth)",
        number::shown(&speaker.identity())
    );
    Refused::malformed("not_described_yet", detail)
}

/// A death is the will of a connection: that of an earlier one, which the broker
/// sends late, does not end the present one.
fn node_death(speaker: &Speaker, payload: &Payload, notes: &mut Notes) {
    let born = notes.recall::<Session>(&speaker.session_key()).and_then(|s| s.birth);
    let died = payload.unsigned(BIRTH_DEATH);
    if born.is_none() || died.is_none() || born == died {
        forget_node(speaker, notes);
        notes.forget(&speaker.session_key());
    }
}

/// The births of an edge node and of all its devices are void.
fn forget_node(speaker: &Speaker, notes: &mut Notes) {
    let node = format!("birth#{}", speaker.node);
    for key in notes.keys_below(&format!("{node}/")) {
        notes.forget(&key);
    }
    notes.forget(&node);
}

/// Follows the numbers of an edge node's messages; says where one is missing.
fn follow(speaker: &Speaker, payload: &Payload, notes: &mut Notes) -> Option<String> {
    let seq = payload.seq?;
    let key = speaker.session_key();
    let Some(mut session) = notes.recall::<Session>(&key) else {
        notes.remember(&key, &Session { birth: None, seq, gaps: 0 });
        return None;
    };
    let last = session.seq;
    let gap = seq != (last + 1) % 256 && seq != last;
    session.seq = seq % 256;
    session.gaps += u64::from(gap);
    notes.remember(&key, &session);
    gap.then(|| format!("{seq} follows {last}: messages of this edge node were lost"))
}

/// Remembers the metrics of the air in a birth, and hands them out. The first
/// for a quantity is the device's main value, others have their name as channel.
fn describe(speaker: &Speaker, payload: &Payload, notes: &mut Notes) -> Vec<Described> {
    let mut main = HashSet::new();
    let mut described = Vec::new();
    for metric in &payload.metrics {
        let Some((name, quantity)) = metric.name.and_then(|n| Some((n, quantity_of(n)?))) else {
            continue;
        };
        if described.len() == DESCRIBED_MAX || name.len() > NAME_MAX {
            continue;
        }
        let channel = if main.insert(quantity) { String::new() } else { channel_of(name) };
        described.push(Described {
            name: name.to_owned(),
            alias: metric.alias,
            datatype: metric.datatype,
            quantity,
            label: Label { channel, variant: String::new() },
            conversion: metric
                .unit
                .and_then(|u| unit::conversion(quantity, u))
                .unwrap_or(Conversion::NONE),
        });
    }
    notes.remember(&speaker.birth_key(), &described);
    described
}

/// The quantity in a metric's name: its last part, as in `Air/PM2_5`.
fn quantity_of(name: &str) -> Option<Quantity> {
    usual_quantity(name.rsplit('/').next().unwrap_or(name))
}

/// Whether something in it may be of the air, and only a birth can tell.
fn needs_birth(payload: &Payload) -> bool {
    payload.metrics.iter().any(|m| m.name.is_none_or(|name| quantity_of(name).is_some()))
}

/// What is found in one message, by time.
struct Found {
    by_time: BTreeMap<Option<Stamp>, Gathered>,
    /// What is left out without a time.
    rest: Gathered,
}

impl Found {
    fn note_gap(&mut self, gap: Option<String>) {
        if let Some(gap) = gap {
            self.rest.skip("seq", gap);
        }
    }

    /// Takes the values of the metrics that are described.
    fn take(&mut self, payload: &Payload, described: &[Described]) {
        let by_name: HashMap<&str, &Described> =
            described.iter().map(|d| (d.name.as_str(), d)).collect();
        let by_alias: HashMap<u64, &Described> =
            described.iter().filter_map(|d| Some((d.alias?, d))).collect();
        for metric in &payload.metrics {
            let known = match (metric.name, metric.alias) {
                (Some(name), _) => by_name.get(name),
                (None, alias) => alias.and_then(|a| by_alias.get(&a)),
            };
            match known {
                Some(described) => self.add(payload, metric, described),
                None => self.leave_out(metric),
            }
        }
    }

    fn add(&mut self, payload: &Payload, metric: &Metric, described: &Described) {
        if let (Some(now), Some(born)) = (metric.datatype, described.datatype)
            && now != born
        {
            let reason = format!("of type {now}, but {born} in the birth: not the same metric");
            return self.rest.skip(&described.name, reason);
        }
        let at = metric.timestamp.or(payload.timestamp).and_then(time::from_millis);
        let number = metric.number(described.datatype.or(metric.datatype));
        let number = number.map(|n| described.conversion.apply(n));
        let found = self.by_time.entry(at).or_default();
        found.add(described.quantity, described.label.clone(), number, || described.name.clone());
    }

    fn leave_out(&mut self, metric: &Metric) {
        match (metric.name, metric.alias) {
            (Some(name), _) if CONTROL.iter().any(|c| name.starts_with(c)) => {}
            (Some(name), _) if quantity_of(name).is_some() => {
                self.rest.skip(number::shown(name), "not among the metrics of the last birth");
            }
            (Some(name), _) => self.rest.skip(number::shown(name), "not an air quantity"),
            (None, Some(alias)) => {
                let path = format!("alias {alias}");
                self.rest.skip(path, "not an air quantity of the last birth");
            }
            (None, None) => self.rest.skip("", "a metric without name and alias"),
        }
    }

    fn of(self, device: String) -> Decoded {
        let mut all = self.rest.of(device.clone(), None);
        for (at, found) in self.by_time {
            let decoded = found.of(device.clone(), at);
            all.observations.extend(decoded.observations);
            all.skipped.extend(decoded.skipped);
        }
        all.device = Some(device).filter(|_| all.observations.is_empty());
        all
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
pub use tests::talk_of_a_device as talk;
