//! What a configuration means, for people and machines, without its secrets.

use crate::air::place::Language;
use crate::air::time::format_duration;
use crate::config::settings::{EventKind, Http, Influx, MqttVersion, Receiver, Source, Zone};
use crate::config::{Loaded, Own, Rulesets, Settings};
use crate::deliver;
use crate::rules::{Ruleset, Threshold};
use serde::Serialize;
use std::fmt;

/// The parts of a configuration that tell an operator what will happen.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    instance: String,
    data_dir: String,
    http: HttpSummary,
    sources: Vec<SourceSummary>,
    /// Those in use, and those of the operator.
    rulesets: Vec<RulesetSummary>,
    stations: usize,
    devices_in_stations: usize,
    zones: Vec<ZoneSummary>,
    thresholds: Vec<ThresholdSummary>,
    receivers: Vec<ReceiverSummary>,
    influxdb: Vec<InfluxSummary>,
}

#[derive(Debug, Serialize)]
struct HttpSummary {
    listen: String,
    base_url: String,
    /// Who may read: `this machine`, `everyone`, `bearers of a token`.
    readers: &'static str,
}

#[derive(Debug, Serialize)]
struct SourceSummary {
    name: String,
    url: String,
    client_id: String,
    username: Option<String>,
    version: &'static str,
    qos: u8,
    silent_after: String,
    subscribe: Vec<RouteSummary>,
}

#[derive(Debug, Serialize)]
struct RouteSummary {
    topic: String,
    format: String,
}

#[derive(Debug, Serialize)]
struct RulesetSummary {
    id: String,
    /// `built in`, or the file, and what it replaces.
    origin: String,
    versions: usize,
    /// How many cases were judged; all of them passed.
    cases: usize,
    /// Whether a zone names it.
    used: bool,
}

#[derive(Debug, Serialize)]
struct ZoneSummary {
    id: String,
    name: String,
    /// `None`: all.
    stations: Option<usize>,
    time_zone: String,
    /// Every version of each ruleset: `kr-air-alert@2018-07-01`.
    rulesets: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ThresholdSummary {
    id: String,
    criterion: String,
}

#[derive(Debug, Serialize)]
struct ReceiverSummary {
    id: String,
    /// Without its path, in which some services put a secret.
    host: String,
    format: &'static str,
    signed: bool,
    /// Of the Ed25519 keys that sign, for the receiver.
    public_keys: Vec<String>,
    language: Language,
    events: Vec<&'static str>,
    /// `None`: all.
    zones: Option<Vec<String>>,
}

#[derive(Debug, Serialize)]
struct InfluxSummary {
    name: String,
    url: String,
    org: String,
    bucket: String,
    token: bool,
}

impl Summary {
    /// The summary of a configuration.
    pub(super) fn of(loaded: &Loaded) -> Summary {
        let settings = &loaded.settings;
        Summary {
            instance: settings.instance.clone(),
            data_dir: settings.data_dir.display().to_string(),
            http: http(&settings.http),
            sources: settings.sources.iter().map(source).collect(),
            rulesets: rulesets(&loaded.rulesets, settings),
            stations: settings.stations.len(),
            devices_in_stations: settings.stations.iter().map(|s| s.devices.len()).sum(),
            zones: settings.zones.iter().map(|z| zone(z, settings)).collect(),
            thresholds: settings.thresholds.iter().map(threshold).collect(),
            receivers: settings.receivers.iter().map(receiver).collect(),
            influxdb: settings.influxdb.iter().map(influx).collect(),
        }
    }
}

fn http(http: &Http) -> HttpSummary {
    let readers = match (http.public, http.listen.ip().is_loopback()) {
        (true, _) => "everyone",
        (false, true) => "this machine",
        (false, false) => "bearers of a token",
    };
    HttpSummary { listen: http.listen.to_string(), base_url: http.base_url.clone(), readers }
}

fn source(source: &Source) -> SourceSummary {
    let scheme = if source.tls.is_some() { "mqtts" } else { "mqtt" };
    let host =
        if source.host.contains(':') { format!("[{}]", source.host) } else { source.host.clone() };
    let subscribe = source.routes.iter().map(|route| RouteSummary {
        topic: route.pattern.to_string(),
        format: route.format.name().to_owned(),
    });
    SourceSummary {
        name: source.name.clone(),
        url: format!("{scheme}://{host}:{}", source.port),
        client_id: source.client_id.clone(),
        username: source.username.clone(),
        version: match source.version {
            MqttVersion::V5 => "5",
            MqttVersion::V311 => "3.1.1",
        },
        qos: source.qos,
        silent_after: format_duration(source.silent_after),
        subscribe: subscribe.collect(),
    }
}

fn rulesets(known: &Rulesets, settings: &Settings) -> Vec<RulesetSummary> {
    let summary = |(id, versions): (&String, &Vec<Ruleset>)| {
        let own = known.own.get(id);
        let used = settings.rulesets.contains_key(id);
        (used || own.is_some()).then(|| RulesetSummary {
            id: id.clone(),
            origin: own.map_or_else(|| "built in".to_owned(), Own::in_words),
            versions: versions.len(),
            cases: known.cases.get(id).map_or(0, Vec::len),
            used,
        })
    };
    known.versions.iter().filter_map(summary).collect()
}

fn zone(zone: &Zone, settings: &Settings) -> ZoneSummary {
    let versions = zone.rulesets.iter().filter_map(|id| settings.rulesets.get(id)).flatten();
    ZoneSummary {
        id: zone.id.clone(),
        name: zone.name.text(Language::En).to_owned(),
        stations: zone.stations.as_ref().map(Vec::len),
        time_zone: zone.time_zone.iana_name().unwrap_or("UTC").to_owned(),
        rulesets: versions.map(Ruleset::reference).collect(),
    }
}

fn threshold(t: &Threshold) -> ThresholdSummary {
    let unit = t.quantity.unit_text();
    ThresholdSummary {
        id: t.id.clone(),
        criterion: format!(
            "{} at least {} {unit} in {} of the last {} readings; lifted below {} {unit}",
            t.quantity, t.at_least, t.readings, t.of, t.lift_below
        ),
    }
}

fn receiver(receiver: &Receiver) -> ReceiverSummary {
    let host = match receiver.url.reveal().split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.split(['/', '?']).next().unwrap_or_default();
            format!("{scheme}://{host}")
        }
        None => String::new(),
    };
    let events = receiver.events.iter().map(|kind| match kind {
        EventKind::Change => "change",
        EventKind::Incident => "incident",
        EventKind::Operational => "operational",
    });
    ReceiverSummary {
        id: receiver.id.clone(),
        host,
        format: receiver.format.name(),
        signed: !receiver.secrets.is_empty(),
        public_keys: receiver.secrets.iter().filter_map(deliver::sign::public_key).collect(),
        language: receiver.language,
        events: events.collect(),
        zones: receiver.zones.clone(),
    }
}

