//! Contents of files and streams: reading, writing, positions and sizes.
//!
//! The host keeps positions, so a read or a write is one system call from or to the guest's
//! memory. A standard stream waits as the guest has asked it to, even where the host's
//! descriptor does not; files and sockets of the guest's own have the flag in the host.

use crate::abi::{Rights, Version};
use crate::descriptor::{File, Object, Stream};
use crate::errno::Errno;
use crate::interrupt::{Interruption, is_ready};
use crate::memory::Memory;
use crate::p1::{WasiP1Ctx, socket};
use crate::perms::FilePerms;
use crate::system::{Advice, advise, sync_contents};
use rustix::event::PollFlags;
use rustix::fs::{FallocateFlags, fallocate, fstat, fsync, ftruncate};
use rustix::io::{preadv, pwritev, readv, retry_on_intr, writev};
use std::io::{self, ErrorKind, SeekFrom};
use std::num::NonZeroU64;
use std::os::fd::BorrowedFd;

/// Reads at the current position.
pub(crate) fn fd_read(ctx: &mut WasiP1Ctx, memory: &mut Memory, fd: u32, iovs: u32, iovs_len: u32, nread: u32) -> Result<(), Errno> {
    memory.check(nread, 4)?;
    let interruption = &ctx.interruption;
    let read = match &ctx.descriptors.get(fd, Rights::FD_READ)?.object {
        Object::File(file) => {
            let file = readable(file)?;
            interruption.wait_before(file, PollFlags::IN)?;
            memory.scatter(iovs, iovs_len, |buffers| Ok(retry_on_intr(|| readv(file, buffers))?))
        }
        Object::Stdin(Stream { stream, nonblocking }) => memory.scatter(iovs, iovs_len, |buffers| {
            let waiting = Waiting { fd: stream.host_fd(), readiness: PollFlags::IN, nonblocking: *nonblocking };
            waiting.call(interruption, || stream.read_vectored(buffers))
        }),
        Object::Socket(socket) => {
            interruption.wait_before(socket, PollFlags::IN)?;
            memory.scatter(iovs, iovs_len, |buffers| Ok(retry_on_intr(|| readv(socket, buffers))?))
        }
        Object::Stdout(_) | Object::Dir(_) => Err(Errno::Badf),
    }?;
    memory.write_u32(nread, read as u32)
}

/// Reads at `offset` and leaves the position alone.
pub(crate) fn fd_pread(
    ctx: &mut WasiP1Ctx,
    memory: &mut Memory,
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    offset: u64,
    nread: u32,
) -> Result<(), Errno> {
    memory.check(nread, 4)?;
    let rights = Rights::FD_READ | Rights::FD_SEEK;
    let read = match &ctx.descriptors.get(fd, rights)?.object {
        Object::File(file) => {
            let file = readable(file)?;
            memory.scatter(iovs, iovs_len, |buffers| Ok(retry_on_intr(|| preadv(file, buffers, offset))?))
        }
        Object::Stdin(_) | Object::Socket(_) => Err(Errno::Spipe),
        Object::Stdout(_) | Object::Dir(_) => Err(Errno::Badf),
    }?;
    memory.write_u32(nread, read as u32)
}

/// Writes at the current position, or at the end of a file in append mode.
pub(crate) fn fd_write(ctx: &mut WasiP1Ctx, memory: &mut Memory, fd: u32, iovs: u32, iovs_len: u32, nwritten: u32) -> Result<(), Errno> {
    memory.check(nwritten, 4)?;
    let written = match &ctx.descriptors.get(fd, Rights::FD_WRITE)?.object {
        Object::File(file) => {
            let file = writable(file)?;
            memory.gather(iovs, iovs_len, |buffers| Ok(retry_on_intr(|| writev(file, buffers))?))
        }
        Object::Stdout(Stream { stream, nonblocking }) => memory.gather(iovs, iovs_len, |buffers| {
            let waiting = Waiting { fd: stream.host_fd(), readiness: PollFlags::OUT, nonblocking: *nonblocking };
            waiting.call(&ctx.interruption, || stream.write_vectored(buffers))
        }),
        Object::Socket(socket) => memory.gather(iovs, iovs_len, |buffers| socket::send(socket, buffers)),
        Object::Stdin(_) | Object::Dir(_) => Err(Errno::Badf),
    }?;
    memory.write_u32(nwritten, written as u32)
}

/// Writes at `offset` and leaves the position alone.
pub(crate) fn fd_pwrite(
    ctx: &mut WasiP1Ctx,
    memory: &mut Memory,
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    offset: u64,
    nwritten: u32,
) -> Result<(), Errno> {
    memory.check(nwritten, 4)?;
    let rights = Rights::FD_WRITE | Rights::FD_SEEK;
    let written = match &ctx.descriptors.get(fd, rights)?.object {
        Object::File(file) => {
            let file = writable(file)?;
            memory.gather(iovs, iovs_len, |buffers| Ok(retry_on_intr(|| pwritev(file, buffers, offset))?))
        }
        Object::Stdout(_) | Object::Socket(_) => Err(Errno::Spipe),
        Object::Stdin(_) | Object::Dir(_) => Err(Errno::Badf),
    }?;
    memory.write_u32(nwritten, written as u32)
}

