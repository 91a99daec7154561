//! JSON documents read one level at a time.
//!
//! An object is a list of names with the raw text of their values; a value is
//! only read when a decoder asks for it. So keys and texts are borrowed, a
//! huge number such as `1e400` spoils its own entry and not the document, and
//! depth costs nothing. Where a name is there twice, the last one counts.

use super::{Message, Refused, number};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A JSON object or array with its direct members.
#[derive(Debug)]
pub enum Container<'a> {
    /// Names and values.
    Object(Vec<(Cow<'a, str>, &'a RawValue)>),
    /// Values.
    Array(Vec<&'a RawValue>),
}

impl<'a> Container<'a> {
    /// The document of a message; refused if it is not UTF-8, not JSON, or
    /// neither object nor array.
    pub fn of_message(m: &Message<'a>) -> Result<Container<'a>, Refused> {
        let text = message_text(m)?;
        if text.starts_with(['{', '[']) {
            return serde_json::from_str(text).map_err(|e| not_json(&e, text));
        }
        parsed(text).and(Err(not_an_object(text)))
    }

    /// The object of a message; an array is refused too.
    pub fn object_of_message(m: &Message<'a>) -> Result<Container<'a>, Refused> {
        match Container::of_message(m)? {
            Container::Array(_) => Err(not_an_object("[")),
            object => Ok(object),
        }
    }

    /// The members of a value, if it is an object or an array.
    pub fn of(raw: &'a RawValue) -> Option<Container<'a>> {
        let text = raw.get();
        text.starts_with(['{', '[']).then(|| serde_json::from_str(text).ok()).flatten()
    }

    /// The member of this name, or at this place of an array.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        match self {
            Container::Object(members) => {
                members.iter().rev().find(|(n, _)| n == name).map(|(_, raw)| *raw)
            }
            Container::Array(items) => items.get(array_index(name)?).copied(),
        }
    }

    /// Names and values of an object; none of an array.
    pub fn members(&self) -> &[(Cow<'a, str>, &'a RawValue)] {
        match self {
            Container::Object(members) => members,
            Container::Array(_) => &[],
        }
    }
}

/// The whole document of a message, of any kind.
pub fn document<'a>(m: &Message<'a>) -> Result<&'a RawValue, Refused> {
    parsed(message_text(m)?)
}

fn parsed(text: &str) -> Result<&RawValue, Refused> {
    serde_json::from_str(text).map_err(|e| not_json(&e, text))
}

fn not_json(error: &serde_json::Error, text: &str) -> Refused {
    let plain = match text.starts_with(['{', '[']) {
        true => "",
        false => ", or use format \"plain\" for bare numbers",
    };
    let begins = number::shown(text);
    let detail = format!("{error}; it begins {begins:?}: correct the sender{plain}");
    Refused::malformed("not_json", detail)
}

/// The payload as text, without the padding that some senders add: white space
/// and the zero byte of a C string.
pub fn message_text<'a>(m: &Message<'a>) -> Result<&'a str, Refused> {
    let text = std::str::from_utf8(m.payload).map_err(|e| {
        let detail = format!(
            "byte {} is not UTF-8: correct the sender, or choose another format for {}",
            e.valid_up_to(),
            number::shown(m.topic)
        );
        Refused::malformed("not_utf8", detail)
    })?;
    Ok(text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\0'))
}

/// The text of a JSON string.
pub fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    text_of(raw.get())
}

/// The same of a value as it is written.
pub fn text_of(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    match inner.contains('\\') {
        true => serde_json::from_str::<Text>(json).ok().map(|t| t.0),
        // Without escapes a text is what stands in the document.
        false => Some(Cow::Borrowed(inner)),
    }
}

/// An identity: the text of a JSON string, or the digits of a JSON integer.
pub fn identity(raw: &RawValue) -> Option<Cow<'_, str>> {
    identity_of(raw.get())
}

/// The same of a value as it is written.
pub fn identity_of(json: &str) -> Option<Cow<'_, str>> {
    let digits = json.strip_prefix('-').unwrap_or(json);
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Cow::Borrowed(json));
    }
    text_of(json)
}

fn not_an_object(text: &str) -> Refused {
    let what = if text.starts_with('[') { "array" } else { "single value" };
    let detail = format!(
        "the document is a JSON {what}, not an object: choose the format that this network uses"
    );
    Refused::malformed("not_an_object", detail)
}

