//! What only a change of a condition says: of which index, for which time, why.

use super::{clock, in_language, string};
use crate::air::Stamp;
use crate::air::place::Language;
use serde_json::Value;

/// The name of the index that the value is of, if it is of one.
pub(super) fn index(data: &Value, language: Language) -> Option<&'static str> {
    let (ko, zh, en) = match string(data, "index")? {
        "aqi_cn" => ("중국 대기질지수(AQI)", "空气质量指数（AQI）", "Chinese AQI"),
        "cai" => ("통합대기환경지수(CAI)", "韩国综合空气质量指数（CAI）", "Korean CAI"),
        "aqi_us" => ("미국 대기질지수(AQI)", "美国空气质量指数（AQI）", "US AQI"),
        _ => return None,
    };
    Some(match language {
        Language::Ko => ko,
        Language::Zh => zh,
        Language::En => en,
    })
}

/// Whether the change rests on what is expected and on nothing measured.
pub(super) fn foretold(data: &Value) -> bool {
    let inputs = data.get("inputs").and_then(Value::as_array);
    inputs.is_some_and(|all| !all.is_empty() && all.iter().all(|i| i.get("issued_at").is_some()))
}

/// For which time the decision is in force, and what the rules say of its cause.
pub(super) fn sentences(data: &Value, language: Language) -> Vec<String> {
    let remark = data.get("remark").and_then(|r| in_language(r, language));
    in_force(data, language).into_iter().chain(remark).collect()
}

fn in_force(data: &Value, language: Language) -> Option<String> {
    let period = data.get("in_force")?;
    let (_, zone) = clock(data);
    let local = |key| Some(Stamp::parse(string(period, key)?)?.local(&zone));
    let (from, until) = (local("from")?, local("until")?);
    Some(match language {
        Language::Ko => format!("시행 {from}부터 {until}까지"),
        Language::Zh => format!("实施时间 {from} 至 {until}"),
        Language::En => format!("In force from {from} to {until}"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::text;
    use super::*;
    use serde_json::json;

    const KIND: &str = "dustline.change.v1";

    #[test]
    fn a_warning_from_a_forecast_names_its_index_and_never_a_measured_value() {
        let data = json!({
            "scope": { "zone": "beijing", "name": { "ko": "베이징", "zh": "北京", "en": "Beijing" } },
            "from": "none", "to": "yellow", "at": "2026-01-12T09:00:00Z",
            "quantity": "pm2_5", "index": "aqi_cn", "value": 231.0, "time_zone": "Asia/Shanghai",
            "level": { "ko": "황색 경보", "zh": "黄色预警", "en": "yellow warning" },
            "remark": { "ko": "r", "zh": "仅发布健康提示", "en": "a health notice only" },
            "inputs": [{ "issuer": "cnemc", "issued_at": "2026-01-12T09:00:00Z", "value": 231.0 }],
        });
        let zh = text(KIND, &data, Language::Zh);
        assert!(zh.starts_with("北京：空气质量指数（AQI）达到黄色预警标准。预报值 231。"), "{zh}");
        assert!(zh.contains("仅发布健康提示"), "{zh}");
        let en = text(KIND, &data, Language::En);
        assert!(
            en.starts_with("Beijing: criterion of the Chinese AQI yellow warning met. "),
            "{en}"
        );
        assert!(en.contains("Forecast value 231. a health notice only."), "{en}");
        let ko = text(KIND, &data, Language::Ko);
        assert!(
            ko.starts_with("베이징: 중국 대기질지수(AQI) 황색 경보 기준 충족. 예보값 231."),
            "{ko}"
        );
    }

    #[test]
    fn measures_say_from_when_to_when_by_the_clock_of_the_place() {
        let data = json!({
            "scope": { "zone": "seoul" }, "from": "none", "to": "measures", "quantity": "pm2_5",
            "time_zone": "Asia/Seoul", "value": 62.0,
            "level": { "ko": "비상저감조치", "zh": "紧急减排措施", "en": "emergency measures" },
            "in_force": { "from": "2026-01-12T21:00:00Z", "until": "2026-01-13T12:00:00Z" },
            "inputs": [{ "hour": "2026-01-12T07:00:00Z", "mean": 62.0, "stations": 25 }],
        });
        let ko = text(KIND, &data, Language::Ko);
        assert!(ko.contains("비상저감조치 기준 충족"), "{ko}");
        assert!(ko.contains("시행 2026-01-13 06:00부터 2026-01-13 21:00까지"), "{ko}");
        assert!(ko.contains("측정값 62"), "{ko}");
        let mut lifted = data;
        lifted["from"] = json!("measures");
        lifted["to"] = json!("none");
        let en = text(KIND, &lifted, Language::En);
        assert!(en.contains("criterion for lifting the PM2.5 emergency measures met"), "{en}");
    }
}
