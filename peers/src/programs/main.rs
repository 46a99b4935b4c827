//! `programs ENGINE FILE`: what `mj bench --json FILE` measures, in another engine, as the same line of JSON.
//!
//! Engines: `cranelift` and `winch` (wasmtime), `wasmi`. Compile time is that of the whole module, validation included, on one thread, from bytes that
//! this process has not compiled before, nothing cached: the best of several. The guest sees its file's folder as `.`, its own name
//! as the only argument, no environment and no input; `bench.start` and `bench.end` are imports around what it wants measured.
//! The environment variables `BUDGET` (milliseconds of compiling) and `COMPILE_ONLY` mean what they mean to `mj bench`.

#![forbid(unsafe_code)]

mod report;
mod wasmi_engine;
mod wasmtime_engine;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use report::{Report, Run};

/// Compiles of one module: at least so many, then until the budget is used up.
const FEWEST_COMPILES: u32 = 3;
const MOST_COMPILES: u32 = 200;
/// In milliseconds; the environment variable `BUDGET` says otherwise.
const BUDGET: u64 = 500;

/// An engine: runs its first argument as the program of the second.
type Engine = fn(&mut Bytes, &Guest) -> Result<(Duration, Option<Run>), Box<dyn Error>>;

const ENGINES: [(&str, Engine); 3] =
    [("cranelift", wasmtime_engine::cranelift), ("winch", wasmtime_engine::winch), ("wasmi", wasmi_engine::run)];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, file] = arguments.as_slice() else {
        eprintln!("usage: programs ENGINE FILE, with an engine of {}", names().join(", "));
        return ExitCode::FAILURE;
    };
    match measure(name, Path::new(file)) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{name}: {file}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn names() -> Vec<&'static str> {
    ENGINES.iter().map(|(name, _)| *name).collect()
}

fn measure(name: &str, file: &Path) -> Result<String, Box<dyn Error>> {
    let Some((_, engine)) = ENGINES.iter().find(|(known, _)| *known == name) else {
        return Err(format!("no engine is called so: choose one of {}", names().join(", ")).into());
    };
    let module = fs::read(file)?;
    let size = module.len();
    let (compile, run) = engine(&mut Bytes::new(module), &Guest::new(file))?;
    Ok(Report { engine: name, file, size, compile, run }.json())
}

/// A program, and what it sees.
pub(crate) struct Guest {
    /// Its own name, the only argument.
    pub name: String,
    /// The folder it sees as `.`.
    pub folder: PathBuf,
    /// Whether it is not to run.
    pub is_compiled_only: bool,
}

impl Guest {
    fn new(file: &Path) -> Self {
        let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self { name, folder: folder.to_owned(), is_compiled_only: env::var_os("COMPILE_ONLY").is_some() }
    }
}

/// A module whose bytes are new each time it is compiled: in a custom section at the end, a number counts up.
pub(crate) struct Bytes(Vec<u8>);

impl Bytes {
    fn new(mut module: Vec<u8>) -> Self {
        module.extend([0, 6, 1, b'x', 0, 0, 0, 0]);
        Self(module)
    }

    /// Compiles until the budget is used up. Returns the last module and the shortest time.
    pub(crate) fn compile<M, E>(&mut self, compile: impl Fn(&[u8]) -> Result<M, E>) -> Result<(M, Duration), E> {
        let budget = env::var("BUDGET").ok().and_then(|text| text.parse().ok()).unwrap_or(BUDGET);
        let (mut best, mut count, began) = (Duration::MAX, 0_u32, Instant::now());
        loop {
            let counter = self.0.len() - 4;
            self.0[counter..].copy_from_slice(&count.to_le_bytes());
            let start = Instant::now();
            let module = compile(&self.0)?;
            best = best.min(start.elapsed());
            count += 1;
            let is_enough = began.elapsed() >= Duration::from_millis(budget) || count == MOST_COMPILES;
            if count >= FEWEST_COMPILES && is_enough {
                return Ok((module, best));
            }
        }
    }
}

/// When the guest called `bench.start`, and how long after that `bench.end`.
#[derive(Default)]
pub(crate) struct Clock {
    started: Option<Instant>,
    span: Option<Duration>,
}

impl Clock {
    pub(crate) fn start(&mut self) {
        self.started = Some(Instant::now());
    }

    pub(crate) fn end(&mut self) {
        self.span = self.started.map(|started| started.elapsed());
    }

    pub(crate) fn span(&self) -> Option<Duration> {
        self.span
    }
}
