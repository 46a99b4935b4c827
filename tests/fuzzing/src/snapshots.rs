//! Programs that have run for a while, with modules that they could have generated, against their snapshots.
//!
//! Program and snapshot go on with the same calls. Results, traps, what the host was given, and all that the program exports must agree, in mj and in
//! the interpreter. A snapshot may be refused for what the generator makes and a module cannot express, and for nothing else.

use mj_generating::Random;
use mj_jit::{HeapType, Instance, LateInstance, LateLinking, Module, Ref, Store, Table, Val};
use mj_snapshot::{Reason, Snapshot, SnapshotError};

use crate::differing::difference;
use crate::host::Trace;
use crate::observation::{Call, Run, Stop, Value};
use crate::{generate, interpreter, programs, subject};

/// What became of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The bytes stand for no program, or for one that cannot be instantiated.
    Nothing,
    /// There can be none.
    Refused,
    /// It does the same, with this many generated modules in it.
    Same(usize),
}

/// Modules that a program generates.
const LATE: usize = 3;

/// Calls before the snapshot, and behind it.
const CALLS: usize = 6;

/// Generates a program and what it generates, and compares.
///
/// # Panics
///
/// If the snapshot does something else than the program, or is refused without reason.
pub fn snapshot(bytes: &[u8]) -> Outcome {
    let (of_program, of_late) = bytes.split_at(bytes.len() / 2);
    let mut random = Random::new(bytes.iter().fold(0, |seed: u64, &byte| seed.rotate_left(5) ^ u64::from(byte)));
    let wasm = if random.below(3) == 0 { Some(programs::module(of_program)) } else { generate::program(of_program) };
    let Some(wasm) = wasm else { return Outcome::Nothing };
    let mode = mj_wast::numbered(random.below(mj_wast::COUNT));
    let engine = subject::engine(&mj_wast::config(&mode).expect("a mode"));
    let module = Module::new(&engine, &wasm).expect("generated modules are valid");
    let Some(mut program) = Running::new(&module, Trace::default()) else { return Outcome::Nothing };
    let names = subject::functions(&module);
    for (index, bytes) in of_late.chunks(of_late.len() / LATE + 1).enumerate() {
        program.call(&names, index * 2..index * 2 + 2);
        program.link(bytes);
    }
    program.fill_tables(&mut random);
    program.call(&names, 0..CALLS);
    let wasm = match Snapshot::new(&mut program.store, program.instance).late_linked().write() {
        Ok(wasm) => wasm,
        Err(error) => {
            program.assert_refusable(&error);
            return Outcome::Refused;
        }
    };
    let late = program.store.late_instances().len();
    let calls = CALLS..2 * CALLS;
    let trace = *program.store.data();
    let expected = Ok(program.call(&names, calls.clone()));
    let restarted = Module::new(&engine, &wasm).expect("checked when it was written");
    let mut restarted = Running::new(&restarted, trace).expect("a snapshot can be instantiated");
    agree(&mode, &expected, &Ok(restarted.call(&names, calls.clone())));
    agree("the interpreter", &expected, &Ok(interpreted(&wasm, trace, &names, calls)));
    if !ran_out_of_stack(&expected) {
        assert_eq!(program.call_elements(&module), restarted.call_elements(&module), "elements of tables do something else");
    }
    Outcome::Same(late)
}

fn agree(whose: &str, expected: &Run, found: &Run) {
    if let Some(difference) = difference(expected, found) {
        panic!("the snapshot in {whose}: {difference}");
    }
}

/// What differs from then on is each engine's own business, and what is on the stack each module's.
fn ran_out_of_stack(run: &Run) -> bool {
    run.iter().flatten().any(|call| call.outcome == Err(Stop::Stack))
}

/// Calls in the interpreter, up to one that takes it too long: what tables were filled with may call in circles.
fn interpreted(wasm: &[u8], trace: Trace, names: &[String], calls: std::ops::Range<usize>) -> Vec<Call> {
    let module = interpreter::compile(wasm);
    let mut store = interpreter::store(module.engine(), trace);
    let linker = interpreter::linker(module.engine());
    let instance = linker.instantiate_and_start(&mut store, &module).expect("a snapshot can be instantiated");
    let calls = each(names, calls, |name, call| interpreter::one_call(&mut store, instance, name, call));
    calls.into_iter().take_while(|call| call.outcome != Err(Stop::Steps)).collect()
}

