//! Function types of an engine: equal types have equal numbers, so that an indirect call compares two integers.
//!
//! An entry lives as long as someone holds it: modules, functions and stores hold those whose numbers their code or references contain, so
//! a number is never reused while code can see it.
//!
//! Invariant: the map holds at most one entry a type; its number is taken from the free list or is the next one, and goes back when the
//! entry is dropped.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use mj_decode::FuncType;

/// A function type and its number.
pub(crate) struct TypeEntry {
    /// The number.
    pub id: u32,
    /// The type.
    pub ty: FuncType,
    /// Address of the code that enters functions of the type, once it is made.
    pub entry_trampoline: OnceLock<usize>,
    /// Address of the code of host functions of the type, once it is made.
    pub host_shim: OnceLock<usize>,
    registry: Weak<TypeRegistry>,
}

impl fmt::Debug for TypeEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ty.fmt(f)
    }
}

impl Drop for TypeEntry {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            registry.release(self);
        }
    }
}

/// All function types of an engine.
#[derive(Default, Debug)]
pub(crate) struct TypeRegistry {
    state: Mutex<State>,
}

#[derive(Default, Debug)]
struct State {
    by_type: HashMap<FuncType, (u32, Weak<TypeEntry>)>,
    by_id: Vec<Weak<TypeEntry>>,
    free: Vec<u32>,
}

impl TypeRegistry {
    /// The entry of a type.
    pub fn intern(self: &Arc<Self>, ty: FuncType) -> Arc<TypeEntry> {
        let mut state = self.lock();
        if let Some(entry) = state.by_type.get(&ty).and_then(|(_, entry)| entry.upgrade()) {
            return entry;
        }
        let id = state.free.pop().unwrap_or(state.by_id.len() as u32);
        let entry = Arc::new(TypeEntry {
            id,
            ty: ty.clone(),
            entry_trampoline: OnceLock::new(),
            host_shim: OnceLock::new(),
            registry: Arc::downgrade(self),
        });
        let weak = Arc::downgrade(&entry);
        match state.by_id.get_mut(id as usize) {
            Some(slot) => *slot = weak.clone(),
            None => state.by_id.push(weak.clone()),
        }
        state.by_type.insert(ty, (id, weak));
        entry
    }

    /// The entry with a number that something alive holds.
    pub fn get(&self, id: u32) -> Arc<TypeEntry> {
        let state = self.lock();
        let entry = state.by_id.get(id as usize).and_then(Weak::upgrade);
        drop(state);
        entry.expect("a type number in use is registered")
    }

    fn release(&self, entry: &TypeEntry) {
        let mut state = self.lock();
        // In the meantime someone may have asked for the type again and got a new number.
        if state.by_type.get(&entry.ty).is_some_and(|(id, _)| *id == entry.id) {
            state.by_type.remove(&entry.ty);
        }
        state.free.push(entry.id);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use mj_decode::ValType;

    use super::*;

    #[test]
    fn equal_types_have_equal_numbers_and_dead_numbers_are_reused() {
        let registry = Arc::new(TypeRegistry::default());
        let ty = |results: usize| FuncType::new([ValType::I32], vec![ValType::I64; results]);
        let first = registry.intern(ty(0));
        let second = registry.intern(ty(1));
        assert_eq!(registry.intern(ty(0)).id, first.id);
        assert_ne!(first.id, second.id);
        assert_eq!(registry.get(second.id).ty, ty(1));
        let id = first.id;
        drop(first);
        assert_eq!(registry.intern(ty(2)).id, id);
        assert_eq!(registry.lock().by_type.len(), 1);
    }
}
