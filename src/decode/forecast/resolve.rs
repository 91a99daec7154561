//! From an element as it is written to what it means.

use super::super::number;
use super::{Draft, ForecastZone};
use crate::air::{Cause, Forecast, Foretold, IndexKind, Quantity, Stamp};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use std::time::Duration;

/// So much later than our clock may say an issuer that it has issued something:
/// clocks differ, and a bulletin may be sent out before its hour.
const AHEAD_MAX: Duration = Duration::from_secs(3_600);
/// The longest period that one value can be said of.
const PERIOD_MAX: Duration = Duration::from_secs(31 * 86_400);
/// The longest issuer, bytes.
const ISSUER_MAX: usize = 64;
/// Larger than any value of any quantity or index, in its unit.
const VALUE_MAX: f64 = 100_000.0;
/// The coldest that a mean temperature can be, °C.
const COLDEST: f64 = -100.0;

/// Faults by field.
type Faults = Vec<(&'static str, String)>;

/// The forecast that a draft is; else every fault in it.
pub(super) fn resolve(
    draft: &Draft<'_>,
    zones: &[ForecastZone],
    now: Stamp,
) -> Result<Forecast, Faults> {
    let mut faults = Faults::new();
    let issuer = keep(issuer(draft), &mut faults);
    let zone = keep(zone(draft, zones), &mut faults);
    let cause = keep(cause(draft), &mut faults);
    // What depends on the zone is looked at with the clock of UTC if there is none.
    let clock = &zone.map_or(TimeZone::UTC, |z| z.time_zone.clone());
    let of = keep(quantity(draft, zone), &mut faults);
    let value = keep(value(draft, of), &mut faults);
    let issued = keep(issued(draft, clock, now), &mut faults);
    let period = keep(period(draft, clock), &mut faults);
    if let (Some(issued_at), Some((_, until))) = (issued, period)
        && issued_at >= until
    {
        let detail = format!("{issued_at} is not before the end of the period, {until}");
        faults.push(("issued_at", detail));
    }
    match (issuer, zone, of, value, issued, period, cause) {
        (
            Some(issuer),
            Some(zone),
            Some(of),
            Some(value),
            Some(issued_at),
            Some((from, until)),
            Some(cause),
        ) if faults.is_empty() => {
            let zone = zone.id.clone();
            Ok(Forecast { issuer, issued_at, zone, of, from, until, value, cause })
        }
        _ => Err(faults),
    }
}

fn keep<T>(read: Result<T, (&'static str, String)>, faults: &mut Faults) -> Option<T> {
    read.map_err(|fault| faults.push(fault)).ok()
}

fn need<'d>(
    draft: &'d Draft<'_>,
    field: &'static str,
    what: &str,
) -> Result<&'d str, (&'static str, String)> {
    let missing = || (field, format!("missing; expected {what}"));
    draft.get(field).map(str::trim).filter(|text| !text.is_empty()).ok_or_else(missing)
}

fn issuer(draft: &Draft<'_>) -> Result<String, (&'static str, String)> {
    let what = "who issued it, such as \"nier\"";
    let text = need(draft, "issuer", what)?;
    let plain = |c: char| c.is_alphanumeric() || "._-".contains(c);
    if text.len() > ISSUER_MAX || !text.chars().all(plain) {
        let shown = number::shown(text);
        let allowed = format!("letters, digits, `.`, `-` and `_`, at most {ISSUER_MAX} bytes");
        return Err(("issuer", format!("{shown:?}; expected {allowed}")));
    }
    Ok(text.to_owned())
}

fn zone<'z>(
    draft: &Draft<'_>,
    zones: &'z [ForecastZone],
) -> Result<&'z ForecastZone, (&'static str, String)> {
    let text = need(draft, "zone", "the id of a zone")?;
    zones.iter().find(|z| z.id == text).ok_or_else(|| {
        let ids: Vec<&str> = zones.iter().map(|z| z.id.as_str()).collect();
        let known = match ids.is_empty() {
            true => "none is configured".to_owned(),
            false => format!("known are {}", number::shown_long(&ids.join(", "))),
        };
        ("zone", format!("there is no zone {:?}; {known}", number::shown(text)))
    })
}

