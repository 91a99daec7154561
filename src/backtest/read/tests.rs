//! Files in, samples out.

use super::*;
use crate::air::Quantity;
use crate::backtest::data::Sample;
use std::io::Write;

fn read(text: &[u8]) -> Data {
    let mut data = Data::new();
    data.read(text, "file.csv", TimeLabel::End).unwrap();
    data
}

/// `hour's end, device, quantity, value` of everything that was read.
fn told(data: &Data) -> Vec<String> {
    let line = |s: &Sample| {
        let name = &data.devices()[s.device as usize];
        format!("{} {name} {} {}", s.at.hour().end(), s.quantity, s.value)
    };
    data.samples().iter().map(line).collect()
}

#[test]
fn the_plain_layout_may_have_its_columns_in_any_order() {
    let data = read(
        b"\xef\xbb\xbfStation,PM10,lat,time,pm2_5,zone\na,30,1.5,2022-01-08T13:00:00Z,,west\n",
    );
    assert_eq!(told(&data), ["2022-01-08T13:00:00Z a pm10 30"]);
    assert_eq!(data.zones().collect::<Vec<_>>(), [("west", "a")]);
}

#[test]
fn airkoreas_months_are_read_in_both_encodings() {
    let head = "지역,망,측정소코드,측정소명,측정일시,SO2,CO,O3,NO2,PM10,PM25,주소";
    let row = ",,111121,,2022010824,0.003,0.5,0.012,0.03,41,,\n";
    let modern = read(format!("{head}\n{row}").as_bytes());
    assert_eq!(told(&modern).last().unwrap(), "2022-01-08T15:00:00Z 111121 pm10 41");
    assert_eq!(told(&modern)[2], "2022-01-08T15:00:00Z 111121 o3 0.012");
    let mut old = b",,\xc3\xf8\xc1\xa4\xbc\xd2\xc4\xda\xb5\xe5,\xc3\xf8\xc1\xa4\xbc\xd2\xb8\xed,\xc3\xf8\xc1\xa4\xc0\xcf\xbd\xc3,SO2,CO,O3,NO2,PM10,PM25,\n".to_vec();
    old.extend_from_slice(row.as_bytes());
    assert_eq!(told(&read(&old)), told(&modern));
}

#[test]
fn the_wide_day_files_have_a_column_for_each_station() {
    let data = read(
        b"date,hour,type,1001A,1002A\n20190109,0,PM2.5,21,\n20190109,0,PM2.5_24h,99,99\n20190109,0,PM10,53,89\n20190109,0,CO,1.1,0.9\n",
    );
    assert_eq!(
        told(&data),
        [
            "2019-01-08T16:00:00Z 1001A pm2_5 21",
            "2019-01-08T16:00:00Z 1001A pm10 53",
            "2019-01-08T16:00:00Z 1002A pm10 89",
        ]
    );
}

#[test]
fn compressed_files_are_known_by_how_they_begin() {
    let text = b"time,station,pm10\n2022-01-08T13:00:00Z,a,30\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text).unwrap();
    let whole = gzip.finish().unwrap();
    assert_eq!(told(&read(&whole)), told(&read(text)));
    let cut = &whole[..whole.len() - 9];
    let error = Data::new().read(cut, "file.csv.gz", TimeLabel::End).unwrap_err();
    assert!(error.to_string().starts_with("file.csv.gz: cannot be read"), "{error}");
}

#[test]
fn what_cannot_be_understood_is_said_with_its_line_and_costs_nothing_else() {
    let data = read(
        b"time,station,pm2_5,pm10\nyesterday,a,1,2\n2022-01-08T13:00:00Z,,1,2\n2022-01-08T13:00:00Z,a,many,2\n2022-01-08T14:00:00Z,a,-3,NA\n2022-01-08T15:00:00Z,a\n\xff,\xfe,\xfd,\xfc\n",
    );
    assert_eq!(told(&data), ["2022-01-08T13:00:00Z a pm10 2"]);
    assert_eq!((data.counted().rows, data.counted().faults), (6, 5));
    let lines =
        ["file.csv:2: time", "file.csv:3: station", "file.csv:4: pm2_5", "file.csv:5: pm2_5"];
    for (said, line) in data.counted().shown.iter().zip(lines) {
        assert!(said.starts_with(line), "{said}");
    }
}

#[test]
fn a_file_of_another_layout_is_refused() {
    for head in ["", "a,b,c\n", "time,pm10\n", "time,station,lat\n", "date,hour,1001A\n"] {
        let error = Data::new().read(head.as_bytes(), "x.csv", TimeLabel::End).unwrap_err();
        assert!(error.to_string().starts_with("x.csv:1: unknown columns"), "{error}");
    }
}

#[test]
fn zones_are_listed_by_station() {
    let list =
        read_zones(&b"code,name,zone\n1001A,x,\"Beijing\"\n,y,Hebei\n1003A,z,\n"[..], "z.csv");
    assert_eq!(list.unwrap(), [("1001A".to_owned(), "Beijing".to_owned())]);
    assert!(read_zones(&b"code,province\n"[..], "z.csv").is_err());
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        head in 0usize..4,
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
    ) {
        let heads = ["", "time,station,pm10\n", "date,hour,type,a\n", "측정일시,측정소코드,PM25\n"];
        let text = [heads[head].as_bytes(), &bytes].concat();
        let _ = Data::new().read(&text[..], "x", TimeLabel::End);
        let _ = read_zones(&text[..], "x");
    }

    #[test]
    fn any_number_is_read_as_it_is_written(value in 0.0f64..2000.0) {
        let data = read(format!("time,station,pm10\n2022-01-08T13:00:00Z,a,{value}\n").as_bytes());
        proptest::prop_assert_eq!(data.samples()[0].value, value);
        proptest::prop_assert_eq!(data.samples()[0].quantity, Quantity::Pm10);
    }
}
