//! What all tests share.
#![allow(dead_code, reason = "not every test file uses everything")]

use mj_jit::*;

/// Compiles text.
pub fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, binary(text)).unwrap_or_else(|error| panic!("{error:?}\n{text}"))
}

/// Translates text to the binary format.
pub fn binary(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// An instance without imports in a store of its own.
pub fn instance(text: &str) -> (Store<()>, Instance) {
    instance_in(&Engine::default(), text)
}

/// An instance without imports in a store of its own, for an engine.
pub fn instance_in(engine: &Engine, text: &str) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module(engine, text), &[]).unwrap_or_else(|error| panic!("{error:?}"));
    (store, instance)
}

/// Calls an export without arguments and results.
pub fn run(store: &mut Store<()>, instance: Instance, name: &str) -> Result<()> {
    instance.get_typed_func::<(), ()>(&mut *store, name)?.call(store, ())
}

/// Engines of every way to compile, to check bounds, and to trap.
pub fn engines() -> Vec<Engine> {
    let mut engines = Vec::new();
    for mode in [CompilationMode::Eager, CompilationMode::Lazy] {
        for reservation in [4 << 30, 0] {
            engines.push(Engine::new(Config::new().compilation_mode(mode).memory_reservation(reservation)).unwrap());
        }
    }
    for strategy in [Strategy::BASELINE, Strategy::OPTIMIZING] {
        engines.push(Engine::new(Config::new().strategy(strategy).signals_based_traps(false)).unwrap());
    }
    engines
}
