//! `[[forecast_file]]` and `[forecast]`: what is expected, beside what brokers
//! and the API bring.

use super::reader::Table;
use super::settings::{ForecastFile, Zone};
use crate::decode::ForecastZone;
use std::sync::Arc;
use std::time::Duration;

/// How often a file is looked at unless told otherwise.
const EVERY: Duration = Duration::from_secs(60);

/// What forecasts need to know of the zones.
pub(super) fn zones(zones: &[Zone]) -> Arc<[ForecastZone]> {
    let of = |z: &Zone| ForecastZone {
        id: z.id.clone(),
        country: z.country.clone(),
        time_zone: z.time_zone.clone(),
    };
    zones.iter().map(of).collect()
}

/// Reads every file of forecasts.
pub(super) fn files(root: &mut Table<'_>) -> Vec<ForecastFile> {
    let mut files: Vec<ForecastFile> = Vec::new();
    for mut table in root.tables("forecast_file") {
        let item = table.need("path", "a file such as \"/var/lib/forecasts/nier.csv\"");
        let path = item.as_ref().and_then(|i| i.path()).unwrap_or_default();
        let every = table.duration("every", EVERY);
        table.finish();
        if let Some(item) = item.filter(|_| files.iter().any(|f| f.path == path)) {
            item.fault("this file is there already", None);
        }
        files.push(ForecastFile { path, every });
    }
    files
}

/// Reads `[forecast]`: how often our own forecast is issued, if at all.
pub(super) fn own(root: &mut Table<'_>) -> Option<Duration> {
    let mut table = root.table("forecast");
    let every = table.duration_from("own_every", Duration::ZERO, Duration::ZERO);
    table.finish();
    (every > Duration::ZERO).then_some(every)
}
