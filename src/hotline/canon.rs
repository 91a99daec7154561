//! The canonical form of JSON, RFC 8785, for values without fractions.
//!
//! No spaces; the keys of objects in the order of their UTF-16 units; strings in
//! UTF-8 with `\b \t \n \f \r \" \\` and `\u00xx` (lower case) for the other control
//! characters and nothing else escaped; numbers are whole, of at most 2⁵³ − 1 in
//! size, so that every library of the world writes them alike.

use serde_json::Value;

/// The largest whole number that every JSON library reads exactly.
const WHOLE_MAX: u64 = (1 << 53) - 1;

/// The canonical form; `None` if a number is not whole or too large.
pub fn canonical(value: &Value) -> Option<String> {
    let mut out = String::new();
    write(value, &mut out)?;
    Some(out)
}

fn write(value: &Value, out: &mut String) -> Option<()> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => {
            let whole = number.as_i64().filter(|n| n.unsigned_abs() <= WHOLE_MAX)?;
            out.push_str(&whole.to_string());
        }
        Value::String(text) => quote(text, out),
        Value::Array(items) => list(('[', ']'), items, out, write)?,
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            list(('{', '}'), &entries, out, |(key, value), out| {
                quote(key, out);
                out.push(':');
                write(value, out)
            })?;
        }
    }
    Some(())
}

fn list<T>(
    (open, close): (char, char),
    items: &[T],
    out: &mut String,
    each: impl Fn(&T, &mut String) -> Option<()>,
) -> Option<()> {
    out.push(open);
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        each(item, out)?;
    }
    out.push(close);
    Some(())
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::canonical;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn the_string_and_order_examples_of_rfc_8785_come_out_as_printed_there() {
        // Sections 3.2.2 (strings, literals) and 3.2.3 (order of keys).
        let value = json!({
            "string": "\u{20ac}$\u{000F}\u{000a}A'\u{0042}\u{0022}\u{005c}\\\"\u{002f}",
            "literals": [null, true, false],
        });
        assert_eq!(
            canonical(&value).unwrap(),
            r#"{"literals":[null,true,false],"string":"€$\u000f\nA'B\"\\\\\"/"}"#
        );
        let keys = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter",
            "1": "One", "\u{1F600}": "Emoji", "\u{80}": "Control", "\u{f6}": "Latin",
        });
        let written = canonical(&keys).unwrap();
        let order = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"];
        let places: Vec<_> = order.iter().map(|word| written.find(word).unwrap()).collect();
        assert!(places.is_sorted(), "{written}");
    }

    #[test]
    fn numbers_are_whole_and_read_exactly_everywhere() {
        assert_eq!(
            canonical(&json!([0, -1, 9_007_199_254_740_991_i64])).unwrap(),
            "[0,-1,9007199254740991]"
        );
        for bad in [json!(0.5), json!(1.0), json!(9_007_199_254_740_992_i64), json!(u64::MAX)] {
            assert_eq!(canonical(&json!([bad])), None);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_as_it_was(text in any::<String>(), key in any::<String>()) {
            let value = json!({ key: [text] });
            let written = canonical(&value).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value);
        }
    }
}
