//! From readings to hours, judgements and rows: where the pure judge meets the store.

use super::notify;
use super::state::{Mode, State};
use crate::air::{Flag, Hour, Measured, Quantity, Stamp};
use crate::rules::judge::{DeviceHour, HourJudged, Reading, SeriesHour, ZoneJudged};
use crate::rules::{HourSums, StationMoved};
use crate::store::{
    ArrivalRow, DeviceId, HourRow, OpenHour, Row, RowKind, StoreError, Writer, ZoneHourRow,
};
use std::cell::RefCell;

/// Takes the readings of a row into its open hour. If a zone has judged that
/// hour already, it judges it again.
pub(super) fn open_hour(
    state: &mut State,
    row: &Row,
    arrival: &ArrivalRow,
    device: DeviceId,
    mode: Mode,
) -> Result<(), StoreError> {
    let hour = arrival.observed.hour();
    let again = match (arrival.revises, state.index.device(device).and_then(|d| d.open_hour(hour)))
    {
        (true, Some(open)) => Some(state.writer.counting((device, hour), open.head)?),
        _ => None,
    };
    let judged = match mode {
        Mode::Live => state.judge.judged_already(device.0, hour),
        Mode::Replay => Vec::new(),
    };
    let before = means(state, device, &judged, hour)?;
    for measured in &arrival.values {
        let label = state.writer.label(&measured.value.label)?;
        let reading = Reading { device: device.0, at: arrival.observed, measured, label };
        let all = again.as_ref().map(|all| series(all, measured));
        state.judge.reading(reading, all.as_deref());
    }
    let after = means(state, device, &judged, hour)?;
    for (quantity, (old, new)) in judged.into_iter().zip(before.into_iter().zip(after)) {
        again_judged(state, device, quantity, hour, (old, new), row.received)?;
    }
    Ok(())
}

/// The readings of one series among all of an hour.
fn series(all: &[(Stamp, Measured)], like: &Measured) -> Vec<(Stamp, f64, Flag)> {
    let same =
        |m: &Measured| m.value.quantity == like.value.quantity && m.value.label == like.value.label;
    all.iter().filter(|(_, m)| same(m)).map(|(at, m)| (*at, m.value.value, m.flag)).collect()
}

/// Takes the readings of a row into an hour that is closed: its head, its series,
/// and, as far back as late data count, the judgement of its zones. Sums of readings
/// that were dropped since stay as they are.
pub(super) fn closed_hour(
    state: &mut State,
    row: &Row,
    arrival: &ArrivalRow,
    device: DeviceId,
) -> Result<(), StoreError> {
    let hour = arrival.observed.hour();
    let known = state.writer.closed_hour(device, hour)?;
    let open = OpenHour::with(known, hour, (row.seq, arrival.prev), arrival.observed);
    state.writer.put_chain(device, &open)?;
    if state.writer.lacks_readings(device, &open)? {
        return Ok(());
    }
    let judged = state.judge.judged_already(device.0, hour);
    let before = means(state, device, &judged, hour)?;
    let sums = match arrival.revises {
        true => sum_again(state, device, &open)?,
        false => sum_on(state, device, arrival)?,
    };
    put_hours(&mut state.writer, &sums)?;
    let after = means(state, device, &judged, hour)?;
    for (quantity, (old, new)) in judged.into_iter().zip(before.into_iter().zip(after)) {
        again_judged(state, device, quantity, hour, (old, new), row.received)?;
    }
    Ok(())
}

/// The kept sums of the series of a row, with its readings.
fn sum_on(
    state: &mut State,
    device: DeviceId,
    arrival: &ArrivalRow,
) -> Result<DeviceHour, StoreError> {
    let hour = arrival.observed.hour();
    let kept = state.writer.hours(device, hour)?;
    let covers = state.plan.judge.covers;
    let mut series = Vec::with_capacity(arrival.values.len());
    for m in &arrival.values {
        let (quantity, label) = (m.value.quantity, state.writer.label(&m.value.label)?);
        let known = kept.iter().find(|h| h.quantity == quantity && h.label == label);
        let mut sums = known.map_or_else(HourSums::default, sums_of);
        sums.add(arrival.observed, m.value.value, m.flag, covers);
        series.push(SeriesHour { quantity, label, sums });
    }
    Ok(DeviceHour { device: device.0, hour, series })
}

