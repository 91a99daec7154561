use super::*;
use crate::deliver::format::fixture::{NOW, change, silence, told, world};
use serde_json::json;

fn cap(event: &EventRow, earlier: &[EventRow]) -> String {
    let world = world();
    let told =
        Told { event, earlier, language: Language::Ko, offer: None, world: &world, now: NOW };
    String::from_utf8(message(&told)).unwrap()
}

/// The texts of every element of this name.
fn texts<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(open.as_str())
        .skip(1)
        .map(|rest| rest.split(close.as_str()).next().unwrap())
        .collect()
}

#[test]
fn a_story_is_an_alert_then_updates_then_a_cancel_that_refer_to_all_before() {
    let story = [
        change(1, "none", "advisory"),
        change(2, "advisory", "warning"),
        change(3, "warning", "none"),
    ];
    let first = cap(&story[0], &[]);
    assert_eq!(texts(&first, "msgType"), ["Alert"]);
    assert!(texts(&first, "references").is_empty());
    let second = cap(&story[1], &story[..1]);
    assert_eq!(texts(&second, "msgType"), ["Update"]);
    let of = |xml: &str| {
        let one = |name| texts(xml, name)[0].to_owned();
        format!("{},{},{}", one("sender"), one("identifier"), one("sent"))
    };
    assert_eq!(texts(&second, "references"), [of(&first)]);
    let third = cap(&story[2], &story[..2]);
    assert_eq!(texts(&third, "msgType"), ["Cancel"]);
    assert_eq!(texts(&third, "references"), [format!("{} {}", of(&first), of(&second))]);
    assert_eq!(texts(&third, "urgency"), ["Past"; 3]);
    assert_eq!(texts(&third, "severity"), ["Severe"; 3]);
}

#[test]
fn times_are_by_the_clock_of_the_place_and_never_end_in_z() {
    let mut event = change(1, "none", "advisory");
    assert_eq!(texts(&cap(&event, &[]), "sent"), ["2022-01-08T22:01:03+09:00"]);
    assert_eq!(texts(&cap(&event, &[]), "onset"), ["2022-01-08T22:00:00+09:00"; 3]);
    event.data["time_zone"] = json!(null);
    assert_eq!(texts(&cap(&event, &[]), "sent"), ["2022-01-08T13:01:03-00:00"]);
}

#[test]
fn areas_are_latitude_first_and_told_only_where_they_are_known() {
    let zone = change(1, "none", "advisory");
    let polygon = "37.7,126.8 37.7,127.2 37.4,127.2 37.7,126.8";
    assert_eq!(texts(&cap(&zone, &[]), "polygon"), [polygon; 3]);
    assert_eq!(texts(&cap(&zone, &[]), "areaDesc"), ["서울", "首尔", "Seoul"]);
    let mut station = zone.clone();
    station.data["scope"] = json!({ "station": "jongno" });
    assert_eq!(texts(&cap(&station, &[]), "circle"), ["37.572,127.005 0"; 3]);
    let mut elsewhere = zone;
    elsewhere.data["scope"] = json!({ "zone": "elsewhere" });
    let xml = cap(&elsewhere, &[]);
    assert!(texts(&xml, "polygon").is_empty() && texts(&xml, "circle").is_empty());
}

#[test]
fn an_exercise_is_one_by_its_status_and_says_so_in_every_language() {
    let mut event = change(1, "none", "advisory");
    assert_eq!(texts(&cap(&event, &[]), "status"), ["Actual"]);
    event.data["exercise"] = json!(true);
    let xml = cap(&event, &[]);
    assert_eq!(texts(&xml, "status"), ["Exercise"]);
    for (headline, mark) in texts(&xml, "headline").iter().zip(["[훈련]", "【演习】", "[EXERCISE]"])
    {
        assert!(headline.starts_with(mark), "{headline}");
    }
}

#[test]
fn what_happens_to_the_network_itself_is_no_alert_to_the_public() {
    let xml = cap(&silence(1, true), &[]);
    assert_eq!(texts(&xml, "status"), ["System"]);
    assert_eq!(texts(&xml, "scope"), ["Restricted"]);
    assert!(xml.contains("nothing since &lt;noon&gt; &amp; before"));
}

#[test]
fn texts_are_in_three_languages_each_named() {
    let xml = cap(&change(1, "none", "advisory"), &[]);
    assert_eq!(texts(&xml, "language"), ["ko-KR", "zh-CN", "en-US"]);
    assert_eq!(texts(&xml, "headline")[0], "서울: 초미세먼지(PM2.5) 주의보 기준 충족");
    assert!(texts(&xml, "description")[2].contains("no official proclamation"));
}

#[test]
fn the_same_event_is_the_same_message_whoever_reads_it_and_whenever() {
    let event = change(1, "none", "advisory");
    let korean = told(&event, Language::Ko, message);
    let later = told(&event, Language::En, |t| {
        message(&Told { now: NOW.plus(std::time::Duration::from_secs(3600)), ..*t })
    });
    assert_eq!(korean, later);
}

/// An entry of an incident's transcript as its parties are told.
fn entry(number: u8, kind: &str) -> EventRow {
    EventRow {
        kind: "dustline.incident.v1".to_owned(),
        subject: "incident/01X".to_owned(),
        data: json!({
            "incident": "01X", "case": "2022-0001", "kind": kind, "at": "2022-01-08T13:00:00Z",
            "exercise": false, "level": "advisory", "said": { "en": "Incident 2022-0001." },
        }),
        ..change(number, "none", "advisory")
    }
}

