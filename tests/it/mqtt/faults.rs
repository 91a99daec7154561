//! Refusals, and what is said about them.

use super::rig::{Rig, bodies, source, v311};
use crate::helpers::mosquitto::{Mosquitto, certificates, free_port, one_user, only_subscribe};
use dustline::config::Secret;
use dustline::config::settings::{Source, Tls};
use dustline::flow::SourceState;
use dustline::mqtt::probe;
use std::path::Path;

fn login(source: Source, password: &str) -> Source {
    Source {
        username: Some("dustline".to_owned()),
        password: Some(Secret::new(password)),
        ..source
    }
}

fn filters(all: &[&str]) -> Vec<String> {
    all.iter().map(|f| (*f).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_said_and_never_shown() {
    let broker = Mosquitto::with(|dir| one_user(dir, "dustline", "right-secret"));
    for source in [source(broker.port), v311(broker.port)] {
        let mut rig = Rig::start(login(source.clone(), "wrong-secret"));
        let why = rig.down().await;
        assert!(why.contains("user name") && why.contains("password"), "{why}");
        assert!(!why.contains("secret"), "{why}");
        rig.kill().await;
        let mut rig = Rig::start(login(source, "right-secret"));
        assert_eq!(rig.state().await, SourceState::Up);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_subscriptions_are_named_and_the_others_serve() {
    let broker = Mosquitto::with(|dir| only_subscribe(dir, "dustline", "pass-word-1", "ok/#"));
    for (source, why) in [(source(broker.port), "not authorised"), (v311(broker.port), "refused")] {
        let source = login(source, "pass-word-1");
        let mut rig = Rig::with_filters(source, &["secret/#", "ok/#"], &[]);
        match rig.state().await {
            SourceState::Refused(filters) => {
                assert_eq!(filters.len(), 1);
                assert!(filters[0].starts_with("secret/# (") && filters[0].contains(why));
            }
            other => panic!("not refused: {other:?}"),
        }
        rig.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_says_what_the_broker_said() {
    let broker = Mosquitto::with(|dir| only_subscribe(dir, "dustline", "pass-word-1", "ok/#"));
    let source = login(source(broker.port), "pass-word-1");
    let mut running = Rig::with_filters(source.clone(), &["ok/#"], &[]);
    running.wait_up().await;

    let said = probe(&source, &filters(&["ok/#"])).await.unwrap();
    assert!(said.contains("MQTT 5") && said.contains("1 subscriptions granted at QoS 1"), "{said}");
    let said = probe(&source, &filters(&["ok/#", "secret/#"])).await.unwrap_err();
    assert!(said.contains("secret/# (not authorised)") && !said.contains("ok/#"), "{said}");
    let wrong = login(source.clone(), "other");
    assert!(probe(&wrong, &[]).await.unwrap_err().contains("refused us"));
    let absent = Source { port: free_port(), ..source };
    assert!(probe(&absent, &[]).await.unwrap_err().contains("no broker listens"));

    assert!(running.inbox.commands.try_recv().is_err(), "the running one was left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_an_authority_and_a_client_certificate_of_ones_own() {
    let broker = Mosquitto::with(tls_lines);
    let dir = broker.dir();
    let client = Some((dir.join("client.pem"), dir.join("client.key")));
    let tls = Tls { ca_file: Some(dir.join("ca.pem")), client };
    let mut rig = Rig::up(Source { tls: Some(tls), ..source(broker.port) }).await;
    let certificate = ["--cafile", "ca.pem", "--cert", "client.pem", "--key", "client.key"]
        .map(|a| if a.contains('.') { dir.join(a).display().to_string() } else { a.to_owned() });
    let more: Vec<&str> = certificate.iter().map(String::as_str).collect();
    let large = "x".repeat(100_000);
    broker.publish_with("air/1", 1, &["5", &large], &more);
    let arrivals = rig.arrivals(2).await;
    assert_eq!(bodies(&arrivals), ["5", &large]);
    rig.hand_back(&arrivals).await;
    broker.wait_said("Received PUBACK from dustline-test", 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_failures_say_which_certificate_is_missing() {
    let broker = Mosquitto::with(tls_lines);
    let dir = broker.dir();
    let cases = [
        (Tls { ca_file: Some(dir.join("ca.pem")), client: None }, "wants a client certificate"),
        (Tls { ca_file: Some(dir.join("client.pem")), client: None }, "set ca_file"),
        (Tls { ca_file: Some(dir.join("absent.pem")), client: None }, "absent.pem"),
    ];
    for (tls, expected) in cases {
        let mut rig = Rig::start(Source { tls: Some(tls), ..source(broker.port) });
        let why = rig.down().await;
        assert!(why.contains(expected), "{why}");
        rig.kill().await;
    }
}

fn tls_lines(dir: &Path) -> String {
    certificates(dir);
    let d = dir.display();
    format!(
        "allow_anonymous true\nrequire_certificate true\n\
         cafile {d}/ca.pem\ncertfile {d}/server.pem\nkeyfile {d}/server.key"
    )
}
