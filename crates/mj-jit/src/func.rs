//! Functions: of instances and of the host, called with values or with Rust types.
//!
//! A [`Func`] is a pointer to its function reference, which lives as long as its owner: the store, or an instance that was linked late. All calls meet in [`enter`], which is not generic; what is
//! around it puts values into an array and takes them out.

mod caller;
mod host;
mod into_func;
mod raise;
mod typed;
mod wasm_ty;

use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use mj_abi::{CodePointer, ContextHeader, FuncRef, RawValue};
use mj_runtime::{Stop, StoreState};
use smallvec::SmallVec;

use crate::error::{Context, Error, Result, ensure};
use crate::store::{StoreId, StoreInner};
use crate::types::TypeEntry;
use crate::{AsContext, AsContextMut, CallHook, FuncType, Val};

pub use caller::Caller;
pub use into_func::IntoFunc;
pub use typed::{TypedFunc, WasmParams, WasmResults};
pub use wasm_ty::{WasmRet, WasmTy, WasmTyList};

pub(crate) use host::HostFunc;

/// Values on the stack of a call; longer lists go to the heap.
const INLINE_VALUES: usize = 8;

/// A function: of an instance, or of the host.
#[derive(Clone, Copy)]
pub struct Func {
    store: StoreId,
    func_ref: NonNull<FuncRef>,
}

// SAFETY: the pointer is followed only by whoever has the store, and what it points to never changes.
unsafe impl Send for Func {}
// SAFETY: as above.
unsafe impl Sync for Func {}

