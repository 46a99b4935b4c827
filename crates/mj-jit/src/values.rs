//! Values as hosts see them.
//!
//! Inside, a value is a [`RawValue`]: bits, and references as words. The way in checks that a reference belongs to the store.

mod reference;
mod vector;

use mj_abi::RawValue;
use mj_decode::ValType as Kind;

use crate::error::{Result, ensure};
use crate::store::StoreInner;
use crate::{AsContext, ExternRef, Func, HeapType, RefType, Rooted, ValType};

pub use reference::{AnyRef, ExnRef, Ref};
pub use vector::V128;

/// A reference to a continuation. There are none: stack switching is not supported yet.
#[derive(Debug, Clone, Copy)]
pub enum ContRef {}

/// A value of any type.
#[derive(Debug, Clone, Copy)]
pub enum Val {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// A 128-bit vector.
    V128(V128),
    /// A function, or null.
    FuncRef(Option<Func>),
    /// Something of the host, or null.
    ExternRef(Option<Rooted<ExternRef>>),
    /// Null, where garbage-collected values are meant: they are not supported yet.
    AnyRef(Option<Rooted<AnyRef>>),
    /// Null, where exceptions are meant: they are not supported yet.
    ExnRef(Option<Rooted<ExnRef>>),
    /// Null, where continuations are meant: they are not supported yet.
    ContRef(Option<ContRef>),
}

macro_rules! accessors {
    ($($variant:ident($bound:ident) $ty:ty: $get:ident $unwrap:ident $value:expr;)*) => {$(
        #[doc = concat!("The value, if it is a `", stringify!($ty), "`.")]
        #[must_use]
        #[inline]
        pub fn $get(&self) -> Option<$ty> {
            if let Val::$variant($bound) = self { Some($value) } else { None }
        }

        #[doc = concat!("The value, which is a `", stringify!($ty), "`.")]
        ///
        /// # Panics
        ///
        /// If it is something else.
        #[must_use]
        #[inline]
        pub fn $unwrap(&self) -> $ty {
            self.$get().expect(concat!("expected ", stringify!($get)))
        }
    )*};
}

impl Val {
    accessors! {
        I32(value) i32: i32 unwrap_i32 *value;
        I64(value) i64: i64 unwrap_i64 *value;
        F32(bits) f32: f32 unwrap_f32 f32::from_bits(*bits);
        F64(bits) f64: f64 unwrap_f64 f64::from_bits(*bits);
        FuncRef(function) Option<&Func>: func_ref unwrap_func_ref function.as_ref();
        ExternRef(reference) Option<&Rooted<ExternRef>>: extern_ref unwrap_extern_ref reference.as_ref();
        AnyRef(reference) Option<&Rooted<AnyRef>>: any_ref unwrap_any_ref reference.as_ref();
        ExnRef(reference) Option<&Rooted<ExnRef>>: exn_ref unwrap_exn_ref reference.as_ref();
        V128(value) V128: v128 unwrap_v128 *value;
    }

    /// Null of the hierarchy of `heap_type`.
    #[must_use]
    pub fn null_ref(heap_type: &HeapType) -> Val {
        Ref::null(heap_type).into()
    }

    /// A null function reference.
    #[must_use]
    pub const fn null_func_ref() -> Val {
        Val::FuncRef(None)
    }

    /// A null external reference.
    #[must_use]
    pub const fn null_extern_ref() -> Val {
        Val::ExternRef(None)
    }

    /// A null of the garbage collector's types.
    #[must_use]
    pub const fn null_any_ref() -> Val {
        Val::AnyRef(None)
    }

    /// Zero or null; `None` if references of the type are never null.
    #[must_use]
    pub fn default_for_ty(ty: &ValType) -> Option<Val> {
        ty.default_value()
    }

