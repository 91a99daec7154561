//! An incident to read, with its transcript: in words, and as a page to print.

use super::explain::escaped;
use crate::air::Stamp;
use crate::hotline::{Entry, Grade, Words};
use crate::store::IncidentRow;
use serde_json::Value;
use std::fmt::Write;

/// How the page looks; it loads nothing from elsewhere.
pub(super) const STYLE: &str = "body{font:11pt/1.5 sans-serif;max-width:46em;margin:2em auto;padding:0 1em}\
h1{font-size:1.4em}dt{font-weight:bold}dd{margin:0 0 .4em}\
li{list-style:none;margin:0 0 .7em;break-inside:avoid}ol{padding:0}\
code{font-size:.7em;color:#555;overflow-wrap:anywhere}.drill{border:3px solid #b00;padding:.4em;color:#b00;font-weight:bold}";

/// An incident in words.
#[derive(Debug, Clone)]
pub struct Document {
    /// The code of their language.
    pub language: &'static str,
    /// Which incident it is.
    pub title: String,
    /// The mark of an exercise.
    pub exercise: Option<&'static str>,
    /// What is said above the entries: name and value.
    pub facts: Vec<(String, String)>,
    /// Each entry's line and hash.
    pub lines: Vec<(String, String)>,
    /// What all of it does not mean.
    pub caution: &'static str,
}

impl Document {
    /// An incident in these words.
    pub fn of(row: &IncidentRow, transcript: Vec<Value>, words: &Words<'_>) -> Document {
        let one = |ko, zh, en| words.language.one_of(ko, zh, en);
        let facts = facts(row, words);
        let hash = |entry: &Value| entry["hash"].as_str().unwrap_or_default().to_owned();
        // What cannot be read is shown as it stands: `verify` says what is wrong.
        let line = |entry: &Value| match serde_json::from_value::<Entry>(entry.clone()) {
            Ok(known) => words.line(&known),
            Err(_) => entry.to_string(),
        };
        Document {
            language: words.language.code(),
            title: format!("{} {}", one("핫라인 사건", "热线事件", "Hotline incident"), row.case),
            exercise: row.exercise.then(|| words.exercise()),
            facts,
            lines: transcript.iter().map(|e| (line(e), hash(e))).collect(),
            caution: words.caution(),
        }
    }

    /// For a browser and a printer.
    pub fn html(&self) -> String {
        let mut page = format!(
            "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
             <title>{title}</title><style>{STYLE}</style></head><body>\n",
            self.language,
            title = escaped(&self.title)
        );
        if let Some(mark) = self.exercise {
            let _ = writeln!(page, "<p class=\"drill\">{}</p>", escaped(mark));
        }
        let _ = writeln!(page, "<h1>{}</h1>\n<dl>", escaped(&self.title));
        for (name, value) in &self.facts {
            let _ = writeln!(page, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
        }
        page.push_str("</dl>\n<ol>\n");
        for (line, hash) in &self.lines {
            let _ = writeln!(page, "<li>{}<br><code>{}</code></li>", escaped(line), escaped(hash));
        }
        let _ = writeln!(page, "</ol>\n<p>{}.</p>\n</body></html>", escaped(self.caution));
        page
    }
}

/// What stands above the entries, without what there is nothing to say of.
fn facts(row: &IncidentRow, words: &Words<'_>) -> Vec<(String, String)> {
    let one = |ko, zh, en| words.language.one_of(ko, zh, en).to_owned();
    let state = &row.state;
    let text = |key: &str| state[key].as_str().unwrap_or("-");
    let all = |key: &str| state[key].as_array().into_iter().flatten();
    let level = serde_json::from_value(state["level"].clone()).ok();
    let level = level.filter(|level: &Grade| level.rank > 0).map(|level| words.level(&level));
    let missing: Vec<String> =
        all("missing").filter_map(Value::as_str).map(|id| words.party(id)).collect();
    let stands = match row.closed {
        Some(at) => {
            format!("{} {}", one("종료", "已结束", "closed"), at.local(&words.time_zone))
        }
        None => one("진행 중", "进行中", "open"),
    };
    let opened = row.opened.local(&words.time_zone);
    let mut facts = vec![
        (one("원인", "原因", "cause"), words.cause(text("cause"))),
        (one("지역", "区域", "zones"), words.group(text("group"))),
        (one("단계", "级别", "level"), level.unwrap_or_default()),
        (one("개시", "启动时间", "opened"), opened),
        (one("상태", "状态", "state"), stands),
    ];
    facts.extend(
        all("parties").filter_map(|party| {
            Some((words.party(party["party"].as_str()?), of_party(party, words)))
        }),
    );
    facts.extend([
        (one("종료 미동의", "尚未同意结束", "not agreed to close"), missing.join(", ")),
        (one("시각 기준", "时间所用时区", "times in"), words.clock()),
        (one("마지막 해시", "末条哈希", "head"), text("head").to_owned()),
    ]);
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

/// What a party has done, or has to do by when.
fn of_party(party: &Value, words: &Words<'_>) -> String {
    let one = |ko, zh, en| words.language.one_of(ko, zh, en);
    let time = |key: &str| Some(Stamp::parse(party[key].as_str()?)?.local(&words.time_zone));
    let done = |key: &str, what: &str| time(key).map(|at| format!("{what} {at}"));
    let known = done("acknowledged", one("수신 확인", "确认收悉", "acknowledged"));
    let owed = || {
        let by = one("미확인, 기한", "尚未确认，期限", "not acknowledged, due by");
        done("acknowledge_by", by).filter(|_| party["owes"] == "acknowledgement")
    };
    let parts = [
        known.or_else(owed),
        done("shared", one("최근 공유", "最近通报", "last shared")),
        done("agreed", one("종료 동의", "同意结束", "agreed to close")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(one(", ", "，", ", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::place::Language;
    use crate::hotline::Plan;
    use jiff::tz::TimeZone;
    use serde_json::json;

    #[test]
    fn a_page_shows_what_people_wrote_and_never_runs_it() {
        let note = json!({ "at": "2022-01-08T13:00:00Z", "hash": "ab", "incident": "x", "number": 1,
            "previous": "00", "what": { "kind": "note", "text": "<script>alert('1')</script>" },
            "who": { "role": "party", "from": "api", "name": null, "party": "KR" } });
        let row = IncidentRow {
            row: 1,
            id: "x".into(),
            case: "EX-2022-0001".into(),
            exercise: true,
            opened: Stamp(0),
            closed: None,
            state: json!({ "cause": "<b>", "group": "all", "missing": ["KR"], "head": "ab" }),
        };
        let plan = Plan::default();
        let page = |language| {
            let words = Words { language, time_zone: TimeZone::UTC, plan: &plan };
            Document::of(&row, vec![note.clone(), json!({ "hash": 7 })], &words).html()
        };
        for (language, mark) in
            [(Language::Ko, "[훈련]"), (Language::Zh, "【演习】"), (Language::En, "[EXERCISE]")]
        {
            let page = page(language);
            assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
            assert!(page.contains("&lt;script&gt;") && page.contains(mark), "{page}");
            assert!(page.contains("{&quot;hash&quot;:7}"), "{page}");
        }
    }
}