impl Func {
    /// A function of the host with a type that is known at run time: `func` gets the arguments, and results to fill in, which are zero or null at first.
    ///
    /// An error traps, and reaches whoever called into WebAssembly. So does a panic, as that panic.
    ///
    /// # Panics
    ///
    /// If the operating system has no executable memory left; [`Func::try_new`] gives an error instead.
    pub fn new<T: 'static>(
        store: impl AsContextMut<Data = T>,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::try_new(store, ty, func).expect("cannot create a host function")
    }

    /// As [`Func::new`].
    ///
    /// # Errors
    ///
    /// If the operating system has no executable memory left.
    ///
    /// # Panics
    ///
    /// If the type belongs to another engine.
    pub fn try_new<T: 'static>(
        mut store: impl AsContextMut<Data = T>,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Self> {
        let inner = store.as_context_mut().0.inner_mut();
        let host = HostFunc::dynamic(inner.engine(), &ty, func)?;
        Ok(Func::from_host(inner, &Arc::new(host)))
    }

    /// A function of the host whose type is that of a Rust closure.
    ///
    /// Arguments and results may be `i32`, `u32`, `i64`, `u64`, `f32`, `f64`, `Option<Func>`, `Option<Rooted<ExternRef>>` and their like. The closure may take a
    /// [`Caller`] first; it may return nothing, a value, a tuple of values, or a [`Result`] of these.
    ///
    /// # Panics
    ///
    /// If the operating system has no executable memory left; [`Func::try_wrap`] gives an error instead.
    pub fn wrap<T, Params, Results>(store: impl AsContextMut<Data = T>, func: impl IntoFunc<T, Params, Results>) -> Func
    where
        T: 'static,
    {
        Self::try_wrap(store, func).expect("cannot create a host function")
    }

    /// As [`Func::wrap`].
    ///
    /// # Errors
    ///
    /// If the operating system has no executable memory left.
    pub fn try_wrap<T, Params, Results>(mut store: impl AsContextMut<Data = T>, func: impl IntoFunc<T, Params, Results>) -> Result<Func>
    where
        T: 'static,
    {
        let inner = store.as_context_mut().0.inner_mut();
        let host = func.into_func(inner.engine())?;
        Ok(Func::from_host(inner, &Arc::new(host)))
    }

    /// Its type.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn ty(&self, store: impl AsContext) -> FuncType {
        let store = store.as_context().0.inner();
        FuncType::from_entry(store.engine(), self.type_entry(store))
    }

    /// Whether it is of type `func_ty`.
    ///
    /// # Panics
    ///
    /// If it belongs to another store, or the type to another engine.
    pub fn matches_ty(&self, store: impl AsContext, func_ty: &FuncType) -> bool {
        self.ty(store).matches(func_ty)
    }

    /// Calls it. `results` must have as many places as there are results; what they hold is overwritten.
    ///
    /// # Errors
    ///
    /// If number or types of the values do not fit. If the call traps, the error is a [`Trap`](crate::Trap); if a host function fails, it is that function's
    /// error; both have a [`WasmBacktrace`](crate::WasmBacktrace) around them.
    ///
    /// # Panics
    ///
    /// If it belongs to another store, and with the panic of a host function that panics.
    pub fn call(&self, mut store: impl AsContextMut, params: &[Val], results: &mut [Val]) -> Result<()> {
        let store = store.as_context_mut().0;
        let ty = self.type_entry(store.inner());
        let mut values = SmallVec::<[RawValue; INLINE_VALUES]>::new();
        lower_params(store.inner(), &ty, params, results.len(), &mut values)?;
        let (func_ref, trampoline) = (self.func_ref(store.inner()), store.inner().engine().entry_trampoline(&ty)?);
        let (slot, context) = (func_ref.slot, func_ref.context);
        // SAFETY: the store is borrowed and owns the function; the values are of the function's type, with room for its results.
        unsafe { enter(store.as_inner_ptr(), trampoline, slot, context, values.as_mut_ptr()) }?;
        for ((result, raw), &kind) in results.iter_mut().zip(&values).zip(ty.ty.results()) {
            *result = Val::lift(store.inner(), *raw, kind);
        }
        Ok(())
    }

    /// The same function, with its type checked against Rust types once and for all.
    ///
    /// `Params` and `Results` are `()`, a type or a tuple of types.
    ///
    /// # Errors
    ///
    /// If the function has another type.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn typed<Params, Results>(&self, store: impl AsContext) -> Result<TypedFunc<Params, Results>>
    where
        Params: WasmParams,
        Results: WasmResults,
    {
        let store = store.as_context().0.inner();
        let ty = self.type_entry(store);
        Params::check(ty.ty.params(), false).context("type mismatch with parameters")?;
        Results::check(ty.ty.results(), true).context("type mismatch with results")?;
        Ok(TypedFunc::new(*self, store.engine().entry_trampoline(&ty)?))
    }

    pub(crate) fn from_pointer(store: StoreId, func_ref: NonNull<FuncRef>) -> Self {
        Self { store, func_ref }
    }

    /// The function that a reference's word stands for.
    #[inline]
    pub(crate) fn from_word(store: &StoreInner, word: usize) -> Option<Self> {
        if let Some(late) = &store.late {
            // Nobody can say how long the host will use it.
            late.pin_at(word);
        }
        NonNull::new(word as *mut FuncRef).map(|func_ref| Self { store: store.id(), func_ref })
    }

    /// The word that stands for it in tables, globals and registers.
    #[inline]
    pub(crate) fn word(&self) -> usize {
        self.func_ref.as_ptr() as usize
    }

    #[inline]
    pub(crate) fn comes_from_same_store(&self, store: &StoreInner) -> bool {
        store.owns(self.store)
    }

    #[inline]
    pub(crate) fn owner(&self) -> StoreId {
        self.store
    }

    /// The function of a store for one that any store can have.
    pub(crate) fn from_host(store: &mut StoreInner, function: &Arc<HostFunc>) -> Func {
        let func_ref = store.add_host_function(function).func_ref();
        Func { store: store.id(), func_ref: NonNull::new(func_ref).expect("boxes are not at address zero") }
    }

    #[inline]
    pub(crate) fn func_ref<'a>(&self, store: &'a StoreInner) -> &'a FuncRef {
        store.check_owner(self.store, "function");
        // SAFETY: the reference belongs to this store, lives as long as it and never changes.
        unsafe { self.func_ref.as_ref() }
    }

    pub(crate) fn type_entry(&self, store: &StoreInner) -> Arc<TypeEntry> {
        store.engine().types().get(self.func_ref(store).type_id)
    }
}

