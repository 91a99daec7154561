//! `dustline demo`: everything at work in one process.
//!
//! ```text
//!  world (its own thread, async)                              here
//!  feed, bulletins, mishaps ─▶ embedded broker ─▶ the daemon ─▶ store ─▶ view ─▶ screen or lines
//!                                      ▲   └─▶ receiver ─▶ stage ─┘
//!                                      └─ officers ◀────────┘
//! ```
//!
//! The daemon is the ordinary one on an ordinary configuration
//! (`config/demo.toml`), only its clock runs fast. What is shown is read from
//! its store, as any other program could, and from what its receiver was told.

mod beat;
mod bulletins;
mod data_dir;
mod lines;
mod mishaps;
mod officers;
mod paint;
mod plan;
mod screen;
mod stage;
mod story;
mod summary;
mod view;
mod world;

use super::{Code, Failure};
use crate::air::time::parse_duration;
use crate::telemetry;
use data_dir::DataDir;
use plan::Plan;
use stage::Stage;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use summary::Ending;
use view::View;

/// How often what is shown is renewed.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// Arguments of `dustline demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address and port of the page and the API.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// How many times as fast as usual time goes by; at 1600, four days take 3.6 minutes.
    #[arg(long, value_name = "N", default_value_t = 1600.0, value_parser = speed)]
    speed: f64,
    /// End after so much real time: 90s, 5m. Without it, Ctrl-C ends it.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    length: Option<Duration>,
    /// Keep the data here and go on from what is there; otherwise nothing is kept.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The same seed gives the same devices.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

/// Runs the demo until its time is over or an interrupt comes.
///
/// # Errors
/// If a part cannot start or ends by itself, or if the ledger at the end does
/// not hold exactly what was sent.
pub fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let started = Instant::now();
    let dir = DataDir::new(args.data_dir.as_deref())?;
    let live = std::io::stdout().is_terminal();
    // Log lines would tear the picture.
    let log = if live { Some(File::create(dir.path().join("demo.log"))?) } else { None };
    telemetry::init_quietly(log).map_err(|e| Failure::new(Code::Usage, e))?;
    super::prepare_tls();
    let plan = Plan::new(args, dir.path());
    let stage = Stage::new();
    let sent = std::thread::scope(|scope| {
        let world = scope.spawn(|| world::run(&plan, &stage));
        let shown = show(&plan, &stage, live, out);
        let broke = |_| Failure::new(Code::Failed, "the demo broke off; see above");
        let sent = world.join().map_err(broke)??;
        shown.map(|()| sent)
    })?;
    let ending = Ending { sent, took: started.elapsed(), kept: dir.kept() };
    summary::print(&plan, &stage, &ending, out)
}

/// Shows what happens until the world has ended.
fn show(plan: &Plan, stage: &Stage, live: bool, out: &mut impl Write) -> Result<(), Failure> {
    let _stop = stage.stop_when_dropped();
    let Some(scene) = stage.scene() else { return Ok(()) };
    let mut view = View::open(plan, &scene)?;
    if live {
        let mut screen = screen::Screen::open(out, colours())?;
        while stage.wait(DRAW_EVERY) {
            view.refresh(&scene)?;
            screen.draw(plan, &scene, &view, stage)?;
        }
        return Ok(());
    }
    let mut lines = lines::Lines::new(out);
    lines.opening(plan, &scene)?;
    loop {
        let goes_on = stage.wait(DRAW_EVERY);
        view.refresh(&scene)?;
        lines.write(&scene, &view, stage)?;
        if !goes_on {
            return Ok(());
        }
    }
}

/// See <https://no-color.org>.
fn colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

fn speed(text: &str) -> Result<f64, String> {
    let given = text.parse().ok().filter(|n: &f64| (1.0..=100_000.0).contains(n));
    given.ok_or_else(|| "not a number from 1 to 100000".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let given = parse_duration(text).filter(|d| *d > Duration::ZERO);
    given.ok_or_else(|| "not a duration such as 90s or 5m".to_owned())
}
