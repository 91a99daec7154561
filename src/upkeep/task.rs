//! The loop: a pass over the store, a rest, the next.

use crate::flow::{self, Command, Event, Operational, STORE_LIMIT, Upkeep};
use crate::store::{Hard, KeepRule, Reader, Retained, SealRule, StoreError, pass, retain};
use crate::telemetry::Part;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

/// The loop turns at least this often, and looks for something to do: at most, …
const REST: Duration = Duration::from_secs(10);
/// … and at least.
const REST_MIN: Duration = Duration::from_millis(20);

/// After a piece, so many times what it took is left to what comes in, …
const LEAVES: u32 = 3;
/// … but not more than this: a piece that waited long had a large batch beside it.
const LEAVES_MAX: Duration = Duration::from_millis(50);

/// What the loop is given.
pub struct Context {
    /// A reader of its own.
    pub reader: Reader,
    /// What is sealed; `None`: nothing is.
    pub seal: Option<SealRule>,
    /// What is kept.
    pub keep: KeepRule,
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

/// Seals, merges and drops until told to stop.
///
/// # Errors
/// If the store cannot be read. Damage is not: it is shown, and nothing is sealed.
pub async fn run(context: Context, mut stop: watch::Receiver<bool>) -> Result<(), UpkeepError> {
    let Context { reader, seal, keep, commands, part } = context;
    let after = seal.as_ref().map_or(REST, |seal| seal.after / 8);
    let rest = after.clamp(REST_MIN, REST);
    let (runtime, to_stop) = (Handle::current(), stop.clone());
    let desk = Desk { commands, stop: to_stop, part: part.clone(), runtime };
    let mut work = Work { reader, seal, keep, retained: Retained::default(), desk };
    loop {
        part.turned();
        let one = tokio::task::spawn_blocking(move || {
            let done = work.pass();
            (work, done)
        });
        let (back, done) = one.await?;
        work = back;
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

/// What a pass is made with.
struct Work {
    reader: Reader,
    seal: Option<SealRule>,
    keep: KeepRule,
    retained: Retained,
    desk: Desk,
}

impl Work {
    fn pass(&mut self) -> Result<(), StoreError> {
        // Sealed rows take far less room: first they are made, then some may go.
        self.seal_what_is_old()?;
        self.drop_what_is_beyond()
    }

    fn seal_what_is_old(&mut self) -> Result<(), StoreError> {
        let Some(mut rule) = self.seal.clone() else { return Ok(()) };
        if self.reader.is_over(&self.keep)? {
            // Targets find in history what they do not have.
            rule.targets.clear();
        }
        let began = Instant::now();
        let desk = &self.desk;
        let rows = pass(&mut self.reader, &rule, |work| Ok::<_, StoreError>(desk.done(work)))?;
        if rows > 0 {
            let took_ms = began.elapsed().as_millis() as u64;
            tracing::info!(rows, took_ms, "old rows of the journal are sealed into history");
        }
        Ok(())
    }

    fn drop_what_is_beyond(&mut self) -> Result<(), StoreError> {
        if !self.keep.drops() {
            return Ok(());
        }
        let before = self.reader.dropped()?;
        let (desk, was) = (&self.desk, self.retained);
        self.retained =
            retain(&mut self.reader, &self.keep, was, |work| Ok::<_, StoreError>(desk.done(work)))?;
        let after = self.reader.dropped()?;
        for gone in after.iter().filter(|gone| !before.contains(gone)) {
            let (tier, beyond, all) = (gone.tier, gone.beyond, gone.count);
            let known = before.iter().find(|b| (b.tier, b.beyond) == (tier, beyond));
            let count = all - known.map_or(0, |known| known.count);
            tracing::info!(tier, beyond, count, all, "what is beyond a limit is dropped");
        }
        self.tell_of_the_hard_limit()
    }

    /// The hard limit is said aloud for as long as it is near once it was reached.
    fn tell_of_the_hard_limit(&self) -> Result<(), StoreError> {
        let active = match self.retained.hard {
            Hard::Far => false,
            Hard::Near => return Ok(()),
            Hard::Reached => true,
        };
        let conditions = self.reader.conditions()?;
        let holds = conditions.iter().any(|(kind, ..)| kind == STORE_LIMIT);
        let Some(at) = self.reader.last_received()?.filter(|_| holds != active) else {
            return Ok(());
        };
        let mib = self.keep.hard_bytes >> 20;
        let detail = match active {
            true => format!(
                "the store reached hard_mib ({mib} MiB): its oldest readings and hours are \
                 dropped, also if something needs them; raise it, or look at what is behind"
            ),
            false => "over".to_owned(),
        };
        let subject = "store".to_owned();
        let operational = Operational { kind: STORE_LIMIT, subject, active, at, detail };
        // If the writer is gone, the next start says it.
        let event = Event::Command(Command::Operational(operational));
        let _ = self.desk.commands.blocking_send(event);
        Ok(())
    }
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
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => false,
            done = self.part.turning(answered) => done,
        }
    }
}
