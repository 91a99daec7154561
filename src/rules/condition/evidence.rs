//! What a zone's conditions look at: its hours, its forecasts, and where its
//! ladders stood.

use super::forecasts::Forecasts;
use super::stations::Stations;
use crate::air::{Hour, Quantity, Stamp};
use crate::rules::zone::ZoneHour;
use crate::rules::{NONE, Revision, Step};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What a zone's conditions look at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The judged hours.
    pub hours: Hours,
    /// The hours of single stations, where conditions or the zone's mean ask for them.
    pub stations: Stations,
    /// The forecasts.
    pub forecasts: Forecasts,
    /// Where the ladders stood that conditions ask for.
    pub walks: Vec<Walk>,
    /// The first hour judged.
    pub first: Option<Hour>,
    /// The last hour judged.
    pub last: Option<Hour>,
    /// How far things have come: the end of the last hour judged, the last
    /// issue of a forecast or the last decision by our clock.
    pub until: Option<Stamp>,
}

impl Evidence {
    /// An hour was judged, for the first time or again.
    pub fn judged(&mut self, hour: Hour) {
        self.first = Some(self.first.map_or(hour, |first| first.min(hour)));
        self.last = self.last.max(Some(hour));
        self.reach(hour.end());
    }

    /// Notes that things have come so far.
    pub fn reach(&mut self, until: Stamp) {
        self.until = self.until.max(Some(until));
    }
}

/// The judged hours of each quantity, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Hours {
    series: Vec<(Quantity, VecDeque<ZoneHour>)>,
    /// Quantities of which there ever was a valid hour.
    measured: Vec<Quantity>,
}

impl Hours {
    /// Puts an hour in its place, or in that of the one judged before.
    pub fn put(&mut self, quantity: Quantity, hour: ZoneHour) {
        if hour.valid && !self.measured.contains(&quantity) {
            self.measured.push(quantity);
        }
        let known = self.series.iter().position(|(q, _)| *q == quantity);
        let place = known.unwrap_or_else(|| {
            self.series.push((quantity, VecDeque::new()));
            self.series.len() - 1
        });
        let Some((_, hours)) = self.series.get_mut(place) else { return };
        if hours.back().is_none_or(|last| last.hour < hour.hour) {
            hours.push_back(hour);
            return;
        }
        match hours.binary_search_by_key(&hour.hour, |h| h.hour) {
            Ok(index) => {
                if let Some(known) = hours.get_mut(index) {
                    *known = hour;
                }
            }
            Err(index) => hours.insert(index, hour),
        }
    }

    /// An hour as it was judged.
    pub fn get(&self, quantity: Quantity, hour: Hour) -> Option<&ZoneHour> {
        let (_, hours) = self.series.iter().find(|(q, _)| *q == quantity)?;
        // Nearly always no hour is left out, and its place is known at once.
        let first = hours.front()?.hour;
        let guess = usize::try_from(i64::from(hour.0) - i64::from(first.0)).ok()?;
        if let Some(found) = hours.get(guess).filter(|h| h.hour == hour) {
            return Some(found);
        }
        hours.get(hours.binary_search_by_key(&hour, |h| h.hour).ok()?)
    }

    /// An hour that is valid.
    pub fn valid(&self, quantity: Quantity, hour: Hour) -> Option<&ZoneHour> {
        self.get(quantity, hour).filter(|h| h.valid)
    }

    /// Whether there ever was a valid hour of a quantity.
    pub fn has_measured(&self, quantity: Quantity) -> bool {
        self.measured.contains(&quantity)
    }

    /// Forgets the hours up to one.
    pub fn forget(&mut self, through: Hour) {
        for (_, hours) in &mut self.series {
            while hours.front().is_some_and(|h| h.hour <= through) {
                hours.pop_front();
            }
        }
    }
}

/// Where a ladder stood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Walk {
    /// The ladder's id.
    pub ladder: String,
    /// The quantity it judges.
    pub quantity: Quantity,
    /// When it moved, and to which level.
    moves: VecDeque<(Stamp, String)>,
}

impl Walk {
    /// A ladder that has not moved.
    pub fn new(ladder: &str, quantity: Quantity) -> Walk {
        Walk { ladder: ladder.to_owned(), quantity, moves: VecDeque::new() }
    }

    /// The ladder moved.
    pub fn moved(&mut self, step: &Step) {
        self.stands(step.at, &step.to);
    }

    /// From an instant on it stands at a level.
    pub fn stands(&mut self, since: Stamp, level: &str) {
        let place = self.moves.partition_point(|(at, _)| *at <= since);
        self.moves.insert(place, (since, level.to_owned()));
    }

    /// Late data changed how it moved.
    pub fn revised(&mut self, revision: &Revision) {
        let gone =
            |at: Stamp, to: &str| revision.retracted.iter().any(|s| s.at == at && s.to == to);
        self.moves.retain(|(at, to)| !gone(*at, to));
        revision.added.iter().for_each(|step| self.moved(step));
    }

    /// Since when it stood at one of these levels, if it did at any time from
    /// `from` up to and with `until`, and at which.
    pub fn stood(&self, levels: &[String], from: Stamp, until: Stamp) -> Option<(Stamp, &str)> {
        let first = self.moves.partition_point(|(at, _)| *at <= from).saturating_sub(1);
        let in_time = self.moves.range(first..).filter(|(at, _)| *at <= until);
        let mut found = in_time.filter(|(_, to)| levels.contains(to));
        found.next().map(|(at, to)| (*at, to.as_str()))
    }

    /// Forgets what no decision after an instant can ask for.
    pub fn forget(&mut self, before: Stamp) {
        while self.moves.get(1).is_some_and(|(at, _)| *at <= before) {
            self.moves.pop_front();
        }
        if self.moves.len() == 1
            && self.moves.front().is_some_and(|(at, to)| *at <= before && to == NONE)
        {
            self.moves.clear();
        }
    }
}
