//! Descriptors themselves: closing and renumbering, rights and flags, attributes, preopened
//! folders and the names in a folder.

use crate::abi::{FdFlags, Fdstat, Filestat, Filetype, Rights, Version, flags};
use crate::cli::IsTerminal;
use crate::descriptor::{Descriptor, Dir, File, Object, Stream};
use crate::errno::Errno;
use crate::listing::Listing;
use crate::memory::Memory;
use crate::p1::{WasiP1Ctx, socket};
use crate::perms::{DirPerms, FilePerms};
use crate::times::Stamps;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl, fstat, futimens};
use std::os::fd::AsFd;

/// What can be done through a preopened folder, as userlands expect it to be listed.
const PREOPEN: Rights = Rights::PATH_CREATE_DIRECTORY
    .union(Rights::PATH_CREATE_FILE)
    .union(Rights::PATH_LINK_SOURCE)
    .union(Rights::PATH_LINK_TARGET)
    .union(Rights::PATH_OPEN)
    .union(Rights::FD_READDIR)
    .union(Rights::PATH_READLINK)
    .union(Rights::PATH_RENAME_SOURCE)
    .union(Rights::PATH_RENAME_TARGET)
    .union(Rights::PATH_SYMLINK)
    .union(Rights::PATH_REMOVE_DIRECTORY)
    .union(Rights::PATH_UNLINK_FILE)
    .union(Rights::PATH_FILESTAT_GET)
    .union(Rights::PATH_FILESTAT_SET_TIMES)
    .union(Rights::FD_FILESTAT_GET)
    .union(Rights::FD_FILESTAT_SET_TIMES);

/// What can be done, besides, with files opened through a preopened folder.
const FILES: Rights = Rights::FD_DATASYNC
    .union(Rights::FD_READ)
    .union(Rights::FD_SEEK)
    .union(Rights::FD_FDSTAT_SET_FLAGS)
    .union(Rights::FD_SYNC)
    .union(Rights::FD_TELL)
    .union(Rights::FD_WRITE)
    .union(Rights::FD_ADVISE)
    .union(Rights::FD_ALLOCATE)
    .union(Rights::FD_FILESTAT_SET_SIZE)
    .union(Rights::POLL_FD_READWRITE);

/// What can be done with a socket.
const SOCKET: Rights = Rights::FD_READ
    .union(Rights::FD_WRITE)
    .union(Rights::FD_FDSTAT_SET_FLAGS)
    .union(Rights::FD_FILESTAT_GET)
    .union(Rights::POLL_FD_READWRITE)
    .union(Rights::SOCK_SHUTDOWN)
    .union(Rights::SOCK_ACCEPT);

/// Flags that are chosen when a file is opened and stay.
pub(crate) const SYNCING: FdFlags = FdFlags::DSYNC.union(FdFlags::RSYNC).union(FdFlags::SYNC);

/// Closes a descriptor.
pub(crate) fn fd_close(ctx: &mut WasiP1Ctx, _: &mut Memory, fd: u32) -> Result<(), Errno> {
    ctx.descriptors.remove(fd).map(drop)
}

/// Closes `to` and gives its number to `fd`.
pub(crate) fn fd_renumber(ctx: &mut WasiP1Ctx, _: &mut Memory, fd: u32, to: u32) -> Result<(), Errno> {
    ctx.descriptors.renumber(fd, to)
}

/// Type, flags and rights.
pub(crate) fn fd_fdstat_get(ctx: &mut WasiP1Ctx, memory: &mut Memory, fd: u32, stat: u32) -> Result<(), Errno> {
    fdstat(ctx.descriptors.get(fd, Rights::empty())?)?.write(memory, stat)
}

fn fdstat(descriptor: &Descriptor) -> Result<Fdstat, Errno> {
    let mut stat = match &descriptor.object {
        Object::Stdin(stdin) => stream_stat(&*stdin.stream, stdin.nonblocking, Rights::FD_READ),
        Object::Stdout(out) => stream_stat(&*out.stream, out.nonblocking, Rights::FD_WRITE),
        Object::File(file) => file_stat(file)?,
        Object::Dir(dir) => dir_stat(dir),
        Object::Socket(socket) => {
            Fdstat { filetype: socket::filetype(socket), flags: host_flags(socket)?, base: SOCKET, inheriting: SOCKET }
        }
    };
    stat.base -= descriptor.denied;
    stat.inheriting -= descriptor.denied_inheriting;
    Ok(stat)
}

