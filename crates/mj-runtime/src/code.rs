//! Executable memory: a module's jump table and its code, close together.
//!
//! One range of address space holds the jump table (one [`CodePointer`] a function, writable data) and behind it the code, so that code
//! reaches the table with a pc-relative displacement. Code gets there in one of three ways:
//!
//! - *Published* piece by piece while other threads run what is there already: the pages belong to an anonymous file which is mapped twice, once
//!   executable and once writable somewhere else.
//! - Published without such a file (the system has none): each piece gets pages of its own, which are writable first and executable after.
//! - As an *image*: all code at once, written and then sealed.
//!
//! Invariants: no mapping is ever writable and executable; what was published never changes and never moves, and every core has been told of it
//! ([`make_executable`]); bytes between pieces are breakpoints or were never written.

use std::fmt;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use mj_abi::CodePointer;

use crate::ResourceError;
use crate::mapping::{Access, LARGEST_PAGE, Mapping, page_size, round_to_pages};
use crate::registry::{CodeInfo, CodeRegistration};
use crate::sys::{BREAKPOINT, make_executable};

/// Alignment of every published piece.
pub const CODE_ALIGN: usize = 16;

/// Bytes of table and code together, so that any of it reaches any other by a signed 32-bit displacement.
const LARGEST: usize = 0x7fff_0000;

/// Written pages are dropped from the writable alias in steps of this size, so that they do not count twice as resident.
const ALIAS_STEP: usize = 256 << 10;

const _: () = assert!(LARGEST.is_multiple_of(LARGEST_PAGE) && ALIAS_STEP.is_multiple_of(LARGEST_PAGE));

/// Why code could not be placed.
#[derive(Debug)]
#[non_exhaustive]
pub enum CodeError {
    /// The operating system gives no (executable) memory.
    Resource(ResourceError),
    /// The region's capacity is used up: this many bytes are wanted, and this many are left.
    Full {
        /// Bytes of the piece.
        wanted: usize,
        /// Bytes that are left.
        left: usize,
    },
    /// More than code can address: bytes of table and code together.
    TooLarge(usize),
}

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CodeError::Resource(error) => error.fmt(f),
            CodeError::Full { wanted, left } => {
                write!(f, "no room for {wanted} bytes of code: {left} bytes of the module's region are left")
            }
            CodeError::TooLarge(bytes) => {
                write!(f, "{bytes} bytes of code and jump table are more than the 2 GiB that one module may have")
            }
        }
    }
}

impl std::error::Error for CodeError {}

impl From<ResourceError> for CodeError {
    fn from(error: ResourceError) -> Self {
        CodeError::Resource(error)
    }
}

/// A jump table and the code behind it.
#[derive(Debug)]
pub struct CodeRegion {
    // First, so that the code is forgotten before it is unmapped.
    registration: OnceLock<CodeRegistration>,
    mapping: Mapping,
    /// Functions in the jump table, which starts the mapping.
    slots: usize,
    /// Offset of the code in the mapping.
    code: usize,
    publisher: Mutex<Publisher>,
}

#[derive(Debug)]
struct Publisher {
    /// Bytes of the code range that are taken.
    used: usize,
    /// Bytes of these, whole pages, that were there from the start; the alias begins behind them.
    sealed: usize,
    /// Bytes from the start of the alias that it does not keep resident any more.
    forgotten: usize,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// Through a second, writable mapping of the same memory.
    Alias(Mapping),
    /// Fresh pages are made writable, then executable.
    Flip,
    /// As one of these two, as soon as code is added: most images stay as they are.
    Unopened,
    /// Everything is there.
    Sealed,
}

impl CodeRegion {
    /// A region for `slots` functions and up to `capacity` bytes of code, which [`CodeRegion::publish`] adds. Only address space is taken until then.
    pub fn reserve(slots: usize, capacity: usize) -> Result<Self, CodeError> {
        let region = Self::new(slots, capacity)?;
        region.open(&mut region.publisher());
        Ok(region)
    }

    /// As [`CodeRegion::reserve`], the way it is done where memory cannot be mapped twice.
    #[cfg(test)]
    fn reserve_without_alias(slots: usize, capacity: usize) -> Result<Self, CodeError> {
        let region = Self::new(slots, capacity)?;
        region.publisher().way = Way::Flip;
        Ok(region)
    }

