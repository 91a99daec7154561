//! Synthetic devices: where they stand, how they differ, what they send.
//! Everything follows from a seed.

use super::episode::{Air, City};
use crate::air::Stamp;
use serde_json::json;

/// Which city the next device stands in; repeated for as many as are wanted.
const CITIES: [City; 15] = [
    City::Seoul,
    City::Beijing,
    City::Incheon,
    City::Seoul,
    City::Tianjin,
    City::Jinan,
    City::Seoul,
    City::Beijing,
    City::Incheon,
    City::Seoul,
    City::Tianjin,
    City::Qingdao,
    City::Seoul,
    City::Beijing,
    City::Jinan,
];

/// What the next device sends; repeated. Its length shares no divisor with
/// that of [`CITIES`], so that every city gets every format.
const FORMATS: [Format; 8] = [
    Format::Json,
    Format::AirGradient,
    Format::Json,
    Format::AirRohr,
    Format::Json,
    Format::Zigbee2Mqtt,
    Format::AirGradient,
    Format::Plain,
];

/// Kilometres in a degree of latitude.
const KM_PER_DEGREE: f64 = 111.32;

/// What a device sends. The names are those of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `airgradient/readings/<serial>`.
    AirGradient,
    /// `airrohr/<id>`, the firmware's body as a bridge passes it on.
    AirRohr,
    /// `zigbee2mqtt/<name>`.
    Zigbee2Mqtt,
    /// `plain/<device>/<quantity>`: a bare number each.
    Plain,
    /// `air/<city>/<device>` with `device`, `time`, `pm2_5`, `pm10`, `temp`
    /// and `rh`: the one that brings its own time.
    Json,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 5] =
        [Format::AirGradient, Format::AirRohr, Format::Zigbee2Mqtt, Format::Plain, Format::Json];

    /// The name in the configuration and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::AirGradient => "airgradient",
            Format::AirRohr => "airrohr",
            Format::Zigbee2Mqtt => "zigbee2mqtt",
            Format::Plain => "plain",
            Format::Json => "json",
        }
    }

    /// The format of a name.
    pub fn from_name(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|f| f.name() == name)
    }
}

/// A synthetic device.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Its identity, as the decoder of its format will find it.
    pub id: String,
    /// Where it stands.
    pub city: City,
    /// Latitude, WGS 84 degrees.
    pub lat: f64,
    /// Longitude, WGS 84 degrees.
    pub lon: f64,
    /// What it sends.
    pub format: Format,
    /// Its place and its making together: it measures this many times the
    /// city's air, lastingly.
    pub bias: f64,
    seed: u64,
}

/// What a device sends at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The topic.
    pub topic: String,
    /// The body.
    pub payload: Vec<u8>,
}

/// A network of so many devices; all of one format, if one is given. A longer
/// network of the same seed begins with the devices of the shorter one.
pub fn network(devices: usize, seed: u64, format: Option<Format>) -> Vec<Device> {
    let kinds = CITIES.iter().cycle().zip(FORMATS.iter().cycle());
    kinds
        .take(devices)
        .enumerate()
        .map(|(n, (city, usual))| Device::new(n, *city, format.unwrap_or(*usual), seed))
        .collect()
}

impl Device {
    fn new(n: usize, city: City, format: Format, seed: u64) -> Device {
        let seed = mix(seed, n as u64);
        let mut random = fastrand::Rng::with_seed(seed);
        // The root spreads them evenly over the disc.
        let km = city.radius_km() * random.f64().sqrt();
        let direction = random.f64() * std::f64::consts::TAU;
        let (lat, lon) = city.centre();
        let north = km * direction.cos() / KM_PER_DEGREE;
        let east = km * direction.sin() / (KM_PER_DEGREE * lat.to_radians().cos());
        Device {
            id: identity(n, city, format),
            city,
            lat: round(lat + north, 5),
            lon: round(lon + east, 5),
            format,
            bias: 0.92 + 0.16 * random.f64(),
            seed,
        }
    }