fn stream_stat(stream: &(impl IsTerminal + ?Sized), nonblocking: bool, rights: Rights) -> Fdstat {
    let flags = if nonblocking { FdFlags::NONBLOCK } else { FdFlags::empty() };
    Fdstat { filetype: stream_type(stream), flags, base: rights, inheriting: rights }
}

/// A guest takes a character device that cannot seek for a terminal.
fn stream_type(stream: &(impl IsTerminal + ?Sized)) -> Filetype {
    if stream.is_terminal() { Filetype::CharacterDevice } else { Filetype::Unknown }
}

fn file_stat(file: &File) -> Result<Fdstat, Errno> {
    let filetype = Filestat::from(fstat(&file.file)?).filetype;
    let mut rights = Rights::all();
    if !file.readable {
        rights -= Rights::FD_READ | Rights::FD_READDIR;
    }
    if !file.writable {
        rights -= Rights::FD_WRITE;
    }
    let flags = host_flags(&file.file)? | file.syncing;
    Ok(Fdstat { filetype, flags, base: rights, inheriting: rights })
}

fn dir_stat(dir: &Dir) -> Fdstat {
    let sizes = Rights::FD_FILESTAT_SET_SIZE | Rights::PATH_FILESTAT_SET_SIZE;
    let (mut base, mut inheriting) = match dir.preopen {
        Some(_) => (PREOPEN, PREOPEN | FILES),
        None => {
            let rights = Rights::all() - Rights::FD_SEEK - Rights::FD_WRITE - sizes;
            (rights, Rights::all())
        }
    };
    if !dir.file_perms.contains(FilePerms::READ) {
        base -= Rights::FD_READ;
        inheriting -= Rights::FD_READ;
    }
    if !dir.file_perms.contains(FilePerms::WRITE) {
        inheriting -= Rights::FD_WRITE;
    }
    Fdstat { filetype: Filetype::Directory, flags: FdFlags::empty(), base, inheriting }
}

fn host_flags(file: impl AsFd) -> Result<FdFlags, Errno> {
    let host = fcntl_getfl(file)?;
    let mut flags = FdFlags::empty();
    flags.set(FdFlags::APPEND, host.contains(OFlags::APPEND));
    flags.set(FdFlags::NONBLOCK, host.contains(OFlags::NONBLOCK));
    Ok(flags)
}

/// Changes append mode and whether calls wait.
pub(crate) fn fd_fdstat_set_flags(ctx: &mut WasiP1Ctx, _: &mut Memory, fd: u32, new: u32) -> Result<(), Errno> {
    let new: FdFlags = flags(new)?;
    let descriptor = ctx.descriptors.get_mut(fd, Rights::FD_FDSTAT_SET_FLAGS)?;
    match &mut descriptor.object {
        Object::File(file) => set_host_flags(&file.file, file.syncing, new),
        Object::Socket(socket) => set_host_flags(socket, FdFlags::empty(), new),
        Object::Dir(_) => Err(Errno::Badf),
        // The host shares its streams with others, so the flag stays on this side.
        Object::Stdin(_) | Object::Stdout(_) if new.intersects(SYNCING) => Err(Errno::Inval),
        Object::Stdin(Stream { nonblocking, .. }) => {
            *nonblocking = new.contains(FdFlags::NONBLOCK);
            Ok(())
        }
        Object::Stdout(Stream { nonblocking, .. }) => {
            *nonblocking = new.contains(FdFlags::NONBLOCK);
            Ok(())
        }
    }
}

fn set_host_flags(file: impl AsFd, syncing: FdFlags, new: FdFlags) -> Result<(), Errno> {
    if new & SYNCING != syncing {
        return Err(Errno::Inval);
    }
    let mut host = fcntl_getfl(&file)?;
    host.set(OFlags::APPEND, new.contains(FdFlags::APPEND));
    host.set(OFlags::NONBLOCK, new.contains(FdFlags::NONBLOCK));
    Ok(fcntl_setfl(&file, host)?)
}

