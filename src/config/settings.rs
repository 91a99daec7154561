//! The settings as meant: resolved, defaulted, with units in their types.

mod disk;
mod keep;
mod tell;

pub use disk::DiskBounds;
pub use keep::{Influx, Keep, Ledger, Quarantine, ReadBack};
pub use tell::{
    Allowed, BodyFormat, Delivery, EventKind, Fallback, Links, Mail, Outgoing, Receiver,
};

use super::secret::Secret;
use super::templates::Templates;
use crate::air::Names;
use crate::decode::{ForecastZone, Route};
use crate::flow::Lane;
use crate::hotline;
use crate::quality;
use crate::rules::judge::PlannedZone;
use crate::rules::{Ruleset, Threshold, neighbours};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Everything the daemon is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Names this installation in notices: `dustline://<instance>`. Default: `local`.
    pub instance: String,
    /// Where the store lies.
    pub data_dir: PathBuf,
    /// How much room the disk must have.
    pub disk: DiskBounds,
    /// The HTTP server.
    pub http: Http,
    /// Brokers; a source's place here is its `SourceId`.
    pub sources: Vec<Source>,
    /// Stations by the operator. A device that no station names is its own station.
    pub stations: Vec<Station>,
    /// Zones, each judged as a whole.
    pub zones: Vec<Zone>,
    /// The same zones as forecasts need to know them.
    pub forecast_zones: Arc<[ForecastZone]>,
    /// Files of forecasts that are looked at again and again.
    pub forecast_files: Vec<ForecastFile>,
    /// How often our own forecast is issued; `None`, the default: never.
    pub own_forecast: Option<Duration>,
    /// Zones that decide together.
    pub couplings: Vec<Coupling>,
    /// Immediate thresholds, judged per station.
    pub thresholds: Vec<Threshold>,
    /// Every ruleset a zone names, by id.
    pub rulesets: BTreeMap<String, Vec<Ruleset>>,
    /// Webhook receivers.
    pub receivers: Vec<Receiver>,
    /// Databases that get a copy.
    pub influxdb: Vec<Influx>,
    /// How long what is stored stays as it is.
    pub store: Keeping,
    /// How hours are closed and judged.
    pub judgement: Judgement,
    /// How readings are believed, unless their source says otherwise.
    pub quality: quality::Policy,
    /// How the stations of a zone are compared with each other, if they are.
    pub neighbours: Option<neighbours::Bounds>,
    /// The daily statements of the ledger.
    pub ledger: Ledger,
    /// How much may be set aside.
    pub quarantine: Quarantine,
    /// Outgoing requests of `deliver`.
    pub delivery: Delivery,
    /// Where they may go.
    pub outgoing: Outgoing,
    /// The operator's own texts. Default: none, the built-in ones are told.
    pub templates: Templates,
    /// The hotline between parties, if there is one.
    pub hotline: Option<hotline::Plan>,
    /// The one-time links with which its parties act, if there are any.
    pub links: Option<Links>,
    /// The tokens with which parties act, by their ids.
    pub party_tokens: BTreeMap<String, Secret>,
    /// The form of the log: `text` or `json`.
    pub log_json: bool,
}

/// The HTTP server.
#[derive(Debug, Clone)]
pub struct Http {
    /// Where to listen. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// Whether reading needs no token although the address is not loopback. Default false.
    pub public: bool,
    /// Token that may read everywhere and act as operator.
    pub operator_token: Option<Secret>,
    /// The address under which people reach the server, for links in notices.
    /// Default: `http://<listen>`.
    pub base_url: String,
}

impl Default for Http {
    fn default() -> Http {
        let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
        Http { listen, public: false, operator_token: None, base_url: format!("http://{listen}") }
    }
}

impl Settings {
    /// The names of the databases that get a copy.
    pub fn target_names(&self) -> Vec<String> {
        self.influxdb.iter().map(|t| t.name.clone()).collect()
    }

    /// Where the key lies that signs the statements of the ledger.
    pub fn statement_key(&self) -> PathBuf {
        self.ledger.key_file.clone().unwrap_or_else(|| self.data_dir.join("statement.key"))
    }
}

/// One broker with its subscriptions.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name in labels, the ledger and the API.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// Port. Default 1883, or 8883 with TLS.
    pub port: u16,
    /// TLS, if the URL is `mqtts://`.
    pub tls: Option<Tls>,
    /// Stable client identifier: the session survives restarts under it.
    pub client_id: String,
    /// User name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// MQTT 5 (default) or 3.1.1.
    pub version: MqttVersion,
    /// How many connections share its messages, 1 to 16. Default 1.
    pub connections: u8,
    /// QoS asked for in subscriptions. Default 1.
    pub qos: u8,
    /// In-flight window asked of the broker (MQTT 5 only). Default 1024.
    pub receive_maximum: u16,
    /// How long the broker keeps the session while we are away (MQTT 5). Default 7d.
    pub session_expiry: Duration,
    /// Keep alive. Default 30s.
    pub keep_alive: Duration,
    /// Largest packet accepted, bytes. Default 1 MiB plus 1 KiB.
    pub packet_max: u32,
    /// A source quiet for this long raises an operational alert. Default 10m; zero: never.
    pub silent_after: Duration,
    /// The kind of particle sensor that its devices have, if they have one.
    pub model: Option<quality::Model>,
    /// How its readings are believed.
    pub quality: quality::Policy,
    /// Corrected values that are made beside the raw ones. Default: none.
    pub corrections: Vec<quality::Correction>,
    /// What it subscribes to, and how each is decoded; the first match counts.
    pub routes: Vec<Route>,
}

