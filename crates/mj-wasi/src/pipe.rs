//! Standard streams in memory, for hosts that feed and capture a guest.
//!
//! Clones share one buffer: an embedder keeps one and gives the other away.

use crate::cli::{IsTerminal, StdinStream, StdoutStream};
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Standard input from bytes in memory.
#[derive(Clone, Debug)]
pub struct MemoryInputPipe(Arc<Mutex<Input>>);

#[derive(Debug)]
struct Input {
    bytes: Vec<u8>,
    next: usize,
}

impl MemoryInputPipe {
    /// A stream that delivers `bytes` and is then at its end.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        MemoryInputPipe(Arc::new(Mutex::new(Input { bytes: bytes.into(), next: 0 })))
    }

    /// True once everything has been read.
    pub fn is_empty(&self) -> bool {
        let input = lock(&self.0);
        input.next == input.bytes.len()
    }
}

impl IsTerminal for MemoryInputPipe {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdinStream for MemoryInputPipe {
    fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let mut input = lock(&self.0);
        let start = input.next;
        for buffer in buffers {
            let rest = &input.bytes[input.next..];
            let length = rest.len().min(buffer.len());
            buffer[..length].copy_from_slice(&rest[..length]);
            input.next += length;
        }
        Ok(input.next - start)
    }
}

/// Standard output or error into memory, up to a capacity.
///
/// A guest that writes more is told that no space is left (`ENOSPC`).
#[derive(Clone, Debug)]
pub struct MemoryOutputPipe {
    capacity: usize,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl MemoryOutputPipe {
    /// A stream that takes up to `capacity` bytes. The memory is allocated as it is written.
    pub fn new(capacity: usize) -> Self {
        MemoryOutputPipe { capacity, bytes: Arc::default() }
    }

    /// What has been written so far.
    pub fn contents(&self) -> Vec<u8> {
        lock(&self.bytes).clone()
    }

    /// What has been written, without a copy; none while another clone is alive.
    pub fn try_into_inner(self) -> Option<Vec<u8>> {
        let bytes = Arc::into_inner(self.bytes)?;
        Some(bytes.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl IsTerminal for MemoryOutputPipe {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for MemoryOutputPipe {
    fn write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut bytes = lock(&self.bytes);
        let start = bytes.len();
        for buffer in buffers {
            let room = self.capacity.saturating_sub(bytes.len());
            bytes.extend_from_slice(&buffer[..room.min(buffer.len())]);
        }
        let written = bytes.len() - start;
        let full = written == 0 && buffers.iter().any(|buffer| !buffer.is_empty());
        if full { Err(ErrorKind::StorageFull.into()) } else { Ok(written) }
    }
}

/// A panic elsewhere cannot leave the bytes half-written, so poisoning is of no interest.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_delivered_in_pieces_and_then_ends() {
        let pipe = MemoryInputPipe::new("hello");
        let (mut first, mut second) = ([0; 2], [0; 2]);
        let mut buffers = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(pipe.read_vectored(&mut buffers).unwrap(), 4);
        assert_eq!((&first, &second), (b"he", b"ll"));
        assert!(!pipe.is_empty());
        let mut buffers = [IoSliceMut::new(&mut first)];
        assert_eq!(pipe.clone().read_vectored(&mut buffers).unwrap(), 1);
        assert_eq!(pipe.read_vectored(&mut buffers).unwrap(), 0);
        assert!(pipe.is_empty());
    }

    #[test]
    fn output_stops_at_its_capacity() {
        let pipe = MemoryOutputPipe::new(5);
        let buffers = [IoSlice::new(b"abc"), IoSlice::new(b"def")];
        assert_eq!(pipe.write_vectored(&buffers).unwrap(), 5);
        let full = pipe.write_vectored(&buffers).unwrap_err();
        assert_eq!(full.kind(), ErrorKind::StorageFull);
        assert_eq!(pipe.write_vectored(&[]).unwrap(), 0);
        assert_eq!(pipe.contents(), b"abcde");
        let other = pipe.clone();
        assert_eq!(pipe.try_into_inner(), None);
        assert_eq!(other.try_into_inner(), Some(b"abcde".to_vec()));
    }
}
