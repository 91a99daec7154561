//! `dustline store`, and stores that earlier versions have left.

use dustline::air::Stamp;
use dustline::flow::Upkeep;
use dustline::store::{Reader, RowKind, SealRule, Snapshot, StoreError, Writer, pass};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output};

/// A store as version 1 of the schema was left: two devices over five hours,
/// a revision, an advisory that came and went, a threshold, a message that could
/// not be read.
const VERSION_1: &[u8] = include_bytes!("../fixtures/store-v1.db.gz");

fn of_version_1(dir: &Path) {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(VERSION_1).read_to_end(&mut bytes).unwrap();
    std::fs::write(dir.join("dustline.db"), bytes).unwrap();
}

fn dustline(action: &[&str], dir: &Path) -> Output {
    let dir = dir.to_str().unwrap();
    Command::new(env!("CARGO_BIN_EXE_dustline"))
        .arg("store")
        .args(action)
        .args(["--data-dir", dir])
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Changes the file behind the program's back.
fn meddle(dir: &Path, sql: &str) {
    let file = rusqlite::Connection::open(dir.join("dustline.db")).unwrap();
    file.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
}

#[test]
fn a_store_of_schema_version_1_is_opened_with_everything_it_had_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    of_version_1(dir.path());
    let mut writer = Writer::open(dir.path()).unwrap();
    assert_eq!((writer.last().journal, writer.last().change, writer.last().hour), (71, 4, 20));
    writer.begin().unwrap();
    // In the same hour of receipt: only the intake writes down the ledger of one that is over.
    let later = Stamp::parse("2026-11-22T07:40:00Z").unwrap();
    writer.append(later, RowKind::NewSession { source: 1, lane: 0 }).unwrap();
    writer.commit().unwrap();
    let mut reader = Reader::open(dir.path()).unwrap();
    let checked = reader.check().unwrap();
    assert_eq!((checked.rows, checked.readings, checked.hours), (72, 121, 20));
    assert_eq!(checked.findings, []);
}

#[test]
fn a_whole_store_is_said_to_be_whole_and_one_that_was_meddled_with_is_not() {
    let dir = tempfile::tempdir().unwrap();
    of_version_1(dir.path());
    let whole = dustline(&["check"], dir.path());
    assert!(whole.status.success());
    assert!(said(&whole).ends_with("everything is there and agrees\n"), "{}", said(&whole));
    let cases = [
        ("DELETE FROM journal WHERE seq = 30", "rows after row 29 are missing"),
        (
            "UPDATE hours SET sum_micro = sum_micro + 1 WHERE hour IN (SELECT min(hour) FROM hours)",
            "are kept, but",
        ),
        ("UPDATE chains SET rows = rows + 1", "rows, where"),
        (
            "INSERT INTO ledger VALUES (1, 1, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0)",
            "64 messages received, but 62 stored",
        ),
        ("UPDATE changes SET data = '{' WHERE id = 1", "changes row 1: its data is not JSON"),
        ("UPDATE outbox SET event = 99 WHERE id = 1", "outbox row 1: its event is missing"),
    ];
    for (sql, words) in cases {
        of_version_1(dir.path());
        meddle(dir.path(), sql);
        let found = dustline(&["check"], dir.path());
        assert_eq!(found.status.code(), Some(1), "{sql}");
        assert!(said(&found).contains(words), "{sql}: {}", said(&found));
    }
}

#[test]
fn a_backup_taken_while_the_store_is_written_is_whole() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    of_version_1(dir.path());
    let mut writer = Writer::open(dir.path()).unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    let before = reader.committed().unwrap().journal;
    let mut steps = 0;
    // A table of many pages, so that the copy takes several steps.
    meddle(
        dir.path(),
        "CREATE TABLE ballast AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT randomblob(4000) FROM n",
    );
    let bytes = reader.backup(copy.path(), |_, _| {
        steps += 1;
        writer.begin().unwrap();
        writer
            .append(Stamp(1_800_000_000_000), RowKind::NewSession { source: 1, lane: 0 })
            .unwrap();
        writer.commit().unwrap();
    });
    assert!(bytes.unwrap() > 12_000_000 && steps > 1, "{steps}");
    let mut copied = Reader::open(copy.path()).unwrap();
    assert_eq!(copied.committed().unwrap().journal, before);
    assert_eq!(copied.check().unwrap().findings, []);
    assert_eq!(reader.committed().unwrap().journal, before + steps);
}

