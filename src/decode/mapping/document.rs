//! A document with the texts in it that hold documents themselves.
//!
//! What stands in a text (JSON in a string, or in base64) is opened once, before
//! anything is looked up, and pointers lead on into it.

use crate::decode::json::{Pointer, Tree, Value};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::borrow::Cow;
use std::cell::RefCell;

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
    pub(super) fn open<'a>(&'a self, tree: &'a Tree) -> Option<(&'a Pointer, Cow<'a, str>)> {
        let text = tree.top().follow(self.pointer.tokens())?.text()?;
        let inside = match self.wrapping {
            Wrapping::Json => text,
            Wrapping::Base64 => {
                let bytes = text.trim().as_bytes();
                let bytes = STANDARD.decode(bytes).or_else(|_| URL_SAFE.decode(bytes)).ok()?;
                Cow::Owned(String::from_utf8(bytes).ok()?)
            }
        };
        Some((&self.pointer, inside))
    }
}

/// A document under way.
pub struct Document<'a> {
    tree: &'a Tree<'a>,
    /// Where a text was opened, and what it holds.
    opened: &'a [(&'a Pointer, Tree<'a>)],
    /// What was looked up from the top already: of many entries each asks.
    known: RefCell<Vec<(Pointer, Option<Value<'a>>)>>,
}

impl<'a> Document<'a> {
    /// A document with the texts in it that were opened.
    pub(super) fn new(tree: &'a Tree<'a>, opened: &'a [(&'a Pointer, Tree<'a>)]) -> Document<'a> {
        Document { tree, opened, known: RefCell::default() }
    }

    /// The names at the top, for explanations.
    pub(super) fn names(&self) -> Vec<String> {
        self.tree.top().members().map(|member| member.name().into_owned()).collect()
    }

    /// What a pointer from the top leads to, for one of many entries.
    pub(super) fn remembered(&self, pointer: &Pointer) -> Option<Value<'a>> {
        let known = self.known.borrow().iter().find(|(p, _)| p == pointer).map(|(_, v)| *v);
        known.unwrap_or_else(|| {
            let value = self.find(pointer);
            self.known.borrow_mut().push((pointer.clone(), value));
            value
        })
    }

    /// What a pointer from the top leads to.
    pub(super) fn find(&self, pointer: &Pointer) -> Option<Value<'a>> {
        for (place, tree) in self.opened {
            if let Some(rest) = pointer.below(place) {
                return tree.top().follow(rest);
            }
        }
        self.tree.top().follow(pointer.tokens())
    }
}
