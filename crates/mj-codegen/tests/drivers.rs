//! One selector, two drivers: the baseline and the optimizing compiler over the same functions.
//!
//! Golden files hold the code of both under each of twelve operators; `BLESS=1 cargo test -p mj-codegen` rewrites them. Random functions run through both
//! must give the same results, leave the same memory, and have the same sites.

#![cfg(target_os = "linux")]

mod golden;
mod machine;
mod mix;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use machine::{Code, Machine, RunningStubs};
use mix::{MEMORY, PARAMETERS, Random};
use mj_abi::{CodePointer, HelperPointers, MemoryDefinition, RawValue};
use mj_codegen::host::entry_trampoline;
use mj_codegen::{Arch, Bounds, Compiler, Entry, FunctionCode, ModulePlan, Options, Target, Unit, aarch64, x64};
use mj_decode::{Module, ValType, validate};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Driver {
    Baseline,
    Optimizing,
}

const NEWEST: Target = Target::X64(x64::Features { lzcnt: true, bmi1: true, bmi2: true, avx: true });
const OLDEST: Target = Target::X64(x64::Features::LEAST);
const AARCH64: Target = Target::Aarch64(aarch64::Features::LEAST);

/// Targets that this machine can run.
const RUNNABLE: [Target; 2] = if cfg!(target_arch = "aarch64") { [AARCH64; 2] } else { [NEWEST, OLDEST] };

fn parse(text: &str) -> (Module, Vec<u8>) {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let module = validate(&bytes, &mj_decode::Features::default()).expect("a valid module");
    (module, bytes)
}

fn compile(driver: Driver, target: Target, options: &Options, module: &Module, bytes: &[u8]) -> (Unit, Vec<FunctionCode>) {
    let plan = ModulePlan::new(module);
    let mut compiler = Compiler::for_target(target, options);
    let functions = (0..module.bodies.len() as u32)
        .map(|function| match driver {
            Driver::Baseline => compiler.compile(module, &plan, function, bytes).expect("the baseline knows all operators"),
            Driver::Optimizing => compiler.optimize(module, &plan, function, bytes, Entry::Function).expect("not too large"),
        })
        .collect();
    (compiler.take_unit(), functions)
}

/// Compares the files of a folder with the code of both drivers.
fn golden_files(folder: &str, least: usize, options: &Options) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "wat"));
    files.sort();
    assert!(files.len() >= least);
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let source = golden::source(&text);
        let (module, bytes) = parse(source);
        let mut expected = String::from(source);
        for target in [NEWEST, AARCH64] {
            for driver in [Driver::Baseline, Driver::Optimizing] {
                let (unit, functions) = compile(driver, target, options, &module, &bytes);
                expected += &golden::listing(&format!("{driver:?}").to_lowercase(), target, &unit, &functions[0]);
            }
        }
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, expected).unwrap();
        } else {
            assert_eq!(text, expected, "{}: BLESS=1 rewrites it", path.display());
        }
    }
}

#[test]
fn the_code_of_twelve_operators_is_what_it_was() {
    golden_files("tests/golden", 12, &Options::default());
}

#[test]
fn the_code_that_spills_everything_is_what_it_was() {
    golden_files("tests/golden/spilled", 3, &Options { spill_everything: true, ..Options::default() });
}

/// How many slots of the frame a function's code stores to, and how many it loads from.
fn accesses_to_slots(listing: &str) -> (usize, usize) {
    let (mut stored, mut loaded) = (0, 0);
    for line in listing.lines().filter(|line| line.contains("[rbp-") || line.contains("[x29, #-")) {
        let instruction = line.trim_start_matches([';', ' ']);
        let is_store = instruction.starts_with("st")
            || instruction.starts_with("mov") && instruction.contains(" [rbp-") && instruction.contains("], ");
        let count = if is_store { &mut stored } else { &mut loaded };
        *count += if instruction.starts_with("stp") || instruction.starts_with("ldp") { 2 } else { 1 };
    }
    (stored, loaded)
}

