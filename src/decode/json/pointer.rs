//! The way to something inside a document, as an operator writes it.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// A JSON Pointer (RFC 6901) to something inside a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    tokens: Vec<String>,
}

impl Pointer {
    /// Parses a pointer such as `/data/0/pm2.5`, or an empty text for the
    /// whole; the error says what is wrong. In a name, `~1` stands for `/` and
    /// `~0` for `~`.
    pub fn parse(text: &str) -> Result<Pointer, String> {
        if text.is_empty() {
            return Ok(Pointer { tokens: Vec::new() });
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("a JSON Pointer begins with `/`, as in \"/{text}\""));
        };
        let tokens = rest.split('/').map(unescape).collect::<Result<_, _>>()?;
        Ok(Pointer { tokens })
    }

    /// The pointer along these names.
    pub fn from_tokens(tokens: Vec<String>) -> Pointer {
        Pointer { tokens }
    }

    /// The names on the way.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// Whether it leads to the whole.
    pub fn is_whole(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The names below another pointer, if it leads there or further.
    pub fn below(&self, other: &Pointer) -> Option<&[String]> {
        self.tokens.strip_prefix(other.tokens.as_slice())
    }
}

impl fmt::Display for Pointer {
    /// The pointer as it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tokens.iter().try_for_each(|token| {
            f.write_char('/')?;
            f.write_str(&escape(token))
        })
    }
}

/// An array index as RFC 6901 section 4 writes it: no sign, no leading zeros.
pub fn array_index(token: &str) -> Option<usize> {
    let canonical =
        token.bytes().all(|b| b.is_ascii_digit()) && (token == "0" || !token.starts_with('0'));
    canonical.then(|| token.parse().ok()).flatten()
}

/// A name as it is written inside a JSON Pointer.
pub fn escape(name: &str) -> Cow<'_, str> {
    match name.contains(['~', '/']) {
        true => Cow::Owned(name.replace('~', "~0").replace('/', "~1")),
        false => Cow::Borrowed(name),
    }
}

fn unescape(token: &str) -> Result<String, String> {
    let mut parts = token.split('~');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (character, rest) = match part.as_bytes().first() {
            Some(b'0') => ('~', &part[1..]),
            Some(b'1') => ('/', &part[1..]),
            _ => return Err(format!("in \"{token}\" a `~` must be written `~0`, a `/` `~1`")),
        };
        name.push(character);
        name.push_str(rest);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_written_as_it_was_read() {
        for pointer in ["/pm2.5", "/a~1b/m~0n/0/x", "//", "/t:0", ""] {
            assert_eq!(Pointer::parse(pointer).unwrap().to_string(), pointer);
        }
    }

    #[test]
    fn faults_of_a_pointer_say_how_to_write_it() {
        assert!(Pointer::parse("pm25").unwrap_err().contains("\"/pm25\""));
        assert!(Pointer::parse("").unwrap().is_whole());
        assert!(Pointer::parse("/a~2").unwrap_err().contains("~0"));
        assert!(Pointer::parse("/a~").is_err());
    }
}
