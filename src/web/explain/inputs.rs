//! What a change rests on beside the hours of its zone, for people: forecasts, values
//! computed from hours, levels of other ladders, single stations, zones, readings.

use super::html::{number, table};
use super::words;
use crate::air::place::Language;
use crate::air::{Foretold, Names, Quantity, Stamp};
use crate::rules::Input;
use crate::rules::condition::{aggregate_in_words, name_of};
use jiff::tz::TimeZone;

/// Hours of the longest local day.
const DAY_MAX_MS: i64 = 25 * 3_600_000;

/// The inputs of a change, and for whom they are shown.
pub(super) struct Inputs {
    all: Vec<Input>,
    quantity: Option<Quantity>,
    language: Language,
    zone: TimeZone,
}

impl Inputs {
    /// Those that a change's data have; what cannot be read is left out.
    pub fn of(data: &serde_json::Value, language: Language, zone: TimeZone) -> Inputs {
        let text = |key: &str| data.get(key)?.as_str();
        let read = |v: &serde_json::Value| serde_json::from_value(v.clone()).ok();
        let listed = data.get("inputs").and_then(|v| v.as_array()).into_iter().flatten();
        let quantity = text("quantity").and_then(Quantity::from_name);
        Inputs { all: listed.filter_map(read).collect(), quantity, language, zone }
    }

    /// Whether a value is that of a forecast, and of nothing measured.
    pub fn foretell(&self, value: f64) -> bool {
        let of = |input: &Input| match input {
            Input::Hour { mean, .. } => mean.map(|mean| (mean, false)),
            Input::Reading { value, .. }
            | Input::Aggregate { value, .. }
            | Input::Station { value, .. } => Some((*value, false)),
            Input::Forecast { value, .. } => Some((*value, true)),
            Input::Level { .. } | Input::Zones { .. } => None,
        };
        let same: Vec<bool> =
            self.all.iter().filter_map(of).filter(|(v, _)| *v == value).map(|(_, f)| f).collect();
        !same.is_empty() && same.iter().all(|foretold| *foretold)
    }

    /// Whether anything of it was measured.
    pub fn measured(&self) -> bool {
        let other = |i: &Input| {
            matches!(i, Input::Forecast { .. } | Input::Level { .. } | Input::Zones { .. })
        };
        !self.all.iter().all(other)
    }

    /// A line for each that is no hour of the zone; empty if there is none.
    pub fn table(&self) -> String {
        let rows: Vec<Vec<String>> = self.all.iter().filter_map(|i| self.row(i)).collect();
        match rows.is_empty() {
            true => String::new(),
            false => table(&words::inputs(self.language), &rows),
        }
    }

    /// What it is, its value, its time, and where it is from.
    fn row(&self, input: &Input) -> Option<Vec<String>> {
        let say = |names: Names| names.text(self.language).to_owned();
        let colon = if self.language == Language::Zh { "：" } else { ": " };
        let about = |kind: Names, id: &str| format!("{}{colon}{id}", kind.text(self.language));
        let row = match input {
            Input::Hour { .. } => return None,
            Input::Reading { at, value, device } => {
                [say(words::reading()), self.value(*value), at.local(&self.zone), device.clone()]
            }
            Input::Forecast { issuer, issued_at, of, from, until, value, cause } => {
                let mut what = about(words::forecast(), name_of(*of));
                if let Some(cause) = cause {
                    what += &format!(" ({})", say(words::cause(cause.name())));
                }
                let issued = say(words::issued(&issued_at.local(&self.zone)));
                let value = format!("{} {}", number(*value), unit(*of)).trim_end().to_owned();
                [what, value, self.period(*from, *until), format!("{issuer}, {issued}")]
            }
            Input::Level { ladder, level, since } => {
                let since = say(words::since(&since.local(&self.zone)));
                [about(words::level_of(), ladder), say(words::level(level)), since, String::new()]
            }
            Input::Zones { coupling, zones, at_least } => {
                let needed = say(words::at_least(*at_least));
                [about(words::zones(), coupling), zones.join(", "), String::new(), needed]
            }
            Input::Aggregate { aggregate, value, from, until } => {
                let (name, unit) = aggregate_in_words(aggregate, self.quantity);
                let value = format!("{} {unit}", number(*value)).trim_end().to_owned();
                [say(name), value, self.period(*from, *until), String::new()]
            }
            Input::Station { station, value, from, until } => {
                let what = about(words::station(), station);
                [what, self.value(*value), self.period(*from, *until), String::new()]
            }
        };
        Some(row.to_vec())
    }

    fn value(&self, value: f64) -> String {
        let unit = self.quantity.map_or("", Quantity::unit_text);
        format!("{} {unit}", number(value)).trim_end().to_owned()
    }

    /// A local day by its date, any other time by its ends.
    fn period(&self, from: Stamp, until: Stamp) -> String {
        let (begin, end) = (from.local(&self.zone), until.local(&self.zone));
        match (begin.strip_suffix(" 00:00"), end.strip_suffix(" 00:00")) {
            (Some(date), Some(_)) if until.since(from) <= DAY_MAX_MS => date.to_owned(),
            _ => format!("{begin} – {end}"),
        }
    }
}

fn unit(of: Foretold) -> &'static str {
    match of {
        Foretold::Quantity(quantity) => quantity.unit_text(),
        Foretold::Index(_) => "",
    }
}
