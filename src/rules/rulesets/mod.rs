//! The rulesets as files: built in, read, and checked.
//!
//! A file holds all versions of one or more rulesets and cases that show what
//! they mean. Reading it judges every case, so that a file whose figures and
//! cases contradict each other is refused, whether it is ours or an operator's.

mod cases;
mod condition;
mod file;

use super::data::Ruleset;
use crate::air::Stamp;
use std::collections::BTreeMap;
use std::ops::Range;

/// A file that is part of the program, with its name.
macro_rules! file {
    ($name:literal) => {
        (
            concat!("config/rulesets/", $name),
            include_str!(concat!("../../../config/rulesets/", $name)),
        )
    };
}

/// The files that are part of the program.
const BUILTIN: [(&str, &str); 14] = [
    file!("kr-air-alert.toml"),
    file!("cn-aqi.toml"),
    file!("cn-campaign.toml"),
    file!("cn-heavy-pollution.toml"),
    file!("eu-2024-2881.toml"),
    file!("jp-pm25.toml"),
    file!("kr-cai.toml"),
    file!("kr-crisis.toml"),
    file!("kr-dust-crisis.toml"),
    file!("kr-emergency.toml"),
    file!("kr-seasonal.toml"),
    file!("kr-standards.toml"),
    file!("us-aqi.toml"),
    file!("who-2021.toml"),
];

/// A ruleset file that cannot be used: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}:{line}:{column}: {what}; {advice}")]
pub struct RulesetError {
    /// The file.
    pub origin: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What to do next.
    pub advice: String,
}

/// A fault at a place in a file's text.
struct Fault {
    span: Range<usize>,
    what: String,
    advice: String,
}

impl Fault {
    fn new(span: Range<usize>, what: impl Into<String>, advice: impl Into<String>) -> Fault {
        Fault { span, what: what.into(), advice: advice.into() }
    }

    fn locate(self, text: &str, origin: &str) -> RulesetError {
        let before = text.get(..self.span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        RulesetError {
            origin: origin.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            what: self.what,
            advice: self.advice,
        }
    }
}

/// The rulesets built into the program, by id, each with its versions in order.
///
/// # Errors
/// If a built-in file is faulty, or if the time zone it names is not known on
/// this machine.
pub fn builtin() -> Result<BTreeMap<String, Vec<Ruleset>>, RulesetError> {
    let mut all: BTreeMap<String, Vec<Ruleset>> = BTreeMap::new();
    for (origin, text) in BUILTIN {
        for ruleset in parse(text, origin)? {
            all.entry(ruleset.id.clone()).or_default().push(ruleset);
        }
    }
    Ok(all)
}

/// A case of a ruleset file and how it came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The ruleset it belongs to; empty if its ladder is unknown.
    pub ruleset: String,
    /// The ladder that it is about.
    pub ladder: String,
    /// What it shows.
    pub name: String,
    /// How it came out differently from what it says; `None` if it passed.
    pub fault: Option<String>,
}

/// The cases of the rulesets built into the program, judged now.
///
/// # Errors
/// As [`builtin`].
pub fn builtin_cases() -> Result<Vec<Case>, RulesetError> {
    let mut all = Vec::new();
    for (origin, text) in BUILTIN {
        let file = read(text, origin)?;
        let rulesets = file::rulesets(&file).map_err(|fault| fault.locate(text, origin))?;
        all.extend(cases::outcomes(&file, &rulesets));
    }
    Ok(all)
}

/// The rulesets in the text of a file, the versions of each in order of time;
/// `origin` names the file in errors.
///
/// # Errors
/// The first fault found: bad TOML, an unknown key, figures that contradict each
/// other, versions that overlap, or a case that comes out differently.
pub fn parse(text: &str, origin: &str) -> Result<Vec<Ruleset>, RulesetError> {
    let locate = |fault: Fault| fault.locate(text, origin);
    let file = read(text, origin)?;
    let rulesets = file::rulesets(&file).map_err(locate)?;
    cases::check(&file, &rulesets).map_err(locate)?;
    Ok(rulesets)
}

fn read(text: &str, origin: &str) -> Result<file::File, RulesetError> {
    toml::from_str(text).map_err(|e| {
        let span = e.span().unwrap_or(0..0);
        let what = e.message().trim_end().replace('\n', ", ");
        let advice = "correct the file; config/rulesets/ shows the form";
        Fault::new(span, what, advice).locate(text, origin)
    })
}

/// The version in force at an instant.
pub fn in_force(versions: &[Ruleset], at: Stamp) -> Option<&Ruleset> {
    versions.iter().find(|r| r.from <= at && r.until.is_none_or(|until| at < until))
}

#[cfg(test)]
mod tests;
