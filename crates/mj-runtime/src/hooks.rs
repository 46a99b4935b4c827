//! What the runtime asks of the engine above it while compiled code waits.
//!
//! A context's header names the runtime's record of its instance, and the record names an [`InstanceHooks`] object. Hooks are
//! called on the host's stack, by the thread that runs the store. They take `&self`: a hook may enter WebAssembly again (a limiter's
//! callback, a lazily compiled start function), which may call hooks of the same instance.

use std::any::Any;
use std::fmt;
use std::ptr::NonNull;

use mj_abi::{CodePointer, TrapCode};

/// An error of the host on its way through compiled code: whatever the embedder's layer wants to have back.
pub type Payload = Box<dyn Any + Send>;

/// Why a helper or a host function wants to unwind to the innermost entry.
pub enum Stop {
    /// A trap, as if an instruction had trapped at the call.
    Trap(TrapCode),
    /// An error of the host.
    Error(Payload),
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Trap(code) => f.debug_tuple("Trap").field(code).finish(),
            Stop::Error(_) => f.write_str("Error(..)"),
        }
    }
}

impl From<TrapCode> for Stop {
    fn from(code: TrapCode) -> Self {
        Stop::Trap(code)
    }
}

/// The instance as helpers see it. Implemented by the engine, once per instance.
///
/// Panics in these methods travel to the innermost entry and go on there.
pub trait InstanceHooks {
    /// `memory.grow`: grows memory `memory` by `delta` of its pages. The old size in pages, or `None` if that cannot be.
    fn memory_grow(&self, memory: u32, delta: u64) -> Result<Option<u64>, Stop>;

    /// `table.grow`: grows table `table` by `delta` elements, set to `initial`. The old length, or `None` if that cannot be.
    fn table_grow(&self, table: u32, initial: usize, delta: u64) -> Result<Option<u64>, Stop>;

    /// The bytes of data segment `segment`; none if it was dropped.
    fn data_segment(&self, segment: u32) -> &[u8];

    /// `data.drop`.
    fn data_drop(&self, segment: u32);

    /// The words of element segment `segment`; none if it was dropped.
    fn element_segment(&self, segment: u32) -> &[usize];

    /// `elem.drop`.
    fn elem_drop(&self, segment: u32);

    /// The fuel went negative. Returns `Ok` if there is more now.
    fn out_of_fuel(&self) -> Result<(), Stop>;

    /// The store's interrupt page was protected. The hook makes it readable again (`StoreState::clear_interrupt`), *then* looks
    /// why it was protected, so that no interruption is lost; `Ok` resumes.
    fn interrupted(&self) -> Result<(), Stop>;

    /// A function (index in the module's function index space or whatever the lazy stubs were made with) is called for the first time:
    /// compiles it, publishes its entry in the jump table, and returns the entry. Never null.
    fn compile_lazily(&self, function: u32) -> Result<CodePointer, Stop>;

    /// Tiered code of this instance has done a period's work, in `function` (an index among the module's own); `place` is the offset in the module
    /// of the first operator of its loop, or of its body's first byte at its entry. At a loop: where to go on with the frame that waits, or `None`.
    fn tier_up(&self, function: u32, place: u32) -> Option<NonNull<u8>>;
}
