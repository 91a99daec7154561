//! Secrets and personal data in what devices publish: made unreadable wherever
//! text of theirs is shown. The bytes that are kept are not touched.
//!
//! Masked are values of keys that name a secret or a person (`token`, `password`,
//! `ssid`, `email`, …) in JSON, forms, topics and headers; user and password in a
//! URL; e-mail addresses; the levels of topics in which networks put a device's
//! secret (`device/sck/<token>/…`, `/<key>/<device>/attrs`); and long random words
//! that look like a key wherever they stand. It rather masks too much than too little: an operator can ask for the
//! bytes as they came.

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Names that mean a secret or a person wherever they are a part of a key.
const PARTS: [&str; 14] = [
    "token",
    "secret",
    "passw",
    "passphrase",
    "pwd",
    "psk",
    "ssid",
    "apikey",
    "credential",
    "authorization",
    "mail",
    "bearer",
    "cookie",
    "signature",
];
/// … and those that do so alone. `sck` stands before the token in a topic of Smart
/// Citizen.
const WHOLE: [&str; 14] = [
    "sck",
    "pass",
    "auth",
    "user",
    "username",
    "login",
    "owner",
    "phone",
    "mobile",
    "imsi",
    "iccid",
    "key",
    "pin",
    "firstname",
];
/// A random word is at least so long …
const RANDOM_LEAST: usize = 20;
/// … and has so many digits and so many letters.
const RANDOM_MIX: usize = 3;

/// The text with every secret masked.
pub fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("://") {
            out.push_str("://");
            rest = userinfo(&mut out, after);
        } else if in_word(first) {
            let end = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            rest = self::word(&mut out, word, after);
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// Bytes with every secret masked that is readable in them.
pub fn mask_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.extend_from_slice(mask(chunk.valid()).as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
    out
}

/// What keys, addresses and random words are made of.
fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '%' | '@')
}

/// What may stand between a key, its separator and its value.
fn in_gap(c: char) -> bool {
    matches!(c, ' ' | '\t' | '"' | '\'' | '\\')
}

/// Masks user and password of a URL; what follows them.
fn userinfo<'t>(out: &mut String, after: &'t str) -> &'t str {
    let end = after.find(|c: char| c.is_whitespace() || "/?#\"'\\<>".contains(c));
    let authority = &after[..end.unwrap_or(after.len())];
    let Some(at) = authority.rfind('@').filter(|at| *at > 0) else { return after };
    out.push_str(MASK);
    &after[at..]
}

/// Writes one word, and the value after it if the word is the key of a secret;
/// what follows.
fn word<'t>(out: &mut String, word: &str, after: &'t str) -> &'t str {
    // A mask in place of user and password leaves `@host`: that is no address.
    let is_address = word.find('@').is_some_and(|at| at > 0 && word[at..].contains('.'));
    let secret = is_address || is_random(word) || is_before_attributes(after);
    out.push_str(if secret { MASK } else { word });
    let scheme = ["bearer", "basic"].iter().any(|s| word.eq_ignore_ascii_case(s));
    if scheme && after.starts_with(' ') {
        out.push(' ');
        return value(out, &after[1..], ' ');
    }
    if !is_key(word) {
        return after;
    }
    let gap = after.len() - after.trim_start_matches(in_gap).len();
    match after[gap..].chars().next() {
        Some(separator @ (':' | '=' | '/')) => {
            out.push_str(&after[..gap]);
            out.push(separator);
            value(out, &after[gap + 1..], separator)
        }
        _ => after,
    }
}

/// Whether a device and its attributes follow: FIWARE's topics are
/// `/<key>/<device>/attrs`, and the key is what a device proves itself by.
fn is_before_attributes(after: &str) -> bool {
    let below = after.strip_prefix('/').and_then(|rest| rest.split_once('/'));
    below.is_some_and(|(device, rest)| {
        let end = rest.strip_prefix("attrs");
        device.chars().all(in_word)
            && !device.is_empty()
            && end.is_some_and(|end| !end.starts_with(in_word))
    })
}

/// Masks a value; what follows it. A group of values is left to its own keys.
fn value<'t>(out: &mut String, after: &'t str, separator: char) -> &'t str {
    let start = after.len() - after.trim_start_matches(in_gap).len();
    let (gap, rest) = after.split_at(start);
    out.push_str(gap);
    let end = match gap.chars().next_back() {
        Some(quote @ ('"' | '\'')) if gap.contains('\\') => {
            rest.find(['\\', quote]).unwrap_or(rest.len())
        }
        Some(quote @ ('"' | '\'')) => quoted(rest, quote),
        _ => {
            let stops = |c: char| {
                ",;&|}])\"'\n\r\0/".contains(c) || (separator != ':' && c.is_whitespace())
            };
            rest.find(stops).unwrap_or(rest.len())
        }
    };
    let group = end == 0 || rest.starts_with(['{', '[']);
    if group {
        return rest;
    }
    out.push_str(MASK);
    &rest[end..]
}

