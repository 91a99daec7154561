//! `dustline ledger statement`, `verify` and `key`: the daily statements, and
//! whether they are as they were signed. `verify` needs nothing but files.

use super::super::data::DataArgs;
use super::super::{Code, Failure, run};
use crate::statement::{Day, Document, Key, PublicKey, verify};
use crate::store::Reader;
use std::io::{Read, Write};
use std::path::PathBuf;

/// Statements read in one step.
const STEP: usize = 1_000;
/// The largest file that is read, bytes: centuries of statements.
const FILE_MAX: u64 = 1 << 30;

/// Arguments of `dustline ledger statement`.
#[derive(Debug, clap::Args)]
pub struct StatementArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Only that of this UTC day, such as 2024-01-10.
    #[arg(long, value_parser = parse_day)]
    day: Option<Day>,
}

/// Arguments of `dustline ledger verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Files of statements: one a line, one object, an array, or an answer of the API;
    /// `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The public key they must be signed with, whpk_… Without one, the key that the
    /// first of them names.
    #[arg(long, value_parser = parse_key)]
    key: Option<PublicKey>,
}

/// Arguments of `dustline ledger key`.
#[derive(Debug, clap::Args)]
pub struct KeyArgs {
    /// The configuration that names the data directory and the key.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

fn parse_day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "not a day such as 2024-01-10".to_owned())
}

fn parse_key(text: &str) -> Result<PublicKey, String> {
    PublicKey::parse(text).ok_or_else(|| "not a public key of the form whpk_…".to_owned())
}

/// Prints the statements, one a line, as they were signed.
pub fn show(args: &StatementArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (reader, _) = args.data.open()?;
    match args.day {
        Some(day) => one(&reader, day, out)?,
        None => all(&reader, out)?,
    }
    Ok(out.flush()?)
}

fn one(reader: &Reader, day: Day, out: &mut impl Write) -> Result<(), Failure> {
    let found = reader.statements(day.0.saturating_sub(1), 1)?;
    let Some((_, text)) = found.into_iter().find(|(found, _)| *found == day.0) else {
        let words = format!("no statement of {day}; a day has one some minutes after its end");
        return Err(Failure::new(Code::Failed, words));
    };
    Ok(writeln!(out, "{text}")?)
}

fn all(reader: &Reader, out: &mut impl Write) -> Result<(), Failure> {
    let mut after = i32::MIN;
    loop {
        let rows = reader.statements(after, STEP)?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        after = *last;
        for (_, text) in &rows {
            writeln!(out, "{text}")?;
        }
    }
}

/// Checks statements; fails with everything that does not hold.
pub fn check(args: &VerifyArgs, out: &mut impl Write) -> Result<(), Failure> {
    let mut statements = Vec::new();
    for file in &args.files {
        statements.extend(read(file)?);
    }
    statements.sort_by(|a, b| day_of(a).cmp(day_of(b)));
    match verify(&statements, args.key.as_ref()) {
        Err(faults) => {
            for fault in &faults {
                writeln!(out, "{fault}")?;
            }
            out.flush()?;
            let words = format!("{} faults in {} statements", faults.len(), statements.len());
            Err(Failure::new(Code::Data, words))
        }
        Ok(found) => {
            let (first, last) = found.days.unwrap_or((Day(0), Day(0)));
            writeln!(out, "good: {} statements, {first} to {last}", found.statements)?;
            writeln!(out, "head: {}", found.head)?;
            writeln!(out, "key:  {}", found.key)?;
            if !found.from_the_start {
                writeln!(out, "not shown: what was stated before {first}")?;
            }
            if args.key.is_none() {
                let who = "the key is the one that they name themselves: compare it, or give --key";
                writeln!(out, "not shown: whose they are; {who}")?;
            }
            Ok(out.flush()?)
        }
    }
}

fn day_of(statement: &Document) -> &str {
    statement.get("day").and_then(serde_json::Value::as_str).unwrap_or_default()
}

fn read(file: &PathBuf) -> Result<Vec<Document>, Failure> {
    let bad = |why: String| Failure::new(Code::Data, format!("{}: {why}", file.display()));
    let mut text = String::new();
    let read = match file.as_os_str() == "-" {
        true => std::io::stdin().lock().take(FILE_MAX).read_to_string(&mut text),
        false => std::fs::File::open(file).and_then(|f| f.take(FILE_MAX).read_to_string(&mut text)),
    };
    read.map_err(|e| bad(e.to_string()))?;
    let values = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
    let mut found = Vec::new();
    for value in values {
        let mut value = value.map_err(|e| bad(format!("not JSON: {e}")))?;
        if let Some(list) = value.get_mut("statements") {
            value = list.take();
        }
        let items = match value {
            serde_json::Value::Array(items) => items,
            one => vec![one],
        };
        for item in items {
            match item {
                serde_json::Value::Object(statement) => found.push(statement),
                _ => return Err(bad("not statements: something in it is no object".to_owned())),
            }
        }
    }
    Ok(found)
}

/// Prints the public key, for those who verify.
pub fn key(args: &KeyArgs, out: &mut impl Write) -> Result<(), Failure> {
    let settings = run::load(&args.config)?.settings;
    let key = Key::read(&settings.statement_key());
    let key = key.map_err(|e| Failure::new(Code::Failed, e))?;
    writeln!(out, "{}", key.public())?;
    Ok(out.flush()?)
}
