//! Linking modules that a program makes while it runs.
//!
//! The program exports its memory and its table of functions. The module that it has generated imports both (and whatever else the program exports), and an
//! exported function, `patch`, puts the new functions where the program will find them. The same as functions of the host is the module
//! [`mj:link`](Linker::func_late_link), through which a program links without the embedder's help.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use super::{Definition, Linker, UnknownImportError};
use crate::error::{Context, Error, Result, bail, ensure, format_err};
use crate::func::{self, HostFunc};
use crate::instance;
use crate::store::{LateRoot, StoreInner};
use crate::{AsContext, AsContextMut, Caller, Extern, ImportType, Instance, Memory, Module, Trap};

/// Name of the module of host functions.
const HOST_MODULE: &str = "mj:link";

/// How modules are linked that a program makes: names, and limits.
///
/// ```
/// use mj_jit::LateLinking;
///
/// let mut linking = LateLinking::new();
/// linking.import_module("program").rename("table", "__indirect_function_table").patch("install");
/// ```
#[derive(Clone, Debug)]
pub struct LateLinking {
    module: Box<str>,
    renamed: Vec<(Box<str>, Box<str>)>,
    patch: Box<str>,
    max_module_size: usize,
    max_total_size: usize,
}

impl Default for LateLinking {
    fn default() -> Self {
        Self::new()
    }
}

impl LateLinking {
    /// Imports from `env` find what the program exports under the same name, and `patch` is called.
    #[must_use]
    pub fn new() -> Self {
        Self { module: "env".into(), renamed: Vec::new(), patch: "patch".into(), max_module_size: 16 << 20, max_total_size: 256 << 20 }
    }

    /// The module name under which generated modules import from the program; `env` at first.
    pub fn import_module(&mut self, name: &str) -> &mut Self {
        self.module = name.into();
        self
    }

    /// Imports with the name `import` find the program's export `export`. All others find the export with their own name.
    pub fn rename(&mut self, import: &str, export: &str) -> &mut Self {
        self.renamed.push((import.into(), export.into()));
        self
    }

    /// The exported function that is called when a module is linked; `patch` at first. A module need not have one.
    pub fn patch(&mut self, name: &str) -> &mut Self {
        self.patch = name.into();
        self
    }

    /// Bytes that one module may have; 16 MiB at first.
    pub fn max_module_size(&mut self, bytes: usize) -> &mut Self {
        self.max_module_size = bytes;
        self
    }

    /// Bytes that a store's late-linked modules, their code, memories and tables may take together, about; 256 MiB at first. What grows is counted when
    /// the next module is linked.
    pub fn max_total_size(&mut self, bytes: usize) -> &mut Self {
        self.max_total_size = bytes;
        self
    }

    /// Name of the program's export that an import finds.
    fn export_name<'a>(&'a self, import: &'a str) -> &'a str {
        self.renamed.iter().rev().find(|(name, _)| **name == *import).map_or(import, |(_, export)| export)
    }
}

/// What went wrong with a generated module: the context of an error, to be found by `downcast_ref`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum LateLinkError {
    /// The bytes are no module, or no valid one.
    Invalid = 1,
    /// Something that it imports is not there, or of another type; or its `patch` is not a function without parameters and results.
    Mismatch = 2,
    /// It is too large, or a limit of the store forbids it.
    Limit = 3,
    /// It trapped: a segment is out of bounds, or its start function or `patch` trapped.
    Trap = 4,
}

impl fmt::Display for LateLinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LateLinkError::Invalid => "the generated module is not valid",
            LateLinkError::Mismatch => "the generated module does not fit the program",
            LateLinkError::Limit => "the generated module is too large",
            LateLinkError::Trap => "the generated module trapped when it was linked",
        })
    }
}

