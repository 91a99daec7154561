//! What a change rests on, in the form in which it is kept and told.

use super::zone::ZoneHour;
use crate::air::{Cause, Foretold, Hour, IndexKind, Names, Stamp};
use std::collections::BTreeMap;

/// One thing a change rests on. In JSON an object whose keys tell which, such as
/// `{"hour","mean","stations"}` or `{"at","value","device"}`; other encodings
/// cannot tell them apart.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Input {
    /// An hour of a zone.
    Hour {
        /// Which hour, named by its start.
        #[serde(with = "as_text")]
        #[schema(value_type = Stamp)]
        hour: Hour,
        /// Its mean in the quantity's unit; `None` if no station had one.
        mean: Option<f64>,
        /// How many stations it rests on.
        stations: u32,
        /// How many stations the zone has; said of where a ladder stands.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected: Option<u32>,
        /// Whether enough of them counted; said of where a ladder stands.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid: Option<bool>,
    },
    /// A reading of a station.
    Reading {
        /// Its time.
        #[serde(with = "as_text")]
        at: Stamp,
        /// Its value in the quantity's unit.
        value: f64,
        /// The device that made it.
        device: String,
    },
    /// A forecast.
    Forecast {
        /// Who issued it.
        issuer: String,
        /// When.
        #[serde(with = "as_text")]
        issued_at: Stamp,
        /// Of which quantity or index.
        #[schema(value_type = String)]
        of: Foretold,
        /// First instant of its period.
        #[serde(with = "as_text")]
        from: Stamp,
        /// First instant after its period.
        #[serde(with = "as_text")]
        until: Stamp,
        /// The mean in the quantity's unit, or the index.
        value: f64,
        /// What its issuer says brings it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
    },
    /// A level at which another ladder of the zone stood.
    Level {
        /// The ladder's id.
        ladder: String,
        /// The level's name.
        level: String,
        /// Since when it stood there.
        #[serde(with = "as_text")]
        since: Stamp,
    },
    /// Zones that decide together and meet the level.
    Zones {
        /// The coupling's id.
        coupling: String,
        /// Ids of those that meet it.
        zones: Vec<String>,
        /// How many are needed.
        at_least: u32,
    },
    /// A value computed from hours of the zone.
    Aggregate {
        /// What was computed, such as `mean` or `aqi_cn`.
        aggregate: String,
        /// Its value, in the quantity's unit or as an index.
        value: f64,
        /// First instant of its hours.
        #[serde(with = "as_text")]
        from: Stamp,
        /// First instant after them.
        #[serde(with = "as_text")]
        until: Stamp,
    },
    /// The mean of a single station of the zone over several hours.
    Station {
        /// The station's id.
        station: String,
        /// Its mean in the quantity's unit.
        value: f64,
        /// First instant of its hours.
        #[serde(with = "as_text")]
        from: Stamp,
        /// First instant after them.
        #[serde(with = "as_text")]
        until: Stamp,
    },
}

impl Input {
    /// An hour of a zone, as a change rests on it.
    pub fn of_hour(hour: &ZoneHour) -> Input {
        let (mean, stations) = (hour.mean(), hour.stations);
        Input::Hour { hour: hour.hour, mean, stations, expected: None, valid: None }
    }
}

/// A time with a beginning and an end.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
pub struct Period {
    /// First instant.
    #[serde(with = "as_text")]
    pub from: Stamp,
    /// First instant after it.
    #[serde(with = "as_text")]
    pub until: Stamp,
}

/// What a change of a condition says beyond that of a ladder.
#[derive(
    Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
pub struct Particulars {
    /// What the level is called: the one reached, or the one left for `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Names>,
    /// For which time the decision is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force: Option<Period>,
    /// The index that `value` is of; without it, it is of the quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<IndexKind>,
    /// What the issuers of the forecasts say brings it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// What the rules say of this level or cause, such as that it calls for a
    /// health notice only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<Names>,
    /// Titles of the seasons in force, by their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seasons: BTreeMap<String, Names>,
}

/// Instants and hours as RFC 3339 text.
pub(super) mod as_text {
    use crate::air::{Hour, Stamp};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::rules) trait Instant: std::fmt::Display {
        fn of(stamp: Stamp) -> Option<Self>
        where
            Self: Sized;
    }

    impl Instant for Stamp {
        fn of(stamp: Stamp) -> Option<Stamp> {
            Some(stamp)
        }
    }

    impl Instant for Hour {
        fn of(stamp: Stamp) -> Option<Hour> {
            Some(stamp.hour()).filter(|hour| hour.start() == stamp)
        }
    }

    pub(in crate::rules) fn serialize<T: Instant, S: Serializer>(
        t: &T,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(t)
    }

    pub(in crate::rules) fn deserialize<'de, T: Instant, D: Deserializer<'de>>(
        from: D,
    ) -> Result<T, D::Error> {
        let text = String::deserialize(from)?;
        Stamp::parse(&text).and_then(T::of).ok_or_else(|| {
            D::Error::custom(format!("{text:?} is not an instant such as 2022-01-08T13:00:00Z"))
        })
    }
}
