//! `dustline store`: how large the data are, whether they are whole, a copy of them,
//! and as little room as they need.

use super::data::{DataArgs, Format, table};
use super::{Code, Failure};
use crate::store::{self, Checked, Gone, Info, Reader, SealRule, StoreError, Tier, Writer};
use std::io::{IsTerminal, Write, stderr};
use std::path::PathBuf;

/// Arguments of `dustline store`.
#[derive(Debug, clap::Args)]
pub struct StoreArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show sizes, growth, and how long the disk will last.
    Info(LookArgs),
    /// Verify that everything is there and agrees.
    Check(LookArgs),
    /// Copy the store into a directory, also while a daemon runs.
    Backup(BackupArgs),
    /// Merge all parts of history that can be, and make the file as small as what is
    /// in it. No daemon may run; needs as much room again as the store has afterwards.
    Compact(CompactArgs),
}

#[derive(Debug, clap::Args)]
struct CompactArgs {
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, clap::Args)]
struct LookArgs {
    #[command(flatten)]
    data: DataArgs,
    /// For people, or JSON.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct BackupArgs {
    /// Where to; made if it is not there. An earlier copy in it is replaced.
    dir: PathBuf,
    #[command(flatten)]
    data: DataArgs,
}

/// Looks at the store or copies it.
pub fn run(args: &StoreArgs, out: &mut impl Write) -> Result<(), Failure> {
    match &args.action {
        Action::Info(args) => info(args, out),
        Action::Check(args) => check(args, out),
        Action::Backup(args) => backup(args, out),
        Action::Compact(args) => compact(args, out),
    }?;
    Ok(out.flush()?)
}

fn info(args: &LookArgs, out: &mut impl Write) -> Result<(), Failure> {
    let info = args.data.open()?.0.info()?;
    match args.format {
        Format::Json => writeln!(out, "{}", json(&info)?)?,
        Format::Table => print_info(&info, out)?,
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|e| Failure::new(Code::Failed, e))
}

fn print_info(info: &Info, out: &mut impl Write) -> Result<(), Failure> {
    let row = |t: &crate::store::TableInfo| vec![t.name.clone(), t.rows.to_string(), size(t.bytes)];
    table(out, &["table", ">rows", ">size"], &info.tables.iter().map(row).collect::<Vec<_>>())?;
    let row = |t: &Tier| {
        let each = t.bytes_per_value.map_or("-".to_owned(), |each| format!("{each:.2} B"));
        let time = |t: &Option<String>| t.clone().unwrap_or("-".to_owned());
        let (name, values) = (t.name.to_owned(), t.values.to_string());
        vec![name, values, size(t.bytes), each, time(&t.oldest), time(&t.newest)]
    };
    let head = ["tier", ">values", ">size", ">each", "oldest", "newest"];
    writeln!(out)?;
    table(out, &head, &info.tiers.iter().map(row).collect::<Vec<_>>())?;
    print_dropped(info, out)?;
    writeln!(out, "\nfile {}, write-ahead log {}", size(info.file), size(info.wal))?;
    if let Some(each) = info.bytes_per_reading {
        writeln!(out, "{} readings, {each:.1} bytes each", info.readings)?;
    }
    match (info.bytes_per_day, info.free) {
        (Some(day), Some(free)) => {
            let left = info.days_left.map_or("-".to_owned(), |d| format!("{d:.0}"));
            writeln!(out, "{} a day, {} free: {left} days left", size(day), size(free))?;
        }
        (None, Some(free)) => writeln!(out, "{} free; growth is known after a day", size(free))?,
        _ => {}
    }
    Ok(())
}

/// What was dropped, if anything was.
fn print_dropped(info: &Info, out: &mut impl Write) -> Result<(), Failure> {
    let gone = info.tiers.iter().flat_map(|t| t.dropped.iter().map(|gone| (t.name, gone)));
    let row = |(tier, g): (&str, &Gone)| {
        let (tier, beyond) = (tier.to_owned(), g.beyond.to_owned());
        vec![tier, beyond, g.values.to_string(), g.before.clone(), g.at.clone()]
    };
    let rows: Vec<_> = gone.map(row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    Ok(table(out, &["dropped of", "beyond", ">values", "before", "last"], &rows)?)
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

fn check(args: &LookArgs, out: &mut impl Write) -> Result<(), Failure> {
    let checked = args.data.open()?.0.check()?;
    match args.format {
        Format::Json => writeln!(out, "{}", json(&checked)?)?,
        Format::Table => print_checked(&checked, out)?,
    }
    out.flush()?;
    match checked.found {
        0 => Ok(()),
        n => Err(Failure::new(Code::Failed, format!("{n} things in the store do not hold"))),
    }
}

fn print_checked(checked: &Checked, out: &mut impl Write) -> Result<(), Failure> {
    for finding in &checked.findings {
        writeln!(out, "{}: {}", finding.place, finding.what)?;
        writeln!(out, "  {}", finding.advice)?;
    }
    let more = checked.found.saturating_sub(checked.findings.len() as u64);
    if more > 0 {
        writeln!(out, "and {more} more of the same kinds")?;
    }
    let Checked { rows, parts, readings, dropped, hours, .. } = checked;
    writeln!(
        out,
        "{rows} journal rows, {parts} parts of history, {readings} readings, {hours} closed hours looked at"
    )?;
    if *dropped > 0 {
        writeln!(out, "{dropped} readings more were dropped, as `[store.keep]` says")?;
    }
    if checked.found == 0 {
        writeln!(out, "everything is there and agrees")?;
    }
    Ok(())
}

fn compact(args: &CompactArgs, out: &mut impl Write) -> Result<(), Failure> {
    let dir = args.data.dir()?;
    // Whoever has no store there shall not get an empty one.
    drop(args.data.open()?);
    let _lock = store::lock(&dir)?;
    let mut writer = Writer::open(&dir)?;
    let mut reader = Reader::open(&dir)?;
    let before = reader.bytes();
    // Only the daemon can seal: a restart needs its state as of then.
    let rule = SealRule { all: true, ..SealRule::default() };
    store::pass(&mut reader, &rule, |work| {
        writer.begin()?;
        let done = writer.upkeep(&work)?;
        writer.commit()?;
        Ok::<_, StoreError>(done)
    })?;
    // Nobody may look while the file is made anew.
    drop(reader);
    writer.shrink()?;
    let after = args.data.open()?.0.bytes();
    let (before, after) = (size(before), size(after));
    Ok(writeln!(out, "{before} before, {after} now")?)
}

fn backup(args: &BackupArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (reader, _) = args.data.open()?;
    let seen = stderr().is_terminal();
    let bytes = reader.backup(&args.dir, |left, all| {
        if seen {
            let done = i64::from(all - left) * 100 / i64::from(all.max(1));
            // A bar that cannot be drawn is no reason to stop.
            let _ = write!(stderr(), "\rcopying {done:3} %\x1b[K");
        }
    })?;
    if seen {
        let _ = write!(stderr(), "\r\x1b[K");
    }
    let file = args.dir.join("dustline.db");
    Ok(writeln!(out, "{}: {}, complete and verified", file.display(), size(bytes))?)
}
