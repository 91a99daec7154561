//! Whatever happens, in whatever order, told once or twice, with the process
//! ending at any point and the clock looked at often or seldom.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Reminders often enough to come between, seldom enough to be quick.
fn calm() -> Plan {
    Plan { remind_every: minutes(170), remind_close_every: minutes(400), ..plan() }
}

/// What happens in a story; times are minutes after what happened before.
#[derive(Debug, Clone)]
struct Turn {
    after: u64,
    event: Event,
}

#[derive(Debug, Clone)]
enum Event {
    Change { zone: &'static str, to: &'static str, exercise: bool },
    Act { party: &'static str, case: &'static str, does: u8 },
    Open { party: &'static str, exercise: bool },
}

fn turn() -> impl Strategy<Value = Turn> {
    let zone = prop::sample::select(vec!["seoul", "shandong"]);
    let level = prop::sample::select(vec![NONE, "advisory", "warning", "warning"]);
    let party = || prop::sample::select(vec!["KR", "CN", "KR", "CN", "JP", "operator"]);
    let case = prop::sample::select(vec![CASE, CASE, CASE, "2022-0002", "EX-2022-0001"]);
    let event = prop_oneof![
        3 => (zone, level, prop::bool::weighted(0.1))
            .prop_map(|(zone, to, exercise)| Event::Change { zone, to, exercise }),
        5 => (party(), case, 0u8..7).prop_map(|(party, case, does)| Event::Act { party, case, does }),
        1 => (party(), any::<bool>()).prop_map(|(party, exercise)| Event::Open { party, exercise }),
    ];
    let after = prop_oneof![Just(0), 1u64..20, 20u64..200, 200u64..2_000];
    (after, event).prop_map(|(after, event)| Turn { after, event })
}

/// The happenings of a story with their times.
fn happenings(turns: &[Turn]) -> Vec<(Stamp, Happening)> {
    let mut minute = 0;
    let place = |(i, turn): (usize, &Turn)| {
        minute += turn.after;
        let now = at(minute);
        let who = |party: &str| if party == "operator" { operator() } else { officer(party) };
        let happening = match &turn.event {
            Event::Change { zone, to, exercise } => {
                let Happening::Change { mut change, .. } = changed(zone, "any", to, now) else {
                    unreachable!()
                };
                change.id = format!("change-{i}");
                Happening::Change { change, exercise: *exercise }
            }
            Event::Open { party, exercise } => open_by_hand(who(party), *exercise),
            Event::Act { party, case, does } => {
                let incident = (*case).to_owned();
                act(
                    who(party),
                    match does {
                        0 | 1 => Does::Acknowledge { incident },
                        2 => Does::Share { incident, measure: measure(now, None) },
                        3 => Does::Note { incident, text: format!("note {i}") },
                        4 => Does::End { at: None, incident, measure: 4 },
                        _ => Does::Close { incident },
                    },
                )
            }
        };
        (now, happening)
    };
    turns.iter().enumerate().map(place).collect()
}

/// Plays a story with the clock looked at whenever something is due.
fn undisturbed(story: &[(Stamp, Happening)]) -> Told {
    let mut told = Told::new(calm());
    for (now, event) in story {
        told.wait_until(*now);
        told.recorded.extend(told.hotline.happened(event, *now).recorded);
    }
    let end = story.last().map_or(at(0), |(now, _)| *now);
    told.wait_until(end.plus(minutes(1_600)));
    told
}

/// What happened, without when and without the reminders: the only things that
/// may differ when nobody looked at the clock for a while.
fn gist(recorded: &[Recorded]) -> Vec<String> {
    let kept = recorded.iter().filter(|r| r.entry.what.kind() != Kind::Reminder);
    kept.map(|r| format!("{} {:?} {:?}", r.entry.incident, r.entry.what, r.entry.who)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn restarts_repetitions_and_idle_looks_at_the_clock_change_not_one_byte(
        turns in prop::collection::vec(turn(), 1..40),
        noise in prop::collection::vec((any::<bool>(), any::<bool>(), 0u64..30), 40),
    ) {
        let story = happenings(&turns);
        let expected = undisturbed(&story);
        let mut told = Told::new(calm());
        let mut changes: Vec<Happening> = Vec::new();
        for ((now, event), (twice, restart, early)) in story.iter().zip(noise) {
            if now.minus(minutes(early)) >= told.hotline.clock {
                told.wait_until(now.minus(minutes(early)));
            }
            if restart {
                told.restart();
            }
            told.wait_until(*now);
            told.recorded.extend(told.hotline.happened(event, *now).recorded);
            if twice {
                let again = told.hotline.happened(event, *now);
                prop_assert_eq!(again.recorded, Vec::new());
                for old in &changes {
                    prop_assert_eq!(told.hotline.happened(old, *now).recorded, Vec::new());
                }
            }
            if matches!(event, Happening::Change { .. }) {
                changes.push(event.clone());
            }
        }
        let end = story.last().map_or(at(0), |(now, _)| *now);
        told.restart();
        told.wait_until(end.plus(minutes(1_600)));
        prop_assert_eq!(told.recorded, expected.recorded);
    }

    #[test]
    fn a_clock_that_nobody_looked_at_changes_no_more_than_times_and_reminders(
        turns in prop::collection::vec(turn(), 1..40),
    ) {
        let story = happenings(&turns);
        let expected = undisturbed(&story);
        let mut late = Told::new(calm());
        for (now, event) in &story {
            late.recorded.extend(late.hotline.happened(event, *now).recorded);
        }
        let end = story.last().map_or(at(0), |(now, _)| *now);
        let out = late.hotline.happened(&Happening::Tick, end.plus(minutes(1_600)));
        late.recorded.extend(out.recorded);
        prop_assert_eq!(gist(&late.recorded), gist(&expected.recorded));
    }

    #[test]
    fn what_must_hold_holds_in_every_story(turns in prop::collection::vec(turn(), 1..60)) {
        let told = undisturbed(&happenings(&turns));
        let mut ids = BTreeSet::new();
        for telling in told.recorded.iter().flat_map(|r| &r.tellings) {
            prop_assert!(ids.insert(telling.id.clone()), "told twice: {telling:?}");
        }
        for transcript in transcripts(&told) {
            prop_assert_eq!(verify(&transcript, transcript.last().map(|e| &*e.hash)), Ok(()));
            holds(&transcript)?;
        }
    }

    #[test]
    fn an_incident_is_what_its_transcript_says(turns in prop::collection::vec(turn(), 1..60)) {
        let told = undisturbed(&happenings(&turns));
        for transcript in transcripts(&told) {
            let first = &transcript[0];
            let What::Opened { case, cause, change, exercise, group, level, standing, text, .. } =
                first.what.clone() else { panic!("{first:?}") };
            let opening =
                incident::Opening { group, cause, exercise, change, level, standing, text };
            let mut told_anew = Incident::new(&opening, &case, first.at);
            transcript.iter().for_each(|entry| told_anew.apply(entry));
            if let Some(kept) = told.hotline.incident(&first.incident) {
                prop_assert_eq!(&told_anew, kept);
            }
        }
    }
}

/// The transcripts of a story, one an incident.
fn transcripts(told: &Told) -> Vec<Vec<Entry>> {
    let entries = told.entries();
    let ids: BTreeSet<&str> = entries.iter().map(|e| e.incident.as_str()).collect();
    let of = |id: &str| entries.iter().filter(|e| e.incident == id).cloned().collect();
    ids.into_iter().map(of).collect()
}

/// No step twice, nobody called who knows, nothing closed that not all agreed to,
/// nobody but a party acting for it.
fn holds(transcript: &[Entry]) -> Result<(), TestCaseError> {
    let mut climbed = BTreeSet::new();
    let mut knows = BTreeSet::new();
    let mut agreed = BTreeSet::new();
    for entry in transcript {
        let author = entry.who.party().cloned();
        match &entry.what {
            What::Opened { .. } | What::Reopened { .. } => {
                (climbed, knows, agreed) = Default::default();
            }
            What::Escalated { party, step, .. } => {
                prop_assert!(climbed.insert((party.clone(), *step)), "{entry:?}");
                prop_assert!(!knows.contains(party), "{entry:?}");
            }
            What::Level { lifted: false, .. } => agreed.clear(),
            What::Acknowledged => drop(knows.insert(author.clone().unwrap())),
            What::Agreed => drop(agreed.insert(author.clone().unwrap())),
            What::Closed => prop_assert_eq!(agreed.len(), 2),
            _ => {}
        }
        let acts = matches!(
            entry.what,
            What::Acknowledged | What::Agreed | What::Measure { .. } | What::Ended { .. }
        );
        prop_assert!(!acts || author.as_deref().is_some_and(|a| a == "KR" || a == "CN"));
    }
    Ok(())
}
