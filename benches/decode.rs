//! What it costs to read one message: from topic and payload to readings.

#[path = "support/figures.rs"]
mod figures;
#[path = "support/timing.rs"]
mod timing;

use anyhow::{Result, anyhow, ensure};
use dustline::air::{Quantity, Stamp};
use dustline::decode::mapping::{DeviceFrom, Field, Mapping};
use dustline::decode::{Format, Message, Plain, Pointer, Route, TimeFrom, TopicPattern};
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
    println!("| format | bytes | readings | ns a message |");
    println!("|---|---|---|---|");
    for (name, pattern, topic, body) in MESSAGES {
        let route = route(name, pattern)?;
        let message =
            Message { topic, payload: body.as_bytes(), retained: false, received: Stamp(0) };
        let decoded = route.decode(&message).map_err(|e| anyhow!("{name}: {e:?}"))?;
        let readings: usize = decoded.observations.iter().map(|o| o.values.len()).sum();
        ensure!(readings > 0, "{name} brings no reading: the figure would mean nothing");
        let ns = timing::ns_each(CALLS, || {
            for _ in 0..CALLS {
                let _ = black_box(route.decode(black_box(&message)));
            }
        });
        println!("| {name} | {} | {readings} | {ns:.0} |", body.len());
    }
    println!("load after: {}", load());
    Ok(())
}

fn route(name: &str, pattern: &str) -> Result<Route> {
    let pattern = TopicPattern::parse(pattern).map_err(|e| anyhow!(e))?;
    let format = match name {
        "plain" => Format::Plain(Plain::default()),
        "json" => Format::Json(mapping().map_err(|e| anyhow!(e))?),
        native => Format::native(native).ok_or_else(|| anyhow!("no format {native}"))?,
    };
    Ok(Route { pattern, format })
}

fn mapping() -> Result<Mapping, String> {
    let field = |quantity, pointer| Ok::<_, String>(Field::new(quantity, Pointer::parse(pointer)?));
    Ok(Mapping {
        device: DeviceFrom::Body(Pointer::parse("/device")?),
        time: Some(TimeFrom { pointer: Pointer::parse("/time")?, unit: None, zone: None }),
        values: vec![
            field(Quantity::Pm2_5, "/pm2_5")?,
            field(Quantity::Pm10, "/pm10")?,
            field(Quantity::Temperature, "/temp")?,
            field(Quantity::Humidity, "/rh")?,
        ],
    })
}
