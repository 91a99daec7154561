//! Every format under messages that nobody meant to send: arbitrary bytes, and
//! sound messages that were damaged. None may make a decoder panic or hang, and
//! what is allocated stays within a small multiple of the message; larger
//! messages cost more in proportion, and never with the square of their size.
//!
//! The sound messages are a seed corpus: for native formats
//! `tests/fixtures/formats/NAME.txt`, for presets the cases in their own files.
//! The run is bounded. `DUSTLINE_FUZZ_CASES` makes it longer (cases for each
//! format), and `DUSTLINE_FUZZ_SEED` repeats one: the seed is printed, and a
//! failure tells the message too.

mod corpus;
mod grow;
mod mutate;

use corpus::{Said, Subject};
use dustline::air::Stamp;
use dustline::decode::{self, DEVICE_MAX, ENTRIES_MAX, Heard, Memory, Message, Refused, Route};
use fastrand::Rng;
use std::env;
use std::sync::mpsc;
use std::time::Duration;

/// Cases for each format unless `DUSTLINE_FUZZ_CASES` says otherwise.
const CASES: u64 = 2_000;
/// The seed unless `DUSTLINE_FUZZ_SEED` says otherwise.
const SEED: u64 = 20_231_114;
/// A case that takes longer than this hangs: it is some milliseconds of work.
const HANGS: Duration = Duration::from_secs(300);

/// Bytes that may be allocated for one message whatever its size …
const BYTES_FREE: u64 = 48 << 10;
/// … and for each byte of topic and payload.
const BYTES_EACH: u64 = 256;

fn number(name: &str, otherwise: u64) -> u64 {
    let text = env::var(name).ok();
    text.map_or(otherwise, |t| t.parse().unwrap_or_else(|_| panic!("{name}={t} is no number")))
}

/// Tells the message under way if the decoder panics.
struct Telltale<'a> {
    format: &'a str,
    topic: &'a str,
    payload: &'a [u8],
}

impl Drop for Telltale<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Telltale { format, topic, payload } = self;
            println!("{format}: topic {topic:?}, payload {:?}", String::from_utf8_lossy(payload));
        }
    }
}

/// Reads one message and holds what came of it to what always holds.
fn hear(subject: &Subject, memory: &mut Memory, (topic, payload): &Said, retained: bool) {
    let _telltale = Telltale { format: subject.name(), topic, payload };
    let (heard, bytes) = decoded(&subject.route, memory, (topic, payload), retained);
    let most = BYTES_FREE + BYTES_EACH * (topic.len() + payload.len()) as u64;
    assert!(bytes <= most, "{bytes} bytes allocated, {most} allowed");
    check(&heard);
    memory.learn(heard.noted);
}

/// What is made of a message, and how many bytes were allocated for that.
fn decoded(
    route: &Route,
    memory: &Memory,
    (topic, payload): (&str, &[u8]),
    retained: bool,
) -> (Heard, u64) {
    let message = Message { topic, payload, retained, received: Stamp(1_700_000_000_000) };
    let mut heard = None;
    let counted = allocation_counter::measure(|| {
        heard = Some(decode::decode(std::slice::from_ref(route), &message, memory));
    });
    (heard.unwrap(), counted.bytes_total)
}

fn check(heard: &Heard) {
    match &heard.outcome {
        Ok(decoded) => {
            for o in &decoded.observations {
                assert!(!o.values.is_empty());
                assert!(!o.device.is_empty() && o.device.len() <= DEVICE_MAX, "{:?}", o.device);
                assert!(o.values.iter().all(|v| v.value.is_finite()), "{o:?}");
            }
            assert!(decoded.skipped.len() <= ENTRIES_MAX);
            assert!(decoded.forecasts.iter().all(|f| f.value.is_finite()));
        }
        Err(Refused::Ignored(policy)) => assert!(Refused::IGNORED.contains(policy), "{policy}"),
        Err(Refused::Malformed { reason, detail }) => {
            assert!(Refused::MALFORMED.contains(reason), "{reason}");
            assert!(detail.len() < 3_000, "{detail}");
        }
    }
}