    /// What the device measures of the city's air at this instant.
    pub fn measure(&self, air: Air, at: Stamp) -> Air {
        let mut random = fastrand::Rng::with_seed(mix(self.seed, at.0.unsigned_abs()));
        // The sum of some uniform numbers is as good as normal: σ about 4 %.
        let mut noise = || 1.0 + 0.08 * ((0..3).map(|_| random.f64()).sum::<f64>() - 1.5);
        let pm2_5 = round(air.pm2_5 * self.bias * noise(), 1);
        let pm10 = round(air.pm10 * self.bias * noise(), 1).max(pm2_5);
        Air {
            pm2_5,
            pm10,
            temperature: round(air.temperature + 8.0 * (noise() - 1.0), 1),
            humidity: round(air.humidity * noise(), 1).clamp(1.0, 100.0),
        }
    }

    /// The messages by which the device tells what it measured.
    pub fn messages(&self, measured: Air, at: Stamp) -> Vec<Sent> {
        let Air { pm2_5, pm10, temperature, humidity } = measured;
        let id = &self.id;
        let one = |topic: String, body: serde_json::Value| {
            vec![Sent { topic, payload: body.to_string().into_bytes() }]
        };
        match self.format {
            Format::Json => one(
                format!("air/{}/{id}", self.city.id()),
                json!({ "device": id, "time": at.to_string(), "pm2_5": pm2_5, "pm10": pm10,
                        "temp": temperature, "rh": humidity }),
            ),
            Format::AirGradient => one(
                format!("airgradient/readings/{id}"),
                json!({ "serialno": id, "wifi": -58, "pm02": pm2_5, "pm10": pm10,
                        "atmp": temperature, "rhum": humidity, "model": "O-1PS",
                        "firmware": "3.3.9" }),
            ),
            Format::AirRohr => {
                let number = id.trim_start_matches("esp8266-");
                let entry =
                    |kind: &str, v: f64| json!({ "value_type": kind, "value": v.to_string() });
                one(
                    format!("airrohr/{id}"),
                    json!({ "esp8266id": number, "software_version": "NRZ-2020-133",
                            "sensordatavalues": [entry("SDS_P1", pm10), entry("SDS_P2", pm2_5),
                                entry("BME280_temperature", temperature),
                                entry("BME280_humidity", humidity),
                                entry("samples", 5_000_000.0), entry("signal", -71.0)] }),
                )
            }
            Format::Zigbee2Mqtt => one(
                format!("zigbee2mqtt/{id}"),
                json!({ "pm25": pm2_5, "pm10": pm10, "temperature": temperature,
                        "humidity": humidity, "linkquality": 112 }),
            ),
            Format::Plain => [("pm2_5", pm2_5), ("pm10", pm10)]
                .map(|(quantity, value)| Sent {
                    topic: format!("plain/{id}/{quantity}"),
                    payload: value.to_string().into_bytes(),
                })
                .to_vec(),
        }
    }
}

fn identity(n: usize, city: City, format: Format) -> String {
    match format {
        Format::AirGradient => format!("84fce6{n:06x}"),
        Format::AirRohr => format!("esp8266-{}", 3_000_000 + n),
        Format::Zigbee2Mqtt => format!("{}_sen55_{n}", city.id()),
        Format::Plain => format!("{}-esp-{n}", city.id()),
        Format::Json => format!("{}-{n:05}", city.id()),
    }
}

/// One seed out of two numbers, such that near ones have nothing in common.
fn mix(a: u64, b: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(&b.to_le_bytes(), a)
}

fn round(value: f64, digits: i32) -> f64 {
    let unit = 10f64.powi(digits);
    (value * unit).round() / unit
}

#[cfg(test)]
mod tests {
    use super::super::episode::Episode;
    use super::*;
    use std::collections::HashSet;
    use std::time::Duration;

