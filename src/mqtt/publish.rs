//! Sends messages, for `simulate` and `demo`: the one place where `rumqttc`'s
//! own client and event loop are enough.

use super::backoff::Backoff;
use super::fault::Fault;
use super::tls;
use crate::config::Secret;
use crate::config::settings::Tls;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnAck, Packet};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use rumqttc::{Outgoing, TlsConfiguration, Transport};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Messages handed over and not yet written: enough to keep the writer busy.
const WAITING_MAX: usize = 1_024;
/// How long the broker keeps what is unfinished while the connection is away.
const SESSION_EXPIRY_S: u32 = 600;
/// Largest packet either way, bytes: a body of 1 MiB with its topic fits.
const PACKET_MAX: u32 = (1 << 20) + (1 << 16);

/// Where to publish, and as whom. MQTT 5.
#[derive(Debug, Clone)]
pub struct Target {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS, if wanted.
    pub tls: Option<Tls>,
    /// Client identifier.
    pub client_id: String,
    /// User name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// QoS of every message: 0, 1 or 2.
    pub qos: u8,
}

/// Why publishing ended.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// There is no connection, and never was one.
    #[error("cannot publish to {at}: {why}")]
    Unreachable {
        /// Host and port.
        at: String,
        /// In words.
        why: String,
    },
    /// The connection broke and the broker no longer knew the session.
    #[error("the broker forgot the session: up to {lost} messages may be lost; start again")]
    Forgotten {
        /// Messages sent and not acknowledged.
        lost: u64,
    },
    /// The sending half is gone.
    #[error("nothing sends any more")]
    Stopped,
}

/// Takes messages. `Sending::run` must run beside it.
pub struct Publisher {
    client: AsyncClient,
    qos: QoS,
    progress: Arc<Progress>,
}

/// Sends what its [`Publisher`] takes, over as many connections as it needs.
pub struct Sending {
    events: EventLoop,
    qos: QoS,
    progress: Arc<Progress>,
}

/// Counts messages; `moved` wakes whoever waits for the two to meet.
#[derive(Default)]
struct Progress {
    taken: AtomicU64,
    done: AtomicU64,
    ended: std::sync::atomic::AtomicBool,
    moved: Notify,
}

impl Publisher {
    /// Connects.
    ///
    /// # Errors
    /// If the broker cannot be reached or refuses us.
    pub async fn connect(target: &Target) -> Result<(Publisher, Sending), PublishError> {
        let at = format!("{}:{}", target.host, target.port);
        let unreachable = |why: String| PublishError::Unreachable { at: at.clone(), why };
        let options = options(target).map_err(|fault| unreachable(fault.to_string()))?;
        let (client, mut events) = AsyncClient::new(options, WAITING_MAX);
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => break,
                Ok(_) => {}
                Err(e) => return Err(unreachable(e.to_string())),
            }
        }
        let qos = rumqttc::v5::mqttbytes::qos(target.qos).unwrap_or(QoS::AtLeastOnce);
        let progress = Arc::new(Progress::default());
        let sending = Sending { events, qos, progress: Arc::clone(&progress) };
        Ok((Publisher { client, qos, progress }, sending))
    }

    /// Takes one message; waits while the broker is behind.
    ///
    /// # Errors
    /// If `Sending::run` has ended.
    pub async fn publish(&self, topic: &str, payload: Vec<u8>) -> Result<(), PublishError> {
        self.progress.taken.fetch_add(1, Ordering::SeqCst);
        self.client
            .publish(topic, self.qos, false, payload)
            .await
            .map_err(|_| PublishError::Stopped)
    }

    /// How many messages the broker has acknowledged; with QoS 0, were written.
    pub fn acknowledged(&self) -> u64 {
        self.progress.done.load(Ordering::SeqCst)
    }

    /// Waits until every message is acknowledged, disconnects, and says how
    /// many there were.
    ///
    /// # Errors
    /// If `Sending::run` ended before that.
    pub async fn finish(self) -> Result<u64, PublishError> {
        let taken = self.progress.taken.load(Ordering::SeqCst);
        loop {
            let moved = self.progress.moved.notified();
            if self.acknowledged() >= taken {
                break;
            }
            if self.progress.ended.load(Ordering::SeqCst) {
                return Err(PublishError::Stopped);
            }
            moved.await;
        }
        self.client.disconnect().await.map_err(|_| PublishError::Stopped)?;
        Ok(taken)
    }
}

impl Sending {
    /// Sends until [`Publisher::finish`] is through. A connection that breaks
    /// is made again, and what was unacknowledged is sent again.
    ///
    /// # Errors
    /// If the broker lost the session meanwhile.
    pub async fn run(mut self) -> Result<(), PublishError> {
        let ended = self.send().await;
        self.progress.ended.store(true, Ordering::SeqCst);
        self.progress.moved.notify_waiters();
        ended
    }

    async fn send(&mut self) -> Result<(), PublishError> {
        let mut backoff = Backoff::default();
        let mut since = Instant::now();
        loop {
            match self.events.poll().await {
                Ok(Event::Outgoing(Outgoing::Disconnect)) => return Ok(()),
                Ok(Event::Incoming(Packet::ConnAck(ack))) => {
                    since = Instant::now();
                    self.connected(&ack)?;
                }
                Ok(event) => self.count(&event),
                Err(e) => {
                    let wait = backoff.after(since.elapsed(), fastrand::f64());
                    tracing::warn!("publishing is interrupted, trying again: {e}");
                    tokio::time::sleep(wait).await;
                    since = Instant::now();
                }
            }
        }
    }

    fn connected(&self, ack: &ConnAck) -> Result<(), PublishError> {
        let taken = self.progress.taken.load(Ordering::SeqCst);
        let lost = taken.saturating_sub(self.progress.done.load(Ordering::SeqCst));
        if !ack.session_present && lost > 0 {
            return Err(PublishError::Forgotten { lost });
        }
        Ok(())
    }

    fn count(&self, event: &Event) {
        let done = match (event, self.qos) {
            (Event::Outgoing(Outgoing::Publish(_)), QoS::AtMostOnce)
            | (Event::Incoming(Packet::PubAck(_)), QoS::AtLeastOnce)
            | (Event::Incoming(Packet::PubComp(_)), QoS::ExactlyOnce) => 1,
            _ => return,
        };
        self.progress.done.fetch_add(done, Ordering::SeqCst);
        self.progress.moved.notify_waiters();
    }
}

fn options(target: &Target) -> Result<MqttOptions, Fault> {
    let mut options = MqttOptions::new(&target.client_id, &target.host, target.port);
    options
        .set_clean_start(false)
        .set_session_expiry_interval(Some(SESSION_EXPIRY_S))
        .set_keep_alive(Duration::from_secs(30))
        .set_max_packet_size(Some(PACKET_MAX));
    if let Some(name) = &target.username {
        options.set_credentials(name, target.password.as_ref().map_or("", Secret::reveal));
    }
    if let Some(settings) = &target.tls {
        let config = TlsConfiguration::Rustls(tls::client_config(settings)?);
        options.set_transport(Transport::tls_with_config(config));
    }
    Ok(options)
}
