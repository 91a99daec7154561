//! The one HTTP client of this stage, and the harmless probe of `check --connect`.
//!
//! HTTP/1.1 with connections kept alive, TLS by rustls and verified; redirects are
//! not followed and proxies of the environment are not used, so that a notice goes
//! where the configuration says and nowhere else; `Guard` says which addresses
//! that may be. URLs are never written to logs or the store: they may hold secrets.

use super::format::{self, Request};
use super::guard::Guard;
use super::mail;
use super::schedule::Answer;
use crate::config::settings::{BodyFormat, Outgoing, Receiver};
use crate::link;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use sha2::{Digest, Sha256};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As much of an answer's body is read and counts, bytes.
const ANSWER_MAX: usize = 64 * 1024;
/// As much of it is kept for people, characters.
const WORDS_MAX: usize = 200;
/// How long the rest of an answer that has already said 2xx is waited for: it
/// only serves to use the connection again.
const DRAIN_MAX: Duration = Duration::from_secs(1);

/// The client, and what it may connect to.
pub(super) struct Door {
    client: reqwest::Client,
    guard: Guard,
    /// E-mail that some of its addresses have.
    partly: mail::Partly,
}

impl Door {
    /// Makes the client. Without a TLS provider for the process, ring is installed.
    pub(super) fn new(outgoing: Outgoing) -> Result<Door, String> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Another thread may be first; then theirs counts.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let guard = Guard::new(outgoing);
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .dns_resolver(Arc::new(guard.clone()))
            .pool_max_idle_per_host(super::queue::PER_RECEIVER)
            .user_agent(concat!("dustline/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| format!("no HTTP client: {}", words_of(e)))?;
        Ok(Door { client, guard, partly: mail::Partly::default() })
    }

    /// Where a receiver is, if it may be connected to.
    fn address(&self, receiver: &Receiver) -> Result<reqwest::Url, String> {
        let url = reqwest::Url::parse(receiver.url.reveal())
            .map_err(|e| format!("the receiver's url is none: {e}"))?;
        self.guard.literal(url.host_str().unwrap_or_default())?;
        Ok(url)
    }

    /// Sends one notice and waits for the answer, as long as the receiver may take.
    pub(super) async fn send(
        &self,
        notice: &str,
        receiver: &Receiver,
        headers: Vec<(&'static str, String)>,
        request: Request,
    ) -> Answer {
        match &receiver.mail {
            Some(to) => {
                let door = (&self.guard, &self.partly);
                mail::send(door, (receiver, to), notice, &request.body).await
            }
            None => self.post(receiver, headers, request).await,
        }
    }

    /// Posts one notice.
    async fn post(
        &self,
        receiver: &Receiver,
        headers: Vec<(&'static str, String)>,
        request: Request,
    ) -> Answer {
        let mut url = match self.address(receiver) {
            Ok(url) => url,
            Err(why) => return Answer::None(why),
        };
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        let mut post = self
            .client
            .post(url)
            .timeout(receiver.timeout)
            .header(CONTENT_TYPE, request.content_type)
            .body(request.body);
        for (name, value) in headers {
            post = post.header(name, value);
        }
        match post.send().await {
            Ok(response) => answer(response, receiver.format).await,
            Err(e) => Answer::None(failure(e, receiver.timeout)),
        }
    }
}

async fn answer(mut response: reqwest::Response, format: BodyFormat) -> Answer {
    let code = response.status().as_u16();
    let retry_after =
        response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).map(str::to_owned);
    if !(200..300).contains(&code) {
        let said = read(&mut response).await;
        let words = words(&String::from_utf8_lossy(&said));
        return Answer::Status { code, retry_after, words, digest: Some(digest(&said)) };
    }
    // Where the status decides, a body that never ends does not undo it.
    let said = tokio::time::timeout(DRAIN_MAX, read(&mut response)).await.ok();
    match format::refusal(format, said.as_deref().unwrap_or_default()) {
        Some(why) => Answer::Refused { code, why: words(&why) },
        None => {
            let digest = said.as_deref().map(digest);
            Answer::Status { code, retry_after, words: String::new(), digest }
        }
    }
}

/// What proves later what an answer was.
pub(super) fn digest(answer: &[u8]) -> String {
    Sha256::digest(answer).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The body up to the bound; what came until an error.
async fn read(response: &mut reqwest::Response) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < ANSWER_MAX {
        match response.chunk().await {
            Ok(Some(chunk)) => all.extend_from_slice(&chunk),
            _ => break,
        }
    }
    all.truncate(ANSWER_MAX);
    all
}

/// One line of what a receiver said, for people; what it repeats of our links is
/// taken out.
fn words(text: &str) -> String {
    let text = link::masked(text);
    let line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty());
    let line = line.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(WORDS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn failure(e: reqwest::Error, timeout: Duration) -> String {
    if e.is_timeout() { too_slow(timeout) } else { words_of(e) }
}

/// That nobody answered in time.
pub(super) fn too_slow(timeout: Duration) -> String {
    format!("no answer within {}", crate::air::time::format_duration(timeout))
}

/// An error with its causes, without the address.
fn words_of(e: reqwest::Error) -> String {
    with_causes(&e.without_url())
}

/// An error with its causes, in one line.
pub(super) fn with_causes(e: &dyn Error) -> String {
    let mut text = e.to_string();
    let mut cause = e.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = inner.source();
    }
    words(&text)
}

/// Whether a receiver can be reached: connects, with TLS where the address says
/// so, and asks `OPTIONS`, which tells it nothing; any answer will do. To a mail
/// server it logs in.
/// Answers in words; the error says what failed.
pub async fn probe(receiver: &Receiver, outgoing: &Outgoing) -> Result<String, String> {
    if format::signs(receiver.format) {
        receiver.secrets.iter().try_for_each(super::sign::check)?;
    }
    let door = Door::new(outgoing.clone())?;
    if let Some(to) = &receiver.mail {
        return mail::probe(&door.guard, receiver, to).await;
    }
    let url = door.address(receiver)?;
    let started = Instant::now();
    let request = door.client.request(reqwest::Method::OPTIONS, url);
    match request.timeout(receiver.timeout).send().await {
        Ok(response) => {
            let took = started.elapsed().as_millis();
            Ok(format!("reachable, answers {} in {took} ms", response.status().as_u16()))
        }
        Err(e) => Err(failure(e, receiver.timeout)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_receiver_says_becomes_one_short_line() {
        assert_eq!(words(" no\r\n such\thook\u{0} "), "no such hook");
        assert_eq!(words(&"가".repeat(1000)).chars().count(), WORDS_MAX + 1);
        assert_eq!(words(""), "");
    }
}
