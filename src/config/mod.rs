//! The file as written becomes the settings as meant; every fault is reported
//! at once, with its place.
//!
//! ```text
//!  text ─▶ toml (with spans) ─▶ reader: Table, Item ─▶ one file a section ─▶ Settings
//!                                      └─▶ faults and warnings ─▶ sorted by place
//! ```
//!
//! Each section asks its table for the keys it knows; what is left over is an
//! unknown key. A fault never stops the reading: the faulty value is replaced
//! by a default, and a single fault makes the result a list of faults. Secrets
//! and lists of stations are fetched while reading, so that what is missing is
//! reported in the same breath.

mod coupling;
mod daemon;
mod drill;
mod environment;
mod excerpt;
mod fault;
mod forecast;
mod hotline;
mod mail;
mod main_value;
mod mapping;
mod nesting;
mod outgoing;
mod outputs;
pub mod presets;
mod quality;
mod reader;
mod receiver;
mod route;
mod rulesets;
pub mod secret;
pub mod settings;
mod source;
mod station;
pub mod templates;
mod url;
mod values;
mod zone;

#[cfg(test)]
mod tests;

pub use environment::{Environment, Machine};
pub use fault::{Fault, Finding, Warning};
pub use rulesets::{Own, Rulesets};
pub use secret::Secret;
pub use settings::Settings;
pub use templates::Templates;

use self::fault::Text;
use self::reader::{Context, Found, Table};
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// The instance of a configuration that names none.
const INSTANCE: &str = "local";
/// Where the store lies unless told otherwise.
const DATA_DIR: &str = "/var/lib/dustline";
/// The largest configuration that is read, bytes: far more than a person writes.
const TEXT_MAX: usize = 16 << 20;

/// A configuration that can be used.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it means.
    pub settings: Settings,
    /// Every ruleset that there is, whether a zone names it or not.
    pub rulesets: Rulesets,
    /// What is allowed in it but unwise, in the order of the file.
    pub warnings: Vec<Warning>,
}

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// Everything that is wrong with it, in the order of the file.
    pub faults: Vec<Fault>,
    /// What would be unwise in it even so, in the order of the file.
    pub warnings: Vec<Warning>,
}

impl From<Vec<Fault>> for Refused {
    fn from(faults: Vec<Fault>) -> Refused {
        Refused { faults, warnings: Vec::new() }
    }
}

/// Every fault, a line each.
impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<String> = self.faults.iter().map(ToString::to_string).collect();
        f.write_str(&words.join("\n"))
    }
}

/// Reads the configuration in a file.
///
/// # Errors
/// Every fault and warning; also when the file cannot be read.
pub fn load(path: &Path, env: &dyn Environment) -> Result<Loaded, Refused> {
    let file = path.display().to_string();
    let whole = |message: String, hint: &str| {
        vec![Fault::whole_file(&file, message, Some(hint.to_owned()))]
    };
    let bytes = env.read(path).map_err(|error| {
        whole(format!("cannot read it: {error}"), "name another file with --config")
    })?;
    if bytes.len() > TEXT_MAX {
        let large = whole(
            format!("{} bytes; at most {TEXT_MAX} are read", bytes.len()),
            "put stations into a list: stations = \"stations.csv\"",
        );
        return Err(large.into());
    }
    let text = utf8(bytes, &file)?;
    let parent = path.parent().filter(|p| *p != Path::new("")).unwrap_or(Path::new("."));
    let base_dir = std::path::absolute(parent).unwrap_or_else(|_| parent.to_owned());
    parse(&text, &file, &base_dir, env)
}

/// The text of a file.
///
/// # Errors
/// If it is not UTF-8, with the line where it stops to be.
fn utf8(bytes: Vec<u8>, file: &str) -> Result<String, Vec<Fault>> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(good).filter(|b| **b == b'\n').count() + 1;
        let message = format!("line {line} is not UTF-8");
        vec![Fault::whole_file(file, message, Some("save the file in UTF-8".to_owned()))]
    })
}

