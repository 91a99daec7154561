//! The loop: a pass over the store, a rest, the next.

use crate::flow::{self, Command, Event, Upkeep};
use crate::store::{Reader, SealRule, StoreError, pass};
use crate::telemetry::Part;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

/// The loop turns at least this often, and looks for something to do: at most, …
const REST: Duration = Duration::from_secs(10);
/// … and at least.
const REST_MIN: Duration = Duration::from_millis(20);

/// While a piece waits to be done, the loop turns this often.
const TURN: Duration = Duration::from_secs(1);

/// After a piece, so many times what it took is left to what comes in, …
const LEAVES: u32 = 3;
/// … but not more than this: a piece that waited long had a large batch beside it.
const LEAVES_MAX: Duration = Duration::from_millis(50);

/// What the loop is given.
pub struct Context {
    /// A reader of its own.
    pub reader: Reader,
    /// What is sealed.
    pub rule: SealRule,
    /// To the single writer.
    pub commands: mpsc::Sender<Event>,
    /// The state of the loop.
    pub part: Part,
}

/// Why the loop cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The store cannot be read.
    #[error("the store cannot be read: {0}")]
    Store(#[from] StoreError),
    /// A pass was cut off by a panic.
    #[error("a pass over the store was cut off: {0}")]
    Cut(#[from] tokio::task::JoinError),
}

/// Seals and merges until told to stop.
///
/// # Errors
/// If the store cannot be read. Damage is not: it is shown, and nothing is sealed.
pub async fn run(context: Context, mut stop: watch::Receiver<bool>) -> Result<(), UpkeepError> {
    let Context { mut reader, rule, commands, part } = context;
    let rest = (rule.after / 8).clamp(REST_MIN, REST);
    let (runtime, to_stop) = (Handle::current(), stop.clone());
    let desk = Desk { commands, stop: to_stop, part: part.clone(), runtime };
    loop {
        part.turned();
        let (rule, desk) = (rule.clone(), desk.clone());
        let one = tokio::task::spawn_blocking(move || {
            let done = one_pass(&mut reader, &rule, &desk);
            (reader, done)
        });
        let (back, done) = one.await?;
        reader = back;
        match done {
            Ok(()) => part.ok(),
            Err(StoreError::Damaged { what, .. }) => {
                part.degraded(format!("nothing is sealed: {what}"));
            }
            // Reading, too, may need room for a moment.
            Err(StoreError::Full { .. }) => part.degraded("nothing is sealed: the disk is full"),
            Err(e) => return Err(e.into()),
        }
        tokio::select! {
            biased;
            // A sender that is gone has nobody left who could say "stop".
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
            () = tokio::time::sleep(rest) => {}
        }
    }
}

fn one_pass(reader: &mut Reader, rule: &SealRule, desk: &Desk) -> Result<(), StoreError> {
    let began = Instant::now();
    let rows = pass(reader, rule, |work| Ok::<_, StoreError>(desk.done(work)))?;
    if rows > 0 {
        let took_ms = began.elapsed().as_millis() as u64;
        tracing::info!(rows, took_ms, "old rows of the journal are sealed into history");
    }
    Ok(())
}

/// Where a pass hands in its pieces.
#[derive(Clone)]
struct Desk {
    commands: mpsc::Sender<Event>,
    stop: watch::Receiver<bool>,
    part: Part,
    runtime: Handle,
}

impl Desk {
    /// Has the writer do a piece, and leaves it to others for a while; `false` also if
    /// it is gone, or the pass is to end. A full disk may keep a piece for long.
    fn done(&self, work: Upkeep) -> bool {
        let began = Instant::now();
        let done = self.runtime.block_on(self.answer(work));
        if done {
            std::thread::sleep((began.elapsed() * LEAVES).min(LEAVES_MAX));
        }
        done
    }

    async fn answer(&self, work: Upkeep) -> bool {
        let (reply, answer) = flow::reply();
        let event = Event::Command(Command::Upkeep { work, reply });
        let answered =
            async { self.commands.send(event).await.is_ok() && answer.await.unwrap_or(false) };
        let (mut answered, mut stop) = (std::pin::pin!(answered), self.stop.clone());
        loop {
            self.part.turned();
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return false,
                done = &mut answered => return done,
                () = tokio::time::sleep(TURN) => {}
            }
        }
    }
}
