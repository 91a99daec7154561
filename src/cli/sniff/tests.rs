use super::*;
use crate::air::Stamp;
use crate::config::presets::builtin;

const RECEIVED: Stamp = Stamp(1_767_582_300_000);

fn sniffed(messages: &[(&str, &str)]) -> String {
    let mut traffic = Traffic::default();
    for (topic, payload) in messages {
        traffic.hear(topic.as_bytes(), payload.as_bytes(), false);
    }
    let found = recognise::recognise(&traffic, builtin().unwrap(), RECEIVED);
    let report = report::Report::of(&traffic, filters::filters(&found), RECEIVED).unwrap();
    let mut out = Vec::new();
    report.write("host:1883", &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[track_caller]
fn has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
}

#[test]
fn formats_are_known_by_their_topics() {
    let text = sniffed(&[
        ("airgradient/readings/84fce602549c", r#"{"serialno": "84fce602549c", "pm02": 7}"#),
        ("zigbee2mqtt/hall", r#"{"pm25": 4}"#),
        ("garden/sensor/pm_2_5/state", "12"),
        ("esp8266-vindriktning-particle-sensor/V-1/state", r#"{"pm25": 6}"#),
        ("garden/status", "online"),
    ]);
    has(
        &text,
        &[
            r#"{ topic = "airgradient/readings/{device}", format = "airgradient" },"#,
            r#"{ topic = "zigbee2mqtt/{device}", format = "zigbee2mqtt" },"#,
            r#"{ topic = "{device}/sensor/{quantity}/state", format = "esphome" },"#,
            r#"{ topic = "esp8266-vindriktning-particle-sensor/{device}/state", format = "vindriktning-esp8266" },"#,
            "reads about 80 % of the messages (4 of 5)",
            "#   garden/status  (1): no number of a known quantity",
        ],
    );
}

#[test]
fn a_body_that_can_be_nothing_else_is_known_on_any_topic() {
    let text = sniffed(&[(
        "my/bridge/a",
        r#"{"SensorId": "aa:bb", "DateTime": "2026/01/05T03:04:05z", "pm2_5_atm": 3}"#,
    )]);
    has(&text, &[r#"{ topic = "my/"#, r#"format = "purpleair""#, "about 100 %"]);
}

#[test]
fn what_nobody_has_seen_before_is_mapped_by_usual_names() {
    let text = sniffed(&[
        (
            "air/seoul/s1",
            r#"{"time": "2026-01-05T03:04:05Z", "pm2_5": 3, "inner": {"temp": "4.5"}}"#,
        ),
        (
            "air/seoul/s2",
            r#"{"time": "2026-01-05T03:04:05Z", "pm2_5": 5, "inner": {"temp": "4.5"}}"#,
        ),
        ("roof/a/PM10", "12"),
        ("roof/a/humidity", "41.5"),
    ]);
    has(
        &text,
        &[
            r#"{ topic = "air/seoul/{device}", format = "json", time = "/time", values = { pm2_5 = "/pm2_5", temperature = "/inner/temp" } },"#,
            r#"{ topic = "roof/{device}/{quantity}", format = "plain" },"#,
            "reads about 100 %",
        ],
    );
}

#[test]
fn junk_is_left_with_a_reason_and_without_its_content() {
    let key = "a8f5f167f44f4964e6c998dee827110c";
    let text = sniffed(&[
        (&format!("up/{key}/json"), r#"{"password": "hunter2", "brightness": 7}"#),
        (&format!("air/{key}/pm10"), "7"),
        ("cam/image", "\u{1}\u{2}hunter2"),
        ("lamp", r#"{"pm10": "#),
    ]);
    assert!(!text.contains("hunter2") && !text.contains(key), "{text}");
    has(
        &text,
        &[
            "#   up/…/json  (1): JSON without a quantity that is known; it has: brightness, password",
            r#"{ topic = "air/+/{quantity}", format = "plain" },"#,
            "left are 3 topics",
        ],
    );
}

#[test]
fn what_discovery_messages_describe_is_read_with_them() {
    let config = |topic: &str, class: &str| {
        format!(
            r#"{{"stat_t": "{topic}", "dev_cla": "{class}", "unit_of_meas": "µg/m³", "dev": {{"ids": ["lounge-1"]}}}}"#
        )
    };
    let text = sniffed(&[
        ("homeassistant/sensor/lounge/pm25/config", &config("lounge/a", "pm25")),
        ("homeassistant/sensor/lounge/pm10/config", &config("lounge/b", "pm10")),
        ("homeassistant/switch/lamp/config", r#"{"stat_t": "lamp/state"}"#),
        ("lounge/a", "7"),
        ("lounge/b", "9"),
        ("lamp/state", "ON"),
        ("elsewhere/c", "11"),
    ]);
    has(
        &text,
        &[
            r#"{ topic = "homeassistant/+/+/+/config", format = "ha-discovery" },"#,
            r#"{ topic = "homeassistant/+/+/config", format = "ha-discovery" },"#,
            r#"{ topic = "lounge/+", format = "ha-discovery" },"#,
            "(2 of 7); 3 are housekeeping",
            "left are 2 topics",
        ],
    );
    // Where nothing else needs them, descriptions are not asked for.
    let text = sniffed(&[
        ("homeassistant/sensor/hall/config", &config("zigbee2mqtt/hall", "pm25")),
        ("zigbee2mqtt/hall", r#"{"pm25": 4}"#),
    ]);
    has(&text, &[r#"{ topic = "zigbee2mqtt/{device}", format = "zigbee2mqtt" },"#]);
    assert!(!text.contains("ha-discovery"), "{text}");
}

#[test]
fn a_silent_broker_gives_an_empty_block() {
    has(&sniffed(&[]), &["subscribe = [\n]", "reads about 0 % of the messages (0 of 0)"]);
}
