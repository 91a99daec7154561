//! Secrets and personal data that devices publish, looked for wherever text of
//! theirs is shown: the log, the quarantine by command and API, metrics, the API's
//! lists. Only who asks for the bytes as they came gets them.

use crate::helpers::daemon::TestDaemon;
use crate::helpers::mosquitto::Mosquitto;

/// Part of every secret here, so that none can be shown in another spelling.
const SECRET: &str = "hunter2";

/// Topic, body, and the reason for which the message is set aside. The bodies of
/// formats that explain themselves by what they found begin with the secret.
const MESSAGES: &[(&str, &str, &str)] = &[
    ("device/sck/hunter2/readings/raw", "token=hunter2", "bad_syntax"),
    ("airrohr/password/hunter2", r#"{"ssid":"hunter2","#, "not_json"),
    ("airrohr/a", r#"{"wifi_ssid":"hunter2"}"#, "no_sensordatavalues"),
    ("senml/token/hunter2", r#"{"token":"hunter2"}"#, "not_an_array"),
    ("senml/b", r#"[{"n":"pm10","v":1,"token=hunter2_":1}]"#, "not_understood"),
    ("air/token/hunter2", r#"{"password":"hunter2","pm":1}"#, "nothing_mapped"),
    ("air/token/c", r#"["hunter2@example.org"]"#, "nothing_mapped"),
    ("air/token/d", r#"{"a":"mqtt://kim:hunter2@broker/"}"#, "nothing_mapped"),
    ("plain/token/hunter2/pm10", "token:hunter2", "not_a_number"),
    ("plain/e/pm10", "psk=hunter2 12 µg/m³", "not_a_number"),
    ("/json/hunter2/dev7/attrs", r#"{"passphrase":"hunter2"}"#, "nothing_mapped"),
    ("states/token/hunter2", "user: hunter2", "not_described_yet"),
    ("spBv1.0/g/DDATA/e/hunter2@x.kr", "token=hunter2", "not_protobuf"),
    ("fc/token/hunter2", "token=hunter2", "not_forecasts"),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_device_is_shown_unless_the_bytes_are_asked_for() {
    let broker = Mosquitto::start();
    let daemon = TestDaemon::up(&format!(
        "[[source]]\nname = \"city\"\nurl = \"mqtt://127.0.0.1:{}\"\nclient_id = \"secrets\"\nsubscribe = [\n\
         {{ topic = \"device/sck/+/readings/raw\", format = \"smartcitizen\" }},\n\
         {{ topic = \"airrohr/#\", format = \"airrohr\" }},\n\
         {{ topic = \"senml/#\", format = \"senml\" }},\n\
         {{ topic = \"air/token/{{device}}\", format = \"json\", values = {{ pm10 = \"/pm10\" }} }},\n\
         {{ topic = \"plain/#\", format = \"plain\", quantity = \"pm10\", device = \"p\" }},\n\
         {{ topic = \"/json/#\", format = \"fiware-ngsi\" }},\n\
         {{ topic = \"states/#\", format = \"ha-discovery\" }},\n\
         {{ topic = \"spBv1.0/#\", format = \"sparkplug-b\" }},\n\
         {{ topic = \"fc/#\", format = \"forecast\" }},\n]\n",
        broker.port
    ))
    .await;
    for (topic, body, _) in MESSAGES {
        broker.publish(topic, 1, &[body]);
    }
    daemon.received(MESSAGES.len() as u64).await;
    let listed = daemon.list("quarantine", "").await;
    let reasons: Vec<&str> = listed.iter().map(|q| q["reason"].as_str().unwrap()).collect();
    let mut wanted: Vec<&str> = MESSAGES.iter().map(|(.., reason)| *reason).collect();
    let mut found = reasons.clone();
    wanted.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, wanted, "{listed:#?}");
    for shown in &listed {
        let text = shown.to_string();
        assert!(!text.contains(SECRET), "the API: {text}");
    }
    let printed = |arguments: &[&str]| {
        let output = daemon.output(arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    for format in ["table", "json"] {
        let list = printed(&["quarantine", "list", "--format", format]);
        assert!(list.contains("not_json") && !list.contains(SECRET), "{list}");
    }
    let mut raw = 0;
    for id in listed.iter().map(|q| q["id"].to_string()) {
        let shown = printed(&["quarantine", "show", &id]);
        assert!(!shown.contains(SECRET), "{shown}");
        raw += usize::from(printed(&["quarantine", "show", "--raw", &id]).contains(SECRET));
    }
    assert!(raw > 0, "whoever asks for the bytes gets them");
    for call in ["devices", "stations", "ledger", "levels"] {
        let text = daemon.get(&format!("/api/v1/{call}")).await.to_string();
        assert!(!text.contains(SECRET), "{call}: {text}");
    }
    assert!(!daemon.said().contains(SECRET), "the log: {}", daemon.said());
}
