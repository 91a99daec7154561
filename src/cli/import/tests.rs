use super::*;
use crate::air::Stamp;
use std::path::Path;

/// What a file of this text tells, and how many faults it has.
fn read(text: &str) -> (Vec<String>, u64) {
    let mut faults = Faults::default();
    let mut rows = Vec::new();
    let mut file = ReadingFile::of_text(text.as_bytes(), "file", Stamp(1_800_000_000_000)).unwrap();
    while file.next(&mut rows, 2, &mut faults).unwrap() {}
    let value = |m: &crate::air::Measured| {
        let (q, suffix) = (m.value.quantity, m.value.label.suffix());
        format!("{q}{suffix}={} {} {}", m.value.value, m.flag.code(), m.reasons)
    };
    let row = |r: &crate::intake::ImportRow| {
        let values: Vec<String> = r.values.iter().map(value).collect();
        format!("{} {} {}", r.device, r.at, values.join("; ").trim_end())
    };
    (rows.iter().map(row).collect(), faults.count())
}

const CSV: &str = "device,station,quantity,channel,variant,value,unit,at,received_at,time_source,flag,reasons,revision\n";

#[test]
fn the_rows_of_an_export_keep_their_flags_reasons_and_labels() {
    let rows = "a,s,pm2_5,,,12.5,µg/m³,2024-01-10T00:00:00Z,2024-01-10T00:00:01Z,device,1,,false\n\
                a,s,pm10,b,cf1,4000,µg/m³,2024-01-10T00:00:00Z,2024-01-10T00:00:01Z,device,4,\"range,pm_order\",false\n\
                a,s,pm2_5,,,13.5,µg/m³,2024-01-10T00:00:00Z,2024-01-10T00:00:01Z,device,1,,true\n";
    let expected = [
        "a 2024-01-10T00:00:00Z pm2_5=12.5 1 ; pm10__ch_b__cf1=4000 4 range,pm_order",
        "a 2024-01-10T00:00:00Z pm2_5=13.5 1",
    ];
    assert_eq!(read(&format!("{CSV}{rows}")), (expected.map(str::to_owned).to_vec(), 0));
}

#[test]
fn points_of_line_protocol_are_read_in_any_precision() {
    let text = "air,device=a\\ b,source=city pm10__cf1=20.1,pm10__cf1_flag=3i,pm2_5=12.3,pm2_5_flag=1i 1700000000000\n\
                # a remark\n\
                air,device=a\\ b pm2_5=7i 1700000060\n\
                air,device=a\\ b pm2_5=8 1700000120000000000\n";
    let expected = [
        "a b 2023-11-14T22:13:20Z pm10__cf1=20.1 3 ; pm2_5=12.3 1",
        "a b 2023-11-14T22:14:20Z pm2_5=7 1",
        "a b 2023-11-14T22:15:20Z pm2_5=8 1",
    ];
    assert_eq!(read(text), (expected.map(str::to_owned).to_vec(), 0));
}

#[test]
fn what_a_file_says_nothing_of_is_judged_by_itself_however_old_it_is() {
    let text = "time,station,lat,lon,pm2_5,pm10\n2015-11-26T16:00:00Z,a,1,2,21,53\n2015-11-26T17:00:00Z,a,1,2,,99999\n";
    let (rows, faults) = read(text);
    assert_eq!(rows.first().unwrap(), "a 2015-11-26T16:00:00Z pm2_5=21 1 ; pm10=53 1");
    assert!(rows.last().unwrap().contains("range"), "{rows:?}");
    assert_eq!(faults, 0);
}

#[test]
fn what_cannot_be_understood_costs_nothing_else() {
    let good = "a,,pm10,,,1,,2024-01-10T00:00:00Z,,device,1,,false\n";
    let bad = ",,pm10,,,1,,2024-01-10T00:00:00Z,,device,1,,false\n\
               a,,pm99,,,1,,2024-01-10T00:00:00Z,,device,1,,false\n\
               a,,pm10,,,many,,2024-01-10T00:00:00Z,,device,1,,false\n\
               a,,pm10,,,1,,yesterday,,device,1,,false\n";
    let (rows, faults) = read(&format!("{CSV}{bad}{good}"));
    assert_eq!((rows.len(), faults), (1, 4));
    let (rows, faults) = read(
        "{\"device\":\"a\",\"quantity\":\"pm10\",\"value\":1,\"at\":\"2024-01-10T00:00:00Z\"}\n{\n",
    );
    assert_eq!((rows.len(), faults), (1, 1));
    let (rows, faults) =
        read("air,device=a pm10=1 1700000000000\nair pm10=1 1700000000000\nair,device=a so=1 5\n");
    assert_eq!((rows.len(), faults), (1, 2));
}

#[test]
fn hours_and_files_of_no_known_form_are_refused_with_what_to_do() {
    let now = Stamp(1_800_000_000_000);
    let refused = |text: &str| {
        let failure = ReadingFile::of_text(text.as_bytes(), "x.csv", now).err().unwrap();
        assert_eq!(failure.code, Code::Data);
        failure.message
    };
    let hours =
        "device,station,quantity,channel,variant,start,mean,min,max,count,coverage,flagged\n";
    assert!(refused(hours).contains("--kind readings"), "{}", refused(hours));
    assert!(refused("my diary\n").starts_with("x.csv:1: unknown columns"));
}

/// Takes a file in.
fn import(dir: &Path, file: &Path) -> Result<String, Failure> {
    let into = Into { config: None, data_dir: Some(dir.to_owned()) };
    let mut out = Vec::new();
    run(&ImportArgs { into, files: vec![file.to_owned()] }, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn a_file_taken_twice_is_taken_once_and_the_store_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("a.csv"));
    let row = |hour: u32, value: u32, revision: bool| {
        format!("a,a,pm10,,,{value},µg/m³,2024-01-10T{hour:02}:00:00Z,,device,1,,{revision}\n")
    };
    let rows: String = (0..20).map(|h| row(h, h, false)).chain([row(3, 99, true)]).collect();
    std::fs::write(&file, format!("{CSV}{rows}")).unwrap();
    let end = "0 rows or values could not be understood\n";
    let said = import(&data, &file).unwrap();
    assert_eq!(said, format!("20 readings are new, 1 revise others, 0 were there; {end}"));
    let bytes = || crate::store::Reader::open(&data).unwrap().committed().unwrap();
    let before = bytes();
    let said = import(&data, &file).unwrap();
    assert_eq!(said, format!("0 readings are new, 0 revise others, 21 were there; {end}"));
    assert_eq!(bytes(), before, "nothing was written");
    let mut reader = crate::store::Reader::open(&data).unwrap();
    let checked = reader.check().unwrap();
    assert_eq!((checked.readings, checked.hours, checked.findings), (21, 20, Vec::new()));
}

#[test]
fn a_store_on_which_a_daemon_runs_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.csv");
    std::fs::write(&file, "time,station,pm10\n2024-01-10T00:00:00Z,a,1\n").unwrap();
    let _daemon = store::lock(dir.path()).unwrap();
    let failure = import(dir.path(), &file).unwrap_err();
    assert_eq!(failure.code, Code::DataDir);
    assert!(failure.message.contains("in use by another dustline"), "{}", failure.message);
}
