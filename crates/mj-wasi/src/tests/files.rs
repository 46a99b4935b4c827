//! Contents, positions, sizes, times and flags of files.

use super::*;

/// A file with ten digits, its position at the start.
fn digits(guest: &mut Guest) -> u32 {
    let file = guest.create("digits");
    assert_eq!(guest.write(file, b"0123456789"), Ok(10));
    assert_eq!(guest.seek(file, 0, 0), Ok(0));
    file
}

#[test]
fn reading_and_writing_move_the_position() {
    let mut guest = Guest::new();
    let file = digits(&mut guest);
    assert_eq!(guest.read(file, 4).unwrap(), b"0123");
    assert_eq!(guest.write(file, b"xy"), Ok(2));
    assert_eq!(guest.call("fd_tell", &[file.into(), RESULT.into()]), Ok(()));
    assert_eq!(guest.u64(RESULT), 6);
    assert_eq!(guest.read(file, 100).unwrap(), b"6789");
    assert_eq!(guest.read(file, 100).unwrap(), b"");
    assert_eq!(fs::read(guest.host("digits")).unwrap(), b"0123xy6789");
}

#[test]
fn seeking_goes_from_start_position_and_end_but_never_below_zero() {
    let mut guest = Guest::new();
    let file = digits(&mut guest);
    assert_eq!(guest.seek(file, 7, 0), Ok(7));
    assert_eq!(guest.seek(file, -2, 1), Ok(5));
    assert_eq!(guest.seek(file, -1, 2), Ok(9));
    assert_eq!(guest.seek(file, 5, 2), Ok(15));
    assert_eq!(guest.seek(file, -1, 0), Err(Errno::Inval));
    assert_eq!(guest.seek(file, -16, 1), Err(Errno::Inval));
    assert_eq!(guest.seek(file, 0, 3), Err(Errno::Inval));
    assert!(guest.seek(file, i64::MAX, 1).is_err());
}

#[test]
fn reading_and_writing_at_an_offset_leave_the_position() {
    let mut guest = Guest::new();
    let file = digits(&mut guest);
    guest.put(BUFFER, &[0; 10]);
    guest.list(BUFFER, 3);
    let at = |offset| [u64::from(file), LIST.into(), 1, offset, RESULT.into()];
    guest.call("fd_pread", &at(8)).unwrap();
    assert_eq!(guest.u32(RESULT), 2);
    assert_eq!(guest.slice(BUFFER, 3), b"89\0");
    guest.put(BUFFER, b"abc");
    guest.call("fd_pwrite", &at(4)).unwrap();
    assert_eq!(guest.read(file, 100).unwrap(), b"0123abc789");
    assert_eq!(guest.call("fd_pread", &at(u64::MAX)), Err(Errno::Inval));
    assert_eq!(guest.call("fd_pwrite", &at(1 << 63)), Err(Errno::Inval));
    for (fd, call) in [(0, "fd_pread"), (1, "fd_pwrite"), (2, "fd_pwrite")] {
        assert_eq!(guest.call(call, &[fd, LIST.into(), 1, 0, RESULT.into()]), Err(Errno::Spipe));
    }
}

#[test]
fn append_mode_writes_at_the_end_until_it_is_switched_off() {
    let mut guest = Guest::new();
    digits(&mut guest);
    let file = guest.open_at(ROOT, 0, "digits", 0, READ | WRITE, APPEND).unwrap();
    assert_eq!(guest.fdstat(file).unwrap().1, APPEND as u16);
    assert_eq!(guest.write(file, b"a"), Ok(1));
    guest.seek(file, 0, 0).unwrap();
    assert_eq!(guest.write(file, b"b"), Ok(1));
    guest.call("fd_fdstat_set_flags", &[file.into(), 0]).unwrap();
    guest.seek(file, 0, 0).unwrap();
    assert_eq!(guest.write(file, b"c"), Ok(1));
    assert_eq!(fs::read(guest.host("digits")).unwrap(), b"c123456789ab");
    guest.call("fd_fdstat_set_flags", &[file.into(), APPEND | NONBLOCK]).unwrap();
    assert_eq!(guest.fdstat(file).unwrap().1, (APPEND | NONBLOCK) as u16);
    assert_eq!(guest.call("fd_fdstat_set_flags", &[file.into(), 1 << 5]), Err(Errno::Inval));
}

#[test]
fn synchronous_modes_are_chosen_when_opening_and_stay() {
    let mut guest = Guest::new();
    digits(&mut guest);
    let [dsync, sync] = [1 << 1, 1 << 4];
    for mode in [dsync, sync] {
        let file = guest.open_at(ROOT, 0, "digits", 0, WRITE, mode).unwrap();
        assert_eq!(guest.fdstat(file).unwrap().1, mode as u16);
        assert_eq!(guest.write(file, b"x"), Ok(1));
        assert_eq!(guest.call("fd_fdstat_set_flags", &[file.into(), mode | APPEND]), Ok(()));
        assert_eq!(guest.call("fd_fdstat_set_flags", &[file.into(), 0]), Err(Errno::Inval));
    }
}

