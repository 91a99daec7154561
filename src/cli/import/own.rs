//! A row as `dustline export` writes it, in CSV or as a JSON object.

use super::file::{Told, device};
use crate::air::reading::TimeSource;
use crate::air::{Flag, Label, Quantity, Reason, Reasons, Stamp, Value};
use serde::Deserialize;

/// A reading as a row. Further columns are passed over.
#[derive(Debug, Deserialize)]
pub(super) struct OwnRow {
    device: String,
    quantity: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    variant: String,
    value: f64,
    at: String,
    time_source: Option<TimeSource>,
    flag: Option<u8>,
    #[serde(default)]
    reasons: String,
}

impl OwnRow {
    /// What it tells, or what is wrong with it.
    pub fn told(self) -> Result<Told, String> {
        let device = device(&self.device)?;
        let quantity = Quantity::from_name(&self.quantity)
            .ok_or_else(|| format!("quantity {:?} is not known", self.quantity))?;
        let at = Stamp::parse(&self.at).ok_or_else(|| {
            format!("at {:?}; expected a time as in 2022-01-08T13:00:00Z", self.at)
        })?;
        if !self.value.is_finite() {
            return Err(format!("value {}; expected a finite number", self.value));
        }
        let label = Label { channel: self.channel, variant: self.variant };
        let value = Value { quantity, label, value: self.value };
        let mut reasons = Reasons::default();
        self.reasons.split(',').filter_map(Reason::from_name).for_each(|r| reasons.add(r));
        let said = self.flag.and_then(Flag::from_code).map(|flag| (flag, reasons));
        let time_source = self.time_source.unwrap_or(TimeSource::Device);
        Ok((device, at, time_source, vec![(value, said)]))
    }
}

/// What is wrong with a row whose columns cannot be read.
pub(super) fn column_fault(e: &csv::Error) -> String {
    match e.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        _ => e.to_string(),
    }
}
