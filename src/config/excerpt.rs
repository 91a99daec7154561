//! The line a finding is about, quoted without its secrets.
//!
//! A quotation ends where the finding's own text ends, so that nothing right
//! of it can leak; strings left of it are masked when their key looks as if it
//! held a secret, also when it is mistyped.

/// Words in keys whose values are never quoted.
const SENSITIVE: [&str; 7] = ["pas", "pw", "secret", "tok", "key", "cred", "auth"];
/// Longest quotation, characters.
const WIDEST: usize = 160;

/// Quotes `before` and `marked` (of one line, unless `marked` runs on), with
/// carets below `marked`; `more` says whether the line goes on. Nothing if
/// that would say nothing.
pub(super) fn excerpt(before: &str, marked: &str, more: bool) -> Option<String> {
    let first = marked.lines().next().unwrap_or_default();
    let safe_before = mask(before);
    let safe_first = if first.contains('@') && first.contains("://") { "" } else { first };
    let blank = safe_before.trim().is_empty() && safe_first.trim().is_empty();
    if blank || safe_before.chars().count() + safe_first.chars().count() > WIDEST {
        return None;
    }
    let more = match more || safe_first.len() < marked.len() {
        true if safe_before.ends_with(' ') && safe_first.is_empty() => "…",
        true => " …",
        false => "",
    };
    let indent = " ".repeat(safe_before.chars().map(columns).sum());
    let carets = "^".repeat(safe_first.chars().map(columns).sum::<usize>().max(1));
    Some(format!("{safe_before}{safe_first}{more}\n{indent}{carets}").replace('\t', " "))
}

/// Masks the strings of keys that look as if they held secrets, and URLs with
/// something before an `@`.
fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(['"', '\'']) {
        let (head, quoted) = rest.split_at(open);
        let quote = quoted.chars().next().unwrap_or('"');
        let body = &quoted[1..];
        let length = closing(body, quote);
        let (inner, after) = body.split_at(length);
        out.push_str(head);
        out.push(quote);
        let url_with_user = inner.contains("://") && inner.contains('@');
        out.push_str(if sensitive(head) || url_with_user { "…" } else { inner });
        match after.strip_prefix(quote) {
            Some(tail) => {
                out.push(quote);
                rest = tail;
            }
            None => rest = after,
        }
    }
    if sensitive(rest) {
        let key_end = rest.rfind('=').map_or(0, |i| i + 1);
        out.push_str(&rest[..key_end]);
        out.push_str(if rest[key_end..].trim().is_empty() { &rest[key_end..] } else { " …" });
    } else {
        out.push_str(rest);
    }
    out
}

/// Where the string that `body` begins with ends: before its closing quote.
fn closing(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (i, c) in body.char_indices() {
        if c == quote && !escaped {
            return i;
        }
        escaped = quote == '"' && c == '\\' && !escaped;
    }
    body.len()
}

/// Whether the key before a value looks as if it held a secret.
fn sensitive(head: &str) -> bool {
    let key = head.rsplit([',', '{', '\n']).next().unwrap_or(head).to_lowercase();
    key.contains('=') && SENSITIVE.iter().any(|word| key.contains(word))
}

/// Terminal columns of a character: East Asian letters take two.
fn columns(c: char) -> usize {
    match c {
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_below_the_place_meant() {
        assert_eq!(excerpt("lat = ", "97", false).unwrap(), "lat = 97\n      ^^");
        assert_eq!(excerpt("\"종\" = ", "97", false).unwrap(), "\"종\" = 97\n       ^^");
    }

    #[test]
    fn secrets_left_of_the_place_are_masked_even_under_mistyped_keys() {
        for before in [
            "{ password = \"hunter2\", ",
            "{ pasword='hunter2', ",
            "{ url = \"mqtt://me:hunter2@host\", ",
            "token = \"hunter2",
            "secret = hunter2 ",
            "password = \"a\\\"hunter2\", ",
        ] {
            let shown = excerpt(before, "formt", true).unwrap();
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(shown.contains("formt"), "{shown}");
        }
    }

    #[test]
    fn what_is_no_secret_is_quoted() {
        let shown = excerpt("{ topic = \"air/+\", ", "formt", true).unwrap();
        assert!(shown.starts_with("{ topic = \"air/+\", formt …\n"), "{shown}");
    }

    #[test]
    fn a_hidden_value_is_not_quoted() {
        assert_eq!(excerpt("password = ", "", true).unwrap(), "password = …\n           ^");
    }
}