    #[test]
    fn a_seed_gives_the_same_network_and_another_seed_another() {
        assert_eq!(network(60, 7, None), network(60, 7, None));
        assert_eq!(network(60, 7, None)[..20], network(20, 7, None));
        assert_ne!(network(60, 7, None), network(60, 8, None));
    }

    #[test]
    fn sixty_devices_cover_every_city_in_every_format_with_identities_of_their_own() {
        let all = network(60, 7, None);
        let ids: HashSet<_> = all.iter().map(|d| &d.id).collect();
        assert_eq!(ids.len(), 60);
        for city in City::ALL {
            let formats: HashSet<_> =
                all.iter().filter(|d| d.city == city).map(|d| d.format).collect();
            assert!(formats.len() >= 2, "{}", city.id());
        }
        let formats: HashSet<_> = all.iter().map(|d| d.format).collect();
        assert_eq!(formats.len(), Format::ALL.len());
    }

    #[test]
    fn devices_stand_within_their_city() {
        for d in network(2_000, 1, None) {
            let (lat, lon) = d.city.centre();
            let north = (d.lat - lat) * KM_PER_DEGREE;
            let east = (d.lon - lon) * KM_PER_DEGREE * lat.to_radians().cos();
            assert!(north.hypot(east) <= d.city.radius_km() + 0.01, "{d:?}");
        }
    }

    #[test]
    fn the_mean_of_a_city_is_near_its_air_and_no_two_devices_agree() {
        let air = Episode::Haze.air(City::Seoul, Duration::from_secs(38 * 3600));
        let at = Stamp(38 * 3_600_000);
        let seoul: Vec<f64> = network(300, 3, None)
            .iter()
            .filter(|d| d.city == City::Seoul)
            .map(|d| d.measure(air, at).pm2_5)
            .collect();
        let mean = seoul.iter().sum::<f64>() / seoul.len() as f64;
        assert!((mean / air.pm2_5 - 1.0).abs() < 0.03, "{mean} of {}", air.pm2_5);
        let spread = seoul.iter().fold(0f64, |m, v| m.max((v - mean).abs()));
        assert!(spread > 0.05 * mean && spread < 0.3 * mean, "{spread}");
    }

    #[test]
    fn coarse_mass_is_never_less_than_fine_mass() {
        for d in network(200, 5, None) {
            for hour in 0..96 {
                let since = Duration::from_secs(hour * 3600);
                let m = d.measure(Episode::Dust.air(d.city, since), Stamp(hour as i64 * 3_600_000));
                assert!(m.pm10 >= m.pm2_5 && m.pm2_5 > 0.0, "{m:?}");
            }
        }
    }

    #[test]
    fn a_message_is_what_its_format_says() {
        let air = Air { pm2_5: 12.3, pm10: 20.1, temperature: 4.5, humidity: 51.0 };
        let at = Stamp::parse("2022-01-08T13:00:00Z").unwrap();
        let text = |format| {
            let device = &network(1, 0, Some(format))[0];
            let sent = device.messages(air, at);
            sent.iter()
                .map(|s| format!("{} {}", s.topic, String::from_utf8_lossy(&s.payload)))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(
            text(Format::Plain),
            "plain/seoul-esp-0/pm2_5 12.3\nplain/seoul-esp-0/pm10 20.1"
        );
        assert_eq!(
            text(Format::Json),
            r#"air/seoul/seoul-00000 {"device":"seoul-00000","pm10":20.1,"pm2_5":12.3,"rh":51.0,"temp":4.5,"time":"2022-01-08T13:00:00Z"}"#
        );
        assert!(text(Format::AirRohr).contains(r#"{"value":"12.3","value_type":"SDS_P2"}"#));
        assert!(text(Format::AirRohr).contains(r#""esp8266id":"3000000""#));
        assert!(text(Format::AirGradient).starts_with("airgradient/readings/84fce6000000 {"));
        assert!(text(Format::Zigbee2Mqtt).contains(r#""pm25":12.3"#));
    }
}
