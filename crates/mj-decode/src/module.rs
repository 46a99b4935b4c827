//! The environment of a validated module: everything outside function bodies.
//!
//! Index spaces hold imports first, as in the spec (2.5.1). Bytes are not copied: bodies, data and the name section are ranges of the
//! module's bytes, which whoever owns the module keeps.
//!
//! Invariant: a `Module` comes from [`validate`](crate::validate), now or in an earlier run ([`parse_validated`](crate::parse_validated)),
//! so every index in it is in range.

use std::ops::Range;

use mj_abi::ContextCounts;

use crate::{ConstExpr, FuncType, GlobalType, MemoryType, TableType, ValType};

/// A validated module without its bytes.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// Function types by type index.
    pub types: Vec<FuncType>,
    /// Imports in their order.
    pub imports: Vec<Import>,
    /// Type index of each function, imported ones first.
    pub functions: Vec<u32>,
    /// Number of imported functions.
    pub imported_functions: u32,
    /// Tables, imported ones first.
    pub tables: Vec<TableType>,
    /// Number of imported tables.
    pub imported_tables: u32,
    /// Memories, imported ones first.
    pub memories: Vec<MemoryType>,
    /// Number of imported memories.
    pub imported_memories: u32,
    /// Globals, imported ones first.
    pub globals: Vec<GlobalType>,
    /// Number of imported globals.
    pub imported_globals: u32,
    /// Initial values of the module's own globals.
    pub global_initials: Vec<ConstExpr>,
    /// Exports in their order.
    pub exports: Vec<Export>,
    /// The start function.
    pub start: Option<u32>,
    /// Element segments.
    pub elements: Vec<ElementSegment>,
    /// Data segments.
    pub data: Vec<DataSegment>,
    /// Bodies of the module's own functions, local declarations included.
    pub bodies: Vec<Range<u32>>,
    /// The code section's contents; empty if there is none.
    pub code_section: Range<u32>,
    /// Functions that can become references, in ascending order: exported, in element segments, in constant expressions.
    /// A function's place here is its index among the context's function references.
    pub func_refs: Vec<u32>,
    /// Contents of the name section; parse with [`Names::parse`](crate::Names::parse).
    pub name_section: Range<u32>,
    /// Contents of the other custom sections, in their order.
    pub custom_sections: Vec<CustomSection>,
    /// By function index, the index in `func_refs`, or `u32::MAX`.
    pub(crate) func_ref_indices: Vec<u32>,
}

/// An import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Import {
    /// Name of the module to import from.
    pub module: Box<str>,
    /// Name of the field.
    pub name: Box<str>,
    /// What it is.
    pub ty: ImportType,
}

/// What is imported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImportType {
    /// A function of the type with this index.
    Function(u32),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
}

/// An export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Export {
    /// Its name, unique in the module.
    pub name: Box<str>,
    /// What it is.
    pub kind: ExportKind,
    /// Index in the index space of `kind`.
    pub index: u32,
}

/// Kinds of exports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExportKind {
    /// A function.
    Function,
    /// A table.
    Table,
    /// A memory.
    Memory,
    /// A global.
    Global,
}

/// An element segment.
#[derive(Clone, PartialEq, Debug)]
pub struct ElementSegment {
    /// When it is used.
    pub mode: ElementMode,
    /// Type of the elements.
    pub element: ValType,
    /// The elements.
    pub items: ElementItems,
}

/// When an element segment is used.
#[derive(Clone, PartialEq, Debug)]
pub enum ElementMode {
    /// Copied into a table by instantiation.
    Active {
        /// The table.
        table: u32,
        /// Where to.
        offset: ConstExpr,
    },
    /// Copied by `table.init`.
    Passive,
    /// Never: it only declares functions that `ref.func` may name.
    Declared,
}

/// The elements of a segment.
#[derive(Clone, PartialEq, Debug)]
pub enum ElementItems {
    /// References to functions.
    Functions(Vec<u32>),
    /// Any references.
    Expressions(Vec<ConstExpr>),
}

impl ElementItems {
    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            ElementItems::Functions(functions) => functions.len(),
            ElementItems::Expressions(expressions) => expressions.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A data segment.
#[derive(Clone, PartialEq, Debug)]
pub struct DataSegment {
    /// When it is used.
    pub mode: DataMode,
    /// Its bytes, in the module's.
    pub range: Range<u32>,
}

/// When a data segment is used.
#[derive(Clone, PartialEq, Debug)]
pub enum DataMode {
    /// Copied into a memory by instantiation.
    Active {
        /// The memory.
        memory: u32,
        /// Where to.
        offset: ConstExpr,
    },
    /// Copied by `memory.init`.
    Passive,
}

/// A custom section.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CustomSection {
    /// Its name.
    pub name: Box<str>,
    /// Its contents, in the module's bytes.
    pub range: Range<u32>,
}

impl Module {
    /// Type of a function, by function index.
    #[must_use]
    #[inline]
    pub fn function_type(&self, function: u32) -> &FuncType {
        &self.types[self.functions[function as usize] as usize]
    }

    /// Number of the module's own functions.
    #[must_use]
    #[inline]
    pub fn defined_functions(&self) -> u32 {
        self.bodies.len() as u32
    }

    /// Index of a function among the module's own; `None` if it is imported.
    #[must_use]
    #[inline]
    pub fn defined_function(&self, function: u32) -> Option<u32> {
        function.checked_sub(self.imported_functions)
    }

    /// Index of a function among the context's function references; `None` if it cannot become one.
    #[must_use]
    #[inline]
    pub fn func_ref(&self, function: u32) -> Option<u32> {
        self.func_ref_indices.get(function as usize).copied().filter(|&index| index != u32::MAX)
    }

    /// Index of a global among the module's own; `None` if it is imported.
    #[must_use]
    #[inline]
    pub fn own_global(&self, global: u32) -> Option<u32> {
        global.checked_sub(self.imported_globals)
    }

    /// How many of each thing a context of this module holds.
    #[must_use]
    pub fn counts(&self) -> ContextCounts {
        ContextCounts {
            imported_functions: self.imported_functions,
            memories: self.memories.len() as u32,
            tables: self.tables.len() as u32,
            imported_globals: self.imported_globals,
            own_globals: self.globals.len() as u32 - self.imported_globals,
            func_refs: self.func_refs.len() as u32,
        }
    }

    /// Fills `func_refs` and its inverse; every other field is complete.
    pub(crate) fn number_func_refs(&mut self) {
        let mut indices = vec![u32::MAX; self.functions.len()];
        let mut mark = |function: u32| indices[function as usize] = 0;
        self.exports.iter().filter(|export| export.kind == ExportKind::Function).for_each(|export| mark(export.index));
        self.global_initials.iter().flat_map(ConstExpr::functions).for_each(&mut mark);
        for segment in &self.elements {
            match &segment.items {
                ElementItems::Functions(functions) => functions.iter().copied().for_each(&mut mark),
                ElementItems::Expressions(expressions) => expressions.iter().flat_map(ConstExpr::functions).for_each(&mut mark),
            }
        }
        for (function, index) in indices.iter_mut().enumerate().filter(|(_, index)| **index == 0) {
            *index = self.func_refs.len() as u32;
            self.func_refs.push(function as u32);
        }
        self.func_ref_indices = indices;
    }
}
