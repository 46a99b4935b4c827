//! The numbers and layouts of preview 1, and where the older preview 0 differs.
//!
//! Flags with an unknown bit and enumerations out of range are `EINVAL`. Structures are
//! written as a whole, so that a pointer near the end of memory never leaves half of one.
//!
//! Preview 0 (`wasi_unstable`) is preview 1 but for four things: the order of `whence`, the
//! width of the link count, the clock identifier in subscriptions, and no `sock_accept`.

use crate::errno::Errno;
use crate::memory::Memory;
use bitflags::bitflags;
use std::fs::FileType;
use std::io::SeekFrom;
use std::os::unix::fs::FileTypeExt;

bitflags! {
    /// What may be done with a descriptor.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Rights: u64 {
        const FD_DATASYNC = 1 << 0;
        const FD_READ = 1 << 1;
        const FD_SEEK = 1 << 2;
        const FD_FDSTAT_SET_FLAGS = 1 << 3;
        const FD_SYNC = 1 << 4;
        const FD_TELL = 1 << 5;
        const FD_WRITE = 1 << 6;
        const FD_ADVISE = 1 << 7;
        const FD_ALLOCATE = 1 << 8;
        const PATH_CREATE_DIRECTORY = 1 << 9;
        const PATH_CREATE_FILE = 1 << 10;
        const PATH_LINK_SOURCE = 1 << 11;
        const PATH_LINK_TARGET = 1 << 12;
        const PATH_OPEN = 1 << 13;
        const FD_READDIR = 1 << 14;
        const PATH_READLINK = 1 << 15;
        const PATH_RENAME_SOURCE = 1 << 16;
        const PATH_RENAME_TARGET = 1 << 17;
        const PATH_FILESTAT_GET = 1 << 18;
        const PATH_FILESTAT_SET_SIZE = 1 << 19;
        const PATH_FILESTAT_SET_TIMES = 1 << 20;
        const FD_FILESTAT_GET = 1 << 21;
        const FD_FILESTAT_SET_SIZE = 1 << 22;
        const FD_FILESTAT_SET_TIMES = 1 << 23;
        const PATH_SYMLINK = 1 << 24;
        const PATH_REMOVE_DIRECTORY = 1 << 25;
        const PATH_UNLINK_FILE = 1 << 26;
        const POLL_FD_READWRITE = 1 << 27;
        const SOCK_SHUTDOWN = 1 << 28;
        const SOCK_ACCEPT = 1 << 29;
    }

    /// Modes of an open file.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct FdFlags: u16 {
        const APPEND = 1 << 0;
        const DSYNC = 1 << 1;
        const NONBLOCK = 1 << 2;
        const RSYNC = 1 << 3;
        const SYNC = 1 << 4;
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct OFlags: u16 {
        const CREAT = 1 << 0;
        const DIRECTORY = 1 << 1;
        const EXCL = 1 << 2;
        const TRUNC = 1 << 3;
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct LookupFlags: u32 {
        const SYMLINK_FOLLOW = 1 << 0;
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct FstFlags: u16 {
        const ATIM = 1 << 0;
        const ATIM_NOW = 1 << 1;
        const MTIM = 1 << 2;
        const MTIM_NOW = 1 << 3;
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct RiFlags: u16 {
        const RECV_PEEK = 1 << 0;
        const RECV_WAITALL = 1 << 1;
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct SdFlags: u8 {
        const RD = 1 << 0;
        const WR = 1 << 1;
    }
}

/// `ro_flags` of `sock_recv`: the message was longer than the buffers.
pub(crate) const RECV_DATA_TRUNCATED: u16 = 1;
/// `flags` of an event: the other end is gone, or a file is at its end.
pub(crate) const HANGUP: u16 = 1;
/// `flags` of a clock subscription: the timeout is a point in time.
pub(crate) const ABSTIME: u16 = 1;

/// The flags that `bits` stand for. Arguments arrive as `u32` whatever the width of the flags.
pub(crate) fn flags<F: bitflags::Flags<Bits: TryFrom<u32>>>(bits: u32) -> Result<F, Errno> {
    let narrow = F::Bits::try_from(bits).map_err(|_| Errno::Inval)?;
    F::from_bits(narrow).ok_or(Errno::Inval)
}

/// The type of what a descriptor or a name refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Filetype {
    Unknown = 0,
    BlockDevice = 1,
    CharacterDevice = 2,
    Directory = 3,
    RegularFile = 4,
    SocketDgram = 5,
    SocketStream = 6,
    SymbolicLink = 7,
}

impl From<FileType> for Filetype {
    fn from(host: FileType) -> Self {
        match () {
            _ if host.is_file() => Filetype::RegularFile,
            _ if host.is_dir() => Filetype::Directory,
            _ if host.is_symlink() => Filetype::SymbolicLink,
            _ if host.is_char_device() => Filetype::CharacterDevice,
            _ if host.is_block_device() => Filetype::BlockDevice,
            _ if host.is_socket() => Filetype::SocketStream,
            _ => Filetype::Unknown,
        }
    }
}

impl From<rustix::fs::FileType> for Filetype {
    fn from(host: rustix::fs::FileType) -> Self {
        use rustix::fs::FileType;
        match host {
            FileType::RegularFile => Filetype::RegularFile,
            FileType::Directory => Filetype::Directory,
            FileType::Symlink => Filetype::SymbolicLink,
            FileType::CharacterDevice => Filetype::CharacterDevice,
            FileType::BlockDevice => Filetype::BlockDevice,
            FileType::Socket => Filetype::SocketStream,
            _ => Filetype::Unknown,
        }
    }
}

/// `fdstat`: 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fdstat {
    pub filetype: Filetype,
    pub flags: FdFlags,
    pub base: Rights,
    pub inheriting: Rights,
}

impl Fdstat {
    pub const SIZE: u32 = 24;

    pub fn write(&self, memory: &mut Memory, pointer: u32) -> Result<(), Errno> {
        let mut bytes = [0; Self::SIZE as usize];
        bytes[0] = self.filetype as u8;
        bytes[2..4].copy_from_slice(&self.flags.bits().to_le_bytes());
        bytes[8..16].copy_from_slice(&self.base.bits().to_le_bytes());
        bytes[16..24].copy_from_slice(&self.inheriting.bits().to_le_bytes());
        memory.write(pointer, &bytes)
    }
}

/// `filestat`, times in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filestat {
    pub dev: u64,
    pub ino: u64,
    pub filetype: Filetype,
    pub nlink: u64,
    pub size: u64,
    pub atim: u64,
    pub mtim: u64,
    pub ctim: u64,
}

