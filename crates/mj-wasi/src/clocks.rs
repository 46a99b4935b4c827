//! Where time comes from: the host's clocks, or ones an embedder supplies.

use rustix::time::{ClockId, Timespec, clock_getres, clock_gettime};
use std::time::{Duration, Instant, SystemTime};

/// A clock that tells the time of day.
pub trait HostWallClock: Send {
    /// The smallest step between two readings.
    fn resolution(&self) -> Duration;

    /// The time since 1970-01-01 00:00 UTC.
    fn now(&self) -> Duration;
}

/// A clock that only ever goes forward, in nanoseconds from an arbitrary start.
pub trait HostMonotonicClock: Send {
    /// The smallest step between two readings, in nanoseconds.
    fn resolution(&self) -> u64;

    /// Nanoseconds since the clock's start.
    fn now(&self) -> u64;
}

/// The host's time of day.
pub(crate) struct WallClock;

impl HostWallClock for WallClock {
    fn resolution(&self) -> Duration {
        duration(clock_getres(ClockId::Realtime))
    }

    fn now(&self) -> Duration {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }
}

/// The host's monotonic clock, from zero: a guest need not learn how long the host is up.
pub(crate) struct MonotonicClock(Instant);

impl MonotonicClock {
    pub fn new() -> Self {
        MonotonicClock(Instant::now())
    }
}

impl HostMonotonicClock for MonotonicClock {
    fn resolution(&self) -> u64 {
        nanoseconds(duration(clock_getres(ClockId::Monotonic)))
    }

    fn now(&self) -> u64 {
        nanoseconds(self.0.elapsed())
    }
}

/// The two clocks of one context.
pub(crate) struct Clocks {
    pub wall: Box<dyn HostWallClock>,
    pub monotonic: Box<dyn HostMonotonicClock>,
}

/// `clockid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    Realtime,
    Monotonic,
    ProcessCpuTime,
    ThreadCpuTime,
}

impl Clock {
    pub fn from_id(id: u32) -> Option<Self> {
        match id {
            0 => Some(Clock::Realtime),
            1 => Some(Clock::Monotonic),
            2 => Some(Clock::ProcessCpuTime),
            3 => Some(Clock::ThreadCpuTime),
            _ => None,
        }
    }
}

impl Clocks {
    /// The reading of `clock` in nanoseconds.
    pub fn now(&self, clock: Clock) -> u64 {
        match clock {
            Clock::Realtime => nanoseconds(self.wall.now()),
            Clock::Monotonic => self.monotonic.now(),
            Clock::ProcessCpuTime => cpu_time(ClockId::ProcessCPUTime),
            Clock::ThreadCpuTime => cpu_time(ClockId::ThreadCPUTime),
        }
    }

    /// The smallest step of `clock` in nanoseconds.
    pub fn resolution(&self, clock: Clock) -> u64 {
        match clock {
            Clock::Realtime => nanoseconds(self.wall.resolution()),
            Clock::Monotonic => self.monotonic.resolution(),
            Clock::ProcessCpuTime => nanoseconds(duration(clock_getres(ClockId::ProcessCPUTime))),
            Clock::ThreadCpuTime => nanoseconds(duration(clock_getres(ClockId::ThreadCPUTime))),
        }
    }
}

fn cpu_time(clock: ClockId) -> u64 {
    nanoseconds(duration(clock_gettime(clock)))
}

fn duration(time: Timespec) -> Duration {
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
