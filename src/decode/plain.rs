//! One bare number per topic: ESPHome, ESPEasy, Smogomierz and much that is
//! built at home. Device and quantity come from the topic or the settings.

use super::elements::is_label;
use super::gathered::Gathered;
use super::mapping::{Ask, Meaning, Scale, Template, meaning};
use super::number::{self, NoNumber};
use super::{Captures, Decoded, LABEL_MAX, Message, Refused, json};
use crate::air::{Label, Quantity};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// How plain numbers are read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plain {
    /// The device: the first of these that the topic can tell; none: the
    /// captured `{device}`, else the whole topic.
    pub device: Vec<Template>,
    /// The quantity; `None`: the captured `{quantity}`, else the last level of
    /// the topic that is not empty, looked up by name.
    pub quantity: Option<Quantity>,
    /// The network's own names of quantities, looked up before [`USUAL_NAMES`];
    /// whole names, case does not matter.
    pub names: BTreeMap<String, Meaning>,
    /// The series among several of one quantity; a captured `{channel}` or
    /// `{variant}` counts more. Not for values that `names` knows.
    pub label: Label,
    /// How the number is read; not for values that `names` knows.
    pub scale: Scale,
}

/// Usual spellings, in lower case and with `_` for any of `_`, `-`, `.` and
/// space. Only whole names: `PPD0.3` or `pm2_5_count` are no masses. Gases are
/// not here, since their unit differs from network to network.
pub const USUAL_NAMES: &[(&str, Quantity)] = &[
    ("pm2_5", Quantity::Pm2_5),
    ("pm25", Quantity::Pm2_5),
    ("pm_2_5", Quantity::Pm2_5),
    ("pm_25", Quantity::Pm2_5),
    ("pm10", Quantity::Pm10),
    ("pm_10", Quantity::Pm10),
    ("pm10_0", Quantity::Pm10),
    ("pm_10_0", Quantity::Pm10),
    ("pm1", Quantity::Pm1),
    ("pm_1", Quantity::Pm1),
    ("pm1_0", Quantity::Pm1),
    ("pm_1_0", Quantity::Pm1),
    ("pm01", Quantity::Pm1),
    ("pm4", Quantity::Pm4),
    ("pm_4", Quantity::Pm4),
    ("pm4_0", Quantity::Pm4),
    ("pm_4_0", Quantity::Pm4),
    ("temperature", Quantity::Temperature),
    ("temp", Quantity::Temperature),
    ("air_temperature", Quantity::Temperature),
    ("humidity", Quantity::Humidity),
    ("hum", Quantity::Humidity),
    ("rh", Quantity::Humidity),
    ("relative_humidity", Quantity::Humidity),
    ("co2", Quantity::Co2),
    ("carbon_dioxide", Quantity::Co2),
    ("pressure", Quantity::Pressure),
    ("air_pressure", Quantity::Pressure),
    ("atmospheric_pressure", Quantity::Pressure),
];

/// The longest usual spelling, bytes.
const USUAL_MAX: usize = {
    let (mut longest, mut row) = (0, 0);
    while row < USUAL_NAMES.len() {
        let length = USUAL_NAMES[row].0.len();
        longest = if length > longest { length } else { longest };
        row += 1;
    }
    longest
};

/// The quantity of a usual spelling.
pub fn usual_quantity(name: &str) -> Option<Quantity> {
    let mut canonical = [0; USUAL_MAX];
    let canonical = canonical.get_mut(..name.len())?;
    for (canonical, byte) in canonical.iter_mut().zip(name.bytes()) {
        *canonical = match byte {
            b'-' | b'.' | b' ' => b'_',
            byte => byte.to_ascii_lowercase(),
        };
    }
    let usual = USUAL_NAMES.iter().find(|(usual, _)| usual.as_bytes() == &*canonical);
    usual.map(|(_, quantity)| *quantity)
}

impl Plain {
    pub(super) fn read(&self, m: &Message, captures: &Captures) -> Result<Decoded, Refused> {
        let named = self.device.iter().find_map(|template| template.of(captures));
        let device = named.unwrap_or_else(|| captures.device().to_owned());
        let mut found = Gathered::default();
        let name = captures.get("quantity").unwrap_or_else(|| last_level(m.topic));
        let Some(meaning) = self.meaning(name) else {
            let name = number::shown(name);
            found.skip("", format!("no quantity is called {name:?} here: name it in the settings"));
            return Ok(found.of(device, None));
        };
        let text = json::message_text(m)?.trim_matches('"');
        match meaning.scale.read(text) {
            Err(NoNumber::Other(shown)) => {
                let detail = format!(
                    "{shown:?} is not a number; for JSON use the network's format, or \"json\""
                );
                return Err(Refused::malformed("not_a_number", detail));
            }
            number => match Captured::of(captures).label(&meaning.label) {
                Ok(label) => found.add(meaning.quantity, label, number, String::new),
                Err(reason) => found.skip("", reason),
            },
        }
        Ok(found.of(device, None))
    }

    fn meaning(&self, name: &str) -> Option<Cow<'_, Meaning>> {
        let own = || meaning(&self.names, name);
        let quantity = match self.quantity {
            Some(quantity) => quantity,
            None => match own()? {
                Cow::Borrowed(meaning) => return Some(Cow::Borrowed(meaning)),
                Cow::Owned(usual) => usual.quantity,
            },
        };
        let (label, scale) = (self.label.clone(), self.scale.clone());
        Some(Cow::Owned(Meaning { quantity, label, scale }))
    }
}

/// The channel and variant that the topic or the document names.
pub(super) struct Captured<'a> {
    channel: Option<Cow<'a, str>>,
    variant: Option<Cow<'a, str>>,
}

