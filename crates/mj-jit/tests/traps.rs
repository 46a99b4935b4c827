//! What stops code: traps with backtraces, fuel, deadlines and interrupts.

mod common;

use std::time::{Duration, Instant};

use common::{engines, instance, instance_in, module, run};
use mj_jit::*;

#[test]
fn every_trap_has_its_kind() {
    let text = r#"(module
        (memory 1) (table 1 funcref) (type $v (func)) (elem declare func $other)
        (func $other (param i32))
        (func (export "unreachable") unreachable)
        (func (export "load") (drop (i64.load (i32.const 65529))))
        (func (export "load far") (drop (i32.load8_u offset=0xffffffff (i32.const -1))))
        (func (export "store") (i32.store16 (i32.const -1) (i32.const 0)))
        (func (export "fill") (memory.fill (i32.const 65530) (i32.const 0) (i32.const 7)))
        (func (export "div zero") (param) (drop (i32.div_s (i32.const 1) (call $zero))))
        (func (export "rem zero") (drop (i64.rem_u (i64.const 1) (i64.extend_i32_u (call $zero)))))
        (func $zero (result i32) (i32.const 0))
        (func $minus_one (result i32) (i32.const -1))
        (func (export "div overflow") (drop (i32.div_s (i32.const 0x80000000) (call $minus_one))))
        (func (export "div overflow 64")
            (drop (i64.div_s (i64.const 0x8000000000000000) (i64.extend_i32_s (call $minus_one)))))
        (func (export "trunc nan") (drop (i32.trunc_f64_s (f64.div (f64.const 0) (f64.const 0)))))
        (func (export "trunc big") (drop (i32.trunc_f32_u (f32.const 1e20))))
        (func (export "null") (call_indirect (type $v) (i32.const 0)))
        (func (export "table") (call_indirect (type $v) (i32.const 1)))
        (func (export "signature") (table.set (i32.const 0) (ref.func $other)) (call_indirect (type $v) (i32.const 0)))
        (func (export "table get") (drop (table.get (i32.const 7))))
        (func $deep (export "stack") (call $deep)))"#;
    let cases = [
        ("unreachable", Trap::UnreachableCodeReached),
        ("load", Trap::MemoryOutOfBounds),
        ("load far", Trap::MemoryOutOfBounds),
        ("store", Trap::MemoryOutOfBounds),
        ("fill", Trap::MemoryOutOfBounds),
        ("div zero", Trap::IntegerDivisionByZero),
        ("rem zero", Trap::IntegerDivisionByZero),
        ("div overflow", Trap::IntegerOverflow),
        ("div overflow 64", Trap::IntegerOverflow),
        ("trunc nan", Trap::BadConversionToInteger),
        ("trunc big", Trap::IntegerOverflow),
        ("null", Trap::IndirectCallToNull),
        ("table", Trap::TableOutOfBounds),
        ("signature", Trap::BadSignature),
        ("table get", Trap::TableOutOfBounds),
        ("stack", Trap::StackOverflow),
    ];
    for engine in engines() {
        let (mut store, instance) = instance_in(&engine, text);
        for (name, trap) in cases {
            let error = run(&mut store, instance, name).expect_err(name);
            assert_eq!(error.downcast_ref::<Trap>(), Some(&trap), "{name}: {error:?}");
            let frames = error.downcast_ref::<WasmBacktrace>().expect(name).frames();
            assert!(!frames.is_empty(), "{name}");
            assert!(frames[0].module_offset().is_some() && frames[0].func_offset().is_some(), "{name}: {error:?}");
        }
    }
}

