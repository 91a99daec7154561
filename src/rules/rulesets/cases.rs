//! Judging the cases of a ruleset file.

use super::file::{File, RawCase};
use super::{Case, Fault};
use crate::air::{Hour, Stamp};
use crate::rules::data::Ruleset;
use crate::rules::hours::micro;
use crate::rules::ladder::{LadderRules, LadderState};
use crate::rules::zone::ZoneHour;
use toml::Spanned;

/// Refuses a file one of whose cases comes out differently.
pub(super) fn check(file: &File, rulesets: &[Ruleset]) -> Result<(), Fault> {
    file.cases.iter().try_for_each(|case| check_one(file, rulesets, case))
}

/// Every case and how it came out.
pub(super) fn outcomes(file: &File, rulesets: &[Ruleset]) -> Vec<Case> {
    let outcome = |case: &Spanned<RawCase>| {
        let ladder = case.get_ref().ladder.get_ref();
        Case {
            ruleset: owner(rulesets, ladder).unwrap_or_default().to_owned(),
            ladder: ladder.clone(),
            name: case.get_ref().name.clone(),
            fault: check_one(file, rulesets, case).err().map(|fault| fault.what),
        }
    };
    file.cases.iter().map(outcome).collect()
}

/// The id of the ruleset that has a ladder.
fn owner<'a>(rulesets: &'a [Ruleset], ladder: &str) -> Option<&'a str> {
    let ruleset = rulesets.iter().find(|r| r.ladders.iter().any(|l| l.id == ladder))?;
    Some(&ruleset.id)
}

fn check_one(file: &File, rulesets: &[Ruleset], case: &Spanned<RawCase>) -> Result<(), Fault> {
    let (span, case) = (case.span(), case.get_ref());
    let ladder = case.ladder.get_ref();
    let id = owner(rulesets, ladder);
    let Some((id, zone)) = id.and_then(|id| Some((id, file.time_zone(id)?))) else {
        let what = format!("no ladder {ladder:?} in this file");
        return Err(Fault::new(case.ladder.span(), what, "name one of its ladders"));
    };
    let Some(first) = local_hour(case.from.get_ref(), &zone) else {
        let what = format!("{:?} is not a local hour", case.from.get_ref());
        return Err(Fault::new(case.from.span(), what, "write it as \"2022-01-08T21:00\""));
    };
    let versions: Vec<Ruleset> = rulesets.iter().filter(|r| r.id == id).cloned().collect();
    let found = judge(&LadderRules::new(&versions, ladder, 0), first, &case.means, &zone);
    let wanted: Vec<String> =
        case.changes.iter().map(|c| described(&c.at, &c.from, &c.to)).collect();
    if found != wanted {
        let list = |all: &[String]| match all.is_empty() {
            true => "no change".to_owned(),
            false => all.join(", "),
        };
        let what = format!(
            "the case {:?} gives {} where it says {}",
            case.name,
            list(&found),
            list(&wanted)
        );
        return Err(Fault::new(span, what, "correct the figures of the ruleset or the case"));
    }
    Ok(())
}

fn judge(
    rules: &LadderRules,
    first: Hour,
    means: &[f64],
    zone: &jiff::tz::TimeZone,
) -> Vec<String> {
    let mut state = LadderState::new();
    let mut hour = first;
    let mut found = Vec::new();
    for mean in means {
        let judged = if mean.is_finite() {
            ZoneHour::from_means(hour, [micro(*mean)], 1, 1.0)
        } else {
            ZoneHour::missing(hour, 1)
        };
        if let Some(step) = state.close(rules, judged) {
            found.push(described(&step.at.local(zone).replace(' ', "T"), &step.from, &step.to));
        }
        hour = hour.next();
    }
    found
}

fn described(at: &str, from: &str, to: &str) -> String {
    format!("{from} to {to} at {at}")
}

fn local_hour(text: &str, zone: &jiff::tz::TimeZone) -> Option<Hour> {
    let time = text.parse::<jiff::civil::DateTime>().ok()?;
    let stamp = Stamp(time.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond());
    Some(stamp.hour()).filter(|hour| hour.start() == stamp)
}
