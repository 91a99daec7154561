//! Documents that cannot drift: what they name exists, what exists is named.

use super::source::{files, read, root};
use std::collections::BTreeSet;

/// The documents that people read.
fn documents() -> Vec<String> {
    let mut all = files("docs", &[".md"]);
    all.extend(files("benches", &[".md"]));
    all.extend(["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(str::to_owned));
    all
}

fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// A key at the start of a setting, as in `name = value`.
fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(" = ")?;
    let name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (!key.is_empty() && key.chars().all(name)).then_some(key)
}

/// Every key of the configuration that shows them all, also those in inline
/// tables, and every table.
fn settings() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in read("config/dustline.toml").lines() {
        let line = line.trim_start_matches("# ").trim();
        if line.starts_with('[') && line.ends_with(']') {
            found.insert(line.to_owned());
        }
        if key_of(line).is_none() && !line.starts_with("{ ") {
            continue;
        }
        let parts = line.split(['{', ',']).map(str::trim);
        found.extend(parts.filter_map(key_of).map(|k| format!("`{k}`")));
    }
    found
}

#[test]
fn every_setting_is_in_the_reference() {
    let settings = settings();
    assert!(settings.contains("`min_valid_share`") && settings.contains("[[receiver]]"));
    let reference = read("docs/configuration.md");
    let missing = settings.iter().filter(|s| !reference.contains(s.as_str()));
    none(missing.map(|s| format!("docs/configuration.md does not explain {s}")).collect());
}

#[test]
fn the_configuration_of_the_readme_has_no_fault() {
    let text = read("README.md");
    let (_, after) = text.split_once("```toml\n").expect("an example");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("dustline.toml");
    std::fs::write(&file, after.split("```").next().unwrap_or_default()).unwrap();
    let loaded = dustline::config::load(&file, &dustline::config::Machine).unwrap();
    assert!(!loaded.settings.receivers.is_empty());
}

