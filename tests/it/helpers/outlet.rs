//! Messages at QoS 1, many under way at once.

use dustline::mqtt::{Publisher, Target};
use tokio::task::JoinHandle;

/// Publishes; what it was given is accepted by the broker when it is finished.
pub struct Outlet {
    publisher: Publisher,
    sending: JoinHandle<()>,
}

impl Outlet {
    /// Connects to a broker of the test.
    pub async fn new(port: u16) -> Outlet {
        let target = Target {
            host: "127.0.0.1".to_owned(),
            port,
            tls: None,
            client_id: "publisher".to_owned(),
            username: None,
            password: None,
            qos: 1,
        };
        let (publisher, sending) = Publisher::connect(&target).await.unwrap();
        let sending = tokio::spawn(async move { sending.run().await.unwrap() });
        Outlet { publisher, sending }
    }

    /// Takes one message.
    pub async fn send(&self, topic: &str, payload: impl Into<Vec<u8>>) {
        self.publisher.publish(topic, payload.into()).await.unwrap();
    }

    /// How many the broker has accepted.
    pub fn accepted(&self) -> u64 {
        self.publisher.acknowledged()
    }

    /// Waits until the broker has accepted all, and says how many there were.
    pub async fn finish(self) -> u64 {
        let accepted = self.publisher.finish().await.unwrap();
        self.sending.await.unwrap();
        accepted
    }
}
