//! One object, or an array of them.

use super::super::gathered::items;
use super::super::json::{Tree, Value, not_json};
use super::super::{Refused, number};
use super::{Draft, FIELDS, ForecastFault, Take};
use std::borrow::Cow;

/// Hands every element to `take`; gives the faults of those that are no drafts.
pub(super) fn read(text: &str, take: &mut Take<'_>) -> Result<Vec<ForecastFault>, Refused> {
    let tree = Tree::parse(text, &[]).ok_or_else(|| not_json(text))?;
    let mut faults = Vec::new();
    if !tree.top().is_array() {
        element(tree.top(), take, &mut faults);
        return Ok(faults);
    }
    for item in items(tree.top())? {
        if item.is_object() {
            element(item, take, &mut faults);
        } else {
            let shown = number::shown(item.json());
            let detail = format!("{shown:?} is no object {{\"issuer\", \"issued_at\", …}}");
            faults.push(ForecastFault { place: item.path(), detail });
        }
    }
    Ok(faults)
}

/// One object: a draft, unless it has fields that we do not know or cannot read.
fn element(object: Value<'_>, take: &mut Take<'_>, faults: &mut Vec<ForecastFault>) {
    let mut draft = Draft::default();
    let before = faults.len();
    for field in object.members() {
        let name = field.name();
        let fault = |detail| ForecastFault { place: field.path(), detail };
        if !FIELDS.contains(&name.as_ref()) {
            faults.push(fault(format!("no such field; known are {}", FIELDS.join(", "))));
        } else if let Some(text) = scalar(field) {
            draft.set(&name, text);
        } else if !field.is_null() {
            let shown = number::shown(field.json());
            faults.push(fault(format!("{shown:?} is neither a text nor a number")));
        }
    }
    if faults.len() == before {
        take(&draft, &|field| format!("{}/{field}", object.path()));
    }
}

/// A text, or a number as it is written.
fn scalar(value: Value<'_>) -> Option<Cow<'_, str>> {
    let written = value.json();
    let number = written.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    if number { Some(Cow::Borrowed(written)) } else { value.text() }
}