impl Filestat {
    /// What a stream without a file behind it answers.
    pub fn of_stream(filetype: Filetype) -> Self {
        Filestat { dev: 0, ino: 0, filetype, nlink: 0, size: 0, atim: 0, mtim: 0, ctim: 0 }
    }
}

/// One of the two versions of the interface, for the places where they differ.
pub(crate) trait Version: 'static {
    /// The module that programs import.
    const MODULE: &'static str;
    /// Bytes of a `filestat`.
    const FILESTAT_SIZE: u32;
    /// Bytes of a `subscription`, and the offset of the clock's number in it.
    const SUBSCRIPTION_SIZE: u32;
    const SUBSCRIPTION_CLOCK: usize;

    fn seek_from(offset: i64, whence: u32) -> Result<SeekFrom, Errno>;
    fn write_filestat(stat: &Filestat, memory: &mut Memory, pointer: u32) -> Result<(), Errno>;
}

/// `wasi_unstable`.
pub(crate) enum Preview0 {}

/// `wasi_snapshot_preview1`.
pub(crate) enum Preview1 {}

impl Version for Preview0 {
    const MODULE: &'static str = "wasi_unstable";
    const FILESTAT_SIZE: u32 = 56;
    const SUBSCRIPTION_SIZE: u32 = 56;
    const SUBSCRIPTION_CLOCK: usize = 24;

    fn seek_from(offset: i64, whence: u32) -> Result<SeekFrom, Errno> {
        match whence {
            0 => Ok(SeekFrom::Current(offset)),
            1 => Ok(SeekFrom::End(offset)),
            2 => from_start(offset),
            _ => Err(Errno::Inval),
        }
    }

