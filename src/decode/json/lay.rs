//! The one pass that lays a document out: it checks the grammar of JSON (RFC 8259)
//! and notes where every value stands.
//!
//! It accepts what `serde_json` accepts where it only skims: numbers and escapes by their
//! form alone, any depth. Nothing is called for each level, so depth costs no stack.

use std::ops::Range;

/// A value, where it stands in the text and in the document.
#[derive(Debug)]
pub struct Node {
    /// Its name as it is written, without the quotes; empty in an array.
    pub name: Range<u32>,
    /// What tells most names apart without reading them; see [`mark`].
    pub mark: u32,
    /// Its text.
    pub text: Range<u32>,
    /// The node that comes after it and all that is in it.
    pub after: u32,
    /// The node that it stands in; [`NONE`] of the document itself.
    pub parent: u32,
    /// How many siblings stand before it.
    pub place: u32,
}

/// No node.
pub const NONE: u32 = u32::MAX;
/// The mark of every name with escapes: no UTF-8 has these bytes.
pub const ESCAPED: u32 = u32::MAX;

/// The length of a name and three of its bytes, of which none is 255.
pub fn mark(name: &[u8]) -> u32 {
    let byte = |place: usize| name.get(place).copied().unwrap_or_default();
    let length = name.len();
    let last = length.saturating_sub(1);
    u32::from_le_bytes([length as u8, byte(0), byte(length / 2), byte(last)])
}

/// The nodes of a document, in the order of its text; `None` if it is not JSON.
pub fn lay(text: &str) -> Option<Vec<Node>> {
    // Places are 32-bit numbers.
    u32::try_from(text.len()).ok()?;
    let mut laying = Laying {
        bytes: text.as_bytes(),
        // Few documents have a value for every eight bytes.
        nodes: Vec::with_capacity(text.len() / 8 + 1),
        open: NONE,
        closing: None,
        place: 0,
    };
    let mut next = Some(blank(laying.bytes, 0));
    while let Some(at) = next {
        let end = laying.member(at)?;
        next = laying.after(end)?;
    }
    Some(laying.nodes)
}

/// A document under way.
struct Laying<'a> {
    bytes: &'a [u8],
    nodes: Vec<Node>,
    /// The innermost object or array that is not closed yet, else [`NONE`], …
    open: u32,
    /// … what closes it …
    closing: Option<u8>,
    /// … and how many members it has so far.
    place: u32,
}

impl Laying<'_> {
    /// Takes a member, of an object or array only its beginning; where that ends.
    fn member(&mut self, at: usize) -> Option<usize> {
        let (name, mark, start) = match self.closing {
            Some(b'}') => self.name(at)?,
            _ => (0..0, 0, at),
        };
        let first = *self.bytes.get(start)?;
        let end = match first {
            b'"' => string(self.bytes, start)?.end,
            b'{' | b'[' => start + 1,
            b't' => word(self.bytes, start, b"true")?,
            b'f' => word(self.bytes, start, b"false")?,
            b'n' => word(self.bytes, start, b"null")?,
            _ => number(self.bytes, start)?,
        };
        let index = self.nodes.len() as u32;
        self.nodes.push(Node {
            name,
            mark,
            text: start as u32..end as u32,
            after: index + 1,
            parent: self.open,
            place: self.place,
        });
        match closing(first) {
            Some(closing) => {
                (self.open, self.closing, self.place) = (index, Some(closing), 0);
            }
            None => self.place += 1,
        }
        Some(end)
    }

    /// Takes a name and its colon: where it stands, its mark, and what comes then.
    fn name(&self, at: usize) -> Option<(Range<u32>, u32, usize)> {
        if self.bytes.get(at) != Some(&b'"') {
            return None;
        }
        let Scanned { end, escaped } = string(self.bytes, at)?;
        let inside = at + 1..end - 1;
        let mark = if escaped { ESCAPED } else { mark(self.bytes.get(inside.clone())?) };
        let colon = blank(self.bytes, end);
        if self.bytes.get(colon) != Some(&b':') {
            return None;
        }
        Some((inside.start as u32..inside.end as u32, mark, blank(self.bytes, colon + 1)))
    }

    /// Closes what ends here; where the next member begins, if there is one.
    fn after(&mut self, mut at: usize) -> Option<Option<usize>> {
        loop {
            at = blank(self.bytes, at);
            let Some(closing) = self.closing else {
                return (at == self.bytes.len()).then_some(None);
            };
            match *self.bytes.get(at)? {
                byte if byte == closing => {
                    at += 1;
                    self.close(at)?;
                }
                b',' if self.place > 0 => return Some(Some(blank(self.bytes, at + 1))),
                _ if self.place == 0 => return Some(Some(at)),
                _ => return None,
            }
        }
    }

    /// Closes the innermost object or array.
    fn close(&mut self, end: usize) -> Option<()> {
        let after = self.nodes.len() as u32;
        let node = self.nodes.get_mut(self.open as usize)?;
        node.text.end = end as u32;
        node.after = after;
        (self.open, self.place) = (node.parent, node.place + 1);
        let outer = self.nodes.get(self.open as usize);
        let first = outer.and_then(|node| self.bytes.get(node.text.start as usize));
        self.closing = first.and_then(|first| closing(*first));
        Some(())
    }
}

