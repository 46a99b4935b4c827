//! Threads that optimize hot functions while the program goes on.
//!
//! All modules of an engine share one queue. Whoever has a hot function adds a job and goes on; a thread takes the hottest job. A job does
//! not keep its module alive: if nobody else does any more, it is dropped. Threads start when jobs wait for them, up to a limit. They know
//! the queue only, and end when the engine closes it. Nobody waits for them: what they are doing then holds all that it needs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use mj_codegen::Entry;

use crate::module::ModuleInner;

/// Work done by a function while it waits: how hot it is.
pub(crate) type Heat = Arc<AtomicU64>;

/// A function to optimize.
#[derive(Debug)]
pub(crate) struct Job {
    pub module: Weak<ModuleInner>,
    /// Index among the module's own functions.
    pub own: u32,
    pub entry: Entry,
    pub heat: Heat,
}

impl Job {
    fn run(self) {
        let Some(module) = self.module.upgrade() else { return };
        let done = catch_unwind(AssertUnwindSafe(|| module.optimize(self.own, self.entry)));
        if done.is_err() && cfg!(debug_assertions) {
            // A bug of the compiler. The program is right without the job, but a test must not pass.
            std::process::abort();
        }
    }
}

/// The threads of an engine.
#[derive(Debug)]
pub(super) struct Background {
    queue: Arc<Queue>,
    most_threads: usize,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: Vec<Job>,
    threads: usize,
    /// Of these, the ones that wait for jobs.
    idle: usize,
    is_closed: bool,
}

impl Background {
    pub fn new(most_threads: usize) -> Self {
        Self { queue: Arc::default(), most_threads }
    }

    /// Adds a job.
    pub fn add(&self, job: Job) {
        let mut state = self.queue.lock();
        state.jobs.push(job);
        if state.idle < state.jobs.len() && state.threads < self.most_threads {
            let queue = Arc::clone(&self.queue);
            // Without another thread the job waits longer, or for ever: the program goes on as it is.
            if thread::Builder::new().name("mj-optimizer".to_owned()).spawn(move || queue.work()).is_ok() {
                state.threads += 1;
            }
        }
        drop(state);
        self.queue.changed.notify_one();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.is_closed = true;
        state.jobs.clear();
        drop(state);
        self.queue.changed.notify_all();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a thread does.
    fn work(&self) {
        while let Some(job) = self.next() {
            job.run();
        }
    }

    /// The hottest job, as soon as there is one; `None` when there will be no more.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.is_closed {
                return None;
            }
            let hottest = (0..state.jobs.len()).max_by_key(|&index| state.jobs[index].heat.load(Ordering::Relaxed));
            if let Some(index) = hottest {
                return Some(state.jobs.swap_remove(index));
            }
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(own: u32, heat: u64) -> Job {
        Job { module: Weak::new(), own, entry: Entry::Function, heat: Arc::new(AtomicU64::new(heat)) }
    }

    #[test]
    fn the_hottest_job_comes_first_and_a_closed_queue_gives_none() {
        let queue = Queue::default();
        let warming = job(3, 1);
        let heat = Arc::clone(&warming.heat);
        queue.lock().jobs.extend([job(1, 5), job(2, 9), warming]);
        assert_eq!(queue.next().unwrap().own, 2);
        heat.store(100, Ordering::Relaxed);
        assert_eq!(queue.next().unwrap().own, 3);
        queue.lock().is_closed = true;
        assert!(queue.next().is_none());
    }

    #[test]
    fn threads_are_bounded_and_end_with_their_owner() {
        let background = Background::new(2);
        let queue = Arc::clone(&background.queue);
        for own in 0..100 {
            background.add(job(own, 1));
        }
        assert!((1..=2).contains(&queue.lock().threads));
        drop(background);
        // The queue is known to this test and to threads that have not noticed yet.
        for _ in 0..1000 {
            if Arc::strong_count(&queue) == 1 {
                return;
            }
            thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("a thread outlives its engine");
    }
}
