//! Regions of address space: reserve first, make parts accessible later.
//!
//! Invariant: a [`Mapping`] is the only owner of its range and unmaps all of it when dropped. Protection changes stay inside the
//! range (checked), so that safe callers cannot touch other people's pages; what they can break is only their own data.

use std::io;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{ResourceError, sys};

/// Bytes of the largest page that hosts have, on AArch64. Sizes that are constants are multiples of it.
pub(crate) const LARGEST_PAGE: usize = 64 << 10;

/// Bytes of a page of the host.
#[must_use]
#[inline]
pub fn page_size() -> usize {
    static CACHED: AtomicUsize = AtomicUsize::new(0);
    match CACHED.load(Ordering::Relaxed) {
        0 => {
            // SAFETY: sysconf has no preconditions.
            let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
            let size = usize::try_from(size).ok().filter(|size| size.is_power_of_two()).unwrap_or(4096);
            CACHED.store(size, Ordering::Relaxed);
            size
        }
        size => size,
    }
}

/// `bytes` rounded up to whole pages of the host, or `None` if that overflows.
pub(crate) fn round_to_pages(bytes: usize) -> Option<usize> {
    bytes.checked_next_multiple_of(page_size())
}

/// What may be done with a page. There is no "writable and executable" for any thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    None,
    Read,
    ReadWrite,
    ReadExecute,
    /// Each thread may write or execute, as it has switched ([`sys::Writing`]).
    Switched,
}

impl Access {
    fn flags(self) -> libc::c_int {
        match self {
            Access::None => libc::PROT_NONE,
            Access::Read => libc::PROT_READ,
            Access::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
            Access::ReadExecute => libc::PROT_READ | libc::PROT_EXEC,
            Access::Switched => libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC,
        }
    }
}

/// An owned range of address space.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    length: usize,
}

