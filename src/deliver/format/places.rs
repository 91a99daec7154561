//! Where zones and stations are, for formats that tell it.

use crate::config::settings::{Station, Zone};
use std::collections::HashMap;

/// Where something is; latitude before longitude, WGS 84 degrees.
#[derive(Debug, Clone, PartialEq)]
pub enum Area {
    /// The corners of a closed line: the last is the first.
    Polygon(Vec<[f64; 2]>),
    /// A point.
    Point([f64; 2]),
}

/// Areas by scope: `zone/<id>` or `station/<id>`. What was given no coordinates
/// is not here.
#[derive(Debug, Clone, Default)]
pub struct Areas(HashMap<String, Area>);

impl Areas {
    /// Those of the configuration.
    pub fn of(zones: &[Zone], stations: &[Station]) -> Areas {
        let mut areas = Areas::default();
        for zone in zones.iter().filter(|z| !z.polygon.is_empty()) {
            areas.insert(&format!("zone/{}", zone.id), Area::Polygon(zone.polygon.clone()));
        }
        for station in stations {
            if let (Some(lat), Some(lon)) = (station.lat, station.lon) {
                areas.insert(&format!("station/{}", station.id), Area::Point([lat, lon]));
            }
        }
        areas
    }

    /// Adds one.
    pub fn insert(&mut self, scope: &str, area: Area) {
        self.0.insert(scope.to_owned(), area);
    }

    /// The area of a scope, if it is known.
    pub fn get(&self, scope: &str) -> Option<&Area> {
        self.0.get(scope)
    }
}
