//! `dustline backtest`: what the rules would have told on data of the past.

mod forecasts;
pub(super) mod progress;
mod report;
mod score;
mod years;

use super::data::parse_time_zone;
use super::{Code, Failure, rulesets, run as daemon};
use crate::air::place::Language;
use crate::air::time::parse_duration;
use crate::backtest::{self, Choice, Data, TimeLabel, Way, ZoneBy, Zoning};
use crate::config::settings::{Coupling, Zone};
use crate::config::{Rulesets, Settings};
use crate::rules::judge::PlannedStation;
use crate::rules::neighbours::Bounds;
use crate::store::Reader;
use progress::Progress;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of `dustline backtest`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The rules: by the time of the data, or one version for all. May be given
    /// several times; with --config, those of its zones unless given.
    #[arg(long = "ruleset", value_name = "ID[@VERSION]", required_unless_present_any = ["config", "score_forecast"])]
    rulesets: Vec<String>,
    /// A directory of ruleset files besides the built-in ones; a configuration
    /// brings its own.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    rulesets_dir: Option<PathBuf>,
    /// Judge nothing, but tell how good Dustline's own forecast would have been.
    #[arg(long, conflicts_with = "rulesets")]
    score_forecast: bool,
    #[command(flatten)]
    from: From,
    /// Forecasts, JSON or CSV as the API takes them, for the conditions that look at
    /// them: each counts from its issue on. Zones are those of the backtest.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "score_forecast")]
    forecasts: Vec<PathBuf>,
    /// What makes a zone. [default: all; with --zones or --config, what they say]
    #[arg(long, value_enum)]
    zone_by: Option<By>,
    /// The zones: CSV with the columns station and zone.
    #[arg(long, value_name = "FILE", conflicts_with = "zone_by")]
    zones: Option<PathBuf>,
    /// Whether a row's time ends or begins what it is of.
    #[arg(long, value_enum, default_value_t)]
    time_label: Label,
    /// How long a row stands for its surroundings.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    covers: Duration,
    /// Share of a zone's stations that must have a value in an hour.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
    min_valid_share: f64,
    /// Leave out of the mean of a zone those of its stations that disagree with the
    /// others; a configuration says so itself (quality.neighbours).
    #[arg(long, conflicts_with = "config")]
    leave_out_odd: bool,
    /// A table for people, JSON or CSV for machines.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The language of criteria and texts: ko, zh or en.
    #[arg(long, value_name = "LANG", default_value = "en", value_parser = language)]
    language: Language,
    /// The time zone of the table. [default: that of each ruleset]
    #[arg(long, value_name = "ZONE", value_parser = parse_time_zone)]
    time_zone: Option<jiff::tz::TimeZone>,
}

/// Where the data are.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct From {
    /// Files of measurements, also compressed (.gz): time,station,pm2_5,pm10;
    /// AirKorea by month; CNEMC by day.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    data: Vec<PathBuf>,
    /// The data directory of a Dustline; every device is its own station.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The configuration of a Dustline: its data, stations and zones.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What makes a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum By {
    /// Every station.
    Station,
    /// The column `zone` of the data.
    Column,
    /// All stations together.
    All,
}

/// What a row's time says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Label {
    /// It begins the hour.
    Start,
    /// It ends the hour.
    #[default]
    End,
}

/// The form of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Format {
    /// Changes and a summary in aligned columns, in local time.
    #[default]
    Table,
    /// `{"summary":[…],"years":[…],"changes":[…]}`, changes as in a webhook's `data`.
    Json,
    /// The changes, flat.
    Csv,
}

fn duration(text: &str) -> Result<Duration, String> {
    let wanted = || "must be a duration such as 1h or 10m, and not zero".to_owned();
    parse_duration(text).filter(|d| !d.is_zero()).ok_or_else(wanted)
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|s| (0.0..=1.0).contains(s));
    number.ok_or_else(|| "must be a share from 0 to 1".to_owned())
}

fn language(text: &str) -> Result<Language, String> {
    Language::from_code(text).ok_or_else(|| "must be ko, zh or en".to_owned())
}

/// Judges and prints.
///
/// # Errors
/// 64 for rules or files that do not exist, 65 if there is nothing to judge.
pub fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let (settings, known) = match &args.from.config {
        Some(config) => {
            let loaded = daemon::load(config)?;
            (Some(loaded.settings), loaded.rulesets)
        }
        None => (None, rulesets::known(args.rulesets_dir.as_deref())?),
    };
    let choices = match args.score_forecast {
        true => Vec::new(),
        false => choices(args, settings.as_ref(), &known)?,
    };
    let zoning = zoning(args, settings.as_ref())?;
    let min_coverage = settings.as_ref().map_or(0.75, |s| s.judgement.min_coverage);
    let mut data = Data::new();
    let dir = settings.as_ref().map(|s| &s.data_dir).or(args.from.data_dir.as_ref());
    match dir {
        Some(dir) => read_store(&mut data, dir, min_coverage)?,
        None => read_files(&mut data, args)?,
    }
    usable(&data, &zoning)?;
    // The hours of a store are whole already.
    let covers = if dir.is_some() { Duration::from_secs(3600) } else { args.covers };
    let planned = settings.as_ref().filter(|_| matches!(zoning.by, ZoneBy::Planned(_)));
    let forecasts = forecasts::read(args, planned, zoning.zones(&data), &choices)?;
    let neighbours = neighbours(args, settings.as_ref());
    let way = Way { zoning, covers, min_coverage, neighbours, forecasts };
    if args.score_forecast {
        let scores = backtest::score_forecast(&mut data, &way, args.time_zone.as_ref());
        return score::show(&scores, args.format, out);
    }
    let outcome = backtest::run(&mut data, &choices, &way);
    note(&data, &outcome);
    let report = report::Report::new(&choices, &outcome, args.language, args.time_zone.clone());
    match args.format {
        Format::Table => report.table(out)?,
        Format::Json => report.json(out)?,
        Format::Csv => report.csv(out)?,
    }
    Ok(out.flush()?)
}

