//! A module: validated, with its code, ready to be instantiated any number of times.

pub(crate) mod artefact;
mod bytes;
mod cached;
mod code;
mod compile;
mod heat;
mod layout;
mod profile;
mod serialize;
mod sites;

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use mj_codegen::{Entry, Stage, StageDone};
use mj_decode::{Export, ExportKind, Module as Environment, Names};

use crate::cache::CacheEntry;
use crate::engine::Job;
use crate::error::{Context, Result, ensure};
use crate::types::{ExportType, ExternType, FuncType, GlobalType, ImportType, MemoryType, ResourcesRequired, TableType, TypeEntry};
use crate::{Engine, TierUp};

use bytes::ModuleBytes;
pub(crate) use code::{ModuleCode, Position, code_map};
use heat::{Charged, HeatMap};

pub(crate) use layout::InstanceLayout;

pub use code::{FuncIndex, ModuleFunction};
pub use serialize::Precompiled;

/// Bytes of a function for which it gets one more budget.
const LARGE: u32 = 1024;

/// A validated and compiled module. Cloning gives another handle to the same module.
#[derive(Clone)]
pub struct Module {
    inner: Arc<ModuleInner>,
}

/// A module, shared by its handles and its instances.
pub(crate) struct ModuleInner {
    pub engine: Engine,
    pub bytes: ModuleBytes,
    pub env: Environment,
    /// Types by type index, and their numbers.
    pub types: Vec<Arc<TypeEntry>>,
    pub type_ids: Box<[u32]>,
    pub layout: InstanceLayout,
    pub code: ModuleCode,
    heat: HeatMap,
    /// Its place in the engine's cache.
    cached: Option<CacheEntry>,
    names: OnceLock<Names>,
    /// Places in the environment's list of exports, in the order of their names.
    exports_by_name: Box<[u32]>,
    /// Place of the export that was looked up last: hosts ask for `memory` again and again.
    last_export: AtomicU32,
}

/// An export of a module that was looked up once, for many instances; see [`Module::get_export_index`].
#[derive(Clone, Debug)]
pub struct ModuleExport {
    module: std::sync::Weak<ModuleInner>,
    place: u32,
}

