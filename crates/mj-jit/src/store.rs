//! A store: the instances of a host, what they share, and the host's own data.
//!
//! [`Store<T>`] is generic over the host's data, but nearly all work is done on the part that is not, [`StoreInner`]. The box behind a store
//! begins with it, so that a pointer to the one is a pointer to the other; what hooks need of the generic part goes through
//! [`StoreOperations`], one table a type.
//!
//! Invariants: nothing that compiled code can reach is freed or moved before the store is dropped. While compiled code runs, the runtime's
//! state names the store's current owner pointer, from which host functions get their `&mut`; entering saves and restores it.

mod context;
mod deadline;
mod hooks;
mod inner;
mod late;
mod places;

use std::fmt;

use crate::error::{Result, bail};
use crate::{Engine, Instance, ResourceLimiter};

pub use context::{AsContext, AsContextMut, StoreContext, StoreContextMut};
pub use deadline::{InterruptHandle, UpdateDeadline};
pub use hooks::CallHook;

pub(crate) use deadline::{Epoch, Interruption};
pub(crate) use hooks::StoreOperations;
pub(crate) use inner::{StoreId, StoreInner, StoreMemory, StoreTable};
pub(crate) use late::LateRoot;

use hooks::EpochCallback;

/// Asks the host's data for a limiter.
type Limiter<T> = Box<dyn (FnMut(&mut T) -> &mut dyn ResourceLimiter) + Send + Sync>;

/// Called at each transition.
type Hook<T> = Box<dyn FnMut(StoreContextMut<'_, T>, CallHook) -> Result<()> + Send + Sync>;

/// Everything of a store.
#[repr(C)]
pub(crate) struct StoreData<T: 'static> {
    /// First: pointers to it are pointers to all.
    inner: StoreInner,
    limiter: Option<Limiter<T>>,
    call_hook: Option<Hook<T>>,
    epoch_callback: Option<EpochCallback<T>>,
    data: T,
}

impl<T> StoreData<T> {
    #[inline]
    pub(crate) fn inner(&self) -> &StoreInner {
        &self.inner
    }

    #[inline]
    pub(crate) fn inner_mut(&mut self) -> &mut StoreInner {
        &mut self.inner
    }

    #[inline]
    pub(crate) fn parts(&self) -> (&StoreInner, &T) {
        (&self.inner, &self.data)
    }

    #[inline]
    pub(crate) fn parts_mut(&mut self) -> (&mut StoreInner, &mut T) {
        (&mut self.inner, &mut self.data)
    }

    /// A pointer for operations on the inner part that may come back to the generic part.
    #[inline]
    pub(crate) fn as_inner_ptr(&mut self) -> *mut StoreInner {
        std::ptr::from_mut(self).cast()
    }
}

/// A collection of instances and of what they share, with the host's own data of type `T`.
///
/// Nothing in a store is freed before the store is, but for instances that were [linked late](crate::Linker::late_link): make one for each piece of work,
/// they are cheap. Things of one store must not be used with another: this panics.
pub struct Store<T: 'static> {
    store: Box<StoreData<T>>,
}

impl<T> Store<T> {
    /// A store without instances.
    ///
    /// # Panics
    ///
    /// If the operating system has no page of memory left; [`Store::try_new`] gives an error instead.
    pub fn new(engine: &Engine, data: T) -> Self {
        Self::try_new(engine, data).expect("cannot create a store")
    }

    /// A store without instances.
    ///
    /// # Errors
    ///
    /// If the operating system has no page of memory left.
    pub fn try_new(engine: &Engine, data: T) -> Result<Self> {
        let inner = StoreInner::new(engine, StoreOperations::of::<T>())?;
        Ok(Self { store: Box::new(StoreData { inner, limiter: None, call_hook: None, epoch_callback: None, data }) })
    }

    /// The host's data.
    #[inline]
    pub fn data(&self) -> &T {
        &self.store.data
    }

