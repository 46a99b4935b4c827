//! What every instruction set's stubs are made of.

use mj_abi::Helper;

/// Addresses of the runtime's functions that stubs call, all `extern "C"`.
#[derive(Clone, Copy, Debug)]
pub struct StubFunctions {
    /// `fn(context, arguments...) -> u64`, by helper number.
    pub helpers: [usize; Helper::ALL.len()],
    /// `fn(context)`: the interrupt page was touched while protected.
    pub interrupted: usize,
    /// `fn(context, function: u32) -> CodePointer`: compiles a function; null if the store's `unwinding` is set.
    pub compile_lazily: usize,
}

/// The stubs' code and where each begins.
#[derive(Clone, Debug)]
pub struct Stubs {
    /// The code.
    pub code: Vec<u8>,
    /// Unwinds the store in the host's first argument register. The stack pointer may be anything.
    pub unwind: u32,
    /// Where an interrupted thread continues. Returns to the store's `resume_pc`.
    pub interrupt: u32,
    /// Where lazy stubs jump to.
    pub lazy: u32,
    /// The thunk of each helper, by number.
    pub helpers: [u32; Helper::ALL.len()],
}
