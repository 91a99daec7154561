//! The entries of a document that are read one by one.
//!
//! A pointer inside an entry leads from there; one that begins with `^` leads
//! from the top of the document.

use super::document::Document;
use super::template::Ask;
use crate::air::Skipped;
use crate::decode::json::{Pointer, Value};
use crate::decode::{Captures, ENTRIES_MAX, Refused, gathered, topic};
use std::borrow::Cow;
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
    /// Where the first level that repeats begins.
    start: Pointer,
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
        let fixed = steps.iter().take_while(|s| matches!(s, Step::Key(_))).count();
        let start = pointer.tokens().iter().take(fixed).cloned().collect();
        Ok(Each { written: text.to_owned(), start: Pointer::from_tokens(start), steps })
    }

    /// Whether it captures this name.
    pub fn names(&self, name: &str) -> bool {
        self.steps.iter().any(|s| matches!(s, Step::Named(n) if *n == name))
    }

    /// Every entry of a document, in its order.
    pub(super) fn entries<'a>(&self, document: &Document<'a>) -> Result<Vec<Value<'a>>, Refused> {
        let Some(start) = document.find(&self.start) else { return Ok(Vec::new()) };
        let steps = self.steps.get(self.start.tokens().len()..).unwrap_or_default();
        let mut found = Vec::new();
        expand(steps, start, &mut found)?;
        Ok(found)
    }

    /// What the way to an entry says under this name.
    fn captured<'a>(&self, name: &str, entry: Value<'a>) -> Option<Cow<'a, str>> {
        let inwards = self.steps.iter().rev();
        let at =
            inwards.zip(entry.outwards()).find(|(s, _)| matches!(s, Step::Named(n) if *n == name));
        at.map(|(_, value)| value.name())
    }
}

impl fmt::Display for Each {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

fn expand<'a>(steps: &[Step], at: Value<'a>, out: &mut Vec<Value<'a>>) -> Result<(), Refused> {
    match steps.split_first() {
        None => {
            out.push(at);
            if out.len() > ENTRIES_MAX { Err(gathered::too_many(out.len())) } else { Ok(()) }
        }
        Some((Step::Key(key), rest)) => {
            at.get(key).map_or(Ok(()), |member| expand(rest, member, out))
        }
        Some((_, rest)) => at.children().try_for_each(|child| expand(rest, child, out)),
    }
}

/// An entry with everything that may be asked of it.
pub struct Entry<'e, 'a> {
    document: &'e Document<'a>,
    /// `None`: the document itself is the only entry.
    inside: Option<(&'e Each, Value<'a>)>,
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
        each: &'e Each,
        value: Value<'a>,
    ) -> Self {
        Entry { document, inside: Some((each, value)), captures, said: Vec::new() }
    }

    /// Remembers what a text of the entry names.
    pub(super) fn hear(&mut self, path: &super::Path) {
        let Some(text) = self.at(&path.place).and_then(Value::text) else { return };
        let Some(captures) = path.patterns.iter().find_map(|p| p.matches(&text)) else { return };
        let said = topic::NAMES.into_iter();
        self.said = said.filter_map(|n| Some((n, captures.get(n)?.to_owned()))).collect();
    }

    /// What stands at a place.
    pub(super) fn at(&self, place: &Place) -> Option<Value<'a>> {
        match self.inside {
            None => self.document.find(&place.pointer),
            Some(_) if place.outer => self.document.remembered(&place.pointer),
            Some((_, value)) => value.follow(place.pointer.tokens()),
        }
    }

    /// The entry as left out.
    pub(super) fn skipped(&self, reason: &str) -> Skipped {
        let path = self.inside.map_or(String::new(), |(_, value)| value.path());
        Skipped { path, reason: reason.to_owned() }
    }

    /// The full path of a place, for explanations.
    pub(super) fn path_of(&self, place: &Place) -> String {
        match self.inside {
            Some((_, value)) if !place.outer => format!("{}{}", value.path(), place.pointer),
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
        let on_the_way = self.inside.and_then(|(each, value)| each.captured(name, value));
        on_the_way.or_else(|| self.captures.captured(name))
    }

    fn level(&self, n: usize) -> Option<&str> {
        Ask::level(self.captures, n)
    }

    fn identity(&self, place: &Place) -> Option<Cow<'_, str>> {
        self.at(place).and_then(Value::identity)
    }
}
