//! What people read of an event: one paragraph in their language.
//!
//! A change says what criterion was met, with which value, where and when in the
//! local time of the place, and that this is no official proclamation. Level
//! names are those of the Korean and Chinese laws on warnings; one that is not
//! known here is shown as it is written in the ruleset.

use crate::air::place::Language;
use crate::air::{Names, Quantity, Stamp};
use serde_json::Value;

/// The text of an event of a CloudEvents type, from its data. Whatever is missing
/// in the data is left out of the text.
pub fn text(kind: &str, data: &Value, language: Language) -> String {
    let told = match kind {
        "dustline.change.v1" => change(data, language),
        "dustline.operational.v1" => operational(data, language),
        _ => string(data, "detail").unwrap_or(kind).to_owned(),
    };
    if data.get("exercise").and_then(Value::as_bool) != Some(true) {
        return told;
    }
    match language {
        Language::Ko => format!("[훈련] {told}"),
        Language::Zh => format!("【演习】{told}"),
        Language::En => format!("[EXERCISE] {told}"),
    }
}

/// A text in up to three languages, as events carry it: an object, or one string
/// for all.
pub fn in_language(value: &Value, language: Language) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    let names: Names = serde_json::from_value(value.clone()).ok()?;
    Some(names.text(language).to_owned()).filter(|t| !t.is_empty())
}

fn change(data: &Value, language: Language) -> String {
    let place = place(data, language);
    let what = match string(data, "quantity").and_then(Quantity::from_name) {
        Some(q) => quantity(q, language).to_owned(),
        None => string(data, "quantity").unwrap_or_default().to_owned(),
    };
    let moved = moved(data, &what, language);
    let mut sentences = vec![match language {
        Language::Zh => format!("{place}：{moved}"),
        _ => format!("{place}: {moved}"),
    }];
    if let Some(value) = data.get("value").and_then(Value::as_f64) {
        let unit = match string(data, "quantity").and_then(Quantity::from_name) {
            Some(q) => q.unit_text(),
            None => string(data, "unit").unwrap_or_default(),
        };
        let value = number(value);
        sentences.push(match language {
            Language::Ko => format!("측정값 {value} {unit}"),
            Language::Zh => format!("测量值 {value} {unit}"),
            Language::En => format!("Value {value} {unit}"),
        });
    }
    if let Some(criterion) = data.get("criterion").and_then(|c| in_language(c, language)) {
        sentences.push(match language {
            Language::Ko => format!("기준: {criterion}"),
            Language::Zh => format!("标准：{criterion}"),
            Language::En => format!("Criterion: {criterion}"),
        });
    }
    sentences.extend(when(data, language));
    if data.get("late").and_then(Value::as_bool) == Some(true) {
        sentences.push(phrase(
            language,
            "늦게 도착한 자료로 다시 판정한 결과임",
            "根据迟到的数据重新判定",
            "Judged again with data that came late",
        ));
    }
    sentences.push(phrase(
        language,
        "이 관측망의 자료가 기준을 충족했다는 뜻이며, 관계 기관의 공식 발령이나 해제가 아님",
        "仅表示本网络的数据符合该标准，并非主管部门的正式发布或解除",
        "This says that this network's data meet a criterion; it is no official proclamation by an authority",
    ));
    join(&sentences, language)
}

