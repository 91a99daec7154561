//! MQTT 3.1.1.

use super::fault::Fault;
use super::packet::{Dialect, Greeting, Incoming, Message, Request};
use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::v4::{
    Connect, ConnectReturnCode, Packet, Subscribe, SubscribeFilter, SubscribeReasonCode,
    Unsubscribe,
};
use rumqttc::mqttbytes::{Error, QoS, qos};

pub(super) struct V311;

impl Dialect for V311 {
    fn name(&self) -> &'static str {
        "MQTT 3.1.1"
    }

    fn connect(&self, greeting: &Greeting<'_>, out: &mut BytesMut) -> Result<(), Fault> {
        let source = greeting.source;
        let mut connect = Connect::new(greeting.client_id);
        connect.keep_alive = u16::try_from(source.keep_alive.as_secs()).unwrap_or(u16::MAX);
        connect.clean_session = !greeting.resume;
        if let Some(name) = &source.username {
            connect.set_login(name, source.password.as_ref().map_or("", |p| p.reveal()));
        }
        written(connect.write(out))
    }

    fn subscribe(&self, request: &Request<'_>, out: &mut BytesMut) -> Result<(), Fault> {
        let qos = qos(request.qos).unwrap_or(QoS::AtLeastOnce);
        let filters = request.filters.iter().map(|f| SubscribeFilter::new(f.clone(), qos));
        let mut subscribe = Subscribe::new_many(filters);
        subscribe.pkid = request.packet;
        written(subscribe.write(out))
    }

    fn unsubscribe(&self, request: &Request<'_>, out: &mut BytesMut) -> Result<(), Fault> {
        let topics = request.filters.to_vec();
        written(Unsubscribe { pkid: request.packet, topics }.write(out))
    }

    fn read(&self, mut frame: BytesMut) -> Result<Incoming, Fault> {
        let whole = frame.len();
        let packet =
            Packet::read(&mut frame, whole).map_err(|e| Fault::Malformed(e.to_string()))?;
        Ok(match packet {
            Packet::Publish(p) => Incoming::Message(Message {
                topic: Bytes::from(p.topic),
                payload: p.payload,
                qos: p.qos as u8,
                packet: p.pkid,
                retained: p.retain,
                duplicate: p.dup,
            }),
            Packet::PubRel(release) => Incoming::Released(release.pkid),
            Packet::PingResp => Incoming::Pong,
            Packet::SubAck(ack) => Incoming::Subscribed {
                packet: ack.pkid,
                answers: ack.return_codes.into_iter().map(answer).collect(),
            },
            Packet::UnsubAck(ack) => Incoming::Unsubscribed { packet: ack.pkid },
            Packet::ConnAck(ack) if ack.code == ConnectReturnCode::Success => {
                Incoming::Connected { session_present: ack.session_present, keep_alive: None }
            }
            Packet::ConnAck(ack) => return Err(Fault::Refused(refusal(ack.code))),
            _ => return Err(Fault::Malformed("a packet that only clients send".to_owned())),
        })
    }
}

fn written(result: Result<usize, Error>) -> Result<(), Fault> {
    result.map(drop).map_err(|e| Fault::Unsendable(e.to_string()))
}

fn answer(code: SubscribeReasonCode) -> Result<u8, &'static str> {
    match code {
        SubscribeReasonCode::Success(granted) => Ok(granted as u8),
        SubscribeReasonCode::Failure => Err("refused; MQTT 3.1.1 brokers do not say why"),
    }
}

/// A refused CONNECT in words (MQTT 3.1.1, table 3.1).
fn refusal(code: ConnectReturnCode) -> &'static str {
    match code {
        ConnectReturnCode::BadUserNamePassword => "bad user name or password",
        ConnectReturnCode::NotAuthorized => {
            "not authorised: check user name, password and client_id"
        }
        ConnectReturnCode::BadClientId => "it does not accept this client_id",
        ConnectReturnCode::RefusedProtocolVersion => "it does not speak MQTT 3.1.1",
        ConnectReturnCode::ServiceUnavailable => "it says that it is unavailable",
        ConnectReturnCode::Success => "no reason given",
    }
}
