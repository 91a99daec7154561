//! When a reading was taken, by the document.

use super::entry::{Entry, Place};
use crate::air::Stamp;
use crate::decode::gathered::Gathered;
use crate::decode::time::{self, TimeUnit};
use jiff::tz::TimeZone;

/// Where a message says its time, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeFrom {
    /// Where it stands: the first of these places whose time can be read.
    pub places: Vec<Place>,
    /// The unit of a Unix time; `None`: recognised by its magnitude.
    pub unit: Option<TimeUnit>,
    /// The zone of a time without an offset; `None`: such a time is left out.
    pub zone: Option<TimeZone>,
    /// The number is counted from here instead of from 1970; negative: before.
    pub base: Option<TimeBase>,
}

/// What a relative time is counted from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeBase {
    /// The moment of arrival.
    Arrival,
    /// Another time in the document.
    At(Place),
}

impl TimeFrom {
    /// A time at this place, in any spelling that says all by itself.
    pub fn at(place: Place) -> TimeFrom {
        TimeFrom { places: vec![place], unit: None, zone: None, base: None }
    }

    /// The time of an entry; why there is none is noted once.
    pub(super) fn of(&self, entry: &Entry, received: Stamp, found: &mut Gathered) -> Option<Stamp> {
        let mut why = None;
        for place in &self.places {
            let Some(value) = entry.at(place).filter(|value| !value.is_null()) else { continue };
            match self.read(&value.scalar(), entry, received) {
                Ok(at) => return Some(at),
                Err(reason) => why = why.or_else(|| Some((value.path(), reason))),
            }
        }
        let absent = || {
            let path = entry.path_of(self.places.first()?);
            Some((path, "no time here; arrival time used".to_owned()))
        };
        let (path, reason) = why.or_else(absent)?;
        found.skip(path, reason);
        None
    }

    fn read(&self, text: &str, entry: &Entry, received: Stamp) -> Result<Stamp, String> {
        let zone = self.zone.as_ref();
        let base = match &self.base {
            None => return time::from_text(text.trim(), self.unit, zone),
            Some(TimeBase::Arrival) => received,
            Some(TimeBase::At(place)) => match entry.at(place) {
                Some(base) => time::from_text(base.scalar().trim(), None, zone)?,
                None => return Err(format!("no time at {place} to count from; arrival time used")),
            },
        };
        time::after(base, text, self.unit.unwrap_or(TimeUnit::Seconds))
    }
}
