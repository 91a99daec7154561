use super::*;
use crate::air::Quantity::{Pm2_5, Pm10};
use crate::cli::Code;
use crate::web::tests::fixture::*;
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: ExportArgs,
}

/// What `dustline export --data-dir … <more>` prints.
fn export(store: &Store, more: &str) -> String {
    String::from_utf8(exported(store, more)).unwrap()
}

fn exported(store: &Store, more: &str) -> Vec<u8> {
    let dir = store.dir.path().display().to_string();
    let line = Line::try_parse_from(
        ["export", "--data-dir", &dir].into_iter().chain(more.split_whitespace()),
    );
    let mut out = Vec::new();
    run(&line.unwrap_or_else(|e| panic!("{e}")).args, &mut out).unwrap();
    out
}

fn town() -> Store {
    let mut store = Store::new();
    store.reading(
        "s1",
        minute(0),
        minute(0),
        &[good(Pm2_5, 10.5), variant(Pm2_5, "cf1", 14.0)],
        false,
    );
    store.reading("s2", minute(1), minute(1), &[bad(Pm10, 9999.0)], false);
    store.reading("s1", minute(0), minute(2), &[good(Pm2_5, 11.0)], true);
    store
}

#[test]
fn readings_come_in_the_order_of_receipt_with_revisions_marked() {
    assert_eq!(
        export(&town(), ""),
        "device,station,quantity,channel,variant,value,unit,at,received_at,time_source,flag,reasons,revision\n\
         s1,s1,pm2_5,,,10.5,ug/m3,2022-01-08T10:00:00Z,2022-01-08T10:00:00Z,device,1,,false\n\
         s1,s1,pm2_5,,cf1,14.0,ug/m3,2022-01-08T10:00:00Z,2022-01-08T10:00:00Z,device,2,,false\n\
         s2,s2,pm10,,,9999.0,ug/m3,2022-01-08T10:01:00Z,2022-01-08T10:01:00Z,device,4,range,false\n\
         s1,s1,pm2_5,,,11.0,ug/m3,2022-01-08T10:00:00Z,2022-01-08T10:02:00Z,device,1,,true\n"
    );
}

#[test]
fn filters_leave_only_what_is_asked_for() {
    let store = town();
    let rows = |more: &str| export(&store, more).lines().count() - 1;
    assert_eq!(rows("--device s1"), 3);
    assert_eq!(rows("--station s2"), 1);
    assert_eq!(rows("--station s2 --device s1"), 0);
    assert_eq!(rows("--quantity pm10"), 1);
    assert_eq!(rows("--from 2022-01-08T10:00:01Z"), 1);
    assert_eq!(rows("--to 2022-01-08T10:01:00Z"), 3);
    assert_eq!(rows("--device unheard"), 0);
}

#[test]
fn json_lines_have_the_columns_as_keys() {
    let text = export(&town(), "--format jsonl --device s2");
    let row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(row["value"], 9999.0);
    assert_eq!(row["reasons"], "range");
    assert_eq!(row.len(), READING_COLUMNS.len());
    assert!(READING_COLUMNS.iter().all(|c| row.contains_key(*c)));
}

#[test]
fn line_protocol_is_that_of_forwarding() {
    let first = "air,device=s1,source=city,station=s1 pm2_5=10.5,pm2_5_flag=1i,pm2_5__cf1=14,pm2_5__cf1_flag=2i 1641636000000\n";
    let text = export(&town(), "--format line");
    assert!(text.starts_with(first), "{text}");
    assert_eq!(text.lines().count(), 3);
}

