//! The tail of the journal as of the latest commit, shared by all requests.
//!
//! A fold over rows that are not in any table yet: heads of open hours, the
//! ledger of the running hour, and beside it the latest values of each device.
//! It is brought up to date when someone asks: who was told that something is done
//! sees it, and each row is folded in once however many ask.

use crate::air::reading::Label;
use crate::air::{Flag, Measured, Quantity, Reasons, Stamp};
use crate::store::{DeviceId, Index, Kept, Reader, Row, RowKind, StoreError};
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Rows behind from which it is quicker to start from the latest snapshot.
const FAR_BEHIND: i64 = 100_000;
/// Rows folded in one step.
const STEP: usize = 10_000;
/// Rows of a device looked at, at most, when it is first asked for …
const LOOK_BACK: usize = 64;
/// … until so many in a row bring no further series: devices may send every
/// quantity in a message of its own, in turn.
const NOTHING_NEW: usize = 8;

/// The shared view.
#[derive(Debug, Default)]
pub struct View(Mutex<Folded>);

#[derive(Debug, Default)]
struct Folded {
    index: Index,
    /// Per device; `None` until someone asks for it.
    latest: Vec<Option<Arc<Known>>>,
    /// Whether `index` is of this store at all.
    begun: bool,
}

/// What is known of one device.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Its latest values.
    pub latest: Latest,
    /// How they are shown, once someone has asked: of most devices nothing comes
    /// between one question and the next.
    shown: OnceLock<Box<RawValue>>,
}

impl Known {
    fn new(latest: Latest) -> Arc<Known> {
        Arc::new(Known { latest, shown: OnceLock::new() })
    }

    /// How the latest values are shown: as `write` writes them, the first time.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn shown<E>(
        &self,
        write: impl FnOnce(&Latest) -> Result<Box<RawValue>, E>,
    ) -> Result<&RawValue, E> {
        if let Some(shown) = self.shown.get() {
            return Ok(shown);
        }
        let written = write(&self.latest)?;
        Ok(self.shown.get_or_init(|| written))
    }

    /// Takes in a later row of the device.
    fn fold(&mut self, row: &Kept) {
        self.latest.fold(row);
        self.shown = OnceLock::new();
    }
}

/// The latest values of one device.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Latest {
    /// The source's row, of the last message with readings.
    pub source: Option<u32>,
    /// When that message came in.
    pub heard: Option<Stamp>,
    /// In the order of quantity and label.
    pub values: Vec<((Quantity, Label), LatestValue)>,
}

/// One latest value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatestValue {
    /// The number, in the quantity's unit.
    pub value: f64,
    /// The time it is of.
    pub at: Stamp,
    /// When it came in.
    pub received: Stamp,
    /// The verdict of quality control.
    pub flag: Flag,
    /// Why.
    pub reasons: Reasons,
}

impl View {
    /// Looks at the index, brought up to `committed`.
    pub fn index<T>(
        &self,
        reader: &mut Reader,
        committed: i64,
        look: impl FnOnce(&Index) -> T,
    ) -> Result<T, StoreError> {
        let mut folded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        folded.catch_up(reader, committed)?;
        Ok(look(&folded.index))
    }

    /// The latest values of these devices.
    pub fn latest(
        &self,
        reader: &mut Reader,
        committed: i64,
        devices: &[DeviceId],
    ) -> Result<Vec<Arc<Known>>, StoreError> {
        let mut folded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reader.at_once(|reader| {
            folded.catch_up(reader, committed)?;
            devices.iter().map(|d| folded.latest_of(reader, *d)).collect()
        })
    }
}

impl Folded {
    fn catch_up(&mut self, reader: &mut Reader, committed: i64) -> Result<(), StoreError> {
        if self.begun && committed <= self.index.seq {
            return Ok(());
        }
        reader.at_once(|reader| self.follow(reader, committed))
    }

