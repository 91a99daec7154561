//! A transcript in words: one line an entry, in the reader's language.

use super::entry::{Entry, Kind, Owed, Who};
use super::facts::MeasureKind;
use super::incident::Incident;
use super::plan::{ALL, Grade, Plan};
use crate::air::place::Language;
use crate::air::{Names, Quantity, Stamp, words};
use crate::rules::{NONE, Scope};
use jiff::tz::TimeZone;

/// Whose words: a language, the time zone of the reader, the names of the plan.
#[derive(Debug, Clone)]
pub struct Words<'a> {
    /// The language.
    pub language: Language,
    /// Times are written as clocks there show them.
    pub time_zone: TimeZone,
    /// Names of parties, places and levels.
    pub plan: &'a Plan,
}

impl Words<'_> {
    /// An entry in one line: `3. 2022-01-08 22:00 환경부 — 수신 확인`.
    pub fn line(&self, entry: &Entry) -> String {
        let (number, time) = (entry.number, self.time(entry.at));
        let (who, title) = (self.who(&entry.who), self.title(entry.what.kind()));
        let head = format!("{number}. {time} {who}{}{title}", self.dash());
        match self.detail(&entry.what) {
            detail if detail.is_empty() => head,
            detail => format!("{head}{}{}", self.colon(), detail.replace('\n', " / ")),
        }
    }

    /// What a kind of entry is called.
    pub fn title(&self, kind: Kind) -> &'static str {
        let (ko, zh, en) = match kind {
            Kind::Opened => ("사건 개시", "事件启动", "incident opened"),
            Kind::Reopened => ("사건 재개", "事件重新启动", "incident opened again"),
            Kind::Joined => ("대기질 변화", "空气质量变化", "change of the air"),
            Kind::Level => ("단계 변경", "级别变更", "change of level"),
            Kind::Escalated => ("상급 통보", "升级通知", "escalated"),
            Kind::Overdue => ("기한 경과", "逾期", "overdue"),
            Kind::Reminder => ("재요청", "催办", "reminder"),
            Kind::Acknowledged => ("수신 확인", "已确认收悉", "acknowledged"),
            Kind::Measure => ("조치", "措施", "measure"),
            Kind::Ended => ("조치 종료", "措施结束", "measure ended"),
            Kind::Note => ("의견", "情况说明", "note"),
            Kind::Agreed => ("종료 동의", "同意结束", "agreed to close"),
            Kind::Closed => ("사건 종료", "事件结束", "incident closed"),
            Kind::Delivered => ("알림 전달", "通知已送达", "notice delivered"),
            Kind::Rejected => ("메시지 처리 불가 통보", "报文无法处理", "message rejected"),
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
            MeasureKind::Public => ("국민 행동 요령", "公众防护提示", "advice to the public"),
            MeasureKind::Other => ("기타", "其他", "other"),
        };
        self.one_of(ko, zh, en)
    }

    /// What a party owes.
    pub fn owed(&self, owed: Owed) -> &'static str {
        let (ko, zh, en) = match owed {
            Owed::Acknowledgement => ("수신 확인", "确认收悉", "acknowledgement"),
            Owed::Share => ("조치 사항 또는 의견 공유", "通报措施或说明情况", "a measure or note"),
            Owed::Agreement => ("종료 동의", "同意结束", "agreement to close"),
        };
        self.one_of(ko, zh, en)
    }

    /// The name of a party.
    pub fn party(&self, id: &str) -> String {
        let named = self.plan.party(id);
        named.map_or_else(|| id.to_owned(), |party| self.name(&party.name, id))
    }

    /// The name of a receiver; its id if it is not known.
    pub fn receiver(&self, id: &str) -> String {
        let named = self.plan.receivers.get(id);
        named.map_or_else(|| id.to_owned(), |names| self.name(names, id))
    }

    /// What an incident is about: the quantity, where the cause is one.
    pub fn cause(&self, cause: &str) -> String {
        let known = Quantity::from_name(cause);
        known.map_or_else(|| cause.to_owned(), |q| q.title(self.language).to_owned())
    }

    /// The name of a group of zones; a zone alone has its own.
    pub fn group(&self, id: &str) -> String {
        if id == ALL && self.plan.groups.is_empty() {
            return self.one_of("전체 권역", "全部区域", "all zones").to_owned();
        }
        let named = self.plan.groups.iter().find(|g| g.id == id).map(|g| &g.name);
        named.map_or_else(|| self.place(&Scope::Zone(id.to_owned())), |n| self.name(n, id))
    }

    /// The name of a zone or station.
    pub fn place(&self, scope: &Scope) -> String {
        let named = self.plan.names.get(scope);
        named.map_or_else(|| scope.id().to_owned(), |names| self.name(names, scope.id()))
    }

    /// A name in the reader's language; the id if there is none.
    fn name(&self, names: &Names, id: &str) -> String {
        Some(names.text(self.language)).filter(|n| !n.is_empty()).unwrap_or(id).to_owned()
    }

    /// The name of a level.
    pub fn level(&self, level: &Grade) -> String {
        if level.name == NONE {
            return self.one_of("해제", "解除", "lifted").to_owned();
        }
        let titles = self.plan.openers.iter().filter_map(|o| o.level_title(&level.name));
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
        format!("{waits}{}{}", self.colon(), self.list(&names))
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
            Some(name) => format!("{role}{}", self.in_brackets(name)),
            None => role,
        }
    }

    /// The mark of everything that belongs to an exercise.
    pub fn exercise(&self) -> &'static str {
        words::exercise(self.language)
    }

    /// What a criterion that was met does not mean.
    pub fn caution(&self) -> &'static str {
        words::caution(self.language)
    }

    pub(super) fn time(&self, at: Stamp) -> String {
        at.local(&self.time_zone)
    }

    /// What the time zone of the reader is called.
    pub fn clock(&self) -> String {
        words::clock(&self.time_zone, self.language)
    }

    pub(super) fn list(&self, names: &[String]) -> String {
        names.join(self.one_of(", ", "、", ", "))
    }

    pub(super) fn colon(&self) -> &'static str {
        self.one_of(": ", "：", ": ")
    }

    pub(super) fn dash(&self) -> &'static str {
        self.one_of(" — ", "——", " — ")
    }

    /// Something beside what stands before it.
    pub(super) fn in_brackets(&self, text: &str) -> String {
        match self.language {
            Language::Zh => format!("（{text}）"),
            Language::Ko | Language::En => format!(" ({text})"),
        }
    }

    pub(super) fn one_of<'w>(&self, ko: &'w str, zh: &'w str, en: &'w str) -> &'w str {
        self.language.one_of(ko, zh, en)
    }
}
