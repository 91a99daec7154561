//! What an operator may say of a network that its messages leave open.
//!
//! A decoder of a network needs no settings; these few say what no message
//! can: which zone the clock of its devices shows, what names mean that every
//! sender chooses for itself, which tag names the device.

use super::plain::usual_quantity;
use crate::air::Quantity;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// The operator's answers; the default is to have none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hints {
    /// The zone of clock times that carry none; `None`: such a time is left out.
    pub zone: Option<TimeZone>,
    /// The network's own names of quantities, looked up before the usual ones;
    /// whole names, case does not matter.
    pub names: BTreeMap<String, Quantity>,
    /// The tag that names the device; `None`: the first of the usual ones.
    pub device_tag: Option<String>,
}

/// Formats whose times are clocks on a wall.
const CLOCKS: &[&str] = &["rtl433", "tasmota"];
/// Formats in which every sender chooses its names of quantities.
const FREE_NAMES: &[&str] = &["chirpstack-v4", "influx-line", "senml", "ttn-v3"];
/// Formats that describe a sender by tags.
const TAGGED: &[&str] = &["influx-line"];

impl Hints {
    /// Whether messages of this format leave open what the key of the
    /// configuration says: `time_zone`, `quantities` or `device_tag`.
    pub fn wanted(format: &str, key: &str) -> bool {
        let formats = match key {
            "time_zone" => CLOCKS,
            "quantities" => FREE_NAMES,
            "device_tag" => TAGGED,
            _ => &[],
        };
        formats.contains(&format)
    }

    /// The quantity that the operator says a name stands for.
    pub(super) fn own(&self, name: &str) -> Option<Quantity> {
        let own = self.names.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        own.map(|(_, quantity)| *quantity)
    }

    /// The quantity of a name: the operator's word first, then the usual one.
    pub(super) fn quantity(&self, name: &str) -> Option<Quantity> {
        self.own(name).or_else(|| usual_quantity(name))
    }
}
