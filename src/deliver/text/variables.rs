//! What the operator's own texts can name of an event: each a text, empty if
//! there is nothing to say of it.

use super::{clock, condition, in_language, level, place, string};
use crate::air::place::Language;
use crate::air::words::{exercise as exercise_mark, number};
use crate::air::{Quantity, Stamp};
use crate::config::settings::EventKind;
use crate::config::templates::INCIDENT;
use serde_json::Value;
use std::collections::BTreeMap;

/// The variables of an event, and their values for readers of a language. `text`
/// is the built-in text, `url` where a person can see more.
pub fn variables(
    kind: EventKind,
    data: &Value,
    language: Language,
    (text, url): (&str, &str),
) -> BTreeMap<&'static str, String> {
    let mut all = BTreeMap::from([("text", text.to_owned()), ("url", url.to_owned())]);
    let exercise = data.get("exercise").and_then(Value::as_bool) == Some(true);
    all.insert(
        "exercise",
        if exercise { exercise_mark(language).to_owned() } else { String::new() },
    );
    all.insert("at", at(data, kind, language));
    let own = match kind {
        EventKind::Change => change(data, language),
        EventKind::Incident => incident(data, language),
        EventKind::Operational => operational(data, language),
    };
    all.extend(own);
    all
}

/// The instant by the clock of the place, or, of an incident, of the reader.
fn at(data: &Value, kind: EventKind, language: Language) -> String {
    let Some(at) = string(data, "at").and_then(Stamp::parse) else { return String::new() };
    let reader = language.time_zone();
    let (name, zone) = match kind {
        EventKind::Incident => (reader.iana_name().unwrap_or("UTC"), reader.clone()),
        _ => clock(data),
    };
    format!("{} ({name})", at.local(&zone))
}

fn text_of(data: &Value, key: &str) -> String {
    string(data, key).unwrap_or_default().to_owned()
}

fn change(data: &Value, language: Language) -> Vec<(&'static str, String)> {
    let known = string(data, "quantity").and_then(Quantity::from_name);
    let name = known.map(|q| q.title(language).to_owned());
    let unit = known.map(|q| q.unit_text().to_owned());
    let value = data.get("value").and_then(Value::as_f64).map(number);
    let criterion = data.get("criterion").and_then(|c| in_language(c, language));
    let step = |key: &str| string(data, key).map(|l| level(l, language)).unwrap_or_default();
    let late = data.get("late").and_then(Value::as_bool) == Some(true);
    vec![
        ("place", place(data, language)),
        ("quantity", name.unwrap_or_else(|| text_of(data, "quantity"))),
        ("from", step("from")),
        ("to", step("to")),
        ("value", value.unwrap_or_default()),
        ("unit", unit.unwrap_or_else(|| text_of(data, "unit"))),
        ("criterion", criterion.unwrap_or_default()),
        ("ladder", text_of(data, "ladder")),
        ("ruleset", text_of(data, "ruleset")),
        ("late", if late { "late".to_owned() } else { String::new() }),
    ]
}

/// In the words that the hotline has put beside the event, which knows the names;
/// an event without them is told by its ids.
fn incident(data: &Value, language: Language) -> Vec<(&'static str, String)> {
    let words = data.get("words").and_then(|all| all.get(language.code()));
    let value = |name| words.and_then(|w| string(w, name)).or_else(|| string(data, name));
    let own = INCIDENT.into_iter();
    own.map(|name| (name, value(name).unwrap_or_default().to_owned())).collect()
}

fn operational(data: &Value, language: Language) -> Vec<(&'static str, String)> {
    let kind = string(data, "kind").unwrap_or_default();
    let over = data.get("active").and_then(Value::as_bool) == Some(false);
    vec![
        ("kind", condition(kind, "", language)),
        ("subject", text_of(data, "subject")),
        ("detail", text_of(data, "detail")),
        ("over", if over { "over".to_owned() } else { String::new() }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::templates;
    use serde_json::json;

    #[test]
    fn what_a_template_may_name_is_what_it_is_given() {
        for kind in [EventKind::Change, EventKind::Incident, EventKind::Operational] {
            let given = variables(kind, &json!({}), Language::En, ("t", "u"));
            let mut named = templates::variables(kind);
            named.sort_unstable();
            assert_eq!(given.into_keys().collect::<Vec<_>>(), named);
        }
    }

    #[test]
    fn values_are_as_people_write_them() {
        let data = json!({
            "scope": { "zone": "seoul", "name": { "ko": "서울" } }, "to": "advisory",
            "quantity": "pm2_5", "value": 81.84, "at": "2022-01-08T13:00:00Z",
            "time_zone": "Asia/Seoul", "exercise": true, "late": false,
        });
        let all = variables(EventKind::Change, &data, Language::Ko, ("", ""));
        for (name, value) in [
            ("place", "서울"),
            ("to", "주의보"),
            ("value", "81.84"),
            ("unit", "µg/m³"),
            ("at", "2022-01-08 22:00 (Asia/Seoul)"),
            ("exercise", "[훈련]"),
            ("late", ""),
        ] {
            assert_eq!(all[name], value, "{name}");
        }
    }
}
