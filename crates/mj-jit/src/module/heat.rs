//! Which functions of a module are hot, and what was done about it.
//!
//! Tiered code reports each time a period's work has been done, and from where: a function's entry, or a loop. The function is charged with it, and
//! when its budget is used up, a version of it is wanted: the function itself, or only the loop that it is in. A version is compiled once;
//! what cannot be optimized is not tried again. Each version needs a budget of its own.
//!
//! A function that is entered once needs the loop only, and one that is called again and again the whole. Entries show that a function is
//! called, but loops are reported much more often; so the loop comes first until an entry was seen, and a second activation that goes on
//! in a loop's version shows it too. A loop that keeps being reported although the function has its version is an old activation: then the loop gets one, too.
//! While one version is being made, the function waits for it and wants no other.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mj_codegen::Entry;

use crate::engine::Heat;

/// What the functions of a module have been charged with. Empty until one is charged.
#[derive(Debug, Default)]
pub(super) struct HeatMap {
    /// By index among the module's own functions.
    functions: Mutex<Functions>,
}

type Functions = HashMap<u32, Function, BuildHasherDefault<IndexHasher>>;

/// Indices are no secret, and a guest may only slow down itself: one multiplication is enough.
#[derive(Default)]
struct IndexHasher(u64);

impl Hasher for IndexHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }

    fn write_u32(&mut self, index: u32) {
        self.0 = (self.0 ^ u64::from(index)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[derive(Debug, Default)]
struct Function {
    /// Work since a version was last asked for, or came.
    charged: u64,
    is_called_again: bool,
    /// Some activation went on in a loop's version.
    was_replaced: bool,
    waiting: Option<Heat>,
    whole: Version,
    /// By the offset in the module of the loop's first operator.
    loops: Vec<(u32, Version)>,
}

#[derive(Clone, Debug, Default)]
enum Version {
    #[default]
    None,
    Wanted,
    /// Code at this address.
    Ready(usize),
    Failed,
}

/// What is to be done after a charge.
#[derive(Debug)]
pub(super) enum Charged {
    Nothing,
    /// A version is wanted.
    Wants(Entry, Heat),
    /// The loop goes on at this address; another version may be wanted besides.
    Ready(usize, Option<Heat>),
}

impl HeatMap {
    fn lock(&self) -> MutexGuard<'_, Functions> {
        self.functions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Charges a function with `work` that it did since the last report, from `place`.
    pub fn charge(&self, own: u32, place: Entry, work: u32, budget: u64) -> Charged {
        self.lock().entry(own).or_default().charge(place, u64::from(work), budget)
    }

    /// Where a loop's version begins that was just made, and is entered now; `None` at a function's entry.
    pub fn enter(&self, own: u32, place: Entry) -> Option<usize> {
        if place == Entry::Function {
            return None;
        }
        let mut functions = self.lock();
        let function = functions.get_mut(&own)?;
        let Version::Ready(address) = *function.version(place) else { return None };
        function.was_replaced = true;
        Some(address)
    }

    /// A version was compiled, or could not be.
    pub fn finish(&self, own: u32, entry: Entry, address: Option<usize>) {
        let mut functions = self.lock();
        let function = functions.entry(own).or_default();
        *function.version(entry) = address.map_or(Version::Failed, Version::Ready);
        function.waiting = None;
        function.charged = 0;
    }
}

impl Function {
    fn version(&mut self, entry: Entry) -> &mut Version {
        let Entry::Loop(at) = entry else { return &mut self.whole };
        let index = match self.loops.iter().position(|&(other, _)| other == at) {
            Some(index) => index,
            None => {
                self.loops.push((at, Version::None));
                self.loops.len() - 1
            }
        };
        &mut self.loops[index].1
    }

    fn charge(&mut self, place: Entry, work: u64, budget: u64) -> Charged {
        if place == Entry::Function {
            self.is_called_again = true;
        } else if let Version::Ready(address) = *self.version(place) {
            return Charged::Ready(address, self.replace(work));
        }
        self.charged += work;
        if self.charged < budget {
            return Charged::Nothing;
        }
        let whole_is_done = matches!(self.whole, Version::Ready(_) | Version::Failed);
        let loop_failed = matches!(self.version(place), Version::Failed);
        let entry = match place {
            Entry::Loop(_) if !loop_failed && (!self.is_called_again || whole_is_done) => place,
            _ => Entry::Function,
        };
        match self.want(entry, self.charged, work) {
            Some(heat) => Charged::Wants(entry, heat),
            None => Charged::Nothing,
        }
    }

    /// An activation goes on in a loop's version. It never comes back, so a second one shows that the function is called again.
    fn replace(&mut self, work: u64) -> Option<Heat> {
        self.is_called_again |= core::mem::replace(&mut self.was_replaced, true);
        if self.is_called_again { self.want(Entry::Function, work, work) } else { None }
    }

    /// Wants a version: if it is new, its heat, which begins at `heat`; else what is waited for gets hotter by `work`.
    fn want(&mut self, entry: Entry, heat: u64, work: u64) -> Option<Heat> {
        if let Some(waiting) = &self.waiting {
            waiting.fetch_add(work, Ordering::Relaxed);
            return None;
        }
        let version = self.version(entry);
        if !matches!(version, Version::None) {
            return None;
        }
        *version = Version::Wanted;
        let heat = Arc::new(AtomicU64::new(heat));
        self.waiting = Some(Arc::clone(&heat));
        Some(heat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOP: Entry = Entry::Loop(50);

    fn wanted(charged: Charged) -> Option<Entry> {
        match charged {
            Charged::Wants(entry, _) => Some(entry),
            _ => None,
        }
    }

    #[test]
    fn a_function_that_is_called_is_wanted_once_when_its_budget_is_used_up() {
        let heat = HeatMap::default();
        let charge = || wanted(heat.charge(7, Entry::Function, 10, 30));
        assert_eq!([charge(), charge(), charge(), charge()], [None, None, Some(Entry::Function), None]);
        // Another function has a budget of its own.
        assert_eq!(wanted(heat.charge(8, Entry::Function, 10, 30)), None);
        heat.finish(7, Entry::Function, None);
        assert!((0..10).all(|_| charge().is_none()), "what failed is not tried again");
    }

    #[test]
    fn a_function_that_is_called_once_needs_its_loop_only() {
        let heat = HeatMap::default();
        assert_eq!(wanted(heat.charge(0, LOOP, 10, 20)), None);
        assert_eq!(wanted(heat.charge(0, LOOP, 10, 20)), Some(LOOP));
        assert_eq!(wanted(heat.charge(0, LOOP, 10, 20)), None);
        heat.finish(0, LOOP, Some(0x1000));
        let Charged::Ready(0x1000, None) = heat.charge(0, LOOP, 10, 20) else { panic!("the loop has code") };
        let Charged::Ready(0x1000, Some(_)) = heat.charge(0, LOOP, 10, 20) else { panic!("another activation: the function is wanted") };
        let Charged::Ready(0x1000, None) = heat.charge(0, LOOP, 10, 20) else { panic!("the function is wanted only once") };
    }

    #[test]
    fn where_a_loop_cannot_be_optimized_the_function_is_tried() {
        let heat = HeatMap::default();
        assert_eq!(wanted(heat.charge(0, LOOP, 10, 10)), Some(LOOP));
        heat.finish(0, LOOP, None);
        assert_eq!(wanted(heat.charge(0, LOOP, 10, 10)), Some(Entry::Function));
        heat.finish(0, Entry::Function, None);
        assert!((0..10).all(|_| wanted(heat.charge(0, LOOP, 10, 10)).is_none()));
    }

    #[test]
    fn a_loop_that_goes_on_after_its_function_was_optimized_is_wanted_too() {
        let heat = HeatMap::default();
        heat.charge(0, Entry::Function, 10, 40);
        for _ in 0..2 {
            assert_eq!(wanted(heat.charge(0, LOOP, 10, 40)), None);
        }
        assert_eq!(wanted(heat.charge(0, LOOP, 10, 40)), Some(Entry::Function));
        for _ in 0..10 {
            assert_eq!(wanted(heat.charge(0, LOOP, 10, 40)), None, "the function's version may come in time");
        }
        heat.finish(0, Entry::Function, Some(0x2000));
        for _ in 0..3 {
            assert_eq!(wanted(heat.charge(0, LOOP, 10, 40)), None, "the function may return soon");
        }
        assert_eq!(wanted(heat.charge(0, LOOP, 10, 40)), Some(LOOP));
    }

    #[test]
    fn what_waits_gets_hotter() {
        let heat = HeatMap::default();
        let Charged::Wants(_, waiting) = heat.charge(0, LOOP, 10, 5) else { panic!("the budget is used up") };
        assert_eq!(waiting.load(Ordering::Relaxed), 10);
        for _ in 0..3 {
            heat.charge(0, LOOP, 10, 5);
        }
        assert_eq!(waiting.load(Ordering::Relaxed), 40);
    }

    #[test]
    fn each_loop_has_a_version_of_its_own() {
        let heat = HeatMap::default();
        assert_eq!(wanted(heat.charge(0, LOOP, 10, 5)), Some(LOOP));
        assert_eq!(wanted(heat.charge(0, Entry::Loop(90), 10, 5)), None, "one version at a time");
        heat.finish(0, LOOP, None);
        assert_eq!(wanted(heat.charge(0, Entry::Loop(90), 10, 5)), Some(Entry::Loop(90)));
        heat.finish(0, Entry::Loop(90), Some(0x3000));
        let Charged::Ready(0x3000, _) = heat.charge(0, Entry::Loop(90), 10, 5) else { panic!("the second loop has code") };
    }
}
