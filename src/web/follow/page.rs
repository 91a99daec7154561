//! The pages of a one-time link, in the language of whom it was sent to.

use super::Standing;
use crate::air::Stamp;
use crate::air::place::Language;
use crate::hotline::{Plan, Words};
use crate::link::{Deed, Link};
use crate::store::IncidentRow;
use crate::web::explain::escaped;
use crate::web::sheet::Sheet;
use axum::http::StatusCode;
use axum::response::Response;

/// Characters of a person's name, in the form as in the API.
use crate::web::acts::NAME_MAX;

/// What a page is made of.
pub struct Page<'a> {
    /// The link.
    pub link: &'a Link,
    /// The incident, if there is one.
    pub incident: Option<&'a IncidentRow>,
    /// The reader's language, and names.
    pub words: Words<'a>,
}

impl<'a> Page<'a> {
    /// The page of a link for a reader.
    pub fn of(
        link: &'a Link,
        incident: Option<&'a IncidentRow>,
        language: Language,
        plan: &'a Plan,
    ) -> Page<'a> {
        let words = Words { language, time_zone: language.time_zone(), plan };
        Page { link, incident, words }
    }

    /// Where the link stands: with a button if it can be used.
    pub fn standing(&self, standing: &Standing) -> Response {
        let (status, said) = match standing {
            Standing::Open => (StatusCode::OK, self.question().to_owned()),
            Standing::Done(at) => (StatusCode::OK, self.done_before(*at)),
            Standing::Used(at) => (StatusCode::GONE, self.used(*at)),
            Standing::Expired => (StatusCode::GONE, self.expired()),
            Standing::Closed(at) => (StatusCode::GONE, self.closed(*at)),
            Standing::Outlived => (StatusCode::GONE, self.outlived().to_owned()),
        };
        let form = if *standing == Standing::Open { self.form() } else { String::new() };
        self.sheet(&said, &form).response(status)
    }

    /// What came of pressing the button.
    pub fn done(&self, entry: u32) -> Response {
        let said = match self.words.language {
            Language::Ko => format!("기록되었습니다 (기록 번호 {entry}). 이 창을 닫으셔도 됩니다."),
            Language::Zh => format!("已记录（记录编号 {entry}）。可以关闭此页面。"),
            Language::En => format!("It is recorded, as entry {entry}. You can close this page."),
        };
        self.sheet(&said, "").response(StatusCode::OK)
    }

    /// Why pressing the button did nothing; `why` says it exactly, in English.
    pub fn refused(&self, why: &str) -> Response {
        let said = self.one_of("처리되지 않았습니다.", "未能处理。", "This was not done.");
        let why = format!("<p class=\"soft\" lang=\"en\">{}</p>", escaped(why));
        self.sheet(said, &why).response(StatusCode::CONFLICT)
    }

    fn sheet(&self, said: &str, more: &str) -> Sheet {
        let exercise = self.incident.is_some_and(|i| i.exercise);
        let mark = match exercise {
            true => format!("<p class=\"exercise\">{}</p>", self.words.exercise()),
            false => String::new(),
        };
        let title = self.title();
        let body = format!(
            "{mark}<h1>{}</h1>{}<p class=\"caution\">{}</p>{more}",
            escaped(&title),
            self.facts(),
            escaped(said)
        );
        Sheet { language: self.words.language, title, body, form: !more.is_empty() }
    }

    fn title(&self) -> String {
        let case = self.incident.map_or(self.link.incident.as_str(), |i| i.case.as_str());
        let incident = self.one_of("핫라인 사건", "热线事件", "Hotline incident");
        format!("{incident} {case} — {}", self.deed())
    }

    /// What is known of the incident and of the link.
    fn facts(&self) -> String {
        let state = |key: &str| {
            let value = self.incident.and_then(|i| i.state.get(key)?.as_str());
            value.unwrap_or_default().to_owned()
        };
        let level = self.incident.and_then(|i| i.state.get("level").cloned());
        let level = level.and_then(|l| serde_json::from_value(l).ok());
        let facts = [
            (self.one_of("원인", "原因", "cause"), self.words.cause(&state("cause"))),
            (self.one_of("지역", "区域", "group"), self.words.group(&state("group"))),
            (
                self.one_of("단계", "级别", "level"),
                level.map_or(String::new(), |l| self.words.level(&l)),
            ),
            (
                self.one_of("개시", "启动时间", "opened"),
                self.incident.map_or(String::new(), |i| self.time(i.opened)),
            ),
            (self.one_of("당사자", "当事方", "party"), self.words.party(&self.link.party)),
            (self.one_of("링크 수신처", "链接接收方", "link sent to"), self.link.receiver.clone()),
            (
                self.one_of("링크 유효 기한", "链接有效期至", "link works until"),
                self.time(self.link.expires),
            ),
        ];
        let rows = facts.iter().filter(|(_, value)| !value.is_empty());
        let row = |(name, value): &(&str, String)| {
            format!("<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value))
        };
        format!("<dl class=\"card\">{}</dl>", rows.map(row).collect::<String>())
    }

    fn form(&self) -> String {
        let name = self.one_of(
            "성명 (선택, 기록에 남음)",
            "姓名（可不填，将记入记录）",
            "Your name (optional; it is recorded)",
        );
        format!(
            "<form method=\"post\"><label>{name}<br><input name=\"name\" maxlength=\"{NAME_MAX}\" autocomplete=\"name\"></label>\
             <button>{}</button></form>",
            self.deed()
        )
    }

    fn deed(&self) -> &'static str {
        match self.link.deed {
            Deed::Acknowledge => self.one_of("확인", "确认", "acknowledge"),
            Deed::Close => self.one_of("종료 동의", "同意结束", "agree to close"),
        }
    }

    fn question(&self) -> &'static str {
        self.one_of(
            "아래 단추를 눌러야 처리됩니다. 이 링크는 한 번만 쓸 수 있으며, 처리 내용은 시각과 접속 주소와 함께 기록됩니다.",
            "按下方按钮后才会生效。此链接只能使用一次，操作将连同时间和访问地址一并记录。",
            "Nothing is done until you press the button. This link works once; what you do is recorded with the time and your address.",
        )
    }

    fn done_before(&self, at: Stamp) -> String {
        let at = self.time(at);
        match self.words.language {
            Language::Ko => format!("{at}에 이미 처리되어 더 할 일이 없습니다."),
            Language::Zh => format!("已于{at}完成，无需再操作。"),
            Language::En => format!("This was done at {at}; nothing is left to do."),
        }
    }

    fn used(&self, at: Stamp) -> String {
        let at = self.time(at);
        match self.words.language {
            Language::Ko => format!("이 링크는 {at}에 사용되었습니다."),
            Language::Zh => format!("此链接已于{at}使用过。"),
            Language::En => format!("This link was used at {at}."),
        }
    }

    fn expired(&self) -> String {
        let at = self.time(self.link.expires);
        match self.words.language {
            Language::Ko => {
                format!("이 링크는 {at}에 만료되었습니다. 최신 알림의 링크를 쓰십시오.")
            }
            Language::Zh => format!("此链接已于{at}失效。请使用最新通知中的链接。"),
            Language::En => format!("This link expired at {at}. Use that of the latest notice."),
        }
    }

    fn closed(&self, at: Stamp) -> String {
        let at = self.time(at);
        match self.words.language {
            Language::Ko => format!("이 사건은 {at}에 종료되었습니다."),
            Language::Zh => format!("此事件已于{at}结束。"),
            Language::En => format!("This incident was closed at {at}."),
        }
    }

    fn outlived(&self) -> &'static str {
        self.one_of(
            "이 링크를 보낸 뒤에 사건이 다시 열렸습니다. 최신 알림의 링크를 쓰십시오.",
            "此链接发出后事件已重新启动。请使用最新通知中的链接。",
            "The incident was opened again after this link was sent. Use that of the latest notice.",
        )
    }

    /// An instant by the reader's clock, whose zone is named.
    fn time(&self, at: Stamp) -> String {
        let zone = self.words.time_zone.iana_name().unwrap_or("UTC");
        format!("{} ({zone})", at.local(&self.words.time_zone))
    }

    fn one_of(&self, ko: &'static str, zh: &'static str, en: &'static str) -> &'static str {
        match self.words.language {
            Language::Ko => ko,
            Language::Zh => zh,
            Language::En => en,
        }
    }
}

/// A page for those who have no link that works here.
pub fn plain(language: Language, status: StatusCode, [ko, zh, en]: [&str; 3]) -> Response {
    let said = match language {
        Language::Ko => ko,
        Language::Zh => zh,
        Language::En => en,
    };
    let body = format!("<h1>Dustline</h1><p class=\"caution\">{}</p>", escaped(said));
    Sheet { language, title: "Dustline".to_owned(), body, form: false }.response(status)
}
