//! See `mj_fuzzing::WIDTHS`: a seed's modules of all kinds.
#![no_main]

use mj_fuzzing::{Random, WIDTH_CONFIGS, WIDTHS, compare_under};

libfuzzer_sys::fuzz_target!(|seed: u64| {
    for (_, make) in WIDTHS {
        compare_under(&make(&mut Random::new(seed)), &WIDTH_CONFIGS).unwrap_or_else(|divergence| panic!("{divergence}"));
    }
});
