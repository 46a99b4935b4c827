//! An engine: what modules and stores of one configuration share.

mod background;
mod code;
mod fingerprint;

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use mj_abi::{CodePointer, HelperPointers};
use mj_codegen::{Arch, Compiler, Effort, Options, Target};
use mj_runtime::{Bounds, Checks, CodeArena, MemoryError, MemoryPlan, MemoryPool, StackPool, Stubs};

use crate::cache::Cache;
use crate::config::{Config, OptLevel, PoolingAllocationConfig, Strategy};
use crate::error::Result;
use crate::store::Epoch;
use crate::types::{TypeEntry, TypeRegistry};

use background::Background;
use code::EngineCode;
use fingerprint::Fingerprint;

pub(crate) use background::{Heat, Job};

/// Memory reservations that wait for their next use, unless a pool is configured: address space, and little memory.
const KEPT_MEMORIES: usize = 100;

/// Stacks and compilers that wait for their next use.
const KEPT: usize = 16;

/// What modules and stores of one configuration share: compiled code is made for it, function types are numbered by it, stacks and memories
/// are pooled in it.
///
/// Cloning gives another handle to the same engine. Any number of threads may use it.
#[derive(Clone, Debug)]
pub struct Engine {
    inner: Arc<EngineInner>,
}

#[derive(Debug)]
struct EngineInner {
    config: Config,
    target: Target,
    options: Options,
    fingerprint: OnceLock<Fingerprint>,
    types: Arc<TypeRegistry>,
    code: EngineCode,
    /// Where code of modules is that are linked late.
    arena: CodeArena,
    epoch: Epoch,
    memories: MemoryPool,
    stacks: StackPool,
    /// Compilers that wait for their next function.
    compilers: Mutex<Vec<Compiler>>,
    background: Background,
    made: Instant,
}

impl Engine {
    /// An engine as configured.
    ///
    /// # Errors
    ///
    /// If the configuration asks for something that is not supported yet, if the processor lacks something that compiled code needs, or
    /// if the operating system refuses executable memory or signal handlers.
    pub fn new(config: &Config) -> Result<Engine> {
        config.check()?;
        if config.signals {
            mj_runtime::install_signal_handlers()?;
        }
        let kept = config.pooling.as_ref().map(|pooling| pooling.max_unused_warm_slots as usize);
        let memories = MemoryPool::new(kept.unwrap_or(KEPT_MEMORIES));
        let options = options(config, &memories);
        let target = config.machine()?;
        let checks = if config.signals { Checks::Hardware } else { Checks::Compiled };
        let compiler = Compiler::for_target(target, &options);
        let inner = EngineInner {
            config: config.clone(),
            target,
            options,
            fingerprint: OnceLock::new(),
            types: Arc::default(),
            code: EngineCode::new()?,
            arena: CodeArena::default(),
            epoch: Epoch::default(),
            memories,
            stacks: StackPool::with_checks(config.max_wasm_stack, kept.unwrap_or(KEPT), checks),
            compilers: Mutex::new(vec![compiler]),
            background: Background::new(config.background_threads()),
            made: Instant::now(),
        };
        Ok(Engine { inner: Arc::new(inner) })
    }

    /// How it was configured.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// A handle that does not keep the engine alive.
    #[must_use]
    pub fn weak(&self) -> EngineWeak {
        EngineWeak { inner: Arc::downgrade(&self.inner) }
    }

    /// Whether `a` and `b` are the same engine.
    #[must_use]
    pub fn same(a: &Engine, b: &Engine) -> bool {
        Arc::ptr_eq(&a.inner, &b.inner)
    }

    /// Advances the epoch by one; stores whose deadline passes are interrupted. For another thread than those that run code, usually.
    ///
    /// Costs time proportional to the number of stores with deadlines, and takes a lock: it is not for signal handlers.
    pub fn increment_epoch(&self) {
        self.inner.epoch.increment();
    }

    /// Whether code is interpreted: never.
    #[must_use]
    pub fn is_pulley(&self) -> bool {
        false
    }

    /// Does now for this thread what its first call of WebAssembly would do, in a store that [uses signals](Config::signals_based_traps).
    pub fn tls_eager_initialize() {
        // A failure is reported by the first call, which can report it.
        let _ = mj_runtime::install_signal_handlers();
    }

    /// The instruction set of code.
    pub(crate) fn arch(&self) -> Arch {
        self.inner.target.arch()
    }

    /// Whether code is for the machine that runs this.
    pub(crate) fn is_native(&self) -> bool {
        self.arch() == Arch::HOST
    }

