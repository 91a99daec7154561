use super::*;
use crate::rules::{builtin, micro};
use proptest::prelude::*;

const SHARE: f64 = 0.5;

fn kr() -> Vec<Ruleset> {
    builtin().unwrap().remove("kr-air-alert").unwrap()
}

fn first() -> Hour {
    Stamp::parse("2022-01-08T00:00:00Z").unwrap().hour()
}

fn hour(offset: i32, mean: Option<f64>) -> ZoneHour {
    ZoneHour::from_means(Hour(first().0 + offset), mean.map(micro), 1, SHARE)
}

fn end(offset: i32) -> Stamp {
    Hour(first().0 + offset).end()
}

/// Judges these means one after another; what came of it as (offset, from, to).
fn judge(
    state: &mut LadderState,
    rules: &LadderRules,
    means: &[f64],
) -> Vec<(i32, String, String)> {
    let from = state.last().map_or(0, |h| h.0 - first().0 + 1);
    let hours = (from..).zip(means).map(|(i, m)| hour(i, Some(*m).filter(|m| m.is_finite())));
    hours
        .filter_map(|h| state.close(rules, h))
        .map(|s| (s.at.hour().0 - 1 - first().0, s.from, s.to))
        .collect()
}

#[test]
fn a_raise_carries_the_hours_it_rests_on() {
    let kr = kr();
    let rules = LadderRules::new(&kr, "kr-pm25", 72);
    let mut state = LadderState::new();
    assert_eq!(state.close(&rules, hour(0, Some(74.9))), None);
    assert_eq!(state.close(&rules, hour(1, Some(75.0))), None);
    let step = state.close(&rules, hour(2, Some(80.0))).unwrap();
    assert_eq!(step.inputs, [hour(1, Some(75.0)), hour(2, Some(80.0))]);
    assert_eq!((step.value, step.at, step.why), (80.0, end(2), Why::Raised));
    assert_eq!(step.ruleset, "kr-air-alert@2018-07-01");
    assert_eq!((state.level(), state.since()), ("advisory", Some(end(2))));
}

#[test]
fn hours_that_never_come_break_a_run_and_lift_nothing() {
    let kr = kr();
    let rules = LadderRules::new(&kr, "kr-pm25", 72);
    let mut state = LadderState::new();
    assert_eq!(state.close(&rules, hour(0, Some(90.0))), None);
    assert_eq!(state.close(&rules, hour(2, Some(90.0))), None, "hour 1 is not there");
    assert!(state.close(&rules, hour(3, Some(90.0))).is_some());
    assert_eq!(state.close(&rules, hour(500, Some(60.0))), None);
    assert_eq!(state.level(), "advisory");
}

#[test]
fn unknown_lasts_from_the_first_hour_without_data_to_the_next_with() {
    let kr = kr();
    let rules = LadderRules::new(&kr, "kr-pm25", 72);
    let mut state = LadderState::new();
    assert_eq!(state.unknown_since(), None);
    judge(&mut state, &rules, &[50.0, f64::NAN, f64::NAN]);
    assert_eq!(state.unknown_since(), Some(end(0)));
    judge(&mut state, &rules, &[50.0]);
    assert_eq!(state.unknown_since(), None);
    state.close(&rules, hour(9, None));
    assert_eq!(state.unknown_since(), Some(end(3)), "the hours left out were unknown, too");
}

#[test]
fn an_hour_judged_already_is_not_judged_again() {
    let kr = kr();
    let rules = LadderRules::new(&kr, "kr-pm25", 72);
    let mut state = LadderState::new();
    judge(&mut state, &rules, &[90.0]);
    let before = state.clone();
    assert_eq!(state.close(&rules, hour(0, Some(10.0))), None);
    assert_eq!(state.close(&rules, hour(-5, Some(10.0))), None);
    assert_eq!(state, before);
}

