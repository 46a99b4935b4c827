//! Modes of mj against an interpreter.
//!
//! Each exported function is called a few times in an instance of its own; results, traps, what the host was given, and all exported memories,
//! tables and globals must agree, bit by bit. Where either runs out of stack, what follows is not compared: how much there is is each
//! engine's own business.

use std::fmt;

use mj_jit::{Config, Module};
use mj_wast::MODES;

use crate::observation::{Call, Run, Stop};
use crate::{Random, chains, generate, interpreter, operators, programs, subject};

/// Where two engines went different ways.
#[derive(Debug)]
pub struct Divergence {
    /// The mode of mj.
    pub mode: String,
    /// The exported function.
    pub function: String,
    /// What differs: interpreter first.
    pub difference: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} under `{}`: {}", self.function, self.mode, self.difference)
    }
}

impl std::error::Error for Divergence {}

/// How many modes [`differential`] tries for a module.
const TRIED: usize = 4;

/// Generates a module and compares it in modes that the bytes choose, of all there are; returns whether the bytes were enough for one.
///
/// # Panics
///
/// If engines disagree.
pub fn differential(bytes: &[u8]) -> bool {
    let Some((mut random, wasm)) = made(bytes) else { return false };
    let modes: Vec<String> = (0..TRIED).map(|_| mj_wast::numbered(random.below(mj_wast::COUNT))).collect();
    compare_under(&wasm, &modes).unwrap_or_else(|divergence| panic!("{divergence}"));
    true
}

/// The module that [`differential`] makes of bytes, and what chooses the rest. Every fourth consists of single operators at the limits of their operands or
/// of chains of integer operators, every second is a program as compilers make them.
pub fn made(bytes: &[u8]) -> Option<(Random, Vec<u8>)> {
    let (choices, rest) = bytes.split_first_chunk()?;
    let mut random = Random::new(u64::from_le_bytes(*choices));
    let wasm = match random.below(8) {
        0 => operators::module(&mut random),
        1 => chains::module(&mut random),
        2 | 3 => generate::module(rest)?,
        _ => programs::module(rest),
    };
    Some((random, wasm))
}

/// Runs a module everywhere.
///
/// # Errors
///
/// The first divergence.
///
/// # Panics
///
/// If the module uses what [`generate::module`] does not generate.
pub fn compare(wasm: &[u8]) -> Result<(), Divergence> {
    compare_under(wasm, MODES)
}

/// Runs a module in the interpreter, and in mj in these modes.
///
/// # Errors
///
/// The first divergence.
///
/// # Panics
///
/// If the module uses what [`generate::module`] does not generate, or there is no such mode.
pub fn compare_under(wasm: &[u8], modes: &[impl AsRef<str>]) -> Result<(), Divergence> {
    let config = |mode: &str| mj_wast::config(mode).unwrap_or_else(|| panic!("no mode is called {mode}"));
    compare_with(wasm, modes.iter().map(AsRef::as_ref).map(|mode| (mode, config(mode))))
}

/// Runs a module in the interpreter, and in mj in configurations with names.
///
/// # Errors
///
/// The first divergence.
///
/// # Panics
///
/// If the module uses what [`generate::module`] does not generate.
pub fn compare_with<'a>(wasm: &[u8], configurations: impl Iterator<Item = (&'a str, Config)>) -> Result<(), Divergence> {
    let reference = interpreter::compile(wasm);
    let mut expected: Option<Vec<(String, Run)>> = None;
    for (mode, config) in configurations {
        let diverges = |function: &str, difference| Divergence { mode: mode.to_owned(), function: function.to_owned(), difference };
        let module = Module::new(&subject::engine(&config), wasm).map_err(|error| diverges("the module", format!("refused: {error:#}")))?;
        let expected = expected.get_or_insert_with(|| {
            subject::functions(&module).into_iter().map(|name| (name.clone(), interpreter::run(&reference, &name))).collect()
        });
        for (name, expected) in expected {
            if let Some(difference) = difference(expected, &subject::run(&module, name)) {
                return Err(diverges(name, difference));
            }
        }
    }
    Ok(())
}

