use super::*;
use crate::air::{Forecast, Foretold, IndexKind, Names};
use crate::rules::{Change, Input, Ruleset, StationMoved, ZoneHour, builtin, micro};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

mod odd;
mod stations;

const HOURS: i32 = 72;

/// Read once: reading judges every case of every file.
static RULESETS: LazyLock<BTreeMap<String, Vec<Ruleset>>> = LazyLock::new(|| builtin().unwrap());

/// Midnight of 10 January 2026 in Seoul.
fn first() -> Hour {
    Stamp::parse("2026-01-09T15:00:00Z").unwrap().hour()
}

fn hour(n: i32) -> Hour {
    Hour(first().0 + n)
}

fn zone(id: &str, rulesets: &[&str]) -> PlannedZone {
    PlannedZone {
        id: id.to_owned(),
        name: Names::plain(id),
        stations: Some(vec![format!("station-{id}")]),
        min_valid_share: 0.5,
        rulesets: rulesets.iter().map(|id| (*id).to_owned()).collect(),
        time_zone: TimeZone::get("Asia/Seoul").unwrap(),
        forecasts_from: None,
    }
}

fn plan(zones: Vec<PlannedZone>) -> Plan {
    let coupling = Coupling {
        id: "capital".to_owned(),
        zones: ["a", "b", "c"].map(str::to_owned).into(),
        at_least: 2,
    };
    Plan {
        stations: Vec::new(),
        zones,
        thresholds: Vec::new(),
        rulesets: RULESETS.clone(),
        couplings: vec![coupling],
        lateness: Duration::ZERO,
        grace: Duration::from_secs(1800),
        covers: Duration::from_secs(3600),
        min_coverage: 0.75,
        neighbours: None,
        keep: 1000,
    }
}

const RULES: [&str; 8] = [
    "kr-air-alert",
    "kr-emergency",
    "kr-crisis",
    "kr-dust-crisis",
    "kr-cai",
    "cn-heavy-pollution",
    "cn-aqi",
    "jp-pm25",
];

fn judge(ids: &[&str], rulesets: &[&str]) -> Judge {
    let mut judge =
        Judge::new(plan(ids.iter().map(|id| zone(id, rulesets)).collect()), hour(0).start());
    ids.iter().for_each(|id| judge.announce(&format!("station-{id}")));
    judge
}

/// Closes hour `n` of a zone in which its station, the device of this number, had a mean.
fn close(judge: &mut Judge, (id, device): (&str, u32), n: i32, mean: Option<f64>) -> Vec<Change> {
    if let Some(mean) = mean {
        let value = crate::air::Value::main(Quantity::Pm2_5, mean);
        let measured =
            Measured { value, flag: Flag::Pass, reasons: crate::air::Reasons::default() };
        let at = hour(n).start().plus(Duration::from_secs(1800));
        judge.reading(Reading { device, at, measured: &measured, label: 0 }, None);
    }
    told(judge.close_zone(id, hour(n), hour(n).end(), |_, _| None))
}

fn told(judged: Vec<ZoneJudged>) -> Vec<Change> {
    let all = judged.into_iter().flat_map(|j| j.changes);
    all.filter(|j| j.tell).map(|j| j.change).collect()
}

/// A forecast for a local day, issued so many hours after the beginning.
fn forecast(zone: &str, issued: i32, of: Foretold, day: i32, value: f64) -> Forecast {
    Forecast {
        issuer: "nier".to_owned(),
        issued_at: hour(issued).start(),
        zone: zone.to_owned(),
        of,
        from: hour(day * 24).start(),
        until: hour(day * 24 + 24).start(),
        value,
        cause: None,
    }
}

const PM: Foretold = Foretold::Quantity(Quantity::Pm2_5);

fn level<'a>(levels: &'a [LevelNow], zone: &str, id: &str) -> &'a str {
    let mut found = levels.iter().filter(|l| l.scope.id() == zone && l.ladder == id);
    found.next().map_or("", |l| l.level.as_str())
}

