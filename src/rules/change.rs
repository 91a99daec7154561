//! A change: one step of one ladder or threshold at one place, with why, in the
//! form in which it is kept and told.

use super::condition::ConditionStep;
use super::criterion;
use super::data::{NONE, Threshold};
use super::input::{Input, Particulars, as_text};
use super::ladder::Step;
use super::threshold::{EMERGENCY, ThresholdStep};
use crate::air::{IndexKind, Names, Quantity, Stamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What a change is about.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// A zone, by its id.
    Zone(String),
    /// A station, by its id.
    Station(String),
}

impl Scope {
    /// `zone` or `station`.
    pub fn kind(&self) -> &'static str {
        match self {
            Scope::Zone(_) => "zone",
            Scope::Station(_) => "station",
        }
    }

    /// The id of the zone or station.
    pub fn id(&self) -> &str {
        match self {
            Scope::Zone(id) | Scope::Station(id) => id,
        }
    }
}

/// A ladder, condition or threshold moved from one level to another, and why. In JSON,
/// instants are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Change {
    /// 26 characters, sorting by `at`; the same decision always has the same.
    pub id: String,
    /// The id of the ladder, condition or threshold.
    pub ladder: String,
    /// The version of the rules, such as `kr-air-alert@2018-07-01`; `threshold`
    /// for the operator's own.
    pub ruleset: String,
    /// Where.
    pub scope: Scope,
    /// The level before.
    pub from: String,
    /// The level after.
    pub to: String,
    /// When the criterion was met.
    #[serde(with = "as_text")]
    pub at: Stamp,
    /// When it was found to be met, by our clock.
    #[serde(with = "as_text")]
    pub decided_at: Stamp,
    /// The quantity judged.
    pub quantity: Quantity,
    /// The value that met the criterion, in the quantity's unit; `None` if there is
    /// none, as for a season.
    pub value: Option<f64>,
    /// What it rests on.
    pub inputs: Vec<Input>,
    /// The criterion in words.
    pub criterion: Names,
    /// Whether it concerns hours before the last one judged.
    pub late: bool,
    /// What a condition says beyond that.
    #[serde(flatten)]
    pub particulars: Particulars,
}

/// The `data` of a change: what receivers and the API are told of it.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct ChangeData<'a> {
    /// The id of the ladder, condition or threshold.
    ladder: &'a str,
    /// The version of the rules, such as `kr-air-alert@2018-07-01`; `threshold`
    /// for the operator's own.
    ruleset: &'a str,
    /// Where.
    scope: NamedScope<'a>,
    /// The level before.
    from: &'a str,
    /// The level after.
    to: &'a str,
    /// When the criterion was met.
    #[serde(with = "as_text")]
    at: Stamp,
    /// When it was found to be met, by our clock.
    #[serde(with = "as_text")]
    decided_at: Stamp,
    /// The quantity judged.
    quantity: Quantity,
    /// The unit of the value; `1` if that is of an index.
    unit: &'static str,
    /// The value that met the criterion; null if there is none, as for a season.
    value: Option<f64>,
    /// What it rests on.
    inputs: &'a [Input],
    /// The criterion in words.
    criterion: &'a Names,
    /// Whether it concerns hours before the last one judged.
    late: bool,
    /// The zone in which the people of the place tell time.
    time_zone: Option<&'a str>,
    /// Whether it is an exercise: a change never is.
    exercise: bool,
    /// What only a condition says stands beside the rest.
    #[serde(flatten)]
    particulars: &'a Particulars,
}

/// Where, with its name.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct NamedScope<'a> {
    /// The zone's id, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<&'a str>,
    /// The station's id, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    station: Option<&'a str>,
    /// Its name by language.
    name: &'a Names,
}

