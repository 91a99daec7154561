//! A document and the entries in it that are read one by one.
//!
//! A pointer inside an entry leads from there; one that begins with `^` leads
//! from the top of the document. What stands in a text of the document (JSON in
//! a string, or in base64) is opened once, before anything is looked up, and
//! pointers lead on into it.

use super::template::Ask;
use crate::air::Skipped;
use crate::decode::json::{self, Container, Pointer};
use crate::decode::{Captures, ENTRIES_MAX, Refused, gathered, topic};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

/// Where something stands: from the entry, or with `^` from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    outer: bool,
    pointer: Pointer,
}

impl Place {
    /// Parses `/a/b`, `^/a/b`, or an empty text for the entry itself; the
    /// error says what is wrong.
    pub fn parse(text: &str) -> Result<Place, String> {
        let (outer, rest) = match text.strip_prefix('^') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        Ok(Place { outer, pointer: Pointer::parse(rest)? })
    }
}

impl fmt::Display for Place {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.outer { "^" } else { "" }, self.pointer)
    }
}

/// What a text holds that stands in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapping {
    /// JSON.
    Json,
    /// JSON in base64 (RFC 4648, either alphabet).
    Base64,
}

/// A text of the document that is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwrap {
    /// Where it stands, from the top.
    pub pointer: Pointer,
    /// What it holds.
    pub wrapping: Wrapping,
}

impl Unwrap {
    /// What the text holds, if it is there and as it is said to be.
    pub(super) fn open(&self, document: &Container) -> Option<String> {
        let text = json::text(document.at(&self.pointer)?)?;
        let text = match self.wrapping {
            Wrapping::Json => text.into_owned(),
            Wrapping::Base64 => {
                let bytes = text.trim().as_bytes();
                let bytes = STANDARD.decode(bytes).or_else(|_| URL_SAFE.decode(bytes)).ok()?;
                String::from_utf8(bytes).ok()?
            }
        };
        serde_json::from_str::<&RawValue>(&text).is_ok().then_some(text)
    }
}

/// A document under way.
pub struct Document<'a> {
    top: &'a RawValue,
    container: Option<Container<'a>>,
    /// Where a text was opened, and what it holds.
    opened: Vec<(&'a Pointer, &'a RawValue)>,
    /// What was looked up from the top already: entries ask again and again.
    known: RefCell<Vec<(Pointer, Option<&'a RawValue>)>>,
}

impl<'a> Document<'a> {
    /// A document with the texts in it that were opened.
    pub(super) fn new(top: &'a RawValue, opened: &'a [(&'a Pointer, String)]) -> Document<'a> {
        let opened = opened.iter();
        let opened = opened.filter_map(|(p, text)| Some((*p, serde_json::from_str(text).ok()?)));
        let opened = opened.collect();
        Document { top, container: Container::of(top), opened, known: RefCell::default() }
    }

    /// The names at the top, for explanations.
    pub(super) fn names(&self) -> Vec<&str> {
        let members = self.container.as_ref().map_or(&[][..], Container::members);
        members.iter().map(|(name, _)| name.as_ref()).collect()
    }

    /// What a pointer from the top leads to, for one of many entries.
    fn remembered(&self, pointer: &Pointer) -> Option<&'a RawValue> {
        let known = self.known.borrow().iter().find(|(p, _)| p == pointer).map(|(_, raw)| *raw);
        known.unwrap_or_else(|| {
            let raw = self.find(pointer);
            self.known.borrow_mut().push((pointer.clone(), raw));
            raw
        })
    }

    fn find(&self, pointer: &Pointer) -> Option<&'a RawValue> {
        for (prefix, raw) in &self.opened {
            if let Some(rest) = pointer.below(prefix) {
                return json::follow(raw, rest);
            }
        }
        match &self.container {
            Some(container) if !pointer.is_whole() => container.at(pointer),
            _ => pointer.is_whole().then_some(self.top),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Any,
    Named(&'static str),
}

/// Which parts of a document are entries: a JSON Pointer in which `*` stands
/// for every member, and `{device}`, `{quantity}`, `{channel}` or `{variant}`
/// for every member whose name (or place in an array) is that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Each {
    written: String,
    steps: Vec<Step>,
}

impl Each {
    /// Parses a pattern; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Each, String> {
        let step = |token: &str| {
            if token == "*" {
                return Ok(Step::Any);
            }
            match token.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
                None => Ok(Step::Key(token.to_owned())),
                Some(name) => topic::NAMES
                    .into_iter()
                    .find(|n| *n == name)
                    .map(Step::Named)
                    .ok_or_else(|| {
                        format!("`{token}` is no name; allowed: {{{}}}", topic::NAMES.join("}, {"))
                    }),
            }
        };
        let pointer = Pointer::parse(text)?;
        let steps: Vec<Step> =
            pointer.tokens().iter().map(|t| step(t)).collect::<Result<_, _>>()?;
        if !steps.iter().any(|s| matches!(s, Step::Any | Step::Named(_))) {
            return Err(
                "it names one place only; write `*` or a name in braces for the level that repeats"
                    .to_owned(),
            );
        }
        Ok(Each { written: text.to_owned(), steps })
    }

    /// Whether it captures this name.
    pub fn names(&self, name: &str) -> bool {
        self.steps.iter().any(|s| matches!(s, Step::Named(n) if *n == name))
    }

    /// Every entry of a document, in its order.
    pub(super) fn entries<'a>(&self, document: &Document<'a>) -> Result<Vec<Found<'a>>, Refused> {
        let fixed = self.steps.iter().take_while(|s| matches!(s, Step::Key(_)));
        let fixed: Vec<String> = fixed
            .filter_map(|s| match s {
                Step::Key(key) => Some(key.clone()),
                _ => None,
            })
            .collect();
        let rest = self.steps.get(fixed.len()..).unwrap_or_default();
        let start = Pointer::from_tokens(fixed);
        let Some(raw) = document.find(&start) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        expand(rest, &Found { raw, path: start.to_string(), keys: Vec::new() }, &mut found)?;
        Ok(found)
    }
}

