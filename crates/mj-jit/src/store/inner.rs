//! The part of a store that does not depend on the host's data.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU64;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mj_abi::FuncRef;
use mj_runtime::{ContextPointers, GlobalBox, HostContextBox, LinearMemory, StoreState, Table};

use super::StoreOperations;
use super::deadline::Interrupts;
use super::late::Late;
use super::places::Places;
use crate::error::{Result, ensure};
use crate::func::HostFunc;
use crate::instance::InstanceData;
use crate::limits::{DEFAULT_INSTANCE_LIMIT, DEFAULT_MEMORY_LIMIT, DEFAULT_TABLE_LIMIT};
use crate::{Engine, ResourceLimiter};

/// Which store something belongs to, or which instance that may go before its store does. Never used twice in a process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct StoreId(NonZeroU64);

impl StoreId {
    pub(super) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NonZeroU64::new(NEXT.fetch_add(1, Ordering::Relaxed)).expect("no process makes 2^64 stores"))
    }
}

/// How many things a store may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct CountLimits {
    instances: usize,
    tables: usize,
    memories: usize,
}

impl CountLimits {
    pub fn of(limiter: &dyn ResourceLimiter) -> Self {
        Self { instances: limiter.instances(), tables: limiter.tables(), memories: limiter.memories() }
    }
}

/// A memory with its type.
pub(crate) struct StoreMemory {
    pub memory: LinearMemory,
    pub ty: mj_decode::MemoryType,
}

/// A table with its type.
pub(crate) struct StoreTable {
    pub table: Table,
    pub ty: mj_decode::TableType,
}

/// A store without the host's data.
pub struct StoreInner {
    id: StoreId,
    engine: Engine,
    state: StoreState,
    operations: &'static StoreOperations,
    pub(super) interrupts: Interrupts,
    pub(super) limits: CountLimits,
    /// There is a call hook.
    pub(crate) hooked: bool,
    /// Calls of the hook that have not returned.
    pub(super) hooks_running: u32,
    pub(crate) fuel_reserve: u64,
    /// Made by `Box::into_raw`: hooks use them while the store is borrowed.
    pub(super) instances: Places<NonNull<InstanceData>>,
    pub(crate) memories: Places<StoreMemory>,
    pub(crate) tables: Places<StoreTable>,
    /// Instances that may go before the store does; none until one is linked.
    pub(crate) late: Option<Box<Late>>,
    pub(crate) host_globals: Vec<GlobalBox>,
    host_functions: Vec<(HostContextBox, Arc<HostFunc>)>,
    pub(crate) extern_values: Vec<Box<dyn Any + Send + Sync>>,
    /// References to functions that are not references in their instances, by slot and context.
    pub(crate) inspected: HashMap<(usize, usize), Box<FuncRef>>,
}

// SAFETY: the pointers are to instances that this store owns, which are used only by whoever has the store; host values and functions are required to be
// `Send` and `Sync` when they are put in.
unsafe impl Send for StoreInner {}
// SAFETY: as above; what can be done through `&StoreInner` reads only.
unsafe impl Sync for StoreInner {}

impl StoreInner {
    pub(super) fn new(engine: &Engine, operations: &'static StoreOperations) -> Result<Self> {
        let mut state = StoreState::new(engine.stacks(), engine.stubs())?;
        if let Some(period) = engine.tier_up_period() {
            state.start_countdown(period.get() as i32);
        }
        let interrupts = Interrupts::new(engine, state.interrupt_handle());
        let limits = CountLimits { instances: DEFAULT_INSTANCE_LIMIT, tables: DEFAULT_TABLE_LIMIT, memories: DEFAULT_MEMORY_LIMIT };
        Ok(Self {
            id: StoreId::next(),
            engine: engine.clone(),
            state,
            operations,
            interrupts,
            limits,
            hooked: false,
            hooks_running: 0,
            fuel_reserve: 0,
            instances: Places::default(),
            memories: Places::default(),
            tables: Places::default(),
            late: None,
            host_globals: Vec::new(),
            host_functions: Vec::new(),
            extern_values: Vec::new(),
            inspected: HashMap::new(),
        })
    }

