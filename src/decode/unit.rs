//! Units as networks write them, and the way from each to the unit in which a
//! quantity is kept.
//!
//! Factors are exact by definition of the units (SI brochure, 9th edition; NIST
//! SP 811, appendix B.8, for mmHg, inHg and psi). Gases are kept as a share of
//! volume; a mass of gas needs its temperature and pressure and is not converted.

use crate::air::Quantity;
use serde::{Deserialize, Serialize};

/// Longer texts are no units.
const UNIT_MAX: usize = 32;

/// The way from a source unit to ours: (number − zero) × times ÷ per, so that
/// what is a whole number in both units comes out whole.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Conversion {
    zero: f64,
    times: f64,
    per: f64,
}

impl Conversion {
    /// The number is in our unit already.
    pub const NONE: Conversion = Conversion { zero: 0.0, times: 1.0, per: 1.0 };

    const fn times(times: f64) -> Conversion {
        Conversion { times, ..Conversion::NONE }
    }

    const fn per(per: f64) -> Conversion {
        Conversion { per, ..Conversion::NONE }
    }

    /// The number in our unit.
    pub fn apply(self, number: f64) -> f64 {
        (number - self.zero) * self.times / self.per
    }
}

/// Spellings as [`folded`] makes them, and the way; GQ, GP, CEL, FAH, KEL, P1,
/// A97, 59 and 61 are codes of UN/CEFACT recommendation 20, `/` is a ratio in
/// SenML (RFC 8428).
type Row = (&'static [&'static str], Conversion);

const MASS: &[Row] = &[
    (&["ug/m3", "ugm-3", "mcg/m3", "gq", "microgram_per_meter_cubed"], Conversion::NONE),
    (&["ng/m3", "ngm-3"], Conversion::per(1e3)),
    (&["mg/m3", "mgm-3", "gp"], Conversion::times(1e3)),
    (&["g/m3", "gm-3"], Conversion::times(1e6)),
    (&["kg/m3", "kgm-3"], Conversion::times(1e9)),
];
const TEMPERATURE: &[Row] = &[
    (&["c", "degc", "cel", "celsius"], Conversion::NONE),
    (&["f", "degf", "fah", "fahrenheit"], Conversion { zero: 32.0, times: 5.0, per: 9.0 }),
    (&["k", "kel", "kelvin"], Conversion { zero: 273.15, ..Conversion::NONE }),
    (&["dk", "decikelvin"], Conversion { zero: 2_731.5, times: 1.0, per: 10.0 }),
];
const HUMIDITY: &[Row] = &[
    (&["%", "%rh", "percent", "p1"], Conversion::NONE),
    (&["1", "/", "ratio", "fraction"], Conversion::times(100.0)),
];
const PRESSURE: &[Row] = &[
    (&["hpa", "mbar", "mb", "a97"], Conversion::NONE),
    (&["pa", "pal"], Conversion::per(100.0)),
    (&["kpa"], Conversion::times(10.0)),
    (&["bar"], Conversion::times(1e3)),
    (&["mmhg", "torr"], Conversion::times(1.333_224)),
    (&["inhg"], Conversion::times(33.863_89)),
    (&["psi"], Conversion::times(68.947_57)),
];
const SHARE: &[Row] = &[
    (&["ppm", "59"], Conversion::NONE),
    (&["ppb", "61"], Conversion::per(1e3)),
    (&["%"], Conversion::times(1e4)),
    (&["/"], Conversion::times(1e6)),
];

fn rows(quantity: Quantity) -> &'static [Row] {
    match quantity {
        Quantity::Temperature => TEMPERATURE,
        Quantity::Humidity => HUMIDITY,
        Quantity::Pressure => PRESSURE,
        q if q.is_particle_mass() => MASS,
        _ => SHARE,
    }
}

/// The way from a unit, in any usual spelling, to the quantity's own; `None`:
/// the quantity has no such unit.
pub fn conversion(quantity: Quantity, unit: &str) -> Option<Conversion> {
    let of = |unit: &str| {
        let named = |(names, _): &&Row| names.iter().any(|n| n.eq_ignore_ascii_case(unit));
        rows(quantity).iter().find(named).map(|(_, conversion)| *conversion)
    };
    match unit {
        "" => None,
        // Most senders write a unit as it stands here; folding costs more than looking.
        unit => of(unit).or_else(|| of(&folded(unit))),
    }
}

