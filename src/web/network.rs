//! `GET /api/v1/stations`, `/zones`, `/devices`: the network as it is now.

use super::Ctx;
use super::answer::{self, Answer};
use super::hours::zone_mean;
use super::params::{Params, cursor};
use super::problem::Problem;
use super::shape::{self, Time};
use super::view::{Known, Latest};
use crate::air::{Hour, Names, Quantity};
use crate::config::settings::{Station, Zone};
use crate::store::{DeviceId, LevelRow, Reader};
use axum::extract::State;
use axum::http::Uri;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Devices looked for at a time before anyone asks: some milliseconds, in which
/// requests wait for the view.
const LOOK_AHEAD: usize = 500;

/// Latest values by quantity, in the order of these; variants as `pm2_5__cf1`.
#[derive(Debug)]
pub(super) struct Values(Vec<(Cow<'static, str>, LatestShape)>);

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// The latest value of one series.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct LatestShape {
    /// The number.
    value: f64,
    /// Its unit.
    unit: &'static str,
    /// The time it is of.
    at: Time,
    /// When it came in.
    received_at: Time,
    /// Quality flag by QARTOD.
    flag: u8,
    /// Why it did not simply pass.
    reasons: Vec<&'static str>,
}

/// A device.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DeviceShape<'a> {
    /// Its identity.
    id: &'a str,
    /// The station where it stands.
    station: &'a str,
    /// The source that it was last heard through.
    source: Option<&'a str>,
    /// When its last message with readings came in.
    last_heard: Option<Time>,
    /// Its latest values by quantity; variants as `pm2_5__cf1`.
    #[schema(value_type = BTreeMap<String, LatestShape>)]
    latest: Values,
}

/// A page of devices.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Devices<'a> {
    /// In the order in which they were first heard.
    #[schema(value_type = Vec<DeviceShape<'a>>)]
    devices: Vec<&'a RawValue>,
    /// Where the next page starts: give it as `after`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A station.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StationShape {
    /// Its id.
    id: String,
    /// Its name by language.
    name: Names,
    /// Latitude, WGS 84 degrees.
    lat: Option<f64>,
    /// Longitude, WGS 84 degrees.
    lon: Option<f64>,
    /// Its devices.
    devices: Vec<String>,
    /// When one of them was last heard.
    last_heard: Option<Time>,
    /// The latest values of its devices by quantity.
    #[schema(value_type = BTreeMap<String, LatestShape>)]
    latest: Values,
}

/// A page of stations.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Stations {
    /// Those of the configuration, then devices that no station names.
    stations: Vec<StationShape>,
    /// Where the next page starts: give it as `after`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Where a ladder of a zone stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ZoneLevel {
    /// The ladder.
    ladder: String,
    /// Its level; `none` at the bottom.
    level: String,
    /// Since when.
    since: Time,
    /// The value last judged.
    value: Option<f64>,
    /// Whether too little data came for a judgement.
    unknown: bool,
}

/// The last judged hour of a zone.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ZoneHourShape {
    /// The start of the hour.
    start: Time,
    /// The mean over its stations.
    mean: Option<f64>,
    /// Its unit.
    unit: &'static str,
    /// Stations that counted.
    stations: u32,
    /// Stations of the zone.
    expected: u32,
    /// Whether enough stations counted.
    valid: bool,
    /// Stations that the mean is without, because they disagree with the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<String>,
}

/// A zone.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ZoneShape {
    /// Its id.
    id: String,
    /// Its name by language.
    name: Names,
    /// ISO 3166-1 code.
    country: Option<String>,
    /// The zone in which its people tell time.
    time_zone: Option<String>,
    /// Its stations, with those of the zones it is made of; `["*"]`: all.
    stations: Vec<String>,
    /// The zones it is made of, if it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    zones: Vec<String>,
    /// The rulesets that judge it.
    rulesets: Vec<String>,
    /// Where its ladders stand.
    levels: Vec<ZoneLevel>,
    /// Its last judged hours by quantity.
    hours: BTreeMap<&'static str, ZoneHourShape>,
}

/// All zones.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Zones {
    /// In the order of the configuration.
    zones: Vec<ZoneShape>,
}

