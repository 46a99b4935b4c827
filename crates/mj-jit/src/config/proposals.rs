//! One switch a WebAssembly proposal.

use mj_decode::{Proposal, WasmFeatures};

use crate::Config;

macro_rules! switches {
    ($($(#[$doc:meta])* $name:ident = $proposal:ident;)*) => {
        /// Switches of WebAssembly proposals. Those that are not supported yet are off, and make
        /// [`Engine::new`](crate::Engine::new) fail if they are turned on.
        impl Config {
            $(
                $(#[$doc])*
                pub fn $name(&mut self, enable: bool) -> &mut Self {
                    self.features.set(Proposal::$proposal, enable);
                    let what = format!("the {} proposal", Proposal::$proposal.name());
                    self.refuse(stringify!($name), enable && !Proposal::$proposal.is_supported(), &what)
                }
            )*
        }
    };
}

switches! {
    /// `externref`, several tables and table operators. On by default.
    wasm_reference_types = ReferenceTypes;
    /// `memory.copy` and its like, and passive segments. On by default.
    wasm_bulk_memory = BulkMemory;
    /// Blocks and functions with several results. On by default.
    wasm_multi_value = MultiValue;
    /// Arithmetic in constant expressions. On by default.
    wasm_extended_const = ExtendedConst;
    /// 128-bit vectors. Not supported yet.
    wasm_simd = Simd;
    /// Vector operators whose results depend on the machine. Not supported yet.
    wasm_relaxed_simd = RelaxedSimd;
    /// `return_call` and its like. Not supported yet.
    wasm_tail_call = TailCall;
    /// Shared memories and atomic operators. Not supported yet.
    wasm_threads = Threads;
    /// Shared tables, globals and functions. Not supported yet.
    wasm_shared_everything_threads = SharedEverythingThreads;
    /// More than one memory. Not supported yet.
    wasm_multi_memory = MultiMemory;
    /// Memories and tables with 64-bit addresses. Not supported yet.
    wasm_memory64 = Memory64;
    /// `call_ref` and references that are never null. Not supported yet.
    wasm_function_references = FunctionReferences;
    /// Structs and arrays. Not supported yet.
    wasm_gc = Gc;
    /// `try_table`, `throw` and tags. Not supported yet.
    wasm_exceptions = Exceptions;
    /// `try` and `catch`, as an early draft had them. Not supported yet.
    wasm_legacy_exceptions = LegacyExceptions;
    /// 128-bit addition and multiplication. Not supported yet.
    wasm_wide_arithmetic = WideArithmetic;
    /// Memories with pages of other sizes than 64 KiB. Not supported yet.
    wasm_custom_page_sizes = CustomPageSizes;
    /// `cont.new`, `resume` and their like. Not supported yet.
    wasm_stack_switching = StackSwitching;
}

impl Config {
    /// Hints which way branches go. They are read by no compiler yet, and need not be.
    pub fn wasm_branch_hinting(&mut self, enable: bool) -> &mut Self {
        let _ = enable;
        self
    }

    /// Turns several proposals on or off.
    pub fn wasm_features(&mut self, flag: WasmFeatures, enable: bool) -> &mut Self {
        let unknown = self.features.set_flags(flag, enable);
        let names = unknown.iter_names().map(|(name, _)| name).collect::<Vec<_>>().join(", ");
        self.refuse("wasm_features", enable && !unknown.is_empty(), &names)
    }
}