/// One case: a talk of the format in which messages are damaged, replaced,
/// repeated and left out.
fn case(subject: &Subject, others: &[Said], rng: &mut Rng) {
    let mut memory = Memory::default();
    for said in &subject.talk {
        let (mut topic, mut payload) = said.clone();
        match rng.u8(..8) {
            0 => continue,
            1 | 2 => {}
            3 => payload = mutate::junk(rng),
            4 => payload = rng.choice(others).map(|(_, p)| p.clone()).unwrap_or_default(),
            _ => mutate::damage(&mut payload, others, rng),
        }
        if rng.u8(..8) == 0 {
            topic = mutate::topic(&topic, rng);
        }
        hear(subject, &mut memory, &(topic, payload), rng.u8(..4) == 0);
    }
}

#[test]
fn every_format_has_messages_in_the_corpus_and_each_talk_brings_something() {
    for subject in corpus::subjects() {
        let mut memory = Memory::default();
        let mut brought = 0;
        for (topic, payload) in &subject.talk {
            let (heard, _) = decoded(&subject.route, &memory, (topic, payload), false);
            check(&heard);
            brought += heard.outcome.map_or(0, |d| d.observations.len() + d.forecasts.len());
            memory.learn(heard.noted);
        }
        assert!(brought > 0, "{}: no message of the corpus brings anything", subject.name());
    }
}

#[test]
fn no_bytes_and_no_damaged_message_harm_a_decoder() {
    let (cases, seed) = (number("DUSTLINE_FUZZ_CASES", CASES), number("DUSTLINE_FUZZ_SEED", SEED));
    println!("DUSTLINE_FUZZ_CASES={cases} DUSTLINE_FUZZ_SEED={seed}");
    let (tell, told) = mpsc::channel();
    let worker = std::thread::spawn(move || {
        let subjects = corpus::subjects();
        let others: Vec<Said> = subjects.iter().flat_map(|s| s.talk.clone()).collect();
        for subject in &subjects {
            let mut rng = Rng::with_seed(seed);
            for n in 0..cases {
                let _ = tell.send(format!("{}, case {n}", subject.name()));
                case(subject, &others, &mut rng);
            }
        }
    });
    let mut last = String::new();
    loop {
        match told.recv_timeout(HANGS) {
            Ok(begun) => last = begun,
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("seed {seed}: {last} hangs"),
        }
    }
    assert!(worker.join().is_ok(), "seed {seed}: {last} panicked; its message stands above");
}

/// The bytes that are allocated to read a message that was made as large as this.
fn costs(subject: &Subject, place: usize, larger: &grow::Larger, size: usize) -> u64 {
    let mut memory = Memory::default();
    for (topic, payload) in subject.talk.iter().take(place) {
        let (heard, _) = decoded(&subject.route, &memory, (topic, payload), false);
        memory.learn(heard.noted);
    }
    let (topic, payload) = larger(size);
    let (heard, bytes) = decoded(&subject.route, &memory, (&topic, &payload), false);
    check(&heard);
    bytes
}

/// Work is counted in bytes and not in time, which a busy machine stretches.
#[test]
fn a_message_four_times_as_large_costs_four_times_as_much() {
    const SMALL: usize = 12 << 10;
    // Fourfold, with room for what grows by doubling; a square would be sixteenfold.
    const TIMES: u64 = 9;
    for subject in corpus::subjects() {
        for (place, said) in subject.talk.iter().enumerate() {
            for (how, larger) in grow::ways(said) {
                let small = costs(&subject, place, &larger, SMALL);
                let large = costs(&subject, place, &larger, 4 * SMALL);
                let what = format!("{}, message {place}, {how}", subject.name());
                assert!(large <= TIMES * small + BYTES_FREE, "{what}: {large} bytes after {small}");
            }
        }
    }
}
