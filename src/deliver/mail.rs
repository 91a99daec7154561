//! E-mail by SMTP: one connection a message.
//!
//! `smtps://` speaks TLS from the start, `smtp://` asks for it with `STARTTLS` and
//! goes no further without, except with a server on this machine. Certificates
//! are verified by the authorities that the system trusts; `Guard` says which
//! addresses may be connected to. What the server says to the message itself
//! decides: 2xx is delivered, 5xx never (dead), 4xx and everything before that,
//! a login that is refused among it, is tried again, since it may be mended.
//!
//! A server may take a message for some addresses and not for others. It goes to
//! those at once; the others are tried again if the server puts them off, without
//! those that have it ([`Partly`]), and given up if it refuses them for good. The
//! notice is delivered when one address has it and no other is put off; what was
//! refused is logged.

use super::guard::Guard;
use super::http::{digest, too_slow, with_causes};
use super::schedule::Answer;
use crate::config::settings::{Mail, Receiver};
use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands;
use lettre::transport::smtp::extension::ClientId;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use url::Url;

/// The port of `smtp://`: submission (RFC 6409).
const SUBMISSION: u16 = 587;
/// The port of `smtps://`: submission over TLS (RFC 8314).
const SUBMISSIONS: u16 = 465;
/// How long the server's goodbye is waited for.
const GOODBYE_MAX: Duration = Duration::from_secs(1);

/// Notices remembered at most that some addresses have and some have not.
const PARTLY_MAX: usize = 1_000;

/// What has become of the addresses of notices that are tried again. It is gone
/// after a restart: an address may then get a message twice, under its one
/// `Message-ID`.
#[derive(Debug, Default)]
pub(super) struct Partly(Mutex<BTreeMap<String, Settled>>);

/// The addresses of a notice that are not to be tried again.
#[derive(Debug, Default)]
struct Settled {
    /// Those that have it, with the status and digest of what the server said.
    taken: BTreeMap<String, (u16, String)>,
    /// Those that never will, with the status and what the server said.
    refused: BTreeMap<String, (u16, String)>,
}

impl Settled {
    fn has(&self, address: &str) -> bool {
        self.taken.contains_key(address) || self.refused.contains_key(address)
    }
}

impl Partly {
    fn take(&self, notice: &str) -> Settled {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(notice).unwrap_or_default()
    }

    fn keep(&self, notice: &str, settled: Settled) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(notice.to_owned(), settled);
        // Ids sort by time: what was never finished is the oldest.
        if all.len() > PARTLY_MAX {
            all.pop_first();
        }
    }
}

/// Sends the message of a notice, as long as the receiver may take.
pub(super) async fn send(
    (guard, partly): (&Guard, &Partly),
    (receiver, mail): (&Receiver, &Mail),
    notice: &str,
    body: &[u8],
) -> Answer {
    let mut settled = partly.take(notice);
    let handing = hand_over(guard, (receiver, mail), &mut settled, body);
    let answer = match tokio::time::timeout(receiver.timeout, handing).await {
        Ok(sent) => sent.unwrap_or_else(|answer| answer),
        Err(_) => Answer::None(too_slow(receiver.timeout)),
    };
    match &answer {
        Answer::None(_) => partly.keep(notice, settled),
        Answer::Status { .. } if !settled.refused.is_empty() => {
            let refused = listed(&settled.refused);
            tracing::warn!(receiver = receiver.id, refused, "e-mail went to the other addresses");
        }
        _ => {}
    }
    answer
}

/// Hands a message to the server for every address that is not settled; the error
/// is the answer too.
async fn hand_over(
    guard: &Guard,
    (receiver, mail): (&Receiver, &Mail),
    settled: &mut Settled,
    body: &[u8],
) -> Result<Answer, Answer> {
    let from = address(&mail.from).map_err(Answer::None)?;
    let mut server = connect(guard, receiver, mail).await.map_err(Answer::None)?;
    server.command(commands::Mail::new(Some(from), Vec::new())).await.map_err(refused)?;
    let (mut accepted, mut put_off) = (Vec::new(), Vec::new());
    for to in mail.to.iter().filter(|to| !settled.has(to)).cloned().collect::<Vec<_>>() {
        let recipient = address(&to).map_err(Answer::None)?;
        match server.command(commands::Rcpt::new(recipient, Vec::new())).await {
            Ok(_) => accepted.push(to),
            Err(e) => match refused(e) {
                Answer::Never { code, why } => drop(settled.refused.insert(to, (code, why))),
                Answer::None(why) if !server.has_broken() => put_off.push(format!("{to}: {why}")),
                broken => return Err(broken),
            },
        }
    }
    if !accepted.is_empty() {
        server.command(commands::Data).await.map_err(refused)?;
        let answer = server.message(body).await.map_err(refused)?;
        let lines = answer.message().collect::<Vec<_>>().join("\n");
        let said = (u16::from(answer.code()), digest(lines.as_bytes()));
        settled.taken.extend(accepted.into_iter().map(|to| (to, said.clone())));
    }
    let _ = tokio::time::timeout(GOODBYE_MAX, server.quit()).await;
    Ok(verdict(settled, &put_off))
}

