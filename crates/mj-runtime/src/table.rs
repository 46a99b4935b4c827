//! Tables: words at an address that never moves.
//!
//! A table that can grow reserves address space for all it may grow to, and the kernel commits what is touched; one that cannot grow
//! is an ordinary allocation. A few reservations of dropped tables wait for the next table of their size: mapping and unmapping costs
//! more than an instance may. Elements are words (`*const FuncRef` or external references), and null is 0, so a fresh table is all null.

use std::alloc::{self, Layout};
use std::fmt;
use std::mem;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mj_abi::TableDefinition;

use crate::ResourceError;
use crate::heap::Fixed;
use crate::mapping::{Mapping, round_to_pages};

/// A table of references.
pub struct Table {
    definition: Fixed<TableDefinition>,
    elements: Elements,
    /// Elements that the table may grow to.
    limit: usize,
}

enum Elements {
    /// All words from the table's length on are 0: tables never shrink.
    Mapped(Mapping),
    Allocated {
        base: NonNull<usize>,
        layout: Layout,
    },
    None,
}

// SAFETY: the table's words are plain memory that the table owns alone.
unsafe impl Send for Table {}

impl Table {
    /// A table of `minimum` null elements which can grow to `maximum` elements, or to `limit` if that is less. Address space for
    /// that many is reserved; if there is not enough, for half as many, and so on, but at least for the minimum.
    pub fn new(minimum: u64, maximum: Option<u64>, limit: u64) -> Result<Self, ResourceError> {
        let bound = maximum.unwrap_or(u64::MAX).min(limit).max(minimum);
        let elements = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let (minimum, mut limit) = (elements(minimum), elements(bound));
        if limit == minimum {
            return Self::fixed(minimum);
        }
        loop {
            let bytes = limit.saturating_mul(size_of::<usize>());
            match take_spare(bytes).map_or_else(|| Mapping::zeroed("address space for a table", bytes), Ok) {
                Ok(mapping) => {
                    let definition = TableDefinition { base: mapping.base().cast(), length: minimum };
                    return Ok(Self { definition: Fixed::new(definition), elements: Elements::Mapped(mapping), limit });
                }
                Err(error) => match (limit / 2).max(minimum).max(1) {
                    half if half < limit => limit = half,
                    _ => return Err(error),
                },
            }
        }
    }

    fn fixed(length: usize) -> Result<Self, ResourceError> {
        let out_of_memory =
            || ResourceError::new("memory for a table", length.saturating_mul(size_of::<usize>()), std::io::ErrorKind::OutOfMemory.into());
        let layout = Layout::array::<usize>(length).map_err(|_| out_of_memory())?;
        let (base, elements) = if length == 0 {
            (NonNull::dangling(), Elements::None)
        } else {
            // SAFETY: the layout's size is not zero.
            let base = NonNull::new(unsafe { alloc::alloc_zeroed(layout) }.cast()).ok_or_else(out_of_memory)?;
            (base, Elements::Allocated { base, layout })
        };
        let definition = TableDefinition { base: base.as_ptr(), length };
        Ok(Self { definition: Fixed::new(definition), elements, limit: length })
    }

    /// What compiled code sees; at this address until the table is dropped.
    #[must_use]
    #[inline]
    pub fn definition(&self) -> *mut TableDefinition {
        self.definition.get()
    }

