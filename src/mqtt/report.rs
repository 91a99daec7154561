//! What the intake, and the operator by the log, are told about a source. Sent
//! when there is room and kept until then; nothing here ever waits.

use crate::clock::Clock;
use crate::flow::{Command, Event, Lane, SourceId, SourceState};
use tokio::sync::mpsc;

pub(super) struct Reports {
    name: String,
    id: SourceId,
    lane: Lane,
    commands: mpsc::Sender<Event>,
    clock: Clock,
    /// What was last said.
    last: Option<SourceState>,
    /// Whether the intake still has to hear of it.
    unsent: bool,
    dropped: u64,
}

impl Reports {
    pub fn new(
        name: String,
        (id, lane): (SourceId, Lane),
        commands: mpsc::Sender<Event>,
        clock: Clock,
    ) -> Reports {
        Reports { name, id, lane, commands, clock, last: None, unsent: false, dropped: 0 }
    }

    /// The connection ended, or could not be made.
    pub fn down(&mut self, reason: String) {
        self.state(SourceState::Down(reason));
    }

    /// The source's state. Logged and sent when it is another than before.
    pub fn state(&mut self, state: SourceState) {
        if self.last.as_ref() == Some(&state) {
            return;
        }
        let source = &self.name;
        match &state {
            SourceState::Up => tracing::info!(source, "subscribed"),
            SourceState::Down(why) => tracing::warn!(source, "not connected, trying again: {why}"),
            SourceState::Refused(filters) => tracing::warn!(
                source,
                "the broker refused subscriptions, trying again: {}",
                filters.join(", ")
            ),
        }
        self.last = Some(state);
        self.unsent = true;
        self.send();
    }

    /// A QoS 0 message found no room.
    pub fn dropped(&mut self) {
        self.dropped += 1;
    }

    /// Sends what is still unsent, as far as there is room.
    pub fn send(&mut self) {
        let at = self.clock.now();
        if self.dropped > 0 {
            let command = Command::Overload { source: self.id, count: self.dropped, at };
            if self.commands.try_send(Event::Command(command)).is_ok() {
                let (source, dropped) = (&self.name, self.dropped);
                tracing::warn!(source, dropped, "QoS 0 messages dropped: the intake is behind");
                self.dropped = 0;
            }
        }
        if let (true, Some(state)) = (self.unsent, self.last.clone()) {
            let command = Command::Source { source: self.id, lane: self.lane, state, at };
            self.unsent = self.commands.try_send(Event::Command(command)).is_err();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::Stamp;
    use crate::flow;

    fn reports() -> (Reports, mpsc::Receiver<Event>) {
        let (to_intake, inbox) = flow::intake();
        // All but one place is taken.
        for _ in 1..flow::COMMANDS_MAX {
            to_intake.commands.try_send(Event::Tick(Stamp(0))).unwrap();
        }
        let clock = Clock::manual(Stamp(7));
        (
            Reports::new("city".to_owned(), (SourceId(3), 0), to_intake.commands, clock),
            inbox.commands,
        )
    }

    /// Makes one place free again.
    fn make_room(inbox: &mut mpsc::Receiver<Event>) {
        inbox.try_recv().unwrap();
    }

    fn states(inbox: &mut mpsc::Receiver<Event>) -> Vec<SourceState> {
        std::iter::from_fn(|| inbox.try_recv().ok())
            .filter_map(|e| match e {
                Event::Command(Command::Source { state, .. }) => Some(state),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_state_is_told_once_however_often_it_is_found() {
        let (mut reports, mut inbox) = reports();
        for _ in 0..3 {
            reports.down("no broker".to_owned());
        }
        assert_eq!(states(&mut inbox), [SourceState::Down("no broker".to_owned())]);
    }

    #[test]
    fn a_state_that_found_no_room_is_told_later_and_only_the_newest() {
        let (mut reports, mut inbox) = reports();
        reports.state(SourceState::Up);
        reports.down("gone".to_owned());
        reports.state(SourceState::Refused(vec!["a".to_owned()]));
        assert_eq!(states(&mut inbox), [SourceState::Up]);
        reports.send();
        assert_eq!(states(&mut inbox), [SourceState::Refused(vec!["a".to_owned()])]);
        reports.send();
        assert_eq!(states(&mut inbox), []);
    }

    #[test]
    fn dropped_messages_are_counted_until_they_can_be_told() {
        let (mut reports, mut inbox) = reports();
        reports.state(SourceState::Up);
        reports.dropped();
        reports.send();
        reports.dropped();
        make_room(&mut inbox);
        reports.send();
        let told = std::iter::from_fn(|| inbox.try_recv().ok()).last().unwrap();
        assert!(matches!(
            told,
            Event::Command(Command::Overload { source: SourceId(3), count: 2, .. })
        ));
    }
}
