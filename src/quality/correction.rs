//! Corrections of low-cost sensors: what a reference instrument would probably
//! have said. Each makes a further value beside the raw one, as a variant of its
//! own; none counts towards hours of stations and alerts, and none is made from
//! another correction.
//!
//! | form | of | source |
//! |---|---|---|
//! | [`Form::Barkjohn2021`] | CF=1 | Barkjohn et al. 2021, doi 10.5194/amt-14-4617-2021 |
//! | [`Form::UsEpa2021`] | CF=1 | US EPA, May 2021, as in AirSensor2 `pat_applyCorrection` |
//! | [`Form::UsEpa2021Atm`] | ATM | US EPA, Fire and Smoke Map, CEMM record 353088, slide 26 |
//! | [`Form::KappaKoehler`] | the main value | Crilley et al. 2018, doi 10.5194/amt-11-709-2018 |
//!
//! The first three were fitted to Plantower sensors in North American air, and the
//! third is the second written for the other of the two outputs that a Plantower
//! sensor has: an output given to the wrong form is scaled twice. So each form
//! takes its own output only, and makes nothing where that is absent.

use crate::air::{Flag, Label, Measured, Quantity, Reason, Reasons, Value};

/// How a value is corrected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// A line in CF=1 and humidity.
    Barkjohn2021,
    /// The same up to 343 µg/m³, a parabola above; leaps by about 27 there.
    UsEpa2021,
    /// Five parts that join, for the ATM output.
    UsEpa2021Atm,
    /// Growth of particles by water, divided out.
    KappaKoehler {
        /// Hygroscopicity of the aerosol: 0.15 to 0.29 in Taiwan, up to 0.4 in Europe.
        kappa: f64,
        /// Humidity above this is taken as this, %: growth diverges at 100.
        max_humidity: f64,
    },
}

/// A correction that an operator asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correction(pub Form);

impl Correction {
    /// Names in the configuration, with the usual parameters.
    pub const NAMES: [(&'static str, Correction); 4] = [
        ("barkjohn-2021", Correction(Form::Barkjohn2021)),
        ("us-epa-2021", Correction(Form::UsEpa2021)),
        ("us-epa-2021-atm", Correction(Form::UsEpa2021Atm)),
        ("kappa-koehler", Correction(Form::KappaKoehler { kappa: 0.25, max_humidity: 95.0 })),
    ];

    /// The variant under which its values are kept.
    pub fn variant(&self) -> &'static str {
        match self.0 {
            Form::Barkjohn2021 => "barkjohn_2021",
            Form::UsEpa2021 => "us_epa_2021",
            Form::UsEpa2021Atm => "us_epa_2021_atm",
            Form::KappaKoehler { .. } => "kappa_koehler",
        }
    }

    /// The corrected PM2.5 of one message, with the worse flag of what it was made
    /// of; `None` if its input or the humidity is missing or has failed.
    pub fn of(&self, judged: &[Measured]) -> Option<Measured> {
        let (input, flag) = match self.0 {
            Form::Barkjohn2021 | Form::UsEpa2021 => pm(judged, &["cf1"]),
            Form::UsEpa2021Atm => pm(judged, &["", "atm"]),
            Form::KappaKoehler { .. } => pm(judged, &[""]),
        }?;
        let humidity = self.humidity(judged)?;
        let corrected = self.number(input, humidity.value.value.clamp(0.0, 100.0));
        let mut reasons = Reasons::default();
        if corrected < 0.0 {
            reasons.add(Reason::Clamped);
        }
        let label = Label { channel: String::new(), variant: self.variant().to_owned() };
        // Thousandths: what the store keeps compactly, and far below any accuracy.
        let value = (corrected.max(0.0) * 1_000.0).round() / 1_000.0;
        let value = Value { quantity: Quantity::Pm2_5, label, value };
        Some(Measured { value, flag: flag.max(humidity.flag), reasons })
    }