    /// Current length in elements.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        // SAFETY: only `grow` writes the definition, through `&mut self`.
        unsafe { (*self.definition()).length }
    }

    /// Whether the table has no elements at present.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Elements up to which [`Table::grow`] may succeed.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The elements. Compiled code that can reach the table must not run meanwhile.
    #[must_use]
    pub fn words(&self) -> &[usize] {
        // SAFETY: the base is aligned and valid for `length` initialised words (dangling if there are none).
        unsafe { std::slice::from_raw_parts((*self.definition()).base, self.len()) }
    }

    /// The elements, to write. Compiled code that can reach the table must not run meanwhile.
    #[must_use]
    pub fn words_mut(&mut self) -> &mut [usize] {
        // SAFETY: as in `words`, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut((*self.definition()).base, self.len()) }
    }

    /// The element at `index`, or `None` outside the table.
    #[must_use]
    pub fn get(&self, index: u64) -> Option<usize> {
        self.words().get(usize::try_from(index).ok()?).copied()
    }

    /// Sets the element at `index`; `false` (and nothing has changed) outside the table.
    #[must_use]
    pub fn set(&mut self, index: u64, word: usize) -> bool {
        let element = usize::try_from(index).ok().and_then(|index| self.words_mut().get_mut(index));
        element.map(|element| *element = word).is_some()
    }

    /// Grows by `delta` elements, set to `word`. Returns the old length, or `None` (and nothing has changed) beyond the limit.
    pub fn grow(&mut self, delta: u64, word: usize) -> Option<u64> {
        let old = self.len();
        let new = old.checked_add(usize::try_from(delta).ok()?).filter(|&new| new <= self.limit)?;
        // SAFETY: the definition is ours to write, borrowed through `&mut self`; compiled code does not run meanwhile.
        unsafe { (*self.definition()).length = new };
        if word != 0 {
            self.words_mut()[old..].fill(word);
        }
        Some(old as u64)
    }

    /// Sets `length` elements from `start` to `word`; `false` (and nothing has changed) if they are not all inside.
    #[must_use]
    pub fn fill(&mut self, start: u64, word: usize, length: u64) -> bool {
        let range = range(start, length, self.len());
        range.map(|range| self.words_mut()[range].fill(word)).is_some()
    }

    /// Copies `length` elements of this table from `source` to `destination`, which may overlap; `false` (and nothing has changed) if
    /// they are not all inside.
    #[must_use]
    pub fn copy_within(&mut self, destination: u64, source: u64, length: u64) -> bool {
        let (Some(to), Some(from)) = (range(destination, length, self.len()), range(source, length, self.len())) else { return false };
        self.words_mut().copy_within(from, to.start);
        true
    }

    /// Copies `words[source..][..length]` to `destination`; `false` (and nothing has changed) if either is not all inside.
    #[must_use]
    pub fn init(&mut self, words: &[usize], destination: u64, source: u64, length: u64) -> bool {
        let (Some(to), Some(from)) = (range(destination, length, self.len()), range(source, length, words.len())) else { return false };
        self.words_mut()[to].copy_from_slice(&words[from]);
        true
    }
}

/// The indices `start..start + length`, if they lie below `end`.
pub(crate) fn range(start: u64, length: u64, end: usize) -> Option<Range<usize>> {
    let stop = start.checked_add(length).filter(|&stop| stop <= end as u64)?;
    Some(start as usize..stop as usize)
}

impl Drop for Table {
    fn drop(&mut self) {
        let is_small = self.len() <= MOST_SPARE_WORDS;
        if is_small && matches!(self.elements, Elements::Mapped(_)) {
            self.words_mut().fill(0);
        }
        match mem::replace(&mut self.elements, Elements::None) {
            Elements::Mapped(mapping) if is_small => put_spare(mapping),
            // SAFETY: allocated with this layout in `fixed`, and not used after this.
            Elements::Allocated { base, layout } => unsafe { alloc::dealloc(base.as_ptr().cast(), layout) },
            _ => {}
        }
        // SAFETY: the definition is still there, and nobody else uses it any more.
        unsafe { (*self.definition()).base = ptr::null_mut() };
    }
}

/// Reservations that wait, all zero.
static SPARE: Mutex<Vec<Mapping>> = Mutex::new(Vec::new());

/// How many may wait.
const MOST_SPARE: usize = 16;

/// Words that a table may have had for its reservation to wait: what was touched stays committed.
const MOST_SPARE_WORDS: usize = 4096;

fn spare() -> MutexGuard<'static, Vec<Mapping>> {
    // Nothing that holds the lock can leave the list half changed.
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A reservation of so many bytes, if one waits.
fn take_spare(bytes: usize) -> Option<Mapping> {
    let (mut spare, bytes) = (spare(), round_to_pages(bytes)?);
    let found = spare.iter().rposition(|mapping| mapping.addresses().len() == bytes)?;
    Some(spare.swap_remove(found))
}

