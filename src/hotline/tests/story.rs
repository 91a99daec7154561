//! One night from beginning to end: haze over Shandong and then Seoul.

use super::*;
use crate::air::place::Language;
use jiff::tz::TimeZone;

/// The night, in minutes; `between` is called before everything that happens.
pub(super) fn play(between: &mut dyn FnMut(&mut Told)) -> Told {
    let mut told = Told::new(plan());
    let zone = |id: &str| Scope::Zone(id.to_owned());
    let pm25 = |place: &str, from, to, now| on_ladder("kr-pm25", zone(place), (from, to), now);
    let until = Some(at(30 * 60));
    let end = Does::End { at: None, incident: CASE.into(), measure: 11 };
    let script = [
        (0, pm25("shandong", NONE, "advisory", at(0))),
        (120, pm25("shandong", "advisory", "warning", at(120))),
        (125, acknowledge("KR")),
        (140, acknowledge("CN")),
        (150, note("CN", "Stagnant air until Monday")),
        (160, share("KR", measure(at(180), until))),
        (180, pm25("seoul", "advisory", "warning", at(180))),
        (
            200,
            on_ladder(
                "emergency-pm25",
                Scope::Station("jongno".into()),
                (NONE, "emergency"),
                at(200),
            ),
        ),
        (
            210,
            share(
                "CN",
                Measure {
                    from: at(240),
                    kind: MeasureKind::Industry,
                    place: "Shandong".into(),
                    text: "Steel works at half load".into(),
                    until: None,
                },
            ),
        ),
        (
            300,
            on_ladder(
                "emergency-pm25",
                Scope::Station("jongno".into()),
                ("emergency", NONE),
                at(300),
            ),
        ),
        // Six hours in which nothing happens but one fall of the level.
        (700, pm25("shandong", "warning", NONE, at(700))),
        (760, pm25("seoul", "warning", "advisory", at(760))),
        (860, pm25("seoul", "advisory", NONE, at(860))),
        (940, act(officer("KR"), Does::End { at: None, incident: CASE.into(), measure: 7 })),
        (950, act(officer("CN"), end)),
        (960, close("KR")),
        (1_210, close("CN")),
    ];
    for (minute, event) in script {
        between(&mut told);
        told.wait_until(at(minute));
        between(&mut told);
        told.does(&event, at(minute));
    }
    told
}

fn lines(told: &Told, language: Language, zone: &str) -> Vec<String> {
    let time_zone = TimeZone::get(zone).unwrap();
    let words = Words { language, time_zone, plan: told.hotline.plan() };
    told.entries().iter().map(|entry| words.line(entry)).collect()
}

