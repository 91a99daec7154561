//! Forecasts as their issuers write them: JSON or CSV → [`Forecast`]s.
//!
//! ```text
//!  bytes ─▶ begins with { or [ ? ─▶ json ─┐
//!                   else        ─▶ csv  ─┴▶ Draft (texts by field) ─▶ resolve ─▶ Forecast | faults
//! ```
//!
//! One parser serves the API, a broker's messages and files. A zone's own clock
//! decides what a `day` is, its country what plain `aqi` is. Every fault has its
//! place; an element with a fault is left out and all others are taken.
//!
//! | field | is |
//! |---|---|
//! | `issuer` | who says so: letters, digits, `.`, `-`, `_` |
//! | `issued_at` | when: RFC 3339, or by the zone's clock without an offset |
//! | `zone` | the id of a configured zone |
//! | `quantity` | a quantity, `aqi_cn`, `cai`, `aqi_us`, or `aqi` for the index of the zone's country |
//! | `day` | the local day, such as `2026-01-31` … |
//! | `from`, `until` | … or the period, end excluded |
//! | `value` | the mean over the period, or the index |
//! | `cause` | `dust`, `wildfire`, or nothing |

mod csv;
mod json;
mod resolve;

#[cfg(test)]
mod tests;

pub use resolve::{bounds, day_of};

use super::{Decoded, ENTRIES_MAX, Message, Refused};
use crate::air::{Forecast, Skipped, Stamp};
use jiff::tz::TimeZone;
use std::borrow::Cow;
use std::fmt;

/// The fields of an element, in the order of CSV that we write.
pub const FIELDS: [&str; 9] =
    ["issuer", "issued_at", "zone", "quantity", "day", "from", "until", "value", "cause"];

/// Faults that a refused message names; all of them would fill the quarantine.
const FAULTS_TOLD: usize = 5;

/// A zone as forecasts need to know it.
#[derive(Debug, Clone, PartialEq)]
pub struct ForecastZone {
    /// Its id.
    pub id: String,
    /// ISO 3166-1 alpha-2 code, if given.
    pub country: Option<String>,
    /// The clock of its people.
    pub time_zone: TimeZone,
}

/// What one document holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Forecasts {
    /// What can be taken, in the order of the document.
    pub taken: Vec<Forecast>,
    /// What is wrong with the rest.
    pub faults: Vec<ForecastFault>,
}

/// What is wrong with one field of one element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForecastFault {
    /// Where: a JSON Pointer such as `/3/day`, or `line 4, day`.
    pub place: String,
    /// What was found and what is allowed.
    pub detail: String,
}

impl fmt::Display for ForecastFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.detail)
    }
}

/// What is done with every element; the second argument tells the place of a field.
type Take<'t> = dyn FnMut(&Draft<'_>, &dyn Fn(&str) -> String) + 't;

/// One element as it is written: a text for every field that is there.
#[derive(Debug, Default)]
struct Draft<'a> {
    fields: [Option<Cow<'a, str>>; FIELDS.len()],
}

impl<'a> Draft<'a> {
    fn get(&self, name: &str) -> Option<&str> {
        let place = FIELDS.iter().position(|f| *f == name)?;
        self.fields.get(place)?.as_deref()
    }

    fn set(&mut self, name: &str, text: Cow<'a, str>) {
        let place = FIELDS.iter().position(|f| *f == name);
        if let Some(field) = place.and_then(|p| self.fields.get_mut(p)) {
            *field = Some(text);
        }
    }
}

/// Reads a document. `now` is our clock: what claims to be issued later than it,
/// by more than an hour, is refused.
///
/// # Errors
/// [`Refused::Malformed`] if the document as a whole is neither JSON nor CSV of
/// forecasts; single elements are never a reason.
pub fn read(bytes: &[u8], zones: &[ForecastZone], now: Stamp) -> Result<Forecasts, Refused> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let detail = format!("byte {} is not UTF-8: correct the sender", e.valid_up_to());
        Refused::malformed("not_utf8", detail)
    })?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut found = Forecasts::default();
    let mut take = |draft: &Draft<'_>, place: &dyn Fn(&str) -> String| match resolve::resolve(
        draft, zones, now,
    ) {
        Ok(forecast) => found.taken.push(forecast),
        Err(faults) => found.faults.extend(
            faults.into_iter().map(|(field, detail)| ForecastFault { place: place(field), detail }),
        ),
    };
    let more = match text.starts_with(['{', '[']) {
        true => json::read(text, &mut take)?,
        false => csv::read(text, &mut take)?,
    };
    found.faults.extend(more);
    Ok(found)
}

/// Reads a broker's message.
///
/// # Errors
/// As [`read`]; and if not one element can be taken.
pub(super) fn decode(m: &Message, zones: &[ForecastZone]) -> Result<Decoded, Refused> {
    let found = read(m.payload, zones, m.received)?;
    if found.taken.is_empty() && !found.faults.is_empty() {
        return Err(Refused::malformed("bad_forecast", told(&found.faults)));
    }
    let skipped = found.faults.into_iter().map(|f| Skipped { path: f.place, reason: f.detail });
    Ok(Decoded { forecasts: found.taken, skipped: skipped.collect(), ..Decoded::default() })
}

/// The first faults in one line.
pub fn told(faults: &[ForecastFault]) -> String {
    let first: Vec<String> = faults.iter().take(FAULTS_TOLD).map(ToString::to_string).collect();
    match faults.len().saturating_sub(FAULTS_TOLD) {
        0 => first.join("; "),
        more => format!("{}; and {more} more", first.join("; ")),
    }
}

fn too_many(elements: usize) -> Refused {
    let detail =
        format!("{elements} forecasts; at most {ENTRIES_MAX} are read: send fewer at once");
    Refused::malformed("too_many_values", detail)
}
