//! Limits for guests that are not trusted: memory, stack, and the number of operators they may execute.
//!
//!     cargo run --example limits

use mj_jit::{Config, Engine, Instance, Module, Result, Store, StoreLimits, StoreLimitsBuilder, Trap};

const GUEST: &str = r#"
    (module
        (memory (export "memory") 1)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func $deep (export "deep") (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
                (else (i32.const 0))))
        (func (export "spin") (loop (br 0))))
"#;

/// The store's data: limits live there, so that they can be changed while the guest runs.
struct Host {
    limits: StoreLimits,
}

fn main() -> Result<()> {
    let mut config = Config::new();
    config.max_wasm_stack(256 * 1024).consume_fuel(true);
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, wat::parse_str(GUEST)?)?;

    let limits = StoreLimitsBuilder::new().memory_size(10 * 65536).instances(1).build();
    let mut store = Store::new(&engine, Host { limits });
    store.limiter(|host| &mut host.limits);
    store.set_fuel(10_000_000)?;
    let instance = Instance::new(&mut store, &module, &[])?;

    // Growth beyond the limit fails, which the guest sees as -1.
    let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow")?;
    assert_eq!(grow.call(&mut store, 9)?, 1);
    assert_eq!(grow.call(&mut store, 1)?, -1);

    // Deep recursion is fine until the stack is used up; then it is a trap, after which the store can still be used.
    let deep = instance.get_typed_func::<i32, i32>(&mut store, "deep")?;
    assert_eq!(deep.call(&mut store, 100)?, 100);
    let error = deep.call(&mut store, 1_000_000).expect_err("the stack is too small for that");
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::StackOverflow));
    assert_eq!(deep.call(&mut store, 100)?, 100);

    // Fuel bounds how much is executed, the same amount on every machine.
    let spin = instance.get_typed_func::<(), ()>(&mut store, "spin")?;
    let error = spin.call(&mut store, ()).expect_err("no amount of fuel lasts for ever");
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::OutOfFuel));
    println!("stopped: {error:#}");

    // The limit of one instance holds, too.
    assert!(Instance::new(&mut store, &module, &[]).is_err());
    Ok(())
}

#[test]
fn the_example_runs() -> Result<()> {
    main()
}
