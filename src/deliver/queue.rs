//! Which notice may be tried now. Pure: time is given, nothing is awaited.
//!
//! Every receiver has a **lane**, every subject in it a **line**. Only the head
//! of a line is ever tried; it is either waiting for its time (in `timers`),
//! ready (in its lane) or under way. Lanes take turns, and each has at most
//! [`PER_RECEIVER`] attempts under way, one while it is failing; so a receiver
//! that hangs occupies little of what all share.
//!
//! Memory: a line holds the ids of its first [`LINE_MAX`] notices and the place
//! in the outbox where the rest begin, whatever their number.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::time::Instant;

/// Attempts under way for one receiver at most.
pub const PER_RECEIVER: usize = 4;
/// Notices of one line that are remembered; the others stay in the outbox.
pub const LINE_MAX: usize = 16;

/// A pending notice, as far as its turn is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Its row in the outbox.
    pub id: i64,
    /// Its receiver.
    pub receiver: String,
    /// Its event's subject.
    pub subject: String,
    /// Attempts that ended.
    pub attempts: u32,
    /// Not to be tried before this.
    pub due: Instant,
}

/// A line by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId(u64);

/// The head of a line, to be tried now. It counts as under way until
/// [`Queue::ended`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its line.
    pub line: LineId,
    /// The notice's row.
    pub id: i64,
    /// Attempts that ended before this one.
    pub attempts: u32,
    /// Its receiver.
    pub receiver: String,
    /// Why the receiver is not to be bothered any more, if so.
    pub closed: Option<String>,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Delivered.
    Delivered,
    /// Dead, or no longer pending.
    Gone,
    /// To be tried again at this time.
    Again(Instant),
}

/// A line that has used up what it remembers: its next notices are in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refill {
    /// The line.
    pub line: LineId,
    /// Its receiver.
    pub receiver: String,
    /// Its subject.
    pub subject: String,
    /// The rows to look at start here …
    pub from: i64,
    /// … and the line is known to have none after this.
    pub goal: i64,
}

#[derive(Debug)]
struct Lane {
    receiver: String,
    ready: VecDeque<LineId>,
    running: usize,
    failing: bool,
    closed: Option<String>,
}

#[derive(Debug)]
struct Line {
    lane: usize,
    subject: String,
    heads: VecDeque<Head>,
    /// The time its head waits for; other timers of the line are void.
    armed: Option<Instant>,
    /// Where the notices that are not in `heads` begin.
    beyond: Option<i64>,
    /// The last notice known to be of this line.
    last: i64,
}

#[derive(Debug)]
struct Head {
    id: i64,
    attempts: u32,
    due: Instant,
}

/// Every pending notice.
#[derive(Debug)]
pub struct Queue {
    parallel: usize,
    running: usize,
    turn: usize,
    numbered: u64,
    lanes: Vec<Lane>,
    lane_of: HashMap<String, usize>,
    lines: HashMap<LineId, Line>,
    line_of: HashMap<(usize, String), LineId>,
    timers: BinaryHeap<Reverse<(Instant, LineId)>>,
}

impl Queue {
    /// An empty queue with at most `parallel` attempts under way.
    pub fn new(parallel: usize) -> Queue {
        Queue {
            parallel: parallel.max(1),
            running: 0,
            turn: 0,
            numbered: 0,
            lanes: Vec::new(),
            lane_of: HashMap::new(),
            lines: HashMap::new(),
            line_of: HashMap::new(),
            timers: BinaryHeap::new(),
        }
    }

    /// Adds a notice; those of one line must come in the order of their ids.
    pub fn add(&mut self, notice: Pending) {
        let lane = self.lane(&notice.receiver);
        let id = match self.line_of.get(&(lane, notice.subject.clone())) {
            Some(id) => *id,
            None => self.new_line(lane, notice.subject.clone()),
        };
        let Some(line) = self.lines.get_mut(&id) else { return };
        line.last = notice.id;
        // News is worth an attempt at once, even if what comes before it waits
        // out a long back-off: the receiver may be up again.
        if line.armed.is_some_and(|due| due > notice.due) {
            line.armed = Some(notice.due);
            self.timers.push(Reverse((notice.due, id)));
        }
        if line.beyond.is_some() {
            return;
        }
        if line.heads.len() >= LINE_MAX {
            line.beyond = Some(notice.id);
            return;
        }
        line.heads.push_back(Head { id: notice.id, attempts: notice.attempts, due: notice.due });
        if line.heads.len() == 1 {
            line.armed = Some(notice.due);
            self.timers.push(Reverse((notice.due, id)));
        }
    }

