//! Asks a broker once whether a source would work.

use super::dialect;
use super::fault::Fault;
use super::link::Link;
use super::packet::{self, Incoming, Request};
use crate::config::settings::{Source, share_name};
use std::time::{Duration, Instant};

/// How long the broker may take to answer SUBSCRIBE, and to take the goodbye.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Connects, subscribes to all filters, and leaves nothing behind. Says what
/// the broker said.
///
/// It comes as `<client_id>-check` with a session of its own, so that a daemon
/// that runs under the source's identity is not thrown out, and shares its
/// subscriptions with nobody, so that no message is given to it instead. A broker
/// whose rules name client identifiers may treat the two differently.
///
/// # Errors
/// In words: why there is no connection, or which filters were refused.
pub async fn probe(source: &Source, filters: &[String]) -> Result<String, String> {
    ask(source, filters).await.map_err(|fault| fault.to_string())?
}

async fn ask(source: &Source, filters: &[String]) -> Result<Result<String, String>, Fault> {
    let began = Instant::now();
    let dialect = dialect(source.version);
    let client_id = format!("{}-check", source.client_id);
    let (mut link, _) = Link::open(source, dialect, &client_id, false).await?;
    let connected_ms = began.elapsed().as_millis();
    let apart: Vec<String> = filters.iter().map(|f| of_its_own(f, &client_id)).collect();
    let request = Request { packet: 1, filters: &apart, qos: source.qos, retained: false };
    dialect.subscribe(&request, &mut link.wire.outbox)?;
    let answers = match tokio::time::timeout(ANSWER_MAX, answers(&mut link)).await {
        Ok(answers) => answers?,
        Err(_) => {
            let at = format!("{}:{}", source.host, source.port);
            return Err(Fault::TimedOut { at, seconds: ANSWER_MAX.as_secs() });
        }
    };
    packet::disconnect(&mut link.wire.outbox)?;
    // The answers are in; whether the goodbye arrives changes nothing.
    let _ = tokio::time::timeout(ANSWER_MAX, link.wire.finish()).await;

    let refused: Vec<String> = filters
        .iter()
        .zip(&answers)
        .filter_map(|(filter, answer)| answer.err().map(|why| format!("{filter} ({why})")))
        .collect();
    if !refused.is_empty() {
        return Ok(Err(format!("the broker refused subscriptions: {}", refused.join(", "))));
    }
    let lowest = answers.iter().flatten().min().copied().unwrap_or(source.qos);
    let version = dialect.name();
    let granted = answers.len();
    Ok(Ok(format!(
        "connected by {version} in {connected_ms} ms, {granted} subscriptions granted at QoS {lowest}"
    )))
}

/// The same filter, and if it is shared, in a group that nobody else is in.
fn of_its_own(filter: &str, client_id: &str) -> String {
    let shared = filter.strip_prefix("$share/").and_then(|f| f.split_once('/'));
    match shared {
        Some((_, topics)) => format!("$share/{}/{topics}", share_name(client_id)),
        None => filter.to_owned(),
    }
}

async fn answers(link: &mut Link) -> Result<Vec<Result<u8, &'static str>>, Fault> {
    loop {
        while let Some(incoming) = link.next()? {
            if let Incoming::Subscribed { answers, .. } = incoming {
                return Ok(answers);
            }
        }
        link.wire.turn(true).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_takes_no_message_from_those_who_share_a_subscription() {
        assert_eq!(of_its_own("air/#", "dustline-check"), "air/#");
        assert_eq!(of_its_own("$share/seoul/air/#", "a/b-check"), "$share/a-b-check/air/#");
    }
}
