//! Notices as e-mail, through a real mail server.

use crate::helpers::daemon::TestDaemon;
use crate::helpers::keeper::{Keeper, change};
use crate::helpers::mail::{MailServer, absent};
use crate::helpers::receiver::settings;
use crate::helpers::stage::{NOW, Stage, dead, why};
use dustline::config::settings::{Allowed, BodyFormat, Mail, Outgoing, Receiver};
use dustline::flow::{Attempt, Outcome};
use serde_json::json;
use std::process::Command;
use std::time::Duration;

/// A receiver of e-mail at a port of this machine.
fn receiver(port: u16, to: &[&str]) -> Receiver {
    let mail = Mail {
        from: "Dustline <dustline@dust.example>".to_owned(),
        to: to.iter().map(|t| (*t).to_owned()).collect(),
        login: None,
    };
    let url = format!("smtp://127.0.0.1:{port}");
    Receiver {
        format: BodyFormat::Email,
        mail: Some(mail),
        secrets: Vec::new(),
        timeout: Duration::from_secs(5),
        ..settings("kr-mail", &url)
    }
}

/// Commits a change of its own subject for the receiver.
async fn notice(keeper: &Keeper, id: &str) {
    keeper.event(change(&format!("event-{id}"), id, NOW), &[(id, "kr-mail")]).await;
}

