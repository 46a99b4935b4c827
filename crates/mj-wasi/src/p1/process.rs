//! What a process is given and asks of its host: arguments, environment, time, chance.

use crate::clocks::Clock;
use crate::errno::Errno;
use crate::memory::Memory;
use crate::p1::WasiP1Ctx;
use crate::random::fill_from_host;
use std::thread;

/// Pointers to the arguments, and the arguments themselves with a zero byte after each.
pub(crate) fn args_get(ctx: &mut WasiP1Ctx, memory: &mut Memory, argv: u32, argv_buf: u32) -> Result<(), Errno> {
    write_strings(&ctx.args, memory, argv, argv_buf)
}

/// How much room `args_get` needs.
pub(crate) fn args_sizes_get(ctx: &mut WasiP1Ctx, memory: &mut Memory, argc: u32, argv_buf_size: u32) -> Result<(), Errno> {
    write_sizes(&ctx.args, memory, argc, argv_buf_size)
}

/// Like `args_get` for the environment, as `NAME=VALUE`.
pub(crate) fn environ_get(ctx: &mut WasiP1Ctx, memory: &mut Memory, environ: u32, environ_buf: u32) -> Result<(), Errno> {
    write_strings(&ctx.env, memory, environ, environ_buf)
}

/// How much room `environ_get` needs.
pub(crate) fn environ_sizes_get(ctx: &mut WasiP1Ctx, memory: &mut Memory, count: u32, buf_size: u32) -> Result<(), Errno> {
    write_sizes(&ctx.env, memory, count, buf_size)
}

fn write_strings(strings: &[String], memory: &mut Memory, mut pointers: u32, mut buffer: u32) -> Result<(), Errno> {
    for string in strings {
        memory.write_u32(pointers, buffer)?;
        memory.write(buffer, string.as_bytes())?;
        let end = buffer.checked_add(string.len() as u32).ok_or(Errno::Fault)?;
        memory.write(end, &[0])?;
        // A pointer after the last byte of a full memory is never used.
        (pointers, buffer) = (pointers.wrapping_add(4), end.wrapping_add(1));
    }
    Ok(())
}

fn write_sizes(strings: &[String], memory: &mut Memory, count: u32, size: u32) -> Result<(), Errno> {
    let bytes: usize = strings.iter().map(|string| string.len() + 1).sum();
    memory.check(size, 4)?;
    memory.write_u32(count, u32::try_from(strings.len()).map_err(|_| Errno::Overflow)?)?;
    memory.write_u32(size, u32::try_from(bytes).map_err(|_| Errno::Overflow)?)
}

/// The smallest step of a clock, in nanoseconds.
pub(crate) fn clock_res_get(ctx: &mut WasiP1Ctx, memory: &mut Memory, id: u32, resolution: u32) -> Result<(), Errno> {
    let clock = Clock::from_id(id).ok_or(Errno::Inval)?;
    memory.write_u64(resolution, ctx.clocks.resolution(clock))
}

/// The time, in nanoseconds; always as precise as the clock is.
pub(crate) fn clock_time_get(ctx: &mut WasiP1Ctx, memory: &mut Memory, id: u32, _precision: u64, time: u32) -> Result<(), Errno> {
    let clock = Clock::from_id(id).ok_or(Errno::Inval)?;
    memory.write_u64(time, ctx.clocks.now(clock))
}

/// Fills a buffer with random bytes.
pub(crate) fn random_get(ctx: &mut WasiP1Ctx, memory: &mut Memory, buf: u32, buf_len: u32) -> Result<(), Errno> {
    let bytes = memory.bytes_mut(buf, buf_len)?;
    match &mut ctx.random {
        Some(random) => random.fill_bytes(bytes),
        None => fill_from_host(bytes)?,
    }
    Ok(())
}

/// Lets other threads of the host run.
pub(crate) fn sched_yield(_: &mut WasiP1Ctx, _: &mut Memory) -> Result<(), Errno> {
    thread::yield_now();
    Ok(())
}

/// A guest has no signals.
pub(crate) fn proc_raise(_: &mut WasiP1Ctx, _: &mut Memory, _signal: u32) -> Result<(), Errno> {
    Err(Errno::NotSup)
}
