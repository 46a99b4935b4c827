//! Baseline code for tiering: what it looks like, and where code that takes over may begin.
//!
//! `BLESS=1 cargo test -p mj-codegen` rewrites the golden files.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod golden;

use std::fs;
use std::num::NonZeroU32;
use std::path::Path;

use mj_codegen::x64::Features;
use mj_codegen::{CompileError, Compiler, Entry, ModulePlan, Options, Target, aarch64};
use mj_decode::{Module, validate};

const X64: Target = Target::X64(Features { lzcnt: true, bmi1: true, bmi2: true, avx: true });
const AARCH64: Target = Target::Aarch64(aarch64::Features {});

fn parse(text: &str) -> (Module, Vec<u8>) {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    (validate(&bytes, &mj_decode::Features::default()).expect("a valid module"), bytes)
}

fn tiered(target: Target) -> Compiler {
    Compiler::for_target(target, &Options { tiering: NonZeroU32::new(1000), ..Options::default() })
}

#[test]
fn the_code_of_tiered_functions_is_what_it_was() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tiered");
    for name in ["leaf.wat", "loop.wat"] {
        let path = folder.join(name);
        let text = fs::read_to_string(&path).unwrap();
        let source = golden::source(&text);
        let (module, bytes) = parse(source);
        let mut expected = source.to_owned();
        for target in [X64, AARCH64] {
            let mut compiler = tiered(target);
            let function = compiler.compile(&module, &ModulePlan::new(&module), 0, &bytes).unwrap();
            expected += &golden::listing("tiered", target, &compiler.take_unit(), &function);
        }
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, expected).unwrap();
        } else {
            assert_eq!(text, expected, "{}: BLESS=1 rewrites it", path.display());
        }
    }
}

#[test]
fn code_that_stays_is_that_of_a_compiler_without_tiers() {
    let (module, bytes) = parse("(module (func (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))");
    let plan = ModulePlan::new(&module);
    let mut plain = Compiler::for_target(X64, &Options::default());
    let mut tiered = tiered(X64);
    let expected = plain.compile(&module, &plan, 0, &bytes).unwrap();
    assert_eq!(tiered.compile_to_stay(&module, &plan, 0, &bytes, Entry::Function).unwrap(), expected);
    assert_eq!(tiered.code(), plain.code());
}

#[test]
fn code_begins_at_loops_that_are_reached_only() {
    let (module, bytes) = parse("(module (func (local i32) (loop (br_if 0 (local.get 0))) unreachable (loop (br 0))))");
    let plan = ModulePlan::new(&module);
    let body = module.bodies[0].clone();
    let begins = |at: u32| tiered(X64).compile_to_stay(&module, &plan, 0, &bytes, Entry::Loop(at)).is_ok();
    let loops: Vec<u32> = (body.start..body.end).filter(|&at| begins(at)).collect();
    // Behind the declaration of one local (three bytes), `loop` and its type.
    assert_eq!(loops, [body.start + 5]);
    let error = tiered(X64).compile_to_stay(&module, &plan, 0, &bytes, Entry::Loop(body.end - 4)).unwrap_err();
    assert_eq!(error, CompileError::NoSuchLoop(body.end - 4));
    assert!(error.to_string().contains("loop"), "{error}");
}
