//! Calls in both directions, with values and with Rust types.

mod common;

use common::{engines, instance, instance_in, module};
use mj_jit::*;

#[test]
fn sixteen_arguments_of_all_kinds_arrive_in_order() {
    for engine in engines() {
        let text = r#"(module
            (type $t (func (param i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32 f64) (result f64)))
            (import "" "f" (func $f (type $t)))
            (func (export "f") (type $t)
                (call $f (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6) (local.get 7)
                    (local.get 8) (local.get 9) (local.get 10) (local.get 11) (local.get 12) (local.get 13) (local.get 14) (local.get 15))))"#;
        let mut store = Store::new(&engine, ());
        #[rustfmt::skip]
        let host = Func::wrap(&mut store, |a: i32, b: i64, c: f32, d: f64, e: u32, f: u64, g: f32, h: f64,
                                           i: i32, j: i64, k: f32, l: f64, m: u32, n: u64, o: f32, p: f64| {
            assert_eq!((a, b, c, d, e, f, g, h), (1, 2, 3.0, 4.0, 5, 6, 7.0, 8.0));
            assert_eq!((i, j, k, l, m, n, o, p), (-9, -10, 11.0, 12.0, u32::MAX, u64::MAX, 15.0, 16.5));
            p
        });
        let instance = Instance::new(&mut store, &module(&engine, text), &[host.into()]).unwrap();
        let func = instance.get_func(&store, "f").unwrap();
        #[rustfmt::skip]
        let params = [
            Val::I32(1), Val::I64(2), 3f32.into(), 4f64.into(), Val::I32(5), Val::I64(6), 7f32.into(), 8f64.into(),
            Val::I32(-9), Val::I64(-10), 11f32.into(), 12f64.into(), Val::I32(-1), Val::I64(-1), 15f32.into(), 16.5f64.into(),
        ];
        let mut results = [Val::I32(0)];
        func.call(&mut store, &params, &mut results).unwrap();
        assert_eq!(results[0].unwrap_f64(), 16.5);
        host.call(&mut store, &params, &mut results).unwrap();
        assert_eq!(results[0].unwrap_f64(), 16.5);
    }
}

#[test]
fn twenty_results_of_all_kinds_come_back_in_order() {
    for engine in engines() {
        let types = "i32 i64 f32 f64 ".repeat(5);
        let values = (0..5).map(|i| format!("(i32.const {i}) (i64.const -{i}) (f32.const {i}.5) (f64.const -{i}.25)"));
        let text = format!(
            r#"(module (type $t (func (result {types}))) (import "" "f" (func $f (type $t)))
                (func (export "own") (type $t) {}) (func (export "host") (type $t) (call $f)))"#,
            values.collect::<String>()
        );
        let mut store = Store::new(&engine, ());
        let module = module(&engine, &text);
        let ty = module.get_export("own").unwrap().unwrap_func().clone();
        let host = Func::new(&mut store, ty, |_, _, results| {
            for (i, four) in results.chunks_mut(4).enumerate() {
                let i = i as i32;
                let next = [Val::I32(i), Val::I64(-i64::from(i)), (i as f32 + 0.5).into(), (-f64::from(i) - 0.25).into()];
                four.copy_from_slice(&next);
            }
            Ok(())
        });
        let instance = Instance::new(&mut store, &module, &[host.into()]).unwrap();
        for name in ["own", "host"] {
            let mut results = [Val::null_func_ref(); 20];
            instance.get_func(&store, name).unwrap().call(&mut store, &[], &mut results).unwrap();
            for (i, four) in results.chunks(4).enumerate() {
                assert_eq!(four[0].unwrap_i32(), i as i32, "{name}");
                assert_eq!(four[1].unwrap_i64(), -(i as i64));
                assert_eq!(four[2].unwrap_f32(), i as f32 + 0.5);
                assert_eq!(four[3].unwrap_f64(), -(i as f64) - 0.25);
            }
        }
    }
}