#[test]
fn measures_say_why_for_when_and_in_which_season() {
    let mut judge = judge(&["a"], &["kr-emergency", "kr-seasonal"]);
    judge.forecasts([&forecast("a", 11, PM, 1, 60.0)], hour(11).start());
    let mut changes = Vec::new();
    for n in 0..18 {
        changes.extend(close(&mut judge, ("a", 1), n, Some(60.0)));
    }
    let change = changes.iter().find(|c| c.ladder == "kr-emergency").unwrap();
    assert_eq!((change.to.as_str(), change.value), ("measures", Some(60.0)));
    assert_eq!(change.at.to_string(), "2026-01-10T08:10:00Z");
    assert_eq!(change.ruleset, "kr-emergency@2019-02-15");
    let in_force = change.particulars.in_force.unwrap();
    assert_eq!(in_force.from.to_string(), "2026-01-10T21:00:00Z");
    assert_eq!(in_force.until.to_string(), "2026-01-11T12:00:00Z");
    assert!(change.particulars.seasons.contains_key("kr-seasonal"));
    let english = change.criterion.en.as_deref().unwrap();
    assert_eq!(
        english,
        "mean PM2.5 of 00:00–16:00 today > 50 µg/m³ and PM2.5 forecast for tomorrow > 50 µg/m³"
    );
    let kinds: Vec<bool> =
        change.inputs.iter().map(|i| matches!(i, Input::Forecast { .. })).collect();
    assert_eq!(kinds, [false, true]);
    let json = serde_json::to_value(change).unwrap();
    assert_eq!(json["in_force"]["from"], "2026-01-10T21:00:00Z");
    assert_eq!(serde_json::from_value::<Change>(json).unwrap(), *change);
}

#[test]
fn what_two_of_three_coupled_zones_meet_holds_in_the_third() {
    let ids = ["a", "b", "c"];
    let mut judge = judge(&ids, &["kr-emergency"]);
    for (id, value) in ids.into_iter().zip([80.0, 40.0, 40.0]) {
        judge.forecasts([&forecast(id, 11, PM, 1, value)], hour(11).start());
        judge.forecasts([&forecast(id, 11, PM, 2, 40.0)], hour(11).start());
    }
    for n in 0..18 {
        for (id, device) in ids.into_iter().zip(1..) {
            close(&mut judge, (id, device), n, Some(30.0));
        }
    }
    let levels = judge.levels();
    assert_eq!(ids.map(|id| level(&levels, id, "kr-emergency")), ["measures", "none", "none"]);
    // A later issue of the same day comes late: now two of three meet it.
    let mut late = forecast("b", 12, PM, 1, 80.0);
    late.value = 80.0;
    let changes = told(judge.forecasts([&late], hour(18).start()));
    let moved: Vec<(&str, &str)> = changes.iter().map(|c| (c.scope.id(), c.to.as_str())).collect();
    assert_eq!(moved, [("b", "measures"), ("c", "measures")]);
    assert!(changes[1].inputs.iter().any(|i| matches!(i,
        Input::Zones { coupling, zones, at_least: 2 } if coupling == "capital" && zones == &["a", "b"])));
    assert!(changes[1].criterion.en.as_deref().unwrap().starts_with("in at least 2 of the zones"));
}

#[test]
fn a_decision_is_due_when_its_hours_are_judged_or_the_clock_is_past_the_grace() {
    let mut judge = judge(&["a"], &["kr-emergency"]);
    let at = Stamp::parse("2026-01-10T08:10:00Z").unwrap();
    (0..10).for_each(|n| drop(close(&mut judge, ("a", 1), n, Some(30.0))));
    judge.decide("a", Stamp(at.0 - 86_400_000), hour(10).start());
    assert_eq!(judge.decision_due(at), None, "hours before it are open");
    let past = at.plus(Duration::from_secs(1800));
    assert_eq!(judge.decision_due(past), Some(("a".to_owned(), at)));
    (10..17).for_each(|n| drop(close(&mut judge, ("a", 1), n, Some(30.0))));
    assert_eq!(judge.decision_due(at), Some(("a".to_owned(), at)));
    assert_eq!(told(judge.decide("a", at, past)), []);
    assert_eq!(judge.decision_due(past), None);
    let changes = told(judge.forecasts([&forecast("a", 16, PM, 1, 76.0)], past));
    assert_eq!((changes[0].at, changes[0].decided_at, changes[0].late), (at, past, false));
}