/// Gives up rights, which is for ever: asking for one that is not there is `ENOTCAPABLE`.
pub(crate) fn fd_fdstat_set_rights(ctx: &mut WasiP1Ctx, _: &mut Memory, fd: u32, base: u64, inheriting: u64) -> Result<(), Errno> {
    let base = Rights::from_bits(base).ok_or(Errno::Inval)?;
    let inheriting = Rights::from_bits(inheriting).ok_or(Errno::Inval)?;
    let descriptor = ctx.descriptors.get_mut(fd, Rights::empty())?;
    let stat = fdstat(descriptor)?;
    if !stat.base.contains(base) || !stat.inheriting.contains(inheriting) {
        return Err(Errno::NotCapable);
    }
    descriptor.denied |= stat.base - base;
    descriptor.denied_inheriting |= stat.inheriting - inheriting;
    Ok(())
}

/// Attributes of an open file.
pub(crate) fn fd_filestat_get<V: Version>(ctx: &mut WasiP1Ctx, memory: &mut Memory, fd: u32, stat: u32) -> Result<(), Errno> {
    let filestat = match &ctx.descriptors.get(fd, Rights::FD_FILESTAT_GET)?.object {
        Object::Stdin(stdin) => Filestat::of_stream(stream_type(&*stdin.stream)),
        Object::Stdout(stdout) => Filestat::of_stream(stream_type(&*stdout.stream)),
        Object::Socket(socket) => Filestat::of_stream(socket::filetype(socket)),
        Object::File(file) => fstat(&file.file)?.into(),
        Object::Dir(dir) => fstat(&dir.dir)?.into(),
    };
    V::write_filestat(&filestat, memory, stat)
}

/// Sets the times of an open file or folder.
pub(crate) fn fd_filestat_set_times(
    ctx: &mut WasiP1Ctx,
    _: &mut Memory,
    fd: u32,
    atim: u64,
    mtim: u64,
    fst_flags: u32,
) -> Result<(), Errno> {
    let times = Stamps::new(atim, mtim, flags(fst_flags)?)?.for_file();
    match &ctx.descriptors.get(fd, Rights::FD_FILESTAT_SET_TIMES)?.object {
        Object::File(file) if !file.perms.contains(FilePerms::WRITE) => Err(Errno::Perm),
        Object::File(file) => Ok(futimens(&file.file, &times)?),
        Object::Dir(dir) => {
            dir.require(DirPerms::MUTATE)?;
            Ok(futimens(dir.reopen()?, &times)?)
        }
        Object::Stdin(_) | Object::Stdout(_) | Object::Socket(_) => Err(Errno::Badf),
    }
}

/// The length of a preopened folder's name.
pub(crate) fn fd_prestat_get(ctx: &mut WasiP1Ctx, memory: &mut Memory, fd: u32, prestat: u32) -> Result<(), Errno> {
    let dir = ctx.descriptors.dir(fd, Rights::empty())?;
    let name = dir.preopen.as_ref().ok_or(Errno::Badf)?;
    let length = u32::try_from(name.len()).map_err(|_| Errno::Overflow)?;
    // The first word is the kind of preopened thing; there is only one kind, 0.
    memory.write_u64(prestat, u64::from(length) << 32)
}

/// A preopened folder's name, without a zero byte after it.
pub(crate) fn fd_prestat_dir_name(ctx: &mut WasiP1Ctx, memory: &mut Memory, fd: u32, path: u32, path_len: u32) -> Result<(), Errno> {
    let name = match &ctx.descriptors.get(fd, Rights::empty())?.object {
        Object::Dir(Dir { preopen: Some(name), .. }) => name,
        _ => return Err(Errno::NotDir),
    };
    if name.len() > path_len as usize {
        return Err(Errno::NameTooLong);
    }
    memory.write(path, name.as_bytes())
}

/// Names in a folder from number `cookie` on, as many as fit; the last may be cut off.
pub(crate) fn fd_readdir(
    ctx: &mut WasiP1Ctx,
    memory: &mut Memory,
    fd: u32,
    buf: u32,
    buf_len: u32,
    cookie: u64,
    used: u32,
) -> Result<(), Errno> {
    memory.check(used, 4)?;
    memory.check(buf, buf_len)?;
    let descriptor = ctx.descriptors.get_mut(fd, Rights::FD_READDIR)?;
    let Object::Dir(dir) = &mut descriptor.object else {
        return Err(Errno::Badf);
    };
    dir.require(DirPerms::READ)?;
    if cookie == 0 || dir.listing.is_none() {
        dir.listing = Some(Listing::read(dir.reopen()?)?);
    }
    let out = memory.bytes_mut(buf, buf_len)?;
    let length = dir.listing.as_ref().map_or(0, |listing| listing.write(cookie, out));
    memory.write_u32(used, length as u32)
}
