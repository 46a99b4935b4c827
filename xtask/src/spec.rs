//! `cargo xtask spec`: the specification suite under some or all configurations, a line a file, judged against the list of
//! known failures in `tests/spec-expectations.txt`.
//!
//! Succeeds only if every failure is listed and every listed place fails.

use std::collections::BTreeSet;
use std::time::Instant;

use mj_tests::expectations::{CHECKED_IN, Expectations};
use mj_tests::suite;
use mj_wast::{MODES, Outcome, WORDS};

use crate::target::Machine;
use crate::worker;

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run in this mode, a combination of the listed words; may be repeated, `all` means each that is listed (default: eager)
    #[arg(long, value_name = "NAME")]
    config: Vec<String>,
    /// Run this suite; may be repeated (default: every suite whose language is implemented)
    #[arg(long, value_name = "NAME")]
    suite: Vec<String>,
    /// Run on this processor, emulated: aarch64
    #[arg(long, value_name = "ARCH")]
    target: Option<String>,
    /// Print the failures that are expected, too
    #[arg(long)]
    verbose: bool,
    /// List the modes, their words, and the suites
    #[arg(long)]
    list: bool,
    /// Run only files whose path contains one of these
    filter: Vec<String>,
}

#[derive(Default)]
struct Total {
    passed: usize,
    skipped: usize,
    known: usize,
    failed: usize,
}

/// Runs the suites and prints the table. `Ok(false)`: something is not as expected.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, String> {
    if arguments.list {
        list();
        return Ok(true);
    }
    let files = selected_files(arguments)?;
    let machine = arguments.target.as_deref().map_or_else(Machine::host, Machine::named)?;
    let mut expectations = Expectations::parse(CHECKED_IN)?;
    let mut runs = BTreeSet::new();
    let mut good = true;
    for config in selected_configs(&arguments.config)? {
        let began = Instant::now();
        let mut total = Total::default();
        println!("configuration {config}: {} files", files.len());
        worker::run_files(&machine, config, &files, |file, outcome| {
            runs.insert((config.to_owned(), file.to_owned()));
            judge(&mut expectations, config, file, &outcome, arguments.verbose, &mut total);
        })?;
        let Total { passed, skipped, known, failed } = total;
        let seconds = began.elapsed().as_secs_f32();
        println!("total {config}: {passed} passed, {failed} failed, {known} known failures, {skipped} skipped, {seconds:.1} s\n");
        good &= failed == 0;
    }
    for line in expectations.stale(&runs) {
        println!("listed as a failure, but passes: {line} (remove it from tests/spec-expectations.txt)");
        good = false;
    }
    Ok(good)
}

fn judge(list: &mut Expectations, config: &str, file: &str, outcome: &Outcome, verbose: bool, total: &mut Total) {
    let mut lines = Vec::new();
    let (mut known, mut failed) = (0, 0);
    for failure in &outcome.failures {
        let expected = list.expects(config, file, failure.line);
        *(if expected { &mut known } else { &mut failed }) += 1;
        if !expected || verbose {
            let known = if expected { " (known)" } else { "" };
            lines.push(format!("    {file}:{}: {}{known}", failure.line, shortened(&failure.message)));
        }
    }
    let (passed, skipped) = (outcome.passed, outcome.skipped);
    println!("{file:60} {passed:5} passed {:5} failed {skipped:5} skipped", outcome.failures.len());
    for line in lines {
        println!("{line}");
    }
    total.passed += passed;
    total.skipped += skipped;
    total.known += known;
    total.failed += failed;
}

fn shortened(message: &str) -> String {
    const LONGEST: usize = 300;
    match message.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} ...", &message[..end]),
        None => message.to_owned(),
    }
}

fn selected_files(arguments: &Arguments) -> Result<Vec<String>, String> {
    let named: Vec<&str> = arguments.suite.iter().map(String::as_str).collect();
    let suites = if named.is_empty() { suite::IMPLEMENTED } else { &named };
    let mut paths = Vec::new();
    for suite in suites {
        paths.extend(suite::files(suite)?.into_iter().map(|file| file.path));
    }
    if !arguments.filter.is_empty() {
        paths.retain(|path| arguments.filter.iter().any(|part| path.contains(part.as_str())));
    }
    if paths.is_empty() { Err("no file of the suites matches".to_owned()) } else { Ok(paths) }
}

fn selected_configs(named: &[String]) -> Result<Vec<&str>, String> {
    if named.is_empty() {
        return Ok(vec![MODES[0]]);
    }
    if named.iter().any(|name| name == "all") {
        return Ok(MODES.to_vec());
    }
    for name in named {
        suite::engine(name)?;
    }
    Ok(named.iter().map(String::as_str).collect())
}

fn list() {
    println!("words, one of each kind, joined by `-`:");
    for word in WORDS {
        println!("    {:16} {:13} {}", word.name, format!("{:?}", word.axis), word.purpose);
    }
    println!("modes that `all` stands for:\n    {}", MODES.join("\n    "));
    println!("suites run by default:\n    {}", suite::IMPLEMENTED.join("\n    "));
}
