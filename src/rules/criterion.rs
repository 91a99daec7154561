//! The sentence of the criterion met, in the languages of those who read it.

use super::data::{Lift, Raise, Threshold};
use crate::air::{Names, Quantity};

/// "hourly zone mean ≥ 75 µg/m³ for 2 hours".
pub fn raised(raise: &Raise, quantity: Quantity) -> Names {
    let (bound, hours, unit) = (raise.at_least, raise.hours, quantity.unit_text());
    let plural = if hours == 1 { "hour" } else { "hours" };
    names(
        format!("권역 시간평균 {bound} {unit} 이상 {hours}시간 지속"),
        format!("区域小时均值 ≥ {bound} {unit}，持续 {hours} 小时"),
        format!("hourly zone mean ≥ {bound} {unit} for {hours} {plural}"),
    )
}

/// "hourly zone mean < 35 µg/m³".
pub fn lifted(lift: &Lift, quantity: Quantity) -> Names {
    let (bound, unit) = (lift.below, quantity.unit_text());
    names(
        format!("권역 시간평균 {bound} {unit} 미만"),
        format!("区域小时均值 < {bound} {unit}"),
        format!("hourly zone mean < {bound} {unit}"),
    )
}

/// The criterion of a step that late data took back.
pub(super) fn retracted(criterion: &Names) -> Names {
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    names(
        format!("늦게 도착한 자료로 기준 미충족: {}", of(&criterion.ko)),
        format!("迟到数据表明未达到标准：{}", of(&criterion.zh)),
        format!("after late data, no longer met: {}", of(&criterion.en)),
    )
}

/// "2 of the last 3 valid readings ≥ 150 µg/m³".
pub(super) fn threshold_raised(t: &Threshold) -> Names {
    let (k, n, bound, unit) = (t.readings, t.of, t.at_least, t.quantity.unit_text());
    names(
        format!("최근 유효 측정값 {n}개 중 {k}개가 {bound} {unit} 이상"),
        format!("最近 {n} 个有效读数中有 {k} 个 ≥ {bound} {unit}"),
        format!("{k} of the last {n} valid readings ≥ {bound} {unit}"),
    )
}

/// "2 of the last 3 valid readings < 75 µg/m³".
pub(super) fn threshold_lifted(t: &Threshold) -> Names {
    let (k, n, bound, unit) = (t.readings, t.of, t.lift_below, t.quantity.unit_text());
    names(
        format!("최근 유효 측정값 {n}개 중 {k}개가 {bound} {unit} 미만"),
        format!("最近 {n} 个有效读数中有 {k} 个 < {bound} {unit}"),
        format!("{k} of the last {n} valid readings < {bound} {unit}"),
    )
}

fn names(ko: String, zh: String, en: String) -> Names {
    Names { ko: Some(ko), zh: Some(zh), en: Some(en) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::place::Language;

    #[test]
    fn a_criterion_reads_as_people_write_it() {
        let raise = raised(&Raise { at_least: 75.0, hours: 2 }, Quantity::Pm2_5);
        assert_eq!(raise.text(Language::En), "hourly zone mean ≥ 75 µg/m³ for 2 hours");
        assert_eq!(raise.text(Language::Ko), "권역 시간평균 75 µg/m³ 이상 2시간 지속");
        assert_eq!(raise.text(Language::Zh), "区域小时均值 ≥ 75 µg/m³，持续 2 小时");
        let one = raised(&Raise { at_least: 0.12, hours: 1 }, Quantity::O3);
        assert_eq!(one.text(Language::En), "hourly zone mean ≥ 0.12 ppm for 1 hour");
        let lift = lifted(&Lift { below: 35.0 }, Quantity::Pm2_5);
        assert_eq!(lift.text(Language::En), "hourly zone mean < 35 µg/m³");
        assert_eq!(
            retracted(&lift).text(Language::En),
            "after late data, no longer met: hourly zone mean < 35 µg/m³"
        );
    }

    #[test]
    fn a_threshold_names_its_readings() {
        let t = Threshold {
            id: "emergency-pm25".into(),
            quantity: Quantity::Pm2_5,
            at_least: 150.0,
            readings: 2,
            of: 3,
            lift_below: 75.5,
        };
        let en = |names: Names| names.text(Language::En).to_owned();
        assert_eq!(en(threshold_raised(&t)), "2 of the last 3 valid readings ≥ 150 µg/m³");
        assert_eq!(en(threshold_lifted(&t)), "2 of the last 3 valid readings < 75.5 µg/m³");
    }
}
