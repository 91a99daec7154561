//! What people read of an event: one paragraph in their language.
//!
//! A change says what criterion was met, with which value, where and when in the
//! local time of the place, and that this is no official proclamation. Level
//! names are those of the Korean and Chinese laws on warnings; one that is not
//! known here is shown as it is written in the ruleset.

mod particulars;
mod variables;

pub use variables::variables;

use crate::air::place::Language;
use crate::air::words::{self, Moved, number};
use crate::air::{Names, Quantity, Stamp};
use serde_json::Value;

/// The text of an event of a CloudEvents type, from its data. Whatever is missing
/// in the data is left out of the text.
pub fn text(kind: &str, data: &Value, language: Language) -> String {
    let told = match kind {
        "dustline.change.v1" => change(data, language),
        "dustline.operational.v1" => operational(data, language),
        "dustline.incident.v1" => incident(data, language),
        _ => string(data, "detail").unwrap_or(kind).to_owned(),
    };
    if data.get("exercise").and_then(Value::as_bool) != Some(true) {
        return told;
    }
    marked(&told, language)
}

/// A text marked as that of an exercise.
pub fn marked(text: &str, language: Language) -> String {
    let space = if language == Language::Zh { "" } else { " " };
    format!("{}{space}{text}", words::exercise(language))
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
    let index = particulars::index(data, language);
    let what = match string(data, "quantity").and_then(Quantity::from_name) {
        _ if index.is_some() => index.unwrap_or_default().to_owned(),
        Some(q) => q.title(language).to_owned(),
        None => string(data, "quantity").unwrap_or_default().to_owned(),
    };
    let moved = moved(data, &what, language);
    let mut sentences = vec![match language {
        Language::Zh => format!("{place}：{moved}"),
        _ => format!("{place}: {moved}"),
    }];
    if let Some(value) = data.get("value").and_then(Value::as_f64) {
        let unit = match string(data, "quantity").and_then(Quantity::from_name) {
            _ if index.is_some() => "",
            Some(q) => q.unit_text(),
            None => string(data, "unit").unwrap_or_default(),
        };
        let value = number(value);
        let told = match (language, particulars::foretold(data)) {
            (Language::Ko, false) => format!("측정값 {value} {unit}"),
            (Language::Ko, true) => format!("예보값 {value} {unit}"),
            (Language::Zh, false) => format!("测量值 {value} {unit}"),
            (Language::Zh, true) => format!("预报值 {value} {unit}"),
            (Language::En, false) => format!("Value {value} {unit}"),
            (Language::En, true) => format!("Forecast value {value} {unit}"),
        };
        sentences.push(told.trim_end().to_owned());
    }
    if let Some(criterion) = data.get("criterion").and_then(|c| in_language(c, language)) {
        sentences.push(match language {
            Language::Ko => format!("기준: {criterion}"),
            Language::Zh => format!("标准：{criterion}"),
            Language::En => format!("Criterion: {criterion}"),
        });
    }
    sentences.extend(particulars::sentences(data, language));
    sentences.extend(when(data, language));
    if data.get("late").and_then(Value::as_bool) == Some(true) {
        sentences.push(phrase(
            language,
            "늦게 도착한 자료로 다시 판정한 결과임",
            "根据迟到的数据重新判定",
            "Judged again with data that came late",
        ));
    }
    sentences.push(words::caution(language).to_owned());
    join(&sentences, language)
}

/// What happened to the level, as a sentence without its stop.
fn moved(data: &Value, what: &str, language: Language) -> String {
    let from = string(data, "from").unwrap_or("none");
    let to = string(data, "to").unwrap_or("none");
    let (mut old, mut new) = (level(from, language), level(to, language));
    // A condition says what its level is called: that reached, or that left.
    if let Some(title) = data.get("level").and_then(|l| in_language(l, language)) {
        *(if to == "none" { &mut old } else { &mut new }) = title;
    }
    let lowered = matches!((rank(from), rank(to)), (Some(a), Some(b)) if b < a);
    let moved = match (to, lowered) {
        ("none", _) => Moved::Lifted(&old),
        (_, true) => Moved::Lowered(&old, &new),
        _ => Moved::Raised(&new),
    };
    moved.criterion_met(what, language)
}

fn rank(level: &str) -> Option<u8> {
    match level {
        "none" => Some(0),
        "advisory" | "preliminary" | "blue" => Some(1),
        "warning" | "measures" | "yellow" => Some(2),
        "emergency" | "orange" => Some(3),
        "red" => Some(4),
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

/// The name of the place, or its id where it has none.
fn place(data: &Value, language: Language) -> String {
    let Some(scope) = data.get("scope") else { return String::new() };
    if let Some(name) = scope.get("name").and_then(|n| in_language(n, language)) {
        return name;
    }
    let id = string(scope, "zone").or_else(|| string(scope, "station"));
    id.unwrap_or_default().to_owned()
}

/// The time zone of the place, with its name.
fn clock(data: &Value) -> (&str, jiff::tz::TimeZone) {
    let named = string(data, "time_zone")
        .and_then(|name| Some((name, jiff::tz::TimeZone::get(name).ok()?)));
    named.unwrap_or(("UTC", jiff::tz::TimeZone::UTC))
}

/// The instant in the local time of the place, with the zone named.
fn when(data: &Value, language: Language) -> Option<String> {
    let at = Stamp::parse(string(data, "at")?)?;
    let (name, zone) = clock(data);
    let local = at.local(&zone);
    Some(match language {
        Language::Ko => format!("시각 {local} ({name})"),
        Language::Zh => format!("时间 {local}（{name}）"),
        Language::En => format!("At {local} ({name})"),
    })
}

/// The hotline has said it in every language already.
fn incident(data: &Value, language: Language) -> String {
    data.get("said").and_then(|said| in_language(said, language)).unwrap_or_default()
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
        "station_disagrees" => (
            "주변 측정소와 값이 크게 다름",
            "与周边站点数值相差很大",
            "station disagrees with its neighbours",
        ),
        "forwarding_held" => ("전송 보류", "转发已暂停", "forwarding is held"),
        "database_forgets" => ("데이터베이스 자료 누락", "数据库丢失数据", "a database forgets"),
        "receiver_disabled" => ("수신처 비활성화", "接收方已停用", "receiver is disabled"),
        "disk_low" => ("디스크 공간 부족", "磁盘空间不足", "disk space is low"),
        "disk_full" => (
            "디스크가 가득 차 메시지가 대기 중",
            "磁盘已满，消息正在等待",
            "the disk is full, messages wait",
        ),
        "store_limit" => (
            "저장소가 한도에 이르러 오래된 자료를 삭제함",
            "存储已达上限，正在删除旧数据",
            "the store is at its limit, old data are dropped",
        ),
        other => (other, other, other),
    };
    let words = phrase(language, ko, zh, en);
    match (subject.is_empty(), language) {
        (true, _) => words,
        (false, Language::Zh) => format!("{subject}：{words}"),
        (false, _) => format!("{subject}: {words}"),
    }
}

fn string<'a>(data: &'a Value, key: &str) -> Option<&'a str> {
    data.get(key).and_then(Value::as_str)
}

fn phrase(language: Language, ko: &str, zh: &str, en: &str) -> String {
    language.one_of(ko, zh, en).to_owned()
}

fn join(sentences: &[String], language: Language) -> String {
    match language {
        Language::Zh => format!("{}。", sentences.join("。")),
        _ => format!("{}.", sentences.join(". ")),
    }
}

#[cfg(test)]
mod tests;
