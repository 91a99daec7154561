//! What the demo plays: devices, places, settings, and when its time begins.

use super::Args;
use crate::air::{Hour, Stamp};
use crate::cli::{Code, Failure};
use crate::config::{self, Environment, Machine, Settings};
use crate::simulate::{City, Device, network};
use crate::store::Reader;
use crate::web::Span;
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The configuration, with places to fill in.
const CONFIG: &str = include_str!("../../../config/demo.toml");
/// How many devices there are; the configuration names their stations.
const DEVICES: usize = 60;
/// How often each of them sends, by the clock of the demo.
pub const EVERY: Duration = Duration::from_secs(300);
/// 2026-01-12T00:00:00Z: the haze begins six hours later.
pub const BEGAN: Stamp = Stamp(1_768_176_000_000);
/// The demo begins this much later: after some calm hours, not too many.
const SKIPPED: Duration = Duration::from_secs(5 * 3600);
/// Real time that late data get: enough for a machine that is busy.
const GRACE: Duration = Duration::from_secs(2);
/// … and at least so much by the clock of the demo.
const GRACE_MIN: Duration = Duration::from_secs(600);

/// What is played.
#[derive(Debug)]
pub struct Plan {
    /// Where the store lies.
    pub data_dir: PathBuf,
    /// Where the page shall be.
    pub listen: SocketAddr,
    /// How many times as fast as usual time goes by.
    pub speed: f64,
    /// How long to play, by the machine's clock.
    pub length: Option<Duration>,
    /// The devices.
    pub network: Vec<Device>,
    /// What the demo's clock shows when it starts.
    pub start: Stamp,
    /// Messages that an earlier run has left in the store.
    pub received_before: u64,
}

impl Plan {
    /// Plans a run on a data directory; an earlier one is gone on with.
    pub fn new(args: &Args, data_dir: &Path) -> Plan {
        let (last, received_before) = left(data_dir).unwrap_or_default();
        Plan {
            data_dir: data_dir.to_owned(),
            listen: args.listen,
            speed: args.speed,
            length: args.length,
            network: network(DEVICES, args.seed, None),
            start: BEGAN.plus(SKIPPED).max(last.hour().next().start()),
            received_before,
        }
    }

    /// The settings of the daemon: where its page is, and the ports of the parts
    /// around it.
    pub fn settings(
        &self,
        listen: SocketAddr,
        broker: u16,
        receiver: SocketAddr,
    ) -> Result<Settings, Failure> {
        let grace = GRACE.mul_f64(self.speed).max(GRACE_MIN);
        let text = CONFIG
            .replace("@SPEED@", &self.speed.to_string())
            .replace("@DATA_DIR@", &escaped(&self.data_dir.to_string_lossy()))
            .replace("@LISTEN@", &listen.to_string())
            .replace("@BROKER@", &broker.to_string())
            .replace("@RECEIVER@", &receiver.to_string())
            .replace("@GRACE@", &format!("{}s", grace.as_secs()));
        let places = Places { stations: stations(&self.network) };
        let loaded = config::parse(&text, "config/demo.toml", &self.data_dir, &places);
        loaded.map(|l| l.settings).map_err(|refused| Failure::new(Code::Failed, refused))
    }
}

/// Text as it is written between the quotes of TOML.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// The address with a port that is free at the moment.
pub fn another(address: SocketAddr) -> io::Result<SocketAddr> {
    TcpListener::bind(SocketAddr::new(address.ip(), 0))?.local_addr()
}

/// The time of the last message that an earlier run has left, and how many there
/// are; `None` for a new store. What is wrong with one is said when it is opened
/// to be written.
fn left(data_dir: &Path) -> Option<(Stamp, u64)> {
    let mut reader = Reader::open(data_dir).ok()?;
    let index = reader.index().ok()?;
    let sum = Span::new(&index, None, None).sum(&reader).ok()?;
    Some((index.received, sum.messages.received))
}

/// The machine, with a list of stations that lies nowhere.
struct Places {
    stations: String,
}

impl Environment for Places {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match path.ends_with("stations.csv") {
            true => Ok(self.stations.clone().into_bytes()),
            false => Machine.read(path),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        Machine.list(dir)
    }

    fn variable(&self, name: &str) -> Option<String> {
        Machine.variable(name)
    }

    fn readable_by_all(&self, path: &Path) -> bool {
        Machine.readable_by_all(path)
    }
}

/// A station for every device, numbered by city.
fn stations(network: &[Device]) -> String {
    let mut counts: HashMap<City, usize> = HashMap::new();
    let mut csv = "id,name_ko,name_zh,name_en,lat,lon,devices\n".to_owned();
    for device in network {
        let n = counts.entry(device.city).or_default();
        *n += 1;
        let (ko, zh, en) = names(device.city);
        let (city, lat, lon) = (device.city.id(), device.lat, device.lon);
        csv += &format!("{city}-{n},{ko} {n},{zh}{n},{en} {n},{lat},{lon},{}\n", device.id);
    }
    csv
}

fn names(city: City) -> (&'static str, &'static str, &'static str) {
    match city {
        City::Seoul => ("서울", "首尔", "Seoul"),
        City::Incheon => ("인천", "仁川", "Incheon"),
        City::Beijing => ("베이징", "北京", "Beijing"),
        City::Tianjin => ("톈진", "天津", "Tianjin"),
        City::Jinan => ("지난", "济南", "Jinan"),
        City::Qingdao => ("칭다오", "青岛", "Qingdao"),
    }
}

/// The hour of the episode, counted from its beginning.
pub fn episode_hour(now: Stamp) -> i64 {
    let Hour(hour) = now.hour();
    i64::from(hour - BEGAN.hour().0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn plan(dir: &Path) -> Plan {
        let args = Args {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            speed: 1600.0,
            length: None,
            data_dir: None,
            seed: 7,
        };
        Plan::new(&args, dir)
    }

    #[test]
    fn every_station_belongs_to_one_zone_and_has_one_device() {
        let dir = tempfile::tempdir().unwrap();
        let plan = plan(dir.path());
        let receiver = SocketAddr::from(([127, 0, 0, 1], 9));
        let settings = plan.settings(plan.listen, 1883, receiver).unwrap();
        let stations: HashSet<_> = settings.stations.iter().map(|s| s.id.clone()).collect();
        let zoned: Vec<_> =
            settings.zones.iter().flat_map(|z| z.stations.clone().unwrap()).collect();
        assert_eq!((zoned.len(), stations.len()), (DEVICES, DEVICES));
        assert_eq!(zoned.into_iter().collect::<HashSet<_>>(), stations);
        assert!(settings.stations.iter().all(|s| s.devices.len() == 1 && s.lat.is_some()));
        assert_eq!(settings.judgement.grace, Duration::from_secs(3200));
    }

    #[test]
    fn the_demo_begins_within_the_calm_hours_of_the_episode() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(BEGAN.to_string(), "2026-01-12T00:00:00Z");
        assert_eq!(episode_hour(plan(dir.path()).start), 5);
    }
}
