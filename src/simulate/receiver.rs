//! A webhook receiver inside the process: it takes notices as a real one would,
//! verifies their signatures, and hands them on.
//!
//! As much HTTP/1.1 as that needs: requests with `Content-Length` on connections
//! that are kept alive. A notice whose signature is wrong is answered 401.

use futures_util::stream::{FuturesUnordered, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use standardwebhooks::{HEADER_WEBHOOK_ID, Webhook};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The largest head of a request, bytes.
const HEAD_MAX: u64 = 16 << 10;
/// The largest body, bytes: Standard Webhooks allows 20 kB.
const BODY_MAX: usize = 64 << 10;
/// Connections at once; further ones wait.
const CONNECTIONS_MAX: usize = 64;

/// A receiver, bound to a port of its own.
#[derive(Debug)]
pub struct Receiver {
    /// Where it listens, on 127.0.0.1.
    pub address: SocketAddr,
    listener: TcpListener,
}

/// A notice as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// The path it was posted to, without the slash in front.
    pub path: String,
    /// Its identity, the header `webhook-id`.
    pub id: String,
    /// Whether the signature is right.
    pub verified: bool,
    /// The body; null if it is not JSON.
    pub body: Value,
}

impl Receiver {
    /// Binds a free port on 127.0.0.1.
    ///
    /// # Errors
    /// If there is none.
    pub async fn bind() -> io::Result<Receiver> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Receiver { address: listener.local_addr()?, listener })
    }

    /// Takes notices for as long as it is polled. Every receiver of notices here
    /// has the same `secret`, `whsec_…`.
    ///
    /// # Errors
    /// If the secret is none.
    pub async fn serve(self, secret: &str, take: impl Fn(Received)) -> io::Result<()> {
        let secret = Webhook::new(secret).map_err(io::Error::other)?;
        let mut connections = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                    // One that is gone before it was accepted is none.
                    if let Ok((stream, _)) = accepted {
                        connections.push(connection(stream, &secret, &take));
                    }
                }
                // A connection that breaks takes nothing with it: its notice is sent again.
                Some(_ended) = connections.next() => {}
            }
        }
    }
}

/// Answers the requests of one connection.
async fn connection(
    stream: TcpStream,
    secret: &Webhook,
    take: &impl Fn(Received),
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some((path, headers)) = head(&mut stream).await? {
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        let length = text("content-length").and_then(|n| n.parse::<usize>().ok());
        let Some(length) = length.filter(|n| *n <= BODY_MAX) else {
            let answer =
                b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            return stream.write_all(answer).await;
        };
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let received = Received {
            path: path.trim_start_matches('/').to_owned(),
            id: text(HEADER_WEBHOOK_ID).unwrap_or_default().to_owned(),
            verified: secret.verify(&body, &headers).is_ok(),
            body: serde_json::from_slice(&body).unwrap_or_default(),
        };
        let answer: &[u8] = match received.verified {
            true => b"HTTP/1.1 204 No Content\r\n\r\n",
            false => b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n",
        };
        take(received);
        stream.write_all(answer).await?;
    }
    Ok(())
}

/// The path and the headers of the next request; `None` where there is no more.
async fn head(stream: &mut BufReader<TcpStream>) -> io::Result<Option<(String, HeaderMap)>> {
    let mut lines = stream.take(HEAD_MAX);
    let mut first = String::new();
    if lines.read_line(&mut first).await? == 0 {
        return Ok(None);
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = HeaderMap::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(Some((path, headers)));
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        let name = HeaderName::try_from(name.trim());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value.trim())) {
            headers.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    /// Posts a body twice on one connection, signed with these secrets.
    async fn post(address: SocketAddr, secrets: [&str; 2]) -> String {
        let body = r#"{"type":"dustline.change.v1"}"#;
        let now = crate::clock::Clock::system().now().0 / 1000;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut said = String::new();
        for secret in secrets {
            let signature = Webhook::new(secret).unwrap().sign("n1", now, body.as_bytes()).unwrap();
            let request = format!(
                "POST /desk HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nWebhook-Id: n1\r\n\
                 webhook-timestamp: {now}\r\nwebhook-signature: {signature}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = [0; 256];
            let n = stream.read(&mut answer).await.unwrap();
            let answer = String::from_utf8_lossy(&answer[..n]).into_owned();
            said += answer.lines().next().unwrap();
        }
        said
    }

    #[tokio::test]
    async fn a_notice_is_taken_if_its_signature_is_right_and_refused_if_not() {
        let receiver = Receiver::bind().await.unwrap();
        let address = receiver.address;
        let got = RefCell::new(Vec::new());
        let other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        tokio::select! {
            ended = receiver.serve(SECRET, |r| got.borrow_mut().push(r)) => panic!("{ended:?}"),
            said = post(address, [SECRET, other]) => {
                assert_eq!(said, "HTTP/1.1 204 No ContentHTTP/1.1 401 Unauthorized");
            }
        }
        let got = got.into_inner();
        let seen: Vec<_> = got.iter().map(|r| (r.path.as_str(), r.verified)).collect();
        assert_eq!(seen, [("desk", true), ("desk", false)]);
        assert_eq!(got[0].body["type"], "dustline.change.v1");
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused() {
        let receiver = Receiver::bind().await.unwrap();
        let mut stream = TcpStream::connect(receiver.address).await.unwrap();
        stream.write_all(b"POST / HTTP/1.1\r\ncontent-length: 9999999\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        tokio::select! {
            ended = receiver.serve(SECRET, |_| {}) => panic!("{ended:?}"),
            read = stream.read_to_string(&mut answer) => { read.unwrap(); }
        }
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }
}
