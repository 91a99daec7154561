//! One change explained: as data and as a page.

use super::fixture::*;
use crate::air::Quantity;
use crate::flow::{Attempt, Outcome};
use crate::store::{ChangeRow, EventRow, ZoneHourRow};
use serde_json::{Value, json};

/// What the intake writes for an advisory from two hours of two stations.
fn data(from: &str, to: &str, minutes: i64) -> Value {
    json!({
        "ladder": "kr-pm25", "ruleset": "kr-air-alert@2018-07-01",
        "scope": { "zone": "seoul", "name": { "ko": "서울", "zh": "首尔", "en": "<i>Seoul</i>" } },
        "from": from, "to": to, "at": minute(minutes).to_string(),
        "decided_at": minute(minutes + 1).to_string(),
        "quantity": "pm2_5", "unit": "ug/m3", "value": 82.5,
        "inputs": [
            { "hour": "2022-01-08T10:00:00Z", "mean": 80.0, "stations": 2 },
            { "hour": "2022-01-08T11:00:00Z", "mean": 82.5, "stations": 1 },
        ],
        "criterion": { "ko": "권역 시간평균 75 µg/m³ 이상 2시간 지속", "zh": "区域小时均值 ≥ 75 µg/m³，持续 2 小时",
                       "en": "hourly zone mean ≥ 75 µg/m³ for 2 hours" },
        "late": false, "time_zone": "Asia/Seoul", "exercise": false,
    })
}

fn put(store: &mut Store, uid: &str, data: Value, minutes: i64, scope: &str) {
    let text = |key: &str| data[key].as_str().unwrap().to_owned();
    let change = ChangeRow {
        id: 0,
        uid: uid.into(),
        ladder: text("ladder"),
        scope: scope.into(),
        from: text("from"),
        to: text("to"),
        at: minute(minutes),
        late: false,
        data: data.clone(),
    };
    let event = EventRow {
        id: 0,
        uid: uid.into(),
        kind: "dustline.change.v1".into(),
        subject: format!("{scope}/{}", change.ladder),
        time: minute(minutes),
        data,
    };
    store.batch(|w| {
        assert!(w.put_change(&change).unwrap());
        w.put_event(&event, &[(format!("msg-{uid}"), "desk".into())]).unwrap();
    });
}

/// Two hours of two stations of which the second falls short, an advisory, and
/// the lift after it.
fn explained() -> Store {
    explained_without(&[])
}

/// The same, the zone's means without these stations.
fn explained_without(left_out: &[&str]) -> Store {
    let mut store = Store::new();
    let (ten, eleven) = (minute(0).hour(), minute(60).hour());
    store.hour("s1", ten, 79.0, 60, 60);
    store.hour("s2", ten, 81.0, 60, 60);
    store.hour("s3", ten, 80.0, 60, 60);
    store.hour("s1", eleven, 82.5, 60, 60);
    store.hour("s3", eleven, 300.0, 5, 20);
    for (hour, sum, stations) in [(ten, 160.0, 2), (eleven, 84.0, 1)] {
        store.batch(|w| {
            let row = ZoneHourRow {
                zone: "seoul".into(),
                quantity: Quantity::Pm2_5,
                hour,
                sum_micro: (sum * 1e6) as i64,
                stations,
                expected: 2,
                valid: true,
                left_out: left_out.iter().map(|id| (*id).to_owned()).collect(),
            };
            w.put_zone_hour(&row).unwrap();
        });
    }
    put(&mut store, "C1", data("none", "advisory", 120), 120, "zone/seoul");
    put(&mut store, "C2", data("advisory", "none", 300), 300, "zone/seoul");
    store.batch(|w| {
        let outcome = Outcome::Dead { why: "410 Gone".into(), disable: false };
        w.put_attempt(&Attempt { notice: 1, at: minute(121), outcome }).unwrap();
    });
    store
}

