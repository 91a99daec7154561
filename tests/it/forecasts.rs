//! Forecasts on every way into the real program: the API, a broker, a file, and
//! its own; over restarts and against strangers.

use crate::helpers::daemon::TestDaemon;
use crate::helpers::mosquitto::Mosquitto;
use crate::helpers::receiver::{Receiver, SECRET};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const TOKEN: &str = "the-operator";
const ALL: &str = "/api/v1/forecasts?all=true";
const COUNTING: &str = "/api/v1/forecasts";

/// A city with forecasts from a broker, and `more`.
fn config(port: u16, more: &str) -> String {
    format!(
        r#"operator_token = "{TOKEN}"
        [[source]]
        name = "city"
        url = "mqtt://127.0.0.1:{port}"
        client_id = "dustline-test"
        subscribe = [
          {{ topic = "forecasts/+", format = "forecast" }},
          {{ topic = "air/{{device}}", format = "json", values = {{ pm2_5 = "/pm2_5" }} }},
        ]
        [[zone]]
        id = "seoul"
        country = "KR"
        time_zone = "Asia/Seoul"
        rulesets = ["kr-air-alert"]
        {more}"#
    )
}

/// What `nier` says of a day of January 2022.
fn forecast(day: u32, value: f64) -> Value {
    json!({"issuer": "nier", "issued_at": "2022-01-08T17:00:00+09:00", "zone": "seoul",
           "quantity": "pm2_5", "day": format!("2022-01-{day:02}"), "value": value})
}

fn values(list: &Value) -> Vec<f64> {
    let rows = list["forecasts"].as_array().unwrap();
    rows.iter().map(|row| row["value"].as_f64().unwrap()).collect()
}

