//! Waking a guest that waits in a call.
//!
//! An engine can stop a guest that computes, but not one that sleeps, or reads from a terminal
//! where nobody types. An [`Interrupter`] ends such a wait: the call answers `EINTR`, the guest
//! runs again, and the engine stops it as usual. Each wait then also watches a pipe, which
//! costs a system call, so a context without an interrupter has none.

use crate::errno::Errno;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::{ioctl_fionbio, retry_on_intr};
use std::io::{self, PipeReader, PipeWriter, Write, pipe};
use std::os::fd::AsFd;
use std::sync::Arc;

/// Ends the waits of the guests of one context, from any thread.
#[derive(Clone, Debug)]
pub struct Interrupter(Arc<PipeWriter>);

impl Interrupter {
    /// Lets a wait that is going on, and every later one, answer `EINTR`.
    pub fn interrupt(&self) {
        // The pipe can only be full of earlier interrupts, or closed with its context.
        let _ = (&*self.0).write(&[1]);
    }
}

/// A context's side of its interrupter, if there is one.
#[derive(Default)]
pub(crate) struct Interruption(Option<PipeReader>);

impl Interruption {
    pub fn new() -> io::Result<(Interrupter, Self)> {
        let (reader, writer) = pipe()?;
        ioctl_fionbio(&writer, true)?;
        Ok((Interrupter(Arc::new(writer)), Interruption(Some(reader))))
    }

    /// What a wait has to watch besides what it waits for.
    pub fn watched(&self) -> Option<PollFd<'_>> {
        let reader = self.0.as_ref()?;
        Some(PollFd::from_borrowed_fd(reader.as_fd(), PollFlags::IN))
    }

    /// Waits before a call that might wait by itself, if there is an interrupter.
    pub fn wait_before(&self, fd: impl AsFd, readiness: PollFlags) -> Result<(), Errno> {
        if self.0.is_none() || fcntl_getfl(&fd)?.contains(OFlags::NONBLOCK) {
            return Ok(());
        }
        self.wait(fd, readiness)
    }

    /// Waits until `fd` is ready.
    pub fn wait(&self, fd: impl AsFd, readiness: PollFlags) -> Result<(), Errno> {
        let awaited = PollFd::from_borrowed_fd(fd.as_fd(), readiness);
        let Some(watched) = self.watched() else {
            retry_on_intr(|| poll(&mut [awaited.clone()], None))?;
            return Ok(());
        };
        let mut polled = [watched, awaited];
        retry_on_intr(|| poll(&mut polled, None))?;
        if polled[0].revents().is_empty() { Ok(()) } else { Err(Errno::Intr) }
    }
}

/// Whether `fd` is ready now.
pub(crate) fn is_ready(fd: impl AsFd, readiness: PollFlags) -> Result<bool, Errno> {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut polled = [PollFd::from_borrowed_fd(fd.as_fd(), readiness)];
    Ok(retry_on_intr(|| poll(&mut polled, Some(&now)))? != 0)
}
