//! Compiling functions into a unit: the crate's front door.

use core::ops::Range;

use mj_abi::{CallLayout, ContextLayout, Site};
use mj_decode::{Module, Reader};

pub use mj_asm::Relocation;

use crate::baseline::{self, Arenas, Emitted};
use crate::optimizing::{self, Request, Stage, Watch};
use crate::x64::{Features, X64};
use crate::{CompileError, Options};

/// What all functions of a module have in common: layouts that follow from its types and counts.
#[derive(Clone, Debug)]
pub struct ModulePlan {
    /// Layout of its instances' contexts.
    pub layout: ContextLayout,
    /// Call layouts by type index.
    pub calls: Vec<CallLayout>,
    pub(crate) imported_globals: u32,
}

impl ModulePlan {
    /// The plan of a module.
    #[must_use]
    pub fn new(module: &Module) -> Self {
        let calls = module
            .types
            .iter()
            .map(|ty| CallLayout::new(ty.params().iter().map(|ty| ty.class()), ty.results().iter().map(|ty| ty.class())))
            .collect();
        Self { layout: ContextLayout::new(module.counts()), calls, imported_globals: module.imported_globals }
    }
}

/// Machine code of some functions, with what is needed to place and to explain it. All offsets are from the start of `code`.
#[derive(Clone, Default, Debug)]
pub struct Unit {
    /// The code.
    pub code: Vec<u8>,
    /// References to the jump table.
    pub relocations: Vec<Relocation>,
    /// Places that may trap, and calls, in the order of the code.
    pub sites: Vec<Site>,
}

/// One function of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionCode {
    /// Index among the module's own functions.
    pub function: u32,
    /// First byte.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
    /// Where calls go.
    pub entry: u32,
    /// Its rows of [`Unit::sites`].
    pub sites: Range<u32>,
    /// Its rows of [`Unit::relocations`].
    pub relocations: Range<u32>,
}

/// Where control enters optimized code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Entry {
    /// Where calls go.
    Function,
    /// At the header of the loop whose first operator is at this byte offset in the module, with the frame of the baseline's code.
    Loop(u32),
}

/// A compiler with its memory: compiles one function at a time, for any module.
#[derive(Debug)]
pub struct Compiler {
    pub(crate) isa: X64,
    arenas: Arenas,
    optimizing: optimizing::Arenas<X64>,
    pub(crate) options: Options,
}

impl Compiler {
    /// A compiler for the processor that runs this.
    ///
    /// # Errors
    /// If the processor lacks a feature that generated code needs.
    pub fn new(options: &Options) -> Result<Self, CompileError> {
        Ok(Self::with_features(Features::detect()?, options))
    }

    /// A compiler for processors with these features.
    #[must_use]
    pub fn with_features(features: Features, options: &Options) -> Self {
        Self { isa: X64::new(features, options), arenas: Arenas::default(), optimizing: optimizing::Arenas::default(), options: *options }
    }

    /// Compiles the own function `function` of `module`, whose bytes are `bytes`, and appends it to the compiler's unit.
    ///
    /// # Errors
    /// If the function is too large.
    pub fn compile(&mut self, module: &Module, plan: &ModulePlan, function: u32, bytes: &[u8]) -> Result<FunctionCode, CompileError> {
        append(&mut self.isa, module, function, bytes, |isa, index, body| {
            Ok(baseline::compile(isa, &mut self.arenas, module, plan, &self.options, index, body))
        })
    }

    /// As [`compile`](Self::compile), by the optimizing compiler; code of this kind counts no work, and may take over a frame of the other's.
    ///
    /// # Errors
    /// If the function is too large to be optimized.
    ///
    /// # Panics
    /// If it is to be entered at a loop that cannot be reached.
    pub fn optimize(
        &mut self,
        module: &Module,
        plan: &ModulePlan,
        function: u32,
        bytes: &[u8],
        entry: Entry,
    ) -> Result<FunctionCode, CompileError> {
        self.optimize_with(module, plan, function, bytes, entry, None)
    }

