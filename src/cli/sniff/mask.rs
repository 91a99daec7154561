//! What looks like a key or an address of a person is not shown.

use crate::air::mask::{MASK, mask};

/// So long a run of letters and digits together is no name that people give.
const TOKEN_MIN: usize = 20;

/// Whether a level of a topic, or a name in a body, looks like a secret.
pub(super) fn secret(text: &str) -> bool {
    let token = |part: &str| {
        part.len() >= TOKEN_MIN
            && part.bytes().any(|b| b.is_ascii_digit())
            && part.bytes().any(|b| b.is_ascii_alphabetic())
    };
    text.contains('@') || text.split(|c: char| !c.is_ascii_alphanumeric()).any(token)
}

/// A topic as it may be shown.
pub(super) fn topic(topic: &str) -> String {
    let shown = |level| if secret(level) { "…" } else { level };
    let topic = mask(topic).replace(MASK, "…").split('/').map(shown).collect::<Vec<_>>().join("/");
    topic.chars().map(|c| if c.is_control() { '�' } else { c }).take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_people_are_masked_and_names_are_not() {
        for text in
            ["a8f5f167f44f4964e6c998dee827110c", "anna@example.org", "k-4f6A9b2C8d1E7f3A5b6C-x"]
        {
            assert!(secret(text), "{text}");
        }
        for text in [
            "esp8266-vindriktning-particle-sensor",
            "VINDRIKTNING-A1B2C3",
            "84fce602549c",
            "0b6f3a10-1111-11e8-b689-0242ac110002",
            "temperature",
            "",
        ] {
            assert!(!secret(text), "{text}");
        }
        assert_eq!(topic("a/a8f5f167f44f4964e6c998dee827110c/b"), "a/…/b");
    }
}
