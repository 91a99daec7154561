//! `dustline backtest` and `dustline rulesets` as people and scripts call them.

mod golden;
mod outlook;
mod years;

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn dustline(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dustline")).args(args).output().unwrap()
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The JSON of a backtest that must succeed.
fn judged(args: &[&str]) -> Value {
    let all = [&["backtest", "--format", "json"], args].concat();
    let output = dustline(&all);
    assert!(output.status.success(), "{}", said(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// `zone ladder at from to` of every change.
fn moves(judged: &Value) -> Vec<String> {
    let text = |c: &Value, key: &str| c[key].as_str().unwrap().to_owned();
    let one = |c: &Value| {
        let zone = c["scope"]["zone"].as_str().unwrap();
        let [ladder, at, from, to] = ["ladder", "at", "from", "to"].map(|k| text(c, k));
        format!("{zone} {ladder} {at} {from} {to}")
    };
    judged["changes"].as_array().unwrap().iter().map(one).collect()
}

/// Two stations of two zones; the east has an advisory by the present figures only.
const EPISODE: &str = "\
time,station,lat,lon,pm2_5,pm10,zone
2022-01-08T12:00:00Z,s1,37.5,127,80,,east
2022-01-08T12:00:00Z,s2,37.6,127,20,30,west
2022-01-08T13:00:00Z,s1,37.5,127,82,60,east
2022-01-08T13:00:00Z,s2,37.6,127,22,,west
2022-01-08T14:00:00Z,s1,37.5,127,34,40,east
2022-01-08T14:00:00Z,s2,37.6,127,21,,west
";

fn file(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn an_advisory_is_told_with_its_inputs_at_the_label_that_completes_it() {
    let dir = tempfile::tempdir().unwrap();
    let data = file(dir.path(), "episode.csv", EPISODE);
    let found = judged(&["--ruleset", "kr-air-alert", "--data", &data, "--zone-by", "column"]);
    assert_eq!(
        moves(&found),
        [
            "east kr-pm25 2022-01-08T13:00:00Z none advisory",
            "east kr-pm25 2022-01-08T14:00:00Z advisory none",
        ]
    );
    let change = &found["changes"][0];
    assert_eq!(change["ruleset"], "kr-air-alert@2018-07-01");
    assert_eq!((change["value"].as_f64(), change["unit"].as_str()), (Some(82.0), Some("ug/m3")));
    assert_eq!(change["inputs"][0]["hour"], "2022-01-08T11:00:00Z");
    assert_eq!(change["inputs"][0]["mean"].as_f64(), Some(80.0));
    assert_eq!(change["criterion"], "hourly zone mean ≥ 75 µg/m³ for 2 hours");
    let text = change["text"].as_str().unwrap();
    assert!(text.contains("2022-01-08 22:00"), "local time: {text}");
    let summary = &found["summary"][0];
    assert_eq!((summary["zone"].as_str(), summary["judged"].as_u64()), (Some("east"), Some(3)));
    assert_eq!(summary["hours_at_level"]["advisory"], 1);
}

#[test]
fn a_broken_station_of_six_raises_nothing_if_odd_ones_are_left_out() {
    let row = |hour: i32, (station, value): (&str, f64)| {
        format!("2022-01-08T{hour:02}:00:00Z,{station},{value}\n")
    };
    let sound = [("a", 20.0), ("b", 22.0), ("c", 18.0), ("d", 21.0), ("e", 19.0)];
    let rows = (10..14).flat_map(|h| {
        sound.into_iter().chain([("broken", 900.0)]).map(move |station| row(h, station))
    });
    let dir = tempfile::tempdir().unwrap();
    let text = format!("time,station,pm2_5\n{}", rows.collect::<String>());
    let data = file(dir.path(), "broken.csv", &text);
    let plain = ["--ruleset", "kr-air-alert", "--data", &data];
    assert_eq!(moves(&judged(&plain)), ["all kr-pm25 2022-01-08T11:00:00Z none warning"]);
    let without = [&plain[..], &["--leave-out-odd"]].concat();
    assert_eq!(moves(&judged(&without)), [""; 0]);
}

#[test]
fn the_time_of_a_row_may_begin_its_hour() {
    let dir = tempfile::tempdir().unwrap();
    let data = file(dir.path(), "episode.csv", EPISODE);
    let args = [
        "--ruleset",
        "kr-air-alert",
        "--data",
        &data,
        "--zone-by",
        "station",
        "--time-label",
        "start",
    ];
    assert_eq!(moves(&judged(&args))[0], "s1 kr-pm25 2022-01-08T14:00:00Z none advisory");
}

#[test]
fn zones_come_from_a_list_and_all_is_one_zone() {
    let dir = tempfile::tempdir().unwrap();
    let data = file(dir.path(), "episode.csv", EPISODE);
    let zones = file(dir.path(), "zones.csv", "station,zone\ns1,Gangwon\nabsent,Gangwon\n");
    let listed = judged(&["--ruleset", "kr-air-alert", "--data", &data, "--zones", &zones]);
    assert_eq!(moves(&listed)[0], "Gangwon kr-pm25 2022-01-08T13:00:00Z none advisory");
    let all = judged(&["--ruleset", "kr-air-alert", "--data", &data]);
    assert_eq!(moves(&all), [""; 0], "the mean of both stays low");
    assert_eq!(all["summary"][0]["zone"], "all");
}

#[test]
fn the_old_threshold_stands_beside_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let high = EPISODE.replace(",80,", ",95,").replace(",82,", ",95,");
    let data = file(dir.path(), "episode.csv", &high);
    let args = [
        "backtest",
        "--ruleset",
        "kr-air-alert@2016-01-01",
        "--ruleset",
        "kr-air-alert",
        "--data",
        &data,
        "--zone-by",
        "column",
        "--format",
        "csv",
    ];
    let output = dustline(&args);
    let text = said(&output.stdout);
    let rows: Vec<Vec<&str>> =
        text.lines().skip(1).map(|l| l.split(',').take(7).collect()).collect();
    let at = ["2022-01-08T13:00:00Z", "2022-01-08T14:00:00Z"];
    let row = |requested, version, from, to, at| {
        vec![requested, version, "kr-pm25", "east", from, to, at]
    };
    let (old, new) = ("kr-air-alert@2016-01-01", "kr-air-alert@2018-07-01");
    assert_eq!(
        rows,
        [
            row(old, old, "none", "advisory", at[0]),
            row("kr-air-alert", new, "none", "advisory", at[0]),
            row(old, old, "advisory", "none", at[1]),
            row("kr-air-alert", new, "advisory", "none", at[1]),
        ]
    );
}

#[test]
fn the_table_says_what_an_officer_wants_to_know() {
    let dir = tempfile::tempdir().unwrap();
    let data = file(dir.path(), "episode.csv", EPISODE);
    let args = ["backtest", "--ruleset", "kr-air-alert", "--data", &data, "--zone-by", "column"];
    let text = said(&dustline(&args).stdout);
    for wanted in [
        "2022-01-08 22:00  Asia/Seoul",
        "none → advisory",
        "82.00",
        "hourly zone mean ≥ 75 µg/m³ for 2 hours",
        "none 2 h, advisory 1 h",
        "no official proclamation",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in\n{text}");
    }
    let korean = said(&dustline(&[&args[..], &["--language", "ko"]].concat()).stdout);
    assert!(korean.contains("권역 시간평균 75"), "{korean}");
}

#[test]
fn bad_rows_are_named_and_nothing_usable_is_exit_65() {
    let dir = tempfile::tempdir().unwrap();
    let some = file(dir.path(), "some.csv", &EPISODE.replace("2022-01-08T12:00:00Z,s1", "noon,s1"));
    let base = ["backtest", "--ruleset", "kr-air-alert", "--data"];
    let output = dustline(&[&base[..], &[&some]].concat());
    assert!(output.status.success());
    let errors = said(&output.stderr);
    assert!(errors.contains("some.csv:2: time \"noon\""), "{errors}");
    assert!(errors.contains("1 rows or values could not be understood"), "{errors}");
    assert!(!errors.contains("reading"), "no progress bar in a pipe: {errors}");
    let none = file(dir.path(), "none.csv", "time,station,pm10\nnoon,s1,4\n");
    assert_eq!(dustline(&[&base[..], &[&none]].concat()).status.code(), Some(65));
    let other = file(dir.path(), "other.csv", "a,b\n1,2\n");
    assert_eq!(dustline(&[&base[..], &[&other]].concat()).status.code(), Some(65));
    let absent = dir.path().join("absent.csv");
    let absent = dustline(&[&base[..], &[absent.to_str().unwrap()]].concat());
    assert_eq!(absent.status.code(), Some(64));
    let unknown = dustline(&["backtest", "--ruleset", "kr", "--data", &some]);
    assert_eq!(unknown.status.code(), Some(64));
    assert!(said(&unknown.stderr).contains("kr-air-alert"));
    let column = dustline(&[&base[..], &[&some, "--zone-by", "column"]].concat());
    assert!(column.status.success());
    let bare = file(dir.path(), "bare.csv", "time,station,pm10\n2022-01-08T12:00:00Z,s1,4\n");
    let column = dustline(&[&base[..], &[&bare, "--zone-by", "column"]].concat());
    assert_eq!(column.status.code(), Some(65));
}

#[test]
fn several_files_are_one_set_of_data() {
    let dir = tempfile::tempdir().unwrap();
    let lines: Vec<&str> = EPISODE.lines().collect();
    let part = |name, rows: &[&str]| {
        file(dir.path(), name, &format!("{}\n{}\n", lines[0], rows.join("\n")))
    };
    let (one, two) = (part("1.csv", &lines[3..]), part("2.csv", &lines[1..3]));
    let whole = file(dir.path(), "whole.csv", EPISODE);
    let args = ["--ruleset", "kr-air-alert", "--zone-by", "column", "--data"];
    assert_eq!(
        judged(&[&args[..], &[&one, &two]].concat()),
        judged(&[&args[..], &[&whole]].concat())
    );
}

/// Three hours of two devices of one station; one hour is hardly covered.
const THREE_HOURS: [(&str, &[i64]); 2] = [("d1", &[80, 80, 10]), ("d2", &[90, 90, 90])];

/// A store with closed hours of devices from a time on, their PM2.5 in µg/m³; an hour
/// with a mean of 10 is hardly covered.
fn store(dir: &Path, from: &str, devices: &[(&str, &[i64])]) {
    use dustline::air::{Hour, Quantity, Stamp};
    use dustline::store::{HourRow, Writer};
    let first = Stamp::parse(from).unwrap().hour();
    let mut writer = Writer::open(dir).unwrap();
    writer.begin().unwrap();
    let source = writer.source("city").unwrap();
    for (name, means) in devices {
        let device = writer.device(name, source).unwrap();
        for (hour, mean) in (first.0..).zip(*means) {
            let minutes = if *mean == 10 { 1 } else { (1 << 60) - 1 };
            let micro = mean * 1_000_000;
            let row = HourRow {
                revision: 0,
                device,
                hour: Hour(hour),
                quantity: Quantity::Pm2_5,
                label: 0,
                count: 6,
                sum_micro: micro * 6,
                min_micro: micro,
                max_micro: micro,
                minutes,
                flagged: 0,
            };
            writer.put_hour(&row).unwrap();
        }
    }
    writer.commit().unwrap();
}

#[test]
fn a_store_is_judged_by_its_hours_with_or_without_its_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    store(&data, "2022-01-08T11:00:00Z", &THREE_HOURS);
    let by = ["--ruleset", "kr-air-alert", "--data-dir", data.to_str().unwrap()];
    let found = judged(&[&by[..], &["--zone-by", "station"]].concat());
    let at = "kr-pm25 2022-01-08T13:00:00Z none advisory";
    assert_eq!(moves(&found), [format!("d1 {at}"), format!("d2 {at}")]);
    assert_eq!(found["summary"][0]["invalid"], 1, "an hour of one minute does not count");
    let config = file(
        dir.path(),
        "dustline.toml",
        r#"
data_dir = "data"
[[source]]
name = "city"
url = "mqtt://127.0.0.1:1883"
client_id = "x"
subscribe = [{ topic = "air/{device}", format = "json", values = { pm2_5 = "/pm2_5" } }]
[[station]]
id = "jongno"
devices = ["d1", "d2"]
[[zone]]
id = "seoul"
name = { ko = "서울", en = "Seoul" }
stations = ["jongno"]
rulesets = ["kr-air-alert"]
"#,
    );
    let found = judged(&["--config", &config]);
    assert_eq!(moves(&found), [format!("seoul {at}")]);
    assert_eq!(found["changes"][0]["value"].as_f64(), Some(85.0));
    assert_eq!(found["changes"][0]["scope"]["name"]["ko"], "서울");
}

#[test]
fn rulesets_are_shown_with_their_source_dates_words_and_cases() {
    let list = said(&dustline(&["rulesets", "list"]).stdout);
    let line = |version: &str| {
        let line = list.lines().find(|l| l.starts_with(version));
        line.unwrap_or_else(|| panic!("{version} is not in\n{list}")).to_owned()
    };
    assert!(line("kr-air-alert@2016-01-01").contains("2018-07-01"));
    assert!(line("kr-air-alert@2018-07-01").contains("read in source"));
    let shown = dustline(&["rulesets", "show", "kr-air-alert"]);
    assert!(shown.status.success());
    let text = said(&shown.stdout);
    for wanted in [
        "from 2016-01-01, until 2018-07-01",
        "미세먼지 경보",
        "韩国颗粒物警报",
        "대기환경보전법",
        "https://air.daegu.go.kr",
        "read in source",
        "hourly zone mean ≥ 75 µg/m³ for 2 hours",
        "권역 시간평균 35 µg/m³ 미만",
        "passes  kr-pm25: 35.0 does not lift",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in\n{text}");
    }
    let one = said(&dustline(&["rulesets", "show", "kr-air-alert@2018-07-01"]).stdout);
    assert!(!one.contains("kr-air-alert@2016-01-01") && one.contains("≥ 150 µg/m³"));
    assert_eq!(dustline(&["rulesets", "show", "kr-air-alert@1999-01-01"]).status.code(), Some(64));
    let json: Value =
        serde_json::from_slice(&dustline(&["rulesets", "list", "--format", "json"]).stdout)
            .unwrap();
    let all = json["rulesets"].as_array().unwrap();
    let kr = all.iter().find(|r| r["ruleset"] == "kr-air-alert@2018-07-01").unwrap();
    assert_eq!(
        kr["ladders"][0]["levels"][0]["raised"]["en"],
        "hourly zone mean ≥ 75 µg/m³ for 2 hours"
    );
    assert_eq!(kr["in_force"], true);
}

/// A bulletin for the east, and a later one that takes it back.
const BULLETINS: &str = "\
issuer,issued_at,zone,quantity,day,value
cnemc,2025-01-08T17:00:00+08:00,east,aqi_cn,2025-01-09,230
cnemc,2025-01-08T17:00:00+08:00,east,aqi_cn,2025-01-10,240
cnemc,2025-01-08T17:00:00+08:00,east,aqi_cn,2025-01-11,110
cnemc,2025-01-09T17:00:00+08:00,east,aqi_cn,2025-01-09,150
cnemc,2025-01-09T17:00:00+08:00,east,aqi_cn,2025-01-10,90
cnemc,2025-01-09T17:00:00+08:00,east,aqi_cn,2025-01-11,90
";

/// An hour before the bulletins, and one two days later.
const QUIET: &str = "\
time,station,pm2_5,pm10,zone
2025-01-08T08:00:00Z,s1,20,30,east
2025-01-10T08:00:00Z,s1,20,30,east
";

#[test]
fn forecasts_of_a_file_raise_and_lift_a_warning_each_from_its_issue_on() {
    let dir = tempfile::tempdir().unwrap();
    let data = file(dir.path(), "quiet.csv", QUIET);
    let forecasts = file(dir.path(), "bulletins.csv", BULLETINS);
    let common = ["--ruleset", "cn-heavy-pollution", "--data", &data, "--zone-by", "column"];
    let with = ["--forecasts", &forecasts, "--time-zone", "Asia/Shanghai"];
    let found = judged(&[&common[..], &with].concat());
    assert_eq!(
        moves(&found),
        [
            "east cn-warning 2025-01-08T09:00:00Z none orange",
            "east cn-warning 2025-01-09T09:00:00Z orange none",
        ]
    );
    let change = &found["changes"][0];
    assert_eq!(change["index"], "aqi_cn");
    assert_eq!((change["value"].as_f64(), change["unit"].as_str()), (Some(240.0), Some("1")));
    assert_eq!(change["inputs"][0]["issuer"], "cnemc");
    assert_eq!(moves(&judged(&common)), [""; 0], "nothing is forecast");

    let args = [&["backtest", "--format", "table"], &common[..], &with].concat();
    let table = said(&dustline(&args).stdout);
    let row = table.lines().find(|line| line.contains("none → orange")).unwrap();
    assert!(row.contains("240.00  AQI") && !row.contains("µg"), "{row}");
}

#[test]
fn a_fault_in_a_file_of_forecasts_is_named_with_its_line_and_keeps_no_other_out() {
    let dir = tempfile::tempdir().unwrap();
    let data = file(dir.path(), "quiet.csv", QUIET);
    let broken = BULLETINS.replace("east,aqi_cn,2025-01-11,110", "nowhere,aqi_cn,2025-01-11,x");
    let forecasts = file(dir.path(), "bulletins.csv", &broken);
    let args = ["backtest", "--ruleset", "cn-heavy-pollution", "--zone-by", "column"];
    let files = ["--data", &data, "--forecasts", &forecasts, "--time-zone", "Asia/Shanghai"];
    let output = dustline(&[&args[..], &files].concat());
    let told = said(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("line 4, zone") && told.contains("line 4, value"), "{told}");
    assert!(said(&output.stdout).contains("none → orange"), "{}", said(&output.stdout));
}
