//! The readings of one series in one hour, summed up.
//!
//! Sums are integers of 10⁻⁶ units and coverage is a set of minutes, so that the
//! order of readings does not matter and two halves of an hour can be merged.
//! Only readings whose flag counts enter the mean; the others are counted apart.

use crate::air::time::{HOUR_MS, MINUTE_MS};
use crate::air::{Flag, Stamp};
use std::time::Duration;

/// Parts of a unit in which sums are kept.
pub const MICRO: i64 = 1_000_000;

/// The largest magnitude kept: 10⁹ units. No quantity comes near it, and 9,000
/// stations of such values still add up without overflow.
pub const MICRO_MAX: i64 = 1_000_000_000 * MICRO;

/// A value in 10⁻⁶ units, to the nearest, halves to even; saturates at
/// [`MICRO_MAX`]. Not-a-number gives 0: quality control lets none pass.
pub fn micro(value: f64) -> i64 {
    let bound = MICRO_MAX as f64;
    (value * MICRO as f64).round_ties_even().clamp(-bound, bound) as i64
}

/// One series in one hour: count, sum, extremes, covered minutes, and what did
/// not count. 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HourSums {
    /// Cannot overflow: at most 2³² readings of at most 10¹⁵.
    sum_micro: i128,
    min_micro: i64,
    max_micro: i64,
    /// Bit m: minute m of the hour is covered.
    minutes: u64,
    count: u32,
    flagged: u32,
    /// Bit c: a reading with the QARTOD flag c was seen.
    flags: u16,
}

impl Default for HourSums {
    fn default() -> HourSums {
        HourSums {
            sum_micro: 0,
            min_micro: i64::MAX,
            max_micro: i64::MIN,
            minutes: 0,
            count: 0,
            flagged: 0,
            flags: 0,
        }
    }
}

impl HourSums {
    /// The sums of these readings, each with its value and flag.
    pub fn of(
        readings: impl IntoIterator<Item = (Stamp, f64, Flag)>,
        covers: Duration,
    ) -> HourSums {
        let mut sums = HourSums::default();
        for (at, value, flag) in readings {
            sums.add(at, value, flag, covers);
        }
        sums
    }

    /// Takes one more reading. If its flag counts, it stands for the time from
    /// `at - covers/2` up to `at + covers/2` within its hour, or for the whole
    /// hour if `covers` is an hour or more.
    pub fn add(&mut self, at: Stamp, value: f64, flag: Flag, covers: Duration) {
        self.flags |= bit(flag);
        if !flag.counts() {
            self.flagged = self.flagged.saturating_add(1);
            return;
        }
        let value = micro(value);
        self.count = self.count.saturating_add(1);
        self.sum_micro += i128::from(value);
        self.widen(value);
        self.minutes |= minutes(at, covers);
    }

    /// Replaces a reading taken before by its revision at the same instant.
    ///
    /// Counts and mean are exact afterwards. The extremes, the covered minutes
    /// and the flags seen cannot forget the old reading: `false` says that they
    /// may be wider than the readings now are, and that [`HourSums::of`] should
    /// be asked to sum the hour again.
    pub fn replace(
        &mut self,
        at: Stamp,
        old: (f64, Flag),
        new: (f64, Flag),
        covers: Duration,
    ) -> bool {
        let was = micro(old.0);
        if old.1.counts() {
            self.count = self.count.saturating_sub(1);
            self.sum_micro -= i128::from(was);
        } else {
            self.flagged = self.flagged.saturating_sub(1);
        }
        let inside = self.min_micro < was && was < self.max_micro;
        self.add(at, new.0, new.1, covers);
        old.1 == new.1 && (inside || !old.1.counts() || was == micro(new.0))
    }

    /// Takes what another part of the same hour holds.
    pub fn merge(&mut self, other: &HourSums) {
        self.sum_micro += other.sum_micro;
        self.min_micro = self.min_micro.min(other.min_micro);
        self.max_micro = self.max_micro.max(other.max_micro);
        self.minutes |= other.minutes;
        self.count = self.count.saturating_add(other.count);
        self.flagged = self.flagged.saturating_add(other.flagged);
        self.flags |= other.flags;
    }

    /// The sums as they were kept: count, sum, least and greatest in 10⁻⁶ units,
    /// covered minutes, and how many did not count. Which flags those had is not kept.
    pub fn from_parts(
        count: u32,
        sum_micro: i64,
        (min_micro, max_micro): (i64, i64),
        minutes: u64,
        flagged: u32,
    ) -> HourSums {
        let empty = HourSums { minutes, flagged, ..HourSums::default() };
        if count == 0 {
            return empty;
        }
        HourSums { sum_micro: i128::from(sum_micro), min_micro, max_micro, count, ..empty }
    }