#[test]
fn typed_functions_return_tuples() {
    let (mut store, instance) =
        instance(r#"(module (func (export "f") (param i32 f64) (result f64 i32 i64) (local.get 1) (local.get 0) (i64.const -7)))"#);
    let f = instance.get_typed_func::<(i32, f64), (f64, i32, i64)>(&store, "f").unwrap();
    assert_eq!(f.call(&mut store, (3, 0.5)).unwrap(), (0.5, 3, -7));
    let copy = f;
    assert_eq!(copy.func().ty(&store).to_string(), "(func (param i32 f64) (result f64 i32 i64))");
}

#[test]
fn types_are_checked_when_a_function_is_made_typed() {
    let (mut store, instance) = instance(r#"(module (func (export "f") (param i32) (result i64) (i64.const 0)))"#);
    let func = instance.get_func(&mut store, "f").unwrap();
    let message = |error: Error| format!("{error:#}");
    let error = message(func.typed::<i64, i64>(&store).unwrap_err());
    assert!(error.contains("parameters") && error.contains("expected i64, found i32"), "{error}");
    let error = message(func.typed::<i32, ()>(&store).unwrap_err());
    assert!(error.contains("results") && error.contains("expected 0 types, found 1"), "{error}");
    let error = message(func.typed::<(i32, i32), i64>(&store).unwrap_err());
    assert!(error.contains("expected 2 types, found 1"), "{error}");
    let error = message(instance.get_typed_func::<i32, i64>(&mut store, "g").unwrap_err());
    assert!(error.contains("failed to find function export `g`"), "{error}");
}

#[test]
fn values_are_checked_when_a_function_is_called() {
    let (mut store, instance) = instance(r#"(module (func (export "f") (param i32) (result i64) (i64.const 0)))"#);
    let func = instance.get_func(&mut store, "f").unwrap();
    let error = func.call(&mut store, &[], &mut [Val::I32(0)]).unwrap_err();
    assert!(error.to_string().contains("expected 1 arguments, got 0"), "{error}");
    let error = func.call(&mut store, &[Val::I32(0)], &mut []).unwrap_err();
    assert!(error.to_string().contains("expected 1 results, got 0"), "{error}");
    let error = func.call(&mut store, &[Val::F32(0)], &mut [Val::I32(0)]).unwrap_err();
    assert!(format!("{error:#}").contains("expected a value of type i32, found f32"), "{error:#}");
}

#[test]
fn hosts_errors_come_back_as_they_are() {
    #[derive(Debug, PartialEq)]
    struct Exit(i32);
    impl std::fmt::Display for Exit {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "exit {}", self.0)
        }
    }
    impl std::error::Error for Exit {}

    for engine in engines() {
        let mut store = Store::new(&engine, ());
        let exit = Func::wrap(&mut store, |code: i32| -> Result<()> { bail!(Exit(code)) });
        let text = r#"(module $m (import "" "exit" (func $exit (param i32))) (func $run (export "run") (call $exit (i32.const 3))))"#;
        let instance = Instance::new(&mut store, &module(&engine, text), &[exit.into()]).unwrap();
        let error = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap().call(&mut store, ()).unwrap_err();
        assert_eq!(error.downcast_ref::<Exit>(), Some(&Exit(3)), "{error:?}");
        let backtrace = error.downcast_ref::<WasmBacktrace>().expect("host errors have a backtrace");
        assert_eq!(backtrace.frames().len(), 1);
        assert_eq!(backtrace.frames()[0].func_name(), Some("run"));
        // Called by the host itself there is no WebAssembly to show.
        let error = exit.call(&mut store, &[Val::I32(4)], &mut []).unwrap_err();
        assert_eq!(error.downcast::<Exit>().unwrap(), Exit(4));
    }
}

#[test]
fn hosts_panics_come_back_as_they_are() {
    fn panics(number: i32) {
        if number == 7 {
            std::panic::panic_any(number)
        }
    }
    let text = r#"(module (import "" "panic" (func $panic (param i32))) (func (export "run") (param i32) (call $panic (local.get 0))))"#;
    for engine in engines() {
        for (hooked, typed) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut store = Store::new(&engine, ());
            if hooked {
                store.call_hook(|_, _| Ok(()));
            }
            let panic = if typed {
                Func::wrap(&mut store, panics)
            } else {
                Func::new(&mut store, FuncType::new(&engine, [ValType::I32], []), |_, params, _| {
                    panics(params[0].unwrap_i32());
                    Ok(())
                })
            };
            let instance = Instance::new(&mut store, &module(&engine, text), &[panic.into()]).unwrap();
            let run = instance.get_typed_func::<i32, ()>(&mut store, "run").unwrap();
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.call(&mut store, 7)));
            assert_eq!(caught.unwrap_err().downcast_ref::<i32>(), Some(&7));
            // The store goes on working.
            run.call(&mut store, 8).unwrap();
        }
    }
}

