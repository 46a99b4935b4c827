//! SSA functions do what the modules they are built from do in an interpreter written by others: with all simplifications, and with each left out.

pub mod generate;
mod machine;
mod oracle;
mod wasm;

use std::collections::HashMap;
use std::rc::Rc;

use machine::{Machine, Stop, build, build_one};
use mj_decode::{ExportKind, Features, Flow, Module, Reader, ValType, validate};
use mj_ir::ssa::{BuildOptions, Function, SIMPLIFICATIONS, Source, Uses};
use oracle::{Exports, Item, Oracle};

/// Everything, each simplification left out, and nothing but translation: options, whether to prune.
fn variants() -> Vec<(BuildOptions, bool)> {
    let all = BuildOptions::default();
    let none = BuildOptions { fuel: true, ..BuildOptions::none() };
    let mut variants = vec![(all, false), (all, true), (BuildOptions { fuel: true, ..all }, true), (none, false)];
    variants.extend(SIMPLIFICATIONS.iter().map(|row| (all.without(row), true)));
    variants
}

fn exports(module: &Module, machine: &Machine<'_>) -> Exports {
    let is_null = |value: &i64| *value == 0;
    let item = |kind, index: usize| match kind {
        ExportKind::Memory => Some(Item::Memory(machine.memories[index].clone())),
        ExportKind::Global => {
            let value = machine.globals[index];
            Some(Item::Global(if module.globals[index].content.is_reference() { i64::from(value != 0) } else { value }))
        }
        ExportKind::Table => Some(Item::Table(machine.tables[index].iter().map(is_null).collect())),
        ExportKind::Function => None,
    };
    let mut exports: Exports =
        module.exports.iter().filter_map(|export| Some((export.name.to_string(), item(export.kind, export.index as usize)?))).collect();
    exports.sort_by(|a, b| a.0.cmp(&b.0));
    exports
}

/// Results as the oracle tells them.
fn shown(types: &[ValType], values: &[i64]) -> Vec<i64> {
    types.iter().zip(values).map(|(ty, &value)| if ty.is_reference() { i64::from(value != 0) } else { value }).collect()
}

/// Runs all exported functions of a module, each three times in an instance of its own.
pub fn compare(wasm: &[u8]) {
    let module = validate(wasm, &Features::supported()).expect("valid");
    let functions: Vec<_> = variants().into_iter().map(|(options, prune)| (options, build(&module, wasm, options, prune))).collect();
    for export in module.exports.iter().filter(|export| export.kind == ExportKind::Function) {
        let mut oracle = Oracle::new(wasm);
        let mut machines: Vec<_> = functions.iter().map(|(options, functions)| (options, Machine::new(&module, wasm, functions))).collect();
        for (options, machine) in &machines {
            assert_eq!(machine.as_ref().err(), oracle.as_ref().err(), "instantiation, {options:?}");
        }
        let Ok(oracle) = &mut oracle else { return };
        let ty = module.function_type(export.index);
        for call in 0..3 {
            let arguments = generate::arguments(ty.params(), call);
            let expected = oracle.call(&export.name, &arguments);
            let left = oracle.exports();
            let mut fuel = None;
            for (options, machine) in &mut machines {
                let machine = machine.as_mut().expect("as the oracle");
                let result = machine.call(export.index, &arguments);
                if result == Err(Stop::Steps) {
                    return;
                }
                let result = result.map(|values| shown(ty.results(), &values));
                let context = || format!("{}({arguments:?}), call {call}, {options:?}", export.name);
                assert_eq!(result, expected, "{}", context());
                for (found, expected) in exports(&module, machine).iter().zip(&left) {
                    assert!(found == expected, "{} after {}", expected.0, context());
                }
                if options.fuel {
                    assert_eq!(*fuel.get_or_insert(machine.fuel), machine.fuel, "fuel after {}", context());
                }
            }
        }
    }
}