/// However many registers there are.
#[test]
fn every_value_is_stored_and_loaded_for_each_use_where_everything_spills() {
    // Three parameters and five results of operators are stored; two operands of each operator and the function's result are loaded. The baseline
    // has a slot for each entry of the operand stack, too: from there, four results go to locals.
    for (ty, [one, other]) in [("i32", ["sub", "xor"]), ("i64", ["sub", "xor"]), ("f32", ["sub", "div"]), ("f64", ["sub", "div"])] {
        let text = format!(
            "(module (func (param $a {ty}) (param $b {ty}) (param $c {ty}) (result {ty}) (local $d {ty}) (local $e {ty}) (local $f {ty}) (local $g {ty})
                (local.set $d ({ty}.{one} (local.get $a) (local.get $b)))
                (local.set $e ({ty}.{other} (local.get $d) (local.get $c)))
                (local.set $f ({ty}.{one} (local.get $e) (local.get $d)))
                (local.set $g ({ty}.{other} (local.get $f) (local.get $a)))
                ({ty}.{one} (local.get $g) (local.get $e))))"
        );
        let (module, bytes) = parse(&text);
        for target in [NEWEST, OLDEST, AARCH64] {
            for few_registers in [false, true] {
                let options = Options { spill_everything: true, few_registers, ..Options::default() };
                for (driver, expected) in [(Driver::Baseline, (3 + 5 + 4, 10 + 1 + 4)), (Driver::Optimizing, (3 + 5, 10 + 1))] {
                    let (unit, functions) = compile(driver, target, &options, &module, &bytes);
                    let listing = golden::listing("", target, &unit, &functions[0]);
                    assert_eq!(accesses_to_slots(&listing), expected, "{driver:?} {text} {listing}");
                }
            }
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
        Arch::HOST.relocate(&mut bytes[table..], 0, &unit.relocations, address + table, address);
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
    // An operator may trap in two ways.
    let operators = |mut sites: Vec<(u32, u8)>| {
        sites.dedup_by_key(|&mut (at, _)| at);
        sites.len()
    };
    let (kept, all) = (operators(optimized), operators(baseline));
    assert!(kept * 2 >= all, "of {all} operators that trap or call, {kept} are left\n{text}");
}

/// Loops are unrolled so many times at most.
const MOST_TURNS: usize = 4;

fn agree(text: &str, target: Target, options: &Options) {
    let (module, bytes) = parse(text);
    let baseline = compile(Driver::Baseline, target, options, &module, &bytes);
    let optimized = compile(Driver::Optimizing, target, options, &module, &bytes);
    check_sites(&baseline.0, &optimized.0, text);
    let expected = run(&baseline.0, &baseline.1, &module, 0);
    let got = run(&optimized.0, &optimized.1, &module, 0);
    assert_eq!(got.results, expected.results, "{text}");
    assert!(got.memory == expected.memory, "{text}");
}

/// Every combination of options that changes what a driver has to do.
fn configurations() -> Vec<(Target, Options)> {
    let mut configurations = Vec::new();
    for number in 0..32 {
        let options = Options {
            few_registers: number & 1 != 0,
            spill_everything: number & 16 != 0,
            dirty_upper_bits: number & 2 != 0,
            bounds: if number & 4 != 0 { Bounds::Explicit } else { Bounds::Guard },
            ..Options::default()
        };
        configurations.push((RUNNABLE[number >> 3 & 1], options));
    }
    configurations
}

