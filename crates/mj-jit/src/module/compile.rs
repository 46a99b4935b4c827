//! Compiling all functions of a module, on one thread or on all cores, to the same code.
//!
//! Functions are compiled in *units*: runs of functions of about the same size together, cut by the bodies' sizes alone. Each is compiled on
//! its own and placed in order, so that the number of threads changes nothing.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use mj_abi::Site;
use mj_codegen::{CompileError, Compiler, Entry, FunctionCode, ModulePlan, Relocation};
use mj_decode::Module as Environment;

use super::ModuleInner;
use super::code::Piece;
use crate::error::{Error, Result};
use crate::{Engine, Strategy};

/// Code sections of fewer bytes are compiled in memory and placed at once.
pub(super) const SMALL: usize = 256 << 10;

/// Bytes of function bodies in a unit. Large enough to forget what starting a unit costs, small enough for all cores to end together.
const UNIT: u32 = 32 << 10;

/// A compiled unit that owns what it consists of.
pub(super) struct OwnedUnit {
    pub code: Vec<u8>,
    pub relocations: Vec<Relocation>,
    pub sites: Vec<Site>,
    pub functions: Vec<FunctionCode>,
}

impl OwnedUnit {
    pub fn as_piece(&self) -> Piece<'_> {
        Piece { code: &self.code, relocations: &self.relocations, sites: &self.sites, functions: &self.functions }
    }
}

