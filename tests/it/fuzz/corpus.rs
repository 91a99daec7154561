//! The sound messages of every format there is.

use dustline::config::{self, Machine, presets};
use dustline::decode::{Format, Route};
use std::fs;
use std::path::{Path, PathBuf};

/// Topic and payload.
pub type Said = (String, Vec<u8>);

/// A format, how it is subscribed, and messages in an order that makes sense.
pub struct Subject {
    pub route: Route,
    pub talk: Vec<Said>,
}

impl Subject {
    fn new(entry: &str, talk: Vec<Said>) -> Subject {
        Subject { route: route(entry), talk }
    }

    pub fn name(&self) -> &str {
        self.route.format.name()
    }
}

/// Every format with its messages: those of the program itself, and every preset.
pub fn subjects() -> Vec<Subject> {
    let own = Format::names().iter().flat_map(|name| {
        subscriptions(name).into_iter().map(|entry| Subject::new(&entry, messages(name)))
    });
    let presets = presets::builtin().unwrap().values().map(|preset| {
        let file: toml::Table = preset.text.parse().unwrap();
        Subject::new(&adapted(&preset.name, &file), cases(&file))
    });
    own.chain(presets).collect()
}

/// How a format of the program itself is subscribed; the generic mapping with and
/// without entries.
fn subscriptions(name: &str) -> Vec<String> {
    let more = match name {
        "json" => vec![
            ", device = \"/device\", time = \"/time\", once = \"/time\", unwrap = { \"/packed\" = \"json\" }, \
             values = { pm2_5 = \"/pm2_5\", pm1 = \"/packed/pm1\" }",
            ", each = \"/rows/*\", device = \"^/device\", time = \"^/time\", name = \"/kind\", \
             value = { pointer = \"/value\", unit_at = \"/unit\" }",
        ],
        _ => vec![""],
    };
    more.iter().map(|more| format!("format = \"{name}\"{more}")).collect()
}

/// A preset with the quantities that its cases name.
fn adapted(name: &str, file: &toml::Table) -> String {
    let mut names = toml::Table::new();
    for case in file["case"].as_array().unwrap() {
        let told = case.get("quantities").and_then(toml::Value::as_table);
        names.extend(told.cloned().into_iter().flatten());
    }
    let names: Vec<String> = names.iter().map(|(n, q)| format!("{n:?} = {q}")).collect();
    format!("format = \"{name}\", quantities = {{ {} }}", names.join(", "))
}

/// The route of a subscription to everything, as a configuration says it.
fn route(entry: &str) -> Route {
    let zone = |id: &str, country: &str, clock: &str| {
        format!(
            "[[zone]]\nid = \"{id}\"\nname = {{ en = \"{id}\" }}\ncountry = \"{country}\"\n\
             time_zone = \"{clock}\"\nstations = [\"*\"]\n"
        )
    };
    let text = format!(
        "[[source]]\nname = \"s\"\nurl = \"mqtt://127.0.0.1\"\n\
         subscribe = [{{ topic = \"#\", {entry} }}]\n{}{}",
        zone("seoul", "KR", "Asia/Seoul"),
        zone("beijing", "CN", "Asia/Shanghai")
    );
    let loaded = config::parse(&text, "fuzz.toml", Path::new("."), &Machine);
    let loaded = loaded.unwrap_or_else(|refused| panic!("{entry}: {refused}"));
    loaded.settings.sources[0].routes[0].clone()
}

/// The messages in the corpus file of a format: a topic, a tabulator, a body; a
/// body that is no text is written in hexadecimal after `hex:`, and `\n` in one
/// of a format of lines is a line's end.
fn messages(name: &str) -> Vec<Said> {
    let file = format!("tests/fixtures/formats/{name}.txt");
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
    let text = fs::read_to_string(path).unwrap_or_else(|e| {
        panic!("{file}: {e}: every format needs messages of its own, one a line")
    });
    let said = text.lines().map(|line| {
        let (topic, body) = line.split_once('\t').unwrap();
        let body = match body.strip_prefix("hex:") {
            Some(digits) => (0..digits.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap())
                .collect(),
            None if name == "forecast" => body.replace("\\n", "\n").into_bytes(),
            None => body.as_bytes().to_vec(),
        };
        (topic.to_owned(), body)
    });
    said.collect()
}

/// The messages in the cases of a preset's file.
fn cases(file: &toml::Table) -> Vec<Said> {
    let cases = file["case"].as_array().unwrap().iter();
    let text = |case: &toml::Value, key: &str| case[key].as_str().unwrap().to_owned();
    cases.map(|case| (text(case, "topic"), text(case, "payload").into_bytes())).collect()
}
