//! Executable memory in small portions, for modules that come and go by the thousand.
//!
//! A mapping a module would cost several system calls each, and the system allows only so many mappings. So an arena maps a few large *chunks*, each
//! once executable and once writable, as [`CodeRegion`](super::CodeRegion) does, and *leases* parts of them: room for a jump table and room for code.
//! A part that is given back is leased again; a chunk of which nothing is leased is unmapped, unless it is the only one.
//!
//! Invariants: leased parts are disjoint; what is not leased holds breakpoints or was never written.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{CODE_ALIGN, CodeError};
use crate::mapping::{Access, LARGEST_PAGE, Mapping};
use crate::sys::{BREAKPOINT, anonymous_file};

/// Bytes of a chunk: jump tables, and behind them code. A function takes eight bytes of the one and hundreds of the other.
const TABLES: usize = 4 << 20;
const CODE: usize = 124 << 20;

/// What wants more than this had better have a mapping of its own.
const LARGEST_LEASE: usize = CODE / 8;

const _: () = assert!(TABLES.is_multiple_of(LARGEST_PAGE) && CODE.is_multiple_of(LARGEST_PAGE));

/// Chunks of executable memory, shared by its handles.
#[derive(Clone, Debug, Default)]
pub struct CodeArena {
    chunks: Arc<Mutex<Vec<Arc<Chunk>>>>,
}

impl CodeArena {
    /// Room for `slots` entries of a jump table and `capacity` bytes of code; `None` if that is much, or memory cannot be mapped twice here.
    pub(super) fn lease(&self, slots: usize, capacity: usize) -> Result<Option<Lease>, CodeError> {
        let table = slots.max(1).saturating_mul(size_of::<usize>());
        let code = capacity.max(1).saturating_add(CODE_ALIGN - 1) / CODE_ALIGN * CODE_ALIGN;
        if table > TABLES / 8 || code > LARGEST_LEASE {
            return Ok(None);
        }
        let mut chunks = self.chunks();
        let lease = |chunk: &Arc<Chunk>| {
            let (table, code) = chunk.free().take(table, code)?;
            Some(Lease { chunk: Arc::clone(chunk), arena: self.clone(), table, code })
        };
        // The chunk that was added last has most room.
        if let Some(lease) = chunks.iter().rev().find_map(lease) {
            return Ok(Some(lease));
        }
        let Some(chunk) = Chunk::new()? else { return Ok(None) };
        let chunk = Arc::new(chunk);
        let made = lease(&chunk);
        chunks.push(chunk);
        Ok(made)
    }

    /// Unmaps chunks of which nothing is leased, but for one.
    fn trim(&self) {
        let mut chunks = self.chunks();
        if chunks.len() > 1 {
            let mut spare = true;
            chunks.retain(|chunk| !chunk.free().is_whole() || std::mem::take(&mut spare));
        }
    }

    fn chunks(&self) -> MutexGuard<'_, Vec<Arc<Chunk>>> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of a chunk.
#[derive(Debug)]
pub(super) struct Lease {
    chunk: Arc<Chunk>,
    arena: CodeArena,
    /// Offsets in the chunk's tables.
    table: Range<usize>,
    /// Offsets in the chunk's code.
    code: Range<usize>,
}

impl Lease {
    /// Address of the jump table, which is readable and writable, and zero.
    pub fn table(&self) -> *mut u8 {
        self.chunk.mapping.base().wrapping_add(self.table.start)
    }

    /// Addresses of the code.
    pub fn code(&self) -> Range<usize> {
        let start = self.chunk.mapping.base() as usize + TABLES;
        start + self.code.start..start + self.code.end
    }

    /// The same bytes as [`Lease::code`], writable.
    pub fn writable(&self) -> *mut u8 {
        self.chunk.alias.base().wrapping_add(self.code.start)
    }

    /// Overwrites what the first `used` bytes of code and the jump table held. Nobody may be using them any more.
    pub fn wipe(&self, used: usize) {
        assert!(used <= self.code.len());
        // SAFETY: both are writable, and leased to this lease alone.
        unsafe {
            self.writable().write_bytes(BREAKPOINT, used);
            self.table().write_bytes(0, self.table.len());
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut free = self.chunk.free();
        free.tables.give_back(self.table.clone());
        free.code.give_back(self.code.clone());
        let is_whole = free.is_whole();
        drop(free);
        if is_whole {
            self.arena.trim();
        }
    }
}

#[derive(Debug)]
struct Chunk {
    /// Jump tables, then code.
    mapping: Mapping,
    /// The code, writable.
    alias: Mapping,
    free: Mutex<Free>,
}

impl Chunk {
    /// A chunk; `None` if the system has no files without names, or gives none of this size.
    fn new() -> Result<Option<Self>, CodeError> {
        let mapping = Mapping::reserve("address space for code", TABLES + CODE)?;
        let Ok(file) = anonymous_file(CODE) else { return Ok(None) };
        let alias = Mapping::shared_file("a writable view of code", CODE, Access::ReadWrite, file.as_raw_fd())?;
        let protect = mapping.protect(0..TABLES, Access::ReadWrite);
        protect.map_err(|error| crate::ResourceError::new("memory for jump tables", TABLES, error))?;
        mapping.overlay_file("executable memory", TABLES..TABLES + CODE, Access::ReadExecute, file.as_raw_fd())?;
        let free = Mutex::new(Free { tables: FreeList::of(TABLES), code: FreeList::of(CODE) });
        Ok(Some(Self { mapping, alias, free }))
    }