    #[inline]
    pub(crate) fn id(&self) -> StoreId {
        self.id
    }

    #[inline]
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    #[inline]
    pub(crate) fn state(&self) -> &StoreState {
        &self.state
    }

    #[inline]
    pub(crate) fn state_mut(&mut self) -> &mut StoreState {
        &mut self.state
    }

    pub(super) fn operations(&self) -> &'static StoreOperations {
        self.operations
    }

    /// Panics if something does not belong to this store, or to an instance of it that is gone.
    #[inline]
    #[track_caller]
    pub(crate) fn check_owner(&self, owner: StoreId, what: &str) {
        if !self.owns(owner) {
            wrong_store(what);
        }
    }

    /// Whether things of this owner are this store's, and alive.
    #[inline]
    pub(crate) fn owns(&self, owner: StoreId) -> bool {
        owner == self.id || self.late.as_ref().is_some_and(|late| late.has(owner))
    }

    /// Checks that there is room for what an instance needs.
    pub(crate) fn check_counts(&self, instances: usize, tables: usize, memories: usize) -> Result<()> {
        let fits = |name: &str, have: usize, more: usize, limit: usize| {
            ensure!(have.saturating_add(more) <= limit, "resource limit exceeded: {name} count too high at {}", have + more);
            Ok(())
        };
        fits("instance", self.instances.len(), instances, self.limits.instances)?;
        fits("table", self.tables.len(), tables, self.limits.tables)?;
        fits("memory", self.memories.len(), memories, self.limits.memories)
    }

    /// Takes an instance in; it lives as long as the store, or until [`StoreInner::collect_late`] finds that nobody can reach it any more.
    pub(crate) fn add_instance(&mut self, instance: Box<InstanceData>) -> (u32, NonNull<InstanceData>) {
        let instance = NonNull::from(Box::leak(instance));
        let index = self.instances.add(instance);
        // SAFETY: it is the list's alone yet.
        unsafe { (*instance.as_ptr()).index = index };
        (index, instance)
    }

    /// An instance of this store.
    #[inline]
    pub(crate) fn instance(&self, index: u32) -> &InstanceData {
        // SAFETY: instances are alive as long as they are in the list, and are changed only through shared references or before they are taken in.
        unsafe { self.instances[index].as_ref() }
    }

    /// From now on there is a call hook. Host functions do not look whether there is one: those that are here are exchanged.
    pub(super) fn set_hooked(&mut self) {
        self.hooked = true;
        for (context, function) in &mut self.host_functions {
            context.set_function(function.function(true));
        }
    }

    /// Takes a host function in; it lives as long as the store.
    ///
    /// # Panics
    ///
    /// If the function belongs to another engine, whose numbers of types are not this one's.
    #[track_caller]
    pub(crate) fn add_host_function(&mut self, function: &Arc<HostFunc>) -> &HostContextBox {
        assert!(
            Engine::same(function.engine(), &self.engine),
            "a host function of another engine: the linker must have the store's engine"
        );
        let pointers = ContextPointers { type_ids: std::ptr::null(), helpers: self.engine.helpers() };
        // SAFETY: the closure lives as long as the function, which is kept beside the box and dropped after it, and it is `Send` and `Sync`.
        let context = unsafe {
            let call = function.function(self.hooked);
            HostContextBox::borrowing(&self.state, pointers, function.shim, function.ty.id, call, function.closure_pointer())
        };
        self.host_functions.push((context, Arc::clone(function)));
        &self.host_functions.last().expect("just pushed").0
    }
}

impl Drop for StoreInner {
    fn drop(&mut self) {
        for instance in self.instances.drain() {
            // SAFETY: from `Box::leak` in `add_instance`, freed once; compiled code does not run, since running borrows the store.
            drop(unsafe { Box::from_raw(instance.as_ptr()) });
        }
    }
}

impl fmt::Debug for StoreInner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreInner").field("id", &self.id).field("instances", &self.instances.len()).finish_non_exhaustive()
    }
}

#[cold]
#[track_caller]
fn wrong_store(what: &str) -> ! {
    panic!("object used with the wrong store: this {what} belongs to another one, or to an instance that was linked late and is gone")
}
