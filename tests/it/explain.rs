//! Rules of the operator's own, zones made of zones, and the page that explains a
//! change, with the real program.

use crate::helpers::daemon::TestDaemon;
use crate::helpers::mosquitto::Mosquitto;
use dustline::air::Stamp;
use std::path::Path;

/// An advisory from 50 µg/m³ in one hour, under the id of the built-in ruleset.
const OWN: &str = r#"
[[ruleset]]
id = "kr-air-alert"
version = "2020-01-01"
time_zone = "Asia/Seoul"
jurisdiction = "KR"
title = { ko = "시 기준", zh = "市标准", en = "City rule" }
source = "Ordinance 7 of the city"
links = ["https://city.example/ordinance"]
sure = "read in source"

[[ruleset.ladder]]
id = "kr-pm25"
title = { ko = "시 경보", zh = "市警报", en = "City alert" }
quantity = "pm2_5"

[[ruleset.ladder.level]]
name = "advisory"
title = { ko = "주의보", zh = "注意报", en = "advisory" }
raise = { at_least = 50, hours = 1 }
lift = { below = 30 }

[[case]]
name = "50 counts at once"
ladder = "kr-pm25"
from = "2022-01-08T18:00"
means = [49.9, 50]
changes = [{ at = "2022-01-08T20:00", from = "none", to = "advisory" }]
"#;

/// Two districts, the city that they are, and a region of that one city.
fn config(port: u16) -> String {
    let zone = |id: &str, line: &str| {
        format!(
            "[[zone]]\nid = \"{id}\"\ntime_zone = \"Asia/Seoul\"\n{line}\nrulesets = [\"kr-air-alert\"]\n"
        )
    };
    let zones = [
        zone("region", "zones = [\"city\"]"),
        zone("city", "zones = [\"east\", \"west\"]"),
        zone("east", "stations = [\"s0\"]"),
        zone("west", "stations = [\"s1\"]"),
    ]
    .concat();
    format!(
        r#"
[judgement]
lateness = "1m"
grace = "24h"
reading_covers = "1h"
[[source]]
name = "city"
url = "mqtt://127.0.0.1:{port}"
client_id = "dustline-test"
silent_after = "0s"
subscribe = [{{ topic = "air/{{device}}", format = "json", time = "/time", values = {{ pm2_5 = "/pm2_5" }} }}]
[[station]]
id = "s0"
name = {{ en = "East gate" }}
devices = ["d0"]
[[station]]
id = "s1"
devices = ["d1"]
{zones}
[[receiver]]
id = "desk"
url = "http://127.0.0.1:9/hook"
events = ["change"]
zones = ["region"]
"#
    )
}

fn with_rules(rules: &str, port: u16) -> TestDaemon {
    let mut daemon = TestDaemon::new("");
    std::fs::create_dir(daemon.dir().join("rulesets")).unwrap();
    write_rules(daemon.dir(), rules);
    daemon.configure(&config(port));
    // A key of the top level stands before every table.
    let file = daemon.dir().join("dustline.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("rulesets_dir = \"rulesets\"\n{text}")).unwrap();
    daemon
}

fn write_rules(dir: &Path, rules: &str) {
    std::fs::write(dir.join("rulesets/city.toml"), rules).unwrap();
}

