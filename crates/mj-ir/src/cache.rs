//! The register cache of a compiler that goes forward once: which register holds which local or temporary, and which
//! register to give up next.
//!
//! A register holds at most one local, and is referenced by any number of temporaries (entries of the operand stack). A local
//! in a register is *dirty* if its slot in the frame holds an older value. Registers that the operator at hand uses are *pinned*.
//!
//! The victim is chosen in three rounds: locals that do not belong to the current loop's header, clean before dirty, least
//! recently used first; then temporaries; then the loop's own locals, by weight.
//!
//! Invariant: `locals[n].register == r` exactly if `content[r] == n`; a register that is neither allocatable nor bound is never in a set.

use crate::{Class, PReg, RegSet};

/// No local has this number: there are at most 50,000.
const NOBODY: u16 = u16::MAX;

/// Where a local is.
#[derive(Clone, Copy, Debug)]
pub struct Local {
    /// The register that caches it, or none.
    pub register: PReg,
    /// The register in which the innermost loop's header expects it, or none.
    pub home: PReg,
    /// Register class.
    pub class: Class,
    /// Still zero and stored nowhere: neither slot nor register hold it.
    pub zero: bool,
    /// Entries of the operand stack that read it and are not yet in a register.
    pub pending: u16,
}

/// Locals in registers at a point of control flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    content: [u16; 64],
    /// Registers that hold locals.
    pub bound: RegSet,
    /// Of these, the ones whose slot is stale.
    pub dirty: RegSet,
    /// Code that relies on the state exists already (a loop's header): what is not dirty here must be stored on every edge.
    pub is_final: bool,
}

impl Snapshot {
    /// No local is in a register.
    #[must_use]
    pub fn empty() -> Self {
        Self { content: [NOBODY; 64], bound: RegSet::EMPTY, dirty: RegSet::EMPTY, is_final: false }
    }

    /// The local in `register`.
    #[must_use]
    #[inline]
    pub fn local_in(&self, register: PReg) -> Option<u32> {
        self.bound.contains(register).then(|| u32::from(self.content[register.index()]))
    }

    /// The register that holds `local`.
    #[must_use]
    pub fn register_of(&self, local: u32) -> Option<PReg> {
        self.bound.iter().find(|register| u32::from(self.content[register.index()]) == local)
    }

    /// Forgets the local in `register`.
    pub fn unbind(&mut self, register: PReg) {
        self.bound.remove(register);
        self.dirty.remove(register);
    }

    /// Puts `local` into `register`.
    pub fn bind(&mut self, local: u32, register: PReg, dirty: bool) {
        self.content[register.index()] = local as u16;
        self.bound.insert(register);
        if dirty {
            self.dirty.insert(register);
        }
    }
}

/// State of all registers and locals.
#[derive(Debug)]
pub struct Cache {
    /// Registers that may be used.
    pub allocatable: RegSet,
    /// Registers the operator at hand uses.
    pub pinned: RegSet,
    /// Registers whose upper 32 bits are not known to be zero although they hold a 32-bit value.
    pub upper_dirty: RegSet,
    /// Every register that has been allocated so far.
    pub used: RegSet,
    /// State of the locals.
    pub locals: Vec<Local>,
    current: Snapshot,
    referenced: RegSet,
    /// Registers that hold the local whose home they are.
    at_home: RegSet,
    references: [u8; 64],
    stamps: [u32; 64],
    clock: u32,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            allocatable: RegSet::EMPTY,
            pinned: RegSet::EMPTY,
            upper_dirty: RegSet::EMPTY,
            used: RegSet::EMPTY,
            locals: Vec::new(),
            current: Snapshot::empty(),
            referenced: RegSet::EMPTY,
            at_home: RegSet::EMPTY,
            references: [0; 64],
            stamps: [0; 64],
            clock: 0,
        }
    }
}