impl Change {
    /// The unit of its value for machines: `1` if that is of an index.
    pub fn unit(&self) -> &'static str {
        self.particulars.index.map_or(self.quantity.unit(), |_| "1")
    }

    /// The unit of its value for people, or which index it is.
    pub fn unit_text(&self) -> &'static str {
        match self.particulars.index {
            Some(IndexKind::AqiCn | IndexKind::AqiUs) => "AQI",
            Some(IndexKind::Cai) => "CAI",
            None => self.quantity.unit_text(),
        }
    }

    /// A webhook's `data`, without what depends on the receiver: in every language,
    /// and without `text` and `url`. `name` is that of the place.
    pub fn data(&self, name: &Names, time_zone: Option<&str>) -> Value {
        let (zone, station) = match &self.scope {
            Scope::Zone(id) => (Some(id.as_str()), None),
            Scope::Station(id) => (None, Some(id.as_str())),
        };
        json!(ChangeData {
            ladder: &self.ladder,
            ruleset: &self.ruleset,
            scope: NamedScope { zone, station, name },
            from: &self.from,
            to: &self.to,
            at: self.at,
            decided_at: self.decided_at,
            quantity: self.quantity,
            unit: self.unit(),
            value: self.value,
            inputs: &self.inputs,
            criterion: &self.criterion,
            late: self.late,
            time_zone,
            exercise: false,
            particulars: &self.particulars,
        })
    }

    /// The change that a ladder's step is at a place.
    pub fn of_ladder(step: &Step, scope: Scope, decided_at: Stamp) -> Change {
        Change {
            id: identity(&step.ladder, &scope, (&step.from, &step.to), step.at, step.repeat),
            ladder: step.ladder.clone(),
            ruleset: step.ruleset.clone(),
            from: step.from.clone(),
            to: step.to.clone(),
            at: step.at,
            decided_at,
            quantity: step.quantity,
            value: Some(step.value),
            inputs: step.inputs.iter().map(Input::of_hour).collect(),
            criterion: step.criterion.clone(),
            late: step.late,
            particulars: Particulars::default(),
            scope,
        }
    }

    /// The change that a condition's step is at a place.
    pub fn of_condition(step: ConditionStep, scope: Scope, decided_at: Stamp) -> Change {
        Change {
            id: identity(&step.condition, &scope, (&step.from, &step.to), step.at, step.repeat),
            ladder: step.condition,
            ruleset: step.ruleset,
            from: step.from,
            to: step.to,
            at: step.at,
            decided_at,
            quantity: step.quantity,
            value: step.value,
            inputs: step.inputs,
            criterion: step.criterion,
            late: step.late,
            particulars: step.particulars,
            scope,
        }
    }

    /// The change that a threshold's step is at a station. `device` names the
    /// devices of the step's inputs.
    pub fn of_threshold(
        rule: &Threshold,
        step: &ThresholdStep,
        station: &str,
        device: impl Fn(u32) -> String,
        decided_at: Stamp,
    ) -> Change {
        let scope = Scope::Station(station.to_owned());
        let (from, to) = if step.raised { (NONE, EMERGENCY) } else { (EMERGENCY, NONE) };
        let inputs = step.inputs.iter().map(|(at, d, value)| Input::Reading {
            at: *at,
            value: *value,
            device: device(*d),
        });
        Change {
            id: identity(&rule.id, &scope, (from, to), step.at, step.repeat),
            ladder: rule.id.clone(),
            ruleset: "threshold".to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            at: step.at,
            decided_at,
            quantity: rule.quantity,
            value: Some(step.value),
            inputs: inputs.collect(),
            criterion: if step.raised {
                criterion::threshold_raised(rule)
            } else {
                criterion::threshold_lifted(rule)
            },
            late: false,
            particulars: Particulars::default(),
            scope,
        }
    }
}

fn identity(ladder: &str, scope: &Scope, move_: (&str, &str), at: Stamp, repeat: u32) -> String {
    let repeat = repeat.to_string();
    stable_id(at, &[ladder, scope.kind(), scope.id(), move_.0, move_.1, &repeat])
}

