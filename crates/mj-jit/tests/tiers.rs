//! Code that moves to the optimizing compiler: when, and that nobody notices.

mod common;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{binary, instance_in, module, run};
use mj_jit::*;

type Events = Arc<Mutex<Vec<TierUp>>>;

/// A tiered engine with the lowest budget, and what it optimizes.
fn eager_to_optimize(configure: impl FnOnce(&mut Config)) -> (Engine, Events) {
    let events = Events::default();
    let mut config = Config::new();
    let log = Arc::clone(&events);
    config.tier_up_budget(1).tier_up_observer(move |event| log.lock().unwrap().push(event.clone()));
    configure(&mut config);
    (Engine::new(&config).unwrap(), events)
}

/// As above; hot functions wait for their code.
fn replacing() -> (Engine, Events) {
    eager_to_optimize(|config| _ = config.tier_up_waits(true))
}

/// Functions by index, and whether the whole was optimized or a loop of it.
fn summary(events: &Events) -> Vec<(u32, bool)> {
    events.lock().unwrap().iter().map(|event| (event.function, event.loop_offset.is_none())).collect()
}

fn baseline() -> Engine {
    Engine::new(Config::new().strategy(Strategy::BASELINE)).unwrap()
}

const SUM: &str = r#"(module
    (func (export "sum") (param $n i32) (result i64) (local $sum i64)
        (loop $again
            (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (local.get $n))))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum)))"#;

#[test]
fn a_loop_that_runs_moves_to_better_code() {
    let (engine, events) = replacing();
    let (mut store, instance) = instance_in(&engine, SUM);
    let sum = instance.get_typed_func::<i32, i64>(&mut store, "sum").unwrap();
    // The entry is the first to be charged.
    assert_eq!(sum.call(&mut store, 100_000).unwrap(), 5_000_050_000);
    assert_eq!(summary(&events), [(0, true), (0, false)], "the loop goes on in baseline code, until it has code of its own");
    assert_eq!(sum.call(&mut store, 100_000).unwrap(), 5_000_050_000);
    assert_eq!(summary(&events).len(), 2, "now calls reach the optimized function");
    let event = events.lock().unwrap()[1].clone();
    assert!(event.bytes.is_some() && event.loop_offset.is_some());
    assert!(event.to_string().contains("loop 0x"), "{event}");
}

#[test]
fn a_loop_moves_in_the_background() {
    let (engine, events) = eager_to_optimize(|config| _ = config.tier_up_threads(1));
    let (mut store, instance) = instance_in(&engine, SUM);
    let sum = instance.get_typed_func::<i32, i64>(&mut store, "sum").unwrap();
    let began = Instant::now();
    while summary(&events).is_empty() {
        assert_eq!(sum.call(&mut store, 100_000).unwrap(), 5_000_050_000);
        assert!(began.elapsed() < Duration::from_secs(60), "nothing was optimized");
    }
    assert_eq!(sum.call(&mut store, 100_000).unwrap(), 5_000_050_000);
}

#[test]
fn strategies_without_tiers_optimize_nothing_while_they_run() {
    for configure in [
        |config: &mut Config| _ = config.strategy(Strategy::BASELINE),
        |config: &mut Config| _ = config.strategy(Strategy::OPTIMIZING),
        |config: &mut Config| _ = config.cranelift_opt_level(OptLevel::None),
    ] {
        let (engine, events) = eager_to_optimize(|config| {
            config.tier_up_waits(true);
            configure(config);
        });
        let (mut store, instance) = instance_in(&engine, SUM);
        let sum = instance.get_typed_func::<i32, i64>(&mut store, "sum").unwrap();
        assert_eq!(sum.call(&mut store, 1000).unwrap(), 500_500);
        assert_eq!(summary(&events), []);
    }
}

