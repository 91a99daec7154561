//! `dustline simulate`: a synthetic network that sends to a real broker.

use super::broker::{self, Broker};
use super::{Code, Failure, run};
use crate::air::Stamp;
use crate::air::time::parse_duration;
use crate::clock::Clock;
use crate::config::settings::Tls;
use crate::mqtt::{PublishError, Target};
use crate::simulate::{Episode, Feed, Format, Pace, network};
use crate::telemetry;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// An episode begins at a midnight UTC.
const DAY_MS: i64 = 86_400_000;
/// After an interrupt, the broker may take so long for its last acknowledgements.
const FINISH_MAX: Duration = Duration::from_secs(5);
/// How often the progress is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(250);

/// Arguments of `dustline simulate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// How many devices.
    #[arg(long, value_name = "N", default_value_t = 60,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    devices: u32,
    /// How often each device sends: 250ms, 90s, 15m.
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = interval)]
    every: Duration,
    /// How many devices send in a second, one after the other: a load.
    #[arg(long, value_name = "N", conflicts_with = "every", value_parser = rate)]
    rate: Option<f64>,
    /// Stop after so many messages; without it, run until Ctrl-C.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// The same seed gives the same devices and the same numbers.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// What the devices send; a mixture if not given.
    #[arg(long, value_name = "F", value_parser = format_named())]
    format: Option<Format>,
    /// What happens to the air over four days from the last midnight UTC.
    #[arg(long, value_name = "NAME", default_value = Episode::Haze.name(), value_parser = episode_named())]
    episode: Episode,
}

/// The broker to send to.
#[derive(Debug, clap::Args)]
pub(super) struct Connection {
    /// The broker: `mqtt://HOST[:PORT]`, or `mqtts://` with TLS.
    #[arg(long, value_name = "URL", value_parser = broker::parse)]
    broker: Broker,
    /// Quality of service: 0, 1 or 2.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u8).range(0..=2))]
    qos: u8,
    /// User name at the broker.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// File with the password of that user.
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
}

/// Sends until the count is reached or an interrupt comes.
///
/// # Errors
/// If the password cannot be read (64), the broker is not reachable (69), or
/// messages were lost (1).
pub fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let target = args.connection.target("simulate")?;
    telemetry::init_quietly(None).map_err(|e| Failure::new(Code::Usage, e))?;
    super::prepare_tls();
    let feed = feed(args, Clock::system());
    let handed = AtomicU64::new(0);
    let started = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let sent = runtime.block_on(async {
        let stop = run::stop_signal()?;
        let sending = async |told| feed.run_counting(&target, told, &handed).await.map_err(failure);
        tokio::select! {
            sent = send_until_stopped(stop, &target, sending) => sent,
            never = progress(&handed, started) => never,
        }
    });
    clear_progress();
    let (sent, took) = (sent?, started.elapsed());
    writeln!(
        out,
        "sent {sent} messages of {} devices in {:.1} s ({:.0}/s) to {}:{}",
        args.devices,
        took.as_secs_f64(),
        sent as f64 / took.as_secs_f64().max(1e-3),
        target.host,
        target.port,
    )?;
    Ok(())
}

/// Sends until told to stop, and not much longer.
pub(super) async fn send_until_stopped<S>(
    stop: impl Future<Output = ()>,
    target: &Target,
    sending: impl FnOnce(tokio::sync::futures::OwnedNotified) -> S,
) -> Result<u64, Failure>
where
    S: Future<Output = Result<u64, Failure>>,
{
    let told = std::sync::Arc::new(tokio::sync::Notify::new());
    let overdue = async {
        stop.await;
        told.notify_one();
        tokio::time::sleep(FINISH_MAX).await;
    };
    tokio::select! {
        sent = sending(told.clone().notified_owned()) => sent,
        () = overdue => {
            let words = format!(
                "{}:{} has not acknowledged everything within {} s; some messages may be lost",
                target.host, target.port, FINISH_MAX.as_secs()
            );
            Err(Failure::new(Code::Unavailable, words))
        }
    }
}

pub(super) fn failure(e: PublishError) -> Failure {
    let code = match e {
        PublishError::Unreachable { .. } => Code::Unavailable,
        PublishError::Forgotten { .. } | PublishError::Stopped => Code::Failed,
    };
    Failure::new(code, e)
}

/// Draws how far it is, on a terminal only.
async fn progress(handed: &AtomicU64, started: Instant) -> Result<u64, Failure> {
    if !std::io::stderr().is_terminal() {
        return std::future::pending().await;
    }
    let (mut before, mut then) = (0, started);
    loop {
        tokio::time::sleep(DRAW_EVERY).await;
        let (now, count) = (Instant::now(), handed.load(Ordering::Relaxed));
        let rate = (count - before) as f64 / (now - then).as_secs_f64();
        eprint!("\r\x1b[K{count} messages, {rate:.0}/s, Ctrl-C ends");
        (before, then) = (count, now);
    }
}

fn clear_progress() {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
}

fn feed(args: &Args, clock: Clock) -> Feed {
    let now = clock.now();
    Feed {
        network: network(args.devices as usize, args.seed, args.format),
        episode: args.episode,
        began: Stamp(now.0 - now.0.rem_euclid(DAY_MS)),
        pace: args.rate.map_or(Pace::Every(args.every), Pace::Rate),
        count: args.count,
        clock,
    }
}

impl Connection {
    /// Where to send, under the name of a command.
    pub(super) fn target(&self, command: &str) -> Result<Target, Failure> {
        Ok(Target {
            host: self.broker.host.clone(),
            port: self.broker.port,
            tls: self.broker.tls.then(Tls::default),
            client_id: format!("dustline-{command}-{}", std::process::id()),
            username: self.username.clone(),
            password: self.password_file.as_deref().map(broker::password).transpose()?,
            qos: self.qos,
        })
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let given = parse_duration(text).filter(|d| *d > Duration::ZERO);
    given.ok_or_else(|| "not a duration such as 250ms, 90s or 15m".to_owned())
}

pub(super) fn rate(text: &str) -> Result<f64, String> {
    let given = text.parse().ok().filter(|r: &f64| r.is_finite() && *r > 0.0);
    given.ok_or_else(|| "not a number above zero".to_owned())
}

fn format_named() -> impl TypedValueParser<Value = Format> {
    let names = PossibleValuesParser::new(Format::ALL.map(Format::name));
    names.map(|name| Format::from_name(&name).unwrap_or(Format::Json))
}

fn episode_named() -> impl TypedValueParser<Value = Episode> {
    let names = PossibleValuesParser::new(Episode::ALL.map(Episode::name));
    names.map(|name| Episode::from_name(&name).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_and_rates_are_above_zero() {
        assert_eq!(interval("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(rate("0.5"), Ok(0.5));
        assert!(["0s", "1", "-1s", ""].iter().all(|t| interval(t).is_err()));
        assert!(["0", "-1", "inf", "NaN", "x"].iter().all(|t| rate(t).is_err()));
    }
}
