//! What a quantity can be, and what a model of sensor can tell.

use super::{Model, object};
use crate::air::{Flag, Measured, Quantity, Reason};

/// Capacitive sensors read a little above saturation in fog, %.
const HUMIDITY_OVERSHOOT: f64 = 105.0;

/// Fails what cannot be; notes what lies above the scale of its sensor.
pub(super) fn judge(m: &mut Measured, model: Option<Model>) {
    let (quantity, number) = (m.value.quantity, m.value.value);
    let (low, high) = of(quantity);
    let most = model.and_then(|model| model.most(quantity)).unwrap_or(high);
    if !(low..=most).contains(&number) {
        let condensing =
            quantity == Quantity::Humidity && (high..=HUMIDITY_OVERSHOOT).contains(&number);
        object(m, if condensing { Flag::Suspect } else { Flag::Fail }, Reason::Range);
    } else if model.and_then(|model| model.scale(quantity)).is_some_and(|scale| number > scale) {
        object(m, Flag::Pass, Reason::OverScale);
    }
}

/// The lowest and highest value that the quantity can have in open or indoor
/// air, in [`Quantity::unit`].
pub fn of(quantity: Quantity) -> (f64, f64) {
    match quantity {
        Quantity::Pm1 | Quantity::Pm2_5 | Quantity::Pm4 | Quantity::Pm10 => (0.0, 9_999.0),
        Quantity::Co2 => (0.0, 50_000.0),
        // The coldest air measured is -89.2 °C; a sensor in the sun can reach 85.
        Quantity::Temperature => (-90.0, 85.0),
        Quantity::Humidity => (0.0, 100.0),
        // The top of Everest to the highest sea-level pressure, 1084 hPa.
        Quantity::Pressure => (300.0, 1_100.0),
        // Full scales of the widest electrochemical cells in use.
        Quantity::O3 | Quantity::No2 | Quantity::So2 => (0.0, 100.0),
        Quantity::Co => (0.0, 1_000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::{Reasons, Value};

    fn verdict(quantity: Quantity, model: Model, number: f64) -> (Flag, String) {
        let value = Value::main(quantity, number);
        let mut m = Measured { value, flag: Flag::Pass, reasons: Reasons::default() };
        judge(&mut m, Some(model));
        (m.flag, m.reasons.to_string())
    }

    #[test]
    fn above_the_scale_of_its_sensor_a_value_is_noted_and_counts() {
        let noted = (Flag::Pass, "over_scale".to_owned());
        assert_eq!(verdict(Quantity::Pm2_5, Model::Pms, 1_500.0), noted);
        assert_eq!(verdict(Quantity::Pm10, Model::Sds011, 1_500.0), noted);
        let passes = (Flag::Pass, String::new());
        assert_eq!(verdict(Quantity::Pm2_5, Model::Pms, 500.0), passes);
        assert_eq!(verdict(Quantity::Pm2_5, Model::Reference, 1_157.0), passes);
    }

    #[test]
    fn what_a_sensor_cannot_send_fails() {
        let failed = (Flag::Fail, "range".to_owned());
        assert_eq!(verdict(Quantity::Pm2_5, Model::Sds011, 1_000.0), failed);
        assert_eq!(verdict(Quantity::Pm10, Model::Sds011, 2_000.0), failed);
    }
}
