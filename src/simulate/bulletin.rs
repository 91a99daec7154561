//! What forecasters would say of an episode: a bulletin a day from each country,
//! as messages for a broker. A pure function of time.
//!
//! They are good forecasters: they say what the episode will bring. Korea's gives
//! PM2.5 for tomorrow and the day after, China's the index from today on, each at
//! 17:00 by its own clock.

use super::episode::{City, Episode, PERIOD};
use super::network::Sent;
use crate::air::index::aqi_cn::{Edition, sub_index};
use crate::air::{Quantity, Stamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::time::Duration;

/// The local hour of a bulletin.
const ISSUED_HOUR: i8 = 17;

/// Who issues bulletins.
#[derive(Debug)]
struct Office {
    issuer: &'static str,
    time_zone: &'static str,
    /// What it foretells, as forecasts name it.
    quantity: &'static str,
    /// The days it looks ahead to; 0 is that of the issue.
    days: std::ops::RangeInclusive<i32>,
    /// Zones with the city whose air they have.
    zones: &'static [(&'static str, City)],
}

const OFFICES: [Office; 2] = [
    Office {
        issuer: "nier",
        time_zone: "Asia/Seoul",
        quantity: "pm2_5",
        days: 1..=2,
        zones: &[("seoul", City::Seoul), ("incheon", City::Incheon)],
    },
    Office {
        issuer: "cnemc",
        time_zone: "Asia/Shanghai",
        quantity: "aqi",
        days: 0..=3,
        zones: &[("beijing", City::Beijing), ("tianjin", City::Tianjin), ("shandong", City::Jinan)],
    },
];

/// The bulletins issued after `after` and not after `until`, each with its time,
/// the earliest first.
pub fn bulletins(episode: Episode, began: Stamp, after: Stamp, until: Stamp) -> Vec<(Stamp, Sent)> {
    let mut all: Vec<(Stamp, Sent)> = OFFICES
        .iter()
        .filter_map(|office| Some((office, TimeZone::get(office.time_zone).ok()?)))
        .flat_map(|(office, clock)| office.bulletins(episode, began, &clock, (after, until)))
        .collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

impl Office {
    fn bulletins(
        &self,
        episode: Episode,
        began: Stamp,
        clock: &TimeZone,
        (after, until): (Stamp, Stamp),
    ) -> Vec<(Stamp, Sent)> {
        let date =
            |t: Stamp| Some(clock.to_datetime(jiff::Timestamp::from_millisecond(t.0).ok()?).date());
        let Some((first, last)) = date(after).zip(date(until)) else { return Vec::new() };
        let days = first.series(jiff::Span::new().days(1)).take_while(|day| *day <= last);
        let issues = days.filter_map(|day| Some((day, at(day, ISSUED_HOUR, clock)?)));
        issues
            .filter(|(_, issued_at)| after < *issued_at && *issued_at <= until)
            .map(|(day, issued_at)| {
                let forecasts = self.forecasts(episode, began, clock, (day, issued_at));
                let topic = format!("forecasts/{}", self.issuer);
                (issued_at, Sent { topic, payload: Value::from(forecasts).to_string().into() })
            })
            .collect()
    }

    fn forecasts(
        &self,
        episode: Episode,
        began: Stamp,
        clock: &TimeZone,
        (today, issued_at): (Date, Stamp),
    ) -> Vec<Value> {
        let days = self.days.clone().filter_map(|ahead| {
            let day = today.checked_add(jiff::Span::new().days(ahead)).ok()?;
            Some((day, at(day, 0, clock)?))
        });
        days.flat_map(|(day, begins)| self.zones.iter().map(move |zone| (day, begins, zone)))
            .map(|(day, begins, (zone, city))| {
                let mean = mean(episode, *city, begins.since(began));
                let value = match self.quantity {
                    "aqi" => index(mean, begins).unwrap_or(mean),
                    _ => (mean * 10.0).round() / 10.0,
                };
                json!({
                    "issuer": self.issuer, "issued_at": issued_at.to_string(), "zone": zone,
                    "quantity": self.quantity, "day": day.to_string(), "value": value,
                })
            })
            .collect()
    }
}

fn at(day: Date, hour: i8, clock: &TimeZone) -> Option<Stamp> {
    let at = day.at(hour, 0, 0, 0).to_zoned(clock.clone()).ok()?;
    Some(Stamp(at.timestamp().as_millisecond()))
}

/// The mean PM2.5 of the day that begins so long after the episode, µg/m³.
fn mean(episode: Episode, city: City, since_ms: i64) -> f64 {
    let period_ms = PERIOD.as_millis() as i64;
    let hours = (0..24).map(|hour| (since_ms + hour * 3_600_000).rem_euclid(period_ms) as u64);
    hours.map(|ms| episode.air(city, Duration::from_millis(ms)).pm2_5).sum::<f64>() / 24.0
}

/// China's index of a day's mean.
fn index(mean: f64, day: Stamp) -> Option<f64> {
    let part = sub_index(Edition::at(day), Quantity::Pm2_5, mean)?;
    Some(f64::from(part.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn began() -> Stamp {
        Stamp::parse("2026-01-12T00:00:00Z").unwrap()
    }

    fn of(days: i64) -> Vec<(Stamp, Vec<Value>)> {
        let until = Stamp(began().0 + days * 86_400_000);
        let all = bulletins(Episode::Haze, began(), began(), until);
        all.into_iter()
            .map(|(at, sent)| (at, serde_json::from_slice(&sent.payload).unwrap()))
            .collect()
    }

    fn value(all: &[Value], zone: &str, day: &str) -> f64 {
        let is = |v: &&Value| v["zone"] == zone && v["day"] == day;
        all.iter().find(is).unwrap()["value"].as_f64().unwrap()
    }

    #[test]
    fn each_office_speaks_once_a_day_at_its_own_five_o_clock() {
        let all = of(2);
        let times: Vec<String> = all.iter().map(|(at, _)| at.to_string()).collect();
        let expected = ["12T08", "12T09", "13T08", "13T09"].map(|t| format!("2026-01-{t}:00:00Z"));
        assert_eq!(times, expected);
        assert!(bulletins(Episode::Haze, began(), began(), began()).is_empty());
        let parts: usize = (0..48)
            .map(|h| {
                let from = Stamp(began().0 + h * 3_600_000);
                bulletins(Episode::Haze, began(), from, Stamp(from.0 + 3_600_000)).len()
            })
            .sum();
        assert_eq!(parts, 4, "whatever the steps, each is there once");
    }

    #[test]
    fn the_haze_is_foretold_where_it_comes_and_clean_air_after_it() {
        let all = of(2);
        let china = &all[1].1;
        assert!(value(china, "beijing", "2026-01-13") > 200.0, "{china:?}");
        assert!(value(china, "beijing", "2026-01-15") < 100.0, "{china:?}");
        let (first, second) = (&all[0].1, &all[2].1);
        assert!(value(first, "seoul", "2026-01-14") > 75.0, "{first:?}");
        assert!(value(second, "seoul", "2026-01-15") < 50.0, "{second:?}");
    }
}
