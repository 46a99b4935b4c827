//! What is left when stores and modules are gone. Alone in its process, for it looks at the process.

mod common;

use common::{engines, module};
use mj_jit::*;

#[test]
fn many_stores_and_modules_leave_nothing_behind() {
    let resident = || {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    };
    let mappings = || std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    let round = |engine: &Engine, seed: usize| {
        let text = format!(r#"(module (memory (export "m") 1) (table 9 funcref) (func (export "f") (result i32) (i32.const {seed})))"#);
        let module = module(engine, &text);
        let mut store = Store::new(engine, ());
        for _ in 0..5 {
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            instance.get_memory(&mut store, "m").unwrap().data_mut(&mut store).fill(1);
            assert_eq!(instance.get_typed_func::<(), i32>(&mut store, "f").unwrap().call(&mut store, ()).unwrap(), seed as i32);
        }
    };
    for engine in engines() {
        (0..50).for_each(|seed| round(&engine, seed));
        let before = (resident(), mappings());
        (0..300).for_each(|seed| round(&engine, seed));
        let after = (resident(), mappings());
        assert!(after.0 < before.0 + (8 << 20), "{before:?} {after:?}");
        assert!(after.1 < before.1 + 50, "{before:?} {after:?}");
    }
}
