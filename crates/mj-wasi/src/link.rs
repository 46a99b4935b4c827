//! The functions in a linker: what is between a guest's call and the table.
//!
//! The numbers of a call go to the function's row unchanged. The guest's memory is the export
//! `memory` of the instance that calls.

use crate::abi::Version;
use crate::errno::Errno;
use crate::exit::I32Exit;
use crate::memory::Memory;
use crate::p1::{WasiP1Ctx, fd, functions, io, path, poll, process, socket};
use mj_jit::{Caller, Error, Extern, Linker, Result};

/// Defines all functions of version `V`.
pub(crate) fn add_to_linker<T: 'static, V: Version>(
    linker: &mut Linker<T>,
    context: impl Fn(&mut T) -> &mut WasiP1Ctx + Copy + Send + Sync + 'static,
) -> Result<()> {
    macro_rules! rows {
        ($($name:ident($($arg:ident: $type:ty),*) => $function:path;)*) => {$(
            linker.func_wrap(
                V::MODULE,
                stringify!($name),
                move |mut caller: Caller<'_, T>, $($arg: $type),*| -> Result<u32> {
                    call(&mut caller, context, |ctx, memory| $function(ctx, memory, $($arg),*))
                },
            )?;
        )*};
    }
    functions!(rows);
    linker.func_wrap(V::MODULE, "proc_exit", |status: u32| -> Result<()> { Err(I32Exit(status as i32).into()) })?;
    Ok(())
}

/// Runs one function on the caller's context and memory; its result is an error number.
fn call<T: 'static>(
    caller: &mut Caller<'_, T>,
    context: impl Fn(&mut T) -> &mut WasiP1Ctx,
    function: impl FnOnce(&mut WasiP1Ctx, &mut Memory) -> Result<(), Errno>,
) -> Result<u32> {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        return Err(Error::msg("a program that calls WASI must export its memory as `memory`"));
    };
    let (bytes, data) = memory.data_and_store_mut(caller);
    match function(context(data), &mut Memory::new(bytes)) {
        Ok(()) => Ok(0),
        Err(errno) => Ok(errno as u32),
    }
}
