//! The command `dustline`.

use std::process::ExitCode;

fn main() -> ExitCode {
    dustline::cli::main()
}