/// Makes calls of functions in turn.
fn each(names: &[String], calls: std::ops::Range<usize>, mut one: impl FnMut(&str, u64) -> Call) -> Vec<Call> {
    let names = names.iter().cycle().skip(calls.start);
    names.zip(calls).map(|(name, call)| one(name, call as u64)).collect()
}

/// A program in mj.
struct Running {
    store: Store<Trace>,
    instance: Instance,
    /// Keeps what was linked, so that much is merged.
    late: Vec<LateInstance>,
}

impl Running {
    fn new(module: &Module, trace: Trace) -> Option<Self> {
        let mut store = subject::store(module.engine(), trace);
        let instance = subject::linker(module.engine()).instantiate(&mut store, module).ok()?;
        Some(Self { store, instance, late: Vec::new() })
    }

    fn call(&mut self, names: &[String], calls: std::ops::Range<usize>) -> Vec<Call> {
        each(names, calls, |name, call| subject::one_call(&mut self.store, self.instance, name, call))
    }

    /// Calls what stands in exported tables, a few of each, and says what came of it, as far as the stack goes.
    fn call_elements(&mut self, module: &Module) -> Vec<(Result<Vec<Value>, Stop>, Trace)> {
        const FEW: u64 = 20;
        let mut found = Vec::new();
        for export in module.exports() {
            let Some(table) = self.instance.get_table(&mut self.store, export.name()) else { continue };
            for index in 0..table.size(&self.store).min(FEW) {
                let Some(Ref::Func(Some(function))) = table.get(&self.store, index) else { continue };
                let outcome = subject::call_function(&mut self.store, function, index);
                let is_last = outcome == Err(Stop::Stack);
                found.push((outcome, *self.store.data()));
                if is_last {
                    return found;
                }
            }
        }
        found
    }

    /// Links what the bytes stand for, unless that would be a second memory. What cannot be linked leaves its traces, too.
    fn link(&mut self, bytes: &[u8]) {
        let module = self.instance.module(&self.store);
        let Some(wasm) = generate::late_module(&module, bytes) else { return };
        let generated = Module::new(module.engine(), &wasm).expect("generated modules are valid");
        if generated.resources_required().num_memories == 0 || module.resources_required().num_memories == 0 {
            let linker = subject::linker(module.engine());
            self.late.extend(linker.late_link(&mut self.store, &self.instance, wasm, &LateLinking::new()));
        }
    }

    /// Puts functions of all parts that stay into all their tables, some over others.
    fn fill_tables(&mut self, random: &mut Random) {
        let late = self.late.iter().map(LateInstance::instance);
        let parts: Vec<Instance> = std::iter::once(self.instance).chain(late).collect();
        let tables: Vec<Table> = parts.iter().flat_map(|part| (0..).map_while(|index| part.debug_table(&self.store, index))).collect();
        for table in tables {
            if !matches!(table.ty(&self.store).element().heap_type(), HeapType::Func) {
                continue;
            }
            for _ in 0..table.size(&self.store) / 2 {
                let function = parts[random.below(parts.len())].debug_function(&mut self.store, random.below(8) as u32);
                let at = random.below(table.size(&self.store) as usize) as u64;
                table.set(&mut self.store, at, Ref::Func(function)).expect("within the size");
            }
        }
    }

    fn parts(&self) -> Vec<Instance> {
        std::iter::once(self.instance).chain(self.store.late_instances()).collect()
    }

    /// Checks that there is a reason why there can be no snapshot.
    fn assert_refusable(&mut self, error: &SnapshotError) {
        let parts = self.parts();
        let is_right = match error.reason() {
            Reason::Reference => parts.iter().any(|part| self.holds_externals(*part)),
            Reason::Unacceptable => parts.iter().filter(|part| part.module(&self.store).resources_required().num_memories > 0).count() > 1,
            _ => false,
        };
        assert!(is_right, "refused without reason: {error}");
    }

    fn holds_externals(&self, part: Instance) -> bool {
        let tables = (0..).map_while(|index| part.debug_table(&self.store, index));
        let globals = (0..).map_while(|index| part.debug_global(&self.store, index));
        let mut elements = tables.flat_map(|table| (0..table.size(&self.store)).map(move |index| table.get(&self.store, index)));
        elements.any(|element| matches!(element, Some(Ref::Extern(Some(_)))))
            || globals.into_iter().any(|global| matches!(global.get(&self.store), Val::ExternRef(Some(_))))
    }
}
