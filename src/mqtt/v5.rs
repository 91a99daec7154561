//! MQTT 5.

use super::fault::Fault;
use super::packet::{Dialect, Greeting, Incoming, Message, Request};
use bytes::BytesMut;
use rumqttc::v5::mqttbytes::v5::{
    Connect, ConnectProperties, ConnectReturnCode, Filter, Login, Packet, RetainForwardRule,
    Subscribe, SubscribeReasonCode, Unsubscribe,
};
use rumqttc::v5::mqttbytes::{Error, QoS, qos};
use std::time::Duration;

/// The first byte of a DISCONNECT packet.
const DISCONNECT: u8 = 0xE0;

pub(super) struct V5;

impl Dialect for V5 {
    fn name(&self) -> &'static str {
        "MQTT 5"
    }

    fn connect(&self, greeting: &Greeting<'_>, out: &mut BytesMut) -> Result<(), Fault> {
        let source = greeting.source;
        let expiry = u32::try_from(source.session_expiry.as_secs()).unwrap_or(u32::MAX);
        let properties = ConnectProperties {
            session_expiry_interval: greeting.resume.then_some(expiry),
            receive_maximum: Some(source.receive_maximum.max(1)),
            max_packet_size: Some(source.packet_max),
            ..ConnectProperties::new()
        };
        let connect = Connect {
            keep_alive: u16::try_from(source.keep_alive.as_secs()).unwrap_or(u16::MAX),
            client_id: greeting.client_id.to_owned(),
            clean_start: !greeting.resume,
            properties: Some(properties),
        };
        let password = source.password.as_ref().map_or("", |p| p.reveal());
        let login = source.username.as_ref().map(|name| Login::new(name, password));
        written(Packet::Connect(connect, None, login).write(out, None))
    }

    fn subscribe(&self, request: &Request<'_>, out: &mut BytesMut) -> Result<(), Fault> {
        let rule = if request.retained {
            RetainForwardRule::OnNewSubscribe
        } else {
            RetainForwardRule::Never
        };
        let filters = request.filters.iter().map(|path| Filter {
            retain_forward_rule: rule.clone(),
            ..Filter::new(path, qos(request.qos).unwrap_or(QoS::AtLeastOnce))
        });
        let mut subscribe = Subscribe::new_many(filters, None);
        subscribe.pkid = request.packet;
        written(subscribe.write(out))
    }

    fn unsubscribe(&self, request: &Request<'_>, out: &mut BytesMut) -> Result<(), Fault> {
        let filters = request.filters.to_vec();
        written(Unsubscribe { pkid: request.packet, filters, properties: None }.write(out))
    }

    fn read(&self, mut frame: BytesMut) -> Result<Incoming, Fault> {
        if frame.first() == Some(&DISCONNECT) {
            // Read here because the codec stumbles over the short form, a
            // reason without properties, which brokers do send.
            return Err(Fault::Goodbye(farewell(frame.get(2).copied().unwrap_or(0))));
        }
        let packet = Packet::read(&mut frame, None).map_err(|e| Fault::Malformed(e.to_string()))?;
        Ok(match packet {
            Packet::Publish(p) => Incoming::Message(Message {
                topic: p.topic,
                payload: p.payload,
                qos: p.qos as u8,
                packet: p.pkid,
                retained: p.retain,
                duplicate: p.dup,
            }),
            Packet::PubRel(release) => Incoming::Released(release.pkid),
            Packet::PingResp(_) => Incoming::Pong,
            Packet::SubAck(ack) => Incoming::Subscribed {
                packet: ack.pkid,
                answers: ack.return_codes.into_iter().map(answer).collect(),
            },
            Packet::UnsubAck(ack) => Incoming::Unsubscribed { packet: ack.pkid },
            Packet::ConnAck(ack) if ack.code == ConnectReturnCode::Success => Incoming::Connected {
                session_present: ack.session_present,
                keep_alive: ack
                    .properties
                    .and_then(|p| p.server_keep_alive)
                    .map(|s| Duration::from_secs(s.into())),
            },
            Packet::ConnAck(ack) => return Err(Fault::Refused(refusal(ack.code))),
            _ => return Err(Fault::Malformed("a packet that only clients send".to_owned())),
        })
    }
}

fn written(result: Result<usize, Error>) -> Result<(), Fault> {
    result.map(drop).map_err(|e| Fault::Unsendable(e.to_string()))
}

/// One answer of a SUBACK in words (MQTT 5, table 3-8).
fn answer(code: SubscribeReasonCode) -> Result<u8, &'static str> {
    match code {
        SubscribeReasonCode::Success(granted) => Ok(granted as u8),
        SubscribeReasonCode::NotAuthorized => Err("not authorised"),
        SubscribeReasonCode::TopicFilterInvalid => Err("topic filter invalid"),
        SubscribeReasonCode::QuotaExceeded => Err("quota exceeded"),
        SubscribeReasonCode::SharedSubscriptionsNotSupported => {
            Err("shared subscriptions not supported")
        }
        SubscribeReasonCode::WildcardSubscriptionsNotSupported => {
            Err("wildcard subscriptions not supported")
        }
        _ => Err("no reason given"),
    }
}

/// A refused CONNECT in words (MQTT 5, table 3-1).
fn refusal(code: ConnectReturnCode) -> &'static str {
    use ConnectReturnCode as C;
    match code {
        C::BadUserNamePassword => "bad user name or password",
        C::NotAuthorized => "not authorised: check user name, password and client_id",
        C::BadClientId | C::ClientIdentifierNotValid => "it does not accept this client_id",
        C::RefusedProtocolVersion | C::UnsupportedProtocolVersion => {
            "it does not speak MQTT 5: set version = \"3.1.1\""
        }
        C::ServiceUnavailable | C::ServerUnavailable => "it says that it is unavailable",
        C::ServerBusy => "it says that it is busy",
        C::Banned => "this client is banned there",
        C::QuotaExceeded | C::ConnectionRateExceeded => "too many connections there",
        C::UseAnotherServer | C::ServerMoved => "it says to use another server",
        C::PacketTooLarge => "it says that CONNECT is too large",
        C::BadAuthenticationMethod => "it wants another way of authentication",
        _ => "it gave no reason that helps",
    }
}

/// A DISCONNECT by the broker in words (MQTT 5, table 3-10).
fn farewell(code: u8) -> &'static str {
    match code {
        0x00 => "no reason given",
        0x81 | 0x82 => "it says that we broke the protocol",
        0x87 | 0x98 => "by its administrator",
        0x89 => "it is busy",
        0x8B => "it is shutting down",
        0x8D => "it did not hear from us within the keep alive",
        0x8E => "another client connected with the same client_id: give each its own",
        0x93 => "it says that it had too many of our messages in flight",
        0x95 => "it says that a packet was too large",
        0x96 | 0x97 | 0x9F => "a quota or rate of its own was exceeded",
        0x9C | 0x9D => "it says to use another server",
        0x9E => "it does not support shared subscriptions",
        0xA2 => "it does not support wildcard subscriptions",
        _ => "for a reason of its own",
    }
}
