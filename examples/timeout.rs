//! Stopping a guest that takes too long: by a handle from another thread, or by a deadline in ticks of the engine.
//!
//!     cargo run --example timeout

use std::thread;
use std::time::Duration;

use mj_jit::{Config, Engine, Instance, Module, Result, Store, Trap, TypedFunc};

const GUEST: &str = r#"(module (func (export "spin") (loop (br 0))))"#;

fn main() -> Result<()> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, wat::parse_str(GUEST)?)?;

    by_handle(&engine, &module)?;
    by_epochs(&engine, &module)
}

/// One store, one handle: nothing is counted, and a guest that is not interrupted pays nothing for it.
fn by_handle(engine: &Engine, module: &Module) -> Result<()> {
    let (mut store, spin) = guest(engine, module)?;
    store.set_epoch_deadline(u64::MAX / 2);
    let handle = store.interrupt_handle();
    let timer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        handle.interrupt();
    });
    let error = spin.call(&mut store, ()).expect_err("it never returns by itself");
    timer.join().expect("the timer does not panic");
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupt));
    println!("stopped by its handle: {error:#}");
    Ok(())
}

/// Many stores, one clock: a thread makes the engine tick, and every store says how many ticks it may run.
fn by_epochs(engine: &Engine, module: &Module) -> Result<()> {
    let clock = engine.weak();
    thread::spawn(move || {
        // The weak handle lets the thread end with the engine.
        while let Some(engine) = clock.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(Duration::from_millis(10));
        }
    });
    let (mut store, spin) = guest(engine, module)?;
    store.set_epoch_deadline(5);
    store.epoch_deadline_trap();
    let error = spin.call(&mut store, ()).expect_err("its deadline comes");
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupt));
    println!("stopped by the clock: {error:#}");
    Ok(())
}

fn guest(engine: &Engine, module: &Module) -> Result<(Store<()>, TypedFunc<(), ()>)> {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, module, &[])?;
    let spin = instance.get_typed_func::<(), ()>(&mut store, "spin")?;
    Ok((store, spin))
}

#[test]
fn the_example_runs() -> Result<()> {
    main()
}
