use super::*;
use serde_json::json;

fn advisory() -> Value {
    json!({
        "ladder": "kr-pm25", "ruleset": "kr-air-alert@2018-07-01",
        "scope": { "zone": "seoul", "name": { "ko": "서울", "zh": "首尔", "en": "Seoul" } },
        "from": "none", "to": "advisory", "at": "2022-01-08T13:00:00Z", "time_zone": "Asia/Seoul",
        "quantity": "pm2_5", "unit": "ug/m3", "value": 81.84,
        "criterion": { "ko": "시간평균 75 µg/m³ 이상 2시간", "zh": "小时均值 ≥ 75 µg/m³ 持续 2 小时", "en": "hourly mean ≥ 75 µg/m³ for 2 hours" },
    })
}

fn with(mut data: Value, changes: Value) -> Value {
    if let (Some(data), Some(changes)) = (data.as_object_mut(), changes.as_object()) {
        data.extend(changes.clone());
    }
    data
}

fn told(data: &Value, language: Language) -> String {
    text("dustline.change.v1", data, language)
}

#[test]
fn an_advisory_is_told_whole_in_each_language() {
    let cases = [
        (
            Language::Ko,
            "서울: 초미세먼지(PM2.5) 주의보 기준 충족. 측정값 81.84 µg/m³. 기준: 시간평균 75 µg/m³ 이상 2시간. 시각 2022-01-08 22:00 (Asia/Seoul). 이 관측망의 자료가 기준을 충족했다는 뜻이며, 관계 기관의 공식 발령이나 해제가 아님.",
        ),
        (
            Language::Zh,
            "首尔：细颗粒物（PM2.5）达到注意报标准。测量值 81.84 µg/m³。标准：小时均值 ≥ 75 µg/m³ 持续 2 小时。时间 2022-01-08 22:00（Asia/Seoul）。仅表示本网络的数据符合该标准，并非主管部门的正式发布或解除。",
        ),
        (
            Language::En,
            "Seoul: criterion of the PM2.5 advisory met. Value 81.84 µg/m³. Criterion: hourly mean ≥ 75 µg/m³ for 2 hours. At 2022-01-08 22:00 (Asia/Seoul). This says that this network's data meet a criterion; it is no official proclamation by an authority.",
        ),
    ];
    for (language, expected) in cases {
        assert_eq!(told(&advisory(), language), expected);
    }
}

#[test]
fn raising_lowering_and_lifting_are_told_apart_in_each_language() {
    let cases = [
        ("none", "warning", "경보 기준 충족", "达到警报标准", "PM2.5 warning met"),
        ("advisory", "warning", "경보 기준 충족", "达到警报标准", "PM2.5 warning met"),
        (
            "warning",
            "advisory",
            "경보 → 주의보 하향",
            "由警报降为注意报",
            "lowering the PM2.5 warning to advisory",
        ),
        ("advisory", "none", "주의보 해제 기준", "解除注意报的标准", "lifting the PM2.5 advisory"),
        ("warning", "none", "경보 해제 기준", "解除警报的标准", "lifting the PM2.5 warning"),
        ("none", "emergency", "긴급 기준 충족", "达到紧急标准", "PM2.5 emergency met"),
        ("emergency", "none", "긴급 해제 기준", "解除紧急的标准", "lifting the PM2.5 emergency"),
        ("none", "orange", "orange 기준 충족", "达到orange标准", "PM2.5 orange met"),
    ];
    for (from, to, ko, zh, en) in cases {
        let data = with(advisory(), json!({ "from": from, "to": to }));
        for (language, part) in [(Language::Ko, ko), (Language::Zh, zh), (Language::En, en)] {
            let text = told(&data, language);
            assert!(text.contains(part), "{from} to {to}: {part:?} is not in {text}");
        }
    }
}

#[test]
fn an_exercise_and_late_data_are_said_in_each_language() {
    let data = with(advisory(), json!({ "exercise": true, "late": true }));
    for (language, start, late) in [
        (Language::Ko, "[훈련] ", "늦게 도착한 자료"),
        (Language::Zh, "【演习】", "迟到的数据"),
        (Language::En, "[EXERCISE] ", "came late"),
    ] {
        let text = told(&data, language);
        assert!(text.starts_with(start) && text.contains(late), "{text}");
        assert!(!told(&advisory(), language).contains(late));
    }
}

#[test]
fn a_place_without_name_or_time_zone_is_told_by_id_and_in_utc() {
    let data =
        with(advisory(), json!({ "scope": { "station": "s00001" }, "time_zone": "Nowhere/Never" }));
    let text = told(&data, Language::Ko);
    assert!(text.starts_with("s00001: "), "{text}");
    assert!(text.contains("2022-01-08 13:00 (UTC)"), "{text}");
}

#[test]
fn conditions_of_the_operation_are_told_when_they_begin_and_end() {
    let began = json!({ "kind": "source_silent", "subject": "city", "active": true, "detail": "nothing for 10m" });
    let ended = with(began.clone(), json!({ "active": false, "detail": "" }));
    let of = |data: &Value, language| text("dustline.operational.v1", data, language);
    assert_eq!(of(&began, Language::Ko), "city: 소스에서 자료가 오지 않음. nothing for 10m.");
    assert_eq!(of(&began, Language::Zh), "city：数据源无数据。nothing for 10m。");
    assert_eq!(of(&began, Language::En), "city: source is silent. nothing for 10m.");
    assert_eq!(of(&ended, Language::Ko), "해소됨: city: 소스에서 자료가 오지 않음.");
    assert_eq!(of(&ended, Language::Zh), "已恢复：city：数据源无数据。");
    assert_eq!(of(&ended, Language::En), "Over: city: source is silent.");
}

#[test]
fn whatever_the_data_are_there_is_a_text() {
    for data in [json!(null), json!([]), json!({ "scope": 1, "value": "x", "at": 5 })] {
        for kind in ["dustline.change.v1", "dustline.operational.v1", "other.v1"] {
            for language in Language::ALL {
                assert!(!text(kind, &data, language).is_empty());
            }
        }
    }
}
