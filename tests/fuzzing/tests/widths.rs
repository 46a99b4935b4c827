//! The classic mistakes about widths, each by its name, in both compilers. `ROUNDS=1000 cargo test -p mj-fuzzing --test widths` looks longer.

use mj_fuzzing::{Random, WIDTH_CONFIGS, WIDTHS, compare_under};

fn agree(kind: &str) {
    let (_, make) = WIDTHS.into_iter().find(|(name, _)| *name == kind).expect("a kind of modules");
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(30);
    for seed in 0..rounds {
        let wasm = make(&mut Random::new(seed));
        if let Err(divergence) = compare_under(&wasm, &WIDTH_CONFIGS) {
            let file = std::env::temp_dir().join(format!("mj-{kind}-{seed}.wasm"));
            std::fs::write(&file, &wasm).expect("a folder for temporary files");
            panic!("{}: {divergence}", file.display());
        }
    }
}

#[test]
fn a_spilled_value_comes_back_as_wide_as_it_was() {
    agree("spilled");
}

#[test]
fn arithmetic_in_an_address_wraps_at_32_bits() {
    agree("addressed");
}

#[test]
fn a_folded_load_reads_what_it_read_alone() {
    agree("folded");
}
