//! Runs hand-written machine code on the runtime: calls, traps, interruption, backtraces, and what happens to foreign signals.

mod backtraces;
mod calls;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../child/mod.rs"]
mod child;
#[allow(dead_code, reason = "shared with the benchmark")]
mod code;
mod cycles;
mod helpers;
mod interruption;
#[allow(dead_code, reason = "shared with the benchmark")]
mod machine;
mod signals;
mod traps;