/// Keeps an instance that was linked late.
///
/// When this and its clones are dropped, the instance goes with the next collection, unless it can be reached otherwise: through a table or a global of an
/// instance that stays, through an instance that imports from it, or because its code is running. It also stays for as long as the store if
/// the host got one of its functions as a value: from a table, from a global, or as an argument or result of a call.
#[derive(Clone, Debug)]
pub struct LateInstance {
    _root: LateRoot,
    instance: Instance,
}

impl LateInstance {
    /// The instance. When it is gone, this handle, and those to what it defines, panic like handles of another store.
    #[must_use]
    pub fn instance(&self) -> Instance {
        self.instance
    }
}

impl<T: 'static> Linker<T> {
    /// Links a module that the instance `program` has generated: compiles `bytes`, finds its imports from `env` among the program's exports and all others
    /// here, instantiates it, and calls its export `patch`. Names and limits are [`LateLinking`]'s.
    ///
    /// The module is compiled before it runs, by the compiler that the engine starts with, whatever its
    /// [compilation mode](crate::Config::compilation_mode); hot functions move to the optimizing compiler as those of other modules do.
    ///
    /// # Errors
    ///
    /// With a [`LateLinkError`] as context, if the module is invalid or does not fit, a limit forbids it, or it traps. What it had put into tables stays there.
    ///
    /// # Panics
    ///
    /// If `program` belongs to another store.
    pub fn late_link(
        &self,
        mut store: impl AsContextMut<Data = T>,
        program: &Instance,
        bytes: impl AsRef<[u8]>,
        linking: &LateLinking,
    ) -> Result<LateInstance> {
        assert!(crate::Engine::same(&self.engine, store.as_context().engine()), "Linker::late_link with a store of another engine");
        let linked = link(&mut store, self, program, bytes.as_ref().to_vec(), linking);
        linked.map_err(|(error, cause)| cause.context(error))
    }

    /// Defines the functions through which a program links what it has generated itself, as [`Linker::late_link`] does:
    ///
    /// - `mj:link` `instantiate`, of type `(param i32 i32) (result i32)`: links the module at this address of the program's memory, of this length in bytes.
    ///   Returns 0, or the number of a [`LateLinkError`]. A failure of the host, or an interruption, while the module's own code runs
    ///   is not the program's to handle: it unwinds the program, too.
    /// - `mj:link` `error`, of the same type: writes why the last `instantiate` failed, in UTF-8, to this address, at most so many bytes. Returns the
    ///   length of the whole text.
    ///
    /// The memory is the one that the program exports as `memory`. Where fuel is counted, each byte of a module costs one unit.
    ///
    /// Generated modules find what has been defined here so far, and what the program exports.
    ///
    /// # Errors
    ///
    /// If a name is defined already, or the operating system has no executable memory left.
    pub fn func_late_link(&mut self, linking: LateLinking) -> Result<&mut Self> {
        let program_has = Arc::new(ProgramHas { linker: self.clone(), own: OnceLock::new() });
        let memory = linking.export_name("memory").to_owned();
        let late = Arc::clone(&program_has);
        self.func_wrap(HOST_MODULE, "error", move |mut caller: Caller<'_, T>, address: u32, length: u32| {
            let (_, memory) = calling_program(&caller, &memory)?;
            let text = caller.as_context().0.inner().late.as_ref().map_or_else(String::new, |late| late.failure.clone());
            let written = &text.as_bytes()[..text.len().min(length as usize)];
            memory.write(&mut caller, address as usize, written).map_err(|_| out_of_bounds())?;
            Ok(text.len() as u32)
        })?;
        self.func_wrap(HOST_MODULE, "instantiate", move |mut caller: Caller<'_, T>, address: u32, length: u32| {
            let (program, memory) = calling_program(&caller, linking.export_name("memory"))?;
            let (start, length) = (address as usize, length as usize);
            charge(&mut caller, length as u64)?;
            let bytes = memory.data(&caller).get(start..start + length).ok_or_else(out_of_bounds)?.to_vec();
            match link(&mut caller, &*late, &program, bytes, &linking) {
                Ok(_) => Ok(0),
                Err((LateLinkError::Trap, cause)) if !is_the_programs(&cause) => Err(cause),
                Err((error, cause)) => {
                    caller.as_context_mut().0.inner_mut().late_mut().failure = format!("{:#}", cause.context(error));
                    Ok(error as u32)
                }
            }
        })?;
        let own = ["error", "instantiate"].map(|name| match self.find(HOST_MODULE, name) {
            Some(Definition::Host(function)) => (name, Arc::downgrade(function)),
            _ => unreachable!("both were just defined"),
        });
        program_has.own.set(own).expect("set once");
        Ok(self)
    }
}

