//! Compiles whole modules on one thread and prints the throughput: `throughput FILE.wasm ...`.
//!
//! Set `REPEAT=1` to compile once, for profilers that count instructions; `DUMP=FILE` writes the machine code;
//! `FEW_REGISTERS=1` and `DIRTY_UPPER_BITS=1` set the options of those names; `OPTIMIZE=1` takes the optimizing compiler; `TARGET=aarch64` and
//! `TARGET=x86_64` compile for that machine.

use std::time::Instant;

use iced_x86::{Code, Decoder, DecoderOptions};
use mj_codegen::{Compiler, Entry, ModulePlan, Options, Target, aarch64, x64};
use mj_decode::{Features, validate};

/// The machine that is compiled for.
fn target() -> Target {
    match std::env::var("TARGET").as_deref() {
        Ok("aarch64") => Target::Aarch64(aarch64::Features::LEAST),
        Ok("x86_64") => Target::X64(x64::Features { lzcnt: true, bmi1: true, bmi2: true, avx: true }),
        Ok(other) => panic!("there is no `{other}`: try aarch64, x86_64"),
        Err(_) => Target::host().expect("a supported processor"),
    }
}

/// How many instructions there are, padding apart; the entries of jump tables count as some.
fn instructions(target: Target, code: &[u8]) -> usize {
    match target {
        Target::Aarch64(_) => code.chunks_exact(4).filter(|word| *word != [0; 4]).count(),
        _ => Decoder::new(64, code, DecoderOptions::NONE).iter().filter(|instruction| instruction.code() != Code::Int3).count(),
    }
}

fn main() {
    let target = target();
    let repeat = std::env::var("REPEAT").ok().and_then(|count| count.parse().ok()).unwrap_or(10);
    let options = Options {
        few_registers: std::env::var_os("FEW_REGISTERS").is_some(),
        dirty_upper_bits: std::env::var_os("DIRTY_UPPER_BITS").is_some(),
        ..Options::default()
    };
    let optimize = std::env::var_os("OPTIMIZE").is_some();
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).expect("readable file");
        let (mut best_validate, mut best_compile, mut size, mut section) = (f64::MAX, f64::MAX, 0, 0);
        let mut count = 0;
        for _ in 0..repeat {
            let start = Instant::now();
            let module = validate(&bytes, &Features::default()).expect("valid module");
            best_validate = best_validate.min(start.elapsed().as_secs_f64());
            let plan = ModulePlan::new(&module);
            let mut compiler = Compiler::for_target(target, &options);
            let start = Instant::now();
            for function in 0..module.bodies.len() as u32 {
                let code = match optimize {
                    true => compiler.optimize(&module, &plan, function, &bytes, Entry::Function),
                    false => compiler.compile(&module, &plan, function, &bytes),
                };
                if let Err(error) = code {
                    eprintln!("{error}");
                }
            }
            best_compile = best_compile.min(start.elapsed().as_secs_f64());
            if let Ok(path) = std::env::var("DUMP") {
                std::fs::write(path, compiler.code()).expect("writable file");
            }
            size = compiler.code().len();
            section = module.code_section.len();
            if count == 0 {
                count = instructions(target, compiler.code());
            }
        }
        let megabytes = section as f64 / 1e6;
        println!(
            "{path}: {megabytes:.2} MB code section, validate {:.1} MB/s, compile {:.1} MB/s, both {:.1} MB/s, {:.2} bytes of code a byte, {count} instructions",
            megabytes / best_validate,
            megabytes / best_compile,
            megabytes / (best_validate + best_compile),
            size as f64 / section as f64,
        );
    }
}
