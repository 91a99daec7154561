//! A network of devices whose messages are written in advance, and a publisher
//! that costs almost nothing: what is measured is not its speed.

use super::wire::{self, Frames, Version};
use anyhow::Result;
use std::io::Write;
use std::net::TcpStream;

/// The packet type PUBACK.
const PUBACK: u8 = 4;
/// Bytes sent at once.
const WRITE_BYTES: usize = 32 * 1024;
/// Districts that the devices are spread over, named `0` and on.
pub const DISTRICTS: usize = 16;
/// A time and a value as they are written, always of the same length.
const TIME: &str = "2026-01-01T00:00:00.000Z";
const VALUE: &str = "12.34";

/// The messages of every device, with places for time and value.
pub struct Network {
    version: Version,
    devices: Vec<Frame>,
}

/// A PUBLISH of QoS 1, and where in it the changing parts stand.
struct Frame {
    bytes: Vec<u8>,
    packet: usize,
    time: usize,
    value: usize,
}

impl Network {
    /// So many devices, named `s00000` and on, on topics `air/<district>/<device>`.
    pub fn new(devices: usize, version: Version) -> Network {
        let frame = |n| Frame::new(n % DISTRICTS, &format!("s{n:05}"), version);
        let devices = (0..devices).map(frame).collect();
        Network { version, devices }
    }

    /// How many devices there are.
    pub fn len(&self) -> usize {
        self.devices.len()
    }
}

impl Frame {
    fn new(district: usize, device: &str, version: Version) -> Frame {
        let payload =
            format!(r#"{{"device":"{device}","time":"{TIME}","pm2_5":{VALUE},"pm10":20.1}}"#);
        let mut body = Vec::new();
        wire::put_text(&mut body, &format!("air/{district}/{device}"));
        let packet = body.len();
        body.extend([0, 0]);
        if version == Version::V5 {
            body.push(0);
        }
        let at = |what| body.len() + payload.find(what).unwrap_or_default();
        let (time, value) = (at(TIME), at(VALUE));
        body.extend_from_slice(payload.as_bytes());
        let mut bytes = vec![0x32];
        wire::put_length(&mut bytes, body.len());
        let header = bytes.len();
        bytes.append(&mut body);
        Frame { bytes, packet: packet + header, time: time + header, value: value + header }
    }
}

/// An instant as the messages write it, from Unix time in ms.
pub fn written(ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    format!("{at:.3}")
}

/// Unix time now, ms.
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Publishes a network's messages, as many on their way as it is told.
pub struct Publisher<'n> {
    network: &'n Network,
    stream: TcpStream,
    frames: Frames,
    out: Vec<u8>,
    packet: u16,
    in_flight: usize,
}

impl<'n> Publisher<'n> {
    /// Connects to the broker on this port of 127.0.0.1.
    pub fn connect(network: &'n Network, port: u16) -> Result<Publisher<'n>> {
        let (stream, frames) = wire::connect(port, network.version, "publisher", true, &[])?;
        Ok(Publisher { network, stream, frames, out: Vec::new(), packet: 0, in_flight: 0 })
    }

    /// Takes a message of a device. It leaves with [`Publisher::flush`], or when
    /// enough are waiting. At most `window` are on their way at once.
    pub fn publish(&mut self, device: usize, time: &str, value: &str, window: usize) -> Result<()> {
        let Some(frame) = self.network.devices.get(device) else { return Ok(()) };
        self.packet = self.packet.checked_add(1).unwrap_or(1);
        let start = self.out.len();
        self.out.extend_from_slice(&frame.bytes);
        let mut put = |place: usize, bytes: &[u8]| {
            self.out[start + place..][..bytes.len()].copy_from_slice(bytes);
        };
        put(frame.packet, &self.packet.to_be_bytes());
        put(frame.time, time.as_bytes());
        put(frame.value, value.as_bytes());
        self.in_flight += 1;
        if self.out.len() >= WRITE_BYTES {
            self.flush()?;
        }
        if self.in_flight >= window {
            self.flush()?;
            self.settle(window / 2)?;
        }
        Ok(())
    }

    /// Sends what waits.
    pub fn flush(&mut self) -> Result<()> {
        self.stream.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// Waits until at most so many messages are unacknowledged.
    pub fn settle(&mut self, at_most: usize) -> Result<()> {
        loop {
            while let Some((kind, _)) = self.frames.next() {
                self.in_flight -= usize::from(kind == PUBACK);
            }
            if self.in_flight <= at_most {
                return Ok(());
            }
            self.frames.read(&mut self.stream)?;
        }
    }
}
