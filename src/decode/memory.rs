//! What earlier messages of a source said that later ones need: which metric an
//! alias stands for, in which unit a topic speaks, where a device's states are.
//!
//! A decoder stays a pure function: it is given the [`Memory`] of its source to
//! read, and writes what is to be remembered into its [`Notes`]. Whoever called
//! it makes that part of the memory ([`Memory::learn`]) and keeps the changes, in
//! the transaction that keeps the message. So a restart between a description and
//! the data it describes loses nothing.
//!
//! The memory is bounded. What was learnt longest ago goes first, and is counted;
//! data that then lack their description are set aside as `not_described_yet`.

use super::LABEL_MAX;
use crate::air::{Label, Quantity};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::Bound;

/// The most entries that are remembered of one source: some for each entity of
/// a large building.
const ENTRIES_MAX: usize = 100_000;
/// The most bytes of keys and values that are remembered of one source.
const BYTES_MAX: usize = 32 << 20;

/// The longest topic of a format that remembers, bytes: topics are kept as keys.
pub const TOPIC_MAX: usize = 1_000;
/// The most quantities that one message can describe.
pub const DESCRIBED_MAX: usize = 500;

/// What a source's messages have said, by key.
#[derive(Debug, Default)]
pub struct Memory {
    entries: BTreeMap<String, Entry>,
    /// Keys in the order in which they were learnt.
    ages: BTreeMap<u64, String>,
    bytes: usize,
    /// The age of what is learnt next.
    next: u64,
}

#[derive(Debug)]
struct Entry {
    value: String,
    age: u64,
}

/// Something to remember or to forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remember {
    /// Under which name.
    pub key: String,
    /// What, as JSON; `None`: forget it.
    pub value: Option<String>,
}

/// What [`Memory::learn`] changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Learnt {
    /// What is different now, for the store.
    pub changes: Vec<Remember>,
    /// How many entries were pushed out by newer ones; they are in `changes` too.
    pub pushed_out: u64,
}

impl Memory {
    /// A memory of these keys and values, what was learnt first in front.
    pub fn of(entries: impl IntoIterator<Item = (String, String)>) -> Memory {
        let mut memory = Memory::default();
        for (key, value) in entries {
            memory.put(key, value);
        }
        memory
    }

    /// Takes in what a message said. What is known already changes nothing.
    pub fn learn(&mut self, noted: Vec<Remember>) -> Learnt {
        let mut learnt = Learnt::default();
        for remember in noted {
            let known = self.get(&remember.key);
            if known == remember.value.as_deref() {
                continue;
            }
            match &remember.value {
                Some(value) => self.put(remember.key.clone(), value.clone()),
                None => self.drop(&remember.key),
            }
            learnt.changes.push(remember);
            self.push_out(&mut learnt);
        }
        learnt
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(|e| e.value.as_str())
    }

    fn put(&mut self, key: String, value: String) {
        self.drop(&key);
        self.bytes += key.len() + value.len();
        self.ages.insert(self.next, key.clone());
        self.entries.insert(key, Entry { value, age: self.next });
        self.next += 1;
    }

    fn drop(&mut self, key: &str) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= key.len() + entry.value.len();
            self.ages.remove(&entry.age);
        }
    }

    fn push_out(&mut self, learnt: &mut Learnt) {
        while self.entries.len() > ENTRIES_MAX || self.bytes > BYTES_MAX {
            let Some((_, key)) = self.ages.pop_first() else { return };
            self.drop(&key);
            learnt.changes.push(Remember { key, value: None });
            learnt.pushed_out += 1;
        }
    }
}

/// What one decoder sees of the memory, and what it wants remembered.
///
/// A key begins with the format's name, so that formats cannot mistake each
/// other's. Parts of a key are divided by `#`, which no topic can contain.
#[derive(Debug)]
pub struct Notes<'a> {
    memory: &'a Memory,
    format: &'a str,
    noted: BTreeMap<String, Option<String>>,
    policy: Option<&'static str>,
}

