//! `mj run`: a program from its file to its exit code.

use std::path::Path;

use mj_jit::{Instance, Linker, Module, Store, Val};

use crate::failure::Failure;
use crate::guest::{Guest, GuestOptions};
use crate::host::Host;
use crate::options::Settings;
use crate::watchdog::explained;
use crate::{invoke, module, output};

/// What helps against unknown imports.
const PRELOADS: &str = "--preload MODULE=FILE provides imports, -W unknown-imports-trap does without";

/// What to run, and how.
#[derive(clap::Args)]
#[command(override_usage = "mj run [OPTIONS] FILE [ARGUMENT]...")]
pub(crate) struct Arguments {
    /// Call this function with the arguments, instead of running the program
    #[arg(long, value_name = "FUNCTION")]
    invoke: Option<String>,
    /// Instantiate another module first, whose exports can be imported under this name; may be repeated
    #[arg(long, value_name = "NAME=FILE")]
    preload: Vec<String>,
    /// Run a module that `mj compile` made: machine code, which nothing keeps in bounds
    #[arg(long)]
    allow_precompiled: bool,
    #[command(flatten)]
    guest: GuestOptions,
    /// The program, in the binary or text format, and its arguments
    #[arg(value_name = "PROGRAM", trailing_var_arg = true)]
    program: Vec<String>,
}

impl Arguments {
    fn file(&self) -> Result<&Path, Failure> {
        self.program.first().map(Path::new).ok_or_else(|| Failure::other("which program? write `mj run FILE [ARGUMENT]...`"))
    }

    /// What is behind the file.
    pub(crate) fn guest_arguments(&self) -> &[String] {
        self.program.get(1..).unwrap_or_default()
    }
}

/// Runs a program.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut settings = arguments.guest.settings()?;
    settings.use_cache()?;
    let file = arguments.file()?;
    let engine = settings.engine()?;
    let module = module::load(&engine, file, arguments.allow_precompiled)?;
    if settings.cache_log {
        let found = if module.was_cached() { "it was in the cache" } else { "it was not in the cache" };
        output::note(&format!("cache: {} functions have code from the start: {found}", module.functions().len()));
    }
    let Guest { mut store, mut linker, watchdog } = arguments.guest.start(&settings, &engine, file, arguments.guest_arguments())?;
    let result = instantiate_and_run(arguments, &settings, &mut linker, &mut store, &module);
    // A thread in the background may hold the module longer than the process lasts.
    module.save_to_cache();
    explained(watchdog, result)
}

fn instantiate_and_run(
    arguments: &Arguments,
    settings: &Settings,
    linker: &mut Linker<Host>,
    store: &mut Store<Host>,
    module: &Module,
) -> Result<(), Failure> {
    let file = arguments.file()?;
    let subject = file.display().to_string();
    for preload in &arguments.preload {
        preload_module(arguments, linker, store, preload)?;
    }
    let instance = arguments.guest.instantiate(settings, linker, store, module, &subject, PRELOADS)?;
    match &arguments.invoke {
        Some(name) => invoke_function(arguments, store, instance, &subject, name),
        None => run_program(store, instance, &subject),
    }
}

/// Calls `_start` of a command. A module that exports no function at all did its work when it was instantiated.
fn run_program(store: &mut Store<Host>, instance: Instance, subject: &str) -> Result<(), Failure> {
    let start = instance.get_func(&mut *store, "_start").or_else(|| instance.get_func(&mut *store, ""));
    let Some(start) = start else {
        if !instance.exports(&mut *store).any(|export| export.into_func().is_some()) {
            return Ok(());
        }
        let exported = invoke::exported(instance, store);
        return Err(Failure::other(format!("{subject}: there is no `_start` to run; call a function with --invoke ({exported})")));
    };
    let ty = start.ty(&*store);
    let start = start.typed::<(), ()>(&*store).map_err(|_| {
        Failure::other(format!("{subject}: `_start` is `{ty}`, but a program's has neither parameters nor results; see --invoke"))
    })?;
    start.call(&mut *store, ()).map_err(|error| Failure::of_guest(subject, &error))
}

fn invoke_function(arguments: &Arguments, store: &mut Store<Host>, instance: Instance, subject: &str, name: &str) -> Result<(), Failure> {
    let function = invoke::find(instance, store, subject, name)?;
    let ty = function.ty(&*store);
    let values = invoke::arguments(name, &ty, arguments.guest_arguments())?;
    let mut results = vec![Val::I32(0); ty.results().len()];
    // A reactor is to be initialized before anything else of it is called.
    if let Some(initialize) = instance.get_func(&mut *store, "_initialize")
        && name != "_initialize"
    {
        initialize.call(&mut *store, &[], &mut []).map_err(|error| Failure::of_guest(subject, &error))?;
    }
    function.call(&mut *store, &values, &mut results).map_err(|error| Failure::of_guest(subject, &error))?;
    for result in &results {
        output::line(&invoke::shown(result));
    }
    Ok(())
}

fn preload_module(arguments: &Arguments, linker: &mut Linker<Host>, store: &mut Store<Host>, preload: &str) -> Result<(), Failure> {
    let (name, file) = preload.split_once('=').ok_or_else(|| Failure::other(format!("--preload {preload}: write NAME=FILE")))?;
    let file = Path::new(file);
    let module = module::load(linker.engine(), file, arguments.allow_precompiled)?;
    linker.module(&mut *store, name, &module).map_err(|error| Failure::of_guest(&file.display().to_string(), &error))?;
    Ok(())
}
