//! Functions called with Rust types: the type was checked, so a call only moves values.

use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use mj_abi::{CodePointer, RawValue};
use mj_decode::ValType as Kind;

use super::wasm_ty::for_each_arity;
use super::{Func, WasmTy, enter};
use crate::AsContextMut;
use crate::error::{Result, bail};
use crate::store::StoreInner;

/// A function whose type is known to fit `Params` and `Results`; see [`Func::typed`].
pub struct TypedFunc<Params, Results> {
    func: Func,
    /// Address of the trampoline for its type.
    trampoline: usize,
    marker: PhantomData<fn(Params) -> Results>,
}

impl<Params, Results> Clone for TypedFunc<Params, Results> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Params, Results> Copy for TypedFunc<Params, Results> {}

impl<Params, Results> fmt::Debug for TypedFunc<Params, Results> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedFunc").field("func", &self.func).finish_non_exhaustive()
    }
}

/// Arguments on the way in, results on the way out.
union Values<P: Copy, R: Copy> {
    params: MaybeUninit<P>,
    /// Only makes room.
    _results: MaybeUninit<R>,
}

impl<Params, Results> TypedFunc<Params, Results>
where
    Params: WasmParams,
    Results: WasmResults,
{
    pub(super) fn new(func: Func, trampoline: CodePointer) -> Self {
        Self { func, trampoline: trampoline as usize, marker: PhantomData }
    }

    /// The function without its types.
    #[must_use]
    pub fn func(&self) -> &Func {
        &self.func
    }

    /// Calls it.
    ///
    /// # Errors
    ///
    /// As [`Func::call`].
    ///
    /// # Panics
    ///
    /// As [`Func::call`].
    #[inline]
    pub fn call(&self, mut store: impl AsContextMut, params: Params) -> Result<Results> {
        let store = store.as_context_mut().0;
        let func_ref = self.func.func_ref(store.inner());
        let (slot, context) = (func_ref.slot, func_ref.context);
        let mut values = Values::<Params::Values, Results::Values> { params: MaybeUninit::uninit() };
        let pointer = (&raw mut values).cast::<RawValue>();
        // SAFETY: the store is borrowed and owns the function; `typed` has checked the types, and the union has room for either list.
        unsafe {
            params.store(store.inner(), pointer)?;
            enter(store.as_inner_ptr(), self.trampoline as CodePointer, slot, context, pointer)?;
            Results::load(store.inner(), pointer)
        }
    }
}

/// Arguments of a typed function: `()`, a type, or a tuple of types.
///
/// # Safety
///
/// Implemented here only.
pub unsafe trait WasmParams: Send {
    /// Room for the values: an array of as many.
    #[doc(hidden)]
    type Values: Copy;

    #[doc(hidden)]
    fn check(actual: &[Kind], is_result: bool) -> Result<()>;

    /// # Safety
    ///
    /// `values` must have room for the values.
    #[doc(hidden)]
    unsafe fn store(self, store: &StoreInner, values: *mut RawValue) -> Result<()>;
}

/// Results of a typed function: `()`, a type, or a tuple of types.
///
/// # Safety
///
/// Implemented here only.
pub unsafe trait WasmResults: WasmParams + Sized {
    /// # Safety
    ///
    /// `values` must hold values of these types, from the store.
    #[doc(hidden)]
    unsafe fn load(store: &StoreInner, values: *const RawValue) -> Result<Self>;
}

// SAFETY: one value.
unsafe impl<T: WasmTy> WasmParams for T {
    type Values = [RawValue; 1];

    fn check(actual: &[Kind], is_result: bool) -> Result<()> {
        <(T,) as WasmParams>::check(actual, is_result)
    }

    #[inline]
    unsafe fn store(self, store: &StoreInner, values: *mut RawValue) -> Result<()> {
        // SAFETY: by the caller's promise.
        unsafe { <(T,) as WasmParams>::store((self,), store, values) }
    }
}

// SAFETY: one value.
unsafe impl<T: WasmTy> WasmResults for T {
    #[inline]
    unsafe fn load(store: &StoreInner, values: *const RawValue) -> Result<Self> {
        // SAFETY: by the caller's promise.
        unsafe { <T as WasmTy>::load(store, values) }
    }
}

macro_rules! tuples {
    ($count:literal $($ty:ident)*) => {
        // SAFETY: each type stores its value, and there is room for all.
        unsafe impl<$($ty: WasmTy),*> WasmParams for ($($ty,)*) {
            type Values = [RawValue; $count];

            #[allow(unused_assignments, unused_mut, unused_variables)]
            fn check(actual: &[Kind], is_result: bool) -> Result<()> {
                if actual.len() != $count {
                    bail!("expected {} types, found {}", $count, actual.len());
                }
                let mut index = 0;
                $(
                    $ty::check(actual[index], is_result)?;
                    index += 1;
                )*
                Ok(())
            }

            #[inline]
            #[allow(non_snake_case, unused_assignments, unused_mut, unused_variables)]
            unsafe fn store(self, store: &StoreInner, values: *mut RawValue) -> Result<()> {
                let ($($ty,)*) = self;
                let mut index = 0;
                $(
                    // SAFETY: by the caller's promise.
                    unsafe { WasmTy::store($ty, store, values.add(index)) }?;
                    index += 1;
                )*
                Ok(())
            }
        }

        // SAFETY: each type loads its value.
        unsafe impl<$($ty: WasmTy),*> WasmResults for ($($ty,)*) {
            #[inline]
            unsafe fn load(store: &StoreInner, values: *const RawValue) -> Result<Self> {
                // SAFETY: by the caller's promise.
                unsafe { <Self as super::WasmTyList>::load(store, values) }
            }
        }
    };
}

for_each_arity!(tuples);
