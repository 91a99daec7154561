//! E-mail by SMTP: one connection a message.
//!
//! `smtps://` speaks TLS from the start, `smtp://` asks for it with `STARTTLS` and
//! goes no further without, except with a server on this machine. Certificates
//! are verified by the authorities that the system trusts; `Guard` says which
//! addresses may be connected to. What the server says to the message itself
//! decides: 2xx is delivered, 5xx never (dead), 4xx and everything before that,
//! a login that is refused among it, is tried again, since it may be mended.

use super::guard::Guard;
use super::http::{digest, too_slow, with_causes};
use super::schedule::Answer;
use crate::config::settings::{Mail, Receiver};
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use std::time::{Duration, Instant};
use url::Url;

/// The port of `smtp://`: submission (RFC 6409).
const SUBMISSION: u16 = 587;
/// The port of `smtps://`: submission over TLS (RFC 8314).
const SUBMISSIONS: u16 = 465;
/// How long the server's goodbye is waited for.
const GOODBYE_MAX: Duration = Duration::from_secs(1);

/// Sends a message, as long as the receiver may take.
pub(super) async fn send(guard: &Guard, receiver: &Receiver, mail: &Mail, body: &[u8]) -> Answer {
    match tokio::time::timeout(receiver.timeout, hand_over(guard, receiver, mail, body)).await {
        Ok(sent) => sent.unwrap_or_else(|answer| answer),
        Err(_) => Answer::None(too_slow(receiver.timeout)),
    }
}

/// Hands a message to the server; the error is the answer too.
async fn hand_over(
    guard: &Guard,
    receiver: &Receiver,
    mail: &Mail,
    body: &[u8],
) -> Result<Answer, Answer> {
    let envelope = envelope(mail).map_err(Answer::None)?;
    let mut server = connect(guard, receiver, mail).await.map_err(Answer::None)?;
    let answer = server.send(&envelope, body).await.map_err(refused)?;
    let code = u16::from(answer.code());
    let lines = answer.message().collect::<Vec<_>>().join("\n");
    let digest = Some(digest(lines.as_bytes()));
    let _ = tokio::time::timeout(GOODBYE_MAX, server.quit()).await;
    Ok(Answer::Status { code, retry_after: None, words: String::new(), digest })
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

/// From whom and to whom the server is told to take it.
fn envelope(mail: &Mail) -> Result<Envelope, String> {
    let address = |text: &String| -> Result<Address, String> {
        let mailbox = text.parse::<Mailbox>().map_err(|e| format!("{text:?}: {e}"))?;
        Ok(mailbox.email)
    };
    let to = mail.to.iter().map(address).collect::<Result<Vec<_>, _>>()?;
    Envelope::new(Some(address(&mail.from)?), to).map_err(|e| e.to_string())
}

/// What it means that the server does not take a message.
fn refused(e: Error) -> Answer {
    match e.status() {
        Some(code) if e.is_permanent() => Answer::Never { code: code.into(), why: said(e) },
        _ => Answer::None(said(e)),
    }
}

fn said(e: Error) -> String {
    with_causes(&e)
}
