//! Walking a parsed TOML document by asking for keys.
//!
//! A [`Table`] is asked for each key it may hold, and told when that was all:
//! whatever was not asked for is unknown. A fault never stops the walk. Whoever
//! reads a faulty value gets a default and goes on, since one fault spoils the
//! whole result and the rest of the file deserves its own findings.

use super::environment::Environment;
use super::fault::{Fault, Finding, Text, Warning, nearest};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// One file under way: its text, where it lies, and what was found so far.
pub(super) struct Context<'a> {
    pub(super) text: Text<'a>,
    /// Relative paths in the file are relative to this.
    pub(super) base_dir: &'a Path,
    pub(super) env: &'a dyn Environment,
    faults: RefCell<Vec<Fault>>,
    warnings: RefCell<Vec<Warning>>,
    /// Every key asked for, with `[]` for the place in an array.
    asked: RefCell<BTreeSet<String>>,
    unknown: RefCell<Vec<Unknown>>,
}

/// A key that nobody asked its table for.
struct Unknown {
    table: String,
    key: String,
    span: Range<usize>,
    known: Vec<&'static str>,
}

/// What came of reading a file.
pub(super) struct Found {
    pub(super) faults: Vec<Fault>,
    pub(super) warnings: Vec<Warning>,
    /// Every key asked for, with `[]` for the place in an array.
    #[cfg(test)]
    pub(super) asked: BTreeSet<String>,
}

impl<'a> Context<'a> {
    pub(super) fn new(text: Text<'a>, base_dir: &'a Path, env: &'a dyn Environment) -> Context<'a> {
        Context {
            text,
            base_dir,
            env,
            faults: RefCell::default(),
            warnings: RefCell::default(),
            asked: RefCell::default(),
            unknown: RefCell::default(),
        }
    }

    pub(super) fn push_fault(&self, fault: Fault) {
        self.faults.borrow_mut().push(fault);
    }

    pub(super) fn push_warning(&self, warning: Warning) {
        self.warnings.borrow_mut().push(warning);
    }

    /// Everything found, in the order of the file.
    pub(super) fn finish(self) -> Found {
        let asked = self.asked.into_inner();
        let mut faults = self.faults.into_inner();
        for unknown in self.unknown.into_inner() {
            faults.push(unknown.fault(&self.text, &asked));
        }
        let mut warnings = self.warnings.into_inner();
        let by_place = |a: &Finding, b: &Finding| {
            (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column))
        };
        faults.sort_by(by_place);
        warnings.sort_by(by_place);
        Found {
            faults,
            warnings,
            #[cfg(test)]
            asked,
        }
    }
}

impl Unknown {
    fn fault(&self, text: &Text<'_>, asked: &BTreeSet<String>) -> Fault {
        let path = join(&self.table, &self.key);
        let hint = match nearest(&self.key, self.known.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => match elsewhere(&self.key, asked) {
                Some(table) => format!("`{}` belongs in {table}", self.key),
                None => format!("known here: {}", self.known.join(", ")),
            },
        };
        text.finding(&self.span, &path, "unknown key".to_owned(), Some(hint), false)
    }
}

/// The table where a key is known that stands in the wrong one.
fn elsewhere(key: &str, asked: &BTreeSet<String>) -> Option<String> {
    asked.iter().find_map(|path| {
        let (table, last) = path.rsplit_once('.').unwrap_or(("", path));
        (last == key).then(|| match table {
            "" => "the top of the file".to_owned(),
            _ => match table.strip_suffix("[]") {
                Some(list) => format!("[[{}]]", list.replace("[]", "")),
                None => format!("[{}]", table.replace("[]", "")),
            },
        })
    })
}

/// A table of which every key must be asked for.
pub(super) struct Table<'a> {
    pub(super) ctx: &'a Context<'a>,
    path: String,
    span: Range<usize>,
    entries: Option<&'a DeTable<'a>>,
    known: Vec<&'static str>,
}

