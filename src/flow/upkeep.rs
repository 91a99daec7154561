//! What is done to the store in its own time, piece by piece.

use crate::air::Hour;

/// A piece of what is done to the store in its own time, each small enough that
/// acknowledgements hardly wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upkeep {
    /// The intake's state is kept as it is now.
    Snapshot,
    /// What was prepared for a sealing that did not come to its end is thrown away.
    Forget,
    /// Parts of history are kept that do not count yet.
    Prepare(Vec<Part>),
    /// From now on the parts prepared count, and the journal up to this row no more.
    Seal {
        /// The last row that is sealed.
        through: i64,
    },
    /// At most so many rows of the journal are deleted that are sealed; not done if
    /// there are none left.
    Trim {
        /// How many.
        rows: u32,
    },
    /// Parts of devices become one each.
    Merge(Vec<Merged>),
    /// Parts of history are dropped for good.
    DropParts {
        /// The `upto` of each.
        parts: Vec<i64>,
        /// What they are beyond.
        beyond: Limit,
    },
    /// Closed hours of some devices are dropped for good, and where their rows were
    /// found, once those are dropped too; not done if there are none left.
    DropHours {
        /// The devices' rows in `devices`.
        devices: Vec<u32>,
        /// Hours before this one, …
        before: Hour,
        /// … of which the heads of rows only before this one, …
        heads_before: Hour,
        /// … that were written no later than this revision.
        written: i64,
        /// At most so many.
        rows: u32,
        /// What they are beyond.
        beyond: Limit,
    },
    /// Judged hours of zones are dropped for good; not done if there are none left.
    DropZoneHours {
        /// Hours before this one.
        before: Hour,
        /// At most so many.
        rows: u32,
        /// What they are beyond.
        beyond: Limit,
    },
}

/// What is kept no longer is beyond one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// It is old enough.
    Age,
    /// It is the oldest, and there is more than there may be.
    Size,
    /// The whole store is larger than it may ever be.
    Hard,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Limit; 3] = [Limit::Age, Limit::Size, Limit::Hard];

    /// The name in the store, in metrics and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Limit::Age => "age",
            Limit::Size => "size",
            Limit::Hard => "hard",
        }
    }
}

/// A part of the sealed history of one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The device's row in `devices`.
    pub device: u32,
    /// The last journal row in it: parts with a greater one were received later.
    pub upto: i64,
    /// The first hour that a row of it is of.
    pub first: Hour,
    /// The last such hour.
    pub last: Hour,
    /// How many rows it has.
    pub rows: u32,
    /// How many readings are in them.
    pub readings: u32,
    /// The rows, packed by the store.
    pub block: Vec<u8>,
}

/// Some parts of one device, as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The `upto` of the part in front of them, 0 if there is none.
    pub after: i64,
    /// What takes their place.
    pub part: Part,
}
