//! The sections in their order (spec 5.5).

use wasm_encoder::{DataCountSection, EntityType, ExportSection, FunctionSection, GlobalSection, ImportSection, Module, NameSection};
use wasmparser::ExternalKind;

use crate::code::Code;
use crate::custom::Customs;
use crate::layout::Layout;
use crate::memories::Memories;
use crate::parts::Part;
use crate::tables::Tables;
use crate::types::Types;

/// Everything that is worked out, section by section.
pub(crate) struct Sections<'a> {
    pub types: &'a Types,
    pub code: Code,
    pub globals: GlobalSection,
    pub tables: Tables,
    pub memories: Memories,
    pub exports: ExportSection,
    pub names: Option<NameSection>,
    pub customs: Customs<'a>,
}

/// The bytes of the module. There is no start section: the start function has run.
pub(crate) fn module(parts: &[Part<'_>], layout: &Layout<'_>, sections: &Sections<'_>) -> Vec<u8> {
    let Sections { types, code, globals, tables, memories, exports, names, customs } = sections;
    let mut module = Module::new();
    // Sections without entries are left out.
    let mut section = |count: u32, section: &dyn AnySection| {
        if count > 0 {
            section.add_to(&mut module);
        }
    };
    let (imports, functions) = (imports(layout), functions(parts, types, layout));
    section(types.section.len(), &types.section);
    section(imports.len(), &imports);
    section(functions.len(), &functions);
    section(tables.tables.len(), &tables.tables);
    section(memories.memories.len(), &memories.memories);
    section(globals.len(), globals);
    section(exports.len(), exports);
    section(tables.elements.len(), &tables.elements);
    // Code that names data segments needs to know how many there are.
    section(code.segments.data.iter().len() as u32, &DataCountSection { count: memories.data.len() });
    section(code.section.len(), &code.section);
    section(memories.data.len(), &memories.data);
    for custom in &customs.others {
        section(1, custom);
    }
    if let Some(names) = names {
        section(1, names);
    }
    section(1, &customs.producers);
    if let Some(features) = &customs.features {
        section(1, features);
    }
    module.finish()
}

/// A section of any type.
trait AnySection {
    fn add_to(&self, module: &mut Module);
}

impl<S: wasm_encoder::Section> AnySection for S {
    fn add_to(&self, module: &mut Module) {
        module.section(self);
    }
}

fn imports(layout: &Layout<'_>) -> ImportSection {
    let mut section = ImportSection::new();
    for import in &layout.imports {
        section.import(import.module, import.name, EntityType::Function(import.ty));
    }
    section
}

/// Types of own functions: each part's in turn, then those of stubs.
fn functions(parts: &[Part<'_>], types: &Types, layout: &Layout<'_>) -> FunctionSection {
    let mut section = FunctionSection::new();
    for (index, part) in parts.iter().enumerate() {
        for function in part.own(ExternalKind::Func) {
            section.function(types.map(index)[part.functions[function as usize] as usize]);
        }
    }
    for stub in &layout.stubs {
        section.function(stub.ty);
    }
    section
}