/// Reads a configuration; `file` names it in findings, and relative paths are
/// relative to `base_dir`.
///
/// # Errors
/// Every fault and warning.
pub fn parse(
    text: &str,
    file: &str,
    base_dir: &Path,
    env: &dyn Environment,
) -> Result<Loaded, Refused> {
    let (settings, found) = read(text, file, base_dir, env);
    match settings {
        Some((settings, rulesets)) if found.faults.is_empty() => {
            Ok(Loaded { settings, rulesets, warnings: found.warnings })
        }
        _ => Err(Refused { faults: found.faults, warnings: found.warnings }),
    }
}

fn read(
    text: &str,
    file: &str,
    base_dir: &Path,
    env: &dyn Environment,
) -> (Option<(Settings, Rulesets)>, Found) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let ctx = Context::new(Text::new(file, text), base_dir, env);
    if !errors.is_empty() {
        let quotable = !text.contains("\"\"\"") && !text.contains("'''");
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let message = format!("not TOML: {}", error.message());
            let mut fault = ctx.text.finding(&span, "", message, None, true);
            fault.excerpt = fault.excerpt.filter(|_| quotable);
            ctx.push_fault(fault);
        }
        return (None, ctx.finish());
    }
    let settings = settings(Table::root(&ctx, document.get_ref()));
    (Some(settings), ctx.finish())
}

/// Reads the whole document.
fn settings(mut root: Table<'_>) -> (Settings, Rulesets) {
    let instance = root.get("instance").and_then(|i| i.name()).map(str::to_owned);
    let data_dir = root.get("data_dir").and_then(|i| i.path());
    let (disk, http) = (daemon::disk(&mut root), daemon::http(&mut root));
    let (presets, (quality, neighbours)) = (presets::all(&mut root), quality::read(&mut root));
    let mut sources = source::read(&mut root, instance.as_deref(), (&presets, &quality));
    let (stations, rulesets) = (station::read(&mut root), rulesets::read(&mut root));
    let (zones, ids) = zone::read(&mut root, &stations, &rulesets);
    let (couplings, forecast_zones) = (coupling::read(&mut root, &ids), forecast::zones(&zones));
    route::give_zones(&mut sources, &forecast_zones);
    let (forecast_files, own_forecast) = (forecast::files(&mut root), forecast::own(&mut root));
    let thresholds = zone::thresholds(&mut root, &rulesets);
    let (delivery, timeout) = outputs::delivery(&mut root);
    let (outgoing, templates) = (outgoing::read(&mut root), templates::read(&mut root));
    let receivers = receiver::receivers(&mut root, (&zones, &ids), timeout);
    let (judgement, log_json) = (daemon::judgement(&mut root), daemon::log_json(&mut root));
    let (influxdb, store) = (outputs::influxdb(&mut root), daemon::store(&mut root, &judgement));
    let (ledger, quarantine) = (daemon::ledger(&mut root), daemon::quarantine(&mut root));
    let named = hotline::Named {
        zones: &zones,
        stations: &stations.list,
        rulesets: &rulesets.versions,
        thresholds: &thresholds,
        receivers: &receivers,
        operator: http.operator_token.as_ref(),
    };
    let hotline = hotline::read(&mut root, &named);
    root.finish();
    let settings = Settings {
        instance: instance.unwrap_or_else(|| INSTANCE.to_owned()),
        data_dir: data_dir.unwrap_or_else(|| PathBuf::from(DATA_DIR)),
        disk,
        http,
        sources,
        stations: stations.list,
        rulesets: rulesets.named_by(&zones),
        zones,
        couplings,
        forecast_zones,
        forecast_files,
        own_forecast,
        thresholds,
        receivers,
        influxdb,
        store,
        judgement,
        quality,
        neighbours,
        ledger,
        quarantine,
        delivery,
        outgoing,
        templates,
        hotline: hotline.plan,
        links: hotline.links,
        party_tokens: hotline.tokens,
        log_json,
    };
    (settings, rulesets)
}
