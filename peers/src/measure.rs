// The measurement, included once per engine: `engine` is the engine's crate.

use std::time::Instant;

use super::Figures;
use engine::{Config, Engine, Func, Instance, InstancePre, Linker, Module, Result, Store, TypedFunc};

const CALLS: u32 = 200_000;
const INSTANCES: u32 = 500;

/// An engine with everything compiled, ready to be measured.
pub struct Ready {
    engine: Engine,
    store: Store<u64>,
    add: TypedFunc<(i32, i32), i32>,
    call_host: TypedFunc<i32, ()>,
    small: InstancePre<()>,
}

/// Compiles and instantiates.
pub fn prepare(config: &Config, wat: &str, small: &str) -> Result<Ready> {
    let engine = Engine::new(config)?;
    let module = Module::new(&engine, wat::parse_str(wat).expect("valid text"))?;
    let mut store = Store::new(&engine, 0u64);
    let tick = Func::wrap(&mut store, |a: i32, b: i64| -> i64 { b.wrapping_add(i64::from(a)) });
    let instance = Instance::new(&mut store, &module, &[tick.into()])?;
    let add = instance.get_typed_func(&mut store, "add")?;
    let call_host = instance.get_typed_func(&mut store, "call_host")?;
    let small = Module::new(&engine, wat::parse_str(small).expect("valid text"))?;
    let small = Linker::new(&engine).instantiate_pre(&small)?;
    Ok(Ready { engine, store, add, call_host, small })
}

impl Ready {
    /// One round of each, kept if it is the best so far.
    pub fn round(&mut self, best: &mut Figures) -> Result<()> {
        let start = Instant::now();
        let mut sum = 0i32;
        for number in 0..CALLS {
            sum = sum.wrapping_add(self.add.call(&mut self.store, (number as i32, 1))?);
        }
        std::hint::black_box(sum);
        best.host_to_wasm = best.host_to_wasm.min(nanoseconds(start, CALLS));

        let start = Instant::now();
        self.call_host.call(&mut self.store, CALLS as i32)?;
        best.wasm_to_host = best.wasm_to_host.min(nanoseconds(start, CALLS));

        let start = Instant::now();
        for _ in 0..INSTANCES {
            let mut store = Store::new(&self.engine, ());
            std::hint::black_box(self.small.instantiate(&mut store)?);
        }
        best.instantiate = best.instantiate.min(nanoseconds(start, INSTANCES));
        Ok(())
    }
}

fn nanoseconds(start: Instant, count: u32) -> f64 {
    start.elapsed().as_nanos() as f64 / f64::from(count)
}
