//! A network's readings of some hours that are over, made so that the hours, the
//! ladders and the thresholds move, and always the same way; and the
//! configuration that judges them.

use dustline::air::Stamp;
use std::collections::BTreeSet;

/// Mean PM2.5 of the zone in each hour, µg/m³: up to a warning and down again.
const HOURS: [i64; 10] = [20, 90, 95, 160, 170, 100, 60, 30, 30, 25];
/// PM10 lies above PM2.5 by this much, µg/m³.
const COARSE: i64 = 45;
/// What the moves of the zone's ladders are, with the hours after the start.
pub const LADDER_MOVES: [(&str, &str, &str, i64); 6] = [
    ("kr-pm25", "none", "advisory", 3),
    ("kr-pm10", "none", "advisory", 5),
    ("kr-pm25", "advisory", "warning", 5),
    ("kr-pm25", "warning", "advisory", 7),
    ("kr-pm10", "advisory", "none", 8),
    ("kr-pm25", "advisory", "none", 8),
];
/// Stations, each with one device that tells its own time and perhaps another
/// whose clock is off.
pub const STATIONS: i64 = 8;
/// Devices that send bare numbers, without a time.
const PLAIN: i64 = 40;
/// So long ago the first hour began, at least; within `max_past`.
const AGE_HOURS: i32 = 14;

const HOUR_MS: i64 = 3_600_000;

/// One message to publish.
#[derive(Debug, Clone)]
pub struct Sent {
    pub topic: String,
    pub payload: Vec<u8>,
}

/// The readings of a network.
pub struct World {
    pub start: Stamp,
    /// Readings of one station in an hour.
    per_hour: i64,
}

