//! The command `mj`: runs, inspects and benchmarks WebAssembly programs.
//!
//! Flags and exit codes follow wasmtime's: a guest's own exit code passes through, a trap exits with 134, anything else that
//! goes wrong with 1 and a sentence that says what to do.

// Allowed in `precompiled` only.
#![deny(unsafe_code)]

mod bench;
mod compile;
mod digest;
mod disassembly;
mod failure;
mod groups;
mod guest;
mod host;
mod invoke;
mod module;
mod objdump;
mod operators;
mod options;
mod output;
mod precompiled;
mod run;
mod scripts;
mod snapshot;
mod values;
mod watchdog;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use failure::Failure;

/// Runs WebAssembly programs.
#[derive(Parser)]
#[command(name = "mj", version, about, max_term_width = 110, after_help = DEFAULT_COMMAND)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const DEFAULT_COMMAND: &str = "Without a command, `mj FILE ...` means `mj run FILE ...`.";

#[derive(Subcommand)]
enum Command {
    /// Runs a program
    Run(run::Arguments),
    /// Compiles a module ahead of time
    Compile(compile::Arguments),
    /// Runs a program's initialization and writes the program as it stands then, with the code that it generated
    Snapshot(snapshot::Arguments),
    /// Measures how long a program takes to compile, instantiate and run
    Bench(bench::Arguments),
    /// Shows a module's operators and machine code
    Objdump(objdump::Arguments),
    /// Runs WebAssembly test scripts
    Wast(scripts::Arguments),
    /// Prints a completion script for a shell
    Completion {
        /// The shell
        shell: Shell,
    },
}

fn main() -> ExitCode {
    match Arguments::try_parse_from(with_default_command(std::env::args_os().collect())) {
        Ok(arguments) => finish(execute(&arguments.command)),
        Err(error) => {
            // The help asked for goes to standard output, a complaint to standard error; a closed one is no news.
            let _ = error.print();
            let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            if is_help { ExitCode::SUCCESS } else { ExitCode::from(failure::OTHER) }
        }
    }
}

fn execute(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Run(arguments) => run::run(arguments),
        Command::Compile(arguments) => compile::run(arguments),
        Command::Snapshot(arguments) => snapshot::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Objdump(arguments) => objdump::run(arguments),
        Command::Wast(arguments) => scripts::run(arguments),
        Command::Completion { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "mj", &mut script);
            output::bytes(&script);
            Ok(())
        }
    }
}

/// `mj FILE` is `mj run FILE`: puts `run` in front unless the first argument is a command, or asks for help or version.
fn with_default_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    const OWN: &[&str] = &["help", "-h", "--help", "-V", "--version"];
    let first = arguments.get(1).and_then(|first| first.to_str());
    let command = Arguments::command();
    let is_own = |first: &str| OWN.contains(&first) || command.get_subcommands().any(|known| known.get_name() == first);
    if arguments.len() > 1 && !first.is_some_and(is_own) {
        arguments.insert(1, "run".into());
    }
    arguments
}

fn finish(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Exit(code)) => std::process::exit(code),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_default(arguments: &[&str]) -> Vec<String> {
        let arguments = with_default_command(arguments.iter().map(OsString::from).collect());
        arguments.into_iter().map(|argument| argument.into_string().unwrap()).collect()
    }

    #[test]
    fn the_command_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn run_is_the_default_command() {
        assert_eq!(with_default(&["mj", "x.wasm", "bench"]), ["mj", "run", "x.wasm", "bench"]);
        assert_eq!(with_default(&["mj", "--dir", ".", "x.wasm"]), ["mj", "run", "--dir", ".", "x.wasm"]);
        assert_eq!(with_default(&["mj", "bench", "x.wasm"]), ["mj", "bench", "x.wasm"]);
        assert_eq!(with_default(&["mj", "--version"]), ["mj", "--version"]);
        assert_eq!(with_default(&["mj"]), ["mj"]);
    }

    #[test]
    fn options_behind_the_file_belong_to_the_guest() {
        let parsed = Arguments::try_parse_from(["mj", "run", "x.wasm", "--dir", "-h", "--", "-W"]).unwrap();
        let Command::Run(run) = parsed.command else { panic!("a run was asked for") };
        assert_eq!(run.guest_arguments(), ["--dir", "-h", "--", "-W"]);
    }
}