/// A reading in the middle of each hour from the start, and one that says that
/// the last of them is over.
fn publish(broker: &Mosquitto, device: &str, start: Stamp, values: &[f64]) {
    let at = |ms: i64| Stamp(start.0 + ms);
    let mut lines: Vec<String> = Vec::new();
    for (hour, value) in values.iter().enumerate() {
        let time = at(hour as i64 * 3_600_000 + 1_800_000);
        lines.push(format!(r#"{{"time":"{time}","pm2_5":{value}}}"#));
    }
    let over = at(values.len() as i64 * 3_600_000 + 120_000);
    lines.push(format!(r#"{{"time":"{over}","pm2_5":40}}"#));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    broker.publish(&format!("air/{device}"), 1, &lines);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_rules_judge_zones_of_zones_and_the_page_shows_what_stands_behind() {
    let broker = Mosquitto::start();
    let mut daemon = with_rules(OWN, broker.port);
    daemon.start().await;
    daemon.part("source/city", "ok").await;
    let start = dustline::clock::Clock::system().now().hour().back(6).start();
    publish(&broker, "d0", start, &[60.0, 90.0]);
    publish(&broker, "d1", start, &[20.0, 60.0]);
    let four = |v: &serde_json::Value| v["changes"].as_array().is_some_and(|c| c.len() == 4);
    let changes = daemon.until("every zone has moved", "/api/v1/changes", four).await;
    let moves: Vec<(String, f64, i64)> = changes["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| {
            let at = Stamp::parse(c["at"].as_str().unwrap()).unwrap();
            let zone = c["scope"]["zone"].as_str().unwrap().to_owned();
            (zone, c["value"].as_f64().unwrap(), at.since(start) / 3_600_000)
        })
        .collect();
    let find = |zone: &str| moves.iter().find(|(z, ..)| z == zone).map(|(_, v, h)| (*v, *h));
    assert_eq!(find("east"), Some((60.0, 1)), "60 is enough for the own rule");
    assert_eq!(find("west"), Some((60.0, 2)));
    assert_eq!((find("city"), find("region")), (Some((75.0, 2)), Some((75.0, 2))));

    let notices = daemon.get("/api/v1/outbox").await;
    let told: Vec<&str> = notices["outbox"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["data"]["scope"]["zone"].as_str().unwrap())
        .collect();
    assert_eq!(told.len(), 4, "who wants the region is told of its districts: {told:?}");

    let zones = daemon.get("/api/v1/zones").await;
    assert_eq!(zones["zones"][0]["stations"], serde_json::json!(["s0", "s1"]));
    let region = changes["changes"].as_array().unwrap().iter();
    let region = region.clone().find(|c| c["scope"]["zone"] == "region").unwrap();
    let page = daemon.text(&format!("/changes/{}?lang=en", region["id"].as_str().unwrap())).await;
    for words in [
        "City alert",
        "Ordinance 7 of the city",
        "East gate",
        "s1",
        ">90<",
        ">60<",
        "75 µg/m³",
        "desk",
    ] {
        assert!(page.contains(words), "{words} is not in {page}");
    }
}

#[test]
fn check_and_the_list_say_which_rules_are_used_instead_of_the_built_in_ones() {
    let daemon = with_rules(OWN, 1883);
    let checked = daemon.output(&["check"]);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{said}");
    let line = said.lines().find(|l| l.starts_with("ruleset ")).unwrap();
    assert!(
        line.contains("city.toml, in place of the built-in one, 1 version, 1 case passes"),
        "{line}"
    );
    let listed = daemon.output(&["rulesets", "list"]);
    let listed = String::from_utf8_lossy(&listed.stdout);
    assert!(
        listed.contains("kr-air-alert@2020-01-01") && !listed.contains("@2018-07-01"),
        "{listed}"
    );
    let shown = daemon.output(&["rulesets", "show", "kr-air-alert", "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(
        (&shown["cases"][0]["passed"], shown["versions"].as_array().unwrap().len()),
        (&true.into(), 1)
    );
}

#[tokio::test]
async fn a_case_that_comes_out_differently_refuses_the_start_with_its_place() {
    let mut daemon = with_rules(&OWN.replace("at_least = 50", "at_least = 51"), 1883);
    let words = "city.toml:23:1: the case \"50 counts at once\" gives no change where it says none to advisory at 2022-01-08T20:00";
    let checked = daemon.output(&["check"]);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.code() == Some(64) && said.contains(words), "{said}");
    daemon.spawn();
    assert_eq!(daemon.ended().await.code(), Some(64));
    assert!(daemon.said().contains(words), "{}", daemon.said());
    write_rules(daemon.dir(), OWN);
    daemon.start().await;
}