/// An array index as RFC 6901 section 4 writes it: no sign, no leading zeros.
pub fn array_index(token: &str) -> Option<usize> {
    let canonical =
        token.bytes().all(|b| b.is_ascii_digit()) && (token == "0" || !token.starts_with('0'));
    canonical.then(|| token.parse().ok()).flatten()
}

/// A text that is borrowed from the document where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Container<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContainerVisitor)
    }
}

struct ContainerVisitor;

impl<'de> Visitor<'de> for ContainerVisitor {
    type Value = Container<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(16);
        while let Some(Text(name)) = map.next_key()? {
            members.push((name, map.next_value()?));
        }
        Ok(Container::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Container::Array(items))
    }
}

/// A JSON Pointer (RFC 6901) to something inside a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    tokens: Vec<String>,
}

impl Pointer {
    /// Parses a pointer such as `/data/0/pm2.5`, or an empty text for the
    /// whole; the error says what is wrong. In a name, `~1` stands for `/` and
    /// `~0` for `~`.
    pub fn parse(text: &str) -> Result<Pointer, String> {
        if text.is_empty() {
            return Ok(Pointer { tokens: Vec::new() });
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("a JSON Pointer begins with `/`, as in \"/{text}\""));
        };
        let tokens = rest.split('/').map(unescape).collect::<Result<_, _>>()?;
        Ok(Pointer { tokens })
    }

    /// The pointer along these names.
    pub fn from_tokens(tokens: Vec<String>) -> Pointer {
        Pointer { tokens }
    }

    /// The names on the way.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// Whether it leads to the whole.
    pub fn is_whole(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The names below another pointer, if it leads there or further.
    pub fn below(&self, other: &Pointer) -> Option<&[String]> {
        self.tokens.strip_prefix(other.tokens.as_slice())
    }
}

impl fmt::Display for Pointer {
    /// The pointer as it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tokens.iter().try_for_each(|t| write!(f, "/{}", escape(t)))
    }
}

/// A name as it is written inside a JSON Pointer.
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn unescape(token: &str) -> Result<String, String> {
    let mut parts = token.split('~');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (character, rest) = match part.as_bytes().first() {
            Some(b'0') => ('~', &part[1..]),
            Some(b'1') => ('/', &part[1..]),
            _ => return Err(format!("in \"{token}\" a `~` must be written `~0`, a `/` `~1`")),
        };
        name.push(character);
        name.push_str(rest);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::Stamp;

    fn get<'a>(document: &'a str, name: &str) -> Option<&'a str> {
        let m = Message {
            topic: "t",
            payload: document.as_bytes(),
            retained: false,
            received: Stamp(0),
        };
        Container::of_message(&m).unwrap().get(name).map(RawValue::get)
    }

    #[test]
    fn a_place_of_an_array_is_written_without_sign_or_leading_zeros() {
        for (name, found) in [("0", Some("5")), ("1", Some("[7]")), ("01", None), ("+1", None)] {
            assert_eq!(get("[5,[7]]", name), found, "{name}");
        }
        assert_eq!((get("[5]", "1"), get("[5]", "-"), get("[5]", "")), (None, None, None));
    }

    #[test]
    fn a_pointer_is_written_as_it_was_read() {
        for pointer in ["/pm2.5", "/a~1b/m~0n/0/x", "//", "/t:0", ""] {
            assert_eq!(Pointer::parse(pointer).unwrap().to_string(), pointer);
        }
    }

    #[test]
    fn faults_of_a_pointer_say_how_to_write_it() {
        assert!(Pointer::parse("pm25").unwrap_err().contains("\"/pm25\""));
        assert!(Pointer::parse("").unwrap().is_whole());
        assert!(Pointer::parse("/a~2").unwrap_err().contains("~0"));
        assert!(Pointer::parse("/a~").is_err());
    }

    #[test]
    fn of_two_members_with_one_name_the_last_counts() {
        assert_eq!(get(r#"{"a":1,"\u0061":2}"#, "a"), Some("2"));
    }

    #[test]
    fn one_huge_number_does_not_spoil_the_document() {
        assert_eq!(get(r#"{"a":1e400,"b":2}"#, "b"), Some("2"));
    }

    #[test]
    fn an_identity_is_a_text_or_a_whole_number() {
        for (json, found) in [
            ("\"s\\u0031\"", Some("s1")),
            ("3394227", Some("3394227")),
            ("1.5", None),
            ("true", None),
            ("null", None),
            ("{}", None),
        ] {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            assert_eq!(identity(raw).as_deref(), found, "{json}");
        }
    }
}
