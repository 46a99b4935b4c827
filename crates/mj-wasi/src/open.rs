//! What a guest has open that its host did not give it.

use std::fmt;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};

use crate::descriptor::{Descriptor, Object};
use crate::p1::WasiP1Ctx;

/// Something that a guest opened, accepted or moved to another number; see [`WasiP1Ctx::open_files`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenFile {
    fd: u32,
    what: &'static str,
    path: Option<PathBuf>,
}

impl OpenFile {
    /// The guest's number for it.
    #[must_use]
    pub fn fd(&self) -> u32 {
        self.fd
    }

    /// Where it is on the host, if the host knows.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

impl fmt::Display for OpenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "descriptor {} ({}", self.fd, self.what)?;
        match &self.path {
            Some(path) => write!(f, " {})", path.display()),
            None => f.write_str(")"),
        }
    }
}

impl WasiP1Ctx {
    /// What is open now and would not be in a new context of the same builder: files and folders that the guest opened, connections that it
    /// accepted, and whatever it moved to another number. What it closed is not reported.
    #[must_use]
    pub fn open_files(&self) -> Vec<OpenFile> {
        let opened = self.descriptors.iter().filter(|(fd, descriptor)| descriptor.given != Some(*fd));
        opened.map(|(fd, descriptor)| describe(fd, descriptor)).collect()
    }
}

fn describe(fd: u32, descriptor: &Descriptor) -> OpenFile {
    let (what, path) = match &descriptor.object {
        Object::Stdin(_) | Object::Stdout(_) => ("a standard stream", None),
        Object::File(file) => ("the file", path_of(file.file.as_fd())),
        Object::Dir(dir) => ("the folder", path_of(dir.dir.as_fd())),
        Object::Socket(_) => ("a socket", None),
    };
    OpenFile { fd, what, path }
}

fn path_of(file: BorrowedFd<'_>) -> Option<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
}
