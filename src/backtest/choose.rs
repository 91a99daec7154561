//! Which rules judge: a ruleset by the time of the data, or one version for all.

use crate::air::Stamp;
use crate::rules::condition::Term;
use crate::rules::{Condition, Ruleset};
use std::collections::BTreeMap;

/// What one argument `ID` or `ID@VERSION` asks for.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The argument as it was given.
    pub asked: String,
    /// The ruleset's id.
    pub id: String,
    /// The versions that judge, each in its time; a pinned one for all times.
    pub versions: Vec<Ruleset>,
    /// Other rulesets with ladders that its conditions ask for.
    pub asks: BTreeMap<String, Vec<Ruleset>>,
}

/// Why an argument names no rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// There is no such ruleset.
    #[error("there is no ruleset {id:?}; known are {known}")]
    Unknown {
        /// What was asked for.
        id: String,
        /// The ids that there are.
        known: String,
    },
    /// There is no such version of it.
    #[error("the ruleset {id:?} has no version {version:?}; it has {known}")]
    NoVersion {
        /// The ruleset.
        id: String,
        /// What was asked for.
        version: String,
        /// The versions that there are.
        known: String,
    },
}

/// The rules that an argument asks for. With `@VERSION` that version judges all
/// data, whenever it was in force.
///
/// # Errors
/// If there is no such ruleset or version.
pub fn choose(asked: &str, known: &BTreeMap<String, Vec<Ruleset>>) -> Result<Choice, ChooseError> {
    let (id, version) = match asked.split_once('@') {
        Some((id, version)) => (id, Some(version)),
        None => (asked, None),
    };
    let Some(versions) = known.get(id) else {
        let known = known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(ChooseError::Unknown { id: id.to_owned(), known });
    };
    let versions = match version {
        None => versions.clone(),
        Some(version) => vec![pinned(id, version, versions)?],
    };
    let asks = asked_for(&versions, known);
    Ok(Choice { asked: asked.to_owned(), id: id.to_owned(), versions, asks })
}

/// The rulesets with ladders that conditions ask for.
fn asked_for(
    versions: &[Ruleset],
    known: &BTreeMap<String, Vec<Ruleset>>,
) -> BTreeMap<String, Vec<Ruleset>> {
    let terms = versions.iter().flat_map(|r| &r.conditions).flat_map(Condition::terms);
    let ladders: Vec<&str> = terms
        .filter_map(|term| match term {
            Term::Stood { ladder, .. } => Some(ladder.as_str()),
            _ => None,
        })
        .collect();
    let has = |all: &[Ruleset]| {
        all.iter().flat_map(|r| &r.ladders).any(|l| ladders.contains(&l.id.as_str()))
    };
    let found = known.iter().filter(|(_, all)| has(all));
    found.map(|(id, all)| (id.clone(), all.clone())).collect()
}

fn pinned(id: &str, version: &str, versions: &[Ruleset]) -> Result<Ruleset, ChooseError> {
    let found = versions.iter().find(|r| r.version == version).cloned();
    let found = found.map(|r| Ruleset { from: Stamp(i64::MIN), until: None, ..r });
    found.ok_or_else(|| ChooseError::NoVersion {
        id: id.to_owned(),
        version: version.to_owned(),
        known: versions.iter().map(|r| r.version.as_str()).collect::<Vec<_>>().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{builtin, in_force};

    #[test]
    fn a_pinned_version_is_in_force_at_all_times() {
        let known = builtin().unwrap();
        let all = choose("kr-air-alert", &known).unwrap();
        assert!(all.versions.len() > 1);
        let one = choose("kr-air-alert@2018-07-01", &known).unwrap();
        assert_eq!(one.id, "kr-air-alert");
        for at in [Stamp(i64::MIN), Stamp(0), Stamp(i64::MAX)] {
            assert_eq!(in_force(&one.versions, at).unwrap().version, "2018-07-01");
        }
    }

    #[test]
    fn what_does_not_exist_is_said_with_what_does() {
        let known = builtin().unwrap();
        let said = choose("kr-air", &known).unwrap_err().to_string();
        assert!(said.contains("\"kr-air\"") && said.contains("kr-air-alert"), "{said}");
        let said = choose("kr-air-alert@2019-01-01", &known).unwrap_err().to_string();
        assert!(said.contains("2019-01-01") && said.contains("2018-07-01"), "{said}");
    }
}
