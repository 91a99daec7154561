//! Which rulesets there are: those built in, and the operator's own files.
//!
//! Every `*.toml` in the directory that `rulesets_dir` names is a ruleset file in
//! the form of the built-in ones. A ruleset with the id of a built-in one stands
//! in its place, with all its versions; another id adds to them. Reading a file
//! judges its cases: one that comes out differently is a fault like any other, so
//! that no daemon starts on figures that do not do what their author says.

use super::environment::Environment;
use super::fault::{Fault, Finding, Text, Warning};
use super::reader::{Item, Table};
use super::settings::Zone;
use super::{TEXT_MAX, utf8};
use crate::rules::{self, Case, Ruleset, RulesetError, RulesetFile};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The rulesets that there are.
#[derive(Debug, Clone, Default)]
pub struct Rulesets {
    /// The versions of each in order of time, by id.
    pub versions: BTreeMap<String, Vec<Ruleset>>,
    /// The cases of each by id, judged when its file was read.
    pub cases: BTreeMap<String, Vec<Case>>,
    /// Those that are not built in, by id.
    pub own: BTreeMap<String, Own>,
    /// Whether a file could not be used, so that some may be missing here.
    pub(super) faulty: bool,
}

/// Where a ruleset of the operator comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// The file.
    pub file: String,
    /// Whether it stands in the place of a built-in one.
    pub replaces: bool,
}

impl Own {
    /// `own, from rulesets/city.toml`, with what it replaces.
    pub fn in_words(&self) -> String {
        match self.replaces {
            true => format!("from {}, in place of the built-in one", self.file),
            false => format!("from {}", self.file),
        }
    }
}

impl Rulesets {
    /// The versions of those that zones name.
    pub(super) fn named_by(&self, zones: &[Zone]) -> BTreeMap<String, Vec<Ruleset>> {
        let named = |id: &String| zones.iter().any(|z| z.rulesets.contains(id));
        let all = self.versions.iter().filter(|(id, _)| named(id));
        all.map(|(id, versions)| (id.clone(), versions.clone())).collect()
    }

    /// The built-in rulesets and those of a directory, if one is given.
    ///
    /// # Errors
    /// Every fault of every file; also when the directory cannot be read.
    pub fn of(dir: Option<&Path>, env: &dyn Environment) -> Result<Rulesets, Vec<Fault>> {
        let files = dir.map(|dir| list(dir, env).map_err(|e| vec![unreadable(dir, &e)]));
        let gathered = gather(&files.transpose()?.unwrap_or_default(), env);
        match gathered.faults.is_empty() {
            true => Ok(gathered.rulesets),
            false => Err(gathered.faults),
        }
    }

    fn add(&mut self, file: RulesetFile) {
        for ruleset in file.rulesets {
            self.versions.entry(ruleset.id.clone()).or_default().push(ruleset);
        }
        for case in file.cases {
            self.cases.entry(case.ruleset.clone()).or_default().push(case);
        }
    }
}

/// Reads `rulesets_dir` and what lies there.
pub(super) fn read(root: &mut Table<'_>) -> Rulesets {
    let files = root.get("rulesets_dir").and_then(|item| listed(&item)).unwrap_or_default();
    let gathered = gather(&files, root.ctx.env);
    gathered.faults.into_iter().for_each(|fault| root.ctx.push_fault(fault));
    gathered.warnings.into_iter().for_each(|warning| root.ctx.push_warning(warning));
    gathered.rulesets
}

/// The ruleset files of the directory that a value names.
fn listed(item: &Item<'_>) -> Option<Vec<PathBuf>> {
    let dir = item.path()?;
    let files = list(&dir, item.ctx.env);
    if let Err(error) = &files {
        let hint = "make the directory, or take rulesets_dir out to use the built-in rulesets";
        item.fault(format!("cannot read {}: {error}", dir.display()), Some(hint.to_owned()));
    }
    let files = files.ok()?;
    if files.is_empty() {
        item.warn(format!("no *.toml in {}: only the built-in rulesets", dir.display()), None);
    }
    Some(files)
}

