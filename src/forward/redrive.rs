//! What a target is sent once more, between the live points: replays that an
//! operator asked for, and hours that it has lost. The cursor stays where it is.
//!
//! **Read-back**: some time after an hour has ended, and once the target has taken
//! everything there was, it is asked how many readings of each series it has of that
//! hour. Of devices of which it has fewer than we do, the hour is sent again and
//! asked for again. What is still missing after [`TRIES`] is said
//! (`database_forgets`) and left to an operator.

use super::again::{Counts, Piece};
use super::ask::Asker;
use super::batch::Batch;
use super::client::Database;
use super::sift::Delivered;
use super::task::{ForwardError, Life, Stage};
use crate::air::Hour;
use crate::config::settings::Influx;
use crate::flow::{Command, DATABASE_FORGETS, Redrive};
use crate::store::{Replay, StoreError};
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How often a lost hour is sent again before it is given to an operator.
const TRIES: u32 = 3;
/// What was sent again is looked for after as long as hours are given to settle, but
/// no later than this: a database may show what it has taken a while later only.
const SETTLES_MAX: Duration = Duration::from_secs(60);
/// Between questions that were not answered.
const UNANSWERED: Duration = Duration::from_secs(60);
/// Hours looked at, the first time a target is read back.
const FIRST_HOURS: i32 = 24;

/// How far what a target has was read back.
pub(super) struct Looking {
    asker: Asker,
    after: Duration,
    /// The first hour that was not.
    hour: Hour,
    tries: u32,
    not_before: Instant,
}

/// What is sent once more.
pub(super) struct Redriving {
    replay: Option<Replay>,
    /// The last replay that was looked at.
    seen: i64,
    pub(super) looking: Option<Looking>,
    /// The condition `database_forgets` holds.
    forgets: bool,
}

impl Redriving {
    /// What there is to do after a start.
    pub(super) fn new(looking: Option<Looking>, forgets: bool) -> Redriving {
        Redriving { replay: None, seen: 0, looking, forgets }
    }
}

impl Looking {
    /// Looks at what a target has, from the first hour that it was not looked at.
    pub(super) fn new(target: &Influx, known: Option<Hour>, now: Hour) -> Option<Looking> {
        let asker = Asker::new(target)?;
        let hour = known.unwrap_or(Hour(now.0.saturating_sub(FIRST_HOURS)));
        let after = target.read_back_after;
        Some(Looking { asker, after, hour, tries: 0, not_before: Instant::now() })
    }
}

/// What came of a turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Something was done, and there may be more.
    Busy,
    /// There is nothing to do now.
    Idle,
    /// The loop is to stop.
    Stopped,
}

impl Stage {
    /// Does one piece of what is to be sent once more.
    pub(super) async fn redrive(
        &mut self,
        database: &Database,
        life: &mut Life,
    ) -> Result<Turn, ForwardError> {
        match self.replay(database, life).await? {
            Turn::Idle => self.look_back(database, life).await,
            turn => Ok(turn),
        }
    }

    async fn replay(&mut self, database: &Database, life: &mut Life) -> Result<Turn, ForwardError> {
        if self.redriving.replay.is_none() {
            let (name, seen) = (self.name.clone(), self.redriving.seen);
            self.redriving.replay =
                self.blocking(move |source| source.reader.next_replay(&name, seen)).await?;
        }
        let Some(mut replay) = self.redriving.replay else { return Ok(Turn::Idle) };
        let limits = self.bounds();
        let range = (replay.from.max(limits.oldest), replay.to);
        let Piece { batch, next } =
            self.blocking(move |source| source.again(replay.next, range, limits)).await?;
        let points = batch.len() as u64;
        match self.send_again(database, batch, life).await? {
            Turn::Busy => {}
            turn => return Ok(turn),
        }
        replay.points += points;
        match next {
            Some(place) => replay.next = place,
            None => replay.done = Some(self.clock.now()),
        }
        self.tell(Command::Redrive(Redrive::Went {
            replay: replay.id,
            device: replay.next.0.0,
            hour: replay.next.1,
            points: replay.points,
            done: replay.done,
        }))
        .await?;
        self.redriving.seen = replay.id;
        self.redriving.replay = Some(replay).filter(|r| r.done.is_none());
        Ok(Turn::Busy)
    }

