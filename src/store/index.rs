//! What the tail of the journal says: a fold over its rows.
//!
//! The intake keeps one to know where each device's open hours start, which
//! messages it has committed but perhaps not acknowledged, and what the ledger
//! of the running hour is. Readers keep one of their own, from the same rows.

use super::ledger::{LedgerKey, LedgerLine};
use super::types::{ArrivalRow, Bucket, DeviceId, LeftQuarantine, Packet, Row, RowKind};
use crate::air::{Hour, Stamp};
use crate::flow::Lane;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The layout of an encoded index. Raised with every change of what is in it.
const LAYOUT: u8 = 3;

/// A fold over the journal up to a row.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Index {
    /// The last row folded in.
    pub seq: i64,
    /// Its time of receipt.
    pub received: Stamp,
    /// Hours of devices before this one are closed.
    pub frontier: Hour,
    /// While they are being closed up to a later one: that, and the last device
    /// that is done.
    pub closing: Option<(Hour, DeviceId)>,
    /// What is known of each device; its place is its id less one.
    pub devices: Vec<DeviceIndex>,
    /// The ledger of the running hour of receipt; earlier hours are in the table.
    pub ledger: BTreeMap<LedgerKey, LedgerLine>,
    /// Per source and lane, and in its place by packet identifier, the digest of
    /// the message committed last under it; 0: none. No other can be sent again:
    /// a broker uses an identifier anew only after its acknowledgement.
    packets: BTreeMap<(u32, Lane), Vec<u64>>,
}

/// What of the ledger is over with a row, and goes into its table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Over {
    /// The lines of the hour of receipt that has ended.
    pub lines: BTreeMap<LedgerKey, LedgerLine>,
    /// Messages of an hour that ended before, which have left quarantine.
    pub moved: Option<LeftQuarantine>,
}

/// What the tail says of one device.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DeviceIndex {
    /// Its last row with readings; 0: none.
    pub last: i64,
    /// The time of receipt of that row.
    pub heard: Stamp,
    /// Its open hours, oldest first.
    pub open: Vec<OpenHour>,
}

/// One hour of one device, still open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenHour {
    /// Which.
    pub hour: Hour,
    /// The last row; earlier ones are found by their `prev`.
    pub head: i64,
    /// The latest observed time in it.
    pub newest: Stamp,
    /// How many rows it has.
    pub rows: u32,
    /// Whether the rows came in the order of their time.
    pub sorted: bool,
}

impl OpenHour {
    /// The hour with one more row.
    /// With rows in front of it that are not known here (`prev` of the first
    /// row), nothing is said of their order.
    pub fn with(
        open: Option<OpenHour>,
        hour: Hour,
        (seq, prev): (i64, i64),
        observed: Stamp,
    ) -> OpenHour {
        match open {
            None if prev != 0 => {
                OpenHour { hour, head: seq, newest: hour.end(), rows: 1, sorted: false }
            }
            None => OpenHour { hour, head: seq, newest: observed, rows: 1, sorted: true },
            Some(o) => OpenHour {
                hour,
                head: seq,
                newest: o.newest.max(observed),
                rows: o.rows + 1,
                sorted: o.sorted && observed >= o.newest,
            },
        }
    }
}

impl Index {
    /// As bytes, with the layout in front.
    pub fn encode(&self) -> Option<Vec<u8>> {
        postcard::to_extend(self, vec![LAYOUT]).ok()
    }

    /// From bytes of this layout.
    pub fn decode(bytes: &[u8]) -> Option<Index> {
        let (layout, rest) = bytes.split_first()?;
        postcard::from_bytes(rest).ok().filter(|_| *layout == LAYOUT)
    }

    /// Folds one row in. Returns what of the ledger is over with it.
    pub fn apply(&mut self, row: &Row) -> Over {
        // Also when the clock was set back: the table takes lines of any hour.
        let lines = if row.received.hour() != self.received.hour() {
            std::mem::take(&mut self.ledger)
        } else {
            BTreeMap::new()
        };
        let mut moved = None;
        self.seq = row.seq;
        self.received = row.received;
        match &row.kind {
            RowKind::Arrival(a) => self.arrival(row, a),
            RowKind::DevicesClosed { frontier, upto } => self.close(*frontier, *upto),
            RowKind::Overload { source, count } => {
                let line = self.line(*source, None, row.received);
                line.messages.add(Bucket::Ignored, *count);
            }
            RowKind::NewSession { source, lane } => {
                self.packets.remove(&(*source, *lane));
            }
            RowKind::LeftQuarantine(left) => moved = self.left_quarantine(left),
            RowKind::ZoneClosed { .. }
            | RowKind::ZoneRevised { .. }
            | RowKind::Forecast(_)
            | RowKind::Decided { .. } => {}
        }
        Over { lines, moved }
    }

