//! Telling `perf` about compiled code: a map of addresses to names, or a dump with the code itself.
//!
//! Both files belong to the process and are only added to. A file that cannot be written costs the profile, not the program.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::sync::{Mutex, PoisonError};

use mj_codegen::Entry;

use super::ModuleInner;
use crate::ProfilingStrategy;

/// A module was made: reports the functions that have code.
pub(super) fn module_made(module: &ModuleInner) {
    if module.engine.config().profiling == ProfilingStrategy::None {
        return;
    }
    for function in module.code.functions(module) {
        let own = function.index.as_u32() - module.env.imported_functions;
        if let Some(code) = module.code.bytes_of(own) {
            code_added(module, own, None, code);
        }
    }
}

/// An own function got this code, when it was optimized with the tier that it now has.
pub(super) fn code_added(module: &ModuleInner, own: u32, tier: Option<Entry>, code: &[u8]) {
    static MAP: Mutex<Option<File>> = Mutex::new(None);
    static DUMP: Mutex<Option<Dump>> = Mutex::new(None);
    if module.engine.config().profiling == ProfilingStrategy::None {
        return;
    }
    let address = code.as_ptr() as usize;
    let name = || {
        let function = module.describe_function(own);
        match tier {
            None => format!("wasm[{function}]"),
            Some(Entry::Function) => format!("wasm[{function}] optimized"),
            Some(Entry::Loop(at)) => format!("wasm[{function}] optimized loop {at:#x}"),
        }
    };
    // An error means that there is no profile, which whoever asked for one will see.
    let _ = match module.engine.config().profiling {
        ProfilingStrategy::PerfMap => with(&MAP, open_map, |map| writeln!(map, "{address:x} {:x} {}", code.len(), name())),
        ProfilingStrategy::JitDump => with(&DUMP, Dump::open, |dump| dump.add(&name(), address, code)),
        _ => Ok(()),
    };
}

fn with<F>(
    shared: &Mutex<Option<F>>,
    open: impl FnOnce() -> io::Result<F>,
    write: impl FnOnce(&mut F) -> io::Result<()>,
) -> io::Result<()> {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let file = match &mut *shared {
        Some(file) => file,
        none => none.insert(open()?),
    };
    write(file)
}

fn open_map() -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(format!("/tmp/perf-{}.map", std::process::id()))
}

/// A file in the format that `perf inject --jit` reads.
struct Dump {
    file: File,
    functions: u64,
}

const MAGIC: u32 = 0x4a69_5444;
const VERSION: u32 = 1;
const HEADER_SIZE: u32 = 40;
const CODE_LOAD: u32 = 0;
const CODE_LOAD_SIZE: usize = 56;

/// The machine's number in the ELF format.
const MACHINE: u32 = if cfg!(target_arch = "aarch64") { 183 } else { 62 };

impl Dump {
    fn open() -> io::Result<Self> {
        let name = format!("jit-{}.dump", std::process::id());
        let mut file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(name)?;
        let mut header = Vec::with_capacity(HEADER_SIZE as usize);
        for word in [MAGIC, VERSION, HEADER_SIZE, MACHINE, 0, std::process::id()] {
            header.extend(word.to_ne_bytes());
        }
        header.extend(timestamp().to_ne_bytes());
        header.extend(0u64.to_ne_bytes());
        file.write_all(&header)?;
        mark(&file);
        Ok(Self { file, functions: 0 })
    }

    fn add(&mut self, name: &str, address: usize, code: &[u8]) -> io::Result<()> {
        let size = CODE_LOAD_SIZE + name.len() + 1 + code.len();
        let mut record = Vec::with_capacity(size);
        record.extend(CODE_LOAD.to_ne_bytes());
        record.extend((size as u32).to_ne_bytes());
        record.extend(timestamp().to_ne_bytes());
        record.extend(std::process::id().to_ne_bytes());
        record.extend(thread().to_ne_bytes());
        for word in [address as u64, address as u64, code.len() as u64, self.functions] {
            record.extend(word.to_ne_bytes());
        }
        record.extend(name.as_bytes());
        record.push(0);
        record.extend(code);
        self.functions += 1;
        self.file.write_all(&record)
    }
}

/// Nanoseconds of the clock that `perf record -k mono` uses.
fn timestamp() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to our structure only.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(target_os = "linux")]
fn thread() -> u32 {
    // SAFETY: no preconditions.
    unsafe { libc::gettid() as u32 }
}

#[cfg(not(target_os = "linux"))]
fn thread() -> u32 {
    let mut number = 0;
    // SAFETY: writes to our variable only.
    unsafe { libc::pthread_threadid_np(libc::pthread_self(), &raw mut number) };
    number as u32
}

/// Maps the first page executable, and leaves it: the record of this mapping is how `perf` finds the file.
fn mark(file: &File) {
    let page = mj_runtime::page_size();
    // SAFETY: a new mapping, which nothing uses.
    let _ = unsafe { libc::mmap(std::ptr::null_mut(), page, libc::PROT_READ | libc::PROT_EXEC, libc::MAP_PRIVATE, file.as_raw_fd(), 0) };
}
