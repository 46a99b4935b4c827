//! Pages, from the operating system.

use std::ffi::c_int;
use std::io;
use std::ptr::NonNull;

/// Maps `length` bytes, whole pages.
///
/// # Safety
/// With `MAP_FIXED` in `flags`, the pages at `address` must be the caller's to replace.
pub(crate) unsafe fn map(address: *mut u8, length: usize, protection: c_int, flags: c_int, fd: c_int) -> io::Result<NonNull<u8>> {
    // SAFETY: as promised by the caller for fixed addresses; otherwise nothing existing is touched.
    let base = unsafe { libc::mmap(address.cast(), length, protection, flags, fd, 0) };
    if base == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    Ok(NonNull::new(base.cast()).expect("mmap does not return page 0 without being asked to"))
}

/// Gives pages back.
///
/// # Safety
/// The pages must be the caller's, from [`map`], and nobody may refer to them.
pub(crate) unsafe fn unmap(address: *mut u8, length: usize) {
    // SAFETY: by the caller's promise.
    unsafe { libc::munmap(address.cast(), length) };
}

/// Changes what may be done with pages.
///
/// # Safety
/// The pages must be the caller's.
pub(crate) unsafe fn protect(address: *mut u8, length: usize, protection: c_int) -> io::Result<()> {
    // SAFETY: by the caller's promise.
    match unsafe { libc::mprotect(address.cast(), length, protection) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
