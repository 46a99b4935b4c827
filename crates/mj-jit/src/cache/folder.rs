//! A folder of files that only this user can write.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::error::{Context, Result, ensure};

/// Files of this name are being written, or were when their writer was stopped.
const UNFINISHED: &str = ".new-";

/// After this time, nobody writes an unfinished file any more.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// A file that is used is marked as new this often, so that it is not among the oldest.
const REFRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes that are compared at a time.
const CHUNK: usize = 128 << 10;

/// Files of others are not read if they are larger: nothing here is.
const MOST: u64 = 4 << 30;

/// How much a folder may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub bytes: u64,
    pub files: u64,
    /// How much of the limits is kept where something has to be deleted, in percent.
    pub kept: u8,
}

/// A folder that is there, belongs to this user, and is not writable by others.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// What may be written before it is time to clean: nothing at first, for others have written before.
    room: Mutex<Room>,
}

/// What may be added to a folder.
#[derive(Debug, Default)]
struct Room {
    bytes: u64,
    files: u64,
}

/// Of the room that is left after cleaning, one part in so many is used before the next cleaning: others use the same folder.
const SHARE: u64 = 4;

impl Folder {
    /// Opens a folder, or makes it.
    pub fn open(path: PathBuf) -> Result<Self> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot make the folder {}", parent.display()))?;
        }
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("cannot make the folder {}", path.display()));
            }
            _ => {}
        }
        let shown = path.display();
        let metadata = fs::metadata(&path).with_context(|| format!("cannot look at {shown}"))?;
        ensure!(metadata.is_dir(), "{shown} is no folder");
        ensure!(metadata.uid() == user(), "{shown} belongs to another user: compiled code is not kept there");
        let mode = metadata.mode() & 0o777;
        ensure!(
            is_private(&metadata),
            "others can write {shown} (its mode is {mode:o}): compiled code is not kept there; `chmod 700` changes that"
        );
        Ok(Self { path, room: Mutex::default() })
    }

    pub fn path(&self) -> &PathBuf {
        &self.path
    }

    /// A file's contents. `None` if there is no such file, or somebody else can have written it.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        let (mut file, metadata) = self.open_file(name)?;
        let mut contents = Vec::with_capacity(metadata.len() as usize);
        file.read_to_end(&mut contents).ok()?;
        Some(contents)
    }

    /// The first `length` bytes of a file whose others are exactly `rest`.
    pub fn read_if_it_ends_with(&self, name: &str, length: usize, mut rest: &[u8]) -> Option<Vec<u8>> {
        let (mut file, metadata) = self.open_file(name)?;
        if metadata.len() != (length + rest.len()) as u64 {
            return None;
        }
        let mut start = vec![0; length];
        file.read_exact(&mut start).ok()?;
        let mut chunk = vec![0; CHUNK.min(rest.len())];
        while !rest.is_empty() {
            let (expected, behind) = rest.split_at(CHUNK.min(rest.len()));
            let chunk = &mut chunk[..expected.len()];
            file.read_exact(chunk).ok()?;
            if chunk != expected {
                return None;
            }
            rest = behind;
        }
        Some(start)
    }

    fn open_file(&self, name: &str) -> Option<(File, Metadata)> {
        let file = File::open(self.path.join(name)).ok()?;
        let metadata = file.metadata().ok()?;
        if !(metadata.is_file() && metadata.uid() == user() && is_private(&metadata) && metadata.len() < MOST) {
            return None;
        }
        let now = SystemTime::now();
        let age = metadata.modified().ok().and_then(|modified| now.duration_since(modified).ok());
        if age.is_some_and(|age| age > REFRESH) {
            // If it cannot be marked it is deleted sooner.
            let _ = file.set_modified(now);
        }
        Some((file, metadata))
    }

    /// Writes a file: others see the old one or the new one, and never a part.
    pub fn write(&self, name: &str, parts: &[&[u8]]) -> Result<()> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.path.join(format!("{UNFINISHED}{}-{number}", std::process::id()));
        let written = self.write_new(&unfinished, parts).and_then(|()| Ok(fs::rename(&unfinished, self.path.join(name))?));
        if written.is_err() {
            // The folder is full, say. What remains is deleted later if not now.
            let _ = fs::remove_file(&unfinished);
        }
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        room.files = room.files.saturating_sub(1);
        room.bytes = room.bytes.saturating_sub(parts.iter().map(|part| part.len() as u64).sum());
        written
    }

    fn write_new(&self, path: &Path, parts: &[&[u8]]) -> Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        for part in parts {
            file.write_all(part)?;
        }
        Ok(())
    }

    /// As [`clean`](Self::clean), if much has been written since the last time: it has to look at every file.
    pub fn clean_if_due(&self, limits: Limits) {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        if room.bytes == 0 || room.files == 0 {
            let (bytes, files) = self.clean(limits);
            room.bytes = limits.bytes.saturating_sub(bytes) / SHARE;
            room.files = limits.files.saturating_sub(files) / SHARE;
        }
    }

    /// Deletes the oldest files if there are too many or they are too large; returns the bytes and the number of those that remain.
    fn clean(&self, limits: Limits) -> (u64, u64) {
        let Ok(entries) = fs::read_dir(&self.path) else { return (0, 0) };
        let now = SystemTime::now();
        let mut files = Vec::new();
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(UNFINISHED) {
                if now.duration_since(modified).is_ok_and(|age| age > ABANDONED) {
                    let _ = fs::remove_file(entry.path());
                }
            } else if metadata.is_file() && (name.ends_with(".code") || name.ends_with(".module")) {
                files.push((modified, metadata.len(), entry.path()));
            }
        }
        let (mut count, mut bytes) = (files.len() as u64, files.iter().map(|&(_, length, _)| length).sum::<u64>());
        if count <= limits.files && bytes <= limits.bytes {
            return (bytes, count);
        }
        files.sort();
        let kept = |limit: u64| (u128::from(limit) * u128::from(limits.kept) / 100) as u64;
        for (_, length, path) in files {
            if count <= kept(limits.files) && bytes <= kept(limits.bytes) {
                break;
            }
            // Whoever has it open still can read it.
            if fs::remove_file(path).is_ok() {
                count -= 1;
                bytes -= length;
            }
        }
        (bytes, count)
    }
}

