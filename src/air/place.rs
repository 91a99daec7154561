//! Names of places and parties in the languages of those who read them.

use jiff::tz::TimeZone;
use std::fmt;

/// A language in which notices are written.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Korean.
    Ko,
    /// Simplified Chinese.
    Zh,
    /// English.
    #[default]
    En,
}

impl Language {
    /// Every language.
    pub const ALL: [Language; 3] = [Language::Ko, Language::Zh, Language::En];

    /// The ISO 639-1 code.
    pub fn code(self) -> &'static str {
        match self {
            Language::Ko => "ko",
            Language::Zh => "zh",
            Language::En => "en",
        }
    }

    /// The language of an ISO 639-1 code.
    pub fn from_code(code: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|l| l.code() == code)
    }

    /// Of a text in each language that in this one.
    pub fn one_of<'t>(self, ko: &'t str, zh: &'t str, en: &'t str) -> &'t str {
        match self {
            Language::Ko => ko,
            Language::Zh => zh,
            Language::En => en,
        }
    }

    /// Whose clock times are written by, for its readers.
    pub fn time_zone(self) -> TimeZone {
        let name = match self {
            Language::Ko => "Asia/Seoul",
            Language::Zh => "Asia/Shanghai",
            Language::En => "UTC",
        };
        TimeZone::get(name).unwrap_or(TimeZone::UTC)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// One name in up to three languages. A missing one falls back to English,
/// then to any that is there.
#[derive(
    Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
pub struct Names {
    /// Korean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ko: Option<String>,
    /// Chinese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zh: Option<String>,
    /// English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
}

impl Names {
    /// The same text in every language.
    pub fn plain(text: &str) -> Names {
        Names { ko: None, zh: None, en: Some(text.to_owned()) }
    }

    /// The name for a reader of this language; empty only if none is set.
    pub fn text(&self, language: Language) -> &str {
        let wanted = match language {
            Language::Ko => &self.ko,
            Language::Zh => &self.zh,
            Language::En => &self.en,
        };
        wanted
            .as_deref()
            .or(self.en.as_deref())
            .or(self.ko.as_deref())
            .or(self.zh.as_deref())
            .unwrap_or_default()
    }
}
