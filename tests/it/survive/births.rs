//! Sparkplug B through a real broker: the daemon stops between a birth and the
//! data that only the birth explains.

use crate::helpers::daemon::TestDaemon;
use crate::helpers::mosquitto::Mosquitto;
use crate::helpers::outlet::Outlet;
use dustline::air::Stamp;

fn config(port: u16) -> String {
    format!(
        r#"
[[source]]
name = "city"
url = "mqtt://127.0.0.1:{port}"
client_id = "dustline-test"
silent_after = "0s"
subscribe = [{{ topic = "spBv1.0/#", format = "sparkplug-b" }}]
"#
    )
}

/// Protobuf of lengths and numbers below 128 and one time.
struct Bytes(Vec<u8>);

impl Bytes {
    fn payload(at: Stamp, seq: u8) -> Bytes {
        let mut bytes = vec![8];
        let mut ms = at.0 as u64;
        while ms >= 0x80 {
            bytes.push(ms as u8 | 0x80);
            ms >>= 7;
        }
        bytes.extend([ms as u8, 3 << 3, seq]);
        Bytes(bytes)
    }

    /// Adds a metric: a name for a birth, an alias, a float.
    fn metric(mut self, name: &str, alias: u8, value: f32) -> Bytes {
        let mut metric = Vec::new();
        if !name.is_empty() {
            metric.extend([1 << 3 | 2, name.len() as u8]);
            metric.extend(name.as_bytes());
        }
        metric.extend([2 << 3, alias, 12 << 3 | 5]);
        metric.extend(value.to_le_bytes());
        self.0.extend([2 << 3 | 2, metric.len() as u8]);
        self.0.extend(metric);
        self
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_between_birth_and_data_loses_nothing() {
    let broker = Mosquitto::start();
    let mut daemon = TestDaemon::up(&config(broker.port)).await;
    let start = super::world::now().hour().start();
    let at = |minutes: i64| Stamp(start.0 - minutes * 60_000);
    let outlet = Outlet::new(broker.port).await;
    let (birth, data) = ("spBv1.0/plant/DBIRTH/edge/aq", "spBv1.0/plant/DDATA/edge/aq");

    let early = Bytes::payload(at(9), 0).metric("", 2, 6.5);
    outlet.send(data, early.0).await;
    let born = Bytes::payload(at(8), 1).metric("Air/PM10", 1, 20.5).metric("Air/PM2_5", 2, 8.25);
    outlet.send(birth, born.0).await;
    daemon.received(2).await;
    assert!(daemon.term().await.success());

    // The broker keeps this for the session.
    outlet.send(data, Bytes::payload(at(7), 2).metric("", 2, 9.5).0).await;
    daemon.start().await;
    daemon.part("source/city", "ok").await;
    outlet.send(data, Bytes::payload(at(6), 3).metric("", 1, 21.5).0).await;
    let ledger = daemon.received(4).await;
    daemon.agrees().await;
    assert_eq!((&ledger["stored"], &ledger["quarantined"]), (&3.into(), &1.into()), "{ledger}");

    let readings = daemon.list("readings", "device=plant/edge/aq&from=2020-01-01T00:00:00Z").await;
    let mut found: Vec<String> = readings
        .iter()
        .map(|r| format!("{} {}={}", r["at"], r["quantity"], r["value"]).replace('"', ""))
        .collect();
    found.sort();
    let wanted = [
        format!("{} pm10=20.5", at(8)),
        format!("{} pm2_5=8.25", at(8)),
        format!("{} pm2_5=9.5", at(7)),
        format!("{} pm10=21.5", at(6)),
    ];
    assert_eq!(found, wanted);
    let aside = daemon.list("quarantine", "").await;
    assert_eq!(aside[0]["reason"], "not_described_yet");
    outlet.finish().await;
}