const NIGHT: &str = "\
1. 2022-01-08 02:00 system — incident opened: Shandong: criterion of the PM2.5 warning met, value 81.84 µg/m³, at 2022-01-08 02:00 (Korean fine dust (PM2.5) alert: hourly zone mean); to be acknowledged by: Ministry of Environment 2022-01-08 02:15, Ministry of Ecology and Environment 2022-01-08 02:15
2. 2022-01-08 02:05 Ministry of Environment — acknowledged
3. 2022-01-08 02:15 system — escalated: Ministry of Ecology and Environment has not acknowledged, step 2 is called: cn-director
4. 2022-01-08 02:15 system — overdue: Ministry of Ecology and Environment: acknowledgement was due by 2022-01-08 02:15
5. 2022-01-08 02:20 Ministry of Ecology and Environment — acknowledged
6. 2022-01-08 02:30 Ministry of Ecology and Environment — note: Stagnant air until Monday
7. 2022-01-08 02:40 Ministry of Environment — measure: traffic, Seoul, from 2022-01-08 03:00 until 2022-01-09 06:00: Old diesel cars stay off the roads
8. 2022-01-08 03:00 system — change of the air: Seoul: criterion of the PM2.5 warning met, value 81.84 µg/m³, at 2022-01-08 03:00 (Korean fine dust (PM2.5) alert: hourly zone mean)
9. 2022-01-08 03:20 system — change of the air: Jongno-gu: criterion of the PM2.5 emergency met, value 81.84 µg/m³, at 2022-01-08 03:20 (this network's own threshold: hourly zone mean)
10. 2022-01-08 03:20 system — change of level: warning → emergency
11. 2022-01-08 03:30 Ministry of Ecology and Environment — measure: industry, Shandong, from 2022-01-08 04:00: Steel works at half load
12. 2022-01-08 05:00 system — change of the air: Jongno-gu: criterion for lifting the PM2.5 emergency met, value 81.84 µg/m³, at 2022-01-08 05:00 (this network's own threshold: hourly zone mean)
13. 2022-01-08 06:00 system — change of level: emergency → warning
14. 2022-01-08 11:40 system — change of the air: Shandong: criterion for lifting the PM2.5 warning met, value 81.84 µg/m³, at 2022-01-08 11:40 (Korean fine dust (PM2.5) alert: hourly zone mean)
15. 2022-01-08 12:40 system — change of the air: Seoul: criterion for lowering the PM2.5 warning to advisory met, value 81.84 µg/m³, at 2022-01-08 12:40 (Korean fine dust (PM2.5) alert: hourly zone mean)
16. 2022-01-08 13:40 system — change of level: warning → advisory
17. 2022-01-08 14:20 system — change of the air: Seoul: criterion for lifting the PM2.5 advisory met, value 81.84 µg/m³, at 2022-01-08 14:20 (Korean fine dust (PM2.5) alert: hourly zone mean)
18. 2022-01-08 15:20 system — change of level: advisory → lifted, can be closed when all parties agree
19. 2022-01-08 15:40 Ministry of Environment — measure ended: measure 7, at 2022-01-08 15:40
20. 2022-01-08 15:50 Ministry of Ecology and Environment — measure ended: measure 11, at 2022-01-08 15:50
21. 2022-01-08 16:00 Ministry of Environment — agreed to close
22. 2022-01-08 20:00 system — reminder: Ministry of Ecology and Environment: agreement to close
23. 2022-01-08 20:10 Ministry of Ecology and Environment — agreed to close
24. 2022-01-08 20:10 system — incident closed";

#[test]
fn the_night_of_the_haze() {
    let told = play(&mut |_| {});
    assert_eq!(lines(&told, Language::En, "UTC").join("\n"), NIGHT);
    let receivers = |number: usize| {
        let tellings = &told.recorded[number - 1].tellings;
        tellings.iter().flat_map(|t| t.receivers.clone()).collect::<Vec<_>>()
    };
    assert_eq!(receivers(1), ["kr-desk", "cn-desk"]);
    assert_eq!(receivers(3), ["kr-desk", "cn-director"]);
    assert_eq!(receivers(18), ["kr-desk", "cn-desk", "cn-director"]);
    assert_eq!(receivers(22), ["cn-desk", "cn-director"]);
}

#[test]
fn each_side_reads_the_night_in_its_own_language_and_time() {
    let told = play(&mut |_| {});
    let korean = lines(&told, Language::Ko, "Asia/Seoul");
    assert_eq!(korean[1], "2. 2022-01-08 11:05 환경부 — 수신 확인");
    assert_eq!(korean[9], "10. 2022-01-08 12:20 시스템 — 단계 변경: 경보 → 긴급");
    assert_eq!(
        korean[6],
        "7. 2022-01-08 11:40 환경부 — 조치: 교통, Seoul, 2022-01-08 12:00부터 2022-01-09 15:00까지: Old diesel cars stay off the roads"
    );
    let chinese = lines(&told, Language::Zh, "Asia/Shanghai");
    assert_eq!(
        chinese[2],
        "3. 2022-01-08 10:15 系统——升级通知：生态环境部尚未确认，通知第 2 级接收方：cn-director"
    );
    assert_eq!(chinese[21], "22. 2022-01-09 04:00 系统——催办：生态环境部：同意结束");
}

#[test]
fn a_restart_in_each_state_changes_nothing() {
    let restarted = play(&mut Told::restart);
    assert_eq!(restarted.recorded, play(&mut |_| {}).recorded);
}

#[test]
fn a_clock_that_stands_still_for_six_hours_changes_only_times() {
    let mut story = warned(at(0));
    let mut apart = story.clone();
    story.wait_until(at(360));
    for told in [&mut story, &mut apart] {
        told.does(&acknowledge("KR"), at(361));
        told.does(&acknowledge("CN"), at(362));
    }
    let same = |told: &Told| {
        let entries = told.entries().into_iter();
        let kept = entries.filter(|e| e.what.kind() != Kind::Reminder);
        kept.map(|e| format!("{:?} {:?}", e.what, e.who)).collect::<Vec<_>>()
    };
    assert_eq!(same(&story), same(&apart));
    assert!(apart.recorded.len() < story.recorded.len());
    assert_eq!(verify(&apart.entries(), None), Ok(()));
}

#[test]
fn who_is_missing_is_said_by_name() {
    let mut told = Told::new(plan());
    told.does(&open_by_hand(operator(), true), at(0));
    let words = |language, told: &Told| {
        let words = Words { language, time_zone: TimeZone::UTC, plan: &plan() };
        words.missing(told.incident())
    };
    assert_eq!(words(Language::Zh, &told), "等待同意结束：韩国环境部、生态环境部");
    let incident = || told.incident().id().to_owned();
    let agree = act(officer("KR"), Does::Close { incident: incident() });
    told.does(&agree, at(1));
    assert_eq!(words(Language::Ko, &told), "종료 동의 대기: 중국 생태환경부");
    let agree = act(officer("CN"), Does::Close { incident: told.incident().id().to_owned() });
    told.does(&agree, at(2));
    assert_eq!(words(Language::En, &told), "");
}

#[test]
fn every_kind_of_entry_and_measure_has_a_name_in_every_language() {
    for language in Language::ALL {
        let words = Words { language, time_zone: TimeZone::UTC, plan: &plan() };
        let titles = Kind::ALL.map(|kind| words.title(kind));
        let distinct: std::collections::BTreeSet<_> = titles.iter().collect();
        assert_eq!(distinct.len(), Kind::ALL.len(), "{language}");
        assert!(MeasureKind::ALL.iter().all(|kind| !words.measure(*kind).is_empty()));
    }
}
