//! The hotline behind the intake, in a time of its own: what opens an incident,
//! whom it is told, and what is left of it after a kill at any moment.

use super::rig::{Rig, START, ZONE, minute, settings};
use crate::helpers::receiver;
use dustline::air::Stamp;
use dustline::air::place::Language;
use dustline::config::settings::BodyFormat;
use dustline::deliver::format::{Told, World, request};
use dustline::flow::{Acted, Command, Event};
use dustline::hotline::{Act, Does, Measure, MeasureKind, Refusal, Who, verify_json};
use dustline::store::{EventRow, IncidentFilter, IncidentRow};
use serde_json::Value;

/// Two parties with a director each; what Korea's minister gets is never an exercise.
fn hotline() -> String {
    let receivers: String = ["kr-desk", "kr-director", "cn-desk", "cn-director"]
        .iter()
        .map(|id| format!("[[receiver]]\nid = \"{id}\"\nurl = \"http://127.0.0.1:9/{id}\"\nevents = [\"incident\"]\n"))
        .collect();
    format!(
        r#"{ZONE}
{receivers}
[[receiver]]
id = "kr-minister"
url = "http://127.0.0.1:9/minister"
events = ["incident"]
real_only = true
[[party]]
id = "KR"
name = {{ ko = "환경부" }}
language = "ko"
escalation = [
  {{ after = "0s", receivers = ["kr-desk", "kr-minister"] }},
  {{ after = "15m", receivers = ["kr-director"] }},
]
[[party]]
id = "CN"
name = {{ zh = "生态环境部" }}
language = "zh"
escalation = [
  {{ after = "0s", receivers = ["cn-desk"] }},
  {{ after = "15m", receivers = ["cn-director"] }},
]
[hotline]
parties = ["KR", "CN"]
open_on = [{{ ladder = "kr-pm25", level = "advisory" }}]
cooling = "30m"
"#
    )
}

/// A rig with a hotline that can be killed after every step.
pub struct Line {
    rig: Option<Rig>,
    kills: bool,
    pub now: Stamp,
}

impl Line {
    fn new(dir: &std::path::Path, kills: bool) -> Line {
        Line::with(dir, &hotline(), kills)
    }

    pub fn with(dir: &std::path::Path, config: &str, kills: bool) -> Line {
        Line { rig: Some(Rig::open(settings(dir, config), START)), kills, now: START }
    }

    pub fn rig(&mut self) -> &mut Rig {
        self.rig.as_mut().unwrap()
    }

    pub fn perhaps_killed(&mut self) {
        if self.kills {
            let now = self.now;
            self.rig = self.rig.take().map(|rig| rig.killed(now));
        }
    }

    /// One hour of the zone, its stations all at this value.
    fn hour(&mut self, hour: i64, value: f64) {
        for m in 0..6 {
            self.readings(minute(hour * 60 + m * 10 + 5), &[("a", value), ("b", value)]);
        }
        self.perhaps_killed();
    }

    fn readings(&mut self, now: Stamp, stations: &[(&str, f64)]) {
        self.now = now;
        stations.iter().for_each(|(station, value)| self.rig().pm25(station, now, *value));
        self.rig().tick(now);
    }

    /// One reading of each of these stations.
    pub fn ten_minutes(&mut self, now: Stamp, stations: &[(&str, f64)]) {
        self.readings(now, stations);
        self.perhaps_killed();
    }

    pub fn tick(&mut self, at: Stamp) {
        self.now = at;
        self.rig().tick(at);
        self.perhaps_killed();
    }

    pub fn act(&mut self, who: Who, does: Does) -> Result<Acted, Refusal> {
        let (reply, mut answer) = dustline::flow::reply();
        let at = self.now;
        let act = Box::new(Act { who, does });
        self.rig().turn(vec![Event::Command(Command::Act { act, at, reply })]);
        let answer = answer.try_recv().expect("an answer after the commit");
        self.perhaps_killed();
        answer
    }

    pub fn incidents(&self) -> Vec<IncidentRow> {
        let filter = IncidentFilter { limit: 100, ..IncidentFilter::default() };
        self.rig.as_ref().unwrap().reader().incidents(&filter, 0).unwrap()
    }

    /// The numbers of the measures of the first incident.
    pub fn measures(&self) -> Vec<u32> {
        let all = self.incidents();
        let measures = all.first().and_then(|i| i.state["measures"].as_array().cloned());
        let numbers = measures.unwrap_or_default().into_iter();
        numbers.map(|m| u32::try_from(m["number"].as_u64().unwrap()).unwrap()).collect()
    }

    pub fn transcript(&mut self) -> Vec<Value> {
        let id = self.incidents().first().unwrap().id.clone();
        self.rig().reader().transcript(&id).unwrap()
    }

