//! The rows of the store as the rest of the program sees them.

use crate::air::reading::TimeSource;
use crate::air::{Forecast, Hour, Measured, Quantity, Stamp};
use crate::flow::Lane;
use serde::{Deserialize, Serialize};

/// A device by its row in `devices`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeviceId(pub u32);

/// The one place in the ledger where an arrival ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Bucket {
    /// It brought at least one new reading or revision.
    Stored = 1,
    /// Everything in it was there already.
    Duplicate = 2,
    /// It could not be decoded or believed; its bytes are kept.
    Quarantined = 3,
    /// Left out by a named policy.
    Ignored = 4,
}

impl Bucket {
    /// Every bucket.
    pub const ALL: [Bucket; 4] =
        [Bucket::Stored, Bucket::Duplicate, Bucket::Quarantined, Bucket::Ignored];

    /// By its number in the store.
    pub fn of(number: u8) -> Option<Bucket> {
        Bucket::ALL.into_iter().find(|b| *b as u8 == number)
    }

    /// The name in the API and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Bucket::Stored => "stored",
            Bucket::Duplicate => "duplicate",
            Bucket::Quarantined => "quarantined",
            Bucket::Ignored => "ignored",
        }
    }
}

/// One row of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its place; rows are numbered without gaps in the order of receipt.
    pub seq: i64,
    /// When it came in, by our clock.
    pub received: Stamp,
    /// What it is.
    pub kind: RowKind,
}

/// What a journal row is.
#[derive(Debug, Clone, PartialEq)]
pub enum RowKind {
    /// A message, or one observation of a message with several.
    Arrival(ArrivalRow),
    /// An hour of a zone was closed and judged.
    ZoneClosed {
        /// The zone's id.
        zone: String,
        /// The hour.
        hour: Hour,
    },
    /// Late data changed an hour of a zone that was judged already.
    ZoneRevised {
        /// The zone's id.
        zone: String,
        /// The quantity.
        quantity: Quantity,
        /// The hour as it is now.
        hour: crate::rules::ZoneHour,
        /// The station whose mean moved; `None` in rows of versions that did not note it.
        moved: Option<crate::rules::StationMoved>,
    },
    /// Hours of some devices before this one are closed.
    DevicesClosed {
        /// The first hour that stays open.
        frontier: Hour,
        /// Of the devices up to this one; those behind follow with further rows.
        upto: DeviceId,
    },
    /// A forecast that was not there, or with another value or cause.
    Forecast(Forecast),
    /// A zone's decision of the day was due: what its conditions make of what was
    /// known at that instant.
    Decided {
        /// The zone's id.
        zone: String,
        /// The instant of the decision.
        at: Stamp,
    },
    /// A source's broker began the session of a lane anew: the packet identifiers
    /// of the session before say nothing about those that come.
    NewSession {
        /// The source's row in `sources`.
        source: u32,
        /// The lane.
        lane: Lane,
    },
    /// Messages that were set aside are so no more.
    LeftQuarantine(LeftQuarantine),
    /// The connection to a source dropped QoS 0 messages because the intake was behind.
    Overload {
        /// The source's row in `sources`.
        source: u32,
        /// How many.
        count: u64,
    },
}

/// Messages that were quarantined and went to another bucket: read after all,
/// dropped by an operator, or pushed out by newer ones. What was read of them
/// follows in further rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftQuarantine {
    /// The source's row in `sources`.
    pub source: u32,
    /// The hour in which they were received.
    pub hour: Hour,
    /// Where they end now.
    pub bucket: Bucket,
    /// How many.
    pub count: u64,
}

/// A message, or one observation of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrivalRow {
    /// The source's row in `sources`.
    pub source: u32,
    /// Where the message as a whole ended; the same in all its rows.
    pub bucket: Bucket,
    /// Whether this row continues the message of the row in front of it.
    pub continues: bool,
    /// The device, if one was recognised.
    pub device: Option<DeviceId>,
    /// The time that the readings are of.
    pub observed: Stamp,
    /// Which clock said so.
    pub time_source: TimeSource,
    /// Whether it replaces values of an earlier row of the same device and time.
    pub revises: bool,
    /// The previous row of the same device and hour; 0: none.
    pub prev: i64,
    /// The packet of a QoS 1 or 2 message.
    pub packet: Option<Packet>,
    /// New values and revisions; empty unless stored.
    pub values: Vec<Measured>,
    /// Values in it that were there already.
    pub duplicates: u32,
    /// Values in it that the decoder or a policy left out.
    pub skipped: u32,
}

/// By what a message is known again when the broker sends it again after a lost
/// acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// The lane of its source that it came on.
    pub lane: Lane,
    /// Its identifier there.
    pub id: u16,
    /// Digest of topic and body.
    pub digest: u64,
}

/// The closed hour of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct HourRow {
    /// Counts up with every write, so that a cursor sees revisions; 0 before the write.
    pub revision: i64,
    /// The device.
    pub device: DeviceId,
    /// The hour.
    pub hour: Hour,
    /// The quantity.
    pub quantity: Quantity,
    /// Which of several numbers: the row in `labels`, 0 for the main one.
    pub label: u32,
    /// Valid readings.
    pub count: u32,
    /// Their sum, 10⁻⁶ units.
    pub sum_micro: i64,
    /// The least, 10⁻⁶ units.
    pub min_micro: i64,
    /// The greatest, 10⁻⁶ units.
    pub max_micro: i64,
    /// One bit for every covered minute.
    pub minutes: u64,
    /// Readings that did not count.
    pub flagged: u32,
}