    async fn look_back(
        &mut self,
        database: &Database,
        life: &mut Life,
    ) -> Result<Turn, ForwardError> {
        let Some(looking) = &self.redriving.looking else { return Ok(Turn::Idle) };
        let (hour, asker) = (looking.hour, looking.asker.clone());
        let due = self.clock.now() >= hour.end().plus(looking.after);
        if !due || Instant::now() < looking.not_before {
            return Ok(Turn::Idle);
        }
        let expected = self.blocking(move |source| source.expected(hour)).await?;
        if expected.is_empty() || hour.start() < self.bounds().oldest {
            return self.looked_at(hour).await;
        }
        let found = match life.finished(asker.counts(hour)).await {
            None => return Ok(Turn::Stopped),
            Some(Err(why)) => {
                tracing::warn!(database = self.name, why, "the database does not say what it has");
                self.look_again_in(UNANSWERED);
                return Ok(Turn::Idle);
            }
            Some(Ok(found)) => found,
        };
        let lost = lost(&expected, &found);
        if lost.is_empty() {
            if std::mem::take(&mut self.redriving.forgets) {
                self.operational(DATABASE_FORGETS, false, "an hour was read back whole").await?;
            }
            return self.looked_at(hour).await;
        }
        self.send_lost(database, hour, lost, life).await
    }

    async fn send_lost(
        &mut self,
        database: &Database,
        hour: Hour,
        lost: Vec<String>,
        life: &mut Life,
    ) -> Result<Turn, ForwardError> {
        let devices = lost.len();
        let looking = self.redriving.looking.as_ref();
        let (tries, settles) =
            looking.map_or((0, SETTLES_MAX), |l| (l.tries, l.after.min(SETTLES_MAX)));
        if tries >= TRIES {
            let detail = format!(
                "the hour {hour} of {devices} devices, such as {:?}, is not whole there although it was \
                 sent {TRIES} times more; look at its log and its retention, then \
                 `dustline forward replay`",
                lost.first().map_or("", String::as_str),
            );
            tracing::error!(database = self.name, detail, "the database forgets");
            self.redriving.forgets = true;
            self.operational(DATABASE_FORGETS, true, &detail).await?;
            return self.looked_at(hour).await;
        }
        tracing::warn!(database = self.name, %hour, devices, "not whole in the database, sent again");
        let batch = self.blocking(move |source| source.hour_again(hour, &lost)).await?;
        let turn = self.send_again(database, batch, life).await?;
        if turn == Turn::Busy {
            if let Some(looking) = &mut self.redriving.looking {
                looking.tries += 1;
            }
            self.look_again_in(settles);
        }
        Ok(turn)
    }

    /// Sends points that the cursor has passed already.
    async fn send_again(
        &mut self,
        database: &Database,
        batch: Batch,
        life: &mut Life,
    ) -> Result<Turn, ForwardError> {
        let points = batch.len() as u64;
        if points == 0 {
            return Ok(Turn::Busy);
        }
        Ok(match self.deliver(database, &Arc::new(batch), life).await? {
            Delivered::AllItTakes => {
                self.metrics.forwarded(&self.name, "again", points);
                Turn::Busy
            }
            // The live points go first; these come again after them.
            Delivered::NotALine => Turn::Idle,
            Delivered::Stopped => Turn::Stopped,
        })
    }

    async fn looked_at(&mut self, hour: Hour) -> Result<Turn, ForwardError> {
        if let Some(looking) = &mut self.redriving.looking {
            looking.hour = hour.next();
            looking.tries = 0;
        }
        let target = self.name.clone();
        self.tell(Command::Redrive(Redrive::ReadBack { target, hour: hour.next() })).await?;
        Ok(Turn::Busy)
    }

    fn look_again_in(&mut self, wait: Duration) {
        if let Some(looking) = &mut self.redriving.looking {
            looking.not_before = Instant::now() + wait;
        }
    }

    /// Reads the store on a thread that may block.
    async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut super::batch::Source) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ForwardError> {
        let source = self.source.clone();
        let read = tokio::task::spawn_blocking(move || {
            read(&mut source.lock().unwrap_or_else(PoisonError::into_inner))
        });
        Ok(read.await??)
    }
}

/// Devices of which there is less than expected.
fn lost(expected: &Counts, found: &Counts) -> Vec<String> {
    let less = expected.iter().filter(|(key, n)| found.get(*key).is_none_or(|have| have < *n));
    let devices: BTreeSet<&String> = less.map(|((device, _), _)| device).collect();
    devices.into_iter().cloned().collect()
}
