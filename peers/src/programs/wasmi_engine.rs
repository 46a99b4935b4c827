//! wasmi, an interpreter: "compile" is the translation of every function to its own code.

use std::error::Error;
use std::io::Cursor;
use std::time::{Duration, Instant};

use wasmi::{Caller, CompilationMode, Config, Engine, Linker, Module, Store};
use wasmi_wasi::wasi_common::pipe::WritePipe;
use wasmi_wasi::{Dir, WasiCtx, WasiCtxBuilder, ambient_authority};

use crate::report::Run;
use crate::{Bytes, Clock, Guest};

struct Host {
    wasi: WasiCtx,
    clock: Clock,
}

pub(crate) fn run(bytes: &mut Bytes, guest: &Guest) -> Result<(Duration, Option<Run>), Box<dyn Error>> {
    let engine = Engine::new(Config::default().compilation_mode(CompilationMode::Eager));
    let (module, compile) = bytes.compile(|bytes| Module::new(&engine, bytes))?;
    let run = if guest.is_compiled_only { None } else { Some(run_once(&engine, &module, guest)?) };
    Ok((compile, run))
}

fn run_once(engine: &Engine, module: &Module, guest: &Guest) -> Result<Run, Box<dyn Error>> {
    let output = WritePipe::new(Cursor::new(Vec::new()));
    let mut wasi = WasiCtxBuilder::new();
    wasi.arg(&guest.name)?.stdout(Box::new(output.clone()));
    wasi.preopened_dir(Dir::open_ambient_dir(&guest.folder, ambient_authority())?, ".")?;
    let mut store = Store::new(engine, Host { wasi: wasi.build(), clock: Clock::default() });
    let mut linker = Linker::new(engine);
    wasmi_wasi::add_to_linker(&mut linker, |host: &mut Host| &mut host.wasi)?;
    linker.func_wrap("bench", "start", |mut caller: Caller<'_, Host>| caller.data_mut().clock.start())?;
    linker.func_wrap("bench", "end", |mut caller: Caller<'_, Host>| caller.data_mut().clock.end())?;

    let began = Instant::now();
    let instance = linker.instantiate_and_start(&mut store, module)?;
    let instantiate = began.elapsed();
    let start = instance.get_typed_func::<(), ()>(&store, "_start")?;
    let began = Instant::now();
    let result = start.call(&mut store, ());
    let start = began.elapsed();
    let exit = match result {
        Ok(()) => 0,
        Err(error) => error.i32_exit_status().ok_or(error)?,
    };
    let span = store.data().clock.span();
    drop((store, linker));
    let output = output.try_into_inner().map_err(|_| "the guest's output is still open")?.into_inner();
    Ok(Run { instantiate, start, span, exit, output })
}
