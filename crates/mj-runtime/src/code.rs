//! Executable memory: a module's jump table and its code, close together.
//!
//! One range of address space holds the jump table (one [`CodePointer`] a function, writable data) and behind it the code, so that code
//! reaches the table with a pc-relative displacement. Code gets there in one of these ways:
//!
//! - *Published* piece by piece while other threads run what is there already: the pages belong to an anonymous file which is mapped twice, once
//!   executable and once writable somewhere else.
//! - Published without such a file (the system has none): each piece gets pages of its own, which are writable first and executable after.
//! - Published where the system lets each thread switch all of the range between writing and executing ([`SWITCHED_CODE`]).
//! - As an *image*: all code at once, written and then sealed.
//!
//! A region has a mapping of its own, or a part of one that many share ([`CodeArena`]).
//!
//! Invariants: no mapping is ever writable and executable to a thread; what was published never changes and never moves, and every core has been told of it
//! ([`make_executable`]); bytes between pieces are breakpoints or were never written.

mod arena;

use std::fmt;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use mj_abi::CodePointer;

use crate::ResourceError;
use crate::mapping::{Access, LARGEST_PAGE, Mapping, page_size, round_to_pages};
use crate::registry::{CodeInfo, CodeRegistration};
use crate::sys::{BREAKPOINT, SWITCHED_CODE, Writing, anonymous_file, make_executable};

use arena::Lease;

pub use arena::CodeArena;

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
    /// Functions in the jump table.
    slots: usize,
    /// Address of the jump table.
    table: *mut u8,
    /// Addresses of the code.
    code: Range<usize>,
    publisher: Mutex<Publisher>,
    ground: Ground,
}

// SAFETY: the pointer is to atomic words that live as long as the region, and no thread owns them.
unsafe impl Send for CodeRegion {}
// SAFETY: as above.
unsafe impl Sync for CodeRegion {}

/// Where a region is.
#[derive(Debug)]
enum Ground {
    /// A mapping that begins with the jump table.
    Mapping(Mapping),
    /// A part of an arena.
    Lease(Lease),
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
    /// Through that of the arena.
    Lease,
    /// Fresh pages are made writable, then executable.
    Flip,
    /// The thread switches to writing and back.
    Switch,
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
    #[cfg(all(test, not(miri)))]
    fn reserve_without_alias(slots: usize, capacity: usize) -> Result<Self, CodeError> {
        let region = Self::new(slots, capacity)?;
        region.publisher().way = Way::Flip;
        Ok(region)
    }

    /// A region with `length` bytes of code, which `write` fills in: it gets the bytes (breakpoints or zero at first), the address they will run at,
    /// and that of the jump table.
    pub fn image(slots: usize, length: usize, write: impl FnOnce(&mut [u8], usize, usize)) -> Result<Self, CodeError> {
        Self::image_with_room(slots, length, 0, write)
    }

    /// As [`CodeRegion::image`], with `room` bytes of address space behind it for code that [`CodeRegion::publish`] adds.
    pub fn image_with_room(
        slots: usize,
        length: usize,
        room: usize,
        write: impl FnOnce(&mut [u8], usize, usize),
    ) -> Result<Self, CodeError> {
        // At least a page, so that an empty image needs no special case.
        let sealed = round_to_pages(length.max(1)).unwrap_or(usize::MAX);
        let region = Self::new(slots, sealed.saturating_add(room))?;
        let (address, table) = (region.code.start, region.table_address());
        region.protect(address..address + sealed, Access::ReadWrite)?;
        // SAFETY: these pages are readable and writable, zero, and nobody else knows them.
        let bytes = unsafe { std::slice::from_raw_parts_mut(region.code_pointer(), length) };
        {
            let _writing = Writing::begin();
            write(bytes, address, table);
        }
        region.protect(address..address + sealed, Access::ReadExecute)?;
        // SAFETY: the pages are readable.
        unsafe { make_executable(address, address, length) };
        let mut publisher = region.publisher();
        publisher.used = length;
        publisher.sealed = sealed;
        if room > 0 {
            publisher.way = Way::Unopened;
        }
        drop(publisher);
        Ok(region)
    }

