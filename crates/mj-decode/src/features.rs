//! Which proposals to WebAssembly 1.0 a module may use.
//!
//! One row a proposal: its name for people, the flags it needs in the parser, and whether the engine has it. Rows stand
//! in the order in which a refusal looks for a culprit: likely ones and prerequisites first.

use wasmparser::WasmFeatures;

macro_rules! proposals {
    ($($(#[$doc:meta])* $proposal:ident = $name:literal, $supported:literal, $($flag:ident)|+;)*) => {
        /// A proposal.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Proposal { $($(#[$doc])* $proposal),* }

        impl Proposal {
            /// All proposals.
            pub const ALL: &'static [Proposal] = &[$(Proposal::$proposal),*];

            /// Name, as the proposals' list has it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Proposal::$proposal => $name),* }
            }

            /// Whether the engine has it.
            #[must_use]
            pub fn is_supported(self) -> bool {
                match self { $(Proposal::$proposal => $supported),* }
            }

            pub(crate) fn flags(self) -> WasmFeatures {
                match self { $(Proposal::$proposal => WasmFeatures::empty()$(.union(WasmFeatures::$flag))+),* }
            }

            /// The flag that stands for the proposal alone: the last of its row, the others being prerequisites.
            fn own_flag(self) -> WasmFeatures {
                match self { $(Proposal::$proposal => *[$(WasmFeatures::$flag),+].last().expect("a row has a flag")),* }
            }
        }
    };
}

proposals! {
    /// Imported and exported globals that can be assigned.
    MutableGlobal = "mutable-global", true, MUTABLE_GLOBAL;
    /// `i32.extend8_s` and its like.
    SignExtension = "sign-extension", true, SIGN_EXTENSION;
    /// `i32.trunc_sat_f32_s` and its like.
    SaturatingFloatToInt = "saturating-float-to-int", true, SATURATING_FLOAT_TO_INT;
    /// Blocks and functions with several results.
    MultiValue = "multi-value", true, MULTI_VALUE;
    /// `memory.copy` and its like, passive segments.
    BulkMemory = "bulk-memory", true, BULK_MEMORY;
    /// `externref`, several tables, table operators.
    ReferenceTypes = "reference-types", true, REFERENCE_TYPES;
    /// Arithmetic in constant expressions.
    ExtendedConst = "extended-const", true, EXTENDED_CONST;
    /// 128-bit vectors.
    Simd = "SIMD", false, SIMD;
    /// Vector operators whose results depend on the machine.
    RelaxedSimd = "relaxed-SIMD", false, SIMD | RELAXED_SIMD;
    /// `return_call` and its like.
    TailCall = "tail-call", false, TAIL_CALL;
    /// Shared memories and atomic operators.
    Threads = "threads", false, THREADS;
    /// `try_table`, `throw` and tags.
    Exceptions = "exception-handling", false, EXCEPTIONS;
    /// `try` and `catch`, as an early draft had them.
    LegacyExceptions = "legacy-exceptions", false, EXCEPTIONS | LEGACY_EXCEPTIONS;
    /// More than one memory.
    MultiMemory = "multi-memory", false, MULTI_MEMORY;
    /// Memories and tables with 64-bit addresses.
    Memory64 = "memory64", false, MEMORY64;
    /// `call_ref` and references that are never null.
    FunctionReferences = "function-references", false, FUNCTION_REFERENCES;
    /// Structs and arrays.
    Gc = "GC", false, FUNCTION_REFERENCES | GC;
    /// 128-bit addition and multiplication.
    WideArithmetic = "wide-arithmetic", false, WIDE_ARITHMETIC;
    /// Memories with pages of other sizes than 64 KiB.
    CustomPageSizes = "custom-page-sizes", false, CUSTOM_PAGE_SIZES;
    /// `cont.new`, `resume` and their like.
    StackSwitching = "stack-switching", false, FUNCTION_REFERENCES | EXCEPTIONS | STACK_SWITCHING;
    /// Shared tables, globals and functions.
    SharedEverythingThreads = "shared-everything-threads", false, THREADS | FUNCTION_REFERENCES | GC | SHARED_EVERYTHING_THREADS;
    /// Import sections that name each module once.
    CompactImports = "compact-import-section", false, COMPACT_IMPORTS;
    /// `memory.discard`.
    MemoryControl = "memory-control", false, MEMORY_CONTROL;
    /// Descriptors of GC types.
    CustomDescriptors = "custom-descriptors", false, FUNCTION_REFERENCES | GC | CUSTOM_DESCRIPTORS;
}

/// A set of proposals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Features(u32);

impl Features {
    /// WebAssembly 1.0 without any proposal.
    pub const NONE: Features = Features(0);

    /// Everything the engine has.
    #[must_use]
    pub fn supported() -> Self {
        let mut features = Self::NONE;
        for &proposal in Proposal::ALL {
            features.set(proposal, proposal.is_supported());
        }
        features
    }

    /// Whether `proposal` is in the set.
    #[must_use]
    pub fn contains(self, proposal: Proposal) -> bool {
        self.0 & 1 << proposal as u32 != 0
    }

    /// Puts `proposal` into the set or takes it out.
    pub fn set(&mut self, proposal: Proposal, enable: bool) -> &mut Self {
        self.0 = self.0 & !(1 << proposal as u32) | u32::from(enable) << proposal as u32;
        self
    }

    /// The proposals in the set that the engine does not have.
    pub fn unsupported(self) -> impl Iterator<Item = Proposal> {
        Proposal::ALL.iter().copied().filter(move |&proposal| self.contains(proposal) && !proposal.is_supported())
    }

    /// Puts the proposals that the parser's `flags` name into the set or takes them out. Flags that name no proposal here are returned.
    pub fn set_flags(&mut self, flags: WasmFeatures, enable: bool) -> WasmFeatures {
        let mut unknown = flags.difference(WasmFeatures::MVP);
        for &proposal in Proposal::ALL {
            let own = proposal.own_flag();
            if flags.contains(own) {
                self.set(proposal, enable);
                unknown = unknown.difference(own);
            }
        }
        unknown
    }

    /// The parser's flags for this set.
    #[must_use]
    pub fn flags(self) -> WasmFeatures {
        let chosen = Proposal::ALL.iter().filter(|&&proposal| self.contains(proposal));
        chosen.fold(WasmFeatures::MVP, |flags, proposal| flags.union(proposal.flags()))
    }
}

impl Default for Features {
    /// [`Features::supported`].
    fn default() -> Self {
        Self::supported()
    }
}
