//! The loop: whose turn it is, one look, one command to the intake.

use super::file::{Look, Watched};
use super::own::{self, Hours, LEADS, LOOK_BACK};
use crate::air::forecast::OWN;
use crate::air::{Forecast, Foretold, Hour, Quantity, Stamp};
use crate::clock::Clock;
use crate::config::settings::ForecastFile;
use crate::decode::ForecastZone;
use crate::decode::forecast::{bounds, told};
use crate::flow::{self, Command, Event};
use crate::store::{Reader, StoreError};
use crate::telemetry::Part;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// The loop turns at least this often.
const TURN: Duration = Duration::from_secs(1);
/// Our own forecast is looked after this often: it is never urgent.
const OWN_TURN: Duration = Duration::from_secs(5);
/// What our own forecast is of.
const FORETOLD: [Quantity; 2] = [Quantity::Pm2_5, Quantity::Pm10];

/// What the loop is given.
pub struct Context {
    /// A reader of its own.
    pub reader: Reader,
    /// The files to look at, each with the state that is shown of it.
    pub files: Vec<(ForecastFile, Part)>,
    /// How often our own forecast is issued; `None`: never.
    pub own_every: Option<Duration>,
    /// How much past its end an hour is closed at the latest.
    pub grace: Duration,
    /// The zones.
    pub zones: Arc<[ForecastZone]>,
    /// The clock of the world that is judged.
    pub clock: Clock,
    /// To the single writer.
    pub commands: mpsc::Sender<Event>,
    /// The state of the loop.
    pub part: Part,
}

/// Why the loop cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ForeseeError {
    /// The store cannot be read.
    #[error("the store cannot be read: {0}")]
    Store(#[from] StoreError),
}

/// Looks at the files and issues our own forecast until told to stop.
///
/// # Errors
/// If the store cannot be read.
pub async fn run(context: Context, mut stop: watch::Receiver<bool>) -> Result<(), ForeseeError> {
    let Context { reader, files, own_every, grace, zones, clock, commands, part: loop_part } =
        context;
    let mut files: Vec<(Watched, Part, Instant)> =
        files.into_iter().map(|(file, part)| (Watched::new(file), part, Instant::now())).collect();
    let mut own = own_every.map(|every| Own {
        reader,
        every,
        grace,
        issued: HashMap::new(),
        due: Instant::now(),
    });
    loop {
        loop_part.turned();
        for (watched, part, due) in files.iter_mut().filter(|(_, _, due)| *due <= Instant::now()) {
            *due = Instant::now() + watched.file.every;
            // A full disk may keep the intake for long.
            loop_part.turning(look(watched, part, &zones, clock.now(), &commands)).await;
        }
        if let Some(own) = &mut own {
            let forecasts = own.due(&zones, clock.now())?;
            loop_part.turning(take(forecasts, clock.now(), &commands)).await;
        }
        let next = files.iter().map(|(_, _, due)| *due).min();
        let turn = Instant::now() + TURN;
        tokio::select! {
            biased;
            // A sender that is gone has nobody left who could say "stop".
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
            () = tokio::time::sleep_until(next.map_or(turn, |next| next.min(turn))) => {}
        }
    }
}

/// Looks at a file and hands on what is new in it.
async fn look(
    watched: &mut Watched,
    part: &Part,
    zones: &[ForecastZone],
    now: Stamp,
    commands: &mpsc::Sender<Event>,
) {
    let found = match watched.look(zones, now) {
        Look::Same => return,
        Look::Wrong(why) => return part.down(why),
        Look::Changed(found) => found,
    };
    let path = watched.file.path.display().to_string();
    match found.faults.is_empty() {
        true => part.ok(),
        false => {
            let left_out = told(&found.faults);
            tracing::warn!(path, left_out, "forecasts in a file are left out");
            part.degraded(format!("left out: {left_out}"));
        }
    }
    if take(found.taken, now, commands).await {
        tracing::info!(path, "forecasts of a file are taken");
    } else {
        watched.again();
    }
}

/// Has the intake commit forecasts; whether it did.
async fn take(forecasts: Vec<Forecast>, at: Stamp, commands: &mpsc::Sender<Event>) -> bool {
    if forecasts.is_empty() {
        return true;
    }
    let (reply, answer) = flow::reply();
    let command = Command::Forecasts { forecasts, at, reply };
    commands.send(Event::Command(command)).await.is_ok() && answer.await.is_ok()
}

/// Our own forecast: when it is issued, and from what.
struct Own {
    reader: Reader,
    every: Duration,
    grace: Duration,
    /// The last issue for each zone and quantity. One for which there are too few
    /// hours is tried again: after a long absence they are still coming in.
    issued: HashMap<(String, Quantity), Stamp>,
    /// When it is tried again.
    due: Instant,
}

