//! A point of line protocol as `dustline export` and forwarding write it.

use super::file::{Found, Told, device};
use crate::air::reading::TimeSource;
use crate::air::{Flag, Label, Quantity, Reasons, Stamp, Value};
use crate::decode::influx_line::Line;

/// What a line tells, or why it tells nothing.
pub(super) fn told(text: &str) -> Result<Told, String> {
    let line = Line::parse(text)?;
    let name = line.tag("device").ok_or("no tag device, which names the device")?;
    let device = device(&name)?;
    let at = time(line.time)
        .ok_or_else(|| format!("time {:?}; expected a whole number since 1970", line.time))?;
    let flag = |field: &str| {
        let wanted = format!("{field}_flag");
        let (_, text) = line.fields.iter().find(|(name, _)| *name == wanted)?;
        Flag::from_code(text.trim_end_matches('i').parse().ok()?)
    };
    let mut found: Vec<Found> = Vec::new();
    let of_another =
        |name: &str| name.strip_suffix("_flag").is_some_and(|field| series(field).is_some());
    for (name, text) in line.fields.iter().filter(|(name, _)| !of_another(name)) {
        let Some((quantity, label)) = series(name) else { continue };
        let number = text.trim_end_matches(['i', 'u']).parse::<f64>().ok();
        let value = number
            .filter(|n| n.is_finite())
            .ok_or_else(|| format!("{name} {text:?}; expected a finite number"))?;
        let said = flag(name).map(|flag| (flag, Reasons::default()));
        found.push((Value { quantity, label, value }, said));
    }
    match found.is_empty() {
        true => Err("no field is a quantity".to_owned()),
        false => Ok((device, at, TimeSource::Device, found)),
    }
}

/// The series of a field such as `pm2_5` or `pm2_5__ch_a__cf1`.
fn series(field: &str) -> Option<(Quantity, Label)> {
    let name = field.split("__").next().unwrap_or_default();
    let quantity = Quantity::from_name(name)?;
    Some((quantity, Label::of_suffix(field.get(name.len()..)?)?))
}

/// A time since 1970 in seconds, milliseconds, micro- or nanoseconds: which of
/// them its size tells, from 1973 to 5138.
fn time(text: &str) -> Option<Stamp> {
    let number: i64 = text.parse().ok()?;
    Some(Stamp(match number.unsigned_abs() {
        0..100_000_000_000 => number.checked_mul(1_000)?,
        100_000_000_000..100_000_000_000_000 => number,
        100_000_000_000_000..100_000_000_000_000_000 => number / 1_000,
        _ => number / 1_000_000,
    }))
}
