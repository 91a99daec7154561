//! What good configurations mean, and what they are warned of.

use super::super::settings::{MqttVersion, Settings};
use super::super::{Machine, load};
use super::{SIGNING_KEY, Shelf, shown, warns};
use crate::air::{Quantity, Stamp, Value};
use crate::decode::Message;
use std::path::Path;
use std::time::Duration;

fn settings_of(shelf: &Shelf, text: &str) -> Settings {
    shelf.parse(text).map_err(|f| shown(&f)).unwrap().settings
}

#[test]
fn the_published_example_is_accepted_as_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let published = ["../shared/contract.md", "../../shared/contract.md"]
        .iter()
        .find_map(|path| std::fs::read_to_string(root.join(path)).ok());
    let Some(published) = published else {
        println!("skipped: the_published_example_is_accepted_as_printed: ../shared is absent");
        return;
    };
    let toml = published.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let shelf = Shelf::default()
        .with_file("/etc/dustline/mqtt.password", "hunter2\n")
        .with_file("/etc/dustline/kr-desk.secret", format!("{SIGNING_KEY}\n"))
        .with_file("/etc/dustline/influxdb.token", "token")
        .with_file("/etc/dustline/party-kr.token", "token");
    let settings = settings_of(&shelf, toml);
    let source = settings.sources.first().unwrap();
    assert_eq!((source.host.as_str(), source.port), ("127.0.0.1", 1883));
    assert_eq!(source.password.as_ref().unwrap().reveal(), "hunter2");
    assert_eq!(source.routes.len(), 3);
    let zone = settings.zones.first().unwrap();
    assert_eq!(zone.stations.as_deref(), Some(&["jongno".to_owned()][..]));
    assert_eq!(zone.time_zone.iana_name(), Some("Asia/Seoul"));
    assert!(settings.rulesets.contains_key("kr-air-alert"));
    let threshold = settings.thresholds.first().unwrap();
    assert_eq!((threshold.readings, threshold.of), (2, 3));
    assert_eq!(settings.receivers.len(), 1);
    assert_eq!(settings.influxdb.len(), 1);
    let hotline = settings.hotline.unwrap();
    assert_eq!(hotline.parties.iter().map(|p| p.steps.len()).collect::<Vec<_>>(), [3, 0]);
    assert_eq!(hotline.openers.len(), 2);
    assert!(settings.party_tokens.contains_key("KR"));
}

#[test]
fn an_empty_configuration_means_the_defaults() {
    let settings = settings_of(&Shelf::default(), "");
    assert_eq!(settings.instance, "local");
    assert_eq!(settings.http.base_url, "http://127.0.0.1:8080");
    assert_eq!(settings.judgement.grace, Duration::from_secs(600));
    let total: Duration = settings.delivery.schedule.iter().sum();
    assert!(total > Duration::from_secs(60 * 3_600) && total < Duration::from_secs(96 * 3_600));
}

#[test]
fn a_source_url_gives_host_port_and_tls() {
    let of = |url: &str| {
        let toml = format!(
            "[[source]]\nname = \"a\"\nurl = \"{url}\"\nversion = \"3.1.1\"\n\
             subscribe = [{{ topic = \"$share/g/a/{{device}}\", format = \"airrohr\" }}]"
        );
        let settings = settings_of(&Shelf::default(), &toml);
        let source = settings.sources.into_iter().next().unwrap();
        assert_eq!(source.version, MqttVersion::V311);
        assert_eq!(source.client_id, "dustline-local-a");
        (source.host, source.port, source.tls.is_some())
    };
    assert_eq!(of("mqtt://127.0.0.1"), ("127.0.0.1".to_owned(), 1883, false));
    assert_eq!(of("mqtt://a:18830/"), ("a".to_owned(), 18_830, false));
    assert_eq!(of("mqtts://[::1]"), ("::1".to_owned(), 8_883, true));
}

