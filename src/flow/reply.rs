//! The way back of one answer.

use tokio::sync::oneshot;

/// The answer to a command, and where it goes after the commit. A batch that is
/// given up writes the answer again when it is tried again.
#[derive(Debug)]
pub struct Reply<T> {
    to: oneshot::Sender<T>,
    // Answers of every kind of command lie in one enum with the arrivals: none makes those large.
    answer: Option<Box<T>>,
}

impl<T> Reply<T> {
    /// Writes the answer down; one that was written before is forgotten.
    pub fn put(&mut self, answer: T) {
        self.answer = Some(Box::new(answer));
    }

    /// Sends what was written down. Whoever does not wait any more learns it by
    /// asking again; without an answer they learn that there is none.
    pub fn send(self) {
        if let Some(answer) = self.answer {
            drop(self.to.send(*answer));
        }
    }
}

/// Makes the way back of one answer.
pub fn reply<T>() -> (Reply<T>, oneshot::Receiver<T>) {
    let (to, from) = oneshot::channel();
    (Reply { to, answer: None }, from)
}
