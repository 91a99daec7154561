//! The Things Stack v3 (The Things Network): `v3/<application>@<tenant>/devices/
//! <device>/up`, an envelope around what a codec makes of the payload.
//!
//! The network's time of reception counts; the same message keeps it when it is
//! delivered again. Fields that are empty or zero are left out by the sender.

use super::batch::Batch;
use super::codec::{self, Origin};
use super::json::{Tree, Value};
use super::{Captures, Decoded, Hints, Message, Refused, time};
use crate::air::Stamp;
use std::borrow::Cow;

/// Reads one message.
pub fn read(m: &Message, captures: &Captures, hints: &Hints) -> Result<Decoded, Refused> {
    let topic = device_and_event(m.topic);
    if topic.is_some_and(|(_, event)| event != "up") {
        return Err(Refused::Ignored("housekeeping"));
    }
    let tree = Tree::object_of_message(m)?;
    let document = tree.top();
    let Some(uplink) = document.get("uplink_message") else {
        return Err(Refused::Ignored("no_quantity"));
    };
    if document.get("simulated").is_some_and(|value| value.json() == "true") {
        return Err(Refused::Ignored("simulated"));
    }
    let device = match captures.get("device") {
        Some(device) => Cow::Borrowed(device),
        None => own_name(document)
            .or_else(|| topic.map(|(device, _)| device.into()))
            .unwrap_or_else(|| captures.device().into()),
    };
    let mut batch = Batch::default();
    let at = received(document, uplink);
    decoded(uplink, &device, at, hints, &mut batch)?;
    batch.finish()
}

/// Reads the codec's object, else the normalized ones.
fn decoded(
    uplink: Value,
    device: &str,
    at: Option<Stamp>,
    hints: &Hints,
    batch: &mut Batch,
) -> Result<(), Refused> {
    let origin = Origin { device, at };
    if let Some(object) = uplink.get("decoded_payload").filter(|object| object.is_object()) {
        return codec::read(object, &origin, hints, batch);
    }
    if let Some(objects) = uplink.get("normalized_payload").and_then(Value::items) {
        for object in objects {
            codec::read(object, &origin, hints, batch)?;
            batch.within_limit()?;
        }
    } else if uplink.get("frm_payload").is_some() {
        let why = "the network has no codec for this device: add one to its application";
        batch.leave(device, "/uplink_message/frm_payload", why);
    }
    Ok(())
}

/// When the network received it: its network server, else its application
/// server, else the first gateway.
fn received(document: Value, uplink: Value) -> Option<Stamp> {
    let read = |value| time::from_json(value, None, None).ok();
    let of_servers = [uplink.get("received_at"), document.get("received_at")];
    of_servers.into_iter().flatten().find_map(read).or_else(|| {
        let gateways = uplink.get("rx_metadata").and_then(Value::items)?;
        gateways.filter_map(|gateway| read(gateway.get("time")?)).min()
    })
}

fn own_name(document: Value<'_>) -> Option<Cow<'_, str>> {
    let ids = document.get("end_device_ids")?;
    ["device_id", "dev_eui"].into_iter().find_map(|name| ids.get(name).and_then(Value::identity))
}

/// The device and the event of a topic such as `…/devices/<device>/down/ack`.
fn device_and_event(topic: &str) -> Option<(&str, &str)> {
    let (_, rest) = topic.split_once("/devices/")?;
    rest.split_once('/')
}

#[cfg(test)]
mod tests {
    use crate::air::Quantity;
    use crate::decode::fixture::{self, native, short};
    use crate::decode::{Format, Hints};
    use std::collections::BTreeMap;

    const UP: &str = "v3/air@city/devices/roof-7/up";

    fn envelope(inner: &str) -> String {
        format!(
            r#"{{"end_device_ids":{{"device_id":"roof-7","dev_eui":"70B3D5"}},"received_at":"2024-05-06T07:08:10.5Z",
            "uplink_message":{{"f_cnt":3,"frm_payload":"AQ==",{inner}"received_at":"2024-05-06T07:08:09.123456789Z"}}}}"#
        )
    }

    fn read(inner: &str) -> String {
        short(&native("ttn-v3", UP, envelope(inner)))
    }

    #[test]
    fn flat_values_and_measures_with_units_are_understood() {
        let flat = r#""decoded_payload":{"battery":88,"pm2.5":7.5,"pm10":"9","temperature":0,"pm2_5_count":4},"#;
        let head = "roof-7@2024-05-06T07:08:09.123Z:";
        assert_eq!(read(flat), format!("{head} pm2_5=7.5 pm10=9 temperature=0"));
        let measures = r#""decoded_payload":{"pm1_0_mass_concentration":{"unit":"µg⋅m⁻³","value":4.5},
            "pm1_0_number_concentration":{"unit":"1⋅cm⁻³","value":30},"air_humidity":{"value":null},
            "barometric_pressure":{"unit":"Pa","value":97250}},"#;
        assert_eq!(
            read(measures),
            format!(
                "{head} pm1=4.5 pressure=972.5\n\
                 left out /uplink_message/decoded_payload/air_humidity null: no reading"
            )
        );
    }

    #[test]
    fn normalized_values_serve_where_there_are_no_others() {
        let inner =
            r#""normalized_payload":[{"air":{"temperature":20.5,"relativeHumidity":40}},7],"#;
        let expected = "roof-7@2024-05-06T07:08:09.123Z: temperature=20.5 humidity=40";
        assert_eq!(read(inner), expected);
    }

    #[test]
    fn without_a_codec_there_is_nothing_to_read() {
        let result = read("");
        assert!(
            result.starts_with("roof-7: nothing\nleft out /uplink_message/frm_payload "),
            "{result}"
        );
    }

    #[test]
    fn a_second_name_for_a_quantity_is_a_channel_and_the_operator_may_add_names() {
        let inner = r#""decoded_payload":{"pm25":5,"PM2_5":6,"Staub":8},"#;
        let names = BTreeMap::from([("staub".to_owned(), Quantity::Pm10)]);
        let format = Format::hinted("ttn-v3", Hints { names, ..Hints::default() }).unwrap();
        let result = fixture::read("#", format, UP, envelope(inner));
        let expected = "roof-7@2024-05-06T07:08:09.123Z: pm2_5=5 pm2_5__ch_pm2_5=6 pm10=8";
        assert_eq!(short(&result), expected);
    }

    #[test]
    fn joins_downlinks_and_simulations_are_no_readings() {
        for event in ["join", "down/ack", "service/data", "location/solved"] {
            let topic = format!("v3/air@city/devices/roof-7/{event}");
            let result = short(&native("ttn-v3", &topic, "{}"));
            assert_eq!(result, "ignored: housekeeping", "{event}");
        }
        let test = r#"{"simulated":true,"uplink_message":{"decoded_payload":{"pm10":5}}}"#;
        assert_eq!(short(&native("ttn-v3", UP, test)), "ignored: simulated");
        assert_eq!(short(&native("ttn-v3", UP, "{}")), "ignored: no_quantity");
    }

    #[test]
    fn time_and_name_have_their_substitutes() {
        let body = r#"{"uplink_message":{"decoded_payload":{"pm10":5},
            "rx_metadata":[{"time":"2024-05-06T07:08:12Z"},{},{"time":"2024-05-06T07:08:11Z"}]}}"#;
        assert_eq!(short(&native("ttn-v3", UP, body)), "roof-7@2024-05-06T07:08:11Z: pm10=5");
    }
}
