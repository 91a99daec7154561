//! The daily statements: made from a real store, checked by the command and by the
//! program that `docs/statements.md` offers to others, on the vectors printed there.

use crate::helpers::daemon::TestDaemon;
use crate::helpers::soon;
use crate::intake::rig::{Rig, START, minute, settings};
use std::path::{Path, PathBuf};
use std::process::Command;

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/statements.md");
    std::fs::read_to_string(path).unwrap()
}

/// The content of the first block of a kind.
fn block<'a>(document: &'a str, kind: &str) -> &'a str {
    let (_, after) = document.split_once(&format!("```{kind}\n")).expect("a block");
    after.split("```").next().unwrap_or_default()
}

/// The public key of the vectors.
fn key(document: &str) -> &str {
    let (_, after) = document.split_once("the public key `").expect("the key");
    after.split('`').next().unwrap_or_default()
}

fn verify(files: &[&Path], key: &str) -> (Option<i32>, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_dustline"))
        .args(["ledger", "verify", "--key", key])
        .args(files)
        .output()
        .unwrap();
    (out.status.code(), String::from_utf8([out.stdout, out.stderr].concat()).unwrap())
}

#[test]
fn the_vectors_are_good_and_every_altered_line_is_found_by_the_command() {
    let document = document();
    let (vectors, key) = (block(&document, "jsonl"), key(&document));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("days.jsonl");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        verify(&[&file], key)
    };
    let (code, said) = check(vectors);
    assert_eq!(code, Some(0), "{said}");
    let head = said.lines().find_map(|l| l.strip_prefix("head: ")).unwrap();
    assert!(document.contains(&format!("the hash of the last is `{head}`")), "{said}");
    for line in vectors.lines() {
        let (code, said) = check(&vectors.replace(line, &line.replacen("city", "town", 1)));
        assert!(code == Some(65) && said.contains("it was changed"), "{said}");
    }
    let other = "whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    std::fs::write(&file, vectors).unwrap();
    assert_eq!(verify(&[&file], other).0, Some(65));
    assert_eq!(verify(&[&file], "whpk_short").0, Some(64));
    assert_eq!(check("not json").0, Some(65));
}

#[test]
fn the_program_of_the_page_of_statements_takes_the_vectors_and_finds_every_altered_line() {
    for tool in [["python3", "--version"], ["openssl", "version"]] {
        if Command::new(tool[0]).arg(tool[1]).output().is_err() {
            println!(
                "skipped: the_program_of_the_page_of_statements_takes_the_vectors_and_finds_\
                 every_altered_line: {} is absent",
                tool[0]
            );
            return;
        }
    }
    let document = document();
    let (vectors, key) = (block(&document, "jsonl"), key(&document));
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("check.py"), block(&document, "python")).unwrap();
    let check = |text: &str| {
        std::fs::write(dir.path().join("days.jsonl"), text).unwrap();
        let mut python = Command::new("python3");
        let out = python.current_dir(dir.path()).args(["check.py", "days.jsonl", key]).output();
        let out = out.unwrap();
        (out.status.success(), String::from_utf8_lossy(&out.stdout).trim().to_owned())
    };
    let (good, head) = check(vectors);
    assert!(good && document.contains(&format!("the hash of the last is `{head}`")), "{head}");
    for line in vectors.lines() {
        assert!(!check(&vectors.replace(line, &line.replacen("city", "town", 1))).0, "{line}");
    }
}

/// The first page of statements.
async fn first_statements(daemon: &TestDaemon) -> Vec<serde_json::Value> {
    let mut page = daemon.get("/api/v1/ledger/statements?limit=10").await;
    page["statements"].as_array_mut().map(std::mem::take).unwrap()
}

#[tokio::test]
async fn every_day_that_is_over_is_stated_once_and_follows_the_one_before() {
    let target = "[[influxdb]]\nname = \"main\"\nurl = \"http://127.0.0.1:1\"\norg = \"o\"\n\
                  bucket = \"b\"\n";
    let mut daemon = TestDaemon::new(target);
    std::fs::create_dir_all(daemon.data()).unwrap();
    let mut rig = Rig::open(settings(&daemon.data(), ""), START);
    let day = 24 * 60;
    for n in [1, 2, day - 1, day, day + 5, 3 * day + 1] {
        rig.pm25("s1", minute(n), n as f64);
    }
    rig.take("air/s1", "broken", minute(3 * day + 2));
    drop(rig);
    daemon.start().await;
    let stated = soon("three statements", async {
        loop {
            let mut all = first_statements(&daemon).await;
            if all.len() >= 3 {
                // Without those of the days since then, on which nothing came in.
                all.truncate(3);
                return all;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    let days: Vec<&str> = stated.iter().filter_map(|s| s["day"].as_str()).collect();
    assert_eq!(days, ["2024-01-10", "2024-01-11", "2024-01-12"]);
    let stored: Vec<u64> = stated.iter().filter_map(|s| s["messages"]["stored"].as_u64()).collect();
    assert_eq!(stored, [3, 2, 0]);
    assert_eq!(stated[0]["targets"][0]["pending"], 3);
    let one = daemon.get("/api/v1/ledger/statements/2024-01-11").await;
    assert_eq!(one, stated[1]);
    let key = daemon.output(&["ledger", "key"]).stdout;
    let key = String::from_utf8(key).unwrap().trim().to_owned();
    let printed: PathBuf = daemon.dir().join("days.jsonl");
    std::fs::write(&printed, daemon.output(&["ledger", "statement"]).stdout).unwrap();
    let (code, said) = verify(&[&printed], &key);
    assert!(code == Some(0) && said.contains("good: "), "{said}");
    assert!(!said.contains("not shown"), "{said}");
    // A restart goes on with the same key and states nothing twice.
    daemon.kill();
    daemon.start().await;
    assert_eq!(first_statements(&daemon).await[..3], stated);
    let again = daemon.output(&["ledger", "statement", "--day", "2024-01-11"]).stdout;
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&again).unwrap(), one);
}