#[test]
fn the_host_and_wasm_call_each_other_in_turn() {
    for engine in engines() {
        let text = r#"(module
            (import "" "host" (func $host (param i32) (result i32)))
            (func (export "wasm") (param i32) (result i32)
                (if (result i32) (local.get 0)
                    (then (i32.add (local.get 0) (call $host (i32.sub (local.get 0) (i32.const 1)))))
                    (else (i32.const 0)))))"#;
        let mut store = Store::new(&engine, None::<TypedFunc<i32, i32>>);
        let host = Func::wrap(&mut store, |mut caller: Caller<'_, Option<TypedFunc<i32, i32>>>, number: i32| -> Result<i32> {
            let wasm = caller.data().unwrap();
            wasm.call(&mut caller, number)
        });
        let instance = Instance::new(&mut store, &module(&engine, text), &[host.into()]).unwrap();
        let wasm = instance.get_typed_func::<i32, i32>(&mut store, "wasm").unwrap();
        *store.data_mut() = Some(wasm);
        assert_eq!(wasm.call(&mut store, 100).unwrap(), 5050);
    }
}

#[test]
fn endless_recursion_traps_whichever_stack_ends_first() {
    for engine in engines() {
        let text = r#"(module
            (import "" "host" (func $host))
            (func $wasm (export "wasm") (call $wasm))
            (func (export "both") (call $host)))"#;
        let mut store = Store::new(&engine, None::<TypedFunc<(), ()>>);
        let host = Func::wrap(&mut store, |mut caller: Caller<'_, Option<TypedFunc<(), ()>>>| -> Result<()> {
            caller.data().unwrap().call(&mut caller, ())
        });
        let instance = Instance::new(&mut store, &module(&engine, text), &[host.into()]).unwrap();
        let both = instance.get_typed_func::<(), ()>(&mut store, "both").unwrap();
        *store.data_mut() = Some(both);
        for name in ["wasm", "both", "wasm"] {
            let function = instance.get_typed_func::<(), ()>(&mut store, name).unwrap();
            let error = function.call(&mut store, ()).unwrap_err();
            assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::StackOverflow), "{name}: {error:?}");
        }
    }
}

#[test]
fn a_small_wasm_stack_ends_earlier() {
    let depth = |size: usize| {
        let engine = Engine::new(Config::new().max_wasm_stack(size)).unwrap();
        let (mut store, instance) = instance_in(
            &engine,
            r#"(module (global $depth (export "depth") (mut i32) (i32.const 0))
                (func $f (export "f") (global.set $depth (i32.add (global.get $depth) (i32.const 1))) (call $f)))"#,
        );
        assert!(common::run(&mut store, instance, "f").is_err());
        let depth = instance.get_global(&store, "depth").unwrap();
        depth.get(&mut store).unwrap_i32()
    };
    let (small, large) = (depth(256 << 10), depth(4 << 20));
    assert!(small * 8 < large, "{small} {large}");
}

#[test]
fn callers_see_the_calling_instance_and_the_data() {
    for engine in engines() {
        let mut linker = Linker::<Vec<String>>::new(&engine);
        linker
            .func_wrap("env", "log", |mut caller: Caller<'_, Vec<String>>, at: i32, len: i32| -> Result<()> {
                let memory = caller.get_export("memory").and_then(Extern::into_memory).expect("the instance has a memory");
                let (bytes, log) = memory.data_and_store_mut(&mut caller);
                log.push(String::from_utf8(bytes[at as usize..][..len as usize].to_vec())?);
                assert!(caller.get_export("nothing").is_none());
                Ok(())
            })
            .unwrap();
        let text = r#"(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 1) (data (i32.const 5) "hello")
            (func (export "run") (call $log (i32.const 5) (i32.const 5))))"#;
        let mut store = Store::new(&engine, Vec::new());
        let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
        instance.get_typed_func::<(), ()>(&mut store, "run").unwrap().call(&mut store, ()).unwrap();
        assert_eq!(store.into_data(), ["hello"]);
    }
}