    /// The humidity of the same message. The EPA's forms were fitted to the humidity
    /// within the case, where it stands beside the device's own; growth of particles
    /// is that of the air outside.
    fn humidity<'a>(&self, judged: &'a [Measured]) -> Option<&'a Measured> {
        let of = |variant: &str| {
            judged.iter().find(|m| {
                let label = &m.value.label;
                let is = label.channel.is_empty() && label.variant == variant;
                m.value.quantity == Quantity::Humidity && is && is_usable(m)
            })
        };
        match self.0 {
            Form::KappaKoehler { .. } => of(""),
            _ => of("").or_else(|| of("in_case")),
        }
    }

    /// The corrected value before it is clamped; µg/m³ and % in, µg/m³ out.
    pub fn number(&self, pm: f64, humidity: f64) -> f64 {
        match self.0 {
            Form::Barkjohn2021 => 0.524 * pm - 0.0862 * humidity + 5.75,
            Form::UsEpa2021 if pm <= 343.0 => 0.52 * pm - 0.086 * humidity + 5.75,
            Form::UsEpa2021 => 0.46 * pm + 3.93e-4 * pm * pm + 2.97,
            Form::UsEpa2021Atm => five_parts(pm, humidity),
            Form::KappaKoehler { kappa, max_humidity } => {
                let activity = humidity.min(max_humidity) / 100.0;
                if activity <= 0.0 {
                    return pm;
                }
                // 1.65: the density of dry particles, g/cm³.
                pm / (1.0 + (kappa / 1.65) / (1.0 / activity - 1.0))
            }
        }
    }
}

/// The Fire and Smoke Map's form.
fn five_parts(pm: f64, humidity: f64) -> f64 {
    let wet = 0.0862 * humidity;
    match pm {
        pm if pm < 30.0 => 0.524 * pm - wet + 5.75,
        pm if pm < 50.0 => {
            let t = pm / 20.0 - 3.0 / 2.0;
            (0.786 * t + 0.524 * (1.0 - t)) * pm - wet + 5.75
        }
        pm if pm < 210.0 => 0.786 * pm - wet + 5.75,
        pm if pm < 260.0 => {
            let t = pm / 50.0 - 21.0 / 5.0;
            (0.69 * t + 0.786 * (1.0 - t)) * pm - wet * (1.0 - t)
                + 2.966 * t
                + 5.75 * (1.0 - t)
                + 8.84e-4 * pm * pm * t
        }
        pm => 2.966 + 0.69 * pm + 8.84e-4 * pm * pm,
    }
}

/// PM2.5 in the first of these variants that is there: the device's own value, or
/// the mean of its lasers; with the worst flag of them.
fn pm(judged: &[Measured], variants: &[&str]) -> Option<(f64, Flag)> {
    let in_variant = |variant: &str| {
        let all = judged.iter().filter(|m| {
            m.value.quantity == Quantity::Pm2_5 && m.value.label.variant == variant && is_usable(m)
        });
        let all: Vec<&Measured> = all.collect();
        if let Some(own) = all.iter().find(|m| m.value.label.channel.is_empty()) {
            return Some((own.value.value, own.flag));
        }
        let flag = all.iter().map(|m| m.flag).max()?;
        let sum: f64 = all.iter().map(|m| m.value.value).sum();
        Some((sum / all.len() as f64, flag))
    };
    variants.iter().find_map(|v| in_variant(v))
}

