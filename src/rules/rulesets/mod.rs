//! The rulesets as files: built in, read, and checked.
//!
//! A file holds all versions of one or more rulesets and cases that show what
//! they mean. Reading it judges every case, so that a file whose figures and
//! cases contradict each other is refused, whether it is ours or an operator's.

mod cases;
mod condition;
mod file;
mod standard;

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
const BUILTIN: [(&str, &str); 15] = [
    file!("kr-air-alert.toml"),
    file!("cn-aqi.toml"),
    file!("cn-campaign.toml"),
    file!("cn-heavy-pollution.toml"),
    file!("cn-standards.toml"),
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
    /// The bytes of the file's text that are meant.
    pub span: Range<usize>,
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
            span: self.span,
        }
    }
}

/// A ruleset file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct RulesetFile {
    /// The file.
    pub origin: String,
    /// Its rulesets, the versions of each in order of time.
    pub rulesets: Vec<Ruleset>,
    /// Its cases, judged now.
    pub cases: Vec<Case>,
    /// Where in its text each ruleset begins, by id.
    pub places: BTreeMap<String, Range<usize>>,
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
    /// Where it stands and how it came out differently from what it says;
    /// `None` if it passed.
    pub fault: Option<RulesetError>,
}

/// The files built into the program, with their cases judged now.
///
/// # Errors
/// If a built-in file is faulty, or if the time zone it names is not known on
/// this machine.
pub fn builtin_files() -> Result<Vec<RulesetFile>, RulesetError> {
    BUILTIN.iter().map(|(origin, text)| read_file(text, origin)).collect()
}

/// The rulesets built into the program, by id, each with its versions in order.
///
/// # Errors
/// As [`builtin_files`], and if one of their cases comes out differently.
pub fn builtin() -> Result<BTreeMap<String, Vec<Ruleset>>, RulesetError> {
    let mut all: BTreeMap<String, Vec<Ruleset>> = BTreeMap::new();
    for (origin, text) in BUILTIN {
        for ruleset in parse(text, origin)? {
            all.entry(ruleset.id.clone()).or_default().push(ruleset);
        }
    }
    Ok(all)
}

/// The rulesets in the text of a file, with its cases judged; `origin` names the
/// file in errors.
///
/// # Errors
/// The first fault found: bad TOML, an unknown key, figures that contradict each
/// other, or versions that overlap. How cases came out is no error here.
pub fn read_file(text: &str, origin: &str) -> Result<RulesetFile, RulesetError> {
    let file = read(text, origin)?;
    let rulesets = file::rulesets(&file).map_err(|fault| fault.locate(text, origin))?;
    let cases = cases::outcomes(&file, &rulesets, |fault| fault.locate(text, origin));
    Ok(RulesetFile { origin: origin.to_owned(), places: file.places(), rulesets, cases })
}

/// The rulesets in the text of a file as [`read_file`] gives them, if all its
/// cases pass.
///
/// # Errors
/// As [`read_file`], or the first case that comes out differently.
pub fn parse(text: &str, origin: &str) -> Result<Vec<Ruleset>, RulesetError> {
    let file = read_file(text, origin)?;
    match file.cases.into_iter().find_map(|case| case.fault) {
        Some(fault) => Err(fault),
        None => Ok(file.rulesets),
    }
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
