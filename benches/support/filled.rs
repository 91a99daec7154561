//! A store that is filled through the daemon's own intake, faster than a broker
//! could, with hours closed on the way.

use anyhow::{Result, anyhow};
use dustline::air::Stamp;
use dustline::clock::Clock;
use dustline::config::{self, Machine};
use dustline::flow::{self, Arrival, BATCH_MAX, Event, Receipt, SourceId};
use dustline::intake::{Intake, Parts, Plan};
use dustline::store::{self, Writer};
use dustline::telemetry::{Health, Metrics};
use std::path::Path;
use std::sync::Arc;

/// Our clock is told to the intake when so much of it has passed, ms.
const TICK_MS: i64 = 60_000;

/// Fills the store of the configuration in `dir` with two values of each of these
/// devices at these times, ms, which ascend. The intake is as a crash leaves it
/// when it is dropped; `finish` ends it in order.
pub fn fill(dir: &Path, readings: impl Iterator<Item = (usize, i64)>) -> Result<Intake> {
    let loaded = config::load(&dir.join("dustline.toml"), &Machine)
        .map_err(|refused| anyhow!("{refused}"))?;
    let mut readings = readings.peekable();
    let first = readings.peek().map_or(0, |(_, at)| *at);
    let data = &loaded.settings.data_dir;
    let _lock = store::lock(data)?;
    let writer = Writer::open(data)?;
    let announce = flow::announce(writer.last());
    let mut intake = Intake::open(Parts {
        plan: Arc::new(Plan::of(&loaded.settings)),
        writer,
        announce,
        metrics: Metrics::new("bench", "bench"),
        clock: Clock::manual(Stamp(first)),
        health: Health::new(),
    })?;
    let mut events = Vec::with_capacity(BATCH_MAX);
    let mut told = i64::MIN;
    for (n, (device, at)) in readings.enumerate() {
        if at - TICK_MS >= told {
            events.push(Event::Tick(Stamp(at)));
            told = at;
        }
        events.push(Event::Arrival(arrival(n, device, at)));
        if events.len() >= BATCH_MAX {
            intake.turn(&mut events)?;
        }
    }
    intake.turn(&mut events)?;
    Ok(intake)
}

/// The name of a device.
pub fn name(device: usize) -> String {
    format!("s{device:05}")
}

fn arrival(n: usize, device: usize, at: i64) -> Arrival {
    let name = name(device);
    let payload = format!(
        r#"{{"device":"{name}","time":{at},"pm2_5":{}.{},"pm10":20.1}}"#,
        10 + n % 40,
        n % 10
    );
    Arrival {
        source: SourceId(0),
        topic: format!("air/seoul/{name}").into(),
        payload: payload.into(),
        retained: false,
        duplicate: false,
        at: Stamp(at + 500),
        receipt: Some(Receipt { lane: 0, connection: 1, packet: n as u16, exactly_once: false }),
    }
}