#[test]
fn secrets_come_from_files_variables_and_credentials() {
    let shelf = Shelf::default()
        .with_file("/etc/dustline/t", "from-file\r\n")
        .with_file("/run/credentials/t", "from-systemd")
        .with_variable("CREDENTIALS_DIRECTORY", "/run/credentials")
        .with_variable("TOKEN", "from-variable");
    for (place, secret) in [
        ("{ file = \"t\" }", "from-file"),
        ("{ file = \"/etc/dustline/t\" }", "from-file"),
        ("{ env = \"TOKEN\" }", "from-variable"),
        ("{ credential = \"t\" }", "from-systemd"),
        ("\"inline\"", "inline"),
    ] {
        let settings = settings_of(&shelf, &format!("[http]\noperator_token = {place}"));
        assert_eq!(settings.http.operator_token.unwrap().reveal(), secret);
    }
}

#[test]
fn what_is_allowed_but_unwise_is_warned_of() {
    let shelf = Shelf::default().with_file("/etc/dustline/t", "t").open_to_all("/etc/dustline/t");
    warns(
        &shelf,
        "[http]\noperator_token = { file = \"t\" }",
        &[
            "2:18: http.operator_token: every user of this machine can read /etc/dustline/t; chmod o= \
         /etc/dustline/t",
        ],
    );
    warns(
        &shelf,
        "[http]\noperator_token = \"t\"",
        &["2:18: http.operator_token: a secret in the file itself is read by whoever reads the \
         file; put it into a file of its own: { file = \"…\" }"],
    );
    warns(
        &shelf,
        "[[receiver]]\nid = \"r\"\nurl = \"http://a\"\nevents = []",
        &[
            "1:1: receiver[0]: no secret: the receiver cannot tell our notices from forged ones; add \
         secret = { file = \"…\" } with a key that begins with whsec_ or whsk_",
            "3:7: receiver[0].url: goes over the network unencrypted; use https://",
            "4:10: receiver[0].events: no kind of event: this receiver is never told anything",
        ],
    );
    warns(
        &shelf,
        "[judgement]\nreading_covers = \"30s\"",
        &["1:1: judgement: no hour can be valid unless devices report more often than once a \
         minute: reading_covers is too short for min_coverage; make reading_covers at least the \
         interval of your devices"],
    );
    warns(
        &shelf,
        "[[station]]\nid = \"a\"\n[[zone]]\nid = \"z\"\nstations = [\"a\"]",
        &[
            "3:1: zone[0]: no rulesets: nothing judges this zone",
            "3:1: zone[0]: no hour can be valid: 0 of 1 stations have devices, min_valid_share is \
         0.5; name the devices of its stations",
        ],
    );
}

#[test]
fn an_unwise_source_is_warned_of() {
    let toml = "[[source]]\nname = \"a\"\nurl = \"mqtt://a\"\nversion = \"3.1.1\"\nqos = 0\n\
                receive_maximum = 10\nsession_expiry = \"1d\"\npassword = { env = \"P\" }\n\
                client_id = \"dustline-with-a-very-long-name\"\n\
                subscribe = [{ topic = \"a/+\", format = \"plain\" }, \
                { topic = \"a/+\", format = \"plain\", device = \"d\" }]";
    warns(
        &Shelf::default().with_variable("P", "p"),
        toml,
        &[
            "5:7: source[0].qos: with QoS 0 messages are lost while the daemon is away or behind",
            "6:19: source[0].receive_maximum: MQTT 3.1.1 cannot say this; the broker decides",
            "7:18: source[0].session_expiry: MQTT 3.1.1 cannot say this; the broker decides",
            "8:12: source[0].password: a password without a username; many brokers refuse that",
            "8:12: source[0].password: the password goes over the network unencrypted; use mqtts://",
            "9:13: source[0].client_id: 30 bytes; an MQTT 3.1.1 broker may refuse more than 23",
            "10:24: source[0].subscribe[0].topic: no {device} in the topic and no device beside it: \
         the whole topic names the device; write {device} for the level that names it",
            "10:51: source[0].subscribe[1]: this topic is subscribed above already; the first counts",
        ],
    );
}

