//! Preview 1: `wasi_snapshot_preview1`.
//!
//! Each function is plain Rust over a context, a guest's memory and the numbers the guest
//! passed; none knows the engine. One table lists them all with their parameters, and
//! everything that concerns all functions is made from it: the linker's definitions and the
//! calls of the tests.

#![allow(clippy::too_many_arguments, reason = "parameters are those of the specification")]

use crate::abi::Preview1;
use crate::clocks::Clocks;
use crate::descriptor::Descriptors;
use crate::interrupt::Interruption;
use crate::link::add_to_linker;
use crate::random::Rng;
use mj_jit::{Linker, Result};

pub(crate) mod fd;
pub(crate) mod io;
pub(crate) mod path;
pub(crate) mod poll;
pub(crate) mod process;
pub(crate) mod socket;

/// Everything one guest can reach, and the files it has open.
///
/// Made by [`WasiCtxBuilder::build_p1`](crate::WasiCtxBuilder::build_p1) and usually kept in
/// the data of a store.
pub struct WasiP1Ctx {
    pub(crate) args: Vec<String>,
    /// As `NAME=VALUE`.
    pub(crate) env: Vec<String>,
    pub(crate) clocks: Clocks,
    pub(crate) random: Option<Box<dyn Rng + Send>>,
    pub(crate) descriptors: Descriptors,
    pub(crate) interruption: Interruption,
}

/// The table: calls the macro `$each` with a row for each function but `proc_exit`.
///
/// `V` is the version, for the functions that differ between preview 0 and preview 1.
macro_rules! functions {
    ($each:ident) => {
        $each! {
            args_get(argv: u32, argv_buf: u32) => process::args_get;
            args_sizes_get(argc: u32, argv_buf_size: u32) => process::args_sizes_get;
            clock_res_get(id: u32, resolution: u32) => process::clock_res_get;
            clock_time_get(id: u32, precision: u64, time: u32) => process::clock_time_get;
            environ_get(environ: u32, environ_buf: u32) => process::environ_get;
            environ_sizes_get(count: u32, buf_size: u32) => process::environ_sizes_get;
            fd_advise(fd: u32, offset: u64, len: u64, advice: u32) => io::fd_advise;
            fd_allocate(fd: u32, offset: u64, len: u64) => io::fd_allocate;
            fd_close(fd: u32) => fd::fd_close;
            fd_datasync(fd: u32) => io::fd_datasync;
            fd_fdstat_get(fd: u32, stat: u32) => fd::fd_fdstat_get;
            fd_fdstat_set_flags(fd: u32, flags: u32) => fd::fd_fdstat_set_flags;
            fd_fdstat_set_rights(fd: u32, base: u64, inheriting: u64) => fd::fd_fdstat_set_rights;
            fd_filestat_get(fd: u32, stat: u32) => fd::fd_filestat_get::<V>;
            fd_filestat_set_size(fd: u32, size: u64) => io::fd_filestat_set_size;
            fd_filestat_set_times(fd: u32, atim: u64, mtim: u64, fst_flags: u32) => fd::fd_filestat_set_times;
            fd_pread(fd: u32, iovs: u32, iovs_len: u32, offset: u64, nread: u32) => io::fd_pread;
            fd_prestat_dir_name(fd: u32, path: u32, path_len: u32) => fd::fd_prestat_dir_name;
            fd_prestat_get(fd: u32, prestat: u32) => fd::fd_prestat_get;
            fd_pwrite(fd: u32, iovs: u32, iovs_len: u32, offset: u64, nwritten: u32) => io::fd_pwrite;
            fd_read(fd: u32, iovs: u32, iovs_len: u32, nread: u32) => io::fd_read;
            fd_readdir(fd: u32, buf: u32, buf_len: u32, cookie: u64, used: u32) => fd::fd_readdir;
            fd_renumber(fd: u32, to: u32) => fd::fd_renumber;
            fd_seek(fd: u32, offset: i64, whence: u32, position: u32) => io::fd_seek::<V>;
            fd_sync(fd: u32) => io::fd_sync;
            fd_tell(fd: u32, position: u32) => io::fd_tell;
            fd_write(fd: u32, iovs: u32, iovs_len: u32, nwritten: u32) => io::fd_write;
            path_create_directory(fd: u32, path: u32, path_len: u32) => path::path_create_directory;
            path_filestat_get(fd: u32, flags: u32, path: u32, path_len: u32, stat: u32) => path::path_filestat_get::<V>;
            path_filestat_set_times(fd: u32, flags: u32, path: u32, path_len: u32, atim: u64, mtim: u64, fst_flags: u32) => path::path_filestat_set_times;
            path_link(old_fd: u32, old_flags: u32, old_path: u32, old_path_len: u32, new_fd: u32, new_path: u32, new_path_len: u32) => path::path_link;
            path_open(fd: u32, dirflags: u32, path: u32, path_len: u32, oflags: u32, base: u64, inheriting: u64, fdflags: u32, opened: u32) => path::path_open;
            path_readlink(fd: u32, path: u32, path_len: u32, buf: u32, buf_len: u32, used: u32) => path::path_readlink;
            path_remove_directory(fd: u32, path: u32, path_len: u32) => path::path_remove_directory;
            path_rename(fd: u32, old_path: u32, old_path_len: u32, new_fd: u32, new_path: u32, new_path_len: u32) => path::path_rename;
            path_symlink(old_path: u32, old_path_len: u32, fd: u32, new_path: u32, new_path_len: u32) => path::path_symlink;
            path_unlink_file(fd: u32, path: u32, path_len: u32) => path::path_unlink_file;
            poll_oneoff(subscriptions: u32, events: u32, count: u32, nevents: u32) => poll::poll_oneoff::<V>;
            proc_raise(signal: u32) => process::proc_raise;
            random_get(buf: u32, buf_len: u32) => process::random_get;
            sched_yield() => process::sched_yield;
            sock_accept(fd: u32, flags: u32, accepted: u32) => socket::sock_accept;
            sock_recv(fd: u32, ri_data: u32, ri_data_len: u32, ri_flags: u32, datalen: u32, ro_flags: u32) => socket::sock_recv;
            sock_send(fd: u32, si_data: u32, si_data_len: u32, si_flags: u32, datalen: u32) => socket::sock_send;
            sock_shutdown(fd: u32, how: u32) => socket::sock_shutdown;
        }
    };
}

pub(crate) use functions;

/// Defines the functions of `wasi_snapshot_preview1` in `linker`.
///
/// `f` finds the context of a guest in the data of its store; it is called at every call and
/// should only reach into a field.
///
/// # Errors
///
/// Fails if one of the names is already defined and may not be shadowed.
pub fn add_to_linker_sync<T: Send + 'static>(
    linker: &mut Linker<T>,
    f: impl Fn(&mut T) -> &mut WasiP1Ctx + Copy + Send + Sync + 'static,
) -> Result<()> {
    add_to_linker::<T, Preview1>(linker, f)
}
