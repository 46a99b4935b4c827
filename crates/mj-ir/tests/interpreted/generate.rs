//! Modules without imports that end, and arguments for them.

use arbitrary::Unstructured;
use mj_decode::ValType;
use wasm_smith::Config;

use crate::machine::canonical;

/// Numbers that look random and are the same every time (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

/// The module of this seed; none if it makes none.
pub fn module(seed: u64) -> Option<Vec<u8>> {
    let mut random = Random(seed);
    let choices = random.next();
    let chosen = |bit: u32| choices >> bit & 1 == 1;
    let config = Config {
        disallow_traps: chosen(0),
        allow_floats: !(chosen(1) && chosen(2)),
        max_instructions: if chosen(3) { 2000 } else { 200 },
        max_nesting_depth: if chosen(4) { 40 } else { 8 },
        max_imports: 0,
        canonicalize_nans: true,
        export_everything: true,
        min_funcs: 1,
        max_funcs: 8,
        max_globals: 12,
        max_memories: 1,
        max_memory32_bytes: 3 << 16,
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
    };
    let bytes: Vec<u8> = (0..512).flat_map(|_| random.next().to_le_bytes()).collect();
    let mut module = wasm_smith::Module::new(config, &mut Unstructured::new(&bytes)).ok()?;
    module.ensure_termination(1000).ok()?;
    Some(module.to_bytes())
}

/// The arguments of call number `call`: few small numbers, limits, and anything; references are null.
pub fn arguments(types: &[ValType], call: u64) -> Vec<i64> {
    const WORDS: [u64; 12] = [0, 1, 2, 7, 64, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, u64::MAX, 1 << 63, u64::MAX >> 1];
    let mut random = Random(call);
    let mut argument = |&ty: &ValType| {
        let word = if random.next().is_multiple_of(3) { random.next() } else { WORDS[random.next() as usize % WORDS.len()] };
        let is_number = random.next().is_multiple_of(2);
        match ty {
            ValType::FuncRef | ValType::ExternRef => 0,
            ValType::F32 if is_number => i64::from((word as i32 as f32).to_bits()),
            ValType::F64 if is_number => (word as i64 as f64).to_bits() as i64,
            _ => canonical(ty, word),
        }
    };
    types.iter().map(&mut argument).collect()
}
