//! What outlives the process.

use super::Judge;
use super::devices::{Device, SavedDevice, SavedStation};
use super::zones::{SavedZone, Zone};

/// What of a [`Judge`] outlives the process. Everything is by name, so that
/// another configuration finds what it still has.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Saved {
    devices: Vec<SavedDevice>,
    stations: Vec<SavedStation>,
    zones: Vec<SavedZone>,
}

/// The layout of [`Saved`] as bytes; another one is not read.
const LAYOUT: u8 = 4;

impl Saved {
    /// As bytes, with the layout in front.
    pub fn encode(&self) -> Option<Vec<u8>> {
        postcard::to_extend(self, vec![LAYOUT]).ok()
    }

    /// From bytes of this layout.
    pub fn decode(bytes: &[u8]) -> Option<Saved> {
        let (layout, rest) = bytes.split_first()?;
        postcard::from_bytes(rest).ok().filter(|_| *layout == LAYOUT)
    }

    /// How many devices had been announced.
    pub fn devices(&self) -> u32 {
        self.devices.len() as u32
    }
}

impl Judge {
    /// Goes on from what was saved, for the devices announced with the same numbers.
    pub fn restore(&mut self, saved: Saved) {
        for (device, saved) in self.devices.iter_mut().zip(saved.devices) {
            device.restore(saved);
        }
        for saved in saved.stations {
            // One that is neither configured nor a device's own any more is gone.
            let Some(place) = self.station_ids.get(saved.id.as_str()) else { continue };
            if let Some(station) = self.stations.get_mut(*place as usize) {
                station.restore(saved, &self.plan.thresholds);
            }
        }
        for saved in saved.zones {
            if let Some(zone) = self.zones.iter_mut().find(|z| z.id() == saved.id) {
                zone.restore(saved);
            }
        }
        self.count_reached();
    }

    /// What outlives the process.
    pub fn save(&self) -> Saved {
        Saved {
            devices: self.devices.iter().map(Device::save).collect(),
            stations: self.stations.iter().map(|s| s.save(&self.plan.thresholds)).collect(),
            zones: self.zones.iter().map(Zone::save).collect(),
        }
    }
}
