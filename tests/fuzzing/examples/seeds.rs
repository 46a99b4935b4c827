//! Compares many generated modules: `seeds FIRST COUNT`. Modules on which engines disagree are written to the folder for temporary files.

use std::panic::catch_unwind;
use std::{env, fs};

use mj_fuzzing::{Random, compare, module};

fn main() {
    let mut numbers = env::args().skip(1).map(|argument| argument.parse().expect("seeds FIRST COUNT"));
    let (first, count): (u64, u64) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(1000));
    let (mut compared, mut differing) = (0, 0);
    for seed in first..first + count {
        let mut random = Random::new(seed);
        let length = 500 << random.below(6);
        let Some(wasm) = module(&random.bytes(length)) else { continue };
        let current = env::temp_dir().join("mj-seed-current.wasm");
        // A crash of the process leaves the module behind.
        fs::write(&current, &wasm).expect("a folder for temporary files");
        compared += 1;
        let message = match catch_unwind(|| compare(&wasm)) {
            Ok(Ok(())) => continue,
            Ok(Err(divergence)) => divergence.to_string(),
            Err(_) => "a panic".to_owned(),
        };
        differing += 1;
        let kept = env::temp_dir().join(format!("mj-seed-{seed}.wasm"));
        fs::rename(&current, &kept).expect("the same folder");
        println!("{}: {message}", kept.display());
    }
    println!("{compared} modules compared, {differing} differ");
}
