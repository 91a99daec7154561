//! As much of writing XML as a body needs: elements and texts.

/// A document that grows.
#[derive(Debug)]
pub(super) struct Xml(String);

impl Xml {
    /// A document with its declaration.
    pub(super) fn new() -> Xml {
        Xml("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned())
    }

    /// An element around others; its attributes are written as they are.
    pub(super) fn around(&mut self, name: &str, attributes: &str, inside: impl FnOnce(&mut Xml)) {
        self.0.push_str(&format!("<{name}{attributes}>\n"));
        inside(self);
        self.0.push_str(&format!("</{name}>\n"));
    }

    /// An element with a text.
    pub(super) fn leaf(&mut self, name: &str, text: &str) {
        self.0.push_str(&format!("<{name}>"));
        text.chars().filter(|c| is_allowed(*c)).for_each(|c| match c {
            '&' => self.0.push_str("&amp;"),
            '<' => self.0.push_str("&lt;"),
            '>' => self.0.push_str("&gt;"),
            c => self.0.push(c),
        });
        self.0.push_str(&format!("</{name}>\n"));
    }

    /// The whole.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// XML 1.0, production 2: control characters cannot be written at all.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}