impl fmt::Debug for Func {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Func").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Checks arguments, and puts them into `values`, which gets room for the results.
fn lower_params(
    store: &StoreInner,
    ty: &TypeEntry,
    params: &[Val],
    results: usize,
    values: &mut SmallVec<[RawValue; INLINE_VALUES]>,
) -> Result<()> {
    let (expected, found) = (ty.ty.params().len(), params.len());
    ensure!(expected == found, "expected {expected} arguments, got {found}");
    let expected = ty.ty.results().len();
    ensure!(expected == results, "expected {expected} results, got {results}");
    for (index, (param, &kind)) in params.iter().zip(ty.ty.params()).enumerate() {
        let value = param.lower(store, kind).with_context(|| format!("argument {index} does not fit the function's type `{}`", ty.ty))?;
        values.push(value);
    }
    if values.len() < results {
        values.resize(results, RawValue::default());
    }
    Ok(())
}

/// Calls the code that `slot` points to. `values` holds the arguments and takes the results.
///
/// # Safety
///
/// `this` must come from `StoreData::as_inner_ptr` of a store that nobody else uses. `slot` and `context` must be those of a function of
/// the store, `trampoline` one for its type, and `values` must hold its arguments and have room for its results.
#[inline]
pub(crate) unsafe fn enter(
    this: *mut StoreInner,
    trampoline: CodePointer,
    slot: *const CodePointer,
    context: *mut ContextHeader,
    values: *mut RawValue,
) -> Result<()> {
    // SAFETY: by the caller's promise. References to the store end before the code runs, but for the state, which is made for that.
    unsafe {
        if (*this).hooked {
            return enter_hooked(this, trampoline, slot, context, values);
        }
        enter_plainly(this, trampoline, slot, context, values)
    }
}

/// # Safety
///
/// As [`enter`].
#[inline]
unsafe fn enter_plainly(
    this: *mut StoreInner,
    trampoline: CodePointer,
    slot: *const CodePointer,
    context: *mut ContextHeader,
    values: *mut RawValue,
) -> Result<()> {
    // SAFETY: by the caller's promise; the slot's contents are an entry address, or that of a stub which finds one.
    let outcome = unsafe {
        let state: *const StoreState = (*this).state();
        let _owner = Owner::set(this);
        mj_runtime::enter(&*state, trampoline, context, read_slot(slot), values)
    };
    match outcome {
        Ok(()) => Ok(()),
        // SAFETY: the code has returned, and the store is the caller's.
        Err(unwind) => Err(raise::to_error(unsafe { &*this }, unwind)),
    }
}

/// Reads an entry address that another thread may be changing to a better one.
///
/// # Safety
///
/// `slot` must be that of a function that is alive.
#[inline]
unsafe fn read_slot(slot: *const CodePointer) -> CodePointer {
    // SAFETY: slots are aligned pointers, alive by the caller's promise, and changed atomically only.
    unsafe { std::sync::atomic::AtomicPtr::from_ptr(slot.cast_mut().cast::<*mut u8>()) }.load(std::sync::atomic::Ordering::Acquire)
}

/// # Safety
///
/// As [`enter`].
#[cold]
unsafe fn enter_hooked(
    this: *mut StoreInner,
    trampoline: CodePointer,
    slot: *const CodePointer,
    context: *mut ContextHeader,
    values: *mut RawValue,
) -> Result<()> {
    // SAFETY: by the caller's promise.
    unsafe {
        StoreInner::call_hook(this, CallHook::CallingWasm)?;
        let outcome = enter_plainly(this, trampoline, slot, context, values);
        StoreInner::call_hook(this, CallHook::ReturningFromWasm)?;
        outcome
    }
}

/// Makes `this` the pointer through which host functions find the store, until it is dropped: then the one before is, also when a panic passes.
struct Owner {
    this: *mut StoreInner,
    before: *mut std::ffi::c_void,
}

impl Owner {
    /// # Safety
    ///
    /// `this` must be valid until this is dropped.
    #[inline]
    unsafe fn set(this: *mut StoreInner) -> Self {
        // SAFETY: by the caller's promise; the state's context is alive as long as the store.
        unsafe {
            let before = StoreState::owner_of((*this).state().context());
            (*this).state_mut().set_owner(this.cast());
            Owner { this, before }
        }
    }
}

impl Drop for Owner {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: `set`'s caller promised that it is valid.
        unsafe { (*self.this).state_mut().set_owner(self.before) };
    }
}

impl From<Error> for Stop {
    /// An error on its way through compiled code.
    fn from(error: Error) -> Self {
        Stop::Error(Box::new(error))
    }
}
