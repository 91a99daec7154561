//! What somebody expects the air to be.

use super::{Quantity, Stamp};
use std::fmt;

/// An index that forecasts are issued in.
#[derive(
    Debug,
    Clone,
    Copy,
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
pub enum IndexKind {
    /// China's AQI (HJ 633), by the edition in force on the day.
    AqiCn,
    /// Korea's comprehensive air-quality index.
    Cai,
    /// The AQI of the US EPA.
    AqiUs,
}

impl IndexKind {
    /// Every index.
    pub const ALL: [IndexKind; 3] = [IndexKind::AqiCn, IndexKind::Cai, IndexKind::AqiUs];

    /// The name used in configuration, API and files.
    pub fn name(self) -> &'static str {
        match self {
            IndexKind::AqiCn => "aqi_cn",
            IndexKind::Cai => "cai",
            IndexKind::AqiUs => "aqi_us",
        }
    }
}

/// What a forecast is of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Foretold {
    /// The mean of a quantity, in its unit.
    Quantity(Quantity),
    /// The value of an index.
    Index(IndexKind),
}

impl Foretold {
    /// The name of the quantity or index.
    pub fn name(self) -> &'static str {
        match self {
            Foretold::Quantity(quantity) => quantity.name(),
            Foretold::Index(index) => index.name(),
        }
    }

    /// What has a name, as in [`Foretold::name`].
    pub fn from_name(name: &str) -> Option<Foretold> {
        let index = || IndexKind::ALL.into_iter().find(|i| i.name() == name);
        Quantity::from_name(name).map(Foretold::Quantity).or_else(|| index().map(Foretold::Index))
    }
}

impl From<Foretold> for &'static str {
    fn from(of: Foretold) -> &'static str {
        of.name()
    }
}

impl TryFrom<String> for Foretold {
    type Error = String;

    fn try_from(name: String) -> Result<Foretold, String> {
        Foretold::from_name(&name).ok_or_else(|| format!("{name:?} is no quantity and no index"))
    }
}

impl fmt::Display for Foretold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is said to bring the dust. Where rules tell causes apart, only what an
/// issuer has said counts; none is guessed from the readings.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Mineral dust from deserts (황사, 沙尘).
    Dust,
    /// Smoke of wildfires.
    Wildfire,
}

impl Cause {
    /// The name used in the API and in files.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Dust => "dust",
            Cause::Wildfire => "wildfire",
        }
    }

    /// The cause of a name, as in [`Cause::name`].
    pub fn from_name(name: &str) -> Option<Cause> {
        [Cause::Dust, Cause::Wildfire].into_iter().find(|c| c.name() == name)
    }
}

/// One value that an issuer expects for a zone over a period.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Forecast {
    /// Who issued it; [`OWN`] is the daemon's own simple one.
    pub issuer: String,
    /// When it was issued. Of two for the same period the one issued later counts.
    pub issued_at: Stamp,
    /// The zone's id.
    pub zone: String,
    /// Of what.
    pub of: Foretold,
    /// First instant of the period: local midnight for a day.
    pub from: Stamp,
    /// First instant after the period.
    pub until: Stamp,
    /// The mean over the period in the quantity's unit, or the index.
    pub value: f64,
    /// What brings it, if the issuer has said.
    pub cause: Option<Cause>,
}

/// The issuer of the forecasts that the daemon makes itself.
pub const OWN: &str = "dustline";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_forecast_is_of_is_found_by_its_name() {
        let quantities = Quantity::ALL.into_iter().map(Foretold::Quantity);
        for of in quantities.chain(IndexKind::ALL.into_iter().map(Foretold::Index)) {
            assert_eq!(Foretold::from_name(of.name()), Some(of));
            let json = serde_json::to_value(of).unwrap();
            assert_eq!(json, of.name());
            assert_eq!(serde_json::from_value::<Foretold>(json).unwrap(), of);
            let bytes = postcard::to_stdvec(&of).unwrap();
            assert_eq!(postcard::from_bytes::<Foretold>(&bytes).unwrap(), of);
        }
        assert_eq!(Foretold::from_name("smell"), None);
    }
}
