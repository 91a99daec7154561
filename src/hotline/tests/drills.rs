//! Exercises that open by themselves.

use super::*;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

fn drill(day: DrillDay, months: &[i8], hour: i8, time_zone: &str) -> Drill {
    Drill {
        id: "spring".into(),
        group: "all".into(),
        day,
        months: months.to_vec(),
        at: Time::constant(hour, 0, 0, 0),
        time_zone: TimeZone::get(time_zone).unwrap(),
        text: "spring drill".into(),
    }
}

fn stamp(text: &str) -> Stamp {
    Stamp::parse(text).unwrap()
}

/// A hotline with a drill every Monday at ten in Seoul, which knows this time.
fn mondays(now: &str) -> Hotline {
    let drills = vec![drill(DrillDay::OfWeek(Weekday::Monday), &[], 10, "Asia/Seoul")];
    let mut hotline = Hotline::new(Plan { drills, groups: Vec::new(), ..plan() });
    assert_eq!(hotline.next_due(), Some(BEFORE_ALL), "it asks for the time first");
    assert!(tick(&mut hotline, now).is_empty(), "nothing was missed before it was there");
    hotline
}

/// The cases that open when time goes by.
fn tick(hotline: &mut Hotline, now: &str) -> Vec<String> {
    let out = hotline.happened(&Happening::Tick, stamp(now));
    let opened = out.recorded.iter().filter(|r| r.entry.what.kind() == Kind::Opened);
    let cases = opened.map(|r| hotline.incident(&r.entry.incident).unwrap().case().to_owned());
    cases.collect()
}

#[test]
fn the_next_time_is_by_the_clock_of_the_place_also_over_leap_days_and_changes_of_clocks() {
    let next = |drill: &Drill, after: &str| drill.next(stamp(after)).map(|at| at.to_string());
    let leap = drill(DrillDay::OfMonth(29), &[2], 10, "Asia/Seoul");
    assert_eq!(next(&leap, "2026-01-01T00:00:00Z").as_deref(), Some("2028-02-29T01:00:00Z"));
    // At two in the morning there is no two o'clock in Berlin on this day.
    let lost = drill(DrillDay::OfMonth(29), &[3], 2, "Europe/Berlin");
    assert_eq!(next(&lost, "2026-03-01T00:00:00Z").as_deref(), Some("2026-03-29T01:00:00Z"));
    let never = drill(DrillDay::OfMonth(31), &[2], 10, "UTC");
    assert_eq!(next(&never, "2026-01-01T00:00:00Z"), None);
}

#[test]
fn a_drill_opens_once_at_its_time_and_is_an_exercise() {
    let mut hotline = mondays("2026-03-15T00:00:00Z");
    assert_eq!(hotline.next_due(), Some(stamp("2026-03-16T01:00:00Z")));
    assert!(tick(&mut hotline, "2026-03-16T00:59:59Z").is_empty());
    assert_eq!(tick(&mut hotline, "2026-03-16T01:00:00Z"), ["EX-2026-0001"]);
    assert!(tick(&mut hotline, "2026-03-16T01:00:00Z").is_empty());
    assert!(hotline.incidents()[0].exercise() && hotline.incidents()[0].may_close());
    // A week later it is still open: it is not opened again.
    assert!(tick(&mut hotline, "2026-03-23T01:00:00Z").is_empty());
}

#[test]
fn a_restart_opens_no_drill_twice_and_makes_up_for_one_that_was_missed_within_an_hour() {
    let back = |hotline: &Hotline| {
        let saved = Saved::decode(&hotline.save().encode().unwrap()).unwrap();
        Hotline::restored(hotline.plan().clone(), saved)
    };
    let mut hotline = mondays("2026-03-15T00:00:00Z");
    assert_eq!(tick(&mut back(&hotline), "2026-03-16T01:59:00Z"), ["EX-2026-0001"]);
    assert!(tick(&mut back(&hotline), "2026-03-16T02:01:00Z").is_empty(), "too late");
    assert_eq!(tick(&mut hotline, "2026-03-16T01:00:00Z").len(), 1);
    assert!(tick(&mut back(&hotline), "2026-03-16T01:00:01Z").is_empty());
}