/// Compiles all functions and hands the units to `place`, all at once and in order.
pub(super) fn collect<R>(
    engine: &Engine,
    env: &Environment,
    plan: &ModulePlan,
    bytes: &[u8],
    place: impl FnOnce(&[Piece<'_>]) -> Result<R>,
) -> Result<R> {
    if (env.code_section.len() as u32) < UNIT {
        // One unit: it can stay where the compiler has it.
        return engine.with_compiler(|compiler| {
            let mut functions = Vec::with_capacity(env.defined_functions() as usize);
            let work = Work { engine, env, plan, bytes, units: &[] };
            work.compile(compiler, 0..env.defined_functions(), &mut functions)?;
            place(&[Piece::of(compiler, &functions)])
        })?;
    }
    let mut units = Vec::new();
    stream(engine, env, plan, bytes, |piece| {
        units.push(OwnedUnit {
            code: piece.code.to_vec(),
            relocations: piece.relocations.to_vec(),
            sites: piece.sites.to_vec(),
            functions: piece.functions.to_vec(),
        });
        Ok(())
    })?;
    place(&units.iter().map(OwnedUnit::as_piece).collect::<Vec<_>>())
}

/// Compiles all functions and hands the units to `place`, in order.
pub(super) fn stream(
    engine: &Engine,
    env: &Environment,
    plan: &ModulePlan,
    bytes: &[u8],
    mut place: impl FnMut(Piece<'_>) -> Result<()>,
) -> Result<()> {
    let units = cut(env);
    let work = Work { engine, env, plan, bytes, units: &units };
    let threads = engine.config().threads().min(units.len());
    if threads > 1 {
        return work.in_parallel(engine, threads, place);
    }
    engine.with_compiler(|compiler| {
        let mut functions = Vec::new();
        for unit in &units {
            work.compile(compiler, unit.clone(), &mut functions)?;
            place(Piece::of(compiler, &functions))?;
        }
        Ok(())
    })?
}

/// Compiles one function of a module into `compiler`.
pub(super) fn one(compiler: &mut Compiler, module: &ModuleInner, plan: &ModulePlan, own: u32) -> Result<FunctionCode> {
    compiler.clear();
    let compiled = first(compiler, &module.engine, &module.env, plan, own, &module.bytes);
    compiled.map_err(|error| Error::new(error).context(format!("failed to compile {}", module.describe_function(own))))
}

/// Compiles one function as the engine's strategy wants it before it runs.
fn first(
    compiler: &mut Compiler,
    engine: &Engine,
    env: &Environment,
    plan: &ModulePlan,
    own: u32,
    bytes: &[u8],
) -> Result<FunctionCode, CompileError> {
    if engine.config().strategy == Strategy::OPTIMIZING
        && let Ok(function) = optimized(compiler, env, plan, own, bytes, Entry::Function)
    {
        return Ok(function);
    }
    compiler.compile(env, plan, own, bytes)
}

/// Compiles one function, or one loop of it, with the optimizing compiler.
pub(super) fn optimized(
    compiler: &mut Compiler,
    env: &Environment,
    plan: &ModulePlan,
    own: u32,
    bytes: &[u8],
    entry: Entry,
) -> Result<FunctionCode, CompileError> {
    compiler.optimize(env, plan, own, bytes, entry)
}

/// Cuts a module's functions into units.
fn cut(env: &Environment) -> Vec<Range<u32>> {
    let mut units = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (function, body) in env.bodies.iter().enumerate() {
        size += body.end - body.start;
        if size >= UNIT {
            units.push(start..function as u32 + 1);
            (start, size) = (function as u32 + 1, 0);
        }
    }
    if start < env.defined_functions() {
        units.push(start..env.defined_functions());
    }
    units
}

struct Work<'a> {
    engine: &'a Engine,
    env: &'a Environment,
    plan: &'a ModulePlan,
    bytes: &'a [u8],
    units: &'a [Range<u32>],
}

impl Work<'_> {
    fn compile(&self, compiler: &mut Compiler, unit: Range<u32>, functions: &mut Vec<FunctionCode>) -> Result<()> {
        compiler.clear();
        functions.clear();
        for own in unit {
            functions.push(first(compiler, self.engine, self.env, self.plan, own, self.bytes)?);
        }
        Ok(())
    }

    fn compile_owned(&self, compiler: &mut Compiler, unit: Range<u32>) -> Result<OwnedUnit> {
        let mut functions = Vec::with_capacity(unit.len());
        self.compile(compiler, unit, &mut functions)?;
        let unit = compiler.take_unit();
        Ok(OwnedUnit { code: unit.code, relocations: unit.relocations, sites: unit.sites, functions })
    }

    /// Each thread takes the next unit that nobody has taken; this one places them in order as they come.
    fn in_parallel(&self, engine: &Engine, threads: usize, mut place: impl FnMut(Piece<'_>) -> Result<()>) -> Result<()> {
        let next = AtomicUsize::new(0);
        let (done, units) = mpsc::sync_channel::<(usize, Result<OwnedUnit>)>(4 * threads);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                let (done, next) = (done.clone(), &next);
                scope.spawn(move || self.worker(engine, next, &done));
            }
            drop(done);
            let mut waiting = BTreeMap::new();
            let mut placed = 0;
            for (index, unit) in units {
                waiting.insert(index, unit);
                while let Some(unit) = waiting.remove(&placed) {
                    placed += 1;
                    // The first error in the module's order is the one to report; the threads stop when nobody listens any more.
                    place(unit?.as_piece())?;
                }
            }
            debug_assert_eq!(placed, self.units.len());
            Ok(())
        })
    }

    fn worker(&self, engine: &Engine, next: &AtomicUsize, done: &mpsc::SyncSender<(usize, Result<OwnedUnit>)>) {
        let outcome = engine.with_compiler(|compiler| {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(unit) = self.units.get(index) else { return };
                if done.send((index, self.compile_owned(compiler, unit.clone()))).is_err() {
                    return;
                }
            }
        });
        if let Err(error) = outcome {
            let index = next.fetch_add(1, Ordering::Relaxed);
            // Nobody listens only if another thread has failed already.
            let _ = done.send((index, Err(error)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_cover_all_functions_in_order() {
        let mut env = Environment::default();
        let mut at = 0;
        for size in [10, UNIT, 1, UNIT - 1, 5, 3 * UNIT, 7] {
            env.bodies.push(at..at + size);
            at += size;
        }
        assert_eq!(cut(&env), [0..2, 2..4, 4..6, 6..7]);
        assert_eq!(cut(&Environment::default()), []);
    }
}
