//! The enums and small structs that setters take.

use super::PoolingAllocationConfig;

/// When functions are compiled.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub enum CompilationMode {
    /// All of them when the module is made.
    #[default]
    Eager,
    /// Each at its first call.
    Lazy,
}

/// Which compiler to use. The variants have the names that other engines' users write.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strategy {
    /// The engine's choice: [`Strategy::TIERED`].
    Auto,
    /// An optimizing compiler: [`Strategy::OPTIMIZING`].
    Cranelift,
    /// A baseline compiler: [`Strategy::BASELINE`].
    Winch,
}

impl Strategy {
    /// The baseline compiler first; what proves to be hot moves to the optimizing compiler in the background, running loops included.
    pub const TIERED: Strategy = Strategy::Auto;
    /// The baseline compiler only: compiles fast, and code is ready at once.
    pub const BASELINE: Strategy = Strategy::Winch;
    /// The optimizing compiler only: compiles slower, and all code is fast from the start.
    pub const OPTIMIZING: Strategy = Strategy::Cranelift;
}

/// How much an optimizing compiler should do.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OptLevel {
    /// Little.
    None,
    /// What makes code fast.
    Speed,
    /// What makes code fast and small.
    SpeedAndSize,
}

/// How registers are found.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegallocAlgorithm {
    /// With second thoughts.
    Backtracking,
    /// In one go.
    SinglePass,
}

/// Which garbage collector to use.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Collector {
    /// The engine's choice.
    #[default]
    Auto,
    /// One that counts references.
    DeferredReferenceCounting,
    /// One that never collects.
    Null,
    /// One that copies.
    Copying,
}

/// Whether functions are inlined into others.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inlining {
    /// They are.
    Yes,
    /// They are where it makes code smaller.
    IntrinsicsOnly,
    /// They are not.
    No,
}

/// How profilers learn about compiled code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProfilingStrategy {
    /// They do not.
    None,
    /// From `/tmp/perf-PID.map`.
    PerfMap,
    /// From `jit-PID.dump` in the current folder, for `perf inject`.
    JitDump,
    /// Through VTune's interface. Not supported.
    VTune,
    /// As an interpreter's profile. Not supported.
    Pulley,
}

/// Whether backtraces show lines of source files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WasmBacktraceDetails {
    /// They do.
    Enable,
    /// They do not.
    Disable,
    /// The environment says.
    Environment,
}

/// Three ways to answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Enabled {
    /// If possible.
    Auto,
    /// Yes.
    Yes,
    /// No.
    No,
}

/// How instances get their memory.
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub enum InstanceAllocationStrategy {
    /// When they are made.
    #[default]
    OnDemand,
    /// From a pool with limits.
    Pooling(PoolingAllocationConfig),
}

impl InstanceAllocationStrategy {
    /// A pool with the default limits.
    #[must_use]
    pub fn pooling() -> Self {
        Self::Pooling(PoolingAllocationConfig::default())
    }
}

impl From<PoolingAllocationConfig> for InstanceAllocationStrategy {
    fn from(config: PoolingAllocationConfig) -> Self {
        Self::Pooling(config)
    }
}

/// How serialized modules show which engine made them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum ModuleVersionStrategy {
    /// By the engine's version.
    #[default]
    WasmtimeVersion,
    /// By a version of the embedder's.
    Custom(String),
    /// Not at all.
    None,
}

impl ModuleVersionStrategy {
    /// The version.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::WasmtimeVersion => env!("CARGO_PKG_VERSION_MAJOR"),
            Self::Custom(version) => version,
            Self::None => "",
        }
    }
}
