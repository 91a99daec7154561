//! The whole of an episode between two parties in virtual time: haze over Shandong
//! and then Seoul, a director who is called, measures, a level that rises and
//! falls, receivers that cannot be reached for six hours, and a close for which
//! one party must be reminded; once in peace, and once with a kill after every step.

use super::hotline::{Line, party};
use super::rig::{START, minute};
use dustline::deliver::schedule::{Answer, Ended, judge};
use dustline::flow::{Attempt, Command, Event};
use dustline::hotline::{Does, Measure, MeasureKind, verify_json};
use dustline::store::{Notice, NoticeState};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

/// What happens in it, whatever clock it is played by: entries that are not of
/// the air's single places, and none of what is owed meanwhile.
pub const STORY: [&str; 13] = [
    "opened",
    "acknowledged KR",
    "escalated CN",
    "acknowledged CN",
    "measure KR",
    "measure CN",
    "ended KR",
    "level advisory warning",
    "level warning advisory",
    "level advisory none",
    "agreed KR",
    "agreed CN",
    "closed",
];

/// The story that a transcript tells, in the words of [`STORY`].
pub fn story_of(transcript: &[Value]) -> Vec<String> {
    let told = transcript.iter().filter_map(|entry| {
        let text = |at: &str| entry.pointer(at).and_then(Value::as_str);
        let kind = text("/what/kind")?;
        let of = match kind {
            "joined" | "overdue" | "reminder" | "delivered" => return None,
            "level" => vec![text("/what/from/name")?, text("/what/to/name")?],
            "escalated" => vec![text("/what/party")?],
            _ => text("/who/party").into_iter().collect(),
        };
        Some([vec![kind], of].concat().join(" "))
    });
    told.collect()
}

/// Means of the hours, µg/m³; the last stays.
const SHANDONG: [f64; 9] = [20.0, 100.0, 100.0, 160.0, 160.0, 160.0, 60.0, 30.0, 20.0];
const SEOUL: [f64; 9] = [20.0, 20.0, 20.0, 60.0, 100.0, 100.0, 100.0, 60.0, 20.0];

/// Minutes in which no receiver can be reached.
const PARTITION: Range<i64> = 300..660;

/// The waits of an ordinary configuration.
const SCHEDULE: [u64; 11] = [0, 5, 30, 120, 600, 3600, 10_800, 21_600, 43_200, 86_400, 86_400];

const ZONES: &str = r#"
[quality]
stuck = false
spike = false
[judgement]
lateness = "2m"
grace = "10m"
reading_covers = "30m"
[[zone]]
id = "shandong"
name = { ko = "산둥", zh = "山东", en = "Shandong" }
country = "CN"
stations = ["jinan", "qingdao"]
rulesets = ["kr-air-alert"]
[[zone]]
id = "seoul"
name = { ko = "서울", zh = "首尔", en = "Seoul" }
country = "KR"
stations = ["jongno", "mapo"]
rulesets = ["kr-air-alert"]
[[party]]
id = "KR"
name = { ko = "환경부" }
language = "ko"
escalation = [{ after = "0s", receivers = ["kr-desk"] }, { after = "15m", receivers = ["kr-director"] }]
[[party]]
id = "CN"
name = { zh = "生态环境部" }
language = "zh"
escalation = [{ after = "0s", receivers = ["cn-desk"] }, { after = "15m", receivers = ["cn-director"] }]
[hotline]
parties = ["KR", "CN"]
open_on = [{ ladder = "kr-pm25", level = "advisory" }]
cooling = "30m"
remind_close_every = "1h"
"#;

fn config() -> String {
    let receivers = ["kr-desk", "kr-director", "cn-desk", "cn-director"].map(|id| {
        let language = if id.starts_with("kr") { "ko" } else { "zh" };
        format!(
            "[[receiver]]\nid = \"{id}\"\nurl = \"http://127.0.0.1:9/{id}\"\n\
             language = \"{language}\"\nevents = [\"incident\"]\n"
        )
    });
    format!("{ZONES}{}", receivers.concat())
}

/// Who acts in this minute, and how.
fn act(minute: i64, case: &str, line: &Line) -> Option<(&'static str, Does)> {
    let incident = || case.to_owned();
    let measure = |kind, place: &str, text: &str| Measure {
        from: line.now,
        until: None,
        kind,
        place: place.into(),
        text: text.into(),
    };
    Some(match minute {
        195 => ("KR", Does::Acknowledge { incident: incident() }),
        215 => ("CN", Does::Acknowledge { incident: incident() }),
        225 => {
            let measure = measure(MeasureKind::Power, "충남", "석탄 발전 80 %");
            ("KR", Does::Share { incident: incident(), measure })
        }
        235 => {
            let measure = measure(MeasureKind::Industry, "山东", "限产");
            ("CN", Does::Share { incident: incident(), measure })
        }
        245 => {
            let measure = line.measures().first().copied().expect("one was shared");
            ("KR", Does::End { at: None, incident: incident(), measure })
        }
        585 => ("KR", Does::Close { incident: incident() }),
        675 => ("CN", Does::Close { incident: incident() }),
        _ => return None,
    })
}

