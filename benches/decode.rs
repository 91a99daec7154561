//! What it costs to read one message: from topic and payload to readings. Words
//! after `--` choose formats whose names hold one of them.

#![expect(clippy::unwrap_used, reason = "the messages are those of the tests, which may panic")]

#[path = "../tests/it/fuzz/corpus.rs"]
mod corpus;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/timing.rs"]
mod timing;

use anyhow::{Result, anyhow, ensure};
use corpus::Subject;
use dustline::air::{Quantity, Stamp};
use dustline::decode::{
    self, Field, Format, Mapping, Memory, Message, Place, Plain, Route, Template, TimeFrom,
    TopicPattern,
};
use figures::{load, print_machine};
use std::hint::black_box;

/// Calls between two looks at the clock.
const CALLS: usize = 1_000;

/// Format, pattern, topic, body.
const MESSAGES: &[(&str, &str, &str, &str)] = &[
    (
        "airgradient",
        "airgradient/readings/+",
        "airgradient/readings/84fce602549c",
        r#"{"wifi":-46,"serialno":"84fce602549c","rco2":447,"pm01":3,"pm02":7,"pm10":8,"pm003Count":442,"atmp":25.87,"atmpCompensated":24.47,"rhum":43,"rhumCompensated":49,"tvocIndex":100,"noxIndex":1,"boot":6,"bootCount":6,"ledMode":"pm","firmware":"3.1.3","model":"I-9PSL"}"#,
    ),
    (
        "zigbee2mqtt",
        "zigbee2mqtt/+",
        "zigbee2mqtt/air_living_room",
        r#"{"air_quality":"good","battery":100,"humidity":45.4,"linkquality":136,"pm25":9,"temperature":22.1,"voc":30}"#,
    ),
    (
        "airrohr",
        "airrohr/{device}",
        "airrohr/esp8266-1234567",
        r#"{"esp8266id":"1234567","software_version":"NRZ-2020-133","sensordatavalues":[{"value_type":"SDS_P1","value":"12.43"},{"value_type":"SDS_P2","value":"6.70"},{"value_type":"BME280_temperature","value":"21.50"},{"value_type":"BME280_humidity","value":"41.12"},{"value_type":"BME280_pressure","value":"101325.00"},{"value_type":"signal","value":"-61"}]}"#,
    ),
    (
        "chirpstack-v4",
        "application/+/device/+/event/up",
        "application/1b2c/device/24e124aa00000001/event/up",
        r#"{"deduplicationId":"0b0c","time":"2026-01-01T00:00:00.123456789+00:00","deviceInfo":{"tenantName":"city","applicationName":"air","deviceName":"roof 7","devEui":"24e124aa00000001","tags":{}},"devAddr":"01020304","dr":3,"fCnt":1284,"fPort":85,"data":"A2fuAARofAUA","object":{"temperature":23.5,"humidity":61.0,"pir":"idle","light_level":2.0,"co2":936.0,"pressure":1008.5,"pm2_5":12.0,"pm10":18.0},"rxInfo":[{"gatewayId":"0016c001","rssi":-36,"snr":10.5}],"txInfo":{"frequency":922100000}}"#,
    ),
    (
        "influx-line",
        "telegraf/#",
        "telegraf/air",
        "air,host=box,node=roof-7 pm2_5=12.34,pm10=20.1,temperature=21.5,humidity=40i 1767225600000000000",
    ),
    (
        "luftdatenpumpe",
        "luftdaten.info",
        "luftdaten.info",
        r#"{"latitude":37.57,"longitude":127.0,"altitude":38.1,"country":"KR","exact_location":0,"indoor":0,"geohash":"wydm9","location_id":7,"time":"2026-01-01T00:00:00Z","sensor_id":811,"sensor_type":"SDS011","P1":18.5,"P2":12.25}"#,
    ),
    (
        "qingping",
        "qingping/+/up",
        "qingping/aabbccddee01/up",
        r#"{"id":7,"type":"12","mac":"aabbccddee01","timestamp":1767225600,"need_ack":0,"sensorData":[{"timestamp":{"value":1767225600},"pm25":{"value":12},"pm10":{"value":18},"co2":{"value":600},"temperature":{"value":21.5},"humidity":{"value":40},"battery":{"value":88}}]}"#,
    ),
    (
        "rtl433",
        "rtl_433/+/events",
        "rtl_433/attic/events",
        r#"{"time":"2026-01-01T00:00:00Z","model":"Fineoffset-WH45","id":51,"battery_ok":1.0,"temperature_C":21.5,"humidity":40,"pm2_5_ug_m3":12.3,"pm10_ug_m3":18.1,"co2_ppm":600,"mic":"CRC"}"#,
    ),
    (
        "senml",
        "senml/#",
        "senml/roof",
        r#"[{"bn":"urn:dev:mac:0102030405060708:","bt":1767225600,"bu":"ug/m3","n":"pm2.5","v":12.3},{"n":"pm10","v":18.1},{"n":"temp","u":"Cel","v":21.5},{"n":"hum","u":"%RH","v":40}]"#,
    ),
    (
        "smartcitizen",
        "device/sck/+/readings/raw",
        "device/sck/a1b2c3/readings/raw",
        "{t:2026-01-01T00:00:00Z,55:21.50,56:40.25,89:8,87:12,88:18,10:87,14:3.2}",
    ),
    (
        "tasmota",
        "tele/+/SENSOR",
        "tele/roof/SENSOR",
        r#"{"Time":"2026-01-01T00:00:00","Epoch":1767225600,"BME280":{"Temperature":21.5,"Humidity":40.2,"DewPoint":7.5,"Pressure":1003.4},"SDS0X1":{"PM2.5":12.3,"PM10":18.1},"PressureUnit":"hPa","TempUnit":"C"}"#,
    ),
    (
        "ttn-v3",
        "v3/+/devices/+/up",
        "v3/air@city/devices/roof-7/up",
        r#"{"end_device_ids":{"device_id":"roof-7","application_ids":{"application_id":"air"},"dev_eui":"70B3D57ED0000001","dev_addr":"01020304"},"correlation_ids":["as:up:01"],"received_at":"2026-01-01T00:00:00.223456789Z","uplink_message":{"f_port":1,"f_cnt":4711,"frm_payload":"gkHe","decoded_payload":{"battery":88,"temperature":21.5,"humidity":40.0,"co2":600,"pressure":1011.2,"pm2.5":12,"pm10":18},"rx_metadata":[{"gateway_ids":{"gateway_id":"gw1"},"time":"2026-01-01T00:00:00.1Z","rssi":-35,"snr":5}],"settings":{"frequency":"922100000"},"received_at":"2026-01-01T00:00:00.123456789Z"}}"#,
    ),
    ("plain", "tele/{device}/{quantity}", "tele/roof/pm2_5", "12.3"),
    (
        "json",
        "air/+/{device}",
        "air/seoul/s00042",
        r#"{"device":"s00042","time":"2026-01-01T00:00:00.000Z","pm2_5":12.34,"pm10":20.1,"temp":21.5,"rh":40}"#,
    ),
];

