//! Everything that can be wrong with a message, through a real broker: set aside
//! or ignored by a named policy, counted, acknowledged, and nobody else harmed.

use super::world::{now, reading};
use crate::helpers::daemon::TestDaemon;
use crate::helpers::mosquitto::Mosquitto;
use crate::helpers::outlet::Outlet;
use base64::Engine;
use dustline::air::Stamp;
use serde_json::Value;
use std::collections::BTreeMap;

const MIB: usize = 1 << 20;

/// Sources that read everything in every format, with filters that overlap.
fn config(port: u16, version: &str) -> String {
    format!(
        r#"
[[source]]
name = "city"
url = "mqtt://127.0.0.1:{port}"
client_id = "dustline-test"
silent_after = "0s"
version = {version}
subscribe = [
  {{ topic = "air/{{device}}", format = "json", time = "/time", values = {{ pm2_5 = "/pm2_5", pm10 = "/a/b" }} }},
  {{ topic = "air/#", format = "json", device = "/device", values = {{ pm2_5 = "/pm2_5" }} }},
  {{ topic = "plain/{{device}}/{{quantity}}", format = "plain" }},
  {{ topic = "airgradient/readings/+", format = "airgradient" }},
  {{ topic = "zigbee2mqtt/+", format = "zigbee2mqtt" }},
  {{ topic = "airrohr/{{device}}", format = "airrohr" }},
]
[[threshold]]
id = "any"
quantity = "pm2_5"
at_least = 1000
readings = "1 of 1"
lift_below = 900
"#
    )
}

const TOPICS: [&str; 6] = [
    "air/bad",
    "air/somewhere/else",
    "plain/bad/pm2_5",
    "airgradient/readings/bad",
    "zigbee2mqtt/bad",
    "airrohr/bad",
];

/// Bodies that no decoder can make sense of, or should not.
fn bodies() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        &b""[..],
        b"\xff\xfe\x00",
        b"{\"pm2_5\":\"\xc3\x28\"}",
        b"\0\0\0\0",
        b" ",
        b"not json",
        b"{",
        b"[",
        b"{\"pm2_5\":1",
        b"{\"pm2_5\":1}}",
        b"null",
        b"true",
        b"\"text\"",
        b"{}",
        b"[]",
        b"[1,2,3]",
        b"{\"pm2_5\":null}",
        b"{\"pm2_5\":\"much\"}",
        b"{\"pm2_5\":[7]}",
        b"{\"pm2_5\":{\"v\":7}}",
        b"{\"pm2_5\":true}",
        b"{\"pm2_5\":NaN}",
        b"{\"pm2_5\":Infinity}",
        b"{\"pm2_5\":-Infinity}",
        b"{\"pm2_5\":\"NaN\"}",
        b"{\"pm2_5\":\"inf\"}",
        b"{\"pm2_5\":1e400}",
        b"{\"pm2_5\":-1e400}",
        b"{\"pm2_5\":1.7976931348623157e308}",
        b"{\"pm2_5\":999999999999999999999999999999999999999999}",
        b"{\"pm2_5\":-9999}",
        b"{\"pm2_5\":1999.9}",
        b"{\"pm2_5\":65535}",
        b"{\"\\ud800\":1,\"pm2_5\":\"\\udfff\"}",
        b"\xef\xbb\xbf{\"x\":1}",
        b"NaN",
        b"nan",
        b"inf",
        b"-Infinity",
        b"1e999",
        b"0x10",
        b"1,5,6",
        b"--3",
        b"{\"sensordatavalues\":[{\"value_type\":\"SDS_P1\",\"value\":\"x\"},7,null]}",
        b"{\"pm02\":{},\"pm10\":[],\"serialno\":17}",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    all.push("9".repeat(5_000).into_bytes());
    all.push([b"{\"a\":".repeat(20_000), b"1".to_vec(), b"}".repeat(20_000)].concat());
    all.push(b"[".repeat(100_000));
    all.push(format!("{{\"device\":\"{}\",\"pm2_5\":\"x\"}}", "d".repeat(300)).into_bytes());
    all
}

/// Bodies of a MiB and more: too large for a decoder, or for a packet.
fn large() -> Vec<Vec<u8>> {
    let filled = |open: &str, fill: &str| {
        let mut body = open.as_bytes().to_vec();
        body.extend(fill.as_bytes().iter().cycle().take(MIB - open.len()));
        body
    };
    vec![
        filled("", "x"),
        filled("[", "1,"),
        filled("", "["),
        filled("{\"pm2_5\":", "7"),
        filled("", "\u{1F32B}"),
        vec![b'7'; MIB + 1],
        vec![b' '; MIB + 10_000],
    ]
}

/// Everything in all formats, with a good reading of a neighbour after each.
struct Flood {
    bad: u64,
    good: u64,
}

