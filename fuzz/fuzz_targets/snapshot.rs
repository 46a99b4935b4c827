//! See `mj_fuzzing::snapshot`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mj_fuzzing::snapshot(bytes);
});