/// Where imports are found that are not the program's exports.
trait Definitions {
    fn definition(&self, import: &ImportType<'_>) -> Option<Definition>;
}

impl<T> Definitions for Linker<T> {
    fn definition(&self, import: &ImportType<'_>) -> Option<Definition> {
        self.find_import(import).cloned()
    }
}

/// What a linker defined when the functions were added through which programs link, and these functions.
struct ProgramHas<T> {
    linker: Linker<T>,
    /// Weak, for the functions hold this.
    own: OnceLock<[(&'static str, Weak<HostFunc>); 2]>,
}

impl<T> Definitions for ProgramHas<T> {
    fn definition(&self, import: &ImportType<'_>) -> Option<Definition> {
        if import.module() == HOST_MODULE {
            let (_, function) = self.own.get()?.iter().find(|(name, _)| *name == import.name())?;
            return Some(Definition::Host(function.upgrade()?));
        }
        self.linker.definition(import)
    }
}

/// Whether a trap is the program's to handle, for it has made the module.
fn is_the_programs(cause: &Error) -> bool {
    cause.downcast_ref::<Trap>().is_some_and(|trap| !matches!(trap, Trap::Interrupt | Trap::OutOfFuel))
}

/// The program that calls, or for which the calling module was generated, and its memory.
fn calling_program<T>(caller: &Caller<'_, T>, memory: &str) -> Result<(Instance, Memory)> {
    let store = caller.as_context().0.inner();
    let program = caller.calling_instance().map(|calling| store.program_of(calling));
    let Some(program) = program else { bail!("only WebAssembly can call the functions of `{HOST_MODULE}`: use `Linker::late_link`") };
    let memory_of_program = program.data(store).get_export(memory).and_then(Extern::into_memory);
    let memory = memory_of_program.with_context(|| format!("a program that uses `{HOST_MODULE}` must export its memory as `{memory}`"))?;
    Ok((program, memory))
}

fn out_of_bounds() -> Error {
    Trap::MemoryOutOfBounds.into()
}

/// Takes fuel for the work of the host.
fn charge(store: &mut impl AsContextMut, units: u64) -> Result<()> {
    let mut store = store.as_context_mut();
    if store.engine().config().fuel {
        let fuel = store.get_fuel()?;
        store.set_fuel(fuel.saturating_sub(units))?;
        ensure!(fuel >= units, Trap::OutOfFuel);
    }
    Ok(())
}

/// An error, and what part of linking it comes from.
type Failed = (LateLinkError, Error);

fn at(error: LateLinkError) -> impl Fn(Error) -> Failed {
    move |cause| (error, cause)
}

/// Links a generated module.
fn link<T: 'static>(
    store: &mut impl AsContextMut<Data = T>,
    definitions: &impl Definitions,
    program: &Instance,
    bytes: Vec<u8>,
    linking: &LateLinking,
) -> Result<LateInstance, Failed> {
    let store = store.as_context_mut();
    program.data(store.0.inner());
    make_room(store.0.inner_mut(), bytes.len(), linking).map_err(at(LateLinkError::Limit))?;
    let module = Module::compile_among_others(store.engine(), bytes).map_err(at(LateLinkError::Invalid))?;
    let imports = find_imports(store.0.inner_mut(), definitions, program, &module, linking).map_err(at(LateLinkError::Mismatch))?;
    check_patch(&module, &linking.patch).map_err(at(LateLinkError::Mismatch))?;
    let root = LateRoot::new(*program, store.0.inner());
    let this = store.0.as_inner_ptr();
    // SAFETY: the pointer is to the whole store, which is borrowed until the end; the imports were checked.
    let instance = unsafe { instance::create(this, Some(&root), &module, &imports) };
    let instance = instance.map_err(|error| (if error.is::<Trap>() { LateLinkError::Trap } else { LateLinkError::Limit }, error))?;
    // SAFETY: as above; the instance was just made, and its root keeps it.
    unsafe {
        instance::start(this, instance).map_err(at(LateLinkError::Trap))?;
        call_patch(this, instance, &linking.patch).map_err(at(LateLinkError::Trap))?;
    }
    Ok(LateInstance { _root: root, instance })
}

/// Frees what can be freed, if that is due or room is needed, and checks the limits that are not the store's.
fn make_room(store: &mut StoreInner, length: usize, linking: &LateLinking) -> Result<()> {
    let most = linking.max_module_size;
    ensure!(length <= most, "it has {length} bytes, and at most {most} are allowed: see `LateLinking::max_module_size`");
    store.collect_late_if_due();
    let total = |store: &StoreInner| store.late.as_ref().map_or(0, |late| late.bytes()).saturating_add(length);
    if total(store) > linking.max_total_size || store.check_counts(1, 1, 1).is_err() {
        store.collect_late();
    }
    let (total, most) = (total(store), linking.max_total_size);
    ensure!(total <= most, "generated modules would take {total} bytes, and at most {most} are allowed: see `LateLinking::max_total_size`");
    Ok(())
}

/// What a module's imports find: exports of the program, and the linker's definitions.
fn find_imports(
    store: &mut StoreInner,
    definitions: &impl Definitions,
    program: &Instance,
    module: &Module,
    linking: &LateLinking,
) -> Result<Vec<Extern>> {
    let mut imports = Vec::with_capacity(module.imports().len());
    for (index, import) in module.imports().enumerate() {
        let of_program = import.module() == &*linking.module;
        let exported = if of_program { program.data(store).get_export(linking.export_name(import.name())) } else { None };
        let found = exported.or_else(|| in_store(definitions.definition(&import)?, store));
        let found = found.ok_or_else(|| {
            let unknown = Error::from(UnknownImportError::new(&import));
            if of_program { unknown.context("the program does not export what the module imports") } else { unknown }
        })?;
        store.check_import(module.inner(), index, &found)?;
        imports.push(found);
    }
    Ok(imports)
}

/// What a definition is in a store. Things of other stores are not to be found here.
fn in_store(definition: Definition, store: &mut StoreInner) -> Option<Extern> {
    match definition {
        Definition::Extern(item) => store.owns(item.owner()).then_some(item),
        Definition::Host(function) => Some(store.late_host_function(&function).into()),
    }
}

/// Checks the type of a module's `patch`, if it has one.
fn check_patch(module: &Module, name: &str) -> Result<()> {
    let Some(export) = module.get_export(name) else { return Ok(()) };
    let fits = export.func().is_some_and(|ty| ty.params().len() == 0 && ty.results().len() == 0);
    if fits { Ok(()) } else { Err(format_err!("its export `{name}` must be a function without parameters and results")) }
}

/// Calls a module's `patch`, if it has one.
///
/// # Safety
///
/// As [`instance::start`]; its type must have been checked.
unsafe fn call_patch(this: *mut StoreInner, instance: Instance, name: &str) -> Result<()> {
    // SAFETY: by the caller's promise; references to the store end before the code runs.
    unsafe {
        let store = &*this;
        let Some(Extern::Func(patch)) = instance.data(store).get_export(name) else { return Ok(()) };
        let trampoline = store.engine().entry_trampoline(&patch.type_entry(store))?;
        let func_ref = patch.func_ref(store);
        func::enter(this, trampoline, func_ref.slot, func_ref.context, std::ptr::dangling_mut())
    }
}