    /// The host's data, to change it.
    #[inline]
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.store.data
    }

    /// The host's data, freeing everything else.
    pub fn into_data(self) -> T {
        let StoreData { inner, limiter, call_hook, epoch_callback, data } = *self.store;
        drop((limiter, call_hook, epoch_callback, inner));
        data
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        self.store.inner.engine()
    }

    /// Who decides about memories, tables and instances from now on: `limiter` finds it in the host's data.
    pub fn limiter(&mut self, mut limiter: impl (FnMut(&mut T) -> &mut dyn ResourceLimiter) + Send + Sync + 'static) {
        let limits = limiter(&mut self.store.data);
        self.store.inner.limits = inner::CountLimits::of(limits);
        self.store.limiter = Some(Box::new(limiter));
    }

    /// What to call whenever execution passes from the host to WebAssembly or back. An error makes the call fail.
    pub fn call_hook(&mut self, hook: impl FnMut(StoreContextMut<'_, T>, CallHook) -> Result<()> + Send + Sync + 'static) {
        self.store.inner.set_hooked();
        self.store.call_hook = Some(Box::new(hook));
    }

    /// Remaining fuel.
    ///
    /// # Errors
    ///
    /// If the engine does not count fuel, see [`Config::consume_fuel`](crate::Config::consume_fuel).
    pub fn get_fuel(&self) -> Result<u64> {
        self.store.inner.get_fuel()
    }

    /// Sets the remaining fuel. Code that runs out of it traps with [`Trap::OutOfFuel`](crate::Trap::OutOfFuel). A new store has none.
    ///
    /// # Errors
    ///
    /// If the engine does not count fuel, see [`Config::consume_fuel`](crate::Config::consume_fuel).
    pub fn set_fuel(&mut self, fuel: u64) -> Result<()> {
        self.store.inner.set_fuel(fuel)
    }

    /// Sets the deadline to `ticks_beyond_current` increments of the engine's epoch from now. Code that runs then is interrupted.
    ///
    /// Has an effect only if [`Config::epoch_interruption`](crate::Config::epoch_interruption) is on; a new store's deadline has passed then.
    pub fn set_epoch_deadline(&mut self, ticks_beyond_current: u64) {
        self.store.inner.set_epoch_deadline(ticks_beyond_current);
    }

    /// Code traps with [`Trap::Interrupt`](crate::Trap::Interrupt) when the deadline passes. This is the default.
    pub fn epoch_deadline_trap(&mut self) {
        self.store.epoch_callback = None;
    }

    /// `callback` is called when the deadline passes, and says how to go on.
    pub fn epoch_deadline_callback(
        &mut self,
        callback: impl FnMut(StoreContextMut<'_, T>) -> Result<UpdateDeadline> + Send + Sync + 'static,
    ) {
        self.store.epoch_callback = Some(Box::new(callback));
    }

    /// A handle that interrupts this store's code from any thread, once: it traps with [`Trap::Interrupt`](crate::Trap::Interrupt).
    ///
    /// It works whatever the configuration, and costs nothing until it is used.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        self.store.inner.interrupt_handle()
    }

    /// Collects garbage: instances that were [linked late](crate::Linker::late_link) and that nobody can reach any more. External values live as long as the store.
    ///
    /// This also happens by itself, now and then when another module is linked.
    ///
    /// # Errors
    ///
    /// None yet.
    pub fn gc(&mut self, why: Option<&GcHeapOutOfMemory<()>>) -> Result<()> {
        StoreContextMut(&mut self.store).gc(why)
    }

    /// The instances that were [linked late](crate::Linker::late_link) and are still there, in the order of linking. The list keeps none of them.
    pub fn late_instances(&self) -> impl ExactSizeIterator<Item = Instance> + '_ {
        self.store.inner.late_instances()
    }
}

/// The garbage collector's heap is full. There is none, so this is never made.
#[derive(Debug)]
pub struct GcHeapOutOfMemory<T> {
    never: std::convert::Infallible,
    marker: std::marker::PhantomData<T>,
}

impl<T> GcHeapOutOfMemory<T> {
    /// What could not be put into the heap.
    pub fn into_inner(self) -> T {
        match self.never {}
    }
}

