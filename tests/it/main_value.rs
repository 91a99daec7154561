//! Networks whose numbers all have a channel or variant: which of them is judged,
//! through a real broker.

use crate::helpers::daemon::TestDaemon;
use crate::helpers::mosquitto::Mosquitto;

/// The readings of a device as `series=value flag`, by series.
async fn readings(daemon: &TestDaemon, device: &str) -> Vec<String> {
    let all = daemon.list("readings", &format!("device={device}&quantity=pm2_5")).await;
    let mut rows: Vec<String> = all
        .iter()
        .map(|r| {
            let label = ["channel", "variant"].map(|key| r[key].as_str().unwrap_or_default());
            format!("{}={} {}", label.join("/"), r["value"], r["flag"])
        })
        .collect();
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_whose_numbers_all_have_labels_has_a_main_value_beside_them() {
    let broker = Mosquitto::start();
    let daemon = TestDaemon::up(&format!(
        "[quality]\nmax_past = \"36500d\"\n[[source]]\nname = \"city\"\nurl = \"mqtt://127.0.0.1:{}\"\n\
         client_id = \"main\"\ncorrections = [\"us-epa-2021\"]\nsubscribe = [\n\
         {{ topic = \"purpleair/+\", format = \"purpleair\" }},\n\
         {{ topic = \"easy/{{device}}/{{channel}}/{{quantity}}\", format = \"espeasy\" }},\n\
         {{ topic = \"msh/#\", format = \"meshtastic\" }},\n]\n",
        broker.port
    ))
    .await;
    let laser = |id: &str, a: f64, b: f64| {
        format!(
            r#"{{"SensorId":"{id}","DateTime":"2026/01/05T03:04:05z","current_humidity":50,"pm2_5_atm":{a},"pm2_5_cf_1":{a},"pm2_5_atm_b":{b},"pm2_5_cf_1_b":{b}}}"#
        )
    };
    broker.publish("purpleair/1", 1, &[&laser("pa-1", 20.0, 22.0)]);
    broker.publish("purpleair/2", 1, &[&laser("pa-2", 20.0, 120.0)]);
    broker.publish("easy/unit/SDS/PM2.5", 1, &["8"]);
    broker.publish("easy/unit/PMS/PM2.5", 1, &["9"]);
    let node =
        r#"{"id":1,"from":7,"type":"telemetry","timestamp":1767582245,"payload":{"pm25":6}}"#;
    broker.publish("msh/KR/2/json/LongFast/!0000cafe", 1, &[node]);
    daemon.received(5).await;
    let agreeing = readings(&daemon, "pa-1").await;
    // 0.52 × 21 − 0.086 × 50 + 5.75
    assert_eq!(
        agreeing,
        [
            "/=21.0 1",
            "/us_epa_2021=12.37 1",
            "A/=20.0 1",
            "A/cf1=20.0 1",
            "B/=22.0 1",
            "B/cf1=22.0 1"
        ]
    );
    let disagreeing = readings(&daemon, "pa-2").await;
    assert!(disagreeing.contains(&"/=70.0 3".to_owned()), "{disagreeing:?}");
    assert_eq!(readings(&daemon, "unit").await, ["/=8.0 1", "PMS/=9.0 1", "SDS/=8.0 1"]);
    assert_eq!(readings(&daemon, "!00000007").await, ["/cf1=6.0 1"]);
    let ledger = daemon.get("/api/v1/ledger").await;
    assert_eq!((&ledger["received"], &ledger["stored"]), (&5.into(), &5.into()), "{ledger}");
}

#[test]
fn check_warns_of_a_network_that_would_never_be_judged() {
    let check = |entry: &str| {
        let daemon = TestDaemon::new(&format!(
            "[[source]]\nname = \"city\"\nurl = \"mqtt://127.0.0.1:1\"\nsubscribe = [{entry}]\n"
        ));
        let output = daemon.output(&["check"]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout)
    };
    let warning = "they are kept, but not judged";
    assert!(check("{ topic = \"msh/#\", format = \"meshtastic\" }").contains(warning));
    for entry in [
        "{ topic = \"msh/#\", format = \"meshtastic\", main = { variant = \"cf1\" } }",
        "{ topic = \"purpleair/+\", format = \"purpleair\" }",
        "{ topic = \"a/events/rpc\", format = \"shelly\" }",
    ] {
        assert!(!check(entry).contains(warning), "{entry}");
    }
}