    /// As [`CodeRegion::image_with_room`], in a part of `arena`; in a mapping of its own if it is large.
    pub fn leased_image(
        arena: &CodeArena,
        slots: usize,
        length: usize,
        room: usize,
        write: impl FnOnce(&mut [u8], usize, usize),
    ) -> Result<Self, CodeError> {
        let Some(lease) = arena.lease(slots, length.saturating_add(room))? else {
            return Self::image_with_room(slots, length, room, write);
        };
        let publisher = Publisher { used: length, sealed: 0, forgotten: 0, way: Way::Lease };
        let (table, code) = (lease.table(), lease.code());
        // SAFETY: the part is ours alone, writable, and at least that long; bytes of any value are bytes.
        let bytes = unsafe {
            lease.writable().write_bytes(BREAKPOINT, length);
            std::slice::from_raw_parts_mut(lease.writable(), length)
        };
        // From here on the region wipes what was written when it is dropped, also if `write` panics.
        let region =
            Self { registration: OnceLock::new(), slots, table, code, publisher: Mutex::new(publisher), ground: Ground::Lease(lease) };
        write(bytes, region.code.start, table as usize);
        // SAFETY: the bytes are readable in both views.
        unsafe { make_executable(bytes.as_ptr() as usize, region.code.start, length) };
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
        let wanted = "address space for code";
        let mapping = match SWITCHED_CODE {
            Some(flags) => Mapping::anonymous(wanted, total, Access::Switched, flags)?,
            None => Mapping::reserve(wanted, total)?,
        };
        let publisher = Mutex::new(Publisher { used: 0, sealed: 0, forgotten: 0, way: Way::Sealed });
        let Range { start, end } = mapping.addresses();
        let (base, code, ground) = (mapping.base(), start + table..end, Ground::Mapping(mapping));
        let region = Self { registration: OnceLock::new(), slots, table: base, code, publisher, ground };
        region.protect(start..start + table, Access::ReadWrite)?;
        Ok(region)
    }

    /// Makes what is behind the sealed part ready for code to be added.
    fn open(&self, publisher: &mut Publisher) {
        publisher.used = publisher.sealed;
        publisher.way = match self.alias(publisher.sealed) {
            _ if SWITCHED_CODE.is_some() => Way::Switch,
            Ok(alias) => Way::Alias(alias),
            Err(_) => Way::Flip,
        };
    }

    /// Maps the code range from `sealed` on to an anonymous file, and the file a second time for writing.
    fn alias(&self, sealed: usize) -> Result<Mapping, ResourceError> {
        let mapping = self.own_mapping();
        let start = self.code.start - mapping.addresses().start + sealed;
        let length = mapping.length() - start;
        let file = anonymous_file(length)?;
        let alias = Mapping::shared_file("a writable view of code", length, Access::ReadWrite, file.as_raw_fd())?;
        mapping.overlay_file("executable memory", start..mapping.length(), Access::ReadExecute, file.as_raw_fd())?;
        Ok(alias)
    }

    /// The region's own mapping.
    ///
    /// # Panics
    /// If it is a part of an arena.
    fn own_mapping(&self) -> &Mapping {
        match &self.ground {
            Ground::Mapping(mapping) => mapping,
            Ground::Lease(_) => panic!("parts of an arena are written through its own view"),
        }
    }

    /// Where the code begins, as a pointer into the table's mapping.
    fn code_pointer(&self) -> *mut u8 {
        self.table.with_addr(self.code.start)
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
        self.code.clone()
    }

    /// Address of the jump table's slot 0.
    #[must_use]
    pub fn table_address(&self) -> usize {
        self.table as usize
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
        let _writing = Writing::begin();
        self.slots()[index].store(entry as *mut u8, Ordering::Release);
    }

