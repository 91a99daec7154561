//! What a newcomer does: listens to a broker full of unknown devices, takes the
//! block that is printed, and has their readings.

use crate::helpers::daemon::TestDaemon;
use crate::helpers::mosquitto::{Mosquitto, one_user};
use serde_json::Value;
use std::process::{Command, Output, Stdio};

const KEY: &str = "a8f5f167f44f4964e6c998dee827110c";

/// Topics and bodies of several networks, and junk.
fn traffic() -> Vec<(String, &'static str)> {
    let fixed = [
        (
            "airgradient/readings/84fce602549c",
            r#"{"serialno": "84fce602549c", "pm02": 7, "pm10": 9}"#,
        ),
        ("zigbee2mqtt/hall", r#"{"pm25": 4, "temperature": 21}"#),
        ("zigbee2mqtt/bridge/state", r#"{"state": "online"}"#),
        ("garden/sensor/pm_2_5/state", "12"),
        ("dust/seoul/s1", r#"{"time": "2026-01-05T03:04:05Z", "pm2_5": 3, "pm10": 5}"#),
        ("dust/seoul/s2", r#"{"time": "2026-01-05T03:04:05Z", "pm2_5": 4, "pm10": 6}"#),
        ("attic/box/PM10", "8"),
        (
            "homeassistant/sensor/lounge/pm25/config",
            r#"{"stat_t": "lounge/1/state", "dev_cla": "pm25", "unit_of_meas": "µg/m³", "val_tpl": "{{ value_json.dust }}", "dev": {"ids": ["lounge-1"]}}"#,
        ),
        ("lounge/1/state", r#"{"dust": 13}"#),
        (
            "tele/cellar/SENSOR",
            r#"{"Time": "2026-01-05T03:04:05", "SDS0X1": {"PM2.5": 6.5, "PM10": 8.5}}"#,
        ),
        (
            "bridge/kitchen/json",
            r#"{"esp8266id": "1234567", "sensordatavalues": [{"value_type": "SDS_P1", "value": "14.5"}]}"#,
        ),
        (
            "v3/air@city/devices/pole-7/up",
            r#"{"end_device_ids": {"device_id": "pole-7"}, "uplink_message": {"decoded_payload": {"pm2_5": 8}}}"#,
        ),
        ("rtl_433/shed/events", r#"{"model": "Fineoffset-WH0290", "id": 51, "pm2_5_ug_m3": 10}"#),
        (
            "my/purple",
            r#"{"SensorId": "aa:bb:cc:00:11:22", "DateTime": "2026/01/05T03:04:05z", "pm2_5_atm": 5.5}"#,
        ),
        ("cam/picture", "hunter2"),
    ];
    let mut all: Vec<(String, &str)> = fixed.map(|(t, p)| (t.to_owned(), p)).into();
    all.push((format!("locks/{KEY}/state"), r#"{"code": "hunter2", "open": false}"#));
    all
}

fn publish(broker: &Mosquitto, more: &[&str]) {
    for (topic, body) in traffic() {
        broker.publish_with(&topic, 1, &[body], more);
    }
}

/// Runs `sniff` until it has been sent what is retained and what comes then.
fn sniff(broker: &Mosquitto, more: &[&str], publisher: &[&str]) -> Output {
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let mut command = Command::new(env!("CARGO_BIN_EXE_dustline"));
    command.args(["sniff", "--broker", &url, "--for", "5m"]).args(more);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    broker.wait_said("Received SUBSCRIBE from dustline-sniff", 1);
    publish(broker, publisher);
    // What is retained, and everything once more.
    broker.wait_said("Sending PUBLISH to dustline-sniff", 1 + traffic().len());
    let told = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    child.wait_with_output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sniff_prints_is_a_configuration_that_reads_the_broker() {
    let broker = Mosquitto::start();
    broker.publish_with("garden/sensor/pm_10_0/state", 1, &["15"], &["-r"]);
    let output = sniff(&broker, &[], &[]);
    let printed = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(!printed.contains("hunter2") && !printed.contains(KEY), "{printed}");
    assert!(printed.contains("1 of them from the broker's memory"), "{printed}");
    assert!(printed.contains("locks/…/state"), "{printed}");

    let config = format!(
        "[[source]]\nname = \"city\"\nurl = \"mqtt://127.0.0.1:{}\"\nclient_id = \"d\"\n{printed}",
        broker.port
    );
    let mut daemon = TestDaemon::new(&config);
    let check = daemon.output(&["check"]);
    assert!(check.status.success(), "{printed}\n{}", String::from_utf8_lossy(&check.stdout));
    daemon.start().await;
    daemon.part("source/city", "ok").await;
    publish(&broker, &[]);
    let names = [
        "84fce602549c",
        "hall",
        "garden",
        "s1",
        "s2",
        "box",
        "lounge-1",
        "cellar",
        "esp8266-1234567",
        "pole-7",
        "Fineoffset-WH0290/51",
        "aa:bb:cc:00:11:22",
    ];
    for name in names {
        let call = format!("/api/v1/readings?device={name}");
        let some = |v: &Value| v["readings"].as_array().is_some_and(|r| !r.is_empty());
        let found = daemon.until(&format!("readings of {name}, by {printed}"), &call, some).await;
        assert_eq!(found["readings"][0]["device"], *name, "{found}");
    }
}

#[test]
fn sniff_says_what_keeps_it_from_listening() {
    let port = crate::helpers::mosquitto::free_port();
    let sniff = |port: u16, more: &[&str]| {
        let url = format!("mqtt://127.0.0.1:{port}");
        let mut command = Command::new(env!("CARGO_BIN_EXE_dustline"));
        command.args(["sniff", "--broker", &url, "--for", "1s"]).args(more).output().unwrap()
    };
    let absent = sniff(port, &[]);
    assert_eq!(absent.status.code(), Some(69));
    let said = String::from_utf8_lossy(&absent.stderr).into_owned();
    assert!(said.contains("no broker listens there"), "{said}");

    let broker = Mosquitto::with(|dir| one_user(dir, "sensors", "pass-word-7"));
    assert_eq!(sniff(broker.port, &[]).status.code(), Some(69));
    let file = broker.dir().join("password");
    std::fs::write(&file, "pass-word-7\n").unwrap();
    let known =
        sniff(broker.port, &["--username", "sensors", "--password-file", file.to_str().unwrap()]);
    assert!(known.status.success(), "{}", String::from_utf8_lossy(&known.stderr));
    assert!(String::from_utf8_lossy(&known.stdout).contains("subscribe = ["));
}

#[test]
fn one_message_is_explained_on_the_command_line() {
    use std::io::Write;
    let decode = |arguments: &[&str], body: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dustline"))
            .arg("decode")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let topic = "garden/sensor/pm_2_5/state";
    let output = decode(&["--format", "esphome", "--topic", topic, "--output", "json", "-"], "7.5");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let value = serde_json::json!({ "quantity": "pm2_5", "value": 7.5, "unit": "ug/m3" });
    let expected =
        serde_json::json!([{ "device": "garden", "time": null, "values": [value], "skipped": [] }]);
    assert_eq!(said, expected);

    let lines = "tele/a/PM10\t5\ntele/b/PM2.5\t6\n";
    let output = decode(&["--format", "plain-diy", "--lines"], lines);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("a  time of arrival") && said.contains("b  time of arrival"), "{said}");

    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("dustline.toml");
    let text = "[[source]]\nname = \"s\"\nurl = \"mqtt://127.0.0.1\"\nsubscribe = [{ topic = \"x/{device}\", \
                format = \"json\", values = { pm10 = \"/dust\" } }]\n";
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let arguments = ["--format", "json", "--config", config, "--topic", "x/roof"];
    let output = decode(&arguments, r#"{"dust": 11}"#);
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("roof  "), "{output:?}");

    for (arguments, body, code) in [
        (&["--format", "nonesuch"][..], "", 64),
        (&["--format", "json"], "", 64),
        (&["--format", "json", "--config", config, "--topic", "y"], "", 64),
        (&["--format", "vindriktning-esp8266"], "not json", 65),
        (&["--format", "esphome", "--topic", "a/status"], "online", 0),
    ] {
        let output = decode(arguments, body);
        assert_eq!(output.status.code(), Some(code), "{arguments:?} {output:?}");
    }
}

#[test]
fn formats_are_listed_and_shown() {
    let formats = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dustline"));
        command.arg("formats").args(arguments).output().unwrap()
    };
    let list = String::from_utf8(formats(&["list"]).stdout).unwrap();
    for name in ["airgradient", "plain", "json", "esphome", "purpleair"] {
        assert!(list.lines().any(|l| l.starts_with(name)), "{list}");
    }
    let json: Value =
        serde_json::from_slice(&formats(&["list", "--format", "json"]).stdout).unwrap();
    assert!(json["formats"].as_array().unwrap().len() > 20, "{json}");
    let show = String::from_utf8(formats(&["show", "dyson"]).stdout).unwrap();
    assert!(show.contains("[[form]]") && show.contains("how sure  read in source"), "{show}");
    let native = String::from_utf8(formats(&["show", "airgradient"]).stdout).unwrap();
    assert!(native.contains("airgradient/readings/{device}"), "{native}");
    assert_eq!(formats(&["show", "nonesuch"]).status.code(), Some(64));
}