impl<T> fmt::Display for GcHeapOutOfMemory<T> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = self.marker;
        match self.never {}
    }
}

impl<T: Default> Default for Store<T> {
    /// A store of a default engine.
    fn default() -> Self {
        Store::new(&Engine::default(), T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("inner", &self.store.inner).field("data", &self.store.data).finish()
    }
}

impl<T> StoreContext<'_, T> {
    /// The engine.
    pub fn engine(&self) -> &Engine {
        self.0.inner.engine()
    }

    /// As [`Store::get_fuel`].
    ///
    /// # Errors
    ///
    /// As [`Store::get_fuel`].
    pub fn get_fuel(&self) -> Result<u64> {
        self.0.inner.get_fuel()
    }

    /// As [`Store::late_instances`].
    pub fn late_instances(&self) -> impl ExactSizeIterator<Item = Instance> + '_ {
        self.0.inner.late_instances()
    }
}

impl<'a, T> StoreContext<'a, T> {
    /// The host's data.
    #[inline]
    pub fn data(&self) -> &'a T {
        &self.0.data
    }
}

impl<T> StoreContextMut<'_, T> {
    /// The host's data.
    #[inline]
    pub fn data(&self) -> &T {
        &self.0.data
    }

    /// The host's data, to change it.
    #[inline]
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.0.data
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        self.0.inner.engine()
    }

    /// As [`Store::get_fuel`].
    ///
    /// # Errors
    ///
    /// As [`Store::get_fuel`].
    pub fn get_fuel(&self) -> Result<u64> {
        self.0.inner.get_fuel()
    }

    /// As [`Store::set_fuel`].
    ///
    /// # Errors
    ///
    /// As [`Store::set_fuel`].
    pub fn set_fuel(&mut self, fuel: u64) -> Result<()> {
        self.0.inner.set_fuel(fuel)
    }

    /// As [`Store::set_epoch_deadline`].
    pub fn set_epoch_deadline(&mut self, ticks_beyond_current: u64) {
        self.0.inner.set_epoch_deadline(ticks_beyond_current);
    }

    /// As [`Store::epoch_deadline_trap`].
    pub fn epoch_deadline_trap(&mut self) {
        self.0.epoch_callback = None;
    }

    /// As [`Store::interrupt_handle`].
    pub fn interrupt_handle(&self) -> InterruptHandle {
        self.0.inner.interrupt_handle()
    }

    /// As [`Store::gc`].
    ///
    /// # Errors
    ///
    /// As [`Store::gc`].
    pub fn gc(&mut self, why: Option<&GcHeapOutOfMemory<()>>) -> Result<()> {
        let _ = why;
        self.0.inner.collect_late();
        Ok(())
    }
}

/// Fuel is counted down in 63 bits; what is beyond waits in a reserve.
const FUEL_TANK: u64 = i64::MAX as u64;

impl StoreInner {
    fn check_fuel(&self) -> Result<()> {
        if !self.engine().config().fuel {
            bail!("fuel is not configured in this store: turn on `Config::consume_fuel`");
        }
        Ok(())
    }

    fn get_fuel(&self) -> Result<u64> {
        self.check_fuel()?;
        Ok(self.fuel_reserve + u64::try_from(self.state().fuel()).unwrap_or(0))
    }

    fn set_fuel(&mut self, fuel: u64) -> Result<()> {
        self.check_fuel()?;
        let tank = fuel.min(FUEL_TANK);
        self.fuel_reserve = fuel - tank;
        self.state_mut().set_fuel(tank as i64);
        Ok(())
    }

    /// Fills the tank from the reserve, if there is any.
    pub(crate) fn refuel(&mut self) -> bool {
        let tank = self.fuel_reserve.min(FUEL_TANK);
        let debt = self.state().fuel().min(0);
        if tank == 0 || tank as i64 + debt < 0 {
            return false;
        }
        self.fuel_reserve -= tank;
        self.state_mut().set_fuel(tank as i64 + debt);
        true
    }
}
