//! A JSON document laid out once, so that nothing is read again to look something
//! up in it.
//!
//! Every value is a node, in the order of the text, that knows its name, its text,
//! what it stands in and what comes after it. Objects and arrays are walked from
//! child to child, whatever these hold. Names and texts are borrowed from the
//! document, and a value is read only when it is asked for: a huge number such as
//! `1e400` spoils itself and nothing else. Where a name is there twice, the last one
//! counts.

use super::lay::{ESCAPED, NONE, Node, lay, mark};
use super::{array_index, escape, identity_of, message_text, not_an_object, not_json, text_of};
use crate::decode::{Message, Refused};
use std::borrow::Cow;
use std::ops::Range;

/// A document.
#[derive(Debug)]
pub struct Tree<'a> {
    text: &'a str,
    nodes: Vec<Node>,
    /// The names that lead to it, where it stands in a text of another document.
    above: &'a [String],
}

/// What stands for the top of a document that has none; there is no such document.
static NOTHING: Node = Node { name: 0..0, mark: 0, text: 0..0, after: 0, parent: NONE, place: 0 };

/// A value in a document.
#[derive(Debug, Clone, Copy)]
pub struct Value<'t> {
    tree: &'t Tree<'t>,
    node: &'t Node,
    index: u32,
}

impl<'a> Tree<'a> {
    /// The document in a text, to which these names lead; `None` if it is not JSON.
    pub fn parse(text: &'a str, above: &'a [String]) -> Option<Tree<'a>> {
        Some(Tree { text, nodes: lay(text)?, above })
    }

    /// The document of a message; refused if it is not UTF-8 or not JSON.
    pub fn of_message(m: &Message<'a>) -> Result<Tree<'a>, Refused> {
        let text = message_text(m)?;
        Tree::parse(text, &[]).ok_or_else(|| not_json(text))
    }

    /// The object or array of a message; a single value is refused too.
    pub fn nested_of_message(m: &Message<'a>) -> Result<Tree<'a>, Refused> {
        let tree = Tree::of_message(m)?;
        let top = tree.top();
        if top.is_object() || top.is_array() { Ok(tree) } else { Err(not_an_object(tree.text)) }
    }

    /// The object of a message; anything else is refused too.
    pub fn object_of_message(m: &Message<'a>) -> Result<Tree<'a>, Refused> {
        let tree = Tree::of_message(m)?;
        if tree.top().is_object() { Ok(tree) } else { Err(not_an_object(tree.text)) }
    }

    /// The document as a value.
    pub fn top(&self) -> Value<'_> {
        Value { tree: self, node: self.nodes.first().unwrap_or(&NOTHING), index: 0 }
    }

    fn value(&self, index: u32) -> Option<Value<'_>> {
        Some(Value { tree: self, node: self.nodes.get(index as usize)?, index })
    }

    fn slice(&self, range: &Range<u32>) -> &str {
        self.text.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}

impl<'t> Value<'t> {
    /// Its text.
    pub fn json(self) -> &'t str {
        self.tree.slice(&self.node.text)
    }

    /// The first byte of its text, which tells its kind.
    fn first(self) -> Option<u8> {
        self.tree.text.as_bytes().get(self.node.text.start as usize).copied()
    }

    /// Whether it has names and values.
    pub fn is_object(self) -> bool {
        self.first() == Some(b'{')
    }

    /// Whether it has values in an order.
    pub fn is_array(self) -> bool {
        self.first() == Some(b'[')
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.first() == Some(b'n')
    }

    /// The text of a string.
    pub fn text(self) -> Option<Cow<'t, str>> {
        text_of(self.json())
    }

    /// The text of a string; else what is written.
    pub fn scalar(self) -> Cow<'t, str> {
        let json = self.json();
        text_of(json).unwrap_or(Cow::Borrowed(json))
    }

    /// An identity: the text of a string, or the digits of a whole number.
    pub fn identity(self) -> Option<Cow<'t, str>> {
        identity_of(self.json())
    }

    /// What stands in an object or array.
    pub fn children(self) -> impl Iterator<Item = Value<'t>> {
        let (tree, nodes) = (self.tree, self.until_after());
        let mut next = self.index + 1;
        std::iter::from_fn(move || {
            let (index, node) = (next, nodes.get(next as usize)?);
            next = node.after;
            Some(Value { tree, node, index })
        })
    }

    /// What stands in an object; nothing of anything else.
    pub fn members(self) -> impl Iterator<Item = Value<'t>> {
        Some(self).filter(|v| v.is_object()).into_iter().flat_map(Value::children)
    }

    /// What stands in an array; `None` if it is none.
    pub fn items(self) -> Option<impl Iterator<Item = Value<'t>>> {
        self.is_array().then(|| self.children())
    }

    /// The member of this name, or at this place of an array.
    pub fn get(self, name: &str) -> Option<Value<'t>> {
        match self.first() {
            Some(b'{') => self.member(name),
            Some(b'[') => self.children().nth(array_index(name)?),
            _ => None,
        }
    }

    /// The last member of this name. Much of the time that a message takes is spent
    /// here.
    fn member(self, name: &str) -> Option<Value<'t>> {
        let (tree, nodes, mark) = (self.tree, self.until_after(), mark(name.as_bytes()));
        let (mut found, mut index) = (None, self.index + 1);
        while let Some(node) = nodes.get(index as usize) {
            if node.mark == mark || node.mark == ESCAPED {
                let value = Value { tree, node, index };
                found = Some(value).filter(|value| value.is_called(name)).or(found);
            }
            index = node.after;
        }
        found
    }

    /// The nodes up to the last one in it.
    fn until_after(self) -> &'t [Node] {
        self.tree.nodes.get(..self.node.after as usize).unwrap_or_default()
    }

    /// What these names lead to.
    pub fn follow(self, names: &[String]) -> Option<Value<'t>> {
        names.iter().try_fold(self, |value, name| value.get(name))
    }

    /// Whether this is its name.
    fn is_called(self, name: &str) -> bool {
        match self.node.mark {
            ESCAPED => self.name() == name,
            _ => self.tree.slice(&self.node.name) == name,
        }
    }

    /// Its name in an object, or its place in an array. Escapes that stand for no
    /// text are left as they are.
    pub fn name(self) -> Cow<'t, str> {
        let Range { start, end } = self.node.name;
        if start == 0 {
            return Cow::Owned(self.node.place.to_string());
        }
        let written = Cow::Borrowed(self.tree.slice(&self.node.name));
        if self.node.mark != ESCAPED {
            return written;
        }
        text_of(self.tree.slice(&(start - 1..end + 1))).unwrap_or(written)
    }

    /// How many stand before it in the same object or array.
    pub fn place(self) -> usize {
        self.node.place as usize
    }

    /// It, what it stands in, what that stands in, and so on.
    pub fn outwards(self) -> impl Iterator<Item = Value<'t>> {
        std::iter::successors(Some(self), |value| value.tree.value(value.node.parent))
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
    use crate::decode::json::Pointer;
    use proptest::prelude::*;

    fn laid_out(text: &str) -> Tree<'_> {
        Tree::parse(text, &[]).unwrap()
    }

    #[test]
    fn names_with_escapes_and_names_that_are_there_twice_are_found() {
        let tree = laid_out(r#"{"a":1,"b\"\\":{"":[7,{"x":5}]},"\u0061":2,"u":"\\"}"#);
        let top = tree.top();
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
        let tree = laid_out(r#"{"a\nb":1}"#);
        let top = tree.top();
        assert!(top.get("a\nb").is_some() && top.get(r"a\nb").is_none());
    }

    #[test]
    fn a_path_begins_with_what_leads_to_the_document() {
        let above = ["outer".to_owned(), "0".to_owned()];
        let tree = Tree::parse(r#"{"x":{"y":1}}"#, &above).unwrap();
        let inner = tree.top().get("x").unwrap().get("y").unwrap();
        assert_eq!(inner.path(), "/outer/0/x/y");
    }

    #[test]
    fn pointers_lead_to_names_with_dots_slashes_and_tildes() {
        let document = r#"{"pm2.5":1,"a/b":{"m~n":[{"x":5},7]},"":{"":2},"t:0":3,"h":1e400}"#;
        let tree = laid_out(document);
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
            let value = tree.top().follow(names.tokens());
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
            compare(laid_out(&text).top(), &document);
        }
    }
}
