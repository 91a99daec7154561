//! The best client there can be: a subscriber that looks at nothing but the
//! packet identifier and acknowledges, all messages of one read with one write, or
//! each with its own, as it must who knows no end of a read.

use super::wire::{self, Frames, Version};
use anyhow::Result;
use std::fs::File;
use std::io::Write;
use std::net::TcpStream;

/// Packet types.
const PUBLISH: u8 = 3;
const SUBACK: u8 = 9;

/// A connected bare subscriber.
pub struct Bare {
    stream: TcpStream,
    frames: Frames,
    /// Where what came is written and synced before it is acknowledged.
    journal: Option<File>,
    /// Whether each message is acknowledged by itself.
    each: bool,
}

impl Bare {
    /// Connects with MQTT 5 to a session that lives on, with this receive maximum.
    pub fn connect(port: u16, receive_maximum: u16) -> Result<Bare> {
        let [high, low] = receive_maximum.to_be_bytes();
        // Session expiry interval: an hour; receive maximum.
        let properties = [0x11, 0, 0, 0x0e, 0x10, 0x21, high, low];
        let (stream, frames) = wire::connect(port, Version::V5, "bare", false, &properties)?;
        Ok(Bare { stream, frames, journal: None, each: false })
    }

    /// From now on each read is on disk before it is acknowledged: the least
    /// that any durable client must do.
    pub fn keep(&mut self, journal: File) {
        self.journal = Some(journal);
    }

    /// From now on each message is acknowledged with a write of its own.
    pub fn acknowledge_each(&mut self) {
        self.each = true;
    }

    /// Subscribes to every device's topic with QoS 1.
    pub fn subscribe(&mut self) -> Result<()> {
        let mut body = vec![0, 1, 0];
        wire::put_text(&mut body, "air/+/+");
        body.push(1);
        let mut packet = vec![0x82];
        wire::put_length(&mut packet, body.len());
        packet.append(&mut body);
        self.stream.write_all(&packet)?;
        self.frames.wait_for(&mut self.stream, SUBACK)
    }

    /// Takes and acknowledges so many messages.
    pub fn take(&mut self, messages: usize) -> Result<()> {
        let (mut acks, mut kept) = (Vec::new(), Vec::new());
        let mut taken = 0;
        while taken < messages {
            self.frames.read(&mut self.stream)?;
            while let Some((kind, body)) = self.frames.next() {
                if kind == PUBLISH {
                    let topic = usize::from(body[0]) << 8 | usize::from(body[1]);
                    acks.extend([0x40, 2, body[2 + topic], body[3 + topic]]);
                    if self.journal.is_some() {
                        kept.extend_from_slice(body);
                    }
                    taken += 1;
                    if self.each {
                        self.stream.write_all(&acks)?;
                        acks.clear();
                    }
                }
            }
            if let Some(journal) = &mut self.journal {
                journal.write_all(&kept)?;
                journal.sync_data()?;
                kept.clear();
            }
            self.stream.write_all(&acks)?;
            acks.clear();
        }
        Ok(())
    }

    /// Leaves; the session stays.
    pub fn leave(mut self) -> Result<()> {
        Ok(self.stream.write_all(&[0xe0, 0])?)
    }
}
