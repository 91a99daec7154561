//! What goes on beside the loop: reads of the outbox, and attempts.

use super::format::{self, Told, World};
use super::http::Door;
use super::queue::{Job, LINE_MAX, Pending, Refill};
use super::schedule::{Answer, Ended, judge, wait_until};
use super::task::DeliverError;
use crate::air::Stamp;
use crate::clock::Clock;
use crate::config::settings::Receiver;
use crate::flow::{Attempt, Outcome};
use crate::store::{EventRow, PendingNotice, Reader, StoreError};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Rows of the outbox read at once.
const PAGE: usize = 200;

/// Earlier events that one can refer to at most.
const EARLIER_MAX: usize = 64;

/// What attempts under way share.
pub(super) struct Shared {
    pub(super) reader: Mutex<Reader>,
    pub(super) door: Door,
    pub(super) receivers: HashMap<String, Receiver>,
    pub(super) schedule: Vec<Duration>,
    pub(super) world: World,
    pub(super) clock: Clock,
}

/// Something that was under way is done.
pub(super) enum Done {
    Page {
        rows: Vec<Pending>,
        upto: i64,
        full: bool,
    },
    Refilled {
        refill: Refill,
        found: Vec<Pending>,
        exhausted: bool,
    },
    /// What is told by notices whose turn it is; none of one that is not pending.
    Fetched(Vec<(Option<Letter>, Job)>),
    Attempted {
        job: Job,
        tried: Option<Tried>,
    },
    /// After an act of an operator: who is disabled now, and which of the notices
    /// that waited are no longer pending.
    Looked {
        disabled: HashSet<String>,
        gone: HashSet<i64>,
    },
}

/// A notice whose turn it is, with what it tells.
pub(super) struct Letter {
    notice: PendingNotice,
    story: Arc<Story>,
}

/// What is told, the same to everyone.
struct Story {
    event: EventRow,
    /// What was told of the subject before, for formats that refer to it.
    earlier: Vec<EventRow>,
}

/// An attempt that ended; none if the notice was no longer pending.
pub(super) struct Tried {
    pub(super) attempt: Attempt,
    pub(super) wait: Option<Duration>,
    /// Seconds since the change, if it was one.
    pub(super) age: Option<f64>,
}

impl Shared {
    /// Reads from the store without holding up the loop.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Shared>,
        read: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, DeliverError> {
        let shared = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            read(&shared.reader.lock().unwrap_or_else(PoisonError::into_inner))
        });
        Ok(done.await??)
    }

    fn pending(&self, notice: PendingNotice) -> Pending {
        let wait = match notice.attempts {
            // The first step of the schedule counts from the commit.
            0 => self.schedule.first().copied().unwrap_or_default(),
            _ => {
                let (now, speed) = (self.clock.now(), self.clock.speed());
                wait_until(notice.next, now, speed, &self.schedule)
            }
        };
        Pending {
            id: notice.id,
            receiver: notice.receiver,
            subject: notice.subject,
            attempts: notice.attempts,
            due: Instant::now() + wait,
        }
    }
}

/// The pending rows of the outbox after `after`; rows up to `upto` are committed.
pub(super) async fn page(shared: Arc<Shared>, after: i64, upto: i64) -> Result<Done, DeliverError> {
    let rows = shared.read(move |r| r.pending(after, PAGE)).await?;
    let full = rows.len() == PAGE;
    Ok(Done::Page { rows: rows.into_iter().map(|n| shared.pending(n)).collect(), upto, full })
}

/// The next notices of one line.
pub(super) async fn read_on(shared: Arc<Shared>, refill: Refill) -> Result<Done, DeliverError> {
    let (mut found, mut after) = (Vec::new(), refill.from - 1);
    loop {
        let rows = shared.read(move |r| r.pending(after, PAGE)).await?;
        let (exhausted, last) = (rows.len() < PAGE, rows.last().map(|n| n.id));
        let of_line =
            |n: &PendingNotice| n.receiver == refill.receiver && n.subject == refill.subject;
        found.extend(rows.into_iter().filter(of_line).map(|n| shared.pending(n)));
        if found.len() > LINE_MAX {
            found.truncate(LINE_MAX);
            return Ok(Done::Refilled { refill, found, exhausted: false });
        }
        match last {
            Some(last) if !exhausted => after = last,
            _ => return Ok(Done::Refilled { refill, found, exhausted: true }),
        }
    }
}

