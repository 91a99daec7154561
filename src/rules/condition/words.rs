//! Conditions in words, in the languages of those who read them.

use super::data::{Any, Bound, ConditionLevel, Measure, Season, Side, StationMean, Term, Window};
use crate::air::{Cause, Foretold, IndexKind, Names, Quantity};

/// A text in the three languages while it is put together.
struct Words {
    ko: String,
    zh: String,
    en: String,
}

impl From<Words> for Names {
    fn from(w: Words) -> Names {
        Names { ko: Some(w.ko), zh: Some(w.zh), en: Some(w.en) }
    }
}

/// Alternatives, any of which suffices.
pub fn any(any: &Any, seasons: &[Season]) -> Names {
    let parts = any.iter().map(|all| words_of(all, seasons)).collect();
    joined(parts, [" 또는 ", "，或", "; or "]).into()
}

/// One alternative.
pub fn all(all: &[Term], seasons: &[Season]) -> Names {
    words_of(all, seasons).into()
}

/// What makes a level be left.
pub fn lifted(level: &ConditionLevel, seasons: &[Season]) -> Names {
    let raised = any(&level.any, seasons);
    let of = |text: Option<String>| text.unwrap_or_default();
    let mut words = Words {
        ko: format!("기준 미충족: {}", of(raised.ko)),
        zh: format!("不再符合：{}", of(raised.zh)),
        en: format!("no longer met: {}", of(raised.en)),
    };
    if !level.lift.is_empty() {
        let lift = any(&level.lift, seasons);
        words.ko = format!("{} 그리고 {}", words.ko, of(lift.ko));
        words.zh = format!("{}，且{}", words.zh, of(lift.zh));
        words.en = format!("{}; and {}", words.en, of(lift.en));
    }
    words.into()
}

/// A criterion met in enough of the zones that decide together.
pub fn together(criterion: &Names, at_least: u32) -> Names {
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    Words {
        ko: format!("연계 권역 중 {at_least}곳 이상 충족: {}", of(&criterion.ko)),
        zh: format!("联动区域中至少 {at_least} 个符合：{}", of(&criterion.zh)),
        en: format!(
            "in at least {at_least} of the zones that decide together: {}",
            of(&criterion.en)
        ),
    }
    .into()
}

fn words_of(all: &[Term], seasons: &[Season]) -> Words {
    joined(all.iter().map(|t| term(t, seasons)).collect(), [" 그리고 ", "，且", " and "])
}

fn joined(parts: Vec<Words>, [ko, zh, en]: [&str; 3]) -> Words {
    let list =
        |of: fn(&Words) -> &str, with: &str| parts.iter().map(of).collect::<Vec<_>>().join(with);
    Words { ko: list(|w| &w.ko, ko), zh: list(|w| &w.zh, zh), en: list(|w| &w.en, en) }
}

fn term(term: &Term, seasons: &[Season]) -> Words {
    match term {
        Term::Mean { quantity, window, bound } => {
            let (q, time) = (short(*quantity), window_text(*window));
            measured(
                *bound,
                unit(*quantity),
                [
                    format!("당일 {time} {q} 평균"),
                    format!("当日 {time} {q} 均值"),
                    format!("mean {q} of {time} today"),
                ],
            )
        }
        Term::StationMean(term) => station_mean(term),
        Term::Hours { quantity, hours, window, bound } => {
            hours_in_words(*quantity, *hours, *window, *bound)
        }
        Term::Stood { title, window, .. } => {
            let time = window_text(*window);
            let of = |text: &Option<String>| text.clone().unwrap_or_default();
            Words {
                ko: format!("당일 {time} {} 기준 충족", of(&title.ko)),
                zh: format!("当日 {time} 已达{}标准", of(&title.zh)),
                en: format!("{} between {time} today", of(&title.en)),
            }
        }
        Term::Forecast { of, day, bound, cause } => forecast(*of, *day, *bound, *cause),
        Term::Outlook { of, hours, bound } => {
            let (name, [ko, zh, en]) = (name(*of), side(*bound, unit_of(*of)));
            Words {
                ko: format!("{name} 예보 {ko} {hours}시간 이상 지속"),
                zh: format!("预测 {name} {zh} 持续 {hours} 小时及以上"),
                en: format!("forecast {name} {en} for {hours} hours or more on end"),
            }
        }
        Term::Ahead { of, hours, bound } => {
            let (name, [ko, zh, en]) = (name(*of), side(*bound, unit_of(*of)));
            Words {
                ko: format!("향후 {hours}시간 동안 {name} 예보 {ko}"),
                zh: format!("预测未来 {hours} 小时 {name} {zh}"),
                en: format!("forecast {name} {en} for all of the coming {hours} hours"),
            }
        }
        Term::Value { measure, days, bound } => value(*measure, *days, *bound),
        Term::Season(id) => {
            let title = seasons.iter().find(|s| s.id == *id).map(|s| s.title.clone());
            let title = title.unwrap_or_else(|| Names::plain(id));
            let text = |language| title.text(language).to_owned();
            use crate::air::place::Language;
            Words {
                ko: format!("{} 기간", text(Language::Ko)),
                zh: format!("处于{}期间", text(Language::Zh)),
                en: format!("{} in force", text(Language::En)),
            }
        }
    }
}

