//! Names: opening, creating, linking, renaming, removing, and attributes by path.
//!
//! Every path starts at an open folder. `cap-std` resolves it and keeps it below that folder;
//! a path that leads out is `EPERM`. What the preopened folder forbids is `EPERM` as well, and
//! is checked before the host is asked.
//!
//! Invariant: what is opened through a folder has the folder's permissions, and nothing moves
//! between folders whose permissions differ.

use crate::abi::{FdFlags, LookupFlags, OFlags, Rights, Version, flags};
use crate::descriptor::{Descriptor, Dir, File, Object};
use crate::errno::Errno;
use crate::memory::Memory;
use crate::p1::WasiP1Ctx;
use crate::p1::fd::SYNCING;
use crate::perms::{DirPerms, FilePerms};
use crate::times::Stamps;
use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags as HostFlags;
use std::fs;
use std::os::unix::ffi::OsStrExt;

/// How a file is to be opened.
#[derive(Clone, Copy)]
struct Opening {
    lookup: LookupFlags,
    oflags: OFlags,
    fdflags: FdFlags,
    read: bool,
    write: bool,
}

/// Opens a file or a folder, creating or emptying a file if so asked.
pub(crate) fn path_open(
    ctx: &mut WasiP1Ctx,
    memory: &mut Memory,
    fd: u32,
    dirflags: u32,
    path: u32,
    path_len: u32,
    oflags: u32,
    base: u64,
    _inheriting: u64,
    fdflags: u32,
    opened: u32,
) -> Result<(), Errno> {
    memory.check(opened, 4)?;
    let path = memory.path(path, path_len)?;
    let rights = Rights::from_bits_truncate(base);
    let opening = Opening {
        lookup: flags(dirflags)?,
        oflags: flags(oflags)?,
        fdflags: flags(fdflags)?,
        // Without any access the host would not open a file at all.
        read: rights.contains(Rights::FD_READ) || !rights.contains(Rights::FD_WRITE),
        write: rights.contains(Rights::FD_WRITE),
    };
    let through = ctx.descriptors.get(fd, Rights::PATH_OPEN)?;
    let denied = through.denied_inheriting;
    let object = match &through.object {
        Object::Dir(dir) => open(dir, path, opening)?,
        Object::File(_) => return Err(Errno::NotDir),
        _ => return Err(Errno::Badf),
    };
    let descriptor = Descriptor { object, given: None, denied, denied_inheriting: denied };
    let number = ctx.descriptors.insert(descriptor)?;
    memory.write_u32(opened, number)
}

fn open(dir: &Dir, path: &str, opening: Opening) -> Result<Object, Errno> {
    let Opening { oflags, read, write, .. } = opening;
    let changing = OFlags::CREAT | OFlags::EXCL | OFlags::TRUNC;
    if oflags.contains(OFlags::DIRECTORY) && oflags.intersects(changing) {
        return Err(Errno::Inval);
    }
    dir.require(DirPerms::READ)?;
    if oflags.contains(OFlags::CREAT) {
        dir.require(DirPerms::MUTATE)?;
    }
    let writes = write || oflags.intersects(OFlags::CREAT | OFlags::TRUNC);
    if writes && !dir.file_perms.contains(FilePerms::WRITE) {
        return Err(Errno::Perm);
    }
    let host = open_host(dir, path, opening)?;
    let (dir_perms, file_perms) = (dir.dir_perms, dir.file_perms);
    if host.metadata()?.is_dir() {
        let dir = cap_std::fs::Dir::from_std_file(host);
        return Ok(Object::Dir(Dir { dir, dir_perms, file_perms, preopen: None, listing: None }));
    }
    if read && !file_perms.contains(FilePerms::READ) {
        return Err(Errno::Perm);
    }
    Ok(Object::File(File { file: host, perms: file_perms, readable: read, writable: write, syncing: opening.fdflags & SYNCING }))
}

fn open_host(dir: &Dir, path: &str, opening: Opening) -> Result<fs::File, Errno> {
    let Opening { oflags, fdflags, read, write, .. } = opening;
    let creates = oflags.contains(OFlags::CREAT);
    let empties = oflags.contains(OFlags::TRUNC);
    let exclusive = creates && oflags.contains(OFlags::EXCL);
    let mut options = OpenOptions::new();
    options
        .read(read)
        .write(write || creates || empties)
        .create(creates)
        .create_new(exclusive)
        .truncate(empties)
        .follow(follow(opening.lookup))
        .custom_flags(host_flags(oflags, fdflags).bits() as i32);
    let opened = dir.dir.open_with(path, &options).map_err(Errno::from);
    let opened = match opened {
        // A file that exists can be opened for reading alone; only creating needs to write.
        Err(Errno::Acces | Errno::Rofs | Errno::TxtBsy) if creates && !exclusive && !empties && !write => {
            let existing = options.write(false).create(false);
            dir.dir.open_with(path, existing).map_err(Errno::from)
        }
        opened => opened,
    };
    Ok(opened?.into_std())
}