impl Module {
    /// Compiles a module: its binary format, or with the cargo feature `wat` its text format.
    ///
    /// # Errors
    ///
    /// If the module is malformed or invalid, needs a proposal that the engine does not have (the error names it), or is too large to compile.
    pub fn new(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module> {
        Self::from_any(engine, bytes.as_ref().to_vec())
    }

    /// Compiles the module in a file, as [`Module::new`].
    ///
    /// # Errors
    ///
    /// If the file cannot be read, and as [`Module::new`].
    pub fn from_file(engine: &Engine, file: impl AsRef<Path>) -> Result<Module> {
        let file = file.as_ref();
        let bytes = std::fs::read(file).with_context(|| format!("failed to read input file: {}", file.display()))?;
        Self::from_any(engine, bytes).with_context(|| format!("failed to compile: {}", file.display()))
    }

    /// Compiles a module in the binary format.
    ///
    /// # Errors
    ///
    /// As [`Module::new`].
    pub fn from_binary(engine: &Engine, binary: &[u8]) -> Result<Module> {
        Self::compile(engine, binary.to_vec())
    }

    /// As [`Module::from_binary`], of bytes that it keeps instead of copying them.
    ///
    /// # Errors
    ///
    /// As [`Module::new`].
    pub fn from_vec(engine: &Engine, binary: Vec<u8>) -> Result<Module> {
        Self::compile(engine, binary)
    }

    #[cfg(feature = "wat")]
    fn from_any(engine: &Engine, bytes: Vec<u8>) -> Result<Module> {
        match wat::parse_bytes(&bytes)? {
            std::borrow::Cow::Owned(binary) => Self::compile(engine, binary),
            std::borrow::Cow::Borrowed(_) => Self::compile(engine, bytes),
        }
    }

    #[cfg(not(feature = "wat"))]
    fn from_any(engine: &Engine, bytes: Vec<u8>) -> Result<Module> {
        Self::compile(engine, bytes).context_if_text()
    }

    fn compile(engine: &Engine, bytes: Vec<u8>) -> Result<Module> {
        if let Some(cache) = &engine.config().cache {
            return Self::compile_cached(engine, bytes, cache);
        }
        let env = mj_decode::validate_on(&bytes, &engine.config().features, engine.config().threads())?;
        Self::assemble(engine, bytes, env, None, |env, bytes| ModuleCode::compile(engine, env, bytes))
    }

    /// Compiles a module that may go soon: all of it, at once, and not into the cache.
    pub(crate) fn compile_among_others(engine: &Engine, bytes: Vec<u8>) -> Result<Module> {
        let env = mj_decode::validate_on(&bytes, &engine.config().features, 1)?;
        Self::assemble(engine, bytes, env, None, |env, bytes| ModuleCode::among_others(engine, env, bytes))
    }

    /// A module of valid bytes, with the code that `code` makes.
    fn assemble(
        engine: &Engine,
        bytes: impl Into<ModuleBytes>,
        env: Environment,
        cached: Option<CacheEntry>,
        code: impl FnOnce(&Environment, &[u8]) -> Result<ModuleCode>,
    ) -> Result<Module> {
        check_pool(engine, &env)?;
        let bytes = bytes.into();
        let types: Vec<_> = env.types.iter().map(|ty| engine.types().intern(ty.clone())).collect();
        let type_ids: Box<[u32]> = types.iter().map(|ty| ty.id).collect();
        let code = code(&env, &bytes)?;
        let layout = InstanceLayout::new(&env, &type_ids, &code);
        let mut exports_by_name: Box<[u32]> = (0..env.exports.len() as u32).collect();
        exports_by_name.sort_by(|&a, &b| env.exports[a as usize].name.cmp(&env.exports[b as usize].name));
        let engine = engine.clone();
        let inner = ModuleInner {
            engine,
            bytes,
            env,
            types,
            type_ids,
            layout,
            code,
            heat: HeatMap::default(),
            cached,
            names: OnceLock::new(),
            exports_by_name,
            last_export: AtomicU32::new(0),
        };
        let module = Module { inner: Arc::new(inner) };
        module.inner.code.map.set_module(&module.inner);
        profile::module_made(&module.inner);
        Ok(module)
    }

    /// Checks that a module in the binary format is valid, without compiling it.
    ///
    /// # Errors
    ///
    /// If it is not, or needs a proposal that the engine does not have.
    pub fn validate(engine: &Engine, binary: &[u8]) -> Result<()> {
        mj_decode::validate_on(binary, &engine.config().features, engine.config().threads())?;
        Ok(())
    }

    /// Its name, from the name section.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.inner.names().module(&self.inner.bytes)
    }

