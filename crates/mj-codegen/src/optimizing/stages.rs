//! The stages of the optimizing compiler as a table: what each is, does, leaves behind, and looks like.

use core::fmt;

use mj_ir::ssa::{BuildOptions, Uses};

use super::dump;
use super::emit::{Emission, emit};
use super::{Job, Stage, select};
use crate::isa::Isa;
use crate::{CompileError, Effort, Options};

/// A stage and how it is done.
pub(super) struct Row<I: Isa> {
    pub stage: Stage,
    pub run: fn(&mut Job<'_, I>) -> Result<(), CompileError>,
    /// Looks for violated invariants.
    pub check: fn(&mut Job<'_, I>) -> Result<(), String>,
    /// Writes the function as the stage leaves it.
    pub dump: fn(&Job<'_, I>, &mut fmt::Formatter<'_>) -> fmt::Result,
}

impl<I: Isa> Job<'_, I> {
    /// All stages, in order.
    pub(super) const STAGES: [Row<I>; 7] = [
        Row {
            stage: Stage {
                name: "build",
                does: "SSA form from the operators, simplified on the way",
                because: "all else works on it; what is never built need not be taken out",
            },
            run: build,
            check: verify_function,
            dump: dump::function,
        },
        Row {
            stage: Stage {
                name: "carry",
                does: "lets an i32 stand for what it is zero-extended to",
                because: "types must fit exactly while values are looked up by them, and extensions must be idle before uses are counted",
            },
            run: |job| {
                select::carry_extensions(&mut job.arenas.function);
                Ok(())
            },
            check: verify_function,
            dump: dump::function,
        },
        Row {
            stage: Stage {
                name: "prune",
                does: "takes out what nobody needs, and counts uses",
                because: "only now is the function complete; a value folds into its user if it has one",
            },
            run: |job| {
                Uses::prune(&mut job.arenas.uses, &mut job.arenas.function);
                Ok(())
            },
            check: verify_function,
            dump: dump::function,
        },
        Row {
            stage: Stage {
                name: "bounds",
                does: "where addresses are compared, finds accesses that need it no more",
                because: "accesses neither come nor go any more, and selection must know which may fold",
            },
            run: |job| {
                if job.request.options.bounds == crate::Bounds::Explicit {
                    job.arenas.bounds.find(&mut job.arenas.function, job.request.module);
                }
                Ok(())
            },
            check: verify_function,
            dump: dump::function,
        },
        Row {
            stage: Stage {
                name: "select",
                does: "chooses instructions backward, users before what they fold",
                because: "registers are asked for by instructions, not by operators",
            },
            run: select,
            check: |job| job.arenas.selection.selected.verify(&job.arenas.function),
            dump: dump::steps,
        },
        Row {
            stage: Stage {
                name: "allocate",
                does: "gives values registers and slots, forward",
                because: "what moves and spills there are decides which edges need code",
            },
            run: allocate,
            // In debug builds the allocator executes its result symbolically itself, while it still knows what is alive where.
            check: |_| Ok(()),
            dump: dump::allocation,
        },
        Row {
            stage: Stage {
                name: "emit",
                does: "writes the machine code, cold blocks last",
                because: "it needs all the others; the prologue is written last, when it is known what it saves",
            },
            run: |job| {
                let (context, arenas) = (job.context(), &*job.arenas);
                let emission =
                    Emission { function: &arenas.function, selection: &arenas.selection, allocation: &arenas.allocation, context };
                job.emitted = Some(emit(job.isa, emission));
                Ok(())
            },
            check: |job| match job.isa.buffer().sites().is_sorted_by_key(|site| site.code) {
                true => Ok(()),
                false => Err("sites are not in the order of the code".to_owned()),
            },
            dump: dump::code,
        },
    ];
}

/// What building does on the fly.
fn build_options(options: &Options) -> BuildOptions {
    let effort = match options.effort {
        Effort::Least => BuildOptions::least(),
        Effort::Full => BuildOptions::default(),
    };
    BuildOptions { fuel: options.fuel, interruption: options.interruption, ..effort }
}

fn build<I: Isa>(job: &mut Job<'_, I>) -> Result<(), CompileError> {
    let (source, options) = (job.source(), build_options(job.request.options));
    let built = job.arenas.function.build(&source, &mut job.arenas.flow, options);
    built.map_err(|_| job.too_large())
}

fn verify_function<I: Isa>(job: &mut Job<'_, I>) -> Result<(), String> {
    job.arenas.function.verify(job.request.module)
}

fn select<I: Isa>(job: &mut Job<'_, I>) -> Result<(), CompileError> {
    let context = job.context();
    let has_pointer = context.plan.calls[context.ty as usize].result_pointer.is_some();
    job.result_pointer = has_pointer.then(|| job.arenas.function.add_pointer());
    let context = job.context();
    job.arenas.selection.select(job.isa, &job.arenas.function, &job.arenas.uses, context);
    Ok(())
}

fn allocate<I: Isa>(job: &mut Job<'_, I>) -> Result<(), CompileError> {
    let registers = *job.isa.registers();
    let spill_everything = job.request.options.spill_everything;
    let arenas = &mut *job.arenas;
    let (function, selected) = (&arenas.function, &arenas.selection.selected);
    let allocated = arenas.allocator.allocate(function, selected, &registers, spill_everything, &mut arenas.allocation);
    allocated.map_err(|_| job.too_large())
}
