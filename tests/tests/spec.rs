//! The specification's suite, in every configuration: what `cargo xtask spec --config all` reports in detail.

use std::collections::BTreeSet;
use std::thread;

use mj_tests::expectations::{CHECKED_IN, Expectations};
use mj_tests::suite::{self, IMPLEMENTED, SpecFile};
use mj_wast::Outcome;

#[test]
fn the_suite_passes_in_every_mode_but_for_the_listed_failures() {
    let files: Vec<SpecFile> = IMPLEMENTED.iter().flat_map(|suite| suite::files(suite).unwrap()).collect();
    let results: Vec<(&str, Vec<Outcome>)> = thread::scope(|scope| {
        let start = |&mode: &&'static str| (mode, scope.spawn(|| run_all(mode, &files)));
        let threads: Vec<_> = mj_wast::MODES.iter().map(start).collect();
        threads.into_iter().map(|(name, thread)| (name, thread.join().unwrap())).collect()
    });
    let mut expectations = Expectations::parse(CHECKED_IN).unwrap();
    let (mut runs, mut wrong) = (BTreeSet::new(), Vec::new());
    for (config, outcomes) in results {
        let passed: usize = outcomes.iter().map(|outcome| outcome.passed).sum();
        assert!(passed > 60_000, "only {passed} directives passed in {config}");
        for (file, outcome) in files.iter().zip(outcomes) {
            runs.insert((config.to_owned(), file.path.clone()));
            for failure in outcome.failures {
                if !expectations.expects(config, &file.path, failure.line) {
                    wrong.push(format!("{}:{} in {config}: {}", file.path, failure.line, failure.message));
                }
            }
            if file.path.starts_with("wasm-v2/") && outcome.skipped > 0 {
                wrong.push(format!("{} in {config}: {} directives skipped", file.path, outcome.skipped));
            }
        }
    }
    wrong.extend(expectations.stale(&runs).into_iter().map(|line| format!("listed as a failure, but passes: {line}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn run_all(config: &str, files: &[SpecFile]) -> Vec<Outcome> {
    let engine = suite::engine(config).unwrap();
    files.iter().map(|file| suite::run_file(&engine, file)).collect()
}
