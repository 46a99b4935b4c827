//! The open files of a guest, by number.
//!
//! A host file keeps its position, its append mode and its other flags in the operating
//! system, so that one guest call is one system call. What the system does not know is here:
//! the permissions of the preopened folder a file came from, and rights given up.
//!
//! Invariants: a new descriptor gets the lowest free number; closing one of the standard
//! streams never closes the host's.

use crate::abi::{FdFlags, Rights};
use crate::cli::{StdinStream, StdoutStream};
use crate::errno::Errno;
use crate::listing::Listing;
use crate::perms::{DirPerms, FilePerms};
use rustix::fs::{Mode, OFlags, openat};
use std::fs;
use std::os::fd::OwnedFd;

/// What a descriptor refers to.
pub(crate) enum Object {
    Stdin(Stream<dyn StdinStream>),
    Stdout(Stream<dyn StdoutStream>),
    File(File),
    Dir(Dir),
    Socket(OwnedFd),
}

/// A standard stream. Its host file is shared with the host, so `NONBLOCK` is kept here.
pub(crate) struct Stream<S: ?Sized> {
    pub stream: Box<S>,
    pub nonblocking: bool,
}

/// An open file that is not a folder.
pub(crate) struct File {
    pub file: fs::File,
    pub perms: FilePerms,
    /// Opened for reading or writing as the guest asked; the host file may allow more.
    pub readable: bool,
    pub writable: bool,
    /// How synchronous writing is, as the guest asked; not every host tells the kinds apart.
    pub syncing: FdFlags,
}

/// An open folder.
pub(crate) struct Dir {
    pub dir: cap_std::fs::Dir,
    pub dir_perms: DirPerms,
    pub file_perms: FilePerms,
    /// The name of a preopened folder.
    pub preopen: Option<String>,
    /// The names in it as of the last time the guest began to read them.
    pub listing: Option<Listing>,
}

impl Dir {
    /// Fails unless the folder was preopened with `perms`.
    pub fn require(&self, perms: DirPerms) -> Result<&Self, Errno> {
        if self.dir_perms.contains(perms) { Ok(self) } else { Err(Errno::Perm) }
    }

    /// The folder once more, for what a file that only serves to start paths from cannot do.
    pub fn reopen(&self) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(openat(&self.dir, c".", flags, Mode::empty())?)
    }
}

/// An open object and the rights it has lost.
pub(crate) struct Descriptor {
    pub object: Object,
    /// The number under which the host gave it to the guest; `None` if the guest opened it.
    pub given: Option<u32>,
    /// Rights given up by `fd_fdstat_set_rights`, for itself and for what is opened through it.
    pub denied: Rights,
    pub denied_inheriting: Rights,
}

impl From<Object> for Descriptor {
    fn from(object: Object) -> Self {
        let (denied, denied_inheriting) = (Rights::empty(), Rights::empty());
        Descriptor { object, given: None, denied, denied_inheriting }
    }
}

/// The table of open descriptors.
#[derive(Default)]
pub(crate) struct Descriptors {
    slots: Vec<Option<Descriptor>>,
    /// No number below this one is free.
    lowest_free: usize,
}

impl Descriptors {
    /// Opens the lowest free number.
    pub fn insert(&mut self, descriptor: Descriptor) -> Result<u32, Errno> {
        let mut at = self.lowest_free;
        while self.slots.get(at).is_some_and(Option::is_some) {
            at += 1;
        }
        let number = u32::try_from(at).map_err(|_| Errno::Mfile)?;
        if at == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[at] = Some(descriptor);
        self.lowest_free = at + 1;
        Ok(number)
    }

    /// Opens the lowest free number for something of the host.
    pub fn give(&mut self, object: Object) -> Result<u32, Errno> {
        let fd = self.insert(object.into())?;
        self.get_mut(fd, Rights::empty())?.given = Some(fd);
        Ok(fd)
    }

