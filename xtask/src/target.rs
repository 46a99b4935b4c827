//! The machine that tests run on: this one, or one that an emulator of programs (QEMU) makes of it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// How long a worker may be silent: a file takes a second or two.
const PATIENCE: Duration = Duration::from_secs(120);

/// How much longer it takes where the processor is emulated.
const EMULATED: u32 = 5;

/// How to start a program on a machine.
pub(crate) struct Machine {
    /// Program and arguments, which the program's own arguments follow.
    words: Vec<OsString>,
    /// How long it may be silent.
    pub patience: Duration,
}

impl Machine {
    /// This program on this machine.
    pub fn host() -> Result<Self, String> {
        Ok(Self { words: vec![this_program()?.into()], patience: PATIENCE })
    }

    /// This program on a machine by the name of its processor.
    pub fn named(arch: &str) -> Result<Self, String> {
        if arch == std::env::consts::ARCH { Self::host() } else { Self::emulated(arch, &["--package", "xtask"], "xtask") }
    }

    /// A program on a machine by the name of its processor, for which it is built: what cargo is to build, and the file below its folder. Linker
    /// and emulator are cargo's, as environment variables name them, or Debian's.
    pub fn emulated(arch: &str, what: &[&str], file: &str) -> Result<Self, String> {
        if arch != "aarch64" {
            return Err(format!("`{arch}` is no target: there are {} and aarch64", std::env::consts::ARCH));
        }
        let triple = format!("{arch}-unknown-linux-gnu");
        let setting = |what: &str, default: &str| {
            let variable = format!("CARGO_TARGET_{}_{what}", triple.to_uppercase().replace('-', "_"));
            let value = std::env::var(&variable).unwrap_or_else(|_| default.to_owned());
            (variable, value)
        };
        let folder = build(&triple, what, setting("LINKER", &format!("{arch}-linux-gnu-gcc")))?;
        let (_, emulator) = setting("RUNNER", &format!("qemu-{arch} -L /usr/{arch}-linux-gnu"));
        let mut words: Vec<OsString> = emulator.split_whitespace().map(OsString::from).collect();
        words.push(folder.join(file).into());
        Ok(Self { words, patience: EMULATED * PATIENCE })
    }

    /// How to start the program.
    pub fn words(&self) -> &[OsString] {
        &self.words
    }

    /// The program on the machine.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        command
    }
}

fn this_program() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| format!("cannot find this program's file: {error}"))
}

/// Builds something for another machine, in the way that this program was built itself; the folder where it is.
fn build(triple: &str, what: &[&str], linker: (String, String)) -> Result<PathBuf, String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--target", triple]).args(what).env(linker.0, linker.1);
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    if profile == "release" {
        cargo.arg("--release");
    }
    let status = cargo.status().map_err(|error| format!("cannot start cargo: {error}"))?;
    if !status.success() {
        return Err(format!("cannot build for {triple}: see the README on what that needs"));
    }
    let this = this_program()?;
    let folder = this.ancestors().nth(2).ok_or("this program lies in no target folder")?;
    Ok(folder.join(triple).join(profile))
}