    /// As [`optimize`](Self::optimize), and tells `watch` of each stage: its time, and the function behind it as text.
    ///
    /// # Errors
    /// If the function is too large to be optimized; stages that were done before are told.
    pub fn optimize_watched(
        &mut self,
        module: &Module,
        plan: &ModulePlan,
        function: u32,
        bytes: &[u8],
        entry: Entry,
        watch: &mut Watch<'_>,
    ) -> Result<FunctionCode, CompileError> {
        self.optimize_with(module, plan, function, bytes, entry, Some(watch))
    }

    fn optimize_with(
        &mut self,
        module: &Module,
        plan: &ModulePlan,
        function: u32,
        bytes: &[u8],
        entry: Entry,
        watch: Option<&mut Watch<'_>>,
    ) -> Result<FunctionCode, CompileError> {
        let entry = match entry {
            Entry::Function => None,
            Entry::Loop(at) => Some(at),
        };
        append(&mut self.isa, module, function, bytes, |isa, function, body| {
            let request = Request { module, plan, options: &self.options, function, body, entry };
            optimizing::compile(isa, &mut self.optimizing, request, watch)
        })
    }

    /// The stages of the optimizing compiler, in order.
    pub fn stages() -> impl ExactSizeIterator<Item = Stage> {
        optimizing::stages::<X64>()
    }

    /// The code compiled since the last [`take_unit`](Self::take_unit) or [`clear`](Self::clear).
    #[must_use]
    pub fn code(&self) -> &[u8] {
        self.isa.asm.code()
    }

    /// The relocations that go with [`code`](Self::code).
    #[must_use]
    pub fn relocations(&self) -> &[Relocation] {
        self.isa.asm.relocations()
    }

    /// The sites that go with [`code`](Self::code).
    #[must_use]
    pub fn sites(&self) -> &[Site] {
        self.isa.asm.sites()
    }

    /// Copies what has been compiled out, and begins a new unit.
    pub fn take_unit(&mut self) -> Unit {
        let unit = Unit { code: self.code().to_vec(), relocations: self.relocations().to_vec(), sites: self.sites().to_vec() };
        self.clear();
        unit
    }

    /// Begins a new unit.
    pub fn clear(&mut self) {
        self.isa.asm.clear();
    }
}

/// Lets `compile` write the own function `function` of `module`: it is given the index of the whole index space and the body.
pub(crate) fn append<E>(
    isa: &mut X64,
    module: &Module,
    function: u32,
    bytes: &[u8],
    compile: impl FnOnce(&mut X64, u32, Reader<'_>) -> Result<Emitted, E>,
) -> Result<FunctionCode, E> {
    let range = module.bodies[function as usize].clone();
    let body = Reader::new(&bytes[range.start as usize..range.end as usize], range.start);
    let sites = isa.asm.sites().len() as u32;
    let relocations = isa.asm.relocations().len() as u32;
    let emitted = compile(isa, module.imported_functions + function, body)?;
    isa.asm.finish_function(0xcc);
    Ok(FunctionCode {
        function,
        start: emitted.start as u32,
        end: isa.asm.offset() as u32,
        entry: emitted.entry as u32,
        sites: sites..isa.asm.sites().len() as u32,
        relocations: relocations..isa.asm.relocations().len() as u32,
    })
}

/// Fills in references to the jump table in `code`, which lies `code_offset` behind the start of its unit and at `code_address` in
/// memory, where the jump table is at `jump_table_address`. `relocations` are those of `code`.
///
/// # Panics
/// If code and jump table are more than 2 GiB apart.
pub fn relocate(code: &mut [u8], code_offset: u32, relocations: &[Relocation], code_address: usize, jump_table_address: usize) {
    for relocation in relocations {
        let at = (relocation.at - code_offset) as usize;
        let next = (code_address + at + 4) as i64;
        let slot = (jump_table_address + 8 * relocation.function as usize) as i64;
        let distance = i32::try_from(slot - next).expect("code lies within 2 GiB of its jump table");
        code[at..at + 4].copy_from_slice(&distance.to_le_bytes());
    }
}