/// The judged hour of a zone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ZoneHourRow {
    /// The zone's id.
    pub zone: String,
    /// The quantity.
    pub quantity: Quantity,
    /// The hour.
    pub hour: Hour,
    /// Sum of the station means, 10⁻⁶ units.
    pub sum_micro: i64,
    /// Stations with a valid hour.
    pub stations: u32,
    /// Stations of the zone.
    pub expected: u32,
    /// Whether enough stations were valid.
    pub valid: bool,
    /// Ids of stations with a valid hour that are not in the sum, because they
    /// disagree with the others.
    pub left_out: Vec<String>,
}

impl ZoneHourRow {
    /// The ids of a list in JSON, as they are kept; none if there is no list.
    pub(super) fn ids(list: Option<String>) -> Vec<String> {
        list.and_then(|list| serde_json::from_str(&list).ok()).unwrap_or_default()
    }
}

/// What was set aside.
#[derive(Debug, Clone, PartialEq)]
pub struct QuarantineRow {
    /// Its row; 0 before the write.
    pub id: i64,
    /// The journal row.
    pub seq: i64,
    /// The source's name.
    pub source: String,
    /// The topic, raw.
    pub topic: Vec<u8>,
    /// The body, raw.
    pub payload: Vec<u8>,
    /// A fixed name for counting.
    pub reason: String,
    /// What, where and what to do next.
    pub detail: String,
    /// When it came in.
    pub at: Stamp,
}

/// The present level of one ladder or threshold in one scope.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LevelRow {
    /// The ladder's or threshold's id.
    pub ladder: String,
    /// `zone/<id>` or `station/<id>`.
    pub scope: String,
    /// The level's name; `none` at the bottom.
    pub level: String,
    /// Since when.
    pub since: Stamp,
    /// The value last judged, in the quantity's unit.
    pub value: Option<f64>,
    /// The inputs of the last judgement, as JSON.
    pub inputs: serde_json::Value,
    /// The ruleset and its version.
    pub ruleset: String,
    /// Since when too little data came for a judgement.
    pub unknown_since: Option<Stamp>,
}

/// Something that happened and that receivers may be told: the data of a notice.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRow {
    /// Its row; 0 before the write.
    pub id: i64,
    /// Its identity, the same whatever restarts lie between.
    pub uid: String,
    /// CloudEvents type, such as `dustline.change.v1`.
    pub kind: String,
    /// CloudEvents subject; notices of one receiver and subject keep their order.
    pub subject: String,
    /// When it was decided.
    pub time: Stamp,
    /// CloudEvents data without the text, which each receiver gets in its language.
    pub data: serde_json::Value,
}

/// How far a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeState {
    /// Not yet taken.
    Pending,
    /// Taken by the receiver.
    Delivered,
    /// Given up; can be listed.
    Dead,
}

impl NoticeState {
    /// The name in the database, the API and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            NoticeState::Pending => "pending",
            NoticeState::Delivered => "delivered",
            NoticeState::Dead => "dead",
        }
    }
}

/// A row of the outbox: one receiver must be told of one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Its row.
    pub id: i64,
    /// The `webhook-id` of every attempt.
    pub uid: String,
    /// The receiver's id.
    pub receiver: String,
    /// What it must be told.
    pub event: EventRow,
    /// How far it is.
    pub state: NoticeState,
    /// Attempts that ended.
    pub attempts: u32,
    /// When it was written.
    pub created: Stamp,
    /// Not to be tried before this.
    pub next: Stamp,
    /// What the last attempt said.
    pub last: Option<String>,
    /// When it was delivered or given up.
    pub done: Option<Stamp>,
}

/// A notice that is to be tried, without what it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingNotice {
    /// Its row.
    pub id: i64,
    /// The `webhook-id` of every attempt.
    pub uid: String,
    /// The row of the event that it tells of.
    pub event: i64,
    /// The receiver's id.
    pub receiver: String,
    /// What its event is about.
    pub subject: String,
    /// Attempts that ended.
    pub attempts: u32,
    /// Not to be tried before this.
    pub next: Stamp,
}

/// How far a target of `forward` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// Last journal row it has.
    pub journal: i64,
    /// Last change row it has.
    pub change: i64,
    /// Last revision of hours it has.
    pub hour: i64,
}

/// A change as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRow {
    /// Its row; 0 before the write.
    pub id: i64,
    /// Its identity, the same whatever restarts lie between.
    pub uid: String,
    /// The ladder's or threshold's id.
    pub ladder: String,
    /// `zone/<id>` or `station/<id>`.
    pub scope: String,
    /// The level left.
    pub from: String,
    /// The level reached.
    pub to: String,
    /// When the criterion was met.
    pub at: Stamp,
    /// Whether late data brought it out after the fact.
    pub late: bool,
    /// All of it, in the shape of the webhook's `data` without the text.
    pub data: serde_json::Value,
}