/// How stations are compared, if some may be left out; who is only named makes no
/// difference here.
fn neighbours(args: &Args, settings: Option<&Settings>) -> Option<Bounds> {
    let asked = Bounds { counts: false, ..Bounds::default() };
    match settings {
        Some(settings) => settings.neighbours.filter(|bounds| !bounds.counts),
        None => args.leave_out_odd.then_some(asked),
    }
}

/// What judges: what was asked for, else what the configuration's zones name.
fn choices(
    args: &Args,
    settings: Option<&Settings>,
    known: &Rulesets,
) -> Result<Vec<Choice>, Failure> {
    let mut asked: Vec<String> = Vec::new();
    let of_zones = settings.into_iter().flat_map(|s| &s.zones).flat_map(|z| &z.rulesets);
    let wanted: Vec<&String> = match args.rulesets.is_empty() {
        true => of_zones.collect(),
        false => args.rulesets.iter().collect(),
    };
    for id in wanted {
        if !asked.contains(id) {
            asked.push(id.clone());
        }
    }
    if asked.is_empty() {
        let words = "no zone of the configuration names a ruleset; give --ruleset ID";
        return Err(Failure::new(Code::Usage, words));
    }
    let chosen = asked.iter().map(|asked| backtest::choose(asked, &known.versions));
    chosen
        .collect::<Result<_, _>>()
        .map_err(|e| Failure::new(Code::Usage, format!("{e}; `dustline rulesets list` shows them")))
}

fn zoning(args: &Args, settings: Option<&Settings>) -> Result<Zoning, Failure> {
    let by = match (args.zone_by, &args.zones, settings) {
        (Some(By::All), ..) => ZoneBy::All,
        (Some(By::Station), ..) => ZoneBy::Station,
        (Some(By::Column), ..) => ZoneBy::Column,
        (None, Some(file), _) => {
            let list = backtest::read_zones(open(file)?, &file.display().to_string());
            ZoneBy::List(list.map_err(|e| Failure::new(Code::Data, e))?)
        }
        (None, None, Some(settings)) => {
            ZoneBy::Planned(settings.zones.iter().map(Zone::planned).collect())
        }
        (None, None, None) => ZoneBy::All,
    };
    let stations = settings.into_iter().flat_map(|s| &s.stations);
    let stations =
        stations.map(|s| PlannedStation { id: s.id.clone(), devices: s.devices.clone() });
    Ok(Zoning {
        stations: stations.collect(),
        own_rulesets: args.rulesets.is_empty() && matches!(by, ZoneBy::Planned(_)),
        couplings: settings.into_iter().flat_map(|s| &s.couplings).map(Coupling::planned).collect(),
        by,
        min_valid_share: args.min_valid_share,
    })
}

fn open(path: &Path) -> Result<File, Failure> {
    File::open(path)
        .map_err(|e| Failure::new(Code::Usage, format!("{}: {e}; check the path", path.display())))
}

fn read_store(data: &mut Data, dir: &Path, min_coverage: f64) -> Result<(), Failure> {
    let mut reader = Reader::open(dir)?;
    reader.refresh_names()?;
    Ok(data.read_store(&reader, min_coverage)?)
}

fn read_files(data: &mut Data, args: &Args) -> Result<(), Failure> {
    let label = match args.time_label {
        Label::Start => TimeLabel::Start,
        Label::End => TimeLabel::End,
    };
    let files: Vec<(String, File)> = args
        .from
        .data
        .iter()
        .map(|path| Ok((path.display().to_string(), open(path)?)))
        .collect::<Result<_, Failure>>()?;
    let progress = Progress::start(files.iter().map(|(_, file)| file));
    for (name, file) in files {
        data.read(progress.through(file), &name, label).map_err(|e| Failure::new(Code::Data, e))?;
    }
    Ok(())
}

/// There is something to judge, or why not.
fn usable(data: &Data, zoning: &Zoning) -> Result<(), Failure> {
    if data.is_empty() {
        data.counted().shown.iter().for_each(|fault| eprintln!("{fault}"));
        return Err(Failure::new(Code::Data, "there is no value in the data to judge"));
    }
    if matches!(zoning.by, ZoneBy::Column) && !data.has_zones() {
        let words = "no row has a zone; give a column zone, --zones FILE, or another --zone-by";
        return Err(Failure::new(Code::Data, words));
    }
    Ok(())
}

/// Says on standard error what became of the rows.
fn note(data: &Data, outcome: &backtest::Outcome) {
    let counted = data.counted();
    counted.shown.iter().for_each(|fault| eprintln!("{fault}"));
    let more = counted.faults.saturating_sub(counted.shown.len() as u64);
    if more > 0 {
        eprintln!("… and {more} more");
    }
    eprintln!(
        "{} rows, {} values: {} duplicates, {} revisions; {} rows or values could not be understood",
        counted.rows, counted.values, counted.duplicates, counted.revisions, counted.faults
    );
    if outcome.outside > 0 {
        eprintln!("{} stations are in no zone and were not judged", outcome.outside);
    }
}
