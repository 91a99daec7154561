//! Receivers that fail, seen through the whole daemon: another stands in, and an
//! operator deals with what is left, over HTTP and by command.

use crate::helpers::daemon::TestDaemon;
use crate::helpers::receiver::{Receiver, Reply, SECRET};
use crate::helpers::soon;
use serde_json::Value;
use std::process::Command;

/// A daemon whose only source is silent at once, which is told to receivers.
fn config(receivers: &str, schedule: &str) -> String {
    format!(
        "operator_token = \"sesame\"\n{receivers}[delivery]\nschedule = {schedule}\n\
         [[source]]\nname = \"city\"\nurl = \"mqtt://127.0.0.1:1\"\nsilent_after = \"1ms\"\n\
         subscribe = [{{ topic = \"a/{{device}}\", format = \"airrohr\" }}]\n"
    )
}

fn receiver(id: &str, at: &Receiver, more: &str) -> String {
    format!(
        "[[receiver]]\nid = \"{id}\"\nurl = \"http://{}/{id}\"\nsecret = \"{SECRET}\"\n{more}\n",
        at.address
    )
}

async fn until_state(daemon: &TestDaemon, state: &str) -> Value {
    soon(&format!("a notice that is {state}"), async {
        loop {
            let mut found = daemon.list("outbox", &format!("state={state}")).await;
            if !found.is_empty() {
                return found.remove(0);
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
}

#[tokio::test]
async fn another_receiver_stands_in_once_for_one_that_fails() {
    let broken = Receiver::new([]).await.usually(Reply::Status(500));
    let other = Receiver::new([]).await;
    let desk = receiver("desk", &broken, "fallback = \"other\"\nfallback_after = 2");
    let receivers = format!("{desk}{}", receiver("other", &other, "events = []"));
    let schedule = r#"["0s", "10ms", "10ms", "10ms", "1h"]"#;
    let mut daemon = TestDaemon::new(&config(&receivers, schedule));
    daemon.start().await;
    broken.got(4).await;
    let told = other.got(1).await.remove(0);
    assert!(told.verified);
    assert_eq!(told.body["data"]["kind"], "source_silent");
    assert_eq!(told.body["id"], broken.so_far()[0].body["id"]);
    assert_ne!(told.id, broken.so_far()[0].id);
    until_state(&daemon, "delivered").await;
    assert_eq!(daemon.list("outbox", "").await.len(), 2);
    assert_eq!(other.so_far().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_is_told_anyway_stands_in_for_nobody() {
    let broken = Receiver::new([]).await.usually(Reply::Status(500));
    let other = Receiver::new([]).await;
    let desk = receiver("desk", &broken, "fallback = \"other\"\nfallback_after = 1");
    let receivers = format!("{desk}{}", receiver("other", &other, ""));
    let mut daemon = TestDaemon::new(&config(&receivers, r#"["0s", "10ms"]"#));
    daemon.start().await;
    until_state(&daemon, "dead").await;
    until_state(&daemon, "delivered").await;
    assert_eq!(daemon.list("outbox", "").await.len(), 2);
    assert_eq!(other.so_far().len(), 1);
}

#[tokio::test]
async fn an_operator_has_a_dead_notice_tried_again_under_its_own_identity() {
    let desk = Receiver::new([]).await.usually(Reply::Status(500));
    let mut daemon = TestDaemon::new(&config(&receiver("desk", &desk, ""), r#"["0s"]"#));
    daemon.start().await;
    let dead = until_state(&daemon, "dead").await;
    let retry = format!("/api/v1/outbox/{}/retry", dead["id"]);
    assert_eq!(daemon.order(&retry, None).await.0, 401);
    assert_eq!(daemon.order(&retry, Some("other")).await.0, 401);
    assert_eq!(daemon.order("/api/v1/outbox/99/drop", Some("sesame")).await.0, 404);
    desk.answers(Reply::Status(200));
    let (status, now) = daemon.order(&retry, Some("sesame")).await;
    assert_eq!((status, &now["webhook_id"]), (200, &dead["webhook_id"]));
    assert_eq!(now["attempts"], 0);
    let ids: Vec<String> = desk.got(2).await.into_iter().map(|g| g.id).collect();
    assert_eq!(ids[0], ids[1]);
    let delivered = until_state(&daemon, "delivered").await;
    let again = format!("/api/v1/outbox/{}/retry", delivered["id"]);
    let (status, problem) = daemon.order(&again, Some("sesame")).await;
    assert_eq!(status, 409, "{problem}");
}

#[tokio::test]
async fn the_command_asks_the_daemon_that_runs_and_does_it_itself_if_none_does() {
    let desk = Receiver::new([]).await.usually(Reply::Status(410));
    let mut daemon = TestDaemon::new(&config(&receiver("desk", &desk, ""), r#"["0s"]"#));
    daemon.start().await;
    let dead = until_state(&daemon, "dead").await["id"].to_string();
    let says = |words: &[&str], file: &std::path::Path| {
        let out = Command::new(env!("CARGO_BIN_EXE_dustline"))
            .arg("outbox")
            .args(words)
            .args([std::path::Path::new("--config"), file])
            .output()
            .unwrap();
        let text = [out.stdout, out.stderr].concat();
        (out.status.code(), String::from_utf8(text).unwrap())
    };
    let asking = daemon.config_that_names_its_port();
    let (code, said) = says(&["drop", &dead], &asking);
    assert!(code == Some(1) && said.contains("409: notice 1 is dead"), "{said}");
    let (code, said) = says(&["enable", "desk"], &asking);
    assert!(code == Some(0) && said.contains("receiver desk is enabled"), "{said}");
    let (code, said) = says(&["enable", "desk"], &asking);
    assert!(code == Some(1) && said.contains("no receiver \"desk\" is disabled"), "{said}");
    daemon.kill();
    let number = new_number(&says(&["retry", &dead], &asking).1);
    let (code, said) = says(&["retry", &number], &asking);
    assert!(code == Some(1) && said.contains("is pending; only dead ones"), "{said}");
}

/// The number that a notice is tried again as.
fn new_number(said: &str) -> String {
    assert!(said.contains("is tried again, as number "), "{said}");
    said.trim().rsplit(' ').next().unwrap().to_owned()
}
