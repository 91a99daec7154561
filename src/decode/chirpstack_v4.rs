//! ChirpStack v4: `application/<id>/device/<dev eui>/event/up`, an envelope
//! around what a codec makes of the payload.
//!
//! `time` is the network's time of reception; a codec's history brings times of
//! its own.

use super::batch::Batch;
use super::codec::{self, Origin};
use super::json::{Tree, Value};
use super::{Captures, Decoded, Hints, Message, Refused, time};
use std::borrow::Cow;

/// Reads one message.
pub fn read(m: &Message, captures: &Captures, hints: &Hints) -> Result<Decoded, Refused> {
    let event = m.topic.split_once("/event/").map(|(_, event)| event);
    if event.is_some_and(|event| event != "up") {
        return Err(Refused::Ignored("housekeeping"));
    }
    let tree = Tree::object_of_message(m)?;
    let document = tree.top();
    let device = match captures.get("device") {
        Some(device) => Cow::Borrowed(device),
        None => {
            let eui = document.get("deviceInfo").and_then(|info| info.get("devEui"));
            eui.and_then(Value::identity)
                .or_else(|| of_topic(m.topic).map(Cow::Borrowed))
                .unwrap_or_else(|| captures.device().into())
        }
    };
    let mut batch = Batch::default();
    match document.get("object").filter(|object| object.is_object()) {
        Some(object) => {
            let at = document.get("time").and_then(|value| time::from_json(value, None, None).ok());
            codec::read(object, &Origin { device: &device, at }, hints, &mut batch)?;
        }
        None if document.get("data").is_some() => {
            let why =
                "no \"object\": the server has no codec for this device; add one to its profile";
            batch.leave(&device, "/data", why);
        }
        None => {}
    }
    batch.finish()
}

/// The level after `device`.
fn of_topic(topic: &str) -> Option<&str> {
    let (_, rest) = topic.split_once("/device/")?;
    rest.split('/').next()
}

#[cfg(test)]
mod tests {
    use crate::decode::fixture::{native, short};

    const UP: &str = "application/1b2c/device/24e124aa/event/up";

    fn read(inner: &str) -> String {
        let head = r#""deduplicationId":"d","time":"2024-05-06T07:08:09.123456789+00:00""#;
        let info = r#""deviceInfo":{"deviceName":"Roof","devEui":"24e124aa"}"#;
        short(&native("chirpstack-v4", UP, format!("{{{head},{info},{inner}}}")))
    }

    #[test]
    fn values_of_the_codec_are_read_at_the_time_of_reception() {
        assert_eq!(
            read(
                r#""data":"AA==","object":{"pm2_5":12.0,"pm10":65535,"co2":936,"hcho":0.07,"pir":"idle"}"#
            ),
            "24e124aa@2024-05-06T07:08:09.123Z: pm2_5=12 pm10=65535 co2=936"
        );
    }

    #[test]
    fn records_of_the_past_keep_their_own_times() {
        let history = r#""object":{"pm10":5,"history":[{"timestamp":1700000000,"pm10":3},{"timestamp":1700000060,"pm10":4},
            {"pm10":9},{"timestamp":0,"pm10":9},7,{"timestamp":1700000120,"pir":1}]}"#;
        let unknown = "no believable \"timestamp\": when it was measured is not known";
        assert_eq!(
            read(history),
            format!(
                "24e124aa@2024-05-06T07:08:09.123Z: pm10=5\n\
                 24e124aa@2023-11-14T22:13:20Z: pm10=3\n\
                 24e124aa@2023-11-14T22:14:20Z: pm10=4\n\
                 left out /object/history/2 {unknown}\n\
                 left out /object/history/3 {unknown}\n\
                 left out /object/history/4 not an object"
            )
        );
    }

    #[test]
    fn without_a_codec_there_is_nothing_to_read() {
        let result = read(r#""data":"qg==""#);
        assert!(result.starts_with("24e124aa: nothing\nleft out /data no \"object\""), "{result}");
        assert_eq!(read(r#""fPort":0"#), "ignored: no_quantity");
    }

    #[test]
    fn other_events_are_no_readings_and_the_topic_may_name_the_device() {
        for event in ["status", "join", "ack", "txack", "log", "location", "integration"] {
            let topic = UP.replace("/up", &format!("/{event}"));
            let result = short(&native("chirpstack-v4", &topic, r#"{"object":{"pm10":3}}"#));
            assert_eq!(result, "ignored: housekeeping", "{event}");
        }
        let bare = native("chirpstack-v4", UP, r#"{"object":{"pm10":3}}"#);
        assert_eq!(short(&bare), "24e124aa: pm10=3");
    }
}
