//! A function as text behind each stage.
//!
//! Values are `v7` as in the SSA form. Registers are `i3` and `f3` by hardware number, slots `s2`; `v7@i3` is a value and where it is. A step is
//! what it does, its operands, `->`, its results, and behind a bar its temporaries.

use core::fmt::{self, Write};

use mj_decode::ValType;
use mj_ir::ssa::{Block, Function, Terminator};
use mj_ir::{Action, Arrival, FOREIGN_SLOT, Location};

use super::Job;
use super::select::Work;
use crate::isa::Isa;

/// The SSA form.
pub(super) fn function<I: Isa>(job: &Job<'_, I>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}", job.arenas.function)
}

/// The steps of each block.
pub(super) fn steps<I: Isa>(job: &Job<'_, I>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let function = &job.arenas.function;
    for &(value, arrival) in &job.arenas.selection.selected.arrivals {
        match arrival {
            Arrival::Register(register) => writeln!(f, "{value} comes in {register:?}")?,
            Arrival::Slot(slot) => writeln!(f, "{value} comes in slot {slot} of the caller's")?,
        }
    }
    for block in function.blocks.keys() {
        head(function, block, f)?;
        for index in job.arenas.selection.selected.blocks[block].clone() {
            f.write_str("  ")?;
            step(job, index, None, f)?;
            f.write_char('\n')?;
        }
        terminator(job, block, f)?;
    }
    Ok(())
}

/// What each block and edge does, with the places of all values.
pub(super) fn allocation<I: Isa>(job: &Job<'_, I>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (function, allocation) = (&job.arenas.function, &job.arenas.allocation);
    writeln!(f, "{} slots, {:?}", allocation.slots, allocation.used)?;
    for block in function.blocks.keys() {
        head(function, block, f)?;
        for &(value, register) in allocation.homes(block) {
            write!(f, "  {value}@{register:?}")?;
            if let Some(slot) = allocation.stored_at_definition(value) {
                write!(f, ", stored to {}", slot_name(slot))?;
            }
            f.write_char('\n')?;
        }
        for &one in allocation.block(block) {
            action(job, one, f)?;
        }
        terminator(job, block, f)?;
        for (index, edge) in function.edges_of(block).enumerate() {
            let actions = allocation.edge(block, index);
            if !actions.is_empty() {
                writeln!(f, "  on the way to {}:", edge.to)?;
                actions.iter().try_for_each(|&one| {
                    f.write_str("  ")?;
                    action(job, one, f)
                })?;
            }
        }
    }
    Ok(())
}

/// How much code there is; what it is, a disassembler says.
pub(super) fn code<I: Isa>(job: &Job<'_, I>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let emitted = job.emitted.as_ref().expect("the code has been written");
    writeln!(f, "the function begins at {:#x} and is entered at {:#x}", emitted.start, emitted.entry)
}

fn head(function: &Function, block: Block, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{block}")?;
    function.parameters(block).iter().try_for_each(|parameter| write!(f, " {parameter}"))?;
    let row = &function.blocks[block];
    let facts = [(row.loop_end.is_some(), "loop"), (row.is_cold, "cold")];
    facts.iter().filter(|(holds, _)| *holds).try_for_each(|(_, fact)| write!(f, ", {fact}"))?;
    f.write_char('\n')
}

fn terminator<I: Isa>(job: &Job<'_, I>, block: Block, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let function = &job.arenas.function;
    match &function.blocks[block].terminator {
        Terminator::Branch { .. } => {
            let condition = job.arenas.selection.conditions[block];
            write!(f, "  branch")?;
            condition.iter().try_for_each(|condition| write!(f, " if {condition:?}"))?;
        }
        Terminator::Jump(_) => write!(f, "  jump")?,
        // The last step does it.
        Terminator::Switch { .. } | Terminator::Return(_) => return Ok(()),
        Terminator::Trap { code, .. } => return writeln!(f, "  trap {code:?}"),
    }
    for (index, edge) in function.edges_of(block).enumerate() {
        write!(f, "{} {}", if index == 0 { "" } else { " ," }, edge.to)?;
        function.nodes_in(edge.arguments).iter().try_for_each(|&value| write!(f, " {}", function.operand(value)))?;
    }
    f.write_char('\n')
}

