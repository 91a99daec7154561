//! What moves between the stages: every channel, its size, its reason, and what
//! happens when it is full.
//!
//! There is no cycle of bounded channels. The one arrow that points back,
//! receipts, is never waited on by the intake and is at least as long as the
//! in-flight window of its connection.
//!
//! | channel | from → to | size | when full |
//! |---|---|---|---|
//! | arrivals | mqtt → intake | [`ARRIVALS_MAX`] and [`ARRIVAL_BYTES_MAX`], whichever is reached first | QoS 0: dropped and counted as ignored; QoS 1, 2: the connection is not read until there is room |
//! | commands | deliver, forward, upkeep, web, clock → intake | [`COMMANDS_MAX`] | the sender waits |
//! | receipts | intake → mqtt, one a lane | [`RECEIPTS_MAX`] batches | the receipt is dropped with its connection, the broker sends again |
//! | replies | intake → whoever asked, one a command | 1 | never: each is used once; nobody waits any more: dropped |
//! | committed | intake → forward, web | latest value | never: it is overwritten |
//! | notices | intake → deliver | latest value, told when the outbox has grown or an operator has acted on it | never: it is overwritten |

mod acts;
mod arrivals;
mod asked;
mod attempt;
mod refused;
mod reply;
mod upkeep;

pub use acts::{AsideAct, AsideHandled, Handled, OutboxAct, Redrive};
pub use arrivals::{Arrivals, Room, Waiting};
pub use asked::{Acted, NotFollowed, Taken};
pub use attempt::{Attempt, Outcome};
pub use refused::{PointKey, Refused, RefusedAct, RefusedHandled, RefusedPoint};
pub use reply::{Reply, reply};
pub use upkeep::{Limit, Merged, Part, Upkeep};

use crate::air::{Forecast, Stamp};
use crate::hotline::{Act, Refusal};
use crate::link::Link;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc, watch};

/// Arrivals waiting for the intake: more than the largest in-flight window. A
/// flood of QoS 0 can fill it, several sources together, and a broker that sends
/// more than its window, as Mosquitto 2.0.11 does once messages wait there.
pub const ARRIVALS_MAX: usize = 16_384;
/// Bytes of topics and bodies that wait for the intake or are in its running
/// batch: what bounds memory when messages are large. Many times the window of
/// ordinary messages, so that these never feel it.
pub const ARRIVAL_BYTES_MAX: usize = 64 << 20;
/// Bytes of topics and bodies committed in one transaction, about: bounds how
/// long a batch of large messages takes. The message that passes it is the last.
pub const BATCH_BYTES_MAX: usize = 8 << 20;
/// Commands waiting for the intake; their senders wait and lose nothing.
pub const COMMANDS_MAX: usize = 1_024;
/// Batches of receipts on their way back to one source. A batch holds at least
/// one receipt and the source takes all that wait at once, so that a window's
/// worth is ample.
pub const RECEIPTS_MAX: usize = RECEIVE_MAX as usize + 1;
/// The largest in-flight window a source may ask for.
pub const RECEIVE_MAX: u16 = 4_096;
/// Arrivals committed in one transaction at most: bounds latency and memory of
/// a batch, large enough that the cost of a sync disappears.
pub const BATCH_MAX: usize = 2_048;

const _: () = assert!(ARRIVALS_MAX >= 2 * RECEIVE_MAX as usize);
const _: () = assert!(ARRIVALS_MAX >= BATCH_MAX);
const _: () = assert!(ARRIVAL_BYTES_MAX >= 2 * BATCH_BYTES_MAX);

/// A source by its place in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u16);

/// The source under whose name readings of files are counted; no broker has it.
pub const IMPORT: &str = "import";

/// One of the connections that a source holds side by side, counted from 0. Each
/// has a session and packet identifiers of its own.
pub type Lane = u8;
/// The most lanes that a source may have.
pub const LANES_MAX: u8 = 16;

/// The right to acknowledge one packet on one connection. QoS 0 has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The lane that it came on.
    pub lane: Lane,
    /// Counts the connections of a lane; a receipt of an older one is stale.
    pub connection: u64,
    /// The packet identifier on that connection.
    pub packet: u16,
    /// Whether the packet came with QoS 2 (else QoS 1).
    pub exactly_once: bool,
}

