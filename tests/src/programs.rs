//! The small C programs in `tests/programs`, with what each needs and what it must print.

use std::fs;
use std::path::{Path, PathBuf};

/// One program.
#[derive(Clone, Debug)]
pub struct Program {
    /// File name without extension.
    pub name: String,
    /// The compiled module.
    pub module: PathBuf,
    /// Arguments behind the program's name.
    pub arguments: Vec<String>,
    /// Environment variables, as `NAME=VALUE`.
    pub environment: Vec<String>,
    /// What it reads from standard input.
    pub input: Vec<u8>,
    /// What it must print to standard output.
    pub expected: Vec<u8>,
    /// The code it must exit with.
    pub exit_code: i32,
}

/// Where the programs are.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("programs")
}

/// All programs, in order of name.
///
/// # Panics
///
/// If a program lacks its `.wasm` or `.expected` file: the check-out is damaged.
#[must_use]
pub fn all() -> Vec<Program> {
    let entries = fs::read_dir(folder()).expect("tests/programs can be read");
    let mut sources: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    sources.retain(|path| path.extension().is_some_and(|extension| extension == "c"));
    sources.sort();
    sources.iter().map(|source| load(source)).collect()
}

fn load(source: &Path) -> Program {
    let lines = |extension: &str| -> Vec<String> {
        let text = fs::read_to_string(source.with_extension(extension)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    };
    let expected = source.with_extension("expected");
    Program {
        name: source.file_stem().expect("it has a name").to_string_lossy().into_owned(),
        module: source.with_extension("wasm"),
        arguments: lines("args"),
        environment: lines("env"),
        input: fs::read(source.with_extension("stdin")).unwrap_or_default(),
        expected: fs::read(&expected).unwrap_or_else(|error| panic!("{}: {error}", expected.display())),
        exit_code: lines("exit").first().map_or(0, |line| line.trim().parse().expect("an exit code is a number")),
    }
}
