//! What judging the past brought, for people and for machines.

use super::super::data::{JsonList, table};
use super::super::{Code, Failure};
use super::years;
use crate::air::place::Language;
use crate::backtest::{Choice, Outcome, Tally, Told};
use crate::deliver::text::text;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Write;

/// An outcome and how to show it.
pub(super) struct Report<'a> {
    outcome: &'a Outcome,
    choices: &'a [Choice],
    language: Language,
    /// The time zone asked for.
    time_zone: Option<TimeZone>,
    /// The time zones of the rulesets by what was asked for.
    own: HashMap<&'a str, &'a str>,
}

impl<'a> Report<'a> {
    pub fn new(
        choices: &'a [Choice],
        outcome: &'a Outcome,
        language: Language,
        time_zone: Option<TimeZone>,
    ) -> Report<'a> {
        let first =
            |c: &'a Choice| Some((c.asked.as_str(), c.versions.first()?.time_zone.as_str()));
        let own = choices.iter().filter_map(first).collect();
        Report { outcome, choices, language, time_zone, own }
    }

    fn zone_of(&self, asked: &str) -> TimeZone {
        let own = || TimeZone::get(self.own.get(asked)?).ok();
        self.time_zone.clone().or_else(own).unwrap_or(TimeZone::UTC)
    }

    /// `{"summary":[…],"years":[…],"changes":[…]}`.
    pub fn json(&self, out: &mut impl Write) -> Result<(), Failure> {
        let summary: Vec<Value> = self.outcome.tallies.iter().map(summary).collect();
        let years: Vec<Value> = self.outcome.years.iter().map(years::as_json).collect();
        let head =
            format!("\"summary\":{},\"years\":{},", Value::Array(summary), Value::Array(years));
        let mut list = JsonList::start(out, &head, "changes")?;
        for told in &self.outcome.changes {
            list.item(&self.change(told))?;
        }
        Ok(list.end()?)
    }

    /// A change as a webhook's `data`, with what it answers.
    fn change(&self, told: &Told) -> Value {
        let c = &told.change;
        let mut data = c.data(&told.name, self.zone_of(&told.asked).iana_name());
        let words = text("dustline.change.v1", &data, self.language);
        if let Value::Object(map) = &mut data {
            let criterion = c.criterion.text(self.language);
            let own = [
                ("requested", &*told.asked),
                ("id", &c.id),
                ("criterion", criterion),
                ("text", &words),
            ];
            map.extend(own.map(|(key, value)| (key.to_owned(), Value::from(value))));
        }
        data
    }

    /// The changes, flat.
    pub fn csv(&self, out: &mut impl Write) -> Result<(), Failure> {
        let mut csv = csv::Writer::from_writer(out);
        let columns = [
            "requested",
            "ruleset",
            "ladder",
            "zone",
            "from",
            "to",
            "at",
            "quantity",
            "unit",
            "value",
            "criterion",
            "id",
        ];
        csv.write_record(columns).map_err(broken)?;
        for told in &self.outcome.changes {
            let c = &told.change;
            let value = c.value.map_or_else(String::new, |v| v.to_string());
            let at = c.at.to_string();
            let row = [
                &told.asked,
                &c.ruleset,
                &c.ladder,
                c.scope.id(),
                &c.from,
                &c.to,
                &at,
                c.quantity.name(),
                c.unit(),
                &value,
                c.criterion.text(self.language),
                &c.id,
            ];
            csv.write_record(row).map_err(broken)?;
        }
        Ok(csv.flush()?)
    }

    /// For people.
    pub fn table(&self, out: &mut impl Write) -> Result<(), Failure> {
        for choice in self.choices {
            for version in &choice.versions {
                let title = version.title.text(self.language);
                writeln!(out, "{}  {title}: {}", version.reference(), version.source)?;
            }
        }
        writeln!(out)?;
        match self.outcome.changes.len() {
            0 => writeln!(out, "No criterion was met.")?,
            _ => self.changes(out)?,
        }
        writeln!(out)?;
        let titles =
            ["requested", "zone", "ladder", ">judged", ">too little data", "time at each level"];
        let rows: Vec<Vec<String>> = self.outcome.tallies.iter().map(tally).collect();
        if !rows.is_empty() {
            table(out, &titles, &rows)?;
        }
        if !self.outcome.years.is_empty() {
            writeln!(out, "\nYears by standards, in µg/m³:")?;
            years::in_words(&self.outcome.years, self.language, out)?;
        }
        writeln!(
            out,
            "\nHours and levels by these data and criteria; no official proclamation by an authority."
        )?;
        Ok(())
    }

    fn changes(&self, out: &mut impl Write) -> Result<(), Failure> {
        let titles = [
            "when",
            "time zone",
            "zone",
            "ladder",
            "change",
            ">value",
            "unit",
            "criterion",
            "ruleset",
        ];
        let row = |told: &Told| {
            let c = &told.change;
            let zone = self.zone_of(&told.asked);
            vec![
                c.at.local(&zone),
                zone.iana_name().unwrap_or("UTC").to_owned(),
                c.scope.id().to_owned(),
                c.ladder.clone(),
                format!("{} → {}", c.from, c.to),
                c.value.map_or_else(|| "-".to_owned(), |v| format!("{v:.2}")),
                c.unit_text().to_owned(),
                c.criterion.text(self.language).to_owned(),
                self.column(told),
            ]
        };
        let rows: Vec<Vec<String>> = self.outcome.changes.iter().map(row).collect();
        Ok(table(out, &titles, &rows)?)
    }

    /// The version, and beside it what it answers if that is not plain.
    fn column(&self, told: &Told) -> String {
        let plain = told.asked == told.change.ruleset || self.choices.len() == 1;
        match plain {
            true => told.change.ruleset.clone(),
            false => format!("{} ({})", told.change.ruleset, told.asked),
        }
    }
}

fn summary(t: &Tally) -> Value {
    let levels: serde_json::Map<String, Value> =
        t.levels.iter().map(|(level, hours)| (level.clone(), json!(hours))).collect();
    json!({
        "requested": t.asked,
        "ladder": t.ladder,
        "zone": t.zone,
        "hours": t.hours(),
        "judged": t.judged,
        "invalid": t.invalid,
        "out_of_force": t.out_of_force,
        "hours_at_level": levels,
    })
}

fn tally(t: &Tally) -> Vec<String> {
    let mut levels: Vec<String> =
        t.levels.iter().map(|(level, hours)| format!("{level} {hours} h")).collect();
    if t.out_of_force > 0 {
        levels.push(format!("no version in force {} h", t.out_of_force));
    }
    vec![
        t.asked.clone(),
        t.zone.clone(),
        t.ladder.clone(),
        format!("{} h", t.judged),
        format!("{} h", t.invalid),
        levels.join(", "),
    ]
}

/// A failure to write CSV.
pub(super) fn broken(e: csv::Error) -> Failure {
    match e.into_kind() {
        csv::ErrorKind::Io(e) => e.into(),
        other => Failure::new(Code::Failed, format!("cannot write a row: {other:?}")),
    }
}
