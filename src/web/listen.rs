//! Connections: how many there may be at once, and how long one is waited for.
//!
//! ```text
//!  accept, while there is room ─▶ a task: head of a request ─▶ router ─▶ answer ─▶ the next
//!                                         at most `head`          at most `stall` without
//!                                                                 a byte taken
//! ```
//!
//! A client that says nothing, or a byte at a time, or does not read what it asked
//! for, would otherwise have a connection for ever: some hundreds of them, and nobody
//! else is served. A connection between two requests waits for a head too, and ends
//! by the same limit. How long a request may take is not decided here.

use axum::Router;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep};

/// How long to wait before the next attempt to accept, when the system has no
/// descriptor left or the like.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// What a connection may take of others.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long the head of a request may take, from the connection or from the answer
    /// before.
    pub head: Duration,
    /// How long a client may take nothing of an answer.
    pub stall: Duration,
    /// Connections at once; further ones wait to be accepted. Descriptors are needed
    /// for brokers, receivers and the store too, and a process has 1,024 unless told
    /// otherwise.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        let (head, stall) = (Duration::from_secs(15), Duration::from_secs(30));
        Limits { head, stall, connections: 512 }
    }
}

/// Serves until `stop` completes and the requests under way are answered.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let stop = stop.boxed().shared();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.clone() => break,
            accepted = listener.accept(), if connections.len() < limits.connections => match accepted {
                Ok((stream, peer)) => {
                    let calls = router.clone();
                    connections.spawn(connection(stream, peer, calls, limits, stop.clone()));
                }
                Err(e) => refused(&e).await,
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// A client that is gone before it was accepted is none; anything else is waited for.
async fn refused(e: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(e.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::warn!(error = %e, "no connection can be accepted; trying again in a second");
        sleep(ACCEPT_AGAIN).await;
    }
}

/// Answers the requests of one connection.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    // Answers are small: waiting to fill a packet only delays them.
    drop(stream.set_nodelay(true));
    let calls = TowerToHyperService::new(router);
    let calls = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        calls.call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head);
    let taken = Taken { stream, limit: limits.stall, stalled: None };
    let mut served = pin!(http.serve_connection(TokioIo::new(taken), calls));
    // Whatever ends a connection is the client's affair.
    tokio::select! {
        _ = served.as_mut() => return,
        () = stop => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}

/// A stream that fails where its peer takes nothing for too long.
struct Taken {
    stream: TcpStream,
    limit: Duration,
    /// When it will have been too long, while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Taken {
    /// What became of a write, unless it has been waiting for too long.
    fn in_time<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let limit = self.limit;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Taken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Taken {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.in_time(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.in_time(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot::Sender;

    const LONG: Duration = Duration::from_secs(3_600);
    const SHORT: Duration = Duration::from_millis(50);
    const PATIENT: Limits = Limits { head: LONG, stall: LONG, connections: 8 };
    /// More than the system keeps for a peer that does not read.
    const LARGE: usize = 64 << 20;

    /// A server by these limits, on a port of its own; it ends when the sender is dropped.
    async fn server(limits: Limits) -> (SocketAddr, Sender<()>, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/large", get(|| async { vec![0u8; LARGE] }))
            .route("/who", get(|peer: ConnectInfo<SocketAddr>| async move { peer.0.to_string() }));
        let (end, ended) = tokio::sync::oneshot::channel();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, router, limits, async move { drop(ended.await) }));
        (address, end, serving)
    }

    async fn ask(stream: &mut TcpStream, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
    }

    /// Reads an answer up to these last words of it.
    async fn answer(stream: &mut TcpStream, last: &str) {
        let mut text = String::new();
        while !text.ends_with(last) {
            let mut piece = [0; 1_024];
            let n = stream.read(&mut piece).await.unwrap();
            assert!(n > 0, "it ended after {text:?}");
            text.push_str(std::str::from_utf8(&piece[..n]).unwrap());
        }
    }

    /// Waits until the peer closes; how many bytes came before.
    async fn closed(stream: &mut TcpStream) -> usize {
        let mut rest = Vec::new();
        // A reset is an end too.
        let _ = stream.read_to_end(&mut rest).await;
        rest.len()
    }

    #[tokio::test]
    async fn a_client_that_says_nothing_is_hung_up_on() {
        let (address, _end, _serving) = server(Limits { head: SHORT, ..PATIENT }).await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        assert_eq!(closed(&mut silent).await, 0);
    }

    #[tokio::test]
    async fn a_client_that_says_a_byte_at_a_time_is_hung_up_on() {
        let (address, _end, _serving) = server(Limits { head: SHORT, ..PATIENT }).await;
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
        let mut beat = tokio::time::interval(SHORT / 10);
        loop {
            beat.tick().await;
            let mut said = [0; 256];
            match slow.try_read(&mut said) {
                Ok(0) => break,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => break,
                Ok(n) => panic!("{:?}", String::from_utf8_lossy(&said[..n])),
            }
            if slow.write_all(b"x").await.is_err() {
                break;
            }
        }
    }

    #[tokio::test]
    async fn a_connection_that_is_kept_for_nothing_ends() {
        let (address, _end, _serving) = server(Limits { head: SHORT, ..PATIENT }).await;
        let mut kept = TcpStream::connect(address).await.unwrap();
        ask(&mut kept, "/").await;
        answer(&mut kept, "here").await;
        assert_eq!(closed(&mut kept).await, 0);
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_its_answer_makes_room_for_others() {
        let limits = Limits { stall: SHORT, connections: 1, ..PATIENT };
        let (address, _end, _serving) = server(limits).await;
        let mut deaf = TcpStream::connect(address).await.unwrap();
        ask(&mut deaf, "/large").await;
        let mut other = TcpStream::connect(address).await.unwrap();
        ask(&mut other, "/").await;
        answer(&mut other, "here").await;
        assert!(closed(&mut deaf).await < LARGE);
    }

    #[tokio::test]
    async fn a_client_that_reads_gets_all_of_a_large_answer() {
        let (address, _end, _serving) = server(Limits { stall: LONG, ..PATIENT }).await;
        let mut reader = TcpStream::connect(address).await.unwrap();
        let request = b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        reader.write_all(request).await.unwrap();
        assert!(closed(&mut reader).await > LARGE);
    }

    #[tokio::test]
    async fn further_connections_wait_until_there_is_room() {
        let (address, _end, _serving) = server(Limits { connections: 1, ..PATIENT }).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        ask(&mut first, "/").await;
        answer(&mut first, "here").await;
        let mut second = TcpStream::connect(address).await.unwrap();
        ask(&mut second, "/").await;
        for _ in 0..20 {
            ask(&mut first, "/").await;
            answer(&mut first, "here").await;
        }
        let early = second.try_read(&mut [0; 16]).unwrap_err();
        assert_eq!(early.kind(), io::ErrorKind::WouldBlock);
        drop(first);
        answer(&mut second, "here").await;
    }

    #[tokio::test]
    async fn a_request_knows_where_it_comes_from() {
        let (address, _end, _serving) = server(PATIENT).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        ask(&mut client, "/who").await;
        let own = client.local_addr().unwrap().to_string();
        answer(&mut client, &own).await;
    }

    #[tokio::test]
    async fn stopping_waits_for_nobody_who_has_asked_for_nothing() {
        let (address, end, mut serving) = server(PATIENT).await;
        let mut kept = TcpStream::connect(address).await.unwrap();
        ask(&mut kept, "/").await;
        answer(&mut kept, "here").await;
        drop(end);
        serving.join_next().await.unwrap().unwrap();
        assert_eq!(closed(&mut kept).await, 0);
    }
}