impl Cache {
    /// Forgets everything, for the next function.
    pub fn reset(&mut self, allocatable: RegSet) {
        self.allocatable = allocatable;
        self.pinned = RegSet::EMPTY;
        self.upper_dirty = RegSet::EMPTY;
        self.used = RegSet::EMPTY;
        self.locals.clear();
        self.current.bound = RegSet::EMPTY;
        self.current.dirty = RegSet::EMPTY;
        self.referenced = RegSet::EMPTY;
        self.at_home = RegSet::EMPTY;
        self.references = [0; 64];
        self.stamps = [0; 64];
        self.clock = 0;
    }

    /// Adds a local, which starts as zero.
    pub fn declare(&mut self, class: Class) {
        debug_assert!(self.locals.len() < usize::from(NOBODY));
        self.locals.push(Local { register: PReg::NONE, home: PReg::NONE, class, zero: true, pending: 0 });
    }

    /// Registers of `class` that hold nothing and are not in use.
    #[must_use]
    #[inline]
    pub fn free(&self, class: Class) -> RegSet {
        self.allocatable & RegSet::class(class) & !(self.current.bound | self.referenced | self.pinned)
    }

    /// Registers that hold something.
    #[must_use]
    #[inline]
    pub fn occupied(&self) -> RegSet {
        self.current.bound | self.referenced
    }

    /// Registers that temporaries refer to.
    #[must_use]
    #[inline]
    pub fn referenced(&self) -> RegSet {
        self.referenced
    }

    /// Registers that hold locals.
    #[must_use]
    #[inline]
    pub fn bound(&self) -> RegSet {
        self.current.bound
    }

    /// Registers that hold locals whose slots are stale.
    #[must_use]
    #[inline]
    pub fn dirty(&self) -> RegSet {
        self.current.dirty
    }

    /// The local in `register`.
    #[must_use]
    #[inline]
    pub fn local_in(&self, register: PReg) -> Option<u32> {
        self.current.local_in(register)
    }

    /// Number of temporaries in `register`.
    #[must_use]
    #[inline]
    pub fn references(&self, register: PReg) -> u8 {
        self.references[register.index()]
    }

    /// A temporary more is in `register`.
    #[inline]
    pub fn retain(&mut self, register: PReg) {
        self.references[register.index()] += 1;
        self.referenced.insert(register);
    }

    /// A temporary less is in `register`.
    #[inline]
    pub fn release(&mut self, register: PReg) {
        let count = &mut self.references[register.index()];
        debug_assert!(*count > 0, "{register:?} is released once too often");
        *count -= 1;
        if *count == 0 {
            self.referenced.remove(register);
        }
    }

    /// Notes that `register` has just been used.
    #[inline]
    pub fn touch(&mut self, register: PReg) {
        self.clock += 1;
        self.stamps[register.index()] = self.clock;
    }

    /// Caches `local` in `register`, which holds no local.
    #[inline]
    pub fn bind(&mut self, local: u32, register: PReg, dirty: bool) {
        debug_assert!(!self.current.bound.contains(register), "{register:?} already holds a local");
        let state = &mut self.locals[local as usize];
        state.register = register;
        state.zero = false;
        if state.home == register {
            self.at_home.insert(register);
        }
        self.current.content[register.index()] = local as u16;
        self.current.bound.insert(register);
        self.used.insert(register);
        if dirty {
            self.current.dirty.insert(register);
        } else {
            self.current.dirty.remove(register);
        }
    }

    /// Forgets the local in `register`; its value is lost unless the slot holds it.
    #[inline]
    pub fn unbind(&mut self, register: PReg) {
        if self.current.bound.contains(register) {
            self.locals[usize::from(self.current.content[register.index()])].register = PReg::NONE;
            self.current.bound.remove(register);
            self.current.dirty.remove(register);
            self.at_home.remove(register);
        }
    }

    /// The slot of the local in `register` is up to date now.
    #[inline]
    pub fn clean(&mut self, register: PReg) {
        self.current.dirty.remove(register);
    }