    pub(crate) fn code_arena(&self) -> &CodeArena {
        &self.inner.arena
    }

    pub(crate) fn types(&self) -> &Arc<TypeRegistry> {
        &self.inner.types
    }

    pub(crate) fn epoch(&self) -> &Epoch {
        &self.inner.epoch
    }

    pub(crate) fn memories(&self) -> &MemoryPool {
        &self.inner.memories
    }

    pub(crate) fn stacks(&self) -> &StackPool {
        &self.inner.stacks
    }

    pub(crate) fn stubs(&self) -> Stubs {
        self.inner.code.stubs
    }

    /// Where functions without code go.
    pub(crate) fn lazy_stub(&self) -> usize {
        self.inner.code.lazy
    }

    pub(crate) fn helpers(&self) -> *const HelperPointers {
        &raw const *self.inner.code.helpers
    }

    /// Code that enters functions of a type.
    pub(crate) fn entry_trampoline(&self, ty: &TypeEntry) -> Result<CodePointer> {
        cached(&ty.entry_trampoline, || self.inner.code.entry_trampolines.get(&ty.ty))
    }

    /// Code of host functions of a type.
    pub(crate) fn host_shim(&self, ty: &TypeEntry) -> Result<CodePointer> {
        cached(&ty.host_shim, || self.inner.code.host_shims.get(&ty.ty))
    }

    /// What made the engine's code, for code that is stored.
    pub(crate) fn fingerprint(&self) -> &Fingerprint {
        self.inner.fingerprint.get_or_init(|| Fingerprint::new(&self.inner.config, self.inner.target, &self.inner.options))
    }

    /// Work that tiered code does between two reports; `None` if code is not tiered.
    pub(crate) fn tier_up_period(&self) -> Option<NonZeroU32> {
        self.inner.options.tiering
    }

    /// Lets a function be optimized in the background.
    pub(crate) fn optimize_later(&self, job: Job) {
        self.inner.background.add(job);
    }

    /// How long the engine has existed.
    pub(crate) fn age(&self) -> Duration {
        self.inner.made.elapsed()
    }

    /// Lends a compiler to `work`.
    pub(crate) fn with_compiler<R>(&self, work: impl FnOnce(&mut Compiler) -> R) -> Result<R> {
        let lock = || self.inner.compilers.lock().unwrap_or_else(PoisonError::into_inner);
        let pooled = lock().pop();
        let mut compiler = match pooled {
            Some(compiler) => compiler,
            None => Compiler::for_target(self.inner.target, &self.inner.options),
        };
        let result = work(&mut compiler);
        compiler.clear();
        let mut compilers = lock();
        if compilers.len() < KEPT {
            compilers.push(compiler);
        }
        Ok(result)
    }

    /// How a memory of these sizes in bytes is to be.
    pub(crate) fn memory_plan(&self, minimum: u64, maximum: Option<u64>) -> MemoryPlan {
        let limit = self.inner.config.pooling.as_ref().map(|pooling| pooling.max_memory_size as u64);
        let maximum = match (maximum, limit) {
            (Some(maximum), Some(limit)) => Some(maximum.min(limit)),
            (maximum, limit) => maximum.or(limit),
        };
        plan(&self.inner.config, self.inner.options.bounds, minimum, maximum)
    }
}

/// Ways to look at how the engine was configured.
impl Engine {
    /// Address space that is reserved for each linear memory.
    #[must_use]
    pub fn get_memory_reservation(&self) -> u64 {
        self.config().memory_reservation
    }

    /// Inaccessible bytes behind each linear memory.
    #[must_use]
    pub fn get_memory_guard_size(&self) -> u64 {
        self.config().memory_guard_size
    }

    /// Whether linear memories may move: never.
    #[must_use]
    pub fn get_memory_may_move(&self) -> bool {
        false
    }

    /// Whether there are inaccessible bytes in front of each linear memory.
    #[must_use]
    pub fn get_guard_before_linear_memory(&self) -> bool {
        self.config().guard_before
    }

    /// Whether traps come from hardware faults.
    #[must_use]
    pub fn get_signals_based_traps(&self) -> bool {
        self.config().signals
    }

    /// Whether stores have epoch deadlines.
    #[must_use]
    pub fn get_epoch_interruption(&self) -> bool {
        self.config().epochs
    }

    /// Whether code counts fuel.
    #[must_use]
    pub fn get_consume_fuel(&self) -> bool {
        self.config().fuel
    }