#[test]
fn the_optimization_level_changes_the_code_and_not_what_it_computes() {
    let text = r#"(module (func (export "twice") (param i32 i32) (result i32)
        (i32.xor (i32.mul (i32.add (local.get 0) (local.get 1)) (i32.const 7))
            (i32.rotl (i32.mul (i32.add (local.get 0) (local.get 1)) (i32.const 7)) (i32.const 3)))))"#;
    let size = |level| {
        let engine = Engine::new(Config::new().strategy(Strategy::OPTIMIZING).cranelift_opt_level(level)).unwrap();
        let (mut store, instance) = instance_in(&engine, text);
        let twice = instance.get_typed_func::<(i32, i32), i32>(&mut store, "twice").unwrap();
        assert_eq!(twice.call(&mut store, (5, 6)).unwrap(), 77 ^ 77 << 3);
        module(&engine, text).function_code(0).unwrap().len()
    };
    assert_eq!(size(OptLevel::Speed), size(OptLevel::SpeedAndSize));
    assert!(size(OptLevel::Speed) < size(OptLevel::None), "what is there already is not computed again");
}

#[test]
fn the_default_budget_spares_what_is_not_hot() {
    let events = Events::default();
    let log = Arc::clone(&events);
    let engine =
        Engine::new(Config::new().tier_up_waits(true).tier_up_observer(move |event| log.lock().unwrap().push(event.clone()))).unwrap();
    let (mut store, instance) = instance_in(&engine, SUM);
    let sum = instance.get_typed_func::<i32, i64>(&mut store, "sum").unwrap();
    assert_eq!(sum.call(&mut store, 1000).unwrap(), 500_500);
    assert_eq!(summary(&events), []);
    sum.call(&mut store, 1_000_000).unwrap();
    assert_eq!(summary(&events), [(0, false)], "one call needs the loop only");
}

/// Locals of every type, more of them than there are registers, zero and not; values and constants on the operand stack below the loops;
/// stack arguments; results through a pointer; loops in loops, with parameters.
const FULL: &str = r#"(module
    (memory 1)
    (global $g (mut i64) (i64.const 3))
    (func $mix (export "mix")
        (param $a i32) (param $b i64) (param $c f32) (param $d f64)
        (param $p4 i32) (param $p5 i32) (param $p6 i32) (param $p7 i32) (param $p8 i64) (param $p9 i32) (param $p10 i64)
        (result i32 i64 f32 f64 i32 i32 i32 i32 i32 i64 i32 i64 f64 f32)
        (local $i i32) (local $j i32) (local $zero i64) (local $zf f64)
        (local $x0 i64) (local $x1 i64) (local $x2 i64) (local $x3 i64) (local $x4 i64) (local $x5 i64) (local $x6 i64)
        (local $y0 f64) (local $y1 f32)
        (local.get $a)
        (i64.const 0x123456789abcdef0)
        (f32.const 1.5)
        (f64.const -2.25)
        (i32.const -7)
        (local.get $p9)
        (loop $outer (param i32 i32) (result i32)
            (i32.add)
            (local.set $x0 (i64.add (local.get $x0) (local.get $b)))
            (local.set $x1 (i64.xor (local.get $x1) (local.get $p8)))
            (local.set $x2 (i64.add (local.get $x2) (i64.extend_i32_u (local.get $p5))))
            (local.set $y0 (f64.add (local.get $y0) (local.get $d)))
            (local.set $j (i32.const 0))
            (loop $inner
                (local.set $x3 (i64.add (local.get $x3) (i64.add (local.get $p10) (local.get $x0))))
                (local.set $x4 (i64.rotl (i64.add (local.get $x4) (local.get $x3)) (i64.const 7)))
                (local.set $x5 (i64.sub (local.get $x5) (local.get $x2)))
                (local.set $x6 (i64.add (local.get $x6) (i64.mul (local.get $x1) (i64.extend_i32_s (local.get $j)))))
                (local.set $y1 (f32.add (local.get $y1) (local.get $c)))
                (i64.store (i32.and (local.get $j) (i32.const 0xff8)) (local.get $x4))
                (global.set $g (i64.add (global.get $g) (local.get $x4)))
                (local.set $j (i32.add (local.get $j) (i32.const 1)))
                (br_if $inner (i32.lt_u (local.get $j) (i32.const 5))))
            (i32.const 11)
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $outer (i32.lt_u (local.get $i) (i32.const 9)))
            (i32.mul))
        (i32.add (local.get $p4))
        (i32.add (local.get $p6))
        (local.get $p7)
        (local.get $j)
        (local.get $i)
        (i32.wrap_i64 (i64.xor (local.get $x4) (local.get $x5)))
        (i64.add (local.get $x6) (local.get $zero))
        (i32.wrap_i64 (global.get $g))
        (i64.add (local.get $x3) (i64.load (i32.const 0)))
        (f64.add (local.get $y0) (local.get $zf))
        (local.get $y1)))"#;