#[test]
fn a_backup_replaces_the_one_before_and_what_was_left_of_a_broken_one() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    of_version_1(dir.path());
    let target = copy.path().join("deep/er");
    for _ in 0..2 {
        std::fs::create_dir_all(&target).unwrap();
        std::fs::write(target.join("dustline.db.partial"), "half").unwrap();
        let done = dustline(&["backup", target.to_str().unwrap()], dir.path());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert!(!target.join("dustline.db.partial").exists());
        assert!(dustline(&["check"], &target).status.success());
    }
}

#[test]
fn the_size_of_a_store_is_told_by_table() {
    let dir = tempfile::tempdir().unwrap();
    of_version_1(dir.path());
    let info = dustline(&["info", "--format", "json"], dir.path());
    let info: serde_json::Value = serde_json::from_slice(&info.stdout).unwrap();
    assert_eq!(info["readings"], 121);
    let tables = info["tables"].as_array().unwrap();
    let journal = tables.iter().find(|t| t["name"] == "journal").unwrap();
    assert_eq!(journal["rows"], 71);
    let sum: u64 = tables.iter().map(|t| t["bytes"].as_u64().unwrap()).sum();
    assert!(sum <= info["file"].as_u64().unwrap() && sum > 0);
    assert!(said(&dustline(&["info"], dir.path())).contains("121 readings"));
}

/// Seals what the store has, but for what came in with the last row.
fn seal(dir: &Path) {
    let mut writer = Writer::open(dir).unwrap();
    let mut reader = Reader::open(dir).unwrap();
    let index = reader.index().unwrap();
    let rule = SealRule { all: true, ..SealRule::default() };
    let rows = pass(&mut reader, &rule, |work| {
        writer.begin().unwrap();
        let encoded = index.encode().unwrap();
        let snapshot = Snapshot { seq: index.seq, index: encoded, state: Vec::new() };
        let done = match work {
            Upkeep::Snapshot => writer.put_snapshot(&snapshot).is_ok(),
            work => writer.upkeep(&work).unwrap(),
        };
        writer.commit().unwrap();
        Ok::<_, StoreError>(done)
    });
    assert_eq!(rows.unwrap(), 68);
}

/// What `dustline export` says, in the order of the text.
fn exported(dir: &Path) -> Vec<String> {
    let args = ["export", "--data-dir", dir.to_str().unwrap()];
    let output = Command::new(env!("CARGO_BIN_EXE_dustline")).args(args).output().unwrap();
    assert!(output.status.success());
    let mut lines: Vec<String> = said(&output).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn what_is_sealed_and_compacted_is_exported_as_before_and_takes_no_more_room() {
    let dir = tempfile::tempdir().unwrap();
    of_version_1(dir.path());
    let before = exported(dir.path());
    seal(dir.path());
    assert_eq!(exported(dir.path()), before);
    let bytes = |dir: &Path| std::fs::metadata(dir.join("dustline.db")).unwrap().len();
    let sealed = bytes(dir.path());
    let compacted = dustline(&["compact"], dir.path());
    assert!(compacted.status.success(), "{}", String::from_utf8_lossy(&compacted.stderr));
    assert!(bytes(dir.path()) <= sealed);
    assert_eq!(exported(dir.path()), before);
    let checked = said(&dustline(&["check"], dir.path()));
    assert!(checked.starts_with("3 journal rows, 2 parts of history, 121 readings"), "{checked}");
    let info = dustline(&["info", "--format", "json"], dir.path());
    let info: serde_json::Value = serde_json::from_slice(&info.stdout).unwrap();
    let tiers: Vec<_> = info["tiers"].as_array().unwrap().iter().collect();
    let values = |name: &str| &tiers.iter().find(|t| t["name"] == name).unwrap()["values"];
    let of = |name| values(name).as_u64().unwrap();
    assert_eq!(of("journal") + of("history"), 121);
    assert!(of("history") > 100 && of("hours") == 20);
}

#[test]
fn nothing_is_compacted_where_there_is_no_store_or_while_a_daemon_has_it() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(dustline(&["compact"], dir.path()).status.code(), Some(73));
    assert!(!dir.path().join("dustline.db").exists());
    of_version_1(dir.path());
    let _lock = dustline::store::lock(dir.path()).unwrap();
    let refused = dustline(&["compact"], dir.path());
    assert_eq!(refused.status.code(), Some(73));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("in use"));
}