/// Takes frames over at loops: what follows is as if the frame had gone on.
pub fn compare_continuations(wasm: &[u8], taken: &mut usize) {
    let module = validate(wasm, &Features::supported()).expect("valid");
    let functions = build(&module, wasm, BuildOptions::default(), true);
    let (mut flow, mut uses) = (Flow::default(), Uses::default());
    for export in module.exports.iter().filter(|export| export.kind == ExportKind::Function) {
        let body = wasm::Body::new(&module, wasm, export.index);
        let ty = module.function_type(export.index);
        let range = module.bodies[export.index as usize].clone();
        let reader = Reader::new(&wasm[range.start as usize..range.end as usize], range.start);
        let mut continuations: HashMap<u32, (u32, Rc<Function>)> = HashMap::new();
        for call in 0..3 {
            let Ok(mut machine) = Machine::new(&module, wasm, &functions) else { return };
            let arguments = generate::arguments(ty.params(), call);
            let mut expected = machine.clone();
            let expected_result = expected.call(export.index, &arguments);
            let mut outcomes = Vec::new();
            let mut at_loop = |machine: &mut Machine<'_>, at: u32, locals: &[i64], stack: &[i64]| {
                let (count, continuation) = continuations.entry(at).or_insert_with(|| {
                    let source = Source {
                        module: &module,
                        function: export.index,
                        body: reader.clone(),
                        entry: Some(at),
                        needs_register: |_, _, _| true,
                    };
                    (0, Rc::new(build_one(&source, &mut flow, &mut uses, BuildOptions::default(), at.is_multiple_of(2))))
                });
                *count += 1;
                // The first times, and seldom later.
                if *count < 4 || count.is_power_of_two() {
                    let mut continued = machine.clone();
                    let slots = locals.iter().chain(stack).copied().collect();
                    let result = continued.go_on(continuation, slots);
                    outcomes.push((at, exports(&module, &continued), result));
                }
            };
            let result = wasm::run(&mut machine, &body, &arguments, &mut at_loop);
            *taken += outcomes.len();
            if result == Err(Stop::Steps) || expected_result == Err(Stop::Steps) {
                return;
            }
            let context = |what: &str| format!("{what}, {}({arguments:?}), call {call}", export.name);
            assert_eq!(expected_result, result, "{}", context("whole"));
            assert!(exports(&module, &expected) == exports(&module, &machine), "{}", context("whole"));
            for (at, continued, outcome) in outcomes.into_iter().filter(|(.., outcome)| *outcome != Err(Stop::Steps)) {
                assert_eq!(outcome, result, "{}", context(&format!("from {at}")));
                assert!(continued == exports(&module, &machine), "{}", context(&format!("from {at}")));
            }
        }
    }
}

/// Runs a test on generated modules; `MODULES`, `FIRST` and `KEEP` say how many, from which seed, and where to leave one that fails.
fn with_modules(default: u64, mut test: impl FnMut(&[u8])) {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(default);
    let (count, first) = (number("MODULES", default), number("FIRST", 0));
    let mut made = 0;
    for seed in first..first + count {
        let Some(wasm) = generate::module(seed) else { continue };
        made += 1;
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&wasm)));
        if let Err(panic) = result {
            eprintln!("seed {seed}");
            if let Ok(path) = std::env::var("KEEP") {
                std::fs::write(path, &wasm).expect("written");
            }
            std::panic::resume_unwind(panic);
        }
    }
    assert!(made * 2 >= count, "{made} of {count} seeds make modules");
}

#[test]
fn generated_modules_do_the_same() {
    with_modules(150, compare);
}

#[test]
fn frames_are_taken_over_at_loops() {
    let mut taken = 0;
    for text in WRITTEN {
        compare_continuations(&wat::parse_str(text).expect("well formed"), &mut taken);
    }
    assert!(taken > 50, "only {taken} frames");
    with_modules(150, |wasm| compare_continuations(wasm, &mut taken));
}

#[test]
fn written_modules_do_the_same() {
    for text in WRITTEN {
        compare(&wat::parse_str(text).expect("well formed"));
    }
}

