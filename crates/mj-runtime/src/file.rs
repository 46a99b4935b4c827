//! Files as memory that is read.

use std::fs::File;
use std::ops::Deref;
use std::os::fd::AsRawFd;

use crate::ResourceError;
use crate::mapping::Mapping;

/// The contents of a file, read page by page as they are needed, and not counted as memory of this process.
#[derive(Debug)]
pub struct FileBytes {
    /// None if the file is empty.
    mapping: Option<Mapping>,
    length: usize,
}

impl FileBytes {
    /// Maps a file from its start to its end.
    ///
    /// # Errors
    /// If it is no file that can be mapped.
    ///
    /// # Safety
    /// As long as this lives nobody may write to the file or make it shorter. To replace it by another of the same name, or to remove it, is fine.
    pub unsafe fn map(file: &File) -> Result<Self, ResourceError> {
        let wanted = "a file";
        let length = file.metadata().map_err(|error| ResourceError::new(wanted, 0, error))?.len();
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let mapping = match length {
            0 => None,
            _ => Some(Mapping::file(wanted, length, file.as_raw_fd())?),
        };
        Ok(Self { mapping, length })
    }
}

impl Deref for FileBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        let Some(mapping) = &self.mapping else { return &[] };
        // SAFETY: so many bytes are mapped and readable as long as `self` lives, and nobody changes them: whoever called `map` has promised it.
        unsafe { std::slice::from_raw_parts(mapping.base(), self.length) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "maps a file")]
    fn a_file_reads_as_it_is_and_stays_when_it_is_removed() {
        let path = std::env::temp_dir().join(format!("mj-file-{}", std::process::id()));
        let contents: Vec<u8> = (0..10_000u32).flat_map(u32::to_le_bytes).collect();
        File::create(&path).unwrap().write_all(&contents).unwrap();
        // SAFETY: nobody else knows the file.
        let bytes = unsafe { FileBytes::map(&File::open(&path).unwrap()) }.unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(*bytes, *contents);
        File::create(&path).unwrap();
        // SAFETY: as above.
        assert!(unsafe { FileBytes::map(&File::open(&path).unwrap()) }.unwrap().is_empty());
        std::fs::remove_file(&path).unwrap();
        // SAFETY: a folder has no bytes that could change.
        assert!(unsafe { FileBytes::map(&File::open(std::env::temp_dir()).unwrap()) }.is_err());
    }
}