    /// The sum in 10⁻⁶ units, saturating.
    pub fn sum_micro(&self) -> i64 {
        self.sum_micro.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }

    /// One bit for every covered minute.
    pub fn minutes(&self) -> u64 {
        self.minutes
    }

    /// How many readings count.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// How many readings were flagged and do not count.
    pub fn flagged(&self) -> u32 {
        self.flagged
    }

    /// The share of the hour, 0..=1, that counting readings stand for.
    pub fn coverage(&self) -> f64 {
        f64::from(self.minutes.count_ones()) / 60.0
    }

    /// The mean in 10⁻⁶ units, rounded half to even; `None` if nothing counts.
    pub fn mean_micro(&self) -> Option<i64> {
        if self.count == 0 {
            return None;
        }
        let n = i128::from(self.count);
        let (whole, rest) = (self.sum_micro.div_euclid(n), self.sum_micro.rem_euclid(n));
        let up = match (2 * rest).cmp(&n) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => whole & 1,
            std::cmp::Ordering::Greater => 1,
        };
        i64::try_from(whole + up).ok()
    }

    /// The smallest and the largest counting value, in 10⁻⁶ units.
    pub fn extremes_micro(&self) -> Option<(i64, i64)> {
        (self.count > 0).then_some((self.min_micro, self.max_micro))
    }

    fn widen(&mut self, value: i64) {
        self.min_micro = self.min_micro.min(value);
        self.max_micro = self.max_micro.max(value);
    }
}

fn bit(flag: Flag) -> u16 {
    1 << flag.code()
}

