use super::*;
use crate::config::{Machine, parse};
use std::path::Path;

const GOOD: &str = r#"
[http]
operator_token = "hunter2"
[[source]]
name = "city"
url = "mqtt://127.0.0.1"
client_id = "c"
username = "u"
password = "hunter2"
subscribe = [{ topic = "a/{device}", format = "airrohr" }]
[[station]]
id = "jongno"
devices = ["s1", "s2"]
[[zone]]
id = "seoul"
time_zone = "Asia/Seoul"
stations = ["jongno"]
rulesets = ["kr-air-alert"]
[[threshold]]
id = "emergency"
quantity = "pm2_5"
at_least = 150
lift_below = 75
[[receiver]]
id = "desk"
url = "https://hooks.example/services/hunter2"
[[influxdb]]
name = "main"
url = "http://127.0.0.1:8086"
org = "o"
bucket = "b"
token = "hunter2"
"#;

fn read(text: &str) -> Result<Loaded, Refused> {
    parse(text, "d.toml", Path::new("/etc"), &Machine)
}

fn reported(loaded: &Result<Loaded, Refused>, probes: &[Probe], format: Format) -> String {
    let mut out = Vec::new();
    report("d.toml", loaded, probes, format, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn faults_are_shown_with_their_line_and_a_caret() {
    let bad = read("[http]\nlisten = \"x\"\n[[source]]\nname = \"종로\"\nulr = 1\n");
    let text = reported(&bad, &[], Format::Human);
    assert_eq!(
        text,
        "warning: d.toml:3:1: source[0]: neither client_id nor instance is set: another Dustline at \
         the same broker would take this one's messages; set instance at the top of the file\n    \
         [[source]]\n    ^^^^^^^^^^\n\
         d.toml:2:10: http.listen: found \"x\", expected an address and a port such as \
         \"127.0.0.1:8080\"\n    listen = \"x\"\n             ^^^\n\
         d.toml:3:1: source[0].url: missing; expected a URL such as \"mqtt://127.0.0.1:1883\"\n\
         \x20   [[source]]\n    ^^^^^^^^^^\n\
         d.toml:3:1: source[0].subscribe: missing; expected at least one { topic = \"…\", \
         format = \"…\" }\n    [[source]]\n    ^^^^^^^^^^\n\
         d.toml:5:1: source[0].ulr: unknown key; did you mean `url`?\n    ulr …\n    ^^^\n\
         d.toml has 4 faults and 1 warning\n"
    );
    assert_eq!(exit_code(&bad, &[]), Code::Usage);
}

#[test]
fn warnings_are_shown_beside_faults() {
    let bad = read(&format!("odd = 1\n{GOOD}"));
    let text = reported(&bad, &[], Format::Human);
    assert_eq!(text.matches("warning: ").count(), 4, "{text}");
    assert!(text.ends_with("d.toml has 1 fault and 4 warnings\n"), "{text}");
    let parsed: serde_json::Value =
        serde_json::from_str(&reported(&bad, &[], Format::Json)).unwrap();
    let found = |key: &str| parsed[key].as_array().unwrap().len();
    assert_eq!((found("faults"), found("warnings")), (1, 4));
}

#[test]
fn a_good_configuration_is_told_in_a_line_each_without_its_secrets() {
    let good = read(GOOD);
    let text = reported(&good, &[], Format::Human);
    for line in [
        "instance   local, store in /var/lib/dustline\n",
        "http       127.0.0.1:8080, read by this machine\n",
        "source     city: mqtt://127.0.0.1:1883 as c, MQTT 5, QoS 1\n             a/{device} as airrohr\n",
        "ruleset    kr-air-alert: built in, 2 versions, 9 cases pass\n",
        "stations   1 with 2 devices\n",
        "zone       seoul: 1 station, Asia/Seoul, kr-air-alert@",
        "threshold  emergency: pm2_5 at least 150 µg/m³ in 2 of the last 3 readings; lifted below 75 µg/m³\n",
        "receiver   desk: https://hooks.example as dustline, unsigned, en, change incident operational, all zones\n",
        "database   main: http://127.0.0.1:8086, o/b, with a token\n",
        "d.toml is good, with 4 warnings\n",
    ] {
        assert!(text.contains(line), "{line:?} is not in:\n{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
    assert!(!reported(&good, &[], Format::Json).contains("hunter2"));
    assert_eq!(exit_code(&good, &[]), Code::Done);
}

#[test]
fn the_form_for_machines_holds_faults_warnings_meaning_and_probes() {
    let probes = [
        Probe { name: "source city".to_owned(), result: Ok("accepted".to_owned()) },
        Probe { name: "receiver desk".to_owned(), result: Err("refused".to_owned()) },
    ];
    let good = read(GOOD);
    let parsed: serde_json::Value =
        serde_json::from_str(&reported(&good, &probes, Format::Json)).unwrap();
    assert_eq!(parsed["ok"], true);
    assert_eq!(parsed["settings"]["sources"][0]["subscribe"][0]["format"], "airrohr");
    assert_eq!(parsed["probes"][1]["ok"], false);
    assert_eq!(parsed["warnings"].as_array().unwrap().len(), 4);
    assert_eq!(exit_code(&good, &probes), Code::Unavailable);

    let bad = read("a = 1");
    let parsed: serde_json::Value =
        serde_json::from_str(&reported(&bad, &[], Format::Json)).unwrap();
    let fault = &parsed["faults"][0];
    assert_eq!((&fault["line"], &fault["column"]), (&1.into(), &1.into()));
    assert_eq!(fault["path"], "a");
    assert!(parsed["settings"].is_null());
}

#[test]
fn what_was_tried_is_told_last() {
    let probes = [Probe { name: "source city".to_owned(), result: Err("refused".to_owned()) }];
    let text = reported(&read(GOOD), &probes, Format::Human);
    assert!(text.contains("\nunreached  source city: refused\n"), "{text}");
}
