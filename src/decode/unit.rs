//! Units as networks write them, and the way from there to ours.

use crate::air::Quantity;

/// Longer texts are no units.
const UNIT_MAX: usize = 24;
/// Conventional millimetre and inch of mercury, hPa (NIST SP 811, appendix B.8).
const MMHG: f64 = 1.333_224;
const INHG: f64 = 33.863_89;

/// A number in the quantity's own unit. A unit that is not known here, or is
/// wrong on the wire as it sometimes is, leaves the number as it was sent.
pub fn into_ours(quantity: Quantity, unit: &str, number: f64) -> f64 {
    let unit = plain(unit);
    match (quantity, unit.as_str()) {
        (q, "kg/m3" | "kgm-3") if q.is_particle_mass() => number * 1e9,
        (q, "g/m3" | "gm-3") if q.is_particle_mass() => number * 1e6,
        (q, "mg/m3" | "mgm-3") if q.is_particle_mass() => number * 1e3,
        (q, "ng/m3" | "ngm-3") if q.is_particle_mass() => number * 1e-3,
        (Quantity::Co2, "ppb") => number * 1e-3,
        (Quantity::Co2, "%") => number * 1e4,
        (Quantity::Co2, "/") => number * 1e6,
        (Quantity::Temperature, "f" | "degf" | "fahrenheit") => (number - 32.0) / 1.8,
        (Quantity::Temperature, "k" | "kelvin") => number - 273.15,
        (Quantity::Humidity, "/") => number * 100.0,
        (Quantity::Pressure, "pa") => number / 100.0,
        (Quantity::Pressure, "kpa") => number * 10.0,
        (Quantity::Pressure, "bar") => number * 1e3,
        (Quantity::Pressure, "mmhg") => number * MMHG,
        (Quantity::Pressure, "inhg") => number * INHG,
        _ => number,
    }
}

/// A unit's text in one spelling: small letters, either of the two characters
/// for micro as `u`, no signs for degrees, products and powers.
fn plain(unit: &str) -> String {
    let characters = unit.chars().take(UNIT_MAX).filter_map(|c| match c {
        '\u{b5}' | '\u{3bc}' => Some('u'),
        '³' => Some('3'),
        '⁻' => Some('-'),
        '°' | '⋅' | '·' | '^' | ' ' => None,
        c => Some(c.to_ascii_lowercase()),
    });
    characters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_into_the_unit_of_its_quantity() {
        for (quantity, unit, sent, ours) in [
            (Quantity::Pm2_5, "ug/m3", 12.5, 12.5),
            (Quantity::Pm2_5, "µg⋅m⁻³", 12.5, 12.5),
            (Quantity::Pm2_5, "kg/m3", 12.5e-9, 12.5),
            (Quantity::Pm10, "mg/m^3", 0.02, 20.0),
            (Quantity::Pm10, "mg⋅m⁻³", 0.02, 20.0),
            (Quantity::Pm10, "ppm", 20.0, 20.0),
            (Quantity::Co2, "/", 0.0006, 600.0),
            (Quantity::Temperature, "°F", 50.0, 10.0),
            (Quantity::Temperature, "K", 283.15, 10.0),
            (Quantity::Temperature, "Cel", 10.0, 10.0),
            (Quantity::Humidity, "/", 0.4, 40.0),
            (Quantity::Humidity, "%RH", 40.0, 40.0),
            (Quantity::Pressure, "Pa", 100_150.0, 1_001.5),
            (Quantity::Pressure, "kPa", 100.15, 1_001.5),
            (Quantity::Pressure, "mmHg", 760.0, 1_013.25),
            (Quantity::Pressure, "inHg", 29.9213, 1_013.25),
        ] {
            let found = into_ours(quantity, unit, sent);
            assert!((found - ours).abs() < 1e-2, "{quantity} {unit}: {found}");
        }
    }
}