fn quantity(
    draft: &Draft<'_>,
    zone: Option<&ForecastZone>,
) -> Result<Foretold, (&'static str, String)> {
    let text = need(draft, "quantity", "a quantity such as \"pm2_5\", or an index")?;
    if text == "aqi" {
        // Without a zone its own fault is told; any index will do until then.
        let Some(zone) = zone else { return Ok(Foretold::Index(IndexKind::AqiUs)) };
        let index = match zone.country.as_deref() {
            Some("CN") => Some(IndexKind::AqiCn),
            Some("KR") => Some(IndexKind::Cai),
            Some("US") => Some(IndexKind::AqiUs),
            _ => None,
        };
        return index.map(Foretold::Index).ok_or_else(|| {
            let detail = "the zone's country has no index known here; write aqi_cn, cai or aqi_us";
            ("quantity", detail.to_owned())
        });
    }
    Foretold::from_name(text).ok_or_else(|| {
        let quantities = Quantity::ALL.into_iter().map(Quantity::name);
        let indices = IndexKind::ALL.into_iter().map(IndexKind::name);
        let known: Vec<&str> = quantities.chain(indices).chain(["aqi"]).collect();
        let detail = format!("{:?}; known are {}", number::shown(text), known.join(", "));
        ("quantity", detail)
    })
}

fn value(draft: &Draft<'_>, of: Option<Foretold>) -> Result<f64, (&'static str, String)> {
    let text = need(draft, "value", "a number")?;
    let value = number::from_text(text).map_err(|e| ("value", e.to_string()))?;
    let cold = of == Some(Foretold::Quantity(Quantity::Temperature));
    let least = if cold { COLDEST } else { 0.0 };
    if !(least..=VALUE_MAX).contains(&value) {
        return Err(("value", format!("{value}; expected {least} to {VALUE_MAX}")));
    }
    Ok(value)
}

fn cause(draft: &Draft<'_>) -> Result<Option<Cause>, (&'static str, String)> {
    match draft.get("cause").map(str::trim) {
        None | Some("") => Ok(None),
        Some(name) => Cause::from_name(name).map(Some).ok_or_else(|| {
            let shown = number::shown(name);
            ("cause", format!("{shown:?}; expected \"dust\", \"wildfire\" or nothing"))
        }),
    }
}

fn issued(
    draft: &Draft<'_>,
    clock: &TimeZone,
    now: Stamp,
) -> Result<Stamp, (&'static str, String)> {
    let at = instant(draft, "issued_at", clock)?;
    if at > now.plus(AHEAD_MAX) {
        let detail = format!("{at} is in the future by our clock, which says {now}");
        return Err(("issued_at", detail));
    }
    Ok(at)
}

/// The instant in a field: with an offset, or by the clock of the zone.
fn instant(
    draft: &Draft<'_>,
    field: &'static str,
    clock: &TimeZone,
) -> Result<Stamp, (&'static str, String)> {
    let what = "a time such as \"2026-01-31T17:00:00+09:00\"";
    let text = need(draft, field, what)?;
    let local = || {
        let zoned = text.parse::<DateTime>().ok()?.to_zoned(clock.clone()).ok()?;
        Some(Stamp(zoned.timestamp().as_millisecond()))
    };
    let wrong = || (field, format!("{:?}; expected {what}", number::shown(text)));
    Stamp::parse(text).or_else(local).ok_or_else(wrong)
}

/// The period that the value is of: a local day, or from one instant to another.
fn period(draft: &Draft<'_>, clock: &TimeZone) -> Result<(Stamp, Stamp), (&'static str, String)> {
    let bounds = draft.get("from").is_some() || draft.get("until").is_some();
    match (draft.get("day"), bounds) {
        (Some(_), true) => Err(("day", "beside from or until; expected one of the two".to_owned())),
        (Some(text), false) => day(text.trim(), clock).ok_or_else(|| {
            let shown = number::shown(text);
            ("day", format!("{shown:?}; expected a date such as \"2026-01-31\""))
        }),
        (None, false) => Err((
            "day",
            "missing; expected a date such as \"2026-01-31\", or from and until".into(),
        )),
        (None, true) => {
            let from = instant(draft, "from", clock)?;
            let until = instant(draft, "until", clock)?;
            if until <= from || until > from.plus(PERIOD_MAX) {
                let detail = format!("{until}; expected after from and at most 31 days after it");
                return Err(("until", detail));
            }
            Ok((from, until))
        }
    }
}

/// The local day that a period is, if it is one.
pub fn day_of(from: Stamp, until: Stamp, clock: &TimeZone) -> Option<Date> {
    let first = jiff::Timestamp::from_millisecond(from.0).ok()?.to_zoned(clock.clone());
    let date = first.date();
    (bounds(date, clock)? == (from, until)).then_some(date)
}

/// A local day as it is written.
fn day(text: &str, clock: &TimeZone) -> Option<(Stamp, Stamp)> {
    let date = text.parse::<Date>().ok().filter(|_| text.len() == "2026-01-31".len())?;
    bounds(date, clock)
}

/// The first instant of a local day, and that of the next.
pub fn bounds(date: Date, clock: &TimeZone) -> Option<(Stamp, Stamp)> {
    let start = |date: Date| {
        let zoned = date.to_zoned(clock.clone()).ok()?;
        Some(Stamp(zoned.timestamp().as_millisecond()))
    };
    Some((start(date)?, start(date.tomorrow().ok()?)?))
}