/// What happened to the level, as a sentence without its stop.
fn moved(data: &Value, what: &str, language: Language) -> String {
    let from = string(data, "from").unwrap_or("none");
    let to = string(data, "to").unwrap_or("none");
    let (old, new) = (level(from, language), level(to, language));
    let lowered = matches!((rank(from), rank(to)), (Some(a), Some(b)) if b < a);
    match (language, to == "none", lowered) {
        (Language::Ko, true, _) => format!("{what} {old} 해제 기준 충족"),
        (Language::Ko, _, true) => format!("{what} {old} → {new} 하향 기준 충족"),
        (Language::Ko, _, _) => format!("{what} {new} 기준 충족"),
        (Language::Zh, true, _) => format!("{what}达到解除{old}的标准"),
        (Language::Zh, _, true) => format!("{what}达到由{old}降为{new}的标准"),
        (Language::Zh, _, _) => format!("{what}达到{new}标准"),
        (Language::En, true, _) => format!("{what} {old} lifted by its criterion"),
        (Language::En, _, true) => format!("{what} {old} lowered to {new} by its criterion"),
        (Language::En, _, _) => format!("criterion of the {what} {new} met"),
    }
}

fn rank(level: &str) -> Option<u8> {
    match level {
        "none" => Some(0),
        "advisory" => Some(1),
        "warning" => Some(2),
        "emergency" => Some(3),
        _ => None,
    }
}

/// The name of a level; `none` is only ever written as what is lifted.
pub fn level(name: &str, language: Language) -> String {
    let known = match (name, language) {
        ("none", Language::Ko) => "해제",
        ("none", Language::Zh) => "解除",
        ("none", Language::En) => "lifted",
        ("advisory", Language::Ko) => "주의보",
        ("advisory", Language::Zh) => "注意报",
        ("warning", Language::Ko) => "경보",
        ("warning", Language::Zh) => "警报",
        ("emergency", Language::Ko) => "긴급",
        ("emergency", Language::Zh) => "紧急",
        _ => name,
    };
    known.to_owned()
}

fn quantity(quantity: Quantity, language: Language) -> &'static str {
    let (ko, zh, en) = match quantity {
        Quantity::Pm1 => ("극초미세먼지(PM1)", "超细颗粒物（PM1）", "PM1"),
        Quantity::Pm2_5 => ("초미세먼지(PM2.5)", "细颗粒物（PM2.5）", "PM2.5"),
        Quantity::Pm4 => ("먼지(PM4)", "颗粒物（PM4）", "PM4"),
        Quantity::Pm10 => ("미세먼지(PM10)", "可吸入颗粒物（PM10）", "PM10"),
        Quantity::Co2 => ("이산화탄소", "二氧化碳", "CO₂"),
        Quantity::Temperature => ("기온", "气温", "temperature"),
        Quantity::Humidity => ("습도", "湿度", "humidity"),
        Quantity::Pressure => ("기압", "气压", "pressure"),
        Quantity::O3 => ("오존", "臭氧", "ozone"),
        Quantity::No2 => ("이산화질소", "二氧化氮", "NO₂"),
        Quantity::So2 => ("아황산가스", "二氧化硫", "SO₂"),
        Quantity::Co => ("일산화탄소", "一氧化碳", "CO"),
    };
    match language {
        Language::Ko => ko,
        Language::Zh => zh,
        Language::En => en,
    }
}

/// The name of the place, or its id where it has none.
fn place(data: &Value, language: Language) -> String {
    let Some(scope) = data.get("scope") else { return String::new() };
    if let Some(name) = scope.get("name").and_then(|n| in_language(n, language)) {
        return name;
    }
    let id = string(scope, "zone").or_else(|| string(scope, "station"));
    id.unwrap_or_default().to_owned()
}

/// The instant in the local time of the place, with the zone named.
fn when(data: &Value, language: Language) -> Option<String> {
    let at = Stamp::parse(string(data, "at")?)?;
    let named = string(data, "time_zone")
        .and_then(|name| Some((name, jiff::tz::TimeZone::get(name).ok()?)));
    let (name, zone) = named.unwrap_or(("UTC", jiff::tz::TimeZone::UTC));
    let local = at.local(&zone);
    Some(match language {
        Language::Ko => format!("시각 {local} ({name})"),
        Language::Zh => format!("时间 {local}（{name}）"),
        Language::En => format!("At {local} ({name})"),
    })
}