/// The names of metrics in a text, without the suffixes of their series.
fn metrics(text: &str) -> BTreeSet<String> {
    let places = text.match_indices("dustline_").map(|(at, _)| at);
    let name = |at: usize| -> String {
        text[at..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()
    };
    let bare = |name: String| {
        let suffixes = ["_total", "_bucket", "_sum", "_count"];
        suffixes.iter().find_map(|s| name.strip_suffix(s)).unwrap_or(&name).to_owned()
    };
    places.map(name).map(bare).filter(|n| !n.ends_with('_')).collect()
}

#[test]
fn metrics_in_the_documents_are_those_of_the_daemon() {
    let code = read("src/telemetry/metrics.rs");
    let there = metrics(code.split("#[cfg(test)]").next().unwrap());
    assert!(there.len() > 20, "{there:?}");
    assert_eq!(metrics(&read("docs/metrics.md")), there);
    let mut faults = Vec::new();
    for path in documents() {
        for name in metrics(&read(&path)).difference(&there) {
            faults.push(format!("{path}: there is no metric {name}"));
        }
    }
    none(faults);
}

#[test]
fn every_table_of_the_store_is_described() {
    let schema = read("src/store/schema.rs");
    let document = read("docs/store.md");
    let tables = schema.split("CREATE TABLE ").skip(1).filter_map(|t| t.split_once(' '));
    let missing = tables.filter(|(name, _)| !document.contains(&format!("`{name}`")));
    none(missing.map(|(name, _)| format!("docs/store.md does not describe {name}")).collect());
}

#[test]
fn flags_reasons_and_policies_are_described() {
    let document = read("docs/quality.md");
    let decode = read("src/decode/refused.rs");
    let lists = ["IGNORED: ", "MALFORMED: "].iter().flat_map(|list| {
        let (_, after) = decode.split_once(list).expect("the list");
        let (_, after) = after.split_once("= [").expect("its start");
        after.split(']').next().unwrap_or_default().split('"').skip(1).step_by(2)
    });
    let reasons = dustline::air::Reason::ALL.iter().map(|r| r.name());
    let missing = lists.chain(reasons).filter(|name| !document.contains(&format!("`{name}`")));
    none(missing.map(|name| format!("docs/quality.md does not explain {name}")).collect());
}

#[test]
fn every_format_is_in_the_list_of_formats() {
    let document = read("docs/formats.md");
    let rows = document.lines().filter_map(|l| l.strip_prefix("| `")?.split_once("` |"));
    let listed: BTreeSet<&str> = rows.map(|(name, _)| name).collect();
    let presets = dustline::config::presets::builtin().unwrap();
    let own = dustline::decode::Format::names().iter().copied();
    let there: BTreeSet<&str> = own.chain(presets.keys().map(String::as_str)).collect();
    let missing = there.difference(&listed);
    none(missing.map(|name| format!("docs/formats.md does not list {name}")).collect());
    let mut faults = Vec::new();
    for preset in presets.values() {
        let row = document.lines().find(|l| l.starts_with(&format!("| `{}` |", preset.name)));
        let row = row.unwrap_or_default();
        let first = preset.forms.iter().flat_map(|f| &f.topics).next();
        let told = first.is_none_or(|t| row.contains(&format!("`{t}`")));
        if !row.contains(&preset.title) || !told {
            faults.push(format!("docs/formats.md: the row of {} is not as it is", preset.name));
        }
    }
    none(faults);
}

#[test]
fn the_preset_in_the_list_of_formats_has_no_fault() {
    let text = read("docs/formats.md");
    let (_, after) = text.split_once("```toml\n").expect("an example");
    let example = after.split("```").next().unwrap_or_default();
    let machine = dustline::config::Machine;
    let read = dustline::config::presets::parse("poles", example, "docs/formats.md", &machine);
    none(read.err().into_iter().flatten().map(|f| f.to_string()).collect());
}

#[test]
fn the_calls_of_the_api_are_those_of_the_server() {
    let server = read("src/web/mod.rs");
    let paths = |text: &str, start: &str| -> BTreeSet<String> {
        let after = text.split(start).skip(1);
        let path = |t: &str| {
            t.chars().take_while(|c| !c.is_whitespace() && !"\"`?".contains(*c)).collect()
        };
        after.map(path).collect()
    };
    let served: BTreeSet<String> = paths(&server, "(\"/").into_iter().collect();
    let table = read("docs/api.md");
    let is_row = |l: &&str| l.starts_with("| `GET") || l.starts_with("| `POST");
    let rows: String = table.lines().filter(is_row).collect();
    let mut told = paths(&rows, "GET /");
    told.extend(paths(&rows, "POST /"));
    told.extend(paths(&rows, "· `/"));
    assert_eq!(told, served);
}

/// Every command line of ours in a document, in code blocks and in the text.
fn commands(text: &str) -> Vec<Vec<String>> {
    let spans = text.split('`').skip(1).step_by(2).filter(|s| s.starts_with("dustline "));
    let lines = text.lines().filter(|l| l.starts_with("dustline "));
    let words = |line: &str| line.split_whitespace().skip(1).map(str::to_owned).collect();
    lines.chain(spans).map(words).collect()
}

#[test]
fn every_command_in_the_readme_exists_with_its_options() {
    let commands = commands(&read("README.md"));
    assert!(commands.len() > 8, "{commands:?}");
    let mut faults = Vec::new();
    for words in commands {
        let known = |w: &&String| w.chars().all(|c| c.is_ascii_lowercase()) && *w != "bash";
        let path: Vec<&String> = words.iter().take_while(known).collect();
        let mut help = std::process::Command::new(env!("CARGO_BIN_EXE_dustline"));
        let output = help.args(path).arg("--help").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let options = words.iter().filter(|w| w.starts_with("--"));
        let missing: Vec<_> = options.filter(|o| !said.contains(o.as_str())).collect();
        if !output.status.success() || !missing.is_empty() {
            faults.push(format!("README.md: dustline {} {missing:?}", words.join(" ")));
        }
    }
    none(faults);
}

/// A heading as the anchor of a link.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut faults = Vec::new();
    for path in documents() {
        let text = read(&path);
        let here = root().join(&path);
        for link in text.split("](").skip(1).filter_map(|l| l.split(')').next()) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => here.clone(),
                _ => here.parent().expect("a document lies somewhere").join(file),
            };
            let there = target.exists();
            let headings = || std::fs::read_to_string(&target).unwrap_or_default();
            let found = place.is_empty()
                || headings().lines().any(|l| l.starts_with('#') && anchor(l) == place);
            if !there || !found {
                faults.push(format!("{path}: {link} leads nowhere"));
            }
        }
    }
    none(faults);
}

#[test]
fn the_changelog_knows_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    let text = read("CHANGELOG.md");
    assert!(text.lines().any(|l| l.starts_with(&format!("## {version}"))), "no {version}");
}

#[test]
fn nothing_names_a_place_on_one_machine() {
    let mut paths = documents();
    for dir in ["src", "tests", "config", "deploy", "benches"] {
        paths.extend(files(dir, &[".rs", ".toml", ".sh", ".service", ".md", ".html"]));
    }
    paths.extend(["Cargo.toml", "deny.toml", "tests/run", ".ci/run"].map(str::to_owned));
    let places = ["work", "root", "home", "Users"].map(|dir| format!("/{dir}/"));
    let mut faults = Vec::new();
    for path in paths {
        for (number, line) in read(&path).lines().enumerate() {
            if places.iter().any(|p| line.contains(p.as_str())) {
                faults.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none(faults);
}
