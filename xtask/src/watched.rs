//! `cargo xtask miri` and `cargo xtask tsan`: tests where more is seen than their results. Miri interprets them and knows to what each pointer may point,
//! ThreadSanitizer looks for accesses of two threads that nothing orders. Both need a nightly compiler with the sources of its library.

use std::path::Path;
use std::process::Command;

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only tests whose names contain one of these
    filter: Vec<String>,
}

/// Tests: arguments for cargo, and which of these tests (all, if none is named).
type Tests = (&'static [&'static str], &'static [&'static str]);

/// All that has `unsafe` and does not need machine code to be run.
const MIRI: &[Tests] = &[(&["-p", "mj-runtime", "--lib"], &[]), (&["-p", "mj-jit", "--features", "wat", "--test", "unentered"], &[])];

/// The runtime, and what modules do with threads.
const TSAN: &[Tests] = &[
    (&["-p", "mj-runtime", "--lib", "--test", "running"], &[]),
    (&["-p", "mj-jit", "--features", "wat", "--lib", "--test", "compiling", "--test", "tiers", "--test", "linking"], &[]),
    (&["-p", "mj-jit", "--features", "wat", "--test", "late", "--test", "serialize", "--test", "cache"], &[]),
    (&["-p", "mj-jit", "--features", "wat", "--test", "traps", "--test", "stores"], &[]),
    (&["-p", "mj-tests", "--test", "edges"], &["sixty_four_threads"]),
];

/// Runs tests under Miri.
pub(crate) fn miri(arguments: &Arguments) -> Result<bool, String> {
    // The least that compiled code needs: compilers look at the processor, which is what Miri is told.
    let processor = if cfg!(target_arch = "x86_64") { "-Ctarget-cpu=x86-64-v2" } else { "" };
    all(MIRI, arguments, |tests| {
        let mut command = nightly(["miri", "test", "--target-dir", "target/miri"]);
        // Addresses become numbers and pointers again where generated code hands them over.
        command.env("RUSTFLAGS", processor).env("MIRIFLAGS", "-Zmiri-disable-isolation -Zmiri-permissive-provenance");
        command.env("RUST_BACKTRACE", "0").args(tests).arg("--");
        command
    })
}

/// Runs tests under ThreadSanitizer.
pub(crate) fn tsan(arguments: &Arguments) -> Result<bool, String> {
    let host = host()?;
    all(TSAN, arguments, |tests| {
        let mut command = nightly(["test", "-Zbuild-std", "--target-dir", "target/tsan", "--target", &host]);
        // The runtime handles signals itself.
        let signals = "handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:use_sigaltstack=0";
        command.env("RUSTFLAGS", "-Zsanitizer=thread").env("TSAN_OPTIONS", signals);
        // What measures memory measures the sanitizer's, too, and of deep recursion it keeps every step.
        command.args(tests).args(["--", "--skip", "leave_nothing_behind", "--skip", "run_out_of_stack"]);
        command
    })
}

/// Runs a command for each row, all of them. `Ok(false)`: one failed.
fn all(rows: &[Tests], arguments: &Arguments, command: impl Fn(&[&str]) -> Command) -> Result<bool, String> {
    let mut good = true;
    for (tests, chosen) in rows {
        let mut command = command(tests);
        match arguments.filter.is_empty() {
            true => command.args(*chosen),
            false => command.args(&arguments.filter),
        };
        good &= command.status().map_err(|error| format!("{command:?}: {error}"))?.success();
    }
    Ok(good)
}

fn nightly<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the workspace");
    let mut command = Command::new("cargo");
    command.current_dir(root).arg("+nightly").args(arguments);
    command
}

/// The triple of this machine.
fn host() -> Result<String, String> {
    let output = Command::new("rustc").arg("-vV").output().map_err(|error| format!("rustc: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| "rustc does not say for whom it compiles".to_owned())
}