#[test]
fn a_backtrace_names_functions_and_offsets() {
    let text = r#"(module $m
        (import "" "host" (func $host))
        (func $inner (param i32) (drop (i32.div_u (i32.const 1) (local.get 0))))
        (func $middle (call $inner (i32.const 0)))
        (func (export "outer") (call $middle))
        (func (export "outermost") (call $host)))"#;
    for engine in engines() {
        let module = module(&engine, text);
        let mut store = Store::new(&engine, None::<TypedFunc<(), ()>>);
        let host = Func::wrap(&mut store, |mut caller: Caller<'_, Option<TypedFunc<(), ()>>>| {
            assert_eq!(WasmBacktrace::capture(&caller).frames().len(), 1);
            caller.data().unwrap().call(&mut caller, ())
        });
        let instance = Instance::new(&mut store, &module, &[host.into()]).unwrap();
        let outer = instance.get_typed_func::<(), ()>(&mut store, "outer").unwrap();
        *store.data_mut() = Some(outer);
        let outermost = instance.get_typed_func::<(), ()>(&mut store, "outermost").unwrap();
        let error = outermost.call(&mut store, ()).unwrap_err();
        let backtrace = error.downcast_ref::<WasmBacktrace>().unwrap();
        let names: Vec<_> = backtrace.frames().iter().map(|frame| (frame.func_index(), frame.func_name())).collect();
        assert_eq!(names, [(1, Some("inner")), (2, Some("middle")), (3, None), (4, None)]);
        // The division is behind its operands, each of two bytes, and the byte that counts local declarations.
        assert_eq!(backtrace.frames()[0].func_offset(), Some(5));
        for frame in backtrace.frames() {
            let (start, body) = module.function_body(frame.func_index()).unwrap();
            let offset = frame.module_offset().unwrap();
            assert!((start..start + body.len()).contains(&offset), "{frame:?}");
            let operator = module.bytes()[offset];
            assert_eq!(operator, if frame.func_index() == 1 { 0x6e } else { 0x10 }, "{frame:?}");
        }
        let text = format!("{error:?}");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "error while executing at wasm backtrace:");
        assert!(lines[1].starts_with("    0: ") && lines[1].ends_with(" - m!inner"), "{text}");
        assert!(lines[3].ends_with(" - m!<wasm function 3>"), "{text}");
        assert_eq!(lines.last().unwrap().trim(), "wasm trap: integer divide by zero");
    }
}

#[test]
fn backtraces_are_as_long_as_configured() {
    let frames = |limit: Option<usize>| {
        let limit = limit.map(|limit| limit.try_into().unwrap());
        let engine = Engine::new(Config::new().wasm_backtrace_max_frames(limit)).unwrap();
        let (mut store, instance) = instance_in(&engine, r#"(module (func $f (export "f") (call $f)))"#);
        let error = run(&mut store, instance, "f").unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::StackOverflow));
        error.downcast_ref::<WasmBacktrace>().map_or(0, |backtrace| backtrace.frames().len())
    };
    assert_eq!((frames(Some(7)), frames(Some(1000)), frames(None)), (7, 1000, 0));
}

#[test]
fn running_out_of_fuel_tells_the_loop_or_function() {
    // The first operators of the function and of its loops are constants of a type each.
    let text = r#"(module (func (export "f") (param i32) (local f32)
        (drop (i32.const 0))
        (loop $outer
            (drop (i64.const 0))
            (loop $inner
                (drop (f32.const 0))
                (br_if $inner (i32.eqz (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
            (br $outer))))"#;
    let engine = Engine::new(Config::new().consume_fuel(true)).unwrap();
    let bytes = common::binary(text);
    let (mut store, instance) = instance_in(&engine, text);
    let f = instance.get_typed_func::<i32, ()>(&mut store, "f").unwrap();
    let mut operator_without = |fuel: u64| {
        store.set_fuel(fuel).unwrap();
        let error = f.call(&mut store, 1).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::OutOfFuel));
        let offset = error.downcast_ref::<WasmBacktrace>().unwrap().frames()[0].module_offset().unwrap();
        bytes[offset]
    };
    assert_eq!(operator_without(0), 0x41, "the function");
    let outer: Vec<u8> = (1..40).map(operator_without).collect();
    assert_eq!(outer.iter().filter(|&&operator| operator == 0x41).count(), 0, "{outer:x?}");
    assert!(outer.iter().all(|operator| [0x42, 0x43].contains(operator)), "{outer:x?}");
    let changes = outer.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(changes >= 3, "both loops in turn: {outer:x?}");
}