fn host_flags(oflags: OFlags, fdflags: FdFlags) -> HostFlags {
    let mut host = HostFlags::NOCTTY;
    host.set(HostFlags::DIRECTORY, oflags.contains(OFlags::DIRECTORY));
    host.set(HostFlags::APPEND, fdflags.contains(FdFlags::APPEND));
    host.set(HostFlags::NONBLOCK, fdflags.contains(FdFlags::NONBLOCK));
    if fdflags.contains(FdFlags::DSYNC) {
        host |= HostFlags::DSYNC;
    }
    if fdflags.intersects(FdFlags::SYNC | FdFlags::RSYNC) {
        host |= HostFlags::SYNC;
    }
    host
}

fn follow(lookup: LookupFlags) -> FollowSymlinks {
    if lookup.contains(LookupFlags::SYMLINK_FOLLOW) { FollowSymlinks::Yes } else { FollowSymlinks::No }
}

/// Creates a folder.
pub(crate) fn path_create_directory(ctx: &mut WasiP1Ctx, memory: &mut Memory, fd: u32, path: u32, path_len: u32) -> Result<(), Errno> {
    let dir = ctx.descriptors.dir(fd, Rights::PATH_CREATE_DIRECTORY)?.require(DirPerms::MUTATE)?;
    Ok(dir.dir.create_dir(memory.path(path, path_len)?)?)
}

/// Attributes of what a path refers to.
pub(crate) fn path_filestat_get<V: Version>(
    ctx: &mut WasiP1Ctx,
    memory: &mut Memory,
    fd: u32,
    lookup: u32,
    path: u32,
    path_len: u32,
    stat: u32,
) -> Result<(), Errno> {
    let lookup: LookupFlags = flags(lookup)?;
    let dir = ctx.descriptors.dir(fd, Rights::PATH_FILESTAT_GET)?.require(DirPerms::READ)?;
    let path = memory.path(path, path_len)?;
    let follows = lookup.contains(LookupFlags::SYMLINK_FOLLOW) || asks_for_folder(path);
    let metadata = if follows { dir.dir.metadata(path)? } else { dir.dir.symlink_metadata(path)? };
    V::write_filestat(&metadata.into(), memory, stat)
}

/// Sets the times of what a path refers to.
pub(crate) fn path_filestat_set_times(
    ctx: &mut WasiP1Ctx,
    memory: &mut Memory,
    fd: u32,
    lookup: u32,
    path: u32,
    path_len: u32,
    atim: u64,
    mtim: u64,
    fst_flags: u32,
) -> Result<(), Errno> {
    let lookup: LookupFlags = flags(lookup)?;
    let (accessed, modified) = Stamps::new(atim, mtim, flags(fst_flags)?)?.for_path();
    let dir = ctx.descriptors.dir(fd, Rights::PATH_FILESTAT_SET_TIMES)?;
    let dir = dir.require(DirPerms::MUTATE)?;
    let path = memory.path(path, path_len)?;
    match follow(lookup) {
        FollowSymlinks::Yes => Ok(dir.dir.set_times(path, accessed, modified)?),
        FollowSymlinks::No => Ok(dir.dir.set_symlink_times(path, accessed, modified)?),
    }
}

/// Gives a file another name. A symbolic link is linked itself; following it is `EINVAL`.
pub(crate) fn path_link(
    ctx: &mut WasiP1Ctx,
    memory: &mut Memory,
    old_fd: u32,
    old_flags: u32,
    old_path: u32,
    old_path_len: u32,
    new_fd: u32,
    new_path: u32,
    new_path_len: u32,
) -> Result<(), Errno> {
    let lookup: LookupFlags = flags(old_flags)?;
    let old = ctx.descriptors.dir(old_fd, Rights::PATH_LINK_SOURCE)?;
    let new = ctx.descriptors.dir(new_fd, Rights::PATH_LINK_TARGET)?;
    require_equal(old, new)?;
    if lookup.contains(LookupFlags::SYMLINK_FOLLOW) {
        return Err(Errno::Inval);
    }
    let old_path = memory.path(old_path, old_path_len)?;
    let new_path = memory.path(new_path, new_path_len)?;
    Ok(old.dir.hard_link(old_path, &new.dir, new_path)?)
}

