//! Reading folders in pieces of any size, and preopened folders.

use super::*;
use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, symlink};

/// A complete entry of `fd_readdir`.
#[derive(Debug, PartialEq)]
struct Entry {
    next: u64,
    ino: u64,
    filetype: u8,
    name: String,
}

impl Guest {
    /// One call: the complete entries, and how many bytes of the buffer were used.
    fn readdir(&mut self, fd: u32, length: u32, cookie: u64) -> (Vec<Entry>, u32) {
        self.call("fd_readdir", &[fd.into(), BUFFER.into(), length.into(), cookie, RESULT.into()]).unwrap();
        let used = self.u32(RESULT);
        let (mut at, end) = (BUFFER, BUFFER + used);
        let mut entries = Vec::new();
        while at + 24 <= end && at + 24 + self.u32(at + 16) <= end {
            let name = String::from_utf8(self.slice(at + 24, self.u32(at + 16)).to_vec()).unwrap();
            entries.push(Entry { next: self.u64(at), ino: self.u64(at + 8), filetype: self.u8(at + 20), name });
            at += 24 + self.u32(at + 16);
        }
        (entries, used)
    }

    /// All names, with calls of `length` bytes, as a userland reads them.
    fn names(&mut self, fd: u32, length: u32) -> Vec<String> {
        let (mut names, mut cookie) = (Vec::new(), 0);
        loop {
            let (entries, used) = self.readdir(fd, length, cookie);
            cookie = entries.last().map_or(cookie, |entry| entry.next);
            assert!(used < length || !entries.is_empty(), "no entry fits {length} bytes");
            names.extend(entries.into_iter().map(|entry| entry.name));
            if used < length {
                return names;
            }
        }
    }
}

#[test]
fn an_empty_folder_has_two_entries_that_are_itself() {
    let mut guest = Guest::new();
    let (entries, used) = guest.readdir(ROOT, 1000, 0);
    assert_eq!(used, 24 + 1 + 24 + 2);
    let ino = fs::metadata(guest.host("")).unwrap().ino();
    let entry = |next, name: &str| Entry { next, ino, filetype: 3, name: name.into() };
    assert_eq!(entries, [entry(1, "."), entry(2, "..")]);
}

#[test]
fn entries_have_the_types_and_numbers_of_what_they_name() {
    let mut guest = Guest::new();
    guest.create("file");
    guest.at("path_create_directory", "dir").unwrap();
    symlink("file", guest.host("link")).unwrap();
    let (entries, _) = guest.readdir(ROOT, 1000, 0);
    let found: BTreeSet<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.filetype)).collect();
    assert_eq!(found, BTreeSet::from([(".", 3), ("..", 3), ("dir", 3), ("file", 4), ("link", 7)]));
    for entry in &entries[2..] {
        assert_eq!(guest.stat(0, &entry.name).unwrap().ino, entry.ino);
    }
}

#[test]
fn buffers_of_every_size_deliver_every_name_once() {
    let mut guest = Guest::new();
    let mut expected = BTreeSet::from([".".to_owned(), "..".to_owned()]);
    for at in 0..40 {
        let name = format!("{}{at}", "n".repeat(at));
        fs::write(guest.host(&name), "").unwrap();
        expected.insert(name);
    }
    for length in [65, 66, 67, 80, 100, 128, 256, 1000, 4096] {
        let names = guest.names(ROOT, length);
        assert_eq!(names.len(), expected.len(), "{length}");
        assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), expected, "{length}");
    }
}

#[test]
fn a_buffer_too_small_for_an_entry_is_filled_with_its_beginning() {
    let mut guest = Guest::new();
    fs::write(guest.host("long-name"), "").unwrap();
    let (whole, _) = guest.readdir(ROOT, 1000, 2);
    assert_eq!(whole.len(), 1);
    let bytes = guest.slice(BUFFER, 33).to_vec();
    for length in [0, 1, 23, 24, 25, 32] {
        guest.put(BUFFER, &[0xee; 64]);
        assert_eq!(guest.readdir(ROOT, length, 2), (vec![], length));
        assert_eq!(guest.slice(BUFFER, length), &bytes[..length as usize]);
        assert_eq!(guest.u8(BUFFER + length), 0xee);
    }
}