    /// A region with `length` bytes of code, which `write` fills in: it gets the bytes (all zero at first) and the address they will run at.
    pub fn image(slots: usize, length: usize, write: impl FnOnce(&mut [u8], usize)) -> Result<Self, CodeError> {
        Self::image_with_room(slots, length, 0, write)
    }

    /// As [`CodeRegion::image`], with `room` bytes of address space behind it for code that [`CodeRegion::publish`] adds.
    pub fn image_with_room(slots: usize, length: usize, room: usize, write: impl FnOnce(&mut [u8], usize)) -> Result<Self, CodeError> {
        // At least a page, so that an empty image needs no special case.
        let sealed = round_to_pages(length.max(1)).unwrap_or(usize::MAX);
        let region = Self::new(slots, sealed.saturating_add(room))?;
        let pages = region.code..region.code + sealed;
        region.protect(pages.clone(), Access::ReadWrite)?;
        let address = region.mapping.base().wrapping_add(region.code);
        // SAFETY: these pages are readable and writable, zero, and nobody else knows them.
        let bytes = unsafe { std::slice::from_raw_parts_mut(address, length) };
        write(bytes, address as usize);
        region.protect(pages, Access::ReadExecute)?;
        // SAFETY: the pages are readable.
        unsafe { make_executable(address as usize, address as usize, length) };
        let mut publisher = region.publisher();
        publisher.used = length;
        publisher.sealed = sealed;
        if room > 0 {
            publisher.way = Way::Unopened;
        }
        drop(publisher);
        Ok(region)
    }

    /// Reserves the range, with a table but without code.
    fn new(slots: usize, capacity: usize) -> Result<Self, CodeError> {
        let table = slots.checked_mul(size_of::<CodePointer>()).and_then(round_to_pages).unwrap_or(usize::MAX);
        // At least a page, so that an empty module needs no special case.
        let code = round_to_pages(capacity.max(1)).unwrap_or(usize::MAX);
        let total = table.saturating_add(code);
        if total > LARGEST {
            return Err(CodeError::TooLarge(total));
        }
        let mapping = Mapping::reserve("address space for code", total)?;
        let publisher = Mutex::new(Publisher { used: 0, sealed: 0, forgotten: 0, way: Way::Sealed });
        let region = Self { registration: OnceLock::new(), mapping, slots, code: table, publisher };
        region.protect(0..table, Access::ReadWrite)?;
        Ok(region)
    }

    /// Makes what is behind the sealed part ready for code to be added.
    fn open(&self, publisher: &mut Publisher) {
        publisher.used = publisher.sealed;
        publisher.way = match self.alias(publisher.sealed) {
            Ok(alias) => Way::Alias(alias),
            Err(_) => Way::Flip,
        };
    }

    /// Maps the code range from `sealed` on to an anonymous file, and the file a second time for writing.
    fn alias(&self, sealed: usize) -> Result<Mapping, ResourceError> {
        let start = self.code + sealed;
        let length = self.mapping.length() - start;
        let file = anonymous_file(length)?;
        let alias = Mapping::shared_file("a writable view of code", length, Access::ReadWrite, file.as_raw_fd())?;
        self.mapping.overlay_file("executable memory", start..self.mapping.length(), Access::ReadExecute, file.as_raw_fd())?;
        Ok(alias)
    }

    /// Says what is in the code range, to the signal handler and to backtraces, until the region is dropped.
    ///
    /// `info` must not own the region: the region keeps it alive.
    ///
    /// # Panics
    /// If it was said before.
    pub fn register(&self, info: Arc<dyn CodeInfo>) {
        let mut info = Some(info);
        self.registration.get_or_init(|| CodeRegistration::new(self.addresses(), info.take().expect("called once")));
        assert!(info.is_none(), "a code region is registered twice");
    }

    /// Addresses that the code range takes, published or not.
    #[must_use]
    pub fn addresses(&self) -> Range<usize> {
        let all = self.mapping.addresses();
        all.start + self.code..all.end
    }

    /// Address of the jump table's slot 0.
    #[must_use]
    pub fn table_address(&self) -> usize {
        self.mapping.base() as usize
    }

    /// Where the entry address of function `index` is stored.
    ///
    /// # Panics
    /// If there is no such function.
    #[must_use]
    #[inline]
    pub fn slot(&self, index: usize) -> *const CodePointer {
        (&raw const self.slots()[index]).cast()
    }

