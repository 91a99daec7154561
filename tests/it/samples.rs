//! Every sample of the collection of formats, through `dustline decode`, against
//! what the collection says it means. The collection lies beside the checkout
//! and is not part of it; where it is absent the test says so. The decoders'
//! tests and the presets' cases cover the same forms with values of our own.

use dustline::config::presets;
use dustline::decode::{Format, Message};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Which level names the device, where the topic alone does not say.
const PATTERNS: &[(&str, &str)] = &[("airrohr-5", "feinstaub/{device}/#")];

/// What a sample's note leaves to the operator: keys of the subscription.
const TOLD: &[(&str, &str)] = &[
    ("esphome-2", "quantity = \"pm2_5\""),
    ("sensorthings-", "quantities = { \"Datastreams(1)\" = \"pm2_5\" }"),
    (
        "opensensemap-",
        "quantities = { 00aa11bb22cc33dd44ee55fd = \"pm10\", 00aa11bb22cc33dd44ee55fc = \"pm2_5\" }",
    ),
];

/// Samples that mean something only after others, which are fed first, a line a
/// message.
const AFTER: &[(&str, &str)] = &[("ha-discovery-2", "ha-discovery-1")];

/// Samples of formats that are named after others.
const OF: &[(&str, &str)] = &[("esphome-3", "ha-discovery")];

/// Samples of no format: they bring no readings, as every format must see. WIS2
/// announces files, and what it says of them is no value of the air.
const NO_FORMAT: &[(&str, &str)] = &[("wis2-", "announces a file")];

/// Samples whose time is not told by a message with readings, and how.
const TIMELESS: &[(&str, &str)] = &[("ha-statestream-1", "the time is a message of its own")];

fn of<'a>(table: &[(&str, &'a str)], stem: &str) -> Option<&'a str> {
    let whole = |start: &str| *start == *stem || (start.ends_with('-') && stem.starts_with(start));
    table.iter().find(|(start, _)| whole(start)).map(|(_, what)| *what)
}

struct Sample {
    stem: String,
    file: PathBuf,
    expected: Vec<Value>,
}

impl Sample {
    fn of(folder: &Path, stem: &str) -> Option<Sample> {
        let expected = fs::read(folder.join(format!("{stem}.expected.json"))).ok()?;
        let expected = match serde_json::from_slice(&expected).unwrap() {
            Value::Array(all) => all,
            one => vec![one],
        };
        let endings = ["json", "txt", "bin"].into_iter();
        let file = endings.map(|e| folder.join(format!("{stem}.{e}"))).find(|f| f.exists())?;
        Some(Sample { stem: stem.to_owned(), file, expected })
    }

    fn input(&self, key: &str) -> &str {
        self.expected[0]["_input"][key].as_str().unwrap_or_default()
    }

    fn has_lines(&self) -> bool {
        self.input("form").starts_with("lines")
    }

    /// Its message on a line: topic, tabulator, body without line ends.
    fn line(&self) -> String {
        let body = fs::read_to_string(&self.file).unwrap().replace(['\r', '\n'], " ");
        format!("{}\t{body}\n", self.input("topic"))
    }
}

/// What `dustline decode` prints of a sample.
fn decoded(folder: &Path, sample: &Sample, format: &str) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dustline"));
    command.args(["decode", "--output", "json", "--format", format]);
    if let Some(keys) = of(TOLD, &sample.stem) {
        let config = dir.path().join("dustline.toml");
        let text = format!(
            "[[source]]\nname = \"s\"\nurl = \"mqtt://127.0.0.1\"\n\
             subscribe = [{{ topic = \"#\", format = \"{format}\", {keys} }}]\n"
        );
        fs::write(&config, text).unwrap();
        command.arg("--config").arg(config);
    }
    if let Some(pattern) = of(PATTERNS, &sample.stem) {
        command.args(["--subscription", pattern]);
    }
    let before = of(AFTER, &sample.stem).map(|stem| Sample::of(folder, stem).unwrap());
    let output = match before {
        Some(before) => {
            let lines = dir.path().join("lines");
            fs::write(&lines, before.line() + &sample.line()).unwrap();
            command.arg("--lines").arg(lines).output().unwrap()
        }
        None if sample.has_lines() => command.arg("--lines").arg(&sample.file).output().unwrap(),
        None => {
            command.args(["--topic", sample.input("topic")]).arg(&sample.file).output().unwrap()
        }
    };
    assert!(output.status.success(), "{}: {output:?}", sample.stem);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_sample_means_what_its_collection_says_on_the_command_line() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ups = ["../shared", "../../shared"].into_iter();
    let folder = ups.map(|up| home.join(up).join("formats/samples")).find(|path| path.is_dir());
    let Some(folder) = folder else {
        println!(
            "skipped: every_sample_means_what_its_collection_says_on_the_command_line: \
             ../shared is absent"
        );
        return;
    };
    let names = folder.read_dir().unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let stems: BTreeSet<String> =
        names.filter_map(|n| Some(n.strip_suffix(".expected.json")?.to_owned())).collect();
    let (mut checked, mut faults) = (0, Vec::new());
    for stem in &stems {
        let sample = Sample::of(&folder, stem).unwrap();
        if let Some(why) = of(NO_FORMAT, stem) {
            faults.extend(read_by_none(&sample, why));
            checked += 1;
            continue;
        }
        let format = of(OF, stem).or(stem.rsplit_once('-').map(|(name, _)| name)).unwrap();
        faults.extend(compare(&sample, &decoded(&folder, &sample, format)));
        checked += 1;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(checked >= 70, "only {checked} samples are there");
}

