//! JSON documents: laid out once ([`Tree`]), in one pass of our own ([`lay`]), and
//! then looked up in by decoders and by the mapping alike.

mod lay;
mod pointer;
mod tree;

pub use pointer::{Pointer, array_index, escape};
pub use tree::{Tree, Value};

use super::{Message, Refused, number};
use serde::de::IgnoredAny;
use std::borrow::Cow;

/// The refusal of a text that is not JSON, in the words of `serde_json`, which says
/// where the fault is.
pub fn not_json(text: &str) -> Refused {
    let fault = serde_json::from_str::<IgnoredAny>(text).err();
    let fault = fault.map_or_else(|| "not a JSON document".to_owned(), |e| e.to_string());
    let plain = match text.starts_with(['{', '[']) {
        true => "",
        false => ", or use format \"plain\" for bare numbers",
    };
    let begins = number::shown(text);
    let detail = format!("{fault}; it begins {begins:?}: correct the sender{plain}");
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

/// The text of a JSON string as it is written.
fn text_of(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    match inner.contains('\\') {
        true => serde_json::from_str(json).ok().map(Cow::Owned),
        // Without escapes a text is what stands in the document.
        false => Some(Cow::Borrowed(inner)),
    }
}

/// The text of a JSON string, or the digits of a JSON integer, as they are written.
fn identity_of(json: &str) -> Option<Cow<'_, str>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::Stamp;

    fn get(document: &str, name: &str) -> Option<String> {
        let m = Message {
            topic: "t",
            payload: document.as_bytes(),
            retained: false,
            received: Stamp(0),
        };
        Tree::of_message(&m).unwrap().top().get(name).map(|v| v.json().to_owned())
    }

    #[test]
    fn a_place_of_an_array_is_written_without_sign_or_leading_zeros() {
        for (name, found) in [("0", Some("5")), ("1", Some("[7]")), ("01", None), ("+1", None)] {
            assert_eq!(get("[5,[7]]", name).as_deref(), found, "{name}");
        }
        assert_eq!((get("[5]", "1"), get("[5]", "-"), get("[5]", "")), (None, None, None));
    }

    #[test]
    fn of_two_members_with_one_name_the_last_counts() {
        assert_eq!(get(r#"{"a":1,"\u0061":2}"#, "a").as_deref(), Some("2"));
    }

    #[test]
    fn one_huge_number_does_not_spoil_the_document() {
        assert_eq!(get(r#"{"a":1e400,"b":2}"#, "b").as_deref(), Some("2"));
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
            assert_eq!(
                Tree::parse(json, &[]).unwrap().top().identity().as_deref(),
                found,
                "{json}"
            );
        }
    }
}