fn station_mean(term: &StationMean) -> Words {
    let (q, time) = (short(term.quantity), window_text(term.window));
    let [which_ko, which_zh, which_en] = match term.rank {
        0 | 1 => ["가장 높은", "最高", "highest"].map(str::to_owned),
        2 => ["두 번째로 높은", "第二高", "second-highest"].map(str::to_owned),
        n => [format!("{n}번째로 높은"), format!("第 {n} 高"), format!("{n}th-highest")],
    };
    let mut words = measured(
        term.bound,
        unit(term.quantity),
        [
            format!("당일 {time} {q} 평균이 {which_ko} 측정소의 값"),
            format!("当日 {time} {q} 均值{which_zh}的站点"),
            format!("{which_en} station mean of {q} of {time} today"),
        ],
    );
    if let Some(lifted) = term.lifted {
        let ([ko, zh, en], n) = (side(lifted.bound, unit(term.quantity)), lifted.hours);
        words.ko = format!("{}, 해당 측정소 모두 {n}시간 연속 {ko}일 때까지", words.ko);
        words.zh = format!("{}，直至相关站点均连续 {n} 小时 {zh}", words.zh);
        words.en = format!("{}, until all stations meeting it were {en} for {n} hours", words.en);
    }
    words
}

fn hours_in_words(quantity: Quantity, hours: u8, window: Option<Window>, bound: Bound) -> Words {
    let [ko, zh, en] = side(bound, unit(quantity));
    let q = short(quantity);
    let plural = if hours == 1 { "hour" } else { "hours" };
    let (in_ko, in_zh, in_en) = match window.map(window_text) {
        Some(time) => {
            (format!("당일 {time} "), format!("当日 {time} "), format!(" between {time} today"))
        }
        None => Default::default(),
    };
    Words {
        ko: format!("{in_ko}{q} 권역 시간평균 {ko} {hours}시간 지속"),
        zh: format!("{in_zh}{q} 区域小时均值 {zh}，持续 {hours} 小时"),
        en: format!("hourly zone mean of {q} {en} for {hours} {plural}{in_en}"),
    }
}

fn forecast(of: Foretold, day: u8, bound: Bound, cause: Option<Cause>) -> Words {
    let [ko, zh, en] = side(bound, unit_of(of));
    let name = name(of);
    let [day_ko, day_zh, day_en] = match day {
        0 => ["당일", "当日", "today"].map(str::to_owned),
        1 => ["내일", "次日", "tomorrow"].map(str::to_owned),
        2 => ["모레", "后日", "the day after tomorrow"].map(str::to_owned),
        n => [format!("{n}일 후"), format!("{n} 日后"), format!("{n} days ahead")],
    };
    let [by_ko, by_zh, by_en] = match cause {
        Some(Cause::Dust) => ["황사에 의한 ", "沙尘所致", " due to dust"],
        Some(Cause::Wildfire) => ["산불에 의한 ", "山火所致", " due to wildfire"],
        None => ["", "", ""],
    };
    Words {
        ko: format!("{day_ko} {by_ko}{name} 예보 {ko}"),
        zh: format!("{day_zh}{by_zh} {name} 预报 {zh}"),
        en: format!("{name} forecast for {day_en} {en}{by_en}"),
    }
}

fn value(measure: Measure, days: u8, bound: Bound) -> Words {
    let [name_ko, name_zh, name_en] = measure_name(measure);
    let mut words = measured(bound, measure.unit(), [name_ko, name_zh, name_en]);
    if days > 1 {
        words.ko = format!("{} {days}일 연속", words.ko);
        words.zh = format!("{}，连续 {days} 天", words.zh);
        words.en = format!("{} on {days} consecutive days", words.en);
    }
    words
}

