//! `[[zone]]` and `[[threshold]]`: what is judged, and by which rules.

use super::fault::did_you_mean;
use super::nesting::{self, Draft};
use super::reader::{Item, Table};
use super::rulesets::Rulesets;
use super::settings::Zone;
use super::station::Stations;
use super::values::Unique;
use crate::air::{Names, Quantity};
use crate::rules::{Ruleset, Threshold};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

/// The most readings a threshold looks back on.
const READINGS_MAX: u8 = 60;

/// Reads every zone; gives their ids beside them.
pub(super) fn read(
    root: &mut Table<'_>,
    stations: &Stations,
    known: &Rulesets,
) -> (Vec<Zone>, Unique) {
    let mut ids = Unique::default();
    let mut tables = root.tables("zone");
    let mut drafts: Vec<Draft<'_>> =
        tables.iter_mut().map(|table| draft(table, &mut ids, stations, known)).collect();
    nesting::settle(&mut drafts, &ids);
    let mut zones = Vec::with_capacity(drafts.len());
    for (table, draft) in tables.into_iter().zip(drafts) {
        warn_if_never_valid(&table, &draft.zone, stations);
        table.finish();
        zones.push(draft.zone);
    }
    (zones, ids)
}

/// One zone, with its own stations only.
fn draft<'a>(
    table: &mut Table<'a>,
    ids: &mut Unique,
    stations: &Stations,
    known: &Rulesets,
) -> Draft<'a> {
    let id = table.own_name("id", ids);
    let name = table.get("name").and_then(|i| i.names()).unwrap_or_else(|| Names::plain(&id));
    let parts = table.get("zones");
    let own = table.get("stations");
    let zone = Zone {
        name,
        id,
        country: table.get("country").and_then(|i| country(&i)),
        time_zone: table.get("time_zone").and_then(|i| i.time_zone()).unwrap_or(TimeZone::UTC),
        stations: match (&own, &parts) {
            (Some(own), _) => members(own, stations),
            (None, Some(_)) => Some(Vec::new()),
            (None, None) => None,
        },
        zones: Vec::new(),
        min_valid_share: table.share("min_valid_share", 0.5),
        rulesets: rulesets(table, known),
        forecasts_from: table.get("forecasts_from").map(|item| issuers(&item)),
        polygon: table.get("polygon").map(|i| polygon(&i)).unwrap_or_default(),
    };
    let entries = parts.as_ref().map(|item| item.list("zone ids")).unwrap_or_default();
    if let Some(item) = parts.filter(|_| entries.is_empty()) {
        item.fault("no zone; expected the ids of the zones it is made of", None);
    }
    Draft { zone, parts: entries }
}

/// Who is asked for forecasts, the preferred one first.
fn issuers(item: &Item<'_>) -> Vec<String> {
    let entries = item.list("issuers of forecasts");
    let mut issuers: Vec<String> = Vec::new();
    for entry in &entries {
        let Some(issuer) = entry.filled_text() else { continue };
        if issuers.iter().any(|other| other == issuer) {
            entry.fault(format!("issuer {issuer:?} is there twice"), None);
        } else {
            issuers.push(issuer.to_owned());
        }
    }
    if entries.is_empty() {
        item.fault("no issuer; leave it out to take the forecasts of every one", None);
    }
    issuers
}

fn country(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    if text.len() != 2 || !text.bytes().all(|b| b.is_ascii_uppercase()) {
        item.wrong("two capital letters (ISO 3166-1), such as \"KR\"");
        return None;
    }
    Some(text.to_owned())
}

/// Corners as latitude and longitude, closed if they were not.
fn polygon(item: &Item<'_>) -> Vec<[f64; 2]> {
    let corner = |i: &Item<'_>| {
        let pair = i.list("latitude and longitude: [37.57, 127.0]");
        let [lat, lon] = pair.as_slice() else {
            i.wrong("latitude and longitude: [37.57, 127.0]");
            return None;
        };
        Some([lat.number_in(-90.0..=90.0)?, lon.number_in(-180.0..=180.0)?])
    };
    let items = item.list("corners such as [37.57, 127.0], latitude first");
    let mut corners: Vec<[f64; 2]> = items.iter().filter_map(corner).collect();
    if corners.first() != corners.last() {
        corners.extend(corners.first().copied());
    }
    if items.len() < 3 {
        item.fault("an outline needs three corners or more", None);
    }
    corners
}

impl Item<'_> {
    /// The value as a time zone of the IANA database.
    pub(super) fn time_zone(&self) -> Option<TimeZone> {
        let text = self.text()?;
        match TimeZone::get(text) {
            Ok(zone) => Some(zone),
            Err(_) => {
                let names: Vec<String> =
                    jiff::tz::db().available().map(|name| name.to_string()).collect();
                let hint = did_you_mean(text, names.iter().map(String::as_str));
                self.wrong_with("a time zone such as \"Asia/Seoul\"", hint);
                None
            }
        }
    }
}

/// The station that an unknown id probably means.
fn near(id: &str, stations: &Stations) -> Option<String> {
    if stations.ids.has(id) { None } else { did_you_mean(id, stations.ids.names()) }
}