/// Shapes that generated modules seldom have.
const WRITTEN: &[&str] = &[
    // Of the two ways back to the inner loop one is never gone: what lies between them is in no loop, and the copy of the outer loop follows it.
    r#"(module (global $g (export "g") (mut i32) (i32.const 9))
        (func (export "f") (param i32) (local i32)
            (loop $outer
                (loop $inner
                    (if (i32.eqz (global.get $g)) (then unreachable))
                    (global.set $g (i32.sub (global.get $g) (i32.const 1)))
                    (local.set 1 (i32.add (local.get 1) (i32.const 1)))
                    (br_if $inner (i32.lt_u (local.get 1) (i32.and (local.get 0) (i32.const 3))))
                    (br_if $inner (i32.const 0)))
                (br $outer))))"#,
    // A loop with stores, loads, a global that never changes, and division by a constant.
    r#"(module (memory (export "m") 1) (global $k i32 (i32.const 7))
        (func (export "f") (param i32 i32) (result i32) (local i32 i32)
            (local.set 0 (i32.and (local.get 0) (i32.const 255)))
            (block $out
                (loop $next
                    (br_if $out (i32.ge_s (local.get 3) (local.get 0)))
                    (local.set 2 (i32.add (local.get 2) (i32.load offset=4 (i32.and (i32.mul (local.get 1) (global.get $k)) (i32.const 1023)))))
                    (i32.store (i32.and (local.get 1) (i32.const 1023)) (local.get 2))
                    (local.set 3 (i32.add (local.get 3) (i32.const 1)))
                    (br $next)))
            (if (result i32) (local.get 2)
                (then (i32.load (i32.const 4)))
                (else (i32.div_s (local.get 2) (i32.const 10))))))"#,
    // Parameters of loops and ifs, several results, a switch whose targets repeat.
    r#"(module
        (func $two (param i32) (result i32 i64) (local.get 0) (i64.extend_i32_s (local.get 0)))
        (func (export "f") (param i32) (result i32 i64)
            (i32.and (local.get 0) (i32.const 15))
            (call $two (local.get 0))
            (loop $next (param i32 i32 i64) (result i32 i64)
                (local.set 0 (i32.wrap_i64))
                (drop)
                (i32.sub (i32.const 1))
                (local.set 0)
                (if (result i32 i64) (i32.gt_s (local.get 0) (i32.const 0))
                    (then (br $next (local.get 0) (local.get 0) (i64.const 3)))
                    (else (local.get 0) (i64.const 5)))))
        (func (export "g") (param i32) (result i32)
            (block $a (result i32)
                (block $b (result i32)
                    (block $c (result i32)
                        (i32.const 11)
                        (local.set 0 (i32.and (local.get 0) (i32.const 7)))
                        (local.get 0)
                        (br_table $a $b $b $c $a $c $b))
                    (local.set 0 (i32.const 100))
                    (i32.add (i32.const 1)))
                (i32.add (local.get 0)))))"#,
    // All that division by constants becomes.
    r#"(module
        (func (export "u") (param i32) (result i32)
            (i32.div_u (local.get 0) (i32.const 7)) (i32.div_u (local.get 0) (i32.const 10)) (i32.xor)
            (i32.rem_u (local.get 0) (i32.const 641)) (i32.add) (i32.div_u (local.get 0) (i32.const -3)) (i32.xor)
            (i32.rem_u (local.get 0) (i32.const 64)) (i32.add) (i32.div_u (local.get 0) (i32.const 0x80000000)) (i32.xor))
        (func (export "s") (param i32) (result i32)
            (i32.div_s (local.get 0) (i32.const 7)) (i32.div_s (local.get 0) (i32.const 10)) (i32.xor)
            (i32.rem_s (local.get 0) (i32.const 641)) (i32.add) (i32.div_s (local.get 0) (i32.const -3)) (i32.xor)
            (i32.rem_s (local.get 0) (i32.const 64)) (i32.add) (i32.div_s (local.get 0) (i32.const 0x80000000)) (i32.xor)
            (i32.rem_s (local.get 0) (i32.const -1)) (i32.add) (i32.div_s (local.get 0) (i32.const 2)) (i32.xor))
        (func (export "l") (param i64) (result i64)
            (i64.div_s (local.get 0) (i64.const 16)) (i64.rem_s (local.get 0) (i64.const 16)) (i64.xor)
            (i64.div_u (local.get 0) (i64.const 16)) (i64.add) (i64.rem_u (local.get 0) (i64.const 10)) (i64.add)))"#,
    // The size of a memory before and behind what grows it, here and in a function that is called; globals likewise.
    r#"(module (memory (export "m") 1 9) (global $g (export "g") (mut i32) (i32.const 3))
        (func $grow (drop (memory.grow (i32.const 1))) (global.set $g (i32.add (global.get $g) (i32.const 5))))
        (func (export "f") (param i32) (result i32 i32 i32 i32 i32 i32) (local i32)
            (memory.size) (global.get $g)
            (drop (memory.grow (i32.const 1)))
            (memory.size)
            (loop $next
                (local.set 1 (i32.add (i32.add (local.get 1) (memory.size)) (global.get $g)))
                (call $grow)
                (br_if $next (i32.lt_u (memory.size) (i32.const 6))))
            (memory.size) (global.get $g) (local.get 1)))"#,
    // Loops in each other with values on the stack, entered anew from inside, left by a switch and by falling out.
    r#"(module (memory (export "m") 1)
        (func (export "f") (param i32 i32) (result i32 i64) (local i32 i64 i32)
            (local.set 0 (i32.and (local.get 0) (i32.const 7)))
            (local.set 4 (i32.const 200))
            (i32.const 1000)
            (i64.const 7)
            (loop $a (param i32 i64) (result i32 i64)
                (local.set 3)
                (i32.add (local.get 0))
                (if (param i32) (result i32) (i32.and (local.get 4) (i32.const 1))
                    (then
                        (i32.const 3)
                        (loop $b (param i32) (result i32)
                            (local.set 2)
                            (local.set 4 (i32.sub (local.get 4) (i32.const 1)))
                            (loop $c
                                (local.set 3 (i64.add (local.get 3) (i64.extend_i32_u (local.get 2))))
                                (local.set 4 (i32.sub (local.get 4) (i32.const 1)))
                                (block $x (block $y (block $z
                                    (br_table $x $y $z $c (i32.and (local.get 4) (i32.const 3)))))
                                    (local.set 4 (i32.sub (local.get 4) (i32.const 1)))
                                    (br_if $b (i32.add (local.get 2) (i32.const 1)) (i32.gt_s (local.get 4) (i32.const 0)))
                                    (drop))
                                (local.set 4 (i32.sub (local.get 4) (i32.const 3)))
                                (br_if $c (i32.gt_s (local.get 4) (i32.const 5))))
                            (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (local.get 2)))
                            (br_if $b (local.get 2) (i32.gt_s (local.tee 4 (i32.sub (local.get 4) (i32.const 1))) (i32.const 20))))
                        (i32.add))
                    (else (local.set 4 (i32.sub (local.get 4) (i32.const 5))) (i32.add (i32.const 1))))
                (local.get 3)
                (br_if $a (i32.gt_s (local.get 4) (i32.const 0))))))"#,
    // Places that overlap or do not, near the end of the address space too.
    r#"(module (memory (export "m") 1)
        (func (export "f") (param i32) (result i32) (local i32 i32)
            (local.set 0 (i32.and (local.get 0) (i32.const 0xfff8)))
            (local.set 1 (i32.sub (local.get 0) (i32.const 16)))
            (i32.store offset=8 (local.get 0) (i32.const 0x01020304))
            (i32.store offset=16 (local.get 1) (i32.const 0x11121314))
            (local.set 2 (i32.load offset=8 (local.get 0)))
            (i32.store8 offset=26 (local.get 1) (i32.const 0x77))
            (local.set 2 (i32.add (local.get 2) (i32.load offset=8 (local.get 0))))
            (i32.store16 (i32.add (local.get 0) (i32.const 6)) (i32.const 0x5555))
            (local.set 2 (i32.add (local.get 2) (i32.load offset=8 (local.get 0))))
            (i32.store16 (i32.add (local.get 0) (i32.const 7)) (i32.const 0x6666))
            (i32.add (local.get 2) (i32.load offset=8 (local.get 0))))
        (func (export "g") (result i32)
            (i64.store (i32.const 32) (i64.const 0x0102030405060708))
            (i32.store8 (i32.const 39) (i32.const 9))
            (i32.store8 (i32.const 40) (i32.const 8))
            (i32.wrap_i64 (i64.shr_u (i64.load (i32.const 32)) (i64.const 40)))))"#,
    // Short copies and fills, over the end of memory and over each other.
    r#"(module (memory (export "m") 1) (data (i32.const 0) "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        (func (export "copy1") (param i32 i32) (memory.copy (i32.add (local.get 0) (i32.const 65496)) (i32.and (local.get 1) (i32.const 0xffff)) (i32.const 1)))
        (func (export "edge1") (param i32 i32) (memory.copy (i32.const 65535) (i32.const 3) (i32.const 1)) (memory.fill (i32.const 65536) (local.get 1) (i32.const 1)))
        (func (export "over1") (param i32) (memory.copy (i32.const 0) (i32.const 65535) (i32.const 1)) (memory.copy (i32.const 65536) (i32.const 0) (i32.const 1)))
        (func (export "from1") (param i32) (memory.copy (i32.const 0) (i32.const 65536) (i32.const 1)))
        (func (export "back1") (param i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.add (local.get 0) (i32.const 65496)) (i32.const 1)))
        (func (export "slide1") (param i32 i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.and (local.get 1) (i32.const 31)) (i32.const 1)))
        (func (export "fill1") (param i32 i32) (memory.fill (i32.add (local.get 0) (i32.const 65496)) (local.get 1) (i32.const 1)) (memory.fill (i32.const 3) (i32.const 0x1ab) (i32.const 1)))
        (func (export "copy2") (param i32 i32) (memory.copy (i32.add (local.get 0) (i32.const 65496)) (i32.and (local.get 1) (i32.const 0xffff)) (i32.const 2)))
        (func (export "edge2") (param i32 i32) (memory.copy (i32.const 65534) (i32.const 3) (i32.const 2)) (memory.fill (i32.const 65535) (local.get 1) (i32.const 2)))
        (func (export "over2") (param i32) (memory.copy (i32.const 0) (i32.const 65534) (i32.const 2)) (memory.copy (i32.const 65535) (i32.const 0) (i32.const 2)))
        (func (export "from2") (param i32) (memory.copy (i32.const 0) (i32.const 65535) (i32.const 2)))
        (func (export "back2") (param i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.add (local.get 0) (i32.const 65496)) (i32.const 2)))
        (func (export "slide2") (param i32 i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.and (local.get 1) (i32.const 31)) (i32.const 2)))
        (func (export "fill2") (param i32 i32) (memory.fill (i32.add (local.get 0) (i32.const 65496)) (local.get 1) (i32.const 2)) (memory.fill (i32.const 3) (i32.const 0x1ab) (i32.const 2)))
        (func (export "copy3") (param i32 i32) (memory.copy (i32.add (local.get 0) (i32.const 65496)) (i32.and (local.get 1) (i32.const 0xffff)) (i32.const 3)))
        (func (export "edge3") (param i32 i32) (memory.copy (i32.const 65533) (i32.const 3) (i32.const 3)) (memory.fill (i32.const 65534) (local.get 1) (i32.const 3)))
        (func (export "over3") (param i32) (memory.copy (i32.const 0) (i32.const 65533) (i32.const 3)) (memory.copy (i32.const 65534) (i32.const 0) (i32.const 3)))
        (func (export "from3") (param i32) (memory.copy (i32.const 0) (i32.const 65534) (i32.const 3)))
        (func (export "back3") (param i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.add (local.get 0) (i32.const 65496)) (i32.const 3)))
        (func (export "slide3") (param i32 i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.and (local.get 1) (i32.const 31)) (i32.const 3)))
        (func (export "fill3") (param i32 i32) (memory.fill (i32.add (local.get 0) (i32.const 65496)) (local.get 1) (i32.const 3)) (memory.fill (i32.const 3) (i32.const 0x1ab) (i32.const 3)))
        (func (export "copy7") (param i32 i32) (memory.copy (i32.add (local.get 0) (i32.const 65496)) (i32.and (local.get 1) (i32.const 0xffff)) (i32.const 7)))
        (func (export "edge7") (param i32 i32) (memory.copy (i32.const 65529) (i32.const 3) (i32.const 7)) (memory.fill (i32.const 65530) (local.get 1) (i32.const 7)))
        (func (export "over7") (param i32) (memory.copy (i32.const 0) (i32.const 65529) (i32.const 7)) (memory.copy (i32.const 65530) (i32.const 0) (i32.const 7)))
        (func (export "from7") (param i32) (memory.copy (i32.const 0) (i32.const 65530) (i32.const 7)))
        (func (export "back7") (param i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.add (local.get 0) (i32.const 65496)) (i32.const 7)))
        (func (export "slide7") (param i32 i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.and (local.get 1) (i32.const 31)) (i32.const 7)))
        (func (export "fill7") (param i32 i32) (memory.fill (i32.add (local.get 0) (i32.const 65496)) (local.get 1) (i32.const 7)) (memory.fill (i32.const 3) (i32.const 0x1ab) (i32.const 7)))
        (func (export "copy8") (param i32 i32) (memory.copy (i32.add (local.get 0) (i32.const 65496)) (i32.and (local.get 1) (i32.const 0xffff)) (i32.const 8)))
        (func (export "edge8") (param i32 i32) (memory.copy (i32.const 65528) (i32.const 3) (i32.const 8)) (memory.fill (i32.const 65529) (local.get 1) (i32.const 8)))
        (func (export "over8") (param i32) (memory.copy (i32.const 0) (i32.const 65528) (i32.const 8)) (memory.copy (i32.const 65529) (i32.const 0) (i32.const 8)))
        (func (export "from8") (param i32) (memory.copy (i32.const 0) (i32.const 65529) (i32.const 8)))
        (func (export "back8") (param i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.add (local.get 0) (i32.const 65496)) (i32.const 8)))
        (func (export "slide8") (param i32 i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.and (local.get 1) (i32.const 31)) (i32.const 8)))
        (func (export "fill8") (param i32 i32) (memory.fill (i32.add (local.get 0) (i32.const 65496)) (local.get 1) (i32.const 8)) (memory.fill (i32.const 3) (i32.const 0x1ab) (i32.const 8)))
        (func (export "copy13") (param i32 i32) (memory.copy (i32.add (local.get 0) (i32.const 65496)) (i32.and (local.get 1) (i32.const 0xffff)) (i32.const 13)))
        (func (export "edge13") (param i32 i32) (memory.copy (i32.const 65523) (i32.const 3) (i32.const 13)) (memory.fill (i32.const 65524) (local.get 1) (i32.const 13)))
        (func (export "over13") (param i32) (memory.copy (i32.const 0) (i32.const 65523) (i32.const 13)) (memory.copy (i32.const 65524) (i32.const 0) (i32.const 13)))
        (func (export "from13") (param i32) (memory.copy (i32.const 0) (i32.const 65524) (i32.const 13)))
        (func (export "back13") (param i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.add (local.get 0) (i32.const 65496)) (i32.const 13)))
        (func (export "slide13") (param i32 i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.and (local.get 1) (i32.const 31)) (i32.const 13)))
        (func (export "fill13") (param i32 i32) (memory.fill (i32.add (local.get 0) (i32.const 65496)) (local.get 1) (i32.const 13)) (memory.fill (i32.const 3) (i32.const 0x1ab) (i32.const 13)))
        (func (export "copy16") (param i32 i32) (memory.copy (i32.add (local.get 0) (i32.const 65496)) (i32.and (local.get 1) (i32.const 0xffff)) (i32.const 16)))
        (func (export "edge16") (param i32 i32) (memory.copy (i32.const 65520) (i32.const 3) (i32.const 16)) (memory.fill (i32.const 65521) (local.get 1) (i32.const 16)))
        (func (export "over16") (param i32) (memory.copy (i32.const 0) (i32.const 65520) (i32.const 16)) (memory.copy (i32.const 65521) (i32.const 0) (i32.const 16)))
        (func (export "from16") (param i32) (memory.copy (i32.const 0) (i32.const 65521) (i32.const 16)))
        (func (export "back16") (param i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.add (local.get 0) (i32.const 65496)) (i32.const 16)))
        (func (export "slide16") (param i32 i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.and (local.get 1) (i32.const 31)) (i32.const 16)))
        (func (export "fill16") (param i32 i32) (memory.fill (i32.add (local.get 0) (i32.const 65496)) (local.get 1) (i32.const 16)) (memory.fill (i32.const 3) (i32.const 0x1ab) (i32.const 16)))
        (func (export "copy31") (param i32 i32) (memory.copy (i32.add (local.get 0) (i32.const 65496)) (i32.and (local.get 1) (i32.const 0xffff)) (i32.const 31)))
        (func (export "edge31") (param i32 i32) (memory.copy (i32.const 65505) (i32.const 3) (i32.const 31)) (memory.fill (i32.const 65506) (local.get 1) (i32.const 31)))
        (func (export "over31") (param i32) (memory.copy (i32.const 0) (i32.const 65505) (i32.const 31)) (memory.copy (i32.const 65506) (i32.const 0) (i32.const 31)))
        (func (export "from31") (param i32) (memory.copy (i32.const 0) (i32.const 65506) (i32.const 31)))
        (func (export "back31") (param i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.add (local.get 0) (i32.const 65496)) (i32.const 31)))
        (func (export "slide31") (param i32 i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.and (local.get 1) (i32.const 31)) (i32.const 31)))
        (func (export "fill31") (param i32 i32) (memory.fill (i32.add (local.get 0) (i32.const 65496)) (local.get 1) (i32.const 31)) (memory.fill (i32.const 3) (i32.const 0x1ab) (i32.const 31)))
        (func (export "copy32") (param i32 i32) (memory.copy (i32.add (local.get 0) (i32.const 65496)) (i32.and (local.get 1) (i32.const 0xffff)) (i32.const 32)))
        (func (export "edge32") (param i32 i32) (memory.copy (i32.const 65504) (i32.const 3) (i32.const 32)) (memory.fill (i32.const 65505) (local.get 1) (i32.const 32)))
        (func (export "over32") (param i32) (memory.copy (i32.const 0) (i32.const 65504) (i32.const 32)) (memory.copy (i32.const 65505) (i32.const 0) (i32.const 32)))
        (func (export "from32") (param i32) (memory.copy (i32.const 0) (i32.const 65505) (i32.const 32)))
        (func (export "back32") (param i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.add (local.get 0) (i32.const 65496)) (i32.const 32)))
        (func (export "slide32") (param i32 i32) (memory.copy (i32.and (local.get 0) (i32.const 31)) (i32.and (local.get 1) (i32.const 31)) (i32.const 32)))
        (func (export "fill32") (param i32 i32) (memory.fill (i32.add (local.get 0) (i32.const 65496)) (local.get 1) (i32.const 32)) (memory.fill (i32.const 3) (i32.const 0x1ab) (i32.const 32))))"#,
    // Small functions: with locals, several results, early returns, called in arms and loops, in each other's arguments.
    r#"(module (memory (export "m") 1)
        (func $least (param i32 i32) (result i32) (select (local.get 0) (local.get 1) (i32.lt_s (local.get 0) (local.get 1))))
        (func $sign (param i32) (result i32) (local i32)
            (if (i32.lt_s (local.get 0) (i32.const 0)) (then (return (i32.const -1))))
            (local.set 1 (i32.gt_s (local.get 0) (i32.const 0)))
            (local.get 1))
        (func $both (param i32) (result i32 i32) (block (br_if 0 (local.get 0)) (local.set 0 (i32.const 77))) (local.get 0) (i32.load (local.get 0)))
        (func $put (param i32 i32) (i32.store (i32.and (local.get 0) (i32.const 0xfff)) (local.get 1)))
        (func (export "f") (param i32 i32) (result i32) (local i32 i32)
            (local.set 3 (i32.const 9))
            (if (i32.and (local.get 0) (i32.const 1))
                (then (local.set 2 (call $least (local.get 0) (call $least (local.get 1) (call $sign (local.get 0))))))
                (else (call $put (local.get 0) (local.get 1))))
            (loop $next
                (call $put (i32.shl (local.get 3) (i32.const 2)) (call $least (local.get 3) (local.get 2)))
                (local.set 2 (i32.add (local.get 2) (call $sign (i32.sub (local.get 3) (i32.const 4)))))
                (br_if $next (local.tee 3 (i32.sub (local.get 3) (i32.const 1)))))
            (call $both (i32.and (local.get 0) (i32.const 0xff)))
            (i32.add)
            (i32.add (local.get 2)))
        (func (export "trap") (param i32) (result i32) (i32.add (call $both (local.get 0)))))"#,
    // A loop that is left by ways that change locals, nested in one that goes on.
    r#"(module
        (func (export "f") (param i32 i32) (result i32) (local i32 i32 i32)
            (local.set 0 (i32.and (local.get 0) (i32.const 31)))
            (block $done
                (loop $outer
                    (br_if $done (i32.eqz (local.get 0)))
                    (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                    (local.set 3 (i32.const 5))
                    (loop $inner
                        (local.set 3 (i32.sub (local.get 3) (i32.const 1)))
                        (if (i32.eq (local.get 3) (i32.and (local.get 1) (i32.const 7)))
                            (then (local.set 4 (i32.add (local.get 4) (local.get 1))) (br $outer)))
                        (local.set 2 (i32.add (local.get 2) (i32.mul (local.get 1) (local.get 1))))
                        (br_if $inner (local.get 3)))
                    (br $outer)))
            (i32.add (local.get 2) (i32.mul (local.get 4) (local.get 0)))))"#,
];
