//! `dustline check`: what a configuration means, or everything wrong with it.

mod summary;

use super::{Code, Failure};
use crate::config::{self, Finding, Loaded, Machine, Refused, Settings};
use crate::{deliver, forward, mqtt};
use serde_json::json;
use std::io::{self, Write};
use std::path::PathBuf;
use summary::Summary;

/// The form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people: findings with their source line, then what is meant.
    #[default]
    Human,
    /// For machines: one JSON object.
    Json,
}

/// Arguments of `dustline check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Also try every broker, database and receiver; nothing is sent to them.
    #[arg(long)]
    connect: bool,
    /// For people or for machines.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Checks a configuration and reports on it.
///
/// # Errors
/// If it has faults (64) or something that was tried is not reachable (69); both
/// have been reported then.
pub fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let loaded = config::load(&args.config, &Machine);
    let probes = match &loaded {
        Ok(loaded) if args.connect => connect(&loaded.settings)?,
        _ => Vec::new(),
    };
    report(&args.config.display().to_string(), &loaded, &probes, args.format, out)?;
    match exit_code(&loaded, &probes) {
        Code::Done => Ok(()),
        code => Err(Failure { code, message: String::new() }),
    }
}

/// The exit code of `check`.
fn exit_code(loaded: &Result<Loaded, Refused>, probes: &[Probe]) -> Code {
    match loaded {
        Err(_) => Code::Usage,
        Ok(_) if probes.iter().any(|p| p.result.is_err()) => Code::Unavailable,
        Ok(_) => Code::Done,
    }
}

/// Tries everything that the settings name, one after the other.
fn connect(settings: &Settings) -> io::Result<Vec<Probe>> {
    super::prepare_tls();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(async {
        let mut probes = Vec::new();
        for source in &settings.sources {
            let result = mqtt::probe(source, &source.filters()).await;
            probes.push(Probe { name: format!("source {}", source.name), result });
        }
        for target in &settings.influxdb {
            let result = forward::probe(target).await;
            probes.push(Probe { name: format!("influxdb {}", target.name), result });
        }
        for receiver in &settings.receivers {
            let result = deliver::probe(receiver, &settings.outgoing).await;
            probes.push(Probe { name: format!("receiver {}", receiver.id), result });
        }
        probes
    }))
}

/// What became of trying to reach a broker, a database or a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What was tried, such as `source city`.
    pub name: String,
    /// What answered, or why nothing did; never a secret.
    pub result: Result<String, String>,
}

/// Writes the report on a configuration that was read from `file`. `probes`
/// is empty unless connections were tried.
///
/// # Errors
/// If `out` cannot be written to.
pub fn report(
    file: &str,
    loaded: &Result<Loaded, Refused>,
    probes: &[Probe],
    format: Format,
    out: &mut impl Write,
) -> io::Result<()> {
    match (format, loaded) {
        (Format::Json, _) => {
            serde_json::to_writer_pretty(&mut *out, &as_json(file, loaded, probes))?;
            writeln!(out)
        }
        (Format::Human, Err(refused)) => report_refused(file, refused, out),
        (Format::Human, Ok(loaded)) => {
            report_warnings(&loaded.warnings, out)?;
            write!(out, "{}", Summary::of(loaded))?;
            report_probes(probes, out)?;
            match loaded.warnings.len() {
                0 => writeln!(out, "{file} is good"),
                1 => writeln!(out, "{file} is good, with 1 warning"),
                n => writeln!(out, "{file} is good, with {n} warnings"),
            }
        }
    }
}

fn as_json(file: &str, loaded: &Result<Loaded, Refused>, probes: &[Probe]) -> serde_json::Value {
    let (faults, warnings, settings) = match loaded {
        Ok(loaded) => (&[][..], &loaded.warnings[..], Some(Summary::of(loaded))),
        Err(refused) => (&refused.faults[..], &refused.warnings[..], None),
    };
    let probes: Vec<_> = probes
        .iter()
        .map(|p| {
            let (Ok(detail) | Err(detail)) = &p.result;
            json!({ "name": p.name, "ok": p.result.is_ok(), "detail": detail })
        })
        .collect();
    json!({
        "file": file,
        "ok": loaded.is_ok(),
        "faults": faults,
        "warnings": warnings,
        "settings": settings,
        "probes": probes,
    })
}

fn report_warnings(warnings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    warnings.iter().try_for_each(|warning| finding("warning: ", warning, out))
}

fn report_refused(file: &str, refused: &Refused, out: &mut impl Write) -> io::Result<()> {
    report_warnings(&refused.warnings, out)?;
    for fault in &refused.faults {
        finding("", fault, out)?;
    }
    let some = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    write!(out, "{file} has {}", some(refused.faults.len(), "fault"))?;
    match refused.warnings.len() {
        0 => writeln!(out),
        n => writeln!(out, " and {}", some(n, "warning")),
    }
}

/// One finding: its line, and below it the source line with a caret.
fn finding(kind: &str, finding: &Finding, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{kind}{finding}")?;
    for line in finding.excerpt.iter().flat_map(|e| e.lines()) {
        writeln!(out, "    {line}")?;
    }
    Ok(())
}

fn report_probes(probes: &[Probe], out: &mut impl Write) -> io::Result<()> {
    for probe in probes {
        match &probe.result {
            Ok(detail) => writeln!(out, "reached    {}: {detail}", probe.name)?,
            Err(why) => writeln!(out, "unreached  {}: {why}", probe.name)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