    /// What it imports, in its order.
    pub fn imports<'module>(&'module self) -> impl ExactSizeIterator<Item = ImportType<'module>> + 'module {
        (0..self.inner.env.imports.len()).map(|index| ImportType::new(&self.inner, index))
    }

    /// What it exports, in its order.
    pub fn exports<'module>(&'module self) -> impl ExactSizeIterator<Item = ExportType<'module>> + 'module {
        (0..self.inner.env.exports.len()).map(|index| ExportType::new(&self.inner, index))
    }

    /// Type of the export with this name.
    #[must_use]
    pub fn get_export(&self, name: &str) -> Option<ExternType> {
        let export = self.inner.export(name)?;
        Some(self.inner.export_type(export))
    }

    /// The export with this name, to be found faster in instances.
    #[must_use]
    pub fn get_export_index(&self, name: &str) -> Option<ModuleExport> {
        let place = self.inner.export_place(name)?;
        Some(ModuleExport { module: Arc::downgrade(&self.inner), place })
    }

    /// The engine it was made for.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// What its instances need.
    #[must_use]
    pub fn resources_required(&self) -> ResourcesRequired {
        let env = &self.inner.env;
        ResourcesRequired {
            num_memories: env.memories.len() as u32 - env.imported_memories,
            max_initial_memory_size: env.memories[env.imported_memories as usize..].iter().map(|ty| ty.minimum).max(),
            num_tables: env.tables.len() as u32 - env.imported_tables,
            max_initial_table_size: env.tables[env.imported_tables as usize..].iter().map(|ty| ty.minimum).max(),
        }
    }

    /// Whether `a` and `b` are the same module.
    #[must_use]
    pub fn same(a: &Module, b: &Module) -> bool {
        Arc::ptr_eq(&a.inner, &b.inner)
    }

    /// Its own functions that have code, in the order of their addresses.
    pub fn functions(&self) -> impl ExactSizeIterator<Item = ModuleFunction> + '_ {
        self.inner.code.functions(&self.inner).into_iter()
    }

    /// The machine code of one of its own functions, by its index in the module; `None` if it is imported or has no code yet.
    ///
    /// For tools that show code. [`Module::compile_function`] gives a function code.
    #[must_use]
    pub fn function_code(&self, function: u32) -> Option<&[u8]> {
        let own = self.inner.env.defined_function(function)?;
        self.inner.code.bytes_of(own)
    }

    /// The bytes of one of its own functions in the module, local declarations included, with their offset.
    #[must_use]
    pub fn function_body(&self, function: u32) -> Option<(usize, &[u8])> {
        let own = self.inner.env.defined_function(function)?;
        let range = self.inner.env.bodies.get(own as usize)?;
        Some((range.start as usize, &self.inner.bytes[range.start as usize..range.end as usize]))
    }

    /// Where operators of a function begin in its machine code, as far as it is known: offset in the code, and in the module.
    #[must_use]
    pub fn function_sites(&self, function: u32) -> Vec<(usize, usize)> {
        self.inner.env.defined_function(function).map_or_else(Vec::new, |own| self.inner.code.sites_of(own))
    }

    /// All its machine code, stubs and gaps included.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.inner.code.text()
    }

    /// Where all its machine code is in memory, as [`Module::text`] has it: for `mlock` and the like. Code that is added later, at first calls or by
    /// tiers, is not in it.
    #[must_use]
    pub fn image_range(&self) -> Range<*const u8> {
        self.text().as_ptr_range()
    }

    /// Name of a function, from the name section.
    #[must_use]
    pub fn function_name(&self, function: u32) -> Option<&str> {
        self.inner.function_name(function)
    }

    /// Compiles one of its own functions now, if it has no code yet.
    ///
    /// # Errors
    ///
    /// If there is no such function, or it is too large to compile.
    pub fn compile_function(&self, function: u32) -> Result<()> {
        let own = self.inner.own_function(function)?;
        self.inner.compile_lazily(own)?;
        Ok(())
    }

    /// Sends one of its own functions through the optimizing compiler and tells `watch` of each stage. The code is not kept.
    ///
    /// For tools that show what the compiler does, and what it takes. The text of a stage is made only if it is asked for.
    ///
    /// # Errors
    ///
    /// If there is no such function, or it is too large to be optimized.
    pub fn watch_optimizer(&self, function: u32, mut watch: impl FnMut(&StageDone<'_>)) -> Result<()> {
        let own = self.inner.own_function(function)?;
        self.inner.code.watch(&self.inner, own, &mut watch)
    }

    /// The stages of the optimizing compiler, in order.
    pub fn optimizer_stages() -> impl ExactSizeIterator<Item = Stage> {
        mj_codegen::Compiler::stages()
    }

    /// The bytes it was made from, in the binary format.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.inner.bytes
    }

    /// Contents of its custom sections with a name, in its order.
    pub fn custom_sections<'module>(&'module self, name: &'module str) -> impl Iterator<Item = &'module [u8]> + 'module {
        let sections = self.inner.env.custom_sections.iter().filter(move |section| &*section.name == name);
        sections.map(|section| &self.inner.bytes[section.range.start as usize..section.range.end as usize])
    }

    pub(crate) fn inner(&self) -> &Arc<ModuleInner> {
        &self.inner
    }

    pub(crate) fn from_inner(inner: Arc<ModuleInner>) -> Module {
        Module { inner }
    }
}

