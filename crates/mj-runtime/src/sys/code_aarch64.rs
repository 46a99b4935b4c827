//! Instructions that were just written, AArch64.
//!
//! Instruction caches do not see writes, and may hold what was at an address before. So written code is cleaned from the data cache to where both
//! kinds of cache meet, then thrown out of the instruction caches of all cores (Arm ARM B2.7.4.2). A core may have fetched instructions
//! ahead, too: it must synchronize its context before it runs new ones, which the kernel sees to.

use std::arch::asm;
use std::sync::OnceLock;

/// Filled with these, a gap between functions stops whoever runs into it (`udf #0`).
pub(crate) const BREAKPOINT: u8 = 0;

/// Lets every thread that learns of `length` bytes of code at `runs_at`, written through `written_at`, run them.
///
/// # Safety
/// Both ranges must be readable.
pub(crate) unsafe fn make_executable(written_at: usize, runs_at: usize, length: usize) {
    if length == 0 {
        return;
    }
    let lines = Lines::of_this_machine();
    for at in lines.data.into_iter().flat_map(|line| lines_of(written_at, length, line)) {
        // SAFETY: the range is readable, and cleaning changes no contents.
        unsafe { asm!("dc cvau, {}", in(reg) at, options(nostack, preserves_flags)) };
    }
    // SAFETY: a barrier.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
    for at in lines.code.into_iter().flat_map(|line| lines_of(runs_at, length, line)) {
        // SAFETY: the range is readable, and what is thrown out of an instruction cache is fetched again.
        unsafe { asm!("ic ivau, {}", in(reg) at, options(nostack, preserves_flags)) };
    }
    // SAFETY: barriers.
    unsafe { asm!("dsb ish", "isb", options(nostack, preserves_flags)) };
    synchronize_cores();
}

/// Bytes of the smallest cache line of each kind; none where the hardware keeps the caches coherent.
#[derive(Clone, Copy)]
struct Lines {
    data: Option<usize>,
    code: Option<usize>,
}

impl Lines {
    fn of_this_machine() -> Self {
        let cache_type: u64;
        // SAFETY: the register may be read at this level, or the kernel answers for it with what holds for all cores.
        unsafe { asm!("mrs {}, ctr_el0", out(reg) cache_type, options(nomem, nostack, preserves_flags)) };
        let words = |lowest_bit: u32| 4 << (cache_type >> lowest_bit & 15);
        let is_coherent = |bit: u32| cache_type >> bit & 1 != 0;
        Self { data: (!is_coherent(28)).then(|| words(16)), code: (!is_coherent(29)).then(|| words(0)) }
    }
}

/// The lines in which there is a byte of the range.
fn lines_of(start: usize, length: usize, line: usize) -> impl Iterator<Item = usize> {
    (start & !(line - 1)..start + length).step_by(line)
}

/// Lets every other core that runs a thread of this process forget what it has fetched ahead. Cores that run something else do so when they
/// come back.
#[cfg(target_os = "linux")]
fn synchronize_cores() {
    static IS_REGISTERED: OnceLock<bool> = OnceLock::new();
    let barrier = |command: libc::c_int| {
        // SAFETY: the call takes numbers only.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    };
    // Kernels before 4.16 do not have it. The threads of a process then have nothing but the time that system calls take between the
    // writing of code and the first call of it.
    if *IS_REGISTERED.get_or_init(|| barrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)) {
        barrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE);
    }
}
