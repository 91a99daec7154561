//! `dustline export` of stores of any size, and `dustline import` of what it wrote: the
//! memory that they take, going on where it was cut off, and files that others read and
//! write.

use crate::helpers::mail::python;
use dustline::air::reading::{Flag, Label, Reasons, TimeSource, Value};
use dustline::air::{Measured, Quantity, Stamp};
use dustline::store::{ArrivalRow, Bucket, RowKind, Writer};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

/// 2024-01-10T00:00:00Z.
const START: i64 = 1_704_844_800_000;
const DEVICES: u64 = 20;

/// A store with so many rows of two readings, ten a second.
fn store(rows: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    let source = writer.source("city").unwrap();
    writer.begin().unwrap();
    for n in 0..rows {
        let device = writer.device(&format!("d{}", n % DEVICES), source).unwrap();
        let at = Stamp(START + n as i64 * 100);
        let measured = |quantity, label, value| Measured {
            value: Value { quantity, label, value },
            flag: Flag::Pass,
            reasons: Reasons::default(),
        };
        let corrected = Label { channel: String::new(), variant: "cf1".into() };
        let values = vec![
            measured(Quantity::Pm2_5, Label::default(), (n % 977) as f64 / 8.0),
            measured(Quantity::Pm10, corrected, (n % 1_021) as f64 / 4.0),
        ];
        let row = ArrivalRow {
            source,
            bucket: Bucket::Stored,
            continues: false,
            device: Some(device),
            observed: at,
            time_source: TimeSource::Device,
            revises: false,
            prev: 0,
            packet: None,
            values,
            duplicates: 0,
            skipped: 0,
        };
        writer.append(at, RowKind::Arrival(row)).unwrap();
    }
    writer.commit().unwrap();
    dir
}

fn export(dir: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dustline"));
    command.args(["export", "--data-dir", dir.to_str().unwrap()]).args(more);
    command
}

fn import(dir: &Path, file: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dustline"));
    command.args(["import", "--data-dir"]).arg(dir).arg(file);
    command
}