/// What a value computed from hours is called, by the name under which an input
/// carries it, and its unit; `quantity` is what the change is about.
pub fn aggregate(name: &str, quantity: Option<Quantity>) -> (Names, &'static str) {
    let day = quantity.map(Measure::DayMean);
    let indices =
        [Measure::AqiCnDay, Measure::AqiCnHour, Measure::Cai, Measure::AqiUs, Measure::AqiUsDay];
    let found = day.into_iter().chain(indices).find(|m| m.name() == name);
    let ([ko, zh, en], unit) = match found {
        Some(measure) => (measure_name(measure), measure.unit()),
        None => {
            let names = ["구간 평균", "时段均值", "mean of the hours"].map(str::to_owned);
            (names, quantity.map_or("", unit))
        }
    };
    (Words { ko, zh, en }.into(), unit)
}

fn measure_name(measure: Measure) -> [String; 3] {
    let [ko, zh, en] = match measure {
        Measure::DayMean(quantity) => {
            let q = short(quantity);
            return [format!("{q} 일평균"), format!("{q} 日均值"), format!("daily mean of {q}")];
        }
        Measure::AqiCnDay => {
            ["중국 일 AQI(입자)", "AQI 日报（颗粒物）", "China's daily AQI of particles"]
        }
        Measure::AqiCnHour => {
            ["중국 시간 AQI(입자)", "AQI 时报（颗粒物）", "China's hourly AQI of particles"]
        }
        Measure::Cai => {
            ["통합대기환경지수(입자)", "韩国 CAI（颗粒物）", "Korea's CAI of particles"]
        }
        Measure::AqiUs => ["미국 AQI(NowCast)", "美国 AQI（NowCast）", "US AQI of the NowCast"],
        Measure::AqiUsDay => ["미국 일 AQI", "美国 AQI 日值", "US daily AQI"],
    };
    [ko, zh, en].map(str::to_owned)
}

/// "… > 50 µg/m³".
fn measured(bound: Bound, unit: &str, [ko, zh, en]: [String; 3]) -> Words {
    let [side_ko, side_zh, side_en] = side(bound, unit);
    Words {
        ko: format!("{ko} {side_ko}"),
        zh: format!("{zh} {side_zh}"),
        en: format!("{en} {side_en}"),
    }
}

fn side(bound: Bound, unit: &str) -> [String; 3] {
    let value = match unit {
        "" => bound.value.to_string(),
        unit => format!("{} {unit}", bound.value),
    };
    let (ko, sign) = match bound.side {
        Side::Above => ("초과", ">"),
        Side::AtLeast => ("이상", "≥"),
        Side::Below => ("미만", "<"),
        Side::AtMost => ("이하", "≤"),
    };
    let signed = format!("{sign} {value}");
    [format!("{value} {ko}"), signed.clone(), signed]
}

fn window_text(window: Window) -> String {
    format!("{}–{}", window.from, window.until)
}

fn unit(quantity: Quantity) -> &'static str {
    quantity.unit_text()
}

fn unit_of(of: Foretold) -> &'static str {
    match of {
        Foretold::Quantity(quantity) => unit(quantity),
        Foretold::Index(_) => "",
    }
}

fn short(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Pm1 => "PM1",
        Quantity::Pm2_5 => "PM2.5",
        Quantity::Pm4 => "PM4",
        Quantity::Pm10 => "PM10",
        other => other.name(),
    }
}

/// What a quantity or an index is called in every language.
pub fn name(of: Foretold) -> &'static str {
    match of {
        Foretold::Quantity(quantity) => short(quantity),
        Foretold::Index(IndexKind::AqiCn) => "AQI",
        Foretold::Index(IndexKind::Cai) => "CAI",
        Foretold::Index(IndexKind::AqiUs) => "US AQI",
    }
}

impl Measure {
    /// The index that it is, if it is one.
    pub fn index(self) -> Option<IndexKind> {
        match self {
            Measure::DayMean(_) => None,
            Measure::AqiCnDay | Measure::AqiCnHour => Some(IndexKind::AqiCn),
            Measure::Cai => Some(IndexKind::Cai),
            Measure::AqiUs | Measure::AqiUsDay => Some(IndexKind::AqiUs),
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Measure::DayMean(quantity) => unit(quantity),
            _ => "",
        }
    }
}
