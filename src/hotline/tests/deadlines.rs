//! Who is called when, and who is left alone.

use super::*;

#[test]
fn both_desks_are_called_at_once_and_asked_to_acknowledge_by_a_deadline() {
    let told_of = warned(at(0)).recorded;
    assert_eq!(kinds(&told_of), ["opened"]);
    assert_eq!(told(&told_of, Kind::Opened), ["kr-desk", "cn-desk"]);
    let What::Opened { case, parties, .. } = &told_of[0].entry.what else { panic!() };
    assert_eq!(case, CASE);
    assert!(parties.iter().all(|p| p.acknowledge_by == at(15)));
}

#[test]
fn who_does_not_acknowledge_is_called_up_its_ladder_and_the_other_sees_it() {
    let mut story = warned(at(0));
    story.does(&acknowledge("KR"), at(3));
    let after = story.wait_until(at(50));
    assert_eq!(kinds(&after), ["escalated", "overdue", "escalated"]);
    assert_eq!(told(&after, Kind::Escalated), ["kr-desk", "cn-director", "kr-desk", "cn-minister"]);
    assert_eq!(told(&after, Kind::Overdue), ["kr-desk", "cn-desk", "cn-director"]);
}

#[test]
fn a_party_that_acknowledged_is_not_reminded_and_the_other_is() {
    let mut story = warned(at(0));
    story.does(&acknowledge("KR"), at(3));
    let after = story.wait_until(at(119));
    let reminded = told(&after, Kind::Reminder);
    assert_eq!(reminded, ["cn-desk", "cn-director", "cn-minister"].repeat(2));
}

#[test]
fn reminders_come_back_for_a_party_that_shares_nothing_and_end_when_it_does() {
    let mut story = warned(at(0));
    story.does(&acknowledge("KR"), at(3));
    story.does(&acknowledge("CN"), at(4));
    story.does(&note("CN", "Factories are held back"), at(60));
    let after = story.wait_until(at(123 + 61));
    assert_eq!(kinds(&after), ["overdue", "reminder", "reminder"]);
    let owing = |r: &Recorded| match &r.entry.what {
        What::Overdue { party, owed, .. } | What::Reminder { party, owed, .. } => {
            (party == "KR", *owed)
        }
        _ => panic!(),
    };
    assert!(after.iter().all(|r| owing(r) == (true, Owed::Share)));
    story.does(&share("KR", measure(at(200), None)), at(190));
    assert_eq!(kinds(&story.wait_until(at(190 + 24 * 60 - 200))), [""; 0]);
}

#[test]
fn another_update_is_owed_a_day_after_the_last() {
    let mut story = warned(at(0));
    story.does(&acknowledge("KR"), at(0));
    story.does(&acknowledge("CN"), at(0));
    story.does(&note("KR", "a"), at(10));
    story.does(&note("CN", "b"), at(20));
    let after = story.wait_until(at(24 * 60 + 15));
    assert_eq!(kinds(&after), ["overdue"]);
    assert!(matches!(&after[0].entry.what, What::Overdue { party, .. } if party == "KR"));
}

#[test]
fn zero_means_that_nobody_is_reminded() {
    let never = Plan { remind_every: Duration::ZERO, ..plan() };
    let mut story = Told::new(never);
    story.does(&changed("seoul", "advisory", "warning", at(0)), at(0));
    assert!(!kinds(&story.wait_until(at(100_000))).contains(&"reminder"));
}

#[test]
fn what_became_due_unobserved_is_done_in_order_once_with_the_time_it_was_due() {
    let mut story = warned(at(0));
    let after = story.does(&Happening::Tick, at(6 * 60));
    let steps: Vec<_> = after
        .iter()
        .filter_map(|r| match &r.entry.what {
            What::Escalated { due, step, party, .. } => Some((*due, *step, party.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(steps, [(at(15), 2, "CN"), (at(15), 2, "KR"), (at(45), 3, "CN"), (at(45), 3, "KR")]);
    assert!(after.iter().all(|r| r.entry.at == at(6 * 60)));
    let reminders = kinds(&story.wait_until(at(6 * 60 + 31)));
    assert_eq!(reminders, ["reminder", "reminder"]);
}

#[test]
fn silence_closes_nothing() {
    let mut story = warned(at(0));
    story.wait_until(at(7 * 24 * 60));
    assert_eq!(story.incident().closed_at(), None);
    assert_eq!(story.incident().missing(), ["KR", "CN"]);
    story.does(&changed("seoul", "warning", NONE, at(20_000)), at(20_000));
    story.wait_until(at(60_000));
    assert_eq!(story.incident().closed_at(), None);
}

#[test]
fn who_opens_by_hand_need_not_acknowledge_and_the_other_must() {
    let mut story = Told::new(plan());
    let opened = story.does(&open_by_hand(officer("KR"), false), at(0));
    assert_eq!(told(&opened, Kind::Opened), ["kr-desk", "cn-desk"]);
    let after = story.wait_until(at(20));
    assert!(after.iter().all(|r| matches!(&r.entry.what,
        What::Escalated { party, .. } | What::Overdue { party, .. } if party == "CN")));
    assert_eq!(after.len(), 2);
    // That one side wants to close does not end the search for the other.
    story.does(&close("KR"), at(21));
    assert!(kinds(&story.wait_until(at(50))).contains(&"escalated"));
}

#[test]
fn no_receiver_of_real_incidents_only_is_reached_by_an_exercise() {
    let real_only = ["kr-director".to_owned(), "cn-desk".to_owned()].into();
    let mut story = Told::new(Plan { real_only, ..plan() });
    story.does(&open_by_hand(operator(), true), at(0));
    story.wait_until(at(300));
    assert_eq!(story.incident().case(), "EX-2022-0001");
    let tellings: Vec<_> = story.recorded.iter().flat_map(|r| &r.tellings).collect();
    assert!(tellings.iter().all(|t| t.exercise && !t.receivers.is_empty()));
    let reached: Vec<_> = tellings.iter().flat_map(|t| &t.receivers).collect();
    assert!(reached.iter().any(|r| *r == "kr-minister"));
    assert!(!reached.iter().any(|r| *r == "kr-director" || *r == "cn-desk"));
}