impl Own {
    /// The forecasts of an issue that is due; nothing if none is.
    fn due(&mut self, zones: &[ForecastZone], now: Stamp) -> Result<Vec<Forecast>, StoreError> {
        if self.due > Instant::now() {
            return Ok(Vec::new());
        }
        self.due = Instant::now() + OWN_TURN;
        let issue = issue_at(now, self.every, self.grace);
        let mut forecasts = Vec::new();
        for (zone, quantity) in zones.iter().flat_map(|z| FORETOLD.map(|q| (z, q))) {
            let key = (zone.id.clone(), quantity);
            if self.issued.get(&key) == Some(&issue) {
                continue;
            }
            let hours = self.hours(&zone.id, quantity, issue.hour())?;
            let found = of_zone(zone, quantity, &hours, issue);
            if !found.is_empty() {
                self.issued.insert(key, issue);
            }
            forecasts.extend(found);
        }
        Ok(forecasts)
    }

    fn hours(&self, zone: &str, quantity: Quantity, now: Hour) -> Result<Hours, StoreError> {
        let range = (now.back(LOOK_BACK), now);
        let rows = self.reader.zone_hours_page(zone, quantity, range, false, LOOK_BACK as usize)?;
        let valid = rows.into_iter().filter(|h| h.valid && h.stations > 0);
        Ok(valid.map(|h| (h.hour, h.sum_micro as f64 / f64::from(h.stations) / 1e6)).collect())
    }
}

/// The instant of the latest issue of which every hour is closed: whole multiples
/// of the interval, so that a restart makes the same one again.
fn issue_at(now: Stamp, every: Duration, grace: Duration) -> Stamp {
    let every_ms = i64::try_from(every.as_millis()).unwrap_or(i64::MAX).max(1);
    let settled = now.minus(grace);
    Stamp(settled.0 - settled.0.rem_euclid(every_ms))
}

/// Our forecasts for the days to come.
fn of_zone(zone: &ForecastZone, quantity: Quantity, hours: &Hours, at: Stamp) -> Vec<Forecast> {
    let clock = &zone.time_zone;
    let Some(outlook) = own::outlook(hours, at, clock) else { return Vec::new() };
    let Ok(instant) = jiff::Timestamp::from_millisecond(at.0) else { return Vec::new() };
    let today = clock.to_datetime(instant).date();
    let of_lead = |lead: i32| {
        let day = today.checked_add(jiff::Span::new().days(lead)).ok()?;
        let (from, until) = bounds(day, clock)?;
        Some(Forecast {
            issuer: OWN.to_owned(),
            issued_at: at,
            zone: zone.id.clone(),
            of: Foretold::Quantity(quantity),
            from,
            until,
            // What is below a thousandth of a microgram says nothing.
            value: (outlook.mean(from, until, clock)? * 1e3).round() / 1e3,
            cause: None,
        })
    };
    LEADS.filter_map(of_lead).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    #[test]
    fn an_issue_waits_until_its_hours_are_closed_and_is_the_same_after_a_restart() {
        let at = |text: &str| Stamp::parse(text).unwrap();
        let (every, grace) = (Duration::from_secs(6 * 3_600), Duration::from_secs(600));
        let of = |text| issue_at(at(text), every, grace);
        assert_eq!(of("2022-01-08T06:09:59Z"), at("2022-01-08T00:00:00Z"));
        assert_eq!(of("2022-01-08T06:10:00Z"), at("2022-01-08T06:00:00Z"));
        assert_eq!(of("2022-01-08T11:00:00Z"), at("2022-01-08T06:00:00Z"));
    }

    #[test]
    fn our_own_forecast_is_labelled_ours_and_of_the_local_days_to_come() {
        let zone = ForecastZone {
            id: "seoul".into(),
            country: Some("KR".into()),
            time_zone: TimeZone::get("Asia/Seoul").unwrap(),
        };
        let at = Stamp::parse("2022-01-08T18:00:00Z").unwrap();
        let hours: Hours = (1..=48).map(|h| (at.hour().back(h), 40.0)).collect();
        let found = of_zone(&zone, Quantity::Pm2_5, &hours, at);
        assert_eq!(found.len(), 3);
        let first = &found[0];
        // It is the ninth already in Seoul.
        assert_eq!(first.from, Stamp::parse("2022-01-09T15:00:00Z").unwrap());
        assert_eq!((first.issuer.as_str(), first.value), ("dustline", 40.0));
        assert_eq!(of_zone(&zone, Quantity::Pm2_5, &Hours::new(), at), []);
    }
}
