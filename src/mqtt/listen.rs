//! Hears what a broker carries, without taking anything from anybody.

use super::dialect;
use super::fault::Fault;
use super::link::Link;
use super::packet::{self, Incoming, Request};
use crate::config::settings::Source;
use bytes::Bytes;
use std::time::{Duration, Instant};

/// How often the connection is looked after while nothing comes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long the broker may take to take the goodbye.
const GOODBYE_MAX: Duration = Duration::from_secs(5);

/// A message that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Its topic.
    pub topic: Bytes,
    /// Its body.
    pub payload: Bytes,
    /// It comes from the broker's memory.
    pub retained: bool,
}

/// Connects under the source's identity with a session that ends with the
/// connection, subscribes with QoS 0, and hands over what comes until `until`
/// is over.
///
/// # Errors
/// In words: why there is no connection any more, or which filter was refused.
pub async fn listen(
    source: &Source,
    filters: &[String],
    until: impl Future<Output = ()>,
    heard: impl FnMut(Heard),
) -> Result<(), String> {
    hear(source, filters, until, heard).await.map_err(|fault| fault.to_string())?
}

async fn hear(
    source: &Source,
    filters: &[String],
    until: impl Future<Output = ()>,
    mut heard: impl FnMut(Heard),
) -> Result<Result<(), String>, Fault> {
    let dialect = dialect(source.version);
    let (mut link, _) = Link::open(source, dialect, &source.client_id, false).await?;
    let request = Request { packet: 1, filters, qos: 0, retained: true };
    dialect.subscribe(&request, &mut link.wire.outbox)?;
    let mut until = std::pin::pin!(until);
    loop {
        match take(&mut link, &mut heard)? {
            Taken::Refused(why) => {
                let filters = filters.join(", ");
                return Ok(Err(format!("the broker refused to let us hear {filters}: {why}")));
            }
            Taken::Pong | Taken::Nothing => {}
        }
        link.keep_alive(Instant::now())?;
        tokio::select! {
            biased;
            () = &mut until => break,
            turned = tokio::time::timeout(LOOK_EVERY, link.wire.turn(true)) => {
                // Nothing came for a while: then the connection is looked after.
                turned.unwrap_or(Ok(()))?;
            }
        }
    }
    // The broker answers in order: before its pong comes what it had sent already.
    packet::ping(&mut link.wire.outbox)?;
    let rest = async {
        while !matches!(take(&mut link, &mut heard)?, Taken::Pong) {
            link.wire.turn(true).await?;
        }
        Ok::<_, Fault>(())
    };
    // A flood may have no end; then what came until now is enough.
    tokio::time::timeout(GOODBYE_MAX, rest).await.unwrap_or(Ok(()))?;
    packet::disconnect(&mut link.wire.outbox)?;
    let _ = tokio::time::timeout(GOODBYE_MAX, link.wire.finish()).await;
    Ok(Ok(()))
}

/// What was among the packets that are here.
enum Taken {
    Nothing,
    Pong,
    Refused(&'static str),
}

/// Hands over the messages that are here as a whole.
fn take(link: &mut Link, heard: &mut impl FnMut(Heard)) -> Result<Taken, Fault> {
    let mut taken = Taken::Nothing;
    while let Some(incoming) = link.next()? {
        link.heard();
        match incoming {
            Incoming::Message(m) => {
                heard(Heard { topic: m.topic, payload: m.payload, retained: m.retained });
            }
            Incoming::Pong => taken = Taken::Pong,
            Incoming::Subscribed { answers, .. } => {
                if let Some(why) = answers.into_iter().find_map(Result::err) {
                    return Ok(Taken::Refused(why));
                }
            }
            _ => {}
        }
    }
    Ok(taken)
}