/// Which formats wrongly make readings of a sample, or expect some.
fn read_by_none(sample: &Sample, why: &str) -> Vec<String> {
    let expected = rows(&sample.expected, "", false);
    assert!(expected.is_empty(), "{}: {why}, yet {expected:?}", sample.stem);
    let payload = fs::read(&sample.file).unwrap();
    let received = dustline::air::Stamp(1_700_000_000_000);
    let topic = sample.input("topic");
    let message = Message { topic, payload: &payload, retained: false, received };
    let presets = presets::builtin().unwrap().values().cloned();
    let presets = presets.map(|preset| Format::Preset(Arc::new(preset)));
    let own = Format::names().iter().filter_map(|name| Format::native(name));
    let reads = |f: &Format| f.decode(&message).is_ok_and(|d| !d.observations.is_empty());
    let reading = own.chain(presets).filter(reads);
    reading.map(|f| format!("{} {why}, but {} reads it", sample.stem, f.name())).collect()
}

/// One value: device, time, series, number.
type Row = (String, Option<String>, String, f64);

fn rows(parts: &[Value], topic: &str, timed: bool) -> Vec<Row> {
    let row = |part: &Value, v: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        // What the collection doubts is kept, but never as a main value.
        let variant = match v["doubtful"] == true {
            true => "doubtful".to_owned(),
            false => text(&v["variant"]),
        };
        let series = format!(
            "{} in {}, channel {:?}, variant {variant:?}",
            text(&v["quantity"]),
            text(&v["unit"]),
            text(&v["channel"])
        );
        let device = part["device"].as_str().unwrap_or(topic).to_owned();
        let time = part["time"].as_str().filter(|_| timed).map(instant);
        (device, time, series, v["value"].as_f64().unwrap())
    };
    let values = |part: &Value| -> Vec<Row> {
        part["values"].as_array().unwrap().iter().map(|v| row(part, v)).collect()
    };
    parts.iter().flat_map(values).collect()
}

/// A time in one spelling.
fn instant(text: &str) -> String {
    dustline::air::Stamp::parse(text).unwrap().to_string()
}

/// What a sample should mean and does not.
fn compare(sample: &Sample, found: &[Value]) -> Vec<String> {
    let (stem, expected) = (&sample.stem, &sample.expected);
    let (topic, timed) = (sample.input("topic"), of(TIMELESS, stem).is_none());
    let (ours, theirs) = (rows(found, topic, timed), rows(expected, topic, timed));
    let tolerance = expected[0]["_tolerance"].as_f64().unwrap_or(1e-6);
    let same = |a: &Row, b: &Row| {
        (&a.0, &a.1, &a.2) == (&b.0, &b.1, &b.2) && (a.3 - b.3).abs() <= tolerance
    };
    let subset = expected.iter().any(|part| part["_subset"] == true);
    let missing = theirs.iter().filter(|row| !ours.iter().any(|r| same(r, row)));
    let mut faults: Vec<String> = missing.map(|row| format!("{stem}: no {row:?}")).collect();
    let more = ours.iter().filter(|row| !subset && !theirs.iter().any(|r| same(r, row)));
    faults.extend(more.map(|row| format!("{stem}: not expected: {row:?}")));
    if !subset && ours.len() != theirs.len() {
        faults.push(format!("{stem}: {} values, not {}", ours.len(), theirs.len()));
    }
    let wanted = expected[0]["device"].as_str().unwrap_or(topic);
    let told = found.iter().any(|part| part["device"] == wanted);
    let nothing_expected = found.is_empty() && theirs.is_empty() && subset;
    if !told && !nothing_expected {
        faults.push(format!("{stem}: no word of {wanted}: {found:?}"));
    }
    let paths: Vec<&Value> =
        found.iter().flat_map(|p| p["skipped"].as_array().unwrap()).map(|s| &s["path"]).collect();
    for part in expected.iter().flat_map(|p| p["skipped"].as_array().into_iter().flatten()) {
        if !paths.contains(&&part["path"]) {
            faults.push(format!("{stem}: {} is not left out", part["path"]));
        }
    }
    faults
}
