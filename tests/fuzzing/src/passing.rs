//! The SSA form interpreted as built, and with each simplification left out: the check of its own tests, on any bytes.

#[allow(dead_code, reason = "the tests of a crate are more than their checks")]
#[path = "../../../crates/mj-ir/tests/interpreted/main.rs"]
mod interpreted;

use crate::programs;

/// Generates a module, or a program as compilers make them, and interprets its functions before and after each simplification; returns whether the bytes were enough for a module.
///
/// # Panics
///
/// If two do different things, or something else than an interpreter written by others.
pub fn ir_passes(bytes: &[u8]) -> bool {
    let Some((&choices, rest)) = bytes.split_first() else { return false };
    let wasm = if choices % 2 == 0 { Some(programs::module_of_its_own(rest)) } else { interpreted::generate::module_of(choices, rest) };
    let Some(wasm) = wasm else { return false };
    interpreted::compare(&wasm);
    interpreted::compare_continuations(&wasm, &mut 0);
    true
}
