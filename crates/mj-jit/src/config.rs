//! How an engine is to be: every switch, and which of them cannot be had yet.
//!
//! A setter never fails. What it asks for and the engine does not have is written down under the setter's name, and
//! [`Engine::new`](crate::Engine::new) then says so. Setters whose effect is not observable here (how some other compiler searches
//! registers, say) are accepted.

mod choices;
mod pooling;
mod proposals;
mod target;
mod tiers;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use mj_codegen::Arch;
use mj_decode::Features;

use crate::cache::Cache;
use crate::error::{Result, bail};

pub use choices::{
    Collector, CompilationMode, Enabled, Inlining, InstanceAllocationStrategy, ModuleVersionStrategy, OptLevel, ProfilingStrategy,
    RegallocAlgorithm, Strategy, WasmBacktraceDetails,
};
pub use pooling::PoolingAllocationConfig;
pub use tiers::TierUp;

use tiers::Tiering;

/// Bytes of a WebAssembly stack unless configured: real programs recurse deep.
const DEFAULT_WASM_STACK: usize = 8 << 20;

/// Address space of a linear memory unless configured: all that 32-bit addresses reach.
const DEFAULT_RESERVATION: u64 = 4 << 30;
/// [`Config::memory_reservation_for_growth`] unless set.
const DEFAULT_RESERVATION_FOR_GROWTH: u64 = 2 << 30;

/// Frames of a backtrace unless configured.
const DEFAULT_FRAMES: NonZeroUsize = NonZeroUsize::new(20).unwrap();

/// How an engine is to be.
///
/// The default compiles eagerly on all cores, optimizes in the background what proves to be hot, keeps linear memories in bounds by guard
/// pages, and accepts WebAssembly 2.0 without SIMD.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) features: Features,
    pub(crate) mode: CompilationMode,
    pub(crate) strategy: Strategy,
    pub(crate) opt_level: OptLevel,
    pub(crate) tiering: Tiering,
    pub(crate) profiling: ProfilingStrategy,
    pub(crate) pooling: Option<PoolingAllocationConfig>,
    pub(crate) parallel: bool,
    pub(crate) module_version: ModuleVersionStrategy,
    pub(crate) cache: Option<Cache>,
    /// The instruction set to compile for, if it is not this machine's.
    pub(crate) foreign: Option<Arch>,
    pub(crate) fuel: bool,
    pub(crate) epochs: bool,
    pub(crate) canonical_nans: bool,
    pub(crate) precise_stores: bool,
    pub(crate) signals: bool,
    pub(crate) few_registers: bool,
    pub(crate) spill_everything: bool,
    pub(crate) dirty_upper_bits: bool,
    pub(crate) max_wasm_stack: usize,
    pub(crate) memory_reservation: u64,
    pub(crate) memory_reservation_for_growth: u64,
    pub(crate) memory_guard_size: u64,
    pub(crate) guard_before: bool,
    pub(crate) backtrace: bool,
    pub(crate) backtrace_frames: Option<NonZeroUsize>,
    /// What was asked for and is not there: setter, and what it would need.
    refused: BTreeMap<&'static str, String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            features: Features::supported(),
            mode: CompilationMode::Eager,
            strategy: Strategy::Auto,
            opt_level: OptLevel::Speed,
            tiering: Tiering::default(),
            profiling: ProfilingStrategy::None,
            pooling: None,
            parallel: true,
            module_version: ModuleVersionStrategy::default(),
            cache: None,
            foreign: None,
            fuel: false,
            epochs: false,
            canonical_nans: false,
            precise_stores: false,
            signals: true,
            few_registers: false,
            spill_everything: false,
            dirty_upper_bits: false,
            max_wasm_stack: DEFAULT_WASM_STACK,
            memory_reservation: DEFAULT_RESERVATION,
            memory_reservation_for_growth: DEFAULT_RESERVATION_FOR_GROWTH,
            memory_guard_size: 32 << 20,
            guard_before: true,
            backtrace: true,
            backtrace_frames: Some(DEFAULT_FRAMES),
            refused: BTreeMap::new(),
        }
    }
}