/// Judges the hour of a zone: from open hours, and from kept ones where those of
/// devices are closed already.
pub(super) fn close_zone(
    state: &mut State,
    zone: &str,
    hour: Hour,
    now: Stamp,
    mode: Mode,
) -> Result<Vec<ZoneJudged>, StoreError> {
    let failed = RefCell::new(None);
    let (writer, coverage) = (&state.writer, state.plan.judge.min_coverage);
    let closed = |number: u32, quantity: Quantity| {
        if hour >= state.index.frontier_of(DeviceId(number)) {
            return None;
        }
        let mean = kept_mean(writer, DeviceId(number), (quantity, hour), coverage);
        mean.unwrap_or_else(|e| {
            failed.replace(Some(e));
            None
        })
    };
    let judged = state.judge.close_zone(zone, hour, now, closed);
    if let Some(error) = failed.into_inner() {
        return Err(error);
    }
    if let (Mode::Live, Some(own)) = (mode, judged.first()) {
        own.hours.iter().try_for_each(|h| state.name_odd_stations(zone, h, now))?;
    }
    Ok(judged)
}

/// The mean of the kept hour of a device's main series, if it is valid.
fn kept_mean(
    writer: &Writer,
    device: DeviceId,
    (quantity, hour): (Quantity, Hour),
    min_coverage: f64,
) -> Result<Option<i64>, StoreError> {
    let hours = writer.hours(device, hour)?;
    let main = hours.iter().find(|h| h.quantity == quantity && h.label == 0).map(sums_of);
    Ok(main.and_then(|s| s.mean_micro().filter(|_| s.coverage() >= min_coverage)))
}

/// The sums of a device-hour made anew from its rows.
fn sum_again(
    state: &mut State,
    device: DeviceId,
    open: &OpenHour,
) -> Result<DeviceHour, StoreError> {
    let all = state.writer.counting((device, open.hour), open.head)?;
    let mut keys: Vec<(Quantity, u32, Measured)> = Vec::new();
    for (_, measured) in &all {
        let key = (measured.value.quantity, state.writer.label(&measured.value.label)?);
        if !keys.iter().any(|(q, l, _)| (*q, *l) == key) {
            keys.push((key.0, key.1, measured.clone()));
        }
    }
    let covers = state.plan.judge.covers;
    let series = keys
        .into_iter()
        .map(|(quantity, label, like)| SeriesHour {
            quantity,
            label,
            sums: HourSums::of(series(&all, &like), covers),
        })
        .collect();
    Ok(DeviceHour { device: device.0, hour: open.hour, series })
}

/// The means of a station's hour, from the hours of its devices that are open and
/// from the kept ones of those that are closed.
fn means(
    state: &State,
    device: DeviceId,
    quantities: &[Quantity],
    hour: Hour,
) -> Result<Vec<Option<i64>>, StoreError> {
    let coverage = state.plan.judge.min_coverage;
    let failed = RefCell::new(None);
    let mean = |number: u32, quantity: Quantity| {
        if hour >= state.index.frontier_of(DeviceId(number)) {
            return None;
        }
        let mean = kept_mean(&state.writer, DeviceId(number), (quantity, hour), coverage);
        mean.unwrap_or_else(|e| {
            failed.replace(Some(e));
            None
        })
    };
    let of = |q: &Quantity| state.judge.station_mean(device.0, *q, hour, |n| mean(n, *q));
    let means = quantities.iter().map(of).collect();
    failed.into_inner().map_or(Ok(means), Err)
}

