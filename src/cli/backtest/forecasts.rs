//! Files of forecasts for a backtest.

use super::{Args, Code, Failure};
use crate::air::{Forecast, Stamp};
use crate::backtest::Choice;
use crate::config::Settings;
use crate::decode::Refused;
use crate::decode::forecast::{self, ForecastZone, told};
use crate::rules::judge::PlannedZone;
use jiff::tz::TimeZone;

/// The forecasts of all files, read as the API reads them. `settings` are there if
/// the zones are those of a configuration; zones made from the data are where the
/// rules that look at forecasts are. What cannot be understood is named on standard
/// error and left out.
///
/// # Errors
/// 64 for a file that cannot be read, 65 for one that holds no forecasts at all.
pub(super) fn read(
    args: &Args,
    settings: Option<&Settings>,
    zones: Vec<PlannedZone>,
    choices: &[Choice],
) -> Result<Vec<Forecast>, Failure> {
    let mut zones: Vec<ForecastZone> = match settings {
        Some(settings) => settings.forecast_zones.to_vec(),
        None => made(zones, choices),
    };
    if let Some(clock) = &args.time_zone {
        zones.iter_mut().for_each(|zone| zone.time_zone = clock.clone());
    }
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

/// Zones made from the data, with the country and the clock of the rules that look
/// at forecasts, if those are all of one country.
fn made(zones: Vec<PlannedZone>, choices: &[Choice]) -> Vec<ForecastZone> {
    let rulesets = choices.iter().flat_map(|c| &c.versions);
    let ahead = rulesets.filter(|r| r.conditions.iter().any(|c| c.looks_ahead()));
    let mut places = ahead.map(|r| (r.jurisdiction.as_str(), r.time_zone.as_str()));
    let first = places.next();
    let one = first.filter(|first| places.all(|place| place == *first));
    let country = one.map(|(country, _)| country.to_owned());
    let clock = one.and_then(|(_, clock)| TimeZone::get(clock).ok()).unwrap_or(TimeZone::UTC);
    let of = |z: PlannedZone| ForecastZone {
        id: z.id,
        country: country.clone(),
        time_zone: clock.clone(),
    };
    zones.into_iter().map(of).collect()
}
