//! Runs the command and looks at what it says.

// Each test program uses its part of this.
#![allow(dead_code)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// What a run of `mj` ended with.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// Asserts the exit code, and that standard error contains all of these.
    #[track_caller]
    pub fn fails(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for part in said {
            assert!(self.stderr.contains(part), "`{part}` is missing in {self:#?}");
        }
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
    }

    /// Asserts success, and all of standard output.
    #[track_caller]
    pub fn prints(&self, stdout: &str) {
        assert_eq!(self.code, Some(0), "{self:#?}");
        assert_eq!(self.stdout, stdout, "{self:#?}");
    }
}

/// `mj` with these arguments, in the project's folder of test programs.
pub fn mj(arguments: &[&str]) -> Run {
    mj_with_input(arguments, b"")
}

/// The same, with something on standard input.
pub fn mj_with_input(arguments: &[&str], input: &[u8]) -> Run {
    let mut child = command(arguments).stdin(Stdio::piped()).spawn().unwrap();
    // The command may end without reading.
    let _ = child.stdin.take().unwrap().write_all(input);
    finished(child.wait_with_output().unwrap())
}

/// The command, not started yet, with its output captured.
pub fn command(arguments: &[&str]) -> Command {
    let words = program();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    // The user's own cache is not for tests.
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.args(arguments).current_dir(programs()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The command's program, behind what emulates the processor, if something does: emulated programs cannot start each other by themselves.
fn program() -> Vec<String> {
    let variable = format!("CARGO_TARGET_{}_UNKNOWN_LINUX_GNU_RUNNER", std::env::consts::ARCH.to_uppercase());
    let runner = std::env::var(variable).unwrap_or_default();
    runner.split_whitespace().chain([env!("CARGO_BIN_EXE_mj")]).map(str::to_owned).collect()
}

pub fn is_emulated() -> bool {
    program().len() > 1
}

/// Runs a line of shell, to which `"$@"` is `mj` with these arguments, in the same folder.
pub fn shell(script: &str, arguments: &[&str]) -> Run {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).args(program()).args(arguments).current_dir(programs());
    finished(command.output().unwrap())
}

pub fn finished(output: Output) -> Run {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

pub fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/programs")
}

/// A folder of the test's own, removed at its end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("mj-cli-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Path of the folder.
    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// Writes a file and gives its path.
    pub fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::write(&path, contents).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
