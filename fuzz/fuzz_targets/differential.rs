//! See `mj_fuzzing::differential`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mj_fuzzing::differential(bytes);
});
