//! Linux.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use crate::ResourceError;

/// Flags of mappings for code that threads switch between writable and executable; none where code is mapped twice.
pub(crate) const SWITCHED_CODE: Option<c_int> = None;

/// Flags of mappings that are stacks.
pub(crate) const STACK: c_int = libc::MAP_STACK;

/// Flags of mappings that are going to be read, all of them, soon.
pub(crate) const ALL_SOON: c_int = libc::MAP_POPULATE;

/// This thread may write code as long as it lives. Here every thread may, where it is mapped for that.
pub(crate) struct Writing;

impl Writing {
    #[inline]
    pub(crate) fn begin() -> Self {
        Self
    }
}

/// Gives the memory of private pages back, which read as zeros afterwards, and that of shared ones, which read as their file.
///
/// # Safety
/// The pages must be the caller's.
pub(crate) unsafe fn discard(address: *mut u8, length: usize) -> io::Result<()> {
    // SAFETY: by the caller's promise.
    match unsafe { libc::madvise(address.cast(), length, libc::MADV_DONTNEED) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Keeps the kernel from backing pages by huge ones, which would commit 2 MiB for one touched byte.
///
/// # Safety
/// The pages must be the caller's.
pub(crate) unsafe fn prefer_small_pages(address: *mut u8, length: usize) {
    // SAFETY: by the caller's promise; the advice changes no contents. A kernel without huge pages refuses, which is fine.
    unsafe { libc::madvise(address.cast(), length, libc::MADV_NOHUGEPAGE) };
}

/// Whether a signal was raised by what its thread did, and not sent.
pub(crate) fn is_fault(code: c_int) -> bool {
    code > 0
}

/// Whether a SIGSEGV or SIGBUS comes from an access of this thread to an address that the signal tells.
pub(crate) fn has_address(signal: c_int, code: c_int) -> bool {
    /// The address is not mapped.
    const SEGV_MAPERR: c_int = 1;
    /// The address is mapped without permission for this.
    const SEGV_ACCERR: c_int = 2;
    match signal {
        libc::SIGSEGV => matches!(code, SEGV_MAPERR | SEGV_ACCERR),
        _ => matches!(code, libc::BUS_ADRALN | libc::BUS_ADRERR),
    }
}

/// Bounds of this thread's stack, as far as the system says.
pub(crate) fn host_stack() -> Option<Range<usize>> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: the attributes are ours to write.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let (mut start, mut size) = (ptr::null_mut(), 0);
    // SAFETY: the call above has initialised the attributes, which are destroyed once, after the last use.
    let status = unsafe {
        let status = libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut start, &raw mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        status
    };
    let start = start as usize;
    (status == 0).then(|| start..start.saturating_add(size))
}

/// A file in memory with `length` zero bytes, none of which is committed.
pub(crate) fn anonymous_file(length: usize) -> Result<OwnedFd, ResourceError> {
    let wanted = "an anonymous file for code";
    check_file_limit(wanted, length)?;
    // Systems may demand the statement that the file is going to be executed; older ones do not know it.
    let mut fd = -1;
    for flags in [libc::MFD_CLOEXEC | libc::MFD_EXEC, libc::MFD_CLOEXEC] {
        // SAFETY: the name is a C string.
        fd = unsafe { libc::memfd_create(c"mj-code".as_ptr(), flags) };
        if fd >= 0 {
            break;
        }
    }
    if fd < 0 {
        return Err(ResourceError::last(wanted, length));
    }
    // SAFETY: a file descriptor that was just made and that nobody else knows.
    let file = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: the descriptor is open.
    match unsafe { libc::ftruncate(file.as_raw_fd(), length as libc::off_t) } {
        0 => Ok(file),
        _ => Err(ResourceError::last(wanted, length)),
    }
}

/// Making a file longer than the process may is not an error but a deadly signal: look first.
fn check_file_limit(wanted: &'static str, length: usize) -> Result<(), ResourceError> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is ours to write.
    match unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) } {
        0 if limit.rlim_cur < length as libc::rlim_t => Err(ResourceError::new(wanted, length, io::Error::from_raw_os_error(libc::EFBIG))),
        _ => Ok(()),
    }
}