impl<'a> Table<'a> {
    /// The whole document.
    pub(super) fn root(ctx: &'a Context<'a>, entries: &'a DeTable<'a>) -> Table<'a> {
        Table { ctx, path: String::new(), span: 0..0, entries: Some(entries), known: Vec::new() }
    }

    /// The value of a key, if it is there.
    pub(super) fn get(&mut self, key: &'static str) -> Option<Item<'a>> {
        let path = join(&self.path, key);
        self.ctx.asked.borrow_mut().insert(general(&path));
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let (_, value) = self.entries?.iter().find(|(k, _)| k.get_ref() == key)?;
        Some(Item { ctx: self.ctx, path, span: value.span(), value: value.get_ref() })
    }

    /// The value of a key that must be there; a fault if it is not.
    pub(super) fn need(&mut self, key: &'static str, expected: &str) -> Option<Item<'a>> {
        let found = self.get(key);
        if found.is_none() {
            self.fault_at(key, format!("missing; expected {expected}"), None);
        }
        found
    }

    /// The table under a key; an empty one if it is not there, so that its
    /// defaults are found where its values are.
    pub(super) fn table(&mut self, key: &'static str) -> Table<'a> {
        let empty = Table {
            ctx: self.ctx,
            path: join(&self.path, key),
            span: self.span.clone(),
            entries: None,
            known: Vec::new(),
        };
        self.get(key).and_then(|item| item.table()).unwrap_or(empty)
    }

    /// The tables of an array of tables; none if it is not there.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Table<'a>> {
        let Some(item) = self.get(key) else { return Vec::new() };
        let DeValue::Array(_) = item.value else {
            item.wrong(&format!("an array of tables, each begun by [[{key}]]"));
            return Vec::new();
        };
        item.list("tables").iter().filter_map(Item::table).collect()
    }

    /// Every entry, of a table whose keys the operator chooses.
    pub(super) fn entries(&self) -> Vec<(&'a str, Item<'a>)> {
        let entries = self.entries.into_iter().flatten().map(|(key, value)| {
            let path = join(&self.path, key.get_ref());
            let item = Item { ctx: self.ctx, path, span: value.span(), value: value.get_ref() };
            (key.get_ref().as_ref(), item)
        });
        let mut entries: Vec<_> = entries.collect();
        entries.sort_by_key(|(_, item)| item.span.start);
        entries
    }

    /// Whether the table has this key, of whatever kind.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.is_some_and(|entries| entries.keys().any(|k| k.get_ref() == key))
    }

    /// Whether the table is in the file at all.
    pub(super) fn is_there(&self) -> bool {
        self.entries.is_some()
    }

    /// Takes every key as known, when what is known depends on a faulty value.
    pub(super) fn know_all(&mut self) {
        self.entries = None;
    }

    /// A fault about one key, placed where the table begins.
    pub(super) fn fault_at(&self, key: &str, message: String, hint: Option<String>) {
        let path = join(&self.path, key);
        self.ctx.push_fault(self.ctx.text.finding(&self.span, &path, message, hint, false));
    }

    /// A fault about the table as a whole.
    pub(super) fn fault(&self, message: String, hint: Option<String>) {
        self.ctx.push_fault(self.ctx.text.finding(&self.span, &self.path, message, hint, false));
    }

    /// A warning about the table as a whole.
    pub(super) fn warn(&self, message: String, hint: Option<String>) {
        self.ctx.push_warning(self.ctx.text.finding(&self.span, &self.path, message, hint, false));
    }

    /// Says that no more keys are known: whatever is left is a fault.
    pub(super) fn finish(self) {
        for (key, _) in self.entries.into_iter().flatten() {
            if !self.known.iter().any(|known| known == key.get_ref()) {
                self.ctx.unknown.borrow_mut().push(Unknown {
                    table: self.path.clone(),
                    key: key.get_ref().to_string(),
                    span: key.span(),
                    known: self.known.clone(),
                });
            }
        }
    }
}

/// One value and its place.
#[derive(Clone)]
pub(super) struct Item<'a> {
    pub(super) ctx: &'a Context<'a>,
    path: String,
    pub(super) span: Range<usize>,
    pub(super) value: &'a DeValue<'a>,
}

impl<'a> Item<'a> {
    /// A fault about this value.
    pub(super) fn fault(&self, message: impl Into<String>, hint: Option<String>) {
        let finding = self.ctx.text.finding(&self.span, &self.path, message.into(), hint, false);
        self.ctx.push_fault(finding);
    }

    /// A fault about this value, which is not quoted.
    pub(super) fn hidden_fault(&self, message: impl Into<String>, hint: Option<String>) {
        let finding = self.ctx.text.finding(&self.span, &self.path, message.into(), hint, true);
        self.ctx.push_fault(finding);
    }

    /// A warning about this value, which is not quoted.
    pub(super) fn warn(&self, message: impl Into<String>, hint: Option<String>) {
        let finding = self.ctx.text.finding(&self.span, &self.path, message.into(), hint, true);
        self.ctx.push_warning(finding);
    }

    /// A fault: found this, expected that.
    pub(super) fn wrong(&self, expected: &str) {
        self.wrong_with(expected, None);
    }

    /// A fault: found this, expected that, and a hint.
    pub(super) fn wrong_with(&self, expected: &str, hint: Option<String>) {
        self.fault(format!("found {}, expected {expected}", self.described()), hint);
    }

    /// The value as a table.
    pub(super) fn table(&self) -> Option<Table<'a>> {
        match self.value {
            DeValue::Table(entries) => Some(Table {
                ctx: self.ctx,
                path: self.path.clone(),
                span: self.span.clone(),
                entries: Some(entries),
                known: Vec::new(),
            }),
            _ => {
                self.wrong("a table");
                None
            }
        }
    }

    /// The elements of an array of `what`; none, with a fault, if it is no array.
    pub(super) fn list(&self, what: &str) -> Vec<Item<'a>> {
        let DeValue::Array(array) = self.value else {
            self.wrong(&format!("a list of {what}: [ … ]"));
            return Vec::new();
        };
        let items = array.iter().enumerate().map(|(i, value)| Item {
            ctx: self.ctx,
            path: format!("{}[{i}]", self.path),
            span: value.span(),
            value: value.get_ref(),
        });
        items.collect()
    }

    /// What was found, in words.
    fn described(&self) -> String {
        match self.value {
            DeValue::String(text) if text.chars().count() > 60 => "a long string".to_owned(),
            DeValue::String(text) if text.contains("://") && text.contains('@') => {
                "a URL with a user in it".to_owned()
            }
            DeValue::String(text) => format!("{:?}", text.as_ref()),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Datetime(time) => time.to_string(),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        }
    }
}

/// The path of a key in a table.
fn join(table: &str, key: &str) -> String {
    let bare =
        !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let key = if bare { key.to_owned() } else { format!("{key:?}") };
    if table.is_empty() { key } else { format!("{table}.{key}") }
}

/// A path with `[]` for every place in an array.
pub(super) fn general(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            _ if inside => continue,
            _ => {}
        }
        out.push(c);
    }
    out
}
