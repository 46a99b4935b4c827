//! Bytes to a validated [`Module`]: one pass over the sections, and one over each function body.
//!
//! The validator knows only the features that are on. When it refuses, [`blame`] finds out whether some proposal would have
//! made it pass, for an error that says so.

mod parallel;

use std::ops::Range;

use wasmparser::{
    CustomSectionReader, ExternalKind, FuncToValidate, FuncValidatorAllocations, FunctionBody, KnownCustom, Parser, Payload,
    SectionLimited, TypeRef, ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

use crate::module::{
    CustomSection, DataMode, DataSegment, ElementItems, ElementMode, ElementSegment, Export, ExportKind, Import, ImportType,
};
use crate::{ConstExpr, DecodeError, Features, FuncType, GlobalType, MemoryType, Module, Proposal, TableType, ValType};

/// Validates a module, function bodies included, and returns its environment.
///
/// # Errors
///
/// The module is malformed or invalid (spec 3 and 5), beyond an implementation limit, or needs a proposal that `features` does not name.
pub fn validate(bytes: &[u8], features: &Features) -> Result<Module, DecodeError> {
    validate_on(bytes, features, 1)
}

/// As [`validate`], function bodies on up to so many threads if there is much of them. The outcome is the same.
///
/// # Errors
///
/// As [`validate`].
pub fn validate_on(bytes: &[u8], features: &Features, threads: usize) -> Result<Module, DecodeError> {
    let flags = features.flags();
    let mut module = Module::default();
    let checked = if threads > 1 && bytes.len() >= LARGE {
        parallel::check(bytes, flags, &mut module, threads)
    } else {
        check(bytes, flags, &mut module)
    };
    checked.map_err(|error| blame(bytes, *features, error))?;
    module.number_func_refs();
    Ok(module)
}

/// The environment of a module that [`validate`] accepted before with these features, in a fraction of the time: function bodies are not
/// looked into, and nothing is checked but the structure of sections.
///
/// What comes of other bytes is an error, a panic, or an environment whose indices are out of range, so that code compiled for it may do
/// anything.
///
/// # Errors
///
/// The sections are malformed.
pub fn parse_validated(bytes: &[u8], features: &Features) -> Result<Module, DecodeError> {
    let mut module = Module::default();
    let mut parser = Parser::new(0);
    parser.set_features(features.flags());
    check_length(bytes)?;
    for payload in parser.parse_all(bytes) {
        module.add(&payload?)?;
    }
    module.number_func_refs();
    Ok(module)
}

/// Bytes of a module from which on starting threads pays.
const LARGE: usize = 1 << 20;

/// Validates everything, and adds sections to `module`.
fn check(bytes: &[u8], flags: WasmFeatures, module: &mut Module) -> Result<(), DecodeError> {
    let mut allocations = FuncValidatorAllocations::default();
    each_payload(bytes, flags, |payload, function| {
        if let Some((function, body)) = function {
            validate_body(function, body, &mut allocations)?;
        }
        module.add(payload)
    })
}

type Function<'a, 'b> = (FuncToValidate<ValidatorResources>, &'b FunctionBody<'a>);

/// Validates sections in turn and hands each to `each`, function bodies unchecked.
fn each_payload<'a>(
    bytes: &'a [u8],
    flags: WasmFeatures,
    mut each: impl FnMut(&Payload<'a>, Option<Function<'a, '_>>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    check_length(bytes)?;
    if let Some(error) = not_a_module(bytes) {
        return Err(error);
    }
    let mut validator = Validator::new_with_features(flags);
    let mut parser = Parser::new(0);
    parser.set_features(flags);
    for payload in parser.parse_all(bytes) {
        let payload = payload?;
        match validator.payload(&payload)? {
            ValidPayload::Func(function, body) => each(&payload, Some((function, &body)))?,
            _ => each(&payload, None)?,
        }
    }
    Ok(())
}

/// Offsets have 32 bits.
fn check_length(bytes: &[u8]) -> Result<(), DecodeError> {
    match u32::try_from(bytes.len()) {
        Ok(_) => Ok(()),
        Err(_) => Err(DecodeError::new("modules of 4 GiB and more are not supported", u64::from(u32::MAX))),
    }
}

fn validate_body(
    function: FuncToValidate<ValidatorResources>,
    body: &FunctionBody<'_>,
    allocations: &mut FuncValidatorAllocations,
) -> Result<(), DecodeError> {
    let mut validator = function.into_validator(std::mem::take(allocations));
    validator.validate(body)?;
    *allocations = validator.into_allocations();
    Ok(())
}

/// Says what bytes are that do not begin like a module, where that is easy to tell.
fn not_a_module(bytes: &[u8]) -> Option<DecodeError> {
    let start = bytes.trim_ascii_start();
    if bytes.starts_with(b"\0asm\x0d\0\x01\0") {
        let message = "this is a component, and the component-model proposal is not supported: a core module is needed";
        return Some(DecodeError { proposal: Some("component-model"), ..DecodeError::new(message, 4) });
    }
    if start.starts_with(b"(module") || start.starts_with(b";;") || start.starts_with(b"(;") {
        return Some(DecodeError::new("this is WebAssembly text where the binary format is needed: translate it first", 0));
    }
    None
}

/// Turns an error at a place into one that names the proposal which would make this place pass, if there is one.
///
/// Only what stands at the place is validated again, so this is quick however large the module.
fn blame(bytes: &[u8], features: Features, error: DecodeError) -> DecodeError {
    if error.proposal.is_some() {
        return error;
    }
    let flags = features.flags();
    let gets_past = |extra: WasmFeatures| match validate_at(bytes, flags | extra, error.offset) {
        Ok(()) => true,
        Err(later) => later.offset > error.offset,
    };
    if !gets_past(WasmFeatures::all()) {
        return error;
    }
    let Some(proposal) = Proposal::ALL.iter().copied().find(|&proposal| !features.contains(proposal) && gets_past(proposal.flags())) else {
        return error;
    };
    let why = if proposal.is_supported() { "turned off" } else { "not supported" };
    let message = format!("this needs the {} proposal, which is {why}: {}", proposal.name(), error.message);
    DecodeError { message, proposal: Some(proposal.name()), ..error }
}

/// Validates all sections, but only the function body that holds `place`.
fn validate_at(bytes: &[u8], flags: WasmFeatures, place: u64) -> Result<(), DecodeError> {
    each_payload(bytes, flags, |_, function| match function {
        Some((function, body)) if body.range().start <= place && place <= body.range().end => {
            validate_body(function, body, &mut FuncValidatorAllocations::default())
        }
        _ => Ok(()),
    })
}

fn narrow(range: Range<u64>) -> Range<u32> {
    // The module's length was checked.
    range.start as u32..range.end as u32
}

/// The items of a section, all valid.
fn items<'a, T: wasmparser::FromReader<'a>, U>(
    section: &SectionLimited<'a, T>,
    convert: impl Fn(T) -> Result<U, DecodeError>,
) -> Result<Vec<U>, DecodeError> {
    let mut list = Vec::with_capacity(section.count() as usize);
    for item in section.clone() {
        list.push(convert(item?)?);
    }
    Ok(list)
}

impl Module {
    /// Takes in a section that has been validated.
    fn add(&mut self, payload: &Payload<'_>) -> Result<(), DecodeError> {
        match payload {
            Payload::TypeSection(section) => self.add_types(section)?,
            Payload::ImportSection(section) => self.add_imports(section)?,
            Payload::FunctionSection(section) => self.functions.extend(items(section, Ok)?),
            Payload::TableSection(section) => self.tables.extend(items(section, |table| Ok(TableType::from_parser(&table.ty)))?),
            Payload::MemorySection(section) => self.memories.extend(items(section, |ty| Ok(MemoryType::from_parser(&ty)))?),
            Payload::GlobalSection(section) => {
                for global in section.clone() {
                    let global = global?;
                    self.globals.push(GlobalType::from_parser(&global.ty));
                    self.global_initials.push(ConstExpr::from_parser(&global.init_expr)?);
                }
            }
            Payload::ExportSection(section) => self.exports = items(section, export)?,
            Payload::StartSection { func, .. } => self.start = Some(*func),
            Payload::ElementSection(section) => self.elements = items(section, element_segment)?,
            Payload::CodeSectionStart { count, unchecked_range, .. } => {
                self.bodies.reserve_exact((*count as usize).min(self.functions.len()));
                self.code_section = narrow(unchecked_range.clone());
            }
            Payload::CodeSectionEntry(body) => self.bodies.push(narrow(body.range())),
            Payload::DataSection(section) => self.data = items(section, data_segment)?,
            Payload::CustomSection(section) => self.add_custom(section),
            _ => {}
        }
        Ok(())
    }

    fn add_types(&mut self, section: &wasmparser::TypeSectionReader<'_>) -> Result<(), DecodeError> {
        for group in section.clone().into_iter_with_offsets() {
            let (offset, group) = group?;
            for ty in group.into_types() {
                let wasmparser::CompositeInnerType::Func(ty) = ty.composite_type.inner else {
                    return Err(DecodeError::new("only function types are supported", offset));
                };
                let convert = |types: &[wasmparser::ValType]| types.iter().map(|&ty| ValType::from_parser(ty)).collect::<Vec<_>>();
                self.types.push(FuncType::new(convert(ty.params()), convert(ty.results())));
            }
        }
        Ok(())
    }

    fn add_imports(&mut self, section: &wasmparser::ImportSectionReader<'_>) -> Result<(), DecodeError> {
        for import in section.clone().into_imports_with_offsets() {
            let (offset, import) = import?;
            let ty = match import.ty {
                TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                    self.functions.push(ty);
                    self.imported_functions += 1;
                    ImportType::Function(ty)
                }
                TypeRef::Table(ty) => {
                    let ty = TableType::from_parser(&ty);
                    self.tables.push(ty);
                    self.imported_tables += 1;
                    ImportType::Table(ty)
                }
                TypeRef::Memory(ty) => {
                    let ty = MemoryType::from_parser(&ty);
                    self.memories.push(ty);
                    self.imported_memories += 1;
                    ImportType::Memory(ty)
                }
                TypeRef::Global(ty) => {
                    let ty = GlobalType::from_parser(&ty);
                    self.globals.push(ty);
                    self.imported_globals += 1;
                    ImportType::Global(ty)
                }
                TypeRef::Tag(_) => return Err(DecodeError::new("imported tags are not supported", offset)),
            };
            self.imports.push(Import { module: import.module.into(), name: import.name.into(), ty });
        }
        Ok(())
    }

    fn add_custom(&mut self, section: &CustomSectionReader<'_>) {
        let end = section.range().end;
        let range = narrow(end - section.data().len() as u64..end);
        if matches!(section.as_known(), KnownCustom::Name(_)) {
            self.name_section = range;
        } else {
            self.custom_sections.push(CustomSection { name: section.name().into(), range });
        }
    }
}

