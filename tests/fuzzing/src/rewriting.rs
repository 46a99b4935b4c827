//! A module made fit to be looked at: what it has inside is exported, and it stops by itself.
//!
//! Code is kept byte by byte; what is added is put between operators. So the compilers see what the module's makers wrote.

use std::ops::Range;

use wasm_encoder::{
    CodeSection, ConstExpr, Encode, ExportKind, ExportSection, GlobalSection, GlobalType, InstructionSink, MemorySection, MemoryType,
    Module, RawSection, ValType,
};
use wasmparser::{CompositeInnerType, DataKind, FunctionBody, Operator, Parser, Payload, Result, TypeRef};

/// What is added to a module besides exports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Additions {
    /// A global, exported as [`STEPS`], that is counted down at each entry of a function or a loop. Code traps when it is zero.
    pub steps: bool,
    /// Behind each operator that computes a float, code that makes any NaN the canonical one.
    pub canonical_nans: bool,
}

/// The exported counter's name.
pub const STEPS: &str = "steps";

/// How many pages a memory may grow by.
pub const GROWTH: u64 = 256;

/// A module with other exports, and without a start function.
#[derive(Debug)]
pub struct Rewritten {
    /// Function 7 is exported as [`name`] says; likewise memories, tables, and globals that can be assigned.
    pub wasm: Vec<u8>,
    /// Functions that initialise the module, in order.
    pub starts: Vec<u32>,
    /// Functions that the module itself exported.
    pub exported: Vec<u32>,
    /// Indices of the functions that are not imported.
    pub functions: Range<u32>,
    /// Where data that the module brings along ends.
    pub data_end: u32,
}

/// The name under which a function is exported.
pub fn name(function: u32) -> String {
    format!("function {function}")
}

/// Rewrites a module that was validated.
///
/// # Errors
///
/// If it cannot be read.
pub fn rewrite(wasm: &[u8], additions: Additions) -> Result<Rewritten> {
    let facts = Facts::read(wasm)?;
    let mut module = Module::new();
    let mut code = CodeSection::new();
    let mut pending = Some(facts.globals_and_exports(additions));
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        if stands_behind_exports(&payload)
            && let Some((globals, exports)) = pending.take()
        {
            module.section(&globals).section(&exports);
        }
        match payload {
            Payload::GlobalSection(_) | Payload::ExportSection(_) | Payload::StartSection { .. } | Payload::CustomSection(_) => {}
            Payload::MemorySection(_) => {
                module.section(&facts.memories);
            }
            Payload::CodeSectionStart { .. } => {}
            Payload::CodeSectionEntry(body) => {
                let function = facts.functions.start + code.len();
                code.raw(&facts.rewrite_body(&body, function, additions)?);
                if code.len() == facts.functions.len() as u32 {
                    module.section(&code);
                }
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    module.section(&RawSection { id, data: &wasm[range.start as usize..range.end as usize] });
                }
            }
        }
    }
    let Facts { starts, exported, functions, data_end, .. } = facts;
    Ok(Rewritten { wasm: module.finish(), starts, exported, functions, data_end })
}

fn stands_behind_exports(payload: &Payload<'_>) -> bool {
    matches!(
        payload,
        Payload::StartSection { .. }
            | Payload::ElementSection(_)
            | Payload::DataCountSection { .. }
            | Payload::CodeSectionStart { .. }
            | Payload::DataSection(_)
            | Payload::End(_)
    )
}

/// What has to be known of a module before it is rewritten.
#[derive(Default)]
struct Facts {
    /// How many parameters each function has, imported ones first.
    parameters: Vec<u32>,
    functions: Range<u32>,
    memories: MemorySection,
    memory_count: u32,
    table_count: u32,
    globals: GlobalSection,
    /// Whether each global can be assigned, imported ones first.
    mutable: Vec<bool>,
    starts: Vec<u32>,
    exported: Vec<u32>,
    data_end: u32,
}

/// Exports that toolchains make for a module's initialisation, in the order in which they are to be called.
const INITIALIZERS: [&str; 3] = ["__wasm_apply_data_relocs", "__wasm_call_ctors", "_initialize"];

