//! The specification's suite, in every configuration: what `cargo xtask spec --config all` reports in detail.

use std::collections::BTreeSet;

use mj_tests::expectations::{CHECKED_IN, Expectations};
use mj_tests::suite::{self, IMPLEMENTED, SpecFile};

#[test]
fn the_suite_passes_in_every_configuration_but_for_the_listed_failures() {
    let files: Vec<SpecFile> = IMPLEMENTED.iter().flat_map(|suite| suite::files(suite).unwrap()).collect();
    let mut expectations = Expectations::parse(CHECKED_IN).unwrap();
    let (mut runs, mut wrong) = (BTreeSet::new(), Vec::new());
    for config in mj_wast::CONFIGS {
        let engine = suite::engine(config.name).unwrap();
        let mut passed = 0;
        for file in &files {
            let outcome = suite::run_file(&engine, file);
            passed += outcome.passed;
            runs.insert((config.name.to_owned(), file.path.clone()));
            for failure in outcome.failures {
                if !expectations.expects(config.name, &file.path, failure.line) {
                    wrong.push(format!("{}:{} in {}: {}", file.path, failure.line, config.name, failure.message));
                }
            }
            if file.path.starts_with("wasm-v2/") && outcome.skipped > 0 {
                wrong.push(format!("{} in {}: {} directives skipped", file.path, config.name, outcome.skipped));
            }
        }
        assert!(passed > 60_000, "only {passed} directives passed under {}", config.name);
    }
    wrong.extend(expectations.stale(&runs).into_iter().map(|line| format!("listed as a failure, but passes: {line}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
