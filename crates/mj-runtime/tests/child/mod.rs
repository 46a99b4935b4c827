//! Tests that run themselves again, in a process of their own.

use std::process::Command;

/// Set in the child.
pub const CHILD: &str = "MJ_RUNTIME_TEST_CHILD";

/// What emulates the processor, if something does.
pub fn emulator() -> Option<String> {
    let variable = format!("CARGO_TARGET_{}_UNKNOWN_LINUX_GNU_RUNNER", std::env::consts::ARCH.to_uppercase());
    std::env::var(variable).ok()
}

/// Runs only the test `name` of this program. Emulated programs cannot start each other by themselves.
pub fn again(name: &str) -> Command {
    let this = std::env::current_exe().unwrap();
    let mut command = match emulator() {
        Some(emulator) => Command::new(emulator),
        None => Command::new(&this),
    };
    if emulator().is_some() {
        command.arg(this);
    }
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(CHILD, "1");
    command
}