/// A station's mean of a judged hour moved: its zones judge the hour again. The
/// corrected hours are rows of the journal, so that a restart finds them.
fn again_judged(
    state: &mut State,
    device: DeviceId,
    quantity: Quantity,
    hour: Hour,
    means: (Option<i64>, Option<i64>),
    now: Stamp,
) -> Result<(), StoreError> {
    let station = state.judge.station_of(device.0).to_owned();
    let moved = Some(StationMoved { station, mean_micro: means.1 });
    for judged in state.judge.station_changed(device.0, quantity, hour, means, now) {
        for HourJudged { quantity, hour, .. } in &judged.hours {
            let (zone, moved) = (judged.zone.clone(), moved.clone());
            let (quantity, hour) = (*quantity, *hour);
            state.append(now, RowKind::ZoneRevised { zone, quantity, hour, moved })?;
        }
        state.judged(judged, now, Mode::Live)?;
    }
    Ok(())
}

/// Judges the readings of a row by the thresholds of their station.
pub(super) fn thresholds(
    state: &mut State,
    row: &Row,
    arrival: &ArrivalRow,
    device: DeviceId,
    mode: Mode,
) -> Result<(), StoreError> {
    if state.plan.judge.thresholds.is_empty() {
        return Ok(());
    }
    for measured in arrival.values.iter().filter(|m| m.value.label.is_main()) {
        let reading = Reading { device: device.0, at: arrival.observed, measured, label: 0 };
        for judged in state.judge.thresholds(reading, row.received) {
            if mode == Mode::Live {
                notify::change(state, &judged)?;
                notify::threshold_level(state, &judged)?;
            }
        }
    }
    Ok(())
}

/// Notes how far a device has reported, if its clock can be believed, and closes
/// the hours that are due with it.
pub(super) fn heard(
    state: &mut State,
    row: &Row,
    arrival: &ArrivalRow,
    device: DeviceId,
    mode: Mode,
) -> Result<(), StoreError> {
    use crate::air::Reason::{ClockAhead, ClockBehind};
    let doubtful = |m: &Measured| m.reasons.has(ClockAhead) || m.reasons.has(ClockBehind);
    if arrival.values.iter().any(doubtful) {
        return Ok(());
    }
    for m in arrival.values.iter().filter(|m| m.value.label.is_main()) {
        state.judge.measures(device.0, m.value.quantity);
    }
    let due = state.judge.heard(device.0, arrival.observed);
    if due && mode == Mode::Live {
        while let Some((zone, hour)) = state.judge.due_by_data() {
            state.append(row.received, RowKind::ZoneClosed { zone, hour })?;
        }
    }
    Ok(())
}

/// Writes the closed series of a device-hour.
pub(super) fn put_hours(writer: &mut Writer, closed: &DeviceHour) -> Result<(), StoreError> {
    for s in &closed.series {
        let (min_micro, max_micro) = s.sums.extremes_micro().unwrap_or_default();
        writer.put_hour(&HourRow {
            revision: 0,
            device: DeviceId(closed.device),
            hour: closed.hour,
            quantity: s.quantity,
            label: s.label,
            count: s.sums.count(),
            sum_micro: s.sums.sum_micro(),
            min_micro,
            max_micro,
            minutes: s.sums.minutes(),
            flagged: s.sums.flagged(),
        })?;
    }
    Ok(())
}

/// The sums of a stored hour.
fn sums_of(h: &HourRow) -> HourSums {
    HourSums::from_parts(h.count, h.sum_micro, (h.min_micro, h.max_micro), h.minutes, h.flagged)
}

impl State {
    /// Writes down and tells what a zone's judgement brought.
    pub(super) fn judged(
        &mut self,
        j: ZoneJudged,
        now: Stamp,
        mode: Mode,
    ) -> Result<(), StoreError> {
        if mode == Mode::Replay {
            return Ok(());
        }
        for judged in &j.hours {
            let hour = &judged.hour;
            self.writer.put_zone_hour(&ZoneHourRow {
                zone: j.zone.clone(),
                quantity: judged.quantity,
                hour: hour.hour,
                sum_micro: hour.sum_micro,
                stations: hour.stations,
                expected: hour.expected,
                valid: hour.valid,
                left_out: judged.left_out().map(str::to_owned).collect(),
            })?;
        }
        for change in &j.changes {
            notify::change(self, change)?;
        }
        for level in &j.levels {
            notify::level(self, level)?;
        }
        self.unknown(&j.zone, &j.levels, now)
    }
}
