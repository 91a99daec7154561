//! Whole configurations: what they mean, and what is said about bad ones.

mod example;
mod faults;
mod hotline;
mod judged_faults;
mod lists;
mod mapping;
mod meaning;
mod presets;
mod quality;
mod robust;
mod rulesets;
mod templates;
mod zones;

use super::environment::Environment;
use super::{Fault, Loaded, parse};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// A key that Standard Webhooks accepts.
const ED25519_KEY: &str = "whsk_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const SIGNING_KEY: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// An environment of our own.
#[derive(Default)]
struct Shelf {
    files: BTreeMap<PathBuf, Vec<u8>>,
    variables: BTreeMap<String, String>,
    open: BTreeSet<PathBuf>,
}

impl Shelf {
    fn with_file(mut self, path: &str, content: impl AsRef<[u8]>) -> Shelf {
        self.files.insert(path.into(), content.as_ref().to_vec());
        self
    }

    fn with_variable(mut self, name: &str, value: &str) -> Shelf {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    fn open_to_all(mut self, path: &str) -> Shelf {
        self.open.insert(path.into());
        self
    }

    fn parse(&self, text: &str) -> Result<Loaded, Vec<Fault>> {
        let read = parse(text, "dustline.toml", Path::new("/etc/dustline"), self);
        read.map_err(|refused| refused.faults)
    }
}

impl Environment for Shelf {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files.get(path).cloned().ok_or_else(|| io::Error::other("no such file"))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let inside = |path: &&PathBuf| path.parent() == Some(dir);
        let found: Vec<PathBuf> = self.files.keys().filter(inside).cloned().collect();
        if found.is_empty() { Err(io::Error::other("no such directory")) } else { Ok(found) }
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn readable_by_all(&self, path: &Path) -> bool {
        self.open.contains(path)
    }
}

fn shown(findings: &[Fault]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

/// Every fault of a configuration, without the file's name.
#[track_caller]
fn faults_of(shelf: &Shelf, toml: &str) -> Vec<String> {
    let faults = shelf.parse(toml).map(drop).unwrap_err();
    shown(&faults).iter().map(|f| f.replacen("dustline.toml:", "", 1)).collect()
}

/// Asserts that this configuration has exactly these faults.
#[track_caller]
fn check(toml: &str, expected: &[&str]) {
    assert_eq!(faults_of(&Shelf::default(), toml), expected, "in:\n{toml}");
}

/// Asserts that this configuration is good, with exactly these warnings.
#[track_caller]
fn warns(shelf: &Shelf, toml: &str, expected: &[&str]) {
    let loaded = shelf.parse(toml).map_err(|f| shown(&f)).unwrap();
    let all: Vec<String> = shown(&loaded.warnings)
        .iter()
        .map(|w| w.replacen("dustline.toml:", "", 1))
        .filter(|w| !w.contains("no [[source]]"))
        .collect();
    assert_eq!(all, expected, "in:\n{toml}");
}