/// Renames or moves a file or a folder.
pub(crate) fn path_rename(
    ctx: &mut WasiP1Ctx,
    memory: &mut Memory,
    fd: u32,
    old_path: u32,
    old_path_len: u32,
    new_fd: u32,
    new_path: u32,
    new_path_len: u32,
) -> Result<(), Errno> {
    let old = ctx.descriptors.dir(fd, Rights::PATH_RENAME_SOURCE)?;
    let new = ctx.descriptors.dir(new_fd, Rights::PATH_RENAME_TARGET)?;
    require_equal(old, new)?;
    let old_path = memory.path(old_path, old_path_len)?;
    let new_path = memory.path(new_path, new_path_len)?;
    if asks_for_folder(new_path) && !old.dir.symlink_metadata(old_path)?.is_dir() {
        return Err(Errno::NotDir);
    }
    Ok(old.dir.rename(old_path, &new.dir, new_path)?)
}

/// A slash at the end means that a link is followed and that only a folder will do.
fn asks_for_folder(path: &str) -> bool {
    path.ends_with('/') || path.ends_with("/.")
}

/// A file must not gain permissions by a second name in another folder.
fn require_equal(old: &Dir, new: &Dir) -> Result<(), Errno> {
    old.require(DirPerms::MUTATE)?;
    new.require(DirPerms::MUTATE)?;
    if old.dir_perms == new.dir_perms && old.file_perms == new.file_perms { Ok(()) } else { Err(Errno::Perm) }
}

/// What a symbolic link says, cut off where the buffer ends.
pub(crate) fn path_readlink(
    ctx: &mut WasiP1Ctx,
    memory: &mut Memory,
    fd: u32,
    path: u32,
    path_len: u32,
    buf: u32,
    buf_len: u32,
    used: u32,
) -> Result<(), Errno> {
    memory.check(used, 4)?;
    memory.check(buf, buf_len)?;
    let dir = ctx.descriptors.dir(fd, Rights::PATH_READLINK)?.require(DirPerms::READ)?;
    let target = dir.dir.read_link(memory.path(path, path_len)?)?;
    let target = target.as_os_str().as_bytes();
    let length = target.len().min(buf_len as usize);
    memory.write(buf, &target[..length])?;
    memory.write_u32(used, length as u32)
}

/// Removes an empty folder.
pub(crate) fn path_remove_directory(ctx: &mut WasiP1Ctx, memory: &mut Memory, fd: u32, path: u32, path_len: u32) -> Result<(), Errno> {
    let dir = ctx.descriptors.dir(fd, Rights::PATH_REMOVE_DIRECTORY)?.require(DirPerms::MUTATE)?;
    let mut path = memory.path(path, path_len)?;
    // A folder may be named with slashes at the end, but cannot be removed as its own `.`.
    while let Some(shorter) = path.strip_suffix('/').filter(|shorter| !shorter.is_empty()) {
        path = shorter;
    }
    Ok(dir.dir.remove_dir(path)?)
}

/// Creates a symbolic link at `new_path` that says `old_path`, which must not be absolute.
pub(crate) fn path_symlink(
    ctx: &mut WasiP1Ctx,
    memory: &mut Memory,
    old_path: u32,
    old_path_len: u32,
    fd: u32,
    new_path: u32,
    new_path_len: u32,
) -> Result<(), Errno> {
    let dir = ctx.descriptors.dir(fd, Rights::PATH_SYMLINK)?.require(DirPerms::MUTATE)?;
    let old_path = memory.path(old_path, old_path_len)?;
    let new_path = memory.path(new_path, new_path_len)?;
    Ok(dir.dir.symlink(old_path, new_path)?)
}

/// Removes a name that is not a folder's.
pub(crate) fn path_unlink_file(ctx: &mut WasiP1Ctx, memory: &mut Memory, fd: u32, path: u32, path_len: u32) -> Result<(), Errno> {
    let dir = ctx.descriptors.dir(fd, Rights::PATH_UNLINK_FILE)?.require(DirPerms::MUTATE)?;
    Ok(dir.dir.remove_file(memory.path(path, path_len)?)?)
}