    /// `receiver kind` of every notice of the hotline, in order.
    fn told(&mut self) -> Vec<String> {
        let notices = self.rig().reader().outbox(None, 0, 10_000).unwrap().into_iter();
        let own = notices.filter(|n| n.event.kind == "dustline.incident.v1");
        own.map(|n| format!("{} {}", n.receiver, n.event.data["kind"]).replace('"', "")).collect()
    }
}

pub fn party(id: &str) -> Who {
    Who::Party { from: "test".into(), name: None, party: id.into() }
}

fn operator() -> Who {
    Who::Operator { from: "test".into(), name: Some("duty officer".into()) }
}

/// The whole of an episode: bad air, one party acknowledges and the other's
/// director does, measures, better air, one agrees, then the other.
fn episode(line: &mut Line) {
    line.hour(0, 20.0);
    line.hour(1, 100.0);
    line.hour(2, 100.0);
    line.tick(minute(190));
    let case = line.incidents().first().expect("an incident").case.clone();
    let incident = || case.clone();
    line.act(party("KR"), Does::Acknowledge { incident: incident() }).unwrap();
    line.tick(minute(203));
    line.tick(minute(210));
    line.act(party("CN"), Does::Acknowledge { incident: incident() }).unwrap();
    for (id, place) in [("KR", "충남"), ("CN", "山东")] {
        let measure = Measure {
            from: line.now,
            until: None,
            kind: MeasureKind::Power,
            place: place.into(),
            text: "held back to 80 %".into(),
        };
        line.act(party(id), Does::Share { incident: incident(), measure }).unwrap();
    }
    line.hour(4, 30.0);
    line.hour(5, 20.0);
    line.tick(minute(370));
    line.tick(minute(420));
    line.act(party("KR"), Does::Close { incident: incident() }).unwrap();
    line.tick(minute(480));
    line.act(party("CN"), Does::Close { incident: incident() }).unwrap();
}