#[test]
fn discovery_without_the_states_that_it_names_is_warned_of() {
    let source = |subscribe: &str| {
        format!(
            "[[source]]\nname = \"a\"\nurl = \"mqtt://a\"\nclient_id = \"c\"\nsubscribe = [{subscribe}]"
        )
    };
    let configs = r#"{ topic = "homeassistant/#", format = "ha-discovery" }"#;
    let states = r#"{ topic = "air/#", format = "ha-discovery" }"#;
    warns(
        &Shelf::default(),
        &source(configs),
        &["5:14: source[0].subscribe[0]: only the states on this topic are read, wherever the \
         discovery messages say they are; subscribe the topics of the states with format = \
         \"ha-discovery\" too"],
    );
    warns(&Shelf::default(), &source(&format!("{configs}, {states}")), &[]);
}

#[test]
fn a_file_is_loaded_with_paths_relative_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d.toml");
    std::fs::write(&path, "data_dir = \"store\"\n[http]\noperator_token = { file = \"t\" }")
        .unwrap();
    std::fs::write(dir.path().join("t"), "secret\n").unwrap();
    let loaded = load(&path, &Machine).unwrap();
    assert_eq!(loaded.settings.data_dir, dir.path().join("store"));
    assert_eq!(loaded.settings.http.operator_token.unwrap().reveal(), "secret");

    let absent = shown(&load(&dir.path().join("none"), &Machine).unwrap_err().faults);
    assert_eq!(absent.len(), 1);
    assert!(absent.first().unwrap().contains("/none: cannot read it: "), "{absent:?}");
    std::fs::write(&path, b"a = 1\n\xff").unwrap();
    let garbled = shown(&load(&path, &Machine).unwrap_err().faults);
    assert!(garbled.first().unwrap().contains("line 2 is not UTF-8"), "{garbled:?}");
}

#[test]
fn a_network_is_told_what_its_messages_leave_open_and_nothing_else() {
    let read = |entry: &str| {
        let source = "data_dir = \"d\"\n[[source]]\nname = \"s\"\nurl = \"mqtt://h\"\n";
        let parsed =
            Shelf::default().parse(&format!("{source}subscribe = [{{ topic = \"t\", {entry} }}]"));
        parsed.map(|p| p.settings.sources[0].routes[0].clone()).map_err(|f| shown(&f))
    };
    let message = |payload: &'static str| Message {
        topic: "t",
        payload: payload.as_bytes(),
        retained: false,
        received: Stamp(0),
    };
    let route = read("format = \"tasmota\", time_zone = \"Asia/Seoul\"").unwrap();
    let payload = r#"{"Time":"2024-05-06T07:08:09","SDS0X1":{"PM10":3}}"#;
    let decoded = route.decode(&message(payload)).unwrap();
    assert_eq!(decoded.observations[0].at, Stamp::parse("2024-05-05T22:08:09Z"));

    let route =
        read("format = \"influx-line\", device_tag = \"kit\", quantities = { dust = \"pm10\" }");
    let decoded = route.unwrap().decode(&message("a,kit=k1,node=n dust=4")).unwrap();
    assert_eq!(decoded.observations[0].device, "k1");
    assert_eq!(decoded.observations[0].values, [Value::main(Quantity::Pm10, 4.0)]);

    for entry in [
        "format = \"tasmota\", quantities = { dust = \"pm10\" }",
        "format = \"senml\", device_tag = \"kit\"",
        "format = \"airgradient\", time_zone = \"UTC\"",
    ] {
        let fault = read(entry).unwrap_err();
        assert!(fault[0].contains("unknown key; known here: "), "{fault:?}");
    }
}
