//! The optimizing compiler: SSA from the operator stream, selection backward, allocation forward, emission.
//!
//! The same selectors as the baseline's, in another order. [`compile`] is the list of stages; building and what is done on the fly stands in
//! [`mj_ir::ssa`], `select` covers, [`mj_ir::Allocator`] allocates, `emit` writes.

mod emit;
mod select;

use mj_decode::{Flow, Module, Reader};
use mj_ir::ssa::{BuildOptions, Function, Source, Uses};
use mj_ir::{Allocation, Allocator};

use self::emit::{Emission, emit};
use self::select::{Context, Selection};
use crate::baseline::Emitted;
use crate::isa::Isa;
use crate::{CompileError, Effort, ModulePlan, Options};

/// Memory that compiling one function after another reuses.
#[derive(Debug)]
pub(crate) struct Arenas<I: Isa> {
    flow: Flow,
    function: Function,
    uses: Uses,
    selection: Selection<I::Form>,
    allocator: Allocator,
    allocation: Allocation,
}

impl<I: Isa> Default for Arenas<I> {
    fn default() -> Self {
        Self {
            flow: Flow::default(),
            function: Function::default(),
            uses: Uses::default(),
            selection: Selection::default(),
            allocator: Allocator::default(),
            allocation: Allocation::default(),
        }
    }
}

/// What building does on the fly.
fn build_options(options: &Options) -> BuildOptions {
    let searches = options.effort == Effort::Full;
    BuildOptions { fuel: options.fuel, fold: true, number: searches, hoist: searches, memory: searches, globals: searches }
}

/// Compiles the body of `function` (an index of the whole index space) at the end of the ISA's buffer; with `entry`, what follows from the header of the loop whose
/// first operator is at that offset.
///
/// # Errors
/// If the function is too large to be optimized.
#[allow(clippy::too_many_arguments)]
pub(crate) fn compile<I: Isa>(
    isa: &mut I,
    arenas: &mut Arenas<I>,
    module: &Module,
    plan: &ModulePlan,
    options: &Options,
    function: u32,
    body: Reader<'_>,
    entry: Option<u32>,
) -> Result<Emitted, CompileError> {
    let Arenas { flow, function: ssa, uses, selection, allocator, allocation } = arenas;
    let ty = module.functions[function as usize];
    let too_large = CompileError::TooLargeToOptimize { function };
    let source = Source { module, function, body, bytes: None, entry };
    ssa.build(&source, flow, build_options(options)).map_err(|_| too_large.clone())?;
    debug_verify(ssa, module);
    select::carry_extensions(ssa);
    uses.prune(ssa);
    let result_pointer = plan.calls[ty as usize].result_pointer.map(|_| ssa.add_pointer());
    let context = Context { module, plan, options, ty, result_pointer, locals: flow.locals() as u32, takes_over: entry.is_some() };
    selection.select(isa, ssa, uses, context);
    let registers = *isa.registers();
    allocator.allocate(ssa, &selection.selected, &registers, allocation).map_err(|_| too_large)?;
    Ok(emit(isa, Emission { function: ssa, selection, allocation, context }))
}

/// In debug builds: looks for violated invariants.
fn debug_verify(function: &Function, module: &Module) {
    if cfg!(debug_assertions)
        && let Err(error) = function.verify(module)
    {
        panic!("the verifier found: {error}");
    }
}
