//! Sentences that more than one part of the program tells people: that a
//! criterion was met, and what that does not mean.

use super::place::Language;
use jiff::tz::TimeZone;

/// How a level moved, by the names of its levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved<'a> {
    /// Up to this level.
    Raised(&'a str),
    /// From one level to a lower one that is not none.
    Lowered(&'a str, &'a str),
    /// From this level to none.
    Lifted(&'a str),
}

impl Moved<'_> {
    /// Which criterion was met, for a quantity: a sentence without its stop.
    pub fn criterion_met(self, what: &str, language: Language) -> String {
        match (language, self) {
            (Language::Ko, Moved::Raised(new)) => format!("{what} {new} 기준 충족"),
            (Language::Ko, Moved::Lowered(old, new)) => {
                format!("{what} {old} → {new} 하향 기준 충족")
            }
            (Language::Ko, Moved::Lifted(old)) => format!("{what} {old} 해제 기준 충족"),
            (Language::Zh, Moved::Raised(new)) => format!("{what}达到{new}标准"),
            (Language::Zh, Moved::Lowered(old, new)) => {
                format!("{what}达到由{old}降为{new}的标准")
            }
            (Language::Zh, Moved::Lifted(old)) => format!("{what}达到解除{old}的标准"),
            (Language::En, Moved::Raised(new)) => format!("criterion of the {what} {new} met"),
            (Language::En, Moved::Lowered(old, new)) => {
                format!("criterion for lowering the {what} {old} to {new} met")
            }
            (Language::En, Moved::Lifted(old)) => {
                format!("criterion for lifting the {what} {old} met")
            }
        }
    }
}

/// What a criterion that was met does not mean: a sentence without its stop.
pub fn caution(language: Language) -> &'static str {
    language.one_of(
        "이 관측망의 자료가 기준을 충족했다는 뜻이며, 관계 기관의 공식 발령이나 해제가 아님",
        "仅表示本网络的数据符合该标准，并非主管部门的正式发布或解除",
        "This says that this network's data meet a criterion; it is no official proclamation by an authority",
    )
}

/// The mark of everything that belongs to an exercise.
pub fn exercise(language: Language) -> &'static str {
    language.one_of("[훈련]", "【演习】", "[EXERCISE]")
}

/// What people call a time zone, with its name in the IANA database.
pub fn clock(zone: &TimeZone, language: Language) -> String {
    let name = zone.iana_name().unwrap_or("UTC");
    let called = match name {
        "Asia/Seoul" => language.one_of("한국 표준시", "韩国时间", "Korean time"),
        "Asia/Shanghai" => language.one_of("중국 표준시", "北京时间", "Beijing time"),
        "UTC" => language.one_of("협정 세계시", "协调世界时", ""),
        _ => "",
    };
    match (called, language) {
        ("", _) => name.to_owned(),
        (_, Language::Ko) => format!("{called}({name})"),
        (_, Language::Zh) => format!("{called}（{name}）"),
        (_, Language::En) => format!("{called} ({name})"),
    }
}

/// A value for people: at most two decimals, but never so few that it looks like
/// a bound that it does not reach (74.9996 is not 75).
pub fn number(value: f64) -> String {
    let written = |digits: usize| {
        let text = format!("{value:.digits$}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    (2..6)
        .map(written)
        .find(|t| t.contains('.') || t.parse() == Ok(value))
        .unwrap_or_else(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_clock_has_the_name_that_its_people_give_it() {
        let clock = |zone: &str, language| clock(&TimeZone::get(zone).unwrap(), language);
        assert_eq!(clock("Asia/Seoul", Language::Ko), "한국 표준시(Asia/Seoul)");
        assert_eq!(clock("Asia/Shanghai", Language::Zh), "北京时间（Asia/Shanghai）");
        assert_eq!(clock("UTC", Language::En), "UTC");
        assert_eq!(clock("Europe/Paris", Language::Ko), "Europe/Paris");
    }
}
