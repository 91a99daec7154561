//! Files of forecasts for a backtest.

use super::{Args, Code, Failure};
use crate::air::{Forecast, Stamp};
use crate::backtest::{Data, Zoning};
use crate::decode::Refused;
use crate::decode::forecast::{self, ForecastZone, told};

/// The forecasts of all files. What cannot be understood is named on standard
/// error and left out.
///
/// # Errors
/// 64 for a file that cannot be read, 65 for one that holds no forecasts at all.
pub(super) fn read(args: &Args, zoning: &Zoning, data: &Data) -> Result<Vec<Forecast>, Failure> {
    if args.forecasts.is_empty() {
        return Ok(Vec::new());
    }
    let zones: Vec<ForecastZone> = zoning
        .zones(data)
        .into_iter()
        .map(|z| ForecastZone {
            id: z.id,
            country: None,
            time_zone: args.time_zone.clone().unwrap_or(z.time_zone),
        })
        .collect();
    let mut all = Vec::new();
    for path in &args.forecasts {
        let name = path.display();
        let usage = |e| Failure::new(Code::Usage, format!("{name}: {e}; check the path"));
        let bytes = std::fs::read(path).map_err(usage)?;
        // Of the past: there is no clock that an issue could be ahead of.
        let found = forecast::read(&bytes, &zones, Stamp(i64::MAX)).map_err(|e| {
            let why = match e {
                Refused::Malformed { detail, .. } => detail,
                Refused::Ignored(policy) => policy.to_owned(),
            };
            Failure::new(Code::Data, format!("{name}: {why}"))
        })?;
        if !found.faults.is_empty() {
            eprintln!("{name}: left out: {}", told(&found.faults));
        }
        all.extend(found.taken);
    }
    Ok(all)
}
