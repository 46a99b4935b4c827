//! The targets by name.

use crate::{Outcome, Random, WIDTH_CONFIGS, WIDTHS, decoding, differing, generate, tiering as tiers};
use crate::{
    allocating, asm_aarch64, asm_x64, cache, compare_under, decode, differential, ir_passes, regalloc, snapshot, tiering, wasi_paths,
};

/// A target: its name, and what it does with bytes; it says whether they were enough for anything.
pub type Target = (&'static str, fn(&[u8]) -> bool);

/// All targets.
pub const TARGETS: [Target; 11] = [
    ("decode", decode),
    ("differential", differential),
    ("widths", |bytes| seeded(bytes, compare_widths)),
    ("tiering", tiering),
    ("regalloc", regalloc),
    ("ir_passes", ir_passes),
    ("asm_x64", |bytes| seeded(bytes, asm_x64)),
    ("asm_aarch64", |bytes| seeded(bytes, asm_aarch64)),
    ("snapshot", |bytes| snapshot(bytes) != Outcome::Nothing),
    ("wasi_paths", wasi_paths),
    ("cache", cache),
];

/// Does something with the seed in the first bytes.
fn seeded(bytes: &[u8], run: fn(u64)) -> bool {
    let seed = bytes.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    seed.map(run).is_some()
}

/// Modules of all kinds of [`WIDTHS`], from one seed.
fn compare_widths(seed: u64) {
    for (kind, make) in WIDTHS {
        let compared = compare_under(&make(&mut Random::new(seed)), &WIDTH_CONFIGS);
        compared.unwrap_or_else(|divergence| panic!("{kind}: {divergence}"));
    }
}

/// Runs the target of this name.
///
/// # Panics
///
/// If the target finds something, or if there is none of this name.
pub fn run_target(name: &str, bytes: &[u8]) -> bool {
    let target = TARGETS.iter().find(|(target, _)| *target == name).unwrap_or_else(|| panic!("no target is called {name}"));
    target.1(bytes)
}

/// The module that a target makes of bytes, if it makes one that is compared with an interpreter.
#[must_use]
pub fn module_of(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    match name {
        "differential" => Some(differing::made(bytes)?.1),
        "tiering" => Some(tiers::made(bytes)?.1),
        "regalloc" => allocating::made(bytes),
        "cache" => generate::module(bytes.get(16..)?),
        "decode" => Some(decoding::made(bytes)),
        _ => None,
    }
}
