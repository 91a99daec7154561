//! AirGradient ONE, Open Air and DIY Pro: `airgradient/readings/<serial>`, one
//! flat JSON object, no time of its own.
//!
//! Keys are matched whole, since `pm02Count` is a count and no mass. Every key
//! may be missing: the firmware leaves out what it does not believe. Two-laser
//! models give each laser under `channels`; there the top level is their mean.
//! Under `satellites` stands the climate of other, paired devices.

use super::gathered::Gathered;
use super::json::{Tree, Value};
use super::{Captures, Decoded, Hints, Message, Refused, number};
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
pub fn read(m: &Message, captures: &Captures, _: &Hints) -> Result<Decoded, Refused> {
    let tree = Tree::object_of_message(m)?;
    let document = tree.top();
    let mut own = Gathered::default();
    gather(document, "", &mut own);
    for laser in document.get("channels").into_iter().flat_map(Value::members) {
        let channel = laser.name();
        if channel.len() > super::LABEL_MAX {
            own.skip(laser.path(), "the channel's name is too long");
        } else if laser.is_object() {
            gather(laser, &channel, &mut own);
        } else {
            own.skip(laser.path(), "not an object");
        }
    }
    let satellites = document.get("satellites").into_iter().flat_map(Value::members);
    let others: Vec<Decoded> = satellites
        .filter_map(|satellite| {
            let mut found = Gathered::default();
            gather(satellite, "", &mut found);
            (!found.is_empty()).then(|| found.of(satellite.name().into_owned(), None))
        })
        .collect();
    if own.is_empty() && others.is_empty() {
        return Err(Refused::Ignored("no_quantity"));
    }
    let mut all = own.of(device(m, document, captures), None);
    for other in others {
        all.observations.extend(other.observations);
        all.skipped.extend(other.skipped);
    }
    Ok(all)
}

/// The captured device, else the serial number of the body, else of the topic.
fn device(m: &Message, document: Value, captures: &Captures) -> String {
    let serial = || document.get("serialno").and_then(Value::identity);
    match captures.get("device") {
        Some(device) => device.to_owned(),
        None => match serial() {
            Some(serial) => serial.into_owned(),
            None => m.topic.strip_prefix("airgradient/readings/").unwrap_or(m.topic).to_owned(),
        },
    }
}

/// Gathers the known keys of one level of the document.
fn gather(level: Value, channel: &str, found: &mut Gathered) {
    for (key, quantity, variant) in KEYS {
        if let Some(value) = level.get(key) {
            let label = Label { channel: channel.to_owned(), variant: (*variant).to_owned() };
            found.add(*quantity, label, number::from_json(value), || value.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::fixture::{native, short};

    const TOPIC: &str = "airgradient/readings/aabbccddeeff";

    fn read(payload: &str) -> String {
        short(&native("airgradient", TOPIC, payload))
    }

    #[test]
    fn masses_climate_and_corrections_are_told_apart_and_counts_left_alone() {
        let payload = r#"{"wifi":-51,"serialno":"aabbccddee01","pm01":4.5,"pm02":9.25,"pm10":11,
            "pm01Standard":4.6,"pm02Standard":9.5,"pm10Standard":11.5,"pm02Compensated":8.1,
            "pm003Count":900,"pm02Count":7,"pm10Count":1,"rco2":512,"atmp":21.5,
            "atmpCompensated":20.1,"rhum":41,"rhumCompensated":46,"tvocIndex":90,"boot":3}"#;
        assert_eq!(
            read(payload),
            "aabbccddee01: pm1=4.5 pm2_5=9.25 pm10=11 pm1__cf1=4.6 pm2_5__cf1=9.5 pm10__cf1=11.5 \
             pm2_5__corrected=8.1 co2=512 temperature=21.5 temperature__corrected=20.1 \
             humidity=41 humidity__corrected=46"
        );
    }

    #[test]
    fn each_laser_is_a_channel() {
        let payload = r#"{"serialno":"a","pm02":9,"channels":{"1":{"pm02":8,"pm02Compensated":7},"2":{"pm02":10},"3":5}}"#;
        assert_eq!(
            read(payload),
            "a: pm2_5=9 pm2_5__ch_1=8 pm2_5__ch_1__corrected=7 pm2_5__ch_2=10\n\
             left out /channels/3 not an object"
        );
    }

    #[test]
    fn satellites_are_devices_of_their_own() {
        let payload = r#"{"serialno":"a","pm02":9,"satellites":{"f0":{"atmp":18.5,"rhum":60,"wifi":-70},"f1":{"wifi":-80}}}"#;
        assert_eq!(read(payload), "a: pm2_5=9\nf0: temperature=18.5 humidity=60");
    }

    #[test]
    fn every_key_may_be_missing_and_the_topic_then_names_the_device() {
        assert_eq!(read(r#"{"pm02":3}"#), "aabbccddeeff: pm2_5=3");
        assert_eq!(read(r#"{"wifi":-51,"serialno":"a"}"#), "ignored: no_quantity");
    }

    #[test]
    fn one_bad_entry_does_not_drop_the_others() {
        assert_eq!(
            read(r#"{"serialno":7,"pm01":null,"pm02":3,"pm10":"x","rco2":1e400,"rhum":[1]}"#),
            "7: pm2_5=3\n\
             left out /pm01 null: no reading\n\
             left out /pm10 \"x\" is not a number\n\
             left out /rco2 not a finite number\n\
             left out /rhum \"[1]\" is not a number"
        );
    }
}
