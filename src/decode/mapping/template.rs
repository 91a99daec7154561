//! A device's identity, put together from the topic and the document.

use super::entry::Place;
use crate::decode::Captures;
use crate::decode::topic;
use std::borrow::Cow;
use std::fmt;

/// How a part of an identity is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    AsIs,
    /// A 32-bit number in eight hexadecimal digits.
    Hex8,
    /// Twelve hexadecimal digits in pairs, upper case, with colons.
    Mac,
}

/// The names of the forms.
const FORMS: [(&str, Form); 2] = [("hex8", Form::Hex8), ("mac", Form::Mac)];

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    /// A level of the topic, from 1.
    Level(usize, Form),
    /// A captured name.
    Captured(&'static str, Form),
    /// A text or whole number in the document.
    At(Place, Form),
}

/// Who can tell the parts of an identity.
pub trait Ask {
    /// What a captured name stands for.
    fn captured(&self, name: &str) -> Option<Cow<'_, str>>;
    /// The n-th level of the topic, from 1.
    fn level(&self, n: usize) -> Option<&str>;
    /// A text or whole number at a place of the document.
    fn identity(&self, place: &Place) -> Option<Cow<'_, str>>;
}

impl Ask for Captures<'_> {
    fn captured(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "device" => Some(Cow::Borrowed(self.device())),
            _ => self.get(name).map(Cow::Borrowed),
        }
    }

    fn level(&self, n: usize) -> Option<&str> {
        topic::levels(self.topic()).nth(n.checked_sub(1)?)
    }

    fn identity(&self, _place: &Place) -> Option<Cow<'_, str>> {
        None
    }
}

/// An identity as the settings write it: a JSON Pointer (`/id`), a name of its
/// own (`roof`), or a text with parts in braces: `{device}` (captured), `{2}`
/// (a level of the topic), `{/id}` (a place), `{/from|hex8}` (in another form).
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    written: String,
    parts: Vec<Part>,
}

impl Template {
    /// The captured `{device}`, else the whole topic.
    pub fn topic() -> Template {
        Template { written: "{device}".into(), parts: vec![Part::Captured("device", Form::AsIs)] }
    }

    /// Parses an identity; the error says what is wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Template, String> {
        let written = text.to_owned();
        if text.starts_with(['/', '^']) {
            return Ok(Template {
                written,
                parts: vec![Part::At(Place::parse(text)?, Form::AsIs)],
            });
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((inside, behind)) = after.split_once('}') else {
                return Err(format!("`{{{after}` has no closing brace"));
            };
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(part(inside)?);
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Template { written, parts })
    }

    /// The identity, if every part of it is there.
    pub(in crate::decode) fn of(&self, entry: &impl Ask) -> Option<String> {
        let mut whole = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => whole.push_str(text),
                Part::Level(n, form) => whole.push_str(&formed(entry.level(*n)?.into(), *form)),
                Part::Captured(name, form) => {
                    whole.push_str(&formed(entry.captured(name)?, *form));
                }
                Part::At(place, form) => whole.push_str(&formed(entry.identity(place)?, *form)),
            }
        }
        Some(whole)
    }
}

impl fmt::Display for Template {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

fn part(inside: &str) -> Result<Part, String> {
    let (what, form) = match inside.rsplit_once('|') {
        None => (inside, Form::AsIs),
        Some((what, name)) => match FORMS.iter().find(|(known, _)| *known == name) {
            Some((_, form)) => (what, *form),
            None => return Err(format!("`{name}` is no form; known: hex8, mac")),
        },
    };
    if what.starts_with(['/', '^']) {
        return Ok(Part::At(Place::parse(what)?, form));
    }
    if let Ok(level @ 1..) = what.parse::<usize>() {
        return Ok(Part::Level(level, form));
    }
    match topic::NAMES.into_iter().find(|name| *name == what) {
        Some(name) => Ok(Part::Captured(name, form)),
        None => Err(format!(
            "`{{{inside}}}` is no part of an identity; allowed: {{{}}}, {{2}} for a level of the topic, {{/pointer}}",
            topic::NAMES.join("}, {")
        )),
    }
}

fn formed(text: Cow<'_, str>, form: Form) -> Cow<'_, str> {
    match form {
        Form::AsIs => text,
        Form::Hex8 => match text.parse::<u32>() {
            Ok(number) => Cow::Owned(format!("{number:08x}")),
            Err(_) => text,
        },
        Form::Mac if text.len() == 12 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            let mut mac = String::with_capacity(17);
            for (i, c) in text.chars().enumerate() {
                if i > 0 && i % 2 == 0 {
                    mac.push(':');
                }
                mac.push(c.to_ascii_uppercase());
            }
            Cow::Owned(mac)
        }
        Form::Mac => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_say_what_an_identity_may_be_made_of() {
        for (text, part) in [
            ("{devcie}", "allowed: {device}"),
            ("a{", "closing brace"),
            ("{0}", "allowed"),
            ("{/a|hex}", "known: hex8, mac"),
            ("{/a~2}", "~0"),
            ("^x", "begins with"),
        ] {
            let fault = Template::parse(text).unwrap_err();
            assert!(fault.contains(part), "{text}: {fault}");
        }
    }

    #[test]
    fn forms_leave_alone_what_they_do_not_fit() {
        assert_eq!(formed("2130636288".into(), Form::Hex8), "7efeee00");
        assert_eq!(formed("!x".into(), Form::Hex8), "!x");
        assert_eq!(formed("5a2d34000001".into(), Form::Mac), "5A:2D:34:00:00:01");
        assert_eq!(formed("5A:2D:34:00:00:01".into(), Form::Mac), "5A:2D:34:00:00:01");
    }
}