/// A step; with its places, if they are known.
fn step<I: Isa>(job: &Job<'_, I>, index: u32, located: Option<&[Location]>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (function, selection) = (&job.arenas.function, &job.arenas.selection);
    let step = &selection.selected.steps[index as usize];
    write_work(&selection.work[index as usize], f)?;
    let (uses, definitions) = (selection.selected.uses(step), selection.selected.definitions(step));
    let mut places = located.unwrap_or(&[]).iter();
    let mut next = |f: &mut fmt::Formatter<'_>| places.next().map_or(Ok(()), |&place| write_place(place, f));
    for operand in uses {
        write!(f, " {}", function.operand(operand.value))?;
        next(f)?;
    }
    if !definitions.is_empty() {
        f.write_str(" ->")?;
    }
    for defined in definitions {
        write!(f, " {}", defined.value)?;
        next(f)?;
        let slot = located.and_then(|_| job.arenas.allocation.stored_at_definition(defined.value));
        slot.map_or(Ok(()), |slot| write!(f, ", stored to {}", slot_name(slot)))?;
    }
    if located.is_some() && !step.constraints.temporaries.is_empty() {
        f.write_str(" |")?;
        step.constraints.temporaries.iter().try_for_each(|_| {
            f.write_char(' ')?;
            next(f)
        })?;
    }
    Ok(())
}

fn write_place(place: Location, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match place {
        Location::Register(register) => write!(f, "@{register:?}"),
        Location::Slot(slot) => write!(f, "@{}", slot_name(slot)),
        Location::Constant(_) | Location::Nowhere => Ok(()),
    }
}

fn slot_name(slot: u32) -> String {
    match slot.checked_sub(FOREIGN_SLOT) {
        None => format!("s{slot}"),
        Some(slot) => format!("caller's {slot}"),
    }
}

fn action<I: Isa>(job: &Job<'_, I>, action: Action, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let function = &job.arenas.function;
    f.write_str("  ")?;
    match action {
        Action::Step(index) => step(job, index, Some(job.arenas.allocation.locations_of(index)), f)?,
        Action::Copy { to, from } => write!(f, "{to:?} := {from:?}")?,
        Action::Exchange(a, b) => write!(f, "{a:?} <-> {b:?}")?,
        Action::Load { to, slot, value } => write!(f, "{to:?} := {}, {value}", slot_name(slot))?,
        Action::Constant { to, value } => write!(f, "{to:?} := {}", function.operand(value))?,
        Action::Store { slot, from } => write!(f, "{} := {from:?}", slot_name(slot))?,
        Action::CopySlot { to, from, value } => write!(f, "{} := {}, {value}", slot_name(to), slot_name(from))?,
        Action::StoreConstant { slot, value } => write!(f, "{} := {}", slot_name(slot), function.operand(value))?,
    }
    f.write_char('\n')
}

/// What a step does; operands stand behind it.
fn write_work<F: fmt::Debug>(work: &Work<F>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let typed = |f: &mut fmt::Formatter<'_>, name: &str, ty: ValType, number: i64| write!(f, "{name} {number}:{ty}");
    match *work {
        Work::Form { ref form, condition, immediate, offset, at, .. } => {
            write!(f, "{form:?}")?;
            condition.map_or(Ok(()), |condition| write!(f, " ?{condition:?}"))?;
            if immediate != 0 {
                write!(f, " #{immediate}")?;
            }
            if offset != 0 {
                write!(f, " +{offset}")?;
            }
            if at != 0 { write!(f, " @{at}") } else { Ok(()) }
        }
        Work::GlobalGet { global, ty } => typed(f, "global.get", ty, global.into()),
        Work::GlobalSet { global, ty } => typed(f, "global.set", ty, global.into()),
        Work::LoadResult { offset, ty } => typed(f, "load result", ty, offset.into()),
        Work::StoreResult { offset, ty } => typed(f, "store result", ty, offset.into()),
        Work::StoreArgument { offset, .. } => write!(f, "store argument {offset}"),
        ref other => write!(f, "{other:?}"),
    }
}