    /// What is open, by number.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Descriptor)> {
        (0_u32..).zip(&self.slots).filter_map(|(fd, slot)| Some((fd, slot.as_ref()?)))
    }

    /// Closes `fd`.
    pub fn remove(&mut self, fd: u32) -> Result<Descriptor, Errno> {
        let slot = self.slots.get_mut(fd as usize).ok_or(Errno::Badf)?;
        let removed = slot.take().ok_or(Errno::Badf)?;
        self.lowest_free = self.lowest_free.min(fd as usize);
        Ok(removed)
    }

    /// Closes `to` and gives its number to `from`; both must be open.
    pub fn renumber(&mut self, from: u32, to: u32) -> Result<(), Errno> {
        self.get(from, Rights::empty())?;
        self.get(to, Rights::empty())?;
        if from != to {
            let moved = self.remove(from)?;
            self.slots[to as usize] = Some(moved);
        }
        Ok(())
    }

    /// The descriptor `fd`, which must not have given up any of `rights`.
    pub fn get(&self, fd: u32, rights: Rights) -> Result<&Descriptor, Errno> {
        let descriptor = self.slots.get(fd as usize).and_then(Option::as_ref).ok_or(Errno::Badf)?;
        if descriptor.denied.intersects(rights) { Err(Errno::NotCapable) } else { Ok(descriptor) }
    }

    pub fn get_mut(&mut self, fd: u32, rights: Rights) -> Result<&mut Descriptor, Errno> {
        self.get(fd, rights)?;
        self.slots[fd as usize].as_mut().ok_or(Errno::Badf)
    }

    /// The file `fd`; anything else is `EBADF`.
    pub fn file(&self, fd: u32, rights: Rights) -> Result<&File, Errno> {
        match &self.get(fd, rights)?.object {
            Object::File(file) => Ok(file),
            _ => Err(Errno::Badf),
        }
    }

    /// The folder `fd`; anything else is `EBADF`.
    pub fn dir(&self, fd: u32, rights: Rights) -> Result<&Dir, Errno> {
        match &self.get(fd, rights)?.object {
            Object::Dir(dir) => Ok(dir),
            _ => Err(Errno::Badf),
        }
    }

    /// The socket `fd`; anything else is `ENOTSOCK`.
    pub fn socket(&self, fd: u32, rights: Rights) -> Result<&OwnedFd, Errno> {
        match &self.get(fd, rights)?.object {
            Object::Socket(socket) => Ok(socket),
            _ => Err(Errno::NotSock),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::empty;

    fn stream() -> Descriptor {
        let stream = Box::new(empty());
        Object::Stdin(Stream { stream, nonblocking: false }).into()
    }

    #[test]
    fn the_lowest_free_number_is_used_again() {
        let mut table = Descriptors::default();
        let numbers = [(); 4].map(|()| table.insert(stream()).unwrap());
        assert_eq!(numbers, [0, 1, 2, 3]);
        table.remove(2).unwrap();
        table.remove(1).unwrap();
        assert_eq!(table.remove(1).err(), Some(Errno::Badf));
        assert_eq!(table.insert(stream()), Ok(1));
        assert_eq!(table.insert(stream()), Ok(2));
        assert_eq!(table.insert(stream()), Ok(4));
    }

    #[test]
    fn renumbering_needs_two_open_numbers_and_frees_the_first() {
        let mut table = Descriptors::default();
        let numbers = [(); 3].map(|()| table.insert(stream()).unwrap());
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!(table.renumber(0, 3), Err(Errno::Badf));
        assert_eq!(table.renumber(u32::MAX, 0), Err(Errno::Badf));
        assert_eq!(table.renumber(1, 1), Ok(()));
        assert_eq!(table.renumber(0, 2), Ok(()));
        assert_eq!(table.get(0, Rights::empty()).err(), Some(Errno::Badf));
        assert_eq!(table.insert(stream()), Ok(0));
    }

    #[test]
    fn a_right_given_up_is_not_capable() {
        let mut table = Descriptors::default();
        let mut descriptor = stream();
        descriptor.denied = Rights::FD_READ;
        table.insert(descriptor).unwrap();
        assert_eq!(table.get(0, Rights::FD_READ).err(), Some(Errno::NotCapable));
        assert!(table.get(0, Rights::FD_WRITE).is_ok());
    }
}
