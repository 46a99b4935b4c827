//! The bytes of a module: memory of its own, or a part of a file.

use std::ops::{Deref, Range};

use mj_runtime::FileBytes;

/// A module in the binary format, wherever it lies.
pub(crate) struct ModuleBytes {
    owner: Owner,
    range: Range<usize>,
}

enum Owner {
    Memory(Vec<u8>),
    File(FileBytes),
}

impl ModuleBytes {
    /// A part of a file.
    pub fn in_file(file: FileBytes, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= file.len(), "a part of the file");
        Self { owner: Owner::File(file), range }
    }
}

impl From<Vec<u8>> for ModuleBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self { range: 0..bytes.len(), owner: Owner::Memory(bytes) }
    }
}

impl Deref for ModuleBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        let all: &[u8] = match &self.owner {
            Owner::Memory(bytes) => bytes,
            Owner::File(file) => file,
        };
        &all[self.range.clone()]
    }
}
