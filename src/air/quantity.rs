//! What can be measured, and in which unit it is kept.

use super::place::Language;
use std::fmt;

/// A measured quantity. Values are always kept in the unit of [`Quantity::unit`];
/// decoders convert at the edge.
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
pub enum Quantity {
    /// Mass concentration of particles up to 1 µm, µg/m³.
    Pm1,
    /// Mass concentration of particles up to 2.5 µm, µg/m³.
    #[serde(rename = "pm2_5")]
    Pm2_5,
    /// Mass concentration of particles up to 4 µm, µg/m³.
    Pm4,
    /// Mass concentration of particles up to 10 µm, µg/m³.
    Pm10,
    /// Carbon dioxide, ppm.
    Co2,
    /// Air temperature, °C.
    Temperature,
    /// Relative humidity, %.
    Humidity,
    /// Air pressure, hPa.
    Pressure,
    /// Ozone, ppm.
    O3,
    /// Nitrogen dioxide, ppm.
    No2,
    /// Sulphur dioxide, ppm.
    So2,
    /// Carbon monoxide, ppm.
    Co,
}

impl Quantity {
    /// Every quantity, in the order of its stored code.
    pub const ALL: [Quantity; 12] = [
        Quantity::Pm1,
        Quantity::Pm2_5,
        Quantity::Pm4,
        Quantity::Pm10,
        Quantity::Co2,
        Quantity::Temperature,
        Quantity::Humidity,
        Quantity::Pressure,
        Quantity::O3,
        Quantity::No2,
        Quantity::So2,
        Quantity::Co,
    ];

    /// The name used in configuration, API, line protocol and files.
    pub fn name(self) -> &'static str {
        match self {
            Quantity::Pm1 => "pm1",
            Quantity::Pm2_5 => "pm2_5",
            Quantity::Pm4 => "pm4",
            Quantity::Pm10 => "pm10",
            Quantity::Co2 => "co2",
            Quantity::Temperature => "temperature",
            Quantity::Humidity => "humidity",
            Quantity::Pressure => "pressure",
            Quantity::O3 => "o3",
            Quantity::No2 => "no2",
            Quantity::So2 => "so2",
            Quantity::Co => "co",
        }
    }

    /// The unit in which values are kept, as written to machines.
    pub fn unit(self) -> &'static str {
        match self {
            Quantity::Pm1 | Quantity::Pm2_5 | Quantity::Pm4 | Quantity::Pm10 => "ug/m3",
            Quantity::Temperature => "degC",
            Quantity::Humidity => "%",
            Quantity::Pressure => "hPa",
            _ => "ppm",
        }
    }

    /// The unit as people write it.
    pub fn unit_text(self) -> &'static str {
        match self.unit() {
            "ug/m3" => "µg/m³",
            "degC" => "°C",
            other => other,
        }
    }

    /// What people call it in a language.
    pub fn title(self, language: Language) -> &'static str {
        let (ko, zh, en) = match self {
            Quantity::Pm1 => ("극초미세먼지(PM1)", "超细颗粒物（PM1）", "PM1"),
            Quantity::Pm2_5 => ("초미세먼지(PM2.5)", "细颗粒物（PM2.5）", "PM2.5"),
            Quantity::Pm4 => ("먼지(PM4)", "颗粒物（PM4）", "PM4"),
            Quantity::Pm10 => ("미세먼지(PM10)", "可吸入颗粒物（PM10）", "PM10"),
            Quantity::Co2 => ("이산화탄소", "二氧化碳", "CO₂"),
            Quantity::Temperature => ("기온", "气温", "temperature"),
            Quantity::Humidity => ("습도", "湿度", "humidity"),
            Quantity::Pressure => ("기압", "气压", "pressure"),
            Quantity::O3 => ("오존", "臭氧", "ozone"),
            Quantity::No2 => ("이산화질소", "二氧化氮", "NO₂"),
            Quantity::So2 => ("아황산가스", "二氧化硫", "SO₂"),
            Quantity::Co => ("일산화탄소", "一氧化碳", "CO"),
        };
        language.one_of(ko, zh, en)
    }

    /// The code under which the quantity is stored; never reused.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The quantity of a stored code.
    pub fn from_code(code: u8) -> Option<Quantity> {
        Quantity::ALL.get(usize::from(code)).copied()
    }

    /// The quantity of a name as in [`Quantity::name`].
    pub fn from_name(name: &str) -> Option<Quantity> {
        Quantity::ALL.into_iter().find(|q| q.name() == name)
    }

    /// Whether the quantity is a mass of particles, which is never negative.
    pub fn is_particle_mass(self) -> bool {
        matches!(self, Quantity::Pm1 | Quantity::Pm2_5 | Quantity::Pm4 | Quantity::Pm10)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_lead_back_to_their_quantity() {
        for q in Quantity::ALL {
            assert_eq!(Quantity::from_code(q.code()), Some(q));
            assert_eq!(Quantity::from_name(q.name()), Some(q));
        }
        assert_eq!(Quantity::from_code(200), None);
    }
}