fn put_spare(mapping: Mapping) {
    let mut spare = spare();
    let oldest = (spare.len() == MOST_SPARE).then(|| spare.remove(0));
    spare.push(mapping);
    drop(spare);
    // Unmapped without the lock.
    drop(oldest);
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("len", &self.len()).field("limit", &self.limit).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growing_keeps_the_base_and_sets_new_elements() {
        // An interpreter takes its time for each.
        const MOST: u64 = if cfg!(miri) { 1000 } else { 10_000_000 };
        let mut table = Table::new(2, None, MOST).unwrap();
        // SAFETY: the table is alive.
        let base = unsafe { (*table.definition()).base };
        assert!(table.set(1, 11));
        assert_eq!(table.grow(MOST - 2, 7), Some(2));
        // SAFETY: the table is alive.
        assert_eq!(unsafe { (*table.definition()).base }, base);
        assert_eq!([table.get(0), table.get(1), table.get(2), table.get(MOST - 1)], [Some(0), Some(11), Some(7), Some(7)]);
        assert_eq!(table.get(MOST), None);
        assert_eq!(table.grow(1, 0), None);
        assert_eq!(table.grow(u64::MAX, 0), None);
        assert_eq!(table.len() as u64, MOST);
    }

    #[test]
    fn elements_after_growing_by_null_are_null() {
        let mut table = Table::new(0, Some(4), 100).unwrap();
        assert_eq!(table.limit(), 4);
        assert_eq!(table.grow(4, 0), Some(0));
        assert_eq!(table.words(), [0; 4]);
    }

    #[test]
    fn operations_that_leave_the_table_change_nothing() {
        for maximum in [Some(4), None] {
            let mut table = Table::new(4, maximum, 100).unwrap();
            table.words_mut().copy_from_slice(&[1, 2, 3, 4]);
            assert!(!table.set(4, 9));
            assert!(!table.fill(3, 9, 2));
            assert!(!table.fill(u64::MAX, 9, 2));
            assert!(!table.copy_within(2, 0, 3));
            assert!(!table.copy_within(0, 2, 3));
            assert!(!table.init(&[9, 9], 0, 1, 2));
            assert!(!table.init(&[9, 9], 3, 0, 2));
            assert_eq!(table.words(), [1, 2, 3, 4]);
            assert!(table.fill(4, 9, 0) && table.copy_within(4, 4, 0) && table.init(&[], 4, 0, 0));
            assert!(!table.fill(5, 9, 0));
        }
    }

    #[test]
    fn copies_may_overlap() {
        let mut table = Table::new(5, Some(5), 5).unwrap();
        assert!(table.init(&[1, 2, 3, 4, 5], 0, 0, 5));
        assert!(table.copy_within(1, 0, 4));
        assert_eq!(table.words(), [1, 1, 2, 3, 4]);
        assert!(table.copy_within(0, 2, 3));
        assert_eq!(table.words(), [2, 3, 4, 3, 4]);
        assert!(table.fill(1, 0, 2));
        assert_eq!(table.words(), [2, 0, 0, 3, 4]);
    }

    #[test]
    #[cfg_attr(miri, ignore = "writes to millions of elements")]
    fn few_reservations_wait_and_they_are_null() {
        // A size that no other test has. Other tests leave too few to drive it out.
        let new = || Table::new(3, None, 778_240).unwrap();
        let mut table = new();
        // SAFETY: the table is alive.
        let base = unsafe { (*table.definition()).base };
        table.words_mut().fill(7);
        assert_eq!(table.grow(1000, 9), Some(3));
        drop(table);
        let mut table = new();
        // SAFETY: the table is alive.
        assert_eq!(unsafe { (*table.definition()).base }, base);
        assert_eq!(table.words(), [0; 3]);
        assert_eq!(table.grow(2000, 0), Some(3));
        assert!(table.words().iter().all(|&word| word == 0));
        // One that has had more is not kept.
        assert_eq!(table.grow(778_240 - 2003, 1), Some(2003));
        drop(table);
        assert!(take_spare(778_240 * 8).is_none());
        let tables: Vec<_> = (0..2 * MOST_SPARE).map(|_| Table::new(1, None, 1000).unwrap()).collect();
        drop(tables);
        assert!(spare().len() <= MOST_SPARE);
    }

    #[test]
    fn impossible_tables_are_errors() {
        assert!(Table::new(u64::MAX, None, 10).is_err());
        assert!(Table::new(1 << 60, Some(1 << 60), 1 << 60).is_err());
        assert!(Table::new(0, Some(0), 10).unwrap().is_empty());
        assert!(Table::new(1, None, 1 << 62).unwrap().limit() > 1 << 20);
    }
}
