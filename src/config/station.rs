//! `[[station]]` and `stations = "stations.csv"`: where devices stand.

use super::fault::Finding;
use super::quality;
use super::reader::{Item, Table};
use super::settings::Station;
use super::values::Unique;
use crate::air::Names;
use crate::decode::DEVICE_MAX;
use crate::quality::Model;
use std::collections::BTreeMap;
use std::path::Path;

/// The columns that a station list may have.
const COLUMNS: [&str; 9] =
    ["id", "name", "name_ko", "name_zh", "name_en", "lat", "lon", "devices", "model"];

/// The stations read so far, with what must not be there twice.
#[derive(Default)]
pub(super) struct Stations {
    pub(super) ids: Unique,
    /// The station of each device.
    devices: BTreeMap<String, String>,
    pub(super) list: Vec<Station>,
}

/// Reads every station, from the list first.
pub(super) fn read(root: &mut Table<'_>) -> Stations {
    let mut stations = Stations::default();
    if let Some(item) = root.get("stations") {
        read_list(&item, &mut stations);
    }
    for mut table in root.tables("station") {
        let station = one(&mut table, &mut stations);
        table.finish();
        stations.list.push(station);
    }
    stations
}

fn one(table: &mut Table<'_>, stations: &mut Stations) -> Station {
    let id = table.own_name("id", &mut stations.ids);
    let name = table.get("name").and_then(|i| i.names()).unwrap_or_else(|| Names::plain(&id));
    let lat = table.get("lat");
    let lon = table.get("lon");
    match (&lat, &lon) {
        (Some(item), None) => item.fault("needs lon beside it", None),
        (None, Some(item)) => item.fault("needs lat beside it", None),
        _ => {}
    }
    let mut devices = Vec::new();
    for item in table.get("devices").map(|i| i.list("device identities")).unwrap_or_default() {
        let Some(device) = item.filled_text() else { continue };
        match stations.place(device, &id) {
            Ok(()) => devices.push(device.to_owned()),
            Err(message) => item.fault(message, None),
        }
    }
    Station {
        id,
        name,
        lat: lat.and_then(|i| i.number_in(-90.0..=90.0)),
        lon: lon.and_then(|i| i.number_in(-180.0..=180.0)),
        devices,
        model: quality::model(table),
    }
}

impl Stations {
    /// Puts a device into a station; a device stands in one only.
    fn place(&mut self, device: &str, station: &str) -> Result<(), String> {
        if device.len() > DEVICE_MAX {
            return Err(format!("found {} bytes, expected at most {DEVICE_MAX}", device.len()));
        }
        match self.devices.get(device) {
            Some(other) if other == station => Err(format!("device {device:?} is there twice")),
            Some(other) => Err(format!("device {device:?} stands in station {other:?} already")),
            None => {
                self.devices.insert(device.to_owned(), station.to_owned());
                Ok(())
            }
        }
    }
}

/// Reads a station list in CSV.
fn read_list(item: &Item<'_>, stations: &mut Stations) {
    let Some(path) = item.path() else { return };
    let Some(bytes) = item.read_file(&path) else { return };
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text);
    let mut list = List { item, path: &path, columns: Vec::new() };
    match reader.headers() {
        Ok(header) => {
            list.columns = header.iter().map(str::to_owned).collect();
            if !list.header_is_good() {
                return;
            }
        }
        Err(error) => return list.unreadable(&error),
    }
    for record in reader.records() {
        match record {
            Ok(record) => {
                let station = list.station(&record, stations);
                stations.list.push(station);
            }
            Err(error) => list.unreadable(&error),
        }
    }
}

/// A station list under way.
struct List<'a> {
    item: &'a Item<'a>,
    path: &'a Path,
    columns: Vec<String>,
}