/// One spelling of each unit that [`conversion`] knows for a quantity.
pub fn known(quantity: Quantity) -> Vec<&'static str> {
    rows(quantity).iter().filter_map(|(names, _)| names.first().copied()).collect()
}

/// A number in the quantity's own unit. A unit that is not known here, or is
/// wrong on the wire as it sometimes is, leaves the number as it was sent.
pub fn into_ours(quantity: Quantity, unit: &str, number: f64) -> f64 {
    conversion(quantity, unit).map_or(number, |c| c.apply(number))
}

/// Whether numbers of this quantity come in several units without saying so.
pub fn is_ambiguous(quantity: Quantity) -> bool {
    matches!(quantity, Quantity::Temperature | Quantity::Pressure)
}

/// Small letters of ASCII and digits: `µg⋅m⁻³`, `μg/m^3` and `ug/m3` meet.
fn folded(unit: &str) -> String {
    let fold = |c: char| match c {
        'µ' | 'μ' => Some('u'),
        '³' => Some('3'),
        '⁻' | '−' => Some('-'),
        '℃' => Some('c'),
        '℉' => Some('f'),
        '°' | '^' | '⋅' | '·' | '*' => None,
        c if c.is_whitespace() => None,
        c => Some(c.to_ascii_lowercase()),
    };
    unit.chars().take(UNIT_MAX).filter_map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_unit_meet() {
        for unit in ["µg/m³", "μg/m³", "ug/m3", "ug/m^3", "µg⋅m⁻³", " UG / m3 ", "GQ"] {
            let found = conversion(Quantity::Pm2_5, unit);
            assert_eq!(found, Some(Conversion::NONE), "{unit}");
        }
        for unit in ["°C", "℃", "Cel", "degC"] {
            let found = conversion(Quantity::Temperature, unit);
            assert_eq!(found, Some(Conversion::NONE), "{unit}");
        }
    }

    #[test]
    fn a_number_comes_into_the_unit_of_its_quantity() {
        for (quantity, unit, sent, ours) in [
            (Quantity::Pm2_5, "kg/m3", 12.5e-9, 12.5),
            (Quantity::Pm10, "mg/m^3", 0.02, 20.0),
            (Quantity::Pm10, "mg⋅m⁻³", 0.02, 20.0),
            (Quantity::Pm10, "ng/m3", 20_000.0, 20.0),
            (Quantity::Co2, "/", 0.0006, 600.0),
            (Quantity::Co2, "ppb", 400_000.0, 400.0),
            (Quantity::Temperature, "°F", 50.0, 10.0),
            (Quantity::Temperature, "K", 283.15, 10.0),
            (Quantity::Temperature, "dK", 2_931.5, 20.0),
            (Quantity::Humidity, "/", 0.5, 50.0),
            (Quantity::Humidity, "%RH", 40.0, 40.0),
            (Quantity::Pressure, "Pa", 100_150.0, 1_001.5),
            (Quantity::Pressure, "kPa", 100.15, 1_001.5),
            (Quantity::Pressure, "mmHg", 760.0, 1_013.25),
            (Quantity::Pressure, "inHg", 29.9213, 1_013.25),
            (Quantity::Pressure, "psi", 14.6959, 1_013.25),
        ] {
            let found = into_ours(quantity, unit, sent);
            assert!((found - ours).abs() < 1e-2, "{quantity} {unit}: {found}");
        }
    }

    #[test]
    fn a_unit_of_another_quantity_is_none_of_this_one() {
        for (quantity, unit) in [
            (Quantity::Pm10, "ppm"),
            (Quantity::Pm2_5, ""),
            (Quantity::Temperature, "%"),
            (Quantity::O3, "ug/m3"),
            (Quantity::Pressure, ""),
        ] {
            assert_eq!(conversion(quantity, unit), None, "{quantity} {unit}");
            assert_eq!(into_ours(quantity, unit, 20.0), 20.0);
        }
        for quantity in Quantity::ALL {
            assert_eq!(conversion(quantity, quantity.unit()), Some(Conversion::NONE));
            assert!(known(quantity).iter().all(|u| conversion(quantity, u).is_some()));
        }
    }
}
