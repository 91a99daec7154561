//! Lines of styled text, as wide as a terminal shows them.

/// How text looks; without colours it all looks plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    Plain,
    /// What need not be read twice.
    Dim,
    /// What is looked for first.
    Bold,
    /// Good.
    Green,
    /// Moderate.
    Yellow,
    /// Bad.
    Orange,
    /// Worst.
    Red,
    /// An advisory.
    OnYellow,
    /// A warning.
    OnRed,
    /// How far it is.
    Cyan,
    /// Something to follow.
    Link,
}

impl Style {
    /// Select Graphic Rendition (ECMA-48), colours of the usual 256.
    fn code(self) -> &'static str {
        match self {
            Style::Plain => "",
            Style::Dim => "\x1b[2m",
            Style::Bold => "\x1b[1m",
            Style::Green => "\x1b[32m",
            Style::Yellow => "\x1b[33m",
            Style::Orange => "\x1b[38;5;208m",
            Style::Red => "\x1b[31m",
            Style::OnYellow => "\x1b[1;30;48;5;214m",
            Style::OnRed => "\x1b[1;97;41m",
            Style::Cyan => "\x1b[36m",
            Style::Link => "\x1b[4;36m",
        }
    }
}

/// One line.
#[derive(Debug, Clone, Default)]
pub struct Line {
    parts: Vec<(&'static str, String)>,
    width: usize,
}

impl Line {
    /// An empty one.
    pub fn new() -> Line {
        Line::default()
    }

    /// A line of one style.
    pub fn of(style: Style, text: impl Into<String>) -> Line {
        Line::new().put(style, text)
    }

    /// Goes on with text.
    pub fn put(mut self, style: Style, text: impl Into<String>) -> Line {
        let text = text.into();
        self.width += width(&text);
        self.parts.push((style.code(), text));
        self
    }

    /// Goes on at a column, or after a space if the line is there already.
    pub fn to(self, column: usize) -> Line {
        let gap = column.saturating_sub(self.width).max(1);
        self.put(Style::Plain, " ".repeat(gap))
    }

    /// The line for a terminal, cut to `columns`.
    pub fn render(&self, columns: usize, colours: bool) -> String {
        let mut out = String::new();
        let mut left = columns;
        for (code, text) in &self.parts {
            let shown = cut(text, left);
            left -= width(&shown);
            match colours && !code.is_empty() {
                true => out.extend([code, shown.as_str(), "\x1b[0m"]),
                false => out.push_str(&shown),
            }
            if shown.len() < text.len() {
                break;
            }
        }
        out
    }
}

/// As much of a text as fits; what does not ends in `…`.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += columns_of(c);
        if used + 1 > columns {
            break;
        }
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// How many columns a text takes.
pub fn width(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// Wide are the characters of East Asian scripts (Unicode Annex 11: W and F).
fn columns_of(c: char) -> usize {
    match u32::from(c) {
        0x1100..=0x115F
        | 0x2E80..=0x303E
        | 0x3041..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE4F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

/// A number with its thousands apart.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn east_asian_characters_take_two_columns() {
        assert_eq!(width("Seoul 서울"), 10);
        assert_eq!(width("测量值 81.84 µg/m³。"), 20);
        assert_eq!(cut("서울: 주의보", 9), "서울: 주…");
        assert_eq!(cut("서울", 4), "서울");
        assert_eq!(cut("서울", 3), "서…");
        assert_eq!(cut("서울", 0), "");
    }

    #[test]
    fn a_line_is_never_wider_than_its_terminal() {
        let line = Line::of(Style::Bold, "서울 Seoul").to(20).put(Style::Red, "warning since");
        for columns in 0..40 {
            assert!(width(&line.render(columns, false)) <= columns);
        }
        assert_eq!(line.render(24, false), "서울 Seoul          war…");
    }

    #[test]
    fn without_colours_there_is_no_escape() {
        let line = Line::of(Style::OnRed, "x").put(Style::Link, "y");
        assert_eq!(line.render(9, false), "xy");
        assert_eq!(line.render(9, true), "\x1b[1;97;41mx\x1b[0m\x1b[4;36my\x1b[0m");
    }

    #[test]
    fn thousands_are_set_apart() {
        let all = [0, 999, 1000, 77_760, 1_234_567].map(thousands);
        assert_eq!(all, ["0", "999", "1,000", "77,760", "1,234,567"]);
    }
}
