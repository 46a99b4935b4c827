//! Every function, called as a guest calls it: with numbers, through the table.

mod dirs;
mod escapes;
mod files;
mod paths;
mod processes;
mod rights;
mod sockets;
mod table;
mod waiting;

use crate::abi::{Preview1, Version};
use crate::errno::Errno;
use crate::memory::Memory;
use crate::p1::{WasiP1Ctx, fd, functions, io, path, poll, process, socket};
use crate::{DirPerms, FilePerms, WasiCtxBuilder};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs};

/// Rights, as bits.
const READ: u64 = 1 << 1;
const WRITE: u64 = 1 << 6;

/// Flags of `path_open`.
const CREAT: u64 = 1;
const DIRECTORY: u64 = 2;
const EXCL: u64 = 4;
const TRUNC: u64 = 8;
const APPEND: u64 = 1;
const NONBLOCK: u64 = 4;
const FOLLOW: u64 = 1;

/// The preopened folder of a [`Guest`].
const ROOT: u32 = 3;

/// Where a guest has its strings, lists, results and buffers.
const TEXT: u32 = 0x100;
const OTHER_TEXT: u32 = 0x1100;
const LIST: u32 = 0x2100;
const RESULT: u32 = 0x3000;
const BUFFER: u32 = 0x4000;
const MEMORY: usize = 0x2_0000;

/// A folder on the host that goes away at the end of a test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("mj-wasi-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A guest played by hand: its context, its memory, and the folder it sees as descriptor 3.
struct Guest {
    ctx: WasiP1Ctx,
    bytes: Vec<u8>,
    folder: Folder,
}

impl Guest {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(configure: impl FnOnce(&mut WasiCtxBuilder)) -> Self {
        Self::allowed(DirPerms::all(), FilePerms::all(), configure)
    }

    fn allowed(dirs: DirPerms, files: FilePerms, configure: impl FnOnce(&mut WasiCtxBuilder)) -> Self {
        let folder = Folder::new();
        let mut builder = WasiCtxBuilder::new();
        builder.preopened_dir(&folder.0, "/", dirs, files).unwrap();
        configure(&mut builder);
        Guest { ctx: builder.build_p1(), bytes: vec![0; MEMORY], folder }
    }

    /// The host's path of a name in the folder.
    fn host(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.0.join(name)
    }

    fn call(&mut self, name: &str, args: &[u64]) -> Result<(), Errno> {
        self.call_version::<Preview1>(name, args)
    }

    fn call_version<V: Version>(&mut self, name: &str, args: &[u64]) -> Result<(), Errno> {
        let ctx = &mut self.ctx;
        let memory = &mut Memory::new(&mut self.bytes);
        macro_rules! rows {
            ($($name:ident($($arg:ident: $type:ty),*) => $function:path;)*) => {
                match name {
                    $(stringify!($name) => {
                        let [$($arg),*] = *args else { panic!("{name} takes other arguments") };
                        $function(ctx, memory, $($arg as $type),*)
                    })*
                    _ => panic!("there is no {name}"),
                }
            };
        }
        functions!(rows)
    }

    fn u8(&self, at: u32) -> u8 {
        self.bytes[at as usize]
    }

    fn u16(&self, at: u32) -> u16 {
        u16::from_le_bytes(self.slice(at, 2).try_into().unwrap())
    }

    fn u32(&self, at: u32) -> u32 {
        u32::from_le_bytes(self.slice(at, 4).try_into().unwrap())
    }

    fn u64(&self, at: u32) -> u64 {
        u64::from_le_bytes(self.slice(at, 8).try_into().unwrap())
    }

    fn slice(&self, at: u32, length: u32) -> &[u8] {
        &self.bytes[at as usize..][..length as usize]
    }

    fn put(&mut self, at: u32, bytes: &[u8]) {
        self.bytes[at as usize..][..bytes.len()].copy_from_slice(bytes);
    }

    /// Places a path and answers its pointer and length.
    fn text(&mut self, text: &str) -> [u64; 2] {
        self.put(TEXT, text.as_bytes());
        [u64::from(TEXT), text.len() as u64]
    }

