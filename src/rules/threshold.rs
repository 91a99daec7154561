//! The operator's immediate rule on the readings of one station.
//!
//! Of the last `of` counting readings of a station, by event time, at least
//! `readings` must reach the bound to raise it, and as many must lie below the
//! lift bound to lift it. While both hold it stays raised. A late reading takes
//! its place among them by its own time; one older than all of a full set
//! changes nothing. Silence changes nothing.

use super::data::Threshold;
use super::hours::{MICRO, micro};
use crate::air::{Flag, Stamp};

/// The level of a threshold that is raised.
pub const EMERGENCY: &str = "emergency";

/// One counting reading. The order is that of time, then of the device, so that
/// two devices of a station reporting at one instant both count and do not
/// depend on who came first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
struct Entry {
    at: Stamp,
    device: u32,
    micro: i64,
}

impl Entry {
    fn key(&self) -> (Stamp, u32) {
        (self.at, self.device)
    }
}

/// One threshold at one station.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct ThresholdState {
    raised: bool,
    since: Option<Stamp>,
    /// The last counting readings, oldest first.
    ring: Vec<Entry>,
    /// The latest instant of any step told.
    told: Option<Stamp>,
    /// Steps told for an instant that was not after all told before.
    repeats: u32,
}

/// A threshold was raised or lifted.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdStep {
    /// Raised, or lifted.
    pub raised: bool,
    /// The time of the last reading that the criterion rests on.
    pub at: Stamp,
    /// The value of that reading, in the quantity's unit.
    pub value: f64,
    /// The readings looked at, oldest first: time, device, value.
    pub inputs: Vec<(Stamp, u32, f64)>,
    /// 0, or the number of this step among those told for an instant that was
    /// not after all told before.
    pub repeat: u32,
}

impl ThresholdState {
    /// A threshold that is not raised and has seen nothing.
    pub fn new() -> ThresholdState {
        ThresholdState::default()
    }

    /// Takes one reading of a device of the station; `value_micro` in 10⁻⁶ units
    /// as of [`micro`].
    ///
    /// A reading of the same device and time replaces the one taken before: a
    /// repetition changes nothing, a revision counts instead. A reading whose
    /// flag does not count takes the one before out, and else changes nothing.
    pub fn reading(
        &mut self,
        rule: &Threshold,
        at: Stamp,
        device: u32,
        value_micro: i64,
        flag: Flag,
    ) -> Option<ThresholdStep> {
        let entry = Entry { at, device, micro: value_micro };
        let place = self.ring.binary_search_by_key(&entry.key(), Entry::key);
        match (place, flag.counts()) {
            (Ok(index), true) => {
                if let Some(old) = self.ring.get_mut(index) {
                    *old = entry;
                }
            }
            (Ok(index), false) => {
                self.ring.remove(index);
            }
            (Err(index), true) => self.ring.insert(index, entry),
            (Err(_), false) => return None,
        }
        let excess = self.ring.len().saturating_sub(usize::from(rule.of));
        self.ring.drain(..excess);
        self.judge(rule)
    }

    /// Whether it is raised.
    pub fn raised(&self) -> bool {
        self.raised
    }

    /// When it last moved: the time of the last reading that step rested on.
    pub fn since(&self) -> Option<Stamp> {
        self.since
    }

