//! The layouts, and how a row of each becomes readings.

use super::TimeLabel;
use super::time::{CST, KST, Times, date_and_hour, date_hour, instant};
use crate::air::{Quantity, Stamp};
use crate::backtest::Data;
use csv::ByteRecord;

/// 측정소코드 in UTF-8 and in CP949.
const STATION_KR: [&[u8]; 2] =
    ["측정소코드".as_bytes(), b"\xc3\xf8\xc1\xa4\xbc\xd2\xc4\xda\xb5\xe5"];
/// 측정일시 in UTF-8 and in CP949.
const TIME_KR: [&[u8]; 2] = ["측정일시".as_bytes(), b"\xc3\xf8\xc1\xa4\xc0\xcf\xbd\xc3"];
/// What stands where there is no value.
const MISSING: [&[u8]; 10] =
    [b"", b"-", b"NA", b"N/A", b"NaN", b"nan", b"null", b"-99", b"-999", b"-9999"];

/// How a file is laid out.
pub(super) enum Layout {
    Long(Long),
    Wide(Wide),
}

/// One row a station and time.
pub(super) struct Long {
    time: usize,
    station: usize,
    zone: Option<usize>,
    values: Vec<(usize, Quantity)>,
    parse: fn(&[u8]) -> Option<Stamp>,
    wanted: &'static str,
    times: Times,
}

/// One row a time and type, one column a station.
pub(super) struct Wide {
    date: usize,
    hour: usize,
    kind: usize,
    /// Column, name, and number once it has a value.
    stations: Vec<(usize, String, Option<u32>)>,
}

/// The column with one of these names, in any case.
pub(super) fn column(head: &ByteRecord, names: &[&str]) -> Option<usize> {
    head.iter()
        .position(|cell| names.iter().any(|n| clean(cell).eq_ignore_ascii_case(n.as_bytes())))
}

/// A name without spaces and without the mark that some programs put at the start.
fn clean(cell: &[u8]) -> &[u8] {
    cell.strip_prefix(b"\xef\xbb\xbf").unwrap_or(cell).trim_ascii()
}

fn quantity(name: &[u8]) -> Option<Quantity> {
    let name = std::str::from_utf8(clean(name)).ok()?.to_ascii_lowercase();
    match name.as_str() {
        "pm25" | "pm2.5" => Some(Quantity::Pm2_5),
        other => Quantity::from_name(other),
    }
}

impl Layout {
    /// The layout of a file with this first line, if it is one known here.
    pub fn of(head: &ByteRecord) -> Option<Layout> {
        let one_of = |names: [&[u8]; 2]| head.iter().position(|c| names.contains(&clean(c)));
        let named = head.iter().enumerate();
        let values: Vec<_> = named.filter_map(|(i, name)| Some((i, quantity(name)?))).collect();
        if let Some((date, hour)) = column(head, &["date"]).zip(column(head, &["hour"])) {
            return Wide::of(head, date, hour).map(Layout::Wide);
        }
        let long = |time, station, zone, parse, wanted| {
            let times = Times::default();
            let long = Long { time, station, zone, values, parse, wanted, times };
            (!long.values.is_empty()).then_some(Layout::Long(long))
        };
        if let Some((time, station)) = one_of(TIME_KR).zip(one_of(STATION_KR)) {
            let parse = |text: &[u8]| date_hour(text, KST);
            return long(time, station, None, parse, "hours 01 to 24 as in 2022010824");
        }
        let (time, station) = column(head, &["time"]).zip(column(head, &["station", "device"]))?;
        let zone = column(head, &["zone"]);
        long(time, station, zone, instant, "RFC 3339 with an offset, as in 2022-01-08T13:00:00Z")
    }

    /// Takes a row.
    pub fn row(&mut self, data: &mut Data, row: &ByteRecord, name: &str, label: TimeLabel) {
        match self {
            Layout::Long(long) => long.row(data, row, name, label),
            Layout::Wide(wide) => wide.row(data, row, name, label),
        }
    }
}

