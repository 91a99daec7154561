//! Instants as RFC 3339 text in UTC, as [`Stamp`] writes them.

use crate::air::Stamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn serialize<S: Serializer>(stamp: &Stamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(stamp)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Stamp, D::Error> {
    let text = String::deserialize(from)?;
    parse(&text).map_err(D::Error::custom)
}

fn parse(text: &str) -> Result<Stamp, String> {
    let stamp = Stamp::parse(text);
    stamp.ok_or_else(|| format!("{text:?} is not an instant such as 2022-01-08T13:00:00Z"))
}

/// The same where there may be none.
pub(super) mod maybe {
    use super::{Deserialize, Deserializer, Error, Serializer, Stamp};
    use serde::Serialize;

    pub fn serialize<S: Serializer>(stamp: &Option<Stamp>, to: S) -> Result<S::Ok, S::Error> {
        stamp.map(|s| s.to_string()).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Stamp>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| super::parse(&text).map_err(D::Error::custom)).transpose()
    }
}