    /// Moves messages within their line; gives them back if that line is in the table.
    fn left_quarantine(&mut self, left: &LeftQuarantine) -> Option<LeftQuarantine> {
        let key = LedgerKey { source: left.source, device: 0, hour: left.hour };
        let line = self.ledger.get_mut(&key);
        let here = line.is_some_and(|l| l.messages.leave_quarantine(left.bucket, left.count));
        (!here).then_some(*left)
    }

    fn arrival(&mut self, row: &Row, a: &ArrivalRow) {
        let line = self.line(a.source, a.device, row.received);
        if !a.continues {
            line.messages.add(a.bucket, 1);
        }
        line.readings.add(Bucket::Stored, a.values.len() as u64);
        line.readings.add(Bucket::Duplicate, u64::from(a.duplicates));
        line.readings.add(Bucket::Ignored, u64::from(a.skipped));
        if let (Some(packet), false) = (a.packet, a.continues) {
            let known = self.packets.entry((a.source, packet.lane)).or_default();
            let place = usize::from(packet.id);
            if known.len() <= place {
                known.resize(place + 1, 0);
            }
            known[place] = packet.digest;
        }
        if let (Some(id), false) = (a.device, a.values.is_empty()) {
            let hour = a.observed.hour();
            let tracked = self.tracks(id, hour, row.received);
            let device = self.device_mut(id);
            device.last = row.seq;
            device.heard = row.received;
            if tracked {
                device.append(hour, (row.seq, a.prev), a.observed);
            }
        }
    }

    /// Whether an hour of a device is kept open here; others have their head in
    /// `chains`.
    pub fn tracks(&self, device: DeviceId, hour: Hour, received: Stamp) -> bool {
        hour >= self.frontier_of(device) && hour <= received.hour().next()
    }

    /// Hours of this device before this one are closed.
    pub fn frontier_of(&self, device: DeviceId) -> Hour {
        match self.closing {
            Some((frontier, upto)) if device <= upto => frontier.max(self.frontier),
            _ => self.frontier,
        }
    }

    /// What is known of a device.
    pub fn device(&self, id: DeviceId) -> Option<&DeviceIndex> {
        self.devices.get((id.0 as usize).checked_sub(1)?)
    }

    fn device_mut(&mut self, id: DeviceId) -> &mut DeviceIndex {
        let place = (id.0 as usize).saturating_sub(1);
        if self.devices.len() <= place {
            self.devices.resize(place + 1, DeviceIndex::default());
        }
        &mut self.devices[place]
    }

    /// Whether this very message was committed last under its packet identifier:
    /// the broker sends it again if our acknowledgement was lost.
    pub fn committed_before(&self, source: u32, packet: Packet) -> bool {
        let known = self.packets.get(&(source, packet.lane));
        known.and_then(|k| k.get(usize::from(packet.id))) == Some(&packet.digest)
    }

    /// Whether any packet of a lane is known.
    pub fn knows_packets(&self, source: u32, lane: Lane) -> bool {
        self.packets.contains_key(&(source, lane))
    }

    fn close(&mut self, frontier: Hour, upto: DeviceId) {
        let from = self.closing.map_or(0, |(_, done)| done.0 as usize);
        let to = (upto.0 as usize).min(self.devices.len());
        for device in self.devices.get_mut(from..to).into_iter().flatten() {
            device.open.retain(|o| o.hour >= frontier);
        }
        if to < self.devices.len() {
            self.closing = Some((frontier, upto));
        } else {
            self.closing = None;
            self.frontier = self.frontier.max(frontier);
        }
    }

    fn line(&mut self, source: u32, device: Option<DeviceId>, at: Stamp) -> &mut LedgerLine {
        let key = LedgerKey { source, device: device.map_or(0, |d| d.0), hour: at.hour() };
        self.ledger.entry(key).or_default()
    }
}

impl DeviceIndex {
    /// The open hour, if the device has rows in it.
    pub fn open_hour(&self, hour: Hour) -> Option<OpenHour> {
        self.open.iter().find(|o| o.hour == hour).copied()
    }

    fn append(&mut self, hour: Hour, place: (i64, i64), observed: Stamp) {
        match self.open.iter_mut().find(|o| o.hour == hour) {
            Some(open) => *open = OpenHour::with(Some(*open), hour, place, observed),
            None => {
                self.open.push(OpenHour::with(None, hour, place, observed));
                self.open.sort_unstable_by_key(|o| o.hour);
            }
        }
    }
}