/// Runs one module in each configuration; `ROUNDS` of the environment, if set, says how often.
fn agree_everywhere(first_seed: u64, all_integer_operators: bool) {
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    for round in 0..rounds {
        for (index, (target, options)) in configurations().into_iter().enumerate() {
            let seed = first_seed + 32 * round + index as u64;
            agree(&mix::module(seed, 24, 12, all_integer_operators), target, &options);
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
fn both_drivers_walk_through_the_same_structures() {
    let rounds: u64 = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    for round in 0..rounds {
        for (index, (target, options)) in configurations().into_iter().enumerate() {
            agree(&mix::structures(32 * round + index as u64, 24), target, &options);
        }
    }
}

#[test]
fn both_drivers_do_the_same_with_every_pair_of_operators() {
    for (seed, target) in RUNNABLE.into_iter().enumerate() {
        agree(&mix::pairs(seed as u64), target, &Options::default());
    }
}

#[test]
fn both_drivers_do_the_same_with_floats() {
    for (target, few_registers) in [(RUNNABLE[0], false), (RUNNABLE[1], true)] {
        agree(&mix::floats(), target, &Options { nan_canonicalization: true, few_registers, ..Options::default() });
    }
}

/// The sum of all that was computed depends on nothing but the modules.
#[test]
fn every_machine_computes_the_same() {
    let mut sum = 0u64;
    let mut add = |word: u64| sum = (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    for seed in 0..8 {
        let once = if seed == 0 { vec![mix::pairs(seed), mix::floats()] } else { Vec::new() };
        for text in [mix::module(seed, 24, 12, true), mix::structures(seed, 24)].into_iter().chain(once) {
            for driver in [Driver::Baseline, Driver::Optimizing] {
                let (module, bytes) = parse(&text);
                let options = Options { nan_canonicalization: true, ..Options::default() };
                let (unit, functions) = compile(driver, RUNNABLE[0], &options, &module, &bytes);
                let outcome = run(&unit, &functions, &module, 0);
                outcome.results.iter().for_each(|&(_, bits)| add(bits));
                outcome.memory.chunks(8).for_each(|word| add(u64::from_le_bytes(word.try_into().expect("eight bytes"))));
            }
        }
    }
    assert_eq!(sum, 0xea5e_80d6_1d09_5f42, "{sum:#x}");
}

/// What a store overwrites is loaded with the same width from the same place right before, where the machine may write a part of it.
#[test]
fn precise_stores_load_first() {
    let store = |operator: &str, ty: &str| format!("(func (param i32 {ty}) ({operator} offset=8 (local.get 0) (local.get 1)))");
    let text = [("i32.store8", "i32"), ("i32.store16", "i32"), ("f32.store", "f32"), ("i64.store", "i64"), ("f64.store", "f64")]
        .map(|(operator, ty)| store(operator, ty));
    let (module, bytes) = parse(&format!("(module (memory 1) {})", text.concat()));
    let listings = |target, options: &Options| {
        [Driver::Baseline, Driver::Optimizing].map(|driver| {
            let (unit, functions) = compile(driver, target, options, &module, &bytes);
            functions.iter().map(|function| golden::listing("", target, &unit, function)).collect::<Vec<_>>()
        })
    };
    let precise = Options { precise_stores: true, ..Options::default() };
    for listing in listings(AARCH64, &precise) {
        assert!(!listing[0].contains("ldr"), "a byte has no parts: {}", listing[0]);
        for (text, pair) in
            listing[1..].iter().zip([["ldrh wzr", "strh w1"], ["ldr wzr", "str s0"], ["ldr xzr", "str x1"], ["ldr xzr", "str d0"]])
        {
            let lines: Vec<&str> = text.lines().collect();
            let at = lines.iter().position(|line| line.contains(pair[0])).unwrap_or_else(|| panic!("{text}"));
            let place = |line: &str| line.split_once('[').map(|(_, place)| place.to_owned());
            assert!(lines[at + 1].contains(pair[1]), "{text}");
            assert_eq!(place(lines[at]), place(lines[at + 1]), "{text}");
        }
    }
    let explicit = Options { bounds: Bounds::Explicit, ..Options::default() };
    assert_eq!(listings(AARCH64, &Options { precise_stores: true, ..explicit }), listings(AARCH64, &explicit));
    assert_eq!(listings(NEWEST, &precise), listings(NEWEST, &Options::default()));
}

#[test]
fn more_values_than_registers_change_places_in_a_loop() {
    for (target, options) in configurations() {
        for (count, calls) in [(3, false), (9, false), (20, false), (3, true), (9, true)] {
            agree(&mix::rotation(count, calls), target, &options);
        }
    }
}

#[test]
fn what_a_folded_value_is_made_of_is_there_for_all_who_fold_its_user() {
    // The comparison of AArch64 shifts by itself; the value that is selected is shifted and extended in one instruction.
    let text = "(module (func (param i32) (result i64) (local i64)
        (local.set 1 (i64.shl (i64.extend_i32_s (local.get 0)) (i64.const 8)))
        (select (i64.const 0x7654321087654321) (local.get 1) (i64.ge_s (local.get 1) (i64.const 0x7654321087654321)))))";
    let (module, bytes) = parse(text);
    for target in [NEWEST, OLDEST, AARCH64] {
        compile(Driver::Optimizing, target, &Options::default(), &module, &bytes);
    }
}

/// Many variables, and many ways to the place where all are used, as in programs made so that they can be stopped in every call: what is in a slot already is
/// not copied to another one on each way.
#[test]
fn variables_that_many_edges_carry_to_one_place_stay_in_their_slots() {
    const VARIABLES: usize = 40;
    let mut calls = String::new();
    for call in 0..60 {
        // Another value in one variable; the others are alive across all calls.
        let _ = write!(
            calls,
            "(local.set {} (call $f (local.get {}))) (br_if $stop (i32.eq (global.get 0) (i32.const {call})))",
            call % VARIABLES,
            (call + 7) % VARIABLES,
        );
    }
    let ends: String = (0..VARIABLES).map(|local| format!("(i32.store offset={} (i32.const 0) (local.get {local}))", 4 * local)).collect();
    let loads: String = (1..VARIABLES).map(|local| format!("(local.set {local} (i32.load offset={} (local.get 0)))", 4 * local)).collect();
    let text = format!(
        "(module (memory 1) (global (mut i32) (i32.const 0)) (func $f (param i32) (result i32) (local.get 0))
            (func (param i32) (local{}) {loads} (block $stop {calls}) {ends}))",
        " i32".repeat(VARIABLES - 1),
    );
    let (module, bytes) = parse(&text);
    for (target, options) in configurations() {
        let [baseline, optimized] =
            [Driver::Baseline, Driver::Optimizing].map(|driver| compile(driver, target, &options, &module, &bytes).0.code.len());
        assert!(optimized < baseline * 5 / 2, "{target:?}: {optimized} bytes, the baseline's are {baseline}");
    }
}

/// Compiles functions by turns.
fn compile_by_turns(first: Driver, target: Target, options: &Options, module: &Module, bytes: &[u8]) -> (Unit, Vec<FunctionCode>) {
    let plan = ModulePlan::new(module);
    let mut compiler = Compiler::for_target(target, options);
    let functions = (0..module.bodies.len() as u32)
        .map(|function| match (function % 2 == 0) == (first == Driver::Baseline) {
            true => compiler.compile(module, &plan, function, bytes).expect("the baseline knows all operators"),
            false => compiler.optimize(module, &plan, function, bytes, Entry::Function).expect("not too large"),
        })
        .collect();
    (compiler.take_unit(), functions)
}

/// A compiler is used again and again: what it remembered of one function may not show in the next. Both functions know more than can be kept at once, so that
/// it matters which fact is the oldest.
#[test]
fn code_does_not_depend_on_what_was_compiled_before() {
    const FACTS: usize = 21;
    let globals = "(global (mut i32) (i32.const 0))".repeat(FACTS);
    let loads: String =
        (0..FACTS).map(|at| format!("(local.set 1 (i32.sub (local.get 1) (i32.load offset={} (local.get 0))))", at * 8)).collect();
    let reads: String = (0..FACTS).map(|at| format!("(local.set 1 (i32.sub (local.get 1) (global.get {at})))")).collect();
    let text = format!(
        r#"(module (memory 1) {globals}
        (func (param i32) (result i32) (local i32) {loads} {loads} (local.get 1))
        (func (param i32) (result i32) (local i32) {reads} {reads} (local.get 1)))"#
    );
    let (module, bytes) = parse(&text);
    let plan = ModulePlan::new(&module);
    for (target, options) in configurations().into_iter().flat_map(|(target, options)| [(target, options), (AARCH64, options)]) {
        let mut compiler = Compiler::for_target(target, &options);
        for function in 0..module.bodies.len() as u32 {
            let [first, second] = [(), ()].map(|()| {
                compiler.compile(&module, &plan, function, &bytes).expect("the baseline knows all operators");
                compiler.optimize(&module, &plan, function, &bytes, Entry::Function).expect("not too large");
                compiler.take_unit().code
            });
            assert!(first == second, "function {function}, {target:?}, {options:?}");
        }
    }
}

