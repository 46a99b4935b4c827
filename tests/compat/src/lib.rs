//! A small plugin host as people write them for wasmtime: nothing here knows that the crate behind the name is another.

#![forbid(unsafe_code)]

use anyhow::Result;
use wasmtime::error::Context;
use wasmtime::{Caller, Config, Engine, Extern, InstancePre, Linker, Module, Store, StoreLimits, StoreLimitsBuilder, Trap, TypedFunc};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{I32Exit, WasiCtxBuilder};

/// What a plugin may reach.
pub struct State {
    wasi: WasiP1Ctx,
    limits: StoreLimits,
    log: Vec<String>,
}

/// A host for plugins that export `process(i32) -> i32`.
pub struct Host {
    engine: Engine,
    linker: Linker<State>,
}

/// A plugin, ready to be instantiated.
pub struct Plugin {
    engine: Engine,
    pre: InstancePre<State>,
}

/// A plugin that runs.
pub struct Running {
    store: Store<State>,
    process: TypedFunc<i32, i32>,
    output: MemoryOutputPipe,
}

/// Why a call failed.
#[derive(Debug, PartialEq)]
pub enum Failure {
    /// The plugin left with this code.
    Exit(i32),
    /// It used up its fuel.
    Fuel,
    /// It was stopped for another reason.
    Other(String),
}

impl Host {
    /// A host that counts fuel and has epochs.
    pub fn new() -> Result<Self> {
        let mut config = Config::new();
        config.consume_fuel(true).epoch_interruption(true).cranelift_opt_level(wasmtime::OptLevel::Speed).max_wasm_stack(1 << 20);
        let engine = Engine::new(&config)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p1::add_to_linker_sync(&mut linker, |state: &mut State| &mut state.wasi)?;
        linker.func_wrap("host", "log", |mut caller: Caller<'_, State>, pointer: u32, length: u32| -> wasmtime::Result<()> {
            let Some(Extern::Memory(memory)) = caller.get_export("memory") else { wasmtime::bail!("a plugin needs a memory") };
            let (bytes, state) = memory.data_and_store_mut(&mut caller);
            let text = bytes.get(pointer as usize..).and_then(|rest| rest.get(..length as usize));
            let text = text.ok_or_else(|| wasmtime::format_err!("{pointer}+{length} is outside the memory"))?;
            state.log.push(String::from_utf8_lossy(text).into_owned());
            Ok(())
        })?;
        Ok(Self { engine, linker })
    }

    /// Compiles a plugin.
    pub fn load(&self, wasm: impl AsRef<[u8]>) -> Result<Plugin> {
        let module = Module::new(&self.engine, wasm).context("the plugin does not compile")?;
        let pre = self.linker.instantiate_pre(&module).context("the plugin does not link")?;
        Ok(Plugin { engine: self.engine.clone(), pre })
    }
}

impl Plugin {
    /// Starts the plugin with so much fuel.
    pub fn start(&self, fuel: u64) -> Result<Running> {
        let output = MemoryOutputPipe::new(4096);
        let wasi = WasiCtxBuilder::new().stdout(output.clone()).arg("plugin").env("MODE", "test").build_p1();
        let limits = StoreLimitsBuilder::new().memory_size(1 << 20).instances(1).build();
        let mut store = Store::new(&self.engine, State { wasi, limits, log: Vec::new() });
        store.limiter(|state| &mut state.limits);
        store.set_fuel(fuel)?;
        store.set_epoch_deadline(1);
        store.epoch_deadline_trap();
        let instance = self.pre.instantiate(&mut store)?;
        let process = instance.get_typed_func::<i32, i32>(&mut store, "process")?;
        Ok(Running { store, process, output })
    }
}

impl Running {
    /// Calls the plugin.
    pub fn process(&mut self, number: i32) -> Result<i32, Failure> {
        self.process.call(&mut self.store, number).map_err(|error| {
            if let Some(exit) = error.downcast_ref::<I32Exit>() {
                Failure::Exit(exit.0)
            } else if let Some(Trap::OutOfFuel) = error.downcast_ref::<Trap>() {
                Failure::Fuel
            } else {
                Failure::Other(error.root_cause().to_string())
            }
        })
    }

    /// What it has logged.
    pub fn log(&self) -> &[String] {
        &self.store.data().log
    }

    /// What it has written to its standard output.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.output.contents()).into_owned()
    }
}
