//! Numbers that sensors and loggers send when they have none.
//!
//! Without a model every number counts that any sensor is known to send; with
//! one only those of its kind, so that an official instrument may read 999.9.

use super::Model;
use crate::air::Quantity;

/// Marks of failure for any quantity: "no value" of loggers, and a 16-bit
/// register of ones, also in tenths.
const MARKS: [f64; 4] = [-9_999.0, -999.0, 65_535.0, 6_553.5];
/// … of any particle sensor: "no value", and the two caps of the SDS011.
const PARTICLE_MARKS: [f64; 3] = [-1.0, 999.9, 1_999.9];
/// … of thermometers: DS18B20 disconnected, airRohr's "no value".
const TEMPERATURE_MARKS: [f64; 2] = [-127.0, -128.0];
/// … of everything else that is never negative.
const OTHER_MARKS: [f64; 1] = [-1.0];

/// How near a number must be to a mark: senders that compute in 32-bit floats
/// write 999.9000244140625.
const MARK_NEAR: f64 = 0.0005;

/// Whether a number is one by which a sensor says that it has failed.
pub fn is_mark(quantity: Quantity, model: Option<Model>, number: f64) -> bool {
    let own: &[f64] = match quantity {
        Quantity::Temperature => &TEMPERATURE_MARKS,
        q if q.is_particle_mass() => model.map_or(&PARTICLE_MARKS, Model::marks),
        _ => &OTHER_MARKS,
    };
    near(number, &MARKS) || near(number, own)
}

fn near(number: f64, marks: &[f64]) -> bool {
    marks.iter().any(|mark| (number - mark).abs() < MARK_NEAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caps_of_the_sds011_are_failures_of_it_and_of_what_is_not_known() {
        for model in [None, Some(Model::Sds011)] {
            assert!(is_mark(Quantity::Pm2_5, model, 999.9));
            assert!(is_mark(Quantity::Pm10, model, f64::from(1_999.9f32)));
        }
        for model in [Model::Reference, Model::Pms, Model::Sps30] {
            assert!(!is_mark(Quantity::Pm2_5, Some(model), 999.9), "{model}");
            assert!(is_mark(Quantity::Pm2_5, Some(model), 65_535.0), "{model}");
        }
    }

    #[test]
    fn a_temperature_of_minus_one_is_a_temperature() {
        assert!(!is_mark(Quantity::Temperature, None, -1.0));
        assert!(is_mark(Quantity::Temperature, None, -127.0));
        assert!(is_mark(Quantity::Humidity, None, -1.0));
    }
}