impl Source {
    /// The MQTT filters of its routes. With several connections those that are not
    /// shared already become shared subscriptions, of a group named like the client.
    pub fn filters(&self) -> Vec<String> {
        let group = share_name(&self.client_id);
        let shared = |filter: String| match filter.starts_with("$share/") {
            false if self.connections > 1 => format!("$share/{group}/{filter}"),
            _ => filter,
        };
        self.routes.iter().map(|r| shared(r.pattern.filter())).collect()
    }

    /// The client identifier of one of its connections: that of the source itself,
    /// then with `-2`, `-3` behind it.
    pub fn client_id_of(&self, lane: Lane) -> String {
        numbered(&self.client_id, '-', lane)
    }

    /// The name of one of its connections in the log: `city`, `city/2`, `city/3`.
    pub fn name_of(&self, lane: Lane) -> String {
        numbered(&self.name, '/', lane)
    }
}

/// A client identifier as the name of a group that shares subscriptions
/// (MQTT 5, 4.8.2: without `/`, `+` and `#`).
pub fn share_name(client_id: &str) -> String {
    client_id.replace(['/', '+', '#'], "-")
}

fn numbered(name: &str, mark: char, lane: Lane) -> String {
    match lane {
        0 => name.to_owned(),
        _ => format!("{name}{mark}{}", u16::from(lane) + 1),
    }
}

/// The protocol spoken with a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MqttVersion {
    /// MQTT 5.
    V5,
    /// MQTT 3.1.1.
    V311,
}

/// TLS towards a broker.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// PEM file of the authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM files of our own certificate and key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// A place with coordinates and its devices.
#[derive(Debug, Clone, PartialEq)]
pub struct Station {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Names,
    /// Latitude, WGS 84 degrees.
    pub lat: Option<f64>,
    /// Longitude, WGS 84 degrees.
    pub lon: Option<f64>,
    /// The devices that stand there.
    pub devices: Vec<String>,
    /// The kind of particle sensor they have; `None`: as their source says.
    pub model: Option<quality::Model>,
}

/// A set of stations that a rule judges together.
#[derive(Debug, Clone)]
pub struct Zone {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Names,
    /// ISO 3166-1 alpha-2 code, if given.
    pub country: Option<String>,
    /// The zone in which its people tell time.
    pub time_zone: jiff::tz::TimeZone,
    /// Its stations, with those of the zones it is made of; `None`: all, also
    /// those that only appear later.
    pub stations: Option<Vec<String>>,
    /// The zones it is made of.
    pub zones: Vec<String>,
    /// Share of its stations that must have a valid hour. Default 0.5.
    pub min_valid_share: f64,
    /// Ids of the rulesets that judge it.
    pub rulesets: Vec<String>,
    /// Issuers whose forecasts count, the preferred one first; `None`: all but
    /// the daemon's own.
    pub forecasts_from: Option<Vec<String>>,
    /// Its outline for CAP: corners as latitude and longitude (WGS 84 degrees), the
    /// last the same as the first. Empty: not told.
    pub polygon: Vec<[f64; 2]>,
}

impl Zone {
    /// What the judge needs to know of it.
    pub fn planned(&self) -> PlannedZone {
        PlannedZone {
            id: self.id.clone(),
            name: self.name.clone(),
            stations: self.stations.clone(),
            min_valid_share: self.min_valid_share,
            rulesets: self.rulesets.clone(),
            time_zone: self.time_zone.clone(),
            forecasts_from: self.forecasts_from.clone(),
        }
    }
}

/// Zones that decide together.
#[derive(Debug, Clone, PartialEq)]
pub struct Coupling {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Names,
    /// Ids of its zones.
    pub zones: Vec<String>,
    /// In how many of them a level must be met.
    pub at_least: u32,
}

impl Coupling {
    /// As the judge needs it.
    pub fn planned(&self) -> crate::rules::judge::Coupling {
        let (id, zones) = (self.id.clone(), self.zones.clone());
        crate::rules::judge::Coupling { id, zones, at_least: self.at_least }
    }
}

/// A file of forecasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForecastFile {
    /// Where it lies.
    pub path: PathBuf,
    /// How often it is looked at. Default 1m.
    pub every: Duration,
}

/// How hours are closed and judged.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// An hour closes when every station of a zone has reported this much past
    /// its end. Default 1m.
    pub lateness: Duration,
    /// … or when our clock is this much past its end. Default 10m.
    pub grace: Duration,
    /// How long one reading stands for its surroundings in the coverage of an
    /// hour. Default 10m; official hourly data want 1h.
    pub reading_covers: Duration,
    /// Share of an hour that must be covered for its mean to be valid. Default 0.75
    /// (Directive 2008/50/EC annex VII; GB 3095-2012 table 4: 45 min).
    pub min_coverage: f64,
    /// How long a zone may be unknown before it is an operational alert. Default 3h.
    pub unknown_after: Duration,
    /// How far back a late reading still changes a judgement. Default 72h.
    pub revise_within: Duration,
    /// Whether a level that turns out differently because of late data for
    /// hours before the last is told to receivers of changes. Default false.
    pub notify_late: bool,
}

impl Default for Judgement {
    fn default() -> Judgement {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Judgement {
            lateness: minutes(1),
            grace: minutes(10),
            reading_covers: minutes(10),
            min_coverage: 0.75,
            unknown_after: minutes(3 * 60),
            revise_within: minutes(72 * 60),
            notify_late: false,
        }
    }
}

/// How long what is stored stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeping {
    /// Rows of the journal are sealed this long after they came in. Zero: never.
    pub seal_after: Duration,
    /// What is dropped, and when.
    pub keep: Keep,
}

impl Default for Keeping {
    fn default() -> Keeping {
        Keeping { seal_after: Duration::from_secs(48 * 3_600), keep: Keep::default() }
    }
}
