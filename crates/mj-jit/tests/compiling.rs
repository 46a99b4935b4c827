//! Compilation: the same code however it is scheduled, and code that tools can look at.

mod common;

use std::fmt::Write;
use std::sync::{Arc, Barrier};

use common::{binary, module};
use mj_jit::*;

/// A module of many functions, each of which calls others, with bodies of different sizes.
fn large(functions: u32) -> Vec<u8> {
    let mut text = String::from("(module (memory 1)\n");
    for index in 0..functions {
        let _ = write!(text, r#"(func $f{index} (export "f{index}") (param i32) (result i32) (local i64) (local.get 0)"#);
        for step in 0..index % 97 {
            let _ = write!(text, "(i32.const {}) i32.add (i32.load offset={step} (i32.const 8)) i32.xor ", index * 31 + step);
        }
        if index > 0 {
            let _ = write!(text, "(if (result i32) (i32.lt_u (local.get 0) (i32.const 5)) (then (i32.const 1)) (else ");
            let _ = write!(text, "(call $f{} (i32.shr_u (local.get 0) (i32.const 1))))) i32.add", index / 2);
        }
        text.push_str(")\n");
    }
    text.push(')');
    binary(&text)
}

#[test]
fn code_does_not_depend_on_the_number_of_threads() {
    let bytes = large(2000);
    let code = |parallel: bool| {
        let engine = Engine::new(Config::new().parallel_compilation(parallel)).unwrap();
        let module = Module::new(&engine, &bytes).unwrap();
        let functions: Vec<_> = module.functions().collect();
        // Distances to the jump table do not depend on where the code is.
        (module.text().to_vec(), functions)
    };
    let (text, functions) = code(true);
    assert!(text.len() > 256 << 10, "{}: the test is to take the way of large modules", text.len());
    assert_eq!(functions.len(), 2000);
    assert!(functions.windows(2).all(|pair| pair[0].offset + pair[0].len <= pair[1].offset && pair[0].index < pair[1].index));
    assert_eq!(code(false), (text, functions));
}

#[test]
fn eager_and_lazy_code_compute_the_same() {
    let bytes = large(300);
    let results = |mode: CompilationMode| {
        let engine = Engine::new(Config::new().compilation_mode(mode)).unwrap();
        let module = Module::new(&engine, &bytes).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        (0..300)
            .map(|index| {
                let f = instance.get_typed_func::<i32, i32>(&mut store, &format!("f{index}")).unwrap();
                f.call(&mut store, index * 1000).unwrap()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(results(CompilationMode::Eager), results(CompilationMode::Lazy));
}

#[test]
fn lazy_functions_are_compiled_at_their_first_call_by_whichever_thread() {
    let engine = Engine::new(Config::new().compilation_mode(CompilationMode::Lazy)).unwrap();
    let module = Module::new(&engine, large(500)).unwrap();
    assert_eq!(module.functions().count(), 0);
    assert!(module.function_code(3).is_none());
    let barrier = Arc::new(Barrier::new(4));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (engine, module, barrier) = (engine.clone(), module.clone(), Arc::clone(&barrier));
            std::thread::spawn(move || {
                let mut store = Store::new(&engine, ());
                let instance = Instance::new(&mut store, &module, &[]).unwrap();
                barrier.wait();
                (0..500)
                    .map(|index| {
                        let f = instance.get_typed_func::<i32, i32>(&mut store, &format!("f{index}")).unwrap();
                        f.call(&mut store, 77).unwrap()
                    })
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(module.functions().count(), 500);
}

#[test]
fn tools_find_code_beside_bodies() {
    for mode in [CompilationMode::Eager, CompilationMode::Lazy] {
        let engine = Engine::new(Config::new().compilation_mode(mode)).unwrap();
        let module = module(
            &engine,
            r#"(module (import "" "f" (func $f)) (func $own (param i32) (result i32) (call $f) (i32.load (local.get 0))) (memory 1))"#,
        );
        assert!(module.compile_function(0).unwrap_err().to_string().contains("no function 0"));
        module.compile_function(1).unwrap();
        let code = module.function_code(1).unwrap();
        assert!(!code.is_empty() && module.function_code(0).is_none() && module.function_code(2).is_none());
        let (start, body) = module.function_body(1).unwrap();
        assert_eq!(body, [0, 0x10, 0, 0x20, 0, 0x28, 2, 0, 0x0b]);
        let sites = module.function_sites(1);
        assert!(sites.iter().any(|&(_, wasm)| wasm == start + 1) && sites.iter().any(|&(_, wasm)| wasm == start + 5), "{sites:?}");
        assert!(sites.iter().all(|&(offset, _)| offset <= code.len()));
        assert_eq!(module.function_name(1), Some("own"));
        let function = module.functions().next().unwrap();
        assert_eq!((function.index.as_u32(), function.name.as_deref()), (1, Some("own")));
        assert_eq!(&module.text()[function.offset..][..function.len], code);
    }
}

#[test]
fn modules_without_functions_are_modules() {
    for mode in [CompilationMode::Eager, CompilationMode::Lazy] {
        let engine = Engine::new(Config::new().compilation_mode(mode)).unwrap();
        let mut store = Store::new(&engine, ());
        let empty = module(&engine, "(module)");
        Instance::new(&mut store, &empty, &[]).unwrap();
        assert!(empty.text().len() < 100 && empty.functions().len() == 0);
    }
}
