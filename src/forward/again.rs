//! Points of closed hours once more, for replays and for what a target has lost.
//! Read device by device and hour by hour, as they lie together in the store.

use super::batch::{Batch, Limits, Source};
use crate::air::{Hour, Stamp};
use crate::flow::PointKey;
use crate::store::{DeviceId, Filter, StoreError};
use std::collections::HashMap;

/// How many readings each series of an hour has, by device and field.
pub(super) type Counts = HashMap<(String, String), u32>;

/// A piece of what is sent once more.
pub(super) struct Piece {
    /// Its points.
    pub batch: Batch,
    /// Where the next one begins; `None`: that was all.
    pub next: Option<(DeviceId, Hour)>,
}

impl Source {
    /// The points of closed hours from a place on, of times in `[from, to)`: about as
    /// much as `limits` says, never less than one hour of one device.
    pub(super) fn again(
        &mut self,
        place: (DeviceId, Hour),
        (from, to): (Stamp, Stamp),
        limits: Limits,
    ) -> Result<Piece, StoreError> {
        let mut batch = Batch::default();
        let last = Stamp(to.0.saturating_sub(1)).hour().next();
        let (mut device, mut hour) = place;
        while let Some(found) = self.reader.device_with_hours(device, from.hour(), last)? {
            if found != device {
                hour = from.hour();
            }
            device = found;
            for closed in self.reader.closed_hours(device, hour, last)? {
                if !batch.room(limits) {
                    return Ok(Piece { batch, next: Some((device, closed.hour)) });
                }
                self.device_hour(&mut batch, device, (closed.hour, closed.head), (from, to))?;
                self.closed_hours(&mut batch, device, closed.hour, (from, to))?;
            }
            (device, hour) = (DeviceId(device.0.saturating_add(1)), from.hour());
        }
        Ok(Piece { batch, next: None })
    }

    /// The points of one hour of some devices.
    pub(super) fn hour_again(
        &mut self,
        hour: Hour,
        devices: &[String],
    ) -> Result<Batch, StoreError> {
        let mut batch = Batch::default();
        self.reader.refresh_names()?;
        for name in devices {
            let Some(device) = self.reader.device_id(name) else { continue };
            for closed in self.reader.closed_hours(device, hour, hour.next())? {
                let place = (closed.hour, closed.head);
                self.device_hour(&mut batch, device, place, (hour.start(), hour.end()))?;
            }
        }
        Ok(batch)
    }

    /// The readings that a chain leads to, in the order of receipt: of several for one
    /// series and instant the one that counts is last, as it was.
    fn device_hour(
        &mut self,
        batch: &mut Batch,
        device: DeviceId,
        (hour, head): (Hour, i64),
        (from, to): (Stamp, Stamp),
    ) -> Result<(), StoreError> {
        for row in self.reader.chain((device, hour), head)?.into_iter().rev() {
            if !row.values.is_empty() && (from..to).contains(&row.observed) {
                self.reading(batch, device, &row)?;
            }
        }
        Ok(())
    }

    fn closed_hours(
        &mut self,
        batch: &mut Batch,
        device: DeviceId,
        hour: Hour,
        (from, to): (Stamp, Stamp),
    ) -> Result<(), StoreError> {
        if !(from..to).contains(&hour.start()) {
            return Ok(());
        }
        for closed in self.hours_of(hour, Some(vec![device]))? {
            self.hour(batch, &closed)?;
            batch.ended_line();
        }
        Ok(())
    }

    fn hours_of(
        &self,
        hour: Hour,
        devices: Option<Vec<DeviceId>>,
    ) -> Result<Vec<crate::store::HourRow>, StoreError> {
        let (from, to) = (Some(hour.start()), Some(hour.end()));
        self.reader.hours(&Filter { from, to, devices, ..Filter::default() })
    }

    /// What a target had refused of a stretch of time, with the numbers in the quarantine.
    pub(super) fn aside(
        &self,
        target: &str,
        stretch: Option<(Stamp, Stamp)>,
    ) -> Result<HashMap<PointKey, i64>, StoreError> {
        let Some(stretch) = stretch else { return Ok(HashMap::new()) };
        Ok(self.reader.refused_between(target, stretch)?.into_iter().collect())
    }

    /// How many readings a target should have of each series of a closed hour: all but
    /// those that it refused.
    pub(super) fn expected(&mut self, hour: Hour, target: &str) -> Result<Counts, StoreError> {
        self.reader.refresh_names()?;
        let mut counts = Counts::new();
        for row in self.hours_of(hour, None)? {
            let label = self.reader.label(row.label).unwrap_or_default();
            let device = self.reader.device_name(row.device).to_owned();
            let field = format!("{}{}", row.quantity.name(), label.suffix());
            counts.insert((device, field), row.count.saturating_add(row.flagged));
        }
        for (point, _) in self.reader.refused_between(target, (hour.start(), hour.end()))? {
            for field in point.series.split(',').filter(|_| point.measurement == "air") {
                let place = (point.device.clone(), field.to_owned());
                counts.entry(place).and_modify(|n| *n = n.saturating_sub(1));
            }
        }
        counts.retain(|_, readings| *readings > 0);
        Ok(counts)
    }
}