/// Where a quoted text ends.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (place, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return place,
            _ => {}
        }
    }
    rest.len()
}

/// Whether a word is the name of a secret or of something personal.
fn is_key(word: &str) -> bool {
    let name: String =
        word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    WHOLE.contains(&name.as_str())
        || name.ends_with("key")
        || PARTS.iter().any(|part| name.contains(part))
}

/// Whether a word looks made by chance: no name, number or device identity.
fn is_random(word: &str) -> bool {
    let mixed = |part: &str| {
        let digits = part.chars().filter(char::is_ascii_digit).count();
        let letters = part.chars().filter(char::is_ascii_alphabetic).count();
        part.len() >= RANDOM_LEAST && digits >= RANDOM_MIX && letters >= RANDOM_MIX
    };
    let web_token = word.starts_with("eyJ") && word.len() >= RANDOM_LEAST;
    web_token || word.split(['-', '_', '.', '+', '%', '@']).any(mixed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_are_masked_in_every_form_in_which_they_come() {
        for (text, masked) in [
            (r#"{"token":"abc","pm2_5":12.3}"#, r#"{"token":"***","pm2_5":12.3}"#),
            (r#"{"wifi_ssid": "Kim's \"home\"", "a":1}"#, r#"{"wifi_ssid": "***", "a":1}"#),
            (r#"{"a":"{\"apiKey\":\"abc\",\"b\":1}"}"#, r#"{"a":"{\"apiKey\":\"***\",\"b\":1}"}"#),
            (
                r#"{"auth":{"user":"kim","x":2},"pin":1234}"#,
                r#"{"auth":{"user":"***","x":2},"pin":***}"#,
            ),
            ("api_key=abc&pm=3", "api_key=***&pm=3"),
            ("Authorization: Bearer abc.def", "Authorization: ***"),
            ("used Bearer abc here", "used Bearer *** here"),
            ("v1/token/abc/telemetry", "v1/token/***/telemetry"),
            ("device/sck/a1b2c3/readings/raw", "device/sck/***/readings/raw"),
            ("/json/4jggok/dev7/attrs/p", "/json/***/dev7/attrs/p"),
            ("topic /ul/4jggok/dev7/attrs: no", "topic /ul/***/dev7/attrs: no"),
            (r#"{"PASSKEY": "0011AABB"}"#, r#"{"PASSKEY": "***"}"#),
            ("mqtt://kim:pass@broker:1883/x", "mqtt://***@broker:1883/x"),
            ("write to kim.lee@air.example.kr now", "write to *** now"),
            ("dev/0123456789abcdef0123456789abcdef/up", "dev/***/up"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.abc", "***"),
            ("password: hunter 2", "password: ***"),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn readings_names_and_identities_of_devices_stay_readable() {
        for text in [
            r#"{"pm2_5":12.3,"time":"2022-01-08T10:00:00.000Z","device":"airrohr-esp8266-16229960"}"#,
            r#"{"serialno":"84fce612f5b8","wifi":-61,"pm02":9,"atmp":21.4}"#,
            "zigbee2mqtt/0x00158d0001a2b3c4 a84041000181c061 123456789012345678901234567890",
            "airgradient/readings/84fce612f5b8",
            "found 12 bytes, expected an object: {…}",
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            "http://127.0.0.1:8080/api/v1",
            "종로구/미세먼지 12 µg/m³",
        ] {
            assert_eq!(mask(text), text);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_beside_masked_text() {
        let bytes = [b"\xff\xfetoken=abc&".as_slice(), b"\x80x"].concat();
        let masked = [b"\xff\xfetoken=***&".as_slice(), b"\x80x"].concat();
        assert_eq!(mask_bytes(&bytes), masked);
    }

    proptest! {
        #[test]
        fn no_value_of_a_secret_key_is_ever_shown(
            key in prop::sample::select(vec!["token", "wifiPassword", "ssid", "X-Api-Key", "e_mail"]),
            secret in "Q[a-zA-Z0-9 !#$(*<>^_~-]{3,30}Q",
            before in "[a-z0-9 ,:{}/]{0,12}",
        ) {
            for text in [
                format!("{before}{{\"{key}\":\"{secret}\",\"pm10\":1}}"),
                format!("{before} {key}: '{secret}'"),
                format!("{before}{{\"x\":\"{{\\\"{key}\\\":\\\"{secret}\\\"}}\"}}"),
            ] {
                prop_assert!(!mask(&text).contains(&secret), "{} of {}", mask(&text), text);
            }
        }

        #[test]
        fn any_text_is_masked_and_nothing_is_added_but_masks(
            text in r#"(token|ssid|bearer|mail|://|@|[a-zA-Z0-9_. "'\\:=/{},&-]|\PC){0,60}"#,
        ) {
            let masked = mask(&text);
            let mut rest = text.chars();
            prop_assert!(masked.chars().filter(|c| *c != '*').all(|c| rest.any(|t| t == c)));
        }

        #[test]
        fn any_bytes_are_masked(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            mask_bytes(&bytes);
        }
    }
}
