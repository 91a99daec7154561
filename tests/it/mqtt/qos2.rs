//! QoS 2 exchanges that a connection or a process did not live to end. A
//! scripted broker says exactly what is needed.

use super::rig::{Rig, source, v311};
use crate::helpers::soon;
use dustline::config::settings::{MqttVersion, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const CONNECT: u8 = 1;
const PUBREC: u8 = 5;
const PUBCOMP: u8 = 7;
const SUBSCRIBE: u8 = 8;

struct Broker {
    listener: TcpListener,
    version: MqttVersion,
}

impl Broker {
    async fn start(version: MqttVersion) -> (Broker, Rig) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let source = if version == MqttVersion::V5 { source(port) } else { v311(port) };
        (Broker { listener, version }, Rig::start(Source { qos: 2, ..source }))
    }

    /// Takes a connection, and grants the subscription if one is asked for.
    async fn take(&self, session_present: bool) -> TcpStream {
        let (mut stream, _) = soon("a connection", self.listener.accept()).await.unwrap();
        assert_eq!(packet(&mut stream).await.0, CONNECT);
        let v5 = self.version == MqttVersion::V5;
        let present = u8::from(session_present);
        let connack: &[u8] = if v5 { &[0x20, 3, present, 0, 0] } else { &[0x20, 2, present, 0] };
        stream.write_all(connack).await.unwrap();
        if !session_present {
            let (kind, body) = packet(&mut stream).await;
            assert_eq!(kind, SUBSCRIBE);
            let (high, low) = (body[0], body[1]);
            let suback: &[u8] =
                if v5 { &[0x90, 4, high, low, 0, 2] } else { &[0x90, 3, high, low, 2] };
            stream.write_all(suback).await.unwrap();
        }
        stream
    }

    async fn publish(&self, stream: &mut TcpStream, packet: u8) {
        let v5 = self.version == MqttVersion::V5;
        let message: &[u8] = if v5 {
            &[0x34, 7, 0, 1, b't', 0, packet, 0, b'm']
        } else {
            &[0x34, 6, 0, 1, b't', 0, packet, b'm']
        };
        stream.write_all(message).await.unwrap();
    }
}

/// The next packet: its type and body.
async fn packet(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    soon("a packet", stream.read_exact(&mut head)).await.unwrap();
    assert!(head[1] < 128, "longer than this broker reads");
    let mut body = vec![0; usize::from(head[1])];
    soon("its body", stream.read_exact(&mut body)).await.unwrap();
    (head[0] >> 4, body)
}

async fn release(stream: &mut TcpStream, id: u8) {
    stream.write_all(&[0x62, 2, 0, id]).await.unwrap();
    assert_eq!(packet(stream).await, (PUBCOMP, vec![0, id]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_broken_after_its_receipt_is_ended_on_the_next_connection() {
    for version in [MqttVersion::V5, MqttVersion::V311] {
        let (broker, mut rig) = Broker::start(version).await;
        let mut stream = broker.take(false).await;
        broker.publish(&mut stream, 9).await;
        let arrival = rig.arrival().await;
        rig.hand_back(&[arrival]).await;
        assert_eq!(packet(&mut stream).await, (PUBREC, vec![0, 9]));
        drop(stream);

        let mut stream = broker.take(true).await;
        release(&mut stream, 9).await;
        broker.publish(&mut stream, 10).await;
        rig.arrival().await;
        rig.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_of_an_earlier_process_is_ended_too() {
    for version in [MqttVersion::V5, MqttVersion::V311] {
        let (broker, mut rig) = Broker::start(version).await;
        let mut stream = broker.take(false).await;
        release(&mut stream, 77).await;
        broker.publish(&mut stream, 78).await;
        rig.arrival().await;
        rig.kill().await;
    }
}
