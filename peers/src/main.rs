//! Prints the cost of calls and instantiations in mj and in wasmtime, side by side.

/// Nanoseconds, best of all rounds.
#[derive(Clone, Copy)]
struct Figures {
    host_to_wasm: f64,
    wasm_to_host: f64,
    instantiate: f64,
}

impl Figures {
    const WORST: Figures = Figures { host_to_wasm: f64::MAX, wasm_to_host: f64::MAX, instantiate: f64::MAX };
}

mod mj {
    use mj_jit as engine;
    include!("measure.rs");
}

mod peer {
    use wasmtime as engine;
    include!("measure.rs");
}

const CALLS: &str = r#"
(module
  (import "" "tick" (func $tick (param i32 i64) (result i64)))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "call_host") (param i32) (local i64)
    (loop
      (local.set 1 (call $tick (local.get 0) (local.get 1)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
"#;

/// A memory of one page, a table, a global, a data segment.
const SMALL: &str = r#"
(module
  (memory (export "memory") 1 1)
  (table 4 4 funcref)
  (global (mut i32) (i32.const 65536))
  (func $f (export "f"))
  (elem (i32.const 0) $f $f)
  (data (i32.const 1024) "some initial contents"))
"#;

fn main() {
    let mut mj = mj::prepare(&mj_jit::Config::new(), CALLS, SMALL).expect("mj compiles");
    let mut plain = peer::prepare(&wasmtime::Config::new(), CALLS, SMALL).expect("wasmtime compiles");
    let mut pooling = wasmtime::Config::new();
    pooling.allocation_strategy(wasmtime::InstanceAllocationStrategy::pooling());
    let mut pooled = peer::prepare(&pooling, CALLS, SMALL).expect("wasmtime compiles");
    let mut best = [Figures::WORST; 3];
    for _ in 0..30 {
        mj.round(&mut best[0]).expect("mj runs");
        plain.round(&mut best[1]).expect("wasmtime runs");
        pooled.round(&mut best[2]).expect("wasmtime runs");
    }
    println!("{:36} {:>10} {:>10} {:>18}", "nanoseconds, best of 30 rounds", "mj", "wasmtime", "wasmtime, pooling");
    let rows: [(&str, fn(&Figures) -> f64); 3] = [
        ("typed call, host to WebAssembly", |figures| figures.host_to_wasm),
        ("typed call, WebAssembly to host", |figures| figures.wasm_to_host),
        ("store and instance, 64 KiB memory", |figures| figures.instantiate),
    ];
    for (name, figure) in rows {
        println!("{name:36} {:10.1} {:10.1} {:18.1}", figure(&best[0]), figure(&best[1]), figure(&best[2]));
    }
}
