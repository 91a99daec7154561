//! Cuts the stream of bytes into whole packets, the same way for both versions.
//!
//! A message larger than we accept is cut short rather than taken for the end
//! of the connection: the broker would send it again for ever, and everything
//! behind it would wait. What is left of it is still longer than any decoder
//! reads, so it ends in quarantine, acknowledged.

use super::fault::Fault;
use bytes::{Buf, BufMut, BytesMut};
use rumqttc::mqttbytes::{Error, check};

/// The packet type PUBLISH, in the upper half of the first byte.
const PUBLISH: u8 = 3;

/// Where the cutting stands in the stream.
#[derive(Debug)]
pub(super) struct Frames {
    body_max: usize,
    /// Bytes of a message cut short that are still to be thrown away.
    skip: usize,
}

impl Frames {
    /// Accepts packets whose body has at most this many bytes.
    pub fn new(packet_max: u32) -> Frames {
        Frames { body_max: usize::try_from(packet_max).unwrap_or(usize::MAX), skip: 0 }
    }

    /// Takes the next whole packet off the front, if there is one.
    pub fn next(&mut self, inbox: &mut BytesMut) -> Result<Option<BytesMut>, Fault> {
        let thrown = self.skip.min(inbox.len());
        inbox.advance(thrown);
        self.skip -= thrown;
        match check(inbox.iter(), self.body_max) {
            Ok(header) => Ok(Some(inbox.split_to(header.frame_length()))),
            Err(Error::InsufficientBytes(_)) => Ok(None),
            Err(Error::PayloadSizeLimitExceeded(body)) => self.cut_short(inbox, body),
            Err(e) => Err(Fault::Malformed(e.to_string())),
        }
    }

    fn cut_short(&mut self, inbox: &mut BytesMut, body: usize) -> Result<Option<BytesMut>, Fault> {
        let first = inbox.first().copied().unwrap_or_default();
        if first >> 4 != PUBLISH {
            return Err(Fault::Malformed(format!("a packet of {body} bytes that is no message")));
        }
        let header = 1 + length_bytes(body);
        if inbox.len() < header + self.body_max {
            return Ok(None);
        }
        inbox.advance(header);
        let kept = inbox.split_to(self.body_max);
        self.skip = body - self.body_max;
        let mut frame = BytesMut::with_capacity(5 + kept.len());
        frame.put_u8(first);
        put_length(&mut frame, kept.len());
        frame.extend_from_slice(&kept);
        Ok(Some(frame))
    }
}

/// How many bytes the length of a body takes (MQTT 5, 1.5.5).
fn length_bytes(body: usize) -> usize {
    match body {
        0..128 => 1,
        128..16_384 => 2,
        16_384..2_097_152 => 3,
        _ => 4,
    }
}

fn put_length(out: &mut BytesMut, mut body: usize) {
    loop {
        let low = (body % 128) as u8;
        body /= 128;
        if body == 0 {
            out.put_u8(low);
            return;
        }
        out.put_u8(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A PUBLISH whose body is this.
    fn publish(body: &[u8]) -> Vec<u8> {
        let mut out = BytesMut::new();
        out.put_u8(0x32);
        put_length(&mut out, body.len());
        out.extend_from_slice(body);
        out.to_vec()
    }

    fn bodies(frames: &mut Frames, stream: &[u8], piece: usize) -> Vec<Vec<u8>> {
        let mut inbox = BytesMut::new();
        let mut found = Vec::new();
        for part in stream.chunks(piece) {
            inbox.extend_from_slice(part);
            while let Some(frame) = frames.next(&mut inbox).unwrap() {
                found.push(frame[1 + length_bytes(frame.len() - 2)..].to_vec());
            }
        }
        assert!(inbox.is_empty(), "{} bytes left", inbox.len());
        found
    }

    proptest! {
        #[test]
        fn packets_come_out_whole_however_the_stream_is_split(
            sizes in prop::collection::vec(1usize..300, 1..20),
            piece in 1usize..400,
        ) {
            let sent: Vec<Vec<u8>> = sizes.iter().map(|n| vec![*n as u8; *n]).collect();
            let stream: Vec<u8> = sent.iter().flat_map(|b| publish(b)).collect();
            prop_assert_eq!(bodies(&mut Frames::new(1_000), &stream, piece), sent);
        }

        #[test]
        fn a_message_too_large_is_cut_and_its_neighbours_are_unharmed(
            size in 101usize..20_000,
            piece in 1usize..5_000,
        ) {
            let large = vec![7; size];
            let stream = [publish(b"before"), publish(&large), publish(b"after")].concat();
            let found = bodies(&mut Frames::new(100), &stream, piece);
            let kept = large[..100].to_vec();
            prop_assert_eq!(found, vec![b"before".to_vec(), kept, b"after".to_vec()]);
        }
    }

    #[test]
    fn a_large_packet_that_is_no_message_ends_the_connection() {
        let mut inbox = BytesMut::from(&[0x20, 0xff, 0xff, 0x03, 0, 0][..]);
        assert!(matches!(Frames::new(100).next(&mut inbox), Err(Fault::Malformed(_))));
    }
}
