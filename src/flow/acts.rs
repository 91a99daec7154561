//! What operators ask of the single writer, and what became of it.

use super::Reply;
use crate::air::{Hour, Stamp};

/// What an operator does about notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutboxAct {
    /// Has a dead notice tried again.
    Retry(i64),
    /// Gives a pending notice up.
    Drop(i64),
    /// Lets a receiver be tried again that asked to be left alone.
    Enable(String),
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handled {
    /// It is done; the number that the notice has now, 0 for a receiver.
    Done {
        /// Its row in the outbox.
        notice: i64,
    },
    /// The notice is in another state than such an act is for.
    Unfit {
        /// The name of that state.
        state: String,
    },
    /// There is no such notice, or the receiver is not disabled.
    Absent,
}

/// What an operator does about a message that was set aside, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsideAct {
    /// Reads it again, by today's configuration.
    Retry(i64),
    /// Drops it with its bytes.
    Drop(i64),
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AsideHandled {
    /// It is set aside no more.
    Left {
        /// The name of the bucket it ends in now.
        bucket: &'static str,
        /// Readings that it brought.
        readings: u64,
    },
    /// It cannot be understood this time either, and stays.
    Again {
        /// A fixed name for counting.
        reason: String,
        /// What, where and what to do next.
        detail: String,
    },
    /// Its source is no longer in the configuration: nothing says how to read it.
    NoSource,
    /// There is no such message.
    Absent,
}

/// What a target of `forward` is sent once more.
#[derive(Debug)]
pub enum Redrive {
    /// An operator asks for a stretch of time; answered with its number once it is on disk.
    Asked {
        /// The target's name.
        target: String,
        /// Points from this time on …
        from: Stamp,
        /// … and before this one.
        to: Stamp,
        /// When, by our clock.
        at: Stamp,
        /// Where the answer goes.
        reply: Reply<i64>,
    },
    /// A replay went on.
    Went {
        /// Its number.
        replay: i64,
        /// The row of the device at which it goes on …
        device: u32,
        /// … and the hour.
        hour: Hour,
        /// Points sent so far.
        points: u64,
        /// When all of it was taken.
        done: Option<Stamp>,
    },
    /// What a target has was read back.
    ReadBack {
        /// The target's name.
        target: String,
        /// The first hour that was not.
        hour: Hour,
    },
}
