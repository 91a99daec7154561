//! `dustline replay`: measurements of a file, sent to a broker as devices would.

use super::simulate::{Connection, failure, send_until_stopped};
use super::{Code, Failure, run};
use crate::backtest::{Data, TimeLabel};
use crate::simulate::{Measurement, replay};
use crate::telemetry;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;

/// Arguments of `dustline replay`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// A file in a layout that `dustline backtest` reads, gzip or not: one message
    /// for each time and station, in the order of the file, with the file's own times.
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// So many seconds of data in one; without it, as fast as the broker takes them,
    /// which may be faster than it keeps them for a subscriber.
    #[arg(long, value_name = "N", value_parser = super::simulate::rate)]
    speed: Option<f64>,
    /// What is sent: topics air/replay/STATION with device, time and quantities.
    #[arg(long, value_name = "F", default_value = "json", value_parser = ["json"])]
    format: String,
}

/// Sends until the end of the file or an interrupt.
///
/// # Errors
/// If the file cannot be opened (64) or read (65), the broker is not reachable
/// (69), or messages were lost (1).
pub fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let measurements = read(&args.data)?;
    let target = args.connection.target("replay")?;
    telemetry::init_quietly(None).map_err(|e| Failure::new(Code::Usage, e))?;
    super::prepare_tls();
    let handed = AtomicU64::new(0);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let sent = runtime.block_on(async {
        let stop = run::stop_signal()?;
        let sending = async |told| {
            replay(&measurements, &target, args.speed, told, &handed).await.map_err(failure)
        };
        send_until_stopped(stop, &target, sending).await
    })?;
    writeln!(out, "sent {sent} {} messages to {}:{}", args.format, target.host, target.port)?;
    Ok(())
}

fn read(path: &PathBuf) -> Result<Vec<Measurement>, Failure> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|e| Failure::new(Code::Usage, format!("{name}: {e}")))?;
    let mut data = Data::new();
    // Times stay as they are written.
    data.read(file, &name, TimeLabel::Start).map_err(|e| Failure::new(Code::Data, e))?;
    let mut all: Vec<Measurement> = Vec::new();
    for (at, device, quantity, value) in data.values() {
        match all.last_mut().filter(|m| m.at == at && m.device == device) {
            Some(m) if m.values.iter().all(|(q, _)| *q != quantity) => {
                m.values.push((quantity, value));
            }
            _ => all.push(Measurement {
                at,
                device: device.to_owned(),
                values: vec![(quantity, value)],
            }),
        }
    }
    if all.is_empty() {
        return Err(Failure::new(Code::Data, format!("{name}: no measurement in it")));
    }
    Ok(all)
}
