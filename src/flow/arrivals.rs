//! The way of arrivals to the intake, bounded by number and by bytes.
//!
//! An arrival takes room for its bytes when it is sent, and gives it back when
//! what it was sent with is dropped: after its commit. So the bound holds for what
//! waits and what is being committed together.

use super::{ARRIVAL_BYTES_MAX, Event};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// The sending end of arrivals.
#[derive(Debug, Clone)]
pub struct Arrivals {
    pub(super) sender: mpsc::Sender<Waiting>,
    pub(super) bytes: Arc<Semaphore>,
}

/// An event on its way to the intake.
#[derive(Debug)]
pub struct Waiting {
    /// What happened.
    pub event: Event,
    /// When it was sent.
    pub since: Instant,
    /// The bytes that it takes up until this is dropped.
    pub bytes: OwnedSemaphorePermit,
}

/// Room for one event.
#[derive(Debug)]
pub struct Room<'a> {
    place: mpsc::Permit<'a, Waiting>,
    bytes: OwnedSemaphorePermit,
}

impl Room<'_> {
    /// Sends the event that the room was asked for.
    pub fn send(self, event: Event) {
        self.place.send(Waiting { event, since: Instant::now(), bytes: self.bytes });
    }
}

impl Arrivals {
    /// Sends an event, or hands it back at once if there is no room.
    pub fn try_send(&self, event: Event) -> Result<(), TrySendError<Event>> {
        let Ok(bytes) = self.bytes.clone().try_acquire_many_owned(weight(&event)) else {
            return Err(TrySendError::Full(event));
        };
        let waiting = Waiting { event, since: Instant::now(), bytes };
        self.sender.try_send(waiting).map_err(|refused| match refused {
            TrySendError::Full(waiting) => TrySendError::Full(waiting.event),
            TrySendError::Closed(waiting) => TrySendError::Closed(waiting.event),
        })
    }

    /// Waits for room for an event; `None` if nobody takes events any more. May be
    /// dropped at any point without loss.
    pub async fn room(&self, event: &Event) -> Option<Room<'_>> {
        let bytes = self.bytes.clone().acquire_many_owned(weight(event)).await.ok()?;
        let place = self.sender.reserve().await.ok()?;
        Some(Room { place, bytes })
    }
}

/// The bytes that an event takes up; one that is larger than the bound has it alone.
fn weight(event: &Event) -> u32 {
    let bytes = match event {
        Event::Arrival(arrival) => arrival.topic.len() + arrival.payload.len(),
        _ => 0,
    };
    u32::try_from(bytes.min(ARRIVAL_BYTES_MAX)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::{Arrival, SourceId, intake};
    use super::*;
    use crate::air::Stamp;

    fn of_bytes(n: usize) -> Event {
        Event::Arrival(Arrival {
            source: SourceId(0),
            topic: vec![b't'].into(),
            payload: vec![0; n - 1].into(),
            retained: false,
            duplicate: false,
            at: Stamp(0),
            receipt: None,
        })
    }

    const QUARTER: usize = ARRIVAL_BYTES_MAX / 4;

    #[test]
    fn large_messages_fill_the_way_long_before_their_number_does() {
        let (to_intake, mut inbox) = intake();
        for _ in 0..4 {
            to_intake.arrivals.try_send(of_bytes(QUARTER)).unwrap();
        }
        let refused = to_intake.arrivals.try_send(of_bytes(2));
        assert!(matches!(refused, Err(TrySendError::Full(Event::Arrival(_)))));

        let taken = inbox.arrivals.try_recv().unwrap();
        assert!(to_intake.arrivals.try_send(of_bytes(2)).is_err(), "it is not committed yet");
        drop(taken);
        to_intake.arrivals.try_send(of_bytes(2)).unwrap();
    }

    #[test]
    fn a_message_larger_than_the_bound_has_the_way_alone() {
        let (to_intake, mut inbox) = intake();
        to_intake.arrivals.try_send(of_bytes(2 * ARRIVAL_BYTES_MAX)).unwrap();
        assert!(to_intake.arrivals.try_send(of_bytes(1)).is_err());
        drop(inbox.arrivals.try_recv().unwrap());
        to_intake.arrivals.try_send(of_bytes(1)).unwrap();
    }

    #[tokio::test]
    async fn who_waits_for_room_gets_it_when_a_batch_is_committed() {
        let (to_intake, mut inbox) = intake();
        to_intake.arrivals.try_send(of_bytes(ARRIVAL_BYTES_MAX)).unwrap();
        let next = of_bytes(QUARTER);
        let room = to_intake.arrivals.room(&next);
        let freed = async { drop(inbox.arrivals.try_recv().unwrap()) };
        let (room, ()) = tokio::join!(room, freed);
        room.unwrap().send(next);
        assert!(inbox.arrivals.try_recv().is_ok());
    }

    #[tokio::test]
    async fn nobody_waits_for_an_intake_that_is_gone() {
        let (to_intake, inbox) = intake();
        drop(inbox);
        assert!(to_intake.arrivals.room(&of_bytes(1)).await.is_none());
        let refused = to_intake.arrivals.try_send(of_bytes(1));
        assert!(matches!(refused, Err(TrySendError::Closed(_))));
    }
}