impl fmt::Display for Each {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// An entry: where it stands and what the names on the way to it are.
#[derive(Debug, Clone)]
pub(super) struct Found<'a> {
    pub raw: &'a RawValue,
    pub path: String,
    pub keys: Vec<(&'static str, Cow<'a, str>)>,
}

fn expand<'a>(steps: &[Step], at: &Found<'a>, out: &mut Vec<Found<'a>>) -> Result<(), Refused> {
    let Some((step, rest)) = steps.split_first() else {
        out.push(at.clone());
        return match out.len() {
            n if n > ENTRIES_MAX => Err(gathered::too_many(n)),
            _ => Ok(()),
        };
    };
    let Some(container) = Container::of(at.raw) else { return Ok(()) };
    let mut into = |name: Cow<'a, str>, raw| {
        let path = format!("{}/{}", at.path, json::escape(&name));
        let mut keys = at.keys.clone();
        if let Step::Named(n) = step {
            keys.push((n, name));
        }
        expand(rest, &Found { raw, path, keys }, out)
    };
    match (step, container) {
        (Step::Key(key), container) => match container.get(key) {
            Some(raw) => into(Cow::Owned(key.clone()), raw),
            None => Ok(()),
        },
        (_, Container::Object(members)) => {
            members.into_iter().try_for_each(|(name, raw)| into(name, raw))
        }
        (_, Container::Array(items)) => items
            .into_iter()
            .enumerate()
            .try_for_each(|(i, raw)| into(Cow::Owned(i.to_string()), raw)),
    }
}

/// An entry with everything that may be asked of it.
pub struct Entry<'e, 'a> {
    document: &'e Document<'a>,
    /// `None`: the document itself is the only entry.
    inside: Option<(Found<'a>, Option<Container<'a>>)>,
    captures: &'e Captures<'e>,
    /// What a text of the document says, matched by a pattern.
    said: Vec<(&'static str, String)>,
}

impl<'e, 'a> Entry<'e, 'a> {
    /// The document as its only entry.
    pub(super) fn whole(document: &'e Document<'a>, captures: &'e Captures<'e>) -> Self {
        Entry { document, inside: None, captures, said: Vec::new() }
    }

    /// One of several.
    pub(super) fn one(
        document: &'e Document<'a>,
        captures: &'e Captures<'e>,
        found: Found<'a>,
    ) -> Self {
        let container = Container::of(found.raw);
        Entry { document, inside: Some((found, container)), captures, said: Vec::new() }
    }

    /// Remembers what a text of the entry names.
    pub(super) fn hear(&mut self, path: &super::Path) {
        let Some(text) = self.at(&path.place).and_then(json::text) else { return };
        let Some(captures) = path.patterns.iter().find_map(|p| p.matches(&text)) else { return };
        let said = topic::NAMES.into_iter();
        self.said = said.filter_map(|n| Some((n, captures.get(n)?.to_owned()))).collect();
    }

    /// What stands at a place.
    pub(super) fn at(&self, place: &Place) -> Option<&'a RawValue> {
        match &self.inside {
            None => self.document.find(&place.pointer),
            Some(_) if place.outer => self.document.remembered(&place.pointer),
            Some((found, _)) if place.pointer.is_whole() => Some(found.raw),
            Some((_, container)) => container.as_ref()?.at(&place.pointer),
        }
    }

    /// The entry as left out.
    pub(super) fn skipped(&self, reason: &str) -> Skipped {
        let path = self.inside.as_ref().map_or(String::new(), |(found, _)| found.path.clone());
        Skipped { path, reason: reason.to_owned() }
    }

    /// The full path of a place, for explanations.
    pub(super) fn path_of(&self, place: &Place) -> String {
        match &self.inside {
            Some((found, _)) if !place.outer => format!("{}{}", found.path, place.pointer),
            _ => place.pointer.to_string(),
        }
    }
}

impl Ask for Entry<'_, '_> {
    /// By a text of the entry, by the way to it, or by the topic.
    fn captured(&self, name: &str) -> Option<Cow<'_, str>> {
        if let Some((_, text)) = self.said.iter().find(|(n, _)| *n == name) {
            return Some(Cow::Borrowed(text));
        }
        let keys = self.inside.as_ref().map_or(&[][..], |(found, _)| &found.keys);
        match keys.iter().find(|(n, _)| *n == name) {
            Some((_, key)) => Some(Cow::Borrowed(key)),
            None => self.captures.captured(name),
        }
    }

    fn level(&self, n: usize) -> Option<&str> {
        Ask::level(self.captures, n)
    }

    fn identity(&self, place: &Place) -> Option<Cow<'_, str>> {
        self.at(place).and_then(json::identity)
    }
}
