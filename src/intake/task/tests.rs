//! A disk that is full in the middle of a batch: the batch is as if it had not
//! come, and taken again it is as if there had always been room.

use super::*;
use crate::config::{Machine, parse};
use crate::flow::SourceId;
use crate::telemetry::StoreFigures;
use std::path::Path;

const MINUTE: i64 = 60_000;
/// 2024-01-10T00:00:00Z.
const START: i64 = 1_704_844_800_000;
/// Batches, one every 20 minutes.
const BATCHES: i64 = 18;

/// Up to a warning and down again, so that hours, levels and notices move.
const CONFIG: &str = r#"
[judgement]
lateness = "1m"
reading_covers = "30m"
[[source]]
name = "city"
url = "mqtt://127.0.0.1:1883"
client_id = "test"
silent_after = "30m"
quality = { spike = false, stuck = false }
subscribe = [{ topic = "air/{device}", format = "json", time = "/time", values = { pm2_5 = "/pm2_5" } }]
[[zone]]
id = "seoul"
country = "KR"
time_zone = "Asia/Seoul"
stations = ["*"]
rulesets = ["kr-air-alert"]
[[threshold]]
id = "emergency"
quantity = "pm2_5"
at_least = 120
readings = "2 of 3"
lift_below = 100
[[receiver]]
id = "desk"
url = "http://127.0.0.1:9/hook"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"#;

struct Rig {
    intake: Intake,
    receipts: mpsc::Receiver<Vec<Receipt>>,
    clock: Clock,
    metrics: Metrics,
}

fn rig(dir: &Path) -> Rig {
    let text = format!("data_dir = \"{}\"\n{CONFIG}", dir.display());
    let loaded = parse(&text, "test.toml", Path::new("/"), &Machine).unwrap();
    let (clock, metrics) = (Clock::manual(Stamp(START)), Metrics::new("test", "test"));
    let mut intake = Intake::open(Parts {
        plan: Arc::new(Plan::of(&loaded.settings)),
        writer: Writer::open(dir).unwrap(),
        announce: flow::announce(Default::default()),
        metrics: metrics.clone(),
        clock: clock.clone(),
        health: Health::new(),
    })
    .unwrap();
    let receipts = intake.next_source().unwrap().remove(0).receipts;
    Rig { intake, receipts, clock, metrics }
}

/// Two devices report what the hour has, one of them twice, one device nonsense.
fn batch(n: i64) -> Vec<Event> {
    let at = Stamp(START + n * 20 * MINUTE);
    let value = [20, 90, 160, 170, 30, 20][(n / 3) as usize % 6] + n % 3;
    let good = format!(r#"{{"time":"{at}","pm2_5":{value}}}"#);
    let messages = [("a", good.as_str()), ("b", &good), ("a", &good), ("c", "{")];
    let arrivals = messages.into_iter().zip(1..).map(|((device, payload), place)| {
        let packet = (n * 4 + place) as u16;
        Event::Arrival(Arrival {
            source: SourceId(0),
            topic: format!("air/{device}").into_bytes().into(),
            payload: payload.as_bytes().to_vec().into(),
            retained: false,
            duplicate: false,
            at,
            receipt: Some(Receipt { lane: 0, connection: 1, packet, exactly_once: false }),
        })
    });
    arrivals.collect()
}

impl Rig {
    /// Takes every batch, with so many pages left at first if any.
    /// Tells how many were given up.
    fn all(&mut self, pages: Option<i64>) -> u64 {
        let mut given_up = 0;
        for n in 0..BATCHES {
            self.clock.set(Stamp(START + n * 20 * MINUTE));
            let mut events = batch(n);
            let sent = events.len();
            self.intake.state.writer.leave_pages(pages);
            if let Err(e) = self.intake.turn(&mut events) {
                assert!(matches!(e, IntakeError::Store(StoreError::Full { .. })), "{e}");
                assert_eq!(events.len(), sent, "they are kept");
                assert!(self.receipts.try_recv().is_err(), "nothing is acknowledged");
                assert!(!self.intake.takes());
                given_up += 1;
                self.intake.state.writer.leave_pages(None);
                assert!(self.intake.disk.look(Instant::now() + TURN_MAX), "there is room again");
                self.intake.turn(&mut events).unwrap();
            }
            assert!(events.is_empty());
            assert_eq!(self.receipts.try_recv().unwrap().len(), sent, "each once");
            // Hours wait for the clock for a while after the state was read back.
            self.intake.state.writer.leave_pages(None);
            let later = Stamp(START + (n * 20 + 15) * MINUTE);
            self.intake.turn(&mut vec![Event::Tick(later)]).unwrap();
        }
        given_up
    }
}

#[test]
fn a_batch_that_found_no_room_is_taken_later_as_if_there_had_always_been_room() {
    let dir = tempfile::tempdir().unwrap();
    let mut untroubled = rig(dir.path());
    assert_eq!(untroubled.all(None), 0);
    let dump = untroubled.intake.state.writer.dump();
    for table in ["journal", "hours", "changes", "levels", "outbox", "quarantine"] {
        assert!(dump.iter().any(|row| row.starts_with(&format!("{table}:"))), "{table} is empty");
    }
    let counted = untroubled.metrics.render(&StoreFigures::default());
    let counters = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|l| l.contains("_total{"));
        let mut lines: Vec<String> = lines.map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    let mut given_up = 0;
    for pages in 0..4 {
        let dir = tempfile::tempdir().unwrap();
        let mut troubled = rig(dir.path());
        given_up += troubled.all(Some(pages));
        let again = troubled.intake.state.writer.dump();
        let differs = again.iter().zip(&dump).find(|(again, first)| again != first);
        assert_eq!(differs, None, "with {pages} pages");
        assert_eq!(again.len(), dump.len());
        let again = troubled.metrics.render(&StoreFigures::default());
        assert_eq!(counters(&again), counters(&counted), "counted once");
    }
    assert!(given_up >= 4, "{given_up} batches found no room");
}

