use super::payload::write::{metric, payload, unit};
use super::wire::write::{bytes, double, float, number};
use crate::decode::fixture::{Talk, short};

const AT: u64 = 1_700_000_000_000;

fn talk() -> Talk {
    Talk::new("spBv1.0/#", "sparkplug-b")
}

/// A metric of a birth: name, alias, a float and a unit.
fn born(name: &str, alias: u64, value: f32, in_unit: &str) -> Vec<u8> {
    metric(&[
        bytes(1, name.as_bytes()),
        number(2, alias),
        number(4, 9),
        unit(in_unit),
        float(12, value),
    ])
}

/// A metric of data: the alias and a float.
fn data(alias: u64, value: f32) -> Vec<u8> {
    metric(&[number(2, alias), float(12, value)])
}

fn node_birth(birth: u64) -> Vec<u8> {
    let birth = metric(&[bytes(1, b"bdSeq"), number(4, 4), number(11, birth)]);
    let control = metric(&[bytes(1, b"Node Control/Rebirth"), number(14, 0)]);
    payload(AT, 0, &[birth, control])
}

fn device_birth(seq: u64) -> Vec<u8> {
    payload(AT, seq, &[born("Air/PM2_5", 1, 8.25, "ug/m3"), born("Air/Temperature", 2, 68.0, "°F")])
}

const DBIRTH: &str = "spBv1.0/plant/DBIRTH/edge/aq";
const DDATA: &str = "spBv1.0/plant/DDATA/edge/aq";
const AT_TEXT: &str = "plant/edge/aq@2023-11-14T22:13:20Z:";

#[test]
fn a_birth_gives_its_values_and_the_meaning_of_the_aliases() {
    let mut talk = talk();
    let birth = short(&talk.hear("spBv1.0/plant/NBIRTH/edge", node_birth(3)));
    assert_eq!(birth, "ignored: described");
    let birth = short(&talk.hear(DBIRTH, device_birth(1)));
    assert_eq!(birth, format!("{AT_TEXT} pm2_5=8.25 temperature=20"));
    let more = short(&talk.hear(DDATA, payload(AT, 2, &[data(1, 12.3), data(2, 50.0)])));
    assert_eq!(more, format!("{AT_TEXT} pm2_5=12.3 temperature=10"));
}

#[test]
fn data_before_their_birth_are_not_described_yet() {
    let mut talk = talk();
    let early = payload(AT, 9, &[data(1, 12.5)]);
    assert_eq!(short(&talk.hear(DDATA, &early)), "malformed: not_described_yet");
    let named = metric(&[bytes(1, b"Air/Temperature"), float(12, 68.0)]);
    let named = payload(AT, 10, &[named]);
    assert_eq!(short(&talk.hear(DDATA, named)), "malformed: not_described_yet", "in which unit?");
    talk.hear(DBIRTH, device_birth(11)).unwrap();
    assert_eq!(
        short(&talk.hear(DDATA, payload(AT, 12, &[data(1, 12.5)]))),
        format!("{AT_TEXT} pm2_5=12.5")
    );
}

#[test]
fn a_metric_that_is_none_of_the_air_needs_no_birth() {
    let voltage = metric(&[bytes(1, b"Supply Voltage"), float(12, 11.9)]);
    let result = short(&talk().hear("spBv1.0/plant/NDATA/edge", payload(AT, 2, &[voltage])));
    assert_eq!(result, "plant/edge: nothing\nleft out Supply Voltage not an air quantity");
}

#[test]
fn a_death_makes_births_void() {
    for (death, is_void) in [
        ("spBv1.0/plant/NDEATH/edge", true),
        ("spBv1.0/plant/DDEATH/edge/aq", true),
        ("spBv1.0/plant/DDEATH/edge/other", false),
        ("spBv1.0/plant/NDEATH/edgar", false),
        ("spBv1.0/plant/NBIRTH/edge", true),
    ] {
        let mut talk = talk();
        let _ = talk.hear("spBv1.0/plant/NBIRTH/edge", node_birth(3));
        talk.hear(DBIRTH, device_birth(1)).unwrap();
        let _ = talk.hear(death, node_birth(3));
        let after = short(&talk.hear(DDATA, payload(AT, 1, &[data(1, 12.5)])));
        assert_eq!(after == "malformed: not_described_yet", is_void, "{death}: {after}");
    }
}

