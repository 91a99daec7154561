//! A JSON document laid out once, so that nothing is read again to look something
//! up in it.
//!
//! Every value is a node, in the order of the text, that knows its name, its text,
//! what it stands in and what comes after it. Objects and arrays are walked from
//! child to child, whatever these hold. Where a name is there twice, the last one
//! counts.

use crate::decode::json::{self, escape};
use crate::decode::{Message, Refused};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

/// A document. Places are 32-bit numbers, since no payload is as large as that.
#[derive(Debug)]
pub struct Tree<'a> {
    text: &'a str,
    nodes: Vec<Node>,
    /// The names that lead to it, where it stands in a text of another document.
    above: &'a [String],
}

#[derive(Debug)]
struct Node {
    /// Its name as it is written, without the quotes; empty in an array.
    name: Range<u32>,
    /// Its text.
    text: Range<u32>,
    /// The node that comes after it and all that is in it.
    after: u32,
    /// The node that it stands in.
    parent: u32,
    /// How many siblings stand before it.
    place: u32,
}

/// A value in a document.
#[derive(Debug, Clone, Copy)]
pub struct Value<'t> {
    tree: &'t Tree<'t>,
    node: &'t Node,
    index: u32,
}

impl<'a> Tree<'a> {
    /// The document of a message; refused if it is not UTF-8 or not JSON.
    pub fn of_message(m: &Message<'a>) -> Result<Tree<'a>, Refused> {
        Ok(Tree::of(json::document(m)?, &[]))
    }

    /// A document that is known to be JSON, and the names that lead to it.
    pub fn of(raw: &'a RawValue, above: &'a [String]) -> Tree<'a> {
        let text = raw.get();
        let mut laying = Laying::default();
        let mut at = 0;
        while at < text.len() {
            at = laying.step(text.as_bytes(), at);
        }
        Tree { text, nodes: laying.nodes, above }
    }

    /// The document as a value; JSON has always one.
    pub fn top(&self) -> Option<Value<'_>> {
        self.value(0)
    }

    fn value(&self, index: u32) -> Option<Value<'_>> {
        Some(Value { tree: self, node: self.nodes.get(index as usize)?, index })
    }

    fn slice(&self, range: &Range<u32>) -> &str {
        self.text.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}

/// A tree under way.
#[derive(Default)]
struct Laying {
    nodes: Vec<Node>,
    /// The objects and arrays that are not closed yet, each with how many children
    /// it has so far.
    open: Vec<(u32, u32)>,
    /// The name of the value that comes next.
    name: Range<u32>,
}

impl Laying {
    /// Takes what begins here; where the next begins.
    fn step(&mut self, bytes: &[u8], at: usize) -> usize {
        match bytes.get(at) {
            Some(b'{' | b'[') => {
                let index = self.nodes.len() as u32;
                self.begin(at, at + 1);
                self.open.push((index, 0));
                at + 1
            }
            Some(b'}' | b']') => {
                self.close(at + 1);
                at + 1
            }
            // What stood before a colon was no value but the name of one.
            Some(b':') => {
                if let (Some(node), Some((_, children))) = (self.nodes.pop(), self.open.last_mut())
                {
                    self.name = node.text.start + 1..node.text.end.saturating_sub(1);
                    *children -= 1;
                }
                at + 1
            }
            Some(b',' | b' ' | b'\t' | b'\n' | b'\r') | None => at + 1,
            Some(b'"') => self.leaf(at, string_end(bytes, at + 1)),
            Some(_) => self.leaf(at, scalar_end(bytes, at + 1)),
        }
    }

    fn leaf(&mut self, start: usize, end: usize) -> usize {
        self.begin(start, end);
        end
    }

    fn begin(&mut self, start: usize, end: usize) {
        let (parent, place) = match self.open.last_mut() {
            Some((parent, children)) => {
                *children += 1;
                (*parent, *children - 1)
            }
            None => (0, 0),
        };
        self.nodes.push(Node {
            name: std::mem::take(&mut self.name),
            text: start as u32..end as u32,
            after: self.nodes.len() as u32 + 1,
            parent,
            place,
        });
    }

