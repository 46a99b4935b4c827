//! What each thread must have before compiled code runs on it.
//!
//! A stack for signals (a handler cannot run on a WebAssembly stack that has just overflowed), and the bounds of the host's own stack, so that
//! endless recursion through host and WebAssembly ends in a trap and not in a dead process. Both are looked up at a thread's first entry.
//! Stores that do without signals need the second alone.
//!
//! The pointer to the innermost activation is how the signal handler learns whose code was running; null means: not ours.

use std::cell::{Cell, OnceCell};
use std::mem::MaybeUninit;
use std::ptr;

use crate::entry::Activation;
use crate::mapping::{Access, Mapping, page_size};
use crate::sys::host_stack;
use crate::{Checks, ResourceError, signals};

/// Stack of the host that an entry must leave for host functions and helpers.
const HOST_RESERVE: usize = 256 << 10;

/// Bytes of a stack for signals. Ample, since the handler of somebody else may run on it as well.
const SIGNAL_STACK: usize = 64 << 10;

/// Fast state of a thread. Has no destructor, so that access is one addressing mode, in the signal handler as well.
pub(crate) struct Thread {
    /// The innermost activation, or null.
    pub(crate) innermost: Cell<*const Activation>,
    /// Entries below this stack pointer must look closer; `usize::MAX` until the thread is prepared for signals.
    pub(crate) lowest_sp: Cell<usize>,
}

thread_local! {
    static THREAD: Thread = const { Thread { innermost: Cell::new(ptr::null()), lowest_sp: Cell::new(usize::MAX) } };
    static SIGNALS: OnceCell<SignalStack> = const { OnceCell::new() };
    static BOUNDS: Cell<Option<Bounds>> = const { Cell::new(None) };
}

/// The state of this thread.
#[inline]
pub(crate) fn current() -> *const Thread {
    THREAD.with(ptr::from_ref)
}

/// The host's stack.
#[derive(Clone, Copy)]
struct Bounds {
    start: usize,
    end: usize,
    /// Below, entries are refused.
    lowest_entry: usize,
}

impl Bounds {
    /// Those of this thread.
    fn get() -> Self {
        BOUNDS.get().unwrap_or_else(|| {
            let stack = host_stack().unwrap_or(0..0);
            // A small stack is not all reserve.
            let reserve = HOST_RESERVE.min(stack.len() / 4);
            let bounds = Self { start: stack.start, end: stack.end, lowest_entry: stack.start + reserve };
            BOUNDS.set(Some(bounds));
            bounds
        })
    }
}

/// What a closer look says about an entry.
pub(crate) enum Room {
    Enough,
    TooLittle,
}

/// Prepares the thread for what a store checks so, if it is not prepared yet, and says whether there is room on the host's stack below `sp`.
#[cold]
pub(crate) fn look_closer(thread: &Thread, sp: usize, checks: Checks) -> Result<Room, ResourceError> {
    let Bounds { start, end, lowest_entry } = Bounds::get();
    if checks == Checks::Hardware && thread.lowest_sp.get() == usize::MAX {
        signals::install()?;
        prepare_signal_stack()?;
        thread.lowest_sp.set(lowest_entry);
    }
    // Outside its bounds the thread is on a stack of somebody's own making, about which nothing is known.
    let is_short = (start..end).contains(&sp) && sp < lowest_entry;
    Ok(if is_short { Room::TooLittle } else { Room::Enough })
}

fn prepare_signal_stack() -> Result<(), ResourceError> {
    let prepare = |signals: &OnceCell<SignalStack>| {
        if signals.get().is_none() {
            let _ = signals.set(SignalStack::install()?);
        }
        Ok(())
    };
    let is_ending = || ResourceError::new("a stack for signals on a thread that is ending", 0, std::io::ErrorKind::Other.into());
    SIGNALS.try_with(prepare).unwrap_or_else(|_| Err(is_ending()))
}

/// A stack for signals, if this thread did not have a good one.
struct SignalStack {
    own: Option<Mapping>,
}