#[test]
fn our_own_forecast_decides_nothing_unless_it_is_named() {
    let mut own = forecast("a", 2, Foretold::Index(IndexKind::AqiCn), 1, 250.0);
    own.issuer = crate::air::forecast::OWN.to_owned();
    let mut plain = judge(&["a"], &["cn-heavy-pollution"]);
    assert_eq!(told(plain.forecasts([&own], own.issued_at)), []);
    let mut named = zone("a", &["cn-heavy-pollution"]);
    named.forecasts_from = Some(vec![own.issuer.clone()]);
    let mut judge = Judge::new(plan(vec![named]), hour(0).start());
    let changes = told(judge.forecasts([&own], own.issued_at));
    assert_eq!((changes[0].to.as_str(), changes[0].value), ("yellow", Some(250.0)));
    assert_eq!(changes[0].particulars.index, Some(IndexKind::AqiCn));
}

#[test]
fn dust_is_marked_and_calls_for_a_health_notice_only() {
    let mut judge = judge(&["a"], &["cn-heavy-pollution"]);
    let mut dust = forecast("a", 2, Foretold::Index(IndexKind::AqiCn), 1, 350.0);
    dust.cause = Some(crate::air::Cause::Dust);
    let changes = told(judge.forecasts([&dust], dust.issued_at));
    assert_eq!(changes[0].particulars.cause, Some(crate::air::Cause::Dust));
    let remark = changes[0].particulars.remark.clone().unwrap();
    assert!(remark.en.unwrap().contains("health notice only"));
}

fn mean() -> impl Strategy<Value = Option<f64>> {
    let near = [20.0, 34.9, 50.0, 50.1, 75.0, 80.0, 150.0, 210.0];
    prop_oneof![1 => Just(None), 8 => proptest::sample::select(near.to_vec()).prop_map(Some)]
}

fn forecasts() -> impl Strategy<Value = Vec<Forecast>> {
    let of = proptest::sample::select(vec![PM, Foretold::Index(IndexKind::AqiCn)]);
    let value = proptest::sample::select(vec![40.0, 50.0, 50.1, 75.1, 151.0, 201.0, 301.0]);
    let one = (1..HOURS, of, 0..5i32, value)
        .prop_map(|(issued, of, day, value)| forecast("a", issued, of, day, value));
    proptest::collection::vec(one, 0..20).prop_map(|mut all| {
        // One value for one issue and period: which of two counts would be a matter of order.
        let key = |f: &Forecast| (f.issued_at, f.of, f.from);
        all.sort_by_key(key);
        all.dedup_by_key(|f| key(f));
        all
    })
}

/// Hours and forecasts as they are made.
fn in_time(
    rulesets: &[&str],
    hours: &[Option<f64>],
    forecasts: &[Forecast],
) -> (Judge, Vec<Change>) {
    let mut judge = judge(&["a"], rulesets);
    let mut changes = Vec::new();
    for (n, mean) in (0..).zip(hours) {
        for f in forecasts.iter().filter(|f| f.issued_at.hour() == hour(n)) {
            changes.extend(told(judge.forecasts([f], f.issued_at)));
        }
        changes.extend(close(&mut judge, ("a", 1), n, *mean));
    }
    (judge, changes)
}

