//! AirGradient ONE, Open Air and DIY Pro: `airgradient/readings/<serial>`, one
//! flat JSON object, no time of its own.
//!
//! Keys are matched whole, since `pm02Count` is a count and no mass. Every key
//! may be missing: the firmware leaves out what it does not believe. Two-laser
//! models give each laser under `channels`; there the top level is their mean.
//! Under `satellites` stands the climate of other, paired devices.

use super::gathered::Gathered;
use super::json::{self, Container, escape};
use super::{Captures, Decoded, Message, Refused, number};
use crate::air::{Label, Quantity};

/// Key, quantity, variant. `Standard` is the sensor's CF=1 calibration,
/// `Compensated` the maker's correction.
const KEYS: &[(&str, Quantity, &str)] = &[
    ("pm01", Quantity::Pm1, ""),
    ("pm02", Quantity::Pm2_5, ""),
    ("pm10", Quantity::Pm10, ""),
    ("pm01Standard", Quantity::Pm1, "cf1"),
    ("pm02Standard", Quantity::Pm2_5, "cf1"),
    ("pm10Standard", Quantity::Pm10, "cf1"),
    ("pm02Compensated", Quantity::Pm2_5, "corrected"),
    ("rco2", Quantity::Co2, ""),
    ("atmp", Quantity::Temperature, ""),
    ("atmpCompensated", Quantity::Temperature, "corrected"),
    ("rhum", Quantity::Humidity, ""),
    ("rhumCompensated", Quantity::Humidity, "corrected"),
];

/// Reads one message.
pub fn read(m: &Message, captures: &Captures) -> Result<Decoded, Refused> {
    let document = Container::object_of_message(m)?;
    let mut own = Gathered::default();
    gather(&document, "", "", &mut own);
    let nested = |name: &str| document.get(name).and_then(Container::of);
    let channels = nested("channels");
    for (channel, raw) in channels.iter().flat_map(|c| c.members()) {
        let path = format!("/channels/{}", escape(channel));
        match Container::of(raw) {
            _ if channel.len() > super::LABEL_MAX => {
                own.skip(path, "the channel's name is too long")
            }
            Some(laser) => gather(&laser, &path, channel, &mut own),
            None => own.skip(path, "not an object"),
        }
    }
    let satellites = nested("satellites");
    let satellites = satellites.iter().flat_map(|s| s.members());
    let others: Vec<Decoded> = satellites
        .filter_map(|(mac, raw)| {
            let mut found = Gathered::default();
            let path = format!("/satellites/{}", escape(mac));
            gather(&Container::of(raw)?, &path, "", &mut found);
            (!found.is_empty()).then(|| found.of(mac.to_string(), None))
        })
        .collect();
    if own.is_empty() && others.is_empty() {
        return Err(Refused::Ignored("no_quantity"));
    }
    let mut all = own.of(device(m, &document, captures), None);
    for other in others {
        all.observations.extend(other.observations);
        all.skipped.extend(other.skipped);
    }
    Ok(all)
}

/// The captured device, else the serial number of the body, else of the topic.
fn device(m: &Message, document: &Container, captures: &Captures) -> String {
    let serial = || document.get("serialno").and_then(json::identity);
    match captures.get("device") {
        Some(device) => device.to_owned(),
        None => match serial() {
            Some(serial) => serial.into_owned(),
            None => m.topic.strip_prefix("airgradient/readings/").unwrap_or(m.topic).to_owned(),
        },
    }
}

/// Gathers the known keys of one level of the document.
fn gather(level: &Container, path: &str, channel: &str, found: &mut Gathered) {
    for (key, quantity, variant) in KEYS {
        if let Some(raw) = level.get(key) {
            let label = Label { channel: channel.to_owned(), variant: (*variant).to_owned() };
            found.add(*quantity, label, number::from_json(raw), || format!("{path}/{key}"));
        }
    }
}
