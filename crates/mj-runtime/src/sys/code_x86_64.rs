//! Instructions that were just written, x86-64.

/// Filled with these, a gap between functions stops whoever runs into it (`int3`).
pub(crate) const BREAKPOINT: u8 = 0xcc;

/// Lets every thread that learns of `length` bytes of code at `runs_at`, written through `_written_at`, run them: nothing need be done. Instruction caches
/// see what is written, through whichever address. No core runs what stood there before: nobody could reach it any more when its place was given back, and
/// what a core has fetched ahead it drops when the line changes (Intel SDM volume 3, 9.1.3 and 13.6).
///
/// # Safety
/// Both ranges must be readable.
#[inline]
pub(crate) unsafe fn make_executable(_written_at: usize, _runs_at: usize, _length: usize) {}