/// Arguments and results that find no register lie on the stack, on top of what was there: halves of slots may not be taken for wholes.
#[test]
fn an_i64_made_of_an_i32_is_whole_on_the_stack() {
    let parameters = "(param i32 i32 i64 i64 f64)";
    let ones = "(i64.const -1)".repeat(20);
    let text = format!(
        r#"(module (memory 4)
        (func $results (param i32) (result i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
            {eight} (i64.extend_i32_u (i32.add (local.get 0) (i32.const 1))) (i64.extend_i32_u (local.get 0)))
        (func $dirt (param {twenty}) (result i64) (i64.add (local.get 18) (local.get 19)))
        (func $wide (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64) (i64.xor (local.get 8) (i64.mul (local.get 9) (i64.const 3))))
        (func $narrow (param i64 i64 i64 i64 i64 i64 i64 i64 i32 i32) (result i64)
            (call $wide {eight} (i64.extend_i32_u (local.get 8)) (i64.extend_i32_u (local.get 9))))
        (func {parameters} (result i64) (local i64)
            (drop (call $dirt {ones})) (call $results (local.get 0)) (local.set 5 (i64.add)) {drops} (local.get 5))
        (func {parameters} (result i64) (local i64)
            (drop (call $dirt {ones})) (call $results (local.get 0)) (local.set 5 (i64.add)) {drops} (local.get 5))
        (func {parameters} (result i64) (drop (call $dirt {ones})) (call $narrow {eight} (local.get 0) (i32.wrap_i64 (local.get 2))))
        (func {parameters} (result i64) (drop (call $dirt {ones})) (call $narrow {eight} (local.get 0) (i32.wrap_i64 (local.get 2)))))"#,
        eight = "(i64.const 9)".repeat(8),
        twenty = "i64 ".repeat(20),
        drops = "drop ".repeat(8),
    );
    let (module, bytes) = parse(&text);
    for (target, options) in configurations() {
        let expected = compile(Driver::Baseline, target, &options, &module, &bytes);
        let expected = run(&expected.0, &expected.1, &module, 4).results;
        let optimized = compile(Driver::Optimizing, target, &options, &module, &bytes);
        assert_eq!(run(&optimized.0, &optimized.1, &module, 4).results, expected, "optimized, {options:?}");
        for first in [Driver::Baseline, Driver::Optimizing] {
            let (unit, functions) = compile_by_turns(first, target, &options, &module, &bytes);
            assert_eq!(run(&unit, &functions, &module, 4).results, expected, "{first:?} first, {options:?}");
        }
    }
}