    fn follow(&mut self, reader: &mut Reader, committed: i64) -> Result<(), StoreError> {
        let far = committed - self.index.seq > FAR_BEHIND;
        if !self.begun || far || self.index.seq < reader.sealed_through()? {
            self.index = reader.index()?;
            self.latest.clear();
            self.begun = true;
        }
        loop {
            let rows = reader.journal(self.index.seq, STEP)?;
            for row in &rows {
                self.index.apply(row);
                self.fold_latest(row);
            }
            if rows.len() < STEP {
                return Ok(());
            }
        }
    }

    fn fold_latest(&mut self, row: &Row) {
        let RowKind::Arrival(arrival) = &row.kind else { return };
        let place = arrival.device.and_then(|d| (d.0 as usize).checked_sub(1));
        if let Some(Some(known)) = place.and_then(|p| self.latest.get_mut(p)) {
            Arc::make_mut(known).fold(&Kept::of(row.received, arrival.clone()));
        }
    }

    fn latest_of(
        &mut self,
        reader: &mut Reader,
        device: DeviceId,
    ) -> Result<Arc<Known>, StoreError> {
        let Some(place) = (device.0 as usize).checked_sub(1) else {
            return Ok(Arc::default());
        };
        if self.latest.len() <= place {
            self.latest.resize(place + 1, None);
        }
        if let Some(Some(known)) = self.latest.get(place) {
            return Ok(known.clone());
        }
        let found = Known::new(look_back(reader, &self.index, device)?);
        if let Some(slot) = self.latest.get_mut(place) {
            *slot = Some(found.clone());
        }
        Ok(found)
    }
}

/// The latest values from the last rows of a device's newest hours.
fn look_back(reader: &mut Reader, index: &Index, id: DeviceId) -> Result<Latest, StoreError> {
    let Some(device) = index.device(id) else { return Ok(Latest::default()) };
    let last = reader.last_hour(id, device.last)?.map(|hour| (hour, device.last));
    let newest = device.open.iter().rev().map(|o| (o.hour, o.head)).take(2);
    let mut rows = Vec::new();
    let mut series = HashSet::new();
    let mut hours = HashSet::new();
    let mut nothing_new = 0;
    for (hour, head) in last.into_iter().chain(newest) {
        if !hours.insert(hour) {
            continue;
        }
        reader.walk((id, hour), head, |row| {
            let known = series.len();
            series.extend(row.values.iter().map(|m| (m.value.quantity, m.value.label.clone())));
            nothing_new = if series.len() > known { 0 } else { nothing_new + 1 };
            rows.push(row);
            rows.len() < LOOK_BACK && nothing_new < NOTHING_NEW
        })?;
    }
    // As they came in; of one instant the later one is in front.
    rows.reverse();
    rows.sort_by_key(|row| row.received);
    let mut latest = Latest::default();
    for row in &rows {
        latest.fold(row);
    }
    Ok(latest)
}

impl Latest {
    /// Takes in a later row of the device.
    fn fold(&mut self, row: &Kept) {
        if row.values.is_empty() {
            return;
        }
        self.source = Some(row.source);
        self.heard = Some(row.received);
        for m in &row.values {
            self.fold_value(row.received, row.observed, m);
        }
    }

    /// A value replaces one that is of an earlier time, or of the same: it is
    /// then a revision. A device whose clock is ahead must not hide what comes
    /// after it, so no value counts as later than its receipt.
    fn fold_value(&mut self, received: Stamp, at: Stamp, m: &Measured) {
        let new =
            LatestValue { value: m.value.value, at, received, flag: m.flag, reasons: m.reasons };
        let believed = |v: &LatestValue| v.at.min(v.received);
        let key = (m.value.quantity, &m.value.label);
        match self.values.binary_search_by(|((quantity, label), _)| (*quantity, label).cmp(&key)) {
            Ok(place) => match self.values.get_mut(place) {
                Some((_, old)) if believed(old) <= believed(&new) => *old = new,
                _ => {}
            },
            Err(place) => self.values.insert(place, ((key.0, key.1.clone()), new)),
        }
    }
}