/// What an act of an operator has changed for the notices that wait.
pub(super) async fn look(shared: Arc<Shared>, waiting: Vec<i64>) -> Result<Done, DeliverError> {
    let read = move |r: &Reader| {
        let disabled = r.disabled_receivers()?.into_iter().map(|(receiver, ..)| receiver);
        let disabled = disabled.collect();
        let mut gone = HashSet::new();
        for id in waiting {
            if r.still_pending(id)?.is_none() {
                gone.insert(id);
            }
        }
        Ok(Done::Looked { disabled, gone })
    };
    shared.read(read).await
}

/// Reads what is told by all notices whose turn it is: one read, whatever their
/// number, and what several of them tell is read once.
pub(super) async fn fetch(shared: Arc<Shared>, jobs: Vec<Job>) -> Result<Done, DeliverError> {
    let receivers = shared.clone();
    let read = move |r: &Reader| {
        let mut stories: HashMap<(i64, bool), Arc<Story>> = HashMap::new();
        let mut letter = |job: &Job| {
            let Some(notice) = r.still_pending(job.id)? else { return Ok(None) };
            let receiver = receivers.receivers.get(&job.receiver);
            let refers = receiver.is_some_and(|to| format::needs_earlier(to.format));
            let story = match stories.entry((notice.event, refers)) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(place) => {
                    let Some(story) = story(r, notice.event, refers)? else { return Ok(None) };
                    place.insert(Arc::new(story)).clone()
                }
            };
            Ok(Some(Letter { notice, story }))
        };
        let fetched = jobs.into_iter().map(|job| Ok((letter(&job)?, job)));
        fetched.collect::<Result<Vec<_>, StoreError>>().map(Done::Fetched)
    };
    shared.read(read).await
}

fn story(r: &Reader, event: i64, refers: bool) -> Result<Option<Story>, StoreError> {
    let Some(event) = r.event_row(event)? else { return Ok(None) };
    let earlier = match refers {
        true => format::still_open(r.events_before(&event.subject, event.id, EARLIER_MAX)?),
        false => Vec::new(),
    };
    Ok(Some(Story { event, earlier }))
}

/// One attempt, from what is to be told to the verdict.
pub(super) async fn attempt(shared: Arc<Shared>, job: Job, letter: Letter) -> Done {
    let tried = match (&job.closed, shared.receivers.get(&job.receiver)) {
        (None, Some(receiver)) => shared.try_once(&letter, receiver, job.attempts).await,
        (closed, _) => {
            let why = closed.clone().unwrap_or_else(|| "receiver no longer configured".to_owned());
            shared.dead(&letter.notice, why)
        }
    };
    Done::Attempted { job, tried: Some(tried) }
}

impl Shared {
    fn dead(&self, notice: &PendingNotice, why: String) -> Tried {
        let outcome = Outcome::Dead { why, disable: false };
        let attempt = Attempt { notice: notice.id, at: self.clock.now(), outcome };
        Tried { attempt, wait: None, age: None }
    }

    async fn try_once(&self, letter: &Letter, receiver: &Receiver, before: u32) -> Tried {
        let started = Instant::now();
        let Letter { notice, story } = letter;
        let Story { event, earlier } = story.as_ref();
        let (now, language) = (real(), receiver.language);
        let offers = self.world.offers.as_ref();
        let offer = offers.and_then(|o| o.of(event, &receiver.id, self.clock.now()));
        let offer = offer.as_ref();
        let told = Told { event, earlier, language, offer, world: &self.world, now };
        let request = format::request(&told, receiver);
        let answer = match format::headers(receiver, &notice.uid, now, &request.body) {
            Ok(headers) => self.door.send(&notice.uid, receiver, headers, request).await,
            Err(why) => Answer::None(why),
        };
        let (at, speed) = (self.clock.now(), self.clock.speed());
        let ended = Ended {
            uid: &notice.uid,
            attempts: before.max(notice.attempts) + 1,
            at,
            real: real(),
            speed,
            took: started.elapsed(),
        };
        let verdict = judge(&answer, ended, &self.schedule);
        let is_change = event.kind == "dustline.change.v1";
        let seconds = at.since(event.time) as f64 / 1000.0 / speed.max(f64::MIN_POSITIVE);
        let attempt = Attempt { notice: notice.id, at, outcome: verdict.outcome };
        Tried { attempt, wait: verdict.wait, age: is_change.then_some(seconds.max(0.0)) }
    }
}

/// The machine's own time, which receivers compare with theirs.
fn real() -> Stamp {
    Clock::system().now()
}