    fn write_filestat(stat: &Filestat, memory: &mut Memory, pointer: u32) -> Result<(), Errno> {
        let mut bytes = [0; Self::FILESTAT_SIZE as usize];
        let nlink = u32::try_from(stat.nlink).unwrap_or(u32::MAX);
        write_head(stat, &mut bytes);
        bytes[20..24].copy_from_slice(&nlink.to_le_bytes());
        write_tail(stat, &mut bytes[24..]);
        memory.write(pointer, &bytes)
    }
}

impl Version for Preview1 {
    const MODULE: &'static str = "wasi_snapshot_preview1";
    const FILESTAT_SIZE: u32 = 64;
    const SUBSCRIPTION_SIZE: u32 = 48;
    const SUBSCRIPTION_CLOCK: usize = 16;

    fn seek_from(offset: i64, whence: u32) -> Result<SeekFrom, Errno> {
        match whence {
            0 => from_start(offset),
            1 => Ok(SeekFrom::Current(offset)),
            2 => Ok(SeekFrom::End(offset)),
            _ => Err(Errno::Inval),
        }
    }

    fn write_filestat(stat: &Filestat, memory: &mut Memory, pointer: u32) -> Result<(), Errno> {
        let mut bytes = [0; Self::FILESTAT_SIZE as usize];
        write_head(stat, &mut bytes);
        bytes[24..32].copy_from_slice(&stat.nlink.to_le_bytes());
        write_tail(stat, &mut bytes[32..]);
        memory.write(pointer, &bytes)
    }
}

fn from_start(offset: i64) -> Result<SeekFrom, Errno> {
    let offset = u64::try_from(offset).map_err(|_| Errno::Inval)?;
    Ok(SeekFrom::Start(offset))
}

fn write_head(stat: &Filestat, bytes: &mut [u8]) {
    bytes[0..8].copy_from_slice(&stat.dev.to_le_bytes());
    bytes[8..16].copy_from_slice(&stat.ino.to_le_bytes());
    bytes[16] = stat.filetype as u8;
}

fn write_tail(stat: &Filestat, bytes: &mut [u8]) {
    let words = [stat.size, stat.atim, stat.mtim, stat.ctim];
    for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: Filestat = Filestat { dev: 1, ino: 2, filetype: Filetype::RegularFile, nlink: 3, size: 4, atim: 5, mtim: 6, ctim: 7 };

    fn word(bytes: &[u8], at: usize) -> u64 {
        u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
    }

    #[test]
    fn the_link_count_of_preview_0_is_narrow() {
        let mut bytes = [0xee; 64];
        Preview0::write_filestat(&STAT, &mut Memory::new(&mut bytes), 0).unwrap();
        assert_eq!(bytes[16], 4);
        assert_eq!(bytes[20..24], [3, 0, 0, 0]);
        assert_eq!([24, 32, 40, 48].map(|at| word(&bytes, at)), [4, 5, 6, 7]);
        assert_eq!(bytes[56..], [0xee; 8]);
        Preview1::write_filestat(&STAT, &mut Memory::new(&mut bytes), 0).unwrap();
        assert_eq!([0, 8, 24, 32, 40, 48, 56].map(|at| word(&bytes, at)), [1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn whence_is_ordered_differently_in_preview_0() {
        assert_eq!(Preview0::seek_from(-1, 0), Ok(SeekFrom::Current(-1)));
        assert_eq!(Preview0::seek_from(-1, 1), Ok(SeekFrom::End(-1)));
        assert_eq!(Preview0::seek_from(9, 2), Ok(SeekFrom::Start(9)));
        assert_eq!(Preview1::seek_from(9, 0), Ok(SeekFrom::Start(9)));
        assert_eq!(Preview1::seek_from(-1, 1), Ok(SeekFrom::Current(-1)));
        assert_eq!(Preview1::seek_from(-1, 2), Ok(SeekFrom::End(-1)));
        assert_eq!(Preview1::seek_from(-1, 0), Err(Errno::Inval));
        assert_eq!(Preview1::seek_from(0, 3), Err(Errno::Inval));
    }

    #[test]
    fn unknown_flags_are_invalid_whatever_the_width() {
        assert_eq!(flags::<SdFlags>(3), Ok(SdFlags::all()));
        assert_eq!(flags::<SdFlags>(4), Err(Errno::Inval));
        assert_eq!(flags::<SdFlags>(0x101), Err(Errno::Inval));
        assert_eq!(flags::<OFlags>(0x1_0001), Err(Errno::Inval));
    }
}