    /// The readings it looks at, oldest first: time, device, value.
    pub fn inputs(&self) -> impl DoubleEndedIterator<Item = (Stamp, u32, f64)> + '_ {
        self.ring.iter().map(|e| (e.at, e.device, unit(e.micro)))
    }

    /// The step that led to where it stands, as far as its last readings tell.
    pub fn standing(&self) -> Option<ThresholdStep> {
        let inputs: Vec<_> = self.inputs().collect();
        Some(ThresholdStep {
            raised: self.raised,
            at: self.since?,
            value: inputs.last().map_or(0.0, |(_, _, value)| *value),
            inputs,
            repeat: 0,
        })
    }

    fn judge(&mut self, rule: &Threshold) -> Option<ThresholdStep> {
        let (high, low) = (micro(rule.at_least), micro(rule.lift_below));
        let raise = self.met(rule, |e| e.micro >= high);
        let last = match (self.raised, raise) {
            (false, raise) => raise,
            (true, Some(_)) => None,
            (true, None) => self.met(rule, |e| e.micro < low),
        }?;
        self.raised = !self.raised;
        self.since = Some(last.at);
        let repeat = self.tell(last.at);
        Some(ThresholdStep {
            raised: self.raised,
            at: last.at,
            value: unit(last.micro),
            inputs: self.inputs().collect(),
            repeat,
        })
    }

    /// The last of the readings that satisfy a criterion, if enough do.
    fn met(&self, rule: &Threshold, satisfies: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let mut satisfying = self.ring.iter().rev().filter(|e| satisfies(e));
        let last = satisfying.next().copied()?;
        (satisfying.count() + 1 >= usize::from(rule.readings)).then_some(last)
    }

    fn tell(&mut self, at: Stamp) -> u32 {
        if self.told.is_some_and(|told| at <= told) {
            self.repeats = self.repeats.saturating_add(1);
            return self.repeats;
        }
        self.told = Some(at);
        0
    }
}

