//! The closed hours of a store as data.

use super::Data;
use crate::air::Hour;
use crate::rules::{HourSums, MICRO};
use crate::store::{HourPlace, Reader, StoreError};

/// Hours read in one step.
const STEP: usize = 10_000;

impl Data {
    /// Takes the closed hours of every device's main series whose readings cover
    /// at least `min_coverage` (0..=1) of the hour. Late data are in them already.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn read_store(&mut self, reader: &Reader, min_coverage: f64) -> Result<(), StoreError> {
        let devices: Vec<_> = reader.devices().map(|(id, name)| (id, name.to_owned())).collect();
        for (id, name) in devices {
            let mut after = HourPlace::START;
            loop {
                let page =
                    reader.hours_page(id, (Hour(i32::MIN), Hour(i32::MAX)), None, after, STEP)?;
                let Some(last) = page.last() else { break };
                after = HourPlace::of(last);
                for h in page.iter().filter(|h| h.label == 0) {
                    self.row();
                    let extremes = (h.min_micro, h.max_micro);
                    let sums =
                        HourSums::from_parts(h.count, h.sum_micro, extremes, h.minutes, h.flagged);
                    let mean = sums.mean_micro().filter(|_| sums.coverage() >= min_coverage);
                    if let Some(mean) = mean {
                        let device = self.device(&name);
                        let value = mean as f64 / MICRO as f64;
                        self.push(h.hour.start(), device, h.quantity, value);
                    }
                }
            }
        }
        Ok(())
    }
}
