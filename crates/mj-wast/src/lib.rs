//! Runs WebAssembly test scripts (`.wast`): the format of the specification's test suite.
//!
//! A script is a list of directives: modules to instantiate, calls to make, and assertions about both. [`run`] carries
//! them out in order in one store and says which failed. A failed directive does not stop the script.
//!
//! Invariant: every directive of a script is counted exactly once, as passed, failed or skipped.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod modes;
mod script;
mod spectest;
mod values;

use mj_jit::Engine;
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::{Wast, WastDirective};

pub use modes::{Axis, COUNT, MODES, WORDS, Word, config, numbered};
use script::{Script, Verdict};

/// How a script went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Directives that did what they should.
    pub passed: usize,
    /// Directives of kinds that this runner does not know how to carry out.
    pub skipped: usize,
    /// Directives that did something else, in the order of the script.
    pub failures: Vec<Failure>,
}

/// A directive that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Line of the directive in the script, from 1.
    pub line: usize,
    /// What was expected, and what happened.
    pub message: String,
}

/// Runs the script `text` in a fresh store of `engine`. `print` lets the script's `spectest.print` functions write to
/// standard output. A script that cannot be parsed is one failure.
#[must_use]
pub fn run(engine: &Engine, text: &str, print: bool) -> Outcome {
    let mut lexer = Lexer::new(text);
    // Names in the test suite contain such characters on purpose.
    lexer.allow_confusing_unicode(true);
    let unparsed = |error: wast::Error| {
        let (line, _) = error.span().linecol_in(text);
        Outcome { failures: vec![Failure { line: line + 1, message: error.message() }], ..Outcome::default() }
    };
    let buffer = match ParseBuffer::new_with_lexer(lexer) {
        Ok(buffer) => buffer,
        Err(error) => return unparsed(error),
    };
    match parser::parse::<Wast<'_>>(&buffer) {
        Ok(script) => run_directives(engine, text, script.directives, print),
        Err(error) => unparsed(error),
    }
}

fn run_directives(engine: &Engine, text: &str, directives: Vec<WastDirective<'_>>, print: bool) -> Outcome {
    let mut outcome = Outcome::default();
    let mut script = match Script::new(engine, print) {
        Ok(script) => script,
        Err(error) => {
            outcome.failures.push(Failure { line: 1, message: format!("cannot set up the host module `spectest`: {error:#}") });
            return outcome;
        }
    };
    for directive in directives {
        let (line, _) = directive.span().linecol_in(text);
        match script.directive(directive) {
            Verdict::Passed => outcome.passed += 1,
            Verdict::Skipped => outcome.skipped += 1,
            Verdict::Failed(message) => outcome.failures.push(Failure { line: line + 1, message }),
        }
    }
    outcome
}
