//! References of any kind.

use crate::error::Result;
use crate::{AsContext, ExternRef, Func, HeapType, RefType, Rooted};

/// A reference to a garbage-collected value. There are none yet.
#[derive(Debug, Clone, Copy)]
pub enum AnyRef {}

/// A reference to an exception. There are none yet.
#[derive(Debug, Clone, Copy)]
pub enum ExnRef {}

/// A reference of any type.
#[derive(Debug, Clone, Copy)]
pub enum Ref {
    /// A function, or null.
    Func(Option<Func>),
    /// Something of the host, or null.
    Extern(Option<Rooted<ExternRef>>),
    /// Null, where garbage-collected values are meant: they are not supported yet.
    Any(Option<Rooted<AnyRef>>),
    /// Null, where exceptions are meant: they are not supported yet.
    Exn(Option<Rooted<ExnRef>>),
}

macro_rules! accessors {
    ($($variant:ident($ty:ty) $is:ident $get:ident $unwrap:ident;)*) => {$(
        #[doc = concat!("Whether it is a `", stringify!($variant), "`, null or not.")]
        #[must_use]
        pub fn $is(&self) -> bool {
            matches!(self, Ref::$variant(_))
        }

        #[doc = concat!("The reference, if it is a `", stringify!($variant), "`.")]
        #[must_use]
        pub fn $get(&self) -> Option<Option<&$ty>> {
            if let Ref::$variant(reference) = self { Some(reference.as_ref()) } else { None }
        }

        #[doc = concat!("The reference, which is a `", stringify!($variant), "`.")]
        ///
        /// # Panics
        ///
        /// If it is something else.
        #[must_use]
        pub fn $unwrap(&self) -> Option<&$ty> {
            self.$get().expect(concat!("Ref::", stringify!($unwrap), " on something else"))
        }
    )*};
}

impl Ref {
    accessors! {
        Func(Func) is_func as_func unwrap_func;
        Extern(Rooted<ExternRef>) is_extern as_extern unwrap_extern;
        Any(Rooted<AnyRef>) is_any as_any unwrap_any;
        Exn(Rooted<ExnRef>) is_exn as_exn unwrap_exn;
    }

    /// Null of the hierarchy of `heap_type`.
    ///
    /// # Panics
    ///
    /// If it is a continuation's: `Ref` has none.
    #[must_use]
    pub fn null(heap_type: &HeapType) -> Self {
        match heap_type.top() {
            HeapType::Func => Ref::Func(None),
            HeapType::Extern => Ref::Extern(None),
            HeapType::Exn => Ref::Exn(None),
            HeapType::Cont => panic!("continuations are not supported"),
            _ => Ref::Any(None),
        }
    }

    /// Whether it is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        !self.is_non_null()
    }

    /// Whether it is not null.
    #[must_use]
    pub fn is_non_null(&self) -> bool {
        match self {
            Ref::Func(reference) => reference.is_some(),
            Ref::Extern(reference) => reference.is_some(),
            Ref::Any(reference) => reference.is_some(),
            Ref::Exn(reference) => reference.is_some(),
        }
    }

    /// Type of the reference.
    ///
    /// # Errors
    ///
    /// None yet.
    pub fn ty(&self, store: impl AsContext) -> Result<RefType> {
        let _ = store;
        let heap_type = match self {
            Ref::Func(_) => HeapType::Func,
            Ref::Extern(_) => HeapType::Extern,
            Ref::Any(_) => HeapType::None,
            Ref::Exn(_) => HeapType::NoExn,
        };
        Ok(RefType::new(self.is_null(), heap_type))
    }

    /// Whether the reference is one of type `ty`.
    ///
    /// # Errors
    ///
    /// As [`Ref::ty`].
    pub fn matches_ty(&self, store: impl AsContext, ty: &RefType) -> Result<bool> {
        Ok(self.ty(store)?.matches(ty))
    }
}

macro_rules! conversions {
    ($($variant:ident($ty:ty);)*) => {$(
        impl From<$ty> for Ref {
            fn from(reference: $ty) -> Ref {
                Ref::$variant(Some(reference))
            }
        }

        impl From<Option<$ty>> for Ref {
            fn from(reference: Option<$ty>) -> Ref {
                Ref::$variant(reference)
            }
        }
    )*};
}

conversions! {
    Func(Func);
    Extern(Rooted<ExternRef>);
    Any(Rooted<AnyRef>);
    Exn(Rooted<ExnRef>);
}
