//! One selector, two drivers: the baseline and the optimizing compiler over the same functions.
//!
//! Golden files hold the code of both under each of twelve operators; `BLESS=1 cargo test -p mj-codegen` rewrites them. Random functions run through both
//! must give the same results, leave the same memory, and have the same sites.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod golden;
mod machine;
mod mix;

use std::fs;
use std::path::Path;

use machine::{Code, Machine, RunningStubs};
use mix::{MEMORY, PARAMETERS, Random};
use mj_abi::{CodePointer, HelperPointers, MemoryDefinition, RawValue};
use mj_codegen::x64::{Features, entry_trampoline};
use mj_codegen::{Bounds, Compiler, Entry, FunctionCode, ModulePlan, Options, Unit, relocate};
use mj_decode::{Module, ValType, validate};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Driver {
    Baseline,
    Optimizing,
}

const NEWEST: Features = Features { lzcnt: true, bmi1: true, bmi2: true, avx: true };
const OLDEST: Features = Features { lzcnt: false, bmi1: false, bmi2: false, avx: false };

fn parse(text: &str) -> (Module, Vec<u8>) {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let module = validate(&bytes, &mj_decode::Features::default()).expect("a valid module");
    (module, bytes)
}

fn compile(driver: Driver, features: Features, options: &Options, module: &Module, bytes: &[u8]) -> (Unit, Vec<FunctionCode>) {
    let plan = ModulePlan::new(module);
    let mut compiler = Compiler::with_features(features, options);
    let functions = (0..module.bodies.len() as u32)
        .map(|function| match driver {
            Driver::Baseline => compiler.compile(module, &plan, function, bytes).expect("the baseline knows all operators"),
            Driver::Optimizing => compiler.optimize(module, &plan, function, bytes, Entry::Function).expect("not too large"),
        })
        .collect();
    (compiler.take_unit(), functions)
}

#[test]
fn the_code_of_twelve_operators_is_what_it_was() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "wat"));
    files.sort();
    assert!(files.len() >= 12);
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let source = golden::source(&text);
        let (module, bytes) = parse(source);
        let mut expected = String::from(source);
        for driver in [Driver::Baseline, Driver::Optimizing] {
            let (unit, functions) = compile(driver, NEWEST, &Options::default(), &module, &bytes);
            expected += &golden::listing(&format!("{driver:?}").to_lowercase(), &unit, &functions[0]);
        }
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, expected).unwrap();
        } else {
            assert_eq!(text, expected, "{}: BLESS=1 rewrites it", path.display());
        }
    }
}

/// Code in executable memory, behind its jump table.
fn place(unit: &Unit, functions: &[FunctionCode]) -> Code {
    let table = (8 * functions.len()).next_multiple_of(16);
    Code::placed(table + unit.code.len(), |address| {
        let mut bytes: Vec<u8> = functions.iter().flat_map(|one| (address + table + one.entry as usize).to_le_bytes()).collect();
        bytes.resize(table, 0);
        bytes.extend_from_slice(&unit.code);
        relocate(&mut bytes[table..], 0, &unit.relocations, address + table, address);
        bytes
    })
}

/// What running a module's functions gives: all results, and the memory.
#[derive(PartialEq, Eq, Debug)]
struct Outcome {
    results: Vec<(usize, u64)>,
    memory: Vec<u8>,
}

