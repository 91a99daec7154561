//! Formats and signatures as the other side reads them: official libraries, real
//! programs, and chat services that are hard to please.

use crate::helpers::alertmanager::{self, Alertmanager};
use crate::helpers::keeper::{Keeper, change};
use crate::helpers::receiver::{Got, Receiver, Reply, SECRET, settings};
use crate::helpers::stage::{NOW, Stage, why};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dustline::config::Secret;
use dustline::config::settings::{self, Allowed, BodyFormat, Outgoing};
use dustline::deliver::sign::public_key;
use dustline::flow::Outcome;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const FORMER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const STRANGER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const ED25519: &str = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";

/// Asks the official library, in Python, whether a notice is signed by a secret.
const VERIFIER: &str = "
import json, sys
from standardwebhooks import Webhook, WebhookVerificationError
try:
    Webhook(sys.argv[1]).verify(sys.stdin.buffer.read(), json.loads(sys.argv[2]))
    print('genuine')
except WebhookVerificationError as e:
    print(e)
";

async fn one_notice(receiver: settings::Receiver, to: &Receiver) -> Got {
    let keeper = Keeper::new();
    let stage = Stage::start(&keeper, vec![receiver], &[0]);
    keeper.event(change("event", "zone/seoul/kr-pm25", NOW), &[("n1", "a")]).await;
    let got = to.got(1).await.remove(0);
    stage.stop().await;
    got
}

async fn signed_by(secrets: &[&str]) -> Got {
    let receiver = Receiver::new([]).await;
    let secrets = secrets.iter().map(|s| Secret::new(*s)).collect();
    one_notice(settings::Receiver { secrets, ..receiver.settings("a") }, &receiver).await
}