/// What has become of a notice.
fn verdict(settled: &Settled, put_off: &[String]) -> Answer {
    if !put_off.is_empty() {
        return Answer::None(put_off.join("; "));
    }
    match (settled.taken.values().next_back(), settled.refused.values().next()) {
        (Some((code, digest)), _) => Answer::Status {
            code: *code,
            retry_after: None,
            words: String::new(),
            digest: Some(digest.clone()),
        },
        (None, Some((code, _))) => Answer::Never { code: *code, why: listed(&settled.refused) },
        (None, None) => Answer::None("the receiver has no address".to_owned()),
    }
}

/// Addresses with what the server said of each.
fn listed(refused: &BTreeMap<String, (u16, String)>) -> String {
    let each = refused.iter().map(|(to, (_, why))| format!("{to}: {why}"));
    each.collect::<Vec<_>>().join("; ")
}

/// Whether the server can be reached and lets us in.
pub(super) async fn probe(
    guard: &Guard,
    receiver: &Receiver,
    mail: &Mail,
) -> Result<String, String> {
    let started = Instant::now();
    let connecting = tokio::time::timeout(receiver.timeout, connect(guard, receiver, mail));
    let mut server = connecting.await.map_err(|_| too_slow(receiver.timeout))??;
    let took = started.elapsed().as_millis();
    let _ = tokio::time::timeout(GOODBYE_MAX, server.quit()).await;
    let how = if server.is_encrypted() { "with TLS" } else { "without TLS" };
    Ok(format!("reachable {how}, ready in {took} ms"))
}

/// Connects and logs in, as for a message.
async fn connect(
    guard: &Guard,
    receiver: &Receiver,
    mail: &Mail,
) -> Result<AsyncSmtpConnection, String> {
    let url = Url::parse(receiver.url.reveal())
        .map_err(|e| format!("the receiver's url is none: {e}"))?;
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let encrypted = url.scheme() == "smtps";
    let port = url.port().unwrap_or(if encrypted { SUBMISSIONS } else { SUBMISSION });
    let addresses = guard.resolve(bare, port).await?;
    let local = addresses.iter().all(|a| a.ip().to_canonical().is_loopback());
    let tls = || TlsParameters::new_rustls(bare.to_owned()).map_err(said);
    let at_once = encrypted.then(tls).transpose()?;
    let us = ClientId::default();
    let connecting = AsyncSmtpConnection::connect_tokio1(
        addresses.as_slice(),
        Some(receiver.timeout),
        &us,
        at_once,
        None,
    );
    let mut server = connecting.await.map_err(said)?;
    if !encrypted && (server.can_starttls() || !local) {
        server.starttls(tls()?, &us).await.map_err(said)?;
    }
    if let Some((user, password)) = &mail.login {
        let login = Credentials::new(user.clone(), password.reveal().to_owned());
        let refused = |e| format!("the server refuses username and password: {}", said(e));
        server.auth(DEFAULT_MECHANISMS, &login).await.map_err(refused)?;
    }
    Ok(server)
}

/// The address of a mailbox such as `Desk <desk@example.org>`.
fn address(text: &str) -> Result<Address, String> {
    let mailbox = text.parse::<Mailbox>().map_err(|e| format!("{text:?}: {e}"))?;
    Ok(mailbox.email)
}

/// What it means that the server does not take a message, or an address.
fn refused(e: Error) -> Answer {
    match e.status() {
        Some(code) if e.is_permanent() => Answer::Never { code: code.into(), why: said(e) },
        _ => Answer::None(said(e)),
    }
}

fn said(e: Error) -> String {
    with_causes(&e)
}