// SAFETY: a mapping is plain memory, no thread owns it.
unsafe impl Send for Mapping {}
// SAFETY: shared references offer only system calls, which are thread-safe, and addresses.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Reserves `length` bytes (rounded up to pages) without access and without committing memory.
    pub(crate) fn reserve(wanted: &'static str, length: usize) -> Result<Self, ResourceError> {
        Self::anonymous(wanted, length, Access::None, 0)
    }

    /// Maps `length` bytes (rounded up to pages) of zeros, committed page by page at the first touch.
    pub(crate) fn zeroed(wanted: &'static str, length: usize) -> Result<Self, ResourceError> {
        Self::anonymous(wanted, length, Access::ReadWrite, 0)
    }

    /// As [`Mapping::reserve`] or [`Mapping::zeroed`], with more flags for mmap.
    pub(crate) fn anonymous(wanted: &'static str, length: usize, access: Access, flags: libc::c_int) -> Result<Self, ResourceError> {
        let flags = flags | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: without MAP_FIXED the kernel picks free addresses.
        unsafe { Self::map(wanted, ptr::null_mut(), length, access, flags, -1) }
    }

    /// Maps the file `fd` from its start, shared, at an address that the kernel picks.
    pub(crate) fn shared_file(wanted: &'static str, length: usize, access: Access, fd: libc::c_int) -> Result<Self, ResourceError> {
        // SAFETY: without MAP_FIXED the kernel picks free addresses.
        unsafe { Self::map(wanted, ptr::null_mut(), length, access, libc::MAP_SHARED, fd) }
    }

    /// Maps the file `fd` from its start, to be read, all of it soon.
    pub(crate) fn file(wanted: &'static str, length: usize, fd: libc::c_int) -> Result<Self, ResourceError> {
        // SAFETY: without MAP_FIXED the kernel picks free addresses.
        unsafe { Self::map(wanted, ptr::null_mut(), length, Access::Read, libc::MAP_PRIVATE | sys::ALL_SOON, fd) }
    }

    /// Replaces the pages of `range` by the file `fd` from its start, shared.
    pub(crate) fn overlay_file(
        &self,
        wanted: &'static str,
        range: Range<usize>,
        access: Access,
        fd: libc::c_int,
    ) -> Result<(), ResourceError> {
        let (address, length) = self.check(&range);
        let flags = libc::MAP_SHARED | libc::MAP_FIXED;
        // SAFETY: MAP_FIXED replaces pages of this mapping only (checked), which nobody refers to yet or which the caller gives up.
        let overlay = unsafe { Self::map(wanted, address, length, access, flags, fd) }?;
        // The pages belong to `self`, which unmaps them.
        std::mem::forget(overlay);
        Ok(())
    }

    /// # Safety
    /// With MAP_FIXED in `flags`, the pages at `address` must be the caller's to replace.
    unsafe fn map(
        wanted: &'static str,
        address: *mut u8,
        length: usize,
        access: Access,
        flags: libc::c_int,
        fd: libc::c_int,
    ) -> Result<Self, ResourceError> {
        let rounded = round_to_pages(length).filter(|&rounded| rounded > 0 && rounded <= isize::MAX as usize);
        let Some(length) = rounded else {
            return Err(ResourceError::new(wanted, length, io::Error::from_raw_os_error(libc::ENOMEM)));
        };
        // SAFETY: as promised by the caller.
        let base = unsafe { sys::map(address, length, access.flags(), flags, fd) };
        let base = base.map_err(|error| ResourceError::new(wanted, length, error))?;
        Ok(Self { base, length })
    }

    /// First byte.
    #[inline]
    pub(crate) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// Bytes, a multiple of the page size.
    #[inline]
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// All addresses of the mapping.
    pub(crate) fn addresses(&self) -> Range<usize> {
        let start = self.base() as usize;
        start..start + self.length
    }

    /// Changes what may be done with the pages of `range` (offsets, multiples of the page size).
    pub(crate) fn protect(&self, range: Range<usize>, access: Access) -> io::Result<()> {
        let (address, length) = self.check(&range);
        if length == 0 {
            return Ok(());
        }
        // SAFETY: the pages belong to this mapping.
        unsafe { sys::protect(address, length, access.flags()) }
    }

    /// Gives the memory of the pages of `range` back, which may be read and written; they read as zeros (or as their file) afterwards.
    pub(crate) fn discard(&self, range: Range<usize>) -> io::Result<()> {
        let (address, length) = self.check(&range);
        if length == 0 {
            return Ok(());
        }
        // SAFETY: the pages belong to this mapping.
        unsafe { sys::discard(address, length) }
    }

    /// Keeps the kernel from backing the mapping by huge pages, which would commit 2 MiB for one touched byte.
    pub(crate) fn prefer_small_pages(&self) {
        // SAFETY: the pages belong to this mapping.
        unsafe { sys::prefer_small_pages(self.base(), self.length) };
    }

    fn check(&self, range: &Range<usize>) -> (*mut u8, usize) {
        assert!(range.start <= range.end && range.end <= self.length, "{range:?} is outside a mapping of {} bytes", self.length);
        assert!(range.start.is_multiple_of(page_size()) && range.end.is_multiple_of(page_size()), "{range:?} are not whole pages");
        (self.base().wrapping_add(range.start), range.end - range.start)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range is ours alone, and with the owner gone nobody refers to it.
        unsafe { sys::unmap(self.base(), self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_pages_become_usable_and_read_as_zero_after_discarding() {
        let page = page_size();
        let mapping = Mapping::reserve("a test", 3 * page - 1).unwrap();
        assert_eq!(mapping.length(), 3 * page);
        mapping.protect(page..2 * page, Access::ReadWrite).unwrap();
        let byte = mapping.base().wrapping_add(page);
        // SAFETY: the second page is readable and writable.
        unsafe { byte.write(7) };
        mapping.discard(page..2 * page).unwrap();
        // SAFETY: as above.
        assert_eq!(unsafe { byte.read() }, 0);
    }

    #[test]
    #[should_panic(expected = "outside a mapping")]
    fn protection_outside_the_mapping_is_refused() {
        let mapping = Mapping::reserve("a test", page_size()).unwrap();
        let _ = mapping.protect(0..2 * page_size(), Access::None);
    }

    #[test]
    fn impossible_lengths_are_errors() {
        let error = Mapping::reserve("a test", usize::MAX).unwrap_err();
        assert_eq!(error.os_error().raw_os_error(), Some(libc::ENOMEM));
        assert!(error.to_string().contains("a test"), "{error}");
        assert!(Mapping::reserve("a test", 1 << 60).is_err());
        assert!(Mapping::reserve("a test", 0).is_err());
    }
}
