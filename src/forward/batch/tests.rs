use super::*;
use crate::air::reading::TimeSource;
use crate::air::{Flag, Measured, Quantity, Reasons, Value};
use crate::flow::Upkeep;
use crate::store::{ArrivalRow, Bucket, SealRule, Snapshot, Writer, pass};

fn row(device: DeviceId, source: u32, at: i64, values: Vec<Measured>) -> RowKind {
    RowKind::Arrival(ArrivalRow {
        source,
        bucket: if values.is_empty() { Bucket::Duplicate } else { Bucket::Stored },
        continues: false,
        device: Some(device),
        observed: Stamp(at),
        time_source: TimeSource::Device,
        revises: false,
        prev: 0,
        packet: None,
        values,
        duplicates: 0,
        skipped: 0,
    })
}

fn limits_of(lines: usize, bytes: usize) -> Limits {
    Limits { lines, bytes, oldest: Stamp(i64::MIN) }
}

fn value(v: f64) -> Vec<Measured> {
    let value = Value::main(Quantity::Pm10, v);
    vec![Measured { value, flag: Flag::Pass, reasons: Reasons::default() }]
}

fn stored(rows: i64) -> (tempfile::TempDir, Source) {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    let source = writer.source("city").unwrap();
    writer.begin().unwrap();
    let device = writer.device("s1", source).unwrap();
    for i in 0..rows {
        writer.append(Stamp(i), row(device, source, i, value(i as f64))).unwrap();
        if i % 3 == 0 {
            writer.append(Stamp(i), row(device, source, i, Vec::new())).unwrap();
        }
    }
    writer.commit().unwrap();
    let labels = Labels {
        stations: HashMap::from([("s1".to_owned(), "jongno".to_owned())]),
        ..Labels::default()
    };
    let source = Source::new(Reader::open(dir.path()).unwrap(), labels);
    (dir, source)
}

#[test]
fn every_reading_is_in_exactly_one_batch_whatever_the_limits() {
    let (_dir, mut source) = stored(20);
    let (_, whole) = whole(&mut source, limits_of(1000, 1 << 20));
    for limits in [(1, 1 << 20), (7, 1 << 20), (1000, 1), (1000, 200)] {
        let limits = limits_of(limits.0, limits.1);
        let (batches, text) = self::whole(&mut source, limits);
        assert!(batches > 1);
        assert_eq!(text, whole);
    }
    assert_eq!(whole.lines().count(), 20);
    let first = "air,device=s1,source=city,station=jongno pm10=0,pm10_flag=1i 0\n";
    assert!(whole.starts_with(first), "{whole}");
}

fn whole(source: &mut Source, limits: Limits) -> (usize, String) {
    let (mut cursor, mut text, mut batches) = (Cursor::default(), String::new(), 0);
    loop {
        let batch = source.next(cursor, limits).unwrap();
        assert!(batch.len() <= limits.lines);
        text.push_str(batch.lines(0..batch.len()));
        cursor = batch.upto;
        batches += 1;
        if !batch.full {
            assert_eq!(cursor.journal, 27);
            return (batches, text);
        }
    }
}

#[test]
fn parts_of_a_batch_are_whole_lines() {
    let (_dir, mut source) = stored(3);
    let batch = source.next(Cursor::default(), limits_of(100, 1 << 20)).unwrap();
    let parts: Vec<&str> = (0..3).map(|i| batch.lines(i..i + 1)).collect();
    assert_eq!(parts.concat(), batch.lines(0..3));
    assert!(parts.iter().all(|p| p.ends_with('\n') && p.lines().count() == 1));
    assert_eq!(batch.lines(1..1), "");
}

/// Seals what came in before the last row.
fn seal(dir: &tempfile::TempDir) {
    let mut writer = Writer::open(dir.path()).unwrap();
    let mut reader = Reader::open(dir.path()).unwrap();
    let rule = SealRule { all: true, ..SealRule::default() };
    let rows = pass(&mut reader, &rule, |work| {
        writer.begin().unwrap();
        let snapshot = Snapshot { seq: writer.last().journal, index: vec![0], state: Vec::new() };
        let done = match work {
            Upkeep::Snapshot => writer.put_snapshot(&snapshot).is_ok(),
            work => writer.upkeep(&work).unwrap(),
        };
        writer.commit().unwrap();
        Ok::<_, StoreError>(done)
    });
    assert_eq!(rows.unwrap(), 26);
}

#[test]
fn a_target_that_is_new_gets_what_is_sealed_and_then_the_journal() {
    let (dir, mut source) = stored(20);
    let limits = limits_of(100, 1 << 20);
    let before = whole(&mut source, limits);
    seal(&dir);
    let after = whole(&mut source, limits);
    assert_eq!(after, (before.0 + 1, before.1));
    // One that had some of it before gets the rest, perhaps with some again.
    let half = Cursor { journal: 13, ..Cursor::default() };
    let batch = source.next(half, limits).unwrap();
    assert_eq!((batch.upto.journal, batch.full), (25, true));
}
