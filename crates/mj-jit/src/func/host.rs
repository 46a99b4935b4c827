//! Functions of the host, as compiled code calls them.
//!
//! A [`HostFunc`] is what any store can have: a closure, and the code through which compiled code reaches it. For each kind of closure there is one
//! `extern "C"` function that takes the arguments out of the array of values, calls the closure and puts the results in; nothing is allocated on
//! the way.
//!
//! Invariant: a closure's entry is called with the context of a store whose data is of the type that the closure expects. Linkers and
//! stores are generic over it, so that nothing else can be written.

use std::any::Any;
use std::ffi::c_void;
use std::fmt;
use std::sync::Arc;

use mj_abi::{CodePointer, ContextHeader, HostContext, HostFunction, RawValue};
use mj_runtime::{StoreState, catch};
use smallvec::SmallVec;

use super::caller::Calling;
use super::{Caller, INLINE_VALUES, WasmRet, WasmTyList};
use crate::error::{Context, Result, ensure};
use crate::store::{StoreData, StoreInner};
use crate::types::TypeEntry;
use crate::{CallHook, Engine, FuncType, Val, ValType};

/// A function of the host that any store can have.
pub struct HostFunc {
    pub(crate) ty: Arc<TypeEntry>,
    pub(crate) shim: CodePointer,
    /// What calls the closure: plainly, and between the hooks of a store.
    functions: [HostFunction; 2],
    closure: Box<dyn Any + Send + Sync>,
    /// What `closure` holds, or nothing.
    pointer: *const c_void,
    /// Keeps the shim alive.
    engine: Engine,
}

// SAFETY: the pointers are to code that lives as long as the engine and into the closure, which is `Send` and `Sync`.
unsafe impl Send for HostFunc {}
// SAFETY: as above.
unsafe impl Sync for HostFunc {}

impl HostFunc {
    /// The engine whose numbers of types it has.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A function whose type is only known at run time.
    pub(crate) fn dynamic<T: 'static>(
        engine: &Engine,
        ty: &FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Self> {
        assert!(Engine::same(engine, ty.engine()), "the function type belongs to another engine");
        let entry = Arc::clone(ty.entry());
        let closure = Dynamic { ty: Arc::clone(&entry), func };
        fn of<T: 'static, F>(_: &Dynamic<F>) -> [HostFunction; 2]
        where
            F: Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
        {
            [call_dynamic::<false, T, F>, call_dynamic::<true, T, F>]
        }
        let functions = of::<T, _>(&closure);
        Self::new(engine, entry, functions, closure)
    }

    /// A function whose type is that of its closure.
    pub(super) fn typed<T, F, P, R>(engine: &Engine, func: F) -> Result<Self>
    where
        T: 'static,
        F: Fn(Caller<'_, T>, P) -> R + Send + Sync + 'static,
        P: WasmTyList,
        R: WasmRet,
    {
        let ty = engine.types().intern(mj_decode::FuncType::new(P::kinds(), R::kinds()));
        Self::new(engine, ty, [call_typed::<false, T, F, P, R>, call_typed::<true, T, F, P, R>], func)
    }

    fn new<C: Send + Sync + 'static>(engine: &Engine, ty: Arc<TypeEntry>, functions: [HostFunction; 2], closure: C) -> Result<Self> {
        let shim = engine.host_shim(&ty)?;
        let closure = Box::new(closure);
        let pointer: *const C = &raw const *closure;
        Ok(Self { ty, shim, functions, closure, pointer: pointer.cast(), engine: engine.clone() })
    }

    /// What compiled code is to call in a store with a call hook, or without.
    pub(crate) fn function(&self, hooked: bool) -> HostFunction {
        self.functions[usize::from(hooked)]
    }

    /// The closure, for the functions, which know its type and only read it.
    pub(crate) fn closure_pointer(&self) -> *mut c_void {
        let _ = &self.closure;
        self.pointer.cast_mut()
    }
}

impl fmt::Debug for HostFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostFunc").field("ty", &self.ty).finish_non_exhaustive()
    }
}