fn influx(influx: &Influx) -> InfluxSummary {
    InfluxSummary {
        name: influx.name.clone(),
        url: influx.url.clone(),
        org: influx.org.clone(),
        bucket: influx.bucket.clone(),
        token: influx.token.is_some(),
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "instance   {}, store in {}", self.instance, self.data_dir)?;
        writeln!(f, "http       {}, read by {}", self.http.listen, self.http.readers)?;
        for s in &self.sources {
            writeln!(
                f,
                "source     {}: {} as {}, MQTT {}, QoS {}",
                s.name, s.url, s.client_id, s.version, s.qos
            )?;
            for route in &s.subscribe {
                writeln!(f, "             {} as {}", route.topic, route.format)?;
            }
        }
        let devices = self.devices_in_stations;
        writeln!(f, "stations   {} with {devices} devices", self.stations)?;
        for r in &self.rulesets {
            let unused = if r.used { "" } else { "; no zone names it" };
            writeln!(
                f,
                "ruleset    {}: {}, {}, {}{unused}",
                r.id,
                r.origin,
                counted(r.versions, "version", "versions"),
                counted(r.cases, "case passes", "cases pass")
            )?;
        }
        for z in &self.zones {
            let stations = match z.stations {
                None => "all stations".to_owned(),
                Some(1) => "1 station".to_owned(),
                Some(n) => format!("{n} stations"),
            };
            let rules =
                if z.rulesets.is_empty() { "no rules".into() } else { z.rulesets.join(", ") };
            writeln!(f, "zone       {}: {stations}, {}, {rules}", z.id, z.time_zone)?;
        }
        for t in &self.thresholds {
            writeln!(f, "threshold  {}: {}", t.id, t.criterion)?;
        }
        for r in &self.receivers {
            let signed = match (r.signed, r.public_keys.as_slice()) {
                (false, _) => "unsigned".to_owned(),
                (true, []) => "signed".to_owned(),
                (true, keys) => format!("signed ({})", keys.join(" ")),
            };
            let zones = r.zones.as_ref().map_or("all zones".to_owned(), |z| z.join(" "));
            let events = r.events.join(" ");
            writeln!(
                f,
                "receiver   {}: {} as {}, {signed}, {}, {events}, {zones}",
                r.id, r.host, r.format, r.language
            )?;
        }
        for i in &self.influxdb {
            let token = if i.token { "with a token" } else { "without a token" };
            writeln!(f, "database   {}: {}, {}/{}, {token}", i.name, i.url, i.org, i.bucket)?;
        }
        Ok(())
    }
}

/// `1 version`, `2 versions`.
fn counted(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}