impl SignalStack {
    fn install() -> Result<Self, ResourceError> {
        let mut present = MaybeUninit::<libc::stack_t>::uninit();
        // SAFETY: asks only, and writes to our structure.
        if unsafe { libc::sigaltstack(ptr::null(), present.as_mut_ptr()) } != 0 {
            return Err(ResourceError::last("the bounds of the signal stack", 0));
        }
        // SAFETY: the call has initialised it.
        let present = unsafe { present.assume_init() };
        if present.ss_flags & libc::SS_DISABLE == 0 && present.ss_size >= SIGNAL_STACK {
            return Ok(Self { own: None });
        }
        let guard = page_size();
        let wanted = "a stack for signals";
        let mapping = Mapping::zeroed(wanted, guard + SIGNAL_STACK)?;
        mapping.protect(0..guard, Access::None).map_err(|error| ResourceError::new(wanted, guard, error))?;
        let stack = libc::stack_t { ss_sp: mapping.base().wrapping_add(guard).cast(), ss_flags: 0, ss_size: SIGNAL_STACK };
        // SAFETY: the stack stays mapped until `drop`, which takes it away first.
        match unsafe { libc::sigaltstack(&raw const stack, ptr::null_mut()) } {
            0 => Ok(Self { own: Some(mapping) }),
            _ => Err(ResourceError::last(wanted, SIGNAL_STACK)),
        }
    }
}

impl Drop for SignalStack {
    /// At the end of the thread.
    fn drop(&mut self) {
        // What is called from now on has to ask for a stack again.
        THREAD.with(|thread| thread.lowest_sp.set(usize::MAX));
        let Some(mapping) = self.own.take() else { return };
        let mut present = MaybeUninit::<libc::stack_t>::uninit();
        // SAFETY: asks only, and writes to our structure.
        if unsafe { libc::sigaltstack(ptr::null(), present.as_mut_ptr()) } != 0 {
            // Still in use for all we know: better to lose the memory than to unmap it.
            std::mem::forget(mapping);
            return;
        }
        // SAFETY: the call has initialised it.
        let present = unsafe { present.assume_init() };
        if mapping.addresses().contains(&(present.ss_sp as usize)) {
            // What was there before may be gone (std frees its own first), so there is none from now on.
            let none = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: SIGNAL_STACK };
            // SAFETY: no handler runs on the stack: this is ordinary code of the thread.
            unsafe { libc::sigaltstack(&raw const none, ptr::null_mut()) };
        }
    }
}

// Miri knows neither bounds of stacks nor stacks for signals.
#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    #[test]
    fn the_host_stack_is_around_the_frames_of_its_thread() {
        let on_stack = 0_u8;
        let address = &raw const on_stack as usize;
        assert!(host_stack().unwrap().contains(&address));
        let inside = move || {
            let on_stack = 0_u8;
            let bounds = host_stack().unwrap();
            assert!(bounds.contains(&(&raw const on_stack as usize)) && !bounds.contains(&address));
            bounds.len()
        };
        let size = std::thread::Builder::new().stack_size(1 << 20).spawn(inside).unwrap().join().unwrap();
        assert!(size >= 1 << 20);
    }

    #[test]
    fn little_stack_is_noticed_on_the_threads_own_stack_only() {
        THREAD.with(|thread| {
            let here = &raw const thread as usize;
            assert!(matches!(look_closer(thread, here, Checks::Hardware), Ok(Room::Enough)));
            let bounds = host_stack().unwrap();
            assert!(matches!(look_closer(thread, bounds.start + 1000, Checks::Compiled), Ok(Room::TooLittle)));
            assert!(matches!(look_closer(thread, bounds.start - 1, Checks::Hardware), Ok(Room::Enough)));
        });
    }

    #[test]
    fn a_thread_that_needs_no_signals_gets_no_stack_for_them() {
        let found = || {
            let mut present = MaybeUninit::<libc::stack_t>::uninit();
            // SAFETY: asks only, and writes to our structure.
            unsafe {
                libc::sigaltstack(ptr::null(), present.as_mut_ptr());
                present.assume_init().ss_sp as usize
            }
        };
        let check = move || {
            let before = found();
            THREAD.with(|thread| {
                look_closer(thread, usize::MAX, Checks::Compiled).unwrap();
                assert_eq!((found(), thread.lowest_sp.get()), (before, usize::MAX));
            });
        };
        std::thread::spawn(check).join().unwrap();
    }

    #[test]
    fn a_thread_gets_a_signal_stack_and_takes_it_away_at_its_end() {
        // Twice: the second time on a recycled thread stack, perhaps.
        for _ in 0..2 {
            std::thread::spawn(|| {
                THREAD.with(|thread| look_closer(thread, usize::MAX, Checks::Hardware)).unwrap();
                let mut present = MaybeUninit::<libc::stack_t>::uninit();
                // SAFETY: asks only, and writes to our structure.
                let present = unsafe {
                    libc::sigaltstack(ptr::null(), present.as_mut_ptr());
                    present.assume_init()
                };
                assert_eq!(present.ss_flags & libc::SS_DISABLE, 0);
                assert!(present.ss_size >= SIGNAL_STACK);
            })
            .join()
            .unwrap();
        }
    }
}
