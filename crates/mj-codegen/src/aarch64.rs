//! AArch64: processors from Armv8.0 on.
//!
//! `registers` names the registers, `form` says what operators become, `cover` decides, `integer`, `compare`, `float` and `memory` emit, `machine` does
//! moves, control flow and calls, `frame` reads and writes the frame, `late` is what stands behind the body.

mod compare;
mod cover;
mod float;
mod form;
mod frame;
mod integer;
mod late;
mod machine;
mod memory;
pub(crate) mod registers;
mod stubs;
mod trampolines;
mod transition;

pub use stubs::{LAZY_HEAD_SIZE, LAZY_STUB_SIZE, lazy_stubs, stubs};
pub use trampolines::{entry_trampoline, host_shim};

use mj_asm_aarch64::Asm;
use mj_ir::RegisterFile;

use self::compare::ZeroTest;
use self::frame::FrameAccess;
use self::late::Late;
use self::memory::Base;
use crate::Options;

/// Processor features beyond the base that code generation uses: none yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub struct Features {}

impl Features {
    /// What every processor has.
    pub const LEAST: Features = Features {};

    /// The features of the processor that runs this.
    ///
    /// # Errors
    /// If this is not an AArch64 processor.
    pub fn detect() -> Result<Self, crate::CompileError> {
        if cfg!(target_arch = "aarch64") { Ok(Self {}) } else { Err(crate::CompileError::MissingCpuFeature("AArch64 instruction set")) }
    }
}

/// The instruction set with the code it is writing.
#[derive(Debug)]
pub(crate) struct Aarch64 {
    pub asm: Asm,
    registers: RegisterFile,
    explicit_bounds: bool,
    /// Traps are faults.
    faults: bool,
    canonical_nans: bool,
    precise_stores: bool,
    /// The comparison that ends here compares a register with zero.
    zero_test: Option<ZeroTest>,
    /// What the address register holds.
    base: Option<Base>,
    /// Bytes between frame pointer and stack pointer, where that is known.
    frame_bytes: Option<i32>,
    /// The access to the frame that ends here.
    frame_access: Option<FrameAccess>,
    /// What stands behind the body.
    late: Vec<Late>,
}

impl Aarch64 {
    pub fn new(_: Features, options: &Options) -> Self {
        let registers = if options.few_registers { registers::FILE.cut(registers::FEW) } else { registers::FILE };
        Self {
            asm: Asm::default(),
            registers,
            explicit_bounds: options.bounds == crate::Bounds::Explicit,
            faults: options.signals,
            canonical_nans: options.nan_canonicalization,
            precise_stores: options.precise_stores,
            zero_test: None,
            base: None,
            frame_bytes: None,
            frame_access: None,
            late: Vec::new(),
        }
    }
}