impl<'a> Captured<'a> {
    /// What was captured under these names.
    pub fn of(who: &'a impl Ask) -> Captured<'a> {
        Captured { channel: who.captured("channel"), variant: who.captured("variant") }
    }

    /// The label of the settings, with what was captured in its place.
    pub fn label(&self, set: &Label) -> Result<Label, String> {
        Ok(Label {
            channel: part("channel", self.channel.as_deref(), &set.channel)?,
            variant: part("variant", self.variant.as_deref(), &set.variant)?,
        })
    }
}

fn part(name: &str, captured: Option<&str>, set: &str) -> Result<String, String> {
    match captured {
        Some(text) if !is_label(text) => Err(format!(
            "the {name} {:?} is longer than {LABEL_MAX} bytes or has control characters",
            number::shown(text)
        )),
        Some(text) => Ok(text.to_owned()),
        None => Ok(set.to_owned()),
    }
}

fn last_level(topic: &str) -> &str {
    topic.rsplit('/').find(|level| !level.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Format;
    use crate::decode::fixture::{self, short};

    fn read(pattern: &str, plain: Plain, topic: &str, payload: &str) -> String {
        short(&fixture::read(pattern, Format::Plain(plain), topic, payload))
    }

    fn by_topic(topic: &str, payload: &str) -> String {
        read("tele/{device}/{quantity}", Plain::default(), topic, payload)
    }

    #[test]
    fn device_and_quantity_come_from_the_topic() {
        assert_eq!(by_topic("tele/d1/PM2.5", "6"), "d1: pm2_5=6");
        assert_eq!(by_topic("tele/d1/temperature", " -3.40\r\n\0"), "d1: temperature=-3.4");
        let everything = "home/balcony/PM10/";
        assert_eq!(read("#", Plain::default(), everything, "7"), "home/balcony/PM10/: pm10=7");
        let pattern = "{device}/{channel}/{quantity}";
        assert_eq!(read(pattern, Plain::default(), "e1/PMS/pm1.0", "5"), "e1: pm1__ch_PMS=5");
    }

    #[test]
    fn or_from_the_settings() {
        let plain = Plain {
            device: vec![Template::parse("garden").unwrap()],
            quantity: Some(Quantity::Temperature),
            scale: Scale { factor: 5.0 / 9.0, offset: -160.0 / 9.0, ..Scale::default() },
            ..Plain::default()
        };
        assert_eq!(read("a/b", plain, "a/b", "41"), "garden: temperature=5");
        let names = BTreeMap::from([("Feinstaub".to_owned(), Quantity::Pm2_5.into())]);
        let plain = Plain { names, ..Plain::default() };
        assert_eq!(read("{device}/{quantity}", plain, "d/feinstaub", "4"), "d: pm2_5=4");
    }

    #[test]
    fn the_label_of_the_settings_is_told_unless_the_topic_names_another() {
        let label = Label { channel: "a".to_owned(), variant: "cf1".to_owned() };
        let plain = || Plain { label: label.clone(), ..Plain::default() };
        let of = |pattern: &str, topic: &str| read(pattern, plain(), topic, "5");
        assert_eq!(of("{device}/{quantity}", "d/pm10"), "d: pm10__ch_a__cf1=5");
        assert_eq!(of("{device}/{channel}/{quantity}", "d/b/pm10"), "d: pm10__ch_b__cf1=5");
        assert_eq!(of("{device}/{variant}/{quantity}", "d/atm/pm10"), "d: pm10__ch_a__atm=5");
        let refused = of("{device}/{channel}/{quantity}", "d/b\u{7}/pm10");
        assert!(refused.starts_with("d: nothing\nleft out  the channel "), "{refused}");
    }

    #[test]
    fn usual_spellings_are_known_whole() {
        for (name, quantity) in [
            ("PM2.5", Quantity::Pm2_5),
            ("pm25", Quantity::Pm2_5),
            ("pm2_5", Quantity::Pm2_5),
            ("pm_2_5", Quantity::Pm2_5),
            ("PM-2.5", Quantity::Pm2_5),
            ("pm1.0", Quantity::Pm1),
            ("PM1", Quantity::Pm1),
            ("pm10.0", Quantity::Pm10),
            ("PM10", Quantity::Pm10),
            ("CO2", Quantity::Co2),
            ("Humidity", Quantity::Humidity),
        ] {
            assert_eq!(usual_quantity(name), Some(quantity), "{name}");
        }
        for name in ["PPD0.3", "pm2_5_count", "pm", "", "pm100", "co", "pm02"] {
            assert_eq!(usual_quantity(name), None, "{name}");
        }
        for quantity in Quantity::ALL.into_iter().filter(|q| !q.unit().starts_with("ppm")) {
            assert_eq!(usual_quantity(quantity.name()), Some(quantity));
        }
    }

    #[test]
    fn an_unknown_quantity_is_left_out_with_a_reason() {
        let expected =
            "d1: nothing\nleft out  no quantity is called \"PPD0.3\" here: name it in the settings";
        assert_eq!(by_topic("tele/d1/PPD0.3", "822"), expected);
    }

    #[test]
    fn words_for_no_reading_are_left_out_and_other_text_is_malformed() {
        for word in ["nan", "unavailable", "None", "unknown", "ON", "OFF", " ", "1e999"] {
            let result = by_topic("tele/d1/PM10", word);
            assert!(result.starts_with("d1: nothing\nleft out "), "{word}: {result}");
        }
        for text in ["GOOD", "{\"pm10\":3}", "12 µg/m³", "1,5"] {
            assert_eq!(by_topic("tele/d1/PM10", text), "malformed: not_a_number", "{text}");
        }
        assert_eq!(by_topic("tele/d1/PM10", ""), "ignored: empty");
    }
}
