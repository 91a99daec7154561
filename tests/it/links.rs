//! One-time links as people have them: a real daemon, a receiver that is told, a
//! browser that opens what it was told, and kills in between.

use crate::helpers::daemon::TestDaemon;
use crate::helpers::http_client;
use crate::helpers::receiver::{Got, Receiver, SECRET};
use dustline::air::Stamp;
use dustline::link::{Deed, Key, Link};
use serde_json::{Value, json};

/// Two parties; Korea's desk is told by chat too, and has a fallback of nobody's.
fn config(receiver: &Receiver) -> String {
    let address = receiver.address;
    let desk = |id: &str, language: &str, more: &str| {
        format!(
            "[[receiver]]\nid = \"{id}\"\nurl = \"http://{address}/{id}\"\nlanguage = \"{language}\"\n\
             events = []\n{more}\n"
        )
    };
    let secret = format!("secret = \"{SECRET}\"");
    let receivers = [
        desk("kr-desk", "ko", &format!("{secret}\nfallback = \"reserve\"\nfallback_after = 1")),
        desk("kr-chat", "en", "format = \"slack\""),
        desk("cn-desk", "zh", &secret),
        desk("reserve", "en", &secret),
    ]
    .concat();
    format!(
        r#"operator_token = "op-token"
{receivers}
[[party]]
id = "KR"
name = {{ ko = "환경부" }}
token = "kr-token"
escalation = [{{ after = "0s", receivers = ["kr-desk", "kr-chat"] }}]
[[party]]
id = "CN"
name = {{ zh = "生态环境部" }}
token = "cn-token"
escalation = [{{ after = "0s", receivers = ["cn-desk"] }}]
[hotline]
parties = ["KR", "CN"]
public_url = "https://hotline.example"
remind_close_every = "1s"
"#
    )
}

struct World {
    receiver: Receiver,
    daemon: TestDaemon,
}

impl World {
    /// A daemon with an exercise under way.
    async fn new() -> World {
        World::with(Receiver::new([]).await).await
    }

    async fn with(receiver: Receiver) -> World {
        let mut daemon = TestDaemon::new(&config(&receiver));
        daemon.start().await;
        let world = World { receiver, daemon };
        let open = json!({ "cause": "drill", "exercise": true, "text": "spring drill" });
        let (status, done) = world.post("op-token", "", &open).await;
        assert_eq!(status, 201, "{done}");
        world
    }

    async fn post(&self, token: &str, path: &str, body: &Value) -> (u16, Value) {
        let path = format!("/api/v1/incidents{path}");
        self.daemon.post(&path, Some(token), body.to_string()).await
    }

    async fn killed(&mut self) {
        self.daemon.kill();
        self.daemon.start().await;
    }

    /// What a receiver was told, as soon as it is as wanted.
    async fn told(&self, receiver: &str, wanted: impl Fn(&Got) -> bool) -> Got {
        let path = format!("/{receiver}");
        for n in 1.. {
            let got = self.receiver.got(n).await;
            if let Some(found) = got.iter().find(|g| g.path == path && wanted(g)) {
                return found.clone();
            }
        }
        unreachable!("numbers do not end")
    }

    /// The path of the link that a receiver was sent to do something.
    async fn link(&self, receiver: &str, act: &str) -> String {
        let got = self.told(receiver, |g| g.body["data"]["link"]["act"] == act).await;
        let url = got.body["data"]["link"]["url"].as_str().unwrap();
        url.strip_prefix("https://hotline.example").unwrap().to_owned()
    }

