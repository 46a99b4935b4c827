//! Why compiled code stopped.

macro_rules! traps {
    ($($(#[$doc:meta])* $name:ident = $message:literal),* $(,)?) => {
        /// Kinds of trap (spec 4.4, "trap"), with wasmtime's names and messages.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum TrapCode { $($(#[$doc])* $name),* }

        impl TrapCode {
            /// All codes, by number.
            pub const ALL: &'static [TrapCode] = &[$(TrapCode::$name),*];

            /// What a user reads, without the `wasm trap: ` in front.
            #[must_use]
            pub fn message(self) -> &'static str {
                match self { $(TrapCode::$name => $message),* }
            }
        }
    };
}

traps! {
    /// The WebAssembly stack ran into its guard region.
    StackOverflow = "call stack exhausted",
    /// A load or store outside its linear memory.
    MemoryOutOfBounds = "out of bounds memory access",
    /// An atomic access that is not aligned.
    HeapMisaligned = "unaligned atomic",
    /// A table access outside the table.
    TableOutOfBounds = "undefined element: out of bounds table access",
    /// `call_indirect` through a null element.
    IndirectCallToNull = "uninitialized element",
    /// `call_indirect` to a function of another type.
    BadSignature = "indirect call type mismatch",
    /// `INT_MIN / -1`.
    IntegerOverflow = "integer overflow",
    /// Division by zero.
    IntegerDivisionByZero = "integer divide by zero",
    /// A float that does not fit the integer type (or is NaN).
    BadConversionToInteger = "invalid conversion to integer",
    /// `unreachable`.
    UnreachableCodeReached = "wasm `unreachable` instruction executed",
    /// The embedder interrupted execution.
    Interrupt = "interrupt",
    /// Fuel used up.
    OutOfFuel = "all fuel consumed by WebAssembly",
    /// A null reference where one is not allowed.
    NullReference = "null reference",
    /// Internal: a hardware division fault at a site whose divisor is in the register named by [`Site::register`](crate::Site::register);
    /// reported as `IntegerDivisionByZero` if that register holds zero, else as `IntegerOverflow`.
    Division = "division fault",
    /// Internal: a call site, which does not trap itself.
    Call = "call site",
}

impl TrapCode {
    /// The code with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}