/// Setters that are honoured.
impl Config {
    /// The default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// When functions are compiled: all when a module is made, or each at its first call.
    pub fn compilation_mode(&mut self, mode: CompilationMode) -> &mut Self {
        self.mode = mode;
        self
    }

    /// Which compiler to use: by default both, [`Strategy::TIERED`].
    pub fn strategy(&mut self, strategy: Strategy) -> &mut Self {
        self.strategy = strategy;
        self
    }

    /// How much the optimizing compiler should do. With [`OptLevel::None`] it does little, and nothing moves to it from the baseline compiler.
    /// [`OptLevel::SpeedAndSize`] is the same as [`OptLevel::Speed`], the default.
    pub fn cranelift_opt_level(&mut self, level: OptLevel) -> &mut Self {
        self.opt_level = level;
        self
    }

    /// Whether eager compilation uses all cores. The code is the same either way.
    pub fn parallel_compilation(&mut self, parallel: bool) -> &mut Self {
        self.parallel = parallel;
        self
    }

    /// Whether code counts fuel; see [`Store::set_fuel`](crate::Store::set_fuel).
    pub fn consume_fuel(&mut self, enable: bool) -> &mut Self {
        self.fuel = enable;
        self
    }

    /// Whether stores have epoch deadlines; see [`Store::set_epoch_deadline`](crate::Store::set_epoch_deadline).
    ///
    /// Code is the same either way: deadlines cost nothing while they have not passed.
    pub fn epoch_interruption(&mut self, enable: bool) -> &mut Self {
        self.epochs = enable;
        self
    }

    /// Bytes of the stack that WebAssembly code runs on; 8 MiB by default. Running out is a trap.
    pub fn max_wasm_stack(&mut self, size: usize) -> &mut Self {
        self.max_wasm_stack = size;
        self
    }

    /// Address space to reserve for each linear memory, which it can grow into; 4 GiB by default.
    ///
    /// Less than 4 GiB, or [no signals](Self::signals_based_traps), means that code checks each access against the memory's length, because guard pages no longer do.
    pub fn memory_reservation(&mut self, bytes: u64) -> &mut Self {
        self.memory_reservation = bytes;
        self
    }

    /// Address space, in bytes, that a memory without room for guard pages reserves beyond its initial size: memories never move, so this
    /// is how far it can grow, unless [`memory_reservation`](Self::memory_reservation) is more. 2 GiB by default.
    pub fn memory_reservation_for_growth(&mut self, bytes: u64) -> &mut Self {
        self.memory_reservation_for_growth = bytes;
        self
    }

    /// Inaccessible bytes behind each linear memory. None means that code checks each access.
    pub fn memory_guard_size(&mut self, bytes: u64) -> &mut Self {
        self.memory_guard_size = bytes;
        self
    }

    /// Whether there are inaccessible bytes in front of each linear memory, too.
    pub fn guard_before_linear_memory(&mut self, enable: bool) -> &mut Self {
        self.guard_before = enable;
        self
    }

    /// Whether errors carry a backtrace of the WebAssembly code.
    pub fn wasm_backtrace(&mut self, enable: bool) -> &mut Self {
        self.backtrace = enable;
        self
    }

    /// Most frames of a backtrace; 20 by default, `None` for no backtrace.
    pub fn wasm_backtrace_max_frames(&mut self, limit: Option<NonZeroUsize>) -> &mut Self {
        self.backtrace_frames = limit;
        self
    }

    /// Tells a profiler about compiled code.
    pub fn profiler(&mut self, profile: ProfilingStrategy) -> &mut Self {
        self.profiling = profile;
        let missing = matches!(profile, ProfilingStrategy::VTune | ProfilingStrategy::Pulley);
        self.refuse("profiler", missing, &format!("{profile:?}: only `PerfMap` and `JitDump` are there"))
    }

    /// How instances get their memory. Memories and stacks are pooled in any case; of a pool's limits, the size of memories and tables and their
    /// number in a module are kept.
    pub fn allocation_strategy(&mut self, strategy: impl Into<InstanceAllocationStrategy>) -> &mut Self {
        self.pooling = match strategy.into() {
            InstanceAllocationStrategy::OnDemand => None,
            InstanceAllocationStrategy::Pooling(config) => Some(config),
        };
        self
    }

