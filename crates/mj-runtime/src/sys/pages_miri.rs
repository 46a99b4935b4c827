//! Pages for Miri, which knows neither files in memory nor memory without access: plain allocations, all of which may be read and written.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ffi::c_int;
use std::io;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;

use crate::ResourceError;
use crate::mapping::page_size;

/// More than any test needs to get, and more than the machine that Miri runs on may have.
const MOST: usize = 64 << 30;

/// What holds `length` bytes from a page's begin, and in front of them where it begins itself. Of large alignment itself, all of it would be written at once.
fn layout(length: usize) -> Layout {
    Layout::from_size_align(length + page_size(), size_of::<*mut u8>()).expect("lengths are limited")
}

/// # Safety
/// None.
pub(crate) unsafe fn map(_address: *mut u8, length: usize, _protection: c_int, _flags: c_int, fd: c_int) -> io::Result<NonNull<u8>> {
    if fd >= 0 {
        return Err(io::ErrorKind::Unsupported.into());
    }
    // SAFETY: a page is not nothing.
    let begin = if length > MOST { None } else { NonNull::new(unsafe { alloc_zeroed(layout(length)) }) };
    let Some(begin) = begin else { return Err(io::Error::from_raw_os_error(libc::ENOMEM)) };
    let to_page = page_size() - begin.as_ptr().addr() % page_size();
    // SAFETY: from a pointer to a page in front of the end there is as much as a pointer takes, and `length` bytes behind.
    unsafe {
        let base = begin.add(to_page);
        base.cast::<NonNull<u8>>().sub(1).write(begin);
        Ok(base)
    }
}

/// # Safety
/// The range must be all of what [`map`] gave, and nobody may refer to it.
pub(crate) unsafe fn unmap(address: *mut u8, length: usize) {
    // SAFETY: by the caller's promise; `map` has put the begin there.
    unsafe { dealloc(address.cast::<*mut u8>().sub(1).read(), layout(length)) };
}

/// # Safety
/// None.
pub(crate) unsafe fn protect(_address: *mut u8, _length: usize, _protection: c_int) -> io::Result<()> {
    Ok(())
}

/// # Safety
/// The range must be the caller's.
pub(crate) unsafe fn discard(address: *mut u8, length: usize) -> io::Result<()> {
    // SAFETY: by the caller's promise.
    unsafe { address.write_bytes(0, length) };
    Ok(())
}

/// # Safety
/// None.
pub(crate) unsafe fn prefer_small_pages(_address: *mut u8, _length: usize) {}

pub(crate) fn anonymous_file(length: usize) -> Result<OwnedFd, ResourceError> {
    Err(ResourceError::new("an anonymous file", length, io::ErrorKind::Unsupported.into()))
}
