//! AArch64.

pub(crate) mod registers;
mod stubs;
mod trampolines;
mod transition;

pub use stubs::{LAZY_HEAD_SIZE, LAZY_STUB_SIZE, lazy_stubs, stubs};
pub use trampolines::{entry_trampoline, host_shim};