    fn free(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What of a chunk is not leased.
#[derive(Debug)]
struct Free {
    tables: FreeList,
    code: FreeList,
}

impl Free {
    fn take(&mut self, table: usize, code: usize) -> Option<(Range<usize>, Range<usize>)> {
        let table = self.tables.take(table)?;
        match self.code.take(code) {
            Some(code) => Some((table, code)),
            None => {
                self.tables.give_back(table);
                None
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.tables.by_start.get(&0) == Some(&TABLES) && self.code.by_start.get(&0) == Some(&CODE)
    }
}

/// Free ranges. Neighbours are joined, and the smallest that is large enough is taken from.
#[derive(Debug, Default)]
struct FreeList {
    /// Length by start.
    by_start: BTreeMap<usize, usize>,
    /// Length and start.
    by_length: BTreeSet<(usize, usize)>,
}

impl FreeList {
    fn of(length: usize) -> Self {
        let mut list = Self::default();
        list.insert(0, length);
        list
    }

    fn insert(&mut self, start: usize, length: usize) {
        self.by_start.insert(start, length);
        self.by_length.insert((length, start));
    }

    fn remove(&mut self, start: usize, length: usize) {
        self.by_start.remove(&start);
        self.by_length.remove(&(length, start));
    }

    fn take(&mut self, wanted: usize) -> Option<Range<usize>> {
        let &(length, start) = self.by_length.range((wanted, 0)..).next()?;
        self.remove(start, length);
        if length > wanted {
            self.insert(start + wanted, length - wanted);
        }
        Some(start..start + wanted)
    }

    fn give_back(&mut self, range: Range<usize>) {
        let Range { mut start, mut end } = range;
        if let Some((&before, &length)) = self.by_start.range(..start).next_back() {
            debug_assert!(before + length <= start, "{start} was free already");
            if before + length == start {
                self.remove(before, length);
                start = before;
            }
        }
        if let Some(&length) = self.by_start.get(&end) {
            self.remove(end, length);
            end += length;
        }
        self.insert(start, end - start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_are_given_back_are_joined() {
        let mut list = FreeList::of(100);
        let [a, b, c] = [10, 20, 30].map(|length| list.take(length).unwrap());
        assert_eq!([a.clone(), b.clone(), c.clone()], [0..10, 10..30, 30..60]);
        list.give_back(a);
        list.give_back(c);
        assert_eq!(list.by_start, BTreeMap::from([(0, 10), (30, 70)]));
        assert_eq!(list.take(9), Some(0..9), "the smallest that is large enough");
        list.give_back(0..9);
        list.give_back(b);
        assert_eq!(list.by_start, BTreeMap::from([(0, 100)]));
        assert_eq!(list.by_length.len(), 1);
        assert_eq!(list.take(101), None);
    }

    #[test]
    #[cfg_attr(miri, ignore = "maps memory twice")]
    fn what_is_given_back_is_leased_again() {
        let arena = CodeArena::default();
        let addresses = |lease: &Lease| (lease.table() as usize, lease.code());
        let [first, second] = [1000, 2000].map(|bytes| arena.lease(3, bytes).unwrap().expect("memory can be mapped twice where tests run"));
        assert!(first.code().end <= second.code().start);
        // SAFETY: leased code is readable, and written through the other view.
        unsafe {
            second.writable().write(7);
            assert_eq!((second.code().start as *const u8).read(), 7);
            second.table().write(1);
        }
        second.wipe(1);
        // SAFETY: as above.
        assert_eq!(unsafe { ((second.code().start as *const u8).read(), second.table().read()) }, (BREAKPOINT, 0));
        let place = addresses(&second);
        drop(second);
        let again = arena.lease(3, 2000).unwrap().unwrap();
        assert_eq!(addresses(&again), place);
        drop((first, again));
        assert_eq!(arena.chunks().len(), 1);
    }

    #[test]
    #[cfg_attr(miri, ignore = "maps memory twice")]
    fn chunks_come_and_go() {
        let arena = CodeArena::default();
        let leases: Vec<_> = (0..3 * CODE / LARGEST_LEASE).map(|_| arena.lease(1, LARGEST_LEASE).unwrap().unwrap()).collect();
        assert_eq!(arena.chunks().len(), 3);
        drop(leases);
        assert_eq!(arena.chunks().len(), 1);
        assert!(arena.lease(1, LARGEST_LEASE + 1).unwrap().is_none());
        assert!(arena.lease(TABLES, 1).unwrap().is_none());
    }
}