/// The stations of a zone; `None` for all.
fn members(item: &Item<'_>, stations: &Stations) -> Option<Vec<String>> {
    let items = item.list("station ids, or [\"*\"] for all");
    let mut members = Vec::new();
    let mut seen = BTreeSet::new();
    let mut all = false;
    for entry in &items {
        let Some(id) = entry.text() else { continue };
        if id == "*" {
            all = true;
        } else if let Some(hint) = near(id, stations) {
            entry.fault(format!("there is no station {id:?}"), Some(hint));
        } else if !seen.insert(id) {
            entry.fault(format!("station {id:?} is there twice"), None);
        } else {
            if !stations.ids.has(id) {
                let advice = "a device that no station names is its own station";
                entry.warn(
                    format!("no station {id:?} is configured; it is the device of that name"),
                    Some(advice.to_owned()),
                );
            }
            members.push(id.to_owned());
        }
    }
    if items.is_empty() {
        item.fault("no station; expected station ids, or [\"*\"] for all", None);
    } else if all && items.len() > 1 {
        item.fault("\"*\" means all stations, so nothing else belongs beside it", None);
    }
    (!all).then_some(members)
}

fn rulesets(table: &mut Table<'_>, known: &Rulesets) -> Vec<String> {
    let Some(item) = table.get("rulesets") else {
        table.warn("no rulesets: nothing judges this zone".to_owned(), None);
        return Vec::new();
    };
    let mut ids = Vec::new();
    for entry in item.list("ruleset ids") {
        let Some(id) = entry.text() else { continue };
        if !known.versions.contains_key(id) {
            // What a faulty file holds is not known, and its own fault is told.
            if known.faulty {
                continue;
            }
            let names = || known.versions.keys().map(String::as_str);
            let list = names().collect::<Vec<_>>().join(", ");
            let hint = did_you_mean(id, names()).unwrap_or(format!("known rulesets: {list}"));
            entry.fault(format!("there is no ruleset {id:?}"), Some(hint));
        } else if ids.iter().any(|other| other == id) {
            entry.fault(format!("ruleset {id:?} is there twice"), None);
        } else {
            if let Some((ladder, other)) = shared_ladder(id, &ids, known) {
                entry.fault(
                    format!("the rulesets {other:?} and {id:?} both have a ladder {ladder:?}"),
                    Some("name one of them, or give the ladder another id".to_owned()),
                );
            }
            ids.push(id.to_owned());
        }
    }
    ids
}

/// A ladder that a ruleset shares with one of others, which a zone could not
/// tell apart.
fn shared_ladder(id: &str, others: &[String], known: &Rulesets) -> Option<(String, String)> {
    let ladders = |id: &str| {
        let versions = known.versions.get(id).into_iter().flatten();
        versions.flat_map(Ruleset::scales).map(|scale| scale.id).collect::<BTreeSet<_>>()
    };
    let own = ladders(id);
    others.iter().find_map(|other| {
        let shared = ladders(other).intersection(&own).next().copied()?.to_owned();
        Some((shared, other.clone()))
    })
}

/// Warns of a zone of which too few stations have devices.
fn warn_if_never_valid(table: &Table<'_>, zone: &Zone, stations: &Stations) {
    let Some(members) = zone.stations.as_ref().filter(|m| !m.is_empty()) else { return };
    let wanted: BTreeSet<&str> = members.iter().map(String::as_str).collect();
    let with_devices = stations
        .list
        .iter()
        .filter(|s| wanted.contains(s.id.as_str()) && !s.devices.is_empty())
        .count();
    if (with_devices as f64) < zone.min_valid_share * members.len() as f64 {
        table.warn(
            format!(
                "no hour can be valid: {with_devices} of {} stations have devices, \
                 min_valid_share is {}",
                members.len(),
                zone.min_valid_share
            ),
            Some("name the devices of its stations".to_owned()),
        );
    }
}

/// Reads every threshold.
pub(super) fn thresholds(root: &mut Table<'_>, rulesets: &Rulesets) -> Vec<Threshold> {
    let mut ids = Unique::default();
    let scales = rulesets.versions.values().flatten().flat_map(Ruleset::scales);
    let ladders: BTreeSet<&str> = scales.map(|scale| scale.id).collect();
    let mut thresholds = Vec::new();
    for mut table in root.tables("threshold") {
        let id = table.own_name("id", &mut ids);
        if ladders.contains(id.as_str()) {
            table.fault_at("id", format!("{id:?} is the name of a ladder already"), None);
        }
        let quantities = Quantity::ALL.map(|q| (q.name(), q));
        let quantity = table
            .need("quantity", "what is measured, such as \"pm2_5\"")
            .and_then(|i| i.choice(&quantities));
        let at_least = table
            .need("at_least", "the value that raises it, in the quantity's unit")
            .and_then(|i| i.number());
        let (readings, of) = table.get("readings").and_then(|i| k_of_n(&i)).unwrap_or((2, 3));
        let lift = table.need("lift_below", "the value below which it is lifted");
        let lift_below = lift.as_ref().and_then(Item::number);
        if let (Some(item), Some(lift_below), Some(at_least)) = (&lift, lift_below, at_least)
            && lift_below > at_least
        {
            item.wrong(&format!("at most at_least, which is {at_least}"));
        }
        thresholds.push(Threshold {
            id,
            quantity: quantity.unwrap_or(Quantity::Pm2_5),
            at_least: at_least.unwrap_or(0.0),
            readings,
            of,
            lift_below: lift_below.unwrap_or(0.0),
        });
        table.finish();
    }
    thresholds
}

/// `2 of 3`: how many of the last how many.
fn k_of_n(item: &Item<'_>) -> Option<(u8, u8)> {
    let parsed = match item.value {
        toml::de::DeValue::String(text) => text
            .split_once(" of ")
            .and_then(|(k, n)| Some((k.trim().parse::<u8>().ok()?, n.trim().parse::<u8>().ok()?))),
        _ => None,
    };
    let good = parsed.filter(|(k, n)| 1 <= *k && k <= n && *n <= READINGS_MAX);
    if good.is_none() {
        item.wrong(&format!("\"K of N\" with 1 <= K <= N <= {READINGS_MAX}, such as \"2 of 3\""));
    }
    good
}
