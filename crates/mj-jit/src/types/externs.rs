//! Types of what modules import and export.

use std::fmt;

use super::{FuncType, Mutability, RefType, ValType};
use crate::error::{Result, ensure};
use crate::module::ModuleInner;

/// Type of an import or export.
#[derive(Debug, Clone)]
pub enum ExternType {
    /// A function.
    Func(FuncType),
    /// A global.
    Global(GlobalType),
    /// A table.
    Table(TableType),
    /// A linear memory.
    Memory(MemoryType),
    /// An exception's tag: not supported, never made.
    Tag(TagType),
}

macro_rules! accessors {
    ($($variant:ident($ty:ident) $get:ident $unwrap:ident;)*) => {
        impl ExternType {
            $(
                #[doc = concat!("The `", stringify!($ty), "`, if it is one.")]
                #[must_use]
                pub fn $get(&self) -> Option<&$ty> {
                    if let ExternType::$variant(ty) = self { Some(ty) } else { None }
                }

                #[doc = concat!("The `", stringify!($ty), "`.")]
                ///
                /// # Panics
                ///
                /// If it is something else.
                #[must_use]
                pub fn $unwrap(&self) -> &$ty {
                    self.$get().expect(concat!("ExternType::", stringify!($unwrap), " on something else"))
                }
            )*
        }

        $(impl From<$ty> for ExternType {
            fn from(ty: $ty) -> Self {
                ExternType::$variant(ty)
            }
        })*
    };
}

accessors! {
    Func(FuncType) func unwrap_func;
    Global(GlobalType) global unwrap_global;
    Table(TableType) table unwrap_table;
    Memory(MemoryType) memory unwrap_memory;
    Tag(TagType) tag unwrap_tag;
}

/// Type of an exception's tag. There are no values: exceptions are not supported yet.
#[derive(Debug, Clone, Hash)]
pub enum TagType {}

/// Type of a global (spec 2.3.11).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GlobalType {
    content: ValType,
    mutability: Mutability,
}

impl GlobalType {
    /// A type from its parts.
    #[must_use]
    pub fn new(content: ValType, mutability: Mutability) -> GlobalType {
        GlobalType { content, mutability }
    }

    /// Type of the value.
    #[must_use]
    pub fn content(&self) -> &ValType {
        &self.content
    }

    /// Whether it can be assigned.
    #[must_use]
    pub fn mutability(&self) -> Mutability {
        self.mutability
    }

    pub(crate) fn lower(&self) -> Result<mj_decode::GlobalType> {
        Ok(mj_decode::GlobalType { content: self.content.lower()?, mutable: self.mutability.is_var() })
    }

    pub(crate) fn lift(ty: mj_decode::GlobalType) -> Self {
        let mutability = if ty.mutable { Mutability::Var } else { Mutability::Const };
        GlobalType { content: ValType::lift(ty.content), mutability }
    }
}

/// Type of a table (spec 2.3.10). Sizes in elements.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TableType {
    element: RefType,
    minimum: u64,
    maximum: Option<u64>,
    is_64: bool,
}

impl TableType {
    /// A table with 32-bit indices.
    #[must_use]
    pub fn new(element: RefType, min: u32, max: Option<u32>) -> TableType {
        TableType { element, minimum: min.into(), maximum: max.map(u64::from), is_64: false }
    }

    /// A table with 64-bit indices.
    #[must_use]
    pub fn new64(element: RefType, min: u64, max: Option<u64>) -> TableType {
        TableType { element, minimum: min, maximum: max, is_64: true }
    }

    /// Whether indices are 64 bits wide.
    #[must_use]
    pub fn is_64(&self) -> bool {
        self.is_64
    }

    /// Type of the elements.
    #[must_use]
    pub fn element(&self) -> &RefType {
        &self.element
    }

    /// Initial size.
    #[must_use]
    pub fn minimum(&self) -> u64 {
        self.minimum
    }

    /// Size that growing cannot pass.
    #[must_use]
    pub fn maximum(&self) -> Option<u64> {
        self.maximum
    }

