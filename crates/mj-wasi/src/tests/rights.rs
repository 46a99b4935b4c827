//! Permissions of preopened folders, and rights as preview 1 tells and takes them.

use super::*;

/// A guest with `dirs` and `files` on a folder that holds `file` and `dir/inner`.
fn limited(dirs: DirPerms, files: FilePerms) -> Guest {
    let guest = Guest::allowed(dirs, files, |_| {});
    fs::write(guest.host("file"), "text").unwrap();
    fs::create_dir(guest.host("dir")).unwrap();
    fs::write(guest.host("dir/inner"), "text").unwrap();
    guest
}

/// Whether each way to change a folder answers `EPERM`.
fn refuses_changes(guest: &mut Guest) {
    for name in ["path_create_directory", "path_unlink_file", "path_remove_directory"] {
        assert_eq!(guest.at(name, "file"), Err(Errno::Perm), "{name}");
    }
    let ([old, m], [new, n]) = (guest.text("file"), guest.other_text("new"));
    let root = u64::from(ROOT);
    assert_eq!(guest.call("path_rename", &[root, old, m, root, new, n]), Err(Errno::Perm));
    assert_eq!(guest.call("path_link", &[root, 0, old, m, root, new, n]), Err(Errno::Perm));
    assert_eq!(guest.call("path_symlink", &[old, m, root, new, n]), Err(Errno::Perm));
    assert_eq!(guest.call("path_filestat_set_times", &[root, 0, old, m, 1, 1, 5]), Err(Errno::Perm));
    assert_eq!(guest.call("fd_filestat_set_times", &[root, 1, 1, 5]), Err(Errno::Perm));
    assert_eq!(guest.open("new", CREAT, READ), Err(Errno::Perm));
}

#[test]
fn a_folder_for_reading_only_is_never_changed() {
    let mut guest = limited(DirPerms::READ, FilePerms::READ);
    refuses_changes(&mut guest);
    assert_eq!(guest.open("file", 0, WRITE), Err(Errno::Perm));
    assert_eq!(guest.open("file", TRUNC, READ), Err(Errno::Perm));
    let file = guest.open("file", 0, READ).unwrap();
    assert_eq!(guest.read(file, 9).unwrap(), b"text");
    assert_eq!(guest.write(file, b"x"), Err(Errno::Badf));
    assert_eq!(guest.call("fd_filestat_set_size", &[file.into(), 0]), Err(Errno::Perm));
    assert_eq!(guest.call("fd_filestat_set_times", &[file.into(), 1, 1, 5]), Err(Errno::Perm));
    assert_eq!(fs::read(guest.host("file")).unwrap(), b"text");
}

#[test]
fn what_is_opened_through_a_folder_has_its_permissions() {
    let mut guest = limited(DirPerms::READ, FilePerms::READ);
    let dir = guest.open("dir", DIRECTORY, READ).unwrap();
    assert_eq!(guest.open_at(dir, 0, "inner", 0, WRITE, 0), Err(Errno::Perm));
    assert_eq!(guest.open_at(dir, 0, "new", CREAT, WRITE, 0), Err(Errno::Perm));
    assert!(guest.open_at(dir, 0, "inner", 0, READ, 0).is_ok());
}

#[test]
fn names_may_change_where_contents_may_not_and_the_reverse() {
    let mut names = limited(DirPerms::all(), FilePerms::READ);
    assert_eq!(names.open("file", 0, WRITE), Err(Errno::Perm));
    assert_eq!(names.open("new", CREAT, READ), Err(Errno::Perm));
    assert_eq!(names.at("path_unlink_file", "file"), Ok(()));
    let mut contents = limited(DirPerms::READ, FilePerms::all());
    refuses_changes(&mut contents);
    let file = contents.open("file", 0, WRITE).unwrap();
    assert_eq!(contents.write(file, b"x"), Ok(1));
}

