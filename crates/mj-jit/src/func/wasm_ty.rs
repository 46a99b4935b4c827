//! Rust types that stand for WebAssembly types.

use mj_abi::RawValue;
use mj_decode::ValType as Kind;

use crate::error::{Result, bail, ensure};
use crate::store::StoreInner;
use crate::{ExternRef, Func, OwnedRooted, Rooted, Trap, V128, ValType};

/// A Rust type that stands for a WebAssembly type.
///
/// # Safety
///
/// Implemented here only: `store` must write bits of type `KIND`.
pub unsafe trait WasmTy: Send + Sized {
    #[doc(hidden)]
    const KIND: Kind;

    /// Null is no value of this type, though it is one of `KIND`.
    #[doc(hidden)]
    const IS_NON_NULL: bool = false;

    /// Writes no more bytes than the type has.
    ///
    /// # Errors
    ///
    /// If it cannot be used in the store.
    ///
    /// # Safety
    ///
    /// `to` must be valid for writes.
    #[doc(hidden)]
    unsafe fn store(self, store: &StoreInner, to: *mut RawValue) -> Result<()>;

    /// Reads no more bytes than the type has: code has written no more, and reading what two stores have written is slow.
    ///
    /// # Safety
    ///
    /// The value must be of type `KIND`, and come from the store.
    #[doc(hidden)]
    unsafe fn load(store: &StoreInner, value: *const RawValue) -> Result<Self>;

    /// The type, as the API has it.
    #[doc(hidden)]
    fn valtype() -> ValType {
        ValType::lift(Self::KIND)
    }

    /// Checks it against the type of an argument, or of a result.
    #[doc(hidden)]
    fn check(actual: Kind, is_result: bool) -> Result<()> {
        ensure!(actual == Self::KIND, "type mismatch: expected {}, found {actual}", Self::KIND);
        // The function may return null.
        ensure!(!(is_result && Self::IS_NON_NULL), "type mismatch: expected (ref {actual}), found {actual}, which may be null");
        Ok(())
    }
}

macro_rules! numbers {
    ($($ty:ty: $kind:ident;)*) => {$(
        // SAFETY: the bits are those of the number.
        unsafe impl WasmTy for $ty {
            const KIND: Kind = Kind::$kind;

            #[inline]
            unsafe fn store(self, _: &StoreInner, to: *mut RawValue) -> Result<()> {
                // SAFETY: by the caller's promise; the value is in the low bytes.
                unsafe { to.cast::<$ty>().write(self) };
                Ok(())
            }

            #[inline]
            unsafe fn load(_: &StoreInner, value: *const RawValue) -> Result<Self> {
                // SAFETY: by the caller's promise; the value is in the low bytes.
                Ok(unsafe { value.cast::<$ty>().read() })
            }
        }
    )*};
}

numbers! {
    i32: I32;
    u32: I32;
    i64: I64;
    u64: I64;
    f32: F32;
    f64: F64;
}

// SAFETY: the bits are those of the vector.
unsafe impl WasmTy for V128 {
    const KIND: Kind = Kind::V128;

    #[inline]
    unsafe fn store(self, _: &StoreInner, to: *mut RawValue) -> Result<()> {
        let bits = self.as_u128();
        // SAFETY: by the caller's promise.
        unsafe { to.write(RawValue { low: bits as u64, high: (bits >> 64) as u64 }) };
        Ok(())
    }

    #[inline]
    unsafe fn load(_: &StoreInner, value: *const RawValue) -> Result<Self> {
        // SAFETY: by the caller's promise.
        let raw = unsafe { value.read() };
        Ok((u128::from(raw.low) | u128::from(raw.high) << 64).into())
    }
}

// SAFETY: the word of a function of the store, or null.
unsafe impl WasmTy for Option<Func> {
    const KIND: Kind = Kind::FuncRef;

    #[inline]
    unsafe fn store(self, store: &StoreInner, to: *mut RawValue) -> Result<()> {
        let word = match self {
            Some(function) if !function.comes_from_same_store(store) => bail!("a function of another store cannot be used here"),
            function => function.map_or(0, |function| function.word()),
        };
        // SAFETY: by the caller's promise.
        unsafe { to.cast::<usize>().write(word) };
        Ok(())
    }

    #[inline]
    unsafe fn load(store: &StoreInner, value: *const RawValue) -> Result<Self> {
        // SAFETY: by the caller's promise.
        Ok(Func::from_word(store, unsafe { value.cast::<usize>().read() }))
    }
}

// SAFETY: the word of a value of the store, or null.
unsafe impl WasmTy for Option<Rooted<ExternRef>> {
    const KIND: Kind = Kind::ExternRef;

    #[inline]
    unsafe fn store(self, store: &StoreInner, to: *mut RawValue) -> Result<()> {
        let word = match self {
            Some(value) if !value.comes_from_same_store(store) => bail!("an external reference of another store cannot be used here"),
            value => value.map_or(0, |value| value.word()),
        };
        // SAFETY: by the caller's promise.
        unsafe { to.cast::<u64>().write(word) };
        Ok(())
    }

    #[inline]
    unsafe fn load(store: &StoreInner, value: *const RawValue) -> Result<Self> {
        // SAFETY: by the caller's promise.
        Ok(ExternRef::from_word(store, unsafe { value.cast::<u64>().read() }))
    }
}

