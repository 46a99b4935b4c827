//! A guest's standard input, output and error: the host's own, files, or anything else.
//!
//! A stream takes scatter-gather lists straight from the guest's memory, so that one guest
//! call is one system call and nothing is copied on the way. A stream with a host descriptor
//! can be waited for; one without never makes a guest wait.

use rustix::io::{readv, writev};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

/// Whether a stream is a terminal, which is what a guest's `isatty` tells.
pub trait IsTerminal {
    /// True for a terminal.
    fn is_terminal(&self) -> bool;
}

/// What a guest reads as its standard input.
pub trait StdinStream: IsTerminal + Send {
    /// Fills `buffers` in order as far as input is there; 0 is the end of input.
    ///
    /// # Errors
    ///
    /// Any error is passed on to the guest as its WASI number.
    fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize>;

    /// The descriptor that tells when there is input; none if reading never waits.
    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// What a guest writes its standard output or error to.
pub trait StdoutStream: IsTerminal + Send {
    /// Writes from `buffers` in order and says how many bytes were taken.
    ///
    /// # Errors
    ///
    /// Any error is passed on to the guest as its WASI number.
    fn write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize>;

    /// The descriptor that tells when there is room; none if writing never waits.
    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: ?Sized + IsTerminal> IsTerminal for $pointer {
            fn is_terminal(&self) -> bool {
                T::is_terminal(self)
            }
        }

        impl<T: ?Sized + StdinStream + Sync> StdinStream for $pointer {
            fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                T::read_vectored(self, buffers)
            }

            fn host_fd(&self) -> Option<BorrowedFd<'_>> {
                T::host_fd(self)
            }
        }

        impl<T: ?Sized + StdoutStream + Sync> StdoutStream for $pointer {
            fn write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
                T::write_vectored(self, buffers)
            }

            fn host_fd(&self) -> Option<BorrowedFd<'_>> {
                T::host_fd(self)
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);

/// The host's standard input; see [`stdin`].
#[derive(Debug)]
pub struct Stdin(io::Stdin);

/// The host's standard output; see [`stdout`].
#[derive(Debug)]
pub struct Stdout(io::Stdout);

/// The host's standard error; see [`stderr`].
#[derive(Debug)]
pub struct Stderr(io::Stderr);

/// The host's standard input, read without a buffer in between.
///
/// Input that the host program has already read into Rust's own buffer stays there.
pub fn stdin() -> Stdin {
    Stdin(io::stdin())
}

/// The host's standard output, written without a buffer in between.
///
/// What the host program has printed before is flushed first.
pub fn stdout() -> Stdout {
    Stdout(io::stdout())
}

/// The host's standard error, written without a buffer in between.
pub fn stderr() -> Stderr {
    Stderr(io::stderr())
}

impl IsTerminal for Stdin {
    fn is_terminal(&self) -> bool {
        io::IsTerminal::is_terminal(&self.0)
    }
}

impl IsTerminal for Stdout {
    fn is_terminal(&self) -> bool {
        io::IsTerminal::is_terminal(&self.0)
    }
}

impl IsTerminal for Stderr {
    fn is_terminal(&self) -> bool {
        io::IsTerminal::is_terminal(&self.0)
    }
}

impl StdinStream for Stdin {
    fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        Ok(readv(&self.0, buffers)?)
    }

    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

impl StdoutStream for Stdout {
    fn write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut locked = self.0.lock();
        locked.flush()?;
        Ok(writev(&locked, buffers)?)
    }

    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

impl StdoutStream for Stderr {
    fn write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(writev(&self.0, buffers)?)
    }

    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

/// Standard input from a file, a pipe or a device, from its current position on.
#[derive(Clone, Debug)]
pub struct InputFile(Arc<File>);

/// Standard output or error into a file, a pipe or a device.
#[derive(Clone, Debug)]
pub struct OutputFile(Arc<File>);

impl InputFile {
    /// Input from `file`.
    pub fn new(file: File) -> Self {
        InputFile(Arc::new(file))
    }
}

impl OutputFile {
    /// Output to `file`.
    pub fn new(file: File) -> Self {
        OutputFile(Arc::new(file))
    }
}

impl IsTerminal for InputFile {
    fn is_terminal(&self) -> bool {
        io::IsTerminal::is_terminal(&*self.0)
    }
}

impl IsTerminal for OutputFile {
    fn is_terminal(&self) -> bool {
        io::IsTerminal::is_terminal(&*self.0)
    }
}

impl StdinStream for InputFile {
    fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        Ok(readv(&self.0, buffers)?)
    }

    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

impl StdoutStream for OutputFile {
    fn write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(writev(&self.0, buffers)?)
    }

    fn host_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

/// A stream that is at its end, or swallows all output; see [`empty`].
#[derive(Clone, Copy, Debug)]
pub struct Empty(());

/// No input, and output that goes nowhere: what a context starts with.
pub fn empty() -> Empty {
    Empty(())
}

impl IsTerminal for Empty {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdinStream for Empty {
    fn read_vectored(&self, _: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        Ok(0)
    }
}

impl StdoutStream for Empty {
    fn write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(buffers.iter().map(|buffer| buffer.len()).sum())
    }
}
