//! Tests that run themselves again, in a process of their own.

use std::process::Command;

/// Set in the child.
pub const CHILD: &str = "MJ_RUNTIME_TEST_CHILD";

/// What emulates the processor, if something does: a program and its arguments.
pub fn emulator() -> Vec<String> {
    let variable = format!("CARGO_TARGET_{}_UNKNOWN_LINUX_GNU_RUNNER", std::env::consts::ARCH.to_uppercase());
    let runner = std::env::var(variable).unwrap_or_default();
    runner.split_whitespace().map(str::to_owned).collect()
}

pub fn is_emulated() -> bool {
    !emulator().is_empty()
}

/// Runs only the test `name` of this program. Emulated programs cannot start each other by themselves.
pub fn again(name: &str) -> Command {
    let mut words = emulator();
    words.push(std::env::current_exe().unwrap().to_str().unwrap().to_owned());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(["--exact", name, "--nocapture", "--test-threads=1"]).env(CHILD, "1");
    command
}