impl Long {
    fn row(&mut self, data: &mut Data, row: &ByteRecord, name: &str, label: TimeLabel) {
        let cell = |i: usize| row.get(i).unwrap_or_default().trim_ascii();
        let Some(at) = self.times.get(cell(self.time), self.parse) else {
            let wanted = self.wanted;
            return data.fault(|| {
                format!("{}: time {}; expected {wanted}", place(name, row), shown(cell(self.time)))
            });
        };
        let Some(station) = station(cell(self.station)) else {
            return data.fault(|| {
                let found = shown(cell(self.station));
                format!("{}: station {found}; expected a name in UTF-8", place(name, row))
            });
        };
        let at = label.within(at);
        let mut device = None;
        for (i, quantity) in &self.values {
            match value(cell(*i), *quantity) {
                Cell::Missing => {}
                Cell::Bad => data.fault(|| bad_value(name, row, cell(*i), *quantity)),
                Cell::Value(value) => {
                    let device = *device.get_or_insert_with(|| data.device(station));
                    data.push(at, device, *quantity, value);
                }
            }
        }
        let zone = self.zone.and_then(|i| std::str::from_utf8(cell(i)).ok());
        if let (Some(device), Some(zone)) = (device, zone.filter(|z| !z.is_empty())) {
            data.in_zone(device, zone);
        }
    }
}

impl Wide {
    fn of(head: &ByteRecord, date: usize, hour: usize) -> Option<Wide> {
        let kind = column(head, &["type"])?;
        let others = head.iter().enumerate().filter(|(i, _)| ![date, hour, kind].contains(i));
        let stations: Vec<_> =
            others.filter_map(|(i, c)| Some((i, station(clean(c))?.to_owned(), None))).collect();
        (!stations.is_empty()).then_some(Wide { date, hour, kind, stations })
    }

    fn row(&mut self, data: &mut Data, row: &ByteRecord, name: &str, label: TimeLabel) {
        let cell = |i: usize| row.get(i).unwrap_or_default().trim_ascii();
        let quantity = match cell(self.kind) {
            b"PM2.5" => Quantity::Pm2_5,
            b"PM10" => Quantity::Pm10,
            _ => return,
        };
        let Some(at) = date_and_hour(cell(self.date), cell(self.hour), CST) else {
            return data.fault(|| {
                let (date, hour) = (shown(cell(self.date)), shown(cell(self.hour)));
                let expected = "expected a date as in 20190109 and an hour of 0 to 23";
                format!("{}: date {date}, hour {hour}; {expected}", place(name, row))
            });
        };
        let at = label.within(at);
        for (i, station, device) in &mut self.stations {
            match value(cell(*i), quantity) {
                Cell::Missing => {}
                Cell::Bad => data.fault(|| bad_value(name, row, cell(*i), quantity)),
                Cell::Value(value) => {
                    let device = *device.get_or_insert_with(|| data.device(station));
                    data.push(at, device, quantity, value);
                }
            }
        }
    }
}

enum Cell {
    Missing,
    Bad,
    Value(f64),
}

fn value(cell: &[u8], quantity: Quantity) -> Cell {
    if MISSING.contains(&cell) {
        return Cell::Missing;
    }
    let number = std::str::from_utf8(cell).ok().and_then(|t| t.parse::<f64>().ok());
    let may_be_negative = quantity == Quantity::Temperature;
    match number.filter(|n| n.is_finite() && (*n >= 0.0 || may_be_negative)) {
        Some(number) => Cell::Value(number),
        None => Cell::Bad,
    }
}

fn station(cell: &[u8]) -> Option<&str> {
    std::str::from_utf8(cell).ok().filter(|s| !s.is_empty())
}

fn bad_value(name: &str, row: &ByteRecord, cell: &[u8], quantity: Quantity) -> String {
    let expected = "expected a number that is not negative, or nothing";
    format!("{}: {quantity} {}; {expected}", place(name, row), shown(cell))
}

fn place(name: &str, row: &ByteRecord) -> String {
    format!("{name}:{}", row.position().map_or(0, csv::Position::line))
}

fn shown(cell: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(cell).chars().take(40).collect();
    format!("{text:?}")
}
