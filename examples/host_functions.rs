//! Functions of the host: typed ones, failing ones, and ones whose type is known only at run time.
//!
//!     cargo run --example host_functions

use mj_jit::{Caller, Engine, FuncType, Linker, Module, Result, Store, Val, ValType, bail};

const GUEST: &str = r#"
    (module
        (import "host" "log" (func $log (param i32 i32)))
        (import "host" "divide" (func $divide (param f64 f64) (result f64)))
        (import "host" "swap" (func $swap (param i32 i64) (result i64 i32)))
        (memory (export "memory") 1)
        (data (i32.const 16) "half of it")
        (func (export "half") (param f64) (result f64)
            (call $log (i32.const 16) (i32.const 10))
            (call $divide (local.get 0) (f64.const 2)))
        (func (export "by_zero") (result f64)
            (call $divide (f64.const 1) (f64.const 0)))
        (func (export "swapped") (result i64 i32)
            (call $swap (i32.const 1) (i64.const 2))))
"#;

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, wat::parse_str(GUEST)?)?;
    let mut linker: Linker<Vec<String>> = Linker::new(&engine);

    // Through its first parameter, a host function reaches its caller: the exports, and the store's data.
    linker.func_wrap("host", "log", |mut caller: Caller<'_, Vec<String>>, at: u32, length: u32| -> Result<()> {
        let Some(memory) = caller.get_export("memory").and_then(|export| export.into_memory()) else {
            bail!("the guest exports no memory");
        };
        // Addresses come from the guest and may be wrong: `get` instead of indexing.
        let bytes = memory.data(&caller).get(at as usize..).and_then(|rest| rest.get(..length as usize));
        let Some(bytes) = bytes else { bail!("{length} bytes at {at} are outside the memory") };
        let line = String::from_utf8_lossy(bytes).into_owned();
        caller.data_mut().push(line);
        Ok(())
    })?;

    // An error ends the guest's call and arrives where the host made it.
    linker.func_wrap("host", "divide", |a: f64, b: f64| -> Result<f64> {
        if b == 0.0 {
            bail!("division of {a} by zero");
        }
        Ok(a / b)
    })?;

    // The untyped form: arguments and results as values. Several results are a matter of course in both forms.
    let swap = FuncType::new(&engine, [ValType::I32, ValType::I64], [ValType::I64, ValType::I32]);
    linker.func_new("host", "swap", swap, |_caller, arguments, results| {
        results[0] = arguments[1];
        results[1] = arguments[0];
        Ok(())
    })?;

    let mut store = Store::new(&engine, Vec::new());
    let instance = linker.instantiate(&mut store, &module)?;

    let half = instance.get_typed_func::<f64, f64>(&mut store, "half")?;
    assert_eq!(half.call(&mut store, 9.0)?, 4.5);
    assert_eq!(*store.data(), ["half of it"]);

    let by_zero = instance.get_typed_func::<(), f64>(&mut store, "by_zero")?;
    let error = by_zero.call(&mut store, ()).expect_err("it divides by zero");
    println!("as it should, this failed: {error:#}");
    assert!(error.root_cause().to_string().contains("by zero"));

    let swapped = instance.get_func(&mut store, "swapped").expect("it is exported");
    let mut results = [Val::I64(0), Val::I32(0)];
    swapped.call(&mut store, &[], &mut results)?;
    assert_eq!((results[0].unwrap_i64(), results[1].unwrap_i32()), (2, 1));
    Ok(())
}

#[test]
fn the_example_runs() -> Result<()> {
    main()
}
