//! Where the pure tests of quality meet the policy of a source and what its series
//! brought before. That past is a part of the fold: a row that is absorbed is
//! remembered, live and after a restart.

use super::state::State;
use crate::air::{Measured, Observation, Stamp, StandIn};
use crate::quality::{self, Judged, Past, When, main_value};
use crate::rules::MICRO;
use crate::rules::judge::{HourJudged, Saved};
use crate::store::{ArrivalRow, DeviceId, StoreError};

impl State {
    /// Judges the values of an observation by themselves, and puts beside them the
    /// main values that they stand for and the corrected ones that its source asks
    /// for.
    pub(super) fn believed(
        &self,
        place: usize,
        observation: Observation,
        when: When,
        main: Option<&StandIn>,
    ) -> Vec<Measured> {
        let Some(source) = self.plan.sources.get(place) else { return Vec::new() };
        let model = self.plan.models.get(&observation.device).copied().or(source.model);
        let by = Judged { policy: &source.quality, model };
        let mut judged = quality::assess(by, observation.values, when);
        judged.extend(main.map(|m| main_value::of(m, &judged)).unwrap_or_default());
        let corrected: Vec<Measured> =
            source.corrections.iter().filter_map(|c| c.of(&judged)).collect();
        judged.extend(corrected);
        judged
    }

    /// Judges what is new of an observation by what its series brought before.
    pub(super) fn follow(
        &mut self,
        place: usize,
        device: DeviceId,
        observed: Stamp,
        values: &mut [Measured],
    ) -> Result<(), StoreError> {
        let Some(source) = self.plan.sources.get(place) else { return Ok(()) };
        for m in values.iter_mut().filter(|m| m.value.quantity.is_particle_mass()) {
            let label = self.writer.label(&m.value.label)?;
            let trail = self.past.trail(device.0, m.value.quantity, label);
            quality::follow(&source.quality, m, trail, observed);
        }
        Ok(())
    }

    /// Names the stations of a zone whose hour disagrees with the others, for as long
    /// as it does.
    pub(super) fn name_odd_stations(
        &mut self,
        zone: &str,
        judged: &HourJudged,
        now: Stamp,
    ) -> Result<(), StoreError> {
        let quantity = judged.quantity;
        let all_count = self.plan.judge.neighbours.is_none_or(|bounds| bounds.counts);
        for s in &judged.stations {
            let follows = match (all_count, s.left_out) {
                (true, _) => "its readings count as before",
                (_, true) => "the zone's mean is without it",
                (_, false) => "it counts, since too few stations would be left without it",
            };
            let detail = s.odd_from.map(|median| {
                format!(
                    "{quantity} of the hour is {value:.1} {unit}, the median of the others \
                     {median:.1}: look at the station; {follows}",
                    value = s.mean_micro as f64 / MICRO as f64,
                    unit = quantity.unit_text(),
                )
            });
            let subject = format!("{zone}/{quantity}/{station}", station = s.station);
            self.condition("station_disagrees", &subject, detail.as_deref(), now)?;
        }
        Ok(())
    }

    /// Remembers a row of readings for those to come.
    pub(super) fn remember_series(
        &mut self,
        device: DeviceId,
        arrival: &ArrivalRow,
    ) -> Result<(), StoreError> {
        for m in arrival.values.iter().filter(|m| m.value.quantity.is_particle_mass()) {
            let label = self.writer.label(&m.value.label)?;
            self.past.absorb(device.0, label, m, arrival.observed);
        }
        Ok(())
    }
}

/// The layout of a packed state; another one is not read.
const LAYOUT: u8 = 0x81;

/// What is judged and what the series brought, as the bytes of a snapshot.
pub(super) fn pack(saved: &Saved, past: &Past) -> Option<Vec<u8>> {
    postcard::to_extend(&(saved.encode()?, past), vec![LAYOUT]).ok()
}

/// From the bytes of a snapshot; `None` if they are of another layout.
pub(super) fn unpack(bytes: &[u8]) -> Option<(Saved, Past)> {
    let (layout, rest) = bytes.split_first()?;
    let (saved, past): (Vec<u8>, Past) =
        postcard::from_bytes(rest).ok().filter(|_| *layout == LAYOUT)?;
    Some((Saved::decode(&saved)?, past))
}
