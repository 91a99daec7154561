//! The command line: one file a subcommand. Results go to standard output,
//! everything else to standard error; what went wrong is an exit code.

pub mod check;
mod exit;
mod manual;
mod run;

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
    let done = match cli.command {
        Command::Run(args) => run::run(&args),
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