impl<'a> Notes<'a> {
    /// The notes of one message, still empty.
    pub(super) fn new(memory: &'a Memory, format: &'a str) -> Notes<'a> {
        Notes { memory, format, noted: BTreeMap::new(), policy: None }
    }

    /// The policy of a message without readings, and what is to be remembered,
    /// in the order of the keys.
    pub(super) fn finish(self) -> (Option<&'static str>, Vec<Remember>) {
        let noted = self.noted.into_iter().map(|(key, value)| Remember { key, value });
        (self.policy, noted.collect())
    }

    /// Says that the message describes others: if it has no readings, this is
    /// the policy by which it is ignored.
    pub fn describes(&mut self, policy: &'static str) {
        self.policy = Some(policy);
    }

    fn key(&self, key: &str) -> String {
        [self.format, "#", key].concat()
    }

    /// What is remembered under a key, this message included. Something of
    /// another form, left by another version, is as good as nothing.
    pub fn recall<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let key = self.key(key);
        let value = match self.noted.get(&key) {
            Some(noted) => noted.as_deref(),
            None => self.memory.get(&key),
        };
        value.and_then(|json| serde_json::from_str(json).ok())
    }

    /// The keys that begin so, as they were before this message.
    pub fn keys_below(&self, start: &str) -> Vec<String> {
        self.below(start).map(|(key, _)| key.to_owned()).collect()
    }

    /// What is remembered under keys that begin so, as it was before this
    /// message, at most `max`.
    pub fn recall_below<T: DeserializeOwned>(&self, start: &str, max: usize) -> Vec<T> {
        self.below(start).take(max).filter_map(|(_, v)| serde_json::from_str(v).ok()).collect()
    }

    fn below(&self, start: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let cut = self.format.len() + 1;
        let start = self.key(start);
        let from = (Bound::Included(start.as_str()), Bound::Unbounded);
        let from = self.memory.entries.range::<str, _>(from);
        from.take_while(move |(key, _)| key.starts_with(&start))
            .map(move |(key, entry)| (key.get(cut..).unwrap_or_default(), entry.value.as_str()))
    }

    /// Remembers something under a key, in place of what was there.
    pub fn remember(&mut self, key: &str, value: &impl Serialize) {
        // What decoders remember are plain structures, which JSON can always hold.
        if let Ok(json) = serde_json::to_string(value) {
            self.noted.insert(self.key(key), Some(json));
        }
    }

    /// Forgets what is remembered under a key.
    pub fn forget(&mut self, key: &str) {
        self.noted.insert(self.key(key), None);
    }

    /// Which series one of a device's numbers for a quantity is. The first that
    /// speaks is the device's main value and stays it; another one becomes the
    /// channel named here, so that two never mix.
    pub fn label(&mut self, device: &str, quantity: Quantity, who: &str, channel: &str) -> Label {
        let key = main_key(device, quantity);
        match self.recall::<String>(&key) {
            Some(main) if main != who => {
                Label { channel: channel_of(channel), variant: String::new() }
            }
            Some(_) => Label::default(),
            None => {
                self.remember(&key, &who);
                Label::default()
            }
        }
    }

    /// Who gives a device's main value of a quantity.
    pub fn main(&self, device: &str, quantity: Quantity) -> Option<String> {
        self.recall(&main_key(device, quantity))
    }

    /// Makes this one the main value.
    pub fn set_main(&mut self, device: &str, quantity: Quantity, who: &str) {
        self.remember(&main_key(device, quantity), &who);
    }

    /// Lets another one become the main value, if it was this one.
    pub fn leave(&mut self, device: &str, quantity: Quantity, who: &str) {
        if self.main(device, quantity).is_some_and(|main| main == who) {
            self.forget(&main_key(device, quantity));
        }
    }
}

fn main_key(device: &str, quantity: Quantity) -> String {
    ["main#", quantity.name(), "#", device].concat()
}