/// Whether something can be made of a value.
pub(super) fn is_usable(m: &Measured) -> bool {
    m.flag != Flag::Fail && m.value.value.is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BARKJOHN: Correction = Correction(Form::Barkjohn2021);
    const EPA: Correction = Correction(Form::UsEpa2021);
    const ATM: Correction = Correction(Form::UsEpa2021Atm);

    fn near(a: f64, b: f64, within: f64) {
        assert!((a - b).abs() <= within, "{a} is not {b}");
    }

    fn measured(quantity: Quantity, channel: &str, variant: &str, value: f64) -> Measured {
        let label = Label { channel: channel.to_owned(), variant: variant.to_owned() };
        let value = Value { quantity, label, value };
        Measured { value, flag: Flag::Pass, reasons: Reasons::default() }
    }

    #[test]
    fn each_form_gives_its_published_numbers() {
        near(BARKJOHN.number(100.0, 50.0), 53.84, 1e-9);
        near(EPA.number(343.0, 50.0), 179.81, 1e-9);
        near(EPA.number(343.001, 50.0), 206.99, 0.01);
        near(ATM.number(20.0, 50.0), 11.92, 1e-9);
        near(ATM.number(100.0, 50.0), 80.04, 1e-9);
        near(ATM.number(300.0, 50.0), 289.526, 1e-9);
    }

    /// With halves and fifths cut to whole numbers the parts would not join.
    #[test]
    fn the_five_parts_join() {
        for humidity in [0.0, 50.0, 100.0] {
            for edge in [30.0, 50.0, 210.0, 260.0] {
                let below = ATM.number(edge - 1e-9, humidity);
                near(below, ATM.number(edge, humidity), 1.0);
            }
        }
        // In the middle of the second and of the fourth part.
        near(ATM.number(40.0, 50.0), 0.655 * 40.0 - 4.31 + 5.75, 1e-9);
        near(ATM.number(235.0, 50.0), 173.43 - 2.155 + 1.483 + 2.875 + 24.40945, 1e-9);
    }

    #[test]
    fn growth_by_water_is_divided_out_and_capped() {
        let form = |kappa| Correction(Form::KappaKoehler { kappa, max_humidity: 95.0 });
        for (kappa, humidity, growth) in [
            (0.15, 50.0, 1.09),
            (0.25, 80.0, 1.61),
            (0.40, 90.0, 3.18),
            (0.25, 95.0, 3.88),
            (0.25, 100.0, 3.88),
        ] {
            near(100.0 / form(kappa).number(100.0, humidity), growth, 0.005);
        }
        near(form(0.25).number(100.0, 0.0), 100.0, 1e-12);
    }

    #[test]
    fn a_form_takes_its_own_output_only() {
        let humidity = measured(Quantity::Humidity, "", "", 50.0);
        let atm = measured(Quantity::Pm2_5, "", "", 100.0);
        let cf1 = measured(Quantity::Pm2_5, "", "cf1", 150.0);
        let made = measured(Quantity::Pm2_5, "", "us_epa_2021", 80.0);
        assert_eq!(EPA.of(&[humidity.clone(), atm.clone()]), None);
        assert_eq!(ATM.of(&[humidity.clone(), cf1.clone(), made]), None);
        let corrected = EPA.of(&[humidity, atm.clone(), cf1]).unwrap();
        near(corrected.value.value, 79.45, 1e-9);
        assert_eq!(corrected.value.label.variant, "us_epa_2021");
        assert_eq!(ATM.of(&[atm]), None, "without humidity");
    }

    #[test]
    fn two_lasers_give_their_mean_and_their_worse_flag() {
        let mut judged = vec![
            measured(Quantity::Humidity, "", "", 50.0),
            measured(Quantity::Pm2_5, "a", "cf1", 90.0),
            measured(Quantity::Pm2_5, "b", "cf1", 110.0),
        ];
        near(BARKJOHN.of(&judged).unwrap().value.value, 53.84, 1e-9);
        judged[1].flag = Flag::Suspect;
        assert_eq!(BARKJOHN.of(&judged).unwrap().flag, Flag::Suspect);
        judged[1].flag = Flag::Fail;
        near(BARKJOHN.of(&judged).unwrap().value.value, 59.08, 1e-9);
    }

    #[test]
    fn less_than_nothing_is_clamped_and_says_so() {
        let judged = [
            measured(Quantity::Humidity, "", "", 100.0),
            measured(Quantity::Pm2_5, "", "cf1", 0.0),
        ];
        let corrected = BARKJOHN.of(&judged).unwrap();
        assert_eq!(corrected.value.value, 0.0);
        assert_eq!(corrected.reasons.to_string(), "clamped");
    }

    proptest! {
        #[test]
        fn a_corrected_value_is_never_negative_and_never_infinite(
            pm in 0.0f64..10_000.0, humidity in -5.0f64..110.0, form in 0usize..4,
        ) {
            let judged = [
                measured(Quantity::Humidity, "", "", humidity),
                measured(Quantity::Pm2_5, "", "", pm),
                measured(Quantity::Pm2_5, "", "cf1", pm),
            ];
            let corrected = Correction::NAMES[form].1.of(&judged).unwrap();
            prop_assert!(corrected.value.value >= 0.0 && corrected.value.value.is_finite());
        }
    }
}
