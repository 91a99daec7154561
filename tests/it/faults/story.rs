//! What is published while everything fails: the readings of a network that comes by
//! two sources, some of them late, some twice, some with another value later, and
//! messages among them that nobody can read.

use crate::survive::world::{Sent, Timed, World};
use dustline::air::Stamp;
use serde_json::Value;
use std::collections::BTreeSet;

/// Devices from this one on come by the other source, over several connections.
const TOWN_FROM: i64 = 6;
/// A revision is so much more, tenths of µg/m³.
const REVISED_BY: i64 = 3;

/// Messages, and what must come of them.
pub struct Story {
    /// What is stored in the end, but for revisions.
    pub world: World,
    /// In the order of sending.
    pub messages: Vec<Sent>,
    /// The topics of those that cannot be read, one each.
    pub unreadable: BTreeSet<String>,
    /// Readings that take the place of others of the same series and time.
    pub revisions: BTreeSet<Timed>,
}

/// The topic and body of a message as it is sent, by its source.
fn by_source(sent: Sent) -> Sent {
    let device = sent.topic.strip_prefix("air/d").and_then(|d| d.parse::<i64>().ok());
    match device {
        Some(device) if device >= TOWN_FROM => Sent { topic: format!("town/d{device}"), ..sent },
        _ => sent,
    }
}

/// The same reading with other values, and what it says.
fn revised(sent: &Sent) -> (Sent, [Timed; 2]) {
    let body: Value = serde_json::from_slice(&sent.payload).unwrap();
    let (time, device) = (body["time"].as_str().unwrap(), sent.topic.strip_prefix("air/").unwrap());
    let at = Stamp::parse(time).unwrap().0;
    let tenths = |name: &str| (body[name].as_f64().unwrap() * 10.0).round() as i64 + REVISED_BY;
    let (fine, coarse) = (tenths("pm2_5"), tenths("pm10"));
    let values = (fine as f64 / 10.0, coarse as f64 / 10.0);
    let payload = format!(r#"{{"time":"{time}","pm2_5":{},"pm10":{}}}"#, values.0, values.1);
    let sent = Sent { topic: sent.topic.clone(), payload: payload.into_bytes() };
    let of = |quantity, tenths| (device.to_owned(), at, quantity, tenths);
    (sent, [of("pm2_5", fine), of("pm10", coarse)])
}

impl Story {
    /// One with so many readings of each station in an hour.
    pub fn new(per_hour: i64, random: &mut fastrand::Rng) -> Story {
        let world = World::new(per_hour);
        let mut placed: Vec<(usize, Sent)> = Vec::new();
        let (mut unreadable, mut revisions) = (BTreeSet::new(), BTreeSet::new());
        let far = per_hour as usize * 20;
        for (place, sent) in world.messages().into_iter().map(by_source).enumerate() {
            let late = |random: &mut fastrand::Rng| place + random.usize(1..far);
            // Who sends bare numbers has no time to be late with, and says nothing twice.
            let timed = !sent.topic.starts_with("plain/");
            // What counts is what is sent last: that is certain on one connection only,
            // and if what is revised does not come again.
            if sent.topic.starts_with("air/") && random.u8(..40) == 0 {
                let (revision, says) = revised(&sent);
                revisions.extend(says);
                placed.push((place, sent));
                placed.push((late(random), revision));
                continue;
            }
            if timed && random.u8(..24) == 0 {
                placed.push((late(random), sent.clone()));
            }
            let at = if timed && random.u8(..16) == 0 { late(random) } else { place };
            placed.push((at, sent));
            if random.u8(..64) == 0 {
                let topic = format!("air/broken{place}");
                placed
                    .push((place, Sent { topic: topic.clone(), payload: b"{\"time\":".to_vec() }));
                unreadable.insert(topic);
            }
        }
        placed.sort_by_key(|(place, _)| *place);
        let messages = placed.into_iter().map(|(_, sent)| sent).collect();
        Story { world, messages, unreadable, revisions }
    }

    /// Messages that are stored in the end.
    pub fn stored(&self) -> usize {
        // A revision says two values.
        self.world.messages().len() + self.revisions.len() / 2
    }

    /// Every reading with a time of its own that was published.
    pub fn published(&self) -> BTreeSet<Timed> {
        self.world.readings().union(&self.revisions).cloned().collect()
    }

    /// Of those, the ones that count in the end.
    pub fn counting(&self) -> BTreeSet<Timed> {
        let place = |(device, at, quantity, _): &Timed| (device.clone(), *at, *quantity);
        let replaced: BTreeSet<_> = self.revisions.iter().map(place).collect();
        let stays = |reading: &Timed| !replaced.contains(&place(reading));
        let first = self.world.readings().into_iter().filter(stays);
        first.chain(self.revisions.iter().cloned()).collect()
    }
}
