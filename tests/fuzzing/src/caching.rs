//! Damaged artefacts: nothing is run that is not what was written.

use mj_jit::{Config, Engine, Module, Strategy};

use crate::generate;

/// Compiles a generated module ahead of time, damages the artefact where the first bytes say, and asks an engine to take it; returns whether the bytes
/// were enough for a module.
///
/// # Panics
///
/// If damage goes unnoticed, or what is whole is refused.
#[allow(unsafe_code, reason = "deserializing is unsafe: this looks whether damage is noticed before anything is done with it")]
pub fn cache(bytes: &[u8]) -> bool {
    let Some((damage, rest)) = bytes.split_at_checked(16) else { return false };
    let Some(wasm) = generate::module(rest) else { return false };
    let mut config = Config::new();
    config.parallel_compilation(false).strategy(if damage[0] & 1 == 0 { Strategy::BASELINE } else { Strategy::OPTIMIZING });
    let engine = Engine::new(&config).unwrap_or_else(|error| panic!("the configuration is refused: {error:#}"));
    let whole = engine.precompile_module(&wasm).unwrap_or_else(|error| panic!("a generated module is refused: {error:#}"));
    // SAFETY: it was just made by this engine.
    unsafe { Module::deserialize(&engine, &whole) }.unwrap_or_else(|error| panic!("a whole artefact is refused: {error:#}"));
    let mut damaged = whole.clone();
    for place in damage[1..].chunks_exact(5) {
        let at = u32::from_le_bytes(place[..4].try_into().expect("four bytes")) as usize % damaged.len();
        match place[4] >> 5 {
            // The end is missing; a bit is another one; there is more.
            0 => damaged.truncate(at),
            1 => damaged.insert(at, place[4]),
            _ => damaged[at] ^= 1 << (place[4] & 7),
        }
        if damaged.is_empty() {
            break;
        }
    }
    if damaged != whole {
        // SAFETY: if it is taken for whole, which it is not, the code in it might be anything; it is not run, and this fails.
        let taken = unsafe { Module::deserialize(&engine, &damaged) };
        assert!(taken.is_err(), "damage goes unnoticed: {damage:?}");
    }
    true
}
