//! An incident to read on a terminal.

use super::harmless;
use crate::web::Document;
use std::fmt::Write;

/// The document for a terminal.
pub fn text(document: &Document) -> String {
    let mut text = String::new();
    let mark = document.exercise.map(|mark| format!("{mark} ")).unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{mark}{}", document.title);
    for (name, value) in &document.facts {
        let _ = writeln!(text, "{name}: {}", harmless(value));
    }
    text.push('\n');
    for (line, _) in &document.lines {
        let _ = writeln!(text, "{}", harmless(line));
    }
    text
}
