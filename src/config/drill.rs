//! `[[hotline.drill]]`: exercises that open by themselves.

use super::fault::did_you_mean;
use super::reader::{Item, Table};
use super::values::Unique;
use crate::hotline::{Drill, DrillDay, Plan};
use jiff::civil::{Time, Weekday};
use toml::de::DeValue;

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// Reads the drills of a hotline whose groups the plan knows.
pub(super) fn read(hotline: &mut Table<'_>, plan: &Plan) -> Vec<Drill> {
    let mut ids = Unique::default();
    let mut drills = Vec::new();
    for mut table in hotline.tables("drill") {
        drills.extend(one(&mut table, &mut ids, plan));
        table.finish();
    }
    drills
}

fn one(table: &mut Table<'_>, ids: &mut Unique, plan: &Plan) -> Option<Drill> {
    let id = table.own_name("id", ids);
    let day = table.need("day", "a day of the month such as 15, or of the week such as \"mon\"");
    let day = day.and_then(|item| day_of(&item));
    let months = table.get("months").map(|item| months(&item)).unwrap_or_default();
    let at = table.need("at", "a time of the day such as \"10:00\"");
    let at = at.and_then(|item| time_of(&item));
    let time_zone = table.need("time_zone", "a time zone such as \"Asia/Seoul\"");
    let time_zone = time_zone.and_then(|item| item.time_zone());
    let group = group(table, plan);
    let text = table.need("text", "what it is, in words");
    let text = text.and_then(|item| item.filled_text().map(str::to_owned))?;
    let (day, at, time_zone, group) = (day?, at?, time_zone?, group?);
    Some(Drill { id, group, day, months, at, time_zone, text })
}

fn day_of(item: &Item<'_>) -> Option<DrillDay> {
    match item.value {
        DeValue::String(_) => item.choice(&WEEKDAYS).map(DrillDay::OfWeek),
        _ => {
            let day = item.whole(1..=31)?;
            i8::try_from(day).ok().map(DrillDay::OfMonth)
        }
    }
}

fn months(item: &Item<'_>) -> Vec<i8> {
    let months = item.list("months from 1 to 12");
    months.iter().filter_map(|m| i8::try_from(m.whole(1..=12)?).ok()).collect()
}

fn time_of(item: &Item<'_>) -> Option<Time> {
    let time = Time::strptime("%H:%M", item.text()?).ok();
    if time.is_none() {
        item.wrong("a time of the day such as \"10:00\"");
    }
    time
}

/// The group that it is about; the only one need not be named.
fn group(table: &mut Table<'_>, plan: &Plan) -> Option<String> {
    let known = plan.group_ids();
    let all = || format!("known: {}", known.join(", "));
    match (table.get("group"), known.as_slice()) {
        (Some(item), _) => {
            let id = item.text()?;
            if !known.contains(&id) {
                let hint = did_you_mean(id, known.iter().copied()).unwrap_or_else(all);
                item.fault(format!("there is no group of zones {id:?}"), Some(hint));
            }
            Some(id.to_owned())
        }
        (None, [only]) => Some((*only).to_owned()),
        (None, _) => {
            table.fault("there are several groups: name one".to_owned(), Some(all()));
            None
        }
    }
}
