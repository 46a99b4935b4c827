//! `cargo xtask fuzz`: the fuzz targets, one after the other, and what they find, as short as it gets.
//!
//! With cargo-fuzz and a nightly compiler inputs grow by what they reach in the code. Without, `--example fuzz` of `mj-fuzzing` tries random ones. Finds
//! are left in `fuzz/found/TARGET`.

use std::env::consts::ARCH;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::target::Machine;

/// What to fuzz.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Minutes for each target
    #[arg(long, value_name = "N", default_value_t = 1)]
    minutes: u64,
    /// Random inputs, even if cargo-fuzz is there
    #[arg(long)]
    random: bool,
    /// Processor of the machine that they run on (default: this one); QEMU emulates others, and inputs are random
    #[arg(long, value_name = "NAME")]
    on: Option<String>,
    /// List the targets
    #[arg(long)]
    list: bool,
    /// The targets (default: all)
    target: Vec<String>,
}

/// Bytes of the longest input.
const LONGEST: usize = 16 << 10;

/// Runs the targets. `Ok(false)`: something was found.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the workspace");
    let all = targets(root)?;
    if arguments.list {
        println!("{}", all.join("\n"));
        return Ok(true);
    }
    if let Some(unknown) = arguments.target.iter().find(|target| !all.contains(target)) {
        return Err(format!("no target is called `{unknown}`; there are {}", all.join(", ")));
    }
    let chosen = if arguments.target.is_empty() { &all } else { &arguments.target };
    let machine = arguments.on.as_deref().filter(|&arch| arch != ARCH);
    let machine =
        machine.map(|arch| Machine::emulated(arch, &["--package", "mj-fuzzing", "--example", "fuzz"], "examples/fuzz")).transpose()?;
    let worker = machine.as_ref().map_or(&[][..], Machine::words);
    let guided = !arguments.random && machine.is_none() && has_cargo_fuzz();
    if !guided && machine.is_none() {
        println!("inputs are random; `cargo install cargo-fuzz` and a nightly compiler make them follow the code");
    }
    let mut nothing = true;
    for target in chosen {
        let found = root.join("fuzz/found").join(target);
        fs::create_dir_all(&found).map_err(|error| format!("{}: {error}", found.display()))?;
        println!("== {target}");
        nothing &= if guided {
            guided_run(root, target, arguments.minutes, &found)?
        } else {
            random_run(root, target, arguments.minutes, &found, worker)?
        };
    }
    Ok(nothing)
}

/// The names of the files in `fuzz/fuzz_targets`.
fn targets(root: &Path) -> Result<Vec<String>, String> {
    let folder = root.join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries.filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

fn has_cargo_fuzz() -> bool {
    let asked = Command::new("cargo").args(["+nightly", "fuzz", "--version"]).output();
    asked.is_ok_and(|output| output.status.success())
}

fn cargo_fuzz(root: &Path, task: &str) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root).args(["+nightly", "fuzz", task, "--fuzz-dir", "fuzz"]);
    command
}

fn succeeds(command: &mut Command) -> Result<bool, String> {
    command.status().map(|status| status.success()).map_err(|error| format!("{command:?}: {error}"))
}

fn guided_run(root: &Path, target: &str, minutes: u64, found: &Path) -> Result<bool, String> {
    let mut run = cargo_fuzz(root, "run");
    run.arg(target).arg("--").args([
        format!("-max_total_time={}", 60 * minutes),
        format!("-max_len={LONGEST}"),
        "-timeout=120".to_owned(),
        "-rss_limit_mb=4096".to_owned(),
        "-print_final_stats=1".to_owned(),
    ]);
    let good = succeeds(&mut run)?;
    for find in files(&root.join("fuzz/artifacts").join(target)) {
        let kept = found.join(find.file_name().expect("a file"));
        // If it cannot be made shorter, it is kept as it is.
        succeeds(cargo_fuzz(root, "tmin").args(["--runs", "1000", target]).arg(&find))?;
        let shortest =
            files(&root.join("fuzz/artifacts").join(target)).into_iter().filter(|file| file.to_string_lossy().contains("minimized"));
        let shortest = shortest.min_by_key(|file| fs::metadata(file).map_or(u64::MAX, |data| data.len())).unwrap_or(find);
        fs::copy(&shortest, &kept).map_err(|error| format!("{}: {error}", kept.display()))?;
        println!("found: {}", kept.display());
    }
    let _ = fs::remove_dir_all(root.join("fuzz/artifacts").join(target));
    Ok(good)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file()).collect()
}

/// `worker` are the words that start a worker on another machine.
fn random_run(root: &Path, target: &str, minutes: u64, found: &Path, worker: &[OsString]) -> Result<bool, String> {
    // Other inputs every time.
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs()) << 24;
    let mut run = Command::new("cargo");
    run.current_dir(root).args(["run", "--quiet", "-p", "mj-fuzzing", "--example", "fuzz", "--", target]);
    succeeds(run.arg((60 * minutes).to_string()).arg(seed.to_string()).arg(found).args(worker))
}
