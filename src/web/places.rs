//! Which device stands where.

use crate::config::settings::Station;
use crate::store::{DeviceId, Reader, StoreError};
use std::collections::HashMap;

/// Stations by device and devices by station. A device that no station names
/// is its own station, under its own name.
#[derive(Debug, Clone, Default)]
pub struct Places {
    stations: Vec<Station>,
    station_of: HashMap<String, usize>,
}

impl Places {
    /// The places of these stations.
    pub fn new(stations: &[Station]) -> Places {
        let named = stations.iter().enumerate();
        let station_of =
            named.flat_map(|(i, s)| s.devices.iter().map(move |d| (d.clone(), i))).collect();
        Places { stations: stations.to_vec(), station_of }
    }

    /// The stations that the operator named.
    pub fn stations(&self) -> &[Station] {
        &self.stations
    }

    /// The id of the station where a device stands.
    pub fn station<'a>(&'a self, device: &'a str) -> &'a str {
        self.named(device).map_or(device, |s| &s.id)
    }

    /// The station that names the device.
    pub fn named(&self, device: &str) -> Option<&Station> {
        self.stations.get(*self.station_of.get(device)?)
    }

    /// The names of the devices of a station.
    pub fn devices(&self, station: &str) -> Vec<String> {
        match self.stations.iter().find(|s| s.id == station) {
            Some(s) => s.devices.clone(),
            None if self.named(station).is_none() => vec![station.to_owned()],
            None => Vec::new(),
        }
    }

    /// The devices wanted by a device and/or a station that are known to the store;
    /// `None` if neither is given: all.
    pub fn wanted(
        &self,
        reader: &mut Reader,
        device: Option<&str>,
        station: Option<&str>,
    ) -> Result<Option<Vec<DeviceId>>, StoreError> {
        let names = match (device, station) {
            (None, None) => return Ok(None),
            (Some(d), None) => vec![d.to_owned()],
            (None, Some(s)) => self.devices(s),
            (Some(d), Some(s)) => self.devices(s).into_iter().filter(|n| n == d).collect(),
        };
        if names.iter().any(|n| reader.device_id(n).is_none()) {
            reader.refresh_names()?;
        }
        Ok(Some(names.iter().filter_map(|n| reader.device_id(n)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::Names;

    #[test]
    fn a_device_that_no_station_names_is_its_own_station() {
        let station = Station {
            id: "jongno".into(),
            name: Names::plain("Jongno"),
            lat: None,
            lon: None,
            devices: vec!["a".into(), "b".into()],
            model: None,
        };
        let places = Places::new(&[station]);
        assert_eq!((places.station("a"), places.station("c")), ("jongno", "c"));
        assert_eq!(places.devices("jongno"), ["a", "b"]);
        assert_eq!(places.devices("c"), ["c"]);
        assert!(places.devices("a").is_empty(), "a stands at jongno and is no station itself");
    }
}
