//! `dustline sniff`: listens to a broker, recognises formats, and writes the
//! subscriptions that read what it carries.
//!
//! ```text
//!  broker ─▶ traffic (topics, some bodies) ─▶ recognise (each topic: which format)
//!         ─▶ filters (topics into patterns) ─▶ report (what they would read of it)
//! ```
//!
//! Bodies are never printed, and levels of topics that look like keys are masked.

mod filters;
mod guess;
mod mask;
mod recognise;
mod report;
#[cfg(test)]
mod tests;
mod traffic;

use super::broker::{self, Broker};
use super::{Code, Failure, formats, run};
use crate::air::time::parse_duration;
use crate::clock::Clock;
use crate::config::settings::{MqttVersion, Source, Tls};
use crate::decode::TopicPattern;
use crate::quality::Policy;
use crate::{mqtt, telemetry};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use traffic::Traffic;

/// Arguments of `dustline sniff`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The broker: `mqtt://HOST[:PORT]`, or `mqtts://` with TLS.
    #[arg(long, value_name = "URL", value_parser = broker::parse)]
    broker: Broker,
    /// What to listen to. `#` leaves out topics that begin with `$`.
    #[arg(long, value_name = "FILTER", default_value = "#", value_parser = filter)]
    topic: String,
    /// How long to listen; Ctrl-C ends it early.
    #[arg(long = "for", value_name = "DURATION", default_value = "30s", value_parser = duration)]
    listen: Duration,
    /// User name at the broker.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// File with the password of that user.
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
}

/// Listens, then prints a `subscribe` block and what it would read.
///
/// # Errors
/// If the password cannot be read (64) or the broker is not reachable (69).
pub fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let source = source(args)?;
    let presets = formats::builtin()?;
    telemetry::init_quietly(None).map_err(|e| Failure::new(Code::Usage, e))?;
    super::prepare_tls();
    let mut traffic = Traffic::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let place = format!("{}:{}", source.host, source.port);
    eprintln!(
        "listening to {} at {place} for {} s; Ctrl-C ends it",
        args.topic,
        args.listen.as_secs()
    );
    let listened = runtime.block_on(async {
        let stop = run::stop_signal()?;
        let until = async {
            tokio::select! {
                () = stop => {}
                () = tokio::time::sleep(args.listen) => {}
            }
        };
        let filters = [args.topic.clone()];
        let heard = |m: mqtt::Heard| traffic.hear(&m.topic, &m.payload, m.retained);
        Ok::<_, Failure>(mqtt::listen(&source, &filters, until, heard).await)
    })?;
    listened.map_err(|why| Failure::new(Code::Unavailable, why))?;
    let received = Clock::system().now();
    let found = recognise::recognise(&traffic, presets, received);
    let report = report::Report::of(&traffic, filters::filters(&found), received)
        .map_err(|why| Failure::new(Code::Failed, why))?;
    report.write(&place, out)?;
    Ok(out.flush()?)
}

fn source(args: &Args) -> Result<Source, Failure> {
    let password = args.password_file.as_deref().map(broker::password).transpose()?;
    Ok(Source {
        name: "sniff".to_owned(),
        connections: 1,
        host: args.broker.host.clone(),
        port: args.broker.port,
        tls: args.broker.tls.then(Tls::default),
        client_id: format!("dustline-sniff-{}", std::process::id()),
        username: args.username.clone(),
        password,
        version: MqttVersion::V5,
        qos: 0,
        receive_maximum: 1_024,
        session_expiry: Duration::ZERO,
        keep_alive: Duration::from_secs(30),
        packet_max: (1 << 20) + 1_024,
        silent_after: Duration::ZERO,
        model: None,
        quality: Policy::default(),
        corrections: Vec::new(),
        routes: Vec::new(),
    })
}

fn filter(text: &str) -> Result<String, String> {
    TopicPattern::parse(text).map(|pattern| pattern.filter())
}

fn duration(text: &str) -> Result<Duration, String> {
    let given = parse_duration(text).filter(|d| *d > Duration::ZERO);
    given.ok_or_else(|| "not a duration such as 90s or 15m".to_owned())
}