impl List<'_> {
    fn fault(&self, line: u64, column: usize, path: &str, message: String, hint: Option<String>) {
        let mut fault = Finding::whole_file(&self.path.display().to_string(), message, hint);
        fault.line = usize::try_from(line).unwrap_or(usize::MAX);
        fault.column = column;
        fault.path = path.to_owned();
        self.item.ctx.push_fault(fault);
    }

    fn unreadable(&self, error: &csv::Error) {
        let line = error.position().map_or(1, csv::Position::line);
        let message = match error.kind() {
            csv::ErrorKind::Utf8 { .. } => "not UTF-8 text".to_owned(),
            _ => error.to_string(),
        };
        self.fault(line, 1, "", message, Some("expected CSV in UTF-8".to_owned()));
    }

    fn header_is_good(&self) -> bool {
        let mut good = true;
        for (i, column) in self.columns.iter().enumerate() {
            let at = place_in_line(self.columns.iter().map(String::as_str), i);
            if !COLUMNS.contains(&column.as_str()) {
                let hint = super::fault::did_you_mean(column, COLUMNS)
                    .unwrap_or_else(|| format!("known here: {}", COLUMNS.join(", ")));
                self.fault(1, at, column, "unknown column".to_owned(), Some(hint));
                good = false;
            } else if self.columns.iter().take(i).any(|other| other == column) {
                self.fault(1, at, column, "this column is there twice".to_owned(), None);
                good = false;
            }
        }
        if !self.columns.iter().any(|c| c == "id") {
            let hint = format!("begin the file with a header such as {}", COLUMNS.join(","));
            self.fault(1, 1, "id", "this column is missing".to_owned(), Some(hint));
            good = false;
        }
        good
    }

    fn station(&self, record: &csv::StringRecord, stations: &mut Stations) -> Station {
        let row = Row { list: self, record };
        if record.len() != self.columns.len() {
            let message = format!("found {} fields, expected {}", record.len(), self.columns.len());
            row.fault("", message);
        }
        let id = row.get("id").unwrap_or_default();
        if id.is_empty() || id.chars().any(|c| c.is_control() || c.is_whitespace()) {
            row.fault("id", format!("found {id:?}, expected a name of its own without spaces"));
        } else if !stations.ids.take(id) {
            row.fault("id", format!("{id:?} is there twice"));
        }
        let (lat, lon) = (row.degrees("lat", 90.0), row.degrees("lon", 180.0));
        if row.get("lat").is_some() != row.get("lon").is_some() {
            row.fault("lat", "lat and lon come together".to_owned());
        }
        let model = row.model();
        let mut devices = Vec::new();
        for device in row.get("devices").unwrap_or_default().split(';').map(str::trim) {
            if device.is_empty() {
                continue;
            }
            match stations.place(device, id) {
                Ok(()) => devices.push(device.to_owned()),
                Err(message) => row.fault("devices", message),
            }
        }
        Station { id: id.to_owned(), name: row.names(id), lat, lon, devices, model }
    }
}

/// One row of a station list.
struct Row<'a> {
    list: &'a List<'a>,
    record: &'a csv::StringRecord,
}

impl<'a> Row<'a> {
    fn place(&self, column: &str) -> Option<usize> {
        self.list.columns.iter().position(|c| c == column)
    }

    /// The field of a column, if it is there and not empty.
    fn get(&self, column: &str) -> Option<&'a str> {
        self.record.get(self.place(column)?).filter(|text| !text.is_empty())
    }

    fn fault(&self, column: &str, message: String) {
        let line = self.record.position().map_or(1, csv::Position::line);
        let at = place_in_line(self.record.iter(), self.place(column).unwrap_or(0));
        self.list.fault(line, at, column, message, None);
    }

    fn degrees(&self, column: &str, most: f64) -> Option<f64> {
        let text = self.get(column)?;
        let number = text.parse::<f64>().ok().filter(|n| n.abs() <= most);
        if number.is_none() {
            self.fault(column, format!("found {text:?}, expected degrees from -{most} to {most}"));
        }
        number
    }

    fn model(&self) -> Option<Model> {
        let text = self.get("model")?;
        let known = Model::NAMES.iter().find(|(name, _)| *name == text);
        if known.is_none() {
            let names = Model::NAMES.map(|(name, _)| name).join(", ");
            self.fault("model", format!("found {text:?}, expected one of {names}"));
        }
        known.map(|(_, model)| *model)
    }

    fn names(&self, id: &str) -> Names {
        let text = |column| self.get(column).map(str::to_owned);
        let names = Names {
            ko: text("name_ko"),
            zh: text("name_zh"),
            en: text("name_en").or_else(|| text("name")),
        };
        if names == Names::default() { Names::plain(id) } else { names }
    }
}

/// The column, from 1, at which a field begins in a line without quotes.
fn place_in_line<'f>(fields: impl Iterator<Item = &'f str>, index: usize) -> usize {
    1 + fields.take(index).map(|f| f.chars().count() + 1).sum::<usize>()
}