#[tokio::test]
async fn a_change_is_explained_by_its_rules_stations_neighbours_and_notices() {
    let server = explained().local().await;
    let change = server.json("/api/v1/changes/C1").await;
    assert_eq!(
        (&change["id"], &change["to"], &change["value"]),
        (&json!("C1"), &json!("advisory"), &json!(82.5))
    );
    let e = &change["explanation"];
    assert_eq!(e["to_title"], json!({ "ko": "주의보", "zh": "注意报", "en": "advisory" }));
    assert!(e["caution"]["en"].as_str().unwrap().contains("no official proclamation"));
    let rules = &e["rules"];
    assert_eq!(
        (&rules["ruleset"], &rules["from"], &rules["until"], &rules["sure"]),
        (
            &json!("kr-air-alert@2018-07-01"),
            &json!("2018-06-30T15:00:00Z"),
            &json!(null),
            &json!("read in source")
        )
    );
    assert!(rules["source"].as_str().unwrap().len() > 10 && rules["links"][0].is_string());
    let after = json!({ "id": "C2", "from": "advisory", "to": "none", "at": "2022-01-08T15:00:00Z",
        "from_title": { "ko": "주의보", "zh": "注意报", "en": "advisory" },
        "to_title": { "ko": "없음", "zh": "无", "en": "none" } });
    assert_eq!((&e["after"], e.get("before")), (&after, None));
    assert_eq!(
        e["notices"],
        json!([{ "id": 1, "receiver": "desk", "state": "dead", "attempts": 1, "last": "410 Gone",
                 "created": "2022-01-08T12:00:00Z", "done": "2022-01-08T12:01:00Z" }])
    );
    let last = server.json("/api/v1/changes/C2").await;
    assert_eq!(last["explanation"]["before"]["id"], "C1");
}

#[tokio::test]
async fn behind_each_hour_are_the_hours_of_its_stations_also_of_those_that_did_not_count() {
    let server = explained().local().await;
    let change = server.json("/api/v1/changes/C1").await;
    let hours = &change["explanation"]["hours"];
    let stations = |hour: usize| -> Vec<Value> {
        let all = hours[hour]["stations"].as_array().unwrap().iter();
        all.map(|s| json!([s["station"], s["state"], s["mean"], s["readings"]])).collect()
    };
    assert_eq!(
        stations(0),
        [json!(["jongno", "counted", 80.0, 120]), json!(["mapo", "counted", 80.0, 60])]
    );
    assert_eq!(
        stations(1),
        [json!(["jongno", "counted", 82.5, 60]), json!(["mapo", "too_little", 300.0, 5])]
    );
    assert_eq!(hours[0]["now"]["moved"], false);
    assert_eq!((&hours[1]["now"]["moved"], &hours[1]["now"]["mean"]), (&json!(true), &json!(84.0)));
}

#[tokio::test]
async fn a_station_that_was_left_out_is_said_to_be_so() {
    let server = explained_without(&["mapo"]).local().await;
    let change = server.json("/api/v1/changes/C1").await;
    let hours = &change["explanation"]["hours"];
    let states = |hour: usize| [0, 1].map(|s| hours[hour]["stations"][s]["state"].clone());
    assert_eq!(states(0), ["counted", "left_out"]);
    assert_eq!(states(1), ["counted", "too_little"], "it would not have counted anyway");
    assert_eq!(hours[0]["now"]["left_out"], json!(["mapo"]));
    for (lang, words) in [("ko", "제외"), ("zh", "未计入"), ("en", "left out: far from the other")]
    {
        let page = server.get(&format!("/changes/C1?lang={lang}")).await.text;
        assert!(page.contains("<s>80</s>") && page.contains(words), "{page}");
    }
    let hour = server.json("/api/v1/hours?zone=seoul&limit=1").await["hours"][0].clone();
    assert_eq!((&hour["count"], &hour["left_out"]), (&json!(2), &json!(["mapo"])));
    let zones = server.json("/api/v1/zones").await;
    assert_eq!(zones["zones"][0]["hours"]["pm2_5"]["left_out"], json!(["mapo"]));
}

#[tokio::test]
async fn a_change_of_rules_that_are_gone_or_of_a_threshold_is_explained_as_far_as_it_goes() {
    let mut store = Store::new();
    let mut old = data("none", "warning", 120);
    old["ruleset"] = json!("kr-air-alert@2099-01-01");
    put(&mut store, "OLD", old, 120, "zone/gone");
    let threshold = json!({ "ladder": "emergency-pm25", "ruleset": "threshold", "scope": { "station": "jongno" },
        "from": "none", "to": "emergency", "at": minute(1).to_string(), "quantity": "pm2_5", "unit": "ug/m3", "value": 180.0,
        "inputs": [{ "at": minute(1).to_string(), "value": 180.0, "device": "s1" }] });
    put(&mut store, "NOW", threshold, 1, "station/jongno");
    let server = store.local().await;
    let old = server.json("/api/v1/changes/OLD").await;
    assert_eq!(
        (old["explanation"].get("rules"), &old["explanation"]["to_title"]["ko"]),
        (None, &json!("경보"))
    );
    let now = server.get("/changes/NOW?lang=en").await;
    assert!(
        now.text.contains("<td>180 µg/m³</td>")
            && now.text.contains("<td>s1</td>")
            && now.text.contains("not an official rule"),
        "{}",
        now.text
    );
    assert_eq!(server.get("/changes/OLD").await.status, 200);
}

