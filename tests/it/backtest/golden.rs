//! Real episodes through the public command: exactly the transitions that an
//! independent evaluation of the same files gives.

use super::{judged, moves};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The folder of real measurements beside the checkout, if there is one.
fn data() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["../shared/data", "../../shared/data"].map(|p| root.join(p)).into_iter().find(|p| p.is_dir())
}

fn text_of(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    match path.extension().is_some_and(|e| e == "gz") {
        true => flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap(),
        false => std::io::BufReader::new(file).read_to_string(&mut text).unwrap(),
    };
    text
}

fn records(path: &Path) -> Vec<csv::StringRecord> {
    let text = text_of(path);
    csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).collect()
}

/// The stations of a group as its description says: a prefecture's national
/// stations that ever report PM2.5, a list after "only:", or the whole file.
fn stations(group: &str, file: &Path, data: &Path) -> Option<BTreeSet<String>> {
    if let Some((_, list)) = group.split_once("only: ") {
        return Some(list.split(',').map(str::to_owned).collect());
    }
    let (city, _) = group.split_once(": national stations")?;
    let of_city: BTreeSet<String> = records(&data.join("stations_cnemc.csv"))
        .iter()
        .filter(|r| &r[6] == city || &r[5] == city)
        .map(|r| r[0].to_owned())
        .collect();
    let reporting = records(file);
    let reporting = reporting.iter().filter(|r| !r[4].is_empty() && of_city.contains(&r[1]));
    Some(reporting.map(|r| r[1].to_owned()).collect())
}

#[test]
fn every_real_episode_gives_exactly_its_transitions() {
    let Some(data) = data() else {
        println!("skipped: every_real_episode_gives_exactly_its_transitions: ../shared is absent");
        return;
    };
    let expected: Value = serde_json::from_str(&text_of(&data.join("expected.json"))).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut transitions = 0;
    for (name, dataset) in expected["datasets"].as_object().unwrap() {
        let file = data.join(dataset["file"].as_str().unwrap());
        // The expectations apply the present figures to every file.
        let mut args = vec!["--ruleset", "kr-air-alert@2018-07-01", "--data"];
        args.push(file.to_str().unwrap());
        let zones = dir.path().join(format!("{name}.csv"));
        let group = stations(dataset["group"].as_str().unwrap(), &file, &data);
        if let Some(group) = &group {
            let rows: String = group.iter().map(|s| format!("{s},all\n")).collect();
            std::fs::write(&zones, format!("station,zone\n{rows}")).unwrap();
            args.extend(["--zones", zones.to_str().unwrap()]);
        }
        let found = moves(&judged(&args));
        for (quantity, ladder) in [("pm2_5", "kr-pm25"), ("pm10", "kr-pm10")] {
            let text = |v: &Value| v.as_str().unwrap().to_owned();
            let wanted: Vec<String> = dataset[quantity]["transitions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|t| [&t["at"]["utc"], &t["from"], &t["to"]].map(text).join(" "))
                .map(|rest| format!("all {ladder} {rest}"))
                .collect();
            let of_ladder = |m: &&String| m.split(' ').nth(1) == Some(ladder);
            let found: Vec<&String> = found.iter().filter(of_ladder).collect();
            assert_eq!(found, wanted.iter().collect::<Vec<_>>(), "{name} {quantity}");
            transitions += wanted.len();
        }
    }
    assert!(transitions > 100, "only {transitions} transitions were compared");
}
