//! The hotline as its users have it: a real daemon behind a real broker, people
//! who act over HTTP and from a terminal, receivers that are told, and kills.

mod cap;
mod notices;
mod schema;

use crate::helpers::daemon::TestDaemon;
use crate::helpers::mosquitto::Mosquitto;
use crate::helpers::receiver::{Got, Receiver, Reply, SECRET};
use crate::intake::scenario::{STORY, story_of};
use dustline::air::Stamp;
use dustline::air::time::HOUR_MS;
use dustline::clock::Clock;
use dustline::hotline::verify_json;
use notices::{each_notice_is_proven_once, once_and_in_order};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const RECEIVERS: [(&str, &str); 5] = [
    ("kr-desk", "ko"),
    ("kr-director", "ko"),
    ("kr-minister", "ko"),
    ("cn-desk", "zh"),
    ("cn-director", "zh"),
];

/// Two parties; China's director is called after a second, Korea's after long.
fn config(broker: u16, receiver: &Receiver) -> String {
    let receivers: String = RECEIVERS
        .iter()
        .map(|(id, language)| {
            format!(
                "[[receiver]]\nid = \"{id}\"\nurl = \"http://{}/{id}\"\nsecret = \"{SECRET}\"\n\
                 language = \"{language}\"\nevents = [\"incident\"]\nreal_only = {}\n",
                receiver.address,
                *id == "kr-minister"
            )
        })
        .collect();
    format!(
        r#"operator_token = "op-token"
[[source]]
name = "city"
url = "mqtt://127.0.0.1:{broker}"
client_id = "dustline-test"
silent_after = "0s"
subscribe = [{{ topic = "air/{{device}}", format = "json", time = "/time", values = {{ pm2_5 = "/pm2_5" }} }}]
[delivery]
schedule = [{}]
[quality]
stuck = false
spike = false
[judgement]
# Hours of the past are played: our clock closes none of them.
grace = "72h"
reading_covers = "1h"
[[zone]]
id = "shandong"
name = {{ zh = "山东" }}
country = "CN"
stations = ["jinan"]
rulesets = ["kr-air-alert"]
[[zone]]
id = "seoul"
name = {{ ko = "서울" }}
country = "KR"
stations = ["jongno"]
rulesets = ["kr-air-alert"]
[[station]]
id = "jinan"
devices = ["jinan"]
[[station]]
id = "jongno"
devices = ["jongno"]
{receivers}
[[party]]
id = "KR"
name = {{ ko = "환경부" }}
language = "ko"
token = "kr-token"
escalation = [
  {{ after = "0s", receivers = ["kr-desk", "kr-minister"] }},
  {{ after = "10m", receivers = ["kr-director"] }},
]
[[party]]
id = "CN"
name = {{ zh = "生态环境部" }}
language = "zh"
token = "cn-token"
escalation = [
  {{ after = "0s", receivers = ["cn-desk"] }},
  {{ after = "1s", receivers = ["cn-director"] }},
]
[hotline]
parties = ["KR", "CN"]
open_on = [{{ ladder = "kr-pm25", level = "advisory" }}]
cooling = "1s"
remind_close_every = "1s"
"#,
        [&["\"0s\""][..], &["\"500ms\""; 200]].concat().join(", "),
    )
}

struct World {
    broker: Mosquitto,
    receiver: Receiver,
    daemon: TestDaemon,
    /// The next hour of the air, of the past by our clock.
    hour: Stamp,
    /// The transcript as it was seen last.
    seen: Vec<Value>,
}

impl World {
    async fn new() -> World {
        let broker = Mosquitto::start();
        let receiver = Receiver::new([]).await;
        let daemon = TestDaemon::up(&config(broker.port, &receiver)).await;
        let hour = Clock::system().now().hour().back(12).start();
        World { broker, receiver, daemon, hour, seen: Vec::new() }
    }