/// A ladder of any number of levels: raised after 1, 2, 3, … hours at 100, 200, 300, …,
/// lifted below 50, 150, 250, …
fn tall(levels: usize) -> Vec<Ruleset> {
    let mut kr = kr();
    let ladder = &mut kr[1].ladders[0];
    let model = ladder.levels[0].clone();
    ladder.levels = (0..levels)
        .map(|i| {
            let mut level = model.clone();
            level.name = format!("l{}", i + 1);
            level.raise.at_least = 100.0 * (i + 1) as f64;
            level.raise.hours = i as u8 + 1;
            level.lift.below = level.raise.at_least - 50.0;
            level
        })
        .collect();
    kr
}

#[test]
fn a_ladder_may_have_any_number_of_levels_and_hours() {
    let versions = tall(4);
    let rules = LadderRules::new(&versions, "kr-pm25", 72);
    let means = [450.0, 450.0, 450.0, 450.0, 200.0, 40.0, 300.0];
    let moves = judge(&mut LadderState::new(), &rules, &means);
    let moves: Vec<(i32, &str, &str)> =
        moves.iter().map(|(at, from, to)| (*at, from.as_str(), to.as_str())).collect();
    assert_eq!(
        moves,
        [
            (0, "none", "l1"),
            (1, "l1", "l2"),
            (2, "l2", "l3"),
            (3, "l3", "l4"),
            (4, "l4", "l2"),
            (5, "l2", "none"),
            (6, "none", "l1")
        ]
    );
}

#[test]
fn a_level_that_a_new_version_does_not_know_is_lifted_only_by_data() {
    let (old, new) = (tall(3), kr());
    let mut state = LadderState::new();
    judge(&mut state, &LadderRules::new(&old, "kr-pm25", 72), &[350.0, 350.0, 350.0]);
    assert_eq!(state.level(), "l3");
    let rules = LadderRules::new(&new, "kr-pm25", 72);
    assert_eq!(judge(&mut state, &rules, &[f64::NAN, 75.0]), []);
    assert_eq!(judge(&mut state, &rules, &[74.0]), [(5, "l3".into(), "advisory".into())]);
}

#[test]
fn a_late_hour_raises_what_would_have_been_raised() {
    let kr = kr();
    let rules = LadderRules::new(&kr, "kr-pm25", 72);
    let mut state = LadderState::new();
    assert_eq!(judge(&mut state, &rules, &[80.0, f64::NAN, 60.0]), []);
    let revision = state.revise(&rules, hour(1, Some(80.0))).unwrap();
    let live = revision.live.unwrap();
    assert_eq!((&*live.from, &*live.to, live.at), ("none", "advisory", end(1)));
    assert_eq!((live.late, live.repeat, live.why), (true, 0, Why::Raised));
    assert_eq!((revision.added.len(), revision.retracted.len()), (1, 0));
    assert_eq!((state.level(), state.since()), ("advisory", Some(end(1))));
}

#[test]
fn a_late_hour_takes_back_what_does_not_hold_and_the_same_again_is_told_apart() {
    let kr = kr();
    let rules = LadderRules::new(&kr, "kr-pm25", 72);
    let mut state = LadderState::new();
    judge(&mut state, &rules, &[80.0, 80.0]);
    let live = state.revise(&rules, hour(1, Some(70.0))).unwrap().live.unwrap();
    assert_eq!((&*live.from, &*live.to, live.at), ("advisory", "none", end(1)));
    assert_eq!((live.why, live.value, live.repeat, live.late), (Why::Retracted, 70.0, 1, false));
    assert_eq!(live.inputs, [hour(0, Some(80.0)), hour(1, Some(70.0))]);
    let english = live.criterion.en.unwrap();
    assert!(english.contains("no longer met: hourly zone mean ≥ 75"), "{english}");
    let again = state.revise(&rules, hour(1, Some(80.0))).unwrap().live.unwrap();
    assert_eq!((&*again.to, again.at, again.repeat), ("advisory", end(1), 2));
}

