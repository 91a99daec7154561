//! Parties and the hotline: what they mean, and what is said about bad ones.

use super::{SIGNING_KEY, Shelf, check, shown, warns};
use crate::air::place::Language;
use crate::hotline::{LiftedWhen, Plan};
use std::time::Duration;

/// What a hotline needs around it.
const AROUND: &str = "[[zone]]\nid = \"seoul\"\nrulesets = [\"kr-air-alert\"]\n\
                      [[threshold]]\nid = \"emergency\"\nquantity = \"pm10\"\nat_least = 300\n\
                      lift_below = 150\n\
                      [[receiver]]\nid = \"desk\"\nurl = \"https://a\"\nsecret = { file = \"k\" }\n\
                      name = { ko = \"상황실\" }\nreal_only = true\n";

fn shelf() -> Shelf {
    Shelf::default().with_file("/etc/dustline/k", SIGNING_KEY).with_file("/etc/dustline/t", "t")
}

fn plan(text: &str) -> Plan {
    let loaded = shelf().parse(&format!("{AROUND}{text}")).map_err(|f| shown(&f)).unwrap();
    loaded.settings.hotline.unwrap()
}

/// Asserts the faults of a party and a hotline that stand below [`AROUND`], by
/// their lines from there.
#[track_caller]
fn faults(text: &str, expected: &[&str]) {
    let found = shown(&shelf().parse(&format!("{AROUND}{text}")).map(drop).unwrap_err());
    let below = |fault: &String| {
        let (line, rest) = fault.strip_prefix("dustline.toml:").unwrap().split_once(':').unwrap();
        format!("{}:{rest}", line.parse::<usize>().unwrap() - AROUND.lines().count())
    };
    assert_eq!(found.iter().map(below).collect::<Vec<_>>(), expected, "in:\n{text}");
}

#[test]
fn deadlines_of_a_party_stand_before_those_of_the_hotline() {
    let plan = plan(
        "[[party]]\nid = \"KR\"\nack_within = \"5m\"\n[[party]]\nid = \"CN\"\n\
         [hotline]\nparties = [\"CN\", \"KR\"]\nack_within = \"20m\"\nupdate_within = \"0s\"\n\
         lifted_when = \"below_open_on\"",
    );
    let deadlines: Vec<_> = plan.parties.iter().map(|p| (&*p.id, p.ack_within)).collect();
    let minutes = |n: u64| Duration::from_secs(60 * n);
    assert_eq!(deadlines, [("CN", minutes(20)), ("KR", minutes(5))]);
    assert!(plan.parties.iter().all(|p| p.update_within.is_zero()));
    assert_eq!(plan.lifted_when, LiftedWhen::BelowOpening);
    assert!(plan.real_only.contains("desk"));
    assert_eq!(plan.receivers["desk"].text(Language::Ko), "상황실");
}

#[test]
fn openers_share_an_incident_by_quantity_unless_they_name_a_cause() {
    let plan = plan(
        "[hotline]\nparties = []\nopen_on = [{ ladder = \"kr-pm25\", level = \"warning\" }, \
         { ladder = \"kr-pm10\", level = \"advisory\", cause = \"dust\" }, \
         { threshold = \"emergency\" }, { condition = \"kr-emergency\", level = \"measures\" }]\n\
         groups = [{ id = \"capital\", zones = [\"seoul\"] }]",
    );
    let causes: Vec<_> = plan.openers.iter().map(|o| (&*o.on, &*o.cause)).collect();
    let wanted = [
        ("kr-pm25", "pm2_5"),
        ("kr-pm10", "dust"),
        ("emergency", "pm10"),
        ("kr-emergency", "pm2_5"),
    ];
    assert_eq!(causes, wanted);
    let opens: Vec<Vec<bool>> =
        plan.openers.iter().map(|o| o.levels.iter().map(|l| l.opens).collect()).collect();
    assert_eq!(opens, [vec![false, true], vec![true, true], vec![true], vec![false, true]]);
    assert_eq!(plan.group_ids(), ["capital"]);
}

