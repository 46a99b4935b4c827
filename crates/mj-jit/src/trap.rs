//! Traps, and where the WebAssembly code was when something stopped it.
//!
//! A call that fails gives an [`Error`](crate::Error) whose root is a [`Trap`] or an error of the host, with a [`WasmBacktrace`] as
//! context around it; both are found by `downcast_ref`.

mod backtrace;

use std::fmt;

use mj_abi::TrapCode;

pub use backtrace::{FrameInfo, FrameSymbol, WasmBacktrace};

macro_rules! traps {
    ($($(#[$doc:meta])* $name:ident = $message:literal),* $(,)?) => {
        /// Why WebAssembly code trapped.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[non_exhaustive]
        pub enum Trap { $($(#[$doc])* $name),* }

        impl fmt::Display for Trap {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Trap::$name => concat!("wasm trap: ", $message)),* })
            }
        }
    };
}

traps! {
    /// The stack of the WebAssembly code, or of the host, is used up.
    StackOverflow = "call stack exhausted",
    /// A load, store or bulk operation outside the linear memory.
    MemoryOutOfBounds = "out of bounds memory access",
    /// An atomic access to an address that is not a multiple of its size.
    HeapMisaligned = "unaligned atomic",
    /// An access outside a table.
    TableOutOfBounds = "undefined element: out of bounds table access",
    /// An indirect call through a table element that is null.
    IndirectCallToNull = "uninitialized element",
    /// An indirect call to a function of another type.
    BadSignature = "indirect call type mismatch",
    /// A division whose result does not fit.
    IntegerOverflow = "integer overflow",
    /// A division by zero.
    IntegerDivisionByZero = "integer divide by zero",
    /// A conversion of a float that the integer type cannot hold, or of NaN.
    BadConversionToInteger = "invalid conversion to integer",
    /// The `unreachable` instruction.
    UnreachableCodeReached = "wasm `unreachable` instruction executed",
    /// The host asked for it: a deadline passed or an interrupt handle was used.
    Interrupt = "interrupt",
    /// No fuel left.
    OutOfFuel = "all fuel consumed by WebAssembly",
    /// A wait on a memory that is not shared.
    AtomicWaitNonSharedMemory = "atomic wait on non-shared memory",
    /// A null reference where there must be none.
    NullReference = "null reference",
    /// An access outside an array.
    ArrayOutOfBounds = "out of bounds array access",
    /// An allocation beyond what the implementation can do.
    AllocationTooLarge = "allocation size too large",
    /// A cast of a reference to a type it does not have.
    CastFailure = "cast failure",
}

impl std::error::Error for Trap {}

impl Trap {
    /// The public name of what the runtime reports.
    pub(crate) fn from_code(code: TrapCode) -> Self {
        match code {
            TrapCode::StackOverflow => Trap::StackOverflow,
            TrapCode::MemoryOutOfBounds => Trap::MemoryOutOfBounds,
            TrapCode::HeapMisaligned => Trap::HeapMisaligned,
            TrapCode::TableOutOfBounds => Trap::TableOutOfBounds,
            TrapCode::IndirectCallToNull => Trap::IndirectCallToNull,
            TrapCode::BadSignature => Trap::BadSignature,
            TrapCode::IntegerOverflow => Trap::IntegerOverflow,
            TrapCode::IntegerDivisionByZero => Trap::IntegerDivisionByZero,
            TrapCode::BadConversionToInteger => Trap::BadConversionToInteger,
            TrapCode::UnreachableCodeReached => Trap::UnreachableCodeReached,
            TrapCode::Interrupt => Trap::Interrupt,
            TrapCode::OutOfFuel => Trap::OutOfFuel,
            TrapCode::NullReference => Trap::NullReference,
            code => unreachable!("{code:?} is never reported"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_of_the_contract() {
        for &code in TrapCode::ALL.iter().filter(|code| !matches!(code, TrapCode::Division | TrapCode::Call)) {
            assert_eq!(Trap::from_code(code).to_string(), format!("wasm trap: {}", code.message()));
        }
    }
}
