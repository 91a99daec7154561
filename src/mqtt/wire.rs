//! One connection's bytes: TCP or TLS, what came in, what waits to go out.

use super::fault::Fault;
use super::tls;
use crate::config::settings::Source;
use bytes::{Buf, BytesMut};
use rumqttc::tokio_rustls::TlsConnector;
use rumqttc::tokio_rustls::rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};

/// Room made for one read: some hundred messages, so that a flood costs few
/// system calls. Messages are slices of it; nothing is copied.
const READ_BYTES: usize = 64 * 1024;
/// Less room than this is not worth a read of its own.
const READ_BYTES_MIN: usize = 4 * 1024;

type Reader = Box<dyn AsyncRead + Send + Unpin>;
type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// An open connection. Everything in `outbox` is sent by [`Wire::turn`], as
/// much as possible at once: that is what makes acknowledgements cheap.
pub(super) struct Wire {
    reader: Reader,
    writer: Writer,
    /// What came in and is not read yet.
    pub inbox: BytesMut,
    /// What waits to go out.
    pub outbox: BytesMut,
    flushed: bool,
}

impl Wire {
    /// Connects to a source's broker, with TLS if the source has it.
    pub async fn open(source: &Source) -> Result<Wire, Fault> {
        let tcp = connect(&source.host, source.port).await?;
        let Some(settings) = &source.tls else {
            let (reader, writer) = tcp.into_split();
            return Ok(Wire::new(Box::new(reader), Box::new(writer)));
        };
        let config = tls::client_config(settings)?;
        let name = ServerName::try_from(source.host.clone())
            .map_err(|_| Fault::ServerName(source.host.clone()))?;
        let stream =
            TlsConnector::from(config).connect(name, tcp).await.map_err(Fault::of_stream)?;
        let (reader, writer) = tokio::io::split(stream);
        Ok(Wire::new(Box::new(reader), Box::new(writer)))
    }

    fn new(reader: Reader, writer: Writer) -> Wire {
        let inbox = BytesMut::with_capacity(READ_BYTES);
        Wire { reader, writer, inbox, outbox: BytesMut::new(), flushed: true }
    }

    /// Sends what waits, and returns when something came in; without `reading`
    /// it only sends. Reading and writing never wait for each other, so neither
    /// side can hold up the other for ever. May be dropped at any point without
    /// loss.
    pub async fn turn(&mut self, reading: bool) -> Result<(), Fault> {
        if self.inbox.capacity() - self.inbox.len() < READ_BYTES_MIN {
            self.inbox.reserve(READ_BYTES);
        }
        loop {
            let sending = self.outbox.has_remaining() || !self.flushed;
            let came = tokio::select! {
                biased;
                sent = send(&mut self.writer, &mut self.outbox, &mut self.flushed), if sending => {
                    sent.map_err(Fault::of_stream)?;
                    continue;
                }
                came = self.reader.read_buf(&mut self.inbox), if reading => came,
                else => std::future::pending().await,
            };
            return match came.map_err(Fault::of_stream)? {
                0 => Err(Fault::Closed),
                _ => Ok(()),
            };
        }
    }

    /// Sends everything that waits, closes our side, and waits until the broker
    /// has closed its own.
    pub async fn finish(mut self) -> Result<(), Fault> {
        while self.outbox.has_remaining() || !self.flushed {
            send(&mut self.writer, &mut self.outbox, &mut self.flushed)
                .await
                .map_err(Fault::of_stream)?;
        }
        self.writer.shutdown().await.map_err(Fault::of_stream)?;
        // A connection closed with something unread is reset, and the broker may
        // then throw away what we sent last. So what still comes is read.
        loop {
            self.inbox.clear();
            self.inbox.reserve(READ_BYTES);
            if self.reader.read_buf(&mut self.inbox).await.map_err(Fault::of_stream)? == 0 {
                return Ok(());
            }
        }
    }
}

/// One step of sending: a write, or a flush once everything is written (TLS
/// keeps back what the socket did not take).
async fn send(
    writer: &mut Writer,
    outbox: &mut BytesMut,
    flushed: &mut bool,
) -> std::io::Result<()> {
    if outbox.has_remaining() {
        *flushed = false;
        if writer.write_buf(outbox).await? == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
    } else {
        writer.flush().await?;
        *flushed = true;
    }
    Ok(())
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, Fault> {
    let unresolved = |error| Fault::Unresolved { host: host.to_owned(), error };
    let addresses = lookup_host((host, port)).await.map_err(unresolved)?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true).map_err(Fault::of_stream)?;
                return Ok(stream);
            }
            Err(error) => last = Some(Fault::of_connect(address.to_string(), error)),
        }
    }
    Err(last.unwrap_or_else(|| unresolved(std::io::ErrorKind::NotFound.into())))
}
