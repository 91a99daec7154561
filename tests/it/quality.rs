//! What quality control says of real low-cost and official data: purely, and as
//! they come in through a real broker.

use crate::helpers::daemon::TestDaemon;
use crate::helpers::mosquitto::Mosquitto;
use dustline::air::reading::TimeSource;
use dustline::air::{Flag, Label, Stamp, Value};
use dustline::backtest::{Data, TimeLabel};
use dustline::quality::{Judged, Model, Past, Policy, When, assess, follow};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of real measurements beside the checkout, if there is one.
fn data() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["../shared/data", "../../shared/data"].map(|p| root.join(p)).into_iter().find(|p| p.is_dir())
}

type Rows = BTreeMap<(String, Stamp), Vec<Value>>;

/// The rows of a file by device and time, each once.
fn rows(file: &Path) -> Rows {
    let mut data = Data::new();
    data.read(File::open(file).unwrap(), "file", TimeLabel::Start).unwrap();
    let mut rows = Rows::new();
    for (at, device, quantity, value) in data.values() {
        let row = rows.entry((device.to_owned(), at)).or_default();
        if row.iter().all(|v| v.quantity != quantity) {
            row.push(Value::main(quantity, value));
        }
    }
    rows
}

/// How many values there are, and how many of each flag and reasons other than a
/// plain pass.
fn judge(rows: Rows, model: Option<Model>) -> String {
    let policy = Policy::default();
    let by = Judged { policy: &policy, model };
    let mut past = Past::default();
    let mut numbers = BTreeMap::new();
    let (mut values, mut found) = (0, BTreeMap::new());
    for ((device, at), row) in rows {
        let next = numbers.len() as u32 + 1;
        let number = *numbers.entry(device).or_insert(next);
        let when = When { observed: at, source: TimeSource::Device, received: at };
        for mut m in assess(by, row, when) {
            let trail = past.trail(number, m.value.quantity, 0);
            follow(&policy, &mut m, trail, at);
            past.absorb(number, 0, &m, at);
            values += 1;
            if m.flag != Flag::Pass || m.reasons.iter().next().is_some() {
                let flagged = format!("{} {}", m.flag.code(), m.reasons);
                *found.entry(flagged).or_insert(0) += 1;
            }
        }
    }
    let mut text = values.to_string();
    for (flagged, count) in found {
        write!(text, ", {flagged}: {count}").unwrap();
    }
    text
}

#[test]
fn real_data_are_flagged_as_a_specialist_would() {
    let Some(data) = data() else {
        println!("skipped: real_data_are_flagged_as_a_specialist_would: ../shared is absent");
        return;
    };
    let of = |file: &str, model| format!("{file}: {}", judge(rows(&data.join(file)), model));
    let found = [
        of("lowcost_madavi_hcmc_201810.csv.gz", Some(Model::Sds011)),
        of("lowcost_sensorsafrica_kampala_201802.csv.gz", Some(Model::Sds011)),
        of("lowcost_purpleair_troy_202309_202310.csv.gz", Some(Model::Pms)),
        of("seoul_2022h1_districts_hourly.csv.gz", None),
        of("airkorea_daejeon_2024q4_hourly.csv.gz", None),
        of("china_northeast_20190109_20190116_hourly.csv.gz", None),
        of("beijing_prsa_201512_redalert.csv.gz", None),
    ];
    assert_eq!(found, EXPECTED);
}

/// The real caps of an SDS011; leaps of one reading; a district whose PM2.5 read 12
/// for 58 hours and one whose read 31 for 24; a station that read 19 for 20. The
/// floors pass, and so does haze.
const EXPECTED: [&str; 7] = [
    "lowcost_madavi_hcmc_201810.csv.gz: 26516, 1 spike: 15, 4 sentinel: 3",
    "lowcost_sensorsafrica_kampala_201802.csv.gz: 8492, 1 spike: 2",
    "lowcost_purpleair_troy_202309_202310.csv.gz: 43984, 1 spike: 2",
    "seoul_2022h1_districts_hourly.csv.gz: 213767, 3 stuck: 44",
    "airkorea_daejeon_2024q4_hourly.csv.gz: 54396",
    "china_northeast_20190109_20190116_hourly.csv.gz: 243164, 3 stuck: 1",
    "beijing_prsa_201512_redalert.csv.gz: 21565",
];