fn export(export: wasmparser::Export<'_>) -> Result<Export, DecodeError> {
    let kind = match export.kind {
        ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Function,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Tag => unreachable!("validation lets no tag through"),
    };
    Ok(Export { name: export.name.into(), kind, index: export.index })
}

fn element_segment(segment: wasmparser::Element<'_>) -> Result<ElementSegment, DecodeError> {
    let mode = match &segment.kind {
        wasmparser::ElementKind::Active { table_index, offset_expr } => {
            ElementMode::Active { table: table_index.unwrap_or(0), offset: ConstExpr::from_parser(offset_expr)? }
        }
        wasmparser::ElementKind::Passive => ElementMode::Passive,
        wasmparser::ElementKind::Declared => ElementMode::Declared,
    };
    let (element, items) = match &segment.items {
        wasmparser::ElementItems::Functions(section) => (ValType::FuncRef, ElementItems::Functions(items(section, Ok)?)),
        wasmparser::ElementItems::Expressions(ty, section) => {
            let expressions = items(section, |expr| ConstExpr::from_parser(&expr))?;
            (ValType::from_parser_ref(*ty), ElementItems::Expressions(expressions))
        }
    };
    Ok(ElementSegment { mode, element, items })
}

fn data_segment(segment: wasmparser::Data<'_>) -> Result<DataSegment, DecodeError> {
    let mode = match &segment.kind {
        wasmparser::DataKind::Active { memory_index, offset_expr } => {
            DataMode::Active { memory: *memory_index, offset: ConstExpr::from_parser(offset_expr)? }
        }
        wasmparser::DataKind::Passive => DataMode::Passive,
    };
    let end = segment.range.end;
    Ok(DataSegment { mode, range: narrow(end - segment.data.len() as u64..end) })
}
