//! Modules without imports that end, and arguments for them.

use mj_decode::ValType;
use mj_generating::{Config, Random, limits, word};

use super::machine::canonical;

/// The module of this seed; none if it makes none.
pub fn module(seed: u64) -> Option<Vec<u8>> {
    let mut random = Random::new(seed);
    let choices = random.next() as u8;
    module_of(choices, &random.bytes(4096))
}

/// The module that these bytes stand for, of the kind that `choices` says.
pub fn module_of(choices: u8, bytes: &[u8]) -> Option<Vec<u8>> {
    mj_generating::module(Config { max_imports: 0, max_memories: 1, ..limits(choices) }, bytes)
}

/// The arguments of call number `call`; references are null.
pub fn arguments(types: &[ValType], call: u64) -> Vec<i64> {
    let mut random = Random::new(call);
    let mut argument = |&ty: &ValType| {
        let (word, is_number) = (word(&mut random), random.below(2) == 0);
        match ty {
            ValType::FuncRef | ValType::ExternRef => 0,
            ValType::F32 if is_number => i64::from((word as i32 as f32).to_bits()),
            ValType::F64 if is_number => (word as i64 as f64).to_bits() as i64,
            _ => canonical(ty, word),
        }
    };
    types.iter().map(&mut argument).collect()
}
