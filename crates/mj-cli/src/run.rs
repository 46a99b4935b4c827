//! `mj run`: a program from its file to its exit code.

use std::env;
use std::path::{Path, PathBuf};

use mj_jit::{CompilationMode, Engine, Error, Instance, LateLinking, Linker, Module, Store, UnknownImportError, Val};
use mj_wasi::{Interrupter, WasiCtxBuilder};

use crate::failure::Failure;
use crate::host::{self, Host};
use crate::options::{EngineOptions, Settings, apply_short, apply_wasi};
use crate::watchdog::Watchdog;
use crate::{invoke, module, output};

/// What to run, and how.
#[derive(clap::Args)]
#[command(override_usage = "mj run [OPTIONS] FILE [ARGUMENT]...")]
pub(crate) struct Arguments {
    /// Give the guest a folder, under its own or another name; may be repeated
    #[arg(long, value_name = "HOST[::GUEST]")]
    dir: Vec<String>,
    /// Set an environment variable of the guest, or pass on the host's; may be repeated
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Call this function with the arguments, instead of running the program
    #[arg(long, value_name = "FUNCTION")]
    invoke: Option<String>,
    /// Instantiate another module first, whose exports can be imported under this name; may be repeated
    #[arg(long, value_name = "NAME=FILE")]
    preload: Vec<String>,
    /// What the guest sees as its own name
    #[arg(long, value_name = "NAME")]
    argv0: Option<String>,
    /// Stop the guest after this time, such as 2s or 100ms (short for -W timeout=)
    #[arg(long, value_name = "TIME")]
    timeout: Option<String>,
    /// How large a linear memory may grow, such as 64M (short for -W max-memory-size=)
    #[arg(long, value_name = "SIZE")]
    max_memory: Option<String>,
    /// Let the guest link modules that it generates: offer the functions of `mj:link`
    #[arg(long)]
    late_link: bool,
    /// Run a module that `mj compile` made: machine code, which nothing keeps in bounds
    #[arg(long)]
    allow_precompiled: bool,
    /// WASI; `-S help` lists it
    #[arg(short = 'S', long = "wasi", value_name = "KEY[=VALUE],...")]
    wasi: Vec<String>,
    #[command(flatten)]
    engine: EngineOptions,
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

    fn settings(&self) -> Result<Settings, Failure> {
        let mut settings = Settings::default();
        settings.config.compilation_mode(CompilationMode::Lazy);
        if let Some(time) = &self.timeout {
            apply_short(&mut settings, "--timeout", "timeout", time)?;
        }
        if let Some(size) = &self.max_memory {
            apply_short(&mut settings, "--max-memory", "max-memory-size", size)?;
        }
        self.engine.apply(&mut settings)?;
        apply_wasi(&self.wasi, &mut settings)?;
        settings.use_cache()?;
        Ok(settings)
    }
}

/// Runs a program.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let settings = arguments.settings()?;
    let file = arguments.file()?;
    let engine = settings.engine()?;
    let module = module::load(&engine, file, arguments.allow_precompiled)?;
    if settings.cache_log {
        let found = if module.was_cached() { "it was in the cache" } else { "it was not in the cache" };
        output::note(&format!("cache: {} functions have code from the start: {found}", module.functions().len()));
    }
    let (mut store, interrupter) = guest_store(arguments, &settings, &engine)?;
    let mut linker = host::linker(&engine, &settings)?;
    let watchdog = settings.timeout.zip(interrupter).map(|(limit, waits)| Watchdog::start(limit, store.interrupt_handle(), waits));
    let result = instantiate_and_run(arguments, &settings, &mut linker, &mut store, &module);
    // A thread in the background may hold the module longer than the process lasts.
    module.save_to_cache();
    match watchdog {
        Some(watchdog) => result.map_err(|failure| watchdog.explain(failure)),
        None => result,
    }
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
    if arguments.late_link {
        linker.func_late_link(LateLinking::new()).map_err(|error| Failure::other(format!("--late-link: {error:#}")))?;
    }
    define_unknown_imports(settings, linker, store, module)?;
    let instance = linker.instantiate(&mut *store, module).map_err(|error| uninstantiable(&subject, settings, &error))?;
    match &arguments.invoke {
        Some(name) => invoke_function(arguments, store, instance, &subject, name),
        None => run_program(store, instance, &subject),
    }
}

/// Why a module could not be instantiated, and what to do.
fn uninstantiable(subject: &str, settings: &Settings, error: &Error) -> Failure {
    match Failure::of_guest(subject, error) {
        Failure::Other(message) if let Some(unknown) = error.downcast_ref::<UnknownImportError>() => {
            Failure::Other(match unknown.module() {
                "mj:link" => format!("{message}; --late-link provides it"),
                _ => format!("{message}; --preload MODULE=FILE provides imports, -W unknown-imports-trap does without"),
            })
        }
        Failure::Other(message) => match settings.max_memory {
            Some(bytes) => Failure::Other(format!("{message} (--max-memory allows {bytes} bytes a memory)")),
            None => Failure::Other(message),
        },
        other => other,
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

fn define_unknown_imports(settings: &Settings, linker: &mut Linker<Host>, store: &mut Store<Host>, module: &Module) -> Result<(), Failure> {
    let defined = match (settings.unknown_imports_trap, settings.unknown_imports_default) {
        (true, _) => linker.define_unknown_imports_as_traps(module),
        (false, true) => linker.define_unknown_imports_as_default_values(&mut *store, module),
        (false, false) => Ok(()),
    };
    defined.map_err(|error| Failure::other(format!("{error:#}")))
}

/// The guest's store, and a handle to wake it if it may have to be stopped.
fn guest_store(arguments: &Arguments, settings: &Settings, engine: &Engine) -> Result<(Store<Host>, Option<Interrupter>), Failure> {
    let mut wasi = WasiCtxBuilder::new();
    wasi.arg(guest_name(arguments)?).args(arguments.guest_arguments());
    set_environment(&mut wasi, settings, &arguments.env)?;
    if settings.inherit_stdin {
        wasi.inherit_stdin();
    }
    if settings.inherit_stdout {
        wasi.inherit_stdout();
    }
    if settings.inherit_stderr {
        wasi.inherit_stderr();
    }
    for folder in &arguments.dir {
        let (host, guest) = folder.split_once("::").unwrap_or((folder, folder));
        host::open_folder(&mut wasi, Path::new(host), guest)?;
    }
    host::listen(&mut wasi, &settings.listen)?;
    let interrupter = match settings.timeout {
        Some(_) => Some(wasi.interrupter().map_err(|error| Failure::other(format!("{error:#}")))?),
        None => None,
    };
    Ok((host::store(engine, settings, wasi.build_p1())?, interrupter))
}

fn guest_name(arguments: &Arguments) -> Result<String, Failure> {
    match &arguments.argv0 {
        Some(name) => Ok(name.clone()),
        None => {
            let file: PathBuf = arguments.file()?.to_owned();
            Ok(file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()))
        }
    }
}

fn set_environment(wasi: &mut WasiCtxBuilder, settings: &Settings, variables: &[String]) -> Result<(), Failure> {
    if settings.inherit_env {
        wasi.inherit_env();
    }
    for variable in variables {
        match variable.split_once('=') {
            Some((name, value)) => wasi.env(name, value),
            None => {
                let value = env::var(variable)
                    .map_err(|error| Failure::other(format!("--env {variable}: {error}; write --env {variable}=VALUE to set it")))?;
                wasi.env(variable, value)
            }
        };
    }
    Ok(())
}
