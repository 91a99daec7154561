//! What readings are worth, judged by what came before, over restarts and in zones.

use super::rig::{Rig, START, ZONE, minute, settings};
use dustline::air::{Hour, Quantity};
use dustline::store::{DeviceId, RowKind};

fn rig(extra: &str) -> (tempfile::TempDir, Rig) {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path(), extra);
    (dir, Rig::open(settings, START))
}

/// Flag and reasons of every stored value, in the order of storing.
fn flags(rig: &Rig) -> Vec<String> {
    let rows = rig.reader().journal(0, 10_000).unwrap().into_iter();
    let values = rows.filter_map(|row| match row.kind {
        RowKind::Arrival(arrival) => Some(arrival.values),
        _ => None,
    });
    values
        .flatten()
        .map(|m| format!("{}{} {}", m.value.label.suffix(), m.flag.code(), m.reasons))
        .map(|text| text.trim().to_owned())
        .collect()
}

#[test]
fn a_frozen_series_is_found_stuck_although_the_process_was_killed_in_between() {
    let (_dir, mut rig) = rig("");
    for n in 0..12 {
        rig.pm25("a", minute(n * 30), 31.0);
    }
    rig = rig.killed(minute(345));
    for n in 12..22 {
        rig.pm25("a", minute(n * 30), 31.0);
    }
    let flags = flags(&rig);
    assert!(flags[..19].iter().all(|f| f == "1"), "{flags:?}");
    assert_eq!(flags[19..], ["3 stuck", "3 stuck", "3 stuck"]);
}

#[test]
fn a_batch_in_one_message_is_judged_reading_by_reading() {
    let (_dir, mut rig) = rig("[quality]\nspike = { counts = false }");
    let batch = [20.0, 21.0, 500.0, 22.0, 480.0, 490.0];
    for (n, value) in (0..).zip(batch) {
        rig.pm25("a", minute(n * 2), value);
    }
    assert_eq!(flags(&rig), ["1", "1", "3 spike", "1", "3 spike", "1"]);
    // The same again changes nothing: a repeat is no confirmation.
    rig.pm25("a", minute(8), 480.0);
    assert_eq!(flags(&rig).len(), 6);
}

#[test]
fn a_station_far_from_its_neighbours_is_named_until_it_agrees_again_and_counts() {
    let (_dir, mut rig) = rig(ZONE);
    let hour = |rig: &mut Rig, hour: i64, odd: f64| {
        for m in 0..4 {
            let at = minute(hour * 60 + m * 15 + 1);
            for (station, value) in
                [("a", 20.0), ("b", 22.0), ("c", 18.0), ("d", 21.0), ("e", 19.0), ("f", odd)]
            {
                rig.pm25(station, at, value + m as f64);
            }
        }
    };
    hour(&mut rig, 0, 150.0);
    hour(&mut rig, 1, 150.0);
    let named = |rig: &Rig| {
        let all = rig.reader().conditions().unwrap().into_iter();
        let stations = all.filter(|(kind, ..)| kind == "station_disagrees");
        stations.map(|(kind, subject, ..)| format!("{kind} {subject}")).collect::<Vec<_>>()
    };
    assert_eq!(named(&rig), ["station_disagrees seoul/pm2_5/f"]);
    let zone = rig.reader().zone_hours_page(
        "seoul",
        Quantity::Pm2_5,
        (Hour(i32::MIN), Hour(i32::MAX)),
        true,
        1,
    );
    assert_eq!(zone.unwrap()[0].stations, 6, "its mean counts as before");
    rig = rig.killed(minute(119));
    assert_eq!(named(&rig).len(), 1);
    hour(&mut rig, 2, 22.0);
    hour(&mut rig, 3, 22.0);
    hour(&mut rig, 4, 22.0);
    assert!(named(&rig).is_empty());
}

const CORRECTED: &str = r#"
[[source]]
name = "second"
url = "mqtt://127.0.0.1:1884"
client_id = "test"
silent_after = "0s"
model = "pms5003"
quality = { humidity = { above = 80, counts = false } }
corrections = ["us-epa-2021-atm"]
subscribe = [{ topic = "air/{device}", format = "json", time = "/time", values = { pm2_5 = "/pm", humidity = "/rh" } }]
"#;

#[test]
fn a_source_has_its_own_policy_model_and_corrections() {
    let (_dir, mut rig) = rig(CORRECTED);
    let mut send = |n: i64, pm: f64, rh: f64| {
        let body = format!(r#"{{"time":"{}","pm":{pm},"rh":{rh}}}"#, minute(n));
        let mut arrival = rig.arrival("air/p", &body, minute(n));
        arrival.source = dustline::flow::SourceId(1);
        arrival.receipt = None;
        rig.turn(vec![dustline::flow::Event::Arrival(arrival)]);
    };
    send(0, 100.0, 50.0);
    send(20, 600.0, 90.0);
    send(20, 600.0, 90.0);
    let corrected = "__us_epa_2021_atm";
    let wanted =
        ["1", "1", &format!("{corrected}1"), "3 humid,over_scale", "1", &format!("{corrected}3")];
    let mut found = flags(&rig);
    for text in &mut found {
        *text = text.trim().to_owned();
    }
    assert_eq!(found, wanted, "a repeat brings no correction anew");
    let reader = rig.reader();
    assert_eq!(reader.device_name(DeviceId(1)), "p");
    assert_eq!(rig.ledger().readings.duplicate, 3);
}
