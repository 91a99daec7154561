//! Air so humid that an optical sensor counts droplets as dust.
//!
//! Growth of particles by water is marked above about 75 % and diverges towards
//! saturation. Haze and humidity come together, so that flagging would silence
//! real episodes: by default it is only noted.

use super::{Model, object};
use crate::air::{Flag, Measured, Quantity, Reason};

/// When air is too humid for an optical sensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Relative humidity, %; above it. Default 95.
    pub above: f64,
    /// Whether such readings still count. Default true.
    pub counts: bool,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { above: 95.0, counts: true }
    }
}

/// Looks at the main humidity in the same message.
pub(super) fn judge(bounds: &Bounds, model: Option<Model>, judged: &mut [Measured]) {
    let humid = judged.iter().any(|m| {
        m.value.quantity == Quantity::Humidity
            && m.value.label.is_main()
            && m.flag != Flag::Fail
            && m.value.value > bounds.above
    });
    if !humid || !model.is_none_or(Model::is_optical) {
        return;
    }
    let flag = if bounds.counts { Flag::Pass } else { Flag::Suspect };
    for m in judged.iter_mut().filter(|m| m.value.quantity.is_particle_mass()) {
        object(m, flag, Reason::Humid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::{Reasons, Value};

    fn verdict(bounds: Bounds, model: Option<Model>, humidity: f64) -> (Flag, String) {
        let unjudged = |(q, v)| Measured {
            value: Value::main(q, v),
            flag: Flag::Pass,
            reasons: Reasons::default(),
        };
        let mut judged = [(Quantity::Pm2_5, 80.0), (Quantity::Humidity, humidity)].map(unjudged);
        judge(&bounds, model, &mut judged);
        (judged[0].flag, judged[0].reasons.to_string())
    }

    #[test]
    fn dust_in_fog_is_noted_and_counts_unless_the_policy_says_otherwise() {
        let noted = (Flag::Pass, "humid".to_owned());
        assert_eq!(verdict(Bounds::default(), None, 99.0), noted);
        let strict = Bounds { counts: false, ..Bounds::default() };
        assert_eq!(verdict(strict, None, 99.0), (Flag::Suspect, "humid".to_owned()));
        assert_eq!(verdict(strict, None, 95.0), (Flag::Pass, String::new()));
    }

    #[test]
    fn a_hygrometer_that_has_failed_or_is_another_one_says_nothing_of_fog() {
        let said = |flag: Flag, channel: &str| {
            let main = |q, v| Value::main(q, v);
            let [dust, mut humid] = [main(Quantity::Pm2_5, 80.0), main(Quantity::Humidity, 99.0)]
                .map(|value| Measured { value, flag: Flag::Pass, reasons: Reasons::default() });
            humid.flag = flag;
            humid.value.label.channel = channel.to_owned();
            let mut judged = [dust, humid];
            judge(&Bounds::default(), None, &mut judged);
            judged[0].reasons.to_string()
        };
        assert_eq!(said(Flag::Suspect, ""), "humid");
        assert_eq!(said(Flag::Fail, ""), "");
        assert_eq!(said(Flag::Pass, "indoors"), "");
    }

    #[test]
    fn fog_does_not_disturb_a_reference_instrument() {
        let passes = (Flag::Pass, String::new());
        assert_eq!(verdict(Bounds::default(), Some(Model::Reference), 99.0), passes);
    }
}
