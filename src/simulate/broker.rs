//! A broker inside the process, so that `demo` and tests need no other.
//!
//! It speaks MQTT 5 on 127.0.0.1 and remembers nothing when the process ends.
//! It cannot be stopped before that: its library has no way to.

use rumqttd::{Config, ConnectionSettings, RouterConfig, ServerSettings};
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Largest payload accepted, bytes: what a decoder reads, and as much again.
const PAYLOAD_MAX: usize = 2 << 20;
/// Messages on their way to one client at once.
const IN_FLIGHT_MAX: usize = 1_024;
/// What is kept for one subscription while its client is behind or away, bytes.
/// Beyond it the oldest is lost, which the sender does not notice.
const BACKLOG_MAX: usize = SEGMENT_BYTES * SEGMENTS;
const SEGMENT_BYTES: usize = 16 << 20;
const SEGMENTS: usize = 16;
const _: () = assert!(BACKLOG_MAX > IN_FLIGHT_MAX * 1_024);
/// How many ports are tried.
const PORTS_MAX: usize = 20;
/// How long it may take until the port answers.
const READY_MAX: Duration = Duration::from_secs(5);
/// The library does not say when it is ready, so it is asked this often.
const ASK_EVERY: Duration = Duration::from_millis(2);

/// A running broker.
#[derive(Debug)]
pub struct Broker {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
}

impl Broker {
    /// Starts a broker on a free port and returns when it takes connections.
    /// Blocks for some milliseconds.
    ///
    /// # Errors
    /// If no port is free, or no thread can be started.
    pub fn start() -> io::Result<Broker> {
        for _ in 0..PORTS_MAX {
            let port = free_port()?;
            if serve(port)? {
                return Ok(Broker { port });
            }
        }
        let why = format!("no free port on 127.0.0.1 in {PORTS_MAX} attempts");
        Err(io::Error::new(io::ErrorKind::AddrInUse, why))
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Starts a broker on this port. False if somebody else took it meanwhile.
fn serve(port: u16) -> io::Result<bool> {
    let mut broker = rumqttd::Broker::new(config(port));
    let server = thread::Builder::new().name("broker".to_owned()).spawn(move || {
        // Returns only when it cannot listen.
        let _ = broker.start();
    })?;
    let asked = Instant::now();
    while asked.elapsed() < READY_MAX && !server.is_finished() {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            // Whoever answers is ours unless ours has given up by now.
            thread::sleep(ASK_EVERY);
            return Ok(!server.is_finished());
        }
        thread::sleep(ASK_EVERY);
    }
    Ok(false)
}

fn config(port: u16) -> Config {
    let connections = ConnectionSettings {
        connection_timeout_ms: 10_000,
        max_payload_size: PAYLOAD_MAX,
        max_inflight_count: IN_FLIGHT_MAX,
        auth: None,
        external_auth: None,
        dynamic_filters: true,
    };
    let server = ServerSettings {
        name: "mqtt5".to_owned(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        tls: None,
        next_connection_delay_ms: 0,
        connections,
    };
    let router = RouterConfig {
        max_connections: 256,
        max_outgoing_packet_count: 200,
        max_segment_size: SEGMENT_BYTES,
        max_segment_count: SEGMENTS,
        ..RouterConfig::default()
    };
    Config { router, v5: Some(HashMap::from([("1".to_owned(), server)])), ..Config::default() }
}