#[test]
fn a_lift_taken_back_restores_the_level() {
    let kr = kr();
    let rules = LadderRules::new(&kr, "kr-pm25", 72);
    let mut state = LadderState::new();
    judge(&mut state, &rules, &[80.0, 80.0, 30.0, 40.0]);
    assert_eq!(state.level(), "none");
    let live = state.revise(&rules, hour(2, Some(36.0))).unwrap().live.unwrap();
    assert_eq!((&*live.from, &*live.to, live.at), ("none", "advisory", end(2)));
    assert_eq!((live.why, live.late), (Why::Retracted, true));
    assert_eq!(state.since(), Some(end(1)), "it has stood since it was first raised");
}

#[test]
fn a_revision_that_leaves_the_present_as_it_is_tells_nothing() {
    let kr = kr();
    let rules = LadderRules::new(&kr, "kr-pm25", 72);
    let mut state = LadderState::new();
    judge(&mut state, &rules, &[80.0, 70.0, 80.0, 80.0, 20.0]);
    let revision = state.revise(&rules, hour(1, Some(75.0))).unwrap();
    assert_eq!(revision.live, None);
    let at = |steps: &[Step]| steps.iter().map(|s| s.at).collect::<Vec<_>>();
    assert_eq!((at(&revision.added), at(&revision.retracted)), (vec![end(1)], vec![end(3)]));
    let same = state.revise(&rules, hour(1, Some(75.0))).unwrap();
    assert_eq!(same, Revision::default());
}

#[test]
fn hours_outside_the_time_for_revision_are_left_alone() {
    let kr = kr();
    let rules = LadderRules::new(&kr, "kr-pm25", 3);
    let mut state = LadderState::new();
    assert_eq!(state.revise(&rules, hour(0, Some(80.0))), None);
    judge(&mut state, &rules, &[60.0; 10]);
    let before = state.clone();
    assert_eq!(state.revise(&rules, hour(10, Some(80.0))), None, "not judged yet");
    assert_eq!(state.revise(&rules, hour(6, Some(80.0))), None, "three hours are open: 7, 8, 9");
    assert_eq!(state, before);
    assert!(state.revise(&rules, hour(7, Some(80.0))).is_some());
    assert_eq!(state.hours.len(), 4, "the open hours, and one to look back to");
    assert_eq!(state.level(), "none");
    state.revise(&rules, hour(8, Some(80.0)));
    assert_eq!(state.level(), "advisory");
}

#[test]
fn the_state_survives_a_snapshot_and_does_not_grow() {
    let kr = kr();
    let rules = LadderRules::new(&kr, "kr-pm25", 72);
    let mut state = LadderState::new();
    judge(&mut state, &rules, &[80.0; 1000]);
    assert_eq!(state.hours.len(), 73);
    let bytes = postcard::to_allocvec(&state).unwrap();
    assert!(bytes.len() < 73 * 16 + 100, "{}", bytes.len());
    assert_eq!(postcard::from_bytes::<LadderState>(&bytes).unwrap(), state);
}

fn mean() -> impl Strategy<Value = Option<f64>> {
    let near = [20.0, 34.9, 35.0, 60.0, 74.9, 75.0, 100.0, 149.9, 150.0, 200.0];
    prop_oneof![1 => Just(None), 6 => proptest::sample::select(near.to_vec()).prop_map(Some)]
}