fn operational(data: &Value, language: Language) -> String {
    let kind = string(data, "kind").unwrap_or("operational");
    let subject = string(data, "subject").unwrap_or_default();
    let what = condition(kind, subject, language);
    let ended = data.get("active").and_then(Value::as_bool) == Some(false);
    let mut sentences = vec![match (language, ended) {
        (_, false) => what,
        (Language::Ko, true) => format!("해소됨: {what}"),
        (Language::Zh, true) => format!("已恢复：{what}"),
        (Language::En, true) => format!("Over: {what}"),
    }];
    if let Some(detail) = string(data, "detail").filter(|d| !d.is_empty()) {
        sentences.push(detail.to_owned());
    }
    sentences.extend(when(data, language));
    join(&sentences, language)
}

/// The condition of the operation in words; one not known here by its name.
fn condition(kind: &str, subject: &str, language: Language) -> String {
    let (ko, zh, en) = match kind {
        "source_silent" => ("소스에서 자료가 오지 않음", "数据源无数据", "source is silent"),
        "subscription_refused" => ("구독이 거부됨", "订阅被拒绝", "subscription is refused"),
        "zone_unknown" => {
            ("자료 부족으로 판정 불가", "数据不足，无法判定", "too little data to judge the zone")
        }
        "forwarding_held" => ("전송 보류", "转发已暂停", "forwarding is held"),
        "receiver_disabled" => ("수신처 비활성화", "接收方已停用", "receiver is disabled"),
        "disk_low" => ("디스크 공간 부족", "磁盘空间不足", "disk space is low"),
        other => (other, other, other),
    };
    let words = phrase(language, ko, zh, en);
    match (subject.is_empty(), language) {
        (true, _) => words,
        (false, Language::Zh) => format!("{subject}：{words}"),
        (false, _) => format!("{subject}: {words}"),
    }
}

/// At most two decimals, but never so few that the number looks like a bound
/// that it does not reach (74.9996 is not 75).
fn number(value: f64) -> String {
    let written = |digits: usize| {
        let text = format!("{value:.digits$}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    (2..6)
        .map(written)
        .find(|t| t.contains('.') || t.parse() == Ok(value))
        .unwrap_or_else(|| value.to_string())
}

fn string<'a>(data: &'a Value, key: &str) -> Option<&'a str> {
    data.get(key).and_then(Value::as_str)
}

fn phrase(language: Language, ko: &str, zh: &str, en: &str) -> String {
    match language {
        Language::Ko => ko,
        Language::Zh => zh,
        Language::En => en,
    }
    .to_owned()
}

fn join(sentences: &[String], language: Language) -> String {
    match language {
        Language::Zh => format!("{}。", sentences.join("。")),
        _ => format!("{}.", sentences.join(". ")),
    }
}

#[cfg(test)]
mod tests {
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
                "lowered to advisory",
            ),
            ("advisory", "none", "주의보 해제 기준", "解除注意报的标准", "advisory lifted"),
            ("warning", "none", "경보 해제 기준", "解除警报的标准", "warning lifted"),
            ("none", "emergency", "긴급 기준 충족", "达到紧急标准", "PM2.5 emergency met"),
            ("emergency", "none", "긴급 해제 기준", "解除紧急的标准", "emergency lifted"),
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
        let data = with(
            advisory(),
            json!({ "scope": { "station": "s00001" }, "time_zone": "Nowhere/Never" }),
        );
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
    fn a_value_never_looks_like_a_bound_it_does_not_reach() {
        for (value, text) in [
            (81.84, "81.84"),
            (75.0, "75"),
            (79.2, "79.2"),
            (74.9996, "74.9996"),
            (74.996, "74.996"),
            (0.058, "0.06"),
            (100.0, "100"),
            (-0.5, "-0.5"),
            (81.836_667, "81.84"),
            (75.000_000_1, "75.0000001"),
        ] {
            assert_eq!(number(value), text);
        }
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
}
