use crate::decode::fixture::{Talk, short};

fn talk() -> Talk {
    Talk::new("#", "ha-discovery")
}

/// A configuration of a sensor, with its class, template and device.
fn sensor(class: &str, topic: &str, template: &str, device: &str) -> String {
    let unit = match class {
        "temperature" => "°C",
        _ => "µg/m³",
    };
    serde_json::json!({
        "device_class": class, "state_topic": topic, "value_template": template,
        "unit_of_measurement": unit, "device": { "identifiers": [device] },
    })
    .to_string()
}

#[test]
fn a_configuration_says_what_a_bare_number_means() {
    let mut talk = talk();
    let config = r#"{"~":"air/7","name":"PM","stat_t":"~/pm/state","dev_cla":"pm25",
        "unit_of_meas":"µg/m³","availability_topic":"~/there","dev":{"ids":"d7"}}"#;
    let mut hear = |topic: &str, text: &str| short(&talk.hear(topic, text));
    assert_eq!(hear("air/7/pm/state", "6.5"), "malformed: not_described_yet");
    assert_eq!(hear("homeassistant/sensor/d7_pm/config", config), "ignored: described");
    assert_eq!(hear("air/7/pm/state", "6.5"), "d7: pm2_5=6.5");
    let none = "d7: nothing\nleft out  unavailable: no reading";
    assert_eq!(hear("air/7/pm/state", "unavailable"), none);
    assert_eq!(hear("air/7/pm/state", "low"), "malformed: not_a_number");
    assert_eq!(hear("air/7/pm/state", ""), "ignored: empty");
    assert_eq!(hear("air/7/there", "online"), "ignored: housekeeping");
    assert_eq!(hear("air/7/elsewhere", "1"), "malformed: not_described_yet");
    assert_eq!(hear("homeassistant/status", "online"), "ignored: housekeeping");
}