proptest! {
    #[test]
    fn late_corrections_in_any_order_end_as_if_all_had_come_in_time(
        (right, order) in proptest::collection::vec(mean(), 1..60).prop_flat_map(|right| {
            let order: Vec<usize> = (0..right.len()).collect();
            (Just(right), Just(order).prop_shuffle())
        }),
        // What is known of each hour when it closes: nothing, something else, or the truth.
        first_seen in proptest::collection::vec(
            prop_oneof![Just(None), mean().prop_map(Some)], 60),
        left_out in proptest::collection::vec(any::<bool>(), 60),
    ) {
        let kr = kr();
        let rules = LadderRules::new(&kr, "kr-pm25", 1000);
        let (mut late, mut in_time) = (LadderState::new(), LadderState::new());
        for (i, right) in right.iter().enumerate() {
            let last = i + 1 == order.len();
            if last || !left_out[i] {
                late.close(&rules, hour(i as i32, first_seen[i].unwrap_or(*right)));
            }
            in_time.close(&rules, hour(i as i32, *right));
        }
        for i in order {
            let before = late.level().to_owned();
            let revision = late.revise(&rules, hour(i as i32, right[i])).unwrap();
            match revision.live {
                Some(step) => {
                    prop_assert_eq!((&step.from, &*step.to), (&before, late.level()));
                    prop_assert!(step.from != step.to);
                }
                None => prop_assert_eq!(before, late.level()),
            }
        }
        prop_assert_eq!(&late.now, &in_time.now);
        prop_assert_eq!(late.hours, in_time.hours);
    }

    #[test]
    fn every_told_step_starts_where_the_one_before_ended_and_has_a_number_of_its_own(
        means in proptest::collection::vec(mean(), 1..40),
        corrections in proptest::collection::vec((0usize..40, mean()), 0..40),
    ) {
        let kr = kr();
        let rules = LadderRules::new(&kr, "kr-pm25", 20);
        let mut state = LadderState::new();
        let mut told = Vec::new();
        let mut corrections = corrections.into_iter();
        for (i, mean) in means.into_iter().enumerate() {
            told.extend(state.close(&rules, hour(i as i32, mean)));
            if let Some((j, mean)) = corrections.next() {
                told.extend(state.revise(&rules, hour(j as i32, mean)).and_then(|r| r.live));
            }
        }
        for pair in told.windows(2) {
            prop_assert_eq!(&pair[0].to, &pair[1].from);
        }
        let mut keys: Vec<_> =
            told.iter().map(|s| (s.at, s.from.clone(), s.to.clone(), s.repeat)).collect();
        keys.sort();
        let all = keys.len();
        keys.dedup();
        prop_assert_eq!(keys.len(), all);
    }

    #[test]
    fn how_long_hours_are_kept_does_not_change_what_is_judged_in_time(
        means in proptest::collection::vec(mean(), 1..80), keep in 0i32..10,
    ) {
        let kr = kr();
        let (short, long) = (LadderRules::new(&kr, "kr-pm25", keep), LadderRules::new(&kr, "kr-pm25", 1000));
        let (mut a, mut b) = (LadderState::new(), LadderState::new());
        for (i, mean) in means.iter().enumerate() {
            prop_assert_eq!(
                a.close(&short, hour(i as i32, *mean)),
                b.close(&long, hour(i as i32, *mean))
            );
            prop_assert!(a.hours.len() as i32 <= keep + 1);
        }
        prop_assert_eq!(a.replay(&short).0, b.now);
    }

    #[test]
    fn silence_never_changes_a_level(
        means in proptest::collection::vec(mean(), 1..40), silence in 1i32..200, spoken: bool,
    ) {
        let kr = kr();
        let rules = LadderRules::new(&kr, "kr-pm25", 5);
        let mut state = LadderState::new();
        for (i, mean) in means.iter().enumerate() {
            state.close(&rules, hour(i as i32, *mean));
        }
        let (level, since) = (state.level().to_owned(), state.since());
        let end = means.len() as i32 + silence;
        // Every hour without data, or only the last: the others never come.
        let from = if spoken { means.len() as i32 } else { end };
        for i in from..=end {
            prop_assert_eq!(state.close(&rules, hour(i, None)), None);
        }
        prop_assert_eq!((state.level(), state.since()), (&*level, since));
        prop_assert!(state.unknown_since().is_some());
    }
}
