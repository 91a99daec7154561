use super::super::faults::Faults;
use super::super::file::ReadingFile;
use super::*;
use crate::air::Measured;
use crate::cli::{export, import};
use ::parquet::basic::Compression;
use clap::Parser;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

#[derive(Parser)]
struct Export {
    #[command(flatten)]
    args: export::ExportArgs,
}

#[derive(Parser)]
struct Import {
    #[command(flatten)]
    args: import::ImportArgs,
}

fn export(dir: &Path, format: &str) -> Vec<u8> {
    let dir = dir.to_str().unwrap();
    let line = ["export", "--data-dir", dir, "--format", format];
    let mut out = Vec::new();
    export::run(&Export::parse_from(line).args, &mut out).unwrap();
    out
}

fn import(dir: &Path, file: &[u8]) -> Result<String, Failure> {
    let kept = kept(file);
    let line = ["import", "--data-dir", dir.to_str().unwrap(), kept.path().to_str().unwrap()];
    let mut out = Vec::new();
    import::run(&Import::parse_from(line).args, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn kept(file: &[u8]) -> tempfile::NamedTempFile {
    let kept = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(kept.path(), file).unwrap();
    kept
}

/// What a file tells, a reading a line, and how many faults it has.
fn read(file: &[u8]) -> Result<(Vec<String>, u64), Failure> {
    let (kept, progress) = (kept(file), Progress::start([].into_iter()));
    let now = Stamp(1_800_000_000_000);
    let mut file = ReadingFile::open(File::open(kept.path()).unwrap(), "file", &progress, now)?;
    let (mut rows, mut faults) = (Vec::new(), Faults::default());
    while file.next(&mut rows, 500, &mut faults)? {}
    let value = |m: &Measured| {
        let (q, suffix) = (m.value.quantity, m.value.label.suffix());
        format!("{q}{suffix}={} {} {}", m.value.value, m.flag.code(), m.reasons)
    };
    let row = |r: &crate::intake::ImportRow| {
        let values: Vec<String> = r.values.iter().map(value).collect();
        format!("{} {} {}", r.device, r.at, values.join("; ").trim_end())
    };
    Ok((rows.iter().map(row).collect(), faults.count()))
}

const HEAD: &str = "device,station,quantity,channel,variant,value,unit,at,received_at,time_source,flag,reasons,revision\n";

/// An export of so many rows.
fn exported(rows: u32) -> Vec<u8> {
    let row = |n: u32| {
        let at = Stamp(1_704_844_800_000 + i64::from(n / 2) * 60_000);
        let quantity = ["pm2_5", "pm10"][n as usize % 2];
        format!("d{},,{quantity},,,{},,{at},,device,1,,false\n", n % 7, f64::from(n % 97) / 8.0)
    };
    let text: String = (0..rows).map(row).collect();
    let dir = tempfile::tempdir().unwrap();
    import(dir.path(), format!("{HEAD}{text}").as_bytes()).unwrap();
    export(dir.path(), "parquet")
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z]{1,3}", "[a-z가-힣 ,\"'=]{1,5}"]
}

/// A row of an export, without its time of receipt.
fn row() -> impl Strategy<Value = String> {
    let quantity = prop_oneof![Just("pm2_5"), Just("pm10"), Just("temperature")];
    let value = prop_oneof![-1e3..1e5_f64, Just(0.0), Just(-0.0), any::<f64>()];
    let flag = prop_oneof![Just((1, "")), Just((2, "")), Just((3, "spike")), Just((4, "range"))];
    let clock = prop_oneof![Just("device"), Just("arrival")];
    let names = (texts(), texts(), texts());
    (names, quantity, value, 0..20_i64, clock, flag).prop_map(
        |((device, channel, variant), quantity, value, at, clock, (flag, reasons))| {
            let quoted = |text: String| format!("\"{}\"", text.replace('"', "\"\""));
            let at = Stamp(1_704_844_800_123 + at * 600_000);
            let (device, channel, variant) = (quoted(device + "x"), quoted(channel), quoted(variant));
            format!(
                "{device},,{quantity},{channel},{variant},{value},,{at},,{clock},{flag},{reasons},\n"
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_is_exported_imported_and_exported_again_is_the_same(
        rows in prop::collection::vec(row(), 1..60),
    ) {
        // Whatever is imported counts as received then.
        let told = |dir: &Path| -> Vec<Vec<String>> {
            let text = export(dir, "csv");
            let mut rows = csv::Reader::from_reader(text.as_slice());
            let of = |row: csv::StringRecord| {
                let kept = row.iter().enumerate().filter(|(column, _)| *column != 8);
                kept.map(|(_, cell)| cell.to_owned()).collect()
            };
            rows.records().map(|row| of(row.unwrap())).collect()
        };
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let text = format!("{HEAD}{}", rows.concat());
        if import(one.path(), text.as_bytes()).is_ok() {
            import(other.path(), &export(one.path(), "parquet")).unwrap();
            prop_assert_eq!(told(one.path()), told(other.path()));
            let again = import(other.path(), &export(one.path(), "parquet")).unwrap();
            prop_assert!(again.starts_with("0 readings are new, 0 revise others"), "{}", again);
        }
    }
}

#[test]
fn a_damaged_file_is_refused_or_read_and_ends_nothing() {
    let whole = exported(6_000);
    let mut random = fastrand::Rng::with_seed(7);
    let cases = std::env::var("DUSTLINE_FUZZ_CASES").ok().and_then(|n| n.parse().ok());
    let (mut refused, mut read_anyway) = (0, 0);
    for _ in 0..cases.unwrap_or(300) {
        let mut file = whole.clone();
        for _ in 0..random.u32(1..4) {
            // Half of it in the description at the end, which is small and says the most.
            let from = if random.bool() { file.len().saturating_sub(3_000) } else { 0 };
            let at = random.usize(from..file.len());
            match random.u8(0..4) {
                0 => file.truncate(at.max(1)),
                1 => file[at] = random.u8(..),
                2 => file[at] ^= 1 << random.u8(0..8),
                _ => drop(file.drain(at..(at + random.usize(1..9)).min(file.len() - 1).max(at))),
            }
        }
        match read(&file) {
            Ok(_) => read_anyway += 1,
            Err(failure) => {
                refused += 1;
                assert_eq!(failure.code, Code::Data, "{}", failure.message);
                assert!(failure.message.starts_with("file:"), "{}", failure.message);
            }
        }
    }
    println!("{refused} damaged files were refused, {read_anyway} read in part or in whole");
    assert!(refused > 0 && read_anyway > 0);
}

#[test]
fn a_file_that_was_cut_off_says_so() {
    let whole = exported(100);
    for size in [4, 100, whole.len() - 1] {
        let failure = read(&whole[..size]).unwrap_err();
        assert!(failure.message.contains("cannot be read as Parquet"), "{}", failure.message);
        assert!(
            failure.message.ends_with("check whether the file is whole"),
            "{}",
            failure.message
        );
    }
}

/// A file of another program: its columns as they are described, and how they are filled.
fn foreign(
    columns: &str,
    packed: Compression,
    fill: impl Fn(&mut SerializedRowGroupWriter<'_, &mut Vec<u8>>),
) -> Vec<u8> {
    let schema = parse_message_type(&format!("message file {{ {columns} }}")).unwrap();
    let properties = WriterProperties::builder().set_compression(packed).build();
    let mut out = Vec::new();
    let mut file =
        SerializedFileWriter::new(&mut out, Arc::new(schema), Arc::new(properties)).unwrap();
    let mut group = file.next_row_group().unwrap();
    fill(&mut group);
    group.close().unwrap();
    file.close().unwrap();
    out
}

/// Fills the next column; of `there` those that are not empty.
macro_rules! column {
    ($group:expr, $kind:ty, $values:expr, $there:expr) => {{
        let mut column = $group.next_column().unwrap().unwrap();
        column.typed::<$kind>().write_batch($values, $there, None).unwrap();
        column.close().unwrap();
    }};
}

fn bytes(texts: &[&str]) -> Vec<ByteArray> {
    texts.iter().map(|text| ByteArray::from(*text)).collect()
}

/// Two readings, whose times and values are described and written like this.
fn two(
    described: &str,
    packed: Compression,
    fill: impl Fn(&mut SerializedRowGroupWriter<'_, &mut Vec<u8>>),
) -> Result<(Vec<String>, u64), Failure> {
    let names = "optional binary device (STRING); optional binary quantity (UTF8);";
    read(&foreign(&format!("{described} {names}"), packed, |group| {
        fill(group);
        column!(group, ByteArrayType, &bytes(&["a", "b"]), Some(&[1, 1]));
        column!(group, ByteArrayType, &bytes(&["pm10", "pm10"]), Some(&[1, 1]));
    }))
}

#[test]
fn other_kinds_of_times_and_numbers_in_another_order_are_read_as_they_are_meant() {
    let expected = ["a 2024-01-10T00:00:00.5Z pm10=12.3 1", "b 2023-12-31T23:59:59.999Z pm10=7 1"];
    let told = Ok((expected.map(str::to_owned).to_vec(), 0));
    let told = |read: Result<_, Failure>| assert_eq!(read.map_err(|e| e.message), told);
    let milli = [1_704_844_800_500, 1_704_067_199_999_i64];
    let fine = |unit: i64| milli.map(|at| at * unit + unit - 1);
    let micros = "optional int64 at (TIMESTAMP(MICROS,true)); optional float value;";
    told(two(micros, Compression::SNAPPY, |group| {
        column!(group, Int64Type, &fine(1_000), Some(&[1, 1]));
        column!(group, FloatType, &[12.3, 7.0], Some(&[1, 1]));
    }));
    let nanos = "required int64 at (TIMESTAMP(NANOS,true)); required int32 value (DECIMAL(9,2));";
    told(two(nanos, Compression::GZIP(Default::default()), |group| {
        column!(group, Int64Type, &fine(1_000_000), None);
        column!(group, Int32Type, &[1_230, 700], None);
    }));
    let old = "optional int64 at (TIMESTAMP_MILLIS); required double value; required int64 flag;";
    told(two(old, Compression::UNCOMPRESSED, |group| {
        column!(group, Int64Type, &milli, Some(&[1, 1]));
        column!(group, DoubleType, &[12.3, 7.0], None);
        column!(group, Int64Type, &[1, 1], None);
    }));
    let text = "required binary at (UTF8); required int64 value (DECIMAL(18,1));";
    told(two(text, Compression::UNCOMPRESSED, |group| {
        let at = bytes(&["2024-01-10T09:00:00.5+09:00", "2023-12-31T23:59:59.999Z"]);
        column!(group, ByteArrayType, &at, None);
        column!(group, Int64Type, &[123, 70], None);
    }));
}

#[test]
fn a_row_with_a_hole_costs_nothing_else() {
    let columns = "optional int64 at (TIMESTAMP(MILLIS,true)); optional double value;";
    let (rows, faults) = two(columns, Compression::UNCOMPRESSED, |group| {
        column!(group, Int64Type, &[1_704_844_800_000, 1_704_844_800_000], Some(&[1, 1]));
        column!(group, DoubleType, &[7.0], Some(&[0, 1]));
    })
    .unwrap();
    assert_eq!((rows, faults), (vec!["b 2024-01-10T00:00:00Z pm10=7 1".to_owned()], 1));
}

#[test]
fn a_column_of_another_kind_is_refused_with_its_name_and_what_is_expected() {
    let refused = |columns: &str| {
        let file = foreign(columns, Compression::UNCOMPRESSED, |group| {
            while let Some(column) = group.next_column().unwrap() {
                column.close().unwrap();
            }
        });
        read(&file).unwrap_err().message
    };
    let rest = "required binary device (UTF8); required binary quantity (UTF8);";
    let local =
        format!("{rest} required double value; required int64 at (TIMESTAMP(MICROS,false));");
    assert_eq!(
        refused(&local),
        "file: column \"at\" is INT64, Timestamp of no time zone; expected times in UTC (INT64, \
         Timestamp with isAdjustedToUTC; or text as in 2022-01-08T13:00:00Z)"
    );
    let number = format!("{rest} required double value; required int64 at;");
    assert!(refused(&number).contains("column \"at\" is INT64, of no further meaning"));
    let value =
        format!("{rest} required binary value (UTF8); required int64 at (TIMESTAMP_MILLIS);");
    assert!(refused(&value).contains("column \"value\" is BYTE_ARRAY, UTF8; expected numbers"));
    let nested = format!("{rest} repeated double value; required int64 at (TIMESTAMP_MILLIS);");
    assert!(refused(&nested).contains("column \"value\" is nested"));
    assert!(refused(rest).contains("no column \"value\"; expected device, quantity, value and at"));
}

#[test]
fn parquet_in_a_pack_is_refused_with_what_to_do() {
    let failure = ReadingFile::of_text(&exported(4)[..], "file", Stamp(0)).err().unwrap();
    assert!(failure.message.contains("unpack it, and give it as a file"), "{}", failure.message);
}

#[test]
fn an_export_of_hours_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    import(dir.path(), format!("{HEAD}a,,pm10,,,1,,2024-01-10T00:00:00Z,,,1,,\n").as_bytes())
        .unwrap();
    let line = ["export", "--data-dir", dir.path().to_str().unwrap(), "--kind", "hours"];
    let line = Export::parse_from(line.into_iter().chain(["--format", "parquet"]));
    let mut file = Vec::new();
    export::run(&line.args, &mut file).unwrap();
    let message = read(&file).unwrap_err().message;
    assert!(message.contains("--kind readings"), "{message}");
}

#[test]
fn what_was_broken_off_is_gone_on_with_by_running_it_again() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let row = |n: i64| {
        let at = Stamp(1_704_844_800_000 + n * 60_000);
        let device = if n == 4_500 { "d-broken-one" } else { ["d", "e"][n as usize % 2] };
        format!("{device},,pm10,,,{n},,{at},,device,1,,false\n")
    };
    let text: String = (0..5_000).map(row).collect();
    import(one.path(), format!("{HEAD}{text}").as_bytes()).unwrap();
    let whole = export(one.path(), "parquet");
    let mut damaged = whole.clone();
    let at = whole.windows(6).position(|bytes| bytes == b"broken").unwrap();
    damaged[at..at + 6].fill(0xff);
    let failure = import(other.path(), &damaged).unwrap_err();
    assert_eq!(failure.code, Code::Data);
    let said = import(other.path(), &whole).unwrap();
    let counts: Vec<u64> = said.split(' ').filter_map(|word| word.parse().ok()).collect();
    let (new, revised, known) = (counts[0], counts[1], counts[2]);
    assert_eq!((new + known, revised), (5_000, 0), "{said}");
    assert!(known >= 2_000, "{said}");
}
