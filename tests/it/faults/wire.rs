//! A line to a server that can be cut, held up, or cut in the middle of a sentence.

use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What a line does to what goes through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Nothing.
    Clear,
    /// Connections are reset, and new ones too.
    Resets,
    /// Connections stay, and nothing comes through.
    Stalls,
    /// Everything comes in small pieces, late.
    Slow,
    /// After so many pieces of requests the next is cut in half, and the connection reset.
    CutsRequests(u8),
    /// The same with answers.
    CutsAnswers(u8),
}

impl Weather {
    /// Some weather, good or bad.
    pub fn some(random: &mut fastrand::Rng) -> Weather {
        match random.u8(..8) {
            0 => Weather::Resets,
            1 => Weather::Stalls,
            2 => Weather::Slow,
            3 => Weather::CutsRequests(random.u8(..12)),
            4 => Weather::CutsAnswers(random.u8(..12)),
            _ => Weather::Clear,
        }
    }
}

/// A line; its connections live as long as the runtime.
pub struct Wire {
    /// Where it begins, on 127.0.0.1.
    pub port: u16,
    weather: watch::Sender<Weather>,
}

impl Wire {
    /// A line to a port of 127.0.0.1.
    pub async fn to(port: u16) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let begins = listener.local_addr().unwrap().port();
        let (weather, seen) = watch::channel(Weather::Clear);
        tokio::spawn(async move {
            while let Ok((guest, _)) = listener.accept().await {
                tokio::spawn(connect(guest, port, seen.clone()));
            }
        });
        Wire { port: begins, weather }
    }

    /// The weather from now on.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

/// Which way a piece goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Request,
    Answer,
}

async fn connect(mut guest: TcpStream, port: u16, weather: watch::Receiver<Weather>) {
    let mut resets = weather.clone();
    let carried = async {
        let mut host = TcpStream::connect(("127.0.0.1", port)).await?;
        let ((from_guest, to_guest), (from_host, to_host)) = (guest.split(), host.split());
        tokio::select! {
            ended = carry(from_guest, to_host, Way::Request, weather.clone()) => ended,
            ended = carry(from_host, to_guest, Way::Answer, weather) => ended,
        }
    };
    let ended = tokio::select! {
        biased;
        _ = resets.wait_for(|w| *w == Weather::Resets) => Err(std::io::ErrorKind::Other.into()),
        ended = carried => ended,
    };
    if ended.is_err() {
        // Dropped then, it is reset, and what is under way is lost.
        let _ = guest.set_zero_linger();
    }
}

/// Carries pieces one way until the end, or until the line is cut.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    way: Way,
    mut weather: watch::Receiver<Weather>,
) -> std::io::Result<()> {
    let mut piece = [0; 4_096];
    let mut in_bad_weather = 0;
    loop {
        let most = if *weather.borrow() == Weather::Slow { 256 } else { piece.len() };
        let count = from.read(&mut piece[..most]).await?;
        if count == 0 {
            return Ok(());
        }
        let stalls = |w: &Weather| *w != Weather::Stalls;
        let now = *weather.wait_for(stalls).await.map_err(std::io::Error::other)?;
        match (now, way) {
            (Weather::CutsRequests(n), Way::Request) | (Weather::CutsAnswers(n), Way::Answer) => {
                in_bad_weather += 1;
                if in_bad_weather > n {
                    to.write_all(&piece[..count / 2]).await?;
                    to.flush().await?;
                    return Err(std::io::ErrorKind::ConnectionReset.into());
                }
            }
            (Weather::Slow, _) => tokio::time::sleep(Duration::from_millis(2)).await,
            _ => {}
        }
        to.write_all(&piece[..count]).await?;
    }
}