#[test]
fn hours_come_by_device_and_time_in_every_form() {
    let mut store = Store::new();
    store.hour("b", minute(60).hour(), 30.0, 6, 60);
    store.hour("a", minute(60).hour(), 20.0, 6, 45);
    store.hour("b", minute(0).hour(), 25.0, 6, 60);
    assert_eq!(
        export(&store, "--kind hours"),
        "device,station,quantity,channel,variant,start,mean,min,max,count,coverage,flagged\n\
         b,b,pm2_5,,,2022-01-08T10:00:00Z,25.0,24.0,26.0,6,1.0,0\n\
         b,b,pm2_5,,,2022-01-08T11:00:00Z,30.0,29.0,31.0,6,1.0,0\n\
         a,a,pm2_5,,,2022-01-08T11:00:00Z,20.0,19.0,21.0,6,0.75,0\n"
    );
    let json = export(&store, "--kind hours --device a --format jsonl");
    assert!(json.contains("\"mean\":20.0") && json.lines().count() == 1, "{json}");
    let text = export(&store, "--kind hours --from 2022-01-08T10:30:00Z --format line --device b");
    assert_eq!(
        text,
        "air_hour,device=b,quantity=pm2_5,station=b count=6i,coverage=1,flagged=0i,max=31,mean=30,min=29 1641639600000\n"
    );
}

#[test]
fn an_export_of_nothing_still_names_its_columns() {
    let text = export(&Store::new(), "");
    assert_eq!(text.trim_end(), READING_COLUMNS.join(","));
}

#[test]
fn a_reader_that_goes_away_is_success() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let store = town();
    let dir = store.dir.path().display().to_string();
    for format in ["csv", "jsonl", "line", "parquet"] {
        let line =
            Line::try_parse_from(["export", "--data-dir", &dir, "--format", format]).unwrap();
        assert_eq!(run(&line.args, &mut Closed).unwrap_err().code, Code::Done, "{format}");
    }
}

#[test]
fn a_directory_without_a_store_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().display().to_string();
    let line = Line::try_parse_from(["export", "--data-dir", &dir]).unwrap();
    let failure = run(&line.args, &mut Vec::new()).unwrap_err();
    assert_eq!(failure.code, Code::DataDir);
    assert!(failure.message.contains("no store here"), "{}", failure.message);
}

#[test]
fn one_of_configuration_and_directory_is_needed() {
    assert!(Line::try_parse_from(["export"]).is_err());
    assert!(Line::try_parse_from(["export", "--config", "a", "--data-dir", "b"]).is_err());
    assert!(Line::try_parse_from(["export", "--data-dir", "b", "--quantity", "dust"]).is_err());
}

#[test]
fn parquet_has_the_columns_and_rows_of_csv() {
    use ::parquet::file::reader::{FileReader, SerializedFileReader};
    use ::parquet::record::Field;
    let mut store = town();
    store.hour("b", minute(60).hour(), 30.0, 6, 45);
    let read = |more: &str| {
        let file = bytes::Bytes::from(exported(&store, more));
        SerializedFileReader::new(file).unwrap()
    };
    let cell = |field: &Field| match field {
        Field::Str(text) => text.clone(),
        Field::Double(number) => format!("{number:?}"),
        Field::TimestampMillis(ms) => Stamp(*ms).to_string(),
        Field::UInt(count) => count.to_string(),
        Field::Bool(truth) => truth.to_string(),
        Field::Null => String::new(),
        other => panic!("{other:?}"),
    };
    for (kind, rows) in [("readings", 4), ("hours", 1)] {
        let file = read(&format!("--kind {kind} --format parquet"));
        assert_eq!(file.metadata().file_metadata().num_rows(), rows);
        let mut text = String::new();
        for row in file.get_row_iter(None).unwrap().map(Result::unwrap) {
            let columns = || row.get_column_iter();
            if text.is_empty() {
                text =
                    columns().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(",") + "\n";
            }
            text += &columns().map(|(_, field)| cell(field)).collect::<Vec<_>>().join(",");
            text.push('\n');
        }
        assert_eq!(text, export(&store, &format!("--kind {kind}")));
    }
    let nothing = read("--device unheard --format parquet");
    assert_eq!(nothing.metadata().file_metadata().schema().get_fields().len(), 13);
    assert_eq!(nothing.metadata().num_row_groups(), 0);
}
