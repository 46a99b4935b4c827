//! `mj snapshot`: a program's initialization, done once and for all.

use std::path::{Path, PathBuf};

use mj_jit::{Error, Instance, Store};
use mj_snapshot::{Snapshot, SnapshotError};
use mj_wasi::I32Exit;

use crate::compile::replace;
use crate::failure::Failure;
use crate::guest::{Guest, GuestOptions};
use crate::host::Host;
use crate::watchdog::explained;
use crate::{invoke, module, output};

/// What to write, and how to come there.
#[derive(clap::Args)]
#[command(override_usage = "mj snapshot [OPTIONS] --output FILE PROGRAM [-- ARGUMENT...]")]
pub(crate) struct Arguments {
    /// Where to write the new module
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Call this function before; it must have neither parameters nor results, and will not be exported
    #[arg(long, value_name = "FUNCTION")]
    init: Option<String>,
    /// Let the new module link modules that it generates, too: it will need `mj run --late-link`
    #[arg(long, requires = "late_link")]
    keep_late_link: bool,
    #[command(flatten)]
    guest: GuestOptions,
    /// The program, in the binary or text format
    #[arg(value_name = "PROGRAM")]
    program: PathBuf,
    /// What the program gets as arguments while it initializes itself
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

/// What helps against unknown imports.
const ADVICE: &str = "-W unknown-imports-trap does without, as long as the initialization does not call them";

/// Writes a snapshot.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let settings = arguments.guest.settings()?;
    let engine = settings.engine()?;
    let file = &arguments.program;
    let module = module::compile(&engine, file, &module::read(file)?)?;
    let Guest { mut store, mut linker, watchdog } = arguments.guest.start(&settings, &engine, file, &arguments.arguments)?;
    let subject = file.display().to_string();
    let instantiated = arguments.guest.instantiate(&settings, &mut linker, &mut store, &module, &subject, ADVICE);
    let mut wasm = Vec::new();
    let taken = instantiated.and_then(|instance| {
        wasm = take(arguments, &mut store, instance, &subject)?;
        Ok(())
    });
    explained(watchdog, taken)?;
    let left_out = mj_snapshot::left_out(&module);
    if !left_out.is_empty() {
        output::note(&format!("{subject}: left out, for code has moved: {}", left_out.join(", ")));
    }
    write(&arguments.output, &wasm)
}

/// Runs the initialization and takes the snapshot.
fn take(arguments: &Arguments, store: &mut Store<Host>, instance: Instance, subject: &str) -> Result<Vec<u8>, Failure> {
    let initializer = arguments.init.as_deref();
    if let Some(name) = initializer {
        let ty = invoke::find(instance, store, subject, name)?.ty(&*store);
        if ty.params().len() + ty.results().len() > 0 {
            let message = format!("{subject}: `{name}` is `{ty}`, but an initializer has neither parameters nor results");
            return Err(Failure::Other(message));
        }
    }
    let snapshot = Snapshot::new(&mut *store, instance).initialize(initializer).map_err(|error| uninitialized(subject, &error))?;
    let wasm = snapshot.late_linked().keep_late_linking(arguments.keep_late_link).write();
    check_files(store, subject)?;
    wasm.map_err(|error: SnapshotError| Failure::other(format!("{subject}: {error}")))
}

/// Why the initialization did not end well.
fn uninitialized(subject: &str, error: &Error) -> Failure {
    match error.downcast_ref::<I32Exit>() {
        Some(exit) => Failure::other(format!(
            "{subject}: the program exited with {} while it was to initialize itself: a snapshot needs an initializer that returns (--init)",
            exit.0
        )),
        None => Failure::of_guest(subject, error),
    }
}

/// Refuses what is open: nobody would open it for the new module.
fn check_files(store: &Store<Host>, subject: &str) -> Result<(), Failure> {
    let open = store.data().wasi.open_files();
    if open.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = open.iter().map(ToString::to_string).collect();
    Err(Failure::other(format!(
        "{subject}: the program has files open, which a snapshot cannot keep: {}; it must close them",
        list.join(", ")
    )))
}

fn write(path: &Path, wasm: &[u8]) -> Result<(), Failure> {
    replace(path, wasm).map_err(|error| Failure::other(format!("cannot write {}: {error}", path.display())))
}
