//! `mj bench`: how long a program takes to compile, to instantiate and to run.
//!
//! Compile time is that of the whole module, validation included, on one thread, from bytes that this process has not compiled
//! before: the best of several. With `--tier tiered` it is the time of the module's constructor, and functions are
//! compiled while the program runs. Nothing is kept on disk. The guest sees its file's folder as `.`, no input, and two imports `bench.start` and
//! `bench.end` around what it wants measured.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mj_jit::{Caller, CompilationMode, Engine, Linker, Module};
use mj_wasi::p2::pipe::MemoryOutputPipe;
use mj_wasi::{I32Exit, WasiCtxBuilder};

use crate::digest::sha256;
use crate::failure::Failure;
use crate::host::{self, Host};
use crate::options::{EngineOptions, Settings};
use crate::{module, output};

/// What to measure, and how.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: EngineOptions,
    /// The program
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Compiles of one module: at least so many, then until the budget is used up.
const FEWEST_COMPILES: u32 = 3;
const MOST_COMPILES: u32 = 200;
/// In milliseconds; the environment variable `BUDGET` says otherwise.
const BUDGET: u64 = 500;
/// With this environment variable, programs are only compiled.
const COMPILE_ONLY: &str = "COMPILE_ONLY";

struct Run {
    instantiate: Duration,
    start: Duration,
    /// Between `bench.start` and `bench.end`, if the program called them.
    span: Option<Duration>,
    exit: i32,
    stdout: String,
    /// Whether the output is the expected one, if it is known.
    ok: Option<bool>,
}

/// Measures a program and prints the figures.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut settings = Settings::default();
    settings.config.compilation_mode(CompilationMode::Eager).parallel_compilation(false);
    arguments.engine.apply(&mut settings)?;
    let engine = settings.engine()?;
    let file = &arguments.file;
    let mut bytes = module::read(file)?;
    let size = bytes.len();
    let (module, compile) = compile(&engine, file, &mut bytes)?;
    let run = match env::var_os(COMPILE_ONLY) {
        Some(_) => None,
        None => Some(run_once(&settings, &engine, &module, file)?),
    };
    if arguments.json {
        output::line(&json(file, size, compile, run.as_ref()));
    } else {
        output::bytes(table(file, size, compile, run.as_ref()).as_bytes());
    }
    Ok(())
}

fn compile(engine: &Engine, file: &Path, bytes: &mut Vec<u8>) -> Result<(Module, Duration), Failure> {
    // A custom section whose contents change makes the bytes new each time.
    bytes.extend([0, 6, 1, b'x', 0, 0, 0, 0]);
    let counter = bytes.len() - 4..bytes.len();
    let budget = env::var("BUDGET").ok().and_then(|text| text.parse().ok()).unwrap_or(BUDGET);
    let (mut best, mut count, began) = (Duration::MAX, 0_u32, Instant::now());
    loop {
        bytes[counter.clone()].copy_from_slice(&count.to_le_bytes());
        let start = Instant::now();
        let module = module::compile(engine, file, bytes)?;
        best = best.min(start.elapsed());
        count += 1;
        let is_enough = began.elapsed() >= Duration::from_millis(budget) || count == MOST_COMPILES;
        if count >= FEWEST_COMPILES && is_enough {
            return Ok((module, best));
        }
    }
}

fn run_once(settings: &Settings, engine: &Engine, module: &Module, file: &Path) -> Result<Run, Failure> {
    let subject = file.display().to_string();
    let output = MemoryOutputPipe::new(usize::MAX);
    let mut wasi = WasiCtxBuilder::new();
    wasi.arg(file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()));
    wasi.stdout(output.clone());
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    host::open_folder(&mut wasi, folder, ".")?;
    let mut store = host::store(engine, settings, wasi.build_p1())?;
    let mut linker = host::linker(engine, settings)?;
    define_clock(&mut linker).map_err(|error| Failure::other(format!("{error:#}")))?;

    let began = Instant::now();
    let instance = linker.instantiate(&mut store, module).map_err(|error| Failure::of_guest(&subject, &error))?;
    let instantiate = began.elapsed();
    let start = instance
        .get_typed_func::<(), ()>(&mut store, "_start")
        .map_err(|error| Failure::other(format!("{subject}: no program to measure: {error:#}")))?;
    let began = Instant::now();
    let result = start.call(&mut store, ());
    let elapsed = began.elapsed();
    let exit = match result {
        Ok(()) => 0,
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => exit.0,
            None => return Err(Failure::of_guest(&subject, &error)),
        },
    };
    let output = output.contents();
    let ok = expected_file(file).and_then(|expected| fs::read(expected).ok()).map(|expected| expected == output);
    let stdout = sha256(&output)[..16].to_owned();
    Ok(Run { instantiate, start: elapsed, span: store.data().span, exit, stdout, ok })
}

/// What the program should print, if that is known: `NAME.stdout.expected` or `NAME.expected`.
fn expected_file(file: &Path) -> Option<PathBuf> {
    ["stdout.expected", "expected"].iter().map(|extension| file.with_extension(extension)).find(|path| path.is_file())
}

fn define_clock(linker: &mut Linker<Host>) -> Result<(), mj_jit::Error> {
    linker.func_wrap("bench", "start", |mut caller: Caller<'_, Host>| caller.data_mut().started = Some(Instant::now()))?;
    linker.func_wrap("bench", "end", |mut caller: Caller<'_, Host>| {
        let host = caller.data_mut();
        host.span = host.started.map(|started| started.elapsed());
    })?;
    Ok(())
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e3
}

fn json(file: &Path, size: usize, compile: Duration, run: Option<&Run>) -> String {
    let name = escaped(&file.display().to_string());
    let mut line = format!(r#"{{"engine": "mj", "file": "{name}", "bytes": {size}, "compile_us": {:.3}"#, microseconds(compile));
    if let Some(run) = run {
        let (instantiate, start) = (microseconds(run.instantiate), microseconds(run.start));
        let span = microseconds(run.span.unwrap_or(run.start));
        line += &format!(r#", "instantiate_us": {instantiate:.3}, "run_us": {span:.3}, "start_us": {start:.3}"#);
        let ok = run.ok.map_or("null".to_owned(), |ok| ok.to_string());
        line += &format!(r#", "stdout": "{}", "ok": {ok}"#, run.stdout);
        if run.exit != 0 {
            line += &format!(r#", "exit": {}"#, run.exit);
        }
    }
    line + "}"
}

/// The inside of a JSON string.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out += &format!("\\u{:04x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out
}

fn table(file: &Path, size: usize, compile: Duration, run: Option<&Run>) -> String {
    let mut text = format!("{} ({size} bytes)\n", file.display());
    let mut line = |what: &str, time: Duration| text += &format!("  {what:12} {:12.1} us\n", microseconds(time));
    line("compile", compile);
    let Some(run) = run else { return text };
    line("instantiate", run.instantiate);
    line("run", run.span.unwrap_or(run.start));
    line("total", compile + run.instantiate + run.start);
    if run.exit != 0 {
        text += &format!("  exit code    {:12}\n", run.exit);
    }
    text + &match run.ok {
        Some(true) => "  output as expected\n".to_owned(),
        Some(false) => "  output is NOT the expected one\n".to_owned(),
        None => format!("  output       {}\n", run.stdout),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_for_json() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\u000ad");
    }
}
