//! A journal row as SQLite has it.

use super::body::decode_body;
use super::types::*;
use crate::air::reading::TimeSource;
use crate::air::{Hour, Label, Quantity, Stamp};
use crate::flow::Lane;

/// The kind of a row about messages that left quarantine.
pub(super) const LEFT_QUARANTINE: u32 = 7;

/// A journal row as SQLite has it.
pub(super) struct RawRow {
    pub(super) seq: i64,
    tag: u32,
    received: i64,
    source: Option<u32>,
    device: Option<u32>,
    observed: Option<i64>,
    prev: Option<i64>,
    packet: Option<u32>,
    digest: Option<i64>,
    body: Option<Vec<u8>>,
}

impl RawRow {
    pub(super) fn read(r: &rusqlite::Row<'_>) -> rusqlite::Result<RawRow> {
        Ok(RawRow {
            seq: r.get(0)?,
            tag: r.get(1)?,
            received: r.get(2)?,
            source: r.get(3)?,
            device: r.get(4)?,
            observed: r.get(5)?,
            prev: r.get(6)?,
            packet: r.get(7)?,
            digest: r.get(8)?,
            body: r.get(9)?,
        })
    }

    /// The row as meant; `None` if it is damaged or names an unknown label.
    pub(super) fn decode(&self, label: impl Fn(u32) -> Option<Label>) -> Option<Row> {
        let body = self.body.as_deref().unwrap_or_default();
        let bucket = match self.tag & 7 {
            0 => return self.decode_other(body),
            n => *Bucket::ALL.get(n as usize - 1)?,
        };
        let (duplicates, skipped, values) = decode_body(body, label)?;
        let flag = |bit: u32| self.tag & bit != 0;
        let arrival = ArrivalRow {
            source: self.source?,
            bucket,
            continues: flag(8),
            device: self.device.map(DeviceId),
            observed: Stamp(self.observed.unwrap_or(self.received)),
            time_source: if flag(16) { TimeSource::Device } else { TimeSource::Arrival },
            revises: flag(32),
            prev: self.prev.unwrap_or(0),
            packet: self.packet.zip(self.digest).map(packet),
            values,
            duplicates,
            skipped,
        };
        Some(self.row(RowKind::Arrival(arrival)))
    }

    fn decode_other(&self, body: &[u8]) -> Option<Row> {
        let hour = || Some(Hour(i32::try_from(self.observed?).ok()?));
        let kind = match self.tag >> 3 {
            0 => {
                RowKind::ZoneClosed { zone: String::from_utf8(body.to_vec()).ok()?, hour: hour()? }
            }
            1 => {
                // Without a number: of all devices.
                let upto = body.try_into().map_or(u32::MAX, u32::from_le_bytes);
                RowKind::DevicesClosed { frontier: hour()?, upto: DeviceId(upto) }
            }
            3 => {
                let ((zone, code, hour), rest) = postcard::take_from_bytes(body).ok()?;
                let moved = match rest {
                    [] => None,
                    rest => Some(postcard::from_bytes(rest).ok()?),
                };
                RowKind::ZoneRevised { zone, quantity: Quantity::from_code(code)?, hour, moved }
            }
            2 => RowKind::Overload { source: self.source?, count: self.observed? as u64 },
            4 => RowKind::NewSession {
                source: self.source?,
                lane: Lane::try_from(self.observed?).ok()?,
            },
            5 => RowKind::Forecast(postcard::from_bytes(body).ok()?),
            6 => RowKind::Decided {
                zone: String::from_utf8(body.to_vec()).ok()?,
                at: Stamp(self.observed?),
            },
            LEFT_QUARANTINE => {
                let (bucket, count) = postcard::from_bytes(body).ok()?;
                RowKind::LeftQuarantine(LeftQuarantine {
                    source: self.source?,
                    hour: hour()?,
                    bucket: Bucket::of(bucket)?,
                    count,
                })
            }
            _ => return None,
        };
        Some(self.row(kind))
    }

    fn row(&self, kind: RowKind) -> Row {
        Row { seq: self.seq, received: Stamp(self.received), kind }
    }
}

/// The lane stands above the 16 bits of the identifier.
fn packet((number, digest): (u32, i64)) -> Packet {
    Packet { lane: (number >> 16) as Lane, id: number as u16, digest: digest as u64 }
}
