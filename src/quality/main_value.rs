//! A device's main value, made of the series that stand for it: the mean of two
//! lasers, or the only output that a sensor sends.
//!
//! It is made after the tests of a message, of values that have not failed, and
//! has the worst flag and all reasons of them: two lasers that disagree make their
//! mean suspect. A message that brings a main value of its own keeps it.

use super::correction::is_usable;
use crate::air::{Label, Measured, Quantity, Reasons, StandIn, Value};

/// The main values that are missing among these.
pub fn of(stand_in: &StandIn, judged: &[Measured]) -> Vec<Measured> {
    Quantity::ALL.into_iter().filter_map(|quantity| one(stand_in, judged, quantity)).collect()
}

fn one(stand_in: &StandIn, judged: &[Measured], quantity: Quantity) -> Option<Measured> {
    let of_quantity = || judged.iter().filter(|m| m.value.quantity == quantity);
    if of_quantity().any(|m| m.value.label.is_main()) {
        return None;
    }
    let parts = || of_quantity().filter(|m| is_usable(m) && stand_in.has(&m.value.label));
    let flag = parts().map(|m| m.flag).max()?;
    let (count, sum) = parts().fold((0u32, 0.0), |(n, sum), m| (n + 1, sum + m.value.value));
    let value = match count {
        1 => sum,
        // Thousandths: what the store keeps compactly, and far below any accuracy.
        n => (sum / f64::from(n) * 1_000.0).round() / 1_000.0,
    };
    let reasons = Reasons(parts().fold(0, |all, m| all | m.reasons.0));
    Some(Measured { value: Value { quantity, label: Label::default(), value }, flag, reasons })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::{Flag, Reason};

    fn laser(channel: &str, variant: &str, number: f64) -> Measured {
        let label = Label { channel: channel.to_owned(), variant: variant.to_owned() };
        let value = Value { quantity: Quantity::Pm2_5, label, value: number };
        Measured { value, flag: Flag::Pass, reasons: Reasons::default() }
    }

    fn both() -> StandIn {
        StandIn { channels: vec!["A".to_owned(), "B".to_owned()], variant: String::new() }
    }

    fn made(judged: &[Measured]) -> Option<(f64, Flag)> {
        let all = of(&both(), judged);
        assert!(all.len() < 2 && all.iter().all(|m| m.value.label.is_main()));
        all.first().map(|m| (m.value.value, m.flag))
    }

    #[test]
    fn the_mean_of_two_lasers_stands_for_the_device() {
        let all = [laser("A", "", 5.02), laser("B", "", 4.11), laser("A", "cf1", 90.0)];
        assert_eq!(made(&all), Some((4.565, Flag::Pass)));
        assert_eq!(made(&all[..1]), Some((5.02, Flag::Pass)));
        assert_eq!(made(&all[2..]), None);
        assert_eq!(made(&[]), None);
    }

    #[test]
    fn what_is_wrong_with_a_laser_is_wrong_with_the_mean_and_what_has_failed_takes_no_part() {
        let mut reasons = Reasons::default();
        reasons.add(Reason::Disagreement);
        let doubtful = |m: Measured| Measured { flag: Flag::Suspect, reasons, ..m };
        let all = [doubtful(laser("A", "", 100.0)), doubtful(laser("B", "", 20.0))];
        assert_eq!(made(&all), Some((60.0, Flag::Suspect)));
        assert!(of(&both(), &all)[0].reasons.has(Reason::Disagreement));
        let one = [laser("A", "", 100.0), doubtful(laser("B", "", 20.0))];
        assert_eq!(made(&one), Some((60.0, Flag::Suspect)));
        let failed = Measured { flag: Flag::Fail, ..laser("B", "", 65_535.0) };
        assert_eq!(made(&[laser("A", "", 7.0), failed.clone()]), Some((7.0, Flag::Pass)));
        assert_eq!(made(&[failed]), None);
    }

    #[test]
    fn a_main_value_that_was_sent_is_not_made_again() {
        assert_eq!(made(&[laser("", "", 6.0), laser("A", "", 7.0)]), None);
    }

    #[test]
    fn an_output_that_is_alone_can_stand_for_the_device() {
        let cf1 = StandIn { channels: vec![String::new()], variant: "cf1".to_owned() };
        let all = of(&cf1, &[laser("", "cf1", 8.0), laser("A", "cf1", 9.0)]);
        assert_eq!(all.iter().map(|m| m.value.value).collect::<Vec<_>>(), [8.0]);
    }
}
