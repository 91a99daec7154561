//! The command line: one file a subcommand. Results go to standard output,
//! everything else to standard error; what went wrong is an exit code.

pub mod backtest;
mod broker;
pub mod check;
mod daemon;
mod data;
mod decode;
mod demo;
mod exit;
pub mod export;
mod formats;
mod forward;
pub mod import;
pub mod incident;
pub mod ledger;
mod manual;
pub mod outbox;
pub mod quarantine;
mod replay;
pub mod rulesets;
mod run;
mod simulate;
mod sniff;
mod store;

pub use exit::{Code, Failure};

use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

/// Keeps every fine-dust reading, judges it by the official rules, and tells
/// both sides when the air turns dangerous.
#[derive(Debug, Parser)]
#[command(name = "dustline", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon.
    Run(run::Args),
    /// See everything at work: simulated days of haze in minutes, in this one process.
    Demo(demo::Args),
    /// Check a configuration: every fault at once, with its place.
    Check(check::Args),
    /// Judge data of the past by any rules: what would have been told.
    Backtest(backtest::Args),
    /// Write readings or hours as CSV, JSON lines or line protocol.
    Export(export::ExportArgs),
    /// Take readings of files in, while no daemon runs on the data.
    Import(import::ImportArgs),
    /// See how far databases are, send them a stretch of time once more.
    Forward(forward::ForwardArgs),
    /// Show that every message ended in exactly one place.
    Ledger(ledger::LedgerArgs),
    /// Look at what could not be read, read it again, or drop it.
    Quarantine(quarantine::QuarantineArgs),
    /// Look at the notices for receivers.
    Outbox(outbox::OutboxArgs),
    /// See the hotline's incidents, check their transcripts, act on them.
    Incident(incident::IncidentArgs),
    /// Look after the data: sizes, a check, a copy.
    Store(store::StoreArgs),
    /// Show the official rules that are built in.
    Rulesets(rulesets::Args),
    /// Show what messages can be read, and how.
    Formats(formats::Args),
    /// Show what one message means.
    Decode(decode::Args),
    /// Listen to a broker and write the subscriptions that read what it carries.
    Sniff(sniff::Args),
    /// Send what a synthetic network measures to a broker.
    Simulate(simulate::Args),
    /// Send the measurements of a file to a broker, as devices would have.
    Replay(replay::Args),
    /// Print completions for a shell.
    Completions(manual::CompletionsArgs),
    /// Print the manual page.
    Man,
}

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are not errors; broken pipes are not ours to report.
            let _ = e.print();
            return if e.use_stderr() { Code::Usage.into() } else { Code::Done.into() };
        }
    };
    let out = &mut std::io::stdout().lock();
    let done = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Demo(args) => demo::run(&args, out),
        Command::Check(args) => check::run(&args, out),
        Command::Backtest(args) => backtest::run(&args, out),
        Command::Export(args) => export::run(&args, out),
        Command::Import(args) => import::run(&args, out),
        Command::Forward(args) => forward::run(&args, out),
        Command::Ledger(args) => ledger::run(&args, out),
        Command::Quarantine(args) => quarantine::run(&args, out),
        Command::Outbox(args) => outbox::run(&args, out),
        Command::Incident(args) => incident::run(&args, out),
        Command::Store(args) => store::run(&args, out),
        Command::Rulesets(args) => rulesets::run(&args, out),
        Command::Formats(args) => formats::run(&args, out),
        Command::Decode(args) => decode::run(&args, out),
        Command::Sniff(args) => sniff::run(&args, out),
        Command::Simulate(args) => simulate::run(&args, out),
        Command::Replay(args) => replay::run(&args, out),
        Command::Completions(args) => manual::completions(&args, &mut Cli::command()),
        Command::Man => manual::man(Cli::command()),
    };
    match done {
        Ok(()) => Code::Done.into(),
        Err(failure) => failure.report(),
    }
}

/// Prepares what several commands share: TLS through one provider.
fn prepare_tls() {
    // An error says that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