impl ModuleExport {
    /// Its place in the list of exports of `module`; `None` if it is another module's.
    pub(crate) fn place_in(&self, module: &Arc<ModuleInner>) -> Option<u32> {
        std::ptr::eq(self.module.as_ptr(), Arc::as_ptr(module)).then_some(self.place)
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("name", &self.name()).finish_non_exhaustive()
    }
}

impl fmt::Debug for ModuleInner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleInner").finish_non_exhaustive()
    }
}

impl ModuleInner {
    pub fn names(&self) -> &Names {
        self.names.get_or_init(|| Names::parse(&self.bytes, self.env.name_section.clone()))
    }

    pub fn function_name(&self, function: u32) -> Option<&str> {
        self.names().function(&self.bytes, function)
    }

    pub fn export_place(&self, name: &str) -> Option<u32> {
        let last = self.last_export.load(Ordering::Relaxed);
        if self.env.exports.get(last as usize).is_some_and(|export| *export.name == *name) {
            return Some(last);
        }
        let by_name = |&place: &u32| (*self.env.exports[place as usize].name).cmp(name);
        let found = self.exports_by_name.binary_search_by(by_name).ok()?;
        let place = self.exports_by_name[found];
        self.last_export.store(place, Ordering::Relaxed);
        Some(place)
    }

    pub fn export(&self, name: &str) -> Option<&Export> {
        Some(&self.env.exports[self.export_place(name)? as usize])
    }

    pub fn function_type(&self, function: u32) -> &Arc<TypeEntry> {
        &self.types[self.env.functions[function as usize] as usize]
    }

    pub fn export_type(&self, export: &Export) -> ExternType {
        let index = export.index as usize;
        match export.kind {
            ExportKind::Function => FuncType::from_entry(&self.engine, self.function_type(export.index).clone()).into(),
            ExportKind::Global => GlobalType::lift(self.env.globals[index]).into(),
            ExportKind::Table => TableType::lift(self.env.tables[index]).into(),
            ExportKind::Memory => MemoryType::lift(self.env.memories[index]).into(),
        }
    }

    pub fn import_type(&self, import: &mj_decode::ImportType) -> ExternType {
        match *import {
            mj_decode::ImportType::Function(ty) => FuncType::from_entry(&self.engine, self.types[ty as usize].clone()).into(),
            mj_decode::ImportType::Global(ty) => GlobalType::lift(ty).into(),
            mj_decode::ImportType::Table(ty) => TableType::lift(ty).into(),
            mj_decode::ImportType::Memory(ty) => MemoryType::lift(ty).into(),
        }
    }

    /// Index among its own functions of one that has a body.
    fn own_function(&self, function: u32) -> Result<u32> {
        let own = self.env.defined_function(function).filter(|&own| own < self.env.defined_functions());
        own.with_context(|| format!("the module has no function {function} of its own"))
    }

    /// Gives one of the module's own functions code, and returns its entry address.
    pub fn compile_lazily(&self, own: u32) -> Result<usize> {
        let entry = self.code.compile_lazily(self, own)?;
        Ok(entry)
    }