/// An identity in the form of a ULID, the same for the same thing whatever
/// restarts lie between: 48 bits of `at` in milliseconds, 80 bits of the SHA-256
/// of it and of the fields, in Crockford's base 32.
pub fn stable_id(at: Stamp, fields: &[&str]) -> String {
    let mut hash = Sha256::new();
    for field in fields {
        // With its length before it, no field can run into the next.
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    hash.update(at.0.to_be_bytes());
    let digest = hash.finalize();
    let random = digest.iter().take(10).fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
    let millis = u128::from(at.0.max(0).unsigned_abs()) & ((1 << 48) - 1);
    crockford(millis << 80 | random)
}

fn crockford(bits: u128) -> String {
    const ALPHABET: [char; 32] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H',
        'J', 'K', 'M', 'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Y', 'Z',
    ];
    (0..26).rev().map(|i| ALPHABET[(bits >> (5 * i)) as usize & 31]).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{LadderRules, LadderState, ThresholdState, ZoneHour, builtin, micro};
    use super::*;
    use crate::air::Flag;

    fn step() -> Step {
        let rulesets = builtin().unwrap();
        let rules = LadderRules::new(&rulesets["kr-air-alert"], "kr-pm25", 72);
        let mut state = LadderState::new();
        let first = Stamp::parse("2022-01-08T11:00:00Z").unwrap().hour();
        let hour = |hour, mean| ZoneHour::from_means(hour, [micro(mean); 25], 25, 0.5);
        assert_eq!(state.close(&rules, hour(first, 79.2)), None);
        state.close(&rules, hour(first.next(), 81.84)).unwrap()
    }

    fn seoul() -> Scope {
        Scope::Zone("seoul".into())
    }

    #[test]
    fn a_change_is_written_as_promised_and_read_back() {
        let decided = Stamp::parse("2022-01-08T13:00:03Z").unwrap();
        let change = Change::of_ladder(&step(), seoul(), decided);
        let json = serde_json::to_value(&change).unwrap();
        let expected = serde_json::json!({
            "id": change.id,
            "ladder": "kr-pm25", "ruleset": "kr-air-alert@2018-07-01",
            "scope": { "zone": "seoul" },
            "from": "none", "to": "advisory",
            "at": "2022-01-08T13:00:00Z", "decided_at": "2022-01-08T13:00:03Z",
            "quantity": "pm2_5", "value": 81.84,
            "inputs": [
                { "hour": "2022-01-08T11:00:00Z", "mean": 79.2, "stations": 25 },
                { "hour": "2022-01-08T12:00:00Z", "mean": 81.84, "stations": 25 },
            ],
            "criterion": {
                "ko": "권역 시간평균 75 µg/m³ 이상 2시간 지속",
                "zh": "区域小时均值 ≥ 75 µg/m³，持续 2 小时",
                "en": "hourly zone mean ≥ 75 µg/m³ for 2 hours",
            },
            "late": false,
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Change>(json).unwrap(), change);
    }

    #[test]
    fn the_same_decision_has_the_same_identity_and_another_has_another() {
        let step = step();
        let id = |step: &Step, scope| Change::of_ladder(step, scope, Stamp(0)).id;
        let one = id(&step, seoul());
        assert_eq!(one, Change::of_ladder(&step, seoul(), Stamp(99)).id);
        let others = [
            id(&Step { at: Stamp(step.at.0 + 1), ..step.clone() }, seoul()),
            id(&Step { to: "warning".into(), ..step.clone() }, seoul()),
            id(&Step { from: "warning".into(), ..step.clone() }, seoul()),
            id(&Step { ladder: "kr-pm10".into(), ..step.clone() }, seoul()),
            id(&Step { repeat: 1, ..step.clone() }, seoul()),
            id(&step, Scope::Zone("busan".into())),
            id(&step, Scope::Station("seoul".into())),
        ];
        assert!(others.iter().all(|other| *other != one), "{one} {others:?}");
    }

    #[test]
    fn an_identity_is_a_ulid_that_sorts_by_time() {
        // The time part of a ULID of 1469918176385 ms is 01ARYZ6S41, by its specification.
        let id = |ms| identity("l", &seoul(), ("a", "b"), Stamp(ms), 0);
        assert!(id(1_469_918_176_385).starts_with("01ARYZ6S41"));
        assert!(id(1_469_918_176_385) < id(1_469_918_176_386));
        assert!(id(i64::MIN).starts_with("0000000000"));
        assert_eq!(id(i64::MAX).len(), 26);
    }

    #[test]
    fn a_threshold_change_names_its_readings() {
        let rule = Threshold {
            id: "emergency-pm25".into(),
            quantity: Quantity::Pm2_5,
            at_least: 150.0,
            readings: 1,
            of: 1,
            lift_below: 75.0,
        };
        let at = Stamp::parse("2022-01-08T13:00:00.5Z").unwrap();
        let mut state = ThresholdState::new();
        let step = state.reading(&rule, at, 4, micro(151.5), Flag::Pass).unwrap();
        let change = Change::of_threshold(&rule, &step, "jongno", |d| format!("s{d}"), at);
        let json = serde_json::to_value(&change).unwrap();
        assert_eq!(json["scope"], serde_json::json!({ "station": "jongno" }));
        assert_eq!((&json["from"], &json["to"]), (&"none".into(), &"emergency".into()));
        assert_eq!(json["ruleset"], "threshold");
        assert_eq!(
            json["inputs"],
            serde_json::json!([{ "at": "2022-01-08T13:00:00.5Z", "value": 151.5, "device": "s4" }])
        );
        assert_eq!(serde_json::from_value::<Change>(json).unwrap(), change);
    }
}