fn unreadable(dir: &Path, error: &std::io::Error) -> Fault {
    let hint = "name a directory of ruleset files".to_owned();
    Fault::whole_file(&dir.display().to_string(), format!("cannot read it: {error}"), Some(hint))
}

/// The ruleset files of a directory, by name.
fn list(dir: &Path, env: &dyn Environment) -> std::io::Result<Vec<PathBuf>> {
    let mut files = env.list(dir)?;
    files.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    files.sort();
    Ok(files)
}

/// Rulesets under way.
#[derive(Default)]
struct Gathered {
    rulesets: Rulesets,
    faults: Vec<Fault>,
    warnings: Vec<Warning>,
}

fn gather(files: &[PathBuf], env: &dyn Environment) -> Gathered {
    let mut gathered = Gathered::default();
    for path in files {
        match text_of(path, env) {
            Ok(text) => gathered.own(&path.display().to_string(), &text),
            Err(faults) => gathered.faults.extend(faults),
        }
    }
    match rules::builtin_files() {
        Ok(files) => files.into_iter().for_each(|file| gathered.builtin(file)),
        Err(error) => gathered.faults.push(without_text(error)),
    }
    gathered.rulesets.faulty = !gathered.faults.is_empty();
    gathered
}

fn text_of(path: &Path, env: &dyn Environment) -> Result<String, Vec<Fault>> {
    let name = path.display().to_string();
    let whole = |message: String, hint: &str| {
        vec![Fault::whole_file(&name, message, Some(hint.to_owned()))]
    };
    let bytes = env.read(path).map_err(|e| {
        whole(format!("cannot read it: {e}"), "see that the daemon's user may read it")
    })?;
    if bytes.len() > TEXT_MAX {
        let message = format!("{} bytes; at most {TEXT_MAX} are read", bytes.len());
        return Err(whole(message, "keep nothing but rulesets in this directory"));
    }
    utf8(bytes, &name)
}

impl Gathered {
    /// Takes in a file of the operator, or everything that is wrong with it.
    fn own(&mut self, name: &str, text: &str) {
        let text_of_file = Text::new(name, text);
        let finding =
            |e: RulesetError| text_of_file.finding(&e.span, "", e.what, Some(e.advice), false);
        let file = match rules::read_file(text, name) {
            Ok(file) => file,
            Err(error) => return self.faults.push(finding(error)),
        };
        self.faults.extend(file.cases.iter().filter_map(|c| c.fault.clone()).map(finding));
        for (id, span) in &file.places {
            if let Some(other) = self.rulesets.own.get(id) {
                let message = format!("the ruleset {id:?} is in {} already", other.file);
                let hint = Some("put all its versions into one file".to_owned());
                self.faults.push(text_of_file.finding(span, "", message, hint, false));
            }
            if !file.cases.iter().any(|c| c.ruleset == *id) {
                let message = format!("no case shows what the ruleset {id:?} means");
                let hint = Some("add a [[case]] for each bound".to_owned());
                self.warnings.push(text_of_file.finding(span, "", message, hint, true));
            }
            let own = Own { file: name.to_owned(), replaces: false };
            self.rulesets.own.insert(id.clone(), own);
        }
        self.rulesets.add(file);
    }

    /// Takes in a built-in file, but for the rulesets that the operator replaces.
    fn builtin(&mut self, mut file: RulesetFile) {
        for id in file.places.keys() {
            if let Some(own) = self.rulesets.own.get_mut(id) {
                own.replaces = true;
            }
        }
        let kept = |id: &str| !self.rulesets.own.contains_key(id);
        file.rulesets.retain(|r| kept(&r.id));
        file.cases.retain(|c| kept(&c.ruleset));
        self.faults.extend(file.cases.iter().filter_map(|c| c.fault.clone()).map(without_text));
        self.rulesets.add(file);
    }
}

/// A fault of a file whose text is not at hand.
fn without_text(error: RulesetError) -> Fault {
    let mut fault = Finding::whole_file(&error.origin, error.what, Some(error.advice));
    (fault.line, fault.column) = (error.line, error.column);
    fault
}