fn delivered(attempt: &Attempt) -> bool {
    matches!(attempt.outcome, Outcome::Delivered { status: 250, .. })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_arrives_as_one_message_in_three_languages() {
    if absent("a_notice_arrives_as_one_message_in_three_languages") {
        return;
    }
    let (keeper, server) = (Keeper::new(), MailServer::open());
    let to = receiver(server.port, &["desk@kr.example", "Night <night@kr.example>"]);
    let stage = Stage::start(&keeper, vec![to], &[0]);
    notice(&keeper, "n1").await;
    assert!(delivered(&keeper.attempts(1).await[0]));
    let message = server.message();
    assert_eq!(message["from"], "dustline@dust.example");
    assert_eq!(message["to"], json!(["desk@kr.example", "night@kr.example"]));
    let header = |name: &str| message["headers"][name].as_str().unwrap().to_owned();
    assert!(header("Subject").starts_with("서울: 초미세먼지(PM2.5) 주의보"), "{message}");
    assert_eq!(header("Message-ID"), "<event-n1.kr-mail@seoul-1>");
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    let text = message["text"].as_str().unwrap();
    let place = |word: &str| text.find(word).unwrap_or_else(|| panic!("no {word} in {text}"));
    assert!(place("주의보") < place("http://127.0.0.1:8080/changes/event-n1"));
    assert!(place("http://") < place("注意报") && place("注意报") < place("advisory"));
    stage.stop().await;
    assert!(server.is_done(), "one message");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_put_off_comes_again_and_one_that_is_refused_for_good_does_not() {
    if absent("a_message_that_is_put_off_comes_again_and_one_that_is_refused_for_good_does_not") {
        return;
    }
    let (keeper, server) = (Keeper::new(), MailServer::open());
    let later = receiver(server.port, &["later@kr.example"]);
    let stage = Stage::start(&keeper, vec![later], &[0, 5, 5]);
    notice(&keeper, "n1").await;
    let attempts = keeper.attempts(2).await;
    assert!(why(&attempts[0]).contains("come back later"), "{}", why(&attempts[0]));
    assert!(delivered(&attempts[1]));
    assert_eq!(server.message()["headers"]["Message-ID"], "<event-n1.kr-mail@seoul-1>");
    stage.stop().await;

    let never = receiver(server.port, &["never@kr.example"]);
    let stage = Stage::start(&keeper, vec![never], &[0, 5, 5]);
    notice(&keeper, "n2").await;
    let (said, disabled) = keeper.attempts(3).await.get(2).map(dead).map(owned).unwrap();
    assert!(said.starts_with("550") && said.contains("no such user") && !disabled, "{said}");
    stage.stop().await;
    assert!(server.is_done());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_refused_or_put_off_keeps_the_notice_from_no_other() {
    if absent("an_address_that_is_refused_or_put_off_keeps_the_notice_from_no_other") {
        return;
    }
    let (keeper, server) = (Keeper::new(), MailServer::open());
    let some = ["never@kr.example", "desk@kr.example", "later@kr.example", "night@kr.example"];
    let stage = Stage::start(&keeper, vec![receiver(server.port, &some)], &[0, 5, 5]);
    notice(&keeper, "n1").await;
    let attempts = keeper.attempts(2).await;
    let put_off = why(&attempts[0]);
    assert!(put_off.starts_with("later@kr.example: ") && !put_off.contains("never"), "{put_off}");
    assert!(delivered(&attempts[1]));
    let (first, second) = (server.message(), server.message());
    assert_eq!(first["to"], json!(["desk@kr.example", "night@kr.example"]));
    assert_eq!(second["to"], json!(["later@kr.example"]), "the others have it");
    assert_eq!(first["headers"]["Message-ID"], second["headers"]["Message-ID"]);
    stage.stop().await;

    // Of those for whom it is over before the others, the rest decides.
    let stage = Stage::start(&keeper, vec![receiver(server.port, &some[..2])], &[0, 5, 5]);
    notice(&keeper, "n2").await;
    assert!(delivered(&keeper.attempts(3).await[2]));
    assert_eq!(server.message()["to"], json!(["desk@kr.example"]));
    stage.stop().await;
    assert!(server.is_done());
}

fn owned((said, disabled): (&str, bool)) -> (String, bool) {
    (said.to_owned(), disabled)
}

#[tokio::test]
async fn a_mail_server_that_says_nothing_or_may_not_be_called_is_no_delivery() {
    let keeper = Keeper::new();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let to = Receiver { timeout: Duration::from_millis(50), ..receiver(port, &["a@kr.example"]) };
    let stage = Stage::start(&keeper, vec![to.clone()], &[0]);
    notice(&keeper, "n1").await;
    let attempts = keeper.attempts(1).await;
    assert!(dead(&attempts[0]).0.contains("no answer within 50ms"), "{:?}", attempts[0]);
    stage.stop().await;

    let elsewhere = Outgoing { allow: vec![Allowed::Host("mail.example".to_owned())] };
    let within = Duration::from_secs(5);
    let stage = Stage::guarded(&keeper, vec![to], &[0], within, elsewhere);
    notice(&keeper, "n2").await;
    let attempts = keeper.attempts(2).await;
    assert!(dead(&attempts[1]).0.contains("outgoing.allow"), "{:?}", attempts[1]);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_tls_and_a_login_a_desk_gets_its_link_and_the_operator_sees_no_password() {
    let test = "with_tls_and_a_login_a_desk_gets_its_link_and_the_operator_sees_no_password";
    if absent(test) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    if !made.is_ok_and(|o| o.status.success()) {
        println!("skipped: {test}: openssl is absent; install the package openssl");
        return;
    }
    let server = MailServer::closed(&certificate, &key);
    let mut daemon = TestDaemon::new(&format!(
        r#"operator_token = "op-token"
[[receiver]]
id = "kr-mail"
url = "smtp://localhost:{}"
format = "email"
from = "Dustline <dustline@dust.example>"
to = ["desk@kr.example"]
username = "dustline"
password = "s3cret"
language = "ko"
[[party]]
id = "KR"
escalation = [{{ after = "0s", receivers = ["kr-mail"] }}]
[hotline]
parties = ["KR"]
public_url = "https://hotline.example"
"#,
        server.port
    ));
    daemon.environment("SSL_CERT_FILE", &certificate.display().to_string());
    daemon.start().await;
    let open = json!({ "cause": "drill", "exercise": true, "text": "spring drill" });
    let (status, _) = daemon.post("/api/v1/incidents", Some("op-token"), open.to_string()).await;
    assert_eq!(status, 201);
    let message = server.message();
    assert_eq!((&message["tls"], &message["login"]), (&json!(true), &json!(true)), "{message}");
    assert!(message["headers"]["Subject"].as_str().unwrap().starts_with("[훈련]"), "{message}");
    let text = message["text"].as_str().unwrap();
    assert!(text.contains("확인하기 (1회용, "), "{text}");
    assert!(text.contains("\nhttps://hotline.example/act/"), "{text}");
    let checked = daemon.output(&["check", "--connect"]);
    let said = String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned();
    assert!(said.contains("reachable with TLS") && !said.contains("s3cret"), "{said}");
}
