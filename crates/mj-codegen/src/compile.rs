//! Compiling functions into a unit: the crate's front door.

use core::ops::Range;

use mj_abi::{CallLayout, ContextLayout, Site};
use mj_decode::{Module, Reader};

use mj_asm::CodeBuffer;
pub use mj_asm::Relocation;

use crate::baseline::{self, Arenas, Emitted};
use crate::isa::Isa;
use crate::optimizing;
use crate::{CompileError, Options};

#[cfg(any(target_arch = "aarch64", feature = "all-arch"))]
use crate::aarch64::{self, Aarch64};
#[cfg(any(target_arch = "x86_64", feature = "all-arch"))]
use crate::x64::{self, X64};

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

/// The instruction set that code is made for, and what its processor can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Target {
    /// x86-64.
    #[cfg(any(target_arch = "x86_64", feature = "all-arch"))]
    X64(x64::Features),
    /// AArch64.
    #[cfg(any(target_arch = "aarch64", feature = "all-arch"))]
    Aarch64(aarch64::Features),
}

impl Target {
    /// The processor that runs this.
    ///
    /// # Errors
    /// If it lacks a feature that generated code needs.
    pub fn host() -> Result<Self, CompileError> {
        #[cfg(target_arch = "x86_64")]
        return Ok(Target::X64(x64::Features::detect()?));
        #[cfg(target_arch = "aarch64")]
        return Ok(Target::Aarch64(aarch64::Features::detect()?));
    }
}

/// An instruction set with the memory of both compilers.
#[derive(Debug)]
struct Machine<I: Isa> {
    isa: I,
    arenas: Arenas,
    optimizing: optimizing::Arenas<I>,
}

impl<I: Isa> Machine<I> {
    fn new(isa: I) -> Self {
        Self { isa, arenas: Arenas::default(), optimizing: optimizing::Arenas::default() }
    }
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant)]
enum AnyMachine {
    #[cfg(any(target_arch = "x86_64", feature = "all-arch"))]
    X64(Machine<X64>),
    #[cfg(any(target_arch = "aarch64", feature = "all-arch"))]
    Aarch64(Machine<Aarch64>),
}

/// Does the same with whatever machine it is.
macro_rules! with_machine {
    ($any:expr, $machine:ident => $what:expr) => {
        match $any {
            #[cfg(any(target_arch = "x86_64", feature = "all-arch"))]
            AnyMachine::X64($machine) => $what,
            #[cfg(any(target_arch = "aarch64", feature = "all-arch"))]
            AnyMachine::Aarch64($machine) => $what,
        }
    };
}

/// A compiler with its memory: compiles one function at a time, for any module.
#[derive(Debug)]
pub struct Compiler {
    machine: AnyMachine,
    options: Options,
}

impl Compiler {
    /// A compiler for the processor that runs this.
    ///
    /// # Errors
    /// If the processor lacks a feature that generated code needs.
    pub fn new(options: &Options) -> Result<Self, CompileError> {
        Ok(Self::for_target(Target::host()?, options))
    }

    /// A compiler for such processors.
    #[must_use]
    pub fn for_target(target: Target, options: &Options) -> Self {
        let machine = match target {
            #[cfg(any(target_arch = "x86_64", feature = "all-arch"))]
            Target::X64(features) => AnyMachine::X64(Machine::new(X64::new(features, options))),
            #[cfg(any(target_arch = "aarch64", feature = "all-arch"))]
            Target::Aarch64(features) => AnyMachine::Aarch64(Machine::new(Aarch64::new(features, options))),
        };
        Self { machine, options: *options }
    }

    /// Compiles the own function `function` of `module`, whose bytes are `bytes`, and appends it to the compiler's unit.
    ///
    /// # Errors
    /// If the function is too large.
    pub fn compile(&mut self, module: &Module, plan: &ModulePlan, function: u32, bytes: &[u8]) -> Result<FunctionCode, CompileError> {
        with_machine!(&mut self.machine, machine => append(&mut machine.isa, module, function, bytes, |isa, index, body| {
            baseline::compile(isa, &mut machine.arenas, module, plan, &self.options, Entry::Function, index, body)
        }))
    }

    /// As [`compile`](Self::compile), for code that stays: it counts no work for tiering, and may take over a frame of code that does.
    ///
    /// # Errors
    /// If the function is too large, or no such loop is ever reached.
    pub fn compile_to_stay(
        &mut self,
        module: &Module,
        plan: &ModulePlan,
        function: u32,
        bytes: &[u8],
        entry: Entry,
    ) -> Result<FunctionCode, CompileError> {
        let options = Options { tiering: None, ..self.options };
        with_machine!(&mut self.machine, machine => append(&mut machine.isa, module, function, bytes, |isa, index, body| {
            baseline::compile(isa, &mut machine.arenas, module, plan, &options, entry, index, body)
        }))
    }

    /// As [`compile`](Self::compile), by the optimizing compiler.
    ///
    /// # Errors
    /// If the function is too large to be optimized.
    pub fn optimize(
        &mut self,
        module: &Module,
        plan: &ModulePlan,
        function: u32,
        bytes: &[u8],
        entry: Entry,
    ) -> Result<FunctionCode, CompileError> {
        let entry = match entry {
            Entry::Function => None,
            Entry::Loop(at) => Some(at),
        };
        with_machine!(&mut self.machine, machine => append(&mut machine.isa, module, function, bytes, |isa, index, body| {
            optimizing::compile(isa, &mut machine.optimizing, module, plan, &self.options, index, body, entry)
        }))
    }

    /// The code compiled since the last [`take_unit`](Self::take_unit) or [`clear`](Self::clear).
    #[must_use]
    pub fn code(&self) -> &[u8] {
        self.written().code()
    }

    /// The relocations that go with [`code`](Self::code).
    #[must_use]
    pub fn relocations(&self) -> &[Relocation] {
        self.written().relocations()
    }

    /// The sites that go with [`code`](Self::code).
    #[must_use]
    pub fn sites(&self) -> &[Site] {
        self.written().sites()
    }

    /// Copies what has been compiled out, and begins a new unit.
    pub fn take_unit(&mut self) -> Unit {
        let unit = Unit { code: self.code().to_vec(), relocations: self.relocations().to_vec(), sites: self.sites().to_vec() };
        self.clear();
        unit
    }

    /// Begins a new unit.
    pub fn clear(&mut self) {
        with_machine!(&mut self.machine, machine => machine.isa.buffer().clear());
    }

    fn written(&self) -> &CodeBuffer {
        with_machine!(&self.machine, machine => machine.isa.written())
    }
}

/// Lets `compile` write the own function `function` of `module`: it is given the index of the whole index space and the body.
fn append<I: Isa, E>(
    isa: &mut I,
    module: &Module,
    function: u32,
    bytes: &[u8],
    compile: impl FnOnce(&mut I, u32, Reader<'_>) -> Result<Emitted, E>,
) -> Result<FunctionCode, E> {
    let range = module.bodies[function as usize].clone();
    let body = Reader::new(&bytes[range.start as usize..range.end as usize], range.start);
    let sites = isa.written().sites().len() as u32;
    let relocations = isa.written().relocations().len() as u32;
    let emitted = compile(isa, module.imported_functions + function, body)?;
    isa.buffer().finish_function(I::PADDING);
    let written = isa.written();
    Ok(FunctionCode {
        function,
        start: emitted.start as u32,
        end: written.offset() as u32,
        entry: emitted.entry as u32,
        sites: sites..written.sites().len() as u32,
        relocations: relocations..written.relocations().len() as u32,
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