    /// From now on the notices of this receiver are handed out with this reason.
    pub fn close(&mut self, receiver: &str, why: &str) {
        let lane = self.lane(receiver);
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.closed.get_or_insert_with(|| why.to_owned());
            lane.failing = false;
        }
    }

    /// Receivers whose notices are handed out with a reason why they are not tried.
    pub fn closed(&self) -> impl Iterator<Item = &str> {
        self.lanes.iter().filter(|l| l.closed.is_some()).map(|l| l.receiver.as_str())
    }

    /// From now on the notices of this receiver are tried again.
    pub fn open(&mut self, receiver: &str) {
        let lane = self.lane(receiver);
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.closed = None;
        }
    }

    /// The notices that wait for their time at the heads of their lines.
    pub fn waiting(&self) -> Vec<i64> {
        let waiting = self.lines.values().filter(|l| l.armed.is_some());
        waiting.filter_map(|l| l.heads.front()).map(|h| h.id).collect()
    }

    /// Has these heads tried now, whatever they wait for.
    pub fn hurry(&mut self, notices: &HashSet<i64>, now: Instant) {
        for (id, line) in &mut self.lines {
            let meant = line.heads.front().is_some_and(|h| notices.contains(&h.id));
            if meant && line.armed.is_some_and(|due| due > now) {
                line.armed = Some(now);
                self.timers.push(Reverse((now, *id)));
            }
        }
    }

    /// The next notice to try, if there is one and room for it.
    pub fn take(&mut self, now: Instant) -> Option<Job> {
        while let Some(Reverse((due, id))) = self.timers.peek().copied() {
            if due > now {
                break;
            }
            self.timers.pop();
            let Some(line) = self.lines.get_mut(&id).filter(|l| l.armed == Some(due)) else {
                continue;
            };
            line.armed = None;
            if let Some(lane) = self.lanes.get_mut(line.lane) {
                lane.ready.push_back(id);
            }
        }
        if self.running >= self.parallel {
            return None;
        }
        let count = self.lanes.len();
        let chosen = (0..count).map(|i| (self.turn + i) % count).find(|i| {
            self.lanes.get(*i).is_some_and(|l| {
                let room = if l.failing { 1 } else { PER_RECEIVER };
                l.running < room && !l.ready.is_empty()
            })
        })?;
        self.turn = chosen + 1;
        let lane = self.lanes.get_mut(chosen)?;
        let id = lane.ready.pop_front()?;
        let head = self.lines.get(&id)?.heads.front()?;
        lane.running += 1;
        self.running += 1;
        Some(Job {
            line: id,
            id: head.id,
            attempts: head.attempts,
            receiver: lane.receiver.clone(),
            closed: lane.closed.clone(),
        })
    }

    /// Takes note of how a job ended. If the line goes on in the outbox, it says
    /// where; the answer goes to [`Queue::refilled`].
    pub fn ended(&mut self, job: &Job, end: End) -> Option<Refill> {
        let line = self.lines.get_mut(&job.line)?;
        let lane = self.lanes.get_mut(line.lane)?;
        self.running -= 1;
        lane.running -= 1;
        match end {
            End::Again(due) => {
                lane.failing = true;
                let head = line.heads.front_mut()?;
                head.attempts = job.attempts + 1;
                head.due = due;
            }
            End::Delivered | End::Gone => {
                lane.failing &= end == End::Gone;
                line.heads.pop_front();
            }
        }
        self.next_of(job.line)
    }

    /// The line's next notices, read from the outbox for this refill: all that
    /// there are if `exhausted`, else the first of them.
    pub fn refilled(
        &mut self,
        refill: &Refill,
        found: Vec<Pending>,
        exhausted: bool,
    ) -> Option<Refill> {
        let line = self.lines.get_mut(&refill.line)?;
        let reached = match found.last() {
            Some(last) if !exhausted => last.id,
            _ => refill.goal,
        };
        line.beyond = (line.last > reached).then_some(reached + 1);
        line.heads.extend(found.into_iter().map(|n| Head {
            id: n.id,
            attempts: n.attempts,
            due: n.due,
        }));
        self.next_of(refill.line)
    }

    /// Arms the head of a line that is not under way; drops a line that is empty.
    fn next_of(&mut self, id: LineId) -> Option<Refill> {
        let line = self.lines.get_mut(&id)?;
        if let Some(head) = line.heads.front() {
            line.armed = Some(head.due);
            self.timers.push(Reverse((head.due, id)));
            return None;
        }
        if let Some(from) = line.beyond {
            let receiver = self.lanes.get(line.lane)?.receiver.clone();
            let subject = line.subject.clone();
            return Some(Refill { line: id, receiver, subject, from, goal: line.last });
        }
        let line = self.lines.remove(&id)?;
        self.line_of.remove(&(line.lane, line.subject));
        None
    }

    /// When a waiting head will be ready.
    pub fn next_due(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((due, _))| *due)
    }

    fn lane(&mut self, receiver: &str) -> usize {
        if let Some(lane) = self.lane_of.get(receiver) {
            return *lane;
        }
        self.lane_of.insert(receiver.to_owned(), self.lanes.len());
        self.lanes.push(Lane {
            receiver: receiver.to_owned(),
            ready: VecDeque::new(),
            running: 0,
            failing: false,
            closed: None,
        });
        self.lanes.len() - 1
    }

    fn new_line(&mut self, lane: usize, subject: String) -> LineId {
        self.numbered += 1;
        let id = LineId(self.numbered);
        self.line_of.insert((lane, subject.clone()), id);
        let line =
            Line { lane, subject, heads: VecDeque::new(), armed: None, beyond: None, last: 0 };
        self.lines.insert(id, line);
        id
    }
}

#[cfg(test)]
mod tests;