impl Facts {
    fn read(wasm: &[u8]) -> Result<Self> {
        let mut facts = Facts::default();
        // Parameters and results of each type.
        let mut types = Vec::new();
        let mut function_types = Vec::new();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section {
                        types.extend(group?.types().map(|ty| match &ty.composite_type.inner {
                            CompositeInnerType::Func(ty) => (ty.params().len() as u32, ty.results().len()),
                            _ => (0, 0),
                        }));
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        match import?.ty {
                            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => function_types.push(ty),
                            TypeRef::Table(_) => facts.table_count += 1,
                            TypeRef::Memory(_) => facts.memory_count += 1,
                            TypeRef::Global(ty) => facts.mutable.push(ty.mutable),
                            TypeRef::Tag(_) => {}
                        }
                    }
                    facts.functions = function_types.len() as u32..function_types.len() as u32;
                }
                Payload::FunctionSection(section) => {
                    facts.functions.end += section.count();
                    for ty in section {
                        function_types.push(ty?);
                    }
                }
                Payload::TableSection(section) => facts.table_count += section.count(),
                Payload::MemorySection(section) => {
                    for memory in section {
                        let memory = memory?;
                        let most = memory.initial.saturating_add(GROWTH);
                        facts.memories.memory(MemoryType {
                            minimum: memory.initial,
                            maximum: Some(memory.maximum.map_or(most, |maximum| maximum.min(most))),
                            memory64: memory.memory64,
                            shared: memory.shared,
                            page_size_log2: memory.page_size_log2,
                        });
                        facts.memory_count += 1;
                    }
                }
                Payload::GlobalSection(section) => {
                    for global in section.into_iter_with_offsets() {
                        let (start, global) = global?;
                        let end = global.init_expr.get_binary_reader().range().end;
                        facts.globals.raw(&wasm[start as usize..end as usize]);
                        facts.mutable.push(global.ty.mutable);
                    }
                }
                Payload::ExportSection(section) => {
                    let mut named = Vec::new();
                    for export in section {
                        let export = export?;
                        if export.kind == wasmparser::ExternalKind::Func {
                            named.push((export.name, export.index));
                        }
                    }
                    facts.exported.extend(named.iter().map(|(_, function)| *function));
                    let by_name = |wanted: &str| named.iter().find(|(name, _)| *name == wanted).map(|(_, function)| *function);
                    facts.starts.extend(INITIALIZERS.into_iter().filter_map(by_name));
                    // Where names are made short, the first function without parameters and results initialises the others' data.
                    let is_plain = |function: &u32| types[function_types[*function as usize] as usize] == (0, 0);
                    if facts.starts.is_empty() {
                        facts.starts.extend(facts.exported.first().copied().filter(is_plain));
                    }
                }
                Payload::StartSection { func, .. } => facts.starts.insert(0, func),
                Payload::DataSection(section) => {
                    for data in section {
                        let data = data?;
                        if let DataKind::Active { offset_expr, .. } = data.kind
                            && let Operator::I32Const { value } = offset_expr.get_operators_reader().read()?
                        {
                            facts.data_end = facts.data_end.max(value.cast_unsigned().saturating_add(data.data.len() as u32));
                        }
                    }
                }
                _ => {}
            }
        }
        facts.parameters = function_types.into_iter().map(|ty| types[ty as usize].0).collect();
        facts.starts.retain(|function| facts.functions.contains(function));
        Ok(facts)
    }

    /// The counter's index.
    fn steps(&self) -> u32 {
        self.mutable.len() as u32
    }

    fn globals_and_exports(&self, additions: Additions) -> (GlobalSection, ExportSection) {
        let mut globals = self.globals.clone();
        let mut exports = ExportSection::new();
        if additions.steps {
            globals.global(GlobalType { val_type: ValType::I32, mutable: true, shared: false }, &ConstExpr::i32_const(0));
            exports.export(STEPS, ExportKind::Global, self.steps());
        }
        for function in self.functions.clone() {
            exports.export(&name(function), ExportKind::Func, function);
        }
        (0..self.memory_count).for_each(|index| _ = exports.export(&format!("memory {index}"), ExportKind::Memory, index));
        (0..self.table_count).for_each(|index| _ = exports.export(&format!("table {index}"), ExportKind::Table, index));
        for (index, _) in self.mutable.iter().enumerate().filter(|(_, mutable)| **mutable) {
            exports.export(&format!("global {index}"), ExportKind::Global, index as u32);
        }
        (globals, exports)
    }

    fn rewrite_body(&self, body: &FunctionBody<'_>, function: u32, additions: Additions) -> Result<Vec<u8>> {
        let origin = body.range().start;
        let bytes = body.as_bytes();
        let at = |position: u64| (position - origin) as usize;
        let mut locals = body.get_locals_reader()?;
        let groups = locals.get_count();
        let groups_begin = at(locals.original_position());
        let mut next_local = self.parameters[function as usize];
        for _ in 0..groups {
            next_local += locals.read()?.0;
        }
        let mut operators = body.get_operators_reader()?;
        let mut copied = at(operators.original_position());
        let mut out = Vec::with_capacity(bytes.len() * 2);
        if additions.canonical_nans {
            (groups + 2).encode(&mut out);
            out.extend(&bytes[groups_begin..copied]);
            for ty in [ValType::F32, ValType::F64] {
                1u32.encode(&mut out);
                ty.encode(&mut out);
            }
        } else {
            out.extend(&bytes[..copied]);
        }
        if additions.steps {
            count(&mut out, self.steps());
        }
        while !operators.eof() {
            let operator = operators.read()?;
            let end = at(operators.original_position());
            out.extend(&bytes[copied..end]);
            copied = end;
            if additions.steps && matches!(operator, Operator::Loop { .. }) {
                count(&mut out, self.steps());
            }
            match computed_float(&operator) {
                Some(ValType::F32) if additions.canonical_nans => {
                    let sink = &mut InstructionSink::new(&mut out);
                    sink.local_tee(next_local).f32_const(f32::NAN.into()).local_get(next_local).local_get(next_local).f32_eq().select();
                }
                Some(_) if additions.canonical_nans => {
                    let local = next_local + 1;
                    let sink = &mut InstructionSink::new(&mut out);
                    sink.local_tee(local).f64_const(f64::NAN.into()).local_get(local).local_get(local).f64_eq().select();
                }
                _ => {}
            }
        }
        Ok(out)
    }
}

