//! The hotline as a whole, in a time of its own.

mod acts;
mod air;
mod any_story;
mod chain;
mod deadlines;
mod document;
mod drills;
mod notices;
mod proofs;
mod story;

use super::*;
use crate::air::{Names, Quantity};
use crate::rules::{NONE, Scope, Threshold, builtin};
use std::time::Duration;

/// Midnight, Greenwich, of the day on which everything happens.
const DAY: &str = "2022-01-08T00:00:00Z";

fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

/// So many minutes into the day.
fn at(minute: u64) -> Stamp {
    Stamp::parse(DAY).unwrap().plus(minutes(minute))
}

fn names((ko, zh, en): (&str, &str, &str)) -> Names {
    let text = |text: &str| Some(text.to_owned());
    Names { ko: text(ko), zh: text(zh), en: text(en) }
}

fn party(id: &str, called: (&str, &str, &str)) -> Party {
    let step = |after, receiver: &str| Step {
        after: minutes(after),
        receivers: vec![format!("{}-{receiver}", id.to_lowercase())],
    };
    Party {
        name: names(called),
        steps: vec![step(0, "desk"), step(15, "director"), step(45, "minister")],
        ..Party::new(id)
    }
}

/// Korea and China, opened by warnings and by a threshold.
fn plan() -> Plan {
    let rulesets = builtin().unwrap();
    let scale = |id: &str| rulesets["kr-air-alert"].iter().find_map(|r| r.scale(id)).unwrap();
    let threshold = Threshold {
        id: "emergency-pm25".into(),
        quantity: Quantity::Pm2_5,
        at_least: 150.0,
        readings: 2,
        of: 3,
        lift_below: 75.0,
    };
    Plan {
        parties: vec![
            party("KR", ("환경부", "韩国环境部", "Ministry of Environment")),
            party("CN", ("중국 생태환경부", "生态环境部", "Ministry of Ecology and Environment")),
        ],
        openers: vec![
            Opener::scale(&scale("kr-pm25"), 2, "pm2_5"),
            Opener::scale(&scale("kr-pm10"), 2, "pm10"),
            Opener::threshold(&threshold, "pm2_5"),
        ],
        zones: [("seoul", Some(vec!["jongno".to_owned()])), ("shandong", None)]
            .map(|(zone, stations)| (zone.to_owned(), stations))
            .into(),
        names: [
            (Scope::Zone("seoul".into()), names(("서울", "首尔", "Seoul"))),
            (Scope::Zone("shandong".into()), names(("산둥", "山东", "Shandong"))),
            (Scope::Station("jongno".into()), names(("종로구", "钟路区", "Jongno-gu"))),
        ]
        .into(),
        ..Plan::default()
    }
}

/// A change of the PM2.5 ladder of a zone.
fn changed(zone: &str, from: &str, to: &str, now: Stamp) -> Happening {
    on_ladder("kr-pm25", Scope::Zone(zone.into()), (from, to), now)
}

fn on_ladder(ladder: &str, scope: Scope, (from, to): (&str, &str), now: Stamp) -> Happening {
    let change = Change {
        id: crate::rules::stable_id(now, &[ladder, scope.id(), from, to]),
        ladder: ladder.into(),
        ruleset: "kr-air-alert@2018-07-01".into(),
        scope,
        from: from.into(),
        to: to.into(),
        at: now,
        decided_at: now,
        quantity: Quantity::Pm2_5,
        value: Some(81.84),
        inputs: Vec::new(),
        criterion: Names::plain("hourly zone mean"),
        late: false,
        particulars: crate::rules::Particulars::default(),
    };
    Happening::Change { change: Box::new(change), exercise: false }
}

fn officer(party: &str) -> Who {
    Who::Party { from: "api 192.0.2.7".into(), name: None, party: party.into() }
}

fn operator() -> Who {
    Who::Operator { from: "cli root".into(), name: None }
}

fn act(who: Who, does: Does) -> Happening {
    Happening::Act(Act { who, does })
}

const CASE: &str = "2022-0001";

fn acknowledge(party: &str) -> Happening {
    act(officer(party), Does::Acknowledge { incident: CASE.into() })
}

fn close(party: &str) -> Happening {
    act(officer(party), Does::Close { incident: CASE.into() })
}

fn note(party: &str, text: &str) -> Happening {
    act(officer(party), Does::Note { incident: CASE.into(), text: text.into() })
}

fn measure(from: Stamp, until: Option<Stamp>) -> Measure {
    let (kind, place) = (MeasureKind::Traffic, "Seoul".to_owned());
    Measure { from, kind, place, text: "Old diesel cars stay off the roads".into(), until }
}

fn share(party: &str, measure: Measure) -> Happening {
    act(officer(party), Does::Share { incident: CASE.into(), measure })
}

fn open_by_hand(who: Who, exercise: bool) -> Happening {
    let (cause, text) = ("pm2_5".to_owned(), "Yellow dust is expected".to_owned());
    act(who, Does::Open { cause, exercise, group: None, text })
}

/// A hotline with everything that was recorded on it.
#[derive(Clone)]
struct Told {
    hotline: Hotline,
    recorded: Vec<Recorded>,
}

impl Told {
    fn new(plan: Plan) -> Told {
        Told { hotline: Hotline::new(plan), recorded: Vec::new() }
    }

    /// Nothing is refused.
    #[track_caller]
    fn does(&mut self, event: &Happening, now: Stamp) -> Vec<Recorded> {
        let out = self.hotline.happened(event, now);
        assert_eq!(out.refused, None);
        self.recorded.extend(out.recorded.iter().cloned());
        out.recorded
    }

    #[track_caller]
    fn refused(&mut self, event: &Happening, now: Stamp) -> String {
        let out = self.hotline.happened(event, now);
        self.recorded.extend(out.recorded.iter().cloned());
        out.refused.expect("a refusal").to_string()
    }

    /// Time goes by with the clock being looked at whenever something is due.
    fn wait_until(&mut self, end: Stamp) -> Vec<Recorded> {
        let mut all = Vec::new();
        while let Some(due) = self.hotline.next_due().filter(|due| *due < end) {
            all.extend(self.does(&Happening::Tick, due));
        }
        all.extend(self.does(&Happening::Tick, end));
        all
    }

    /// The process ends and begins again.
    fn restart(&mut self) {
        let bytes = self.hotline.save().encode().unwrap();
        let plan = self.hotline.plan().clone();
        self.hotline = Hotline::restored(plan, Saved::decode(&bytes).unwrap());
    }

    fn entries(&self) -> Vec<Entry> {
        self.recorded.iter().map(|r| r.entry.clone()).collect()
    }

    fn incident(&self) -> &Incident {
        self.hotline.incidents().last().unwrap()
    }
}

fn kinds(recorded: &[Recorded]) -> Vec<&'static str> {
    recorded.iter().map(|r| r.entry.what.kind().name()).collect()
}

/// Who is told of the entries of a kind.
fn told(recorded: &[Recorded], kind: Kind) -> Vec<&str> {
    let of = recorded.iter().filter(|r| r.entry.what.kind() == kind);
    of.flat_map(|r| &r.tellings).flat_map(|t| &t.receivers).map(String::as_str).collect()
}

/// Both have been called about a warning in Seoul.
fn warned(now: Stamp) -> Told {
    let mut told = Told::new(plan());
    told.does(&changed("seoul", "advisory", "warning", now), now);
    told
}
