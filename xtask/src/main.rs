//! Tasks of the project's developers: `cargo xtask COMMAND`.

#![forbid(unsafe_code)]

mod bench;
mod fuzz;
mod instructions;
mod spec;
mod target;
mod watched;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks of mj's developers.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs the specification's test suite
    Spec(spec::Arguments),
    /// Measures programs in every tier, and beside other engines
    Bench(bench::Arguments),
    /// Runs the fuzz targets, and keeps what they find
    Fuzz(fuzz::Arguments),
    /// Counts the AArch64 instructions that programs execute, beside Cranelift's
    Instructions(instructions::Arguments),
    /// Runs tests under Miri: all that has `unsafe` and runs no machine code
    Miri(watched::Arguments),
    /// Runs tests under ThreadSanitizer: the runtime, and what modules do with threads
    Tsan(watched::Arguments),
    /// Runs files of the suite and reports in a form for programs: what `spec` starts
    #[command(hide = true)]
    SpecWorker(worker::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Spec(arguments) => spec::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Instructions(arguments) => instructions::run(&arguments),
        Task::Miri(arguments) => watched::miri(&arguments),
        Task::Tsan(arguments) => watched::tsan(&arguments),
        Task::SpecWorker(arguments) => worker::run(&arguments).map(|()| true),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