/// What differs first, if anything does before a stack ends.
pub fn difference(expected: &Run, found: &Run) -> Option<String> {
    match (expected, found) {
        (Err(Stop::Stack), _) | (_, Err(Stop::Stack)) => None,
        (Ok(expected), Ok(found)) => expected.iter().zip(found).enumerate().find_map(|(index, (expected, found))| {
            if expected.outcome == Err(Stop::Stack) || found.outcome == Err(Stop::Stack) {
                return Some(None);
            }
            Some(Some(format!("call {index}: {}", in_call(expected, found)?)))
        })?,
        (Err(expected), Err(found)) if expected == found => None,
        _ => {
            let shown = |run: &Run| run.as_ref().map_or_else(|stop| format!("{stop:?}"), |_| "success".to_owned());
            Some(format!("instantiation: expected {}, found {}", shown(expected), shown(found)))
        }
    }
}

fn in_call(expected: &Call, found: &Call) -> Option<String> {
    if expected.outcome != found.outcome {
        let shown = |call: &Call| match &call.outcome {
            Ok(values) => values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            Err(stop) => format!("{stop:?}"),
        };
        return Some(format!("expected [{}], found [{}]", shown(expected), shown(found)));
    }
    if expected.trace != found.trace {
        return Some("the host was given other arguments".to_owned());
    }
    expected.items.iter().find_map(|(name, expected)| {
        let found = found.items.iter().find(|(found, _)| found == name).map(|(_, item)| item);
        (found != Some(expected)).then(|| format!("export {name:?}: expected {expected:?}, found {found:?}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The difference between the exports `f` of two modules, the first interpreted.
    fn between(one: &str, other: &str) -> Option<String> {
        let engine = subject::engine(&mj_jit::Config::new());
        let other = Module::new(&engine, wat::parse_str(other).unwrap()).unwrap();
        difference(&interpreter::run(&interpreter::compile(&wat::parse_str(one).unwrap()), "f"), &subject::run(&other, "f"))
    }

    #[test]
    fn everything_that_can_be_seen_is_compared() {
        let guest = |code: &str| {
            format!(
                r#"(module (import "host" "fail" (func $fail (param i64) (result i32)))
                    (memory (export "m") 1) (table (export "t") 2 funcref) (global $g (export "g") (mut f64) (f64.const 0)) (elem func $f)
                    (func $f (export "f") (param f32 externref) (result i32) {code}))"#
            )
        };
        let traps = ["unreachable", "i32.const 0 i32.const 0 i32.div_u", "i32.const -1 i32.load", "i32.const 1 call_indirect i32.const 0"];
        let results = ["i32.const 1", "i32.const 2", "local.get 0 i32.reinterpret_f32", "local.get 1 ref.is_null"];
        let effects = [
            "i32.const 9 i32.const 1 i32.store8 i32.const 1",
            "i32.const 1 memory.grow",
            "f64.const -0 global.set $g i32.const 1",
            "i32.const 0 ref.func $f table.set i32.const 1",
            "i64.const 3 call $fail",
            "i64.const 4 call $fail drop i32.const 1",
            "i64.const 8 call $fail drop i32.const 1",
        ];
        let all: Vec<&str> = [&traps[..], &results, &effects].concat();
        for one in &all {
            for other in &all {
                let found = between(&guest(one), &guest(other));
                assert_eq!(found.is_some(), one != other, "{one} beside {other}: {found:?}");
            }
        }
    }

    #[test]
    fn what_follows_the_end_of_the_stack_is_not_compared() {
        let endless = r#"(module (func $f (export "f") (call $f)))"#;
        assert_eq!(between(endless, r#"(module (func (export "f") unreachable))"#), None);
    }
}
