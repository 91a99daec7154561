//! A row as `dustline export` writes it, in CSV, as a JSON object or in Parquet.

use super::file::{Told, device};
use crate::air::reading::TimeSource;
use crate::air::{Flag, Label, Quantity, Reason, Reasons, Stamp, Value};
use serde::de::{Deserialize, Deserializer, Error};

/// A reading as a row. Further columns are passed over.
#[derive(Debug, serde::Deserialize)]
pub(super) struct OwnRow {
    pub device: String,
    pub quantity: String,
    #[serde(default)]
    pub channel: String,
    #[serde(default)]
    pub variant: String,
    pub value: f64,
    #[serde(deserialize_with = "instant")]
    pub at: Stamp,
    pub time_source: Option<TimeSource>,
    pub flag: Option<u8>,
    #[serde(default)]
    pub reasons: String,
}

impl OwnRow {
    /// What it tells, or what is wrong with it.
    pub fn told(self) -> Result<Told, String> {
        let device = device(&self.device)?;
        let quantity = Quantity::from_name(&self.quantity)
            .ok_or_else(|| format!("quantity {:?} is not known", self.quantity))?;
        if !self.value.is_finite() {
            return Err(format!("value {}; expected a finite number", self.value));
        }
        let label = Label { channel: self.channel, variant: self.variant };
        let value = Value { quantity, label, value: self.value };
        let mut reasons = Reasons::default();
        self.reasons.split(',').filter_map(Reason::from_name).for_each(|r| reasons.add(r));
        let said = self.flag.and_then(Flag::from_code).map(|flag| (flag, reasons));
        let time_source = self.time_source.unwrap_or(TimeSource::Device);
        Ok((device, self.at, time_source, vec![(value, said)]))
    }
}

/// A time as text.
pub(super) fn time(text: &str) -> Result<Stamp, String> {
    let fault = || format!("at {text:?}; expected a time as in 2022-01-08T13:00:00Z");
    Stamp::parse(text).ok_or_else(fault)
}

fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<Stamp, D::Error> {
    time(&String::deserialize(from)?).map_err(D::Error::custom)
}

/// What is wrong with a row whose columns cannot be read.
pub(super) fn column_fault(e: &csv::Error) -> String {
    match e.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        _ => e.to_string(),
    }
}
