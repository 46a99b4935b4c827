//! Baseline code for tiering: what it looks like, and where code that takes over may begin.
//!
//! `BLESS=1 cargo test -p mj-codegen` rewrites the golden files.

mod golden;

use std::fs;
use std::num::NonZeroU32;
use std::path::Path;

use mj_codegen::x64::Features;
use mj_codegen::{Compiler, Entry, ModulePlan, Options, Target, aarch64};
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
fn optimized_code_is_that_of_a_compiler_without_tiers() {
    let (module, bytes) = parse("(module (func (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))");
    let plan = ModulePlan::new(&module);
    let (mut plain, mut tiered) = (Compiler::for_target(X64, &Options::default()), tiered(X64));
    // Behind the number of declarations, `loop` and its type.
    for entry in [Entry::Function, Entry::Loop(module.bodies[0].start + 3)] {
        let expected = plain.optimize(&module, &plan, 0, &bytes, entry).unwrap();
        assert_eq!(tiered.optimize(&module, &plan, 0, &bytes, entry).unwrap(), expected);
        assert_eq!(tiered.code(), plain.code());
    }
}

#[test]
#[should_panic(expected = "has no loop at")]
fn a_loop_that_is_never_reached_is_no_entry() {
    let (module, bytes) = parse("(module (func (local i32) (loop (br_if 0 (local.get 0))) unreachable (loop (br 0))))");
    let last = module.bodies[0].end - 4;
    let _ = tiered(X64).optimize(&module, &ModulePlan::new(&module), 0, &bytes, Entry::Loop(last));
}
