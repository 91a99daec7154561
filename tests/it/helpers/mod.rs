//! Counterparts and deadlines that the tests share.

pub mod daemon;
pub mod database;
pub mod keeper;
pub mod mosquitto;
pub mod receiver;
pub mod victoria;

use std::future::Future;
use std::time::Duration;

/// How long anything may take before a test gives up on it.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for something that must happen.
pub async fn soon<T>(what: &str, f: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, f).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}
