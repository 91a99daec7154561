//! Formats that remember, under every kind of talk: no message makes them panic,
//! limits hold, and a restart anywhere changes nothing.

use super::fixture::{Talk, short};
use super::robustness_test::check;
use super::*;
use proptest::prelude::*;
use proptest::sample::Index;

/// One message of a talk.
type Said = (String, Vec<u8>);

fn texts(messages: &[(&str, &str)]) -> Vec<Said> {
    messages.iter().map(|(t, p)| ((*t).to_owned(), p.as_bytes().to_vec())).collect()
}

/// A talk of each network, with what describes and what is described.
fn talks() -> Vec<(&'static str, Vec<Said>)> {
    let homie = texts(&[
        ("homie/box/air/t/$unit", "°F"),
        ("homie/box/air/t/$name", "Temperature"),
        ("homie/box/air/t", "68"),
        ("homie/box/air/pm10", "20"),
        ("homie/box/yard/pm10", "21"),
        (
            "homie/5/tin/$description",
            r#"{"nodes":{"air":{"properties":{"t":{"name":"Temperature","unit":"K"},"co2":{}}}}}"#,
        ),
        ("homie/5/tin/air/t", "290"),
        ("homie/5/tin/air/co2", "450"),
        ("homie/5/tin/$description", ""),
    ]);
    let discovery = texts(&[
        (
            "homeassistant/sensor/a/config",
            r#"{"~":"t","stat_t":"~/1","dev_cla":"pm25","unit_of_meas":"µg/m³","dev":{"ids":["d"]}}"#,
        ),
        (
            "homeassistant/sensor/n/b/config",
            r#"{"stat_t":"t/2","dev_cla":"pm25","val_tpl":"{{ value_json.a['b'] | round(1) }}","dev":{"ids":"d"},"avty":[{"t":"t/3"}]}"#,
        ),
        (
            "homeassistant/device/c/config",
            r#"{"dev":{"ids":"d"},"stat_t":"t/2","cmps":{"x":{"p":"sensor","dev_cla":"temperature","unit_of_meas":"°F","val_tpl":"{{ value_json.t }}"}}}"#,
        ),
        ("t/1", "7.5"),
        ("t/2", r#"{"a":{"b":8.25},"t":50}"#),
        ("t/3", "online"),
        ("homeassistant/sensor/a/config", ""),
    ]);
    let airrohr = texts(&[
        ("dust/sensordatavalues/0/value_type", "SDS_P1"),
        ("dust/sensordatavalues/0/value", "8.5"),
        ("dust/sensordatavalues/1/value_type", "PMS_P1"),
        ("dust/sensordatavalues/1/value", "9.5"),
        ("dust/esp8266id", "7"),
    ]);
    vec![
        ("homie", homie),
        ("ha-discovery", discovery),
        ("airrohr", airrohr),
        ("sparkplug-b", sparkplug_b::talk()),
    ]
}

fn hear_all(talk: &mut Talk, messages: &[Said], restart_after: Option<usize>) -> Vec<String> {
    let heard = messages.iter().enumerate().map(|(place, (topic, payload))| {
        let heard = short(&talk.hear(topic, payload));
        if restart_after == Some(place) {
            talk.restart();
        }
        heard
    });
    heard.collect()
}

#[test]
fn every_talk_has_readings_and_no_message_that_is_set_aside() {
    for (format, messages) in talks() {
        let heard = hear_all(&mut Talk::new("#", format), &messages, None);
        assert!(heard.iter().any(|h| h.contains('=')), "{format}: {heard:?}");
        assert!(heard.iter().all(|h| !h.starts_with("malformed")), "{format}: {heard:?}");
    }
}

proptest! {
    #[test]
    fn a_restart_anywhere_changes_nothing(
        order in proptest::collection::vec(any::<Index>(), 1..30),
        place in any::<Index>(),
    ) {
        for (format, messages) in talks() {
            let messages: Vec<Said> =
                order.iter().map(|i| messages[i.index(messages.len())].clone()).collect();
            let undisturbed = hear_all(&mut Talk::new("#", format), &messages, None);
            let restart = Some(place.index(messages.len()));
            let restarted = hear_all(&mut Talk::new("#", format), &messages, restart);
            prop_assert_eq!(restarted, undisturbed, "{}", format);
        }
    }

    #[test]
    fn no_talk_is_too_strange(
        steps in proptest::collection::vec((any::<Index>(), any::<Index>(), any::<u8>(), 0..6u8), 1..30),
        junk in proptest::collection::vec(any::<u8>(), 0..60),
        topic in "[a-z0-9/$#+{}é]{0,20}",
    ) {
        for (format, messages) in talks() {
            let mut talk = Talk::new("#", format);
            for (which, place, byte, kind) in &steps {
                let (said_on, mut payload) = messages[which.index(messages.len())].clone();
                let at = place.index(payload.len() + 1);
                match kind {
                    0 | 1 => {}
                    2 => payload.insert(at, *byte),
                    3 => payload.truncate(at),
                    4 => payload.splice(at..at, junk.iter().copied()).for_each(drop),
                    _ => if let Some(b) = payload.get_mut(at) { *b = *byte },
                }
                let retained = byte % 4 == 0;
                check(talk.hear_as(&said_on, &payload, retained));
                if kind % 2 == 0 {
                    check(talk.hear_as(&topic, &payload, retained));
                    check(talk.hear_as(&format!("{said_on}/{topic}"), &junk, retained));
                }
            }
        }
    }
}

/// Large messages take time in proportion: a square would take minutes.
#[test]
fn the_largest_messages_are_read_in_no_time() {
    let filled = |open: &str, part: &dyn Fn(usize) -> String, close: &str| {
        let mut body = open.to_owned();
        for n in 0.. {
            let more = part(n);
            if body.len() + more.len() + close.len() + 1 > PAYLOAD_MAX {
                return body.trim_end_matches(',').to_owned() + close;
            }
            body.push_str(&more);
            body.push(',');
        }
        body
    };
    let parts = filled(
        r#"{"stat_t":"t/2","dev":{"ids":"d"},"cmps":{"#,
        &|n| {
            format!(
                r#""{n}":{{"p":"sensor","dev_cla":"pm10","val_tpl":"{{{{ value_json.k{n} }}}}"}}"#
            )
        },
        "}}",
    );
    let list = filled(r#"{"stat_t":"t/1","avty":["#, &|n| format!(r#"{{"t":"t/{n}"}}"#), "]}");
    let state = filled("{", &|n| format!(r#""k{n}":{n}"#), "}");
    let nodes = filled(
        r#"{"nodes":{"#,
        &|n| format!(r#""n{n}":{{"properties":{{"pm10":{{"unit":"ppm"}}}}}}"#),
        "}}",
    );
    let deep = |open: &str| open.repeat(PAYLOAD_MAX / open.len());
    let metric = "\u{12}\u{6}\n\u{4}PM10";
    for (format, topic, body) in [
        ("ha-discovery", "homeassistant/device/x/config", parts.as_str()),
        ("ha-discovery", "homeassistant/sensor/x/config", &list),
        ("ha-discovery", "homeassistant/sensor/x/config", &deep("{\"stat_t\":")),
        ("ha-discovery", "homeassistant/sensor/x/config", &deep("{\"availability\":[")),
        ("homie", "homie/5/box/$description", &nodes),
        ("homie", "homie/5/box/$description", &deep("{\"nodes\":")),
        ("sparkplug-b", "spBv1.0/g/DBIRTH/e/d", &metric.repeat(ENTRIES_MAX)),
        ("sparkplug-b", "spBv1.0/g/DBIRTH/e/d", &metric.repeat(PAYLOAD_MAX / metric.len())),
    ] {
        let mut talk = Talk::new("#", format);
        check(talk.hear(topic, body));
        for (topic, body) in [("t/2", state.as_str()), ("homie/5/box/n0/pm10", "3")] {
            check(talk.hear(topic, body));
        }
    }
}
