//! European Union: information and alert thresholds for particles of Directive
//! (EU) 2024/2881, annex I, section 4, on daily means.
//!
//! The information threshold speaks of one day. The alert threshold has the same
//! concentration and speaks of "three consecutive days or fewer": how many days
//! is for the member state to say, hence [`AlertDays`]. The directive is to be
//! transposed by December 2026; its predecessor of 2008 had no thresholds for
//! particles (from memory).

use super::{Basis, Sure, usable};
use crate::air::Quantity;

/// Where the thresholds come from.
pub const BASIS: Basis = Basis {
    text: "Directive (EU) 2024/2881, annex I, section 4, as transcribed by others",
    sure: Sure::WidelyReported,
};

/// After how many consecutive days above the threshold there is an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertDays {
    /// At once, together with the information.
    One,
    /// On the second day.
    Two,
    /// On the third day, the latest the directive allows.
    #[default]
    Three,
}

impl AlertDays {
    /// The number of days.
    pub fn days(self) -> usize {
        match self {
            AlertDays::One => 1,
            AlertDays::Two => 2,
            AlertDays::Three => 3,
        }
    }
}

/// What the daily means amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The latest day is not above the threshold.
    Below,
    /// The information threshold is exceeded.
    Information,
    /// The alert threshold is exceeded.
    Alert,
}

/// The threshold for information and alert alike, daily mean in µg/m³ ([`BASIS`]).
pub fn threshold(quantity: Quantity) -> Option<f64> {
    match quantity {
        Quantity::Pm2_5 => Some(50.0),
        Quantity::Pm10 => Some(90.0),
        _ => None,
    }
}

/// Judges daily means in µg/m³ of consecutive days, newest last. A day exceeds
/// the threshold if it is strictly above it. A missing day ends a run, so that no
/// alert is built on a guess; `None` if the latest day is missing, and for other
/// quantities. Measured at sites that stand for at least 100 km² or for the whole
/// zone, which is for the caller to choose.
pub fn judge(
    quantity: Quantity,
    newest_last: &[Option<f64>],
    alert_days: AlertDays,
) -> Option<Stage> {
    let threshold = threshold(quantity)?;
    newest_last.last()?.and_then(usable)?;
    let run = newest_last
        .iter()
        .rev()
        .take_while(|day| day.and_then(usable).is_some_and(|mean| mean > threshold))
        .count();
    Some(match run {
        0 => Stage::Below,
        n if n >= alert_days.days() => Stage::Alert,
        _ => Stage::Information,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pm2_5(days: &[f64], alert_days: AlertDays) -> Option<Stage> {
        let days: Vec<Option<f64>> = days.iter().copied().map(Some).collect();
        judge(Quantity::Pm2_5, &days, alert_days)
    }

    #[test]
    fn a_day_equal_to_the_threshold_is_not_above_it() {
        assert_eq!(pm2_5(&[50.0], AlertDays::One), Some(Stage::Below));
        assert_eq!(pm2_5(&[50.1], AlertDays::Three), Some(Stage::Information));
        let pm10 = |c| judge(Quantity::Pm10, &[Some(c)], AlertDays::Three);
        assert_eq!((pm10(90.0), pm10(90.1)), (Some(Stage::Below), Some(Stage::Information)));
    }

    #[test]
    fn the_alert_comes_on_the_day_the_member_state_chose() {
        for (n, days) in [AlertDays::One, AlertDays::Two, AlertDays::Three].into_iter().enumerate()
        {
            assert_eq!(days.days(), n + 1);
            assert_eq!(pm2_5(&vec![60.0; n + 1], days), Some(Stage::Alert));
            let before = if n == 0 { None } else { Some(Stage::Information) };
            assert_eq!(pm2_5(&vec![60.0; n], days), before);
        }
    }

    #[test]
    fn one_cleaner_day_ends_both() {
        assert_eq!(pm2_5(&[60.0, 60.0, 60.0, 50.0], AlertDays::Three), Some(Stage::Below));
        assert_eq!(pm2_5(&[60.0, 50.0, 60.0], AlertDays::Two), Some(Stage::Information));
    }

    #[test]
    fn a_missing_day_ends_a_run_and_as_the_latest_leaves_it_open() {
        let days = [Some(60.0), None, Some(60.0)];
        assert_eq!(judge(Quantity::Pm2_5, &days, AlertDays::Two), Some(Stage::Information));
        for bad in [None, Some(f64::NAN), Some(f64::INFINITY), Some(-1.0)] {
            assert_eq!(judge(Quantity::Pm2_5, &[Some(60.0), bad], AlertDays::One), None);
        }
        assert_eq!(judge(Quantity::Pm2_5, &[], AlertDays::One), None);
        assert_eq!(judge(Quantity::O3, &[Some(0.1)], AlertDays::One), None);
    }
}