/// A reading by device, time and value in tenths.
pub type Timed = (String, i64, &'static str, i64);

impl World {
    /// One in which every station reports so many times an hour.
    pub fn new(per_hour: i64) -> World {
        World { start: now().hour().back(AGE_HOURS).start(), per_hour }
    }

    /// The end of its last hour that is closed.
    pub fn end(&self) -> Stamp {
        Stamp(self.start.0 + HOURS.len() as i64 * HOUR_MS)
    }

    /// Every reading with a time of its own, in the order of sending. The last of
    /// each station says that the last hour is over.
    fn timed(&self) -> impl Iterator<Item = (i64, i64, i64)> + '_ {
        let step = HOUR_MS / self.per_hour;
        let in_hours = (0..HOURS.len() as i64 * self.per_hour).flat_map(move |n| {
            (0..STATIONS).map(move |s| (s, n * step + s * 100, self.tenths(s, n)))
        });
        let end = self.end().0 - self.start.0 + 120_000;
        in_hours.chain((0..STATIONS).map(move |s| (s, end, 250)))
    }

    /// PM2.5 in tenths of µg/m³: the hour's mean, a little to and fro, and twice
    /// an hour at one station far too much.
    fn tenths(&self, station: i64, n: i64) -> i64 {
        let (hour, place) = (n / self.per_hour, n % self.per_hour);
        let first = self.per_hour / 3;
        if station == hour % STATIONS && (first..first + 2).contains(&place) {
            return 4_500;
        }
        HOURS[hour as usize] * 10 + (station * 7 + n * 13) % 21 - 10
    }

    /// All messages, in the order of sending: after each round of the stations a
    /// bare number.
    pub fn messages(&self) -> Vec<Sent> {
        let mut all = Vec::new();
        for (place, (station, at, tenths)) in self.timed().enumerate() {
            let time = Stamp(self.start.0 + at);
            let (fine, coarse) = (tenths as f64 / 10.0, (tenths + COARSE * 10) as f64 / 10.0);
            let payload = format!(r#"{{"time":"{time}","pm2_5":{fine},"pm10":{coarse}}}"#);
            all.push(Sent { topic: format!("air/d{station}"), payload: payload.into_bytes() });
            if place as i64 % STATIONS == STATIONS - 1 {
                let (device, tenths) = plain(place as i64 / STATIONS);
                let payload = format!("{}", tenths as f64 / 10.0).into_bytes();
                all.push(Sent { topic: format!("plain/{device}/pm2_5"), payload });
            }
        }
        all
    }

    /// What must be stored of the devices that tell the time.
    pub fn readings(&self) -> BTreeSet<Timed> {
        let both = |(s, at, tenths): (i64, i64, i64)| {
            let (device, at) = (format!("d{s}"), self.start.0 + at);
            [(device.clone(), at, "pm2_5", tenths), (device, at, "pm10", tenths + COARSE * 10)]
        };
        self.timed().flat_map(both).collect()
    }

    /// What must be stored of the others: device and tenths, each pair once.
    pub fn numbers(&self) -> BTreeSet<(String, i64)> {
        let rounds = self.timed().count() as i64 / STATIONS;
        (0..rounds).map(plain).collect()
    }

    /// How often a threshold must move: raised and lifted once an hour.
    pub fn threshold_moves(&self) -> usize {
        2 * HOURS.len()
    }
}

/// The bare number of a round: every device counts in steps of its own.
fn plain(round: i64) -> (String, i64) {
    (format!("p{}", round % PLAIN), 10 + round / PLAIN)
}

/// The configuration: one zone over the stations, the Korean ladders, a
/// threshold, and hours that close by what the stations report, never by the
/// clock. `more` goes into the source, `after` behind everything.
pub fn config(port: u16, more: &str, after: &str) -> String {
    let stations: String = (0..STATIONS)
        .map(|s| format!("[[station]]\nid = \"s{s}\"\ndevices = [\"d{s}\", \"off{s}\"]\n"))
        .collect();
    let ids: Vec<String> = (0..STATIONS).map(|s| format!("\"s{s}\"")).collect();
    format!(
        r#"
{source}
[judgement]
lateness = "1m"
grace = "24h"
reading_covers = "10m"
{stations}
[[zone]]
id = "seoul"
country = "KR"
time_zone = "Asia/Seoul"
stations = [{ids}]
rulesets = ["kr-air-alert"]
[[threshold]]
id = "emergency"
quantity = "pm2_5"
at_least = 400
readings = "2 of 3"
lift_below = 250
[delivery]
schedule = ["0s", {waits}]
{after}
"#,
        source = source(port, more),
        ids = ids.join(", "),
        waits = ["\"300ms\""; 100].join(", ")
    )
}

/// The same configuration with hours that close by the clock, as soon as they are over.
pub fn closing_by_the_clock(text: &str) -> String {
    text.replace("lateness = \"1m\"\ngrace = \"24h\"", "lateness = \"1s\"\ngrace = \"1s\"")
}

/// One source named `city`. Tests of series are off: the thresholds move by leaps
/// of two readings, and connections have no order among them.
pub fn source(port: u16, more: &str) -> String {
    format!(
        r#"
[[source]]
name = "city"
url = "mqtt://127.0.0.1:{port}"
client_id = "dustline-test"
silent_after = "0s"
quality = {{ spike = false, stuck = false }}
{more}
subscribe = [
  {{ topic = "air/{{device}}", format = "json", time = "/time", values = {{ pm2_5 = "/pm2_5", pm10 = "/pm10" }} }},
  {{ topic = "plain/{{device}}/{{quantity}}", format = "plain" }},
]
"#
    )
}

/// A receiver that wants changes only.
pub fn receiver(id: &str, url: &str) -> String {
    format!(
        "[[receiver]]\nid = \"{id}\"\nurl = \"{url}\"\nsecret = \"{}\"\n\
         events = [\"change\"]\ntimeout = \"500ms\"\n",
        crate::helpers::receiver::SECRET
    )
}

/// One reading of PM2.5 with its time.
pub fn reading(at: Stamp, value: f64) -> String {
    format!(r#"{{"time":"{at}","pm2_5":{value}}}"#)
}

/// The machine's clock.
pub fn now() -> Stamp {
    dustline::clock::Clock::system().now()
}
