//! Points that targets of `forward` refuse: set aside, taken after all, acted upon.

use super::Reply;
use crate::air::Stamp;

/// A place in a target's data: by what it tells a point from all others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PointKey {
    /// `air`, `air_hour` or `air_change`.
    pub measurement: String,
    /// The source; empty where the point has none.
    pub source: String,
    /// The device; empty where the point has none.
    pub device: String,
    /// The series in it by their fields' names with `,` between; of a change its ladder
    /// and scope.
    pub series: String,
    /// Its time.
    pub time: Stamp,
}

/// A point that a target refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedPoint {
    /// Which.
    pub key: PointKey,
    /// As it was sent, its beginning if it is long.
    pub line: String,
    /// The status and the target's words.
    pub why: String,
}

/// What happens to points that targets refuse.
#[derive(Debug)]
pub enum Refused {
    /// A target refused points while it took others: they are set aside. Answered once
    /// they are on disk.
    Points {
        /// The target's name.
        target: String,
        /// The points.
        points: Vec<RefusedPoint>,
        /// When, by our clock.
        at: Stamp,
        /// Where the answer goes.
        reply: Reply<()>,
    },
    /// A target took points that it had refused before, by their numbers.
    Taken(Vec<i64>),
    /// An operator does something about one; answered once it is on disk.
    Act {
        /// What.
        act: RefusedAct,
        /// When, by our clock.
        at: Stamp,
        /// Where the answer goes.
        reply: Reply<RefusedHandled>,
    },
}

/// What an operator does about a refused point, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedAct {
    /// Has its target sent it once more, as it is in the store now.
    Retry(i64),
    /// Takes it off the list; the reading stays in the store.
    Drop(i64),
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedHandled {
    /// It is sent once more, by the replay of this number.
    Asked(i64),
    /// It is off the list.
    Dropped,
    /// Its hour is still open, and only closed ones are sent once more.
    Open,
    /// It is a change, and these are not sent once more.
    Change,
    /// There is no such point.
    Absent,
}

impl RefusedHandled {
    /// Why it stays as it is, and what to do; `None` if it does not.
    pub fn why_not(self) -> Option<&'static str> {
        match self {
            RefusedHandled::Asked(_) | RefusedHandled::Dropped => None,
            RefusedHandled::Open => Some(
                "its hour is still open, and only closed ones are sent once more; retry it later",
            ),
            RefusedHandled::Change => Some("changes are not sent once more; drop it here"),
            RefusedHandled::Absent => Some("no point is listed under that number"),
        }
    }
}
