//! `dustline ledger`: what became of every message received.

mod statement;

use super::data::{DataArgs, Format, JsonList, parse_time, table};
use super::{Code, Failure};
use crate::air::Stamp;
use crate::store::{Counts, LedgerKey, LedgerLine, Reader};
use crate::web;
use std::collections::BTreeMap;
use std::io::Write;

/// Lines of the ledger read in one step.
const STEP: usize = 10_000;

/// Arguments of `dustline ledger`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct LedgerArgs {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    data: DataArgs,
    /// Hours of receipt that start at or after this time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<Stamp>,
    /// Hours of receipt that start before this time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Option<Stamp>,
    /// A table of sums by source and device, or every line as JSON.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print the daily statements, one a line, as they were signed.
    Statement(statement::StatementArgs),
    /// Check statements with nothing but the public key.
    Verify(statement::VerifyArgs),
    /// Print the public key that checks the statements made here.
    Key(statement::KeyArgs),
}

/// Prints the ledger or its statements, or checks statements.
pub fn run(args: &LedgerArgs, out: &mut impl Write) -> Result<(), Failure> {
    match &args.what {
        None => show(args, out),
        Some(What::Statement(args)) => statement::show(args, out),
        Some(What::Verify(args)) => statement::check(args, out),
        Some(What::Key(args)) => statement::key(args, out),
    }
}

/// Prints the ledger; fails if it does not balance.
fn show(args: &LedgerArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (mut reader, _) = args.data.open()?;
    let index = reader.index()?;
    let span = web::Span::new(&index, args.from, args.to);
    let sum = span.sum(&reader)?;
    let shares = span.shares(&mut reader, &args.data.target_names()?, &sum)?;
    match args.format {
        Format::Json => json(&mut reader, &span, (&sum, shares.as_slice()), out)?,
        Format::Table => {
            print_table(&mut reader, &span, &sum, out)?;
            print_shares(&shares, out)?;
        }
    }
    out.flush()?;
    if !sum.messages.balances() || !sum.readings.balances() {
        let words = "the ledger does not balance: received is not stored + duplicate + quarantined + ignored; keep the data directory and report this";
        return Err(Failure::new(Code::Failed, words));
    }
    Ok(())
}

/// Hands every line to `take`, a step at a time.
fn each(
    reader: &mut Reader,
    span: &web::Span,
    mut take: impl FnMut(&mut Reader, LedgerKey, LedgerLine) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let lines = span.page(reader, after, STEP)?;
        let last_step = lines.len() < STEP;
        for (key, line) in lines {
            after = Some(key);
            take(reader, key, line)?;
        }
        if last_step {
            return Ok(());
        }
    }
}

fn json(
    reader: &mut Reader,
    span: &web::Span,
    (sum, shares): (&LedgerLine, &[web::ShareShape]),
    out: &mut impl Write,
) -> Result<(), Failure> {
    let text = |c: Counts| serde_json::to_string(&web::CountsShape::from(c)).unwrap_or_default();
    let messages = text(sum.messages);
    let messages = messages.trim_start_matches('{').trim_end_matches('}');
    let shares = serde_json::to_string(shares).unwrap_or_default();
    let head = format!("{messages},\"readings\":{},\"targets\":{shares},", text(sum.readings));
    let mut by = JsonList::start(out, &head, "by")?;
    each(reader, span, |reader, key, line| Ok(by.item(&web::ledger_line(reader, &key, &line)?)?))?;
    Ok(by.end()?)
}

fn print_table(
    reader: &mut Reader,
    span: &web::Span,
    sum: &LedgerLine,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut sums: BTreeMap<(u32, u32), LedgerLine> = BTreeMap::new();
    each(reader, span, |_, key, line| {
        let of = sums.entry((key.source, key.device)).or_default();
        of.messages.merge(&line.messages);
        of.readings.merge(&line.readings);
        Ok(())
    })?;
    let mut rows = Vec::new();
    for ((source, device), line) in &sums {
        let key = LedgerKey { source: *source, device: *device, hour: crate::air::Hour(0) };
        let named = web::ledger_line(reader, &key, line)?;
        rows.push(row(&named.source, named.device.as_deref().unwrap_or("-"), line));
    }
    rows.sort();
    rows.push(row("all", "", sum));
    let titles = [
        "source",
        "device",
        ">received",
        ">stored",
        ">duplicate",
        ">quarantined",
        ">ignored",
        ">readings",
        ">stored",
        ">duplicate",
        ">ignored",
    ];
    table(out, &titles, &rows)?;
    if sum.messages.balances() && sum.readings.balances() {
        writeln!(out, "balanced: received = stored + duplicate + quarantined + ignored")?;
    }
    Ok(())
}

/// What databases have of the readings stored.
fn print_shares(shares: &[web::ShareShape], out: &mut impl Write) -> Result<(), Failure> {
    if shares.is_empty() {
        return Ok(());
    }
    let cells = |s: &web::ShareShape| {
        let counts = [s.forwarded, s.pending, s.held].map(|n| n.to_string());
        [vec![s.target.clone()], counts.to_vec()].concat()
    };
    let rows: Vec<Vec<String>> = shares.iter().map(cells).collect();
    writeln!(out)?;
    Ok(table(out, &["database", ">forwarded", ">pending", ">held"], &rows)?)
}

fn row(source: &str, device: &str, line: &LedgerLine) -> Vec<String> {
    let (m, r) = (&line.messages, &line.readings);
    let counts = [
        m.received,
        m.stored,
        m.duplicate,
        m.quarantined,
        m.ignored,
        r.received,
        r.stored,
        r.duplicate,
        r.ignored,
    ];
    let names = [source.to_owned(), device.to_owned()];
    names.into_iter().chain(counts.iter().map(u64::to_string)).collect()
}
