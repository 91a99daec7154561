//! Writing HTML: whatever comes from outside goes through [`escaped`].

/// A text without meaning for HTML, also inside quotes.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// A link if the text is an address of the web, else the text.
pub(super) fn link(text: &str) -> String {
    let text = escaped(text);
    match text.starts_with("https://") || text.starts_with("http://") {
        true => format!("<a href=\"{text}\" rel=\"noreferrer\">{text}</a>"),
        false => text,
    }
}

/// A list of names with their HTML.
#[derive(Default)]
pub(super) struct Facts(String);

impl Facts {
    /// Adds a fact whose value is text.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.html(name, &escaped(value));
    }

    /// Adds a fact whose value is HTML already; nothing if it is empty.
    pub(super) fn html(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.0.push_str(&format!("<dt>{}</dt><dd>{value}</dd>", escaped(name)));
        }
    }

    /// The list in a card.
    pub(super) fn card(self) -> String {
        format!("<dl class=\"card\">{}</dl>", self.0)
    }
}

/// A table of texts under titles.
pub(super) fn table(titles: &[&str], rows: &[Vec<String>]) -> String {
    let cells = |tag: &str, row: &mut dyn Iterator<Item = &str>| -> String {
        row.map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect()
    };
    let head = cells("th", &mut titles.iter().copied());
    let body: String = rows
        .iter()
        .map(|row| format!("<tr>{}</tr>", cells("td", &mut row.iter().map(String::as_str))))
        .collect();
    format!(
        "<div class=\"scroll\"><table class=\"words\"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
}

/// At most two decimals, but never so few that the number looks like a bound
/// that it does not reach (74.9996 is not 75).
pub(super) fn number(value: f64) -> String {
    let written = |digits: usize| {
        let text = format!("{value:.digits$}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    (2..6)
        .map(|digits| if value == value.trunc() { written(1) } else { written(digits) })
        .find(|t| t.contains('.') || t.parse() == Ok(value))
        .unwrap_or_else(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        assert_eq!(escaped("<b a=\"x\" b='y'>&"), "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;");
        assert_eq!(link("javascript:alert(1)"), "javascript:alert(1)");
        assert!(link("https://a.example/?\"><script>").contains("&quot;&gt;&lt;script&gt;"));
        assert!(table(&["<"], &[vec!["<i>".to_owned()]]).contains("<td>&lt;i&gt;</td>"));
    }

    #[test]
    fn a_value_never_looks_like_a_bound_it_does_not_reach() {
        for (value, text) in
            [(81.836_667, "81.84"), (75.0, "75"), (100.0, "100"), (74.999_6, "74.9996")]
        {
            assert_eq!(number(value), text);
        }
    }
}
