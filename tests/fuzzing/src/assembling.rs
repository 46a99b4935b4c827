//! Encoders against disassemblers written by others: the checks of the encoders' own tests, from any seed.

#[allow(dead_code, unused_imports, reason = "the tests of a crate are more than their checks")]
#[path = "../../../crates/mj-asm-aarch64/tests/round_trip.rs"]
mod aarch64;
#[allow(dead_code, unused_imports, reason = "the tests of a crate are more than their checks")]
#[path = "../../../crates/mj-asm-x64/tests/round_trip.rs"]
mod x64;

/// Every instruction of x86-64 a few times with operands that the seed chooses.
///
/// # Panics
///
/// If one decodes to something else.
pub fn asm_x64(seed: u64) {
    x64::from_seed(seed, 2);
}

/// Every instruction of AArch64 a few times with operands that the seed chooses.
///
/// # Panics
///
/// If one decodes to something else.
pub fn asm_aarch64(seed: u64) {
    aarch64::from_seed(seed, 2);
}
