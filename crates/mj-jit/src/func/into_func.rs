//! Rust closures as host functions.

use super::wasm_ty::for_each_arity;
use super::{Caller, HostFunc, WasmRet, WasmTy};
use crate::Engine;
use crate::error::Result;

/// Closures that can be host functions: up to 16 arguments, a [`Caller`] before them or not.
pub trait IntoFunc<T, Params, Results>: Send + Sync + 'static {
    #[doc(hidden)]
    fn into_func(self, engine: &Engine) -> Result<HostFunc>;
}

macro_rules! implement {
    ($params:ty, $with_caller:ty; $($ty:ident)*) => {
        impl<T, F, $($ty,)* R> IntoFunc<T, $params, R> for F
        where
            F: Fn($($ty),*) -> R + Send + Sync + 'static,
            $($ty: WasmTy,)*
            R: WasmRet,
            T: 'static,
        {
            #[allow(non_snake_case)]
            fn into_func(self, engine: &Engine) -> Result<HostFunc> {
                HostFunc::typed(engine, move |_: Caller<'_, T>, ($($ty,)*): ($($ty,)*)| self($($ty),*))
            }
        }

        impl<T, F, $($ty,)* R> IntoFunc<T, $with_caller, R> for F
        where
            F: Fn(Caller<'_, T>, $($ty),*) -> R + Send + Sync + 'static,
            $($ty: WasmTy,)*
            R: WasmRet,
            T: 'static,
        {
            #[allow(non_snake_case)]
            fn into_func(self, engine: &Engine) -> Result<HostFunc> {
                HostFunc::typed(engine, move |caller: Caller<'_, T>, ($($ty,)*): ($($ty,)*)| self(caller, $($ty),*))
            }
        }
    };
}

macro_rules! each {
    // A single parameter stands alone, as the type parameter of whoever names it.
    (1 $ty:ident) => { implement!($ty, (Caller<'_, T>, $ty); $ty); };
    ($count:literal $($ty:ident)*) => { implement!(($($ty,)*), (Caller<'_, T>, $($ty,)*); $($ty)*); };
}

for_each_arity!(each);
