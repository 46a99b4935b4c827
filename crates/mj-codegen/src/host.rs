//! What the machine that runs this needs of its own instruction set: code that an engine has once, and code per function type.

#[cfg(target_arch = "aarch64")]
pub use crate::aarch64::{Features, LAZY_HEAD_SIZE, LAZY_STUB_SIZE, entry_trampoline, host_shim, lazy_stubs, stubs};
#[cfg(target_arch = "x86_64")]
pub use crate::x64::{Features, LAZY_HEAD_SIZE, LAZY_STUB_SIZE, entry_trampoline, host_shim, lazy_stubs, stubs};
