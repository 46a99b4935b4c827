//! What the machine that runs this needs of its own instruction set: code that an engine has once, and code per function type.

pub use crate::x64::{Features, LAZY_HEAD_SIZE, LAZY_STUB_SIZE, StubFunctions, Stubs, entry_trampoline, host_shim, lazy_stubs, stubs};