/// Whether nobody but its owner can write it.
fn is_private(metadata: &Metadata) -> bool {
    metadata.mode() & 0o022 == 0
}

/// Who this process is for the file system.
fn user() -> u32 {
    // SAFETY: the call has no conditions and cannot fail.
    unsafe { libc::geteuid() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn folder(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("mj-folder-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Folder::open(path.join("inner")).unwrap()
    }

    fn remove(folder: &Folder) {
        fs::remove_dir_all(folder.path.parent().unwrap()).unwrap();
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_is_left() {
        let folder = folder("written");
        assert_eq!(folder.read("a"), None);
        folder.write("a", &[b"one", b"two"]).unwrap();
        folder.write("a", &[b"three"]).unwrap();
        assert_eq!(folder.read("a").unwrap(), b"three");
        assert_eq!(folder.read_if_it_ends_with("a", 2, b"ree").unwrap(), b"th");
        assert_eq!(folder.read_if_it_ends_with("a", 2, b"rex"), None);
        assert_eq!(folder.read_if_it_ends_with("a", 1, b"ree"), None);
        assert_eq!(fs::read_dir(&folder.path).unwrap().count(), 1);
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&folder.path), mode(&folder.path.join("a"))), (0o700, 0o600));
        remove(&folder);
    }

    #[test]
    fn long_files_are_compared_to_their_ends() {
        let folder = folder("long");
        let mut bytes: Vec<u8> = (0..3 * CHUNK + 5).map(|index| (index % 251) as u8).collect();
        folder.write("a", &[b"..", &bytes]).unwrap();
        assert!(folder.read_if_it_ends_with("a", 2, &bytes).is_some());
        *bytes.last_mut().unwrap() ^= 1;
        assert!(folder.read_if_it_ends_with("a", 2, &bytes).is_none());
        remove(&folder);
    }

    #[test]
    fn what_others_can_write_is_not_read() {
        let folder = folder("others");
        folder.write("a", &[b"code"]).unwrap();
        for mode in [0o620, 0o602, 0o666] {
            fs::set_permissions(folder.path.join("a"), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(folder.read("a"), None, "{mode:o}");
        }
        fs::set_permissions(folder.path.join("a"), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(folder.read("a").is_some());
        for mode in [0o777, 0o770, 0o702] {
            fs::set_permissions(&folder.path, fs::Permissions::from_mode(mode)).unwrap();
            let error = Folder::open(folder.path.clone()).unwrap_err().to_string();
            assert!(error.contains("others can write") && error.contains("chmod 700"), "{error}");
        }
        fs::set_permissions(&folder.path, fs::Permissions::from_mode(0o700)).unwrap();
        remove(&folder);
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_an_error() {
        let folder = folder("file");
        folder.write("a", &[b""]).unwrap();
        Folder::open(folder.path.join("a")).unwrap_err();
        Folder::open(folder.path.join("a").join("b")).unwrap_err();
        remove(&folder);
    }

    #[test]
    fn the_oldest_files_go_first_and_only_files_of_the_cache() {
        let folder = folder("oldest");
        let names: Vec<String> = (0..10).map(|index| format!("{index}.code")).collect();
        let age = |name: &str, seconds: u64| {
            let file = File::options().write(true).open(folder.path.join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
        };
        for (index, name) in names.iter().enumerate() {
            folder.write(name, &[&[0; 100]]).unwrap();
            age(name, 1000 - 10 * index as u64);
        }
        for (name, seconds) in [("mine.txt", 5000), (".new-1-1", 100), (".new-1-2", 5000)] {
            folder.write(name, &[&[0; 100]]).unwrap();
            age(name, seconds);
        }
        let there = |name: &str| folder.path.join(name).exists();
        folder.clean(Limits { bytes: 1000, files: 100, kept: 50 });
        assert!(names.iter().all(|name| there(name)));
        assert!(there("mine.txt") && there(".new-1-1") && !there(".new-1-2"));
        folder.clean(Limits { bytes: 999, files: 100, kept: 60 });
        assert_eq!(
            names.iter().filter(|name| there(name)).collect::<Vec<_>>(),
            ["5.code", "6.code", "7.code", "8.code", "9.code"].each_ref()
        );
        folder.clean(Limits { bytes: 999, files: 4, kept: 75 });
        assert_eq!(names.iter().filter(|name| there(name)).count(), 3);
        assert!(there("mine.txt") && there("9.code"));
        remove(&folder);
    }

    #[test]
    fn cleaning_waits_until_a_part_of_the_room_is_used() {
        let folder = folder("due");
        let count = || fs::read_dir(&folder.path).unwrap().count();
        let limits = |files| Limits { bytes: 1 << 20, files, kept: 50 };
        let write = |name: &str, limits| {
            folder.write(name, &[&[0; 100]]).unwrap();
            folder.clean_if_due(limits);
        };
        // Looks, and finds room for eight before it looks again.
        write("0.code", limits(33));
        (1..8).for_each(|index| write(&format!("{index}.code"), limits(4)));
        assert_eq!(count(), 8);
        write("8.code", limits(4));
        assert_eq!(count(), 2);
        // Where nothing fits, every file is one too many.
        write("9.code", limits(0));
        write("a.code", limits(0));
        assert_eq!(count(), 0);
        remove(&folder);
    }

    #[test]
    fn old_files_that_are_read_become_new() {
        let folder = folder("refresh");
        folder.write("a.code", &[b"x"]).unwrap();
        let path = folder.path.join("a.code");
        let old = SystemTime::now() - 3 * REFRESH;
        File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        folder.read("a.code").unwrap();
        assert!(fs::metadata(&path).unwrap().modified().unwrap() > old + REFRESH);
        remove(&folder);
    }
}
