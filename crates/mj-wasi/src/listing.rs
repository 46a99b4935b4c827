//! The names in a folder, numbered, for `fd_readdir`.
//!
//! A guest reads a folder in pieces, often removing names as it goes. The names are taken
//! down when it begins, so the number of a name, which is its cookie, stays valid until the
//! guest starts again from 0.
//!
//! Invariant: `.` and `..` come first, and both are this folder: a guest learns nothing about
//! the folder above.

use crate::abi::Filetype;
use crate::errno::Errno;
use rustix::fs::{AtFlags, Dir, FileType, fstat, statat};
use std::os::fd::OwnedFd;

/// Bytes of a `dirent`, which the name follows.
const HEADER: usize = 24;

/// All names in one folder.
pub(crate) struct Listing {
    names: Vec<u8>,
    entries: Vec<Entry>,
}

struct Entry {
    ino: u64,
    filetype: Filetype,
    /// Where the name ends; it starts where the one before ends.
    end: usize,
}

impl Listing {
    /// Takes down the names in `dir`.
    pub fn read(dir: OwnedFd) -> Result<Self, Errno> {
        let mut listing = Listing { names: Vec::new(), entries: Vec::new() };
        let own = fstat(&dir)?.st_ino;
        listing.push(b".", own, Filetype::Directory);
        listing.push(b"..", own, Filetype::Directory);
        let mut entries = Dir::new(dir)?;
        while let Some(entry) = entries.read() {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let mut filetype = entry.file_type();
            if filetype == FileType::Unknown {
                // Some file systems leave the type out of their folders.
                let stat = statat(entries.fd()?, name, AtFlags::SYMLINK_NOFOLLOW);
                filetype = stat.map_or(filetype, |stat| FileType::from_raw_mode(stat.st_mode));
            }
            listing.push(name.to_bytes(), entry.ino(), filetype.into());
        }
        Ok(listing)
    }

    fn push(&mut self, name: &[u8], ino: u64, filetype: Filetype) {
        self.names.extend_from_slice(name);
        self.entries.push(Entry { ino, filetype, end: self.names.len() });
    }

    /// Writes entries from number `cookie` on until `out` is full; the last may be cut off.
    pub fn write(&self, cookie: u64, out: &mut [u8]) -> usize {
        let first = usize::try_from(cookie).unwrap_or(usize::MAX).min(self.entries.len());
        let mut start = first.checked_sub(1).map_or(0, |before| self.entries[before].end);
        let mut used = 0;
        for (at, entry) in self.entries.iter().enumerate().skip(first) {
            let name = &self.names[start..entry.end];
            used += fill(&mut out[used..], &header(at as u64 + 1, entry, name.len()));
            used += fill(&mut out[used..], name);
            if used == out.len() {
                break;
            }
            start = entry.end;
        }
        used
    }
}

fn header(next: u64, entry: &Entry, length: usize) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[0..8].copy_from_slice(&next.to_le_bytes());
    bytes[8..16].copy_from_slice(&entry.ino.to_le_bytes());
    bytes[16..20].copy_from_slice(&(length as u32).to_le_bytes());
    bytes[20] = entry.filetype as u8;
    bytes
}

/// Copies as much of `bytes` as fits.
fn fill(out: &mut [u8], bytes: &[u8]) -> usize {
    let length = out.len().min(bytes.len());
    out[..length].copy_from_slice(&bytes[..length]);
    length
}
