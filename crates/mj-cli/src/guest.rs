//! What a guest gets and how it is run: the options of every command that runs one, and what they amount to.

use std::env;
use std::path::Path;

use mj_jit::{CompilationMode, Engine, Error, Instance, LateLinking, Linker, Module, Store, UnknownImportError};
use mj_wasi::{Interrupter, WasiCtxBuilder};

use crate::failure::Failure;
use crate::host::{self, Host};
use crate::options::{EngineOptions, Settings, apply_short, apply_wasi};
use crate::watchdog::Watchdog;

/// What a guest gets, and how it is run.
#[derive(clap::Args)]
pub(crate) struct GuestOptions {
    /// Give the guest a folder, under its own or another name; may be repeated
    #[arg(long, value_name = "HOST[::GUEST]")]
    dir: Vec<String>,
    /// Set an environment variable of the guest, or pass on the host's; may be repeated
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
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
    pub(crate) late_link: bool,
    /// WASI; `-S help` lists it
    #[arg(short = 'S', long = "wasi", value_name = "KEY[=VALUE],...")]
    wasi: Vec<String>,
    #[command(flatten)]
    engine: EngineOptions,
}

/// A guest that has not been instantiated yet.
pub(crate) struct Guest {
    pub store: Store<Host>,
    pub linker: Linker<Host>,
    pub watchdog: Option<Watchdog>,
}

impl GuestOptions {
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
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
        Ok(settings)
    }

    /// A store and a linker for the program in `file`. Its time begins now.
    pub(crate) fn start(&self, settings: &Settings, engine: &Engine, file: &Path, arguments: &[String]) -> Result<Guest, Failure> {
        let (store, interrupter) = self.store(settings, engine, file, arguments)?;
        let linker = host::linker(engine, settings)?;
        let watchdog = settings.timeout.zip(interrupter).map(|(limit, waits)| Watchdog::start(limit, store.interrupt_handle(), waits));
        Ok(Guest { store, linker, watchdog })
    }

    /// Instantiates the program; `advice` says what helps against imports that are not there.
    pub(crate) fn instantiate(
        &self,
        settings: &Settings,
        linker: &mut Linker<Host>,
        store: &mut Store<Host>,
        module: &Module,
        subject: &str,
        advice: &str,
    ) -> Result<Instance, Failure> {
        if self.late_link {
            linker.func_late_link(LateLinking::new()).map_err(|error| Failure::other(format!("--late-link: {error:#}")))?;
        }
        define_unknown_imports(settings, linker, store, module)?;
        linker.instantiate(&mut *store, module).map_err(|error| uninstantiable(subject, settings, &error, advice))
    }

    /// The guest's store, and a handle to wake it if it may have to be stopped.
    fn store(
        &self,
        settings: &Settings,
        engine: &Engine,
        file: &Path,
        arguments: &[String],
    ) -> Result<(Store<Host>, Option<Interrupter>), Failure> {
        let mut wasi = WasiCtxBuilder::new();
        let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        wasi.arg(self.argv0.as_ref().unwrap_or(&name)).args(arguments);
        set_environment(&mut wasi, settings, &self.env)?;
        if settings.inherit_stdin {
            wasi.inherit_stdin();
        }
        if settings.inherit_stdout {
            wasi.inherit_stdout();
        }
        if settings.inherit_stderr {
            wasi.inherit_stderr();
        }
        for folder in &self.dir {
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
}

/// Why a module could not be instantiated, and what to do.
fn uninstantiable(subject: &str, settings: &Settings, error: &Error, advice: &str) -> Failure {
    match Failure::of_guest(subject, error) {
        Failure::Other(message) if let Some(unknown) = error.downcast_ref::<UnknownImportError>() => {
            Failure::Other(match unknown.module() {
                "mj:link" => format!("{message}; --late-link provides it"),
                _ => format!("{message}; {advice}"),
            })
        }
        Failure::Other(message) => match settings.max_memory {
            Some(bytes) => Failure::Other(format!("{message} (--max-memory allows {bytes} bytes a memory)")),
            None => Failure::Other(message),
        },
        other => other,
    }
}

fn define_unknown_imports(settings: &Settings, linker: &mut Linker<Host>, store: &mut Store<Host>, module: &Module) -> Result<(), Failure> {
    let defined = match (settings.unknown_imports_trap, settings.unknown_imports_default) {
        (true, _) => linker.define_unknown_imports_as_traps(module),
        (false, true) => linker.define_unknown_imports_as_default_values(&mut *store, module),
        (false, false) => Ok(()),
    };
    defined.map_err(|error| Failure::other(format!("{error:#}")))
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