    pub(crate) fn lower(&self) -> Result<mj_decode::TableType> {
        ensure!(!self.is_64, "tables with 64-bit indices need the memory64 proposal, which is not supported");
        ensure!(self.maximum.is_none_or(|maximum| maximum >= self.minimum), "the table's maximum is below its minimum");
        let element = self.element.lower()?;
        Ok(mj_decode::TableType { element, minimum: self.minimum, maximum: self.maximum, table64: false })
    }

    pub(crate) fn lift(ty: mj_decode::TableType) -> Self {
        TableType { element: RefType::lift(ty.element), minimum: ty.minimum, maximum: ty.maximum, is_64: ty.table64 }
    }
}

/// Type of a linear memory (spec 2.3.9). Sizes in pages.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MemoryType(mj_decode::MemoryType);

impl MemoryType {
    /// A memory with 32-bit addresses and pages of 64 KiB.
    ///
    /// # Panics
    ///
    /// If the maximum is below the minimum, or the memory larger than 4 GiB; [`MemoryType::builder`] gives an error instead.
    #[must_use]
    pub fn new(minimum: u32, maximum: Option<u32>) -> MemoryType {
        let mut builder = MemoryTypeBuilder::new();
        builder.min(minimum.into()).max(maximum.map(u64::from));
        builder.build().expect("the memory's limits are wrong")
    }

    /// A memory with 64-bit addresses.
    ///
    /// # Panics
    ///
    /// As [`MemoryType::new`].
    #[must_use]
    pub fn new64(minimum: u64, maximum: Option<u64>) -> MemoryType {
        let mut builder = MemoryTypeBuilder::new();
        builder.memory64(true).min(minimum).max(maximum);
        builder.build().expect("the memory's limits are wrong")
    }

    /// A memory that several threads may use at once.
    ///
    /// # Panics
    ///
    /// As [`MemoryType::new`].
    #[must_use]
    pub fn shared(minimum: u32, maximum: u32) -> MemoryType {
        let mut builder = MemoryTypeBuilder::new();
        builder.shared(true).min(minimum.into()).max(Some(maximum.into()));
        builder.build().expect("the memory's limits are wrong")
    }

    /// A type made step by step.
    #[must_use]
    pub fn builder() -> MemoryTypeBuilder {
        MemoryTypeBuilder::new()
    }

    /// Whether addresses are 64 bits wide.
    #[must_use]
    pub fn is_64(&self) -> bool {
        self.0.memory64
    }

    /// Whether several threads may use it at once.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.0.shared
    }

    /// Initial size.
    #[must_use]
    pub fn minimum(&self) -> u64 {
        self.0.minimum
    }

    /// Size that growing cannot pass.
    #[must_use]
    pub fn maximum(&self) -> Option<u64> {
        self.0.maximum
    }

    /// Bytes of a page.
    #[must_use]
    pub fn page_size(&self) -> u64 {
        self.0.page_size()
    }

    /// Logarithm of the page size.
    #[must_use]
    pub fn page_size_log2(&self) -> u8 {
        self.0.page_size_log2
    }

    pub(crate) fn lower(&self) -> Result<mj_decode::MemoryType> {
        ensure!(!self.0.memory64, "memories with 64-bit addresses need the memory64 proposal, which is not supported");
        ensure!(!self.0.shared, "shared memories need the threads proposal, which is not supported");
        ensure!(
            self.0.page_size_log2 == 16,
            "pages of other sizes than 64 KiB need the custom-page-sizes proposal, which is not supported"
        );
        Ok(self.0)
    }

    pub(crate) fn lift(ty: mj_decode::MemoryType) -> Self {
        MemoryType(ty)
    }
}

/// Makes [`MemoryType`]s. Starts with 32-bit addresses, pages of 64 KiB, no pages and no maximum.
#[derive(Debug, Clone)]
pub struct MemoryTypeBuilder(mj_decode::MemoryType);

impl Default for MemoryTypeBuilder {
    fn default() -> Self {
        MemoryTypeBuilder(mj_decode::MemoryType { minimum: 0, maximum: None, memory64: false, shared: false, page_size_log2: 16 })
    }
}

