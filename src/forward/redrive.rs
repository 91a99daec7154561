//! What a target is sent once more, between the live points: replays that an
//! operator asked for, and hours that it has lost. The cursor stays where it is.
//!
//! **Read-back**: some time after an hour has ended, once it is closed and the target
//! has taken everything there was, it is asked how many readings of each series it has of that
//! hour. Of devices of which it has fewer than we do, the hour is sent again and
//! asked for again. What is still missing after [`TRIES`] is said
//! (`database_forgets`) and left to an operator. Points that it refused are not
//! expected of it.
//!
//! A point that it had refused, and takes now, leaves the quarantine.

use super::again::{Counts, Piece};
use super::ask::Asker;
use super::batch::{Batch, Source};
use super::client::Database;
use super::key::key;
use super::sift::Delivered;
use super::task::{ForwardError, Life, Stage};
use crate::air::Hour;
use crate::config::settings::Influx;
use crate::flow::{Command, DATABASE_FORGETS, PointKey, Redrive, Refused};
use crate::store::{Replay, StoreError};
use std::collections::{BTreeSet, HashMap};
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
/// Between looks whether an hour is closed by now.
const STILL_OPEN: Duration = Duration::from_secs(10);
/// Hours looked at, the first time a target is read back.
const FIRST_HOURS: i32 = 24;

/// How far what a target has was read back.
pub(super) struct Looking {
    asker: Asker,
    after: Duration,
    /// The first hour that was not.
    hour: Hour,
    /// Hours before this one are known to be closed.
    closed: Hour,
    tries: u32,
    not_before: Instant,
}

/// Points that a target refused, with their numbers in the quarantine.
type Aside = HashMap<PointKey, i64>;

/// What is sent once more.
pub(super) struct Redriving {
    replay: Option<Replay>,
    /// Of the stretch that the replay is of, what the target had refused before.
    aside: Aside,
    /// The last replay that was looked at.
    seen: i64,
    pub(super) looking: Option<Looking>,
    /// The condition `database_forgets` holds.
    forgets: bool,
}

impl Redriving {
    /// What there is to do after a start.
    pub(super) fn new(looking: Option<Looking>, forgets: bool) -> Redriving {
        Redriving { replay: None, aside: Aside::new(), seen: 0, looking, forgets }
    }
}

impl Looking {
    /// Looks at what a target has, from the first hour that it was not looked at.
    pub(super) fn new(target: &Influx, known: Option<Hour>, now: Hour) -> Option<Looking> {
        let asker = Asker::new(target)?;
        let hour = known.unwrap_or(Hour(now.0.saturating_sub(FIRST_HOURS)));
        let after = target.read_back_after;
        let closed = Hour(i32::MIN);
        Some(Looking { asker, after, hour, closed, tries: 0, not_before: Instant::now() })
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
            let next = self.blocking(move |source| {
                let replay = source.reader.next_replay(&name, seen)?;
                let stretch = replay.map(|r| (r.from, r.to));
                Ok((replay, source.aside(&name, stretch)?))
            });
            (self.redriving.replay, self.redriving.aside) = next.await?;
        }
        let Some(mut replay) = self.redriving.replay else { return Ok(Turn::Idle) };
        let limits = self.bounds();
        let range = (replay.from.max(limits.oldest), replay.to);
        let Piece { batch, next } =
            self.blocking(move |source| source.again(replay.next, range, limits)).await?;
        let points = batch.len() as u64;
        let mut aside = std::mem::take(&mut self.redriving.aside);
        let turn = self.send_again(database, batch, &mut aside, life).await?;
        self.redriving.aside = aside;
        if turn != Turn::Busy {
            return Ok(turn);
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
        let (hour, asker, after) = (looking.hour, looking.asker.clone(), looking.after);
        let due = self.clock.now() >= hour.end().plus(after);
        if !due || Instant::now() < looking.not_before {
            return Ok(Turn::Idle);
        }
        if !self.is_closed(hour).await? {
            self.look_again_in(STILL_OPEN.min(after));
            return Ok(Turn::Idle);
        }
        let name = self.name.clone();
        let expected = self.blocking(move |source| source.expected(hour, &name)).await?;
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

    /// Whether an hour is closed; before that nothing says what there should be of it.
    async fn is_closed(&mut self, hour: Hour) -> Result<bool, ForwardError> {
        if self.redriving.looking.as_ref().is_some_and(|l| hour < l.closed) {
            return Ok(true);
        }
        let closed = self.blocking(|source| Ok(source.reader.index()?.frontier)).await?;
        if let Some(looking) = &mut self.redriving.looking {
            looking.closed = closed;
        }
        Ok(hour < closed)
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
        let name = self.name.clone();
        let again = self.blocking(move |source| {
            let aside = source.aside(&name, Some((hour.start(), hour.end())))?;
            Ok((source.hour_again(hour, &lost)?, aside))
        });
        let (batch, mut aside) = again.await?;
        let turn = self.send_again(database, batch, &mut aside, life).await?;
        if turn == Turn::Busy {
            if let Some(looking) = &mut self.redriving.looking {
                looking.tries += 1;
            }
            self.look_again_in(settles);
        }
        Ok(turn)
    }

    /// Sends points that the cursor has passed already. Those of them that were set
    /// aside, and are taken now, are so no more.
    async fn send_again(
        &mut self,
        database: &Database,
        batch: Batch,
        aside: &mut Aside,
        life: &mut Life,
    ) -> Result<Turn, ForwardError> {
        let points = batch.len() as u64;
        if points == 0 {
            return Ok(Turn::Busy);
        }
        let batch = Arc::new(batch);
        let refused = match self.deliver(database, &batch, life).await? {
            Delivered::AllItTakes { refused } => refused,
            // The live points go first; these come again after them.
            Delivered::NotALine => return Ok(Turn::Idle),
            Delivered::Stopped => return Ok(Turn::Stopped),
        };
        self.metrics.forwarded(&self.name, "again", points);
        let taken = taken_after_all(&batch, &refused, aside);
        if !taken.is_empty() {
            self.tell(Command::Refused(Refused::Taken(taken))).await?;
        }
        Ok(Turn::Busy)
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
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Source) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ForwardError> {
        let source = self.source.clone();
        let read = tokio::task::spawn_blocking(move || {
            read(&mut source.lock().unwrap_or_else(PoisonError::into_inner))
        });
        Ok(read.await??)
    }
}

/// Takes out of what was set aside the points of a batch that were taken, and says
/// their numbers. Of several lines for one place the last one counts.
fn taken_after_all(batch: &Batch, refused: &[usize], aside: &mut Aside) -> Vec<i64> {
    if aside.is_empty() {
        return Vec::new();
    }
    let refused: BTreeSet<&usize> = refused.iter().collect();
    let places = 0..batch.len();
    let last: HashMap<PointKey, usize> = places.map(|n| (key(batch.line(n)), n)).collect();
    let taken = last.into_iter().filter(|(_, place)| !refused.contains(place));
    let mut numbers: Vec<i64> = taken.filter_map(|(key, _)| aside.remove(&key)).collect();
    numbers.sort_unstable();
    numbers
}

/// Devices of which there is less than expected.
fn lost(expected: &Counts, found: &Counts) -> Vec<String> {
    let less = expected.iter().filter(|(key, n)| found.get(*key).is_none_or(|have| have < *n));
    let devices: BTreeSet<&String> = less.map(|((device, _), _)| device).collect();
    devices.into_iter().cloned().collect()
}
