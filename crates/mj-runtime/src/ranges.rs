//! Process-wide tables of address ranges, which the signal handler may ask.
//!
//! Ranges come and go rarely (a module, a mapping) and are looked up when something went wrong, so a lock around a tree is
//! enough. The handler must not wait for ever, though: its thread may have crashed while it held the lock. It therefore
//! [tries](Ranges::try_find) for a while and then treats the fault as somebody else's.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{PoisonError, RwLock, TryLockError};
use std::time::{Duration, Instant};

/// How long a handler waits for the lock.
const PATIENCE: Duration = Duration::from_secs(1);

/// Disjoint address ranges with a value each.
pub(crate) struct Ranges<T> {
    by_start: RwLock<BTreeMap<usize, (usize, T)>>,
}

impl<T> Ranges<T> {
    pub(crate) const fn new() -> Self {
        Self { by_start: RwLock::new(BTreeMap::new()) }
    }

    /// Adds a range, which must not overlap others.
    pub(crate) fn insert(&self, range: Range<usize>, value: T) {
        let mut map = self.by_start.write().unwrap_or_else(PoisonError::into_inner);
        debug_assert!(map.range(..range.end).next_back().is_none_or(|(_, (end, _))| *end <= range.start), "{range:x?} overlaps");
        map.insert(range.start, (range.end, value));
    }

    /// Removes the range that starts at `start`. The value is the caller's to drop, outside the lock.
    pub(crate) fn remove(&self, start: usize) -> Option<T> {
        let mut map = self.by_start.write().unwrap_or_else(PoisonError::into_inner);
        map.remove(&start).map(|(_, value)| value)
    }

    /// Shows the range around `address`, and its value, to `look`.
    pub(crate) fn find<R>(&self, address: usize, look: impl FnOnce(Range<usize>, &T) -> R) -> Option<R> {
        let map = self.by_start.read().unwrap_or_else(PoisonError::into_inner);
        Self::find_in(&map, address, look)
    }

    /// As [`Ranges::find`], but gives up if the lock cannot be had within a second: for signal handlers.
    pub(crate) fn try_find<R>(&self, address: usize, look: impl FnOnce(Range<usize>, &T) -> R) -> Option<R> {
        // By the clock, which handlers may read: on a busy machine a thread that yields comes back late.
        let mut since = None;
        while since.get_or_insert_with(Instant::now).elapsed() < PATIENCE {
            match self.by_start.try_read() {
                Ok(map) => return Self::find_in(&map, address, look),
                Err(TryLockError::Poisoned(map)) => return Self::find_in(&map.into_inner(), address, look),
                // SAFETY: sched_yield has no preconditions.
                Err(TryLockError::WouldBlock) => unsafe { libc::sched_yield() },
            };
        }
        None
    }

    fn find_in<R>(map: &BTreeMap<usize, (usize, T)>, address: usize, look: impl FnOnce(Range<usize>, &T) -> R) -> Option<R> {
        let (&start, (end, value)) = map.range(..=address).next_back()?;
        (address < *end).then(|| look(start..*end, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_belong_to_the_range_around_them() {
        let ranges = Ranges::new();
        ranges.insert(100..200, 'a');
        ranges.insert(200..300, 'b');
        let at = |address| ranges.try_find(address, |_, &value| value);
        assert_eq!([at(99), at(100), at(199), at(200), at(299), at(300)], [None, Some('a'), Some('a'), Some('b'), Some('b'), None]);
        assert_eq!(ranges.find(150, |range, _| range), Some(100..200));
        assert_eq!(ranges.remove(100), Some('a'));
        assert_eq!(ranges.find(150, |_, _| ()), None);
    }

    #[test]
    fn a_lock_that_is_never_released_does_not_hang_the_handler() {
        let ranges = Ranges::new();
        ranges.insert(100..200, 'a');
        let held = ranges.by_start.write().unwrap();
        assert_eq!(ranges.try_find(150, |_, &value| value), None);
        drop(held);
    }
}
