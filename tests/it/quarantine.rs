//! The quarantine as a workbench, seen through the daemon and the command.

use crate::helpers::daemon::TestDaemon;
use crate::intake::rig::{Rig, START, minute, settings};
use dustline::flow::{PointKey, RefusedPoint};
use dustline::store::Writer;
use std::process::Command;

/// A daemon that knows the name which the devices use, on a store where a message
/// with it, and one that nobody can read, are set aside.
fn workbench() -> TestDaemon {
    let daemon = TestDaemon::new(
        "operator_token = \"sesame\"\n[[source]]\nname = \"city\"\nurl = \"mqtt://127.0.0.1:1\"\n\
         subscribe = [{ topic = \"air/{device}\", format = \"json\", time = \"/time\", \
         values = { pm2_5 = \"/pm\" } }]\n",
    );
    std::fs::create_dir_all(daemon.data()).unwrap();
    let mut rig = Rig::open(settings(&daemon.data(), ""), START);
    rig.take("air/s1", r#"{"pm":17,"time":"2024-01-10T00:01:00Z"}"#, minute(1));
    rig.take("air/s1", "broken", minute(2));
    rig.take("air/s1", r#"{"pm":18,"time":"2024-01-10T00:03:00Z"}"#, minute(3));
    daemon
}

#[tokio::test]
async fn an_operator_has_a_message_read_again_over_http_and_drops_another() {
    let mut daemon = workbench();
    daemon.start().await;
    let act = |id: &str, what: &str| format!("/api/v1/quarantine/{id}/{what}");
    assert_eq!(daemon.order(&act("1", "retry"), None).await.0, 401);
    let (status, left) = daemon.order(&act("1", "retry"), Some("sesame")).await;
    assert_eq!((status, &left["bucket"], &left["readings"]), (200, &"stored".into(), &1.into()));
    assert_eq!(daemon.order(&act("1", "retry"), Some("sesame")).await.0, 404);
    let (status, why) = daemon.order(&act("2", "retry"), Some("sesame")).await;
    assert_eq!(status, 409, "{why}");
    let (status, left) = daemon.order(&act("2", "drop"), Some("sesame")).await;
    assert_eq!((status, &left["bucket"]), (200, &"ignored".into()));
    let ledger = daemon.get("/api/v1/ledger").await;
    assert_eq!((&ledger["stored"], &ledger["quarantined"]), (&1.into(), &1.into()), "{ledger}");
    let metrics = daemon.text("/metrics").await;
    assert!(metrics.contains("dustline_quarantine_left_total{source=\"city\",way=\"dropped\"} 1"));
    assert!(metrics.contains("dustline_quarantine_messages 1\n"), "{metrics}");
}

#[tokio::test]
async fn the_command_reads_everything_again_with_a_daemon_or_without_one() {
    let mut daemon = workbench();
    daemon.start().await;
    let says = |words: &[&str], file: &std::path::Path| {
        let out = Command::new(env!("CARGO_BIN_EXE_dustline"))
            .arg("quarantine")
            .args(words)
            .args([std::path::Path::new("--config"), file])
            .output()
            .unwrap();
        let text = [out.stdout, out.stderr].concat();
        (out.status.code(), String::from_utf8(text).unwrap())
    };
    let asking = daemon.config_that_names_its_port();
    let (code, said) = says(&["retry", "3"], &asking);
    assert!(code == Some(0) && said.contains("3: stored, 1 readings"), "{said}");
    daemon.kill();
    let (code, said) = says(&["retry", "--all"], &asking);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("1: stored, 1 readings") && said.contains("2: not_json"), "{said}");
    assert!(said.contains("1 of 2 stay as they are"), "{said}");
    let (code, said) = says(&["drop", "--all", "--reason", "not_json"], &asking);
    assert!(code == Some(0) && said.contains("2: ignored"), "{said}");
    let (code, said) = says(&["retry", "1"], &asking);
    assert!(code == Some(1) && said.contains("nothing set aside"), "{said}");
}

#[test]
fn a_point_of_a_database_that_is_gone_from_the_configuration_is_not_retried_but_can_be_dropped() {
    let daemon = workbench();
    let key = PointKey {
        measurement: "air".into(),
        source: "city".into(),
        device: "s1".into(),
        series: "pm2_5".into(),
        time: START,
    };
    let point = RefusedPoint { key, line: "air pm2_5=1".into(), why: "400".into() };
    let mut writer = Writer::open(&daemon.data()).unwrap();
    writer.begin().unwrap();
    writer.put_refused("gone", &point, START).unwrap();
    writer.commit().unwrap();
    drop(writer);
    let says = |words: &[&str]| {
        let out = daemon.output(words);
        (out.status.code(), String::from_utf8(out.stdout).unwrap())
    };
    let (code, said) = says(&["quarantine", "retry", "r1"]);
    assert_eq!(code, Some(1));
    let words = "r1: database \"gone\" is not in the configuration any more; drop r1\n";
    assert_eq!(said, words);
    let (code, said) = says(&["quarantine", "drop", "r1"]);
    assert_eq!((code, said.as_str()), (Some(0), "r1: off the list\n"));
}
