//! How code moves from the baseline to the optimizing compiler.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::{Config, OptLevel, Strategy};

/// [`Config::tier_up_budget`] unless set.
pub(crate) const DEFAULT_BUDGET: u32 = 200_000;

/// Most work between two looks at what is running, in the budget's units.
const LONGEST_PERIOD: u32 = 20_000;

/// Most background threads unless configured.
const MOST_THREADS: usize = 4;

/// How tiering is to be.
#[derive(Clone, Debug)]
pub(crate) struct Tiering {
    pub budget: u32,
    pub threads: Option<usize>,
    /// For tests: whoever notices that a function is hot compiles it.
    pub waits: bool,
    pub observer: Option<Observer>,
}

impl Default for Tiering {
    fn default() -> Self {
        Self { budget: DEFAULT_BUDGET, threads: None, waits: false, observer: None }
    }
}

type Observe = dyn Fn(&TierUp) + Send + Sync;

/// Who is told of functions that were optimized.
#[derive(Clone)]
pub(crate) struct Observer(Arc<Observe>);

impl Observer {
    pub fn tell(&self, event: &TierUp) {
        (self.0)(event);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// A function that was hot, and what came of it; see [`Config::tier_up_observer`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct TierUp {
    /// Index in its module.
    pub function: u32,
    /// Name, from the name section.
    pub name: Option<String>,
    /// If the code is for a running loop: offset in the module of the loop's first operator.
    pub loop_offset: Option<u32>,
    /// How long after the engine was made compiling began.
    pub after: Duration,
    /// How long compiling took.
    pub took: Duration,
    /// Bytes of code; `None` if the function stays in the baseline's code.
    pub bytes: Option<usize>,
}

impl fmt::Display for TierUp {
    /// One line: when, what, and what it cost.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, name, loop_offset, after, took, bytes } = self;
        write!(f, "{:10.3} ms  {:8.1} us  ", after.as_secs_f64() * 1e3, took.as_secs_f64() * 1e6)?;
        match bytes {
            Some(bytes) => write!(f, "{bytes:7} bytes  ")?,
            None => write!(f, "not optimized  ")?,
        }
        match loop_offset {
            Some(offset) => write!(f, "loop {offset:#x} of ")?,
            None => f.write_str("entry of ")?,
        }
        write!(f, "function {function}")?;
        name.as_ref().map_or(Ok(()), |name| write!(f, " ({name})"))
    }
}

/// Setters of tiering.
impl Config {
    /// Work that a function of the baseline does before it is optimized, in units of about an instruction; functions of more than 1 KiB get
    /// proportionally more. 200,000 by default: a fraction of a millisecond.
    ///
    /// Lower budgets optimize more functions sooner, and cost more compiling.
    pub fn tier_up_budget(&mut self, work: u32) -> &mut Self {
        self.tiering.budget = work;
        self
    }

    /// Most threads that optimize functions in the background; all modules of an engine share them. By default one less than there are
    /// processor cores, at most four, at least one. Threads start when they are first needed, and end with the engine.
    pub fn tier_up_threads(&mut self, most: usize) -> &mut Self {
        self.tiering.threads = Some(most.max(1));
        self
    }

    /// Tells `observer` of each function that was optimized, on the thread that did it.
    pub fn tier_up_observer(&mut self, observer: impl Fn(&TierUp) + Send + Sync + 'static) -> &mut Self {
        self.tiering.observer = Some(Observer(Arc::new(observer)));
        self
    }

    /// For the engine's own tests: a hot function waits for its optimized code, so that it is replaced at the first chance.
    #[doc(hidden)]
    pub fn tier_up_waits(&mut self, enable: bool) -> &mut Self {
        self.tiering.waits = enable;
        self
    }

    /// Work between two looks at what is running; `None` if nothing ever moves to the optimizing compiler.
    pub(crate) fn tier_up_period(&self) -> Option<NonZeroU32> {
        let is_tiered = self.strategy == Strategy::TIERED && self.opt_level != OptLevel::None;
        is_tiered.then(|| NonZeroU32::new((self.tiering.budget / 3).clamp(1, LONGEST_PERIOD)).expect("at least 1"))
    }

    /// Most background threads.
    pub(crate) fn background_threads(&self) -> usize {
        self.tiering.threads.unwrap_or_else(|| cores().saturating_sub(1).clamp(1, MOST_THREADS))
    }
}

/// Processor cores that there are for this process.
pub(super) fn cores() -> usize {
    // Asked once: the answer comes from files and takes longer than compiling a small module.
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}