#[test]
fn fuel_runs_out_and_can_be_refilled() {
    let text = r#"(module (func (export "loop") (param i32)
        (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"#;
    let engine = Engine::new(Config::new().consume_fuel(true)).unwrap();
    let (mut store, instance) = instance_in(&engine, text);
    let count = instance.get_typed_func::<i32, ()>(&mut store, "loop").unwrap();
    assert_eq!(count.call(&mut store, 1).unwrap_err().downcast_ref(), Some(&Trap::OutOfFuel));
    let used = |store: &mut Store<()>, rounds: i32| {
        store.set_fuel(1_000_000).unwrap();
        count.call(&mut *store, rounds).unwrap();
        1_000_000 - store.get_fuel().unwrap()
    };
    let (one, hundred) = (used(&mut store, 1), used(&mut store, 100));
    assert!(one > 0 && hundred > 99 * 3 && used(&mut store, 100) == hundred, "{one} {hundred}");
    store.set_fuel(hundred - 1).unwrap();
    assert_eq!(count.call(&mut store, 100).unwrap_err().downcast_ref(), Some(&Trap::OutOfFuel));
    assert_eq!(store.get_fuel().unwrap(), 0);
    store.set_fuel(u64::MAX).unwrap();
    count.call(&mut store, 100).unwrap();
    assert_eq!(store.get_fuel().unwrap(), u64::MAX - hundred);
    let mut without = Store::<()>::default();
    assert!(without.set_fuel(1).unwrap_err().to_string().contains("consume_fuel"));
}

const ENDLESS: &str = r#"(module
    (func (export "loop") (loop $l (br $l)))
    (func $f (export "recursion") (call $g) (call $g)) (func $g (export "g") (block (br_if 0 (i32.const 1)) (call $f)) (loop $l (br $l)))
    (func (export "quick")))"#;

#[test]
fn a_handle_interrupts_from_another_thread() {
    for engine in engines() {
        let (mut store, instance) = instance_in(&engine, ENDLESS);
        for name in ["loop", "recursion"] {
            let handle = store.interrupt_handle();
            let thread = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(20));
                handle.interrupt();
            });
            let error = run(&mut store, instance, name).unwrap_err();
            assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupt), "{error:?}");
            assert!(error.is::<WasmBacktrace>());
            thread.join().unwrap();
            run(&mut store, instance, "quick").unwrap();
        }
        // A handle that outlives its store does nothing.
        let handle = store.interrupt_handle();
        drop(store);
        handle.interrupt();
    }
}

#[test]
fn an_interrupt_that_comes_early_is_kept_for_the_next_loop() {
    let (mut store, instance) = instance(ENDLESS);
    store.interrupt_handle().interrupt();
    assert_eq!(run(&mut store, instance, "loop").unwrap_err().downcast_ref(), Some(&Trap::Interrupt));
}

#[test]
fn epochs_stop_code_at_the_deadline() {
    for mode in [CompilationMode::Eager, CompilationMode::Lazy] {
        let engine = Engine::new(Config::new().epoch_interruption(true).compilation_mode(mode)).unwrap();
        let (mut store, instance) = instance_in(&engine, ENDLESS);
        // The deadline of a new store has passed.
        assert_eq!(run(&mut store, instance, "loop").unwrap_err().downcast_ref(), Some(&Trap::Interrupt));
        store.set_epoch_deadline(2);
        run(&mut store, instance, "quick").unwrap();
        let ticking = engine.clone();
        let start = Instant::now();
        let thread = std::thread::spawn(move || {
            for _ in 0..2 {
                std::thread::sleep(Duration::from_millis(20));
                ticking.increment_epoch();
            }
        });
        let error = run(&mut store, instance, "loop").unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupt));
        assert!(start.elapsed() >= Duration::from_millis(40));
        thread.join().unwrap();
        // It stays passed until it is set anew.
        assert!(run(&mut store, instance, "loop").is_err());
        // An interrupt is not lost when a deadline is set.
        store.interrupt_handle().interrupt();
        store.set_epoch_deadline(1_000_000);
        assert_eq!(run(&mut store, instance, "loop").unwrap_err().downcast_ref(), Some(&Trap::Interrupt));
    }
}

