use super::*;
use crate::rules::{LadderRules, Sure};

const KR: &str = BUILTIN[0].1;

fn refused(text: &str) -> RulesetError {
    parse(text, "own.toml").unwrap_err()
}

#[test]
fn the_builtin_rulesets_are_sound_and_their_cases_hold() {
    let all = builtin().unwrap();
    let kr = &all["kr-air-alert"];
    let versions: Vec<String> = kr.iter().map(Ruleset::reference).collect();
    assert_eq!(versions, ["kr-air-alert@2016-01-01", "kr-air-alert@2018-07-01"]);
    let ladders: Vec<&str> = kr[1].ladders.iter().map(|l| l.id.as_str()).collect();
    assert_eq!(ladders, ["kr-pm25", "kr-pm10"]);
    let bounds = |version: usize, ladder: usize| -> Vec<(f64, u8, f64)> {
        let levels = kr[version].ladders[ladder].levels.iter();
        levels.map(|l| (l.raise.at_least, l.raise.hours, l.lift.below)).collect()
    };
    assert_eq!(bounds(0, 0), [(90.0, 2, 50.0), (180.0, 2, 90.0)]);
    assert_eq!(bounds(1, 0), [(75.0, 2, 35.0), (150.0, 2, 75.0)]);
    assert_eq!(bounds(0, 1), [(150.0, 2, 100.0), (300.0, 2, 150.0)]);
    assert_eq!(bounds(1, 1), bounds(0, 1));
    assert_eq!((kr[0].sure, kr[1].sure), (Sure::FromMemory, Sure::ReadInSource));
    assert!(KR.matches("[[case]]").count() >= 8);
}

#[test]
fn a_version_is_in_force_from_local_midnight() {
    let all = builtin().unwrap();
    let at =
        |text| in_force(&all["kr-air-alert"], Stamp::parse(text).unwrap()).map(|r| &*r.version);
    assert_eq!(at("2018-06-30T14:59:59.999Z"), Some("2016-01-01"));
    assert_eq!(at("2018-06-30T15:00:00Z"), Some("2018-07-01"));
    assert_eq!(at("2015-12-31T14:59:59Z"), None);
    assert_eq!(at("2999-01-01T00:00:00Z"), Some("2018-07-01"));
}

#[test]
fn an_hour_is_judged_by_the_version_in_force_at_its_start() {
    let all = builtin().unwrap();
    let rules = LadderRules::new(&all["kr-air-alert"], "kr-pm25", 72);
    let version = |text| rules.at(Stamp::parse(text).unwrap().hour()).map(|(r, _)| &*r.version);
    assert_eq!(version("2018-06-30T14:00:00Z"), Some("2016-01-01"));
    assert_eq!(version("2018-06-30T15:00:00Z"), Some("2018-07-01"));
}

#[test]
fn an_unknown_key_is_refused_with_its_place() {
    let error = refused(&KR.replacen("lift = { below = 50 }", "lift = { bellow = 50 }", 1));
    let line = 1 + KR.lines().position(|l| l == "lift = { below = 50 }").unwrap();
    assert_eq!((error.line, error.column), (line, 10), "{error}");
    assert!(error.what.contains("bellow") && error.what.contains("below"), "{error}");
    assert!(error.to_string().starts_with("own.toml:"), "{error}");
}

#[test]
fn faults_are_named_with_what_to_do() {
    for (old, new, what, advice) in [
        (
            "until = \"2018-07-01\"\n",
            "",
            "version 2018-07-01 begins before 2016-01-01 ends",
            "until",
        ),
        ("until = \"2018-07-01\"", "until = \"2015-07-01\"", "ends before it begins", "later date"),
        (
            "version = \"2016-01-01\"",
            "version = \"1 May\"",
            "\"1 May\" is not a date",
            "2018-07-01",
        ),
        ("Asia/Seoul", "Asia/Soul", "time zone \"Asia/Soul\"", "Asia/Seoul"),
        ("hours = 2", "hours = 0", "0 hours", "hours = 1"),
        ("below = 50", "below = 91", "raised at 90, lifted below 91", "not above"),
        ("at_least = 180", "at_least = 90", "\"warning\"", "lowest"),
        ("\"warning\"", "\"advisory\"", "\"advisory\" is taken", "of its own"),
        ("id = \"kr-pm10\"", "id = \"kr-pm25\"", "second ladder", "another id"),
        ("from memory", "quite sure", "quite sure", "correct the file"),
        ("[[ruleset.ladder]]", "[[ruleset.ladder]", "unclosed", "correct the file"),
    ] {
        assert!(KR.contains(old), "{old}");
        let error = refused(&KR.replacen(old, new, 1));
        assert!(error.what.contains(what) && error.advice.contains(advice), "{old}: {error}");
        assert!(error.line > 1, "{error}");
    }
}