/// What closes an object or array that begins so.
fn closing(first: u8) -> Option<u8> {
    match first {
        b'{' => Some(b'}'),
        b'[' => Some(b']'),
        _ => None,
    }
}

/// Where the white space ends.
fn blank(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// A string that was scanned.
struct Scanned {
    /// Where it ends, its closing quote included.
    end: usize,
    escaped: bool,
}

/// Bytes at which the scan of a string stops: quotes, backslashes, control characters.
static STOPS: [bool; 256] = {
    let mut stops = [false; 256];
    let mut byte = 0;
    while byte < 32 {
        stops[byte] = true;
        byte += 1;
    }
    stops[b'"' as usize] = true;
    stops[b'\\' as usize] = true;
    stops
};

/// Scans a string whose opening quote is here.
fn string(bytes: &[u8], start: usize) -> Option<Scanned> {
    let mut at = start + 1;
    let mut escaped = false;
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        if !STOPS[usize::from(byte)] {
            continue;
        }
        match byte {
            b'"' => return Some(Scanned { end: at, escaped }),
            b'\\' => {
                at = escape(bytes, at)?;
                escaped = true;
            }
            _ => return None,
        }
    }
}

/// Where an escape ends whose backslash stands before.
fn escape(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' => {
            let digits = bytes.get(at + 1..at + 5)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 5)
        }
        _ => None,
    }
}

/// Where a number ends.
fn number(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
    at = match bytes.get(at)? {
        b'0' => at + 1,
        _ => digits(bytes, at)?,
    };
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        let signed = matches!(bytes.get(at + 1), Some(b'+' | b'-'));
        at = digits(bytes, at + 1 + usize::from(signed))?;
    }
    Some(at)
}

/// Where the digits end, of which there must be some.
fn digits(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    (at > start).then_some(at)
}

/// Where a word ends, if it is here.
fn word(bytes: &[u8], start: usize, word: &[u8]) -> Option<usize> {
    bytes.get(start..)?.starts_with(word).then_some(start + word.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::robustness_test::damaged;
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    /// Lays a text out if, and only if, `serde_json` takes it, and from end to end.
    fn agree(text: &str) {
        let nodes = lay(text);
        match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => {
                let top = nodes.as_ref().and_then(|nodes| nodes.first());
                let range = top.map(|top| top.text.start as usize..top.text.end as usize);
                assert_eq!(
                    range.and_then(|range| text.get(range)),
                    Some(text.trim_matches([' ', '\t', '\n', '\r'])),
                    "{text:?}"
                );
            }
            Err(error) => assert!(nodes.is_none(), "{text:?}: {error}"),
        }
    }

    #[test]
    fn what_is_nearly_json_is_none() {
        let without_blanks = r#"[ ] { } [1 [1, [1,] [,1] [1} {1} {,} {"a"} {"a":} {"a":1,} {"a":1]
            {a:1} []] " "\" "\x" "\u12g4" "\u123 - +1 01 -01 1. .5 1.e3 1e 1e+ --1 1, nul nulll
            NaN True 1_0 0x1 00 1..2"#;
        let others = [
            "",
            " ",
            "[1 2]",
            "{\"a\":1 \"b\":2}",
            "{\"a\" 1}",
            "1 2",
            "\"\n\"",
            "\"\0\"",
            "\"\u{1f}\"",
        ];
        for text in without_blanks.split_ascii_whitespace().chain(others) {
            agree(text);
            assert!(lay(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn what_is_strange_but_json_is_laid_out() {
        let without_blanks = r#"0 -0 -0.0e-0 1E+400 {"":{"":[[],{}]}} "\ud800" {"\ud800":1}
            "\u00e9\/" {"a":1,"a":2}"#;
        let others = [" \t\r\n[ ] ", "{ }", "\"\u{7f}\"", "\"\u{1f600}\""];
        for text in without_blanks.split_ascii_whitespace().chain(others) {
            agree(text);
            assert!(lay(text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(lay(&deep).map(|nodes| nodes.len()), Some(500_000));
        assert!(lay(&"{\"a\":[".repeat(100_000)).is_none());
    }

    #[test]
    fn no_name_has_the_mark_of_those_with_escapes() {
        let long = "\u{10ffff}".repeat(64);
        assert!((0..=long.len()).all(|end| mark(&long.as_bytes()[..end]) != ESCAPED));
    }

    proptest! {
        #[test]
        fn any_text_is_judged_as_serde_json_judges_it(text in ".{0,30}") {
            agree(&text);
        }

        #[test]
        fn any_text_of_the_signs_of_json_is_judged_as_serde_json_judges_it(
            text in "([\\[\\]{}:, \n\t]|\"[ab\\\\u0\"]{0,3}\"|\\\\|null|true|false|-|[0-9.eE+]{1,4}|\u{e9}){0,16}",
        ) {
            agree(&text);
        }

        #[test]
        fn a_damaged_document_is_judged_as_serde_json_judges_it(bytes in damaged(0..4)) {
            agree(&String::from_utf8_lossy(&bytes));
        }
    }
}