#[test]
fn functions_are_values() {
    for engine in engines() {
        let text = r#"(module
            (type $unary (func (param i32) (result i32)))
            (table $t 3 funcref)
            (elem declare func $double)
            (func $double (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
            (func (export "get") (result funcref) (ref.func $double))
            (func (export "call") (param funcref i32) (result i32)
                (table.set $t (i32.const 1) (local.get 0))
                (call_indirect $t (type $unary) (local.get 1) (i32.const 1))))"#;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
        let get = instance.get_typed_func::<(), Option<Func>>(&mut store, "get").unwrap();
        let double = get.call(&mut store, ()).unwrap().unwrap();
        assert_eq!(double.typed::<i32, i32>(&store).unwrap().call(&mut store, 21).unwrap(), 42);
        let call = instance.get_typed_func::<(Func, i32), i32>(&mut store, "call").unwrap();
        assert_eq!(call.call(&mut store, (double, 4)).unwrap(), 8);
        let triple = Func::wrap(&mut store, |number: i32| number * 3);
        assert_eq!(call.call(&mut store, (triple, 4)).unwrap(), 12);
        let other = Func::wrap(&mut store, |_: i64| ());
        let error = call.call(&mut store, (other, 4)).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::BadSignature));
        let null = instance.get_typed_func::<(Option<Func>, i32), i32>(&mut store, "call").unwrap();
        let error = null.call(&mut store, (None, 4)).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::IndirectCallToNull));
        // A result that may be null is no `Func`.
        assert!(instance.get_typed_func::<(), Func>(&mut store, "get").is_err());
    }
}

#[test]
fn null_for_a_parameter_that_is_never_null_traps() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let host = Func::wrap(&mut store, |_: Func| ());
    let text = r#"(module (import "" "f" (func $f (param funcref))) (func (export "run") (call $f (ref.null func))))"#;
    let instance = Instance::new(&mut store, &module(&engine, text), &[host.into()]).unwrap();
    let error = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap().call(&mut store, ()).unwrap_err();
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::NullReference));
}

#[test]
fn results_of_the_host_are_checked() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let ty = FuncType::new(&engine, [], [ValType::I32]);
    let wrong = Func::new(&mut store, ty.clone(), |_, _, results| {
        results[0] = Val::I64(1);
        Ok(())
    });
    let error = wrong.call(&mut store, &[], &mut [Val::I32(0)]).unwrap_err();
    assert!(format!("{error:#}").contains("incompatible value"), "{error:#}");
    let lazy = Func::new(&mut store, ty, |_, _, _| Ok(()));
    let mut results = [Val::I32(9)];
    lazy.call(&mut store, &[], &mut results).unwrap();
    assert_eq!(results[0].unwrap_i32(), 0);
}

#[test]
#[should_panic(expected = "wrong store")]
fn a_function_of_another_store_panics() {
    let engine = Engine::default();
    let (mut one, mut other) = (Store::new(&engine, ()), Store::new(&engine, ()));
    let func = Func::wrap(&mut one, || ());
    let _ = func.call(&mut other, &[], &mut []);
}

#[test]
fn call_hooks_see_every_passage() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Vec::<CallHook>::new());
    // One function is there before the hook, one comes after it.
    let host = Func::wrap(&mut store, || ());
    store.call_hook(|mut store, hook| {
        store.data_mut().push(hook);
        Ok(())
    });
    let text = r#"(module (import "" "f" (func $f)) (import "" "g" (func $g)) (func (export "run") (call $f) (call $g)))"#;
    let other = Func::new(&mut store, FuncType::new(&engine, [], []), |_, _, _| Ok(()));
    let instance = Instance::new(&mut store, &module(&engine, text), &[host.into(), other.into()]).unwrap();
    instance.get_typed_func::<(), ()>(&mut store, "run").unwrap().call(&mut store, ()).unwrap();
    use CallHook::{CallingHost, CallingWasm, ReturningFromHost, ReturningFromWasm};
    assert_eq!(*store.data(), [CallingWasm, CallingHost, ReturningFromHost, CallingHost, ReturningFromHost, ReturningFromWasm]);
    store.call_hook(|_, hook| if hook == CallingHost { bail!("not now") } else { Ok(()) });
    let error = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap().call(&mut store, ()).unwrap_err();
    assert!(format!("{error:#}").contains("not now"), "{error:#}");
}
