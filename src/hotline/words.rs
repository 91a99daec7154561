//! A transcript in words: one line an entry, in the reader's language.

use super::entry::{Entry, Kind, Owed, What, Who};
use super::facts::{Asked, Facts, Measure, MeasureKind, Proof};
use super::incident::Incident;
use super::plan::{Grade, Plan};
use crate::air::Stamp;
use crate::air::place::Language;
use crate::rules::NONE;
use jiff::tz::TimeZone;

/// Whose words: a language, the time zone of the reader, the names of the plan.
#[derive(Debug, Clone)]
pub struct Words<'a> {
    /// The language.
    pub language: Language,
    /// Times are written as clocks there show them.
    pub time_zone: TimeZone,
    /// Names of parties and levels.
    pub plan: &'a Plan,
}

impl Words<'_> {
    /// An entry in one line: `3. 2022-01-08 22:00 환경부 — 확인`.
    pub fn line(&self, entry: &Entry) -> String {
        let (number, time) = (entry.number, self.time(entry.at));
        let head = format!("{number}. {time} {}", self.who(&entry.who));
        let title = self.title(entry.what.kind());
        match self.detail(&entry.what) {
            detail if detail.is_empty() => format!("{head} — {title}"),
            detail => format!("{head} — {title}: {}", detail.replace('\n', " / ")),
        }
    }

    /// What a kind of entry is called.
    pub fn title(&self, kind: Kind) -> &'static str {
        let (ko, zh, en) = match kind {
            Kind::Opened => ("사건 개시", "事件启动", "incident opened"),
            Kind::Reopened => ("사건 재개", "事件重新启动", "incident opened again"),
            Kind::Joined => ("상태 변화", "状态变化", "change of the air"),
            Kind::Level => ("단계 변경", "级别变更", "level"),
            Kind::Escalated => ("상위 호출", "升级呼叫", "escalated"),
            Kind::Overdue => ("기한 경과", "逾期", "overdue"),
            Kind::Reminder => ("재촉", "催办", "reminder"),
            Kind::Acknowledged => ("확인", "已确认", "acknowledged"),
            Kind::Measure => ("조치", "措施", "measure"),
            Kind::Ended => ("조치 종료", "措施结束", "measure ended"),
            Kind::Note => ("의견", "备注", "note"),
            Kind::Agreed => ("종료 동의", "同意结束", "agreed to close"),
            Kind::Closed => ("사건 종료", "事件结束", "incident closed"),
            Kind::Delivered => ("알림 전달", "通知已送达", "notice delivered"),
        };
        self.one_of(ko, zh, en)
    }

    /// What a kind of measure is called.
    pub fn measure(&self, kind: MeasureKind) -> &'static str {
        let (ko, zh, en) = match kind {
            MeasureKind::Power => ("발전", "发电", "power generation"),
            MeasureKind::Industry => ("산업", "工业", "industry"),
            MeasureKind::Traffic => ("교통", "交通", "traffic"),
            MeasureKind::Construction => ("건설 공사", "施工", "construction"),
            MeasureKind::Burning => ("불법 소각", "露天焚烧", "open burning"),
            MeasureKind::Heating => ("난방", "供暖", "heating"),
            MeasureKind::Public => ("국민 행동 요령", "公众防护", "advice to the public"),
            MeasureKind::Other => ("기타", "其他", "other"),
        };
        self.one_of(ko, zh, en)
    }

    /// What a party owes.
    pub fn owed(&self, owed: Owed) -> &'static str {
        let (ko, zh, en) = match owed {
            Owed::Acknowledgement => ("확인", "确认", "acknowledgement"),
            Owed::Share => ("조치 또는 의견 공유", "通报措施或意见", "a measure or note"),
            Owed::Agreement => ("종료 동의", "同意结束", "agreement to close"),
        };
        self.one_of(ko, zh, en)
    }

    /// The name of a party.
    pub fn party(&self, id: &str) -> String {
        let named = self.plan.party(id).map(|p| p.name.text(self.language));
        named.filter(|name| !name.is_empty()).unwrap_or(id).to_owned()
    }

    /// The name of a level.
    pub fn level(&self, level: &Grade) -> String {
        if level.name == NONE {
            return self.one_of("없음", "无", "none").to_owned();
        }
        let titles = self.plan.openers.iter().filter_map(|o| o.title(&level.name));
        let title = titles.map(|names| names.text(self.language)).find(|text| !text.is_empty());
        title.unwrap_or(&level.name).to_owned()
    }

    /// Who is missing before an incident can be closed; empty if nobody is.
    pub fn missing(&self, incident: &Incident) -> String {
        let names: Vec<String> = incident.missing().into_iter().map(|id| self.party(id)).collect();
        if names.is_empty() {
            return String::new();
        }
        let waits = self.one_of("종료 동의 대기", "等待同意结束", "waiting for agreement to close");
        format!("{waits}: {}", self.list(&names))
    }

    pub(super) fn who(&self, who: &Who) -> String {
        let (role, name) = match who {
            Who::System => return self.one_of("시스템", "系统", "system").to_owned(),
            Who::Operator { name, .. } => {
                (self.one_of("운영자", "运维人员", "operator").to_owned(), name)
            }
            Who::Party { name, party, .. } => (self.party(party), name),
        };
        match name {
            Some(name) => format!("{role} ({name})"),
            None => role,
        }
    }

    pub(super) fn detail(&self, what: &What) -> String {
        match what {
            // Case, cause and the mark of an exercise stand above every entry.
            What::Opened { level, parties, text, change, .. } => {
                let mut parts: Vec<String> = text.clone().into_iter().collect();
                parts.extend((level.rank > 0).then(|| self.level(level)));
                parts.extend(change.as_ref().map(|c| self.change(c)));
                parts.extend(parties.iter().map(|asked| self.asked(asked)));
                parts.join("; ")
            }
            What::Reopened { change, level, parties, .. } => {
                let mut parts = vec![self.level(level), self.change(change)];
                parts.extend(parties.iter().map(|asked| self.asked(asked)));
                parts.join("; ")
            }
            What::Joined { change } => self.change(change),
            What::Level { from, lifted, to, .. } => {
                let moved = format!("{} → {}", self.level(from), self.level(to));
                let open = self.one_of("종료 가능", "可以结束", "can be closed");
                if *lifted { format!("{moved}; {open}") } else { moved }
            }
            What::Escalated { party, receivers, step, .. } => {
                format!("{} {step}: {}", self.party(party), receivers.join(", "))
            }
            What::Overdue { due, owed, party } => {
                format!("{}: {} ({})", self.party(party), self.owed(*owed), self.time(*due))
            }
            What::Reminder { owed, party, .. } => {
                format!("{}: {}", self.party(party), self.owed(*owed))
            }
            What::Measure { measure } => self.measure_in_words(measure),
            What::Ended { at, measure } => format!("{measure} ({})", self.time(*at)),
            What::Note { text } => text.clone(),
            What::Delivered(proof) => {
                let Proof { party, receiver, of, status, .. } = proof;
                format!("{receiver} ({}), {of}, {status}", self.party(party))
            }
            What::Acknowledged | What::Agreed | What::Closed => String::new(),
        }
    }

    /// The mark of everything that belongs to an exercise.
    pub fn exercise(&self) -> &'static str {
        self.one_of("[훈련]", "【演习】", "[EXERCISE]")
    }

    fn change(&self, change: &Facts) -> String {
        let (scope, unit) = (change.scope.id(), change.quantity.unit_text());
        let value = two_decimals(&change.value);
        format!("{scope} {} {} ({value} {unit})", change.ladder, self.level(&change.to))
    }

    fn asked(&self, asked: &Asked) -> String {
        let by = self.one_of("확인 기한", "确认期限", "to acknowledge by");
        format!("{} {by} {}", self.party(&asked.party), self.time(asked.acknowledge_by))
    }

    fn measure_in_words(&self, measure: &Measure) -> String {
        let until = measure.until.map_or(String::new(), |t| self.time(t));
        let (kind, place, text) = (self.measure(measure.kind), &measure.place, &measure.text);
        format!("{kind}; {place}; {} – {until}; {text}", self.time(measure.from))
    }

    pub(super) fn time(&self, at: Stamp) -> String {
        at.local(&self.time_zone)
    }

    fn list(&self, names: &[String]) -> String {
        names.join(self.one_of(", ", "、", ", "))
    }

    pub(super) fn one_of<'w>(&self, ko: &'w str, zh: &'w str, en: &'w str) -> &'w str {
        match self.language {
            Language::Ko => ko,
            Language::Zh => zh,
            Language::En => en,
        }
    }
}

/// A number for reading; the transcript has all of its digits.
fn two_decimals(value: &str) -> String {
    let rounded = value.parse::<f64>().map(|v| (v * 100.0).round() / 100.0);
    rounded.map_or_else(|_| value.to_owned(), |v| v.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_to_two_decimals() {
        let told = ["107.20520825", "81.84", "150", "-0.5"].map(two_decimals);
        assert_eq!(told, ["107.21", "81.84", "150", "-0.5"]);
    }
}
