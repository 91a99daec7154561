//! A connection that the broker has accepted: packets instead of bytes, and
//! whether the other side is still there.

use super::fault::Fault;
use super::frame::Frames;
use super::packet::{self, Dialect, Greeting, Incoming};
use super::wire::Wire;
use crate::config::settings::Source;
use std::time::{Duration, Instant};

/// How long connecting may take, up to the broker's consent.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How often the broker is asked whether it is there if the keep alive is off.
const PING_DEFAULT: Duration = Duration::from_secs(30);

pub(super) struct Link {
    pub wire: Wire,
    dialect: &'static dyn Dialect,
    frames: Frames,
    ping_after: Duration,
    pinged_at: Instant,
    /// A ping is out and nothing has come in since.
    waiting: bool,
}

impl Link {
    /// Connects and waits for the broker's consent. Says, too, whether it
    /// still had our session.
    pub async fn open(
        source: &Source,
        dialect: &'static dyn Dialect,
        client_id: &str,
        resume: bool,
    ) -> Result<(Link, bool), Fault> {
        let greeting = Greeting { source, client_id, resume };
        match tokio::time::timeout(CONNECT_MAX, Link::greet(&greeting, dialect)).await {
            Ok(opened) => opened,
            Err(_) => Err(Fault::TimedOut {
                at: format!("{}:{}", source.host, source.port),
                seconds: CONNECT_MAX.as_secs(),
            }),
        }
    }

    async fn greet(
        greeting: &Greeting<'_>,
        dialect: &'static dyn Dialect,
    ) -> Result<(Link, bool), Fault> {
        let source = greeting.source;
        let mut link = Link {
            wire: Wire::open(source).await?,
            dialect,
            frames: Frames::new(source.packet_max),
            ping_after: PING_DEFAULT,
            pinged_at: Instant::now(),
            waiting: false,
        };
        dialect.connect(greeting, &mut link.wire.outbox)?;
        loop {
            link.wire.turn(true).await?;
            match link.next()? {
                None => {}
                Some(Incoming::Connected { session_present, keep_alive }) => {
                    let keep_alive = keep_alive.unwrap_or(source.keep_alive);
                    if !keep_alive.is_zero() {
                        link.ping_after = keep_alive / 2;
                    }
                    return Ok((link, session_present));
                }
                Some(_) => return Err(Fault::Malformed("a packet before CONNACK".to_owned())),
            }
        }
    }

    /// The next packet that is here as a whole.
    pub fn next(&mut self) -> Result<Option<Incoming>, Fault> {
        match self.frames.next(&mut self.wire.inbox)? {
            Some(frame) => self.dialect.read(frame).map(Some),
            None => Ok(None),
        }
    }

    /// After how long a ping is due.
    pub fn ping_after(&self) -> Duration {
        self.ping_after
    }

    /// Something came in: the broker is there.
    pub fn heard(&mut self) {
        self.waiting = false;
    }

    /// Asks the broker whether it is there, when that is due.
    pub fn keep_alive(&mut self, now: Instant) -> Result<(), Fault> {
        if now.duration_since(self.pinged_at) < self.ping_after {
            return Ok(());
        }
        if self.waiting {
            return Err(Fault::Silent);
        }
        self.waiting = true;
        self.pinged_at = now;
        packet::ping(&mut self.wire.outbox)
    }
}
