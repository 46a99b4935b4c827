//! The module that a target makes of bytes: `module TARGET FILE > OUT.wasm`, for what a fuzzer has found.

use std::io::Write;
use std::{env, fs, io, process};

use mj_fuzzing::module_of;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [target, file] = &arguments[..] else {
        eprintln!("module TARGET FILE > OUT.wasm");
        process::exit(2);
    };
    let bytes = fs::read(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    match module_of(target, &bytes) {
        Some(wasm) => io::stdout().write_all(&wasm).expect("written"),
        None => {
            eprintln!("{target} makes no module of these bytes");
            process::exit(1);
        }
    }
}
