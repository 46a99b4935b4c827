//! Types of values: what the API shows, and how it maps to the engine's own small types.
//!
//! The public types have room for everything the specification names; the engine holds numbers, vectors, function and
//! external references. The way in is [`ValType::lower`], which says no to the rest.

mod externs;
mod func;
mod matching;
mod registry;

use std::fmt;

use mj_decode::ValType as Kind;

use crate::error::{Result, bail};
use crate::{Ref, Val};

pub use externs::{ExportType, ExternType, GlobalType, ImportType, MemoryType, MemoryTypeBuilder, ResourcesRequired, TableType, TagType};
pub use func::FuncType;

pub(crate) use matching::{Found, check_import};
pub(crate) use registry::{TypeEntry, TypeRegistry};

/// Whether something can be assigned.
#[derive(Debug, Clone, Copy, Hash, Eq, PartialEq)]
pub enum Mutability {
    /// It keeps its first value.
    Const,
    /// It can be assigned.
    Var,
}

impl Mutability {
    /// Whether it is `Const`.
    #[must_use]
    #[inline]
    pub fn is_const(&self) -> bool {
        *self == Self::Const
    }

    /// Whether it is `Var`.
    #[must_use]
    #[inline]
    pub fn is_var(&self) -> bool {
        *self == Self::Var
    }
}

/// Type of a value (spec 2.3.4).
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 128-bit vector.
    V128,
    /// A reference.
    Ref(RefType),
}