    /// Whether every NaN that an operator computes has the same bits, on every machine: the quiet bit, and no other. Off by default.
    pub fn cranelift_nan_canonicalization(&mut self, enable: bool) -> &mut Self {
        self.canonical_nans = enable;
        self
    }

    /// Whether stores that end outside memory leave it as it was on every processor. Off by default, and without effect where processors promise it
    /// (x86-64) or lengths are compared: AArch64 lets a processor write the bytes in front of a protected page before it faults on the others. Then
    /// each store is preceded by a load of the same bytes.
    pub fn precise_stores(&mut self, enable: bool) -> &mut Self {
        self.precise_stores = enable;
        self
    }

    /// Where compiled code is kept between runs; nowhere by default.
    ///
    /// What is found there is run as it is: see [`Cache::new`] for who may be able to write there.
    pub fn cache(&mut self, cache: Option<Cache>) -> &mut Self {
        self.cache = cache;
        self
    }

    /// Whether traps, and interruptions, are hardware faults that a signal handler of the process turns into errors; on by default.
    ///
    /// If not, compiled code checks everything itself: bounds of memories, divisors, null references, room on the stack, and whether it is
    /// interrupted. Then nothing is installed in the process, neither signal handlers nor stacks for them, and code is slower.
    pub fn signals_based_traps(&mut self, enable: bool) -> &mut Self {
        self.signals = enable;
        self
    }

    /// For the engine's own tests: compiled code uses as few registers as it can.
    #[doc(hidden)]
    pub fn codegen_few_registers(&mut self, enable: bool) -> &mut Self {
        self.few_registers = enable;
        self
    }

    /// For the engine's own tests: compiled code keeps values in the frame, and reloads them for each use.
    #[doc(hidden)]
    pub fn codegen_spill_everything(&mut self, enable: bool) -> &mut Self {
        self.spill_everything = enable;
        self
    }

    /// For the engine's own tests: upper halves of registers with 32-bit values hold garbage.
    #[doc(hidden)]
    pub fn codegen_dirty_upper_bits(&mut self, enable: bool) -> &mut Self {
        self.dirty_upper_bits = enable;
        self
    }
}

/// Setters that ask for what is not there yet if they are given a particular value.
impl Config {
    /// Whether to compile at all: engines that only run what was compiled before are not there yet.
    pub fn enable_compiler(&mut self, enable: bool) -> &mut Self {
        self.refuse("enable_compiler", !enable, "engines without compiler")
    }

    /// Whether debuggers are told about compiled code.
    pub fn debug_info(&mut self, enable: bool) -> &mut Self {
        self.refuse("debug_info", enable, "debug information for native debuggers")
    }

    /// Whether debuggers can look into guests.
    pub fn guest_debug(&mut self, enable: bool) -> &mut Self {
        self.refuse("guest_debug", enable, "debugging of guests")
    }

    /// Whether errors carry a core dump.
    pub fn coredump_on_trap(&mut self, enable: bool) -> &mut Self {
        self.refuse("coredump_on_trap", enable, "core dumps")
    }

    /// Whether hosts can make shared memories.
    pub fn shared_memory(&mut self, enable: bool) -> &mut Self {
        self.refuse("shared_memory", enable, "shared memories")
    }

    /// Whether code checks accesses against what the guest's allocator gave out.
    pub fn wmemcheck(&mut self, enable: bool) -> &mut Self {
        self.refuse("wmemcheck", enable, "checks of the guest's allocator")
    }

    /// Threads that compiling a module may use.
    pub(crate) fn threads(&self) -> usize {
        if self.parallel { tiers::cores() } else { 1 }
    }

    pub(crate) fn refuse(&mut self, setter: &'static str, refused: bool, what: &str) -> &mut Self {
        if refused {
            self.refused.insert(setter, what.to_owned());
        } else {
            self.refused.remove(setter);
        }
        self
    }

    /// Checks that all of it can be had.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some((setter, what)) = self.refused.first_key_value() {
            bail!("`Config::{setter}` asks for something that is not supported yet: {what}");
        }
        if let Some(proposal) = self.features.unsupported().next() {
            bail!("the configuration asks for the {} proposal, which is not supported yet", proposal.name());
        }
        if self.max_wasm_stack == 0 {
            bail!("`Config::max_wasm_stack` must not be zero");
        }
        Ok(())
    }
}

