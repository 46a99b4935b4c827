//! `mj compile`: a module to machine code, for `mj run --allow-precompiled` and for programs that use the library.

use std::path::{Path, PathBuf};
use std::{fs, io, process};

use crate::failure::Failure;
use crate::module::{self, Progress};
use crate::options::{EngineOptions, Settings};

/// What to compile, and how.
#[derive(clap::Args)]
#[command(override_usage = "mj compile [OPTIONS] FILE")]
pub(crate) struct Arguments {
    /// Where to write the compiled module; by default in the current folder, under the module's name with .cwasm
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The machine to compile for, such as aarch64-linux; by default this one, with all that its processor has
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    #[command(flatten)]
    engine: EngineOptions,
    /// The module, in the binary or text format
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Compiles a module.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut settings = Settings::default();
    arguments.engine.apply(&mut settings)?;
    if let Some(target) = &arguments.target {
        settings.target(target)?;
    }
    let engine = settings.engine()?;
    let file = &arguments.file;
    let bytes = module::read(file)?;
    let output = match &arguments.output {
        Some(output) => output.clone(),
        None => PathBuf::from(file.with_extension("cwasm").file_name().unwrap_or_default()),
    };
    let progress = Progress::start(format!("compiling {} ({:.1} MB)", file.display(), bytes.len() as f64 / 1e6));
    let compiled = engine.precompile_module(&bytes);
    progress.end();
    let compiled = compiled.map_err(|error| Failure::other(format!("{}: {error:#}", file.display())))?;
    replace(&output, &compiled).map_err(|error| Failure::other(format!("cannot write {}: {error}", output.display())))
}

/// Writes a file under another name and moves it into place: whoever runs what was there before has it mapped.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let is_special = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    if is_special {
        return fs::write(path, contents);
    }
    let mut other = path.as_os_str().to_owned();
    other.push(format!(".{}", process::id()));
    let moved = fs::write(&other, contents).and_then(|()| fs::rename(&other, path));
    if moved.is_err() {
        // What is in the way is the failure to tell of.
        let _ = fs::remove_file(&other);
    }
    moved
}
