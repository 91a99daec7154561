//! Air quality indices and guides of several authorities, as pure functions.
//!
//! Three things meet in every index: an **average** (which hours, how weighted),
//! a **scale** (a broken line from concentration to index) and a **rounding**.
//! The authorities differ in all three, and most wrong figures in the world come
//! from mixing them. So each index has its file with its own average and
//! rounding, and shares only [`Scale`], the broken line, which is computed in
//! whole numbers: a node is hit exactly, whatever the direction of rounding.
//!
//! | file | what |
//! |---|---|
//! | [`cai`] | Korea: 통합대기환경지수, from the 24-hour predictive moving average |
//! | [`aqi_cn`] | China: AQI by HJ 633-2012 and HJ 633-2026, chosen by date |
//! | [`aqi_us`], [`nowcast`] | United States: AQI and the hourly NowCast |
//! | [`eu`] | European Union: information and alert thresholds of 2024/2881 |
//! | [`japan`] | Japan: the provisional guide for calls for caution |
//!
//! What is not a number (missing, infinite, not a number, negative) counts as
//! missing everywhere here: it neither raises an index nor lowers one, and where
//! too little is left there is no index. Quality control has flagged such values
//! before; these functions only make sure that none slips through.
//!
//! Every figure carries its [`Basis`]: where it comes from and how [`Sure`] it is.

pub mod aqi_cn;
pub mod aqi_us;
pub mod cai;
pub mod eu;
pub mod japan;
pub mod nowcast;
mod scale;

pub use scale::{Scale, Segment};

use super::Quantity;
use super::place::{Language, Names};

/// How sure a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Sure {
    /// Read in the cited source.
    #[serde(rename = "read in source")]
    ReadInSource,
    /// Reported by several others; the source itself was not read.
    #[serde(rename = "widely reported")]
    WidelyReported,
    /// Nothing was read.
    #[serde(rename = "from memory")]
    FromMemory,
}

/// Where a figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Basis {
    /// The legal or technical text, and where it was read if not there.
    pub text: &'static str,
    /// How sure the least certain of the figures is.
    pub sure: Sure,
}

/// A fixed text in the three languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Text {
    /// Korean.
    pub ko: &'static str,
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

impl Text {
    /// The text for a reader of this language.
    pub fn text(self, language: Language) -> &'static str {
        match language {
            Language::Ko => self.ko,
            Language::Zh => self.zh,
            Language::En => self.en,
        }
    }

    /// The same as names that can be stored.
    pub fn names(self) -> Names {
        Names {
            ko: Some(self.ko.to_owned()),
            zh: Some(self.zh.to_owned()),
            en: Some(self.en.to_owned()),
        }
    }
}

/// The time over which a concentration is averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Averaging {
    /// One hour.
    Hour,
    /// The latest 24 hours.
    MovingDay,
    /// A calendar day of the jurisdiction.
    Day,
}

/// The index of one pollutant alone. A pollutant that has no scale here (the
/// gases) may be given by whoever can compute it: the fields are open.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct SubIndex {
    /// The pollutant.
    pub quantity: Quantity,
    /// The index, rounded as its standard says.
    pub value: u16,
    /// The index before rounding.
    pub exact: f64,
    /// Whether the concentration lies above the end of the scale, where the
    /// index is held at its highest value.
    pub beyond: bool,
}

/// A concentration or mean that can be judged: finite and not negative, without
/// the noise of arithmetic.
fn usable(value: f64) -> Option<f64> {
    (value.is_finite() && value >= 0.0).then(|| settled(value))
}

/// The mean of the usable values if there are at least `min` (and at least one);
/// none either where the sum leaves the range of numbers.
fn mean(values: &[Option<f64>], min: usize) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0u32);
    for value in values.iter().filter_map(|v| v.and_then(usable)) {
        sum += value;
        count += 1;
    }
    if count == 0 || (count as usize) < min { None } else { usable(sum / f64::from(count)) }
}

/// The number without the noise of binary arithmetic, which would push a mean
/// of exactly 85 over a limit of 85. A millionth of a µg/m³ is not air.
fn settled(value: f64) -> f64 {
    let whole = (value * 1e6).round();
    // Beyond 2^53 there is no noise below a millionth to take away.
    if whole.abs() < 9e15 { whole / 1e6 } else { value }
}

/// The highest sub-index and the pollutants that have it, in the order of
/// [`Quantity::ALL`] and each once; `None` without any.
fn top(parts: &[SubIndex]) -> Option<(u16, Vec<Quantity>)> {
    let highest = parts.iter().map(|p| p.value).max()?;
    let mut primary: Vec<Quantity> =
        parts.iter().filter(|p| p.value == highest).map(|p| p.quantity).collect();
    primary.sort_unstable();
    primary.dedup();
    Some((highest, primary))
}

/// Those of `needed` that no sub-index stands for.
fn missing(needed: &[Quantity], parts: &[SubIndex]) -> Vec<Quantity> {
    needed.iter().copied().filter(|q| !parts.iter().any(|p| p.quantity == *q)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_number_is_missing_from_a_mean() {
        let values =
            [Some(10.0), None, Some(f64::NAN), Some(f64::INFINITY), Some(-1.0), Some(20.0)];
        assert_eq!(mean(&values, 2), Some(15.0));
        assert_eq!(mean(&values, 3), None);
        assert_eq!(mean(&[], 0), None);
        assert_eq!(mean(&[Some(f64::MAX); 2], 0), None);
    }

    #[test]
    fn arithmetic_noise_does_not_push_a_mean_over_a_limit() {
        let noisy = mean(&[Some(84.9), Some(85.1), Some(85.0)], 3);
        assert_eq!(noisy, Some(85.0));
        assert_eq!(settled(0.1 + 0.2), 0.3);
        assert_eq!(settled(1e300), 1e300);
    }

    #[test]
    fn primary_pollutants_are_all_that_tie_and_each_once() {
        let part = |quantity, value| SubIndex { quantity, value, exact: 0.0, beyond: false };
        let parts = [
            part(Quantity::O3, 80),
            part(Quantity::Pm2_5, 80),
            part(Quantity::O3, 80),
            part(Quantity::Pm10, 79),
        ];
        assert_eq!(top(&parts), Some((80, vec![Quantity::Pm2_5, Quantity::O3])));
        assert_eq!(top(&[]), None);
    }

    #[test]
    fn a_text_is_read_in_each_language() {
        let text = Text { ko: "좋음", zh: "优", en: "Good" };
        for language in Language::ALL {
            assert_eq!(text.text(language), text.names().text(language));
        }
    }
}
