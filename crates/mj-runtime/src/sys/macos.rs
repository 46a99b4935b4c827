//! macOS on AArch64: written from the manual pages and headers, never run.
//!
//! Faults arrive as signals, as they do elsewhere; Mach's exception ports are left to debuggers. Code may be both written and executed in mappings
//! with `MAP_JIT` alone, and each thread switches between the two for itself. There is no second mapping of such memory and none at a fixed address, so
//! that the jump table is in it, too. Its writers switch as those of code do.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;

use crate::ResourceError;

unsafe extern "C" {
    /// `libkern/OSCacheControl.h`: cleans and invalidates caches, on all cores.
    fn sys_icache_invalidate(start: *mut c_void, length: usize);
}

/// Filled with these, a gap between functions stops whoever runs into it (`udf #0`).
pub(crate) const BREAKPOINT: u8 = 0;

/// Flags of mappings for code that threads switch between writable and executable.
pub(crate) const SWITCHED_CODE: Option<c_int> = Some(libc::MAP_JIT);

/// Flags of mappings that are stacks: none that there are.
pub(crate) const STACK: c_int = 0;

/// Flags of mappings that are going to be read, all of them, soon: none that there are.
pub(crate) const ALL_SOON: c_int = 0;

thread_local! {
    /// How many [`Writing`]s this thread has.
    static WRITERS: Cell<u32> = const { Cell::new(0) };
}

/// This thread may write code as long as it lives, and not execute any.
pub(crate) struct Writing {
    /// What switches back is the thread that switched.
    _stays: std::marker::PhantomData<*mut u8>,
}

impl Writing {
    pub(crate) fn begin() -> Self {
        WRITERS.set(WRITERS.get() + 1);
        // SAFETY: the call has no conditions.
        unsafe { libc::pthread_jit_write_protect_np(0) };
        Self { _stays: std::marker::PhantomData }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        WRITERS.set(WRITERS.get() - 1);
        if WRITERS.get() == 0 {
            // SAFETY: the call has no conditions.
            unsafe { libc::pthread_jit_write_protect_np(1) };
        }
    }
}

/// Lets every thread that learns of `length` bytes of code at `runs_at` run them.
///
/// # Safety
/// The range must be readable.
pub(crate) unsafe fn make_executable(_written_at: usize, runs_at: usize, length: usize) {
    // SAFETY: by the caller's promise.
    unsafe { sys_icache_invalidate(runs_at as *mut c_void, length) };
}

/// Gives the memory of private, writable pages back, which read as zeros afterwards: they are mapped anew, for no advice promises zeros.
///
/// # Safety
/// The pages must be the caller's, and readable and writable.
pub(crate) unsafe fn discard(address: *mut u8, length: usize) -> io::Result<()> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
    // SAFETY: MAP_FIXED replaces pages of the caller's alone.
    match unsafe { libc::mmap(address.cast(), length, access, flags, -1, 0) } {
        libc::MAP_FAILED => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// There are no huge pages that nobody asks for.
///
/// # Safety
/// None.
pub(crate) unsafe fn prefer_small_pages(_address: *mut u8, _length: usize) {}

/// Whether a signal was raised by what its thread did, and not sent: `SI_USER` and its kin begin here.
pub(crate) fn is_fault(code: c_int) -> bool {
    (1..0x1_0000).contains(&code)
}

/// Whether a SIGSEGV or SIGBUS comes from an access of this thread to an address that the signal tells. Accesses to protected pages are SIGBUS,
/// with codes that have changed from version to version: what the address is tells more.
pub(crate) fn has_address(_signal: c_int, code: c_int) -> bool {
    is_fault(code)
}

/// Bounds of this thread's stack.
pub(crate) fn host_stack() -> Option<Range<usize>> {
    // SAFETY: both calls only read what the thread is.
    let (end, size) = unsafe {
        let thread = libc::pthread_self();
        (libc::pthread_get_stackaddr_np(thread) as usize, libc::pthread_get_stacksize_np(thread))
    };
    (end != 0).then(|| end.saturating_sub(size)..end)
}

/// Nothing here is mapped twice.
pub(crate) fn anonymous_file(length: usize) -> Result<OwnedFd, ResourceError> {
    Err(ResourceError::new("an anonymous file for code", length, io::ErrorKind::Unsupported.into()))
}
