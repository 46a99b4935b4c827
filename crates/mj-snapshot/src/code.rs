//! Function bodies with new indices, and the segments that they use.
//!
//! Only passive segments that code names are kept, at the front of their sections; those that were dropped, or were active, are empty, as code
//! would find them.

use std::collections::{BTreeSet, HashMap};

use wasm_encoder::CodeSection;
use wasm_encoder::reencode::{self, Reencode};
use wasmparser::Operator;

use crate::error::SnapshotError;
use crate::layout::{Indices, Layout};
use crate::parts::Part;
use crate::types::{TypeMap, Types};

/// The code section, and what it needs elsewhere.
pub(crate) struct Code {
    pub section: CodeSection,
    pub segments: Segments,
    /// Functions that `ref.func` names, which something outside the code must name as well (spec 3.4, `refs`).
    pub referred: BTreeSet<u32>,
}

/// Segments that code names.
#[derive(Default)]
pub(crate) struct Segments {
    pub data: Kept,
    pub elements: Kept,
}

/// Segments in the order of their new indices: part, and index there.
#[derive(Default)]
pub(crate) struct Kept {
    list: Vec<(usize, u32)>,
    places: HashMap<(usize, u32), u32>,
}

impl Kept {
    /// New index of a segment, which from now on is kept.
    fn keep(&mut self, part: usize, index: u32) -> u32 {
        *self.places.entry((part, index)).or_insert_with(|| {
            self.list.push((part, index));
            self.list.len() as u32 - 1
        })
    }

    /// New index of a segment, if it is kept.
    pub fn place(&self, part: usize, index: u32) -> Option<u32> {
        self.places.get(&(part, index)).copied()
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (usize, u32)> + '_ {
        self.list.iter().copied()
    }
}

/// Writes all bodies, and those of the stubs.
pub(crate) fn reencode(parts: &[Part<'_>], types: &Types, layout: &Layout<'_>) -> Result<Code, SnapshotError> {
    let mut code = Code { section: CodeSection::new(), segments: Segments::default(), referred: BTreeSet::new() };
    let mut section = CodeSection::new();
    for (part, read) in parts.iter().enumerate() {
        let mut body = Body { part, types: types.of_part(part), indices: layout.of_part(part), code: &mut code };
        read.bodies.iter().try_for_each(|function| body.parse_function_body(&mut section, function.clone()))?;
    }
    for stub in &layout.stubs {
        section.function(&stub.function());
    }
    code.section = section;
    Ok(code)
}

/// Translates what stands in the bodies of one part.
struct Body<'a> {
    part: usize,
    types: TypeMap<'a>,
    indices: Indices<'a>,
    code: &'a mut Code,
}

impl Reencode for Body<'_> {
    type Error = std::convert::Infallible;

    fn type_index(&mut self, ty: u32) -> Result<u32, reencode::Error> {
        self.types.type_index(ty)
    }

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error> {
        self.indices.function_index(function)
    }

    fn table_index(&mut self, table: u32) -> Result<u32, reencode::Error> {
        self.indices.table_index(table)
    }

    fn memory_index(&mut self, memory: u32) -> Result<u32, reencode::Error> {
        self.indices.memory_index(memory)
    }

    fn global_index(&mut self, global: u32) -> Result<u32, reencode::Error> {
        self.indices.global_index(global)
    }

    fn data_index(&mut self, data: u32) -> Result<u32, reencode::Error> {
        Ok(self.code.segments.data.keep(self.part, data))
    }

    fn element_index(&mut self, element: u32) -> Result<u32, reencode::Error> {
        Ok(self.code.segments.elements.keep(self.part, element))
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<wasm_encoder::Instruction<'a>, reencode::Error> {
        if let Operator::RefFunc { function_index } = operator {
            let function = self.function_index(function_index)?;
            self.code.referred.insert(function);
        }
        reencode::utils::instruction(self, operator)
    }
}
