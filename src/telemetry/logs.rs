//! Log lines on standard error.

use std::fs::File;
use std::io::IsTerminal;
use std::sync::Mutex;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// The variables that set the level, the first one that is there wins.
const VARIABLES: [&str; 2] = ["DUSTLINE_LOG", "RUST_LOG"];

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level cannot be read.
    #[error(
        "{variable}={found:?}: not a log level; use off, error, warn, info, debug or trace, or pairs such as dustline=debug,rumqttc=info"
    )]
    Level {
        /// The environment variable.
        variable: &'static str,
        /// Its value.
        found: String,
    },
    /// Something else in the process has taken the place already.
    #[error("logging was started twice")]
    Twice,
}

/// Starts logging to standard error, once in a process: as text, or as one JSON
/// object a line. The level comes from `DUSTLINE_LOG`, else `RUST_LOG`, else it
/// is `info`. Colours only on a terminal, and not if `NO_COLOR` is set.
pub fn init(json: bool) -> Result<(), LogError> {
    let targets = level(LevelFilter::INFO)?;
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let format = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(!json && !no_color && std::io::stderr().is_terminal());
    start(if json { format.json().flatten_event(true).boxed() } else { format.boxed() }, targets)
}

/// Starts logging for commands whose output is something else: as text, from
/// warnings on unless the variables say otherwise, to standard error or into a
/// file. The embedded broker, to whom a client that leaves is an error, is silent.
pub fn init_quietly(file: Option<File>) -> Result<(), LogError> {
    let targets = level(LevelFilter::WARN)?.with_target("rumqttd", LevelFilter::OFF);
    let format = tracing_subscriber::fmt::layer().with_ansi(false);
    match file {
        Some(file) => start(format.with_writer(Mutex::new(file)).boxed(), targets),
        None => start(format.with_writer(std::io::stderr).boxed(), targets),
    }
}

fn start(layer: Box<dyn Layer<Registry> + Send + Sync>, targets: Targets) -> Result<(), LogError> {
    let all = tracing_subscriber::registry().with(layer.with_filter(targets));
    all.try_init().map_err(|_| LogError::Twice)
}

/// What the variables ask for, or the usual.
fn level(usual: LevelFilter) -> Result<Targets, LogError> {
    let found = VARIABLES
        .into_iter()
        .find_map(|v| std::env::var(v).ok().filter(|text| !text.is_empty()).map(|text| (v, text)));
    match found {
        None => Ok(quiet_libraries(usual)),
        Some((variable, found)) => targets(&found).ok_or(LogError::Level { variable, found }),
    }
}

/// A bare level is of Dustline itself; its libraries then only warn, except at
/// `trace`. With pairs of target and level everything is as written.
fn targets(text: &str) -> Option<Targets> {
    let text = text.trim();
    if text.contains(['=', ',']) {
        return text.parse().ok();
    }
    text.parse::<LevelFilter>().ok().map(quiet_libraries)
}

fn quiet_libraries(level: LevelFilter) -> Targets {
    let others = if level == LevelFilter::TRACE { level } else { level.min(LevelFilter::WARN) };
    Targets::new().with_default(others).with_target("dustline", level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn a_bare_level_is_of_dustline_and_keeps_libraries_quiet() {
        let t = targets("debug").unwrap();
        assert!(t.would_enable("dustline::intake", &Level::DEBUG));
        assert!(!t.would_enable("rumqttc", &Level::INFO));
        assert!(t.would_enable("rumqttc", &Level::WARN));
        let off = targets("off").unwrap();
        assert!(!off.would_enable("rumqttc", &Level::ERROR));
    }

    #[test]
    fn pairs_are_taken_as_written_and_nonsense_is_refused() {
        let t = targets("warn,dustline::mqtt=trace").unwrap();
        assert!(t.would_enable("dustline::mqtt", &Level::TRACE));
        assert!(!t.would_enable("dustline::web", &Level::INFO));
        assert!(targets("loud").is_none());
        assert!(targets("dustline=loud").is_none());
    }
}
