//! The smallest host: one module, one host function, one call.
//!
//!     cargo run --example hello

use mj_jit::{Caller, Engine, Linker, Module, Result, Store};

/// What `wat2wasm` and its like make of `hello.wat`.
const GUEST: &[u8] = include_bytes!("hello.wasm");

fn main() -> Result<()> {
    // An engine holds what all modules share: the compiler and its settings.
    let engine = Engine::default();
    // Compiling takes the binary format. With the cargo feature `wat`, `Module::new` takes the text as well.
    let module = Module::new(&engine, GUEST)?;

    // A store holds running instances, and data of the host's own: here, how often it was called.
    let mut store = Store::new(&engine, 0);
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "hello", |mut caller: Caller<'_, u32>, from: i32| {
        println!("Hello from call {from}!");
        *caller.data_mut() += 1;
    })?;

    let instance = linker.instantiate(&mut store, &module)?;
    // The types say how `run` is called; asking for others would be an error here, not a crash later.
    let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;
    run.call(&mut store, ())?;
    assert_eq!(*store.data(), 2);
    Ok(())
}

#[test]
fn the_example_runs() -> Result<()> {
    main()
}

#[test]
#[cfg(feature = "wat")]
fn the_binary_is_that_of_the_text() {
    assert_eq!(GUEST, wat::parse_str(include_str!("hello.wat")).unwrap());
}