#[test]
fn everything_in_a_frame_moves_along() {
    let values = |engine: &Engine| {
        let (mut store, instance) = instance_in(engine, FULL);
        let mix = instance.get_func(&mut store, "mix").unwrap();
        let ty = mix.ty(&store);
        let mut all = Vec::new();
        for seed in 1..=3 {
            let arguments: Vec<Val> = ty
                .params()
                .enumerate()
                .map(|(index, ty)| match ty {
                    ValType::I32 => Val::I32(-(seed * 1000 + index as i32)),
                    ValType::I64 => Val::I64(i64::from(seed) << 40 | index as i64),
                    ValType::F32 => Val::F32((seed as f32 * 0.37).to_bits()),
                    _ => Val::F64((f64::from(seed) * 1.7).to_bits()),
                })
                .collect();
            let mut results = vec![Val::I32(0); ty.results().len()];
            mix.call(&mut store, &arguments, &mut results).unwrap();
            all.push(format!("{results:?}"));
        }
        all
    };
    let expected = values(&baseline());
    let (engine, events) = replacing();
    assert_eq!(values(&engine), expected);
    assert!(summary(&events).contains(&(0, false)), "a loop was replaced");
    for configure in [
        |config: &mut Config| _ = config.codegen_few_registers(true),
        |config: &mut Config| _ = config.codegen_spill_everything(true),
        |config: &mut Config| _ = config.codegen_dirty_upper_bits(true),
        |config: &mut Config| _ = config.memory_reservation(0),
        |config: &mut Config| _ = config.compilation_mode(CompilationMode::Lazy),
    ] {
        let (engine, _) = eager_to_optimize(|config| {
            config.tier_up_waits(true);
            configure(config);
        });
        assert_eq!(values(&engine), expected);
    }
}

#[test]
fn each_loop_of_a_function_may_be_the_one_that_moves() {
    // Budgets in between let other loops than the first be caught.
    for budget in 1..60 {
        let (engine, _) = eager_to_optimize(|config| _ = config.tier_up_budget(budget).tier_up_waits(true));
        let text = r#"(module (func (export "f") (param $n i32) (result i32) (local $i i32) (local $sum i32)
            (loop $a
                (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 3)) (local.get $i)))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $a (i32.lt_u (local.get $i) (i32.const 7))))
            (local.set $i (i32.const 0))
            (block $out (loop $b
                (br_if $out (i32.ge_u (local.get $i) (local.get $n)))
                (loop $c (local.set $sum (i32.xor (local.get $sum) (i32.const 0x5bd1e995)))
                    (br_if $c (i32.and (local.get $sum) (i32.const 1))))
                (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 5)) (local.get $i)))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br $b)))
            (local.get $sum)))"#;
        let expected = {
            let (mut store, instance) = instance_in(&baseline(), text);
            instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap().call(&mut store, 20).unwrap()
        };
        let (mut store, instance) = instance_in(&engine, text);
        let f = instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap();
        for _ in 0..3 {
            assert_eq!(f.call(&mut store, 20).unwrap(), expected, "budget {budget}");
        }
    }
}

