//! What is wrong with a file, or unwise in it, and where.

use super::excerpt;
use std::fmt;
use std::ops::Range;

/// One thing to tell about a place in a file of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// The file, as it was named on the command line or in the configuration.
    pub file: String,
    /// The line, from 1; 0 if the file as a whole is meant.
    pub line: usize,
    /// The column in characters, from 1; 0 if the file as a whole is meant.
    pub column: usize,
    /// The key, such as `source[0].subscribe[1].format`; empty for none.
    pub path: String,
    /// What was found and what is allowed.
    pub message: String,
    /// What to do next, where that is more than the message says.
    pub hint: Option<String>,
    /// The line up to the place meant, with a caret line below; no secrets.
    #[serde(skip)]
    pub excerpt: Option<String>,
}

/// What makes a configuration unusable.
pub type Fault = Finding;

/// What is allowed but unwise.
pub type Warning = Finding;

impl Finding {
    /// A finding about a file as a whole.
    pub fn whole_file(file: &str, message: String, hint: Option<String>) -> Finding {
        Finding {
            file: file.to_owned(),
            line: 0,
            column: 0,
            path: String::new(),
            message,
            hint,
            excerpt: None,
        }
    }
}

impl fmt::Display for Finding {
    /// `dustline.toml:12:9: source[0].silent_aftr: unknown key; did you mean …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// A text in which byte offsets have lines and columns.
#[derive(Debug)]
pub(super) struct Text<'a> {
    file: &'a str,
    text: &'a str,
    line_starts: Vec<usize>,
}

impl<'a> Text<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Text<'a> {
        let starts = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1);
        Text { file, text, line_starts: std::iter::once(0).chain(starts).collect() }
    }

    /// A finding about a span of bytes. What is `hidden` is not quoted.
    pub(super) fn finding(
        &self,
        span: &Range<usize>,
        path: &str,
        message: String,
        hint: Option<String>,
        hidden: bool,
    ) -> Finding {
        let at = self.boundary(span.start);
        let line = self.line_starts.partition_point(|s| *s <= at);
        let line_start = line.checked_sub(1).and_then(|i| self.line_starts.get(i)).copied();
        let line_start = line_start.unwrap_or(0);
        let before = self.text.get(line_start..at).unwrap_or_default();
        let end = if hidden { at } else { self.boundary(span.end) };
        let marked = self.text.get(at..end).unwrap_or_default();
        let after = self.text.get(end..).unwrap_or_default().lines().next();
        let more = after.is_some_and(|rest| !rest.trim().is_empty());
        Finding {
            file: self.file.to_owned(),
            line,
            column: before.chars().count() + 1,
            path: path.to_owned(),
            message,
            hint,
            excerpt: excerpt::excerpt(before, marked, more),
        }
    }

    /// The nearest character boundary at or before an offset.
    fn boundary(&self, offset: usize) -> usize {
        let end = offset.min(self.text.len());
        (0..=end).rev().find(|i| self.text.is_char_boundary(*i)).unwrap_or(0)
    }
}

/// The known name nearest to a mistyped one, if any is near.
pub(super) fn nearest<'n>(
    wrong: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    let folded = wrong.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|name| {
            let other = name.to_lowercase().replace('-', "_");
            (strsim::damerau_levenshtein(&folded, &other), name)
        })
        .filter(|(distance, name)| *distance <= name.chars().count().max(3) / 3)
        .min()
        .map(|(_, name)| name)
}

/// `did you mean …`, if any known name is near.
pub(super) fn did_you_mean<'n>(
    wrong: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> Option<String> {
    nearest(wrong, known).map(|name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_survive_any_offset() {
        let text = Text::new("a.toml", "이름 = 1\nb = 2");
        let finding = text.finding(&(9..10), "이름", "found 1".into(), None, false);
        assert_eq!((finding.line, finding.column), (1, 6));
        let second = text.finding(&(11..12), "b", "x".into(), None, false);
        assert_eq!((second.line, second.column), (2, 1));
        let beyond = text.finding(&(400..900), "", "x".into(), None, false);
        assert_eq!((beyond.line, beyond.column), (2, 6));
        let inside_a_character = text.finding(&(1..2), "", "x".into(), None, false);
        assert_eq!((inside_a_character.line, inside_a_character.column), (1, 1));
    }

    #[test]
    fn a_name_is_suggested_only_when_it_is_near() {
        let known = ["listen", "public", "base_url"];
        assert_eq!(nearest("lisen", known), Some("listen"));
        assert_eq!(nearest("base-url", known), Some("base_url"));
        assert_eq!(nearest("Public", known), Some("public"));
        assert_eq!(nearest("colour", known), None);
    }
}
