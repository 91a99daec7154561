//! What people may do, and what they are told when they may not.

use super::*;

#[test]
fn a_second_acknowledgement_is_refused() {
    let mut story = warned(at(0));
    story.does(&acknowledge("KR"), at(3));
    assert_eq!(
        story.refused(&acknowledge("KR"), at(4)),
        "KR acknowledged incident 2022-0001 at 2022-01-08T00:03:00Z; nothing is left to \
         acknowledge"
    );
}

#[test]
fn nobody_acts_for_a_party_but_itself() {
    let mut story = warned(at(0));
    assert_eq!(
        story.refused(&acknowledge("JP"), at(1)),
        "JP is not a party of this; the parties are KR, CN"
    );
    let only = "only a party may do this, for itself; act with the token of KR, CN";
    let incident = || CASE.to_owned();
    for does in [
        Does::Acknowledge { incident: incident() },
        Does::Share { incident: incident(), measure: measure(at(0), None) },
        Does::Close { incident: incident() },
    ] {
        assert_eq!(story.refused(&act(operator(), does.clone()), at(1)), only);
        assert_eq!(story.refused(&act(Who::System, does), at(1)), only);
    }
    story.does(&share("KR", measure(at(0), None)), at(2));
    let end = Does::End { at: None, incident: incident(), measure: 2 };
    assert_eq!(
        story.refused(&act(officer("CN"), end), at(3)),
        "measure 2 is one of KR, which alone can end it"
    );
}

#[test]
fn the_operator_may_note_and_that_is_no_share_of_a_party() {
    let mut story = warned(at(0));
    let does = Does::Note { incident: CASE.into(), text: "Station 4 is in repair".into() };
    story.does(&act(operator(), does), at(1));
    assert!(story.incident().parties().iter().all(|p| p.shared.is_none()));
}

#[test]
fn a_measure_ends_after_it_begins_and_only_once() {
    let mut story = warned(at(0));
    assert_eq!(
        story.refused(&share("KR", measure(at(60), Some(at(60)))), at(1)),
        "it would end at 2022-01-08T01:00:00Z, not after it begins at 2022-01-08T01:00:00Z; \
         give a later end"
    );
    story.does(&share("KR", measure(at(60), Some(at(600)))), at(1));
    let end = |at| act(officer("KR"), Does::End { at, incident: CASE.into(), measure: 2 });
    assert!(story.refused(&end(Some(at(59))), at(2)).starts_with("it would end at"));
    let number = Does::End { at: None, incident: CASE.into(), measure: 1 };
    assert_eq!(
        story.refused(&act(officer("KR"), number), at(2)),
        "incident 2022-0001 has no measure 1; its measures are 2"
    );
    let shared = |story: &Told| story.incident().measures()[0].clone();
    assert!(!shared(&story).in_force(at(59)) && shared(&story).in_force(at(60)));
    story.does(&end(Some(at(120))), at(61));
    assert!(shared(&story).in_force(at(119)) && !shared(&story).in_force(at(120)));
    assert!(story.refused(&end(None), at(200)).starts_with("measure 2 ended at"));
}

#[test]
fn what_was_said_already_is_not_said_again() {
    let mut story = warned(at(0));
    story.does(&share("KR", measure(at(60), None)), at(1));
    let again = "this is there already, as entry 2; say what is new";
    assert_eq!(story.refused(&share("KR", measure(at(60), None)), at(2)), again);
    story.does(&share("CN", measure(at(60), None)), at(2));
    story.does(&note("CN", "a"), at(3));
    assert!(story.refused(&note("CN", "a"), at(4)).contains("entry 4"));
    story.does(&note("KR", "a"), at(4));
}

fn reject(party: &str, of: u32) -> Happening {
    let text = "no such area".to_owned();
    act(officer(party), Does::Reject { incident: CASE.into(), of, text })
}

#[test]
fn a_message_is_rejected_once_by_each_party_whatever_restarts_lie_between() {
    let mut story = warned(at(0));
    story.does(&reject("CN", 1), at(1));
    story.restart();
    let again = "CN has said already that it cannot use the message of entry 1";
    assert_eq!(story.refused(&reject("CN", 1), at(2)), again);
    let entries = story.entries();
    let plan = story.hotline.plan().clone();
    story.hotline = Hotline::recalled(plan, [entries.as_slice()]);
    assert_eq!(story.refused(&reject("CN", 1), at(3)), again);
    story.does(&reject("KR", 1), at(4));
    story.does(&reject("CN", 2), at(4));
}

#[test]
fn texts_are_neither_empty_nor_endless_nor_unreadable() {
    let mut story = warned(at(0));
    for bad in ["", " \n", "a\u{7}", "\u{1b}[2J", &"x".repeat(4_001)] {
        let refusal = story.refused(&note("KR", bad), at(1));
        assert!(refusal.starts_with("text: expected 1 to 4000 characters"), "{refusal}");
    }
    story.does(&note("KR", "두 줄\n두 번째"), at(1));
}

#[test]
fn nothing_is_done_to_a_closed_incident_or_one_that_is_not_there() {
    let mut story = Told::new(plan());
    story.does(&open_by_hand(officer("KR"), false), at(0));
    assert_eq!(
        story.refused(&open_by_hand(operator(), false), at(1)),
        "incident 2022-0001 is open for pm2_5 in all already; add a note to it"
    );
    story.does(&close("KR"), at(1));
    assert_eq!(
        story.refused(&close("KR"), at(2)),
        "KR agreed to close incident 2022-0001 at 2022-01-08T00:01:00Z; it waits for CN"
    );
    story.does(&close("CN"), at(3));
    let closed = "incident 2022-0001 was closed at 2022-01-08T00:03:00Z; open a new one if there \
                  is more to do";
    for event in
        [acknowledge("KR"), note("KR", "a"), close("CN"), share("CN", measure(at(0), None))]
    {
        assert_eq!(story.refused(&event, at(4)), closed);
    }
    let later = story.refused(&acknowledge("KR"), at(10_000));
    assert!(later.starts_with("there is no incident 2022-0001 that is open"), "{later}");
}

#[test]
fn whoever_agrees_knows() {
    let mut story = Told::new(plan());
    story.does(&open_by_hand(operator(), false), at(0));
    story.does(&close("CN"), at(1));
    assert_eq!(story.incident().party("CN").unwrap().acknowledged, Some(at(1)));
}

#[test]
fn an_incident_is_opened_for_a_group_that_exists() {
    let mut story = Told::new(plan());
    let open = |group: &str| {
        let (cause, text, group) = ("dust".to_owned(), "seen".to_owned(), Some(group.to_owned()));
        act(operator(), Does::Open { cause, exercise: false, group, text })
    };
    let refusal = story.refused(&open("al"), at(0));
    assert_eq!(refusal, "there is no group of zones \"al\"; known: all");
    story.does(&open("all"), at(0));
    let mut nobody = Told::new(Plan { parties: Vec::new(), ..plan() });
    assert!(nobody.refused(&open("all"), at(0)).contains("[hotline] parties"));
}

#[test]
fn who_acted_and_from_where_is_recorded() {
    let mut story = warned(at(0));
    let who = Who::Party {
        from: "link 198.51.100.4".into(),
        name: Some("Kim".into()),
        party: "KR".into(),
    };
    let done = story.does(&act(who.clone(), Does::Acknowledge { incident: CASE.into() }), at(1));
    assert_eq!(done[0].entry.who, who);
    assert_eq!(done[0].entry.at, at(1));
}
