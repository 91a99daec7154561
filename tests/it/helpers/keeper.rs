//! A store with a single writer that does what the outputs ask of it, and
//! remembers what that was.

use super::soon;
use dustline::air::Stamp;
use dustline::flow::{self, Attempt, Command, Committed, Event, Redrive, Refused};
use dustline::store::{Cursor, DeviceId, EventRow, Reader, Writer};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, oneshot, watch};

type Job = Box<dyn FnOnce(&mut Writer) + Send>;

/// The writer's outside.
pub struct Keeper {
    dir: Arc<tempfile::TempDir>,
    /// What the outputs are given to speak to it.
    pub commands: mpsc::Sender<Event>,
    /// What the outputs are given to hear of commits.
    pub committed: watch::Receiver<Committed>,
    jobs: mpsc::UnboundedSender<Job>,
    told: Arc<Mutex<Vec<Command>>>,
    count: watch::Receiver<usize>,
}

impl Keeper {
    /// A new store.
    pub fn new() -> Keeper {
        Keeper::open(Arc::new(tempfile::tempdir().unwrap()))
    }

    /// The same store with a new writer, after [`Keeper::close`].
    pub async fn reopened(self) -> Keeper {
        let dir = self.dir.clone();
        self.close().await;
        Keeper::open(dir)
    }

    fn open(dir: Arc<tempfile::TempDir>) -> Keeper {
        let writer = Writer::open(dir.path()).unwrap();
        let (to_intake, inbox) = flow::intake();
        let announce = flow::announce(writer.last());
        let committed = announce.committed();
        let (jobs, jobs_rx) = mpsc::unbounded_channel();
        let (count_tx, count) = watch::channel(0);
        let told = Arc::new(Mutex::new(Vec::new()));
        let inside = Inside { writer, told: told.clone(), announce, count: count_tx };
        tokio::task::spawn_blocking(move || inside.run(inbox.commands, jobs_rx));
        Keeper { dir, commands: to_intake.commands, committed, jobs, told, count }
    }

    /// A reader of the store.
    pub fn reader(&self) -> Reader {
        Reader::open(self.path()).unwrap()
    }

    /// Where the store lies.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Commits something and announces it.
    pub async fn commit<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> T {
        let (done_tx, done) = oneshot::channel();
        let job: Job = Box::new(move |writer| {
            let _ = done_tx.send(write(writer));
        });
        assert!(self.jobs.send(job).is_ok());
        soon("a commit", done).await.unwrap()
    }

    /// Commits an event with its notices: `(notice, receiver)`.
    pub async fn event(&self, event: EventRow, notices: &[(&str, &str)]) {
        let notices: Vec<(String, String)> =
            notices.iter().map(|(n, r)| ((*n).to_owned(), (*r).to_owned())).collect();
        self.commit(move |w| w.put_event(&event, &notices).unwrap()).await;
    }

    /// Waits until what was asked of the writer satisfies a condition, and hands
    /// out what the condition found.
    pub async fn until<T>(&self, what: &str, find: impl Fn(&[Command]) -> Option<T>) -> T {
        let mut count = self.count.clone();
        soon(what, async {
            loop {
                count.mark_unchanged();
                if let Some(found) = find(&self.told.lock().unwrap()) {
                    return found;
                }
                count.changed().await.unwrap();
            }
        })
        .await
    }

    /// Waits for this many attempts that ended.
    pub async fn attempts(&self, n: usize) -> Vec<Attempt> {
        self.until(&format!("{n} attempts"), |told| {
            let all = told.iter().filter_map(|c| match c {
                Command::Attempt(a) => Some(a.clone()),
                _ => None,
            });
            let all: Vec<Attempt> = all.collect();
            (all.len() >= n).then_some(all)
        })
        .await
    }

    /// Ends the writer once everyone else who speaks to it is gone.
    pub async fn close(self) {
        let mut count = self.count;
        drop((self.commands, self.jobs));
        soon("the writer's end", async { while count.changed().await.is_ok() {} }).await;
    }
}

struct Inside {
    writer: Writer,
    told: Arc<Mutex<Vec<Command>>>,
    announce: flow::Announce,
    count: watch::Sender<usize>,
}

impl Inside {
    /// Takes turns between both inboxes until both are closed.
    fn run(mut self, mut commands: mpsc::Receiver<Event>, mut jobs: mpsc::UnboundedReceiver<Job>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            loop {
                tokio::select! {
                    Some(event) = commands.recv() => self.obey(event),
                    Some(job) = jobs.recv() => self.batch(job),
                    else => return,
                }
            }
        });
    }

    fn batch(&mut self, write: impl FnOnce(&mut Writer)) {
        self.writer.begin().unwrap();
        write(&mut self.writer);
        let committed = self.writer.commit().unwrap();
        self.announce.tell(committed);
    }

    fn obey(&mut self, event: Event) {
        let Event::Command(command) = event else { panic!("outputs send commands: {event:?}") };
        self.batch(|writer| match &command {
            Command::Attempt(attempt) => writer.put_attempt(attempt).unwrap(),
            Command::Forwarded { target, journal, change, hour } => {
                let cursor = Cursor { journal: *journal, change: *change, hour: *hour };
                writer.put_cursor(target, cursor).unwrap();
            }
            Command::Redrive(Redrive::Went { replay, device, hour, points, done }) => {
                let place = (DeviceId(*device), *hour);
                writer.put_replay(*replay, place, *points, *done).unwrap();
            }
            Command::Redrive(Redrive::ReadBack { target, hour }) => {
                writer.put_read_back(target, *hour).unwrap();
            }
            Command::Refused(Refused::Points { target, points, at, .. }) => {
                points.iter().for_each(|p| writer.put_refused(target, p, *at).unwrap());
            }
            Command::Refused(Refused::Taken(points)) => {
                points.iter().for_each(|id| writer.take_refused(*id).unwrap());
            }
            Command::Operational(o) => {
                let begins = o.active.then_some((o.at, o.detail.as_str()));
                writer.put_condition(o.kind, &o.subject, begins).unwrap();
            }
            other => panic!("not of an output: {other:?}"),
        });
        match command {
            Command::Refused(Refused::Points { mut reply, .. }) => {
                reply.put(());
                reply.send();
            }
            command => self.told.lock().unwrap().push(command),
        }
        self.count.send_modify(|n| *n += 1);
    }
}

/// The event of a change of one ladder.
pub fn change(uid: &str, subject: &str, at: Stamp) -> EventRow {
    EventRow {
        id: 0,
        uid: uid.to_owned(),
        kind: "dustline.change.v1".to_owned(),
        subject: subject.to_owned(),
        time: at,
        data: serde_json::json!({
            "ladder": "kr-pm25", "ruleset": "kr-air-alert@2018-07-01",
            "scope": { "zone": "seoul", "name": { "ko": "서울", "zh": "首尔", "en": "Seoul" } },
            "from": "none", "to": "advisory", "at": at.to_string(),
            "quantity": "pm2_5", "unit": "ug/m3", "value": 81.84, "inputs": [],
            "criterion": { "ko": "기준", "zh": "标准", "en": "criterion" },
        }),
    }
}