/// Devices with their latest values.
#[utoipa::path(
    get, path = "/api/v1/devices", tag = "network",
    params(
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 10000; 1000 unless given."),
        ("after" = Option<String>, Query, description = "The `next` of the page before."),
    ),
    responses((status = 200, description = "A page of devices", body = Devices))
)]
pub async fn devices(State(ctx): State<Arc<Ctx>>, uri: Uri) -> Result<Answer, Problem> {
    let params = Params::read(&uri, &["limit", "after"])?;
    let (limit, after) = (params.limit()?, params.after::<u32>()?.unwrap_or(0));
    ctx.read(move |ctx, reader, _| {
        reader.refresh_names()?;
        let mut ids: Vec<DeviceId> =
            reader.devices().map(|(id, _)| id).filter(|id| id.0 > after).collect();
        let more = ids.len() > limit;
        ids.truncate(limit);
        let next = ids.last().filter(|_| more).map(|id| cursor(&id.0));
        let latest = ctx.view.latest(reader, ctx.committed(), &ids)?;
        // The view may know a source that was not there before.
        reader.refresh_names()?;
        let found = ids.iter().zip(&latest).map(|(id, known)| shown(ctx, reader, *id, known));
        let devices = found.collect::<Result<_, Problem>>()?;
        Answer::of(&Devices { devices, next })
    })
    .await
}

fn shown<'a>(
    ctx: &Ctx,
    reader: &Reader,
    id: DeviceId,
    known: &'a Known,
) -> Result<&'a RawValue, Problem> {
    known.shown(|latest| answer::part(&device(ctx, reader, id, latest)))
}

fn device<'a>(ctx: &'a Ctx, reader: &'a Reader, id: DeviceId, latest: &Latest) -> DeviceShape<'a> {
    let id = reader.device_name(id);
    DeviceShape {
        id,
        station: ctx.places.station(id),
        source: latest.source.map(|source| reader.source_name(source)),
        last_heard: latest.heard.map(Time),
        latest: latest_values([latest]),
    }
}

/// The latest values of several devices together, each the latest of them.
pub(super) fn latest_values<'a>(devices: impl IntoIterator<Item = &'a Latest>) -> Values {
    let shapes = devices.into_iter().flat_map(|d| &d.values).map(|((quantity, label), v)| {
        let name = match label.is_main() {
            true => Cow::Borrowed(quantity.name()),
            false => Cow::Owned(format!("{quantity}{}", label.suffix())),
        };
        let shape = LatestShape {
            value: v.value,
            unit: quantity.unit(),
            at: Time(v.at),
            received_at: Time(v.received),
            flag: v.flag.code(),
            reasons: shape::reasons(v.reasons),
        };
        (name, shape)
    });
    let mut all: Vec<(Cow<'static, str>, LatestShape)> = shapes.collect();
    // Of one name the latest comes first; of the same time that of the first device.
    all.sort_by(|(a, x), (b, y)| a.cmp(b).then(y.at.0.cmp(&x.at.0)));
    all.dedup_by(|later, first| later.0 == first.0);
    Values(all)
}

/// Looks for the latest values of all devices, so that the first who asks need not wait
/// for ten thousand looks into history.
pub(super) async fn look_ahead(ctx: Arc<Ctx>) {
    let mut after = 0;
    loop {
        let step = ctx.clone().read(move |ctx, reader, _| {
            reader.refresh_names()?;
            let later = reader.devices().map(|(id, _)| id).filter(|id| id.0 > after);
            let ids: Vec<DeviceId> = later.take(LOOK_AHEAD).collect();
            ctx.view.latest(reader, ctx.committed(), &ids)?;
            Ok(ids.last().copied())
        });
        match step.await {
            Ok(Some(last)) => after = last.0,
            // Whoever asks is told what is wrong.
            Ok(None) | Err(_) => return,
        }
    }
}

/// Stations with the latest values of their devices.
#[utoipa::path(
    get, path = "/api/v1/stations", tag = "network",
    params(
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 10000; 1000 unless given."),
        ("after" = Option<String>, Query, description = "The `next` of the page before."),
    ),
    responses((status = 200, description = "A page of stations", body = Stations))
)]
pub async fn stations(State(ctx): State<Arc<Ctx>>, uri: Uri) -> Result<Answer, Problem> {
    let params = Params::read(&uri, &["limit", "after"])?;
    let (limit, after) = (params.limit()?, params.after::<usize>()?.unwrap_or(0));
    ctx.answer(move |ctx, reader, _| {
        reader.refresh_names()?;
        // Named stations keep their places, and devices are only ever added at the end.
        let own = reader.devices().map(|(_, name)| name).filter(|n| ctx.places.named(n).is_none());
        let own = own.map(own_station).collect::<Vec<_>>();
        let all = ctx.places.stations().iter().chain(&own);
        let mut page: Vec<Station> = all.skip(after).take(limit + 1).cloned().collect();
        let more = page.len() > limit;
        page.truncate(limit);
        let next = more.then(|| cursor(&(after + limit)));
        let shapes = |reader: &mut Reader| {
            page.into_iter().map(|s| station(ctx, reader, s)).collect::<Result<_, Problem>>()
        };
        Ok(Stations { stations: reader.at_once(shapes)?, next })
    })
    .await
}

