//! Messages that say what others mean: kept with the transaction, counted under
//! their own name, and there again after a restart.

use super::rig::{Rig, START, minute, settings};
use dustline::flow::Event;
use dustline::store::RowKind;

const CONFIG: &str = "homeassistant/sensor/box/pm/config";
const STATE: &str = "states/box/pm";

fn config(quantity: &str) -> String {
    format!(
        r#"{{"stat_t":"{STATE}","dev_cla":"{quantity}","unit_of_meas":"µg/m³","dev":{{"ids":"box"}}}}"#
    )
}

fn rig() -> (tempfile::TempDir, Rig) {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), "");
    (dir, Rig::open(settings, START))
}

/// `quantity=value` of every reading.
fn readings(rig: &Rig) -> Vec<String> {
    let rows = rig.reader().journal(0, 100).unwrap().into_iter();
    let values = rows.filter_map(|row| match row.kind {
        RowKind::Arrival(arrival) => Some(arrival.values),
        _ => None,
    });
    values.flatten().map(|m| format!("{}={}", m.value.quantity, m.value.value)).collect()
}

#[test]
fn a_restart_between_description_and_data_loses_nothing() {
    let (_dir, mut rig) = rig();
    rig.take(CONFIG, &config("pm25"), minute(1));
    let mut rig = rig.killed(minute(2));
    rig.take(STATE, "12.5", minute(2));
    assert_eq!(readings(&rig), ["pm2_5=12.5"]);
    // What is said anew counts from then on, over a restart in order too.
    rig.take(CONFIG, &config("pm10"), minute(3));
    rig.intake.take().unwrap().finish().unwrap();
    let mut rig = rig.killed(minute(4));
    rig.take(STATE, "20", minute(4));
    assert_eq!(readings(&rig), ["pm2_5=12.5", "pm10=20"]);
    rig.take(CONFIG, "", minute(5));
    let mut rig = rig.killed(minute(6));
    rig.take(STATE, "21", minute(6));
    assert_eq!((rig.messages().quarantined, rig.messages().stored), (1, 2));
}

#[test]
fn every_message_of_a_talk_is_in_one_bucket_under_its_name() {
    let (_dir, mut rig) = rig();
    rig.take(STATE, "11", minute(1));
    let mut retained = rig.arrival(CONFIG, &config("pm25"), minute(2));
    retained.retained = true;
    rig.turn(vec![Event::Arrival(retained)]);
    let mut old = rig.arrival(STATE, "12", minute(3));
    old.retained = true;
    rig.turn(vec![Event::Arrival(old)]);
    rig.take(STATE, "13", minute(4));
    let messages = rig.messages();
    assert_eq!((messages.received, messages.quarantined), (4, 1));
    assert_eq!((messages.ignored, messages.stored), (2, 1));
    assert_eq!(readings(&rig), ["pm2_5=13"]);
    let aside = rig.reader().quarantine(0, 10).unwrap();
    assert_eq!(aside[0].reason, "not_described_yet");
    assert_eq!(aside[0].payload, b"11");
}

#[test]
fn a_message_that_the_broker_sends_again_teaches_nothing_anew() {
    let (_dir, mut rig) = rig();
    let first = rig.arrival(CONFIG, &config("pm25"), minute(1));
    rig.turn(vec![Event::Arrival(first.clone())]);
    rig.take(CONFIG, &config("pm10"), minute(2));
    // The first acknowledgement was lost: here it comes once more.
    let mut again = first;
    again.duplicate = true;
    rig.turn(vec![Event::Arrival(again)]);
    rig.take(STATE, "20", minute(3));
    assert_eq!(readings(&rig), ["pm10=20"]);
}
