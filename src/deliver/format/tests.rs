use super::fixture::{NOW, change, silence, told, world};
use super::*;
use crate::air::place::Names;
use crate::config::Secret;
use proptest::prelude::*;
use serde_json::json;

fn json_of(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

fn advisory(language: Language, ask: impl FnOnce(&Told<'_>) -> Request) -> Value {
    json_of(&told(&change(1, "none", "advisory"), language, ask))
}

const LINK: &str = "http://127.0.0.1:8080/changes/01FRXY0000ABCDEFGHJKMNPQ01";

#[test]
fn slack_reads_no_marks_in_a_text() {
    let body = json_of(&told(&silence(1, true), Language::En, slack::request));
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("nothing since &lt;noon&gt; &amp; before"), "{text}");
    assert!(text.ends_with("\n<http://127.0.0.1:8080/>"), "{text}");
}

#[test]
fn discord_calls_nobody_and_gets_two_thousand_characters_at_most() {
    let mut long = silence(1, true);
    long.data["detail"] = json!("@everyone 긴 ".repeat(1000));
    let body = json_of(&told(&long, Language::Ko, discord::request));
    assert_eq!(body["allowed_mentions"], json!({ "parse": [] }));
    let content = body["content"].as_str().unwrap();
    assert!(content.len() <= 2000 && content.ends_with("…\nhttp://127.0.0.1:8080/"), "{content}");
}

#[test]
fn wecom_gets_a_text_with_a_link() {
    let body = advisory(Language::Zh, wecom::request);
    assert_eq!(body["msgtype"], "text");
    let text = body["text"]["content"].as_str().unwrap();
    assert!(text.starts_with("首尔：细颗粒物（PM2.5）达到注意报标准。"), "{text}");
    assert!(text.ends_with(LINK), "{text}");
}

/// Signatures computed by Python's `hmac`.
#[test]
fn dingtalk_is_shown_its_signature_in_the_address() {
    let event = change(1, "none", "advisory");
    let secret = Secret::new("SEC000");
    let request = told(&event, Language::Zh, |t| dingtalk::request(t, Some(&secret)));
    let sign = "T8gWqks0VqKsSmcVe3t4WMLnGd14r30U4+LUMbmUKr0=";
    assert_eq!(request.query, [("timestamp", NOW.0.to_string()), ("sign", sign.to_owned())]);
    assert!(!String::from_utf8(request.body).unwrap().contains("SEC000"));
    assert!(told(&event, Language::Zh, |t| dingtalk::request(t, None)).query.is_empty());
}

#[test]
fn feishu_is_shown_its_signature_in_the_body_and_texts_are_only_texts() {
    let secret = Secret::new("SEC000");
    let body = advisory(Language::Zh, |t| feishu::request(t, Some(&secret)));
    assert_eq!(body["timestamp"], "1641646805");
    assert_eq!(body["sign"], "4nSWks6Te1LDp5F0Cao/XegDmUFdB8e73IGFYT9M+QE=");
    let post = &body["content"]["post"]["zh_cn"];
    assert_eq!(post["title"], "首尔：细颗粒物（PM2.5）达到注意报标准");
    assert_eq!(post["content"][0][0]["tag"], "text");
    assert_eq!(post["content"][1][0]["href"], LINK);
    let unsigned = advisory(Language::En, |t| feishu::request(t, None));
    assert!(unsigned.get("sign").is_none());
    assert!(unsigned["content"]["post"]["en_us"]["title"].is_string());
}

#[test]
fn an_alert_of_alertmanager_stands_until_its_level_is_left() {
    let raised = advisory(Language::En, alertmanager::request);
    let alert = &raised[0];
    assert_eq!(raised.as_array().unwrap().len(), 1);
    assert_eq!(
        alert["labels"],
        json!({
            "alertname": "DustlineLevel", "instance": "seoul-1", "subject": "zone/seoul/kr-pm25",
            "exercise": "false", "ladder": "kr-pm25", "quantity": "pm2_5", "zone": "seoul",
            "level": "advisory",
        })
    );
    assert_eq!(alert["startsAt"], "2022-01-08T13:00:00Z");
    assert_eq!(alert["endsAt"], "2023-01-08T13:00:05Z");
    assert_eq!(alert["annotations"]["summary"], "Seoul: criterion of the PM2.5 advisory met");

    let warning = change(2, "advisory", "warning");
    let moved = json_of(&told(&warning, Language::En, alertmanager::request));
    assert_eq!(moved[0]["labels"], alert["labels"]);
    assert_eq!(moved[0]["endsAt"], "2022-01-08T13:00:00Z");
    assert!(moved[0].get("startsAt").is_none());
    assert_eq!(moved[1]["labels"]["level"], "warning");

    let over = json_of(&told(&change(3, "warning", "none"), Language::En, alertmanager::request));
    assert_eq!(over.as_array().unwrap().len(), 1);
    assert_eq!(over[0]["labels"], moved[1]["labels"]);
}

#[test]
fn a_condition_of_the_operation_begins_and_ends_one_alert() {
    let of = |active| json_of(&told(&silence(1, active), Language::En, alertmanager::request));
    let (began, ended) = (of(true), of(false));
    assert_eq!(began[0]["labels"], ended[0]["labels"]);
    assert_eq!(began[0]["labels"]["alertname"], "DustlineOperational");
    assert_eq!(ended[0]["endsAt"], "2022-01-08T13:00:00Z");
}

#[test]
fn a_service_that_answers_200_with_an_error_has_not_taken_it() {
    use BodyFormat::{Dingtalk, Dustline, Feishu, Slack, Wecom};
    for (format, answer, refused) in [
        (Dingtalk, r#"{"errcode":0,"errmsg":"ok"}"#, None),
        (
            Dingtalk,
            r#"{"errcode":310000,"errmsg":"sign not match"}"#,
            Some("errcode 310000 sign not match"),
        ),
        (
            Wecom,
            r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#,
            Some("errcode 93000 invalid webhook url"),
        ),
        (Feishu, r#"{"code":0,"msg":"success"}"#, None),
        (Feishu, r#"{"StatusCode":0,"StatusMessage":"success"}"#, None),
        (Feishu, r#"{"code":19021,"msg":"sign match fail"}"#, Some("code 19021 sign match fail")),
        (Feishu, "{}", Some("the answer has no code; check the receiver's url")),
        (Wecom, "<html>", Some("the answer is no JSON; check the receiver's url")),
        (Slack, "ok", None),
        (Dustline, "", None),
    ] {
        assert_eq!(refusal(format, answer.as_bytes()).as_deref(), refused, "{format:?} {answer}");
    }
}

#[test]
fn only_the_open_part_of_a_story_is_referred_to() {
    let newest_first = vec![
        change(5, "warning", "advisory"),
        change(4, "none", "warning"),
        change(3, "advisory", "none"),
        change(2, "none", "advisory"),
    ];
    let ids: Vec<i64> = still_open(newest_first).iter().map(|e| e.id).collect();
    assert_eq!(ids, [4, 5]);
    assert!(still_open(vec![change(3, "advisory", "none")]).is_empty());
    // The end of the story before was told to nobody.
    let cut_off = vec![change(3, "none", "warning"), change(2, "none", "advisory")];
    assert_eq!(still_open(cut_off).iter().map(|e| e.id).collect::<Vec<_>>(), [3]);
}

#[test]
fn an_exercise_is_marked_in_every_format() {
    let mut event = change(1, "none", "advisory");
    event.data["exercise"] = json!(true);
    let formats = [
        BodyFormat::Dustline,
        BodyFormat::Cap,
        BodyFormat::Alertmanager,
        BodyFormat::Slack,
        BodyFormat::Feishu,
        BodyFormat::Dingtalk,
        BodyFormat::Wecom,
        BodyFormat::Discord,
    ];
    for format in formats {
        let body = told(&event, Language::En, |t| request(t, &receiver(format)).body);
        let body = String::from_utf8(body).unwrap();
        assert!(body.contains("[EXERCISE]"), "{format:?}: {body}");
    }
}

#[test]
fn a_headline_is_the_first_sentence_whatever_the_place_is_called() {
    let mut event = change(1, "none", "advisory");
    event.data["scope"]["name"] = json!("St. Mary. Hill");
    assert_eq!(
        told(&event, Language::En, |t| headline(t, Language::En)),
        "St. Mary. Hill: criterion of the PM2.5 advisory met"
    );
}

fn receiver(format: BodyFormat) -> Receiver {
    Receiver {
        id: "desk".to_owned(),
        name: Names::default(),
        url: Secret::new("https://a.example/hook"),
        secrets: Vec::new(),
        format,
        language: Language::En,
        events: Vec::new(),
        zones: None,
        timeout: std::time::Duration::from_secs(1),
        real_only: false,
        fallback: None,
        mail: None,
    }
}

proptest! {
    #[test]
    fn a_text_is_cut_to_its_bound_and_stays_text(text in "\\PC{0,60}", max in 0usize..120) {
        let cut = cut(&text, max);
        prop_assert!(cut.len() <= max);
        prop_assert!(text.len() > max || cut == text);
    }

    #[test]
    fn whatever_the_data_are_every_format_has_a_body(
        keys in prop::collection::vec("(from|to|at|kind|subject|active|scope|time_zone|[a-z]{1,5})", 0..8),
        values in prop::collection::vec("\\PC{0,30}", 8),
        kind in "(dustline.change.v1|dustline.operational.v1|dustline.incident.v1)",
    ) {
        let data = keys.into_iter().zip(values).map(|(k, v)| (k, Value::String(v)));
        let event = EventRow { kind, data: Value::Object(data.collect()), ..change(1, "none", "x") };
        let world = world();
        for language in Language::ALL {
            let told = Told { event: &event, earlier: &[], language, offer: None, world: &world, now: NOW };
            for format in [BodyFormat::Cap, BodyFormat::Alertmanager, BodyFormat::Feishu] {
                prop_assert!(!request(&told, &receiver(format)).body.is_empty());
            }
        }
    }
}

#[test]
fn the_operators_own_text_is_told_and_an_exercise_is_marked_in_it() {
    let dir = tempfile::tempdir().unwrap();
    for (file, text) in [
        ("change.ko.txt", "{{ place }} {{ to }}: {{ value }}\n"),
        ("change.headline.en.txt", "Dust in {{ place }}\n"),
        ("change.instruction.en.txt", "Stay inside.\n"),
    ] {
        std::fs::write(dir.path().join(file), text).unwrap();
    }
    let text = format!("data_dir = \"d\"\ntemplates_dir = {:?}", dir.path().display().to_string());
    let loaded = crate::config::parse(&text, "t.toml", dir.path(), &crate::config::Machine);
    let templates = loaded.map_err(|faults| format!("{faults:?}")).unwrap().settings.templates;
    let world = World { templates, ..world() };
    let mut event = change(1, "none", "advisory");
    let said = |event: &EventRow, language| {
        let told = Told { event, earlier: &[], language, offer: None, world: &world, now: NOW };
        (words(&told, language), title(&told))
    };
    assert_eq!(said(&event, Language::Ko).0, "서울 주의보: 81.84");
    assert!(said(&event, Language::Zh).0.starts_with("首尔：细颗粒物"));
    assert_eq!(said(&event, Language::En).1, "Dust in Seoul");
    assert!(said(&event, Language::En).0.starts_with("Seoul: criterion"));
    let cap = |event: &EventRow| {
        let language = Language::Ko;
        let told = Told { event, earlier: &[], language, offer: None, world: &world, now: NOW };
        String::from_utf8(cap::message(&told)).unwrap()
    };
    let sent = cap(&event);
    for part in [
        "<headline>서울 주의보: 81.84</headline>",
        "<headline>Dust in Seoul</headline>",
        "<instruction>Stay inside.</instruction>",
    ] {
        assert!(sent.contains(part), "{part} in {sent}");
    }
    assert_eq!(sent.matches("<instruction>").count(), 1);
    event.data["exercise"] = json!(true);
    let sent = cap(&event);
    assert!(sent.contains("<headline>[EXERCISE] Dust in Seoul</headline>"), "{sent}");
    assert!(sent.contains("<instruction>[EXERCISE] Stay inside.</instruction>"), "{sent}");
    let marked = "[훈련] 서울 주의보: 81.84".to_owned();
    assert_eq!(said(&event, Language::Ko), (marked.clone(), marked));
}

#[test]
fn an_incident_is_told_in_cap_by_names_and_says_what_is_asked() {
    let mut event = super::fixture::incident(1, "acknowledgement");
    let en = json!({
        "headline": "Hotline incident 2022-0001, PM2.5: opened", "cause": "PM2.5",
        "group": "all zones", "asked": "Korea is asked to acknowledge",
    });
    event.data["words"] = json!({ "en": en });
    event.data["level"] = json!("warning");
    let body = told(&event, Language::En, |t| request(t, &receiver(BodyFormat::Cap)).body);
    let body = String::from_utf8(body).unwrap();
    for part in [
        "<event>PM2.5</event>",
        "<severity>Severe</severity>",
        "<headline>Hotline incident 2022-0001, PM2.5: opened</headline>",
        "<instruction>Korea is asked to acknowledge</instruction>",
        "<areaDesc>all zones</areaDesc>",
    ] {
        assert!(body.contains(part), "{part} in {body}");
    }
    let sent = told(&event, Language::En, |t| request(t, &receiver(BodyFormat::Dustline)).body);
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    assert!(sent["data"].get("words").is_none() && sent["data"].get("said").is_none());
}
