//! Many threads: one engine and one compiled module for all, a store for each.
//!
//!     cargo run --example threads

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use mj_jit::{Caller, Engine, InstancePre, Linker, Module, Result, Store};

const GUEST: &str = r#"
    (module
        (import "host" "report" (func $report (param i64)))
        ;; The sum of the numbers from the first to the second.
        (func (export "sum") (param $from i64) (param $to i64)
            (local $sum i64)
            (loop $next
                (local.set $sum (i64.add (local.get $sum) (local.get $from)))
                (local.set $from (i64.add (local.get $from) (i64.const 1)))
                (br_if $next (i64.le_u (local.get $from) (local.get $to))))
            (call $report (local.get $sum))))
"#;

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, wat::parse_str(GUEST)?)?;
    let total = Arc::new(AtomicU64::new(0));
    let mut linker: Linker<Arc<AtomicU64>> = Linker::new(&engine);
    linker.func_wrap("host", "report", |caller: Caller<'_, Arc<AtomicU64>>, sum: u64| {
        caller.data().fetch_add(sum, Ordering::Relaxed);
    })?;

    // Imports are looked up and checked once, here; instantiating is then a matter of microseconds.
    let ready = linker.instantiate_pre(&module)?;
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let (ready, total) = (ready.clone(), Arc::clone(&total));
            thread::spawn(move || work(&ready, total, worker))
        })
        .collect();
    for worker in workers {
        worker.join().expect("workers do not panic")?;
    }
    let total = total.load(Ordering::Relaxed);
    println!("the numbers from 1 to 4000 add up to {total}");
    assert_eq!(total, 4000 * 4001 / 2);
    Ok(())
}

/// A thousand numbers, in ten stores one after the other: what a store used is free again when it is dropped.
fn work(ready: &InstancePre<Arc<AtomicU64>>, total: Arc<AtomicU64>, worker: u64) -> Result<()> {
    for part in 0..10 {
        let mut store = Store::new(ready.module().engine(), Arc::clone(&total));
        let instance = ready.instantiate(&mut store)?;
        let sum = instance.get_typed_func::<(u64, u64), ()>(&mut store, "sum")?;
        let first = worker * 1000 + part * 100 + 1;
        sum.call(&mut store, (first, first + 99))?;
    }
    Ok(())
}

#[test]
fn the_example_runs() -> Result<()> {
    main()
}
