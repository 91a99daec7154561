//! Station lists in CSV.

use super::{Shelf, check, shown};

const TOML: &str = "stations = \"stations.csv\"";

fn shelf(csv: &str) -> Shelf {
    Shelf::default().with_file("/etc/dustline/stations.csv", csv)
}

#[track_caller]
fn faults(csv: &str, expected: &[&str]) {
    let faults = shown(&shelf(csv).parse(TOML).map(drop).unwrap_err());
    let short: Vec<String> =
        faults.iter().map(|f| f.replacen("/etc/dustline/stations.csv:", "", 1)).collect();
    assert_eq!(short, expected, "in:\n{csv}");
}

#[test]
fn a_list_gives_stations_beside_those_in_the_file() {
    let csv = "\u{feff}id, name_ko ,name_en,lat,lon,devices\n\
               jongno,종로구,Jongno-gu,37.572,127.005,s1; s2;\n\
               \"jung\",,,,,\n";
    let toml = format!("{TOML}\n[[station]]\nid = \"gangnam\"");
    let stations = shelf(csv).parse(&toml).unwrap().settings.stations;
    let ids: Vec<&str> = stations.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["jongno", "jung", "gangnam"]);
    let first = stations.first().unwrap();
    assert_eq!(first.name.ko.as_deref(), Some("종로구"));
    assert_eq!((first.lat, first.lon), (Some(37.572), Some(127.005)));
    assert_eq!(first.devices, ["s1", "s2"]);
    assert_eq!(stations.get(1).unwrap().name.en.as_deref(), Some("jung"));
}

#[test]
fn every_fault_of_a_list_has_its_line_and_column() {
    faults(
        "id,lat,lon,devices\na,97,1,d\nb,1,,\na b,1,2,d\nb,x,2,\nc,1\n",
        &[
            "2:3: lat: found \"97\", expected degrees from -90 to 90",
            "3:3: lat: lat and lon come together",
            "4:1: id: found \"a b\", expected a name of its own without spaces",
            "4:9: devices: device \"d\" stands in station \"a\" already",
            "5:1: id: \"b\" is there twice",
            "5:3: lat: found \"x\", expected degrees from -90 to 90",
            "6:1: found 2 fields, expected 4",
            "6:3: lat: lat and lon come together",
        ],
    );
}

#[test]
fn a_list_must_have_a_header_with_known_columns() {
    faults(
        "id,devcies,id\n",
        &[
            "1:4: devcies: unknown column; did you mean `devices`?",
            "1:12: id: this column is there twice",
        ],
    );
    faults(
        "",
        &["1:1: id: this column is missing; begin the file with a header such as \
         id,name,name_ko,name_zh,name_en,lat,lon,devices,model"],
    );
}

#[test]
fn a_list_that_is_absent_is_a_fault_where_it_is_named() {
    check(
        TOML,
        &["1:12: stations: cannot read /etc/dustline/stations.csv: no such file; check the path, \
         and that the daemon's user may read it"],
    );
}
