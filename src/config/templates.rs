//! `templates_dir`: the operator's own texts, one file for each kind of event and
//! language, `change.ko.txt`, `incident.zh.txt`, `operational.en.txt`, in the
//! language of Jinja. A file stands in the place of the built-in text; so does
//! `change.headline.ko.txt` in that of its headline (the subject of e-mail, the
//! title in chats, CAP's `headline`), `change.instruction.ko.txt` in that of what
//! the reader is asked (CAP's `instruction`).
//!
//! A template is refused when the configuration is read, with its line, if it
//! cannot be parsed, if it names a variable that there is none, or if it fails on
//! an event that has everything or one that has nothing. All variables are texts;
//! what there is nothing to say of is empty, which counts as false.

use super::fault::did_you_mean;
use super::reader::{Item, Table};
use super::settings::EventKind;
use crate::air::place::Language;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What every template can name.
const COMMON: [&str; 4] = ["text", "exercise", "at", "url"];
/// What those of changes can name besides.
const CHANGE: [&str; 10] =
    ["place", "quantity", "from", "to", "value", "unit", "criterion", "ladder", "ruleset", "late"];
/// What those of incidents can name besides.
pub const INCIDENT: [&str; 18] = [
    "case",
    "kind",
    "title",
    "who",
    "detail",
    "headline",
    "cause",
    "group",
    "level",
    "place",
    "quantity",
    "value",
    "unit",
    "criterion",
    "party",
    "owes",
    "asked",
    "missing",
];
/// What those of the operation can name besides.
const OPERATIONAL: [&str; 4] = ["kind", "subject", "detail", "over"];

/// What of an event a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The text.
    Text,
    /// The text in one line.
    Headline,
    /// What is asked of the reader.
    Instruction,
}

/// The parts by what stands for them in names of files.
const PARTS: [(&str, Part); 3] =
    [("", Part::Text), (".headline", Part::Headline), (".instruction", Part::Instruction)];

/// The kinds of events by their names in files.
const KINDS: [(&str, EventKind); 3] = [
    ("change", EventKind::Change),
    ("incident", EventKind::Incident),
    ("operational", EventKind::Operational),
];

/// The variables of templates for a kind of event.
pub fn variables(kind: EventKind) -> Vec<&'static str> {
    let own: &[&'static str] = match kind {
        EventKind::Change => &CHANGE,
        EventKind::Incident => &INCIDENT,
        EventKind::Operational => &OPERATIONAL,
    };
    COMMON.iter().chain(own).copied().collect()
}

/// The operator's own texts.
#[derive(Debug, Clone, Default)]
pub struct Templates(Arc<Environment<'static>>);

impl Templates {
    /// A part of what is told of an event of a kind, if there is a template for it;
    /// none also if it fails, so that the built-in text is told.
    pub fn text(
        &self,
        (kind, part): (EventKind, Part),
        language: Language,
        variables: &BTreeMap<&'static str, String>,
    ) -> Option<String> {
        let template = self.0.get_template(&name(kind, part, language)).ok()?;
        match template.render(variables) {
            Ok(text) => Some(text.trim_end().to_owned()),
            Err(error) => {
                tracing::warn!(template = name(kind, part, language), %error, "told by the built-in text");
                None
            }
        }
    }

    /// Whether there is a template for a part of a kind of event in a language.
    pub fn has(&self, (kind, part): (EventKind, Part), language: Language) -> bool {
        self.0.get_template(&name(kind, part, language)).is_ok()
    }
}

/// The name of the file of a template.
fn name(kind: EventKind, part: Part, language: Language) -> String {
    let kind = KINDS.iter().find(|(_, known)| *known == kind).map_or("", |(name, _)| *name);
    let part = PARTS.iter().find(|(_, known)| *known == part).map_or("", |(name, _)| *name);
    format!("{kind}{part}.{language}.txt")
}

/// Reads `templates_dir` and what lies there.
pub(super) fn read(root: &mut Table<'_>) -> Templates {
    let Some(item) = root.get("templates_dir") else { return Templates::default() };
    let Some(dir) = item.path() else { return Templates::default() };
    let mut environment = Environment::new();
    set_up(&mut environment);
    let files = match item.ctx.env.list(&dir) {
        Ok(files) => files,
        Err(error) => {
            let hint = "make the directory, or take templates_dir out to use the built-in texts";
            item.fault(format!("cannot read {}: {error}", dir.display()), Some(hint.to_owned()));
            return Templates::default();
        }
    };
    let is_text = |path: &&Path| path.extension().is_some_and(|e| e == "txt");
    for path in files.iter().map(|p| p.as_path()).filter(is_text) {
        if let Err((line, said)) = add(&mut environment, path, &item) {
            let place = line.map_or(String::new(), |line| format!(":{line}"));
            item.fault(format!("{}{place}: {said}", path.display()), None);
        }
    }
    Templates(Arc::new(environment))
}

/// Strict about what is not there; texts are for people, not for browsers.
fn set_up(environment: &mut Environment<'static>) {
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
}

/// What is wrong with a template: its line, if it is of one, and what.
type Wrong = (Option<usize>, String);

/// Adds a file's template if there is nothing wrong with it.
fn add(environment: &mut Environment<'static>, path: &Path, item: &Item<'_>) -> Result<(), Wrong> {
    let file = path.file_name().and_then(|f| f.to_str()).unwrap_or_default();
    let known = KINDS.iter().flat_map(|(_, kind)| PARTS.map(|(_, part)| (*kind, part)));
    let known = known.flat_map(|(kind, part)| Language::ALL.map(|l| (kind, name(kind, part, l))));
    let Some((kind, _)) = known.clone().find(|(_, name)| name == file) else {
        let names: Vec<String> = known.map(|(_, name)| name).collect();
        return Err((None, format!("not one of {}", names.join(", "))));
    };
    let unreadable = |said: String| -> Wrong { (None, said) };
    let bytes = item.ctx.env.read(path).map_err(|e| unreadable(format!("cannot read it: {e}")))?;
    let source = String::from_utf8(bytes).map_err(|_| unreadable("not UTF-8".to_owned()))?;
    let wrong = |e: minijinja::Error| -> Wrong {
        (e.line(), e.detail().map_or_else(|| e.kind().to_string(), str::to_owned))
    };
    environment.add_template_owned(file.to_owned(), source.clone()).map_err(wrong)?;
    let template = environment.get_template(file).map_err(wrong)?;
    let variables = variables(kind);
    let named = template.undeclared_variables(false);
    if let Some(unknown) = named.iter().filter(|n| !variables.contains(&n.as_str())).min() {
        let hint = did_you_mean(unknown, variables.iter().copied())
            .unwrap_or_else(|| format!("known: {}", variables.join(", ")));
        return Err((line_of(&source, unknown), format!("no variable {unknown:?}; {hint}")));
    }
    for sample in ["1", ""] {
        let all: BTreeMap<&str, &str> = variables.iter().map(|v| (*v, sample)).collect();
        template.render(all).map_err(wrong)?;
    }
    Ok(())
}

/// The first line with a word.
fn line_of(source: &str, word: &str) -> Option<usize> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let has = |line: &str| line.split(|c| !part(c)).any(|w| w == word);
    source.lines().position(has).map(|above| above + 1)
}
