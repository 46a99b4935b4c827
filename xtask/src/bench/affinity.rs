//! One core for everything that is measured.

/// Keeps this thread, and the processes it starts from now on, on the last processor it may use. Returns its number, or `None` where there is
/// no way or no permission.
#[cfg(target_os = "linux")]
pub(super) fn pin() -> Option<usize> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let allowed = sched_getaffinity(None).ok()?;
    let last = (0..CpuSet::MAX_CPU).rev().find(|&number| allowed.is_set(number))?;
    let mut one = CpuSet::new();
    one.set(last);
    sched_setaffinity(None, &one).ok()?;
    Some(last)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn pin() -> Option<usize> {
    None
}
