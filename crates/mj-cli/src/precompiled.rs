//! Compiled modules: the one place where the command trusts a file.

#![allow(unsafe_code)]

use std::path::Path;

use mj_jit::{Engine, Module};

use crate::failure::Failure;

/// Whether a file's contents are a compiled module.
pub(crate) fn is_compiled(bytes: &[u8]) -> bool {
    Engine::detect_precompiled(bytes).is_some()
}

/// The compiled module in a file, if whoever runs the command says that the file is to be trusted.
pub(crate) fn load(engine: &Engine, path: &Path, bytes: Vec<u8>, is_trusted: bool) -> Result<Module, Failure> {
    let shown = path.display();
    if !is_trusted {
        return Err(Failure::other(format!(
            "{shown}: this is machine code, which nothing keeps in bounds; if you trust whoever compiled it, run it with --allow-precompiled"
        )));
    }
    // SAFETY: the user says that the file is what `mj compile` made of a module.
    let module = unsafe { Module::deserialize_vec(engine, bytes) };
    module.map_err(|error| Failure::other(format!("{shown}: {error:#}")))
}