/// Calls a closure with arguments of Rust types.
///
/// # Safety
///
/// As [`HostFunction`]: `callee` is the context of a host function with a closure `F`, in a store whose data is a `T`; `values` holds its arguments and
/// has room for its results.
unsafe extern "C" fn call_typed<const HOOKED: bool, T, F, P, R>(
    callee: *mut HostContext,
    caller: *mut ContextHeader,
    values: *mut RawValue,
) -> usize
where
    T: 'static,
    F: Fn(Caller<'_, T>, P) -> R + Send + Sync + 'static,
    P: WasmTyList,
    R: WasmRet,
{
    // SAFETY: by the caller's promise; compiled code waits, so the store is this function's. Closure, parameters and results are of
    // the types that the function was made with.
    unsafe {
        let context = (*callee).header.store;
        let body = || {
            let owner = StoreState::owner_of(context).cast::<StoreData<T>>();
            let func = &*(*callee).closure.cast_const().cast::<F>();
            with_hook::<HOOKED>(owner.cast(), || {
                let params = P::load((*owner).inner(), values)?;
                let results = func(Caller::new(&mut *owner, Calling(caller)), params);
                results.store((*owner).inner(), values)
            })
        };
        catch(context, body)
    }
}

struct Dynamic<F> {
    ty: Arc<TypeEntry>,
    func: F,
}

/// Calls a closure with values.
///
/// # Safety
///
/// As [`call_typed`], with a closure [`Dynamic<F>`].
unsafe extern "C" fn call_dynamic<const HOOKED: bool, T, F>(
    callee: *mut HostContext,
    caller: *mut ContextHeader,
    values: *mut RawValue,
) -> usize
where
    T: 'static,
    F: Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
{
    // SAFETY: as in `call_typed`.
    unsafe {
        let context = (*callee).header.store;
        let body = || {
            let owner = StoreState::owner_of(context).cast::<StoreData<T>>();
            let closure = &*(*callee).closure.cast_const().cast::<Dynamic<F>>();
            let mut list = load_values((*owner).inner(), &closure.ty, values);
            let (params, results) = list.split_at_mut(closure.ty.ty.params().len());
            let call = || (closure.func)(Caller::new(&mut *owner, Calling(caller)), params, results);
            with_hook::<HOOKED>(owner.cast(), call)?;
            store_results((*owner).inner(), &closure.ty, results, values)
        };
        catch(context, body)
    }
}

/// Arguments, and behind them zeros and nulls for the results.
///
/// # Safety
///
/// `values` must hold arguments for `ty`, from the store.
unsafe fn load_values(store: &StoreInner, ty: &TypeEntry, values: *const RawValue) -> SmallVec<[Val; INLINE_VALUES]> {
    let params = ty.ty.params().iter().enumerate().map(|(index, &kind)| {
        // SAFETY: by the caller's promise.
        Val::lift(store, unsafe { *values.add(index) }, kind)
    });
    let results = ty.ty.results().iter().map(|&kind| Val::lift(store, RawValue::default(), kind));
    params.chain(results).collect()
}

/// # Safety
///
/// `values` must have room for the results of `ty`.
unsafe fn store_results(store: &StoreInner, ty: &TypeEntry, results: &[Val], values: *mut RawValue) -> Result<()> {
    ensure!(results.len() == ty.ty.results().len(), "a host function changed the number of its results");
    for (index, (result, &kind)) in results.iter().zip(ty.ty.results()).enumerate() {
        let raw = result.lower(store, kind).with_context(|| {
            format!("function attempted to return an incompatible value: result {index} is to be of type {}", ValType::lift(kind))
        })?;
        // SAFETY: by the caller's promise.
        unsafe { values.add(index).write(raw) };
    }
    Ok(())
}

/// Runs the body of a host function, between the store's hooks if it has any.
///
/// # Safety
///
/// `this` must be the pointer that the store was entered with.
#[inline(always)]
unsafe fn with_hook<const HOOKED: bool>(this: *mut StoreInner, body: impl FnOnce() -> Result<()>) -> Result<()> {
    if !HOOKED {
        return body();
    }
    // SAFETY: by the caller's promise; compiled code waits.
    unsafe {
        StoreInner::call_hook(this, CallHook::CallingHost)?;
        let outcome = body();
        StoreInner::call_hook(this, CallHook::ReturningFromHost)?;
        outcome
    }
}
