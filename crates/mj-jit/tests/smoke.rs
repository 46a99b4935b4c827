//! The shortest way through everything: compile, link, call, fail.

use mj_jit::*;

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, wat::parse_str(text).expect("the test's text is right")).unwrap()
}

#[test]
fn wasm_calls_the_host_and_returns() {
    for mode in [CompilationMode::Eager, CompilationMode::Lazy] {
        let engine = Engine::new(Config::new().compilation_mode(mode)).unwrap();
        let module = module(
            &engine,
            r#"(module
                (import "host" "add" (func $add (param i32 i64 f64) (result f64)))
                (memory (export "memory") 1)
                (func $fac (param i64) (result i64)
                    (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 1))
                        (else (i64.mul (local.get 0) (call $fac (i64.sub (local.get 0) (i64.const 1)))))))
                (func (export "fac") (param i64) (result i64) (call $fac (local.get 0)))
                (func (export "add") (param i32 i64 f64) (result f64) (call $add (local.get 0) (local.get 1) (local.get 2)))
                (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
                (func (export "trap") unreachable))"#,
        );
        let mut store = Store::new(&engine, 10);
        let mut linker = Linker::new(&engine);
        linker
            .func_wrap("host", "add", |mut caller: Caller<'_, i32>, a: i32, b: i64, c: f64| -> f64 {
                *caller.data_mut() += 1;
                f64::from(a) + b as f64 + c
            })
            .unwrap();
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let fac = instance.get_typed_func::<i64, i64>(&mut store, "fac").unwrap();
        assert_eq!(fac.call(&mut store, 20).unwrap(), 2_432_902_008_176_640_000);
        let add = instance.get_typed_func::<(i32, i64, f64), f64>(&mut store, "add").unwrap();
        assert_eq!(add.call(&mut store, (1, 2, 0.5)).unwrap(), 3.5);
        assert_eq!(*store.data(), 11);
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let put = instance.get_typed_func::<(i32, i32), ()>(&mut store, "store").unwrap();
        put.call(&mut store, (8, 0x0102_0304)).unwrap();
        assert_eq!(memory.data(&store)[8..12], [4, 3, 2, 1]);
        let error = put.call(&mut store, (65533, 0)).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::MemoryOutOfBounds));
        let error = instance.get_typed_func::<(), ()>(&mut store, "trap").unwrap().call(&mut store, ()).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::UnreachableCodeReached), "{error:?}");
    }
}