async fn flood(port: u16) -> Flood {
    let outlet = Outlet::new(port).await;
    let hour = now().hour().back(3).start();
    let mut sent = Flood { bad: 0, good: 0 };
    let small = bodies();
    let small = TOPICS.into_iter().flat_map(|t| small.iter().map(move |b| (t, b.clone())));
    let large = TOPICS[..3].iter().flat_map(|t| large().into_iter().map(|b| (*t, b)));
    for (topic, body) in small.chain(large) {
        outlet.send(topic, body).await;
        let at = Stamp(hour.0 + sent.good as i64 * 1000);
        outlet.send("air/neighbour", reading(at, 12.5)).await;
        sent.bad += 1;
        sent.good += 1;
    }
    for topic in ["zigbee2mqtt/bad/availability", "air", "air/"] {
        outlet.send(topic, "17").await;
    }
    outlet.finish().await;
    sent
}

async fn devices(daemon: &TestDaemon, wanted: &str) -> Vec<Value> {
    daemon.list("readings", &format!("device={wanted}&from=2020-01-01T00:00:00Z")).await
}

/// The sum of a counter over its labels.
async fn counter(daemon: &TestDaemon, name: &str) -> u64 {
    let text = daemon.metrics().await;
    let lines = text.lines().filter(|l| l.starts_with(name));
    lines.map(|l| l.rsplit(' ').next().unwrap().parse::<f64>().unwrap() as u64).sum()
}

async fn survives(version: &str) {
    let broker = Mosquitto::with(|_| "allow_anonymous true\nmax_queued_messages 0".to_owned());
    let mut daemon = TestDaemon::up(&config(broker.port, version)).await;
    let sent = flood(broker.port).await;
    // Filters overlap, and brokers differ in how often they send such a message:
    // the end is when all that was sent is acknowledged and in the ledger.
    let settled = |v: &Value| {
        let acknowledged = broker.said("Received PUBACK from dustline-test") as u64;
        let sent_on = broker.said("Sending PUBLISH to dustline-test") as u64;
        v["stored"].as_u64().is_some_and(|n| n >= sent.good)
            && v["received"] == sent_on
            && sent_on == acknowledged
    };
    let ledger = daemon.until("everything", "/api/v1/ledger?limit=1", settled).await;
    assert!(ledger["received"].as_u64().unwrap() >= sent.bad + sent.good, "{ledger}");
    daemon.received(1).await;
    daemon.agrees().await;
    assert_eq!(devices(&daemon, "neighbour").await.len() as u64, sent.good);

    // Counted the same in the ledger, the quarantine and the metrics.
    let aside = daemon.list("quarantine", "").await;
    let reasons: BTreeMap<&str, usize> = aside.iter().fold(BTreeMap::new(), |mut all, q| {
        *all.entry(q["reason"].as_str().unwrap()).or_default() += 1;
        all
    });
    println!("{ledger}\n{reasons:?}");
    assert_eq!(ledger["quarantined"], aside.len());
    assert_eq!(counter(&daemon, "dustline_quarantined_total").await, aside.len() as u64);
    let ignored = counter(&daemon, "dustline_ignored_total").await;
    assert_eq!(ledger["ignored"], ignored);
    let wanted = ["not_utf8", "not_json", "not_an_object", "not_a_number", "nothing_mapped"];
    assert!(wanted.iter().all(|r| reasons.contains_key(r)), "{reasons:?}");
    let raw: Vec<Vec<u8>> = aside
        .iter()
        .map(|q| {
            let text = q["payload_base64"].as_str().unwrap();
            base64::engine::general_purpose::STANDARD.decode(text).unwrap()
        })
        .collect();
    assert!(raw.contains(&b"{\"pm2_5\":\"\xc3\x28\"}".to_vec()), "kept to the last bit");
    assert!(raw.contains(&b"[".repeat(100_000)));

    // What could be stored of it is a number, and nothing was raised by it.
    for device in ["bad", "neighbour"] {
        for r in devices(&daemon, device).await {
            assert!(r["value"].as_f64().unwrap().is_finite(), "{r}");
            assert!(r["value"].as_f64().unwrap() < 10_000.0 || r["flag"] == 4, "{r}");
        }
    }
    assert!(daemon.list("changes", "").await.is_empty());

    // Everything was acknowledged: nothing comes again after a kill.
    let before = ledger["received"].as_u64().unwrap();
    daemon.kill();
    daemon.start().await;
    daemon.part("source/city", "ok").await;
    broker.publish("plain/marker/pm10", 1, &["1"]);
    let after = daemon.received(before + 1).await;
    assert_eq!(after["received"], before + 1, "{after}");
    assert!(!daemon.said().contains("panicked"), "{}", daemon.said());
}

/// With MQTT 5 a broker is told the largest packet, and keeps larger ones to
/// itself; here it shall send them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_message_can_hold_harms_its_neighbours() {
    survives("5\npacket_max = 2000000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_message_can_hold_harms_its_neighbours_with_mqtt_3_1_1() {
    survives("\"3.1.1\"").await;
}
