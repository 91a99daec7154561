//! The loop: when a day is over, its statement is made, signed and kept.

use super::day::Day;
use super::make::document;
use super::sign::{Key, sealed};
use super::verify::NONE_BEFORE;
use crate::clock::Clock;
use crate::flow::{self, Command, Event};
use crate::store::{Reader, StoreError};
use crate::telemetry::Part;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// The loop turns at least this often.
const TURN: Duration = Duration::from_secs(1);
/// A day's statement is made this much past its end: by then the ledger of its last
/// hour is written, and databases that keep up have its last readings.
const DELAY: Duration = Duration::from_secs(600);

/// What the loop is given.
pub struct Context {
    /// A reader of its own.
    pub reader: Reader,
    /// The name of this installation.
    pub instance: String,
    /// The names of the targets of `forward`.
    pub targets: Vec<String>,
    /// Where the key lies; it is made if it is not there.
    pub key_file: PathBuf,
    /// The clock of the world that is judged.
    pub clock: Clock,
    /// To the single writer.
    pub commands: mpsc::Sender<Event>,
    /// The state of the loop.
    pub part: Part,
}

/// Why the loop cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// The store cannot be read.
    #[error("the store cannot be read: {0}")]
    Store(#[from] StoreError),
    /// A read was cut off by a panic.
    #[error("a read of the store was cut off: {0}")]
    Cut(#[from] tokio::task::JoinError),
}

/// Makes the statements of days that are over until told to stop. Without a key
/// there are none, which is shown; those of the days meanwhile follow later.
///
/// # Errors
/// If the store cannot be read.
pub async fn run(context: Context, mut stop: watch::Receiver<bool>) -> Result<(), StatementError> {
    let Context { reader, instance, targets, key_file, clock, commands, part } = context;
    let key = match Key::open(&key_file) {
        Ok(key) => key,
        Err(why) => {
            tracing::error!(%why, "no statements of the ledger are made");
            part.down(why.to_string());
            let mut idle = std::pin::pin!(stop.wait_for(|stop| *stop));
            while tokio::time::timeout(TURN, &mut idle).await.is_err() {
                part.turned();
            }
            return Ok(());
        }
    };
    part.ok();
    let clerk = Arc::new(Mutex::new(Clerk { reader, instance, targets, key, clock }));
    loop {
        part.turned();
        let at_work = clerk.clone();
        let due = tokio::task::spawn_blocking(move || {
            at_work.lock().unwrap_or_else(PoisonError::into_inner).due()
        });
        let more = due.await??;
        if let Some(Due { day, hash, text }) = more {
            tracing::info!(%day, hash, "the ledger of a day is stated");
            let (reply, kept) = flow::reply();
            let command = Command::Statement { day: day.0, hash, text, reply };
            // The daemon stops if either fails; the statement is made after the next start.
            let asked = async {
                commands.send(Event::Command(command)).await.is_ok() && kept.await.is_ok()
            };
            // A full disk may keep the intake for long.
            if part.turning(asked).await {
                continue;
            }
        }
        tokio::select! {
            biased;
            // A sender that is gone has nobody left who could say "stop".
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
            () = tokio::time::sleep(TURN) => {}
        }
    }
}

/// A statement that is to be kept.
struct Due {
    day: Day,
    hash: String,
    text: String,
}

/// Who writes statements.
struct Clerk {
    reader: Reader,
    instance: String,
    targets: Vec<String>,
    key: Key,
    clock: Clock,
}

impl Clerk {
    /// The statement of the next day that is over, if there is one. Its ledger is
    /// complete once the journal has gone past its end.
    fn due(&mut self) -> Result<Option<Due>, StoreError> {
        let Some(received) = self.reader.last_received()? else { return Ok(None) };
        let (day, previous) = match self.reader.last_statement()? {
            Some((day, hash)) => (Day(day).next(), hash),
            None => match self.reader.first_ledger_hour()? {
                Some(hour) => (Day::of(hour), NONE_BEFORE.to_owned()),
                None => return Ok(None),
            },
        };
        let (end, now) = (day.end(), self.clock.now());
        if received.hour() < end || now < end.start().plus(DELAY) {
            return Ok(None);
        }
        let who = (self.instance.as_str(), self.targets.as_slice());
        let made = document(&mut self.reader, who, day, &previous, now)?;
        Ok(sealed(made, &self.key).map(|(hash, text)| Due { day, hash, text }))
    }
}