macro_rules! reference_types {
    ($($(#[$doc:meta])* $name:ident = $heap:ident;)*) => {
        impl ValType {
            $($(#[$doc])* pub const $name: Self = ValType::Ref(RefType::$name);)*
        }

        impl RefType {
            $($(#[$doc])* pub const $name: Self = RefType { is_nullable: true, heap_type: HeapType::$heap };)*
        }
    };
}

reference_types! {
    /// `externref`: something of the host, or null.
    EXTERNREF = Extern;
    /// `nullexternref`: null.
    NULLEXTERNREF = NoExtern;
    /// `funcref`: a function, or null.
    FUNCREF = Func;
    /// `nullfuncref`: null.
    NULLFUNCREF = NoFunc;
    /// `anyref`: anything the garbage collector knows.
    ANYREF = Any;
    /// `eqref`: anything that can be compared.
    EQREF = Eq;
    /// `i31ref`: a 31-bit integer, or null.
    I31REF = I31;
    /// `arrayref`: an array, or null.
    ARRAYREF = Array;
    /// `structref`: a struct, or null.
    STRUCTREF = Struct;
    /// `nullref`: null.
    NULLREF = None;
    /// `contref`: a continuation, or null.
    CONTREF = Cont;
    /// `nullcontref`: null.
    NULLCONTREF = NoCont;
    /// `exnref`: an exception, or null.
    EXNREF = Exn;
    /// `nullexnref`: null.
    NULLEXNREF = NoExn;
}

impl ValType {
    /// Whether it is a number.
    #[must_use]
    pub fn is_num(&self) -> bool {
        matches!(self, ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64)
    }

    /// Whether it is `i32`.
    #[must_use]
    pub fn is_i32(&self) -> bool {
        *self == ValType::I32
    }

    /// Whether it is `i64`.
    #[must_use]
    pub fn is_i64(&self) -> bool {
        *self == ValType::I64
    }

    /// Whether it is `f32`.
    #[must_use]
    pub fn is_f32(&self) -> bool {
        *self == ValType::F32
    }

    /// Whether it is `f64`.
    #[must_use]
    pub fn is_f64(&self) -> bool {
        *self == ValType::F64
    }

    /// Whether it is `v128`.
    #[must_use]
    pub fn is_v128(&self) -> bool {
        *self == ValType::V128
    }

    /// Whether it is a reference.
    #[must_use]
    pub fn is_ref(&self) -> bool {
        matches!(self, ValType::Ref(_))
    }

    /// Whether it is `funcref`.
    #[must_use]
    pub fn is_funcref(&self) -> bool {
        *self == ValType::FUNCREF
    }

    /// Whether it is `externref`.
    #[must_use]
    pub fn is_externref(&self) -> bool {
        *self == ValType::EXTERNREF
    }

    /// Whether it is `anyref`.
    #[must_use]
    pub fn is_anyref(&self) -> bool {
        *self == ValType::ANYREF
    }

    /// Whether it is `contref`.
    #[must_use]
    pub fn is_contref(&self) -> bool {
        *self == ValType::CONTREF
    }

    /// The reference type, if it is one.
    #[must_use]
    pub fn as_ref(&self) -> Option<&RefType> {
        if let ValType::Ref(ty) = self { Some(ty) } else { None }
    }

    /// The reference type.
    ///
    /// # Panics
    ///
    /// If it is none.
    #[must_use]
    pub fn unwrap_ref(&self) -> &RefType {
        self.as_ref().expect("ValType::unwrap_ref on a type that is not a reference")
    }

    /// Whether every value of this type is one of `other` (spec 3.3.3).
    #[must_use]
    pub fn matches(&self, other: &ValType) -> bool {
        match (self, other) {
            (ValType::Ref(this), ValType::Ref(other)) => this.matches(other),
            (this, other) => this == other,
        }
    }

    /// Zero or null; `None` if references of the type are never null.
    #[must_use]
    pub fn default_value(&self) -> Option<Val> {
        Some(match self {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::V128 => Val::V128(0.into()),
            ValType::Ref(ty) if ty.is_nullable() => Ref::null(ty.heap_type()).into(),
            ValType::Ref(_) => return None,
        })
    }

    /// The engine's type for it. References that are never null become nullable ones: the engine does not tell them apart.
    pub(crate) fn lower(&self) -> Result<Kind> {
        Ok(match self {
            ValType::I32 => Kind::I32,
            ValType::I64 => Kind::I64,
            ValType::F32 => Kind::F32,
            ValType::F64 => Kind::F64,
            ValType::V128 => Kind::V128,
            ValType::Ref(ty) => ty.lower()?,
        })
    }

    pub(crate) fn lift(kind: Kind) -> Self {
        match kind {
            Kind::I32 => ValType::I32,
            Kind::I64 => ValType::I64,
            Kind::F32 => ValType::F32,
            Kind::F64 => ValType::F64,
            Kind::V128 => ValType::V128,
            Kind::FuncRef => ValType::FUNCREF,
            Kind::ExternRef => ValType::EXTERNREF,
        }
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValType::I32 => f.write_str("i32"),
            ValType::I64 => f.write_str("i64"),
            ValType::F32 => f.write_str("f32"),
            ValType::F64 => f.write_str("f64"),
            ValType::V128 => f.write_str("v128"),
            ValType::Ref(ty) => ty.fmt(f),
        }
    }
}

impl fmt::Debug for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<RefType> for ValType {
    fn from(ty: RefType) -> Self {
        ValType::Ref(ty)
    }
}

/// Type of a reference (spec 2.3.3).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RefType {
    is_nullable: bool,
    heap_type: HeapType,
}

impl RefType {
    /// References to `heap_type`, null among them or not.
    #[must_use]
    pub fn new(is_nullable: bool, heap_type: HeapType) -> RefType {
        RefType { is_nullable, heap_type }
    }

    /// Whether null is among them.
    #[must_use]
    pub fn is_nullable(&self) -> bool {
        self.is_nullable
    }

    /// What they refer to.
    #[must_use]
    pub fn heap_type(&self) -> &HeapType {
        &self.heap_type
    }

    /// Whether every reference of this type is one of `other`.
    #[must_use]
    pub fn matches(&self, other: &RefType) -> bool {
        (other.is_nullable || !self.is_nullable) && self.heap_type.matches(&other.heap_type)
    }

    pub(crate) fn lower(&self) -> Result<Kind> {
        match self.heap_type {
            HeapType::Func | HeapType::NoFunc => Ok(Kind::FuncRef),
            HeapType::Extern | HeapType::NoExtern => Ok(Kind::ExternRef),
            _ => bail!("values of type `{self}` are not supported: the engine has function and external references only"),
        }
    }

    pub(crate) fn lift(kind: Kind) -> Self {
        if kind == Kind::FuncRef { RefType::FUNCREF } else { RefType::EXTERNREF }
    }
}

impl fmt::Display for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let null = if self.is_nullable { "null " } else { "" };
        write!(f, "(ref {null}{})", self.heap_type)
    }
}

impl fmt::Debug for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! heap_types {
    ($($(#[$doc:meta])* $name:ident $is:ident $text:literal top $top:ident bottom $bottom:ident;)*) => {
        /// What a reference refers to (spec 2.3.2).
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum HeapType { $($(#[$doc])* $name),* }

        impl HeapType {
            $(
                #[doc = concat!("Whether it is `", $text, "`.")]
                #[must_use]
                pub fn $is(&self) -> bool {
                    matches!(self, HeapType::$name)
                }
            )*

            /// The largest type of the same hierarchy.
            #[must_use]
            pub fn top(&self) -> HeapType {
                match self { $(HeapType::$name => HeapType::$top),* }
            }

            /// The type of the same hierarchy that has no members.
            #[must_use]
            pub fn bottom(&self) -> HeapType {
                match self { $(HeapType::$name => HeapType::$bottom),* }
            }
        }

        impl fmt::Display for HeapType {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(HeapType::$name => $text),* })
            }
        }
    };
}

heap_types! {
    /// Anything of the host.
    Extern is_extern "extern" top Extern bottom NoExtern;
    /// Nothing, among `Extern`.
    NoExtern is_no_extern "noextern" top Extern bottom NoExtern;
    /// Any function.
    Func is_func "func" top Func bottom NoFunc;
    /// Nothing, among `Func`.
    NoFunc is_no_func "nofunc" top Func bottom NoFunc;
    /// Anything the garbage collector knows.
    Any is_any "any" top Any bottom None;
    /// Anything that can be compared.
    Eq is_eq "eq" top Any bottom None;
    /// A 31-bit integer.
    I31 is_i31 "i31" top Any bottom None;
    /// Any array.
    Array is_array "array" top Any bottom None;
    /// Any struct.
    Struct is_struct "struct" top Any bottom None;
    /// Nothing, among `Any`.
    None is_none "none" top Any bottom None;
    /// Any exception.
    Exn is_exn "exn" top Exn bottom NoExn;
    /// Nothing, among `Exn`.
    NoExn is_no_exn "noexn" top Exn bottom NoExn;
    /// Any continuation.
    Cont is_cont "cont" top Cont bottom NoCont;
    /// Nothing, among `Cont`.
    NoCont is_no_cont "nocont" top Cont bottom NoCont;
}

impl HeapType {
    /// Whether it is the largest of its hierarchy.
    #[must_use]
    pub fn is_top(&self) -> bool {
        self.top() == *self
    }

    /// Whether it has no members.
    #[must_use]
    pub fn is_bottom(&self) -> bool {
        self.bottom() == *self
    }

    /// Whether it is one of the specification's own types; types that modules define are not there yet, so always.
    #[must_use]
    pub fn is_abstract(&self) -> bool {
        true
    }

    /// Whether a module defines it; types that modules define are not there yet, so never.
    #[must_use]
    pub fn is_concrete(&self) -> bool {
        false
    }

    /// Whether everything of this type is of type `other`.
    #[must_use]
    pub fn matches(&self, other: &HeapType) -> bool {
        let under_eq = matches!(self, HeapType::I31 | HeapType::Array | HeapType::Struct);
        self == other || *other == self.top() || (self.is_bottom() && self.top() == other.top()) || (*other == HeapType::Eq && under_eq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtypes_are_those_of_the_specification() {
        let yes =
            [("nullfuncref", "funcref"), ("i31ref", "eqref"), ("eqref", "anyref"), ("nullref", "structref"), ("nullexnref", "exnref")];
        let all = [
            ("externref", ValType::EXTERNREF),
            ("funcref", ValType::FUNCREF),
            ("nullfuncref", ValType::NULLFUNCREF),
            ("anyref", ValType::ANYREF),
            ("eqref", ValType::EQREF),
            ("i31ref", ValType::I31REF),
            ("structref", ValType::STRUCTREF),
            ("nullref", ValType::NULLREF),
            ("exnref", ValType::EXNREF),
            ("nullexnref", ValType::NULLEXNREF),
        ];
        let named = |name: &str| all.iter().find(|row| row.0 == name).unwrap().1.clone();
        for (sub, sup) in yes {
            assert!(named(sub).matches(&named(sup)), "{sub} {sup}");
            assert!(!named(sup).matches(&named(sub)), "{sup} {sub}");
        }
        assert!(!ValType::EXTERNREF.matches(&ValType::FUNCREF));
        assert!(RefType::new(false, HeapType::Func).matches(&RefType::FUNCREF));
        assert!(!RefType::FUNCREF.matches(&RefType::new(false, HeapType::Func)));
    }

    #[test]
    fn types_print_like_the_text_format() {
        assert_eq!(ValType::FUNCREF.to_string(), "(ref null func)");
        assert_eq!(RefType::new(false, HeapType::Extern).to_string(), "(ref extern)");
        assert!(ValType::ANYREF.lower().unwrap_err().to_string().contains("(ref null any)"));
    }
}
