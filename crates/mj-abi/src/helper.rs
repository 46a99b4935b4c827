//! Runtime functions that compiled code calls.
//!
//! Compiled code calls a helper like a WebAssembly function: arguments in the integer argument registers of the
//! convention, the result in the first integer result register. The address comes from the context's
//! [`HelperPointers`] and is that of a *thunk* on the compilers' side, which records the exit, switches to the host's
//! stack, calls the function of the runtime as `extern "C" fn(context, arguments...) -> u64`, and unwinds if
//! [`StoreContext::unwinding`](crate::StoreContext) is set on return.

use crate::CodePointer;

/// One row of the helper table.
#[derive(Clone, Copy, Debug)]
pub struct HelperRow {
    /// Name, for dumps.
    pub name: &'static str,
    /// Number of arguments after the context, all integers of at most 64 bits (32-bit ones zero-extended).
    pub arguments: u8,
    /// Whether there is a result.
    pub has_result: bool,
}

macro_rules! helpers {
    ($($(#[$doc:meta])* $name:ident ($field:ident) $arguments:literal -> $result:literal;)*) => {
        /// The helpers.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Helper { $($(#[$doc])* $name),* }

        impl Helper {
            /// All helpers, by number.
            pub const ALL: &'static [Helper] = &[$(Helper::$name),*];

            /// The helper's row.
            #[must_use]
            pub const fn row(self) -> HelperRow {
                match self {
                    $(Helper::$name => HelperRow { name: stringify!($field), arguments: $arguments, has_result: $result != 0 }),*
                }
            }
        }

        /// Addresses of the helpers' thunks, by helper number.
        pub type HelperPointers = [CodePointer; Helper::ALL.len()];

        impl Helper {
            /// Offset of this helper's address in [`HelperPointers`].
            #[must_use]
            pub const fn offset(self) -> i32 {
                self as i32 * core::mem::size_of::<CodePointer>() as i32
            }
        }
    };
}

helpers! {
    /// `(memory, delta pages) -> old pages`, or `u64::MAX` if it cannot grow (a 32-bit caller uses the low half).
    MemoryGrow(memory_grow) 2 -> 1;
    /// `(memory << 32 | source memory, destination, source, length)`: `memory.copy`, traps out of bounds.
    MemoryCopy(memory_copy) 4 -> 0;
    /// `(memory, destination, byte, length)`: `memory.fill`, traps out of bounds.
    MemoryFill(memory_fill) 4 -> 0;
    /// `(memory << 32 | data segment, destination, source, length)`: `memory.init`, traps out of bounds.
    MemoryInit(memory_init) 4 -> 0;
    /// `(data segment)`: `data.drop`.
    DataDrop(data_drop) 1 -> 0;
    /// `(table, initial word, delta) -> old length`, or `u64::MAX`.
    TableGrow(table_grow) 3 -> 1;
    /// `(table << 32 | source table, destination, source, length)`: `table.copy`, traps out of bounds.
    TableCopy(table_copy) 4 -> 0;
    /// `(table, destination, word, length)`: `table.fill`, traps out of bounds.
    TableFill(table_fill) 4 -> 0;
    /// `(table << 32 | element segment, destination, source, length)`: `table.init`, traps out of bounds.
    TableInit(table_init) 4 -> 0;
    /// `(element segment)`: `elem.drop`.
    ElemDrop(elem_drop) 1 -> 0;
    /// `()`: the fuel went negative. Returns if there is more now, else unwinds.
    OutOfFuel(out_of_fuel) 0 -> 0;
    /// `(function, place) -> code`: the countdown of the [`InterruptPage`](crate::InterruptPage) went negative in `function`, by index among the
    /// module's own, at `place`, the offset in the module of the first operator of the loop at hand, or of the body's first byte at the
    /// function's entry. `code` is where to go on with the loop, or 0.
    ///
    /// Not called like the others: all registers are kept but the scratch register, which takes the result. The arguments are words on the stack, the last
    /// one lowest, which the helper pops (x86-64), or the halves of the scratch register, `function` above `place` (AArch64).
    TierUp(tier_up) 2 -> 1;
    /// `()`: interruption was asked for ([`InterruptPage::asked`](crate::InterruptPage)). Returns if the code is to go on, else unwinds. Called in the
    /// middle of a function like [`OutOfFuel`](Helper::OutOfFuel): all registers are kept but the scratch register.
    Interrupted(interrupted) 0 -> 0;
    /// `(trap code as number)`: what code that does without signals calls where other code has an instruction that traps. Never returns.
    Trap(trap) 1 -> 0;
}