/// One MQTT message as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// Where from.
    pub source: SourceId,
    /// The topic; not necessarily UTF-8, brokers differ.
    pub topic: Bytes,
    /// The body.
    pub payload: Bytes,
    /// Sent by the broker from its memory because we subscribed.
    pub retained: bool,
    /// The broker says that it sends this again.
    pub duplicate: bool,
    /// When it came in, by our clock.
    pub at: Stamp,
    /// What to hand back after the commit; `None` for QoS 0.
    pub receipt: Option<Receipt>,
}

/// Everything that can happen to the intake.
#[derive(Debug)]
pub enum Event {
    /// A message came in.
    Arrival(Arrival),
    /// The broker began our session anew; what it sent before, it will not send again.
    NewSession {
        /// Which source.
        source: SourceId,
        /// On which of its lanes.
        lane: Lane,
        /// When, by our clock.
        at: Stamp,
    },
    /// Time went by: hours may close by grace, sources may have fallen silent.
    Tick(Stamp),
    /// Something is asked of the single writer.
    Command(Command),
    /// Nothing more will come: what is waiting is committed, then the intake ends.
    Finish,
}

/// What the other stages ask of the single writer.
#[derive(Debug)]
pub enum Command {
    /// A lane of a source connected, lost its connection, or was refused a subscription.
    Source {
        /// Which source.
        source: SourceId,
        /// Which of its lanes.
        lane: Lane,
        /// Its state now.
        state: SourceState,
        /// When, by our clock.
        at: Stamp,
    },
    /// The machine's clock was set.
    ClockSet {
        /// The time by it now.
        now: Stamp,
        /// By how much, ms.
        by_ms: i64,
    },
    /// QoS 0 arrivals were dropped because the intake was behind.
    Overload {
        /// Which source.
        source: SourceId,
        /// How many.
        count: u64,
        /// When, by our clock.
        at: Stamp,
    },
    /// One attempt to deliver one notice ended.
    Attempt(Attempt),
    /// A target has taken everything up to this journal row.
    Forwarded {
        /// The target's name.
        target: String,
        /// The last journal row it has.
        journal: i64,
        /// The last change row it has.
        change: i64,
        /// The last hour row it has.
        hour: i64,
    },
    /// A condition of the operation began or ended; told to receivers that want it.
    Operational(Operational),
    /// Forecasts came in by another way than a broker. Answered once they are on
    /// disk, with what became of each.
    Forecasts {
        /// The forecasts.
        forecasts: Vec<Forecast>,
        /// When, by our clock.
        at: Stamp,
        /// Where the answer goes.
        reply: Reply<Vec<Taken>>,
    },
    /// Somebody acts on the hotline. Answered once it is on disk.
    Act {
        /// Who does what; in a box, since every arrival would be as large.
        act: Box<Act>,
        /// When, by our clock.
        at: Stamp,
        /// Where the answer goes.
        reply: Reply<Result<Acted, Refusal>>,
    },
    /// Something about what a target is sent once more.
    Redrive(Redrive),
    /// Something about points that a target refuses.
    Refused(Refused),
    /// The statement of a day of the ledger is to be kept; answered once it is on disk.
    Statement {
        /// The day, counted from 1970-01-01.
        day: i32,
        /// Its hash.
        hash: String,
        /// All of it, as canonical JSON.
        text: String,
        /// Where the answer goes.
        reply: Reply<()>,
    },
    /// An operator does something about what was set aside; answered once it is on disk.
    Aside {
        /// What.
        act: AsideAct,
        /// When, by our clock.
        at: Stamp,
        /// Where the answer goes.
        reply: Reply<AsideHandled>,
    },
    /// Somebody uses a one-time link. Answered once it is on disk.
    Follow {
        /// The link, which was signed by us.
        link: Box<Link>,
        /// The person, as given.
        name: Option<String>,
        /// From which address.
        from: String,
        /// When, by our clock.
        at: Stamp,
        /// Where the answer goes.
        reply: Reply<Result<Acted, NotFollowed>>,
    },
    /// What is done to the store in its own time. Answered with whether it was done.
    Upkeep {
        /// A piece of it.
        work: Upkeep,
        /// Where the answer goes.
        reply: Reply<bool>,
    },
    /// An operator does something about notices; answered once it is on disk.
    Outbox {
        /// What.
        act: OutboxAct,
        /// When, by our clock.
        at: Stamp,
        /// Where the answer goes.
        reply: Reply<Handled>,
    },
}

