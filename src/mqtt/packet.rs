//! What both protocol versions say to each other, and the few packets whose
//! bytes are the same in both.

use super::fault::Fault;
use crate::config::settings::Source;
use crate::flow::Receipt;
use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::Error as CodecError;
use rumqttc::mqttbytes::v4::{Disconnect, PingReq, PubAck, PubComp, PubRec};
use std::time::Duration;

/// How one version of the protocol writes and reads the packets that differ.
pub(super) trait Dialect: Send + Sync {
    /// The version as operators write it.
    fn name(&self) -> &'static str;
    /// Writes CONNECT.
    fn connect(&self, greeting: &Greeting<'_>, out: &mut BytesMut) -> Result<(), Fault>;
    /// Writes SUBSCRIBE for all filters at once.
    fn subscribe(&self, request: &Request<'_>, out: &mut BytesMut) -> Result<(), Fault>;
    /// Writes UNSUBSCRIBE for all filters at once.
    fn unsubscribe(&self, request: &Request<'_>, out: &mut BytesMut) -> Result<(), Fault>;
    /// Reads one whole packet.
    fn read(&self, frame: BytesMut) -> Result<Incoming, Fault>;
}

/// What CONNECT says.
pub(super) struct Greeting<'a> {
    /// The broker and how we want to be served by it.
    pub source: &'a Source,
    /// Under which identity; usually the source's own.
    pub client_id: &'a str,
    /// Whether the broker should keep, and go on with, a session under that identity.
    pub resume: bool,
}

/// What SUBSCRIBE and UNSUBSCRIBE say.
pub(super) struct Request<'a> {
    /// The packet identifier by which the answer is recognised.
    pub packet: u16,
    /// The filters.
    pub filters: &'a [String],
    /// The QoS asked for; UNSUBSCRIBE has none.
    pub qos: u8,
    /// Whether the broker may send what it has retained for filters that are
    /// new to the session. MQTT 3.1.1 cannot ask: it always does.
    pub retained: bool,
}

/// A packet from the broker, in words that both versions share.
#[derive(Debug, PartialEq)]
pub(super) enum Incoming {
    /// The broker took us.
    Connected {
        /// It still had our session.
        session_present: bool,
        /// The keep alive that it wants instead of ours.
        keep_alive: Option<Duration>,
    },
    /// A message.
    Message(Message),
    /// The sender of a QoS 2 message lets go of this packet identifier.
    Released(u16),
    /// The answer to SUBSCRIBE, filter by filter.
    Subscribed {
        /// The request's packet identifier.
        packet: u16,
        /// The QoS granted, or why it was refused.
        answers: Vec<Result<u8, &'static str>>,
    },
    /// The answer to UNSUBSCRIBE.
    Unsubscribed {
        /// The request's packet identifier.
        packet: u16,
    },
    /// The answer to a ping.
    Pong,
}

/// A message from the broker.
#[derive(Debug, PartialEq)]
pub(super) struct Message {
    pub topic: Bytes,
    pub payload: Bytes,
    pub qos: u8,
    /// Zero with QoS 0.
    pub packet: u16,
    pub retained: bool,
    pub duplicate: bool,
}

/// Writes the acknowledgement that a receipt entitles to: PUBACK or PUBREC.
pub(super) fn acknowledge(receipt: &Receipt, out: &mut BytesMut) -> Result<(), Fault> {
    let written = if receipt.exactly_once {
        PubRec::new(receipt.packet).write(out)
    } else {
        PubAck::new(receipt.packet).write(out)
    };
    ours(written)
}

/// Writes PUBCOMP, the end of a QoS 2 exchange.
pub(super) fn complete(packet: u16, out: &mut BytesMut) -> Result<(), Fault> {
    ours(PubComp::new(packet).write(out))
}

/// Writes PINGREQ.
pub(super) fn ping(out: &mut BytesMut) -> Result<(), Fault> {
    ours(PingReq.write(out))
}

/// Writes DISCONNECT: a normal end that keeps the session.
pub(super) fn disconnect(out: &mut BytesMut) -> Result<(), Fault> {
    ours(Disconnect.write(out))
}

/// A packet of ours that cannot be written is larger than the protocol allows.
fn ours(written: Result<usize, CodecError>) -> Result<(), Fault> {
    written.map(drop).map_err(|e| Fault::Unsendable(e.to_string()))
}