#[test]
fn that_a_party_acknowledges_is_an_ack_that_refers_to_the_alert() {
    let opened = entry(1, "opened");
    assert_eq!(texts(&cap(&opened, &[]), "msgType"), ["Alert"]);
    let ack = cap(&entry(2, "acknowledged"), std::slice::from_ref(&opened));
    assert_eq!(texts(&ack, "msgType"), ["Ack"]);
    assert!(texts(&ack, "references")[0].contains(&opened.uid));
}

/// Validated against the schema of CAP 1.2 by `xmllint`.
#[test]
fn every_message_is_valid_by_the_schema() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = ["../shared/reference/CAP-v1.2.xsd", "../../shared/reference/CAP-v1.2.xsd"]
        .iter()
        .map(|path| root.join(path))
        .find(|path| path.exists());
    let Some(schema) = schema else {
        println!("skipped: every_message_is_valid_by_the_schema: ../shared is absent");
        return;
    };
    let mut exercise = change(5, "none", "emergency");
    exercise.data["exercise"] = json!(true);
    exercise.data["scope"] = json!({ "station": "jongno" });
    let mut utc = change(6, "none", "warning");
    utc.data["time_zone"] = json!(null);
    utc.data["criterion"] = json!("\u{1}<&>\"'");
    let (first, second) = (change(1, "none", "advisory"), change(2, "advisory", "warning"));
    let story = [first.clone(), second.clone()];
    let all = [
        cap(&first, &[]),
        cap(&second, &story[..1]),
        cap(&change(3, "warning", "none"), &story),
        cap(&exercise, &[]),
        cap(&utc, &[]),
        cap(&silence(7, true), &[]),
        cap(&silence(8, false), &[silence(7, true)]),
        cap(&entry(9, "acknowledged"), &[entry(1, "opened")]),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (i, xml) in all.iter().enumerate() {
        let file = dir.path().join(format!("{i}.xml"));
        std::fs::write(&file, xml).unwrap();
        let run = std::process::Command::new("xmllint")
            .args(["--noout", "--nonet", "--schema"])
            .args([&schema, &file])
            .output();
        let Ok(done) = run else {
            println!("skipped: every_message_is_valid_by_the_schema: xmllint is absent");
            return;
        };
        assert!(done.status.success(), "{}\n{xml}", String::from_utf8_lossy(&done.stderr));
    }
}

#[test]
fn only_an_exercise_has_a_note_and_only_what_follows_refers() {
    let mut event = change(2, "none", "advisory");
    let earlier = [change(1, "advisory", "none")];
    assert!(texts(&cap(&event, &earlier), "note").is_empty());
    event.data["exercise"] = json!(true);
    let xml = cap(&event, &earlier);
    assert_eq!(texts(&xml, "note"), ["[훈련] 【演习】 [EXERCISE]"]);
    assert_eq!(texts(&xml, "references").len(), 1);
}

#[test]
fn each_language_has_its_code_beside_its_own_words() {
    let xml = cap(&change(1, "none", "advisory"), &[]);
    let infos = texts(&xml, "info");
    let of = |info: &str, name| texts(info, name)[0].to_owned();
    let found: Vec<(String, String)> =
        infos.iter().map(|info| (of(info, "language"), of(info, "event"))).collect();
    let want = [("ko-KR", "초미세먼지"), ("zh-CN", "细颗粒物"), ("en-US", "Fine dust (PM2.5)")];
    assert_eq!(found, want.map(|(code, words)| (code.to_owned(), words.to_owned())));
}

#[test]
fn a_head_names_who_sent_what_and_for_whom() {
    let level = cap(&change(1, "none", "advisory"), &[]);
    assert_eq!(texts(&level, "scope"), ["Public"]);
    assert!(texts(&level, "restriction").is_empty());
    let network = cap(&silence(1, true), &[]);
    assert_eq!(texts(&network, "scope"), ["Restricted"]);
    assert_eq!(texts(&network, "restriction"), ["operators of this network"]);
    let case = cap(&entry(1, "opened"), &[]);
    assert_eq!(texts(&case, "restriction"), ["parties of the hotline"]);
    for xml in [&level, &network, &case] {
        let source = texts(xml, "source");
        assert_eq!(source, [format!("Dustline {}", world().instance)]);
        assert_eq!(texts(xml, "senderName"), [source[0]; 3]);
    }
}

#[test]
fn severity_and_certainty_are_those_of_the_level_and_of_what_it_rests_on() {
    let severity = |from, to| texts(&cap(&change(1, from, to), &[]), "severity")[0].to_owned();
    for (levels, expected) in [
        (["advisory", "preliminary", "blue", "yellow"].as_slice(), "Moderate"),
        (&["warning", "measures", "orange"], "Severe"),
        (&["emergency", "red"], "Extreme"),
        (&["violet"], "Unknown"),
    ] {
        for level in levels {
            assert_eq!(
                (severity("none", level), severity(level, "none")),
                (expected.into(), expected.into())
            );
        }
    }
    let mut event = change(1, "none", "advisory");
    assert_eq!(texts(&cap(&event, &[]), "certainty"), ["Observed"; 3]);
    event.data["inputs"] = json!([{ "issued_at": "2022-01-08T09:00:00Z" }]);
    assert_eq!(texts(&cap(&event, &[]), "certainty"), ["Likely"; 3]);
    event.data["inputs"] = json!([{ "issued_at": "2022-01-08T09:00:00Z" }, { "hour": "x" }]);
    assert_eq!(texts(&cap(&event, &[]), "certainty"), ["Observed"; 3]);
    event.data["inputs"] = json!([]);
    assert_eq!(texts(&cap(&event, &[]), "certainty"), ["Observed"; 3]);
}