fn unit(micros: i64) -> f64 {
    micros as f64 / MICRO as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::Quantity;
    use proptest::prelude::*;

    fn rule(readings: u8, of: u8) -> Threshold {
        Threshold {
            id: "emergency-pm25".into(),
            quantity: Quantity::Pm2_5,
            at_least: 150.0,
            readings,
            of,
            lift_below: 75.0,
        }
    }

    fn read(state: &mut ThresholdState, at: i64, value: f64) -> Option<ThresholdStep> {
        state.reading(&rule(2, 3), Stamp(at), 0, micro(value), Flag::Pass)
    }

    #[test]
    fn two_of_three_raise_at_150_and_two_of_three_below_75_lift() {
        let mut state = ThresholdState::new();
        assert_eq!(read(&mut state, 1, 150.0), None);
        assert_eq!(read(&mut state, 2, 149.999999), None);
        let step = read(&mut state, 3, 150.0).unwrap();
        assert!(step.raised && state.raised());
        assert_eq!((step.at, step.value, step.inputs.len()), (Stamp(3), 150.0, 3));
        assert_eq!(state.since(), Some(Stamp(3)));
        for (at, value) in [(4, 75.0), (5, 100.0), (6, 74.9), (7, 75.0)] {
            assert_eq!(read(&mut state, at, value), None, "{at}");
        }
        let step = read(&mut state, 8, 74.9).unwrap();
        assert!(!step.raised && step.at == Stamp(8));
    }

    #[test]
    fn while_both_criteria_hold_it_stays_raised() {
        let (mut state, r) = (ThresholdState::new(), rule(2, 4));
        let moves: Vec<(i64, bool)> = (1..)
            .zip([200.0, 200.0, 20.0, 20.0, 20.0])
            .filter_map(|(at, v)| state.reading(&r, Stamp(at), 0, micro(v), Flag::Pass))
            .map(|step| (step.at.0, step.raised))
            .collect();
        assert_eq!(moves, [(2, true), (5, false)]);
    }

    #[test]
    fn the_state_survives_a_snapshot() {
        let mut state = ThresholdState::new();
        read(&mut state, 1, 200.0);
        read(&mut state, 2, 200.0);
        let bytes = postcard::to_allocvec(&state).unwrap();
        assert_eq!(postcard::from_bytes::<ThresholdState>(&bytes).unwrap(), state);
    }

    #[test]
    fn a_partly_filled_set_can_raise() {
        let mut state = ThresholdState::new();
        read(&mut state, 1, 200.0);
        assert!(read(&mut state, 2, 200.0).unwrap().raised);
    }

    #[test]
    fn a_repeated_reading_counts_once_and_a_revision_counts_instead() {
        let mut state = ThresholdState::new();
        assert_eq!(read(&mut state, 1, 200.0), None);
        assert_eq!(read(&mut state, 1, 200.0), None);
        assert_eq!(read(&mut state, 2, 20.0), None);
        assert!(read(&mut state, 2, 190.0).unwrap().raised);
    }

    #[test]
    fn two_devices_at_one_instant_both_count() {
        let mut state = ThresholdState::new();
        let r = rule(2, 3);
        assert_eq!(state.reading(&r, Stamp(1), 7, micro(160.0), Flag::Pass), None);
        let step = state.reading(&r, Stamp(1), 3, micro(170.0), Flag::Pass).unwrap();
        assert_eq!(step.inputs, [(Stamp(1), 3, 170.0), (Stamp(1), 7, 160.0)]);
    }

    #[test]
    fn a_late_reading_takes_its_place_and_one_older_than_all_changes_nothing() {
        let mut state = ThresholdState::new();
        for (at, value) in [(10, 200.0), (30, 20.0), (40, 20.0)] {
            assert_eq!(read(&mut state, at, value), None);
        }
        assert_eq!(read(&mut state, 5, 200.0), None);
        assert_eq!(state.inputs().next(), Some((Stamp(10), 0, 200.0)));
        assert_eq!(read(&mut state, 20, 200.0), None, "10 fell out as 20 came in");
        assert_eq!(read(&mut state, 25, 200.0), None);
        assert_eq!(read(&mut state, 35, 200.0), None);
        assert!(read(&mut state, 36, 200.0).unwrap().raised, "35, 36 and 40 are the last");
    }

    #[test]
    fn a_reading_revised_to_be_bad_leaves_and_does_not_lift() {
        let mut state = ThresholdState::new();
        read(&mut state, 1, 200.0);
        read(&mut state, 2, 200.0);
        assert_eq!(state.reading(&rule(2, 3), Stamp(2), 0, micro(1.0), Flag::Fail), None);
        assert!(state.raised());
        assert_eq!(state.inputs().count(), 1);
    }

    #[test]
    fn a_step_taken_again_at_the_same_instant_is_told_apart() {
        let (mut state, r) = (ThresholdState::new(), rule(1, 1));
        let repeats: Vec<u32> = [200.0, 20.0, 200.0]
            .into_iter()
            .filter_map(|v| state.reading(&r, Stamp(1), 0, micro(v), Flag::Pass))
            .map(|step| step.repeat)
            .collect();
        assert_eq!(repeats, [0, 1, 2]);
    }

    fn readings() -> impl Strategy<Value = Vec<(i64, u32, i64)>> {
        proptest::collection::btree_map((0i64..30, 0u32..3), 0i64..300, 0..40)
            .prop_map(|m| m.into_iter().map(|((at, d), v)| (at, d, v * MICRO)).collect())
    }

    fn ring(readings: &[(i64, u32, i64)], rule: &Threshold) -> Vec<Entry> {
        let mut state = ThresholdState::new();
        for (at, device, value) in readings {
            state.reading(rule, Stamp(*at), *device, *value, Flag::Pass);
        }
        state.ring
    }

    proptest! {
        #[test]
        fn any_order_leaves_the_same_last_readings(
            (sorted, shuffled) in readings().prop_flat_map(|r| (Just(r.clone()), Just(r).prop_shuffle())),
            of in 1u8..6,
        ) {
            let r = rule(1, of);
            let last = sorted.len().saturating_sub(usize::from(of));
            prop_assert_eq!(ring(&shuffled, &r), ring(&sorted[last..], &r));
        }

        #[test]
        fn readings_that_do_not_count_never_raise(
            all in readings(),
            flag in proptest::sample::select(vec![Flag::Suspect, Flag::Fail, Flag::Missing]),
        ) {
            let mut state = ThresholdState::new();
            for (at, device, value) in all {
                prop_assert_eq!(state.reading(&rule(1, 3), Stamp(at), device, value, flag), None);
            }
            prop_assert_eq!(state, ThresholdState::new());
        }

        #[test]
        fn steps_alternate_and_begin_with_a_raise(
            all in readings().prop_flat_map(|r| Just(r).prop_shuffle()),
        ) {
            let mut state = ThresholdState::new();
            let steps: Vec<bool> = all
                .iter()
                .filter_map(|(at, d, v)| state.reading(&rule(2, 4), Stamp(*at), *d, *v, Flag::Pass))
                .map(|step| step.raised)
                .collect();
            prop_assert!(steps.iter().enumerate().all(|(i, raised)| *raised == (i % 2 == 0)));
        }
    }
}