fn main() -> Result<()> {
    print_machine();
    println!("| format | bytes | readings | ns a message: median | least |");
    println!("|---|---|---|---|---|");
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let asked = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    for (name, pattern, topic, body) in MESSAGES.iter().filter(|(name, ..)| asked(name)) {
        let message = message(topic, body.as_bytes());
        let readings = row(&route(name, pattern)?, &message, &Memory::default())?;
        ensure!(readings > 0, "{name} brings no reading: the figure would mean nothing");
    }
    // What is not above: presets, and formats that remember, by the tests' messages.
    let known = |s: &Subject| MESSAGES.iter().any(|(name, ..)| *name == s.name());
    for subject in corpus::subjects().iter().filter(|s| !known(s) && asked(s.name())) {
        longest(subject)?;
    }
    println!("load after: {}", load());
    Ok(())
}

fn message<'a>(topic: &'a str, payload: &'a [u8]) -> Message<'a> {
    Message { topic, payload, retained: false, received: Stamp(1_700_000_000_000) }
}

/// Measures one message and prints its row; how many readings it brings.
fn row(route: &Route, message: &Message, memory: &Memory) -> Result<usize> {
    let (name, routes) = (route.format.name(), std::slice::from_ref(route));
    let heard = decode::decode(routes, message, memory);
    let decoded = heard.outcome.map_err(|e| anyhow!("{name}: {e:?}"))?;
    let readings = decoded.observations.iter().map(|o| o.values.len()).sum::<usize>();
    let readings = readings + decoded.forecasts.len();
    let cost = timing::ns_each(CALLS, || {
        for _ in 0..CALLS {
            let _ = black_box(decode::decode(routes, black_box(message), memory));
        }
    });
    let timing::Cost { median, least } = cost;
    println!("| {name} | {} | {readings} | {median:.0} | {least:.0} |", message.payload.len());
    Ok(readings)
}

/// Measures the longest message with readings of a format, after those before it.
fn longest(subject: &Subject) -> Result<()> {
    let mut memory = Memory::default();
    let mut chosen: Option<(usize, usize)> = None;
    for (place, (topic, payload)) in subject.talk.iter().enumerate() {
        let routes = std::slice::from_ref(&subject.route);
        let heard = decode::decode(routes, &message(topic, payload), &memory);
        let brings = heard.outcome.is_ok_and(|d| d.observations.len() + d.forecasts.len() > 0);
        if brings && chosen.is_none_or(|(_, length)| payload.len() > length) {
            chosen = Some((place, payload.len()));
        }
        memory.learn(heard.noted);
    }
    let (place, _) = chosen.ok_or_else(|| anyhow!("{}: no readings", subject.name()))?;
    let mut memory = Memory::default();
    for (topic, payload) in subject.talk.iter().take(place) {
        let routes = std::slice::from_ref(&subject.route);
        memory.learn(decode::decode(routes, &message(topic, payload), &memory).noted);
    }
    let (topic, payload) = &subject.talk[place];
    row(&subject.route, &message(topic, payload), &memory)?;
    Ok(())
}

fn route(name: &str, pattern: &str) -> Result<Route> {
    let pattern = TopicPattern::parse(pattern).map_err(|e| anyhow!(e))?;
    let format = match name {
        "plain" => Format::Plain(Plain::default()),
        "json" => Format::Json(Box::new(mapping().map_err(|e| anyhow!(e))?)),
        native => Format::native(native).ok_or_else(|| anyhow!("no format {native}"))?,
    };
    Ok(Route::new(pattern, format))
}

fn mapping() -> Result<Mapping, String> {
    let field = |quantity, pointer| Ok::<_, String>(Field::new(quantity, Place::parse(pointer)?));
    Ok(Mapping {
        device: vec![Template::parse("/device")?],
        time: Some(TimeFrom::at(Place::parse("/time")?)),
        values: vec![
            field(Quantity::Pm2_5, "/pm2_5")?,
            field(Quantity::Pm10, "/pm10")?,
            field(Quantity::Temperature, "/temp")?,
            field(Quantity::Humidity, "/rh")?,
        ],
        ..Mapping::default()
    })
}