#[tokio::test]
async fn the_page_says_it_in_the_language_asked_for_or_preferred() {
    let server = explained().local().await;
    for (lang, words) in [
        (
            "ko",
            [
                "서울: 초미세먼지",
                "기준 충족",
                "2022-01-08 21:00",
                "공식 발령이나 해제가 아닙니다",
                "전송 포기",
            ],
        ),
        ("zh", ["首尔：", "达到标准", "注意报", "并非主管部门", "已放弃"]),
        (
            "en",
            [
                "hourly zone mean ≥ 75 µg/m³ for 2 hours",
                "advisory",
                "no official proclamation",
                "given up: 410 Gone",
                "kr-air-alert@2018-07-01",
            ],
        ),
    ] {
        let page = server.get(&format!("/changes/C1?lang={lang}")).await;
        assert!(page.header("content-type").starts_with("text/html"));
        for word in words {
            assert!(page.text.contains(word), "{word} is not in {}", page.text);
        }
        assert!(page.text.contains(&format!("<html lang=\"{lang}\">")));
    }
    assert_eq!(server.get("/changes/C1?lang=fr").await.status, 400);
    assert_eq!(server.get("/changes/C3").await.status, 404);
}

#[tokio::test]
async fn the_page_brings_everything_with_it_and_lets_no_markup_through() {
    let server = explained().local().await;
    let page = server.get("/changes/C1?lang=en").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!page.text.contains("<i>Seoul") && page.text.contains("&lt;i&gt;Seoul"));
    for outside in ["<script", "src=", "@import", "url(", " style=\""] {
        assert!(!page.text.contains(outside), "{outside}");
    }
    assert!(page.text.contains("<s>300</s>"), "what did not count is struck out");
}

/// A decision on forecasts, as the intake writes it.
fn foretold() -> Value {
    let forecast = json!({
        "issuer": "nier", "issued_at": "2022-01-08T08:00:00Z", "of": "pm2_5",
        "from": "2022-01-08T15:00:00Z", "until": "2022-01-09T15:00:00Z", "value": 82.0,
        "cause": "dust",
    });
    let mean = json!({
        "aggregate": "mean", "value": 51.25,
        "from": "2022-01-07T15:00:00Z", "until": "2022-01-08T07:00:00Z",
    });
    let stood =
        json!({ "ladder": "kr-pm25", "level": "advisory", "since": "2022-01-08T03:00:00Z" });
    let zones = json!({ "coupling": "capital", "zones": ["seoul", "incheon"], "at_least": 2 });
    let mut data = data("none", "measures", 120);
    data["value"] = json!(82.0);
    data["inputs"] = json!([forecast, mean, stood, zones]);
    data
}

#[tokio::test]
async fn forecasts_and_other_inputs_are_told_in_words_and_never_as_measured() {
    let mut store = Store::new();
    put(&mut store, "C9", foretold(), 120, "zone/seoul");
    let server = store.local().await;
    for (lang, wanted) in [
        (
            "ko",
            [
                "예보값",
                "예보: PM2.5 (황사)",
                "nier, 2022-01-08 17:00 발표",
                "구간 평균",
                "2022-01-08 00:00 – 2022-01-08 16:00",
                "2022-01-08 12:00부터",
                "주의보",
                "2곳 이상 필요",
            ],
        ),
        (
            "zh",
            [
                "预报值",
                "预报：PM2.5 (沙尘)",
                "nier, 2022-01-08 17:00 发布",
                "时段均值",
                "51.25 µg/m³",
                "自 2022-01-08 12:00 起",
                "注意报",
                "至少需要 2 个",
            ],
        ),
        (
            "en",
            [
                "Forecast value",
                "forecast: PM2.5 (dust)",
                "nier, issued 2022-01-08 17:00",
                "mean of the hours",
                "<td>2022-01-09</td>",
                "since 2022-01-08 12:00",
                "zones that decide together: capital",
                "at least 2 needed",
            ],
        ),
    ] {
        let page = server.get(&format!("/changes/C9?lang={lang}")).await.text;
        for wanted in wanted {
            assert!(page.contains(wanted), "{wanted:?} is not in\n{page}");
        }
        for key in ["issued_at", "issued at", "aggregate", "at_least"] {
            assert!(!page.contains(key), "{key:?} is in\n{page}");
        }
    }
}
