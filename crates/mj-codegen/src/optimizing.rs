//! A compiler over the graph: the same selectors as the baseline's, in another order.
//!
//! The graph is built from the operator stream, liveness is computed, one backward pass covers (which operator folds into which user, and
//! when each value is used next), one forward pass allocates registers over the constraint rows and emits. Nothing optimizes yet: this driver shows
//! that [`Isa`] serves both orders, and is reached by tests and measurements only.
//!
//! `cover` goes backwards, `allocate` finds registers for one step, `edges` meets at labels, `calls` does calls and returns.

mod allocate;
mod calls;
mod cover;
mod edges;

use mj_asm::Label;
use mj_decode::{BodyHints, Module, Reader};
use mj_ir::{Block, Graph, Liveness, RegisterFile, Unsupported};

use self::allocate::State;
use self::cover::Covered;
use crate::baseline::Emitted;
use crate::compile::append;
use crate::isa::{FrameFacts, Isa};
use crate::x64::X64;
use crate::{Compiler, FunctionCode, ModulePlan, Options};

/// The graph compiler's memory. For tests and measurements: no engine uses it.
#[derive(Default, Debug)]
pub struct GraphCompiler {
    arenas: Arenas<X64>,
}

/// Memory that compiling one function after another reuses.
#[derive(Debug)]
struct Arenas<I: Isa> {
    hints: BodyHints,
    graph: Graph,
    liveness: Liveness,
    covered: Covered<I::Form>,
    state: State,
}

impl<I: Isa> Default for Arenas<I> {
    fn default() -> Self {
        Self {
            hints: BodyHints::default(),
            graph: Graph::default(),
            liveness: Liveness::default(),
            covered: Covered::default(),
            state: State::default(),
        }
    }
}

impl GraphCompiler {
    /// Compiles the own function `function` of `module` as [`Compiler::compile`] does, but through the graph; appends it to the
    /// unit of `compiler`.
    ///
    /// # Errors
    /// If the function has an operator that the graph does not know.
    pub fn compile(
        &mut self,
        compiler: &mut Compiler,
        module: &Module,
        plan: &ModulePlan,
        function: u32,
        bytes: &[u8],
    ) -> Result<FunctionCode, Unsupported> {
        let Compiler { isa, options, .. } = compiler;
        append(isa, module, function, bytes, |isa, index, body| {
            let emission = Emission { module, plan, options, function: index };
            compile(isa, &mut self.arenas, emission, body)
        })
    }
}

/// What is compiled.
#[derive(Clone, Copy)]
struct Emission<'a> {
    module: &'a Module,
    plan: &'a ModulePlan,
    options: &'a Options,
    function: u32,
}

/// The stages.
fn compile<I: Isa>(isa: &mut I, arenas: &mut Arenas<I>, emission: Emission<'_>, body: Reader<'_>) -> Result<Emitted, Unsupported> {
    if emission.options.fuel {
        return Err(Unsupported { operator: "fuel" });
    }
    arenas.graph.build(emission.module, emission.function, body, &mut arenas.hints)?;
    calls::check(&arenas.graph, emission)?;
    arenas.liveness.compute(&mut arenas.graph);
    arenas.covered.cover(isa, &arenas.graph, &arenas.liveness, emission.options);
    Ok(Driver::new(isa, arenas, emission).emit())
}

/// The forward pass over one function.
struct Driver<'a, I: Isa> {
    isa: &'a mut I,
    graph: &'a Graph,
    liveness: &'a Liveness,
    covered: &'a Covered<I::Form>,
    state: &'a mut State,
    emission: Emission<'a>,
    registers: RegisterFile,
    labels: Vec<Label>,
    epilogue: Label,
}

impl<'a, I: Isa> Driver<'a, I> {
    fn new(isa: &'a mut I, arenas: &'a mut Arenas<I>, emission: Emission<'a>) -> Self {
        let registers = *isa.registers();
        let epilogue = isa.buffer().label();
        let labels = arenas.graph.blocks.keys().map(|_| isa.buffer().label()).collect();
        arenas.state.reset(registers.allocatable, &arenas.graph);
        let Arenas { graph, liveness, covered, state, .. } = arenas;
        Self { isa, graph, liveness, covered, state, emission, registers, labels, epilogue }
    }

    fn emit(mut self) -> Emitted {
        let buffer = self.isa.buffer();
        buffer.align(I::FUNCTION_ALIGNMENT, 0xcc);
        let start = buffer.offset();
        buffer.put_space(I::PROLOGUE_SPACE);
        let body = buffer.offset();
        self.take_parameters();
        for block in self.graph.blocks.keys() {
            self.block(block);
        }
        let label = self.epilogue;
        self.isa.buffer().bind(label);
        let saved = self.state.used & self.registers.callee_saved;
        self.isa.epilogue(saved, 0);
        let facts =
            FrameFacts { slot_bytes: self.state.slots * mj_abi::SLOT, saved, keeps_context: self.graph.calls, checks_interrupt: false };
        Emitted { start, entry: self.isa.prologue(body, facts) }
    }

    fn block(&mut self, block: Block) {
        self.enter(block);
        let covered = self.covered;
        let steps = &covered.blocks[block].steps;
        for step in covered.steps[steps.start as usize..steps.end as usize].iter().rev() {
            self.step(step);
        }
        self.leave(block);
    }
}
