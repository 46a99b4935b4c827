//! The name sections of all parts as one ("Name Section" in the spec's appendix, and its extensions). Of two names for one thing the first stays: the program's.

use std::collections::BTreeMap;

use wasm_encoder::NameSection;
use wasmparser::{BinaryReader, ExternalKind, IndirectNameMap, Name, NameMap, NameSectionReader};

use crate::code::Segments;
use crate::layout::Layout;
use crate::parts::Part;
use crate::types::Types;

/// Names by new index.
type Names<'a> = BTreeMap<u32, &'a str>;

/// What is named inside of things, by the thing's new index.
type Inner<'a> = BTreeMap<u32, Names<'a>>;

#[derive(Default)]
struct All<'a> {
    module: Option<&'a str>,
    functions: Names<'a>,
    locals: Inner<'a>,
    labels: Inner<'a>,
    types: Names<'a>,
    tables: Names<'a>,
    memories: Names<'a>,
    globals: Names<'a>,
    elements: Names<'a>,
    data: Names<'a>,
    fields: Inner<'a>,
}

/// The name section; `None` if nothing has a name.
pub(crate) fn section(parts: &[Part<'_>], types: &Types, layout: &Layout<'_>, segments: &Segments) -> Option<NameSection> {
    let mut all = All::default();
    for (index, part) in parts.iter().enumerate() {
        for custom in part.custom.iter().filter(|custom| custom.name == "name") {
            let reader = NameSectionReader::new(BinaryReader::new(custom.data, custom.offset));
            // A mistake in names makes no module wrong: what stands before it is taken.
            for subsection in reader.map_while(Result::ok) {
                all.add(index, &subsection, types, layout, segments);
            }
        }
    }
    all.encode()
}

impl<'a> All<'a> {
    fn add(&mut self, part: usize, subsection: &Name<'a>, types: &Types, layout: &Layout<'_>, segments: &Segments) {
        // Names are not validated: their indices may be those of nothing.
        let of = |kind| move |index: u32| layout.map(part, kind).get(index as usize).copied();
        let ty = |index: u32| types.map(part).get(index as usize).copied();
        match subsection {
            Name::Module { name, .. } => self.module = self.module.or(Some(name)),
            Name::Function(map) => flat(&mut self.functions, map, of(ExternalKind::Func)),
            Name::Local(map) => nested(&mut self.locals, map, of(ExternalKind::Func)),
            Name::Label(map) => nested(&mut self.labels, map, of(ExternalKind::Func)),
            Name::Type(map) => flat(&mut self.types, map, ty),
            Name::Table(map) => flat(&mut self.tables, map, of(ExternalKind::Table)),
            Name::Memory(map) => flat(&mut self.memories, map, of(ExternalKind::Memory)),
            Name::Global(map) => flat(&mut self.globals, map, of(ExternalKind::Global)),
            Name::Element(map) => flat(&mut self.elements, map, |index| segments.elements.place(part, index)),
            Name::Data(map) => flat(&mut self.data, map, |index| segments.data.place(part, index)),
            Name::Field(map) => nested(&mut self.fields, map, ty),
            _ => {}
        }
    }

    /// Subsections in the order of their numbers.
    fn encode(&self) -> Option<NameSection> {
        let mut section = NameSection::new();
        if let Some(name) = self.module {
            section.module(name);
        }
        write(&self.functions, |names| section.functions(names));
        write_inner(&self.locals, |names| section.locals(names));
        write_inner(&self.labels, |names| section.labels(names));
        write(&self.types, |names| section.types(names));
        write(&self.tables, |names| section.tables(names));
        write(&self.memories, |names| section.memories(names));
        write(&self.globals, |names| section.globals(names));
        write(&self.elements, |names| section.elements(names));
        write(&self.data, |names| section.data(names));
        write_inner(&self.fields, |names| section.fields(names));
        (!section.as_custom().data.is_empty()).then_some(section)
    }
}

/// Adds the names of a map as far as it can be read.
fn flat<'a>(names: &mut Names<'a>, map: &NameMap<'a>, new: impl Fn(u32) -> Option<u32>) {
    for naming in map.clone().map_while(Result::ok) {
        if let Some(index) = new(naming.index) {
            names.entry(index).or_insert(naming.name);
        }
    }
}

/// As [`flat`], for what is named inside of things. Indices inside do not change.
fn nested<'a>(names: &mut Inner<'a>, map: &IndirectNameMap<'a>, new: impl Fn(u32) -> Option<u32>) {
    for thing in map.clone().map_while(Result::ok) {
        if let Some(index) = new(thing.index) {
            flat(names.entry(index).or_default(), &thing.names, Some);
        }
    }
}

fn write(names: &Names<'_>, subsection: impl FnOnce(&wasm_encoder::NameMap)) {
    if !names.is_empty() {
        subsection(&encoded(names));
    }
}

fn write_inner(names: &Inner<'_>, subsection: impl FnOnce(&wasm_encoder::IndirectNameMap)) {
    let mut map = wasm_encoder::IndirectNameMap::new();
    names.iter().for_each(|(&index, names)| map.append(index, &encoded(names)));
    if !names.is_empty() {
        subsection(&map);
    }
}

fn encoded(names: &Names<'_>) -> wasm_encoder::NameMap {
    let mut map = wasm_encoder::NameMap::new();
    names.iter().for_each(|(&index, name)| map.append(index, name));
    map
}
