//! See `mj_fuzzing::decode`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mj_fuzzing::decode(bytes);
});