/// Types that are others with a wrapper around them, or without null.
macro_rules! like {
    ($($ty:ty as $other:ty, $non_null:literal: $value:ident => $to:expr, $loaded:ident => $from:expr;)*) => {$(
        // SAFETY: the other type's bits.
        unsafe impl WasmTy for $ty {
            const KIND: Kind = <$other as WasmTy>::KIND;
            const IS_NON_NULL: bool = $non_null;

            #[inline]
            unsafe fn store(self, store: &StoreInner, to: *mut RawValue) -> Result<()> {
                let $value = self;
                // SAFETY: by the caller's promise.
                unsafe { <$other as WasmTy>::store($to, store, to) }
            }

            #[inline]
            unsafe fn load(store: &StoreInner, value: *const RawValue) -> Result<Self> {
                // SAFETY: by the caller's promise.
                let $loaded = unsafe { <$other as WasmTy>::load(store, value) }?;
                Ok($from)
            }
        }
    )*};
}

like! {
    Func as Option<Func>, true: value => Some(value), loaded => loaded.ok_or(Trap::NullReference)?;
    Rooted<ExternRef> as Option<Rooted<ExternRef>>, true: value => Some(value), loaded => loaded.ok_or(Trap::NullReference)?;
    OwnedRooted<ExternRef> as Rooted<ExternRef>, true: value => value.rooted(), loaded => OwnedRooted::from_rooted(loaded);
    Option<OwnedRooted<ExternRef>> as Option<Rooted<ExternRef>>, false: value => value.map(|value| value.rooted()),
        loaded => loaded.map(OwnedRooted::from_rooted);
}

/// Calls a macro for each number of types up to 16.
macro_rules! for_each_arity {
    ($macro:ident) => {
        $macro!(0);
        $macro!(1 A1);
        $macro!(2 A1 A2);
        $macro!(3 A1 A2 A3);
        $macro!(4 A1 A2 A3 A4);
        $macro!(5 A1 A2 A3 A4 A5);
        $macro!(6 A1 A2 A3 A4 A5 A6);
        $macro!(7 A1 A2 A3 A4 A5 A6 A7);
        $macro!(8 A1 A2 A3 A4 A5 A6 A7 A8);
        $macro!(9 A1 A2 A3 A4 A5 A6 A7 A8 A9);
        $macro!(10 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10);
        $macro!(11 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11);
        $macro!(12 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12);
        $macro!(13 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13);
        $macro!(14 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14);
        $macro!(15 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15);
        $macro!(16 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16);
    };
}
pub(super) use for_each_arity;

/// A tuple of Rust types that stand for WebAssembly types.
///
/// # Safety
///
/// Implemented here only.
pub unsafe trait WasmTyList: Sized {
    #[doc(hidden)]
    fn kinds() -> Vec<Kind>;

    /// The types, as the API has them.
    #[doc(hidden)]
    fn valtypes() -> impl Iterator<Item = ValType> {
        Self::kinds().into_iter().map(ValType::lift)
    }

    /// # Safety
    ///
    /// `values` must hold values of these types, from the store.
    #[doc(hidden)]
    unsafe fn load(store: &StoreInner, values: *const RawValue) -> Result<Self>;
}

/// What a host function can return: nothing, a value, a tuple of values, or a [`Result`] of these.
///
/// # Safety
///
/// Implemented here only.
pub unsafe trait WasmRet {
    #[doc(hidden)]
    fn kinds() -> Vec<Kind>;

    /// # Safety
    ///
    /// `values` must have room for these types.
    #[doc(hidden)]
    unsafe fn store(self, store: &StoreInner, values: *mut RawValue) -> Result<()>;
}

// SAFETY: one value.
unsafe impl<T: WasmTy> WasmRet for T {
    fn kinds() -> Vec<Kind> {
        vec![T::KIND]
    }

    #[inline]
    unsafe fn store(self, store: &StoreInner, values: *mut RawValue) -> Result<()> {
        // SAFETY: by the caller's promise.
        unsafe { WasmTy::store(self, store, values) }
    }
}

// SAFETY: as what is inside.
unsafe impl<T: WasmRet> WasmRet for Result<T> {
    fn kinds() -> Vec<Kind> {
        T::kinds()
    }

    #[inline]
    unsafe fn store(self, store: &StoreInner, values: *mut RawValue) -> Result<()> {
        // SAFETY: by the caller's promise.
        unsafe { self?.store(store, values) }
    }
}

macro_rules! tuples {
    ($count:literal $($ty:ident)*) => {
        // SAFETY: each type loads its value.
        unsafe impl<$($ty: WasmTy),*> WasmTyList for ($($ty,)*) {
            fn kinds() -> Vec<Kind> {
                vec![$($ty::KIND),*]
            }

            #[inline]
            #[allow(unused_assignments, unused_mut, unused_variables)]
            unsafe fn load(store: &StoreInner, values: *const RawValue) -> Result<Self> {
                let mut index = 0;
                Ok(($({
                    // SAFETY: by the caller's promise.
                    let value = unsafe { $ty::load(store, values.add(index)) }?;
                    index += 1;
                    value
                },)*))
            }
        }

        // SAFETY: each type stores its value.
        unsafe impl<$($ty: WasmTy),*> WasmRet for ($($ty,)*) {
            fn kinds() -> Vec<Kind> {
                vec![$($ty::KIND),*]
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
    };
}

for_each_arity!(tuples);
