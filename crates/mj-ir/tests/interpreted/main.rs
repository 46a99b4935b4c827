//! SSA functions do what the modules they are built from do in an interpreter written by others: with all simplifications, and with each left out.

mod generate;
mod machine;
mod oracle;

use machine::{Machine, Stop, build};
use mj_decode::{ExportKind, Features, Module, ValType, validate};
use mj_ir::ssa::BuildOptions;
use oracle::{Exports, Item, Oracle};

/// Everything, each simplification left out, and nothing but translation.
fn variants() -> Vec<(BuildOptions, bool)> {
    let all = BuildOptions::default();
    let none = BuildOptions { fuel: true, fold: false, number: false, hoist: false, memory: false, globals: false };
    vec![
        (all, false),
        (all, true),
        (BuildOptions { fold: false, ..all }, true),
        (BuildOptions { number: false, ..all }, true),
        (BuildOptions { hoist: false, fuel: true, ..all }, true),
        (BuildOptions { memory: false, ..all }, true),
        (BuildOptions { globals: false, ..all }, true),
        (none, false),
    ]
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
fn compare(wasm: &[u8]) {
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

#[test]
fn generated_modules_do_the_same() {
    let count = std::env::var("MODULES").ok().and_then(|count| count.parse().ok()).unwrap_or(150);
    let start = std::env::var("FIRST").ok().and_then(|first| first.parse().ok()).unwrap_or(0);
    let mut made = 0;
    for seed in start..start + count {
        let Some(wasm) = generate::module(seed) else { continue };
        made += 1;
        let result = std::panic::catch_unwind(|| compare(&wasm));
        if let Err(panic) = result {
            eprintln!("seed {seed}");
            if let Ok(path) = std::env::var("KEEP") {
                std::fs::write(path, &wasm).expect("written");
            }
            std::panic::resume_unwind(panic);
        }
    }
    assert!(made * 2 > count, "{made} of {count} seeds make modules");
}

#[test]
fn written_modules_do_the_same() {
    for text in WRITTEN {
        compare(&wat::parse_str(text).expect("well formed"));
    }
}

/// Shapes that generated modules seldom have.
const WRITTEN: &[&str] = &[
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