async fn post(daemon: &TestDaemon, body: &Value) -> (u16, Value) {
    daemon.post("/api/v1/forecasts", Some(TOKEN), body.to_string()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_posted_is_kept_and_what_was_answered_outlives_kill_9() {
    let broker = Mosquitto::start();
    let mut daemon = TestDaemon::up(&config(broker.port, "")).await;
    let (status, answer) = post(&daemon, &json!([forecast(9, 62.0), forecast(10, 40.0), {}])).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!((&answer["taken"], &answer["new"]), (&json!(2), &json!(2)), "{answer}");
    assert_eq!(answer["refused"][0]["place"], "/2/issuer", "{answer}");
    daemon.kill();
    daemon.start().await;
    assert_eq!(values(&daemon.get(COUNTING).await), [62.0, 40.0]);
    let first = &daemon.get(COUNTING).await["forecasts"][0];
    assert_eq!(first["day"], "2022-01-09", "{first}");
    assert_eq!(first["from"], "2022-01-08T15:00:00Z", "{first}");

    // Again: nothing. Another value: a revision. A later issue: counts from now on.
    let (_, again) = post(&daemon, &forecast(9, 62.0)).await;
    assert_eq!((&again["duplicate"], &again["new"]), (&json!(1), &json!(0)), "{again}");
    let (_, revised) = post(&daemon, &forecast(9, 71.5)).await;
    assert_eq!(revised["revised"], 1, "{revised}");
    let mut later = forecast(10, 99.0);
    later["issued_at"] = json!("2022-01-09T05:00:00+09:00");
    let mut late = forecast(10, 11.0);
    late["issued_at"] = json!("2022-01-08T05:00:00+09:00");
    post(&daemon, &json!([later, late])).await;
    daemon.kill();
    daemon.start().await;
    assert_eq!(values(&daemon.get(COUNTING).await), [71.5, 99.0]);
    assert_eq!(values(&daemon.get(ALL).await), [62.0, 40.0, 71.5, 99.0, 11.0]);
    let of = |query: &str| format!("{COUNTING}?{query}");
    assert_eq!(values(&daemon.get(&of("issuer=cnemc")).await).len(), 0);
    assert_eq!(values(&daemon.get(&of("zone=seoul&from=2022-01-09T15:00:00Z")).await), [99.0]);
    assert_eq!(values(&daemon.get(&of("to=2022-01-09T15:00:00Z")).await), [71.5]);
    assert_eq!(daemon.list("forecasts", "all=true").await.len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_operator_may_post_and_every_refusal_says_why() {
    let broker = Mosquitto::start();
    let mut daemon = TestDaemon::up(&config(broker.port, "")).await;
    let body = forecast(9, 62.0).to_string();
    for token in [None, Some("somebody-else"), Some("")] {
        let (status, problem) = daemon.post(COUNTING, token, body.clone()).await;
        assert_eq!(status, 401, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("http.operator_token"), "{problem}");
    }
    let (status, problem) = post(&daemon, &json!([{"zone": "busan"}, 5])).await;
    assert_eq!(status, 422, "{problem}");
    let places = |p: &Value| -> Vec<String> {
        let refused = p["refused"].as_array().unwrap();
        refused.iter().map(|r| r["place"].as_str().unwrap().to_owned()).collect()
    };
    assert!(places(&problem).contains(&"/0/zone".to_owned()), "{problem}");
    let (status, problem) = daemon.post(COUNTING, Some(TOKEN), "{not json".into()).await;
    assert_eq!((status, &problem["status"]), (400, &json!(400)), "{problem}");
    let large = " ".repeat((1 << 20) + 1);
    assert_eq!(daemon.post(COUNTING, Some(TOKEN), large).await.0, 413);
    assert_eq!(values(&daemon.get(ALL).await).len(), 0);

    // Without any token configured nobody may.
    let open = config(broker.port, "").replace("operator_token", "# operator_token");
    daemon.term().await;
    daemon.configure(&open);
    daemon.start().await;
    let (status, problem) = daemon.post(COUNTING, Some(TOKEN), body).await;
    assert_eq!(status, 403, "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brokers_forecasts_are_in_one_bucket_each_and_the_ledger_balances() {
    let broker = Mosquitto::start();
    let mut daemon = TestDaemon::up(&config(broker.port, "")).await;
    let good = json!([forecast(9, 62.0), forecast(10, 40.0)]).to_string();
    let partly = json!([forecast(11, 30.0), {"zone": "seoul"}]).to_string();
    let messages = [good.as_str(), &good, &partly, "{\"zone\":\"busan\"}", "nonsense", "[]"];
    for message in messages {
        broker.publish("forecasts/nier", 1, &[message]);
    }
    let ledger = daemon.received(6).await;
    let buckets = ["stored", "duplicate", "quarantined", "ignored"].map(|b| ledger[b].clone());
    assert_eq!(buckets, [2, 1, 2, 1].map(Value::from), "{ledger}");
    assert_eq!(values(&daemon.get(COUNTING).await), [62.0, 40.0, 30.0]);
    let quarantine = daemon.get("/api/v1/quarantine").await.to_string();
    assert!(quarantine.contains("bad_forecast") && quarantine.contains("not_forecasts"));

    // What comes while nobody is there waits at the broker.
    daemon.kill();
    broker.publish("forecasts/nier", 1, &[&forecast(12, 77.0).to_string()]);
    daemon.start().await;
    daemon.received(7).await;
    assert_eq!(values(&daemon.get(COUNTING).await).last(), Some(&77.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_taken_whenever_its_content_changes() {
    let broker = Mosquitto::start();
    let mut daemon = TestDaemon::new(&config(
        broker.port,
        "[[forecast_file]]\npath = \"nier.csv\"\nevery = \"100ms\"",
    ));
    let path = daemon.dir().join("nier.csv");
    let put = |text: String| {
        let beside = path.with_extension("new");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(&beside, &path).unwrap();
    };
    let row = |day: u32, value: &str| {
        format!("nier,2022-01-08T17:00:00+09:00,seoul,pm2_5,2022-01-{day:02},{value}\n")
    };
    let head = "issuer,issued_at,zone,quantity,day,value\n";
    daemon.start().await;
    let part = format!("forecast_file/{}", path.display());
    daemon.part(&part, "down").await;
    put(format!("{head}{}", row(9, "62")));
    let is = |wanted: &'static [f64]| move |v: &Value| values(v) == wanted;
    daemon.until("the file is taken", ALL, is(&[62.0])).await;
    daemon.part(&part, "ok").await;
    put(format!("{head}{}{}{}", row(9, "62"), row(10, "x"), row(11, "50")));
    daemon.until("only what is new is taken", ALL, is(&[62.0, 50.0])).await;
    let shown = daemon.part(&part, "degraded").await.to_string();
    assert!(shown.contains("line 3, value"), "{shown}");
    put("{".to_owned());
    daemon.part(&part, "down").await;
    daemon.term().await;
    put(format!("{head}{}", row(9, "63")));
    daemon.start().await;
    daemon.until("a correction is a revision", ALL, is(&[62.0, 50.0, 63.0])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_forecast_is_issued_from_the_judged_hours_and_labelled_ours() {
    let broker = Mosquitto::start();
    let more = "[forecast]\nown_every = \"1h\"\n[judgement]\nreading_covers = \"1h\"\n\
                lateness = \"0s\"\n[quality]\nmax_past = \"7d\"\nstuck = false";
    let config = config(broker.port, more);
    let config = config.replace("format = \"json\",", "format = \"json\", time = \"/time\",");
    let daemon = TestDaemon::up(&config).await;
    let now = jiff::Timestamp::now().as_millisecond();
    let readings: Vec<String> = (0..40)
        .rev()
        .map(|h| json!({"time": now - h * 3_600_000, "pm2_5": 40}).to_string())
        .collect();
    let readings: Vec<&str> = readings.iter().map(String::as_str).collect();
    broker.publish("air/a", 1, &readings);
    let ours = |v: &Value| values(v) == [40.0; 3];
    let list = daemon.until("it is issued", "/api/v1/forecasts?issuer=dustline", ours).await;
    assert!(list["forecasts"][0]["day"].is_string(), "{list}");
}

/// What `cnemc` says, issued so many minutes ago, of the day so many days ahead.
fn aqi(minutes_ago: i64, days_ahead: i32, value: f64) -> Value {
    let now = jiff::Timestamp::now();
    let issued = now - jiff::SignedDuration::from_mins(minutes_ago);
    let today = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap().to_datetime(now).date();
    let day = today.checked_add(jiff::Span::new().days(days_ahead)).unwrap();
    json!({"issuer": "cnemc", "issued_at": issued.to_string(), "zone": "beijing",
           "quantity": "aqi", "day": day.to_string(), "value": value})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forecast_raises_a_warning_that_is_told_once_whatever_is_killed_and_another_lifts_it() {
    let broker = Mosquitto::start();
    let desk = Receiver::new([]).await;
    let more = format!(
        r#"[[zone]]
        id = "beijing"
        name = {{ zh = "北京" }}
        country = "CN"
        time_zone = "Asia/Shanghai"
        rulesets = ["cn-heavy-pollution"]
        [[receiver]]
        id = "desk"
        url = "http://{}/desk"
        secret = "{SECRET}"
        language = "zh"
        events = ["change"]"#,
        desk.address
    );
    let mut daemon = TestDaemon::up(&config(broker.port, &more)).await;
    let (status, answer) = post(&daemon, &json!([aqi(60, 1, 210.0), aqi(60, 2, 90.0)])).await;
    assert_eq!((status, &answer["new"]), (200, &json!(2)), "{answer}");
    daemon.kill();
    daemon.start().await;
    let changes = daemon.list("changes", "").await;
    assert_eq!(changes.len(), 1, "{changes:?}");
    let change = &changes[0];
    assert_eq!((&change["ladder"], &change["to"]), (&json!("cn-warning"), &json!("yellow")));
    assert_eq!((&change["index"], &change["late"]), (&json!("aqi_cn"), &json!(false)), "{change}");
    let got = desk.got(1).await;
    let text = got[0].body["data"]["text"].as_str().unwrap();
    assert!(got[0].verified && text.contains("黄色预警") && text.contains("预报值 210"), "{text}");

    // The same again, an earlier issue that comes late, and a kill: nothing more is told.
    let (_, again) =
        post(&daemon, &json!([aqi(600, 1, 90.0), aqi(600, 2, 90.0), aqi(600, 3, 90.0)])).await;
    assert_eq!(again["new"], 3, "{again}");
    daemon.kill();
    daemon.start().await;
    assert_eq!(daemon.list("changes", "").await.len(), 1);
    let levels = daemon.get("/api/v1/levels").await.to_string();
    assert!(levels.contains(r#""level":"yellow""#), "{levels}");

    // The next bulletin, by the broker this time: clean days, so the warning is lifted.
    let clean: Vec<Value> = (0..4).map(|day| aqi(1, day, 80.0)).collect();
    broker.publish("forecasts/cnemc", 1, &[&json!(clean).to_string()]);
    let lifted = |v: &Value| v["changes"].as_array().is_some_and(|all| all.len() == 2);
    let changes = daemon.until("the warning is lifted", "/api/v1/changes", lifted).await;
    let last = &changes["changes"][1];
    assert_eq!((&last["from"], &last["to"]), (&json!("yellow"), &json!("none")), "{last}");
    let raised = &got[0].id;
    daemon
        .until("both are delivered", "/api/v1/outbox?state=delivered", |v| {
            v["outbox"].as_array().is_some_and(|all| all.len() == 2)
        })
        .await;
    assert!(desk.so_far().iter().any(|got| got.id != *raised));
    daemon.kill();
    daemon.start().await;
    assert_eq!(daemon.list("changes", "").await.len(), 2);
    // Told at least once each, always under the same id.
    let ids: BTreeSet<String> = desk.so_far().into_iter().map(|got| got.id).collect();
    assert_eq!(ids.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulletin_of_several_days_is_judged_as_a_whole() {
    let broker = Mosquitto::start();
    let more = r#"[[zone]]
        id = "beijing"
        country = "CN"
        time_zone = "Asia/Shanghai"
        rulesets = ["cn-heavy-pollution"]"#;
    let mut daemon = TestDaemon::up(&config(broker.port, more)).await;
    let days = [(1, 230.0), (2, 240.0), (3, 110.0)];
    let mut bulletin: Vec<Value> = days.iter().map(|(day, value)| aqi(60, *day, *value)).collect();
    let issued_at = bulletin[0]["issued_at"].clone();
    bulletin.iter_mut().for_each(|forecast| forecast["issued_at"] = issued_at.clone());
    let (status, answer) = post(&daemon, &json!(bulletin)).await;
    assert_eq!((status, &answer["new"]), (200, &json!(3)), "{answer}");
    let changes = daemon.list("changes", "").await;
    let moves: Vec<_> = changes.iter().map(|c| [&c["from"], &c["to"], &c["late"]]).collect();
    assert_eq!(moves, [[&json!("none"), &json!("orange"), &json!(false)]], "{changes:?}");

    let levels = daemon.get("/api/v1/levels").await;
    daemon.kill();
    daemon.start().await;
    assert_eq!(daemon.get("/api/v1/levels").await, levels);
    assert_eq!(daemon.list("changes", "").await.len(), 1);
}
