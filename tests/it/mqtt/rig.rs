//! A subscriber with its ends in the test's hands.

use crate::helpers::soon;
use dustline::clock::Clock;
use dustline::config::settings::{MqttVersion, Source};
use dustline::flow::{
    self, Arrival, Command, Event, IntakeInbox, Receipt, SourceId, SourceState, ToIntake,
};
use dustline::mqtt::Subscriber;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// A source that talks to a broker of the test.
pub fn source(port: u16) -> Source {
    Source {
        name: "city".to_owned(),
        host: "127.0.0.1".to_owned(),
        port,
        tls: None,
        client_id: "dustline-test".to_owned(),
        username: None,
        password: None,
        version: MqttVersion::V5,
        connections: 1,
        qos: 1,
        receive_maximum: 1024,
        session_expiry: Duration::from_secs(3600),
        keep_alive: Duration::from_secs(30),
        packet_max: 1 << 20,
        silent_after: Duration::ZERO,
        model: None,
        quality: dustline::quality::Policy::default(),
        corrections: Vec::new(),
        routes: Vec::new(),
    }
}

pub fn v311(port: u16) -> Source {
    Source { version: MqttVersion::V311, ..source(port) }
}

pub struct Rig {
    pub to_intake: ToIntake,
    pub inbox: IntakeInbox,
    receipts: Option<mpsc::Sender<Vec<Receipt>>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Rig {
    /// Starts a subscriber to everything.
    pub fn start(source: Source) -> Rig {
        Rig::with_filters(source, &["#"], &[])
    }

    pub fn with_filters(source: Source, filters: &[&str], previous: &[&str]) -> Rig {
        let owned = |all: &[&str]| all.iter().map(|f| (*f).to_owned()).collect();
        let (to_intake, inbox) = flow::intake();
        let (receipts, receipts_rx) = flow::receipts();
        let (stop, stop_rx) = watch::channel(false);
        let subscriber = Subscriber {
            source: Arc::new(source),
            id: SourceId(0),
            lane: 0,
            filters: owned(filters),
            previous_filters: owned(previous),
            to_intake: to_intake.clone(),
            receipts: receipts_rx,
            clock: Clock::system(),
            stop: stop_rx,
        };
        let task = tokio::spawn(subscriber.run());
        Rig { to_intake, inbox, receipts: Some(receipts), stop, task }
    }

    /// Starts one and waits until it has subscribed.
    pub async fn up(source: Source) -> Rig {
        let mut rig = Rig::start(source);
        rig.wait_up().await;
        rig
    }

    pub async fn wait_up(&mut self) {
        while self.state().await != SourceState::Up {}
    }

    pub async fn command(&mut self) -> Command {
        match soon("a command", self.inbox.commands.recv()).await {
            Some(Event::Command(command)) => command,
            other => panic!("not a command: {other:?}"),
        }
    }

    pub async fn state(&mut self) -> SourceState {
        match self.command().await {
            Command::Source { state, .. } => state,
            other => panic!("not a state: {other:?}"),
        }
    }

    /// Waits for the reason of a lost connection.
    pub async fn down(&mut self) -> String {
        loop {
            if let SourceState::Down(why) = self.state().await {
                return why;
            }
        }
    }

    pub async fn arrival(&mut self) -> Arrival {
        loop {
            let waiting = soon("an arrival", self.inbox.arrivals.recv()).await;
            match waiting.map(|w| w.event) {
                Some(Event::Arrival(arrival)) => return arrival,
                Some(Event::NewSession { .. }) => {}
                other => panic!("not an arrival: {other:?}"),
            }
        }
    }

    pub async fn arrivals(&mut self, n: usize) -> Vec<Arrival> {
        let mut all = Vec::with_capacity(n);
        for _ in 0..n {
            all.push(self.arrival().await);
        }
        all
    }

    /// Hands receipts back, as the intake does after a commit.
    pub async fn hand_back(&self, arrivals: &[Arrival]) {
        let receipts = arrivals.iter().filter_map(|a| a.receipt).collect();
        self.receipts.as_ref().unwrap().send(receipts).await.unwrap();
    }

    pub fn say_stop(&self) {
        self.stop.send(true).unwrap();
    }

    /// Closes the receipts and waits for the end.
    pub async fn finish(mut self) {
        drop(self.receipts.take());
        soon("the subscriber's end", self.task).await.unwrap();
    }

    /// Ends the task where it stands, as `kill -9` of the daemon would.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

pub fn bodies(arrivals: &[Arrival]) -> Vec<String> {
    arrivals.iter().map(|a| String::from_utf8_lossy(&a.payload).into_owned()).collect()
}
