//! Instructions that were just written, x86-64.

/// Filled with these, a gap between functions stops whoever runs into it (`int3`).
pub(crate) const BREAKPOINT: u8 = 0xcc;

/// Lets every thread that learns of `length` bytes of code at `runs_at`, written through `_written_at`, run them: nothing need be done, for instruction
/// caches see what is written, and code is new where it is written.
///
/// # Safety
/// Both ranges must be readable.
#[inline]
pub(crate) unsafe fn make_executable(_written_at: usize, _runs_at: usize, _length: usize) {}