    /// Points slot `index` at `entry`. Threads that call through the slot from now on see the code that was published before.
    ///
    /// # Panics
    /// If there is no such function.
    #[inline]
    pub fn set_slot(&self, index: usize, entry: usize) {
        self.slots()[index].store(entry as *mut u8, Ordering::Release);
    }

    /// The jump table; null until set.
    #[must_use]
    pub fn slots(&self) -> &[AtomicPtr<u8>] {
        // SAFETY: the table is that long, aligned to pages, readable and writable, zero at first, and accessed as atomics only. Compiled code
        // only reads it, with single loads.
        unsafe { std::slice::from_raw_parts(self.mapping.base().cast(), self.slots) }
    }

    /// Bytes of code that are there, gaps included.
    #[must_use]
    pub fn used(&self) -> usize {
        self.publisher().used
    }

    /// Copies `code` into the region, at an address aligned to [`CODE_ALIGN`], and returns that address. Before anyone can run it, `relocate` gets
    /// the copy and the address it will run at.
    pub fn publish(&self, code: &[u8], relocate: impl FnOnce(&mut [u8], usize)) -> Result<usize, CodeError> {
        let mut publisher = self.publisher();
        if matches!(publisher.way, Way::Unopened) {
            self.open(&mut publisher);
        }
        let capacity = self.mapping.length() - self.code;
        let piece = match &publisher.way {
            Way::Alias(_) => publisher.used.next_multiple_of(CODE_ALIGN),
            Way::Flip => publisher.used.next_multiple_of(page_size()),
            Way::Sealed | Way::Unopened => capacity,
        };
        let left = capacity.saturating_sub(piece);
        if code.len() > left {
            return Err(CodeError::Full { wanted: code.len(), left });
        }
        let end = piece + code.len();
        let address = self.mapping.base() as usize + self.code + piece;
        match &publisher.way {
            Way::Alias(alias) => {
                // SAFETY: the alias begins behind `sealed` and is writable up to `capacity`, and what lies behind `used` is nobody's: the lock is ours.
                let bytes =
                    unsafe { std::slice::from_raw_parts_mut(alias.base().add(publisher.used - publisher.sealed), end - publisher.used) };
                let (gap, copy) = bytes.split_at_mut(piece - publisher.used);
                gap.fill(BREAKPOINT);
                copy.copy_from_slice(code);
                relocate(copy, address);
                // SAFETY: the bytes are readable in both views.
                unsafe { make_executable(copy.as_ptr() as usize, address, copy.len()) };
            }
            Way::Flip => {
                let pages = self.code + piece..self.code + end.next_multiple_of(page_size());
                self.protect(pages.clone(), Access::ReadWrite)?;
                // SAFETY: these pages are readable and writable now, and nobody knows them: the lock is ours.
                let bytes = unsafe { std::slice::from_raw_parts_mut(address as *mut u8, pages.len()) };
                let (copy, gap) = bytes.split_at_mut(code.len());
                gap.fill(BREAKPOINT);
                copy.copy_from_slice(code);
                relocate(copy, address);
                self.protect(pages, Access::ReadExecute)?;
                // SAFETY: the pages are readable.
                unsafe { make_executable(address, address, code.len()) };
            }
            Way::Sealed | Way::Unopened => {}
        }
        publisher.used = end;
        publisher.forget_written();
        Ok(address)
    }

    fn publisher(&self) -> std::sync::MutexGuard<'_, Publisher> {
        // If `relocate` panicked, its piece was not published: nothing is inconsistent.
        self.publisher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn protect(&self, pages: Range<usize>, access: Access) -> Result<(), ResourceError> {
        let length = pages.len();
        self.mapping.protect(pages, access).map_err(|error| ResourceError::new("memory for code", length, error))
    }
}

impl Publisher {
    /// Drops pages from the alias that nobody will write any more. Their contents stay, in the file.
    fn forget_written(&mut self) {
        let Way::Alias(alias) = &self.way else { return };
        let whole = (self.used - self.sealed) / ALIAS_STEP * ALIAS_STEP;
        if whole > self.forgotten && alias.discard(self.forgotten..whole).is_ok() {
            self.forgotten = whole;
        }
    }
}

/// A file in memory with `length` zero bytes, none of which is committed.
fn anonymous_file(length: usize) -> Result<OwnedFd, ResourceError> {
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
        0 if limit.rlim_cur < length as libc::rlim_t => {
            Err(ResourceError::new(wanted, length, std::io::Error::from_raw_os_error(libc::EFBIG)))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
