//! From a file to a compiled module, with progress on a terminal where it takes long.

use std::fs;
use std::io::{ErrorKind, IsTerminal, Write, stderr};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mj_jit::{Engine, Module};

use crate::failure::Failure;
use crate::precompiled;

/// How long something may take before it shows progress.
const PATIENCE: Duration = Duration::from_millis(500);
const BINARY_MAGIC: &[u8] = b"\0asm";

/// Reads a module in the binary or the text format; the result is in the binary format.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    to_binary(path, read_file(path)?)
}

/// The module in a file: compiles it, or if it was compiled before and that is allowed, takes it as it is.
pub(crate) fn load(engine: &Engine, path: &Path, allow_precompiled: bool) -> Result<Module, Failure> {
    if precompiled::is_compiled_file(path) {
        return precompiled::load_file(engine, path, allow_precompiled);
    }
    let bytes = read_file(path)?;
    if precompiled::is_compiled(&bytes) {
        return precompiled::load(engine, path, bytes, allow_precompiled);
    }
    compile_owned(engine, path, to_binary(path, bytes)?)
}

fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| {
        let what_to_do = match error.kind() {
            ErrorKind::NotFound => ": check the spelling and the current folder",
            ErrorKind::IsADirectory => ": name the file in it",
            _ => "",
        };
        Failure::other(format!("cannot read {}: {error}{what_to_do}", path.display()))
    })
}

fn to_binary(path: &Path, bytes: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if is_text(path, &bytes) {
        return wat::parse_bytes(&bytes).map(|binary| binary.into_owned()).map_err(|mut error| {
            error.set_path(path);
            Failure::other(error)
        });
    }
    if precompiled::is_compiled(&bytes) {
        let message = format!("{}: this module is compiled already, and only `mj run --allow-precompiled` takes it", path.display());
        return Err(Failure::Other(message));
    }
    if !bytes.starts_with(&BINARY_MAGIC[..bytes.len().min(BINARY_MAGIC.len())]) {
        let what_to_do = "a binary module begins with `\\0asm`, a text module with `(module`";
        return Err(Failure::other(format!("{}: not a WebAssembly module (at offset 0x0): {what_to_do}", path.display())));
    }
    Ok(bytes)
}

fn is_text(path: &Path, bytes: &[u8]) -> bool {
    let is_named_so = path.extension().is_some_and(|extension| extension == "wat");
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    !bytes.starts_with(BINARY_MAGIC) && (is_named_so || matches!(first, Some(b'(' | b';')))
}

/// Compiles a module, which came from `path`.
pub(crate) fn compile(engine: &Engine, path: &Path, bytes: &[u8]) -> Result<Module, Failure> {
    compile_owned(engine, path, bytes.to_vec())
}

fn compile_owned(engine: &Engine, path: &Path, bytes: Vec<u8>) -> Result<Module, Failure> {
    let progress = Progress::start(format!("compiling {} ({:.1} MB)", path.display(), bytes.len() as f64 / 1e6));
    let module = Module::from_vec(engine, bytes);
    progress.end();
    module.map_err(|error| Failure::other(format!("{}: {error:#}", path.display())))
}

/// A line on the terminal that counts the seconds, if they become many.
pub(crate) struct Progress(Option<(Sender<()>, JoinHandle<()>)>);

impl Progress {
    pub(crate) fn start(what: String) -> Self {
        if !stderr().is_terminal() {
            return Self(None);
        }
        let (end, ended) = channel();
        let thread = thread::spawn(move || {
            let began = Instant::now();
            let mut shown = false;
            while ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _ = write!(stderr(), "\r{what}: {:.1} s", began.elapsed().as_secs_f32());
                shown = true;
            }
            if shown {
                let _ = write!(stderr(), "\r\x1b[K");
            }
        });
        Self(Some((end, thread)))
    }

    /// Removes the line.
    pub(crate) fn end(self) {
        if let Some((end, thread)) = self.0 {
            drop(end);
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_recognized_by_name_and_by_content() {
        assert!(is_text(Path::new("a.wat"), b""));
        assert!(is_text(Path::new("a"), b"\n  (module)"));
        assert!(is_text(Path::new("a"), b";; comment"));
        assert!(!is_text(Path::new("a.wat"), b"\0asm\x01\0\0\0"));
        assert!(!is_text(Path::new("a.wasm"), b"\0as"));
        assert!(!is_text(Path::new("a.wasm"), b"hello"));
    }
}