/// The two lasers of a device are two stations there, `-a` and `-b`.
#[test]
fn two_lasers_of_real_devices_agree_but_for_a_few() {
    let Some(data) = data() else {
        println!("skipped: two_lasers_of_real_devices_agree_but_for_a_few: ../shared is absent");
        return;
    };
    let mut pairs: Rows = Rows::new();
    for ((station, at), row) in rows(&data.join("lowcost_purpleair_troy_202309_202310.csv.gz")) {
        let (device, channel) = station.rsplit_once('-').unwrap();
        let label = Label { channel: channel.to_owned(), variant: String::new() };
        let lasers = row.into_iter().map(|v| Value { label: label.clone(), ..v });
        pairs.entry((device.to_owned(), at)).or_default().extend(lasers);
    }
    let policy = Policy::default();
    let by = Judged { policy: &policy, model: Some(Model::Pms) };
    let (mut both, mut apart) = (0, 0);
    for ((_, at), pair) in pairs.into_iter().filter(|(_, pair)| pair.len() == 2) {
        let when = When { observed: at, source: TimeSource::Device, received: at };
        both += 1;
        apart += u32::from(assess(by, pair, when).iter().all(|m| !m.flag.counts()));
    }
    assert_eq!((both, apart), (21_992, 2));
}

const MADE_UP: &str = "\
time,station,lat,lon,pm2_5,pm10
2018-10-08T09:00:00Z,s1,0,0,20,30
2018-10-08T09:02:30Z,s1,0,0,21,31
2018-10-08T09:05:00Z,s1,0,0,999.9,1999.9
2018-10-08T09:07:30Z,s1,0,0,700,800
2018-10-08T09:10:00Z,s1,0,0,22,33
2018-10-08T09:12:30Z,s1,0,0,400,500
2018-10-08T09:15:00Z,s1,0,0,420,530
2018-10-08T09:15:00Z,s1,0,0,420,530
";

/// A broker and a daemon that subscribes to it by this entry.
async fn stage(more: &str, entry: &str) -> (Mosquitto, TestDaemon) {
    // A broker throws away what waits for a slow subscriber, unless told otherwise.
    let broker = Mosquitto::with(|_| "allow_anonymous true\nmax_queued_messages 0".to_owned());
    let daemon = TestDaemon::up(&format!(
        "[quality]\nmax_past = \"36500d\"\n[[source]]\nname = \"city\"\n\
         url = \"mqtt://127.0.0.1:{}\"\nclient_id = \"replayed\"\n{more}subscribe = [{entry}]\n",
        broker.port
    ))
    .await;
    (broker, daemon)
}

/// Flag and reasons of every value of a device that is not a plain pass, counted.
async fn flagged(daemon: &TestDaemon, device: &str) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for r in daemon.list("readings", &format!("device={device}")).await {
        let reasons: Vec<&str> =
            r["reasons"].as_array().unwrap().iter().map(|r| r.as_str().unwrap()).collect();
        if r["flag"] != 1 || !reasons.is_empty() {
            *found.entry(format!("{} {}", r["flag"], reasons.join(","))).or_insert(0) += 1;
        }
    }
    found
}

/// Sends a file of an SDS011 through a broker to a daemon; what was flagged, and the
/// device as the API shows it.
async fn sent(
    file: &Path,
    messages: u64,
    device: &str,
) -> (BTreeMap<String, u64>, serde_json::Value) {
    let (broker, daemon) = stage(
        "model = \"sds011\"\n",
        "{ topic = \"air/+/{device}\", format = \"json\", time = \"/time\", \
         values = { pm2_5 = \"/pm2_5\", pm10 = \"/pm10\" } }",
    )
    .await;
    let replayed = Command::new(env!("CARGO_BIN_EXE_dustline"))
        .args(["replay", "--broker", &format!("mqtt://127.0.0.1:{}", broker.port), "--data"])
        .arg(file)
        .output()
        .unwrap();
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    daemon.received(messages).await;
    let found = flagged(&daemon, device).await;
    (found, daemon.get(&format!("/api/v1/devices/{device}")).await)
}