#[test]
fn a_request_is_not_lost_where_a_deadline_has_passed_as_well() {
    let engine = Engine::new(Config::new().epoch_interruption(true)).unwrap();
    let module = module(&engine, ENDLESS);
    let mut store = Store::new(&engine, ());
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Continue(1)));
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    for _ in 0..3 {
        store.set_epoch_deadline(1);
        engine.increment_epoch();
        store.interrupt_handle().interrupt();
        // Without a tick, nothing else would end this.
        assert_eq!(run(&mut store, instance, "loop").unwrap_err().downcast_ref(), Some(&Trap::Interrupt));
    }
    // The deadline is as passed as it was.
    store.epoch_deadline_trap();
    assert_eq!(run(&mut store, instance, "loop").unwrap_err().downcast_ref(), Some(&Trap::Interrupt));
}

#[test]
fn a_deadline_callback_decides_how_to_go_on() {
    let engine = Engine::new(Config::new().epoch_interruption(true)).unwrap();
    let module = module(&engine, ENDLESS);
    let mut store = Store::new(&engine, 0);
    store.epoch_deadline_callback(|mut store| {
        *store.data_mut() += 1;
        match store.data() {
            1 | 2 => Ok(UpdateDeadline::Continue(1)),
            3 => Ok(UpdateDeadline::Interrupt),
            _ => bail!("enough"),
        }
    });
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let forever = instance.get_typed_func::<(), ()>(&mut store, "loop").unwrap();
    let ticking = engine.clone();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        while stopped.recv_timeout(Duration::from_millis(5)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            ticking.increment_epoch();
        }
    });
    assert_eq!(forever.call(&mut store, ()).unwrap_err().downcast_ref(), Some(&Trap::Interrupt));
    assert_eq!(*store.data(), 3);
    let error = forever.call(&mut store, ()).unwrap_err();
    assert_eq!(error.root_cause().to_string(), "enough");
    drop(stop);
    thread.join().unwrap();
}

#[test]
fn an_access_outside_memory_traps_where_it_stands_however_it_is_checked() {
    // Loads at one address in a row, checked together where addresses are compared; a store that ends the row, and one behind it.
    let text = r#"(module (memory (export "memory") 1 1)
        (func (export "f") (param $p i32) (result i64)
            (i64.add (i64.load8_u offset=4 (local.get $p))
                (i64.add (i64.load offset=16 (local.get $p))
                    (i64.add (i64.load32_s offset=8 (local.get $p))
                        (i64.add (i64.load16_u offset=0xfff0 (local.get $p)) (i64.load offset=40 (local.get $p))))))
            (i32.store offset=50 (local.get $p) (i32.const -1))
            (i32.store8 offset=60 (local.get $p) (i32.const 7))))"#;
    /// Address, trap, where in the module, and memory behind it.
    type Outcome = (u32, Trap, usize, Vec<u8>);
    let mut seen: Vec<Vec<Outcome>> = Vec::new();
    for strategy in [Strategy::BASELINE, Strategy::OPTIMIZING] {
        for reservation in [4 << 30, 0] {
            let engine = Engine::new(Config::new().strategy(strategy).memory_reservation(reservation)).unwrap();
            let mut outcomes = Vec::new();
            for address in (0..20).chain(65_460..65_540).chain([u32::MAX - 60, u32::MAX]) {
                let (mut store, instance) = instance_in(&engine, text);
                let function = instance.get_typed_func::<u32, i64>(&mut store, "f").unwrap();
                let Err(error) = function.call(&mut store, address) else { continue };
                let offset = error.downcast_ref::<WasmBacktrace>().unwrap().frames()[0].module_offset().unwrap();
                let memory = instance.get_memory(&mut store, "memory").unwrap().data(&store)[65_000..].to_vec();
                outcomes.push((address, *error.downcast_ref::<Trap>().unwrap(), offset, memory));
            }
            seen.push(outcomes);
        }
    }
    let [guarded, compared, folding, together] = &seen[..] else { unreachable!("two times two") };
    assert!(guarded.len() > 80 && guarded == compared && guarded == together);
    // Where loads fold, another one of them may come first.
    let effects = |outcomes: &[Outcome]| outcomes.iter().map(|(at, trap, _, memory)| (*at, *trap, memory.clone())).collect();
    let (expected, found): (Vec<_>, Vec<_>) = (effects(guarded), effects(folding));
    assert!(expected == found);
    let mut offsets: Vec<usize> = seen[0].iter().map(|(_, _, offset, _)| *offset).collect();
    offsets.sort_unstable();
    offsets.dedup();
    assert!(offsets.len() >= 3, "{offsets:?}");
}