    /// Type of the value.
    ///
    /// # Errors
    ///
    /// None yet.
    pub fn ty(&self, store: impl AsContext) -> Result<ValType> {
        let _ = store;
        Ok(match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::V128(_) => ValType::V128,
            Val::FuncRef(reference) => ValType::Ref(RefType::new(reference.is_none(), HeapType::Func)),
            Val::ExternRef(reference) => ValType::Ref(RefType::new(reference.is_none(), HeapType::Extern)),
            Val::AnyRef(_) => ValType::NULLREF,
            Val::ExnRef(_) => ValType::NULLEXNREF,
            Val::ContRef(_) => ValType::NULLCONTREF,
        })
    }

    /// Whether the value is one of type `ty`.
    ///
    /// # Errors
    ///
    /// As [`Val::ty`].
    pub fn matches_ty(&self, store: impl AsContext, ty: &ValType) -> Result<bool> {
        Ok(self.ty(store)?.matches(ty))
    }

    /// The value as a reference, if it is one.
    #[must_use]
    pub fn ref_(self) -> Option<Ref> {
        match self {
            Val::FuncRef(reference) => Some(Ref::Func(reference)),
            Val::ExternRef(reference) => Some(Ref::Extern(reference)),
            Val::AnyRef(reference) => Some(Ref::Any(reference)),
            Val::ExnRef(reference) => Some(Ref::Exn(reference)),
            _ => None,
        }
    }

    /// The external reference, if it is one.
    #[must_use]
    pub fn externref(&self) -> Option<Option<&Rooted<ExternRef>>> {
        self.extern_ref()
    }

    /// The external reference.
    ///
    /// # Panics
    ///
    /// If it is something else.
    #[must_use]
    pub fn unwrap_externref(&self) -> Option<&Rooted<ExternRef>> {
        self.unwrap_extern_ref()
    }

    /// The function reference, if it is one.
    #[must_use]
    pub fn funcref(&self) -> Option<Option<&Func>> {
        self.func_ref()
    }

    /// The function reference.
    ///
    /// # Panics
    ///
    /// If it is something else.
    #[must_use]
    pub fn unwrap_funcref(&self) -> Option<&Func> {
        self.unwrap_func_ref()
    }

    /// The bits of a value that must be of type `kind` and of this store.
    pub(crate) fn lower(&self, store: &StoreInner, kind: Kind) -> Result<RawValue> {
        let low = match (self, kind) {
            (Val::I32(value), Kind::I32) => u64::from(*value as u32),
            (Val::I64(value), Kind::I64) => *value as u64,
            (Val::F32(bits), Kind::F32) => u64::from(*bits),
            (Val::F64(bits), Kind::F64) => *bits,
            (Val::V128(value), Kind::V128) => {
                let bits = value.as_u128();
                return Ok(RawValue { low: bits as u64, high: (bits >> 64) as u64 });
            }
            (Val::FuncRef(None), Kind::FuncRef) | (Val::ExternRef(None), Kind::ExternRef) => 0,
            (Val::FuncRef(Some(function)), Kind::FuncRef) => {
                ensure!(function.comes_from_same_store(store), "a function of another store cannot be used here");
                function.word() as u64
            }
            (Val::ExternRef(Some(reference)), Kind::ExternRef) => {
                ensure!(reference.comes_from_same_store(store), "an external reference of another store cannot be used here");
                reference.word()
            }
            _ => crate::bail!("type mismatch: expected a value of type {kind}, found {}", self.kind_name()),
        };
        Ok(RawValue::new(low))
    }

    /// The value that bits of a type stand for.
    ///
    /// Bits of a reference must have come out of this store.
    pub(crate) fn lift(store: &StoreInner, raw: RawValue, kind: Kind) -> Val {
        match kind {
            Kind::I32 => Val::I32(raw.low as i32),
            Kind::I64 => Val::I64(raw.low as i64),
            Kind::F32 => Val::F32(raw.low as u32),
            Kind::F64 => Val::F64(raw.low),
            Kind::V128 => Val::V128((u128::from(raw.low) | u128::from(raw.high) << 64).into()),
            Kind::FuncRef => Val::FuncRef(Func::from_word(store, raw.low as usize)),
            Kind::ExternRef => Val::ExternRef(ExternRef::from_word(store, raw.low)),
        }
    }

    fn kind_name(&self) -> &'static str {
        match self {
            Val::I32(_) => "i32",
            Val::I64(_) => "i64",
            Val::F32(_) => "f32",
            Val::F64(_) => "f64",
            Val::V128(_) => "v128",
            Val::FuncRef(_) => "funcref",
            Val::ExternRef(_) => "externref",
            Val::AnyRef(_) => "anyref",
            Val::ExnRef(_) => "exnref",
            Val::ContRef(_) => "contref",
        }
    }
}

macro_rules! conversions {
    ($($from:ty => $value:ident: $val:expr;)*) => {
        $(impl From<$from> for Val {
            #[inline]
            fn from($value: $from) -> Val {
                $val
            }
        })*
    };
}

conversions! {
    i32 => value: Val::I32(value);
    i64 => value: Val::I64(value);
    f32 => value: Val::F32(value.to_bits());
    f64 => value: Val::F64(value.to_bits());
    u128 => value: Val::V128(value.into());
    V128 => value: Val::V128(value);
    Func => value: Val::FuncRef(Some(value));
    Option<Func> => value: Val::FuncRef(value);
    Rooted<ExternRef> => value: Val::ExternRef(Some(value));
    Option<Rooted<ExternRef>> => value: Val::ExternRef(value);
    Rooted<AnyRef> => value: Val::AnyRef(Some(value));
    Option<Rooted<AnyRef>> => value: Val::AnyRef(value);
    Rooted<ExnRef> => value: Val::ExnRef(Some(value));
    Option<Rooted<ExnRef>> => value: Val::ExnRef(value);
    Ref => value: match value {
        Ref::Func(reference) => Val::FuncRef(reference),
        Ref::Extern(reference) => Val::ExternRef(reference),
        Ref::Any(reference) => Val::AnyRef(reference),
        Ref::Exn(reference) => Val::ExnRef(reference),
    };
}