    /// Bytes of a WebAssembly stack.
    #[must_use]
    pub fn get_max_wasm_stack(&self) -> usize {
        self.config().max_wasm_stack
    }

    /// Whether eager compilation uses all cores.
    #[must_use]
    pub fn get_parallel_compilation(&self) -> bool {
        self.config().parallel
    }

    /// Whether every NaN that an operator makes has the same bits.
    #[must_use]
    pub fn get_cranelift_nan_canonicalization(&self) -> Option<bool> {
        Some(self.config().canonical_nans)
    }

    /// Which compiler was asked for.
    #[must_use]
    pub fn get_strategy(&self) -> Option<Strategy> {
        Some(self.config().strategy)
    }

    /// How much optimizing was asked for.
    #[must_use]
    pub fn get_cranelift_opt_level(&self) -> Option<OptLevel> {
        Some(self.config().opt_level)
    }

    /// Limits of the pool, if there is one.
    #[must_use]
    pub fn get_pooling_config(&self) -> Option<&PoolingAllocationConfig> {
        self.config().pooling.as_ref()
    }

    /// Where compiled code is kept between runs.
    #[must_use]
    pub fn get_cache(&self) -> Option<&Cache> {
        self.config().cache.as_ref()
    }

    /// Most frames of a backtrace.
    #[must_use]
    pub fn get_wasm_backtrace_max_frames(&self) -> usize {
        self.config().backtrace_frames.map_or(0, std::num::NonZero::get)
    }

    /// Proposals that modules may use.
    #[must_use]
    pub fn get_wasm_features(&self) -> mj_decode::WasmFeatures {
        self.config().features.flags()
    }
}

impl Default for Engine {
    /// An engine of the default configuration.
    ///
    /// # Panics
    ///
    /// If this machine cannot run it; [`Engine::new`] gives an error instead.
    fn default() -> Engine {
        Engine::new(&Config::default()).expect("cannot create the default engine")
    }
}

/// A handle that does not keep its engine alive.
#[derive(Clone, Debug)]
pub struct EngineWeak {
    inner: Weak<EngineInner>,
}

impl EngineWeak {
    /// The engine, if someone else keeps it alive.
    #[must_use]
    pub fn upgrade(&self) -> Option<Engine> {
        self.inner.upgrade().map(|inner| Engine { inner })
    }
}

fn cached(cell: &OnceLock<usize>, make: impl FnOnce() -> Result<CodePointer>) -> Result<CodePointer> {
    if let Some(&address) = cell.get() {
        return Ok(address as CodePointer);
    }
    let address = make()?;
    Ok(*cell.get_or_init(|| address as usize) as CodePointer)
}

/// What the compiler must know.
fn options(config: &Config, memories: &MemoryPool) -> Options {
    Options {
        bounds: bounds(config, memories),
        signals: config.signals,
        fuel: config.fuel,
        tiering: config.tier_up_period(),
        effort: if config.opt_level == OptLevel::None { Effort::Least } else { Effort::Full },
        nan_canonicalization: config.canonical_nans,
        precise_stores: config.precise_stores,
        few_registers: config.few_registers,
        spill_everything: config.spill_everything,
        dirty_upper_bits: config.dirty_upper_bits,
        ..Options::default()
    }
}

/// Who keeps accesses in bounds. Code is compiled before its memories are made, so whether guard pages can be had is tried here, once; the
/// memory that this makes goes to the pool.
fn bounds(config: &Config, memories: &MemoryPool) -> mj_codegen::Bounds {
    if !config.signals || config.memory_reservation < 4 << 30 || config.memory_guard_size == 0 {
        return mj_codegen::Bounds::Explicit;
    }
    match memories.allocate(&plan(config, mj_codegen::Bounds::Guard, 0, None)) {
        Err(MemoryError::Reservation(_)) => mj_codegen::Bounds::Explicit,
        _ => mj_codegen::Bounds::Guard,
    }
}

fn plan(config: &Config, bounds: mj_codegen::Bounds, minimum: u64, maximum: Option<u64>) -> MemoryPlan {
    let mut plan = match bounds {
        mj_codegen::Bounds::Guard => MemoryPlan::guarded(minimum, maximum),
        mj_codegen::Bounds::Explicit => {
            let room = minimum.saturating_add(config.memory_reservation_for_growth);
            MemoryPlan::explicit(minimum, maximum, config.memory_reservation.max(room))
        }
    };
    if !config.guard_before {
        plan.guard_before = 0;
    }
    debug_assert_eq!(plan.bounds == Bounds::Guard, bounds == mj_codegen::Bounds::Guard);
    plan
}