fn own_station(device: &str) -> Station {
    Station {
        id: device.to_owned(),
        name: Names::plain(device),
        lat: None,
        lon: None,
        devices: vec![device.to_owned()],
        model: None,
    }
}

fn station(ctx: &Ctx, reader: &mut Reader, s: Station) -> Result<StationShape, Problem> {
    let ids: Vec<DeviceId> = s.devices.iter().filter_map(|d| reader.device_id(d)).collect();
    let latest = ctx.view.latest(reader, ctx.committed(), &ids)?;
    Ok(StationShape {
        id: s.id,
        name: s.name,
        lat: s.lat,
        lon: s.lon,
        devices: s.devices,
        last_heard: latest.iter().filter_map(|known| known.latest.heard).max().map(Time),
        latest: latest_values(latest.iter().map(|known| &known.latest)),
    })
}

/// Zones with their levels and last judged hours.
#[utoipa::path(
    get, path = "/api/v1/zones", tag = "network",
    responses((status = 200, description = "All zones", body = Zones))
)]
pub async fn zones(State(ctx): State<Arc<Ctx>>, uri: Uri) -> Result<Answer, Problem> {
    Params::read(&uri, &[])?;
    ctx.answer(move |ctx, reader, _| {
        let levels = reader.levels()?;
        let zones = ctx.settings.zones.iter().map(|z| zone(reader, z, &levels));
        Ok(Zones { zones: zones.collect::<Result<_, Problem>>()? })
    })
    .await
}

fn zone(reader: &Reader, z: &Zone, levels: &[LevelRow]) -> Result<ZoneShape, Problem> {
    let scope = format!("zone/{}", z.id);
    let levels = levels.iter().filter(|l| l.scope == scope).map(|l| ZoneLevel {
        ladder: l.ladder.clone(),
        level: l.level.clone(),
        since: Time(l.since),
        value: l.value,
        unknown: l.unknown_since.is_some(),
    });
    let mut hours = BTreeMap::new();
    for quantity in Quantity::ALL {
        let ever = (Hour(i32::MIN), Hour(i32::MAX));
        for row in reader.zone_hours_page(&z.id, quantity, ever, true, 1)? {
            let shape = ZoneHourShape {
                start: row.hour.into(),
                mean: zone_mean(&row),
                unit: quantity.unit(),
                stations: row.stations,
                expected: row.expected,
                valid: row.valid,
                left_out: row.left_out,
            };
            hours.insert(quantity.name(), shape);
        }
    }
    Ok(ZoneShape {
        id: z.id.clone(),
        name: z.name.clone(),
        country: z.country.clone(),
        time_zone: z.time_zone.iana_name().map(str::to_owned),
        stations: z.stations.clone().unwrap_or_else(|| vec!["*".to_owned()]),
        zones: z.zones.clone(),
        rulesets: z.rulesets.clone(),
        levels: levels.collect(),
        hours,
    })
}
