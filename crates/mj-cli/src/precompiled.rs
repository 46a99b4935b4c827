//! Compiled modules: the one place where the command trusts a file.

#![allow(unsafe_code)]

use std::fs::File;
use std::path::Path;

use mj_jit::{Engine, Module};

use crate::failure::Failure;

/// Whether a file's contents are a compiled module.
pub(crate) fn is_compiled(bytes: &[u8]) -> bool {
    Engine::detect_precompiled(bytes).is_some()
}

/// Whether there is a compiled module in a file: one that can be read again, unlike a pipe.
pub(crate) fn is_compiled_file(path: &Path) -> bool {
    path.is_file() && Engine::detect_precompiled_file(path).is_ok_and(|found| found.is_some())
}

/// A compiled module, if whoever runs the command says that what it comes from is to be trusted.
pub(crate) fn load(engine: &Engine, path: &Path, bytes: Vec<u8>, is_trusted: bool) -> Result<Module, Failure> {
    check_trust(path, is_trusted)?;
    // SAFETY: the user says that the file is what `mj compile` made of a module.
    let module = unsafe { Module::deserialize_vec(engine, bytes) };
    module.map_err(|error| Failure::other(format!("{}: {error:#}", path.display())))
}

/// As [`load`], from the file itself, most of which stays there.
pub(crate) fn load_file(engine: &Engine, path: &Path, is_trusted: bool) -> Result<Module, Failure> {
    check_trust(path, is_trusted)?;
    // SAFETY: as above; `mj compile` replaces files by moving new ones there, and who trusts a file sees to it that nobody else writes to it.
    let module = File::open(path).map_err(Into::into).and_then(|file| unsafe { Module::deserialize_open_file(engine, file) });
    module.map_err(|error| Failure::other(format!("{}: {error:#}", path.display())))
}

fn check_trust(path: &Path, is_trusted: bool) -> Result<(), Failure> {
    match is_trusted {
        true => Ok(()),
        false => Err(Failure::other(format!(
            "{}: this is machine code, which nothing keeps in bounds; if you trust whoever compiled it, run it with --allow-precompiled",
            path.display()
        ))),
    }
}
