//! What a decoder found, in lines for people and for the cases of presets.

use super::{Decoded, Refused};
use crate::air::Value;

/// One line for each observation, `device@time: quantity=value …`, then what was
/// left out, `left out PATH` or `left out the whole`; or `ignored: policy`, `malformed: reason`. Numbers
/// have at most four decimals; a series is written as in a field's name.
pub fn lines(result: &Result<Decoded, Refused>) -> Vec<String> {
    let decoded = match result {
        Ok(decoded) => decoded,
        Err(Refused::Ignored(policy)) => return vec![format!("ignored: {policy}")],
        Err(Refused::Malformed { reason, .. }) => return vec![format!("malformed: {reason}")],
    };
    let mut lines: Vec<String> = Vec::new();
    for o in &decoded.observations {
        let at = o.at.map_or(String::new(), |at| format!("@{at}"));
        let values: Vec<String> = o.values.iter().map(value).collect();
        lines.push(format!("{}{at}: {}", o.device, values.join(" ")));
    }
    lines.extend(decoded.device.iter().map(|d| format!("{d}: nothing")));
    lines.extend(decoded.skipped.iter().map(|s| match s.path.as_str() {
        "" => "left out the whole".to_owned(),
        path => format!("left out {path}"),
    }));
    lines
}

fn value(v: &Value) -> String {
    let rounded = (v.value * 1e4).round() / 1e4;
    format!("{}{}={rounded}", v.quantity, v.label.suffix())
}