#[test]
fn recursion_goes_through_all_versions() {
    let (engine, events) = replacing();
    let text = r#"(module (func $f (export "f") (param $n i32) (result i32) (local $i i32) (local $sum i32)
        (if (i32.eqz (local.get $n)) (then (return (i32.const 1))))
        (loop $again
            (local.set $sum (i32.add (local.get $sum) (call $f (i32.sub (local.get $n) (i32.const 1)))))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
        (local.get $sum)))"#;
    let (mut store, instance) = instance_in(&engine, text);
    let f = instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap();
    assert_eq!(f.call(&mut store, 8).unwrap(), 40320);
    assert!(summary(&events).contains(&(0, true)));
    // The stack still ends where it should.
    let deep = r#"(module (func $f (export "f") (param $n i32) (loop (call $f (i32.add (local.get $n) (i32.const 1))) (br 0))))"#;
    let (mut store, instance) = instance_in(&engine, deep);
    let f = instance.get_typed_func::<i32, ()>(&mut store, "f").unwrap();
    assert_eq!(f.call(&mut store, 0).unwrap_err().downcast_ref(), Some(&Trap::StackOverflow));
}

#[test]
fn a_trap_in_code_that_was_replaced_has_the_same_backtrace() {
    let text = r#"(module
        (func $load (param $at i32) (drop (i32.load (local.get $at))))
        (memory 1)
        (func $walk (param $at i32)
            (loop $again
                (call $load (local.get $at))
                (local.set $at (i32.add (local.get $at) (i32.const 4096)))
                (br $again)))
        (func (export "run") (call $walk (i32.const 0))))"#;
    let trace = |engine: &Engine| {
        let (mut store, instance) = instance_in(engine, text);
        let error = run(&mut store, instance, "run").unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Trap::MemoryOutOfBounds));
        let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames();
        frames.iter().map(|frame| (frame.func_name().map(str::to_owned), frame.func_index(), frame.module_offset())).collect::<Vec<_>>()
    };
    let (engine, events) = replacing();
    let expected = trace(&baseline());
    assert_eq!(expected.len(), 3);
    assert_eq!(trace(&engine), expected);
    assert!(summary(&events).contains(&(1, false)) && summary(&events).contains(&(0, true)));
}

#[test]
fn fuel_is_counted_the_same_in_every_tier() {
    let left = |engine: &Engine| {
        let (mut store, instance) = {
            let mut store = Store::new(engine, ());
            store.set_fuel(1_000_000).unwrap();
            let instance = Instance::new(&mut store, &module(engine, FULL), &[]).unwrap();
            (store, instance)
        };
        let mix = instance.get_func(&mut store, "mix").unwrap();
        let ty = mix.ty(&store);
        let arguments: Vec<Val> = ty.params().map(|ty| Val::default_for_ty(&ty).unwrap()).collect();
        let mut results = vec![Val::I32(0); ty.results().len()];
        (0..3)
            .map(|_| {
                mix.call(&mut store, &arguments, &mut results).unwrap();
                store.get_fuel().unwrap()
            })
            .collect::<Vec<_>>()
    };
    let expected = left(&Engine::new(Config::new().strategy(Strategy::BASELINE).consume_fuel(true)).unwrap());
    assert_eq!(left(&Engine::new(Config::new().strategy(Strategy::OPTIMIZING).consume_fuel(true)).unwrap()), expected);
    let (engine, _) = eager_to_optimize(|config| _ = config.tier_up_waits(true).consume_fuel(true));
    assert_eq!(left(&engine), expected);
}

