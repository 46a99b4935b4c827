//! Random bytes become a valid module that ends, touches only small memories and makes no NaN whose bits are the engine's choice.

use arbitrary::Unstructured;
use wasm_smith::Config;

/// How often the functions of a module may enter a function or a loop, all together.
const STEPS: u32 = 1000;
const PAGE: u64 = 1 << 16;

/// What a module may import; [`crate::host`] says what it does.
const IMPORTS: &str = r#"(module
    (import "host" "mix" (func (param i32 i64 f32 f64) (result i64)))
    (import "host" "pair" (func (param i32) (result f64 i32)))
    (import "host" "many" (func (param i64 f64 i32 f32 i64 f64 i64 i64 i64 i32 f64 i64 i64) (result f32)))
    (import "host" "fail" (func (param i64) (result i32)))
    (import "host" "pass" (func (param externref i32) (result externref))))"#;

/// The module that these bytes stand for; `None` if they are too few.
#[must_use]
pub fn module(bytes: &[u8]) -> Option<Vec<u8>> {
    let (&choices, bytes) = bytes.split_first()?;
    let mut module = wasm_smith::Module::new(config(choices), &mut Unstructured::new(bytes)).ok()?;
    module.ensure_termination(STEPS).ok()?;
    Some(module.to_bytes())
}

/// Each bit of `choices` favours another kind of module: one that runs far before it traps, much integer code, long functions, deep nesting.
fn config(choices: u8) -> Config {
    let chosen = |bit: u8| choices >> bit & 1 == 1;
    Config {
        disallow_traps: chosen(0),
        allow_floats: !(chosen(1) && chosen(2)),
        max_instructions: if chosen(3) { 2000 } else { 200 },
        max_nesting_depth: if chosen(4) { 40 } else { 8 },
        available_imports: Some(wat::parse_str(IMPORTS).expect("well formed")),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    #[test]
    fn most_bytes_become_modules_and_the_same_bytes_the_same_module() {
        let made: Vec<_> = (0..20).filter_map(|seed| module(&Random::new(seed).bytes(2048))).collect();
        assert!(made.len() >= 15, "only {} of 20 became modules", made.len());
        assert_eq!(module(&Random::new(0).bytes(2048)), module(&Random::new(0).bytes(2048)));
    }
}
