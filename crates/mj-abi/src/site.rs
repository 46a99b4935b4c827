//! Places in compiled code that the runtime may have to explain: instructions that can fault, and calls.

use crate::TrapCode;

/// One row of a function's site table: a code offset and what stands there, packed into 12 bytes.
///
/// For a trap the offset is the faulting instruction's first byte; for a call it is the return address.
/// Rows are in the order of their code offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Offset from the start of the emission unit, in bytes.
    pub code: u32,
    /// Byte offset of the operator in the WebAssembly module.
    pub wasm: u32,
    /// A [`TrapCode`] as number.
    trap: u8,
    /// Hardware number of the divisor's register plus 64 if the division is 64 bits wide, for [`TrapCode::Division`].
    register: u8,
}

impl Site {
    /// A site that traps with `trap`, or a call site for [`TrapCode::Call`].
    #[must_use]
    #[inline]
    pub const fn new(code: u32, wasm: u32, trap: TrapCode) -> Self {
        Self { code, wasm, trap: trap as u8, register: 0 }
    }

    /// A division whose divisor is in register `number`.
    #[must_use]
    #[inline]
    pub const fn division(code: u32, wasm: u32, number: u8, is_64: bool) -> Self {
        Self { code, wasm, trap: TrapCode::Division as u8, register: number | (is_64 as u8) << 6 }
    }

    /// The trap of this site.
    #[must_use]
    pub fn trap(self) -> TrapCode {
        TrapCode::from_number(self.trap).expect("sites are made from codes")
    }

    /// Hardware register number and whether 64 bits count, of a division's divisor.
    #[must_use]
    pub fn register(self) -> (u8, bool) {
        (self.register & 63, self.register & 64 != 0)
    }

    /// The same site, `by` bytes further on.
    #[must_use]
    pub fn moved(self, by: u32) -> Self {
        Self { code: self.code + by, ..self }
    }
}
