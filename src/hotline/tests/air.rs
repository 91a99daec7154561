//! What the air does to incidents.

use super::*;

fn zone(id: &str) -> Scope {
    Scope::Zone(id.into())
}

fn level(story: &Told) -> &str {
    &story.incident().level().name
}

fn agreed(story: &mut Told, now: Stamp) {
    story.does(&close("KR"), now);
    story.does(&close("CN"), now);
}

#[test]
fn a_level_below_that_of_the_plan_opens_nothing() {
    let mut story = Told::new(plan());
    story.does(&changed("seoul", NONE, "advisory", at(0)), at(0));
    assert!(story.hotline.incidents().is_empty());
    // It is known when something opens beside it.
    let opened = story.does(&changed("shandong", "advisory", "warning", at(5)), at(5));
    let What::Opened { standing, .. } = &opened[0].entry.what else { panic!() };
    assert_eq!(standing.len(), 1);
    assert_eq!(standing[0].place.scope, zone("seoul"));
}

#[test]
fn one_incident_stands_for_all_zones_of_a_group_and_each_cause_has_its_own() {
    let mut story = warned(at(0));
    let joined = story.does(&changed("shandong", "advisory", "warning", at(5)), at(5));
    assert_eq!(kinds(&joined), ["joined"]);
    assert_eq!(told(&joined, Kind::Joined), ["kr-desk", "cn-desk"]);
    let again = story.does(&changed("shandong", "warning", "advisory", at(9)), at(9));
    assert_eq!(told(&again, Kind::Joined), [""; 0]);
    story.does(&on_ladder("kr-pm10", zone("seoul"), ("advisory", "warning"), at(10)), at(10));
    let cases: Vec<_> = story.hotline.incidents().iter().map(|i| (i.case(), i.cause())).collect();
    assert_eq!(cases, [(CASE, "pm2_5"), ("2022-0002", "pm10")]);
}

#[test]
fn groups_of_zones_have_cases_of_their_own() {
    let group = |id: &str, zone: &str| Group {
        id: id.into(),
        name: Names::plain(id),
        zones: vec![zone.into()],
    };
    let mut story = Told::new(Plan { groups: vec![group("capital", "seoul")], ..plan() });
    for zone in ["shandong", "seoul"] {
        story.does(&changed(zone, "advisory", "warning", at(0)), at(0));
    }
    let station = Scope::Station("jongno".into());
    story.does(&on_ladder("emergency-pm25", station, (NONE, "emergency"), at(1)), at(1));
    let seen: Vec<_> =
        story.hotline.incidents().iter().map(|i| (i.group(), &*i.level().name)).collect();
    assert_eq!(seen, [("shandong", "warning"), ("capital", "emergency")]);
}

#[test]
fn the_level_rises_at_once_and_falls_when_it_has_stayed_lower() {
    let mut story = warned(at(0));
    let station = Scope::Station("jongno".into());
    let up = on_ladder("emergency-pm25", station.clone(), (NONE, "emergency"), at(10));
    assert_eq!(kinds(&story.does(&up, at(10))), ["joined", "level"]);
    assert_eq!(level(&story), "emergency");
    story.wait_until(at(100));
    let down = on_ladder("emergency-pm25", station, ("emergency", NONE), at(100));
    assert_eq!(kinds(&story.does(&down, at(100))), ["joined"]);
    story.wait_until(at(159));
    assert_eq!(level(&story), "emergency");
    story.wait_until(at(160));
    assert_eq!(level(&story), "warning");
}

#[test]
fn air_that_flaps_rings_once() {
    let mut story = warned(at(0));
    story.does(&acknowledge("KR"), at(1));
    story.does(&acknowledge("CN"), at(1));
    for n in 0..20 {
        let (down, up) = (at(10 + 100 * n), at(40 + 100 * n));
        story.wait_until(down);
        story.does(&changed("seoul", "warning", "advisory", down), down);
        story.wait_until(up);
        story.does(&changed("seoul", "advisory", "warning", up), up);
    }
    assert_eq!(level(&story), "warning");
    assert!(!kinds(&story.recorded).contains(&"level"));
    assert_eq!(told(&story.recorded, Kind::Joined), [""; 0]);
}

#[test]
fn a_level_falls_only_as_far_as_it_has_been_all_the_time() {
    let mut story = warned(at(0));
    story.wait_until(at(100));
    story.does(&changed("seoul", "warning", "advisory", at(100)), at(100));
    story.does(&changed("seoul", "advisory", NONE, at(150)), at(150));
    story.wait_until(at(160));
    assert_eq!(level(&story), "advisory");
    story.wait_until(at(220));
    assert_eq!(level(&story), NONE);
    assert!(story.incident().may_close());
}

#[test]
fn bad_air_soon_after_the_end_opens_the_same_case_again() {
    let mut story = warned(at(0));
    story.does(&changed("seoul", "warning", NONE, at(10)), at(10));
    story.wait_until(at(80));
    agreed(&mut story, at(80));
    assert_eq!(story.incident().closed_at(), Some(at(80)));
    story.does(&changed("seoul", NONE, "advisory", at(90)), at(90));
    assert_eq!(story.incident().closed_at(), Some(at(80)));
    let again = story.does(&changed("seoul", "advisory", "warning", at(100)), at(100));
    assert_eq!(kinds(&again), ["reopened"]);
    assert_eq!(told(&again, Kind::Reopened), ["kr-desk", "cn-desk"]);
    assert_eq!(story.incident().case(), CASE);
    assert_eq!(story.incident().missing(), ["KR", "CN"]);
    assert!(kinds(&story.wait_until(at(116))).contains(&"escalated"));
}

