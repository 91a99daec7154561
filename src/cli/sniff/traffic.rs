//! What was heard: topics, how often, and some bodies of each.

use std::collections::BTreeMap;

/// The most topics that are told apart.
const TOPICS_MAX: usize = 20_000;
/// Bodies kept of each topic, the first ones.
const SAMPLES: usize = 4;
/// The largest body that is kept, bytes.
const SAMPLE_MAX: usize = 64 << 10;
/// The most bytes of bodies that are kept in all.
const BYTES_MAX: usize = 64 << 20;

/// One topic.
#[derive(Debug, Default)]
pub(super) struct Topic {
    /// Messages on it.
    pub messages: u64,
    /// Of these, from the broker's memory.
    pub retained: u64,
    /// Some bodies, and whether they came from the broker's memory.
    pub samples: Vec<(Vec<u8>, bool)>,
}

/// Everything that was heard.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// By topic.
    pub topics: BTreeMap<String, Topic>,
    /// Messages in all.
    pub messages: u64,
    /// Messages on topics beyond those that are told apart, or whose topic is
    /// no text.
    pub beyond: u64,
    bytes: usize,
}

impl Traffic {
    /// Takes a message in.
    pub fn hear(&mut self, topic: &[u8], payload: &[u8], retained: bool) {
        self.messages += 1;
        let Ok(topic) = std::str::from_utf8(topic) else {
            self.beyond += 1;
            return;
        };
        if self.topics.len() >= TOPICS_MAX && !self.topics.contains_key(topic) {
            self.beyond += 1;
            return;
        }
        let entry = self.topics.entry(topic.to_owned()).or_default();
        entry.messages += 1;
        entry.retained += u64::from(retained);
        let room = self.bytes + payload.len() <= BYTES_MAX;
        if entry.samples.len() < SAMPLES && payload.len() <= SAMPLE_MAX && room {
            self.bytes += payload.len();
            entry.samples.push((payload.to_vec(), retained));
        }
    }
}