#[test]
fn several_entities_share_one_state() {
    let mut talk = talk();
    for (object, class, template) in [
        ("a", "pm25", "{{ value_json.pm25 }}"),
        ("b", "pm10", "{{ value_json['pm']['10'] | float }}"),
        ("c", "temperature", "{{ value_json.t | round(1) }}"),
        ("d", "signal_strength", "{{ value_json.rssi }}"),
        ("e", "humidity", "{{ value_json.rh * 100 }}"),
    ] {
        let config = sensor(class, "z/box", template, "box");
        talk.hear(&format!("homeassistant/sensor/box/{object}/config"), config).unwrap_err();
    }
    let state = r#"{"pm25":7,"pm":{"10":"9.5"},"t":20.26,"rssi":-50,"rh":0.4}"#;
    let mut hear = |text: &str| short(&talk.hear("z/box", text));
    assert_eq!(hear(state), "box: pm2_5=7 pm10=9.5 temperature=20.3");
    assert_eq!(
        hear(r#"{"t":21,"pm25":"off"}"#),
        "box: temperature=21\nleft out /pm25 off: no reading"
    );
    assert_eq!(hear(r#"{"rssi":-50}"#), "box: nothing");
    assert_eq!(hear("{"), "malformed: not_json");
    assert_eq!(hear("17"), "malformed: not_an_object");
}

#[test]
fn what_is_not_kept_is_ignored_by_name() {
    let mut talk = talk();
    let mut hear = |topic: &str, text: &str| short(&talk.hear(topic, text));
    let config = sensor("pm25", "t/1", "{{ value_json.x / 10 }}", "d");
    assert_eq!(hear("homeassistant/sensor/a/config", &config), "ignored: unsupported_template");
    assert_eq!(hear("t/1", r#"{"x":50}"#), "ignored: unsupported_template");
    // A number entity is what somebody set, not what somebody measured.
    let config = sensor("temperature", "t/2", "", "d");
    assert_eq!(hear("homeassistant/number/b/config", &config), "ignored: described");
    assert_eq!(hear("t/2", "21"), "ignored: no_quantity");
    assert_eq!(hear("homeassistant/switch/c/config", r#"{"stat_t":"t/3"}"#), "ignored: described");
    assert_eq!(hear("t/3", "ON"), "ignored: no_quantity");
    let config = sensor("pm25", "t/+", "", "d");
    assert_eq!(hear("homeassistant/sensor/d/config", &config), "ignored: described");
    assert_eq!(hear("homeassistant/sensor/e/config", "17"), "malformed: not_an_object");
}

#[test]
fn a_configuration_that_changes_or_goes_takes_its_meaning_along() {
    let mut talk = talk();
    let mut hear = |topic: &str, text: &str| short(&talk.hear(topic, text));
    let config = "homeassistant/sensor/a/config";
    hear(config, &sensor("pm25", "t/1", "", "d"));
    hear(config, &sensor("pm10", "t/2", "", "d"));
    assert_eq!(hear("t/1", "3"), "malformed: not_described_yet");
    assert_eq!(hear("t/2", "3"), "d: pm10=3");
    assert_eq!(hear(config, ""), "ignored: empty");
    assert_eq!(hear("t/2", "3"), "malformed: not_described_yet");
}

#[test]
fn two_entities_of_one_class_stay_apart_and_the_first_stays_the_main_one() {
    let mut talk = talk();
    let mut hear = |topic: &str, text: &str| short(&talk.hear(topic, text));
    let (first, second) = (sensor("pm25", "t/1", "", "d"), sensor("pm25", "t/2", "", "d"));
    hear("homeassistant/sensor/now/config", &first);
    hear("homeassistant/sensor/mean_24h/config", &second);
    hear("homeassistant/sensor/now/config", &first);
    assert_eq!(hear("t/1", "3"), "d: pm2_5=3");
    assert_eq!(hear("t/2", "4"), "d: pm2_5__ch_mean_24h=4");
    hear("homeassistant/sensor/now/config", "");
    hear("homeassistant/sensor/mean_24h/config", &second);
    assert_eq!(hear("t/2", "4"), "d: pm2_5=4");
}

#[test]
fn the_present_value_goes_before_a_mean_in_whatever_order_they_are_described() {
    let mut talk = talk();
    let mut hear = |topic: &str, text: &str| short(&talk.hear(topic, text));
    hear("homeassistant/sensor/pm25_24h/config", &sensor("pm25", "t/day", "", "d"));
    assert_eq!(hear("t/day", "4"), "d: pm2_5=4", "the only one");
    hear("homeassistant/sensor/pm25/config", &sensor("pm25", "t/now", "", "d"));
    hear("homeassistant/sensor/pm25_avg/config", &sensor("pm25", "t/hour", "", "d"));
    assert_eq!(hear("t/now", "9"), "d: pm2_5=9");
    assert_eq!(hear("t/day", "4"), "d: pm2_5__ch_pm25_24h=4");
    assert_eq!(hear("t/hour", "5"), "d: pm2_5__ch_pm25_avg=5");
    // Quantities of a device do not disturb each other.
    hear("homeassistant/sensor/pm10/config", &sensor("pm10", "t/coarse", "", "d"));
    assert_eq!(hear("t/coarse", "12"), "d: pm10=12");
}

#[test]
fn a_device_describes_all_its_components_at_once() {
    let mut talk = talk();
    let config = r#"{"dev":{"cns":[["mac","aa:bb"]]},"stat_t":"d/state","avty":[{"t":"d/there"}],
        "cmps":{
          "fine":{"p":"sensor","dev_cla":"pm25","unit_of_meas":"mg/m³","val_tpl":"{{ value_json.f }}"},
          "warm":{"p":"sensor","dev_cla":"temperature","unit_of_meas":"°F","stat_t":"d/warm"},
          "led":{"p":"light"},"odd":7}}"#;
    let mut hear = |topic: &str, text: &str| short(&talk.hear(topic, text));
    assert_eq!(hear("homeassistant/device/x/config", config), "ignored: described");
    assert_eq!(hear("d/state", r#"{"f":0.0125}"#), "aa:bb: pm2_5=12.5");
    assert_eq!(hear("d/warm", "41"), "aa:bb: temperature=5");
    assert_eq!(hear("d/there", "online"), "ignored: housekeeping");
    assert_eq!(hear("homeassistant/device/x/config", ""), "ignored: empty");
    assert_eq!(hear("d/warm", "41"), "malformed: not_described_yet");
}

#[test]
fn an_odd_unit_is_said_and_the_number_taken_in_ours() {
    let mut talk = talk();
    for (object, unit) in [("a", r#","unit_of_measurement":"ppm""#), ("b", "")] {
        let config = format!(
            r#"{{"device_class":"pm25","state_topic":"t/{object}","unique_id":"u{object}"{unit}}}"#
        );
        let topic = format!("homeassistant/sensor/{object}/config");
        assert_eq!(short(&talk.hear(&topic, config)), "ignored: odd_unit");
        let state = short(&talk.hear(&format!("t/{object}"), "8"));
        assert_eq!(state, format!("u{object}: pm2_5=8"));
    }
}

#[test]
fn retained_configurations_count_and_retained_states_without_one_are_no_loss() {
    let mut talk = talk();
    let early = talk.hear_as("t/1", b"3", true);
    assert_eq!(short(&early), "ignored: retained_without_time");
    let config = sensor("pm25", "t/1", "", "d");
    let said = talk.hear_as("homeassistant/sensor/a/config", config.as_bytes(), true);
    assert_eq!(short(&said), "ignored: described");
    assert_eq!(short(&talk.hear("t/1", "3")), "d: pm2_5=3");
}

#[test]
fn another_prefix_is_known_from_the_pattern() {
    let mut talk = Talk::new("ha/#", "ha-discovery");
    let config = sensor("pm10", "ha/x/state", "", "d");
    assert_eq!(short(&talk.hear("ha/sensor/a/config", config)), "ignored: described");
    assert_eq!(short(&talk.hear("ha/x/state", "3")), "d: pm10=3");
}

#[test]
fn what_one_message_may_claim_is_bounded() {
    let mut talk = talk();
    let part = r#"{"p":"sensor","dev_cla":"pm25"}"#;
    let parts: Vec<String> = (0..20_000).map(|n| format!(r#""{n}":{part}"#)).collect();
    let config = format!(
        r#"{{"stat_t":"t","dev":{{"ids":"{}"}},"cmps":{{{}}}}}"#,
        "d".repeat(100_000),
        parts.join(",")
    );
    assert_eq!(short(&talk.hear("homeassistant/device/x/config", config)), "ignored: odd_unit");
    let found = talk.hear("t", "5").unwrap();
    assert!(found.observations.len() <= super::MEANINGS_MAX);
    // Every component repeats what the device shares.
    let there: Vec<String> =
        (0..600).map(|n| format!(r#"{{"t":"{n}{}"}}"#, "t".repeat(900))).collect();
    let parts: Vec<String> = (0..600).map(|n| format!(r#""{n}":{{}}"#)).collect();
    let config = format!(r#"{{"avty":[{}],"cmps":{{{}}}}}"#, there.join(","), parts.join(","));
    assert_eq!(short(&talk.hear("homeassistant/device/x/config", config)), "ignored: described");
    let topic = format!("homeassistant/sensor/{}/config", "x".repeat(2_000));
    assert_eq!(short(&talk.hear(&topic, "{}")), "malformed: too_large");
}
