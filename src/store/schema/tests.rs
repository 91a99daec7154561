use super::*;
use crate::air::Stamp;
use crate::store::Writer;

/// A store as an earlier version left it, with some rows.
fn of_version(dir: &Path, version: usize, rows: &str) {
    let conn = Connection::open(file(dir)).unwrap();
    prepare(&conn).unwrap();
    let (owner, steps) = (APPLICATION_ID, VERSIONS[..version].concat());
    let marks = format!("PRAGMA application_id = {owner}; PRAGMA user_version = {version};");
    conn.execute_batch(&format!("BEGIN; {steps} {marks} {rows} COMMIT;")).unwrap();
}

fn of_version_1(dir: &Path) {
    let rows = "INSERT INTO sources (id, name) VALUES (7, 'city');
                INSERT INTO devices (id, name, source) VALUES (1, 'd', 7);";
    of_version(dir, 1, rows);
}

#[test]
fn a_store_of_version_9_is_read_as_it_is_and_can_be_dropped_from_once_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let rows = "INSERT INTO history (device, upto, first, last, rows, readings, block)
                  VALUES (1, 5, 10, 20, 2, 3, x'00'), (1, 9, 0, 12, 1, 4, x'0000');
                UPDATE sealed SET through = 9;
                INSERT INTO journal (seq, tag, received) VALUES (10, 8, 72000000);";
    of_version(dir.path(), 9, rows);
    let reader = crate::store::Reader::open(dir.path()).unwrap();
    assert_eq!(reader.dropped().unwrap(), []);
    drop(reader);
    let mut writer = Writer::open(dir.path()).unwrap();
    let beyond = crate::flow::Limit::Age;
    let work = crate::flow::Upkeep::DropParts { parts: vec![9, 7, 10], beyond };
    assert!(writer.upkeep(&work).unwrap());
    let dropped = crate::store::Reader::open(dir.path()).unwrap().dropped().unwrap();
    assert_eq!(dropped.len(), 1);
    assert_eq!((dropped[0].count, dropped[0].before.0, dropped[0].at), (4, 13, Stamp(72_000_000)));
}

#[test]
fn a_store_of_version_10_has_no_station_left_out_until_an_hour_is_judged_again() {
    use crate::store::{Filter, Reader, ZoneHourRow};
    let dir = tempfile::tempdir().unwrap();
    of_version(dir.path(), 10, "INSERT INTO zone_hours VALUES ('seoul', 2, 7, 900, 9, 10, 1);");
    let kept = || Reader::open(dir.path()).unwrap().zone_hours(&Filter::default()).unwrap();
    let old = kept();
    assert_eq!((old.len(), old[0].stations, old[0].left_out.len()), (1, 9, 0));
    let writer = Writer::open(dir.path()).unwrap();
    assert_eq!(kept(), old);
    let left_out = vec!["종로".to_owned(), "a \"b\"".to_owned()];
    let again = ZoneHourRow { stations: 7, left_out, ..old[0].clone() };
    writer.put_zone_hour(&again).unwrap();
    drop(writer);
    assert_eq!(kept(), [again]);
}

#[test]
fn a_store_of_version_1_is_opened_with_all_it_has_and_remembers_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    of_version_1(dir.path());
    let mut writer = Writer::open(dir.path()).unwrap();
    assert_eq!(writer.source("city").unwrap(), 7);
    assert!(writer.devices().contains_key("d"));
    writer.put_remembered(7, "a", Some("1"), Stamp(5)).unwrap();
    writer.put_remembered(7, "b", Some("2"), Stamp(6)).unwrap();
    writer.put_remembered(7, "a", Some("3"), Stamp(7)).unwrap();
    writer.put_remembered(8, "a", Some("4"), Stamp(7)).unwrap();
    drop(writer);
    let writer = Writer::open(dir.path()).unwrap();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(writer.remembered(7).unwrap(), [pair("b", "2"), pair("a", "3")]);
    writer.put_remembered(7, "b", None, Stamp(8)).unwrap();
    assert_eq!(writer.remembered(7).unwrap(), [pair("a", "3")]);
}

#[test]
fn a_store_of_an_older_version_can_be_read_without_being_changed() {
    let dir = tempfile::tempdir().unwrap();
    of_version_1(dir.path());
    drop(open_reader(dir.path()).unwrap());
    let conn = Connection::open(file(dir.path())).unwrap();
    assert_eq!(identity(&conn, &file(dir.path())).unwrap(), 1);
}
