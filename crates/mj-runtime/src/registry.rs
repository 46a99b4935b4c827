//! What stands at an address of machine code.
//!
//! Every region of executable memory is registered with an object of the engine that knows its sites. The signal handler asks it whether a
//! fault is a trap, and backtraces ask it where compiled frames end.
//!
//! Invariant: an address is registered exactly as long as its [`CodeRegion`](crate::CodeRegion) is mapped.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use mj_abi::Site;

use crate::ranges::Ranges;

/// What kind of program counter is asked about. A call's return address may be the address of an instruction that traps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum PcKind {
    /// The address of an instruction that faulted (or was interrupted).
    Fault,
    /// The return address of a call.
    Return,
}

/// What the engine knows of a region of code.
///
/// Its methods are called in the signal handler, too: they must not allocate, and may take only locks that no thread holds while it
/// runs compiled code.
pub trait CodeInfo: Any + Send + Sync {
    /// The site whose address is exactly `pc`: a trap site for [`PcKind::Fault`], a call site for [`PcKind::Return`].
    fn site(&self, pc: usize, kind: PcKind) -> Option<Site>;

    /// Whether `pc` is in an entry trampoline, so that a frame which returns there is the outermost compiled one.
    fn is_entry(&self, pc: usize) -> bool;
}

static CODE: Ranges<Arc<dyn CodeInfo>> = Ranges::new();

/// What is registered for the code around `pc`.
#[must_use]
pub fn code_info(pc: usize) -> Option<Arc<dyn CodeInfo>> {
    CODE.find(pc, |_, info| Arc::clone(info))
}

/// As [`code_info`], with the whole range it was registered for.
pub(crate) fn code_around(pc: usize) -> Option<(Range<usize>, Arc<dyn CodeInfo>)> {
    CODE.find(pc, |range, info| (range, Arc::clone(info)))
}

/// In the signal handler: the trap site at `pc`, or `None` if `pc` is not in registered code at all.
pub(crate) fn fault_site(pc: usize) -> Option<Option<Site>> {
    CODE.try_find(pc, |_, info| info.site(pc, PcKind::Fault))
}

/// Keeps a range registered.
#[derive(Debug)]
pub(crate) struct CodeRegistration {
    start: usize,
}

impl CodeRegistration {
    pub(crate) fn new(range: Range<usize>, info: Arc<dyn CodeInfo>) -> Self {
        let start = range.start;
        CODE.insert(range, info);
        Self { start }
    }
}

impl Drop for CodeRegistration {
    fn drop(&mut self) {
        CODE.remove(self.start);
    }
}