/// Zero extension makes an i64 of an i32 without an instruction: neither the half that was cut off comes back, nor does a 32-bit shift become a wider one.
#[test]
fn what_is_extended_again_has_a_clean_upper_half() {
    let halves = [
        "(i32.wrap_i64 (i64.add (local.get 2) (local.get 3)))",
        "(i32.wrap_i64 (local.get 2))",
        "(i32.shl (local.get 0) (i32.const 7))",
        "(i32.shr_s (local.get 0) (i32.const 3))",
        "(i32.rotl (local.get 0) (i32.const 9))",
        "(i32.mul (local.get 0) (i32.const 16))",
        "(i32.and (i32.wrap_i64 (local.get 2)) (local.get 1))",
        "(i32.xor (local.get 0) (i32.const -1))",
        "(i32.load (i32.const 8))",
    ];
    let mut text = String::from("(module (memory 4)\n");
    for half in halves {
        let extended = format!("(i64.extend_i32_u {half})");
        for user in ["add", "sub", "mul", "and", "or", "xor", "shl", "shr_u", "rotl"] {
            text += &format!("(func (param i32 i32 i64 i64 f64) (result i64) (i64.{user} (local.get 3) {extended}))\n");
            text += &format!("(func (param i32 i32 i64 i64 f64) (result i64) (i64.{user} {extended} (local.get 3)))\n");
        }
        for user in ["eq", "lt_s", "gt_u"] {
            text += &format!("(func (param i32 i32 i64 i64 f64) (result i32) (i64.{user} (local.get 3) {extended}))\n");
        }
        text += &format!("(func (param i32 i32 i64 i64 f64) (result i32) (i64.eqz {extended}))\n");
        text += &format!("(func (param i32 i32 i64 i64 f64) (result f64) (f64.convert_i64_s {extended}))\n");
        text += &format!("(func (param i32 i32 i64 i64 f64) (result i64) (i64.store offset=9 (local.get 1) {extended}) (local.get 2))\n")
            .replace("(local.get 1)", "(i32.and (local.get 1) (i32.const 0xffff))");
    }
    for (target, options) in configurations() {
        agree(&(text.clone() + ")"), target, &options);
    }
}

