//! A plugin host: plugins transform a number, may keep state, and cannot harm each other or the host.
//!
//! Each plugin gets a store of its own with limits and a time limit, so that one that fails is dropped and the others go on.
//!
//!     cargo run --example plugins

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use mj_jit::error::Context;
use mj_jit::{Caller, Engine, Linker, Module, Result, Store, StoreLimits, StoreLimitsBuilder, TypedFunc};

/// Name and source of each plugin. A real host would read them from a folder.
const PLUGINS: &[(&str, &str)] = &[
    ("double", r#"(module (func (export "transform") (param i64) (result i64) (i64.mul (local.get 0) (i64.const 2))))"#),
    (
        "counter",
        r#"(module
            (import "plugin" "log" (func $log (param i64)))
            (global $calls (mut i64) (i64.const 0))
            (func (export "transform") (param i64) (result i64)
                (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
                (call $log (global.get $calls))
                (i64.add (local.get 0) (global.get $calls))))"#,
    ),
    ("broken", r#"(module (func (export "transform") (param i64) (result i64) (i64.div_u (local.get 0) (i64.const 0))))"#),
    ("endless", r#"(module (func (export "transform") (param i64) (result i64) (loop (br 0)) (local.get 0)))"#),
    ("stranger", r#"(module (func (export "something_else")))"#),
];

const TIME_LIMIT: Duration = Duration::from_millis(100);

/// What the host keeps for one plugin.
struct Host {
    name: &'static str,
    limits: StoreLimits,
}

struct Plugin {
    store: Store<Host>,
    transform: TypedFunc<i64, i64>,
}

impl Plugin {
    fn load(linker: &Linker<Host>, name: &'static str, source: &str) -> Result<Plugin> {
        let engine = linker.engine();
        let module = Module::new(engine, wat::parse_str(source)?)?;
        let limits = StoreLimitsBuilder::new().memory_size(1 << 20).build();
        let mut store = Store::new(engine, Host { name, limits });
        store.limiter(|host| &mut host.limits);
        let instance = linker.instantiate(&mut store, &module)?;
        let transform = instance.get_typed_func(&mut store, "transform").context("a plugin exports `transform`")?;
        Ok(Plugin { store, transform })
    }

    fn transform(&mut self, value: i64) -> Result<i64> {
        let handle = self.store.interrupt_handle();
        let (finished, wait) = channel::<()>();
        let timer = thread::spawn(move || {
            if wait.recv_timeout(TIME_LIMIT) == Err(RecvTimeoutError::Timeout) {
                handle.interrupt();
            }
        });
        let result = self.transform.call(&mut self.store, value);
        drop(finished);
        timer.join().expect("the timer does not panic");
        result
    }
}

fn main() -> Result<()> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.func_wrap("plugin", "log", |caller: Caller<'_, Host>, number: i64| {
        println!("[{}] {number}", caller.data().name);
    })?;

    let mut plugins = Vec::new();
    for (name, source) in PLUGINS {
        match Plugin::load(&linker, name, source) {
            Ok(plugin) => plugins.push(plugin),
            Err(error) => println!("{name} is no plugin: {error:#}"),
        }
    }
    assert_eq!(plugins.len(), 4);

    let mut results = Vec::new();
    for start in [10, 100] {
        let mut value = start;
        plugins.retain_mut(|plugin| match plugin.transform(value) {
            Ok(transformed) => {
                value = transformed;
                true
            }
            Err(error) => {
                println!("{} is switched off: {error:#}", plugin.store.data().name);
                false
            }
        });
        results.push(value);
    }
    println!("{results:?}");
    assert_eq!(results, [21, 202]);
    assert_eq!(plugins.len(), 2);
    Ok(())
}

#[test]
fn the_example_runs() -> Result<()> {
    main()
}