#[test]
fn the_late_will_of_an_earlier_connection_ends_nothing() {
    let mut talk = talk();
    let _ = talk.hear("spBv1.0/plant/NBIRTH/edge", node_birth(4));
    talk.hear(DBIRTH, device_birth(1)).unwrap();
    let will = short(&talk.hear("spBv1.0/plant/NDEATH/edge", node_birth(3)));
    assert_eq!(will, "ignored: described");
    assert!(talk.hear(DDATA, payload(AT, 2, &[data(1, 12.5)])).is_ok());
}

#[test]
fn a_gap_in_the_numbers_is_noted_once_and_a_repeat_is_none() {
    let mut talk = talk();
    let _ = talk.hear("spBv1.0/plant/NBIRTH/edge", node_birth(4));
    talk.hear(DBIRTH, device_birth(1)).unwrap();
    let mut next = |seq| short(&talk.hear(DDATA, payload(AT, seq, &[data(1, 12.5)])));
    let good = format!("{AT_TEXT} pm2_5=12.5");
    assert_eq!([next(2), next(2)], [good.clone(), good.clone()]);
    let noted = "left out seq 255 follows 2: messages of this edge node were lost";
    assert_eq!(next(255), format!("{good}\n{noted}"));
    assert_eq!(next(0), good, "0 follows 255");
    // Another device of the same node has the next number.
    let other = talk.hear("spBv1.0/plant/DBIRTH/edge/b", device_birth(1)).unwrap();
    assert!(other.skipped.is_empty());
}

#[test]
fn an_alias_of_another_type_is_not_believed() {
    let mut talk = talk();
    talk.hear(DBIRTH, device_birth(0)).unwrap();
    let other = metric(&[number(2, 1), number(4, 3), number(10, 7)]);
    let result = short(&talk.hear(DDATA, payload(AT, 1, &[other, data(7, 1.0)])));
    assert_eq!(
        result,
        "plant/edge/aq: nothing\n\
         left out Air/PM2_5 of type 3, but 9 in the birth: not the same metric\n\
         left out alias 7 not an air quantity of the last birth"
    );
}

#[test]
fn two_metrics_of_one_quantity_stay_apart() {
    let mut talk = talk();
    let birth = [born("In/PM10", 1, 1.0, "µg/m³"), born("Out/PM10", 2, 0.002, "mg/m³")];
    let birth = short(&talk.hear(DBIRTH, payload(AT, 0, &birth)));
    assert_eq!(birth, format!("{AT_TEXT} pm10=1 pm10__ch_Out/PM10=2"));
}

#[test]
fn the_metrics_own_time_counts_more_and_missing_values_are_left_out() {
    let mut talk = talk();
    talk.hear(DBIRTH, device_birth(0)).unwrap();
    let old = metric(&[number(2, 1), number(3, AT - 60_000), double(13, 5.0)]);
    let null = metric(&[number(2, 2), number(7, 1)]);
    let result = short(&talk.hear(DDATA, payload(AT, 1, &[data(1, 6.0), old, null])));
    assert_eq!(
        result,
        format!(
            "plant/edge/aq@2023-11-14T22:12:20Z: pm2_5=5\n{AT_TEXT} pm2_5=6\n\
             left out Air/Temperature null: no reading"
        )
    );
}

#[test]
fn commands_states_and_foreign_topics_are_housekeeping() {
    for topic in [
        "spBv1.0/plant/NCMD/edge",
        "spBv1.0/plant/DCMD/edge/aq",
        "spBv1.0/STATE/host",
        "spBv1.0/plant/NDATA/edge/aq",
        "spBv1.0/plant/DDATA/edge",
        "spBv1.0/plant/DDATA/edge/aq/more",
        "spBv1.0",
    ] {
        assert_eq!(short(&talk().hear(topic, b"x")), "ignored: housekeeping", "{topic}");
    }
    assert_eq!(short(&talk().hear(DDATA, b"")), "ignored: empty");
    assert_eq!(short(&talk().hear(DDATA, b"{\"a\":1}")), "malformed: not_protobuf");
}

/// Topics and payloads of an edge node with a device, from birth to death.
pub fn talk_of_a_device() -> Vec<(String, Vec<u8>)> {
    let said = |topic: &str, payload: Vec<u8>| (topic.to_owned(), payload);
    vec![
        said("spBv1.0/plant/NBIRTH/edge", node_birth(4)),
        said(DBIRTH, device_birth(1)),
        said(DDATA, payload(AT, 2, &[data(1, 12.5), data(2, 50.0)])),
        said(DDATA, payload(AT + 1, 3, &[data(1, 13.5), data(9, 1.0)])),
        said("spBv1.0/plant/NDEATH/edge", node_birth(4)),
    ]
}