macro_rules! accepted {
    ($($(#[$doc:meta])* $name:ident($argument:ident: $ty:ty);)*) => {
        /// Setters that are accepted and change nothing, for the engine does what they ask in any case or has nothing to switch.
        impl Config {
            $(
                $(#[$doc])*
                pub fn $name(&mut self, $argument: $ty) -> &mut Self {
                    let _ = $argument;
                    self
                }
            )*
        }
    };
}

accepted! {
    /// Whether symbols of compiled code are kept. Names from the name section always are.
    debug_symbols(enable: bool);
    /// Whether backtraces show lines of source files. They show functions and offsets.
    wasm_backtrace_details(enable: WasmBacktraceDetails);
    /// Whether native unwinders find their way. Compiled code keeps frame pointers.
    native_unwind_info(enable: bool);
    /// Stack size of asynchronous calls. There are none.
    async_stack_size(size: usize);
    /// Whether stacks of asynchronous calls are zeroed. There are none.
    async_stack_zeroing(enable: bool);
    /// Whether relaxed SIMD gives the same results everywhere. There is none.
    relaxed_simd_deterministic(enable: bool);
    /// Which garbage collector to use. There is none.
    collector(collector: Collector);
    /// Whether there is a garbage collector. There is none; external references work without.
    gc_support(enable: bool);
    /// Initial size of the garbage collector's heap. There is none.
    gc_heap_initial_size(bytes: u64);
    /// Address space of the garbage collector's heap. There is none.
    gc_heap_reservation(bytes: u64);
    /// Guard of the garbage collector's heap. There is none.
    gc_heap_guard_size(bytes: u64);
    /// Address space to grow the garbage collector's heap. There is none.
    gc_heap_reservation_for_growth(bytes: u64);
    /// Whether the garbage collector's heap may move. There is none.
    gc_heap_may_move(enable: bool);
    /// Whether the compiler checks itself.
    cranelift_debug_verifier(enable: bool);
    /// Whether code checks the compiler's assumptions.
    cranelift_wasmtime_debug_checks(enable: bool);
    /// How registers are found. There is one way.
    cranelift_regalloc_algorithm(algorithm: RegallocAlgorithm);
    /// Whether linear memories may move when they grow. They never do.
    memory_may_move(enable: bool);
    /// Whether tables are filled when they are used. They are filled at instantiation.
    table_lazy_init(enable: bool);
    /// Whether offsets of operators are kept. They always are.
    generate_address_map(enable: bool);
    /// Whether a memory's initial contents are mapped instead of copied. They are copied.
    memory_init_cow(enable: bool);
    /// Whether mapped contents are always in memory. They are copied.
    force_memory_init_memfd(enable: bool);
    /// Most bytes of a memory's contents that are mapped though they have gaps. They are copied.
    memory_guaranteed_dense_image_size(size_in_bytes: u64);
    /// Whether functions are inlined into others. Not in the baseline compiler.
    compiler_inlining(inlining: Inlining);
    /// Whether faults are seen as Mach messages. That is for another system.
    macos_use_mach_ports(mach_ports: bool);
    /// Whether stores can be used by concurrent tasks. There are none.
    concurrency_support(enable: bool);
    /// Whether internal checks are recorded for traps.
    metadata_for_internal_asserts(enable: bool);
    /// Whether heap checks are recorded for traps.
    metadata_for_gc_heap_corruption(enable: bool);
}

impl Config {
    /// How serialized modules show which engine made them. Code of another engine than this may do anything when it is run: with another strategy
    /// than the default, whoever deserializes modules sees to it that they fit.
    ///
    /// # Errors
    ///
    /// If a custom version is longer than 255 bytes.
    pub fn module_version(&mut self, strategy: ModuleVersionStrategy) -> Result<&mut Self> {
        if strategy.as_str().len() > 255 {
            bail!("the module version is longer than 255 bytes");
        }
        self.module_version = strategy;
        Ok(self)
    }
}