    /// The register of `class` that is cheapest to give up, not pinned and not in `keep`.
    #[must_use]
    pub fn victim(&self, class: Class, keep: RegSet, weights: &[u32]) -> Option<PReg> {
        let candidates = self.allocatable & RegSet::class(class) & self.occupied() & !(self.pinned | keep);
        let strangers = candidates & !(self.referenced | self.at_home);
        let oldest = |set: RegSet| set.iter().min_by_key(|register| self.stamps[register.index()]);
        oldest(strangers & !self.current.dirty)
            .or_else(|| oldest(strangers))
            .or_else(|| oldest(candidates & self.referenced))
            .or_else(|| candidates.iter().min_by_key(|register| weights[usize::from(self.current.content[register.index()])]))
    }

    /// Makes `home` the register in which the current loop's header expects `local`.
    pub fn set_home(&mut self, local: u32, home: PReg) {
        let state = &mut self.locals[local as usize];
        state.home = home;
        let register = state.register;
        if register.is_some() {
            self.at_home.remove(register);
            if register == home {
                self.at_home.insert(register);
            }
        }
    }

    /// The locals in registers.
    #[must_use]
    #[inline]
    pub fn snapshot(&self) -> &Snapshot {
        &self.current
    }

    /// Makes `snapshot` the state; no temporary is in a register then.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        for register in self.current.bound.iter() {
            self.locals[usize::from(self.current.content[register.index()])].register = PReg::NONE;
        }
        self.current = snapshot.clone();
        self.current.is_final = false;
        self.at_home = RegSet::EMPTY;
        for register in snapshot.bound.iter() {
            let state = &mut self.locals[usize::from(snapshot.content[register.index()])];
            state.register = register;
            if state.home == register {
                self.at_home.insert(register);
            }
        }
        self.used |= snapshot.bound;
        self.upper_dirty = RegSet::EMPTY;
        debug_assert!(self.referenced.is_empty(), "temporaries are in slots at merges");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_before_a_reset_is_forgotten() {
        let registers = [PReg::int(0), PReg::int(1)];
        let victim = |cache: &mut Cache, used: &[PReg]| {
            cache.reset(RegSet::of(&registers));
            for (local, &register) in registers.iter().enumerate() {
                cache.declare(Class::Int);
                cache.bind(local as u32, register, false);
            }
            used.iter().for_each(|&register| cache.touch(register));
            cache.victim(Class::Int, RegSet::EMPTY, &[0, 0])
        };
        let (mut fresh, mut worn) = (Cache::default(), Cache::default());
        victim(&mut worn, &[registers[0]; 9]);
        assert_eq!(victim(&mut worn, &registers), victim(&mut fresh, &registers));
    }

    fn cache() -> Cache {
        let mut cache = Cache::default();
        cache.reset(RegSet::of(&[PReg::int(0), PReg::int(1), PReg::int(2)]));
        for _ in 0..4 {
            cache.declare(Class::Int);
        }
        cache
    }

    #[test]
    fn clean_locals_go_before_dirty_ones_and_temporaries() {
        let mut cache = cache();
        cache.bind(0, PReg::int(0), true);
        cache.bind(1, PReg::int(1), false);
        cache.retain(PReg::int(2));
        for number in [1, 0, 2] {
            cache.touch(PReg::int(number));
        }
        assert!(cache.free(Class::Int).is_empty());
        assert_eq!(cache.victim(Class::Int, RegSet::EMPTY, &[1; 4]), Some(PReg::int(1)));
        assert_eq!(cache.victim(Class::Int, RegSet::one(PReg::int(1)), &[1; 4]), Some(PReg::int(0)));
        cache.pinned = RegSet::of(&[PReg::int(0), PReg::int(1)]);
        assert_eq!(cache.victim(Class::Int, RegSet::EMPTY, &[1; 4]), Some(PReg::int(2)));
    }

    #[test]
    fn a_restored_snapshot_moves_locals_back() {
        let mut cache = cache();
        cache.bind(0, PReg::int(0), true);
        let snapshot = cache.snapshot().clone();
        cache.unbind(PReg::int(0));
        cache.bind(0, PReg::int(2), false);
        cache.restore(&snapshot);
        assert_eq!(cache.locals[0].register, PReg::int(0));
        assert_eq!(cache.local_in(PReg::int(2)), None);
        assert!(cache.dirty().contains(PReg::int(0)));
    }
}
