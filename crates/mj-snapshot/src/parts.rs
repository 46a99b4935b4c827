//! The modules that a snapshot is made of: the program first, then what it generated.
//!
//! Index spaces hold imports first, as in the spec (2.5.1).

use std::ops::Range;

use mj_jit::{Instance, Module};
use wasmparser::{
    ElementItems, Export, ExternalKind, FunctionBody, GlobalType, Import, MemoryType, Parser, Payload, RecGroup, RefType, TableType,
    TypeRef,
};

use crate::error::{Reason, SnapshotError};

/// An instance whose things the new module takes over, with its module taken apart.
pub(crate) struct Part<'a> {
    pub instance: Instance,
    /// What messages call it.
    pub label: String,
    pub groups: Vec<RecGroup>,
    pub imports: Vec<Import<'a>>,
    /// Type indices.
    pub functions: Vec<u32>,
    pub tables: Vec<TableType>,
    pub memories: Vec<MemoryType>,
    pub globals: Vec<GlobalType>,
    /// Types of element segments.
    pub elements: Vec<RefType>,
    pub exports: Vec<Export<'a>>,
    pub bodies: Vec<FunctionBody<'a>>,
    pub custom: Vec<Custom<'a>>,
    imported: ByKind<u32>,
}

/// A custom section.
pub(crate) struct Custom<'a> {
    pub name: &'a str,
    pub data: &'a [u8],
    /// Where the data begins in the module.
    pub offset: u64,
}

/// One of something for each kind of things that have indices.
#[derive(Clone, Default)]
pub(crate) struct ByKind<T> {
    functions: T,
    tables: T,
    memories: T,
    globals: T,
}

impl<T> ByKind<T> {
    /// # Panics
    ///
    /// If it is a tag: parts have none.
    pub fn of(&self, kind: ExternalKind) -> &T {
        match kind {
            ExternalKind::Func | ExternalKind::FuncExact => &self.functions,
            ExternalKind::Table => &self.tables,
            ExternalKind::Memory => &self.memories,
            ExternalKind::Global => &self.globals,
            ExternalKind::Tag => panic!("parts have no tags"),
        }
    }

    /// # Panics
    ///
    /// If it is a tag: parts have none.
    pub fn of_mut(&mut self, kind: ExternalKind) -> &mut T {
        match kind {
            ExternalKind::Func | ExternalKind::FuncExact => &mut self.functions,
            ExternalKind::Table => &mut self.tables,
            ExternalKind::Memory => &mut self.memories,
            ExternalKind::Global => &mut self.globals,
            ExternalKind::Tag => panic!("parts have no tags"),
        }
    }
}

/// Kind of what is imported.
pub(crate) fn kind_of(ty: TypeRef) -> ExternalKind {
    match ty {
        TypeRef::Func(_) | TypeRef::FuncExact(_) => ExternalKind::Func,
        TypeRef::Table(_) => ExternalKind::Table,
        TypeRef::Memory(_) => ExternalKind::Memory,
        TypeRef::Global(_) => ExternalKind::Global,
        TypeRef::Tag(_) => ExternalKind::Tag,
    }
}

/// What messages call a thing of a kind.
pub(crate) fn name_of(kind: ExternalKind) -> &'static str {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => "function",
        ExternalKind::Table => "table",
        ExternalKind::Memory => "memory",
        ExternalKind::Global => "global",
        ExternalKind::Tag => "tag",
    }
}

impl<'a> Part<'a> {
    /// The program's part and those of the modules that it generated.
    pub fn read_all(instances: &[Instance], modules: &'a [Module]) -> Result<Vec<Self>, SnapshotError> {
        let label = |index: usize, module: &Module| match (index, module.name()) {
            (0, _) => "the program".to_owned(),
            (_, Some(name)) => format!("generated module {index} ({name})"),
            (_, None) => format!("generated module {index}"),
        };
        let parts = instances.iter().zip(modules).enumerate();
        parts.map(|(index, (instance, module))| Part::read(*instance, label(index, module), module.bytes())).collect()
    }

