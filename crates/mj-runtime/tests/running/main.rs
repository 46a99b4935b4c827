//! Runs hand-written machine code on the runtime: calls, traps, interruption, backtraces, and what happens to foreign signals.

mod backtraces;
mod calls;
mod code;
mod cycles;
mod helpers;
mod interruption;
mod machine;
mod signals;
mod traps;