/// Adds a step to code: the counter goes down, and if it is zero already, code traps.
fn count(out: &mut Vec<u8>, steps: u32) {
    let mut sink = InstructionSink::new(out);
    sink.global_get(steps).i32_eqz().if_(wasm_encoder::BlockType::Empty).unreachable().end();
    sink.global_get(steps).i32_const(1).i32_sub().global_set(steps);
}

/// The type of float that the operator computes, if it does, so that the engine may choose the bits of a NaN.
fn computed_float(operator: &Operator<'_>) -> Option<ValType> {
    use Operator::*;
    match operator {
        F32Ceil | F32Floor | F32Trunc | F32Nearest | F32Sqrt | F32Add | F32Sub | F32Mul | F32Div | F32Min | F32Max | F32DemoteF64 => {
            Some(ValType::F32)
        }
        F64Ceil | F64Floor | F64Trunc | F64Nearest | F64Sqrt | F64Add | F64Sub | F64Mul | F64Div | F64Min | F64Max | F64PromoteF32 => {
            Some(ValType::F64)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str, additions: Additions) -> Rewritten {
        let rewritten = rewrite(&wat::parse_str(text).unwrap(), additions).unwrap();
        mj_decode::validate(&rewritten.wasm, &mj_decode::Features::supported()).unwrap();
        rewritten
    }

    const BOTH: Additions = Additions { steps: true, canonical_nans: true };

    #[test]
    fn modules_stay_valid_whatever_sections_they_have() {
        for module in [
            "(module)",
            "(module (func))",
            r#"(module (import "a" "b" (func (param i64))) (import "a" "c" (global (mut i32))) (memory 1 1000) (table 1 externref) (data "abc"))"#,
            "(module (memory 1) (global i32 (i32.const 8)) (func $f (data.drop 0)) (start $f) (elem func $f) (data (i32.const 4) \"abc\"))",
            "(module (func (param f32 f64) (result f64) (local i32 f64) (f64.add (f64.promote_f32 (local.get 0)) (local.get 3))))",
            "(module (func (result f32) (loop (result f32) unreachable (f32.neg (f32.sqrt)) br 0 f32.add)))",
        ] {
            for steps in [true, false] {
                for canonical_nans in [true, false] {
                    text(module, Additions { steps, canonical_nans });
                }
            }
        }
    }

    #[test]
    fn code_to_which_nothing_is_added_is_the_same_bytes() {
        let wasm = wat::parse_str("(module (func (param i32) (local i64) (loop (br_if 0 (local.get 0)))))").unwrap();
        let code = |wasm: &[u8]| {
            let mut payloads = Parser::new(0).parse_all(wasm).map(Result::unwrap);
            payloads.find_map(|payload| if let Payload::CodeSectionEntry(body) = payload { Some(body.as_bytes().to_vec()) } else { None })
        };
        assert_eq!(code(&rewrite(&wasm, Additions::default()).unwrap().wasm), code(&wasm));
        assert_ne!(code(&rewrite(&wasm, BOTH).unwrap().wasm), code(&wasm));
    }

    #[test]
    fn what_initialises_comes_first_and_imports_are_not_called() {
        let module = r#"(module (import "a" "b" (func $imported)) (export "b" (func $imported))
            (func $start) (func $constructors (export "__wasm_call_ctors")) (func (export "_initialize") (call $constructors)) (start $start))"#;
        let rewritten = text(module, BOTH);
        assert_eq!((rewritten.starts, rewritten.exported, rewritten.functions), (vec![1, 2, 3], vec![0, 2, 3], 1..4));
        let short = r#"(module (func (export "c")) (func (export "d") (result i32) (i32.const 1)))"#;
        assert_eq!(text(short, BOTH).starts, [0]);
        assert_eq!(text(r#"(module (func (export "c") (param i32)))"#, BOTH).starts, []);
    }
}
