//! Types of a module's entities (spec 2.3), small and plain.
//!
//! Only what the engine can hold appears here: validation has refused everything else, so the conversions are total
//! over modules that passed it.

use std::fmt;

use mj_abi::{ValueClass, WASM_PAGE};

/// Type of a value (spec 2.3.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
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
    /// Reference to a function, or null.
    FuncRef,
    /// Reference to something of the host, or null.
    ExternRef,
}

impl ValType {
    /// Whether values of this type are references.
    #[must_use]
    #[inline]
    pub fn is_reference(self) -> bool {
        matches!(self, ValType::FuncRef | ValType::ExternRef)
    }

    /// The register file values of this type live in.
    #[must_use]
    #[inline]
    pub fn class(self) -> ValueClass {
        match self {
            ValType::F32 | ValType::F64 => ValueClass::Float,
            ValType::V128 => ValueClass::Vector,
            _ => ValueClass::Int,
        }
    }

    pub(crate) fn from_parser(ty: wasmparser::ValType) -> Self {
        match ty {
            wasmparser::ValType::I32 => ValType::I32,
            wasmparser::ValType::I64 => ValType::I64,
            wasmparser::ValType::F32 => ValType::F32,
            wasmparser::ValType::F64 => ValType::F64,
            wasmparser::ValType::V128 => ValType::V128,
            wasmparser::ValType::Ref(ty) => ValType::from_parser_ref(ty),
        }
    }

    pub(crate) fn from_parser_ref(ty: wasmparser::RefType) -> Self {
        if ty.is_func_ref() { ValType::FuncRef } else { ValType::ExternRef }
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValType::I32 => "i32",
            ValType::I64 => "i64",
            ValType::F32 => "f32",
            ValType::F64 => "f64",
            ValType::V128 => "v128",
            ValType::FuncRef => "funcref",
            ValType::ExternRef => "externref",
        })
    }
}

/// Type of a function: parameters and results (spec 2.3.5).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FuncType {
    /// Parameters, then results.
    types: Box<[ValType]>,
    params: u32,
}

impl FuncType {
    /// A type from its parts.
    pub fn new(params: impl IntoIterator<Item = ValType>, results: impl IntoIterator<Item = ValType>) -> Self {
        let mut types: Vec<ValType> = params.into_iter().collect();
        let params = types.len() as u32;
        types.extend(results);
        Self { types: types.into(), params }
    }

    /// Parameter types.
    #[must_use]
    #[inline]
    pub fn params(&self) -> &[ValType] {
        &self.types[..self.params as usize]
    }

    /// Result types.
    #[must_use]
    #[inline]
    pub fn results(&self) -> &[ValType] {
        &self.types[self.params as usize..]
    }
}

impl fmt::Display for FuncType {
    /// As the text format writes it: `(func (param i32) (result i64))`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(func")?;
        for (keyword, types) in [("param", self.params()), ("result", self.results())] {
            if !types.is_empty() {
                write!(f, " ({keyword}")?;
                types.iter().try_for_each(|ty| write!(f, " {ty}"))?;
                f.write_str(")")?;
            }
        }
        f.write_str(")")
    }
}

/// Type of a table (spec 2.3.10). Sizes in elements.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TableType {
    /// Type of the elements.
    pub element: ValType,
    /// Initial size.
    pub minimum: u64,
    /// Size that growing cannot pass.
    pub maximum: Option<u64>,
    /// Indices are 64 bits wide.
    pub table64: bool,
}

impl TableType {
    pub(crate) fn from_parser(ty: &wasmparser::TableType) -> Self {
        Self { element: ValType::from_parser_ref(ty.element_type), minimum: ty.initial, maximum: ty.maximum, table64: ty.table64 }
    }
}

/// Type of a linear memory (spec 2.3.9). Sizes in pages.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MemoryType {
    /// Initial size.
    pub minimum: u64,
    /// Size that growing cannot pass.
    pub maximum: Option<u64>,
    /// Addresses are 64 bits wide.
    pub memory64: bool,
    /// Several threads may use it at once.
    pub shared: bool,
    /// Logarithm of the page size; 16 unless the module says otherwise.
    pub page_size_log2: u8,
}

impl MemoryType {
    /// Bytes of a page.
    #[must_use]
    #[inline]
    pub fn page_size(&self) -> u64 {
        1 << self.page_size_log2
    }

    pub(crate) fn from_parser(ty: &wasmparser::MemoryType) -> Self {
        let page_size_log2 = ty.page_size_log2.unwrap_or(WASM_PAGE.trailing_zeros()) as u8;
        Self { minimum: ty.initial, maximum: ty.maximum, memory64: ty.memory64, shared: ty.shared, page_size_log2 }
    }
}

/// Type of a global variable (spec 2.3.11).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct GlobalType {
    /// Type of the value.
    pub content: ValType,
    /// Whether it can be assigned.
    pub mutable: bool,
}

impl GlobalType {
    pub(crate) fn from_parser(ty: &wasmparser::GlobalType) -> Self {
        Self { content: ValType::from_parser(ty.content_type), mutable: ty.mutable }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn function_types_print_like_the_text_format() {
        let ty = FuncType::new([ValType::I32, ValType::F64], [ValType::ExternRef]);
        assert_eq!(ty.to_string(), "(func (param i32 f64) (result externref))");
        assert_eq!(FuncType::new([], []).to_string(), "(func)");
        assert_eq!(ty.params(), [ValType::I32, ValType::F64]);
        assert_eq!(ty.results(), [ValType::ExternRef]);
    }
}
