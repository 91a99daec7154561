//! The Korean ladders on real data: exactly the transitions that an independent
//! evaluation of the same files gives.

use super::{LadderRules, LadderState, Ruleset, ZoneHour, builtin, micro};
use crate::air::{Hour, Stamp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The folder of real measurements beside the checkout, if there is one.
fn data() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["../shared/data", "../../shared/data"].map(|p| root.join(p)).into_iter().find(|p| p.is_dir())
}

struct Row {
    label: Stamp,
    station: String,
    pm2_5: Option<f64>,
    pm10: Option<f64>,
}

fn read_text(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    if path.extension().is_some_and(|e| e == "gz") {
        flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    } else {
        std::io::BufReader::new(file).read_to_string(&mut text).unwrap();
    }
    text
}

fn rows(path: &Path) -> Vec<Row> {
    let text = read_text(path);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let row = |r: csv::StringRecord| Row {
        label: Stamp::parse(&r[0]).unwrap(),
        station: r[1].to_owned(),
        pm2_5: r[4].parse().ok(),
        pm10: r[5].parse().ok(),
    };
    reader.records().map(|r| row(r.unwrap())).collect()
}

/// The stations of a group as its description says: a prefecture's national
/// stations that ever report PM2.5, a list after "only:", or the whole file.
fn stations(group: &str, rows: &[Row], data: &Path) -> BTreeSet<String> {
    if let Some((_, list)) = group.split_once("only: ") {
        return list.split(',').map(str::to_owned).collect();
    }
    let all = rows.iter().filter(|r| r.pm2_5.is_some()).map(|r| r.station.clone());
    let Some((city, _)) = group.split_once(": national stations") else { return all.collect() };
    let text = read_text(&data.join("stations_cnemc.csv"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let of_city: BTreeSet<String> = reader
        .records()
        .map(Result::unwrap)
        .filter(|r| &r[6] == city || &r[5] == city)
        .map(|r| r[0].to_owned())
        .collect();
    all.filter(|s| of_city.contains(s)).collect()
}

/// The transitions of one quantity of one group, as (at, from, to).
fn judge(
    rules: &LadderRules,
    rows: &[Row],
    group: &BTreeSet<String>,
    value: impl Fn(&Row) -> Option<f64>,
) -> Vec<(String, String, String)> {
    // The first row of a station at a label wins.
    let mut hours: BTreeMap<Hour, BTreeMap<&str, Option<f64>>> = BTreeMap::new();
    for row in rows.iter().filter(|r| group.contains(&r.station)) {
        let hour = row.label.hour().back(1);
        hours.entry(hour).or_default().entry(&row.station).or_insert_with(|| value(row));
    }
    let mut state = LadderState::new();
    let expected = u32::try_from(group.len()).unwrap();
    hours
        .into_iter()
        .filter_map(|(hour, values)| {
            let means = values.into_values().flatten().map(micro);
            state.close(rules, ZoneHour::from_means(hour, means, expected, 0.5))
        })
        .map(|s| (s.at.to_string(), s.from, s.to))
        .collect()
}

/// The present version for all times: the expectations apply it to every file.
fn present_version() -> Vec<Ruleset> {
    let mut present = builtin().unwrap().remove("kr-air-alert").unwrap().pop().unwrap();
    present.from = Stamp(i64::MIN);
    vec![present]
}

#[test]
fn real_episodes_give_exactly_the_expected_transitions() {
    let Some(data) = data() else {
        println!(
            "skipped: real_episodes_give_exactly_the_expected_transitions: ../shared is absent"
        );
        return;
    };
    let expected: Value = serde_json::from_str(&read_text(&data.join("expected.json"))).unwrap();
    let versions = present_version();
    let mut transitions = 0;
    for (name, dataset) in expected["datasets"].as_object().unwrap() {
        let rows = rows(&data.join(dataset["file"].as_str().unwrap()));
        let group = stations(dataset["group"].as_str().unwrap(), &rows, &data);
        for (quantity, ladder) in [("pm2_5", "kr-pm25"), ("pm10", "kr-pm10")] {
            let wanted = &dataset[quantity];
            assert_eq!(wanted["stations"].as_u64(), Some(group.len() as u64), "{name}");
            let text = |v: &Value| v.as_str().unwrap().to_owned();
            let wanted: Vec<_> = wanted["transitions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|t| (text(&t["at"]["utc"]), text(&t["from"]), text(&t["to"])))
                .collect();
            let rules = LadderRules::new(&versions, ladder, 72);
            let value = |r: &Row| if quantity == "pm10" { r.pm10 } else { r.pm2_5 };
            assert_eq!(judge(&rules, &rows, &group, value), wanted, "{name} {quantity}");
            transitions += wanted.len();
        }
    }
    assert!(transitions > 100, "only {transitions} transitions were compared");
}
