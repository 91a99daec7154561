//! `[quality]` and what a source or station says of its own: how readings are believed.

use super::reader::{Item, Table};
use crate::quality::correction::Form;
use crate::quality::{Correction, Model, Policy};
use crate::quality::{agreement, humidity, spike, stuck};
use crate::rules::neighbours;
use std::time::Duration;
use toml::de::DeValue;

/// Reads `[quality]`: how readings are believed, and how the stations of a zone are
/// compared, if they are.
pub(super) fn read(root: &mut Table<'_>) -> (Policy, Option<neighbours::Bounds>) {
    let mut table = root.table("quality");
    let policy = policy(&mut table, &Policy::default());
    let compared = Some(neighbours::Bounds::default());
    let compared = test(&mut table, "neighbours", compared, neighbours);
    table.finish();
    (policy, compared)
}

/// Reads `quality` of a source: what it does not say is as in `[quality]`.
pub(super) fn of_source(source: &mut Table<'_>, base: &Policy) -> Policy {
    let Some(mut table) = source.get("quality").and_then(|item| item.table()) else {
        return base.clone();
    };
    let policy = policy(&mut table, base);
    table.finish();
    policy
}

/// Reads `model` of a source or station.
pub(super) fn model(table: &mut Table<'_>) -> Option<Model> {
    table.get("model").and_then(|item| item.choice(&Model::NAMES))
}

/// Reads `corrections` of a source.
pub(super) fn corrections(table: &mut Table<'_>) -> Vec<Correction> {
    let Some(item) = table.get("corrections") else { return Vec::new() };
    let mut found: Vec<Correction> = Vec::new();
    for item in item.list("names of corrections") {
        let Some(correction) = correction(&item) else { continue };
        if found.iter().any(|c| c.variant() == correction.variant()) {
            item.fault("this correction is there twice", Some("each has one variant".to_owned()));
        } else {
            found.push(correction);
        }
    }
    found
}

/// A name, or a table with the name as `form` and parameters.
fn correction(item: &Item<'_>) -> Option<Correction> {
    if !matches!(item.value, DeValue::Table(_)) {
        return item.choice(&Correction::NAMES);
    }
    let mut table = item.table()?;
    let form = table.need("form", "the name of a correction")?.choice(&Correction::NAMES);
    let form = match form {
        Some(Correction(Form::KappaKoehler { kappa, max_humidity })) => Form::KappaKoehler {
            kappa: number(&mut table, "kappa", kappa, 2.0),
            max_humidity: number(&mut table, "max_humidity", max_humidity, 99.0),
        },
        Some(Correction(form)) => form,
        None => {
            table.know_all();
            return None;
        }
    };
    table.finish();
    Some(Correction(form))
}

/// The tests that are made reading by reading.
fn policy(table: &mut Table<'_>, base: &Policy) -> Policy {
    Policy {
        max_future: table.duration_from("max_future", base.max_future, Duration::ZERO),
        max_past: table.duration("max_past", base.max_past),
        failure: table.flag("failure", base.failure),
        range: table.flag("range", base.range),
        order: table.flag("order", base.order),
        stuck: test(table, "stuck", base.stuck, stuck),
        spike: test(table, "spike", base.spike, spike),
        agreement: test(table, "agreement", base.agreement, agreement),
        humidity: test(table, "humidity", base.humidity, humidity),
    }
}

/// Reads one test: `false`, `true`, or a table of those of its bounds that differ.
fn test<B: Copy + Default>(
    table: &mut Table<'_>,
    key: &'static str,
    base: Option<B>,
    read: fn(&mut Table<'_>, B) -> B,
) -> Option<B> {
    let Some(item) = table.get(key) else { return base };
    match item.value {
        DeValue::Boolean(made) => made.then(|| base.unwrap_or_default()),
        DeValue::Table(_) => {
            let mut table = item.table()?;
            let bounds = read(&mut table, base.unwrap_or_default());
            table.finish();
            Some(bounds)
        }
        _ => {
            item.wrong("true, false, or a table of bounds");
            base
        }
    }
}

fn stuck(table: &mut Table<'_>, base: stuck::Bounds) -> stuck::Bounds {
    stuck::Bounds {
        readings: table.whole("readings", base.readings, 2..=60_000),
        lasting: table.duration_from("lasting", base.lasting, Duration::ZERO),
        floor: number(table, "floor", base.floor, 1_000.0),
    }
}

fn spike(table: &mut Table<'_>, base: spike::Bounds) -> spike::Bounds {
    spike::Bounds {
        rise: number(table, "rise", base.rise, 10_000.0),
        factor: table.get("factor").and_then(|i| i.number_in(1.0..=1_000.0)).unwrap_or(base.factor),
        within: table.duration("within", base.within),
        counts: table.flag("counts", base.counts),
    }
}

fn agreement(table: &mut Table<'_>, base: agreement::Bounds) -> agreement::Bounds {
    agreement::Bounds {
        difference: number(table, "difference", base.difference, 10_000.0),
        share: number(table, "share", base.share, 2.0),
    }
}

fn humidity(table: &mut Table<'_>, base: humidity::Bounds) -> humidity::Bounds {
    humidity::Bounds {
        above: number(table, "above", base.above, 100.0),
        counts: table.flag("counts", base.counts),
    }
}

fn neighbours(table: &mut Table<'_>, base: neighbours::Bounds) -> neighbours::Bounds {
    neighbours::Bounds {
        stations: table.whole("stations", base.stations, 2..=10_000),
        difference: number(table, "difference", base.difference, 10_000.0),
        share: number(table, "share", base.share, 1.0),
        deviations: number(table, "deviations", base.deviations, 1_000.0),
        counts: table.flag("counts", base.counts),
    }
}

/// A number from 0 to `most`.
fn number(table: &mut Table<'_>, key: &'static str, base: f64, most: f64) -> f64 {
    table.get(key).and_then(|item| item.number_in(0.0..=most)).unwrap_or(base)
}
