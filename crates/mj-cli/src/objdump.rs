//! `mj objdump`: a module's functions as WebAssembly operators, in the forms that the optimizing compiler gives them, and as machine code.
//!
//! Machine code is annotated with the operator at places that can trap or call, where the engine itself knows which one it is.

mod stages;
mod timing;

use std::io::{BufWriter, Write, stdout};
use std::path::PathBuf;

use mj_jit::{CompilationMode, Module, Strategy};

use self::stages::{Stage, Wanted};
use crate::disassembly::{self, Isa, Note};
use crate::failure::Failure;
use crate::module;
use crate::operators::{self, Line};
use crate::options::{EngineOptions, Settings};

/// What to show.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Show only this function: its index in the module, or its name
    #[arg(long, value_name = "N|NAME")]
    func: Option<String>,
    /// Show only these stages: ops (WebAssembly operators), ir (the SSA form), asm (machine code), or stages of the optimizing compiler by name; all
    #[arg(long, value_name = "STAGE,...", value_delimiter = ',', value_parser = Stage::parse)]
    stage: Vec<Stage>,
    /// Show instead what each stage of the optimizing compiler takes, over all functions
    #[arg(long, conflicts_with = "stage")]
    timing: bool,
    /// Show what the code is for another instruction set than this machine's
    #[arg(long, value_enum)]
    isa: Option<Isa>,
    #[command(flatten)]
    engine: EngineOptions,
    /// The module, in the binary or text format
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Shows one function or all.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut settings = Settings::default();
    let wanted = Wanted::new(&arguments.stage);
    let optimizes = arguments.timing || !wanted.stages.is_empty();
    // Functions are compiled as they are shown.
    // Without the counting of tiers, unless it is asked for.
    let strategy = if optimizes { Strategy::OPTIMIZING } else { Strategy::BASELINE };
    settings.config.compilation_mode(CompilationMode::Lazy).strategy(strategy);
    arguments.engine.apply(&mut settings)?;
    let isa = arguments.isa.unwrap_or(Isa::HOST);
    settings.target(isa.target())?;
    let engine = settings.engine()?;
    if optimizes && engine.get_strategy() == Some(Strategy::BASELINE) {
        let asked = wanted.stages.first().map_or_else(|| "--timing".to_owned(), |stage| format!("--stage {stage}"));
        return Err(Failure::other(format!(
            "{asked}: the baseline compiler goes from operators to machine code in one step; choose --tier optimizing"
        )));
    }
    let bytes = module::read(&arguments.file)?;
    let module = module::compile(&engine, &arguments.file, &bytes)?;
    let functions = selected(&module, arguments.func.as_deref())?;
    let mut out = BufWriter::new(stdout().lock());
    if arguments.timing {
        // The reader may have gone.
        let _ = out.write_all(timing::table(&module, &functions)?.as_bytes());
        return Ok(());
    }
    for function in functions {
        let text = show(&module, function, isa, &wanted)?;
        if out.write_all(text.as_bytes()).is_err() {
            // The reader, such as `head`, has seen enough.
            return Ok(());
        }
    }
    let _ = out.flush();
    Ok(())
}

/// Indices of the functions to show: those of the module that have a body.
fn selected(module: &Module, wanted: Option<&str>) -> Result<Vec<u32>, Failure> {
    let own = own_functions(module);
    let Some(wanted) = wanted else { return Ok(own.collect()) };
    let range = own.clone();
    let found = match wanted.parse::<u32>() {
        Ok(index) => own.filter(|function| *function == index).collect::<Vec<_>>(),
        Err(_) => own.filter(|function| module.function_name(*function) == Some(wanted)).collect(),
    };
    if found.is_empty() {
        let (first, end) = (range.start, range.end);
        return Err(Failure::other(format!(
            "no function with a body is called `{wanted}`: name one of the name section, or an index from {first} to {}",
            end.saturating_sub(1)
        )));
    }
    Ok(found)
}

fn own_functions(module: &Module) -> std::ops::Range<u32> {
    let imported = module.imports().filter(|import| import.ty().func().is_some()).count() as u32;
    let mut end = imported;
    while module.function_body(end).is_some() {
        end += 1;
    }
    imported..end
}

fn show(module: &Module, function: u32, isa: Isa, wanted: &Wanted) -> Result<String, Failure> {
    let failure = |error: &dyn std::fmt::Display| Failure::other(format!("function {function}: {error:#}"));
    let (offset, body) = module.function_body(function).ok_or_else(|| failure(&"it has no body"))?;
    let operators = operators::lines(body, offset).map_err(|error| failure(&error))?;
    let name = module.function_name(function).map_or_else(String::new, |name| format!(" `{name}`"));
    let mut text = format!("function {function}{name} at {offset:#x}, {} bytes\n", body.len());
    if wanted.operators {
        for Line { offset, depth, text: operator } in &operators {
            text += &format!("  {offset:#08x}  {:indent$}{operator}\n", "", indent = 2 * depth);
        }
    }
    if !wanted.stages.is_empty() {
        let watched = module.watch_optimizer(function, |done| {
            let stage = done.stage;
            if wanted.stages.contains(&stage.name) {
                text += &format!("{}: {}\n{}", stage.name, stage.does, done.text);
            }
        });
        watched.map_err(|error| failure(&error))?;
    }
    if wanted.machine_code {
        module.compile_function(function).map_err(|error| failure(&error))?;
        let code = module.function_code(function).unwrap_or_default();
        text += &format!("machine code, {} bytes\n", code.len());
        text += &disassembly::text(isa, code, &notes(module, function, &operators));
    }
    text.push('\n');
    Ok(text)
}

/// The operators that the engine can tell places in the machine code from.
fn notes(module: &Module, function: u32, operators: &[Line]) -> Vec<Note> {
    let note = |(code, wasm): (usize, usize)| {
        let operator = operators.binary_search_by_key(&wasm, |line| line.offset);
        Note { code, text: format!("{wasm:#x} {}", operator.map_or("", |place| &operators[place].text)) }
    };
    module.function_sites(function).into_iter().map(note).collect()
}
