//! `rulesets_dir`: the operator's own ruleset files.

use super::{Shelf, check, faults_of, shown, warns};
use crate::config::Own;

/// A ruleset of one ladder and level, with a case.
fn ruleset(id: &str, ladder: &str) -> String {
    format!(
        r#"[[ruleset]]
id = "{id}"
version = "2020-01-01"
time_zone = "Asia/Seoul"
jurisdiction = "KR"
title = {{ ko = "시 기준", zh = "市标准", en = "City rule" }}
source = "City ordinance"
sure = "read in source"

[[ruleset.ladder]]
id = "{ladder}"
title = {{ ko = "경보", zh = "警报", en = "alert" }}
quantity = "pm2_5"

[[ruleset.ladder.level]]
name = "advisory"
title = {{ ko = "주의보", zh = "注意报", en = "advisory" }}
raise = {{ at_least = 50, hours = 1 }}
lift = {{ below = 30 }}

[[case]]
name = "50 counts at once"
ladder = "{ladder}"
from = "2022-01-08T18:00"
means = [49.9, 50]
changes = [{{ at = "2022-01-08T20:00", from = "none", to = "advisory" }}]
"#
    )
}

const DIR: &str = "rulesets_dir = \"rulesets\"\n";

fn shelf(files: &[(&str, &str)]) -> Shelf {
    files.iter().fold(Shelf::default(), |shelf, (name, text)| {
        shelf.with_file(&format!("/etc/dustline/rulesets/{name}"), text)
    })
}

#[test]
fn a_file_with_the_id_of_a_built_in_ruleset_stands_in_its_place() {
    let own = ruleset("kr-air-alert", "kr-pm25");
    let zone = format!("{DIR}[[zone]]\nid = \"seoul\"\nrulesets = [\"kr-air-alert\"]");
    let loaded = shelf(&[("seoul.toml", &own)]).parse(&zone).map_err(|f| shown(&f)).unwrap();
    let versions = &loaded.settings.rulesets["kr-air-alert"];
    assert_eq!(
        versions.iter().map(|r| r.reference()).collect::<Vec<_>>(),
        ["kr-air-alert@2020-01-01"]
    );
    assert_eq!(versions[0].ladders.len(), 1, "no ladder of the built-in one is left");
    let file = "/etc/dustline/rulesets/seoul.toml".to_owned();
    assert_eq!(loaded.rulesets.own["kr-air-alert"], Own { file, replaces: true });
    assert_eq!(loaded.rulesets.cases["kr-air-alert"].len(), 1);
}

#[test]
fn a_new_id_adds_to_the_built_in_rulesets_and_other_files_are_left_alone() {
    let own = ruleset("city", "city-pm25");
    let zone = format!("{DIR}[[zone]]\nid = \"seoul\"\nrulesets = [\"kr-air-alert\", \"city\"]");
    let files = shelf(&[("city.toml", &own), ("README.md", "not TOML"), ("city.toml~", "[")]);
    let loaded = files.parse(&zone).map_err(|f| shown(&f)).unwrap();
    let ids: Vec<&String> = loaded.settings.rulesets.keys().collect();
    assert_eq!(ids, ["city", "kr-air-alert"]);
    assert!(!loaded.rulesets.own["city"].replaces);
}