    /// The jump table; null until set.
    #[must_use]
    pub fn slots(&self) -> &[AtomicPtr<u8>] {
        // SAFETY: the table is that long, aligned to pages, readable and writable, zero at first, and accessed as atomics only. Compiled code
        // only reads it, with single loads.
        unsafe { std::slice::from_raw_parts(self.table.cast(), self.slots) }
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
        let capacity = self.code.len();
        let piece = match &publisher.way {
            Way::Alias(_) | Way::Lease | Way::Switch => publisher.used.next_multiple_of(CODE_ALIGN),
            Way::Flip => publisher.used.next_multiple_of(page_size()),
            Way::Sealed | Way::Unopened => capacity,
        };
        let left = capacity.saturating_sub(piece);
        if code.len() > left {
            return Err(CodeError::Full { wanted: code.len(), left });
        }
        let end = piece + code.len();
        let address = self.code.start + piece;
        if let Some(view) = self.writable_view(&publisher) {
            let _writing = Writing::begin();
            // SAFETY: the view begins behind `sealed` and is writable up to `capacity`, and what lies behind `used` is nobody's: the lock is ours.
            let bytes = unsafe { std::slice::from_raw_parts_mut(view.add(publisher.used - publisher.sealed), end - publisher.used) };
            let (gap, copy) = bytes.split_at_mut(piece - publisher.used);
            gap.fill(BREAKPOINT);
            copy.copy_from_slice(code);
            relocate(copy, address);
            // SAFETY: the bytes are readable in both views.
            unsafe { make_executable(copy.as_ptr() as usize, address, copy.len()) };
        } else {
            let pages = address..self.code.start + end.next_multiple_of(page_size());
            self.protect(pages.clone(), Access::ReadWrite)?;
            // SAFETY: these pages are readable and writable now, and nobody knows them: the lock is ours.
            let bytes = unsafe { std::slice::from_raw_parts_mut(self.code_pointer().add(piece), pages.len()) };
            let (copy, gap) = bytes.split_at_mut(code.len());
            gap.fill(BREAKPOINT);
            copy.copy_from_slice(code);
            relocate(copy, address);
            self.protect(pages, Access::ReadExecute)?;
            // SAFETY: the pages are readable.
            unsafe { make_executable(address, address, code.len()) };
        }
        publisher.used = end;
        publisher.forget_written();
        Ok(address)
    }

    /// Where the bytes from `sealed` on are writable, if they are somewhere.
    fn writable_view(&self, publisher: &Publisher) -> Option<*mut u8> {
        match (&publisher.way, &self.ground) {
            (Way::Alias(alias), _) => Some(alias.base()),
            (Way::Lease, Ground::Lease(lease)) => Some(lease.writable()),
            (Way::Switch, _) => Some(self.code_pointer().wrapping_add(publisher.sealed)),
            _ => None,
        }
    }

    fn publisher(&self) -> std::sync::MutexGuard<'_, Publisher> {
        // If `relocate` panicked, its piece was not published: nothing is inconsistent.
        self.publisher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what may be done with pages of the region's own mapping, by their addresses.
    fn protect(&self, pages: Range<usize>, access: Access) -> Result<(), ResourceError> {
        if SWITCHED_CODE.is_some() {
            return Ok(());
        }
        let (mapping, length) = (self.own_mapping(), pages.len());
        let start = mapping.addresses().start;
        mapping
            .protect(pages.start - start..pages.end - start, access)
            .map_err(|error| ResourceError::new("memory for code", length, error))
    }
}

impl Drop for CodeRegion {
    fn drop(&mut self) {
        // Nobody may find the code any more when its place is leased again.
        drop(self.registration.take());
        if let Ground::Lease(lease) = &self.ground {
            lease.wipe(self.used());
        }
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

// Miri runs no machine code.
#[cfg(all(test, not(miri)))]
mod tests;