#[test]
fn a_file_whose_figures_contradict_its_cases_is_refused() {
    let error = refused(&KR.replacen("raise = { at_least = 75,", "raise = { at_least = 76,", 1));
    assert!(error.what.contains("75.0 counts") && error.what.contains("no change"), "{error}");
    let unknown = refused(&KR.replacen("ladder = \"kr-pm25\"", "ladder = \"kr-pm1\"", 1));
    assert!(unknown.what.contains("no ladder \"kr-pm1\""), "{unknown}");
    let odd = refused(&KR.replacen("from = \"2022-01-08T18:00\"", "from = \"18:30\"", 1));
    assert!(odd.what.contains("not a local hour"), "{odd}");
}

#[test]
fn every_ruleset_file_is_built_in_and_its_cases_hold() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/rulesets");
    let mut faults = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("config/rulesets/{}", path.file_name().unwrap().to_str().unwrap());
        assert!(BUILTIN.iter().any(|(origin, _)| *origin == name), "{name} is not built in");
        let text = std::fs::read_to_string(&path).unwrap();
        match read_file(&text, &name) {
            Ok(file) => {
                let failed = file.cases.into_iter().filter_map(|c| c.fault);
                faults.extend(failed.map(|fault| fault.to_string()));
            }
            Err(error) => faults.push(error.to_string()),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_example_of_the_documents_is_a_whole_file_whose_cases_pass() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rulesets.md");
    let text = std::fs::read_to_string(path).unwrap();
    let blocks: Vec<&str> =
        text.split("```toml\n").skip(1).filter_map(|b| b.split("```").next()).collect();
    let file = read_file(blocks[0], "docs/rulesets.md").unwrap();
    let faults: Vec<_> = file.cases.iter().filter_map(|c| c.fault.as_ref()).collect();
    assert!(faults.is_empty() && file.cases.len() >= 2, "{faults:?}");
    // The other one is a part of such a file.
    let (head, _) = blocks[0].split_once("[[ruleset.season]]").unwrap();
    let standards =
        &parse(&format!("{head}{}", blocks[1]), "docs/rulesets.md").unwrap()[0].standards;
    assert_eq!((standards.len(), standards[0].percentile), (1, Some(99)));
}

#[test]
fn a_standard_says_what_is_wrong_with_it() {
    let who = include_str!("../../../config/rulesets/who-2021.toml");
    for (old, new, what, advice) in [
        ("percentile = 99", "percentile = 100", "100 is no percentile", "1 to 99"),
        ("year = 35\nday = 75", "year = 80\nday = 75", "limits of \"target_1\"", "finite"),
        ("year = 25\nday = 50", "year = 25\nday = 76", "\"target_2\" is weaker", "strictest"),
        ("id = \"who-pm10\"", "id = \"who-pm25\"", "second standard \"who-pm25\"", "another id"),
        (
            "standard = \"who-pm10\"",
            "standard = \"who-pm1\"",
            "no standard \"who-pm1\"",
            "name one",
        ),
        ("above = 4, days = \"exceeded\"", "above = 5, days = \"met\"", "4 days above", "correct"),
    ] {
        assert!(who.contains(old), "{old}");
        let error = refused(&who.replacen(old, new, 1));
        assert!(error.what.contains(what) && error.advice.contains(advice), "{old}: {error}");
    }
    let (without, _) = KR.rsplit_once("changes = [").unwrap();
    let error = refused(without);
    assert!(error.what.contains("a case without changes"), "{error}");
}