#[test]
fn files_open_for_one_direction_refuse_the_other() {
    let mut guest = Guest::new();
    digits(&mut guest);
    let reader = guest.open("digits", 0, READ).unwrap();
    assert_eq!(guest.write(reader, b"x"), Err(Errno::Badf));
    assert_eq!(guest.fdstat(reader).unwrap().2 & (READ | WRITE), READ);
    let writer = guest.open("digits", 0, WRITE).unwrap();
    assert_eq!(guest.read(writer, 1), Err(Errno::Badf));
    assert_eq!(guest.fdstat(writer).unwrap().2 & (READ | WRITE), WRITE);
    // Created without a word about writing: the host's file can be written, the guest's not.
    let created = guest.open("new", CREAT, READ).unwrap();
    assert_eq!(guest.write(created, b"x"), Err(Errno::Badf));
    assert_eq!(guest.call("fd_filestat_set_size", &[created.into(), 1]), Err(Errno::Inval));
    assert_eq!(guest.read(created, 1).unwrap(), b"");
}

#[test]
fn sizes_are_cut_and_extended_with_zeros() {
    let mut guest = Guest::new();
    let file = digits(&mut guest);
    let mut resize = |size| guest.call("fd_filestat_set_size", &[file.into(), size]);
    assert_eq!(resize(3), Ok(()));
    assert_eq!(resize(5), Ok(()));
    assert_eq!(resize(1 << 63), Err(Errno::Inval));
    assert_eq!(fs::read(guest.host("digits")).unwrap(), b"012\0\0");
    assert_eq!(guest.fstat(file).unwrap().size, 5);
}

#[test]
fn allocating_extends_a_file_and_never_shortens_it() {
    let mut guest = Guest::new();
    let file = digits(&mut guest);
    let mut allocate = |offset, len| guest.call("fd_allocate", &[file.into(), offset, len]);
    assert_eq!(allocate(0, 5), Ok(()));
    assert_eq!(allocate(10, 10), Ok(()));
    assert_eq!(allocate(0, 0), Err(Errno::Inval));
    assert_eq!(allocate(u64::MAX, 2), Err(Errno::Fbig));
    assert!(allocate(0, 1 << 62).is_err());
    assert_eq!(fs::read(guest.host("digits")).unwrap(), b"0123456789\0\0\0\0\0\0\0\0\0\0");
    let reader = guest.open("digits", 0, READ).unwrap();
    assert_eq!(guest.call("fd_allocate", &[reader.into(), 0, 5]), Err(Errno::Badf));
}

#[test]
fn advice_and_syncing_are_for_files() {
    let mut guest = Guest::new();
    let file = digits(&mut guest);
    for advice in 0..6 {
        assert_eq!(guest.call("fd_advise", &[file.into(), 0, 0, advice]), Ok(()));
    }
    assert_eq!(guest.call("fd_advise", &[file.into(), 0, 0, 6]), Err(Errno::Inval));
    assert_eq!(guest.call("fd_sync", &[file.into()]), Ok(()));
    assert_eq!(guest.call("fd_datasync", &[file.into()]), Ok(()));
    for fd in [0, u64::from(ROOT)] {
        assert_eq!(guest.call("fd_advise", &[fd, 0, 0, 0]), Err(Errno::Badf));
        assert_eq!(guest.call("fd_sync", &[fd]), Err(Errno::Badf));
        assert_eq!(guest.call("fd_datasync", &[fd]), Err(Errno::Badf));
    }
}

#[test]
fn operations_of_files_are_bad_on_folders() {
    let mut guest = Guest::new();
    guest.at("path_create_directory", "dir").unwrap();
    let opened = guest.open("dir", DIRECTORY, 0).unwrap();
    for dir in [ROOT, opened] {
        assert_eq!(guest.read(dir, 8), Err(Errno::Badf));
        assert_eq!(guest.write(dir, b"x"), Err(Errno::Badf));
        for whence in 0..3 {
            assert_eq!(guest.seek(dir, 0, whence), Err(Errno::Badf));
        }
        assert_eq!(guest.call("fd_tell", &[dir.into(), RESULT.into()]), Err(Errno::Badf));
        assert_eq!(guest.call("fd_allocate", &[dir.into(), 0, 1]), Err(Errno::Badf));
        assert_eq!(guest.call("fd_filestat_set_size", &[dir.into(), 0]), Err(Errno::Badf));
        assert_eq!(guest.call("fd_fdstat_set_flags", &[dir.into(), NONBLOCK]), Err(Errno::Badf));
    }
}

