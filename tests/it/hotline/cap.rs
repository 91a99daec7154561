//! CAP of both directions: the feed of alerts, and a party that acknowledges with
//! a message of its own system.

use super::World;
use std::path::Path;
use std::process::Command;

/// What a party's own system says of a message that it was sent.
fn ack(refers: &str, status: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">\n\
         <identifier>mee-7</identifier>\n<sender>desk@mee.example</sender>\n\
         <sent>2026-01-12T21:00:00+08:00</sent>\n<status>{status}</status>\n\
         <msgType>Ack</msgType>\n<scope>Private</scope>\n<addresses>dustline</addresses>\n\
         <references>dustline-1,{refers},2026-01-12T12:00:00-00:00</references>\n</alert>\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_party_acknowledges_with_a_cap_message_and_the_feed_links_every_alert() {
    const TEST: &str = "a_party_acknowledges_with_a_cap_message_and_the_feed_links_every_alert";
    let mut w = World::new().await;
    for _ in 0..3 {
        w.air(100.0, 20.0);
    }
    w.level("advisory").await;
    let opened = w.told("cn-desk", "opened").await;
    let uid = opened.body["id"].as_str().unwrap();
    let own = ack(uid, "Actual");
    for (token, body, status, words) in [
        (None, &own, 401, "token"),
        (Some("op-token"), &own, 403, "party"),
        (Some("cn-token"), &ack(uid, "Exercise"), 422, "status"),
        (Some("cn-token"), &ack("01XXXX", "Actual"), 404, "references"),
        (Some("cn-token"), &"<alert/>".to_owned(), 400, "CAP 1.2"),
    ] {
        let (got, problem) = w.daemon.post("/api/v1/cap", token, body.clone()).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(got == status && detail.contains(words), "{got} {problem}");
    }
    let (status, done) = w.daemon.post("/api/v1/cap", Some("cn-token"), own.clone()).await;
    assert_eq!(status, 200, "{done}");
    assert_eq!(done["entry"]["what"]["kind"], "acknowledged");
    assert_eq!(done["entry"]["who"]["party"], "CN");
    assert_eq!(done["entry"]["who"]["from"], "cap desk@mee.example 127.0.0.1");
    w.killed().await;
    assert_eq!(w.daemon.post("/api/v1/cap", Some("cn-token"), own.clone()).await.0, 409);

    let feed = w.daemon.text("/feeds/cap.atom").await;
    assert!(feed.contains("<title>山东, kr-pm25: none → advisory</title>"), "{feed}");
    let (_, after) = feed.split_once("type=\"application/cap+xml\" href=\"").unwrap();
    let link = after.split('"').next().unwrap();
    let path = &link[link.find("/feeds/").unwrap()..];
    let alert = w.daemon.text(path).await;
    assert!(alert.contains("<msgType>Alert</msgType>"), "{alert}");
    let none = w.daemon.text(&format!("/feeds/cap/{uid}.xml")).await;
    assert!(none.contains("no message"), "incidents are between the parties: {none}");
    for (name, document) in [("ack", &own), ("alert", &alert)] {
        valid(w.daemon.dir(), TEST, name, document);
    }
}

/// A message with a note that says what is wrong with the one it refers to.
fn error(refers: &str, status: &str) -> String {
    let error = ack(refers, status).replace(">Ack<", ">Error<");
    error.replace("<references>", "<note>areaDesc: 지역을 알 수 없음</note>\n<references>")
}

/// The status and the answer for a system that reads CAP.
async fn answer_in_cap(w: &World, token: Option<&str>, body: String) -> (u16, String) {
    let request = reqwest::Client::new().post(format!("{}/api/v1/cap", w.daemon.url())).body(body);
    let request = request.header("accept", "application/cap+xml, application/json;q=0.1");
    let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/cap+xml; charset=utf-8");
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_a_party_cannot_use_is_recorded_and_ours_is_said_in_cap() {
    const TEST: &str = "a_message_that_a_party_cannot_use_is_recorded_and_ours_is_said_in_cap";
    let mut w = World::new().await;
    for _ in 0..3 {
        w.air(100.0, 20.0);
    }
    w.level("advisory").await;
    let opened = w.told("cn-desk", "opened").await;
    let (uid, number) = (opened.body["id"].as_str().unwrap(), &opened.body["data"]["number"]);
    let own = error(uid, "Actual");
    let (status, done) = w.daemon.post("/api/v1/cap", Some("cn-token"), own.clone()).await;
    assert_eq!(status, 200, "{done}");
    let what = &done["entry"]["what"];
    assert_eq!((&what["kind"], &what["of"]), (&"rejected".into(), number));
    assert_eq!(what["text"], "areaDesc: 지역을 알 수 없음");
    assert_eq!(done["entry"]["who"]["from"], "cap desk@mee.example 127.0.0.1");
    let party = |party: &&serde_json::Value| party["party"] == "CN";
    let parties = done["incident"]["parties"].as_array().unwrap();
    let owes = &parties.iter().find(party).unwrap()["owes"];
    assert_eq!(owes, "acknowledgement", "it acknowledges nothing");
    assert_eq!(w.daemon.post("/api/v1/cap", Some("cn-token"), own.clone()).await.0, 409);
    valid(w.daemon.dir(), TEST, "error", &own);

    let asked = [
        ("unreadable", "not XML".to_owned(), Some("cn-token"), 400),
        ("nobody", ack(uid, "Actual"), None, 401),
        ("exercise", ack(uid, "Exercise"), Some("cn-token"), 422),
        ("unknown", ack("01XXXX", "Actual"), Some("cn-token"), 404),
        ("again", own, Some("cn-token"), 409),
    ];
    for (name, body, token, expected) in asked {
        let (status, answer) = answer_in_cap(&w, token, body).await;
        assert_eq!(status, expected, "{name}: {answer}");
        assert!(
            answer.contains("<msgType>Error</msgType>") && answer.contains("<note>"),
            "{answer}"
        );
        let refers =
            answer.contains("<references>desk@mee.example,mee-7,2026-01-12T21:00:00+08:00<");
        assert_eq!(refers, name != "unreadable", "{answer}");
        valid(w.daemon.dir(), TEST, name, &answer);
    }
    let verified = w.terminal(&["verify"]);
    assert!(verified.0, "{}", verified.1);
}

/// Validates a message against the schema of CAP 1.2.
fn valid(dir: &Path, test: &str, name: &str, document: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = ["../shared/reference/CAP-v1.2.xsd", "../../shared/reference/CAP-v1.2.xsd"];
    let Some(schema) = places.iter().map(|p| root.join(p)).find(|p| p.exists()) else {
        println!("skipped: {test}: ../shared is absent");
        return;
    };
    let file = dir.join(format!("{name}.xml"));
    std::fs::write(&file, document).unwrap();
    let mut run = Command::new("xmllint");
    run.args(["--noout", "--nonet", "--schema"]).args([&schema, &file]);
    let Ok(done) = run.output() else {
        println!("skipped: {test}: xmllint is absent");
        return;
    };
    assert!(done.status.success(), "{}\n{document}", String::from_utf8_lossy(&done.stderr));
}
