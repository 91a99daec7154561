//! Read-only connections for requests: a few, used in turn, on threads that may
//! block.

use super::Ctx;
use super::problem::Problem;
use crate::store::{Reader, StoreError};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Requests that read the store at once; more wait. Reading is bound by the
/// processor, and the intake needs some of it too.
const READERS: usize = 4;
/// How long a request may take.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// The connections that no request uses at the moment.
pub struct Pool {
    dir: PathBuf,
    idle: Mutex<Vec<Reader>>,
    permits: Arc<Semaphore>,
}

/// When a request must have ended: long work asks between its steps.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// This far from now.
    pub fn within(d: Duration) -> Deadline {
        Deadline(Instant::now() + d)
    }

    /// An error once it has passed: nobody waits for the answer any more.
    pub fn check(self) -> Result<(), Problem> {
        if Instant::now() < self.0 { Ok(()) } else { Err(Problem::too_slow()) }
    }
}

impl Pool {
    /// No connection yet to the store of this data directory.
    pub fn new(dir: PathBuf) -> Pool {
        Pool { dir, idle: Mutex::default(), permits: Arc::new(Semaphore::new(READERS)) }
    }

    fn take(&self) -> Result<Reader, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| Reader::open(&self.dir), Ok)
    }

    fn give_back(&self, reader: Reader) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
    }
}

impl Ctx {
    /// Runs work that reads the store on a thread that may block.
    pub async fn read<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Ctx, &mut Reader, Deadline) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let deadline = Deadline::within(DEADLINE);
        let stopped = || Problem::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, "stopping");
        let permits = self.pool.permits.clone();
        let permit = permits.acquire_owned().await.map_err(|_| stopped())?;
        let blocking = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut reader = self.pool.take()?;
            let done = work(&self, &mut reader, deadline);
            self.pool.give_back(reader);
            done
        });
        blocking.await.unwrap_or_else(|_| {
            Err(Problem::new(
                axum::http::StatusCode::INTERNAL_SERVER_ERROR,
                "the request failed; the log says more",
            ))
        })
    }
}