    /// The next hour over Shandong and Seoul, µg/m³; it is judged with the one after.
    fn air(&mut self, shandong: f64, seoul: f64) {
        let at = Stamp(self.hour.0 + 5 * 60_000);
        for (device, value) in [("jinan", shandong), ("jongno", seoul)] {
            let reading = format!(r#"{{"time":"{at}","pm2_5":{value}}}"#);
            self.broker.publish(&format!("air/{device}"), 1, &[&reading]);
        }
        self.hour = Stamp(self.hour.0 + HOUR_MS);
    }

    /// Waits until the incident is at a level.
    async fn level(&self, name: &str) {
        self.incident(name, |i| i["level"]["name"] == name).await;
    }

    /// The incident as soon as it is as wanted.
    async fn incident(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let list = self
            .daemon
            .until(what, "/api/v1/incidents", |v| v["incidents"].get(0).is_some_and(&wanted))
            .await;
        list["incidents"][0].clone()
    }

    async fn act(&self, token: &str, path: &str, body: Value) -> (u16, Value) {
        self.daemon.post(&format!("/api/v1/incidents{path}"), Some(token), body.to_string()).await
    }

    /// Waits until a receiver was told something of this kind.
    async fn told(&self, receiver: &str, kind: &str) -> Got {
        let path = format!("/{receiver}");
        for n in 1.. {
            let got = self.receiver.got(n).await;
            let own = |g: &&Got| g.path == path && g.body["data"]["kind"] == kind;
            if let Some(found) = got.iter().find(own) {
                return found.clone();
            }
        }
        unreachable!("numbers do not end")
    }

    /// Kills the daemon; afterwards the transcript begins as it was.
    async fn killed(&mut self) {
        self.seen = self.transcript().await;
        self.daemon.kill();
        self.daemon.start().await;
        self.daemon.part("source/city", "ok").await;
        let now = self.transcript().await;
        assert_eq!(now.get(..self.seen.len()), Some(self.seen.as_slice()));
    }

    async fn transcript(&self) -> Vec<Value> {
        let id = self.daemon.get("/api/v1/incidents").await["incidents"][0]["id"].clone();
        let path = format!("/api/v1/incidents/{}", id.as_str().unwrap());
        self.daemon.get(&path).await["transcript"].as_array().unwrap().clone()
    }

    /// What `dustline incident …` says, and whether it went well.
    fn terminal(&self, arguments: &[&str]) -> (bool, String) {
        let mut all = vec!["incident"];
        all.extend(arguments);
        let output = self.daemon.output(&all);
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_episode_between_two_parties_survives_kills_in_every_state_and_its_transcript_verifies()
{
    let mut w = World::new().await;
    for (shandong, seoul) in [(100.0, 20.0), (100.0, 20.0), (160.0, 20.0)] {
        w.air(shandong, seoul);
    }
    let case = w.incident("an incident", |_| true).await["case"].as_str().unwrap().to_owned();
    w.level("advisory").await;
    w.killed().await;

    let (status, done) = w.act("kr-token", &format!("/{case}/ack"), json!({ "name": "김" })).await;
    assert_eq!((status, &done["entry"]["who"]["party"]), (200, &json!("KR")), "{done}");
    assert_eq!(done["entry"]["who"]["from"], "api 127.0.0.1");
    w.killed().await;
    w.told("cn-director", "escalated").await;
    w.killed().await;

    nobody_else_acts(&w, &case).await;
    let url = w.daemon.url().to_owned();
    let by_china = ["--url", url.as_str(), "--party", "CN", "--name", "王"];
    let (good, said) = w.terminal(&[&["ack", &case][..], &by_china].concat());
    assert!(good && said.contains("acknowledged"), "{said}");
    w.killed().await;

    measures_on_both_sides(&mut w, &case).await;
    the_level_rises_and_falls_while_nobody_can_be_told(&mut w).await;
    let (status, agreed) = w.act("kr-token", &format!("/{case}/close"), json!({})).await;
    assert_eq!((status, &agreed["incident"]["missing"]), (200, &json!(["CN"])));
    w.told("cn-director", "reminder").await;
    w.killed().await;
    let (status, closed) = w.act("cn-token", &format!("/{case}/close"), json!({})).await;
    assert_eq!((status, &closed["incident"]["missing"]), (200, &json!([])));
    w.killed().await;
    let none = |v: &Value| v["outbox"].as_array().is_some_and(Vec::is_empty);
    w.daemon.until("everything told", "/api/v1/outbox?state=pending", none).await;
    let heads = [w.told("kr-desk", "closed").await, w.told("cn-director", "closed").await];
    both_have_the_same_transcript_and_it_verifies(&w, &heads).await;
    what_is_left(&w, &case).await;
}

/// Both share, and only Korea can end what is Korea's.
async fn measures_on_both_sides(w: &mut World, case: &str) {
    let measure = json!({ "kind": "power", "place": "충남", "text": "석탄 발전 80 %" });
    let (status, shared) = w.act("kr-token", &format!("/{case}/measures"), measure).await;
    assert_eq!(status, 200, "{shared}");
    let url = w.daemon.url().to_owned();
    let by_china = ["--url", url.as_str(), "--party", "CN"];
    let share = ["measure", case, "--kind", "industry", "--place", "山东", "--text", "限产"];
    let (good, said) = w.terminal(&[&share[..], &by_china].concat());
    assert!(good, "{said}");
    let number = shared["entry"]["number"].as_u64().unwrap();
    let ends = format!("/{case}/measures/{number}/end");
    assert_eq!(w.act("cn-token", &ends, json!({})).await.0, 403, "it is Korea's");
    let (status, ended) = w.act("kr-token", &ends, json!({})).await;
    let in_force = |m: &Value| m["in_force"].as_bool().unwrap();
    let measures: Vec<bool> =
        ended["incident"]["measures"].as_array().unwrap().iter().map(in_force).collect();
    assert_eq!((status, measures), (200, vec![false, true]));
    assert_eq!(w.act("kr-token", &format!("/{case}/close"), json!({})).await.0, 409);
    w.killed().await;
}

/// The haze grows, reaches Seoul and goes; every receiver is away meanwhile.
async fn the_level_rises_and_falls_while_nobody_can_be_told(w: &mut World) {
    w.receiver.answers(Reply::Status(503));
    w.air(160.0, 100.0);
    w.air(30.0, 100.0);
    w.level("warning").await;
    w.killed().await;
    w.air(20.0, 20.0);
    w.level("advisory").await;
    w.killed().await;
    w.air(20.0, 20.0);
    w.incident("lifted", |i| i["may_close"] == true).await;
    w.killed().await;
    w.receiver.answers(Reply::Status(200));
}

/// What each reads with its own token is the same to the last byte, is whole, and
/// has the hash that each was told.
async fn both_have_the_same_transcript_and_it_verifies(w: &World, told: &[Got; 2]) {
    let transcript = w.transcript().await;
    let mut texts = Vec::new();
    for (token, told) in ["kr-token", "cn-token"].iter().zip(told) {
        let id = told.body["data"]["incident"].as_str().unwrap();
        let text = w.daemon.text_for(&format!("/api/v1/incidents/{id}"), token).await;
        let read: Value = serde_json::from_str(&text).unwrap();
        let entries = read["transcript"].as_array().unwrap();
        let end = entries.iter().position(|e| e["hash"] == told.body["data"]["hash"]).unwrap();
        assert_eq!(entries[end]["what"]["kind"], "closed");
        verify_json(entries, None).unwrap();
        texts.push(text);
    }
    assert_eq!(texts[0], texts[1]);
    assert_eq!(story_of(&transcript), STORY);
}

/// Wrong tokens, the other's token, and the operator's are refused.
async fn nobody_else_acts(w: &World, case: &str) {
    let ack = format!("/{case}/ack");
    let path = format!("/api/v1/incidents{ack}");
    assert_eq!(w.daemon.post(&path, None, "{}".to_owned()).await.0, 401);
    let (status, problem) = w.act("kr-tokem", &ack, json!({})).await;
    assert_eq!((status, &problem["status"]), (401, &json!(401)), "{problem}");
    assert_eq!(w.act("kr-token", &ack, json!({ "party": "CN" })).await.0, 403);
    assert_eq!(w.act("op-token", &ack, json!({})).await.0, 403);
    assert_eq!(w.act("kr-token", &ack, json!({})).await.0, 409, "it has acknowledged");
    assert_eq!(w.act("kr-token", "/2020-0001/ack", json!({})).await.0, 404);
    assert_eq!(w.act("kr-token", &format!("/{case}/notes"), json!({ "txt": "" })).await.0, 400);
}

/// The transcript, the notices, and what a terminal shows of them.
async fn what_is_left(w: &World, case: &str) {
    let transcript = w.transcript().await;
    let (proofs, told): (Vec<&Value>, Vec<&Value>) =
        transcript.iter().partition(|e| e["what"]["kind"] == "delivered");
    let kinds: Vec<&str> = told.iter().map(|e| e["what"]["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], *kinds.last().unwrap()), ("opened", "closed"));
    each_notice_is_proven_once(&proofs, &w.receiver.so_far());
    let escalated = transcript.iter().filter(|e| e["what"]["kind"] == "escalated");
    let parties: BTreeSet<&str> = escalated.map(|e| e["what"]["party"].as_str().unwrap()).collect();
    assert_eq!(parties, BTreeSet::from(["CN"]), "Korea acknowledged in time");
    let got = w.receiver.so_far();
    once_and_in_order(&got);
    assert!(got.iter().all(|g| g.path != "/kr-director"), "never called");
    let text = |g: &Got| g.body["data"]["text"].as_str().unwrap().to_owned();
    let of = |path: &str| got.iter().find(|g| g.path == path).map(text).unwrap();
    assert!(of("/kr-desk").starts_with("핫라인 사건"), "{}", of("/kr-desk"));
    assert!(of("/cn-desk").starts_with("热线事件"), "{}", of("/cn-desk"));
    let metrics = w.daemon.metrics().await;
    assert!(metrics.contains("dustline_incidents_open 0"), "{metrics}");

    let (good, said) = w.terminal(&["verify"]);
    assert!(good && said.contains(&format!("{case}: {} entries", transcript.len())), "{said}");
    let (_, said) = w.terminal(&["list"]);
    assert!(said.contains(case), "{said}");
    let (_, said) = w.terminal(&["show", case, "--format", "json"]);
    let shown: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(shown["transcript"], json!(transcript));
    for (language, word) in [("ko", "환경부"), ("zh", "生态环境部"), ("en", "measure")] {
        let (_, page) = w.terminal(&["show", case, "--format", "html", "--language", language]);
        assert!(page.starts_with("<!doctype html>") && page.contains(word), "{page}");
    }
    altered_is_found(w, case);
}

/// One altered letter in the store is found, with its place.
fn altered_is_found(w: &World, case: &str) {
    let store = rusqlite::Connection::open(w.daemon.data().join("dustline.db")).unwrap();
    let altered = store.execute(
        "UPDATE transcript SET entry = replace(entry, '충남', '강남') WHERE entry LIKE '%충남%'",
        [],
    );
    assert_eq!(altered.unwrap(), 1);
    let (good, said) = w.terminal(&["verify", case]);
    let place = w.seen.iter().position(|e| e["what"]["kind"] == "measure").unwrap() + 1;
    assert!(!good && said.contains(&format!("entry {place}: it was changed")), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exercise_is_marked_everywhere_and_reaches_no_receiver_of_real_ones_only() {
    let mut w = World::new().await;
    let url = w.daemon.url().to_owned();
    let open = ["open", "--exercise", "--cause", "drill", "--text", "spring", "--url", &url];
    let (good, said) = w.terminal(&open);
    assert!(good && said.contains("EX-") && said.contains("opened"), "{said}");
    w.killed().await;
    let (good, said) =
        w.terminal(&["open", "--cause", "x", "--text", "y", "--url", "http://127.0.0.1:9"]);
    assert!(!good && said.contains("is the daemon running"), "{said}");
    let got = w.told("cn-director", "escalated").await;
    assert!(got.body["data"]["text"].as_str().unwrap().starts_with("【演习】"));
    let all = w.receiver.so_far();
    assert!(all.iter().all(|g| g.path != "/kr-minister" && g.body["data"]["exercise"] == true));
    assert!(all.iter().any(|g| g.path == "/kr-desk"));
    let metrics = w.daemon.metrics().await;
    assert!(metrics.contains("dustline_exercises_open 1"), "{metrics}");
    assert!(metrics.contains("dustline_incidents_open 0"), "{metrics}");
    let real = w.daemon.get("/api/v1/incidents?exercise=false").await;
    assert_eq!(real["incidents"], json!([]));
    // A real one beside it does reach the minister.
    let body = json!({ "cause": "dust", "text": "a storm" });
    let (status, done) = w.act("kr-token", "", body.clone()).await;
    assert_eq!(status, 201, "{done}");
    w.told("kr-minister", "opened").await;
    assert_eq!(w.act("cn-token", "", body).await.0, 409, "it is open already");
}