#[test]
fn bad_air_long_after_the_end_is_a_new_case() {
    let mut story = warned(at(0));
    story.does(&changed("seoul", "warning", NONE, at(10)), at(10));
    story.wait_until(at(80));
    agreed(&mut story, at(80));
    let late = at(81 + 12 * 60);
    let opened = story.does(&changed("seoul", NONE, "warning", late), late);
    assert_eq!(kinds(&opened), ["opened"]);
    assert_eq!(story.incident().case(), "2022-0002");
    assert_eq!(story.hotline.incidents().len(), 1);
}

#[test]
fn agreement_is_void_when_the_air_turns_bad_before_all_have_agreed() {
    let mut story = warned(at(0));
    story.does(&changed("seoul", "warning", NONE, at(10)), at(10));
    story.wait_until(at(80));
    story.does(&close("KR"), at(80));
    assert_eq!(story.incident().missing(), ["CN"]);
    story.does(&changed("seoul", NONE, "warning", at(90)), at(90));
    assert_eq!(story.incident().missing(), ["KR", "CN"]);
    assert!(
        story.refused(&close("CN"), at(91)).contains("the level of incident 2022-0001 is warning")
    );
}

#[test]
fn it_may_be_closed_below_the_opening_level_if_the_plan_says_so() {
    let mut story = Told::new(Plan { lifted_when: LiftedWhen::BelowOpening, ..plan() });
    story.does(&changed("seoul", "advisory", "warning", at(0)), at(0));
    story.does(&changed("seoul", "warning", "advisory", at(10)), at(10));
    assert!(!story.incident().may_close());
    story.wait_until(at(70));
    agreed(&mut story, at(71));
    assert!(story.incident().closed_at().is_some());
}

#[test]
fn once_the_level_is_lifted_parties_are_asked_to_agree_and_called_no_higher() {
    let mut story = warned(at(0));
    story.does(&changed("seoul", "warning", NONE, at(1)), at(1));
    story.wait_until(at(61));
    let climbed = told(&story.recorded, Kind::Escalated).len();
    story.does(&close("KR"), at(62));
    let after = story.wait_until(at(62 + 4 * 60));
    assert_eq!(told(&story.recorded, Kind::Escalated).len(), climbed);
    assert_eq!(kinds(&after), ["reminder"]);
    let owed = Owed::Agreement;
    assert!(matches!(&after[0].entry.what,
        What::Reminder { party, owed: o, .. } if party == "CN" && *o == owed));
    story.does(&close("CN"), at(400));
    assert_eq!(kinds(&story.recorded[story.recorded.len() - 2..]), ["agreed", "closed"]);
    assert_eq!(story.hotline.next_due(), None);
}

#[test]
fn changes_of_exercises_and_real_ones_never_meet() {
    let made_up = |event: Happening| match event {
        Happening::Change { change, .. } => Happening::Change { change, exercise: true },
        other => other,
    };
    let mut story = Told::new(plan());
    story.does(&made_up(changed("seoul", NONE, "warning", at(0))), at(0));
    story.does(&changed("seoul", NONE, "warning", at(5)), at(5));
    story.does(&made_up(changed("seoul", "warning", NONE, at(10))), at(10));
    story.wait_until(at(100));
    let seen: Vec<_> =
        story.hotline.incidents().iter().map(|i| (i.case(), i.level().name.as_str())).collect();
    assert_eq!(seen, [("EX-2022-0001", NONE), (CASE, "warning")]);
}

#[test]
fn a_ladder_that_nobody_named_and_a_hotline_without_parties_open_nothing() {
    let mut story = Told::new(plan());
    story.does(&on_ladder("cn-pm25", zone("seoul"), (NONE, "red"), at(0)), at(0));
    assert!(story.recorded.is_empty());
    let mut nobody = Told::new(Plan { parties: Vec::new(), ..plan() });
    nobody.does(&changed("seoul", NONE, "warning", at(0)), at(0));
    assert!(nobody.recorded.is_empty());
}

#[test]
fn a_level_that_the_plan_does_not_know_opens() {
    let mut story = Told::new(plan());
    story.does(&changed("seoul", NONE, "catastrophe", at(0)), at(0));
    assert_eq!(level(&story), "catastrophe");
}

#[test]
fn two_falls_that_nobody_saw_are_both_done_as_of_when_they_were_due() {
    let mut story = warned(at(0));
    story.does(&changed("seoul", "warning", "advisory", at(10)), at(10));
    story.does(&changed("seoul", "advisory", NONE, at(60)), at(60));
    story.does(&Happening::Tick, at(600));
    let falls = story.recorded.iter().filter_map(|r| match &r.entry.what {
        What::Level { due, to, .. } => Some((due.unwrap(), to.name.as_str())),
        _ => None,
    });
    assert_eq!(falls.collect::<Vec<_>>(), [(at(70), "advisory"), (at(130), NONE)]);
}
