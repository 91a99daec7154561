//! As little of MQTT as a fast client needs: whole packets out of a stream, and
//! the packets that open a session.

use anyhow::{Result, ensure};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// The packet type CONNACK, in the upper half of the first byte.
const CONNACK: u8 = 2;
/// Longer than a round: nobody pings. `rumqttd` takes no client without one.
const KEEP_ALIVE_S: u16 = 3_600;
/// A broker that is silent for so long has nothing more to say.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Room for one read.
const READ_BYTES: usize = 256 * 1024;

/// The protocol version as CONNECT writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V311 = 4,
    V5 = 5,
}

/// Bytes that came in, as whole packets.
pub struct Frames {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Frames {
    fn new() -> Frames {
        Frames { buffer: vec![0; READ_BYTES], start: 0, end: 0 }
    }

    /// Waits for more bytes.
    pub fn read(&mut self, stream: &mut TcpStream) -> Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let came = stream.read(&mut self.buffer[self.end..])?;
        ensure!(came > 0, "the broker closed the connection");
        self.end += came;
        Ok(())
    }

    /// The next whole packet: its type, and its body.
    pub fn next(&mut self) -> Option<(u8, &[u8])> {
        let waiting = &self.buffer[self.start..self.end];
        let first = *waiting.first()?;
        let (mut length, mut header) = (0usize, 1);
        loop {
            let byte = *waiting.get(header)?;
            length |= usize::from(byte & 0x7f) << (7 * (header - 1));
            header += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
        if waiting.len() < header + length {
            return None;
        }
        let body = self.start + header;
        self.start = body + length;
        Some((first >> 4, &self.buffer[body..body + length]))
    }

    /// Waits for one packet of this type and throws away what comes before it.
    pub fn wait_for(&mut self, stream: &mut TcpStream, kind: u8) -> Result<()> {
        loop {
            while let Some((found, _)) = self.next() {
                if found == kind {
                    return Ok(());
                }
            }
            self.read(stream)?;
        }
    }
}

/// Connects to a broker on 127.0.0.1. `properties` are those of CONNECT in
/// version 5, without their length.
pub fn connect(
    port: u16,
    version: Version,
    client_id: &str,
    clean: bool,
    properties: &[u8],
) -> Result<(TcpStream, Frames)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    let mut body = b"\0\x04MQTT".to_vec();
    body.extend([version as u8, u8::from(clean) << 1]);
    body.extend(KEEP_ALIVE_S.to_be_bytes());
    if version == Version::V5 {
        body.push(properties.len() as u8);
        body.extend_from_slice(properties);
    }
    put_text(&mut body, client_id);
    let mut packet = vec![0x10];
    put_length(&mut packet, body.len());
    packet.append(&mut body);
    stream.write_all(&packet)?;
    let mut frames = Frames::new();
    frames.wait_for(&mut stream, CONNACK)?;
    Ok((stream, frames))
}

/// Appends a text with its length.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// Appends the length of a packet's body (MQTT 5, 1.5.5).
pub fn put_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 128 {
        out.push((length % 128) as u8 | 0x80);
        length /= 128;
    }
    out.push(length as u8);
}
