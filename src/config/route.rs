//! `subscribe`: which topics, and how each format is told what it must know.

use super::fault::did_you_mean;
use super::main_value;
use super::mapping;
use super::presets::{self, Presets};
use super::reader::{Item, Table};
use super::settings::Source;
use crate::decode::{ForecastZone, Format, Hints, Retained, Route, TopicPattern};
use std::sync::Arc;
use toml::de::DeValue;

/// Reads the subscriptions of one source.
pub(super) fn read(source: &mut Table<'_>, presets: &Presets) -> Vec<Route> {
    let Some(item) = source.need("subscribe", "at least one { topic = \"…\", format = \"…\" }")
    else {
        return Vec::new();
    };
    let items = item.list("subscriptions { topic = \"…\", format = \"…\" }");
    if items.is_empty() && matches!(item.value, DeValue::Array(_)) {
        item.fault("nothing is subscribed", Some("add { topic = \"…\", format = \"…\" }".into()));
    }
    let mut routes: Vec<Route> = Vec::new();
    let mut discoveries = Vec::new();
    for item in &items {
        let Some(mut table) = item.table() else { continue };
        let route = one(&mut table, presets);
        table.finish();
        let Some(route) = route else { continue };
        if routes.iter().any(|other| other.pattern == route.pattern) {
            item.warn("this topic is subscribed above already; the first counts", None);
        }
        if route.format.name() == "ha-discovery" {
            discoveries.push(item);
        }
        routes.push(route);
    }
    if let [only] = discoveries[..] {
        only.warn(
            "only the states on this topic are read, wherever the discovery messages say they are",
            Some(
                "subscribe the topics of the states with format = \"ha-discovery\" too".to_owned(),
            ),
        );
    }
    routes
}

/// Tells the subscriptions of forecasts which zones there are.
pub(super) fn give_zones(sources: &mut [Source], zones: &Arc<[ForecastZone]>) {
    for route in sources.iter_mut().flat_map(|s| &mut s.routes) {
        if let Format::Forecast(known) = &mut route.format {
            *known = zones.clone();
        }
    }
}

fn one(table: &mut Table<'_>, presets: &Presets) -> Option<Route> {
    let topic = table.need("topic", "a topic such as \"air/+/{device}\"");
    let pattern =
        topic.as_ref().and_then(|i| i.parsed("an MQTT topic filter", TopicPattern::parse));
    let known = [("timed", Retained::Timed), ("never", Retained::Never)];
    let retained = table.choice("retained", &known, Retained::default());
    let Some(item) = table.need("format", &available(presets)) else {
        table.know_all();
        return None;
    };
    let place = topic.as_ref().zip(pattern.as_ref());
    let format = match item.text().unwrap_or_default() {
        "json" => Some(json(table, place)),
        // The zones are read later in the file; see `give_zones`.
        "forecast" => Some(Format::Forecast([].into())),
        "plain" => Some(plain(table, place)),
        "" => None,
        name => match presets.get(name) {
            Some(preset) => Some(Format::Preset(Arc::new(presets::adapted(preset, table)))),
            None => Format::hinted(name, hints(table, name)),
        },
    };
    if format.is_none() {
        unknown_format(&item, presets);
        table.know_all();
    }
    let mut route = Route::new(pattern?, format?);
    (route.retained, route.main) = (retained, main_value::read(table, route.main));
    warn_of_no_main_value(&item, &route);
    Some(route)
}

/// Warns of a network none of whose masses would ever be judged.
fn warn_of_no_main_value(format: &Item<'_>, route: &Route) {
    if let Format::Preset(preset) = &route.format
        && route.main.is_none()
        && preset.has_only_labelled_masses()
    {
        format.warn(
            "the masses of this network have a channel or variant: they are kept, but not judged",
            Some(format!(
                "main = … says which of them is the device's value; see `dustline formats show {}`",
                preset.name
            )),
        );
    }
}

fn json(table: &mut Table<'_>, place: Option<(&Item<'_>, &TopicPattern)>) -> Format {
    let mapping = mapping::json(table, &place.map(|(_, p)| p).into_iter().collect::<Vec<_>>());
    if let Some((item, pattern)) = place
        && mapping.device.is_empty()
        && !mapping.each.as_ref().is_some_and(|e| e.names("device"))
        && !mapping.path.as_ref().is_some_and(|p| p.names("device"))
    {
        mapping::warn_of_whole_topics(item, pattern);
    }
    Format::Json(Box::new(mapping))
}

fn plain(table: &mut Table<'_>, place: Option<(&Item<'_>, &TopicPattern)>) -> Format {
    let plain = mapping::plain(table);
    if let Some((item, pattern)) = place {
        mapping::check_plain(&plain, item, pattern);
    }
    Format::Plain(plain)
}

/// What a network's messages leave open; only of formats that do.
fn hints(table: &mut Table<'_>, format: &str) -> Hints {
    let mut hints = Hints::default();
    if Hints::wanted(format, "time_zone") {
        hints.zone = table.get("time_zone").and_then(|i| i.time_zone());
    }
    if Hints::wanted(format, "quantities") {
        hints.names = mapping::names(table);
    }
    if Hints::wanted(format, "device_tag") {
        hints.device_tag = table.get("device_tag").and_then(|i| Some(i.filled_text()?.to_owned()));
    }
    hints
}

fn names(presets: &Presets) -> Vec<&str> {
    Format::names().iter().copied().chain(presets.keys().map(String::as_str)).collect()
}

fn available(presets: &Presets) -> String {
    format!("one of {}", names(presets).join(", "))
}

fn unknown_format(item: &Item<'_>, presets: &Presets) {
    let name = match item.value {
        DeValue::String(text) if !text.is_empty() => text.as_ref(),
        // What is no string has been told already.
        DeValue::String(_) => "",
        _ => return,
    };
    let known = names(presets).into_iter();
    item.wrong_with(&available(presets), did_you_mean(name, known));
}
