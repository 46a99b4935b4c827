//! x86-64: System V hosts, processors from 2008 on (SSE4.1, POPCNT), with BMI and AVX used where present.
//!
//! `registers` names the registers, `form` says what operators become, `cover` decides, `integer`, `float` and `memory` emit, `machine` does
//! moves, control flow and calls.

mod cover;
mod float;
mod form;
mod integer;
mod machine;
mod memory;
pub(crate) mod registers;
mod stubs;
mod trampolines;
mod transition;

pub use stubs::{LAZY_HEAD_SIZE, LAZY_STUB_SIZE, lazy_stubs, stubs};
pub use trampolines::{entry_trampoline, host_shim};

use mj_asm_x64::{Asm, Width};
use mj_ir::{PReg, RegisterFile};

use crate::{CompileError, Options};

/// Processor features beyond the base that code generation uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Features {
    /// `lzcnt`.
    pub lzcnt: bool,
    /// `tzcnt`.
    pub bmi1: bool,
    /// `shlx`, `sarx`, `shrx`, `rorx`.
    pub bmi2: bool,
    /// Three-operand scalar float instructions.
    pub avx: bool,
}

impl Features {
    /// What every processor has.
    pub const LEAST: Self = Self { lzcnt: false, bmi1: false, bmi2: false, avx: false };

    /// The features of the processor that runs this.
    ///
    /// # Errors
    /// If a feature is missing that all generated code needs, or if this is not an x86-64 processor.
    pub fn detect() -> Result<Self, CompileError> {
        #[cfg(target_arch = "x86_64")]
        {
            if !std::arch::is_x86_feature_detected!("sse4.1") {
                return Err(CompileError::MissingCpuFeature("SSE4.1"));
            }
            if !std::arch::is_x86_feature_detected!("popcnt") {
                return Err(CompileError::MissingCpuFeature("POPCNT"));
            }
            Ok(Self {
                lzcnt: std::arch::is_x86_feature_detected!("lzcnt"),
                bmi1: std::arch::is_x86_feature_detected!("bmi1"),
                bmi2: std::arch::is_x86_feature_detected!("bmi2"),
                avx: std::arch::is_x86_feature_detected!("avx"),
            })
        }
        #[cfg(not(target_arch = "x86_64"))]
        Err(CompileError::MissingCpuFeature("x86-64 instruction set"))
    }
}

/// The instruction set with the code it is writing.
#[derive(Debug)]
pub(crate) struct X64 {
    pub asm: Asm,
    features: Features,
    registers: RegisterFile,
    explicit_bounds: bool,
    /// Traps are faults.
    faults: bool,
    canonical_nans: bool,
    /// The instruction that ends here has set the zero flag by this register's new value.
    zero_flag: Option<(usize, PReg, Width)>,
}

impl X64 {
    pub fn new(features: Features, options: &Options) -> Self {
        let registers = if options.few_registers { registers::FILE.cut(registers::FEW) } else { registers::FILE };
        Self {
            asm: Asm::default(),
            features,
            registers,
            explicit_bounds: options.bounds == crate::Bounds::Explicit,
            faults: options.signals,
            canonical_nans: options.nan_canonicalization,
            zero_flag: None,
        }
    }
}
