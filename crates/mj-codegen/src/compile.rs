//! Compiling functions into a unit: the crate's front door.

use core::ops::Range;

use mj_abi::{CallLayout, ContextLayout, Site};
use mj_decode::{Module, Reader};

use mj_asm::CodeBuffer;
pub use mj_asm::Relocation;

#[cfg(any(target_arch = "aarch64", feature = "all-arch"))]
use crate::aarch64::Aarch64;
use crate::baseline::{self, Emitted};
use crate::isa::Isa;
use crate::optimizing::{self, Request, Stage, Watch};
#[cfg(any(target_arch = "x86_64", feature = "all-arch"))]
use crate::x64::X64;
use crate::{CompileError, Options, Target};

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
    compilers: Compilers,
    options: Options,
}

/// Both compilers for one instruction set.
#[derive(Debug)]
enum Compilers {
    #[cfg(any(target_arch = "x86_64", feature = "all-arch"))]
    X64(Box<Drivers<X64>>),
    #[cfg(any(target_arch = "aarch64", feature = "all-arch"))]
    Aarch64(Box<Drivers<Aarch64>>),
}

#[cfg(target_arch = "x86_64")]
type Host = X64;
#[cfg(target_arch = "aarch64")]
type Host = Aarch64;

/// Does the same for every instruction set.
macro_rules! each {
    ($compilers:expr, $drivers:ident => $what:expr) => {
        match $compilers {
            #[cfg(any(target_arch = "x86_64", feature = "all-arch"))]
            Compilers::X64($drivers) => $what,
            #[cfg(any(target_arch = "aarch64", feature = "all-arch"))]
            Compilers::Aarch64($drivers) => $what,
        }
    };
}

impl Compiler {
    /// A compiler for the processor that runs this.
    ///
    /// # Errors
    /// If the processor lacks a feature that generated code needs.
    pub fn new(options: &Options) -> Result<Self, CompileError> {
        Ok(Self::for_target(Target::host()?, options))
    }

    /// A compiler for these processors.
    #[must_use]
    pub fn for_target(target: impl Into<Target>, options: &Options) -> Self {
        let compilers = match target.into() {
            #[cfg(any(target_arch = "x86_64", feature = "all-arch"))]
            Target::X64(features) => Compilers::X64(Box::new(Drivers::new(X64::new(features, options)))),
            #[cfg(any(target_arch = "aarch64", feature = "all-arch"))]
            Target::Aarch64(features) => Compilers::Aarch64(Box::new(Drivers::new(Aarch64::new(features, options)))),
        };
        Self { compilers, options: *options }
    }

    /// Compiles the own function `function` of `module`, whose bytes are `bytes`, and appends it to the compiler's unit.
    ///
    /// # Errors
    /// If the function is too large.
    pub fn compile(&mut self, module: &Module, plan: &ModulePlan, function: u32, bytes: &[u8]) -> Result<FunctionCode, CompileError> {
        each!(&mut self.compilers, drivers => drivers.compile(module, plan, &self.options, function, bytes))
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
        each!(&mut self.compilers, drivers => drivers.optimize(module, plan, &self.options, function, bytes, entry, watch))
    }

    /// The stages of the optimizing compiler, in order.
    pub fn stages() -> impl ExactSizeIterator<Item = Stage> {
        optimizing::stages::<Host>()
    }

    /// The code compiled since the last [`take_unit`](Self::take_unit) or [`clear`](Self::clear).
    #[must_use]
    pub fn code(&self) -> &[u8] {
        self.buffer().code()
    }

    /// The relocations that go with [`code`](Self::code).
    #[must_use]
    pub fn relocations(&self) -> &[Relocation] {
        self.buffer().relocations()
    }

    /// The sites that go with [`code`](Self::code).
    #[must_use]
    pub fn sites(&self) -> &[Site] {
        self.buffer().sites()
    }

    /// Copies what has been compiled out, and begins a new unit.
    pub fn take_unit(&mut self) -> Unit {
        let unit = Unit { code: self.code().to_vec(), relocations: self.relocations().to_vec(), sites: self.sites().to_vec() };
        self.clear();
        unit
    }

    /// Begins a new unit.
    pub fn clear(&mut self) {
        each!(&mut self.compilers, drivers => drivers.isa.buffer().clear());
    }

    fn buffer(&self) -> &CodeBuffer {
        each!(&self.compilers, drivers => drivers.isa.written())
    }
}

#[derive(Debug)]
struct Drivers<I: Isa> {
    isa: I,
    baseline: baseline::Arenas,
    optimizing: optimizing::Arenas<I>,
}

impl<I: Isa> Drivers<I> {
    fn new(isa: I) -> Self {
        Self { isa, baseline: baseline::Arenas::default(), optimizing: optimizing::Arenas::default() }
    }

    fn compile(
        &mut self,
        module: &Module,
        plan: &ModulePlan,
        options: &Options,
        function: u32,
        bytes: &[u8],
    ) -> Result<FunctionCode, CompileError> {
        append(&mut self.isa, module, function, bytes, |isa, index, body| {
            Ok(baseline::compile(isa, &mut self.baseline, module, plan, options, index, body))
        })
    }

    #[allow(clippy::too_many_arguments)]
    fn optimize(
        &mut self,
        module: &Module,
        plan: &ModulePlan,
        options: &Options,
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
            let request = Request { module, plan, options, function, body, entry };
            optimizing::compile(isa, &mut self.optimizing, request, watch)
        })
    }
}

/// Lets `compile` write the own function `function` of `module`: it is given the index of the whole index space and the body.
fn append<I: Isa>(
    isa: &mut I,
    module: &Module,
    function: u32,
    bytes: &[u8],
    compile: impl FnOnce(&mut I, u32, Reader<'_>) -> Result<Emitted, CompileError>,
) -> Result<FunctionCode, CompileError> {
    let range = module.bodies[function as usize].clone();
    let body = Reader::new(&bytes[range.start as usize..range.end as usize], range.start);
    let sites = isa.written().sites().len() as u32;
    let relocations = isa.written().relocations().len() as u32;
    let mark = isa.written().mark();
    let emitted = compile(isa, module.imported_functions + function, body)?;
    isa.buffer().finish_function(I::FILL);
    if isa.take_too_large() {
        isa.buffer().rewind(mark);
        return Err(CompileError::FunctionTooLarge { function: module.imported_functions + function });
    }
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