fn header(got: &Got, name: &str) -> String {
    got.headers[name].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn while_keys_change_the_official_library_verifies_with_either() {
    let python = crate::helpers::mail::python();
    let known = Command::new(&python).args(["-c", "import standardwebhooks"]).output();
    if !known.is_ok_and(|done| done.status.success()) {
        println!(
            "skipped: while_keys_change_the_official_library_verifies_with_either: \
             {python} has no package standardwebhooks; set DUSTLINE_TEST_PYTHON to one that has"
        );
        return;
    }
    let got = signed_by(&[SECRET, FORMER, ED25519]).await;
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: serde_json::Map<_, _> =
        headers.iter().map(|name| ((*name).to_owned(), header(&got, name).into())).collect();
    let headers = serde_json::Value::Object(headers);
    let says = |secret: &str, body: &[u8]| {
        let mut asked = Command::new(&python)
            .args(["-c", VERIFIER, secret, &headers.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        asked.stdin.take().unwrap().write_all(body).unwrap();
        let said = asked.wait_with_output().unwrap().stdout;
        String::from_utf8(said).unwrap().trim().to_owned()
    };
    assert_eq!(says(SECRET, &got.bytes), "genuine");
    assert_eq!(says(FORMER, &got.bytes), "genuine");
    assert_eq!(says(STRANGER, &got.bytes), "No matching signature found");
    let forged = [&got.bytes[..], b" "].concat();
    assert_eq!(says(SECRET, &forged), "No matching signature found");
}

#[tokio::test]
async fn an_ed25519_signature_is_genuine_to_openssl() {
    let got = signed_by(&[ED25519]).await;
    let signature = header(&got, "webhook-signature");
    let signature = STANDARD.decode(signature.strip_prefix("v1a,").unwrap()).unwrap();
    let public = public_key(&Secret::new(ED25519)).unwrap();
    let public = STANDARD.decode(public.strip_prefix("whpk_").unwrap()).unwrap();
    // What stands before a key of Ed25519 in its DER form (RFC 8410).
    let der = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &public].concat();
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let start = format!("{}.{}.", got.id, header(&got, "webhook-timestamp"));
    let signed = [start.as_bytes(), &got.bytes].concat();
    let (key, sig) = (file("key", &der), file("sig", &signature));
    let verify = |message: &Path| {
        Command::new("openssl")
            .args(["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin", "-inkey"])
            .args([&key, Path::new("-sigfile"), &sig, Path::new("-in"), message])
            .output()
    };
    let Ok(done) = verify(&file("message", &signed)) else {
        println!("skipped: an_ed25519_signature_is_genuine_to_openssl: openssl is absent");
        return;
    };
    assert!(done.status.success(), "{done:?}");
    let forged = [&signed[..], b" "].concat();
    assert!(!verify(&file("forged", &forged)).unwrap().status.success());
}

#[tokio::test]
async fn alertmanager_has_one_alert_for_the_level_that_is_reached() {
    if alertmanager::absent("alertmanager_has_one_alert_for_the_level_that_is_reached") {
        return;
    }
    let alertmanager = Alertmanager::started().await;
    let keeper = Keeper::new();
    let format = BodyFormat::Alertmanager;
    let receiver = settings("a", &alertmanager.alerts_url());
    let receiver = settings::Receiver { format, secrets: Vec::new(), ..receiver };
    let stage = Stage::start(&keeper, vec![receiver], &[0]);
    let steps = [("none", "advisory"), ("advisory", "warning"), ("warning", "none")];
    for (n, (from, to)) in steps.into_iter().enumerate() {
        let at = NOW.plus(Duration::from_secs(3600 * n as u64));
        let mut event = change(&format!("e{n}"), "zone/seoul/kr-pm25", at);
        event.data["from"] = from.into();
        event.data["to"] = to.into();
        keeper.event(event, &[(&format!("n{n}"), "a")]).await;
        let attempts = keeper.attempts(n + 1).await;
        assert!(matches!(attempts[n].outcome, Outcome::Delivered { .. }), "{attempts:?}");
        let active = alertmanager.active().await;
        let levels: Vec<&str> =
            active.iter().map(|a| a["labels"]["level"].as_str().unwrap()).collect();
        assert_eq!(levels, if to == "none" { vec![] } else { vec![to] }, "{active:?}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_robot_that_answers_200_with_an_error_is_tried_again() {
    let keeper = Keeper::new();
    let refuses = Reply::Json(r#"{"errcode":310000,"errmsg":"sign not match"}"#);
    let receiver = Receiver::new([("n1", refuses)]).await;
    let receiver = receiver.usually(Reply::Json(r#"{"errcode":0,"errmsg":"ok"}"#));
    let robot = settings::Receiver {
        url: Secret::new(format!("http://{}/robot/send?access_token=hidden", receiver.address)),
        secrets: vec![Secret::new("SEC000")],
        format: BodyFormat::Dingtalk,
        ..receiver.settings("a")
    };
    let stage = Stage::start(&keeper, vec![robot], &[0, 1]);
    keeper.event(change("event", "s", NOW), &[("n1", "a")]).await;
    let attempts = keeper.attempts(2).await;
    assert_eq!(why(&attempts[0]), "200, but errcode 310000 sign not match");
    assert!(matches!(attempts[1].outcome, Outcome::Delivered { .. }));
    for got in receiver.so_far() {
        assert_eq!(got.path, "/robot/send");
        assert!(got.query.starts_with("access_token=hidden&timestamp="), "{}", got.query);
        assert!(got.query.contains("&sign=") && !got.headers.contains_key("webhook-signature"));
    }
    stage.stop().await;
}

#[tokio::test]
async fn cap_messages_refer_to_those_before_them_also_after_a_restart() {
    let receiver = Receiver::new([]).await;
    let desk = settings::Receiver { format: BodyFormat::Cap, ..receiver.settings("a") };
    let mut keeper = Keeper::new();
    let steps = [("none", "advisory"), ("advisory", "warning"), ("warning", "none")];
    for (n, (from, to)) in steps.into_iter().enumerate() {
        let stage = Stage::start(&keeper, vec![desk.clone()], &[0]);
        let mut event = change(&format!("e{n}"), "zone/seoul/kr-pm25", NOW);
        event.data["from"] = from.into();
        event.data["to"] = to.into();
        keeper.event(event, &[(&format!("n{n}"), "a")]).await;
        receiver.got(n + 1).await;
        stage.stop().await;
        keeper = keeper.reopened().await;
    }
    let got = receiver.so_far();
    assert!(got.iter().all(|g| g.verified));
    assert!(header(&got[0], "content-type").starts_with("application/cap+xml"));
    let xml: Vec<&str> = got.iter().map(|g| std::str::from_utf8(&g.bytes).unwrap()).collect();
    let one = |n: usize| format!("dustline-seoul-1,e{n},2022-01-08T13:00:03-00:00");
    assert!(xml[0].contains("<msgType>Alert</msgType>") && !xml[0].contains("<references>"));
    assert!(xml[1].contains(&format!("<references>{}</references>", one(0))), "{}", xml[1]);
    assert!(xml[2].contains(&format!("<references>{} {}</references>", one(0), one(1))));
    assert!(xml[2].contains("<msgType>Cancel</msgType>"));
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_never_connected_to() {
    let receiver = Receiver::new([]).await;
    let by_name = format!("http://localhost:{}/hook", receiver.address.port());
    let local = Allowed::Network("127.0.0.0".parse().unwrap(), 8);
    let other = Allowed::Host("alerts.example".to_owned());
    for (url, allow, reached) in [
        (by_name.clone(), vec![other.clone()], false),
        (format!("http://{}/hook", receiver.address), vec![other], false),
        (by_name.clone(), vec![local], true),
        (by_name, vec![Allowed::Host("localhost".to_owned())], true),
        ("http://169.254.169.254/latest".to_owned(), Vec::new(), false),
    ] {
        let keeper = Keeper::new();
        let before = receiver.so_far().len();
        let (patience, allow) = (Duration::from_secs(20), Outgoing { allow });
        let stage =
            Stage::guarded(&keeper, vec![settings("a", &url)], &[0, 3_600_000], patience, allow);
        keeper.event(change("event", "s", NOW), &[("n1", "a")]).await;
        let attempt = keeper.attempts(1).await.remove(0);
        assert_eq!(receiver.so_far().len() - before, usize::from(reached), "{url}");
        if !reached {
            assert!(why(&attempt).contains("outgoing.allow"), "{}", why(&attempt));
        }
        stage.stop().await;
    }
}
