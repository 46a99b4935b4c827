//! A WASI program with everything in the host's hands: its input, its output, its folder, its exit code.
//!
//!     cargo run --example wasi

use std::fs;
use std::path::Path;

use mj_jit::{Engine, Linker, Module, Result, Store};
use mj_wasi::p1::{self, WasiP1Ctx};
use mj_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use mj_wasi::{DirPerms, FilePerms, I32Exit, WasiCtxBuilder};

fn main() -> Result<()> {
    let engine = Engine::default();
    let mut linker: Linker<WasiP1Ctx> = Linker::new(&engine);
    p1::add_to_linker_sync(&mut linker, |context| context)?;

    // A filter: it reads what we give it and writes to memory instead of the terminal.
    let output = MemoryOutputPipe::new(1 << 20);
    let context = WasiCtxBuilder::new().stdin(MemoryInputPipe::new("Hello\nWASI\n")).stdout(output.clone()).build_p1();
    assert_eq!(run(&engine, &linker, "filter.wasm", context)?, 0);
    let text = String::from_utf8_lossy(&output.contents()).into_owned();
    println!("{text}");
    assert!(text.starts_with("   1  hELLO\n   2  wasi\n"));

    // Arguments, environment, and an exit code of the program's own.
    let context = WasiCtxBuilder::new().args(&["arguments", "7", "more"]).env("COLOUR", "blue").build_p1();
    assert_eq!(run(&engine, &linker, "arguments.wasm", context)?, 7);

    // A folder: the program sees this one and nothing else of the disk.
    let folder = std::env::temp_dir().join(format!("mj-example-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let output = MemoryOutputPipe::new(1 << 20);
    let context = WasiCtxBuilder::new().stdout(output.clone()).preopened_dir(&folder, ".", DirPerms::all(), FilePerms::all())?.build_p1();
    let exit = run(&engine, &linker, "files.wasm", context);
    fs::remove_dir_all(&folder)?;
    assert_eq!(exit?, 0);
    assert!(String::from_utf8_lossy(&output.contents()).ends_with("left the folder: Operation not permitted\n"));
    Ok(())
}

/// Runs a program of the project's tests and returns its exit code.
fn run(engine: &Engine, linker: &Linker<WasiP1Ctx>, program: &str, context: WasiP1Ctx) -> Result<i32> {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/programs");
    let module = Module::from_file(engine, programs.join(program))?;
    let mut store = Store::new(engine, context);
    let instance = linker.instantiate(&mut store, &module)?;
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
    match start.call(&mut store, ()) {
        Ok(()) => Ok(0),
        // `exit` in the program is an error here, for it ends the call.
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => Ok(exit.0),
            None => Err(error),
        },
    }
}

#[test]
fn the_example_runs() -> Result<()> {
    main()
}