/// The minutes of its hour that a reading stands for: those whose middle lies in
/// `[at - covers/2, at + covers/2)`, so that n minutes of cover are n bits on
/// average, wherever the reading lies.
fn minutes(at: Stamp, covers: Duration) -> u64 {
    const ALL: u64 = (1 << 60) - 1;
    let covers = i64::try_from(covers.as_millis()).unwrap_or(HOUR_MS);
    if covers >= HOUR_MS {
        return ALL;
    }
    let begin = at.0.rem_euclid(HOUR_MS) - covers / 2;
    // The first minute whose middle is not before t: ⌈(t - ½ min) / 1 min⌉.
    let first_from = |t: i64| -(MINUTE_MS / 2 - t).div_euclid(MINUTE_MS);
    let (first, end) = (first_from(begin).clamp(0, 60), first_from(begin + covers).clamp(0, 60));
    (ALL >> (60 - end)) & !(ALL >> (60 - first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEN: Duration = Duration::from_secs(600);

    fn at(minute: i64, second: i64) -> Stamp {
        Stamp(7 * HOUR_MS + minute * MINUTE_MS + second * 1000)
    }

    #[test]
    fn a_series_hour_stays_small_and_survives_a_snapshot() {
        assert!(std::mem::size_of::<HourSums>() <= 64);
        let sums = HourSums::of([(at(3, 0), -81.84, Flag::Pass), (at(4, 0), 1.0, Flag::Fail)], TEN);
        let bytes = postcard::to_allocvec(&sums).unwrap();
        assert_eq!(postcard::from_bytes::<HourSums>(&bytes).unwrap(), sums);
    }

    #[test]
    fn values_become_exact_millionths_and_saturate() {
        assert_eq!(micro(81.84), 81_840_000);
        assert_eq!(micro(0.0000005), 0);
        assert_eq!(micro(0.0000015), 2);
        assert_eq!(micro(f64::INFINITY), MICRO_MAX);
        assert_eq!(micro(f64::NEG_INFINITY), -MICRO_MAX);
        assert_eq!(micro(f64::NAN), 0);
    }

    #[test]
    fn a_mean_is_rounded_half_to_even() {
        let mean = |micros: &[i64]| {
            let readings = micros.iter().map(|m| (at(0, 0), *m as f64 / 1e6, Flag::Pass));
            HourSums::of(readings, TEN).mean_micro()
        };
        assert_eq!(mean(&[1, 2]), Some(2));
        assert_eq!(mean(&[2, 3]), Some(2));
        assert_eq!(mean(&[-1, -2]), Some(-2));
        assert_eq!(mean(&[-2, -3]), Some(-2));
        assert_eq!(mean(&[1, 1, 2]), Some(1));
        assert_eq!(mean(&[]), None);
    }

    #[test]
    fn coverage_is_the_time_the_readings_stand_for() {
        let cover = |stamps: &[(i64, i64)], covers: u64| {
            let readings = stamps.iter().map(|(m, s)| (at(*m, *s), 1.0, Flag::Pass));
            HourSums::of(readings, Duration::from_secs(covers)).coverage() * 60.0
        };
        assert_eq!(cover(&[(30, 0)], 600), 10.0);
        assert_eq!(cover(&[(30, 0), (30, 10)], 600), 10.0);
        assert_eq!(cover(&[(0, 0)], 600), 5.0, "what lies before the hour is not its own");
        assert_eq!(cover(&[(59, 59)], 600), 5.0);
        assert_eq!(cover(&[(12, 30)], 60), 1.0);
        assert_eq!(cover(&[(12, 0)], 3600), 60.0);
        assert_eq!(cover(&[(12, 0)], u64::MAX), 60.0);
        assert_eq!(cover(&[(12, 0)], 0), 0.0);
        let every_minute: Vec<_> = (0..60).map(|m| (m, 30)).collect();
        assert_eq!(cover(&every_minute, 60), 60.0);
        let every_ten: Vec<_> = (0..6).map(|i| (i * 10, 0)).collect();
        assert_eq!(cover(&every_ten, 600), 55.0);
    }

    #[test]
    fn a_revision_corrects_the_mean_and_says_when_the_rest_is_in_doubt() {
        let mut sums = HourSums::default();
        for (minute, value) in [(10, 1.0), (20, 5.0), (30, 9.0)] {
            sums.add(at(minute, 0), value, Flag::Pass, TEN);
        }
        assert!(sums.replace(at(20, 0), (5.0, Flag::Pass), (6.5, Flag::Pass), TEN));
        assert_eq!(sums.mean_micro(), Some(5_500_000));
        assert!(!sums.replace(at(30, 0), (9.0, Flag::Pass), (7.0, Flag::Pass), TEN));
        assert_eq!(sums.extremes_micro(), Some((1_000_000, 9_000_000)));
        assert!(!sums.replace(at(30, 0), (7.0, Flag::Pass), (7.0, Flag::Fail), TEN));
        assert_eq!((sums.count(), sums.flagged(), sums.mean_micro()), (2, 1, Some(3_750_000)));
    }

    fn flag() -> impl Strategy<Value = Flag> {
        proptest::sample::select(vec![Flag::Pass, Flag::NotEvaluated, Flag::Suspect, Flag::Fail])
    }

    fn readings() -> impl Strategy<Value = Vec<(Stamp, f64, Flag)>> {
        let one = (0..HOUR_MS, -10.0f64..2000.0, flag()).prop_map(|(t, v, f)| (Stamp(t), v, f));
        proptest::collection::vec(one, 0..60)
    }

    proptest! {
        #[test]
        fn any_split_into_parts_merges_to_the_same(
            all in readings(),
            parts in proptest::collection::vec(0usize..4, 60),
        ) {
            let mut split = [HourSums::default(); 4];
            for ((at, value, flag), part) in all.iter().zip(&parts) {
                split[*part].add(*at, *value, *flag, TEN);
            }
            let mut merged = HourSums::default();
            for part in split.iter().rev() {
                merged.merge(part);
            }
            prop_assert_eq!(merged, HourSums::of(all, TEN));
        }

        #[test]
        fn a_replaced_reading_leaves_the_mean_of_what_is_there(
            mut all in readings(), value in 0.0f64..500.0, to in flag(),
        ) {
            prop_assume!(!all.is_empty());
            let mut sums = HourSums::of(all.clone(), TEN);
            let (at, was, flag) = all[0];
            let exact = sums.replace(at, (was, flag), (value, to), TEN);
            all[0] = (at, value, to);
            let summed = HourSums::of(all, TEN);
            prop_assert_eq!(sums.mean_micro(), summed.mean_micro());
            prop_assert_eq!((sums.count(), sums.flagged()), (summed.count(), summed.flagged()));
            prop_assert!(!exact || sums == summed);
        }

        #[test]
        fn readings_that_do_not_count_change_neither_mean_nor_coverage(all in readings()) {
            let sums = HourSums::of(all.clone(), TEN);
            let good = HourSums::of(all.into_iter().filter(|(_, _, f)| f.counts()), TEN);
            prop_assert_eq!(sums.mean_micro(), good.mean_micro());
            prop_assert_eq!(sums.coverage(), good.coverage());
            prop_assert_eq!(sums.extremes_micro(), good.extremes_micro());
        }
    }
}
