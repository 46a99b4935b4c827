//! `mj wast`: runs test scripts and says which of their assertions fail.

use std::fs;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::options::{EngineOptions, Settings};
use crate::output;

/// Which scripts to run, and how.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    engine: EngineOptions,
    /// The scripts
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// Runs scripts; any failed assertion is a failure.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut settings = Settings::default();
    arguments.engine.apply(&mut settings)?;
    let engine = settings.engine()?;
    let mut failed = 0;
    for file in &arguments.files {
        let text = fs::read_to_string(file).map_err(|error| Failure::other(format!("cannot read {}: {error}", file.display())))?;
        let outcome = mj_wast::run(&engine, &text, true);
        for failure in &outcome.failures {
            eprintln!("{}:{}: {}", file.display(), failure.line, failure.message);
        }
        failed += outcome.failures.len();
        let (passed, skipped) = (outcome.passed, outcome.skipped);
        let summary = format!("{}: {passed} passed, {} failed, {skipped} skipped", file.display(), outcome.failures.len());
        output::line(&summary);
    }
    if failed == 0 { Ok(()) } else { Err(Failure::other(format!("{failed} directive(s) failed"))) }
}