/// What is exported, as text.
fn text(dir: &Path, more: &[&str]) -> String {
    let done = export(dir, more).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Bytes exported, and the most memory that it took, in kB: what the kernel says as
/// long as something is left to read.
fn measured(dir: &Path, format: &str) -> (usize, u64) {
    let mut child = export(dir, &["--format", format]).stdout(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut out = child.stdout.take().unwrap();
    let (mut buffer, mut bytes, mut peak) = (vec![0; 1 << 15], 0, 0);
    loop {
        if let Ok(status) = std::fs::read_to_string(&status) {
            let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
            let now = line.and_then(|l| l.trim().split(' ').next()?.parse().ok());
            peak = peak.max(now.unwrap_or(0));
        }
        match out.read(&mut buffer).unwrap() {
            0 => break,
            n => bytes += n,
        }
    }
    assert!(child.wait().unwrap().success());
    (bytes, peak)
}

#[test]
fn ten_times_as_much_is_exported_in_the_same_memory() {
    // Both have whole groups of Parquet's rows.
    let (small, large) = (store(40_000), store(400_000));
    for format in ["csv", "jsonl", "line", "parquet"] {
        let (few, little) = measured(small.path(), format);
        let (many, much) = measured(large.path(), format);
        println!("{format}: {few} bytes in {little} kB, {many} bytes in {much} kB");
        assert!(many > 5 * few, "{format}: {few}, {many}");
        assert!(much < little + 8_192, "{format}: {little} kB, then {much} kB");
    }
}

#[test]
fn hour_by_hour_it_is_the_same_as_at_once() {
    // Two hours and a bit.
    let dir = store(75_000);
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    };
    let mut parts = String::new();
    for hour in 0..3 {
        let end = |n: i64| Stamp(START + n * 3_600_000).to_string();
        parts += &text(dir.path(), &["--from", &end(hour), "--to", &end(hour + 1)]);
    }
    let whole = sorted(text(dir.path(), &[]));
    assert_eq!(whole.len(), 150_001);
    assert!(sorted(parts) == whole, "the parts are not the whole");
}

/// The most memory that an import of a file took, in kB, and what it said.
fn imported(file: &Path) -> (u64, String) {
    let dir = tempfile::tempdir().unwrap();
    let mut child = import(dir.path(), file).stdout(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let now = line.and_then(|l| l.trim().split(' ').next()?.parse().ok());
        peak = peak.max(now.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success());
    (peak, String::from_utf8(done.stdout).unwrap())
}

#[test]
fn five_times_as_much_parquet_is_imported_in_the_same_memory() {
    let peak = |rows: u64| {
        let dir = store(rows);
        let file = dir.path().join("readings.parquet");
        let out = std::fs::File::create(&file).unwrap();
        let done = export(dir.path(), &["--format", "parquet"]).stdout(out).status();
        assert!(done.unwrap().success());
        let (peak, said) = imported(&file);
        assert!(said.starts_with(&format!("{} readings are new", 2 * rows)), "{said}");
        println!("{rows} rows of two readings in {peak} kB");
        peak
    };
    // Both have whole groups of rows.
    let (little, much) = (peak(33_000), peak(165_000));
    assert!(much < little + 8_192, "{little} kB, then {much} kB");
}

/// Says of a file how many rows it has, and sums, as another program reads it.
const READER: &str = "
import duckdb, sys
q = f'SELECT count(*), sum(value), min(\"at\")::TIMESTAMP, max(epoch_ms(received_at)), count(DISTINCT device), '
q += f\"sum(CASE WHEN revision THEN 1 ELSE 0 END), max(flag), string_agg(DISTINCT variant, '|' ORDER BY variant), \"
q += f\"min(time_source) FROM '{sys.argv[1]}'\"
duckdb.sql(\"SET TimeZone = 'UTC'\")
print(*duckdb.sql(q).fetchall()[0], sep=';')
print(*[f'{n}:{t}' for n, t in zip(duckdb.sql(f\"FROM '{sys.argv[1]}'\").columns, duckdb.sql(f\"FROM '{sys.argv[1]}'\").types)], sep=';')
";

/// A Python that has DuckDB; `None`, said aloud, where there is none.
fn with_duckdb(test: &str) -> Option<String> {
    let python = python();
    let known = Command::new(&python).args(["-c", "import duckdb"]).output();
    if known.is_ok_and(|done| done.status.success()) {
        return Some(python);
    }
    println!(
        "skipped: {test}: {python} has no package duckdb; set DUSTLINE_TEST_PYTHON to one that has"
    );
    None
}

#[test]
fn another_program_reads_the_parquet_that_is_written() {
    let test = "another_program_reads_the_parquet_that_is_written";
    let Some(python) = with_duckdb(test) else { return };
    let rows = 70_000;
    let dir = store(rows);
    let file = dir.path().join("readings.parquet");
    let out = std::fs::File::create(&file).unwrap();
    assert!(export(dir.path(), &["--format", "parquet"]).stdout(out).status().unwrap().success());
    let read = Command::new(python).args(["-c", READER, file.to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8_lossy(&read.stdout);
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let sum: f64 = (0..rows).map(|n| (n % 977) as f64 / 8.0 + (n % 1_021) as f64 / 4.0).sum();
    let last = START + (rows as i64 - 1) * 100;
    let first_line =
        format!("{};{sum:?};2024-01-10 00:00:00;{last};{DEVICES};0;1;|cf1;device", 2 * rows);
    let mut lines = said.lines();
    assert_eq!(lines.next(), Some(first_line.as_str()));
    let kinds = "device:VARCHAR;station:VARCHAR;quantity:VARCHAR;channel:VARCHAR;variant:VARCHAR;\
                 value:DOUBLE;unit:VARCHAR;at:TIMESTAMP WITH TIME ZONE;\
                 received_at:TIMESTAMP WITH TIME ZONE;time_source:VARCHAR;flag:UINTEGER;\
                 reasons:VARCHAR;revision:BOOLEAN";
    assert_eq!(lines.next(), Some(kinds));
}

/// Writes a file's rows once more in its own way: other kinds, another order of columns.
const WRITER: &str = "
import duckdb, sys
source, target, packed = sys.argv[1:]
duckdb.sql(f\"COPY (SELECT \\\"at\\\"::TIMESTAMPTZ AS at, value, nullif(variant, '') AS variant, \"
           f\"device, flag::BIGINT AS flag, quantity FROM '{source}') \"
           f\"TO '{target}' (FORMAT parquet, COMPRESSION {packed}, ROW_GROUP_SIZE 4096)\")
";

#[test]
fn parquet_that_another_program_wrote_is_imported() {
    let test = "parquet_that_another_program_wrote_is_imported";
    let Some(python) = with_duckdb(test) else { return };
    let dir = store(5_000);
    let file = |name: &str| dir.path().join(name).display().to_string();
    let ours = file("ours.parquet");
    let out = std::fs::File::create(&ours).unwrap();
    assert!(export(dir.path(), &["--format", "parquet"]).stdout(out).status().unwrap().success());
    let into = tempfile::tempdir().unwrap();
    let first = |line: &str| line.lines().next().unwrap_or_default().to_owned();
    for (packed, said) in [
        ("snappy", "10000 readings are new, 0 revise others, 0 were there"),
        ("gzip", "0 readings are new, 0 revise others, 10000 were there"),
        ("zstd", "file is packed with ZSTD"),
    ] {
        let theirs = file(packed);
        let written = Command::new(&python).args(["-c", WRITER, &ours, &theirs, packed]).output();
        let written = written.unwrap();
        assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
        let done = import(into.path(), Path::new(&theirs)).output().unwrap();
        let words = [done.stdout, done.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(words.iter().any(|words| first(words).contains(said)), "{words:?}");
    }
    let rows = |dir: &Path| {
        let mut rows = csv::Reader::from_reader(text(dir, &[]).into_bytes().as_slice())
            .records()
            .map(|row| {
                let row = row.unwrap();
                // Without what it did not write, and the time of receipt.
                [0, 2, 4, 5, 7, 10].map(|column| row[column].to_owned())
            })
            .collect::<Vec<_>>();
        rows.sort_unstable();
        rows
    };
    assert!(rows(into.path()) == rows(dir.path()), "the readings are not the same");
}
