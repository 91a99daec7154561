//! airRohr with one topic per leaf of its JSON, as some bridges pass it on:
//! `<station>/sensordatavalues/<n>/value_type` says what
//! `<station>/sensordatavalues/<n>/value` holds. Any other topic has a whole body.

use super::airrohr::{self, in_our_unit, of_sensor};
use super::gathered::Gathered;
use super::number::{self, NoNumber};
use super::{Captures, Decoded, Hints, Message, Notes, Refused, json};
use crate::air::Quantity;

/// Leaves beside the list of values.
const OTHER_LEAVES: [&str; 2] = ["esp8266id", "software_version"];

/// Reads one message.
pub fn read(m: &Message, captures: &Captures, notes: &mut Notes) -> Result<Decoded, Refused> {
    if m.payload.is_empty() {
        return Err(Refused::Ignored("empty"));
    }
    let Some((station, entry)) = m.topic.rsplit_once("/sensordatavalues/") else {
        return match m.topic.rsplit('/').next() {
            Some(leaf) if OTHER_LEAVES.contains(&leaf) => Err(Refused::Ignored("housekeeping")),
            _ => airrohr::read(m, captures, &Hints::default()),
        };
    };
    let text = json::message_text(m)?.trim_matches('"');
    let device = captures.get("device").unwrap_or(station);
    match entry.rsplit_once('/') {
        Some((place, "value_type")) => {
            let name = number::shown(text);
            notes.remember(&format!("name#{station}#{place}"), &name);
            notes.describes("described");
            Ok(Gathered::default().of(device.to_owned(), None))
        }
        Some((place, "value")) => {
            let name: Option<String> = notes.recall(&format!("name#{station}#{place}"));
            let name = name.ok_or_else(|| {
                Refused::not_described_yet(
                    m,
                    "the value_type beside it has not been seen: subscribe to it too",
                )
            })?;
            value(device, &name, text, notes)
        }
        _ => Err(Refused::Ignored("housekeeping")),
    }
}

/// One value under the name that was said for it.
fn value(device: &str, name: &str, text: &str, notes: &mut Notes) -> Result<Decoded, Refused> {
    let climate = || {
        let quantity = Quantity::from_name(name).filter(|q| !q.is_particle_mass())?;
        Some((quantity, "dht"))
    };
    // A bare `P1` or `P2` is a count of particles here.
    let Some((quantity, sensor)) = of_sensor(name).or_else(climate) else {
        return Err(Refused::Ignored("no_quantity"));
    };
    let number = number::from_text(text);
    if let Err(NoNumber::Other(shown)) = &number {
        let detail = format!("{shown:?} is not a number, although it is called {name}");
        return Err(Refused::malformed("not_a_number", detail));
    }
    let label = notes.label(device, quantity, name, &sensor.to_lowercase());
    let mut found = Gathered::default();
    found.add(quantity, label, number.and_then(|n| in_our_unit(quantity, n)), String::new);
    Ok(found.of(device.to_owned(), None))
}

#[cfg(test)]
mod tests {
    use crate::decode::fixture::{Talk, short};

    #[test]
    fn a_value_is_what_the_topic_beside_it_says() {
        let mut talk = Talk::new("dust/{device}/#", "airrohr");
        let mut hear = |leaf: &str, text: &str| short(&talk.hear(&format!("dust/b/{leaf}"), text));
        assert_eq!(hear("sensordatavalues/0/value", "4.5"), "malformed: not_described_yet");
        assert_eq!(hear("sensordatavalues/0/value_type", "SDS_P2"), "ignored: described");
        assert_eq!(hear("sensordatavalues/0/value", "4.5"), "b: pm2_5=4.5");
        assert_eq!(hear("sensordatavalues/0/value", "-1"), "b: nothing\nleft out  -1: no reading");
        hear("sensordatavalues/1/value_type", "PMS_P2");
        assert_eq!(hear("sensordatavalues/1/value", "5.5"), "b: pm2_5__ch_pms=5.5");
        hear("sensordatavalues/2/value_type", "BME280_pressure");
        assert_eq!(hear("sensordatavalues/2/value", "100150"), "b: pressure=1001.5");
        hear("sensordatavalues/3/value_type", "temperature");
        assert_eq!(hear("sensordatavalues/3/value", "20.5"), "b: temperature=20.5");
        hear("sensordatavalues/4/value_type", "P1");
        assert_eq!(hear("sensordatavalues/4/value", "900"), "ignored: no_quantity");
        assert_eq!(hear("sensordatavalues/0/value", "dusty"), "malformed: not_a_number");
        assert_eq!(hear("sensordatavalues/0/more", "x"), "ignored: housekeeping");
        assert_eq!(hear("esp8266id", "1357"), "ignored: housekeeping");
        assert_eq!(hear("sensordatavalues/0/value", ""), "ignored: empty");
    }

    #[test]
    fn a_whole_body_on_a_topic_is_read_as_ever() {
        let body = r#"{"sensordatavalues":[{"value_type":"SDS_P1","value":"4.25"}]}"#;
        let result = Talk::new("dust/{device}/#", "airrohr").hear("dust/b", body);
        assert_eq!(short(&result), "b: pm10=4.25");
    }
}
