//! Counterparts and deadlines that the tests share.

pub mod alertmanager;
pub mod counts;
pub mod daemon;
pub mod database;
pub mod keeper;
pub mod mail;
pub mod mosquitto;
pub mod outlet;
pub mod receiver;
pub mod small_disk;
pub mod stage;
pub mod victoria;

use std::future::Future;
use std::time::Duration;

/// How long anything may take before a test gives up on it.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for something that must happen.
pub async fn soon<T>(what: &str, f: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, f).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}

/// A client for the tests' own questions; makes the process ready for TLS, which
/// clients want even where none is spoken.
pub fn http_client() -> reqwest::Client {
    // An error says that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}
