//! The generic mapping, as an operator writes it.

use super::*;
use crate::air::Stamp;
use crate::decode::{Decoded, Refused};
use crate::decode::{Memory, Message, Route, shown};
use proptest::prelude::*;

/// When messages come in: 2026-01-05T03:05:00Z.
const RECEIVED: Stamp = Stamp(1_767_582_300_000);

fn routes(entry: &str) -> Vec<Route> {
    let text = format!(
        "[[source]]\nname = \"s\"\nurl = \"mqtt://127.0.0.1\"\nclient_id = \"c\"\nsubscribe = [{entry}]"
    );
    let loaded = Shelf::default().parse(&text).unwrap_or_else(|f| panic!("{:#?}", self::shown(&f)));
    loaded.settings.sources[0].routes.clone()
}

fn decode(routes: &[Route], m: &Message) -> Result<Decoded, Refused> {
    crate::decode::decode(routes, m, &Memory::default()).outcome
}

fn read(routes: &[Route], topic: &str, payload: &str) -> String {
    let payload = payload.as_bytes();
    let message = Message { topic, payload, retained: false, received: RECEIVED };
    shown::lines(&decode(routes, &message)).join("\n")
}

/// What a `json` subscription to `#` with these keys makes of a message.
fn json(keys: &str, topic: &str, payload: &str) -> String {
    read(&routes(&format!("{{ topic = \"#\", format = \"json\", {keys} }}")), topic, payload)
}

/// Asserts that such a subscription has this one fault, which points at `place`.
fn fault(keys: &str, place: &str, path: &str, message: &str) {
    let entry = format!("{{ topic = \"{{device}}\", format = \"json\", {keys} }}");
    let line = format!("subscribe = [{entry}]");
    let column = line.rfind(place).unwrap() + 1;
    let text =
        format!("[[source]]\nname = \"s\"\nurl = \"mqtt://127.0.0.1\"\nclient_id = \"c\"\n{line}");
    check(&text, &[&format!("5:{column}: source[0].subscribe[0].{path}: {message}")]);
}

#[test]
fn names_with_dots_and_colons_and_empty_levels_are_no_hindrance() {
    let keys =
        r#"values = { pm2_5 = "/pm2.5", temperature = "/temperature:0/tC", pm10 = "/a~1b" }"#;
    let entry = format!("{{ topic = \"/{{device}}/sensor/\", format = \"json\", {keys} }}");
    let payload = r#"{"pm2.5": 3, "temperature:0": {"tC": 4}, "a/b": 5}"#;
    assert_eq!(read(&routes(&entry), "/x/sensor/", payload), "x: pm2_5=3 temperature=4 pm10=5");
}

#[test]
fn an_array_and_the_names_in_an_object_repeat() {
    let keys = r#"each = "/devices/{device}/*", time = "/ts", values = { pm10 = "/v/dust" }"#;
    let payload = r#"{"devices": {
        "a": [{"ts": 1767582245, "v": {"dust": 1}}, {"ts": 1767582246, "v": {"dust": 2}}, 5],
        "b": [{"ts": 1767582245, "v": {"dust": "x"}}]}}"#;
    let expected = "a@2026-01-05T03:04:05Z: pm10=1\na@2026-01-05T03:04:06Z: pm10=2\n\
                    left out /devices/b/0/v/dust";
    assert_eq!(json(keys, "t", payload), expected);
}

#[test]
fn pairs_of_name_and_value_come_together_again() {
    let keys = r#"each = "/list/*", device = "^/id", time = "^/at", name = "/n", value = "/v",
        quantities = { P1 = "pm10", T = { quantity = "temperature", unit = "degF", missing = [-99] } }"#
        .replace('\n', " ");
    let payload = r#"{"id": 7, "at": "2026-01-05T03:04:05Z", "list": [
        {"n": "p1", "v": "0012.5"}, {"n": "T", "v": 50}, {"n": "T", "v": "-99.0"}, {"n": "?"}]}"#;
    let expected = "7@2026-01-05T03:04:05Z: pm10=12.5 temperature=10\nleft out /list/2/v";
    assert_eq!(json(&keys, "t", payload), expected);
}