#[test]
fn while_messages_wait_time_stands_still_for_the_judgement_and_commands_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = rig(dir.path());
    rig.intake.state.writer.leave_pages(Some(0));
    for n in 0..BATCHES {
        if rig.intake.turn(&mut batch(n)).is_err() {
            break;
        }
    }
    assert!(!rig.intake.takes(), "the disk is full");
    rig.intake.state.writer.leave_pages(None);
    let journal = rig.intake.state.writer.last().journal;
    let outbox = rig.intake.state.writer.last().outbox;
    let later = Stamp(START + 100 * 60 * MINUTE);
    rig.clock.set(later);
    rig.intake.turn(&mut vec![Event::Tick(later)]).unwrap();
    assert_eq!(rig.intake.state.writer.last().journal, journal, "no hour closes");
    let conditions: Vec<&str> =
        rig.intake.state.conditions.keys().map(|(kind, _)| kind.as_str()).collect();
    assert!(["disk_full", "disk_low"].iter().all(|kind| conditions.contains(kind)));
    assert!(!conditions.contains(&"source_silent"), "no source is called silent");
    assert_eq!(rig.intake.state.writer.last().outbox, outbox + 2, "the receiver is told");
}

#[test]
fn what_found_no_room_is_kept_whoever_asked_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = rig(dir.path());
    let (to, mut inbox) = flow::intake();
    let mut waiting = Batch::default();
    rig.intake.state.writer.leave_pages(Some(0));
    let mut sent = 0;
    for n in 0..BATCHES {
        let command =
            Command::Forwarded { target: "main".to_owned(), journal: n, change: 0, hour: 0 };
        to.commands.try_send(Event::Command(command)).unwrap();
        for arrival in batch(n) {
            assert!(to.arrivals.try_send(arrival).is_ok());
        }
        waiting.drain(&mut inbox, true);
        waiting.commit(&mut rig.intake).unwrap();
        sent = n;
        if !rig.intake.takes() {
            break;
        }
        assert_eq!(rig.receipts.try_recv().unwrap().len(), 4);
    }
    assert!(!rig.intake.takes() && waiting.is_ready(false), "the command waits");
    rig.intake.state.writer.leave_pages(None);
    waiting.commit(&mut rig.intake).unwrap();
    let reader = crate::store::Reader::open(dir.path()).unwrap();
    assert_eq!(
        reader.cursor("main").unwrap().journal,
        sent,
        "there is room for what is not a message"
    );
    assert!(!waiting.is_ready(false) && rig.receipts.try_recv().is_err());
    assert!(rig.intake.disk.look(Instant::now() + TURN_MAX), "there is room again");
    waiting.commit(&mut rig.intake).unwrap();
    assert_eq!(rig.receipts.try_recv().unwrap().len(), 4, "each message once");
    assert!(!waiting.is_ready(true));
}
