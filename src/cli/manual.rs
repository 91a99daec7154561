//! `dustline completions` and `dustline man`: both made from the definition of
//! the command line itself.

use super::Failure;
use std::io::Write;

/// Arguments of `dustline completions`.
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell.
    shell: clap_complete::Shell,
}

/// Prints completions.
pub fn completions(args: &CompletionsArgs, command: &mut clap::Command) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, command, "dustline", &mut text);
    Ok(std::io::stdout().write_all(&text)?)
}

/// Prints the manual page: the program, then each subcommand.
pub fn man(command: clap::Command) -> Result<(), Failure> {
    let mut text = Vec::new();
    let subcommands: Vec<clap::Command> = command.get_subcommands().cloned().collect();
    clap_mangen::Man::new(command).render(&mut text)?;
    for subcommand in subcommands {
        let title = format!("dustline-{}", subcommand.get_name());
        clap_mangen::Man::new(subcommand).title(title).render(&mut text)?;
    }
    Ok(std::io::stdout().write_all(&text)?)
}