#[test]
fn without_permission_to_read_nothing_is_read() {
    let mut guest = limited(DirPerms::MUTATE, FilePerms::WRITE);
    assert_eq!(guest.open("file", 0, READ), Err(Errno::Perm));
    assert_eq!(guest.stat(0, "file").err(), Some(Errno::Perm));
    let args = [ROOT.into(), BUFFER.into(), 100, 0, RESULT.into()];
    assert_eq!(guest.call("fd_readdir", &args), Err(Errno::Perm));
    assert_eq!(guest.at("path_create_directory", "new"), Ok(()));
    let mut writing = limited(DirPerms::all(), FilePerms::WRITE);
    assert_eq!(writing.open("file", 0, READ), Err(Errno::Perm));
    assert!(writing.open("dir", DIRECTORY, READ).is_ok());
    assert!(writing.open("file", 0, WRITE).is_ok());
}

#[test]
fn a_file_gains_no_permissions_by_a_second_name() {
    let second = Folder::new();
    let mut guest = Guest::allowed(DirPerms::all(), FilePerms::READ, |builder| {
        builder.preopened_dir(&second.0, "rw", DirPerms::all(), FilePerms::all()).unwrap();
    });
    fs::write(guest.host("file"), "text").unwrap();
    let ([old, m], [new, n]) = (guest.text("file"), guest.other_text("file"));
    let (from, to) = (u64::from(ROOT), u64::from(ROOT) + 1);
    assert_eq!(guest.call("path_link", &[from, 0, old, m, to, new, n]), Err(Errno::Perm));
    assert_eq!(guest.call("path_rename", &[from, old, m, to, new, n]), Err(Errno::Perm));
}

#[test]
fn a_preopened_folder_tells_the_rights_that_userlands_look_for() {
    let mut guest = Guest::new();
    let (filetype, flags, base, inheriting) = guest.fdstat(ROOT).unwrap();
    assert_eq!((filetype, flags), (3, 0));
    // All path rights but setting sizes, and listing and attributes.
    assert_eq!(base, 0x07b7_fe00 & !(1 << 19) | 1 << 21 | 1 << 23);
    assert_eq!(inheriting & base, base);
    assert_eq!(inheriting & (READ | WRITE | 1 << 2 | 1 << 27), READ | WRITE | 1 << 2 | 1 << 27);
    let mut reader = Guest::allowed(DirPerms::READ, FilePerms::READ, |_| {});
    assert_eq!(reader.fdstat(ROOT).unwrap().3 & (READ | WRITE), READ);
}

#[test]
fn rights_given_up_are_gone_for_the_descriptor_and_what_it_opens() {
    let mut guest = Guest::new();
    let file = guest.create("file");
    let (.., base, inheriting) = guest.fdstat(file).unwrap();
    let seek = 1 << 2;
    assert_eq!(guest.call("fd_fdstat_set_rights", &[file.into(), base & !seek, inheriting]), Ok(()));
    assert_eq!(guest.seek(file, 0, 0), Err(Errno::NotCapable));
    assert_eq!(guest.fdstat(file).unwrap().2, base & !seek);
    assert_eq!(guest.write(file, b"x"), Ok(1));
    assert_eq!(guest.call("fd_fdstat_set_rights", &[file.into(), base, inheriting]), Err(Errno::NotCapable));
    assert_eq!(guest.call("fd_fdstat_set_rights", &[file.into(), 1 << 40, 0]), Err(Errno::Inval));
    let (.., base, inheriting) = guest.fdstat(ROOT).unwrap();
    let root = u64::from(ROOT);
    assert_eq!(guest.call("fd_fdstat_set_rights", &[root, base, inheriting & !WRITE]), Ok(()));
    let opened = guest.open("file", 0, READ | WRITE).unwrap();
    assert_eq!(guest.write(opened, b"x"), Err(Errno::NotCapable));
    assert_eq!(guest.read(opened, 1).unwrap(), b"x");
}