/// Moves the position.
pub(crate) fn fd_seek<V: Version>(
    ctx: &mut WasiP1Ctx,
    memory: &mut Memory,
    fd: u32,
    offset: i64,
    whence: u32,
    position: u32,
) -> Result<(), Errno> {
    let target = V::seek_from(offset, whence)?;
    seek(ctx, memory, fd, Rights::FD_SEEK, target, position)
}

/// The position.
pub(crate) fn fd_tell(ctx: &mut WasiP1Ctx, memory: &mut Memory, fd: u32, position: u32) -> Result<(), Errno> {
    seek(ctx, memory, fd, Rights::FD_TELL, SeekFrom::Current(0), position)
}

fn seek(ctx: &WasiP1Ctx, memory: &mut Memory, fd: u32, rights: Rights, target: SeekFrom, position: u32) -> Result<(), Errno> {
    memory.check(position, 8)?;
    let target = match target {
        SeekFrom::Start(offset) => rustix::fs::SeekFrom::Start(offset),
        SeekFrom::Current(offset) => rustix::fs::SeekFrom::Current(offset),
        SeekFrom::End(offset) => rustix::fs::SeekFrom::End(offset),
    };
    match &ctx.descriptors.get(fd, rights)?.object {
        Object::File(file) => memory.write_u64(position, rustix::fs::seek(&file.file, target)?),
        Object::Stdin(_) | Object::Stdout(_) | Object::Socket(_) => Err(Errno::Spipe),
        Object::Dir(_) => Err(Errno::Badf),
    }
}

/// Brings a file's contents to the disk.
pub(crate) fn fd_datasync(ctx: &mut WasiP1Ctx, _: &mut Memory, fd: u32) -> Result<(), Errno> {
    Ok(sync_contents(&ctx.descriptors.file(fd, Rights::FD_DATASYNC)?.file)?)
}

/// Brings a file's contents and attributes to the disk.
pub(crate) fn fd_sync(ctx: &mut WasiP1Ctx, _: &mut Memory, fd: u32) -> Result<(), Errno> {
    Ok(fsync(&ctx.descriptors.file(fd, Rights::FD_SYNC)?.file)?)
}

/// Tells how a file will be used.
pub(crate) fn fd_advise(ctx: &mut WasiP1Ctx, _: &mut Memory, fd: u32, offset: u64, len: u64, advice: u32) -> Result<(), Errno> {
    let advice = match advice {
        0 => Advice::Normal,
        1 => Advice::Sequential,
        2 => Advice::Random,
        3 => Advice::WillNeed,
        4 => Advice::DontNeed,
        5 => Advice::NoReuse,
        _ => return Err(Errno::Inval),
    };
    let file = ctx.descriptors.file(fd, Rights::FD_ADVISE)?;
    Ok(advise(&file.file, offset, NonZeroU64::new(len), advice)?)
}

/// Makes room for a part of a file; the file grows to hold it.
pub(crate) fn fd_allocate(ctx: &mut WasiP1Ctx, _: &mut Memory, fd: u32, offset: u64, len: u64) -> Result<(), Errno> {
    let file = ctx.descriptors.file(fd, Rights::FD_ALLOCATE)?;
    let host = writable(file)?;
    if len == 0 {
        return Err(Errno::Inval);
    }
    let end = offset.checked_add(len).ok_or(Errno::Fbig)?;
    match fallocate(host, FallocateFlags::empty(), offset, len).map_err(Errno::from) {
        // Not every file system can reserve room, but every one can grow a file.
        Err(Errno::NotSup) if end > fstat(host)?.st_size as u64 => Ok(ftruncate(host, end)?),
        Err(Errno::NotSup) => Ok(()),
        done => done,
    }
}

/// Cuts a file off or fills it up with zero bytes.
pub(crate) fn fd_filestat_set_size(ctx: &mut WasiP1Ctx, _: &mut Memory, fd: u32, size: u64) -> Result<(), Errno> {
    let file = ctx.descriptors.file(fd, Rights::FD_FILESTAT_SET_SIZE)?;
    if !file.perms.contains(FilePerms::WRITE) {
        return Err(Errno::Perm);
    }
    if !file.writable {
        return Err(Errno::Inval);
    }
    Ok(ftruncate(&file.file, size)?)
}

fn readable(file: &File) -> Result<&std::fs::File, Errno> {
    if file.readable { Ok(&file.file) } else { Err(Errno::Badf) }
}

fn writable(file: &File) -> Result<&std::fs::File, Errno> {
    if file.writable { Ok(&file.file) } else { Err(Errno::Badf) }
}

/// How a standard stream waits.
struct Waiting<'a> {
    fd: Option<BorrowedFd<'a>>,
    readiness: PollFlags,
    /// As the guest has asked; the host's end is shared and may be either.
    nonblocking: bool,
}

impl Waiting<'_> {
    fn call(&self, interruption: &Interruption, mut call: impl FnMut() -> io::Result<usize>) -> Result<usize, Errno> {
        match self.fd {
            Some(fd) if self.nonblocking && !is_ready(fd, self.readiness)? => return Err(Errno::Again),
            Some(fd) if !self.nonblocking => interruption.wait_before(fd, self.readiness)?,
            _ => {}
        }
        loop {
            let error = match call() {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            match (error.kind(), self.fd) {
                (ErrorKind::Interrupted, _) => {}
                (ErrorKind::WouldBlock, Some(fd)) if !self.nonblocking => interruption.wait(fd, self.readiness)?,
                _ => return Err(error.into()),
            }
        }
    }
}
