//! What is published while everything fails: the readings of a network, some of them
//! late, some twice, and messages among them that nobody can read.

use crate::survive::world::{Sent, World};
use std::collections::BTreeSet;

/// Messages, and what must come of them.
pub struct Story {
    /// What is stored in the end.
    pub world: World,
    /// In the order of sending.
    pub messages: Vec<Sent>,
    /// The topics of those that cannot be read, one each.
    pub unreadable: BTreeSet<String>,
}

impl Story {
    /// One with so many readings of each station in an hour.
    pub fn new(per_hour: i64, random: &mut fastrand::Rng) -> Story {
        let world = World::new(per_hour);
        let mut placed: Vec<(usize, Sent)> = Vec::new();
        let mut unreadable = BTreeSet::new();
        let far = per_hour as usize * 20;
        for (place, sent) in world.messages().into_iter().enumerate() {
            let late = |random: &mut fastrand::Rng| place + random.usize(..far);
            // Who sends bare numbers has no time to be late with, and says nothing twice.
            let timed = sent.topic.starts_with("air/");
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
        Story { world, messages, unreadable }
    }
}
