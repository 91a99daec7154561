//! What is taken up together, and made one transaction of.

use super::task::{Intake, IntakeError, is_message};
use crate::flow::{BATCH_BYTES_MAX, BATCH_MAX, Event, IntakeInbox, Waiting};
use crate::store::StoreError;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;

/// What waits to be committed. Commands come before messages, and go without them
/// while these wait for room on the disk.
#[derive(Default)]
pub(super) struct Batch {
    commands: Vec<Event>,
    messages: Vec<Event>,
    /// When the first of the messages was sent.
    since: Option<Instant>,
    /// The room on the way that the messages have until they are committed.
    room: Option<OwnedSemaphorePermit>,
}

impl Batch {
    fn add(&mut self, waiting: Waiting) {
        self.messages.push(waiting.event);
        self.since.get_or_insert(waiting.since);
        match &mut self.room {
            Some(room) => room.merge(waiting.bytes),
            None => self.room = Some(waiting.bytes),
        }
    }

    /// Whether there is anything to commit; messages count if they are taken.
    pub fn is_ready(&self, takes: bool) -> bool {
        !self.commands.is_empty() || (takes && !self.messages.is_empty())
    }

    /// Whether nothing comes after it.
    pub fn is_the_last(&self) -> bool {
        self.commands.iter().any(|e| matches!(e, Event::Finish))
    }

    /// Waits for something to happen; adds nothing once nothing can happen any more.
    pub async fn wait(&mut self, inbox: &mut IntakeInbox, takes: bool) {
        tokio::select! {
            biased;
            Some(command) = inbox.commands.recv() => self.commands.push(command),
            Some(waiting) = inbox.arrivals.recv(), if takes => self.add(waiting),
            else => {}
        }
    }

    fn is_full(&self) -> bool {
        let bytes = self.room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        self.commands.len() + self.messages.len() >= BATCH_MAX || bytes >= BATCH_BYTES_MAX
    }

    /// Takes what is waiting, without waiting for more.
    pub fn drain(&mut self, inbox: &mut IntakeInbox, takes: bool) {
        while self.commands.len() < BATCH_MAX / 4
            && let Ok(command) = inbox.commands.try_recv()
        {
            self.commands.push(command);
        }
        while takes
            && !self.is_full()
            && let Ok(waiting) = inbox.arrivals.try_recv()
        {
            self.add(waiting);
        }
    }

    /// Commits it, and gives the room back that it had. What finds no room on the
    /// disk stays.
    pub fn commit(&mut self, intake: &mut Intake) -> Result<(), IntakeError> {
        intake.look_at_the_disk(&self.commands);
        let takes = intake.takes();
        let mut events = std::mem::take(&mut self.commands);
        if takes {
            events.append(&mut self.messages);
            intake.since = self.since;
        }
        let turned = intake.turn(&mut events);
        match turned {
            Err(IntakeError::Store(StoreError::Full { .. })) => self.keep(events),
            turned => {
                turned?;
                self.commands = events;
                if takes {
                    (self.since, self.room) = (None, None);
                }
            }
        }
        Ok(())
    }

    /// Keeps what is to be tried again; of time that went by the next tick tells.
    fn keep(&mut self, mut events: Vec<Event>) {
        events.retain(|e| !matches!(e, Event::Tick(_)));
        let commands = events.iter().position(is_message).unwrap_or(events.len());
        let messages = events.split_off(commands);
        if !messages.is_empty() {
            self.messages = messages;
        }
        self.commands = events;
    }
}