/// The upper half of a wrapped value is rubbish; that of what is selected is not.
#[test]
fn what_is_selected_has_a_clean_upper_half() {
    let wrapped = "(i32.wrap_i64 (i64.add (local.get 2) (local.get 3)))";
    let conditions = [
        "(local.get 1)",
        "(i32.lt_u (local.get 0) (local.get 1))",
        "(f64.eq (local.get 4) (local.get 4))",
        "(f64.ne (local.get 4) (f64.const 3))",
    ];
    let parameters = "(param i32 i32 i64 i64 f64)";
    let mut text = String::from("(module (memory 4)\n");
    for condition in conditions {
        for (first, second) in [(wrapped, "(local.get 0)"), ("(local.get 0)", wrapped), (wrapped, wrapped)] {
            text += &format!("(func {parameters} (result i64) (i64.extend_i32_u (select {first} {second} {condition})))\n");
        }
        text += &format!(
            "(func {parameters} (result i64) (local i32) (local.set 5 {wrapped}) (i64.extend_i32_u (select (local.get 5) (local.get 5) {condition})))\n"
        );
    }
    for (target, options) in configurations() {
        agree(&(text.clone() + ")"), target, &options);
    }
}

/// A loop of more than a megabyte of code, left and repeated from its ends, with float constants all along.
#[test]
fn branches_and_constants_reach_through_large_functions() {
    let mut random = Random(7);
    let mut text = String::from(
        "(module (memory 4) (func (param i32 i32 i64 i64 f64) (result i64) (local i32 f64) (local.set 5 (i32.const 2)) (loop (block",
    );
    text += "(br_if 0 (i32.and (local.get 0) (i32.const 4))) (br_if 0 (i32.lt_s (local.get 1) (i32.const 0))) (br_if 0 (i64.eqz (local.get 2)))";
    for index in 0..40_000 {
        text +=
            &format!("(local.set 3 (i64.xor (i64.mul (local.get 3) (i64.const {})) (i64.const {})))\n", random.next() | 1, random.next());
        if index % 50 == 0 {
            text += &format!("(local.set 6 (f64.add (local.get 6) (f64.const 0x1.{:013x}p2)))", random.next() >> 12);
        }
        if index % 5000 == 0 {
            text += "(br_if 0 (i64.eq (local.get 3) (i64.const 77))) (if (i64.eqz (local.get 3)) (then (return (i64.const 1))))";
        }
    }
    text += ") (br_if 0 (local.tee 5 (i32.sub (local.get 5) (i32.const 1)))))";
    text += "(i64.add (local.get 3) (i64.trunc_sat_f64_s (local.get 6)))))";
    for target in RUNNABLE {
        let (module, bytes) = parse(&text);
        let (unit, _) = compile(Driver::Optimizing, target, &Options::default(), &module, &bytes);
        assert!(unit.code.len() > 1 << 20, "{} bytes", unit.code.len());
        agree(&text, target, &Options::default());
    }
}
