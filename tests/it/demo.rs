//! `dustline demo` and `dustline simulate`, as people run them.

use crate::helpers::daemon::TestDaemon;
use crate::helpers::mosquitto::{Mosquitto, free_port};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// The program with these arguments; temporary files go to `dir`.
fn program(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dustline"));
    command.args(arguments).env("TMPDIR", dir).env_remove("DUSTLINE_LOG").env_remove("RUST_LOG");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

/// The line of the summary that begins so.
fn line<'a>(said: &'a str, begins: &str) -> &'a str {
    let mut lines = said.lines().map(str::trim).filter(|l| l.starts_with(begins));
    lines.next_back().unwrap_or_else(|| panic!("no line {begins:?} in {said}"))
}

/// The numbers of a line; thousands are set apart by commas.
fn numbers(line: &str) -> Vec<u64> {
    let words = line.split_whitespace().map(|w| w.replace(',', ""));
    words.filter_map(|w| w.parse().ok()).collect()
}

fn interrupt(child: &Child) {
    let told = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
}

#[test]
fn the_demo_shows_levels_and_verified_notices_and_its_ledger_balances() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["demo", "--for", "12s", "--speed", "4000", "--listen", "127.0.0.1:0"];
    let output = program(dir.path(), &arguments).output().unwrap();
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("none → advisory at "), "{said}");
    // From the bulletins of the first evening.
    assert!(said.contains("Beijing, cn-warning: none → yellow at "), "{said}");
    assert!(said.contains("Incheon, kr-emergency: none → measures at "), "{said}");
    assert!(said.contains("signature verified: "), "{said}");
    // The hotline between the two: Korea answers, China when its director is called.
    for told in [
        "incident opened: ",
        "Korea (Kim)           acknowledges",
        "Korea (Kim)           measure, power generation: ",
        "China is silent: beijing-director is called",
        "China (director Wang) acknowledges",
        "still open",
    ] {
        assert!(said.contains(told), "no {told:?} in {said}");
    }
    assert!(line(&said, "transcript").contains("it verifies"), "{said}");
    let [delivered, refused] = numbers(line(&said, "notices"))[..] else { panic!("{said}") };
    assert!(delivered >= 4 && refused == 0, "{said}");
    let [sent, received] = numbers(line(&said, "messages"))[..] else { panic!("{said}") };
    assert!(sent == received && sent > 5_000, "{said}");
    let ledger = line(&said, "ledger");
    assert!(ledger.ends_with("balances"), "{said}");
    let [whole, parts @ ..] = &numbers(ledger)[..] else { panic!("{said}") };
    assert_eq!((*whole, parts.iter().sum()), (received, received));
    assert!(parts.len() == 4 && parts.iter().all(|n| *n > 0), "{said}");
    assert_eq!(dir.path().read_dir().unwrap().count(), 0, "temporary files are left");
}

#[test]
fn an_interrupt_ends_the_demo_in_order_and_a_taken_port_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut child = program(dir.path(), &["demo", "--listen", &address]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains(" status ") {
        assert!(out.read_line(&mut said).unwrap() > 0, "{said}");
    }
    interrupt(&child);
    out.read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    assert!(said.contains(&format!("{address} is taken")), "{said}");
    assert!(line(&said, "ledger").ends_with("balances"), "{said}");
}

#[test]
fn a_demo_goes_on_with_the_data_of_an_earlier_one() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let arguments = [
        "demo",
        "--for",
        "1500ms",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        data.to_str().unwrap(),
    ];
    let mut before = 0;
    for _ in 0..2 {
        let output = program(dir.path(), &arguments).output().unwrap();
        let said = text(&output);
        assert!(output.status.success(), "{said}");
        let [sent, received, rest @ ..] = &numbers(line(&said, "messages"))[..] else {
            panic!("{said}")
        };
        assert_eq!((sent, rest.first().copied().unwrap_or(0)), (received, before), "{said}");
        assert_eq!(numbers(line(&said, "ledger"))[0], before + received, "{said}");
        before += received;
    }
    let ledger = ["ledger", "--data-dir", data.to_str().unwrap()];
    assert!(program(dir.path(), &ledger).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_simulate_sends_to_a_broker_is_stored_once() {
    let broker = Mosquitto::start();
    let daemon = TestDaemon::up(&format!(
        r#"
[[source]]
name = "city"
url = "mqtt://127.0.0.1:{}"
subscribe = [
  {{ topic = "air/+/{{device}}", format = "json", device = "/device", time = "/time", values = {{ pm2_5 = "/pm2_5", pm10 = "/pm10" }} }},
  {{ topic = "airgradient/readings/+", format = "airgradient" }},
  {{ topic = "airrohr/{{device}}", format = "airrohr" }},
  {{ topic = "zigbee2mqtt/+", format = "zigbee2mqtt" }},
  {{ topic = "plain/{{device}}/{{quantity}}", format = "plain" }},
]
"#,
        broker.port
    ))
    .await;
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let arguments = ["simulate", "--broker", &url, "--rate", "500", "--count", "100"];
    let output = program(daemon.dir(), &arguments).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).starts_with("sent 100 messages of 60 devices"), "{}", text(&output));
    let ledger = daemon.received(100).await;
    assert_eq!((&ledger["received"], &ledger["stored"]), (&100.into(), &100.into()), "{ledger}");
}

#[test]
fn an_interrupt_ends_simulate_after_the_last_acknowledgement() {
    let broker = Mosquitto::start();
    let dir = tempfile::tempdir().unwrap();
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let arguments = ["simulate", "--broker", &url, "--devices", "5", "--every", "100ms"];
    let child = program(dir.path(), &arguments).spawn().unwrap();
    broker.wait_said("Received PUBLISH from dustline-simulate", 10);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let sent = numbers(&text(&output))[0] as usize;
    assert_eq!(broker.said("Received PUBLISH from dustline-simulate"), sent);
}

#[test]
fn simulate_says_by_its_exit_code_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let absent = format!("mqtt://127.0.0.1:{}", free_port());
    for (arguments, code, words) in [
        (&["--broker", "mqtt://me:secret@127.0.0.1"][..], 64, "--username"),
        (&["--broker", &absent, "--every", "0s"], 64, "duration"),
        (&["--broker", &absent, "--format", "morse"], 64, "airgradient"),
        (&["--broker", &absent, "--username", "u", "--password-file", "/absent"], 64, "/absent"),
        (&["--broker", &absent], 69, &absent["mqtt://".len()..]),
    ] {
        let all = [&["simulate"], arguments].concat();
        let output = program(dir.path(), &all).output().unwrap();
        let said = text(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}