/// Two lasers of a device at an instant, as a bridge publishes a PurpleAir's JSON.
fn purpleair(device: &str, at: Stamp, a: f64, b: f64) -> String {
    format!(r#"{{"SensorId":"{device}","DateTime":"{at}","pm2_5_atm":{a},"pm2_5_atm_b":{b}}}"#)
}

/// Sends the lasers of PurpleAirs through a broker to a daemon; what was flagged of
/// each device.
async fn lasers(devices: &BTreeMap<String, Vec<String>>) -> Vec<BTreeMap<String, u64>> {
    let entry = "{ topic = \"purpleair/+\", format = \"purpleair\" }";
    let (broker, daemon) = stage("model = \"pms\"\n", entry).await;
    let mut sent = 0;
    for (device, messages) in devices {
        let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
        broker.publish(&format!("purpleair/{device}"), 1, &messages);
        sent += messages.len() as u64;
    }
    daemon.received(sent).await;
    let mut found = Vec::new();
    for device in devices.keys() {
        found.push(flagged(&daemon, device).await);
    }
    found
}

fn counted(expected: &[(&str, u64)]) -> BTreeMap<String, u64> {
    expected.iter().map(|(flagged, count)| ((*flagged).to_owned(), *count)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_replayed_through_a_broker_is_flagged_reading_by_reading() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("made_up.csv");
    std::fs::write(&file, MADE_UP).unwrap();
    let (found, device) = sent(&file, 8, "s1").await;
    assert_eq!(found, counted(&[("1 spike", 4), ("4 sentinel", 2)]));
    assert_eq!(device["model"], "sds011");
    let today = device["days"].as_array().unwrap().last().unwrap();
    assert_eq!(today["duplicates"], 2, "{device}");
    assert_eq!(device["latest"]["pm2_5"]["value"], 420.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_lasers_that_come_through_a_broker_are_held_against_each_other() {
    let at = |minute: i64| Stamp(1_696_390_000_000 + minute * 600_000);
    let pairs = [(23.0, 24.5), (24.0, 180.0), (23.5, 25.0), (0.0, 4.0)];
    let messages = pairs.iter().zip(0..).map(|((a, b), i)| purpleair("pa-1", at(i), *a, *b));
    let found = lasers(&[("pa-1".to_owned(), messages.collect())].into()).await;
    assert_eq!(found, [counted(&ONE_LASER_LEAPS)]);
}

/// A reading of the second laser that leaps alone: it, the first laser's beside it,
/// and the main value made of both are suspect.
const ONE_LASER_LEAPS: [(&str, u64); 2] = [("3 disagreement", 2), ("3 spike,disagreement", 1)];

#[tokio::test(flavor = "multi_thread")]
async fn real_series_of_an_sds011_replayed_through_a_broker_get_the_flags_of_the_reference() {
    let Some(data) = data() else {
        println!(
            "skipped: real_series_of_an_sds011_replayed_through_a_broker_get_the_flags_of_the_reference: \
             ../shared is absent"
        );
        return;
    };
    for (name, messages, device, expected) in [
        (
            "lowcost_madavi_hcmc_201810.csv.gz",
            13_258,
            "madavi-12779556",
            &[("1 spike", 15), ("4 sentinel", 3)][..],
        ),
        ("lowcost_sensorsafrica_kampala_201802.csv.gz", 4_246, "sa-42", &[("1 spike", 2)]),
    ] {
        let (found, _) = sent(&data.join(name), messages, device).await;
        assert_eq!(found, counted(expected), "{name}");
    }
}

/// The file has each laser as a station of its own, `-a` and `-b`.
#[tokio::test(flavor = "multi_thread")]
async fn real_purpleairs_replayed_through_a_broker_disagree_where_one_laser_leaps() {
    let Some(data) = data() else {
        println!(
            "skipped: real_purpleairs_replayed_through_a_broker_disagree_where_one_laser_leaps: \
             ../shared is absent"
        );
        return;
    };
    let rows = rows(&data.join("lowcost_purpleair_troy_202309_202310.csv.gz"));
    let mut devices: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for ((station, at), a) in &rows {
        let Some(device) = station.strip_suffix("-a") else { continue };
        let Some(b) = rows.get(&(format!("{device}-b"), *at)) else { continue };
        let message = purpleair(device, *at, a[0].value, b[0].value);
        devices.entry(device.to_owned()).or_default().push(message);
    }
    assert_eq!(devices.values().map(Vec::len).sum::<usize>(), 21_992);
    let found = lasers(&devices).await;
    for (device, found) in devices.keys().zip(found) {
        let leaps = ["pa-156051", "pa-166327"].contains(&device.as_str());
        let expected = if leaps { counted(&ONE_LASER_LEAPS) } else { BTreeMap::new() };
        assert_eq!(found, expected, "{device}");
    }
}