#[test]
fn code_can_be_interrupted_before_and_after_it_was_replaced() {
    for waits in [false, true] {
        let (engine, _) = eager_to_optimize(|config| _ = config.tier_up_waits(waits));
        let (mut store, instance) = instance_in(&engine, r#"(module (func (export "spin") (loop (br 0))))"#);
        for _ in 0..20 {
            let handle = store.interrupt_handle();
            let thread = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(2));
                handle.interrupt();
            });
            let error = run(&mut store, instance, "spin").unwrap_err();
            thread.join().unwrap();
            assert_eq!(error.downcast_ref(), Some(&Trap::Interrupt), "{error:?}");
        }
    }
}

const MANY: usize = 60;

/// Functions that call each other, each with a loop.
fn many_functions() -> Vec<u8> {
    let mut text = String::from("(module (memory 1)");
    for function in 0..MANY {
        let callee = if function == 0 { "(i64.const 1)".to_owned() } else { format!("(call {} (i32.const 3))", function - 1) };
        text += &format!(
            r#"(func (export "f{function}") (param $n i32) (result i64) (local $sum i64)
                (if (i32.and (local.get $n) (i32.const 1)) (then (local.set $sum {callee})))
                (loop $again
                    (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) (i64.extend_i32_u (local.get $n))))
                    (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                (local.get $sum))"#
        );
    }
    binary(&(text + ")"))
}

#[test]
fn many_threads_call_functions_while_they_move() {
    let bytes = many_functions();
    let all = |engine: &Engine, module: &Module| {
        let mut store = Store::new(engine, ());
        let instance = Instance::new(&mut store, module, &[]).unwrap();
        let mut results = Vec::new();
        for round in 0..20 {
            for function in 0..MANY {
                let f = instance.get_typed_func::<i32, i64>(&mut store, &format!("f{function}")).unwrap();
                results.push(f.call(&mut store, 1 + round * 7).unwrap());
            }
        }
        results
    };
    let engine = baseline();
    let expected = all(&engine, &Module::new(&engine, &bytes).unwrap());
    for (waits, mode) in [(false, CompilationMode::Eager), (true, CompilationMode::Eager), (false, CompilationMode::Lazy)] {
        let (engine, events) = eager_to_optimize(|config| _ = config.tier_up_waits(waits).tier_up_threads(3).compilation_mode(mode));
        let module = Module::new(&engine, &bytes).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| assert_eq!(all(&engine, &module), expected));
            }
        });
        let mut versions = summary(&events);
        let count = versions.len();
        versions.sort_unstable();
        versions.dedup();
        // A loop and its function may each have one version; there is one loop a function.
        assert_eq!(versions.len(), count, "a version was compiled twice");
        assert!(count > 0);
    }
}

#[test]
fn engines_and_modules_may_go_while_their_functions_are_compiled() {
    let bytes = many_functions();
    for round in 0..30 {
        let (engine, _) = eager_to_optimize(|config| _ = config.tier_up_threads(2));
        let module = Module::new(&engine, &bytes).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let f = instance.get_typed_func::<i32, i64>(&mut store, "f59").unwrap();
        f.call(&mut store, 3 + round).unwrap();
        drop(module);
        if round % 2 == 0 {
            drop(engine);
            drop(store);
        } else {
            drop(store);
            drop(engine);
        }
    }
}

#[test]
fn what_was_there_first_is_what_functions_lists() {
    let (engine, events) = replacing();
    let (mut store, instance) = {
        let module = module(&engine, SUM);
        let before: Vec<_> = module.functions().collect();
        let first = module.function_code(0).unwrap().as_ptr();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        instance.get_typed_func::<i32, i64>(&mut store, "sum").unwrap().call(&mut store, 10).unwrap();
        assert_eq!(summary(&events).len(), 2);
        assert_eq!(module.functions().collect::<Vec<_>>(), before);
        assert_ne!(module.function_code(0).unwrap().as_ptr(), first, "calls reach newer code");
        (store, instance)
    };
    assert_eq!(instance.get_typed_func::<i32, i64>(&mut store, "sum").unwrap().call(&mut store, 10).unwrap(), 55);
}