#[test]
fn without_a_hotline_there_is_none() {
    assert!(shelf().parse(AROUND).unwrap().settings.hotline.is_none());
}

#[test]
fn every_fault_of_a_party_has_its_place() {
    faults(
        "[[party]]\nid = \"KR\"\nlangage = \"ko\"\nack_within = \"0s\"\nescalation = [\n\
         { after = \"15m\", receivers = [\"desc\"] },\n{ after = \"15m\", receivers = [] },\n\
         { receivers = [\"desk\", \"desk\"] }]",
        &[
            "3:1: party[0].langage: unknown key; did you mean `language`?",
            "4:14: party[0].ack_within: found \"0s\", expected at least \"1ms\"",
            "6:31: party[0].escalation[0].receivers[0]: there is no [[receiver]] \"desc\": nobody \
             is told in its place; did you mean `desk`?",
            "7:11: party[0].escalation[1].after: not after the step before it; put the steps in \
             order",
            "7:30: party[0].escalation[1].receivers: no receiver: this step would call nobody",
            "8:1: party[0].escalation[2].after: missing; expected a duration such as \"15m\"",
            "8:24: party[0].escalation[2].receivers[1]: \"desk\" is there twice",
        ],
    );
}

#[test]
fn every_fault_of_the_hotline_has_its_place() {
    faults(
        "[[party]]\nid = \"KOR\"\n[hotline]\nparties = [\"KOR\", \"KORE\"]\nopen_on = [\n\
         { ladder = \"kr-pm2\", level = \"warning\" },\n\
         { ladder = \"kr-pm25\", level = \"warnin\" },\n\
         { ladder = \"kr-pm25\" },\n{ threshold = \"x\" },\n{ threshold = \"emergency\" },\n\
         { threshold = \"emergency\" }, { condition = \"kr-emergency\", level = \"measure\" }]\n\
         groups = [{ id = \"a\", zones = [\"seol\"] }]\n\
         lifted_when = \"never\"\ncoling = \"1h\"",
        &[
            "4:19: hotline.parties[1]: there is no [[party]] \"KORE\": it is told nothing and \
             cannot act; did you mean `KOR`?",
            "6:12: hotline.open_on[0].ladder: there is no ladder \"kr-pm2\"; did you mean \
             `kr-pm25`?",
            "7:31: hotline.open_on[1].level: kr-pm25 has no level \"warnin\"; did you mean \
             `warning`?",
            "8:1: hotline.open_on[2]: expected ladder and level, condition and level, or threshold",
            "9:15: hotline.open_on[3].threshold: there is no [[threshold]] \"x\"; known: emergency",
            "11:1: hotline.open_on[5]: \"emergency\" is there twice",
            "11:68: hotline.open_on[6].level: kr-emergency has no level \"measure\"; did you mean \
             `measures`?",
            "12:32: hotline.groups[0].zones[0]: there is no [[zone]] \"seol\"; did you mean \
             `seoul`?",
            "13:15: hotline.lifted_when: found \"never\", expected \"none\" or \"below_open_on\"",
            "14:1: hotline.coling: unknown key; did you mean `cooling`?",
        ],
    );
    check(
        "[hotline]\nopen_on = []",
        &["1:1: hotline.parties: missing; expected a list of party ids"],
    );
}

#[test]
fn what_is_unwise_or_not_there_yet_is_warned_of() {
    warns(
        &shelf(),
        "[[party]]\nid = \"KR\"\ntoken = { file = \"t\" }\n\
         escalation = [{ after = \"5m\", receivers = [\"minister\"] }]\n\
         [hotline]\nparties = [\"KR\", \"CN\"]\n\
         open_on = [{ ladder = \"kr-pm25\", level = \"warning\" }]",
        &[
            "1:1: party[0]: nobody is told when an incident opens; begin escalation with { after = \
             \"0s\", receivers = [ … ] }",
            "4:44: party[0].escalation[0].receivers[0]: there is no [[receiver]] \"minister\": \
             nobody is told in its place",
            "6:18: hotline.parties[1]: there is no [[party]] \"CN\": it is told nothing and cannot \
             act",
            "7:23: hotline.open_on[0].ladder: no zone is judged by kr-pm25: this opens nothing; \
             name its ruleset in the rulesets of a [[zone]]",
        ],
    );
}

