//! Who is told, how, and where that may go.

use crate::air::place::{Language, Names};
use crate::config::secret::Secret;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// One webhook receiver.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Its id.
    pub id: String,
    /// What transcripts call it; its id if not given.
    pub name: Names,
    /// Where to. Chat services know us by a token in it, so that it is a secret.
    pub url: Secret,
    /// Signing keys of Standard Webhooks (`whsec_…`, `whsk_…`), each of which signs
    /// every notice; or the one signing secret of a robot (`dingtalk`, `feishu`).
    pub secrets: Vec<Secret>,
    /// The body's format.
    pub format: BodyFormat,
    /// From whom to whom, if it is e-mail.
    pub mail: Option<Mail>,
    /// The language of its texts.
    pub language: Language,
    /// Kinds of events it wants.
    pub events: Vec<EventKind>,
    /// Zones it wants, with those that they are made of; `None`: all.
    pub zones: Option<Vec<String>>,
    /// How long one attempt may take. Default 10s.
    pub timeout: Duration,
    /// Whether exercises of the hotline never reach it. Default false.
    pub real_only: bool,
    /// Who is told instead if it cannot be reached.
    pub fallback: Option<Fallback>,
}

/// The addresses of e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The sender: an address, or `Name <address>`.
    pub from: String,
    /// Those to whom it goes, in one message; at least one.
    pub to: Vec<String>,
    /// User name and password for the server, if it wants them.
    pub login: Option<(String, Secret)>,
}

/// Who stands in for a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// The other receiver's id.
    pub receiver: String,
    /// Failed attempts of one notice after which the other is told as well.
    /// Default 3; at the latest when the notice is dead.
    pub after: u32,
}

/// One-time links in notices of the hotline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// Where people reach the server: `https://hotline.example`.
    pub public_url: String,
    /// How long a link can be used. Default 24h.
    pub valid: Duration,
    /// The receivers on the ladder of each party: they alone get links to act for it.
    pub ladders: BTreeMap<String, BTreeSet<String>>,
}

impl Links {
    /// Whether a receiver may be given the means to act for a party.
    pub fn may_hold(&self, receiver: &str, party: &str) -> bool {
        self.ladders.get(party).is_some_and(|ladder| ladder.contains(receiver))
    }
}

/// The format of a webhook body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyFormat {
    /// Dustline JSON in a CloudEvents 1.0 envelope.
    #[default]
    Dustline,
    /// Common Alerting Protocol 1.2.
    Cap,
    /// Alerts for the API v2 of Prometheus' Alertmanager.
    Alertmanager,
    /// Incoming webhook of Slack.
    Slack,
    /// Robot of Feishu (Lark).
    Feishu,
    /// Robot of DingTalk.
    Dingtalk,
    /// Robot of WeCom.
    Wecom,
    /// Webhook of Discord.
    Discord,
    /// E-mail by SMTP.
    Email,
}

impl BodyFormat {
    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            BodyFormat::Dustline => "dustline",
            BodyFormat::Cap => "cap",
            BodyFormat::Alertmanager => "alertmanager",
            BodyFormat::Slack => "slack",
            BodyFormat::Feishu => "feishu",
            BodyFormat::Dingtalk => "dingtalk",
            BodyFormat::Wecom => "wecom",
            BodyFormat::Discord => "discord",
            BodyFormat::Email => "email",
        }
    }
}

/// A kind of event that a receiver can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A level moved.
    Change,
    /// A hotline case moved.
    Incident,
    /// The operation itself needs attention.
    Operational,
}

/// Outgoing requests of `deliver`.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The waits between attempts; the last one ends in a dead letter.
    /// Default: 0s, 5s, 30s, 2m, 10m, 1h, 3h, 6h, 12h, 24h, 24h (about three days).
    pub schedule: Vec<Duration>,
    /// Attempts under way at once over all receivers. Default 64.
    pub parallel: usize,
}

impl Default for Delivery {
    fn default() -> Delivery {
        let hours = |n: u64| n * 3_600;
        let seconds =
            [0, 5, 30, 120, 600, hours(1), hours(3), hours(6), hours(12), hours(24), hours(24)];
        Delivery { schedule: seconds.map(Duration::from_secs).to_vec(), parallel: 64 }
    }
}

/// Which hosts `deliver` may connect to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// Only these; empty, the default: all. Addresses of the machine's own
    /// surroundings (link-local, metadata of clouds) only if a network here has them.
    pub allow: Vec<Allowed>,
}

/// What may be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// A host by its name, in lower case.
    Host(String),
    /// Every host below a domain, in lower case.
    Below(String),
    /// Addresses that begin with so many bits of this one.
    Network(std::net::IpAddr, u8),
}