fn run(unit: &Unit, functions: &[FunctionCode], module: &Module, first: usize) -> Outcome {
    let code = place(unit, functions);
    let stubs = RunningStubs::new();
    let mut helpers: HelperPointers = [std::ptr::null(); mj_abi::Helper::ALL.len()];
    for (pointer, &offset) in helpers.iter_mut().zip(&stubs.stubs.helpers) {
        *pointer = stubs.at(offset) as CodePointer;
    }
    let mut memory = vec![0u8; MEMORY];
    let mut random = Random(5);
    memory[..80_000].fill_with(|| random.next() as u8);
    let mut definition = MemoryDefinition { base: memory.as_mut_ptr(), length: memory.len() };
    let mut page = 0u64;
    let mut machine = Machine::new();
    machine.runtime.answer = 4;
    machine.context.memory0_base = memory.as_mut_ptr();
    machine.context.memory0 = &raw mut definition;
    machine.context.interrupt_page = (&raw mut page).cast();
    machine.context.helpers = &raw const helpers;
    let mut results = Vec::new();
    for (index, function) in functions.iter().enumerate().skip(first) {
        let ty = &module.types[module.functions[index] as usize];
        let trampoline = Code::new(&entry_trampoline(ty));
        for round in 0..3 {
            let mut values: Vec<RawValue> = PARAMETERS
                .iter()
                .map(|ty| match ty {
                    ValType::F64 => RawValue::new((random.below(1000) as f64 / 4.0).to_bits()),
                    _ if round == 0 => RawValue::new(random.below(3)),
                    _ => RawValue::new(random.next()),
                })
                .collect();
            let table = (8 * functions.len()).next_multiple_of(16);
            let status = machine.enter(&trampoline, code.address() + table + function.entry as usize, &mut values);
            assert_eq!(status, 0);
            let bits = if ty.results()[0] == ValType::I32 { values[0].low & 0xffff_ffff } else { values[0].low };
            results.push((index, bits));
        }
    }
    drop(machine);
    Outcome { results, memory: std::hint::black_box(memory) }
}

/// Which operators may trap how, and which call. A division's register is the allocator's business.
fn sites(unit: &Unit) -> Vec<(u32, u8)> {
    let mut sites: Vec<_> = unit.sites.iter().map(|site| (site.wasm, site.trap() as u8)).collect();
    sites.sort_unstable();
    sites
}

/// What traps and calls: the optimizing compiler leaves some out, adds none, and repeats none but in the turns of unrolled loops.
fn check_sites(baseline: &Unit, optimized: &Unit, text: &str) {
    let (baseline, optimized) = (sites(baseline), sites(optimized));
    let count = |sites: &[(u32, u8)], site| sites.iter().filter(|&&other| other == site).count();
    for &site in &optimized {
        assert!(count(&optimized, site) <= MOST_TURNS * count(&baseline, site), "an operator is repeated: {site:?}\n{text}");
    }
    assert!(optimized.len() * 2 >= baseline.len(), "half of the sites are gone\n{text}");
}

/// Loops are unrolled so many times at most.
const MOST_TURNS: usize = 4;

fn agree(text: &str, features: Features, options: &Options) {
    let (module, bytes) = parse(text);
    let baseline = compile(Driver::Baseline, features, options, &module, &bytes);
    let optimized = compile(Driver::Optimizing, features, options, &module, &bytes);
    check_sites(&baseline.0, &optimized.0, text);
    let expected = run(&baseline.0, &baseline.1, &module, 0);
    let got = run(&optimized.0, &optimized.1, &module, 0);
    assert_eq!(got.results, expected.results, "{text}");
    assert!(got.memory == expected.memory, "{text}");
}

/// Every combination of options that changes what a driver has to do.
fn configurations() -> Vec<(Features, Options)> {
    let mut configurations = Vec::new();
    for number in 0..16 {
        let options = Options {
            few_registers: number & 1 != 0,
            dirty_upper_bits: number & 2 != 0,
            bounds: if number & 4 != 0 { Bounds::Explicit } else { Bounds::Guard },
            ..Options::default()
        };
        configurations.push((if number & 8 != 0 { OLDEST } else { NEWEST }, options));
    }
    configurations
}

/// Runs one module in each configuration; `ROUNDS` of the environment, if set, says how often.
fn agree_everywhere(first_seed: u64, all_integer_operators: bool) {
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    for round in 0..rounds {
        for (index, (features, options)) in configurations().into_iter().enumerate() {
            let seed = first_seed + 16 * round + index as u64;
            agree(&mix::module(seed, 24, 12, all_integer_operators), features, &options);
        }
    }
}

#[test]
fn both_drivers_compute_the_same() {
    agree_everywhere(0, false);
}

#[test]
fn both_drivers_compute_the_same_with_all_integer_operators() {
    agree_everywhere(1 << 32, true);
}

#[test]
fn more_values_than_registers_change_places_in_a_loop() {
    for (features, options) in configurations() {
        for (count, calls) in [(3, false), (9, false), (20, false), (3, true), (9, true)] {
            agree(&mix::rotation(count, calls), features, &options);
        }
    }
}
