//! Messages made larger: what a message holds once it holds many times.

use super::corpus::Said;
use std::ops::Range;

/// A message of about this many bytes.
pub type Larger = Box<dyn Fn(usize) -> Said>;

/// Makes a part of a message, of its text and a size.
type Part = Box<dyn Fn(&str, usize) -> String>;

/// Every way to make a message larger: each of its objects and arrays repeated
/// within itself, with names as they are and with names of their own; each of
/// its texts drawn out; the whole again and again; and its topic.
pub fn ways(said: &Said) -> Vec<(String, Larger)> {
    let (topic, payload) = said.clone();
    let mut ways: Vec<(String, Larger)> = Vec::new();
    let mut way = |how: String, inside: Range<usize>, part: Part| {
        let (topic, payload) = said.clone();
        let larger = move |size: usize| {
            let text = String::from_utf8_lossy(&payload[inside.clone()]).into_owned();
            let mut grown = payload[..inside.end].to_vec();
            let mut n = 0;
            while grown.len() + payload.len() - inside.end < size {
                grown.extend(part(&text, n).bytes());
                n += 1;
            }
            grown.extend(&payload[inside.end..]);
            (topic.clone(), grown)
        };
        ways.push((how, Box::new(larger)));
    };
    for inside in containers(&payload) {
        let at = inside.start;
        way(format!("what stands at byte {at} repeated"), inside.clone(), Box::new(again));
        way(format!("the same, under other names, at byte {at}"), inside, Box::new(renamed));
    }
    for inside in texts(&payload) {
        let at = inside.start;
        way(format!("the text at byte {at} drawn out"), inside, Box::new(|_, _| "x".to_owned()));
    }
    for between in ["", "\n", ",", "/"] {
        let whole = 0..payload.len();
        let part = Box::new(move |text: &str, _: usize| format!("{between}{text}"));
        way(format!("the whole again after {between:?}"), whole, part);
    }
    let long = move |size: usize| (format!("{topic}{}", "/x".repeat(size / 2)), payload.clone());
    ways.push(("a topic of many levels".to_owned(), Box::new(long)));
    ways
}

fn again(text: &str, _: usize) -> String {
    format!(",{text}")
}

/// A copy whose outer names end in a number.
fn renamed(text: &str, n: usize) -> String {
    let mut copy = ",".to_owned();
    let (mut depth, mut quoted) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' if !quoted => quoted = true,
            '"' => {
                quoted = false;
                if depth == 0 && text[at + 1..].trim_start().starts_with(':') {
                    copy.push_str(&n.to_string());
                }
            }
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => depth -= 1,
            _ => {}
        }
        copy.push(c);
    }
    copy
}

/// The insides of every object and array that is not empty.
fn containers(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut open, mut found, mut quoted) = (Vec::new(), Vec::new(), false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => open.push(at + 1),
            b'}' | b']' if !quoted => found.extend(open.pop().map(|from| from..at)),
            _ => {}
        }
    }
    found.retain(|inside| !inside.is_empty());
    found
}

/// The insides of every text between quotation marks.
fn texts(bytes: &[u8]) -> Vec<Range<usize>> {
    let quotes: Vec<usize> =
        bytes.iter().enumerate().filter(|(_, b)| **b == b'"').map(|(at, _)| at).collect();
    quotes.chunks_exact(2).map(|pair| pair[0] + 1..pair[1]).collect()
}
