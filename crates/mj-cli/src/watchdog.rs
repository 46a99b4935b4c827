//! Time limits: a thread that stops the guest when its time is up.
//!
//! A guest that computes is stopped by the engine's interruption, one that waits in a call by waking it first. If neither ends
//! it (it is inside a long call of the system, say), the process ends after a moment of grace.

use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use mj_jit::InterruptHandle;
use mj_wasi::Interrupter;

use crate::failure::{Failure, TRAP};

const GRACE: Duration = Duration::from_secs(2);

/// Watches over one run, until it is dropped.
pub(crate) struct Watchdog {
    limit: Duration,
    fired: Arc<AtomicBool>,
    /// Dropped with the dog, which ends the thread.
    _alive: Sender<()>,
}

impl Watchdog {
    /// Stops the store's guest after `limit`.
    pub(crate) fn start(limit: Duration, engine: InterruptHandle, waits: Interrupter) -> Self {
        let (alive, ended) = channel::<()>();
        let fired = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&fired);
        thread::spawn(move || {
            if ended.recv_timeout(limit) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            flag.store(true, Ordering::SeqCst);
            engine.interrupt();
            waits.interrupt();
            if ended.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
                eprintln!("{}", timed_out(limit, "it did not stop when asked to, so the process ends here"));
                exit(i32::from(TRAP));
            }
        });
        Self { limit, fired, _alive: alive }
    }

    /// The failure to report: if time was up, that is the reason.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Trap(message) if self.fired.load(Ordering::SeqCst) => timed_out(self.limit, &message),
            other => other,
        }
    }
}

/// The outcome of a run that may have been watched over.
pub(crate) fn explained(watchdog: Option<Watchdog>, result: Result<(), Failure>) -> Result<(), Failure> {
    match watchdog {
        Some(watchdog) => result.map_err(|failure| watchdog.explain(failure)),
        None => result,
    }
}

fn timed_out(limit: Duration, details: &str) -> Failure {
    Failure::Trap(format!("the time limit of {limit:?} is over (--timeout sets it): {details}"))
}
