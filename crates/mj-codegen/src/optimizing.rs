//! The optimizing compiler: SSA from the operator stream, selection backward, allocation forward, emission.
//!
//! The same selectors as the baseline's, in another order. [`stages`] is the list of stages, from which [`compile`] works, and in debug builds
//! checks what each leaves behind. Building and what is done on the fly stands in [`mj_ir::ssa`], `select` covers, [`mj_ir::Allocator`] allocates, `emit`
//! writes, `dump` shows.

mod dump;
mod emit;
mod select;
mod stages;

use core::fmt::Display;
use std::time::{Duration, Instant};

use mj_decode::{Flow, Module, Reader};
use mj_ir::ssa::{Bounds, Function, Node, Source, Uses};
use mj_ir::{Allocation, Allocator};

use self::select::{Context, Selection};
use crate::baseline::Emitted;
use crate::isa::Isa;
use crate::{CompileError, ModulePlan, Options};

/// Memory that compiling one function after another reuses.
#[derive(Debug)]
pub(crate) struct Arenas<I: Isa> {
    flow: Flow,
    function: Function,
    uses: Uses,
    bounds: Bounds,
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
            bounds: Bounds::default(),
            selection: Selection::default(),
            allocator: Allocator::default(),
            allocation: Allocation::default(),
        }
    }
}

/// What to compile.
#[derive(Clone)]
pub(crate) struct Request<'a> {
    pub module: &'a Module,
    pub plan: &'a ModulePlan,
    pub options: &'a Options,
    /// An index of the whole index space.
    pub function: u32,
    pub body: Reader<'a>,
    /// Only what follows from the header of the loop whose first operator is at that offset.
    pub entry: Option<u32>,
}

/// One stage of the optimizing compiler.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// What it is called.
    pub name: &'static str,
    /// What it does.
    pub does: &'static str,
    /// Why it stands where it stands.
    pub because: &'static str,
}

/// A stage that has just been done for a function.
#[derive(Clone, Copy)]
pub struct StageDone<'a> {
    /// Which one.
    pub stage: &'a Stage,
    /// How long it took.
    pub took: Duration,
    /// The function as it is now.
    pub text: &'a dyn Display,
}

/// Is told of each stage.
pub type Watch<'a> = dyn FnMut(&StageDone<'_>) + 'a;

/// One function on its way through the stages.
struct Job<'a, I: Isa> {
    isa: &'a mut I,
    arenas: &'a mut Arenas<I>,
    request: Request<'a>,
    /// The hidden result pointer, if there is one.
    result_pointer: Option<Node>,
    emitted: Option<Emitted>,
}

impl<'a, I: Isa> Job<'a, I> {
    fn source(&self) -> Source<'a> {
        let Request { module, function, ref body, entry, .. } = self.request;
        Source { module, function, body: body.clone(), entry, needs_register: I::needs_register }
    }

    fn context(&self) -> Context<'a> {
        let Request { module, plan, options, function, entry, ref body } = self.request;
        let ty = module.functions[function as usize];
        let locals = self.arenas.flow.locals() as u32;
        Context {
            module,
            plan,
            options,
            ty,
            result_pointer: self.result_pointer,
            locals,
            takes_over: entry.is_some(),
            start: body.offset(),
        }
    }

    fn too_large(&self) -> CompileError {
        CompileError::TooLargeToOptimize { function: self.request.function }
    }
}

/// The stages, in order.
pub(crate) fn stages<I: Isa>() -> impl ExactSizeIterator<Item = Stage> {
    Job::<I>::STAGES.into_iter().map(|row| row.stage)
}

/// Compiles a function at the end of the ISA's buffer; `watch`, if anybody watches, is told of each stage.
///
/// # Errors
/// If the function is too large to be optimized.
pub(crate) fn compile<I: Isa>(
    isa: &mut I,
    arenas: &mut Arenas<I>,
    request: Request<'_>,
    mut watch: Option<&mut Watch<'_>>,
) -> Result<Emitted, CompileError> {
    let mut job = Job { isa, arenas, request, result_pointer: None, emitted: None };
    for row in &Job::<I>::STAGES {
        let began = watch.is_some().then(Instant::now);
        (row.run)(&mut job)?;
        let took = began.map(|began| began.elapsed());
        if cfg!(debug_assertions)
            && let Err(wrong) = (row.check)(&mut job)
        {
            panic!("function {} behind `{}`: {wrong}", job.request.function, row.stage.name);
        }
        if let Some((watch, took)) = watch.as_mut().zip(took) {
            let text = core::fmt::from_fn(|f| (row.dump)(&job, f));
            watch(&StageDone { stage: &row.stage, took, text: &text });
        }
    }
    Ok(job.emitted.expect("the last stage emits"))
}