impl MemoryTypeBuilder {
    /// The start.
    #[must_use]
    pub fn new() -> MemoryTypeBuilder {
        MemoryTypeBuilder::default()
    }

    /// Initial size in pages.
    pub fn min(&mut self, minimum: u64) -> &mut Self {
        self.0.minimum = minimum;
        self
    }

    /// Size in pages that growing cannot pass.
    pub fn max(&mut self, maximum: Option<u64>) -> &mut Self {
        self.0.maximum = maximum;
        self
    }

    /// Whether addresses are 64 bits wide.
    pub fn memory64(&mut self, memory64: bool) -> &mut Self {
        self.0.memory64 = memory64;
        self
    }

    /// Whether several threads may use it at once.
    pub fn shared(&mut self, shared: bool) -> &mut Self {
        self.0.shared = shared;
        self
    }

    /// Logarithm of the page size: 16 or 0.
    pub fn page_size_log2(&mut self, page_size_log2: u8) -> &mut Self {
        self.0.page_size_log2 = page_size_log2;
        self
    }

    /// The type.
    ///
    /// # Errors
    ///
    /// If the maximum is below the minimum or missing where memory is shared, the page size is neither 1 nor 64 KiB, or the
    /// memory is larger than its addresses reach.
    pub fn build(&self) -> Result<MemoryType> {
        let ty = self.0;
        ensure!(matches!(ty.page_size_log2, 0 | 16), "the page size 2^{} is neither 1 nor 64 KiB", ty.page_size_log2);
        ensure!(!ty.shared || ty.maximum.is_some(), "a shared memory must have a maximum");
        ensure!(ty.maximum.is_none_or(|maximum| maximum >= ty.minimum), "the memory's maximum is below its minimum");
        let address_bits = if ty.memory64 { 64 } else { 32 };
        let most = 1u128 << (address_bits - u32::from(ty.page_size_log2));
        let largest = ty.maximum.unwrap_or(ty.minimum).max(ty.minimum);
        ensure!(u128::from(largest) <= most, "a memory of {largest} pages is larger than its {address_bits}-bit addresses reach");
        Ok(MemoryType(ty))
    }
}

/// An import of a module.
#[derive(Clone)]
pub struct ImportType<'module> {
    module: &'module ModuleInner,
    index: usize,
}

impl<'module> ImportType<'module> {
    pub(crate) fn new(module: &'module ModuleInner, index: usize) -> Self {
        Self { module, index }
    }

    fn import(&self) -> &'module mj_decode::Import {
        &self.module.env.imports[self.index]
    }

    /// Name of the module to import from.
    #[must_use]
    pub fn module(&self) -> &'module str {
        &self.import().module
    }

    /// Name of the field.
    #[must_use]
    pub fn name(&self) -> &'module str {
        &self.import().name
    }

    /// What it must be.
    #[must_use]
    pub fn ty(&self) -> ExternType {
        self.module.import_type(&self.import().ty)
    }
}

impl fmt::Debug for ImportType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportType").field("module", &self.module()).field("name", &self.name()).field("ty", &self.ty()).finish()
    }
}

/// An export of a module.
#[derive(Clone)]
pub struct ExportType<'module> {
    module: &'module ModuleInner,
    index: usize,
}

impl<'module> ExportType<'module> {
    pub(crate) fn new(module: &'module ModuleInner, index: usize) -> Self {
        Self { module, index }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'module str {
        &self.module.env.exports[self.index].name
    }

    /// What it is.
    #[must_use]
    pub fn ty(&self) -> ExternType {
        self.module.export_type(&self.module.env.exports[self.index])
    }
}

impl fmt::Debug for ExportType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportType").field("name", &self.name()).field("ty", &self.ty()).finish()
    }
}

/// What instances of a module need; see [`Module::resources_required`](crate::Module::resources_required).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourcesRequired {
    /// Number of memories.
    pub num_memories: u32,
    /// Initial size of the largest memory, in pages.
    pub max_initial_memory_size: Option<u64>,
    /// Number of tables.
    pub num_tables: u32,
    /// Initial size of the largest table, in elements.
    pub max_initial_table_size: Option<u64>,
}
