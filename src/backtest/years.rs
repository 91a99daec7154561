//! The years of zones by the standards of what was asked for.

use super::Choice;
use crate::air::Quantity;
use crate::rules::condition::date_of;
use crate::rules::judge::{HourJudged, PlannedZone};
use crate::rules::{Days, Standard, Year};
use std::collections::{BTreeMap, BTreeSet};

/// A year of one zone by one standard.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneYear {
    /// The [`Choice::asked`] that it answers.
    pub asked: String,
    /// The zone's id.
    pub zone: String,
    /// The standard's id.
    pub standard: String,
    /// What is measured.
    pub quantity: Quantity,
    /// The year.
    pub year: Year,
}

/// The days of zones, as far as any standard asks for them.
#[derive(Debug, Default)]
pub(super) struct Almanac {
    quantities: BTreeSet<Quantity>,
    /// By the zone's place and the quantity.
    days: BTreeMap<(usize, Quantity), Days>,
}

impl Almanac {
    /// For the standards of these choices.
    pub fn of(choices: &[&Choice]) -> Almanac {
        let standards = choices.iter().flat_map(|c| standards(c));
        let quantities = standards.map(|s| s.quantity).collect();
        Almanac { quantities, days: BTreeMap::new() }
    }

    /// The quantities of which the hours are wanted.
    pub fn quantities(&self) -> impl Iterator<Item = Quantity> + '_ {
        self.quantities.iter().copied()
    }

    /// Notes the hours of a zone that were judged.
    pub fn note(&mut self, place: usize, zone: &PlannedZone, hours: &[HourJudged]) {
        for judged in hours.iter().filter(|h| self.quantities.contains(&h.quantity)) {
            let (quantity, hour) = (judged.quantity, &judged.hour);
            let mean = hour.mean_micro().filter(|_| hour.valid);
            let day = mean.zip(date_of(hour.hour.start(), &zone.time_zone));
            if let Some((mean, date)) = day {
                self.days.entry((place, quantity)).or_default().add(date, mean);
            }
        }
    }

    /// Every year of every zone by the standards of the choices that judge it.
    pub fn years(&self, choices: &[&Choice], zones: &[PlannedZone]) -> Vec<ZoneYear> {
        let mut all = Vec::new();
        for choice in choices {
            let mut seen: BTreeSet<&str> = BTreeSet::new();
            for standard in standards(choice).filter(|s| seen.insert(&s.id)) {
                for (place, zone) in zones.iter().enumerate() {
                    let days = self.days.get(&(place, standard.quantity));
                    let days = days.filter(|_| zone.rulesets.contains(&choice.id));
                    let years =
                        days.map(|d| d.years(&choice.versions, &standard.id, &zone.time_zone));
                    all.extend(years.into_iter().flatten().map(|year| ZoneYear {
                        asked: choice.asked.clone(),
                        zone: zone.id.clone(),
                        standard: standard.id.clone(),
                        quantity: standard.quantity,
                        year,
                    }));
                }
            }
        }
        all
    }
}

fn standards(choice: &Choice) -> impl Iterator<Item = &Standard> {
    choice.versions.iter().flat_map(|r| &r.standards)
}
