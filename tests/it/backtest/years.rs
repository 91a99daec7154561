//! Years by standards, as `dustline backtest` counts them.

use super::{dustline, file, judged, said};
use dustline::air::Hour;
use serde_json::json;
use std::fmt::Write;

/// Hours of one station from the first hour of 2023 UTC: so many days of each mean.
fn days(means: &[(i32, f64)]) -> String {
    let mut hour: Hour = dustline::air::Stamp::parse("2023-01-01T00:00:00Z").unwrap().hour();
    let mut text = "time,station,pm2_5\n".to_owned();
    for (days, mean) in means {
        for _ in 0..days * 24 {
            writeln!(text, "{},s1,{mean}", hour.start()).unwrap();
            hour = hour.next();
        }
    }
    text
}

#[test]
fn a_year_is_counted_by_the_levels_of_who_and_the_fourth_day_above_is_one_too_many() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["--ruleset", "who-2021", "--time-label", "start", "--data"];
    let three = file(dir.path(), "three.csv", &days(&[(3, 15.1), (362, 4.0)]));
    let four = file(dir.path(), "four.csv", &days(&[(4, 15.1), (361, 4.0)]));
    let found = judged(&[&args[..], &[&three]].concat());
    let year = &found["years"][0];
    assert_eq!(found["years"].as_array().unwrap().len(), 1, "no PM10 was measured");
    for (key, value) in [
        ("requested", json!("who-2021")),
        ("ruleset", json!("who-2021@2021-09-22")),
        ("standard", json!("who-pm25")),
        ("zone", json!("all")),
        ("year", json!(2023)),
        ("days", json!(365)),
        ("valid_days", json!(365)),
    ] {
        assert_eq!(year[key], value, "{key}");
    }
    assert_eq!(year["mean"].as_f64(), Some(4.091_233));
    let guideline = |found: &serde_json::Value| found["years"][0]["levels"][4].clone();
    let level = guideline(&found);
    assert_eq!((&level["level"], &level["title"]["ko"]), (&json!("guideline"), &json!("권고기준")));
    assert_eq!((&level["year_limit"], &level["year_met"]), (&json!(5.0), &json!(true)));
    assert_eq!((&level["days_above"], &level["days_met"]), (&json!(3), &json!(true)));
    let level = guideline(&judged(&[&args[..], &[&four]].concat()));
    assert_eq!((&level["days_above"], &level["days_met"]), (&json!(4), &json!(false)));

    let table = said(&dustline(&[&["backtest"], &args[..], &[&four]].concat()).stdout);
    let row = table.lines().find(|line| line.contains("  guideline")).unwrap();
    let words: Vec<&str> = row.split("  ").map(str::trim).filter(|w| !w.is_empty()).collect();
    assert_eq!(
        words,
        [
            "who-2021@2021-09-22",
            "all",
            "who-pm25",
            "2023",
            "365 of 365",
            "4.1",
            "guideline",
            "5",
            "met",
            "15",
            "4",
            "exceeded",
        ]
    );
}

#[test]
fn a_quarter_of_a_year_is_not_judged_and_national_standards_follow_their_dates() {
    let dir = tempfile::tempdir().unwrap();
    let quarter = file(dir.path(), "quarter.csv", &days(&[(90, 40.0)]));
    let args = ["--ruleset", "kr-standards", "--ruleset", "cn-standards", "--data", &quarter];
    let found = judged(&args);
    let years = found["years"].as_array().unwrap();
    let told: Vec<_> = years
        .iter()
        .map(|y| {
            let level = &y["levels"][0];
            (y["ruleset"].as_str().unwrap(), &level["year_met"], &level["days_met"])
        })
        .collect();
    let (open, no) = (&json!(null), &json!(false));
    assert_eq!(
        told,
        [("kr-standards@2018-03-27", open, no), ("cn-standards@2016-01-01", open, open)],
        "90 days above cannot be mended; China's percentile is not known here"
    );
}
