//! One object, or an array of them.

use super::super::json::{self, Container};
use super::super::{ENTRIES_MAX, Refused, number};
use super::{Draft, FIELDS, ForecastFault, Take, too_many};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Hands every element to `take`; gives the faults of those that are no drafts.
pub(super) fn read(text: &str, take: &mut Take<'_>) -> Result<Vec<ForecastFault>, Refused> {
    let document = serde_json::from_str::<Container<'_>>(text).map_err(|e| {
        let detail = format!("{e}; it begins {:?}: correct the sender", number::shown(text));
        Refused::malformed("not_json", detail)
    })?;
    let items = match &document {
        Container::Object(_) => {
            let mut faults = Vec::new();
            element(&document, "", take, &mut faults);
            return Ok(faults);
        }
        Container::Array(items) => items,
    };
    if items.len() > ENTRIES_MAX {
        return Err(too_many(items.len()));
    }
    let mut faults = Vec::new();
    for (index, raw) in items.iter().enumerate() {
        let path = format!("/{index}");
        match Container::of(raw) {
            Some(object @ Container::Object(_)) => element(&object, &path, take, &mut faults),
            _ => {
                let shown = number::shown(raw.get());
                let detail = format!("{shown:?} is no object {{\"issuer\", \"issued_at\", …}}");
                faults.push(ForecastFault { place: path, detail });
            }
        }
    }
    Ok(faults)
}

/// One object: a draft, unless it has fields that we do not know or cannot read.
fn element(
    object: &Container<'_>,
    path: &str,
    take: &mut Take<'_>,
    faults: &mut Vec<ForecastFault>,
) {
    let mut draft = Draft::default();
    let before = faults.len();
    for (name, raw) in object.members() {
        let fault = |detail| ForecastFault { place: format!("{path}/{name}"), detail };
        if !FIELDS.contains(&name.as_ref()) {
            faults.push(fault(format!("no such field; known are {}", FIELDS.join(", "))));
        } else if let Some(text) = scalar(raw) {
            draft.set(name, text);
        } else if raw.get() != "null" {
            let shown = number::shown(raw.get());
            faults.push(fault(format!("{shown:?} is neither a text nor a number")));
        }
    }
    if faults.len() == before {
        take(&draft, &|field| format!("{path}/{field}"));
    }
}

/// A text, or a number as it is written.
fn scalar(raw: &RawValue) -> Option<Cow<'_, str>> {
    let written = raw.get();
    let number = written.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    if number { Some(Cow::Borrowed(written)) } else { json::text(raw) }
}
