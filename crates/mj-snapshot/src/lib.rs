//! Snapshots: a program as it stands, written as an ordinary WebAssembly module that starts where the program stopped.
//!
//! ```
//! use mj_jit::{Engine, Instance, Module, Store};
//! use mj_snapshot::Snapshot;
//!
//! # fn main() -> mj_jit::Result<()> {
//! let program = r#"
//!     (module
//!         (memory (export "memory") 1)
//!         (func (export "prepare") (i32.store (i32.const 64) (i32.const 42)))
//!         (func (export "answer") (result i32) (i32.load (i32.const 64))))
//! "#;
//! let engine = Engine::default();
//! let mut store = Store::new(&engine, ());
//! let instance = Instance::new(&mut store, &Module::new(&engine, program)?, &[])?;
//! let wasm = Snapshot::new(&mut store, instance).initialize(Some("prepare"))?.write()?;
//!
//! let mut store = Store::new(&engine, ());
//! let instance = Instance::new(&mut store, &Module::new(&engine, wasm)?, &[])?;
//! let answer = instance.get_typed_func::<(), i32>(&mut store, "answer")?;
//! assert_eq!(answer.call(&mut store, ())?, 42);
//! # Ok(())
//! # }
//! ```
//!
//! Memories, tables and globals become the new module's initial state, at their current sizes and with their current values; the start function
//! is gone. Modules that the program generated and linked while it ran ([`Snapshot::late_linked`]) are merged in: their functions, types, globals and
//! segments become the new module's own, and tables point at them.
//!
//! What a module cannot express is refused with a [`SnapshotError`] that names it: references to things of the host, and memories, tables and
//! mutable globals that the program imports.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod assemble;
mod code;
mod custom;
mod error;
mod globals;
mod layout;
mod memories;
mod names;
mod parts;
mod references;
mod tables;
mod types;

use std::collections::HashSet;

use mj_jit::{AsContext, Instance, Module, StoreContextMut};

pub use custom::left_out;
pub use error::{Reason, SnapshotError};

use assemble::Sections;
use layout::Layout;
use parts::Part;
use types::Types;

/// What to write, and from what. See the [crate]'s documentation.
pub struct Snapshot<'a, T: 'static> {
    store: StoreContextMut<'a, T>,
    program: Instance,
    late: Vec<Instance>,
    unexported: Vec<String>,
    keeps_late_linking: bool,
}

impl<'a, T: 'static> Snapshot<'a, T> {
    /// Of the instance `program`. Take it between calls: what is on the stack is not in it.
    pub fn new(store: impl Into<StoreContextMut<'a, T>>, program: Instance) -> Self {
        Self { store: store.into(), program, late: Vec::new(), unexported: Vec::new(), keeps_late_linking: false }
    }

    /// Merges in instances of modules that the program generated, in the order in which they were linked.
    #[must_use]
    pub fn late(mut self, instances: impl IntoIterator<Item = Instance>) -> Self {
        self.late.extend(instances);
        self
    }

    /// Merges in all instances that were linked late in the store and can still be reached; others are freed, as by [`Store::gc`](mj_jit::Store::gc). In
    /// a store with several programs, say which with [`Snapshot::late`].
    #[must_use]
    pub fn late_linked(mut self) -> Self {
        self.store.gc(None).expect("collecting does not fail");
        self.late.extend(self.store.as_context().late_instances());
        self
    }

    /// Keeps an export out of the new module.
    #[must_use]
    pub fn without_export(mut self, name: &str) -> Self {
        self.unexported.push(name.to_owned());
        self
    }

    /// Whether the new module can link modules that it generates, if the program can: it then imports `mj:link`, which other engines do not have. If
    /// not, which is the default, these imports become functions of its own that say that nothing can be linked.
    #[must_use]
    pub fn keep_late_linking(mut self, keep: bool) -> Self {
        self.keeps_late_linking = keep;
        self
    }

    /// Brings the program to where the snapshot is to be taken: calls the exports `_initialize`, if there is one, and `initializer`, if that is given. Neither
    /// is an export of the new module, so that nobody runs them once more.
    ///
    /// # Errors
    ///
    /// If there is no such function, it has parameters or results, or it does not return.
    ///
    /// # Panics
    ///
    /// If the program belongs to another store.
    pub fn initialize(mut self, initializer: Option<&str>) -> mj_jit::Result<Self> {
        const REACTOR: &str = "_initialize";
        if initializer != Some(REACTOR) && self.program.get_func(&mut self.store, REACTOR).is_some() {
            self = self.call(REACTOR)?;
        }
        match initializer {
            Some(name) => self.call(name),
            None => Ok(self),
        }
    }

    fn call(mut self, name: &str) -> mj_jit::Result<Self> {
        self.program.get_typed_func::<(), ()>(&mut self.store, name)?.call(&mut self.store, ())?;
        Ok(self.without_export(name))
    }

    /// The new module, in the binary format. The same state gives the same bytes.
    ///
    /// # Errors
    ///
    /// If the state cannot be kept, or the engine's limits or proposals do not allow the module; see [`Reason`].
    ///
    /// # Panics
    ///
    /// If an instance belongs to another store.
    pub fn write(mut self) -> Result<Vec<u8>, SnapshotError> {
        let instances = self.instances();
        let modules: Vec<Module> = instances.iter().map(|instance| instance.module(&self.store)).collect();
        let parts = Part::read_all(&instances, &modules)?;
        let types = Types::merge(&parts)?;
        let layout = Layout::new(&mut self.store, &parts, &types, self.keeps_late_linking)?;
        let code = code::reencode(&parts, &types, &layout)?;
        let globals = globals::section(&self.store, &parts, &types, &layout)?;
        let tables = tables::sections(&self.store, &parts, &types, &layout, &code)?;
        let memories = memories::sections(&self.store, &parts, &layout, &code)?;
        let exports = layout.exports(&parts[0], &self.unexported)?;
        let names = names::section(&parts, &types, &layout, &code.segments);
        let customs = custom::sections(&parts);
        let wasm = assemble::module(&parts, &layout, &Sections { types: &types, code, globals, tables, memories, exports, names, customs });
        Module::validate(self.store.as_context().engine(), &wasm).map_err(|error| error::unacceptable(&parts, &error))?;
        Ok(wasm)
    }

    /// Each once, the program first.
    fn instances(&self) -> Vec<Instance> {
        let mut seen = HashSet::new();
        let all = std::iter::once(self.program).chain(self.late.iter().copied());
        all.filter(|instance| seen.insert(*instance)).collect()
    }
}