/// Plays it to the end, and until everybody has been told everything.
fn play(line: &mut Line) {
    for at in (5..700).step_by(10) {
        let hour = usize::try_from(at / 60).unwrap();
        let of = |means: &[f64]| means.get(hour).or(means.last()).copied().unwrap();
        line.ten_minutes(
            minute(at),
            &[
                ("jinan", of(&SHANDONG)),
                ("qingdao", of(&SHANDONG)),
                ("jongno", of(&SEOUL)),
                ("mapo", of(&SEOUL)),
            ],
        );
        let case = line.incidents().first().map(|i| i.case.clone()).unwrap_or_default();
        if let Some((id, does)) = act(at, &case, line) {
            line.act(party(id), does).unwrap();
        }
        attempts(line, !PARTITION.contains(&at));
    }
    let mut at = 700;
    while !line.rig().reader().outbox(Some(NoticeState::Pending), 0, 1).unwrap().is_empty() {
        at += 60;
        assert!(at < 2 * 24 * 60, "notices are never delivered");
        line.tick(minute(at));
        attempts(line, true);
    }
}

/// Tries the head of each receiver's line if its time has come, as long as that helps.
fn attempts(line: &mut Line, reachable: bool) {
    let now = line.now;
    let schedule = SCHEDULE.map(Duration::from_secs);
    loop {
        let pending = line.rig().reader().outbox(Some(NoticeState::Pending), 0, 10_000).unwrap();
        let mut heads: BTreeMap<String, Notice> = BTreeMap::new();
        for notice in pending {
            heads.entry(notice.receiver.clone()).or_insert(notice);
        }
        let due: Vec<Notice> = heads.into_values().filter(|n| n.next <= now).collect();
        if due.is_empty() {
            return;
        }
        for n in due {
            let took = Duration::from_millis(3);
            let attempts = n.attempts + 1;
            let ended = Ended { uid: &n.uid, attempts, at: now, real: now, speed: 1.0, took };
            let answer = match reachable {
                true => Answer::Status {
                    code: 200,
                    retry_after: None,
                    words: String::new(),
                    digest: Some("ab".to_owned()),
                },
                false => Answer::None("no route to host".to_owned()),
            };
            let outcome = judge(&answer, ended, &schedule).outcome;
            let attempt = Attempt { notice: n.id, at: now, outcome };
            line.rig().turn(vec![Event::Command(Command::Attempt(attempt))]);
        }
        line.perhaps_killed();
    }
}

/// Every notice as `receiver number`, in the order in which they were delivered.
fn delivered(line: &mut Line) -> Vec<Notice> {
    let mut all = line.rig().reader().outbox(None, 0, 10_000).unwrap();
    assert!(all.iter().all(|n| n.state == NoticeState::Delivered), "{all:?}");
    all.sort_by_key(|n| (n.receiver.clone(), n.done, n.id));
    all
}

#[test]
fn a_partition_of_six_hours_and_a_kill_after_every_step_change_nothing_in_the_whole_scenario() {
    let (calm, wild) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut lines =
        [Line::with(calm.path(), &config(), false), Line::with(wild.path(), &config(), true)];
    lines.iter_mut().for_each(play);
    let [calm, wild] = &mut lines;
    let [mine, other] = [calm.transcript(), wild.transcript()];
    assert_eq!(mine, other, "a kill left something in the transcript");
    for line in [&mut *calm, &mut *wild] {
        let all = line.incidents();
        let [incident] = all.as_slice() else { panic!("{all:?}") };
        verify_json(&line.transcript(), incident.state["head"].as_str()).unwrap();
        everybody_was_told_once_in_order_and_in_their_own_language(line, &mine);
    }
    assert_eq!(story_of(&mine), STORY);
    let reminded = |e: &&Value| e["what"]["kind"] == "reminder" && e["what"]["party"] == "CN";
    assert_eq!(mine.iter().filter(reminded).count(), 1, "it closed when it was reminded");
}

fn everybody_was_told_once_in_order_and_in_their_own_language(line: &mut Line, all: &[Value]) {
    let notices = delivered(line);
    let identities: BTreeSet<&str> = notices.iter().map(|n| n.uid.as_str()).collect();
    assert_eq!(identities.len(), notices.len());
    let proofs = all.iter().filter(|e| e["what"]["kind"] == "delivered");
    let proven: BTreeSet<&str> = proofs.map(|p| p["what"]["notice"].as_str().unwrap()).collect();
    assert_eq!(proven, identities);
    let told = all.iter().rfind(|e| e["what"]["kind"] != "delivered");
    let head = told.unwrap()["hash"].as_str().unwrap();
    let begin = [("kr-desk", "핫라인 사건"), ("cn-desk", "热线事件"), ("cn-director", "热线事件")];
    for (receiver, begins) in begin {
        let own: Vec<&Notice> = notices.iter().filter(|n| n.receiver == receiver).collect();
        let number = |n: &&Notice| n.event.data["number"].as_u64().unwrap();
        assert!(own.is_sorted_by_key(number), "{receiver} was told out of order");
        let language = if receiver == "kr-desk" { "ko" } else { "zh" };
        let text = |n: &&Notice| n.event.data["said"][language].as_str().unwrap().to_owned();
        assert!(own.iter().map(text).all(|t| t.starts_with(begins)), "{receiver}");
        // What the last notice says proves what the transcript was until then.
        assert_eq!(own.last().unwrap().event.data["hash"], head);
    }
    assert!(notices.iter().all(|n| n.receiver != "kr-director"), "Korea was in time");
    let held = notices.iter().filter(|n| PARTITION.contains(&((n.created.0 - START.0) / 60_000)));
    let over = minute(PARTITION.end);
    let held: Vec<_> = held.map(|n| n.done.is_some_and(|at| at >= over)).collect();
    assert!(held.len() > 8 && held.iter().all(|later| *later), "{held:?}");
}