/// A network's name as a channel: without control characters, and its end if it
/// is too long, since names differ there.
pub fn channel_of(name: &str) -> String {
    let clean: String = name.chars().filter(|c| !c.is_control()).collect();
    let start = clean.len().saturating_sub(LABEL_MAX);
    let start = (start..=clean.len()).find(|i| clean.is_char_boundary(*i)).unwrap_or(clean.len());
    clean.get(start..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keep(key: &str, value: &str) -> Remember {
        Remember { key: key.to_owned(), value: Some(value.to_owned()) }
    }

    fn forget(key: &str) -> Remember {
        Remember { key: key.to_owned(), value: None }
    }

    #[test]
    fn what_is_known_already_changes_nothing() {
        let mut memory = Memory::default();
        assert_eq!(memory.learn(vec![keep("a", "1")]).changes, [keep("a", "1")]);
        assert_eq!(memory.learn(vec![keep("a", "1"), forget("b")]), Learnt::default());
        assert_eq!(memory.learn(vec![keep("a", "2")]).changes, [keep("a", "2")]);
        assert_eq!(memory.learn(vec![forget("a")]).changes, [forget("a")]);
        assert_eq!((memory.bytes, memory.entries.len(), memory.ages.len()), (0, 0, 0));
    }

    #[test]
    fn what_was_learnt_longest_ago_goes_first_and_is_counted() {
        let mut memory = Memory::default();
        for n in 0..ENTRIES_MAX {
            assert_eq!(memory.learn(vec![keep(&format!("k{n}"), "x")]).pushed_out, 0);
        }
        // The first is learnt anew and is young again.
        memory.learn(vec![keep("k0", "y")]);
        let learnt = memory.learn(vec![keep("new", "x")]);
        assert_eq!(learnt.changes, [keep("new", "x"), forget("k1")]);
        assert_eq!(learnt.pushed_out, 1);
        let learnt = memory.learn(vec![keep("large", &"x".repeat(BYTES_MAX))]);
        assert_eq!(learnt.pushed_out as usize, ENTRIES_MAX + 1, "even itself");
        assert_eq!((memory.bytes, memory.entries.len()), (0, 0));
    }

    #[test]
    fn notes_are_seen_at_once_and_only_by_their_own_format() {
        let memory = Memory::of([
            ("f#a".to_owned(), "1".to_owned()),
            ("f#b#x".to_owned(), "2".to_owned()),
            ("f#b#y".to_owned(), "3".to_owned()),
            ("g#b#z".to_owned(), "4".to_owned()),
        ]);
        let mut notes = Notes::new(&memory, "f");
        assert_eq!(notes.recall("a"), Some(1));
        assert_eq!(notes.recall::<String>("a"), None, "of another form");
        assert_eq!(notes.recall_below::<i32>("b#", 9), [2, 3]);
        assert_eq!(notes.recall_below::<i32>("b#", 1), [2]);
        assert_eq!(notes.keys_below("b"), ["b#x", "b#y"]);
        notes.remember("a", &7);
        notes.forget("b#x");
        assert_eq!((notes.recall("a"), notes.recall::<i32>("b#x")), (Some(7), None));
        assert_eq!(notes.finish(), (None, vec![keep("f#a", "7"), forget("f#b#x")]));
    }

    #[test]
    fn of_two_numbers_for_one_quantity_the_first_is_the_main_one() {
        let memory = Memory::default();
        let mut notes = Notes::new(&memory, "f");
        let mut label = |who: &str| notes.label("d", Quantity::Pm10, who, who).channel;
        assert_eq!([label("a"), label("b"), label("a")], ["", "b", ""]);
        notes.leave("d", Quantity::Pm10, "b");
        assert_eq!(notes.label("d", Quantity::Pm10, "b", "b").channel, "b");
        notes.leave("d", Quantity::Pm10, "a");
        assert!(notes.label("d", Quantity::Pm10, "b", "b").is_main());
        assert_eq!(channel_of(&format!("{}\u{7}end", "é".repeat(60))).len(), LABEL_MAX - 1);
    }

    proptest! {
        #[test]
        fn what_is_written_down_and_read_again_is_the_same_memory(
            steps in proptest::collection::vec(("[a-f]", proptest::option::of("[a-c]{0,3}")), 0..40),
        ) {
            let mut memory = Memory::default();
            // As the store keeps it: replaced rows go to the end.
            let mut rows: Vec<(String, String)> = Vec::new();
            for (key, value) in steps {
                for change in memory.learn(vec![Remember { key, value }]).changes {
                    rows.retain(|(key, _)| *key != change.key);
                    rows.extend(change.value.map(|value| (change.key, value)));
                }
            }
            let again = Memory::of(rows);
            let aged = |m: &Memory| -> Vec<_> {
                m.ages.values().map(|k| (k.clone(), m.get(k).map(str::to_owned))).collect()
            };
            prop_assert_eq!(aged(&again), aged(&memory));
            prop_assert_eq!(again.bytes, memory.bytes);
        }
    }
}
