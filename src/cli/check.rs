//! `dustline check`: what a configuration means, or everything wrong with it.

mod summary;

use crate::config::{Fault, Finding, Loaded};
use serde_json::json;
use std::io::{self, Write};
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

/// What became of trying to reach a broker, a database or a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What was tried, such as `source city`.
    pub name: String,
    /// What answered, or why nothing did; never a secret.
    pub result: Result<String, String>,
}

/// The exit code of `check`: 64 for a bad configuration, 69 if something that
/// was tried is not reachable, else 0.
pub fn exit_code(loaded: &Result<Loaded, Vec<Fault>>, probes: &[Probe]) -> u8 {
    match loaded {
        Err(_) => 64,
        Ok(_) if probes.iter().any(|p| p.result.is_err()) => 69,
        Ok(_) => 0,
    }
}

/// Writes the report on a configuration that was read from `file`. `probes`
/// is empty unless connections were tried.
///
/// # Errors
/// If `out` cannot be written to.
pub fn report(
    file: &str,
    loaded: &Result<Loaded, Vec<Fault>>,
    probes: &[Probe],
    format: Format,
    out: &mut impl Write,
) -> io::Result<()> {
    match (format, loaded) {
        (Format::Json, _) => {
            serde_json::to_writer_pretty(&mut *out, &as_json(file, loaded, probes))?;
            writeln!(out)
        }
        (Format::Human, Err(faults)) => report_faults(file, faults, out),
        (Format::Human, Ok(loaded)) => {
            for warning in &loaded.warnings {
                finding("warning: ", warning, out)?;
            }
            write!(out, "{}", Summary::of(&loaded.settings))?;
            report_probes(probes, out)?;
            match loaded.warnings.len() {
                0 => writeln!(out, "{file} is good"),
                1 => writeln!(out, "{file} is good, with 1 warning"),
                n => writeln!(out, "{file} is good, with {n} warnings"),
            }
        }
    }
}

fn as_json(file: &str, loaded: &Result<Loaded, Vec<Fault>>, probes: &[Probe]) -> serde_json::Value {
    let (faults, warnings, settings) = match loaded {
        Ok(loaded) => (&[][..], &loaded.warnings[..], Some(Summary::of(&loaded.settings))),
        Err(faults) => (&faults[..], &[][..], None),
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

fn report_faults(file: &str, faults: &[Fault], out: &mut impl Write) -> io::Result<()> {
    for fault in faults {
        finding("", fault, out)?;
    }
    match faults.len() {
        1 => writeln!(out, "{file} has 1 fault"),
        n => writeln!(out, "{file} has {n} faults"),
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