fn chained(changes: &[Change]) -> Result<(), TestCaseError> {
    let mut stands: HashMap<&str, &str> = HashMap::new();
    let mut ids = std::collections::HashSet::new();
    for c in changes {
        let before = stands.insert(&c.ladder, &c.to).unwrap_or("none");
        prop_assert_eq!(before, c.from.as_str(), "{} at {}", c.ladder, c.at);
        prop_assert!(ids.insert(&c.id), "{} twice", c.id);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn late_hours_and_forecasts_in_any_order_end_as_if_all_had_come_in_time(
        hours in proptest::collection::vec(mean(), HOURS as usize),
        (forecasts, shuffled) in forecasts().prop_flat_map(|f| (Just(f.clone()), Just(f).prop_shuffle())),
        order in Just((0..HOURS).collect::<Vec<_>>()).prop_shuffle(),
        came_late in proptest::collection::vec(any::<bool>(), HOURS as usize),
        split in 0usize..20,
    ) {
        let (right, first_told) = in_time(&RULES, &hours, &forecasts);
        let mut judge = judge(&["a"], &RULES);
        let mut changes = Vec::new();
        let (early, late) = shuffled.split_at(split.min(shuffled.len()));
        for (n, mean) in (0..).zip(&hours) {
            let known = early.iter().filter(|f| f.issued_at.hour() == hour(n));
            known.for_each(|f| changes.extend(told(judge.forecasts([f], f.issued_at))));
            let seen = if came_late[n as usize] { None } else { *mean };
            changes.extend(close(&mut judge, ("a", 1), n, seen));
        }
        for n in order {
            let (truth, now) = (hours[n as usize], hour(HOURS).start());
            let means = truth.map(micro);
            let corrected = ZoneHour::from_means(hour(n), means, 1, 0.5);
            let corrected = HourJudged::alone(Quantity::Pm2_5, corrected);
            let moved = StationMoved { station: "station-a".to_owned(), mean_micro: means };
            changes.extend(told(judge.revise(0, corrected.clone(), Some(&moved), now)));
            // Again: nothing new.
            prop_assert_eq!(told(judge.revise(0, corrected.clone(), Some(&moved), now)), vec![]);
        }
        for f in late.iter().chain(early) {
            changes.extend(told(judge.forecasts([f], hour(HOURS).start())));
        }
        prop_assert_eq!(judge.levels(), right.levels());
        chained(&first_told)?;
        chained(&changes)?;
    }

    #[test]
    fn absence_lifts_nothing(
        hours in proptest::collection::vec(mean(), HOURS as usize), forecasts in forecasts(),
    ) {
        let (mut judge, _) = in_time(&RULES, &hours, &forecasts);
        let end = forecasts.iter().map(|f| f.until.hour().0 - first().0).max().unwrap_or(0);
        // What forecasts still say of the days to come may move it; their silence may not.
        // As may means that still have three quarters of their hours.
        let silent = (HOURS + 48).max(end + 1);
        for n in HOURS..silent {
            close(&mut judge, ("a", 1), n, None);
        }
        let before: Vec<String> = judge.levels().into_iter().map(|l| l.level).collect();
        for n in silent..silent + 100 {
            prop_assert_eq!(close(&mut judge, ("a", 1), n, None), vec![]);
        }
        let after: Vec<String> = judge.levels().into_iter().map(|l| l.level).collect();
        prop_assert_eq!(before, after);
    }

    #[test]
    fn a_restart_changes_nothing(
        hours in proptest::collection::vec(mean(), HOURS as usize),
        forecasts in forecasts(),
        at in 0..HOURS,
    ) {
        let (right, changes) = in_time(&RULES, &hours, &forecasts);
        let mut judge = judge(&["a"], &RULES);
        let mut again = Vec::new();
        for (n, mean) in (0..).zip(&hours) {
            if n == at {
                let saved = Saved::decode(&judge.save().encode().unwrap()).unwrap();
                judge = self::judge(&["a"], &RULES);
                judge.restore(saved);
            }
            for f in forecasts.iter().filter(|f| f.issued_at.hour() == hour(n)) {
                again.extend(told(judge.forecasts([f], f.issued_at)));
            }
            again.extend(close(&mut judge, ("a", 1), n, *mean));
        }
        prop_assert_eq!(changes, again);
        prop_assert_eq!(judge.levels(), right.levels());
    }
}