    fn other_text(&mut self, text: &str) -> [u64; 2] {
        self.put(OTHER_TEXT, text.as_bytes());
        [u64::from(OTHER_TEXT), text.len() as u64]
    }

    /// A call of a function of a folder and one path.
    fn at(&mut self, name: &str, path: &str) -> Result<(), Errno> {
        let [pointer, length] = self.text(path);
        self.call(name, &[ROOT.into(), pointer, length])
    }

    fn open_at(&mut self, dir: u32, lookup: u64, path: &str, oflags: u64, rights: u64, fdflags: u64) -> Result<u32, Errno> {
        let [pointer, length] = self.text(path);
        let result = u64::from(RESULT);
        self.call("path_open", &[dir.into(), lookup, pointer, length, oflags, rights, 0, fdflags, result])?;
        Ok(self.u32(RESULT))
    }

    fn open(&mut self, path: &str, oflags: u64, rights: u64) -> Result<u32, Errno> {
        self.open_at(ROOT, 0, path, oflags, rights, 0)
    }

    /// Creates a file in the folder and opens it for reading and writing.
    fn create(&mut self, path: &str) -> u32 {
        self.open(path, CREAT | EXCL, READ | WRITE).unwrap()
    }

    /// Places a list of one buffer.
    fn list(&mut self, pointer: u32, length: u32) {
        self.put(LIST, &pointer.to_le_bytes());
        self.put(LIST + 4, &length.to_le_bytes());
    }

    fn write(&mut self, fd: u32, bytes: &[u8]) -> Result<u32, Errno> {
        self.put(BUFFER, bytes);
        self.list(BUFFER, bytes.len() as u32);
        self.call("fd_write", &[fd.into(), LIST.into(), 1, RESULT.into()])?;
        Ok(self.u32(RESULT))
    }

    fn read(&mut self, fd: u32, length: u32) -> Result<Vec<u8>, Errno> {
        self.list(BUFFER, length);
        self.call("fd_read", &[fd.into(), LIST.into(), 1, RESULT.into()])?;
        Ok(self.slice(BUFFER, self.u32(RESULT)).to_vec())
    }

    fn seek(&mut self, fd: u32, offset: i64, whence: u64) -> Result<u64, Errno> {
        self.call("fd_seek", &[fd.into(), offset as u64, whence, RESULT.into()])?;
        Ok(self.u64(RESULT))
    }

    fn close(&mut self, fd: u32) -> Result<(), Errno> {
        self.call("fd_close", &[fd.into()])
    }

    /// File type, flags, rights and inheriting rights.
    fn fdstat(&mut self, fd: u32) -> Result<(u8, u16, u64, u64), Errno> {
        self.call("fd_fdstat_get", &[fd.into(), RESULT.into()])?;
        Ok((self.u8(RESULT), self.u16(RESULT + 2), self.u64(RESULT + 8), self.u64(RESULT + 16)))
    }

    fn stat(&mut self, lookup: u64, path: &str) -> Result<Stat, Errno> {
        let [pointer, length] = self.text(path);
        self.call("path_filestat_get", &[ROOT.into(), lookup, pointer, length, RESULT.into()])?;
        Ok(self.stat_result())
    }

    fn fstat(&mut self, fd: u32) -> Result<Stat, Errno> {
        self.call("fd_filestat_get", &[fd.into(), RESULT.into()])?;
        Ok(self.stat_result())
    }

    fn stat_result(&self) -> Stat {
        Stat {
            ino: self.u64(RESULT + 8),
            filetype: self.u8(RESULT + 16),
            nlink: self.u64(RESULT + 24),
            size: self.u64(RESULT + 32),
            atim: self.u64(RESULT + 40),
            mtim: self.u64(RESULT + 48),
        }
    }
}

#[derive(Debug, PartialEq)]
struct Stat {
    ino: u64,
    filetype: u8,
    nlink: u64,
    size: u64,
    atim: u64,
    mtim: u64,
}
