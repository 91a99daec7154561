//! Sends measurements of the past as the devices would have sent them.

use crate::air::{Quantity, Stamp};
use crate::mqtt::{PublishError, Publisher, Target};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What one device measured at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// When, by the device.
    pub at: Stamp,
    /// Who.
    pub device: String,
    /// What, in the unit of the quantity.
    pub values: Vec<(Quantity, f64)>,
}

impl Measurement {
    /// Its topic, `air/replay/<device>`, and its body: JSON with `device`, `time`
    /// and the names of the quantities.
    pub fn message(&self) -> (String, Vec<u8>) {
        let mut body = serde_json::Map::new();
        body.insert("device".to_owned(), self.device.clone().into());
        body.insert("time".to_owned(), self.at.to_string().into());
        for (quantity, value) in &self.values {
            body.insert(quantity.name().to_owned(), (*value).into());
        }
        // A level of a topic has no separator and no wildcard.
        let level = self.device.replace(['/', '+', '#'], "_");
        (format!("air/replay/{level}"), serde_json::Value::Object(body).to_string().into_bytes())
    }
}

/// Sends measurements in their order, until the end or until `until` is over, and
/// waits for every acknowledgement. With a speed, each is sent so many times
/// sooner after the first as its time is later; without, as fast as the broker
/// takes them. Counts in `handed` what was handed over; returns how many there were.
///
/// # Errors
/// If there is no connection at the beginning, or messages were lost.
pub async fn replay(
    measurements: &[Measurement],
    target: &Target,
    speed: Option<f64>,
    until: impl Future<Output = ()>,
    handed: &AtomicU64,
) -> Result<u64, PublishError> {
    let (publisher, sending) = Publisher::connect(target).await?;
    let feeding = async {
        send(measurements, &publisher, speed, pin!(until), handed).await?;
        publisher.finish().await
    };
    let (sent, fed) = tokio::join!(sending.run(), feeding);
    // Where both fail, the sender knows why.
    sent.and(fed)
}

async fn send(
    measurements: &[Measurement],
    publisher: &Publisher,
    speed: Option<f64>,
    mut until: Pin<&mut impl Future<Output = ()>>,
    handed: &AtomicU64,
) -> Result<(), PublishError> {
    let started = Instant::now();
    let Some(first) = measurements.first().map(|m| m.at) else { return Ok(()) };
    for measurement in measurements {
        let due = speed.map_or(Duration::ZERO, |speed| after(measurement.at.since(first), speed));
        tokio::select! {
            biased;
            () = &mut until => return Ok(()),
            () = tokio::time::sleep_until((started + due).into()), if !due.is_zero() => {}
            () = std::future::ready(()), if due.is_zero() => {}
        }
        let (topic, payload) = measurement.message();
        publisher.publish(&topic, payload).await?;
        handed.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// The wait before what lies so many milliseconds after the first; none for what
/// lies before it.
fn after(ms: i64, speed: f64) -> Duration {
    /// A century: longer than any replay, and an instant so far away still exists.
    const MOST: f64 = 100.0 * 365.0 * 86_400.0;
    let seconds = ms.max(0) as f64 / 1_000.0 / speed;
    Duration::from_secs_f64(seconds.min(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_is_sent_with_its_own_time_and_names() {
        let at = Stamp::parse("2018-02-21T07:24:27.103Z").unwrap();
        let values = vec![(Quantity::Pm2_5, 22.1), (Quantity::Pm10, 37.0)];
        let (topic, body) = Measurement { at, device: "a/b+c".to_owned(), values }.message();
        assert_eq!(topic, "air/replay/a_b_c");
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let wanted = serde_json::json!({ "device": "a/b+c", "time": "2018-02-21T07:24:27.103Z",
            "pm2_5": 22.1, "pm10": 37.0 });
        assert_eq!(body, wanted);
    }

    #[test]
    fn waits_are_scaled_and_never_negative() {
        assert_eq!(after(60_000, 60.0), Duration::from_secs(1));
        assert_eq!(after(-5, 1.0), Duration::ZERO);
        assert!(after(i64::MAX, 1e-9) < Duration::from_secs(4_000_000_000));
    }
}
