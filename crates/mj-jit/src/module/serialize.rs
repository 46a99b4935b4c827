//! Modules as bytes, to be compiled in one process and run in another.

use std::fs::File;
use std::io::{Read, Seek};
use std::ops::Range;
use std::path::Path;
use std::ptr::NonNull;

use mj_decode::Module as Environment;
use mj_runtime::FileBytes;

use super::artefact::{self, Artefact};
use super::bytes::ModuleBytes;
use super::code::Choice;
use super::{Module, ModuleCode};
use crate::error::{Context, Result, ensure};
use crate::{CompilationMode, Engine, ProfilingStrategy, Strategy};

/// What bytes that were compiled ahead of time are; see [`Engine::detect_precompiled`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Precompiled {
    /// A module.
    Module,
    /// A component. There are none.
    Component,
}

impl Engine {
    /// Compiles a module to bytes for [`Module::deserialize`], in this process or in another: its binary format, or with the cargo feature
    /// `wat` its text format.
    ///
    /// All functions are compiled, however the engine compiles otherwise. Where it would move hot functions to the optimizing compiler,
    /// all are optimized: ahead of time there is time.
    ///
    /// # Errors
    ///
    /// As [`Module::new`].
    pub fn precompile_module(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut config = self.config().clone();
        config.compilation_mode(CompilationMode::Eager).profiler(ProfilingStrategy::None).cache(None);
        if self.tier_up_period().is_some() {
            config.strategy(Strategy::OPTIMIZING);
        }
        Module::new(&Engine::new(&config)?, bytes)?.serialize()
    }

    /// Whether bytes begin like a compiled module. The rest may still turn out to be damaged, or of another engine.
    #[must_use]
    pub fn detect_precompiled(bytes: &[u8]) -> Option<Precompiled> {
        artefact::is_artefact(bytes).then_some(Precompiled::Module)
    }

    /// As [`Engine::detect_precompiled`], for a file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn detect_precompiled_file(path: impl AsRef<Path>) -> Result<Option<Precompiled>> {
        let mut start = Vec::new();
        let mut file = File::open(path)?;
        file.by_ref().take(artefact::MAGIC.len() as u64).read_to_end(&mut start)?;
        Ok(Self::detect_precompiled(&start))
    }

    /// Something to hash that is equal for engines which can run each other's compiled modules.
    #[must_use]
    pub fn precompile_compatibility_hash(&self) -> impl std::hash::Hash + '_ {
        self.fingerprint().text()
    }
}

impl Module {
    /// The compiled module as bytes, for [`Module::deserialize`].
    ///
    /// Functions that have no code yet are compiled first. What was optimized while the module ran is in it.
    ///
    /// # Errors
    ///
    /// If a function is too large to compile, or the module too large to serialize.
    pub fn serialize(&self) -> Result<Vec<u8>> {
        let inner = self.inner();
        for own in 0..inner.env.defined_functions() {
            inner.compile_lazily(own)?;
        }
        artefact::write(&inner.code.stored(Choice::All), &inner.engine.fingerprint().text(), [0; 16], &inner.bytes)
    }

    /// The module that [`Module::serialize`] or [`Engine::precompile_module`] made bytes of.
    ///
    /// Nothing is compiled or validated. Damaged bytes, and those of other versions, processors or options, are errors.
    ///
    /// # Safety
    ///
    /// The bytes are machine code, and run with this process' rights. That they are what one of the functions above returned is not
    /// checked, and cannot be: they must come from there, and nobody who is not trusted may have changed them since.
    ///
    /// # Errors
    ///
    /// If the bytes are not a compiled module, are damaged, or were compiled for other engines than this; the error says which.
    pub unsafe fn deserialize(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module> {
        // SAFETY: as the caller promises.
        unsafe { Self::deserialize_vec(engine, bytes.as_ref().to_vec()) }
    }

    /// As [`Module::deserialize`], of bytes that it keeps instead of copying them.
    ///
    /// # Safety
    ///
    /// As [`Module::deserialize`].
    ///
    /// # Errors
    ///
    /// As [`Module::deserialize`].
    pub unsafe fn deserialize_vec(engine: &Engine, mut bytes: Vec<u8>) -> Result<Module> {
        let (env, code, module) = Self::parts(engine, &bytes)?;
        bytes.truncate(module.end);
        bytes.drain(..module.start);
        bytes.shrink_to_fit();
        Module::assemble(engine, bytes, env, None, |_, _| Ok(code))
    }

    /// What an artefact has: the module's environment, its code, placed, and where its bytes are.
    fn parts(engine: &Engine, bytes: &[u8]) -> Result<(Environment, ModuleCode, Range<usize>)> {
        let artefact = Artefact::parse(bytes)?;
        engine.fingerprint().check(artefact.fingerprint)?;
        let env = mj_decode::parse_validated(artefact.module, &engine.config().features)?;
        let stored = artefact.functions(engine.arch(), env.defined_functions())?;
        ensure!(stored.is_complete(env.defined_functions()), "the compiled module is damaged: functions are missing");
        let code = ModuleCode::from_stored(engine, &env, &stored)?;
        // The module is the last part.
        Ok((env, code, bytes.len() - artefact.module.len()..bytes.len()))
    }

    /// As [`Module::deserialize`], of memory that somebody else looks after, such as a part of the program's own image.
    ///
    /// wasmtime runs the code where it lies, so that the memory must stay for ever and begin at a page; here it is copied, and may go when
    /// this returns.
    ///
    /// # Safety
    ///
    /// As [`Module::deserialize`]; and the memory must be readable, and not be written, until this returns.
    ///
    /// # Errors
    ///
    /// As [`Module::deserialize`].
    pub unsafe fn deserialize_raw(engine: &Engine, memory: NonNull<[u8]>) -> Result<Module> {
        // SAFETY: as the caller promises.
        unsafe { Self::deserialize(engine, memory.as_ref()) }
    }

    /// As [`Module::deserialize`], from a file, which is mapped: the module's bytes stay in it.
    ///
    /// # Safety
    ///
    /// As [`Module::deserialize`]; and nobody may write to the file, or make it shorter, as long as the module lives. A new version gets the name by
    /// being moved there.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, and as [`Module::deserialize`].
    pub unsafe fn deserialize_file(engine: &Engine, path: impl AsRef<Path>) -> Result<Module> {
        let path = path.as_ref();
        let file = File::open(path).with_context(|| format!("failed to open file: {}", path.display()))?;
        // SAFETY: as the caller promises.
        unsafe { Self::deserialize_open_file(engine, file) }.with_context(|| format!("failed deserialization for: {}", path.display()))
    }

    /// As [`Module::deserialize`], from the rest of a file that is open: mapped, if that is all of it.
    ///
    /// # Safety
    ///
    /// As [`Module::deserialize_file`].
    ///
    /// # Errors
    ///
    /// If the file cannot be read, and as [`Module::deserialize`].
    pub unsafe fn deserialize_open_file(engine: &Engine, mut file: File) -> Result<Module> {
        if file.stream_position().is_ok_and(|position| position == 0)
            // SAFETY: as the caller promises.
            && let Ok(mapped) = unsafe { FileBytes::map(&file) }
            && !mapped.is_empty()
        {
            let (env, code, module) = Self::parts(engine, &mapped)?;
            return Module::assemble(engine, ModuleBytes::in_file(mapped, module), env, None, |_, _| Ok(code));
        }
        // A pipe, or a part of a file.
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // SAFETY: as the caller promises.
        unsafe { Self::deserialize_vec(engine, bytes) }
    }
}