#[test]
fn only_the_receivers_on_a_ladder_may_hold_links_of_its_party() {
    let text = "[[party]]\nid = \"KR\"\nescalation = [{ after = \"0s\", receivers = [\"desk\"] }]\n\
                [[party]]\nid = \"CN\"\n[hotline]\nparties = [\"KR\", \"CN\"]\n";
    let links = |more: &str| {
        let loaded = shelf().parse(&format!("{AROUND}{text}{more}")).unwrap();
        loaded.settings.links
    };
    assert_eq!(links("links_valid = \"2h\""), None, "nobody can reach the server");
    let links = links("public_url = \"https://hotline.example/\"").unwrap();
    assert_eq!(links.public_url, "https://hotline.example");
    assert_eq!(links.valid, std::time::Duration::from_secs(24 * 3600));
    assert!(links.may_hold("desk", "KR") && !links.may_hold("desk", "CN"));
    assert!(!links.may_hold("reserve", "KR") && !links.may_hold("desk", "JP"));
}

#[test]
fn a_token_belongs_to_one_alone() {
    let token = "token = { file = \"t\" }\n";
    faults(
        &format!(
            "[[party]]\nid = \"KR\"\n{token}[[party]]\nid = \"CN\"\n{token}[hotline]\nparties = []\n"
        ),
        &[
            "6:9: party[1].token: this is the token of party \"KR\" as well; give each a token of its own: who acts is known by it alone",
        ],
    );
    faults(
        &format!(
            "[[party]]\nid = \"KR\"\n{token}[hotline]\nparties = []\n[http]\noperator_{token}"
        ),
        &[
            "3:9: party[0].token: this is the token of the operator as well; give each a token of its own: who acts is known by it alone",
        ],
    );
}

#[test]
fn a_drill_has_a_day_a_time_and_a_place() {
    let drill = "[hotline]\nparties = []\n[[hotline.drill]]\nid = \"spring\"\n\
                 at = \"10:00\"\ntime_zone = \"Asia/Seoul\"\ntext = \"a drill\"\n";
    let monthly = plan(&format!("{drill}day = 15\nmonths = [3, 9]\n"));
    let next = |plan: &Plan, after: &str| {
        plan.drills[0].next(crate::air::Stamp::parse(after).unwrap()).unwrap().to_string()
    };
    assert_eq!(monthly.drills[0].group, "all");
    assert_eq!(next(&monthly, "2026-03-15T01:00:00Z"), "2026-09-15T01:00:00Z");
    let weekly = plan(&format!("{drill}day = \"mon\"\n"));
    assert_eq!(next(&weekly, "2026-03-15T01:00:00Z"), "2026-03-16T01:00:00Z");
    faults(
        &format!("{drill}day = \"someday\"\ngroup = \"al\"\n"),
        &[
            "8:7: hotline.drill[0].day: found \"someday\", expected \"mon\" or \"tue\" or \"wed\" or \"thu\" or \"fri\" or \"sat\" or \"sun\"",
            "9:9: hotline.drill[0].group: there is no group of zones \"al\"; did you mean `all`?",
        ],
    );
    let wrong = drill.replace("10:00", "noon");
    faults(
        &format!("{wrong}day = 32\n"),
        &[
            "5:6: hotline.drill[0].at: found \"noon\", expected a time of the day such as \"10:00\"",
            "8:7: hotline.drill[0].day: found 32, expected a whole number from 1 to 31",
        ],
    );
}
