//! See `mj_fuzzing::TARGETS`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mj_fuzzing::run_target("asm_x64", bytes);
});
