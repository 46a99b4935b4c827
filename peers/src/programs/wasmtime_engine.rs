//! wasmtime's two compilers, each with wasmtime's defaults.

use std::error::Error;
use std::time::{Duration, Instant};

use wasmtime::{Caller, Config, Engine, Linker, Module, Store, Strategy};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtxBuilder};

use crate::report::Run;
use crate::{Bytes, Clock, Guest};

struct Host {
    wasi: WasiP1Ctx,
    clock: Clock,
}

pub(crate) fn cranelift(bytes: &mut Bytes, guest: &Guest) -> Result<(Duration, Option<Run>), Box<dyn Error>> {
    Ok(run(Strategy::Cranelift, bytes, guest)?)
}

pub(crate) fn winch(bytes: &mut Bytes, guest: &Guest) -> Result<(Duration, Option<Run>), Box<dyn Error>> {
    Ok(run(Strategy::Winch, bytes, guest)?)
}

// Built without wasmtime's feature `parallel-compilation`: everything happens on this thread.
fn run(strategy: Strategy, bytes: &mut Bytes, guest: &Guest) -> wasmtime::Result<(Duration, Option<Run>)> {
    let engine = Engine::new(Config::new().strategy(strategy))?;
    let (module, compile) = bytes.compile(|bytes| Module::new(&engine, bytes))?;
    let run = if guest.is_compiled_only { None } else { Some(run_once(&engine, &module, guest)?) };
    Ok((compile, run))
}

fn run_once(engine: &Engine, module: &Module, guest: &Guest) -> wasmtime::Result<Run> {
    let output = MemoryOutputPipe::new(usize::MAX);
    let mut wasi = WasiCtxBuilder::new();
    // As wasmtime's own command does: files are read on this thread, not on a pool of others.
    wasi.arg(&guest.name).stdout(output.clone()).allow_blocking_current_thread(true);
    wasi.preopened_dir(&guest.folder, ".", FsPerms::ReadWrite)?;
    let mut store = Store::new(engine, Host { wasi: wasi.build_p1(), clock: Clock::default() });
    let mut linker = Linker::new(engine);
    p1::add_to_linker_sync(&mut linker, |host: &mut Host| &mut host.wasi)?;
    linker.func_wrap("bench", "start", |mut caller: Caller<'_, Host>| caller.data_mut().clock.start())?;
    linker.func_wrap("bench", "end", |mut caller: Caller<'_, Host>| caller.data_mut().clock.end())?;

    let began = Instant::now();
    let instance = linker.instantiate(&mut store, module)?;
    let instantiate = began.elapsed();
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
    let began = Instant::now();
    let result = start.call(&mut store, ());
    let start = began.elapsed();
    let exit = match result {
        Ok(()) => 0,
        Err(error) => error.downcast_ref::<I32Exit>().map(|exit| exit.0).ok_or(error)?,
    };
    Ok(Run { instantiate, start, span: store.data().clock.span(), exit, output: output.contents().to_vec() })
}