#[test]
fn every_fault_of_every_file_is_told_at_once_with_its_place() {
    let good = ruleset("city", "city-pm25");
    let failing = format!(
        "{}\n{}",
        good.replace("at_least = 50", "at_least = 51"),
        "[[case]]\nname = \"b\"\nladder = \"other\"\nfrom = \"2022-01-08T18:00\"\nmeans = []\nchanges = []\n"
    );
    let files = [
        ("a.toml", "[[ruleset]\n"),
        ("b.toml", &ruleset("b", "b").replace("lift = { below = 30 }", "lift = { bellow = 30 }")),
        ("c.toml", &ruleset("c", "c").replace("2020-01-01", "1 May")),
        ("d.toml", failing.as_str()),
    ];
    let said = faults_of(
        &shelf(&files),
        &format!("{DIR}colour = 1\n[[zone]]\nid = \"z\"\nrulesets = [\"b\"]"),
    );
    let d = "/etc/dustline/rulesets/d.toml:";
    let expected = [
        "/etc/dustline/rulesets/a.toml:1:11: ",
        "/etc/dustline/rulesets/b.toml:19:10: unknown field `bellow`",
        "/etc/dustline/rulesets/c.toml:3:11: \"1 May\" is not a date; write it as \"2018-07-01\"",
        &format!(
            "{d}21:1: the case \"50 counts at once\" gives no change where it says none to advisory at 2022-01-08T20:00; correct"
        ),
        &format!("{d}30:10: no ladder \"other\" in this file; name one of its ladders"),
        "2:1: colour: unknown key",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.starts_with(expected), "{said}\nnot\n{expected}");
    }
}

#[test]
fn a_fault_in_a_ruleset_file_is_quoted_with_its_line() {
    let text = ruleset("c", "c").replace("hours = 1", "hours = 0");
    let faults = shelf(&[("c.toml", &text)]).parse(DIR).map(drop).unwrap_err();
    let excerpt = faults[0].excerpt.clone().unwrap_or_default();
    assert!(excerpt.starts_with("[[ruleset.ladder.level]]") && excerpt.contains('^'), "{excerpt}");
}

#[test]
fn a_ruleset_is_in_one_file_only() {
    let text = ruleset("city", "city-pm25");
    let said = faults_of(&shelf(&[("a.toml", &text), ("b.toml", &text)]), DIR);
    assert_eq!(
        said,
        ["/etc/dustline/rulesets/b.toml:1:1: the ruleset \"city\" is in \
             /etc/dustline/rulesets/a.toml already; put all its versions into one file"]
    );
}

#[test]
fn a_directory_that_cannot_be_read_is_a_fault_where_it_is_named() {
    check(
        DIR,
        &["1:16: rulesets_dir: cannot read /etc/dustline/rulesets: no such directory; make the \
             directory, or take rulesets_dir out to use the built-in rulesets"],
    );
    check("rulesets_dir = 5", &["1:16: rulesets_dir: found 5, expected a string"]);
}

#[test]
fn a_file_that_is_not_text_is_named() {
    let mut files = shelf(&[]);
    files = files.with_file("/etc/dustline/rulesets/a.toml", b"[[ruleset]]\nid = \"\xff\"");
    let said = faults_of(&files, DIR);
    assert_eq!(
        said,
        ["/etc/dustline/rulesets/a.toml: line 2 is not UTF-8; save the file in UTF-8"]
    );
}

#[test]
fn two_rulesets_of_a_zone_share_no_ladder() {
    let zone = "[[zone]]\nid = \"z\"\nrulesets = [\"kr-air-alert\", \"city\"]";
    let said =
        faults_of(&shelf(&[("c.toml", &ruleset("city", "kr-pm10"))]), &format!("{DIR}{zone}"));
    assert_eq!(
        said,
        [
            "4:29: zone[0].rulesets[1]: the rulesets \"kr-air-alert\" and \"city\" both have a ladder \
             \"kr-pm10\"; name one of them, or give the ladder another id"
        ]
    );
}

#[test]
fn what_is_unwise_is_a_warning() {
    let files = shelf(&[("notes.md", "x")]);
    warns(
        &files,
        DIR,
        &["1:16: rulesets_dir: no *.toml in /etc/dustline/rulesets: only the built-in rulesets"],
    );
    let text = ruleset("city", "city-pm25");
    let (without_cases, _) = text.split_once("[[case]]").unwrap();
    warns(
        &shelf(&[("c.toml", without_cases)]),
        DIR,
        &[
            "/etc/dustline/rulesets/c.toml:1:1: no case shows what the ruleset \"city\" means; add a \
             [[case]] for each bound",
        ],
    );
}