/// A lane's state, for metrics, readiness and the operational alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceState {
    /// Connected and subscribed.
    Up,
    /// Not connected; the reason in words.
    Down(String),
    /// The broker refused these filters.
    Refused(Vec<String>),
}

/// The condition that a target of `forward` takes nothing until its configuration is mended.
pub const FORWARDING_HELD: &str = "forwarding_held";

/// The condition that a target does not have what it has taken.
pub const DATABASE_FORGETS: &str = "database_forgets";

/// The condition that the store is as large as it may ever be.
pub const STORE_LIMIT: &str = "store_limit";

/// A condition of the operation itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operational {
    /// A fixed name, such as `source_silent`, `forwarding_held`, `receiver_disabled`.
    pub kind: &'static str,
    /// What it concerns: the source's, target's or receiver's name.
    pub subject: String,
    /// Whether it began or ended.
    pub active: bool,
    /// When.
    pub at: Stamp,
    /// In words, for the operator.
    pub detail: String,
}

/// How far the store is, after the latest commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Committed {
    /// The last journal row.
    pub journal: i64,
    /// The last row of the outbox.
    pub outbox: i64,
    /// The last change.
    pub change: i64,
    /// The last hour.
    pub hour: i64,
    /// Acts of operators on the outbox since the start.
    pub acts: u64,
}

/// The sending ends that feed the intake.
#[derive(Debug, Clone)]
pub struct ToIntake {
    /// Messages from the brokers.
    pub arrivals: Arrivals,
    /// Everything else.
    pub commands: mpsc::Sender<Event>,
}

/// The receiving ends that the intake drains.
#[derive(Debug)]
pub struct IntakeInbox {
    /// Messages from the brokers.
    pub arrivals: mpsc::Receiver<Waiting>,
    /// Everything else.
    pub commands: mpsc::Receiver<Event>,
}

/// Makes the channels into the intake.
pub fn intake() -> (ToIntake, IntakeInbox) {
    let (sender, arrivals_rx) = mpsc::channel(ARRIVALS_MAX);
    let arrivals = Arrivals { sender, bytes: Arc::new(Semaphore::new(ARRIVAL_BYTES_MAX)) };
    let (commands, commands_rx) = mpsc::channel(COMMANDS_MAX);
    (ToIntake { arrivals, commands }, IntakeInbox { arrivals: arrivals_rx, commands: commands_rx })
}

/// Makes the channel that takes receipts back to one lane of a source.
pub fn receipts() -> (mpsc::Sender<Vec<Receipt>>, mpsc::Receiver<Vec<Receipt>>) {
    mpsc::channel(RECEIPTS_MAX)
}

/// The announcement of commits. Those who wait for notices alone are not woken by
/// every reading: waking somebody costs as much as storing some messages.
#[derive(Debug)]
pub struct Announce {
    committed: watch::Sender<Committed>,
    notices: watch::Sender<Committed>,
}

impl Announce {
    /// Tells how far the store is, first of all those who wait for notices.
    pub fn tell(&self, now: Committed) {
        self.notices.send_if_modified(|told| {
            let more = (told.outbox, told.acts) != (now.outbox, now.acts);
            *told = now;
            more
        });
        self.committed.send_replace(now);
    }

    /// Hears of every commit.
    pub fn committed(&self) -> watch::Receiver<Committed> {
        self.committed.subscribe()
    }

    /// Hears of commits that brought notices, or an act of an operator on them.
    pub fn notices(&self) -> watch::Receiver<Committed> {
        self.notices.subscribe()
    }
}

/// Makes the announcement of commits.
pub fn announce(start: Committed) -> Announce {
    Announce { committed: watch::channel(start).0, notices: watch::channel(start).0 }
}
