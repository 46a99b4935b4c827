//! Code for other machines than this one.

use mj_jit::{Config, Engine, Instance, Module, Store, Strategy};

const TEXT: &str = r#"
(module
  (memory 1)
  (table funcref (elem $even $odd))
  (func $even (export "even") (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1))
      (else (call $odd (i32.sub (local.get 0) (i32.const 1))))))
  (func $odd (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
      (else (call $even (i32.sub (local.get 0) (i32.const 1)))))))
"#;

/// The other machine.
const FOREIGN: &str = if cfg!(target_arch = "aarch64") { "x86_64-unknown-linux-gnu" } else { "aarch64-unknown-linux-gnu" };

fn foreign() -> Engine {
    Engine::new(Config::new().strategy(Strategy::OPTIMIZING).target(FOREIGN).unwrap()).unwrap()
}

#[test]
fn code_for_another_machine_is_compiled_and_says_so_where_it_cannot_run() {
    let (engine, here) = (foreign(), Engine::default());
    let bytes = engine.precompile_module(TEXT.as_bytes()).unwrap();
    // SAFETY: this is what the line above made.
    let error = unsafe { Module::deserialize(&here, &bytes) }.unwrap_err().to_string();
    assert!(error.contains("another machine") && error.contains(&FOREIGN[..6]), "{error}");
    // SAFETY: as above.
    let module = unsafe { Module::deserialize(&engine, &bytes) }.unwrap();
    assert!(module.serialize().unwrap() == bytes, "placing code and taking it back changes nothing");
    let error = Instance::new(Store::new(&engine, ()), &module, &[]).unwrap_err().to_string();
    assert!(error.contains("another machine"), "{error}");
}

#[test]
fn code_of_each_machine_is_another() {
    let (theirs, ours) = (foreign().precompile_module(TEXT.as_bytes()), Engine::default().precompile_module(TEXT.as_bytes()));
    assert_ne!(theirs.unwrap(), ours.unwrap());
    let again = foreign().precompile_module(TEXT.as_bytes()).unwrap();
    assert_eq!(again, foreign().precompile_module(TEXT.as_bytes()).unwrap());
}

#[test]
fn this_machine_may_be_named() {
    for target in [std::env::consts::ARCH.to_owned(), format!("{}-unknown-linux-gnu", std::env::consts::ARCH), "native".to_owned()] {
        let engine = Engine::new(Config::new().target(&target).unwrap()).unwrap();
        let module = Module::new(&engine, TEXT).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let even = instance.get_typed_func::<i32, i32>(&mut store, "even").unwrap();
        assert_eq!(even.call(&mut store, 10).unwrap(), 1);
    }
}

#[test]
fn machines_that_there_are_no_compilers_for_are_refused() {
    for target in ["riscv64gc-unknown-linux-gnu", "aarch64-pc-windows-msvc", "x86_64-apple-darwin", ""] {
        let error = Engine::new(Config::new().target(target).unwrap()).unwrap_err().to_string();
        assert!(error.contains("Config::target") && error.contains(target), "{error}");
    }
}