    async fn open(&self, method: reqwest::Method, path: &str) -> (u16, String) {
        let request = http_client().request(method, format!("{}{path}", self.daemon.url()));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn look(&self, path: &str) -> (u16, String) {
        self.open(reqwest::Method::GET, path).await
    }

    async fn press(&self, path: &str) -> (u16, String) {
        self.open(reqwest::Method::POST, path).await
    }

    async fn incident(&self) -> Value {
        self.daemon.get("/api/v1/incidents").await["incidents"][0].clone()
    }

    /// The transcript, but for the proofs of what is told meanwhile.
    async fn transcript(&self) -> Vec<Value> {
        let id = self.incident().await["id"].as_str().unwrap().to_owned();
        let all = self.daemon.get(&format!("/api/v1/incidents/{id}")).await;
        let all = all["transcript"].as_array().unwrap().iter();
        all.filter(|e| e["what"]["kind"] != "delivered").cloned().collect()
    }

    /// A link that this daemon could have made.
    async fn made(&self, change: impl FnOnce(&mut Link)) -> String {
        let incident = self.incident().await;
        let at = Stamp::parse(incident["opened_at"].as_str().unwrap()).unwrap();
        let mut link = Link {
            deed: Deed::Acknowledge,
            incident: incident["id"].as_str().unwrap().to_owned(),
            party: "KR".to_owned(),
            receiver: "kr-desk".to_owned(),
            at,
            expires: Stamp(at.0 + 86_400_000),
        };
        change(&mut link);
        let key = Key::kept_in(&self.daemon.data()).unwrap();
        format!("/act/{}", key.ticket(&link))
    }
}

#[tokio::test]
async fn a_link_acts_once_for_its_party_and_only_when_its_button_is_pressed() {
    let mut w = World::new().await;
    let link = w.link("kr-desk", "acknowledge").await;
    let before = w.transcript().await;
    for _ in 0..3 {
        let (status, page) = w.look(&link).await;
        assert_eq!(status, 200, "{page}");
        assert!(page.contains("[훈련]") && page.contains("<form method=\"post\">"), "{page}");
        assert_eq!(w.open(reqwest::Method::HEAD, &link).await.0, 200);
    }
    let (_, page) = w.look(&format!("{link}?lang=zh")).await;
    assert!(page.contains("【演习】") && page.contains("lang=\"zh\""), "{page}");
    assert_eq!(w.transcript().await, before, "looking does nothing");
    w.killed().await;

    let form = http_client().post(format!("{}{link}", w.daemon.url())).body("name=Kim+%EA%B9%80");
    let answer = form.header("x-forwarded-for", "203.0.113.7").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let entry = w.transcript().await.into_iter().find(|e| e["what"]["kind"] == "acknowledged");
    let who = json!({ "role": "party", "party": "KR", "name": "Kim 김",
        "from": "link to kr-desk, 203.0.113.7" });
    assert_eq!(entry.unwrap()["who"], who);
    let parties = w.incident().await["parties"].clone();
    assert_eq!((&parties[1]["party"], &parties[1]["acknowledged"]), (&json!("CN"), &Value::Null));
    for _ in 0..2 {
        assert_eq!(w.press(&link).await.0, 410);
        let (status, page) = w.look(&link).await;
        assert!(status == 410 && !page.contains("<form"), "{status} {page}");
        w.killed().await;
    }
    let said = w.daemon.output(&["incident", "verify"]);
    assert!(said.status.success(), "{said:?}");
}

#[tokio::test]
async fn with_links_alone_two_parties_acknowledge_and_close() {
    let w = World::new().await;
    for (act, desks) in [("acknowledge", ["kr-desk", "cn-desk"]), ("close", ["kr-desk", "cn-desk"])]
    {
        for desk in desks {
            if act == "close" && desk == "kr-desk" {
                // Nobody is asked to agree before somebody has.
                let close = w.made(|l| l.deed = Deed::Close).await;
                assert_eq!(w.press(&close).await.0, 200);
                continue;
            }
            let (status, page) = w.press(&w.link(desk, act).await).await;
            assert_eq!(status, 200, "{desk} {act}: {page}");
        }
    }
    let closed = w.incident().await;
    assert!(closed["closed_at"].is_string() && closed["missing"] == json!([]), "{closed}");
    let late = w.link("cn-desk", "close").await;
    assert_eq!(w.look(&late).await.0, 410);
    let chat = w.told("kr-chat", |_| true).await;
    let text = chat.body["text"].as_str().unwrap();
    assert!(text.contains("<https://hotline.example/act/"), "{text}");
    assert!(text.contains("|Acknowledge (once, until ") && text.contains("[EXERCISE]"), "{text}");
}

#[tokio::test]
async fn what_is_expired_forged_outlived_or_of_somebody_else_does_nothing() {
    let w = World::new().await;
    let before = w.transcript().await;
    let good = w.made(|_| ()).await;
    assert_eq!(w.look(&good).await.0, 200);
    let mut forged = good.clone();
    let last = forged.pop().unwrap();
    forged.push(if last == 'A' { 'B' } else { 'A' });
    let somebody_else = w.made(|l| l.party = "CN".to_owned()).await;
    let reserve = w.made(|l| l.receiver = "reserve".to_owned()).await;
    let expired = w.made(|l| l.expires = Stamp(l.at.0 + 1)).await;
    let outlived = w.made(|l| l.at = Stamp(l.at.0 - 1)).await;
    let too_early = w.made(|l| l.incident = "01FRVFR800E1TGVBETPXF4TPS9".to_owned()).await;
    for (what, path, status) in [
        ("forged", &forged, 404),
        ("of the other party", &somebody_else, 404),
        ("of a receiver on no ladder", &reserve, 404),
        ("expired", &expired, 410),
        ("outlived", &outlived, 410),
    ] {
        let (looked, pressed) = (w.look(path).await, w.press(path).await);
        assert_eq!((looked.0, pressed.0), (status, status), "{what}: {} {}", looked.1, pressed.1);
        assert!(!looked.1.contains("<form"), "{what}: {}", looked.1);
    }
    assert_eq!(w.press(&too_early).await.0, 409, "of no incident");
    assert_eq!(w.press("/act/x").await.0, 404);
    assert_eq!(w.transcript().await, before);
    let acknowledged = w.post("kr-token", &format!("/{}/ack", id(&w).await), &json!({})).await;
    assert_eq!(acknowledged.0, 200);
    let (status, page) = w.look(&good).await;
    assert!(status == 200 && !page.contains("<form"), "nothing is left to do: {page}");
    assert_eq!(w.press(&good).await.0, 409);
}

async fn id(w: &World) -> String {
    w.incident().await["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_link_is_seen_by_its_receiver_and_nowhere_else() {
    use crate::helpers::receiver::Reply;
    let w = World::with(Receiver::new([]).await.usually(Reply::Status(500))).await;
    let link = w.link("kr-desk", "acknowledge").await;
    let ticket = link.strip_prefix("/act/").unwrap();
    let reserve = w.told("reserve", |_| true).await;
    assert_eq!(reserve.body["data"]["link"], Value::Null, "it acts for nobody");
    assert_eq!(reserve.body["data"]["owes"], "acknowledgement");
    let mut seen = vec![w.daemon.said(), w.daemon.metrics().await];
    for path in ["/api/v1/outbox", "/api/v1/outbox?state=pending", "/api/v1/incidents"] {
        seen.push(w.daemon.text(path).await);
    }
    for file in std::fs::read_dir(w.daemon.data()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        seen.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    assert!(seen.iter().all(|s| !s.contains(ticket) && !s.contains("/act/")), "{seen:?}");
}

#[tokio::test]
async fn the_address_in_a_notice_is_a_page_with_the_whole_incident() {
    let w = World::new().await;
    let told = w.told("kr-desk", |_| true).await;
    let url = told.body["data"]["url"].as_str().unwrap();
    let path = url.strip_prefix("https://hotline.example").unwrap();
    for (lang, mark) in [("ko", "[훈련]"), ("zh", "【演习】"), ("en", "[EXERCISE]")] {
        let answer = http_client().get(format!("{}{path}?lang={lang}", w.daemon.url()));
        let answer = answer.send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("style-src 'sha256-") && answer.status() == 200, "{policy}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(mark) && page.contains("spring drill"), "{page}");
    }
    assert_eq!(w.look("/incidents/2020-0001").await.0, 404);
}

#[tokio::test]
async fn an_address_that_knocks_too_often_is_kept_out_and_no_other_is() {
    let w = World::new().await;
    let link = w.made(|_| ()).await;
    let knock = async |from: &str, path: &str| {
        let request = http_client().get(format!("{}{path}", w.daemon.url()));
        request.header("x-forwarded-for", from).send().await.unwrap()
    };
    for n in 0.. {
        let answer = knock("203.0.113.9", "/act/guess").await;
        if answer.status() == 429 {
            assert!(n >= 10 && answer.headers().contains_key("retry-after"), "after {n}");
            break;
        }
        assert_eq!(answer.status(), 404);
        assert!(n < 10_000, "never kept out");
    }
    assert_eq!(knock("198.51.100.1", &link).await.status(), 200);
}
