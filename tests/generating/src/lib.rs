//! Random numbers and modules that are the same every time: what tests of several crates are made from.

#![forbid(unsafe_code)]

mod random;

use arbitrary::Unstructured;
pub use random::{Random, mix};
pub use wasm_smith::Config;

/// How often the functions of a module may enter a function or a loop, all together.
const STEPS: u32 = 1000;
const PAGE: u64 = 1 << 16;

/// The limits of modules that are to be run: they touch only small memories and tables, and make no NaN whose bits are the engine's choice. Each bit
/// of `choices` favours another kind of module: one that runs far before it traps, much integer code, long functions, deep nesting.
#[must_use]
pub fn limits(choices: u8) -> Config {
    let chosen = |bit: u8| choices >> bit & 1 == 1;
    Config {
        disallow_traps: chosen(0),
        allow_floats: !(chosen(1) && chosen(2)),
        max_instructions: if chosen(3) { 2000 } else { 200 },
        max_nesting_depth: if chosen(4) { 40 } else { 8 },
        canonicalize_nans: true,
        export_everything: true,
        min_funcs: 1,
        max_funcs: 8,
        max_globals: 12,
        max_memory32_bytes: 3 * PAGE,
        memory_max_size_required: true,
        max_table_elements: 100,
        max_tables: 3,
        table_max_size_required: true,
        max_type_size: 100,
        max_values: 20,
        compact_imports_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        relaxed_simd_enabled: false,
        simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    }
}

/// A module within `limits` that these bytes stand for, and that ends whatever is called; `None` if they are too few.
#[must_use]
pub fn module(limits: Config, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut module = wasm_smith::Module::new(limits, &mut Unstructured::new(bytes)).ok()?;
    module.ensure_termination(STEPS).ok()?;
    Some(module.to_bytes())
}

/// An argument's 64 bits: few small numbers, limits, and anything.
pub fn word(random: &mut Random) -> u64 {
    const WORDS: [u64; 12] = [0, 1, 2, 7, 64, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, u64::MAX, 1 << 63, u64::MAX >> 1];
    match random.below(3) {
        0 => random.next(),
        _ => random.pick(&WORDS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_bytes_become_modules_and_the_same_bytes_the_same_module() {
        let of = |seed: u64| module(limits(seed as u8), &Random::new(seed).bytes(2048));
        let made = (0..20).filter_map(of).count();
        assert!(made >= 15, "only {made} of 20 became modules");
        assert_eq!(of(0), of(0));
    }
}