#[test]
fn a_condition_that_forecasts_meet_opens_an_incident_when_it_is_decided() {
    let dir = tempfile::tempdir().unwrap();
    let config = hotline()
        .replace(r#"rulesets = ["kr-air-alert"]"#, r#"rulesets = ["kr-air-alert", "kr-emergency"]"#)
        .replace(
            r#"{ ladder = "kr-pm25", level = "advisory" }"#,
            r#"{ condition = "kr-emergency", level = "measures" }"#,
        );
    let mut line = Line::with(dir.path(), &config, true);
    line.hour(0, 20.0);
    let outlook = r#"{"issuer":"nier","issued_at":"2024-01-10T02:00:00Z","zone":"seoul","quantity":"pm2_5","day":"2024-01-11","value":90}"#;
    let arrival = line.rig().arrival("outlook", outlook, minute(121));
    line.rig().turn(vec![Event::Arrival(arrival)]);
    // 17:09 in Seoul, and 17:21: what belongs to the decision may come ten minutes late.
    line.tick(minute(489));
    assert_eq!(line.incidents(), []);
    line.tick(minute(501));
    let all = line.incidents();
    let [incident] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(incident.state["cause"], "pm2_5");
    assert_eq!(incident.state["level"]["name"], "measures");
    let told = line.told();
    assert!(
        ["kr-desk opened", "cn-desk opened"].iter().all(|t| told.contains(&(*t).into())),
        "{told:?}"
    );
    let opened = line.transcript().remove(0).to_string();
    assert!(opened.contains("kr-emergency") && opened.contains("90"), "{opened}");
}

#[test]
fn an_episode_is_one_incident_whose_transcript_no_kill_changes_and_no_notice_is_doubled() {
    let (calm, wild) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut lines = [Line::new(calm.path(), false), Line::new(wild.path(), true)];
    lines.iter_mut().for_each(episode);
    let [calm, wild] = &mut lines;
    let transcript = calm.transcript();
    assert_eq!(transcript, wild.transcript());
    assert_eq!(calm.told(), wild.told());
    let all = calm.incidents();
    let [incident] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(all, wild.incidents());
    let head = incident.state["head"].as_str();
    verify_json(&transcript, head).unwrap();
    let kinds: Vec<&str> = transcript.iter().map(|e| e["what"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.first(), Some(&"opened"));
    assert_eq!(kinds.last(), Some(&"closed"));
    for kind in ["acknowledged", "escalated", "measure", "level", "agreed"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    assert!(incident.closed.is_some() && incident.state["missing"] == serde_json::json!([]));
}

#[test]
fn only_the_party_that_does_not_acknowledge_is_escalated() {
    let dir = tempfile::tempdir().unwrap();
    let mut line = Line::new(dir.path(), true);
    episode(&mut line);
    let told = line.told();
    let first = |what: &str| told.iter().position(|t| t == what);
    assert!(first("cn-director escalated").is_some(), "{told:?}");
    assert_eq!(first("kr-director escalated"), None, "{told:?}");
    // The other party sees it.
    assert!(first("kr-desk escalated").is_some(), "{told:?}");
    let overdue = line.transcript().into_iter().filter(|e| e["what"]["kind"] == "overdue");
    let parties: Vec<Value> = overdue.map(|e| e["what"]["party"].clone()).collect();
    assert_eq!(parties, ["CN"]);
}

#[test]
fn an_exercise_never_reaches_a_receiver_of_real_ones_and_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut line = Line::new(dir.path(), true);
    let does = Does::Open {
        cause: "drill".into(),
        exercise: true,
        group: None,
        text: "spring drill".into(),
    };
    line.act(operator(), does).unwrap();
    line.tick(minute(16));
    let told = line.told();
    assert!(told.contains(&"kr-director escalated".to_owned()), "{told:?}");
    assert!(told.iter().all(|t| !t.starts_with("kr-minister")), "{told:?}");
    let notices = line.rig().reader().outbox(None, 0, 100).unwrap();
    assert!(notices.iter().all(|n| n.event.data["exercise"] == true));
    notices.iter().for_each(|n| marked_in_every_format_and_language(&n.event));
    let open = line.rig().reader().incidents_open().unwrap();
    assert_eq!(open, (0, 1));
}

fn marked_in_every_format_and_language(event: &EventRow) {
    use BodyFormat::*;
    let world = World::default();
    for format in [Dustline, Cap, Alertmanager, Slack, Feishu, Dingtalk, Wecom, Discord] {
        let mut receiver = receiver::settings("desk", "http://127.0.0.1:9/");
        receiver.format = format;
        for (language, mark) in
            [(Language::Ko, "[훈련]"), (Language::Zh, "【演习】"), (Language::En, "[EXERCISE]")]
        {
            let (earlier, world, now) = (&[][..], &world, event.time);
            let told = Told { event, earlier, language, offer: None, world, now };
            let request = request(&told, &receiver);
            let body = String::from_utf8(request.body).unwrap();
            assert!(body.contains(mark), "{format:?} {language}: {body}");
            if format == Dustline {
                let text = serde_json::from_str::<Value>(&body).unwrap()["data"]["text"].clone();
                let text = text.as_str().unwrap();
                assert_eq!(text.matches(mark).count(), 1, "{text}");
            }
        }
    }
}

#[test]
fn a_scheduled_exercise_opens_once_whatever_kills_lie_about_it() {
    const DRILL: &str = r#"
[[hotline.drill]]
id = "weekly"
day = "wed"
at = "10:00"
time_zone = "Asia/Seoul"
text = "weekly drill"
"#;
    let dir = tempfile::tempdir().unwrap();
    let mut line = Line::with(dir.path(), &format!("{}{DRILL}", hotline()), true);
    // The world begins on a Wednesday at nine in Seoul.
    for at in [1, 59, 60, 61, 76, 200] {
        line.tick(minute(at));
    }
    let all = line.incidents();
    let [drill] = all.as_slice() else { panic!("{all:?}") };
    assert!(drill.exercise && drill.opened == minute(60), "{drill:?}");
    let told = line.told();
    assert!(told.contains(&"kr-desk opened".to_owned()), "{told:?}");
    assert!(told.iter().all(|t| !t.starts_with("kr-minister")), "{told:?}");
    assert_eq!(line.rig().reader().incidents_open().unwrap(), (0, 1));
}

#[test]
fn a_state_of_another_version_is_made_anew_from_the_transcripts() {
    let dir = tempfile::tempdir().unwrap();
    let mut line = Line::new(dir.path(), false);
    let does =
        Does::Open { cause: "dust".into(), exercise: false, group: None, text: "a storm".into() };
    let acted = line.act(operator(), does.clone()).unwrap();
    line.act(party("KR"), Does::Acknowledge { incident: acted.incident.clone() }).unwrap();
    drop(line.rig.take());
    let writer = dustline::store::Writer::open(dir.path()).unwrap();
    writer.put_hotline(&[255, 1, 2, 3]).unwrap();
    drop(writer);
    line.rig = Some(Rig::open(settings(dir.path(), &hotline()), minute(1)));
    let again = line.act(party("KR"), Does::Acknowledge { incident: acted.incident.clone() });
    assert!(matches!(again, Err(Refusal::Acknowledged { .. })), "{again:?}");
    assert!(matches!(line.act(operator(), does), Err(Refusal::OpenAlready { .. })));
    line.act(party("CN"), Does::Acknowledge { incident: acted.incident }).unwrap();
    let other =
        Does::Open { cause: "smoke".into(), exercise: false, group: None, text: "x".into() };
    line.act(operator(), other).unwrap();
    let cases: Vec<String> = line.incidents().into_iter().map(|i| i.case).collect();
    assert_eq!(cases, ["2024-0001", "2024-0002"]);
    verify_json(&line.transcript(), None).unwrap();
}
