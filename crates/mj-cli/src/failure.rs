//! How a command ends if not well: what the user reads, and the exit code.

use std::fmt;

use mj_jit::{Error, Trap, WasmBacktrace};
use mj_wasi::I32Exit;

/// Exit code after a trap: what a shell reports for a process that aborted.
pub(crate) const TRAP: u8 = 134;
/// Exit code of every other failure.
pub(crate) const OTHER: u8 = 1;

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The guest exited with a code of its own; nothing to say.
    Exit(i32),
    /// The guest trapped.
    Trap(String),
    /// Anything else.
    Other(String),
}

impl Failure {
    pub(crate) fn other(message: impl fmt::Display) -> Self {
        Self::Other(message.to_string())
    }

    /// What became of a guest whose instantiation or call failed. `subject` is what was run.
    pub(crate) fn of_guest(subject: &str, error: &Error) -> Self {
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            return Self::Exit(exit.0);
        }
        let Some(trap) = error.downcast_ref::<Trap>() else {
            return Self::Other(format!("{subject}: {error:#}"));
        };
        let mut message = format!("{subject}: {trap}");
        if let Some(hint) = hint(*trap) {
            message = format!("{message} ({hint})");
        }
        if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
            message = format!("{message}\n{backtrace}");
        }
        Self::Trap(message)
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Trap(_) => TRAP,
            Self::Exit(_) | Self::Other(_) => OTHER,
        }
    }
}

fn hint(trap: Trap) -> Option<&'static str> {
    match trap {
        Trap::StackOverflow => Some("endless recursion, or more stack is needed: -W max-wasm-stack=BYTES"),
        Trap::OutOfFuel => Some("-W fuel=N gives more"),
        _ => None,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "mj: the program exited with {code}"),
            Self::Trap(message) | Self::Other(message) => write!(f, "mj: {message}"),
        }
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Other(message)
    }
}
