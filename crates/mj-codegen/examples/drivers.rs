//! Compiles a generated module of twelve kinds of operators through one driver: `drivers baseline|optimizing [FUNCTIONS] [ISA]`.
//!
//! Prints time, operators and code size. `valgrind --tool=callgrind --toggle-collect='*compile_all*'` counts the instructions of the compiler alone.

use std::hint::black_box;
use std::time::Instant;

use iced_x86::{Decoder, DecoderOptions, FlowControl};
use mj_codegen::{Arch, Compiler, Entry, FunctionCode, ModulePlan, Options, Target};
use mj_decode::{Features, Module, validate};
use wasmparser::{Parser, Payload};

#[path = "../tests/mix/mod.rs"]
#[allow(dead_code)]
mod mix;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let optimizes = match arguments.next().as_deref() {
        Some("optimizing") => true,
        Some("baseline") => false,
        _ => {
            eprintln!("drivers baseline|optimizing [FUNCTIONS] [ISA]");
            std::process::exit(1);
        }
    };
    let functions = arguments.next().map_or(500, |number| number.parse().expect("a number of functions"));
    let arch = arguments.next().map_or(Arch::HOST, |name| Arch::by_name(&name).expect("an instruction set"));
    let bytes = wat::parse_str(mix::module(1, functions, 12, false)).expect("a well-formed module");
    let module = validate(&bytes, &Features::default()).expect("a valid module");
    let repeat = std::env::var("REPEAT").ok().and_then(|count| count.parse().ok()).unwrap_or(10);
    let target = if arch == Arch::HOST { Target::host() } else { Target::any(arch) };
    let mut compiler = Compiler::for_target(target.expect("a supported processor"), &Options::default());
    let (mut best, mut code) = (f64::MAX, Vec::new());
    for _ in 0..repeat {
        compiler.clear();
        let start = Instant::now();
        code = compile_all(&mut compiler, optimizes, &module, &bytes);
        best = best.min(start.elapsed().as_secs_f64());
    }
    let operators = operators(&bytes);
    let instructions: usize = code.iter().map(|one| instructions(arch, &compiler.code()[one.entry as usize..one.end as usize])).sum();
    println!(
        "{operators} operators in {} functions, {:.0} ns an operator, {:.2} instructions and {:.2} bytes of code an operator",
        code.len(),
        best * 1e9 / operators as f64,
        instructions as f64 / operators as f64,
        compiler.code().len() as f64 / operators as f64,
    );
}

#[inline(never)]
fn compile_all(compiler: &mut Compiler, optimizes: bool, module: &Module, bytes: &[u8]) -> Vec<FunctionCode> {
    let plan = ModulePlan::new(module);
    let own = 0..module.bodies.len() as u32;
    let compile = |function| match optimizes {
        false => compiler.compile(module, &plan, function, bytes).expect("compilable"),
        true => compiler.optimize(module, &plan, function, bytes, Entry::Function).expect("not too large"),
    };
    black_box(own.map(compile).collect())
}

fn operators(bytes: &[u8]) -> usize {
    let bodies = Parser::new(0).parse_all(bytes).filter_map(|payload| match payload.expect("a valid module") {
        Payload::CodeSectionEntry(body) => Some(body),
        _ => None,
    });
    bodies.map(|body| body.get_operators_reader().expect("a valid body").into_iter().count()).sum()
}

/// Up to the padding in front of the constants.
fn instructions(arch: Arch, code: &[u8]) -> usize {
    if arch == Arch::Aarch64 {
        return code.chunks_exact(4).take_while(|word| *word != [0; 4]).count();
    }
    let decoder = Decoder::new(64, code, DecoderOptions::NONE);
    decoder.into_iter().take_while(|instruction| instruction.flow_control() != FlowControl::Interrupt).count()
}
