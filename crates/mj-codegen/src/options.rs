//! What changes the code that is generated.

use core::num::NonZeroU32;

/// How accesses to linear memory are kept inside it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub enum Bounds {
    /// By guard pages behind the memory: an access is one instruction.
    #[default]
    Guard,
    /// By comparing with the length.
    Explicit,
}

/// How much the optimizing compiler does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub enum Effort {
    /// Constants are folded and operators simplified; nothing is looked for that takes a search.
    Least,
    /// All that pays.
    #[default]
    Full,
}

/// Options of code generation. Modules compiled with different options must not be mixed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Options {
    /// How memory accesses are checked.
    pub bounds: Bounds,
    /// Code faults where it traps, and where it is interrupted: hardware checks what it can. Without, code checks everything itself and calls
    /// [`Helper::Trap`](mj_abi::Helper::Trap) and [`Helper::Interrupted`](mj_abi::Helper::Interrupted), so that nobody need handle signals; bounds must then be explicit.
    pub signals: bool,
    /// Count operators, and stop when the store's fuel is used up.
    pub fuel: bool,
    /// Touch the interrupt page at back edges and at the entry of functions that call.
    pub interruption: bool,
    /// Count work at back edges and at the entry of functions, and call [`Helper::TierUp`](mj_abi::Helper::TierUp) each time so much has been done: in
    /// units of about an instruction, at most 2^30. `None` for code that stays as it is.
    pub tiering: Option<NonZeroU32>,
    /// How much the optimizing compiler does.
    pub effort: Effort,
    /// For tests: use only the few registers that instructions insist on, so that everything spills.
    pub few_registers: bool,
    /// For tests: values live in the frame, and are in registers only while an operator uses or makes them.
    pub spill_everything: bool,
    /// For tests: set the upper halves of registers that hold 32-bit values.
    pub dirty_upper_bits: bool,
    /// Give every NaN that an operator produces the same bits.
    pub nan_canonicalization: bool,
    /// Load what a store is going to overwrite first, where a processor may write a part of it and fault on the rest: AArch64 with guard pages.
    pub precise_stores: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bounds: Bounds::Guard,
            signals: true,
            fuel: false,
            interruption: true,
            tiering: None,
            effort: Effort::Full,
            few_registers: false,
            spill_everything: false,
            dirty_upper_bits: false,
            nan_canonicalization: false,
            precise_stores: false,
        }
    }
}