    fn read(instance: Instance, label: String, bytes: &'a [u8]) -> Result<Self, SnapshotError> {
        let mut part = Part {
            instance,
            label,
            groups: Vec::new(),
            imports: Vec::new(),
            functions: Vec::new(),
            tables: Vec::new(),
            memories: Vec::new(),
            globals: Vec::new(),
            elements: Vec::new(),
            exports: Vec::new(),
            bodies: Vec::new(),
            custom: Vec::new(),
            imported: ByKind::default(),
        };
        for payload in Parser::new(0).parse_all(bytes) {
            part.add(payload?)?;
        }
        Ok(part)
    }

    fn add(&mut self, payload: Payload<'a>) -> Result<(), SnapshotError> {
        match payload {
            Payload::TypeSection(section) => each(section, |group| self.groups.push(group)),
            Payload::ImportSection(section) => section.into_imports().try_for_each(|import| self.add_import(import?)),
            Payload::FunctionSection(section) => each(section, |ty| self.functions.push(ty)),
            Payload::TableSection(section) => each(section, |table| self.tables.push(table.ty)),
            Payload::MemorySection(section) => each(section, |ty| self.memories.push(ty)),
            Payload::GlobalSection(section) => each(section, |global| self.globals.push(global.ty)),
            Payload::ExportSection(section) => each(section, |export| self.exports.push(export)),
            Payload::ElementSection(section) => each(section, |segment| self.elements.push(type_of(&segment.items))),
            Payload::CodeSectionEntry(body) => {
                self.bodies.push(body);
                Ok(())
            }
            Payload::TagSection(_) => Err(self.has_tags()),
            Payload::CustomSection(section) => {
                self.custom.push(Custom { name: section.name(), data: section.data(), offset: section.data_offset() });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add_import(&mut self, import: Import<'a>) -> Result<(), SnapshotError> {
        self.imports.push(import);
        match import.ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => self.functions.push(ty),
            TypeRef::Table(ty) => self.tables.push(ty),
            TypeRef::Memory(ty) => self.memories.push(ty),
            TypeRef::Global(ty) => self.globals.push(ty),
            TypeRef::Tag(_) => return Err(self.has_tags()),
        }
        *self.imported.of_mut(kind_of(import.ty)) += 1;
        Ok(())
    }

    fn has_tags(&self) -> SnapshotError {
        SnapshotError::new(Reason::Proposal, format!("{} has tags of exceptions, which snapshots cannot keep yet", self.label))
    }

    /// Its imports of a kind, in the order of their indices.
    pub fn imported(&self, kind: ExternalKind) -> impl Iterator<Item = &Import<'a>> {
        self.imports.iter().filter(move |import| kind_of(import.ty) == kind)
    }

    /// Indices of all things of a kind.
    pub fn all(&self, kind: ExternalKind) -> Range<u32> {
        let count = match kind {
            ExternalKind::Table => self.tables.len(),
            ExternalKind::Memory => self.memories.len(),
            ExternalKind::Global => self.globals.len(),
            _ => self.functions.len(),
        };
        0..count as u32
    }

    /// Indices of the things of a kind that it defines.
    pub fn own(&self, kind: ExternalKind) -> Range<u32> {
        *self.imported.of(kind)..self.all(kind).end
    }

    /// A thing of it as messages name it: global 3 (`counter`) of the program.
    pub fn describe(&self, kind: ExternalKind, index: u32) -> String {
        let exported = self.exports.iter().find(|export| export.kind == kind && export.index == index);
        let name = exported.map_or_else(String::new, |export| format!(" (`{}`)", export.name));
        format!("{} {index}{name} of {}", name_of(kind), self.label)
    }
}

fn type_of(items: &ElementItems<'_>) -> RefType {
    match items {
        ElementItems::Functions(_) => RefType::FUNCREF,
        ElementItems::Expressions(ty, _) => *ty,
    }
}

/// Hands each item of a section to `take`.
fn each<'a, I: wasmparser::FromReader<'a>>(
    section: wasmparser::SectionLimited<'a, I>,
    mut take: impl FnMut(I),
) -> Result<(), SnapshotError> {
    section.into_iter().try_for_each(|item| {
        take(item?);
        Ok(())
    })
}
