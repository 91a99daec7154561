//! What the formats are that the program reads by itself, for those who choose.

use super::{Format, TopicPattern};

/// A format in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The name in the configuration.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// Where its messages come unless the operator says otherwise; none: anywhere.
    pub topics: &'static [&'static str],
    /// Whether a body alone shows that it is of this format, so that it may be
    /// taken for it on whatever topic.
    pub plain_to_see: bool,
    /// What an operator must know.
    pub text: &'static str,
}

impl About {
    /// Whether one of its topics matches.
    pub fn expects(&self, topic: &str) -> bool {
        let pattern = |p: &&str| TopicPattern::parse(p).ok();
        self.topics.iter().filter_map(pattern).any(|p| p.matches(topic).is_some())
    }
}

/// The formats of this version that are no presets, by name.
pub fn formats() -> impl Iterator<Item = &'static About> {
    ABOUT.iter().filter(|about| Format::names().contains(&about.name))
}

/// Every format there is to tell of. Lines about one that a version does not
/// read are passed over.
const ABOUT: &[About] = &[
    About {
        name: "airgradient",
        title: "AirGradient monitors",
        topics: &["airgradient/readings/{device}"],
        plain_to_see: false,
        text: "The device is serialno, or the topic. pm02 is PM2.5; two lasers are channels; values that the firmware has corrected are the variant compensated. Absent keys are values that the firmware took for invalid.",
    },
    About {
        name: "airrohr",
        title: "sensor.community stations: a list of sensordatavalues",
        topics: &["airrohr/{device}", "sensor.community/{device}", "luftdaten/{device}"],
        plain_to_see: true,
        text: "P1 is PM10, P2 is PM2.5. Bodies of stations and records of the public API are both read; a station's second sensor for one quantity is a channel. The firmware itself speaks no MQTT: a bridge chooses the topic.",
    },
    About {
        name: "zigbee2mqtt",
        title: "Zigbee devices by Zigbee2MQTT",
        topics: &["zigbee2mqtt/{device}"],
        plain_to_see: false,
        text: "The device is the friendly name in the topic; messages hold the whole cached state. With last_seen switched on there, values have a time. -1 of a purifier whose fan is off is no reading.",
    },
    About {
        name: "tasmota",
        title: "Tasmota sensors",
        topics: &["tele/{device}/SENSOR", "{device}/tele/SENSOR"],
        plain_to_see: false,
        text: "Objects by sensor in tele/…/SENSOR. The time is that of a clock on the wall: give the subscription a time_zone, or arrival time counts.",
    },
    About {
        name: "luftdatenpumpe",
        title: "sensor.community's data by luftdatenpumpe",
        topics: &["luftdaten.info/#", "luftdaten/#"],
        plain_to_see: false,
        text: "Flat records with P1 and P2, station and sensor ids and a UTC time; the same record is sent again by later polls and then is a duplicate.",
    },
    About {
        name: "ttn-v3",
        title: "The Things Stack v3 (LoRaWAN)",
        topics: &["v3/+/devices/{device}/up"],
        plain_to_see: true,
        text: "The envelope is read; what a payload formatter made of the bytes is looked up by usual names. The time is that of reception by the network.",
    },
    About {
        name: "chirpstack-v4",
        title: "ChirpStack v4 (LoRaWAN)",
        topics: &["application/+/device/{device}/event/up"],
        plain_to_see: true,
        text: "The envelope is read; what a codec made of the bytes is looked up by usual names. Events other than up are housekeeping.",
    },
    About {
        name: "rtl433",
        title: "Radio sensors by rtl_433",
        topics: &["rtl_433/+/events", "rtl_433/#"],
        plain_to_see: false,
        text: "One JSON object for each reception; the device is model and id (and channel). Names carry the unit.",
    },
    About {
        name: "qingping",
        title: "Qingping air monitors",
        topics: &["qingping/{device}/up"],
        plain_to_see: false,
        text: "Records with a time each, several in a message; a status beside a value says whether it is good. What was not acknowledged is sent again.",
    },
    About {
        name: "influx-line",
        title: "InfluxDB line protocol",
        topics: &["telegraf/#", "influx/#"],
        plain_to_see: false,
        text: "A line each; fields are looked up by usual names, the device is a tag. Times are nanoseconds unless told otherwise.",
    },
    About {
        name: "senml",
        title: "SenML (RFC 8428) in JSON",
        topics: &["senml/#"],
        plain_to_see: false,
        text: "Records with base values that carry over; the base name is the device, the unit converts. Relative times are counted from arrival.",
    },
    About {
        name: "smartcitizen",
        title: "Smart Citizen kits",
        topics: &["device/sck/+/readings/raw", "device/sck/+/readings"],
        plain_to_see: false,
        text: "Sensor ids and values in a text of its own; the JSON of older kits is read too. The topic holds the kit's token, which is a secret: write + for that level.",
    },
    About {
        name: "sparkplug-b",
        title: "Sparkplug B",
        topics: &["spBv1.0/#"],
        plain_to_see: false,
        text: "Protobuf with births and deaths: metrics have the names and aliases that a birth gave them.",
    },
    About {
        name: "homie",
        title: "Homie 4 and 5",
        topics: &["homie/#"],
        plain_to_see: false,
        text: "One value per topic, described by a tree of $ topics, which the broker retains.",
    },
    About {
        name: "ha-discovery",
        title: "Home Assistant discovery",
        topics: &["homeassistant/+/+/config", "homeassistant/+/+/+/config"],
        plain_to_see: false,
        text: "Discovery messages say where states come and what they are: those of particle sensors and climate are read without further settings.",
    },
    About {
        name: "plain",
        title: "one number per topic",
        topics: &[],
        plain_to_see: false,
        text: "Device and quantity are levels of the topic, {device} and {quantity}, or settings; usual names of quantities are known, others are told by quantities.",
    },
    About {
        name: "forecast",
        title: "forecasts for zones",
        topics: &[],
        plain_to_see: false,
        text: "What POST /api/v1/forecasts takes, JSON or CSV: issuer, time of issue, zone, quantity, day and value.",
    },
    About {
        name: "json",
        title: "any JSON, by a mapping in the subscription",
        topics: &[],
        plain_to_see: false,
        text: "JSON Pointers say where device, time and values stand; what repeats, what is told by name and what is wrapped can be said too. See docs/configuration.md.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_told_of_once() {
        let mut told: Vec<&str> = formats().map(|about| about.name).collect();
        let mut names = Format::names().to_vec();
        told.sort_unstable();
        names.sort_unstable();
        assert_eq!(told, names);
    }

    #[test]
    fn every_topic_is_a_pattern() {
        for topic in ABOUT.iter().flat_map(|a| a.topics) {
            assert_eq!(TopicPattern::parse(topic).map(|p| p.to_string()), Ok((*topic).to_owned()));
        }
    }
}