#[test]
fn an_entry_without_a_device_does_not_drop_the_others() {
    let keys = r#"each = "/*", device = "/id", values = { pm10 = "/v" }"#;
    let payload = r#"[{"v": 1}, {"id": "b", "v": 2}]"#;
    assert_eq!(json(keys, "t", payload), "b: pm10=2\nleft out /0");
    assert_eq!(json(keys, "t", r#"[{"v": 1}]"#), "malformed: no_device");
    assert_eq!(json(keys, "t", "[]"), "malformed: nothing_mapped");
}

#[test]
fn what_means_no_reading_is_told_for_all_or_for_one_and_by_the_sender() {
    let keys = r#"missing = [65535, "FAIL"], values = {
        pm1 = "/a", pm2_5 = { pointer = "/b", missing = ["0.00"] },
        pm10 = { pointer = "/c", status = { pointer = "/ok", is = [1, "good"] } },
        co2 = { pointer = "/d", status = { pointer = "/bad", is_not = [true] } } }"#
        .replace('\n', " ");
    let read = |payload| json(&keys, "t", payload);
    let out = |paths: [&str; 4]| {
        let lines = paths.iter().filter(|p| !p.is_empty()).map(|p| format!("\nleft out {p}"));
        lines.collect::<String>()
    };
    let all = read(r#"{"a": "65535", "b": "0.00", "c": 5, "ok": 0, "d": 6, "bad": true}"#);
    assert_eq!(all, format!("t: nothing{}", out(["/a", "/b", "/c", "/d"])));
    let some = read(r#"{"a": "FAIL", "b": 0, "c": 5, "ok": "1", "d": 6, "bad": false}"#);
    assert_eq!(some, format!("t: pm2_5=0 pm10=5 co2=6{}", out(["/a", "", "", ""])));
    assert_eq!(read(r#"{"c": 5, "ok": null, "d": 6}"#), "t: pm10=5 co2=6");
}

#[test]
fn units_are_converted_after_factor_and_offset() {
    let keys =
        r#"values = { temperature = { pointer = "/t", factor = 0.1, offset = 1, unit = "K" },
        humidity = { pointer = "/h", unit = "1" }, pm10 = { pointer = "/p", unit_at = "/u" } }"#
            .replace('\n', " ");
    let read = |payload| json(&keys, "t", payload);
    assert_eq!(
        read(r#"{"t": "2921.5", "h": 0.4, "p": 0.5, "u": "mg/m³"}"#),
        "t: temperature=20 humidity=40 pm10=500"
    );
    assert_eq!(read(r#"{"p": 0.5, "u": "ppm"}"#), "t: pm10=0.5\nleft out /u");
}

#[test]
fn a_time_is_absolute_relative_or_the_first_that_can_be_read() {
    let at = |keys: &str, payload: &str| {
        let result = json(&format!("{keys}, values = {{ pm10 = \"/v\" }}"), "t", payload);
        result.split(": ").next().unwrap().trim_start_matches("t@").to_owned()
    };
    let seoul = r#"time = "/t", time_zone = "Asia/Seoul""#;
    assert_eq!(at(seoul, r#"{"v": 1, "t": "2026/01/04 24:00"}"#), "2026-01-04T15:00:00Z");
    assert_eq!(at(seoul, r#"{"v": 1, "t": "20260105T120405"}"#), "2026-01-05T03:04:05Z");
    let two = r#"time = ["/a", "/b"]"#;
    let payload = r#"{"v": 1, "a": "never", "b": "2026-01-05T03:00:00Z/2026-01-05T03:04:05Z"}"#;
    assert_eq!(at(two, payload), "2026-01-05T03:04:05Z");
    let age = r#"time = "/age", time_base = "arrival""#;
    assert_eq!(at(age, r#"{"v": 1, "age": -55}"#), "2026-01-05T03:04:05Z");
    let base = r#"time = "/d", time_unit = "ms", time_base = "/b""#;
    assert_eq!(at(base, r#"{"v": 1, "b": 1767582245, "d": "500"}"#), "2026-01-05T03:04:05.5Z");
    assert_eq!(at(base, r#"{"v": 1, "d": 1e300}"#), "t");
}

#[test]
fn documents_inside_texts_are_opened() {
    let keys = r#"unwrap = { "/a/b" = "json", "/c" = "base64" }, device = "/c/id", values = { pm10 = "/a/b/0/x" }"#;
    let payload = r#"{"a": {"b": "[{\"x\": 4}]"}, "c": "eyJpZCI6ICJub2RlIn0"}"#;
    assert_eq!(json(keys, "t", payload), "malformed: no_device", "the padding is missing");
    let payload = r#"{"a": {"b": "[{\"x\": 4}]"}, "c": "eyJpZCI6ICJub2RlIn0="}"#;
    assert_eq!(json(keys, "t", payload), "node: pm10=4");
}

#[test]
fn a_path_in_the_document_names_device_and_quantity() {
    let keys = r#"path = { pointer = "/to", pattern = ["/+/{device}/{quantity}", "{device}/{quantity}"] }, value = "/con""#;
    assert_eq!(json(keys, "t", r#"{"to": "/m/roof/pm25", "con": "7"}"#), "roof: pm2_5=7");
    assert_eq!(json(keys, "t", r#"{"to": "roof/CO2", "con": 7}"#), "roof: co2=7");
    assert_eq!(json(keys, "t", r#"{"to": "roof/door", "con": 7}"#), "malformed: nothing_mapped");
}

#[test]
fn an_identity_is_put_together() {
    let who = |device: &str| {
        let keys = format!("device = {device}, values = {{ pm10 = \"/v\" }}");
        let payload = r#"{"v": 1, "from": 48879, "mac": "5a00000000ff"}"#;
        json(&keys, "475/AB1/status", payload).split(": ").next().unwrap().to_owned()
    };
    assert_eq!(who(r#""{1}/{2}""#), "475/AB1");
    assert_eq!(who(r#""!{/from|hex8}""#), "!0000beef");
    assert_eq!(who(r#"["/none", "{/mac|mac}"]"#), "5A:00:00:00:00:FF");
    assert_eq!(who(r#""{device}""#), "475/AB1/status");
    assert_eq!(who(r#""roof""#), "roof");
}

#[test]
fn labels_keep_numbers_of_one_quantity_apart() {
    let keys = r#"each = "/{channel}", values = { pm10 = ["/raw", { pointer = "/cf1", variant = "cf1" }] }, device = "d""#;
    let payload = r#"{"A": {"raw": 1, "cf1": 2}, "B": {"raw": 3}}"#;
    assert_eq!(json(keys, "t", payload), "d: pm10__ch_A=1 pm10__ch_A__cf1=2 pm10__ch_B=3");
}

#[test]
fn a_packet_that_several_gateways_report_is_read_once() {
    let keys = "device = \"/from\", once = [\"/id\", \"/part\"], values = { pm10 = \"/v\" }";
    let routes = routes(&format!("{{ topic = \"#\", format = \"json\", {keys} }}"));
    let mut memory = Memory::default();
    let mut hear = |payload: &str| {
        let payload = payload.as_bytes();
        let m = Message { topic: "t", payload, retained: false, received: RECEIVED };
        let heard = crate::decode::decode(&routes, &m, &memory);
        memory.learn(heard.noted);
        shown::lines(&heard.outcome).join("\n")
    };
    assert_eq!(hear(r#"{"from": 1, "id": 7, "part": 0, "v": 5}"#), "1: pm10=5");
    assert_eq!(hear(r#"{"from": 1, "id": 7, "part": 0, "v": 5, "rssi": 3}"#), "ignored: repeated");
    assert_eq!(hear(r#"{"from": 1, "id": 7, "part": 1, "v": 5}"#), "1: pm10=5");
    assert_eq!(hear(r#"{"from": 2, "id": 7, "part": 0, "v": 5}"#), "2: pm10=5");
    assert_eq!(hear(r#"{"from": 1, "id": 7, "v": 5}"#), "1: pm10=5", "without an id all are read");
    for id in 8..30 {
        hear(&format!(r#"{{"from": 1, "id": {id}, "part": 0, "v": 5}}"#));
    }
    assert_eq!(hear(r#"{"from": 1, "id": 29, "part": 0, "v": 5}"#), "ignored: repeated");
    assert_eq!(hear(r#"{"from": 1, "id": 7, "part": 0, "v": 5}"#), "1: pm10=5", "long ago");
}

#[test]
fn what_looks_like_a_reading_can_be_named_as_none() {
    let keys = r#"leave_out = { "/aqi" = "an index" }, values = { pm10 = "/v" }"#;
    assert_eq!(json(keys, "t", r#"{"v": 1, "aqi": 50}"#), "t: pm10=1\nleft out /aqi");
}

#[test]
fn what_the_broker_remembers_is_taken_or_not() {
    let read = |policy: &str, retained| {
        let keys = "values = { pm10 = \"/v\" }";
        let entry =
            format!("{{ topic = \"#\", format = \"json\", retained = \"{policy}\", {keys} }}");
        let payload = br#"{"v": 1}"#;
        let message = Message { topic: "t", payload, retained, received: RECEIVED };
        shown::lines(&decode(&routes(&entry), &message)).join("\n")
    };
    assert_eq!(read("never", true), "ignored: retained");
    assert_eq!(read("never", false), "t: pm10=1");
    assert_eq!(read("timed", true), "t: pm10=1");
}

/// Which series stand for the main values of these messages, in one source.
fn stand_ins(entry: &str, messages: &[(&str, &str)]) -> Vec<String> {
    let routes = routes(entry);
    let mut memory = Memory::default();
    let mut all = Vec::new();
    for (topic, payload) in messages {
        let payload = payload.as_bytes();
        let m = Message { topic, payload, retained: false, received: RECEIVED };
        let heard = crate::decode::decode(&routes, &m, &memory);
        let main = heard.outcome.unwrap().main;
        all.push(main.map_or("none".to_owned(), |s| format!("{:?} {}", s.channels, s.variant)));
        memory.learn(heard.noted);
    }
    all
}

#[test]
fn the_main_value_is_what_the_subscription_says_else_the_preset() {
    let air = [("purpleair/x", r#"{"SensorId": "x", "pm2_5_atm": 7}"#)];
    let of =
        |more: &str| stand_ins(&format!("{{ topic = \"#\", format = \"purpleair\"{more} }}"), &air);
    assert_eq!(of(""), [r#"["A", "B"] "#]);
    assert_eq!(of(", main = { channels = \"B\", variant = \"cf1\" }"), [r#"["B"] cf1"#]);
    assert_eq!(of(", main = { variant = \"cf1\" }"), [r#"[""] cf1"#]);
    assert_eq!(of(", main = \"none\""), ["none"]);
    assert_eq!(
        stand_ins(
            "{ topic = \"zigbee2mqtt/+\", format = \"zigbee2mqtt\" }",
            &[("zigbee2mqtt/a", r#"{"pm25":1}"#)]
        ),
        ["none"]
    );
}

#[test]
fn the_channel_that_is_heard_first_stays_the_main_one() {
    let entry = "{ topic = \"#\", format = \"espeasy\" }";
    let messages = [
        ("u1/SDS/PM2.5", "8"),
        ("u1/PMS/PM2.5", "7"),
        ("u1/PMS/PM1", "3"),
        ("u2/PMS/PM2.5", "7"),
        ("u1/SDS/PM2.5", "9"),
    ];
    let (sds, pms) = (r#"["SDS"] "#, r#"["PMS"] "#);
    assert_eq!(stand_ins(entry, &messages), [sds, "none", pms, pms, sds]);
}

#[test]
fn faults_of_a_mapping_point_at_their_place() {
    for (keys, place, path, message) in [
        (
            "values = { pm10 = { pointer = \"/a\", unit = \"ppm\" } }",
            "\"ppm\"",
            "values.pm10.unit",
            "found \"ppm\", expected a unit of pm10: ug/m3, ng/m3, mg/m3, g/m3, kg/m3",
        ),
        (
            "each = \"/a/b\", values = { pm10 = \"/a\" }",
            "\"/a/b\"",
            "each",
            "found \"/a/b\", expected places that repeat; it names one place only; write `*` or a name in braces for the level that repeats",
        ),
        (
            "device = \"{/id|hexx}\", values = { pm10 = \"/a\" }",
            "\"{/id|hexx}",
            "device",
            "found \"{/id|hexx}\", expected a device; `hexx` is no form; known: hex8, mac",
        ),
        (
            "unwrap = { \"/a\" = \"base46\" }, values = { pm10 = \"/a\" }",
            "\"base46\"",
            "unwrap.\"/a\"",
            "found \"base46\", expected \"json\" or \"base64\"; did you mean `base64`?",
        ),
        (
            "value = \"/v\"",
            "{ topic",
            "value",
            "nothing says what it is; add name = \"/…\", quantity = \"…\", or {quantity} in topic, each or path",
        ),
        (
            "name = \"/n\", values = { pm10 = \"/a\" }",
            "\"/n\"",
            "name",
            "needs value beside it; such as value = \"/value\"",
        ),
        (
            "main = \"frist\", values = { pm10 = \"/a\" }",
            "\"frist\"",
            "main",
            "found \"frist\", expected \"first\" or \"none\"; did you mean `first`?",
        ),
        (
            "time_base = \"arrival\", values = { pm10 = \"/a\" }",
            "\"arrival\"",
            "time_base",
            "needs time beside it; such as time = \"/time\"",
        ),
        (
            "values = { pm10 = { pointer = \"/a\", status = { pointer = \"/s\", kind = \"objekt\" } } }",
            "\"objekt\"",
            "values.pm10.status.kind",
            "found \"objekt\", expected \"object\" or \"array\" or \"scalar\"; did you mean `object`?",
        ),
    ] {
        fault(keys, place, path, message);
    }
}

proptest! {
    #[test]
    fn a_number_comes_through_any_mapping_unharmed(
        number in -1e9f64..1e9,
        depth in 0usize..4,
        quoted in any::<bool>(),
    ) {
        let value = if quoted { format!("\"{number}\"") } else { number.to_string() };
        let open: String = (0..depth).map(|i| format!("{{\"k{i}\":")).collect();
        let path: String = (0..depth).map(|i| format!("/k{i}")).collect();
        let payload = format!("{open}{{\"v\":{value}}}{}", "}".repeat(depth));
        let each = format!("each = \"{path}/*\", value = \"\", quantity = \"temperature\"");
        let fixed = format!("values = {{ temperature = \"{path}/v\" }}");
        for keys in [each, fixed] {
            let entry = format!("{{ topic = \"#\", format = \"json\", {keys} }}");
            let message = Message {
                topic: "t", payload: payload.as_bytes(), retained: false, received: RECEIVED,
            };
            let decoded = decode(&routes(&entry), &message).unwrap();
            prop_assert_eq!(decoded.observations[0].values[0].value, number);
        }
    }

    #[test]
    fn the_order_of_members_changes_nothing(order in Just(vec![0, 1, 2, 3]).prop_shuffle()) {
        let members = [r#""id":"a""#, r#""ts":1767582245"#, r#""v":{"P1":3,"P2":4}"#, r#""x":[1]"#];
        let body: Vec<&str> = order.iter().map(|i| members[*i]).collect();
        let keys = r#"each = "/v/{quantity}", value = "", device = "^/id", time = "^/ts",
            quantities = { P1 = "pm10", P2 = "pm2_5" }"#.replace('\n', " ");
        let result = json(&keys, "t", &format!("{{{}}}", body.join(",")));
        prop_assert_eq!(result, "a@2026-01-05T03:04:05Z: pm10=3 pm2_5=4");
    }

    #[test]
    fn no_document_is_too_strange_for_a_preset(
        topic in "[a-z$/]{0,12}|v1/gateway/telemetry|a/sensor/pm10/state",
        payload in r#"[\[\]{}":,a-z0-9/.\\ -]{0,60}|\{"(data|values|pc|response|sensordatavalues)":.{0,30}\}"#,
    ) {
        for preset in crate::config::presets::builtin().unwrap().values() {
            let format = crate::decode::Format::Preset(std::sync::Arc::new(preset.clone()));
            let payload = payload.as_bytes();
            let m = Message { topic: &topic, payload, retained: false, received: RECEIVED };
            let _ = format.decode(&m);
        }
    }
}