#[test]
fn cookies_stay_valid_while_names_are_removed() {
    let mut guest = Guest::new();
    for at in 0..100 {
        fs::write(guest.host(format!("file{at:02}")), "").unwrap();
    }
    let (mut removed, mut cookie) = (0, 0);
    loop {
        let (entries, used) = guest.readdir(ROOT, 100, cookie);
        for entry in &entries {
            cookie = entry.next;
            if entry.filetype == 4 {
                guest.at("path_unlink_file", &entry.name).unwrap();
                removed += 1;
            }
        }
        if used < 100 {
            break;
        }
    }
    assert_eq!(removed, 100);
    assert_eq!(guest.names(ROOT, 100), [".", ".."]);
}

#[test]
fn cookies_past_the_end_deliver_nothing() {
    let mut guest = Guest::new();
    for cookie in [2, 3, 1 << 40, u64::MAX] {
        assert_eq!(guest.readdir(ROOT, 100, cookie), (vec![], 0));
    }
}

#[test]
fn only_folders_can_be_listed_and_results_are_checked() {
    let mut guest = Guest::new();
    let file = guest.create("file");
    let outside = MEMORY as u64 - 3;
    assert_eq!(guest.call("fd_readdir", &[file.into(), 0, 10, 0, RESULT.into()]), Err(Errno::Badf));
    assert_eq!(guest.call("fd_readdir", &[1, 0, 10, 0, RESULT.into()]), Err(Errno::Badf));
    assert_eq!(guest.call("fd_readdir", &[ROOT.into(), 0, 10, 0, outside]), Err(Errno::Fault));
    assert_eq!(guest.call("fd_readdir", &[ROOT.into(), outside, 4, 0, RESULT.into()]), Err(Errno::Fault));
}

#[test]
fn an_opened_folder_is_listed_and_starts_paths() {
    let mut guest = Guest::new();
    guest.at("path_create_directory", "dir").unwrap();
    fs::write(guest.host("dir/inner"), "x").unwrap();
    let dir = guest.open("dir", DIRECTORY, READ).unwrap();
    assert_eq!(guest.names(dir, 100), [".", "..", "inner"]);
    let file = guest.open_at(dir, 0, "inner", 0, READ, 0).unwrap();
    assert_eq!(guest.read(file, 8).unwrap(), b"x");
    assert_eq!(guest.call("fd_prestat_get", &[dir.into(), RESULT.into()]), Err(Errno::Badf));
}

#[test]
fn preopened_folders_tell_their_names() {
    let mut guest = Guest::with(|builder| {
        let path = env::temp_dir();
        builder.preopened_dir(path, "second/name", DirPerms::READ, FilePerms::READ).unwrap();
    });
    for (fd, name) in [(3, "/"), (4, "second/name")] {
        guest.call("fd_prestat_get", &[fd, RESULT.into()]).unwrap();
        assert_eq!((guest.u32(RESULT), guest.u32(RESULT + 4)), (0, name.len() as u32));
        guest.put(BUFFER, &[0xee; 32]);
        let length = name.len() as u64;
        guest.call("fd_prestat_dir_name", &[fd, BUFFER.into(), length + 9]).unwrap();
        assert_eq!(guest.slice(BUFFER, length as u32), name.as_bytes());
        assert_eq!(guest.u8(BUFFER + length as u32), 0xee);
        let short = guest.call("fd_prestat_dir_name", &[fd, BUFFER.into(), length - 1]);
        assert_eq!(short, Err(Errno::NameTooLong));
    }
    assert_eq!(guest.call("fd_prestat_get", &[5, RESULT.into()]), Err(Errno::Badf));
    assert_eq!(guest.call("fd_prestat_get", &[1, RESULT.into()]), Err(Errno::Badf));
    assert_eq!(guest.call("fd_prestat_dir_name", &[1, BUFFER.into(), 9]), Err(Errno::NotDir));
    assert_eq!(guest.close(4), Ok(()));
    assert_eq!(guest.call("fd_prestat_get", &[4, RESULT.into()]), Err(Errno::Badf));
}

#[test]
fn a_folder_that_is_not_there_is_an_error_that_names_it() {
    let mut builder = WasiCtxBuilder::new();
    let missing = builder.preopened_dir("/no/such/folder", "/", DirPerms::all(), FilePerms::all());
    let message = missing.err().unwrap().to_string();
    assert!(message.contains("/no/such/folder"), "{message}");
}