#[test]
fn times_are_set_given_or_now_or_left() {
    let mut guest = Guest::new();
    let file = digits(&mut guest);
    let [atim, atim_now, mtim, mtim_now] = [1, 2, 4, 8];
    let fd = u64::from(file);
    guest.call("fd_filestat_set_times", &[fd, 123_456_789_012, 5, atim | mtim]).unwrap();
    let stat = guest.fstat(file).unwrap();
    assert_eq!((stat.atim, stat.mtim), (123_456_789_012, 5));
    guest.call("fd_filestat_set_times", &[fd, 77, 78, mtim]).unwrap();
    let stat = guest.fstat(file).unwrap();
    assert_eq!((stat.atim, stat.mtim), (123_456_789_012, 78));
    guest.call("fd_filestat_set_times", &[fd, 0, 0, atim_now]).unwrap();
    let stat = guest.fstat(file).unwrap();
    assert!(stat.atim > 1_600_000_000_000_000_000);
    assert_eq!(stat.mtim, 78);
    for wrong in [atim | atim_now, mtim | mtim_now, 1 << 4] {
        assert_eq!(guest.call("fd_filestat_set_times", &[fd, 0, 0, wrong]), Err(Errno::Inval));
    }
    let largest = guest.call("fd_filestat_set_times", &[fd, u64::MAX, u64::MAX, atim | mtim]);
    assert_eq!(largest, Ok(()));
    assert_eq!(guest.call("fd_filestat_set_times", &[0, 0, 0, atim]), Err(Errno::Badf));
    assert_eq!(guest.call("fd_filestat_set_times", &[ROOT.into(), 9, 9, atim | mtim]), Ok(()));
    assert_eq!(guest.fstat(ROOT).unwrap().mtim, 9);
}

#[test]
fn times_by_path_follow_a_link_only_if_asked() {
    let mut guest = Guest::new();
    digits(&mut guest);
    std::os::unix::fs::symlink("digits", guest.host("link")).unwrap();
    let before = guest.stat(0, "link").unwrap();
    let [path, length] = guest.text("link");
    let mut set = |lookup, time| guest.call("path_filestat_set_times", &[ROOT.into(), lookup, path, length, 0, time, 4]);
    set(FOLLOW, 1_000).unwrap();
    assert_eq!(guest.stat(0, "digits").unwrap().mtim, 1_000);
    assert_eq!(guest.stat(0, "link").unwrap().mtim, before.mtim);
    let [path, length] = guest.text("link");
    guest.call("path_filestat_set_times", &[ROOT.into(), 0, path, length, 0, 2_000, 4]).unwrap();
    assert_eq!(guest.stat(0, "digits").unwrap().mtim, 1_000);
    assert_eq!(guest.stat(0, "link").unwrap().mtim, 2_000);
}

#[test]
fn renumbering_moves_an_open_file() {
    let mut guest = Guest::new();
    let file = digits(&mut guest);
    let other = guest.create("other");
    assert_eq!(guest.call("fd_renumber", &[file.into(), other.into()]), Ok(()));
    assert_eq!(guest.read(other, 3).unwrap(), b"012");
    assert_eq!(guest.close(file), Err(Errno::Badf));
    assert_eq!(guest.call("fd_renumber", &[other.into(), 127]), Err(Errno::Badf));
    assert_eq!(guest.call("fd_renumber", &[other.into(), other.into()]), Ok(()));
    assert_eq!(guest.close(other), Ok(()));
}

#[test]
fn a_thousand_renumberings_leave_no_file_open() {
    let open = || fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let mut guest = Guest::new();
    let file = digits(&mut guest);
    let before = open();
    for _ in 0..1000 {
        let next = guest.open("digits", 0, READ).unwrap();
        guest.call("fd_renumber", &[next.into(), file.into()]).unwrap();
    }
    // Other tests open files at the same time, but not a thousand.
    assert!(open() < before + 500);
}

#[test]
fn what_a_guest_has_opened_is_told_from_what_it_was_given() {
    let mut guest = Guest::new();
    let shown = |guest: &Guest| guest.ctx.open_files().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(shown(&guest).is_empty());
    let file = digits(&mut guest);
    let folder = guest.open(".", DIRECTORY, READ).unwrap();
    let (host_file, host_folder) = (guest.host("digits"), guest.host("").canonicalize().unwrap());
    let expected = [
        format!("descriptor {file} (the file {})", host_file.display()),
        format!("descriptor {folder} (the folder {})", host_folder.display()),
    ];
    assert_eq!(shown(&guest), expected);
    assert_eq!(guest.ctx.open_files()[0].path(), Some(host_file.as_path()));
    guest.close(file).unwrap();
    guest.close(folder).unwrap();
    guest.close(0).unwrap();
    assert!(shown(&guest).is_empty());
    guest.call("fd_renumber", &[ROOT.into(), 2]).unwrap();
    assert_eq!(shown(&guest), [format!("descriptor 2 (the folder {})", host_folder.display())]);
    assert_eq!(guest.ctx.open_files()[0].fd(), 2);
    guest.call("fd_renumber", &[1, 2]).unwrap();
    assert_eq!(shown(&guest), ["descriptor 2 (a standard stream)"]);
}
