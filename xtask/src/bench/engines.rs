//! The engines that are measured: mj's tiers, and with `--peers` others, each a command that prints a line of JSON for a file.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::results::Sample;

/// The tiers of mj that are measured if none is named.
pub(super) const TIERS: [&str; 3] = ["baseline", "optimizing", "tiered"];
/// The engines of `peers/`.
pub(super) const PEERS: [&str; 3] = ["cranelift", "winch", "wasmi"];

/// A run that takes longer is stopped.
const LONGEST: Duration = Duration::from_secs(900);
/// How long a process compiles a module again and again, in milliseconds, if the environment does not say.
const BUDGET: (&str, &str) = ("BUDGET", "200");

/// A command that measures one file.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    pub name: String,
    program: PathBuf,
    /// In front of the file.
    arguments: Vec<OsString>,
}

impl Engine {
    /// A tier of mj; the engine is called `mj TIER`.
    pub(super) fn tier(mj: &Path, tier: &str) -> Self {
        let arguments = ["bench", "--tier", tier, "--json"].map(OsString::from).to_vec();
        Self { name: format!("mj {tier}"), program: mj.to_owned(), arguments }
    }

    /// An engine of the program `programs` in `peers/`.
    pub(super) fn peer(programs: &Path, name: &str) -> Self {
        Self { name: name.to_owned(), program: programs.to_owned(), arguments: vec![name.into()] }
    }

    /// Whether this engine exists: it only compiles the file, once or a few times.
    ///
    /// # Errors
    ///
    /// What the command says.
    pub(super) fn probe(&self, file: &Path) -> Result<(), String> {
        self.output(file, &[("BUDGET", "0"), ("COMPILE_ONLY", "1")]).map(drop)
    }

    /// Measures a file once.
    ///
    /// # Errors
    ///
    /// What the command says, or what is wrong with what it prints.
    pub(super) fn measure(&self, file: &Path) -> Result<Sample, String> {
        let budget = if std::env::var_os(BUDGET.0).is_some() { &[][..] } else { &[BUDGET] };
        let output = self.output(file, budget)?;
        let line = output.lines().last().unwrap_or_default();
        Sample::parse(line).map_err(|error| format!("{error} in {line:?}"))
    }

    /// What the command prints.
    fn output(&self, file: &Path, environment: &[(&str, &str)]) -> Result<String, String> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(file).envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", self.program.display()))?;
        let output = read_in_background(child.stdout.take());
        let errors = read_in_background(child.stderr.take());
        let printed = output.recv_timeout(LONGEST);
        if printed.is_err() {
            // If it has ended meanwhile, there is nothing to stop.
            let _ = child.kill();
        }
        let status = child.wait().map_err(|error| format!("{}: {error}", self.program.display()))?;
        let complaint = errors.recv().unwrap_or_default();
        match printed {
            Err(_) => Err(format!("stopped after {} s", LONGEST.as_secs())),
            Ok(printed) if status.success() => Ok(printed),
            Ok(_) => Err(complaint.lines().next().map_or_else(|| status.to_string(), str::to_owned)),
        }
    }
}

/// Sends everything that comes out of a pipe, once it is closed.
fn read_in_background(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is as good as it gets.
            let _ = pipe.read_to_end(&mut bytes);
        }
        // Nobody waits for it any more if the command was stopped.
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

/// Builds mj as users get it. Returns where it is.
///
/// # Errors
///
/// If it cannot be built.
pub(super) fn build_mj(root: &Path, target: &Path) -> Result<PathBuf, String> {
    let mut cargo = cargo(root);
    cargo.args(["--package", "mj-cli", "--bin", "mj", "--target-dir"]).arg(target);
    succeed(cargo, "building mj")?;
    Ok(target.join("release/mj").with_extension(std::env::consts::EXE_EXTENSION))
}

/// Builds the other engines, which takes a quarter of an hour the first time. Returns where the program is.
///
/// # Errors
///
/// If they cannot be built.
pub(super) fn build_peers(root: &Path) -> Result<PathBuf, String> {
    let folder = root.join("peers");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| folder.join("target"), PathBuf::from);
    let mut cargo = cargo(&folder);
    cargo.args(["--bin", "programs", "--no-default-features", "--features", "programs", "--target-dir"]).arg(&target);
    succeed(cargo, "building the peers")?;
    Ok(target.join("release/programs").with_extension(std::env::consts::EXE_EXTENSION))
}

fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(folder).args(["build", "--release", "--quiet"]);
    cargo
}

fn succeed(mut command: Command, what: &str) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: {status}")),
        Err(error) => Err(format!("{what}: {error}")),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Engine {
        Engine { name: "sh".to_owned(), program: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()] }
    }

    #[test]
    fn the_last_line_counts() {
        let line = r#"{"bytes": 1, "compile_us": 2, "instantiate_us": 3, "run_us": 4, "start_us": 5, "stdout": "ab"}"#;
        let sample = shell(&format!("echo hello; echo '{line}'")).measure(Path::new("x")).unwrap();
        assert_eq!((sample.bytes, sample.start, sample.exit), (1.0, 5.0, 0));
    }

    #[test]
    fn failures_say_what_the_command_says() {
        assert_eq!(shell("echo no such tier >&2; exit 1").probe(Path::new("x")), Err("no such tier".to_owned()));
        assert!(shell("exit 3").probe(Path::new("x")).unwrap_err().contains('3'));
        assert!(shell("echo nonsense").measure(Path::new("x")).unwrap_err().contains("nonsense"));
    }

    #[test]
    fn much_output_on_both_sides_is_no_obstacle() {
        let engine =
            shell("i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789 | tee /dev/stderr; i=$((i+1)); done");
        assert_eq!(engine.probe(Path::new("x")), Ok(()));
    }
}