    fn close(&mut self, end: usize) {
        let after = self.nodes.len() as u32;
        let Some((index, _)) = self.open.pop() else { return };
        if let Some(node) = self.nodes.get_mut(index as usize) {
            node.text.end = end as u32;
            node.after = after;
        }
    }
}

/// Where a string ends whose first character is here, closing quote included.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match bytes.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

/// Where a number or word ends.
fn scalar_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let end = |b: &u8| matches!(b, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
    rest.iter().position(end).map_or(bytes.len(), |length| from + length)
}

impl<'t> Value<'t> {
    /// Its text.
    pub fn json(self) -> &'t str {
        self.tree.slice(&self.node.text)
    }

    /// The first byte of its text, which tells its kind.
    pub fn first(self) -> Option<u8> {
        self.json().bytes().next()
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.json() == "null"
    }

    /// The text of a string.
    pub fn text(self) -> Option<Cow<'t, str>> {
        json::text_of(self.json())
    }

    /// The text of a string; else what is written.
    pub fn scalar(self) -> Cow<'t, str> {
        self.text().unwrap_or(Cow::Borrowed(self.json()))
    }

    /// What stands in an object or array.
    pub fn children(self) -> impl Iterator<Item = Value<'t>> {
        let mut next = self.index + 1;
        std::iter::from_fn(move || {
            let child = self.tree.value(next).filter(|_| next < self.node.after)?;
            next = child.node.after;
            Some(child)
        })
    }

    /// The member of this name, or at this place of an array.
    pub fn get(self, name: &str) -> Option<Value<'t>> {
        match self.first() {
            Some(b'{') => self.children().filter(|c| c.is_called(name)).last(),
            Some(b'[') => self.children().nth(json::array_index(name)?),
            _ => None,
        }
    }

    /// What these names lead to.
    pub fn follow(self, names: &[String]) -> Option<Value<'t>> {
        names.iter().try_fold(self, |value, name| value.get(name))
    }

    /// Whether this is its name. Escapes are longer than what they stand for.
    fn is_called(self, name: &str) -> bool {
        let written = self.tree.slice(&self.node.name);
        match written.len().cmp(&name.len()) {
            Ordering::Less => false,
            Ordering::Equal => written == name && !name.contains('\\'),
            Ordering::Greater => written.contains('\\') && self.name() == name,
        }
    }

    /// Its name in an object, or its place in an array.
    pub fn name(self) -> Cow<'t, str> {
        if self.parent().is_some_and(|p| p.first() == Some(b'[')) {
            return Cow::Owned(self.node.place.to_string());
        }
        let Range { start, end } = self.node.name;
        let quoted = self.tree.slice(&(start.saturating_sub(1)..end + 1));
        json::text_of(quoted).unwrap_or_default()
    }

    /// What it stands in.
    fn parent(self) -> Option<Value<'t>> {
        self.tree.value(self.node.parent).filter(|_| self.index > 0)
    }

    /// It, what it stands in, what that stands in, and so on.
    pub fn outwards(self) -> impl Iterator<Item = Value<'t>> {
        std::iter::successors(Some(self), |value| value.parent())
    }

    /// The JSON Pointer to it.
    pub fn path(self) -> String {
        let names: Vec<_> = self.outwards().filter(|v| v.index > 0).map(Value::name).collect();
        let above = self.tree.above.iter().map(|name| Cow::Borrowed(name.as_str()));
        above.chain(names.into_iter().rev()).fold(String::new(), |mut path, name| {
            path.push('/');
            path.push_str(&escape(&name));
            path
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Pointer;
    use proptest::prelude::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn names_with_escapes_and_names_that_are_there_twice_are_found() {
        let tree = Tree::of(raw(r#"{"a":1,"b\"\\":{"":[7,{"x":5}]},"\u0061":2,"u":"\\"}"#), &[]);
        let top = tree.top().unwrap();
        let at = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            top.follow(&names).map(|v| (v.json(), v.path()))
        };
        assert_eq!(at(&["a"]), Some(("2", "/a".to_owned())));
        assert_eq!(at(&["b\"\\", "", "1", "x"]), Some(("5", "/b\"\\//1/x".to_owned())));
        assert_eq!(at(&["u"]), Some(("\"\\\\\"", "/u".to_owned())));
        assert_eq!((at(&["b\"\\", "", "01"]), at(&["a", "a"]), at(&["c"])), (None, None, None));
    }

    #[test]
    fn a_name_is_what_is_meant_and_not_what_is_written() {
        let tree = Tree::of(raw(r#"{"a\nb":1}"#), &[]);
        let top = tree.top().unwrap();
        assert!(top.get("a\nb").is_some() && top.get(r"a\nb").is_none());
    }

    #[test]
    fn a_path_begins_with_what_leads_to_the_document() {
        let above = ["outer".to_owned(), "0".to_owned()];
        let tree = Tree::of(raw(r#"{"x":{"y":1}}"#), &above);
        let inner = tree.top().unwrap().get("x").unwrap().get("y").unwrap();
        assert_eq!(inner.path(), "/outer/0/x/y");
    }

    #[test]
    fn pointers_lead_to_names_with_dots_slashes_and_tildes() {
        let document = r#"{"pm2.5":1,"a/b":{"m~n":[{"x":5},7]},"":{"":2},"t:0":3,"h":1e400}"#;
        let tree = Tree::of(raw(document), &[]);
        for (pointer, found) in [
            ("/pm2.5", Some("1")),
            ("/a~1b/m~0n/0/x", Some("5")),
            ("/a~1b/m~0n/1", Some("7")),
            ("/a~1b/m~0n/01", None),
            ("/a~1b/m~0n/2", None),
            ("/a~1b/m~0n/-", None),
            ("//", Some("2")),
            ("/t:0", Some("3")),
            ("/t:0/x", None),
            ("/pm2", None),
            ("/h", Some("1e400")),
            ("", Some(document)),
        ] {
            let names = Pointer::parse(pointer).unwrap();
            let value = tree.top().unwrap().follow(names.tokens());
            assert_eq!(value.map(Value::json), found, "{pointer}");
            assert!(value.is_none_or(|v| v.path() == pointer), "{pointer}");
        }
    }

    /// Documents, some with the names that pointers write otherwise.
    fn documents() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::Value;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i32>().prop_map(|n| Value::from(f64::from(n) / 8.0)),
            "[a-c:,\\[{}\"\\\\\u{e9}\n]{0,6}".prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                proptest::collection::btree_map("[a-c/~:\"\\\\\u{e9}]{0,3}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Every value below this one is where its pointer says.
    fn compare(value: Value, whole: &serde_json::Value) {
        let wanted = whole.pointer(&value.path()).unwrap();
        let got: serde_json::Value = serde_json::from_str(value.json()).unwrap();
        assert_eq!(&got, wanted, "{}", value.path());
        let members = wanted.as_object().map(|m| m.len());
        let members = members.or(wanted.as_array().map(Vec::len)).unwrap_or(0);
        assert_eq!(value.children().count(), members, "{}", value.path());
        for child in value.children() {
            assert_eq!(value.get(&child.name()).map(Value::json), Some(child.json()));
            compare(child, whole);
        }
    }

    proptest! {
        #[test]
        fn a_tree_has_what_the_document_has(document in documents(), pretty in any::<bool>()) {
            let text = if pretty { format!("{document:#}") } else { document.to_string() };
            compare(Tree::of(raw(&text), &[]).top().unwrap(), &document);
        }

        #[test]
        fn no_document_is_too_strange(text in "[\\[\\]{}\":,\\\\ea1 \n.-]{0,24}") {
            if let Ok(raw) = serde_json::from_str::<&RawValue>(&text) {
                let tree = Tree::of(raw, &[]);
                prop_assert_eq!(tree.top().map(Value::json), Some(raw.get()));
            }
        }
    }
}
