//! Points as line protocol.
//!
//! ```text
//! air,device=s00001,source=city,station=jongno pm10=20.1,pm10_flag=1i,pm2_5=12.3,pm2_5_flag=1i 1700000000000
//! air_hour,device=s00001,quantity=pm2_5,station=jongno count=60i,coverage=1,flagged=0i,max=14.1,mean=12.3,min=11 1700000000000
//! air_change,ladder=kr-pm25,scope=zone/seoul from="none",late=false,level=1i,ruleset="kr-air-alert@2018-07-01",to="advisory",uid="01…",value=81.84 1700000000000
//! ```
//!
//! Times are milliseconds; an hour has the time of its start, a change that at
//! which its criterion was met. Tags and fields are in the order of their names,
//! tags without a value are left out, so that the same point is always the same
//! text. A quantity's variants are fields (`pm2_5__cf1`) of a reading and values
//! of the tag `quantity` of an hour.
//!
//! Escaping is that of the line-protocol specification. What it cannot say in a
//! tag is replaced: a line break or tab by `\n`, `\r`, `\t` in two characters,
//! and a backslash that readers take for the start of an escape (before a comma,
//! space, equals sign, another backslash, or at the end) by `/`.

use crate::air::{Hour, Label, Measured, Quantity, Stamp};
use std::fmt::Write;

/// Starts a point: measurement and tags. The tags must be in the order of their
/// names; those without a value are left out.
pub fn start(out: &mut String, measurement: &str, tags: &[(&str, &str)]) {
    out.push_str(measurement);
    for (name, value) in tags.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(',');
        key(out, name);
        out.push('=');
        key(out, value);
    }
    out.push(' ');
}

/// Adds the point of a reading, after the `prefix` that [`start`] made; nothing
/// if there is no number in it. `order` is scratch space.
pub fn reading(
    out: &mut String,
    prefix: &str,
    values: &[Measured],
    at: Stamp,
    order: &mut Vec<usize>,
) -> bool {
    order.clear();
    order.extend(0..values.len());
    let name = |i: &usize| values.get(*i).map(|m| (m.value.quantity.name(), &m.value.label));
    order.sort_by(|a, b| name(a).cmp(&name(b)));
    let begin = out.len();
    out.push_str(prefix);
    let fields = out.len();
    for (place, i) in order.iter().enumerate() {
        let Some(m) = values.get(*i).filter(|m| m.value.value.is_finite()) else { continue };
        // A number that is there twice is written once, the later one.
        if order.get(place + 1).is_some_and(|next| name(next) == name(i)) {
            continue;
        }
        separate(out, fields);
        field_name(out, m.value.quantity, &m.value.label);
        out.push('=');
        number(out, m.value.value);
        out.push(',');
        field_name(out, m.value.quantity, &m.value.label);
        // Writing to a String cannot fail.
        let _ = write!(out, "_flag={}i", m.flag.code());
    }
    finish(out, begin, fields, at)
}

/// The closed hour of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct HourPoint<'a> {
    /// The device.
    pub device: &'a str,
    /// Its station.
    pub station: &'a str,
    /// The quantity.
    pub quantity: Quantity,
    /// Which of several numbers.
    pub label: &'a Label,
    /// The hour.
    pub hour: Hour,
    /// Valid readings.
    pub count: u32,
    /// Readings that did not count.
    pub flagged: u32,
    /// Share of the hour that is covered, 0 to 1.
    pub coverage: f64,
    /// Mean, least and greatest in the quantity's unit; none without readings.
    pub mean_min_max: Option<(f64, f64, f64)>,
}

/// Adds the point of an hour.
pub fn hour(out: &mut String, p: &HourPoint<'_>) {
    let quantity = format!("{}{}", p.quantity.name(), p.label.suffix());
    let tags = [("device", p.device), ("quantity", &quantity), ("station", p.station)];
    start(out, "air_hour", &tags);
    let _ = write!(out, "count={}i,coverage=", p.count);
    number(out, p.coverage);
    let _ = write!(out, ",flagged={}i", p.flagged);
    if let Some((mean, min, max)) = p.mean_min_max {
        for (name, value) in [("max", max), ("mean", mean), ("min", min)] {
            let _ = write!(out, ",{name}=");
            number(out, value);
        }
    }
    end(out, p.hour.start());
}

/// One step of a ladder or threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangePoint<'a> {
    /// The ladder's or threshold's id.
    pub ladder: &'a str,
    /// `zone/<id>` or `station/<id>`.
    pub scope: &'a str,
    /// The level left.
    pub from: &'a str,
    /// The level reached.
    pub to: &'a str,
    /// Its place in the ladder, 0 for `none`, if the ladder is known.
    pub level: Option<usize>,
    /// The ruleset and its version.
    pub ruleset: &'a str,
    /// The identity of the change.
    pub uid: &'a str,
    /// The value judged.
    pub value: Option<f64>,
    /// Whether late data brought it out after the fact.
    pub late: bool,
    /// When the criterion was met.
    pub at: Stamp,
}

/// Adds the point of a change.
pub fn change(out: &mut String, p: &ChangePoint<'_>) {
    start(out, "air_change", &[("ladder", p.ladder), ("scope", p.scope)]);
    out.push_str("from=");
    string(out, p.from);
    let _ = write!(out, ",late={}", p.late);
    if let Some(level) = p.level {
        let _ = write!(out, ",level={level}i");
    }
    for (name, text) in [("ruleset", p.ruleset), ("to", p.to), ("uid", p.uid)] {
        let _ = write!(out, ",{name}=");
        string(out, text);
    }
    if let Some(value) = p.value.filter(|v| v.is_finite()) {
        out.push_str(",value=");
        number(out, value);
    }
    end(out, p.at);
}

fn field_name(out: &mut String, quantity: Quantity, label: &Label) {
    out.push_str(quantity.name());
    if !label.is_main() {
        key(out, &label.suffix());
    }
}

fn separate(out: &mut String, fields: usize) {
    if out.len() > fields {
        out.push(',');
    }
}

fn finish(out: &mut String, begin: usize, fields: usize, at: Stamp) -> bool {
    if out.len() == fields {
        out.truncate(begin);
        return false;
    }
    end(out, at);
    true
}

fn end(out: &mut String, at: Stamp) {
    let _ = writeln!(out, " {}", at.0);
}

/// The shortest text that is read back as the same number.
fn number(out: &mut String, value: f64) {
    let size = value.abs();
    let _ = match size == 0.0 || (1e-7..1e17).contains(&size) {
        true => write!(out, "{value}"),
        false => write!(out, "{value:e}"),
    };
}

/// A tag's name or value, or a field's name.
fn key(out: &mut String, text: &str) {
    if !text.bytes().any(|b| matches!(b, b',' | b'=' | b' ' | b'\\' | b'\n' | b'\r' | b'\t')) {
        out.push_str(text);
        return;
    }
    let mut before = None;
    for (i, c) in text.char_indices() {
        match c {
            ',' | '=' | ' ' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => {
                let next = text.get(i + 1..).and_then(|rest| rest.chars().next());
                let alone = before != Some('\\')
                    && next
                        .is_some_and(|n| !matches!(n, ',' | '=' | ' ' | '\\' | '\n' | '\r' | '\t'));
                out.push(if alone { '\\' } else { '/' });
            }
            _ => out.push(c),
        }
        before = Some(c);
    }
}

/// A field's value that is a text.
fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // A line break is allowed here, but readers that split lines first stumble.
            '\n' => out.push_str("\\\\n"),
            '\r' => out.push_str("\\\\r"),
            _ => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests;