    /// Tiered code has done a period's work; see [`mj_runtime::InstanceHooks::tier_up`].
    pub fn tier_up(self: &Arc<Self>, own: u32, place: u32) -> Option<NonNull<u8>> {
        let body = &self.env.bodies[own as usize];
        let place = if place == body.start { Entry::Function } else { Entry::Loop(place) };
        let tiering = &self.engine.config().tiering;
        let budget = u64::from(tiering.budget) * u64::from(1 + (body.end - body.start) / LARGE);
        let (entry, heat, code) = match self.heat.charge(own, place, self.engine.tier_up_period()?.get(), budget) {
            Charged::Nothing => return None,
            Charged::Wants(entry, heat) => (entry, Some(heat), None),
            Charged::Ready(code, heat) => (Entry::Function, heat, Some(code)),
        };
        match heat {
            None => {}
            Some(_) if tiering.waits => self.optimize(own, entry),
            Some(heat) => self.engine.optimize_later(Job { module: Arc::downgrade(self), own, entry, heat }),
        }
        let code = code.or_else(|| if tiering.waits && entry == place { self.heat.enter(own, place) } else { None })?;
        NonNull::new(code as *mut u8)
    }

    /// Gives one of the module's own functions, or a loop of it, optimized code, if it can be optimized.
    pub fn optimize(&self, own: u32, entry: Entry) {
        let (after, began) = (self.engine.age(), Instant::now());
        // Whatever the reason, the code that there is stays.
        let made = self.code.optimize(self, own, entry).ok();
        self.heat.finish(own, entry, made.map(|(address, _)| address));
        if made.is_some() {
            self.count_for_cache();
        }
        if let Some(observer) = &self.engine.config().tiering.observer {
            let function = self.env.imported_functions + own;
            observer.tell(&TierUp {
                function,
                name: self.function_name(function).map(str::to_owned),
                loop_offset: if let Entry::Loop(at) = entry { Some(at) } else { None },
                after,
                took: began.elapsed(),
                bytes: made.map(|(_, bytes)| bytes),
            });
        }
    }

    /// A function as a sentence may name it.
    pub fn describe_function(&self, own: u32) -> String {
        let function = self.env.imported_functions + own;
        match self.function_name(function) {
            Some(name) => format!("function {function} ({name})"),
            None => format!("function {function}"),
        }
    }
}

#[cfg(not(feature = "wat"))]
trait ContextIfText {
    fn context_if_text(self) -> Self;
}

#[cfg(not(feature = "wat"))]
impl ContextIfText for Result<Module> {
    fn context_if_text(self) -> Self {
        let is_text =
            |error: &crate::Error| error.downcast_ref::<mj_decode::DecodeError>().is_some_and(|error| error.message.contains("text"));
        self.map_err(|error| match is_text(&error) {
            true => error.context("the text format is accepted with the cargo feature `wat` only"),
            false => error,
        })
    }
}

/// Checks a module against the limits of the engine's pool.
fn check_pool(engine: &Engine, env: &Environment) -> Result<()> {
    let Some(pool) = &engine.config().pooling else { return Ok(()) };
    let memories = &env.memories[env.imported_memories as usize..];
    let tables = &env.tables[env.imported_tables as usize..];
    let most = pool.max_memories_per_module as usize;
    ensure!(memories.len() <= most, "defined memories count of {} exceeds the per-instance limit of {most}", memories.len());
    let most = pool.max_tables_per_module as usize;
    ensure!(tables.len() <= most, "defined tables count of {} exceeds the per-instance limit of {most}", tables.len());
    for (index, ty) in memories.iter().enumerate() {
        let bytes = ty.minimum.saturating_mul(ty.page_size());
        let most = pool.max_memory_size as u64;
        ensure!(bytes <= most, "memory index {index} has a minimum byte size of {bytes} which exceeds the limit of {most} bytes");
    }
    for (index, ty) in tables.iter().enumerate() {
        let most = pool.table_elements as u64;
        ensure!(ty.minimum <= most, "table index {index} has a minimum element size of {} which exceeds the limit of {most}", ty.minimum);
    }
    Ok(())
}

#[cfg(all(test, not(feature = "wat")))]
mod tests {
    use super::*;

    #[test]
    fn text_without_its_feature_is_explained() {
        let error = Module::new(&Engine::default(), "(module)").map_err(|error| format!("{error:#}")).unwrap_err();
        assert!(error.contains("cargo feature `wat`"), "{error}");
    }
}
