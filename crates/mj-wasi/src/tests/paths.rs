//! Opening, creating, linking, renaming and removing names.

use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};

impl Guest {
    fn two(&mut self, name: &str, old: &str, new: &str) -> Result<(), Errno> {
        let ([old, old_length], [new, new_length]) = (self.text(old), self.other_text(new));
        let root = u64::from(ROOT);
        match name {
            "path_link" => self.call(name, &[root, 0, old, old_length, root, new, new_length]),
            "path_rename" => self.call(name, &[root, old, old_length, root, new, new_length]),
            "path_symlink" => self.call(name, &[old, old_length, root, new, new_length]),
            other => panic!("{other} has not two paths"),
        }
    }

    fn readlink(&mut self, path: &str, length: u32) -> Result<String, Errno> {
        let [pointer, path_length] = self.text(path);
        self.call("path_readlink", &[ROOT.into(), pointer, path_length, BUFFER.into(), length.into(), RESULT.into()])?;
        Ok(String::from_utf8(self.slice(BUFFER, self.u32(RESULT)).to_vec()).unwrap())
    }
}

#[test]
fn files_are_created_emptied_and_refused_as_asked() {
    let mut guest = Guest::new();
    assert_eq!(guest.open("file", 0, READ), Err(Errno::NoEnt));
    let file = guest.open("file", CREAT, WRITE).unwrap();
    guest.write(file, b"text").unwrap();
    assert_eq!(guest.open("file", CREAT | EXCL, WRITE), Err(Errno::Exist));
    assert!(guest.open("file", CREAT, READ).is_ok());
    assert_eq!(guest.stat(0, "file").unwrap().size, 4);
    assert!(guest.open("file", TRUNC, WRITE).is_ok());
    assert_eq!(guest.stat(0, "file").unwrap().size, 0);
    assert_eq!(guest.open("", 0, READ), Err(Errno::NoEnt));
    assert_eq!(guest.open("missing/file", CREAT, WRITE), Err(Errno::NoEnt));
    assert_eq!(guest.open("file", 1 << 4, READ), Err(Errno::Inval));
    assert_eq!(guest.open_at(ROOT, 2, "file", 0, READ, 0), Err(Errno::Inval));
    assert_eq!(guest.open_at(ROOT, 0, "file", 0, READ, 1 << 5), Err(Errno::Inval));
}

#[test]
fn a_read_only_file_can_be_opened_with_permission_to_create() {
    let mut guest = Guest::new();
    fs::write(guest.host("locked"), "x").unwrap();
    fs::set_permissions(guest.host("locked"), fs::Permissions::from_mode(0o444)).unwrap();
    let file = guest.open("locked", CREAT, READ).unwrap();
    assert_eq!(guest.read(file, 4).unwrap(), b"x");
    assert_eq!(guest.write(file, b"y"), Err(Errno::Badf));
}

#[test]
fn folders_and_files_are_told_apart() {
    let mut guest = Guest::new();
    guest.create("file");
    guest.at("path_create_directory", "dir").unwrap();
    assert_eq!(guest.open("file", DIRECTORY, READ), Err(Errno::NotDir));
    assert!(guest.open("dir", DIRECTORY, READ).is_ok());
    assert!(guest.open("dir", 0, READ).is_ok());
    assert!(guest.open("dir", 0, 0).is_ok());
    assert_eq!(guest.open("dir", 0, WRITE), Err(Errno::IsDir));
    assert_eq!(guest.open("dir", DIRECTORY | CREAT, READ), Err(Errno::Inval));
    assert_eq!(guest.open("file/inner", 0, READ), Err(Errno::NotDir));
    let file = guest.open("file", 0, READ).unwrap();
    assert_eq!(guest.open_at(file, 0, "x", 0, READ, 0), Err(Errno::NotDir));
    assert_eq!(guest.open_at(1, 0, "x", 0, READ, 0), Err(Errno::Badf));
    assert_eq!(guest.at("path_create_directory", "dir"), Err(Errno::Exist));
    assert_eq!(guest.at("path_create_directory", "file"), Err(Errno::Exist));
    assert_eq!(guest.at("path_create_directory", "file/inner"), Err(Errno::NotDir));
    assert_eq!(guest.at("path_create_directory", "no/inner"), Err(Errno::NoEnt));
}

#[test]
fn trailing_slashes_ask_for_a_folder() {
    let mut guest = Guest::new();
    guest.create("file");
    guest.at("path_create_directory", "made/").unwrap();
    guest.at("path_create_directory", "dir").unwrap();
    assert_eq!(guest.open("file/", 0, READ), Err(Errno::NotDir));
    assert_eq!(guest.open("file///", 0, READ), Err(Errno::NotDir));
    assert!(guest.open("dir/", 0, READ).is_ok());
    assert!(guest.open("dir///", 0, READ).is_ok());
    assert!(guest.open("new/", CREAT, WRITE).is_err());
    assert!(!guest.host("new").exists());
    assert_eq!(guest.stat(0, "file/").err(), Some(Errno::NotDir));
    assert_eq!(guest.at("path_unlink_file", "file/"), Err(Errno::NotDir));
    assert_eq!(guest.at("path_unlink_file", "dir/"), Err(Errno::IsDir));
    assert_eq!(guest.at("path_remove_directory", "file/"), Err(Errno::NotDir));
    assert_eq!(guest.two("path_rename", "file", "renamed/"), Err(Errno::NotDir));
    assert_eq!(guest.two("path_rename", "file/", "renamed"), Err(Errno::NotDir));
    assert_eq!(guest.two("path_rename", "dir/", "renamed/"), Ok(()));
    assert_eq!(guest.two("path_link", "file", "linked/"), Err(Errno::NoEnt));
    assert_eq!(guest.two("path_symlink", "file", "linked/"), Err(Errno::NoEnt));
    assert_eq!(guest.two("path_symlink", "file", "renamed/"), Err(Errno::Exist));
    assert_eq!(guest.two("path_symlink", "x", "file/"), Err(Errno::NotDir));
    assert_eq!(guest.at("path_remove_directory", "renamed/"), Ok(()));
}

#[test]
fn odd_paths_mean_what_they_say() {
    let mut guest = Guest::new();
    fs::create_dir_all(guest.host("dir/nested")).unwrap();
    fs::write(guest.host("dir/nested/file"), "").unwrap();
    assert!(guest.open("dir/.//nested/../../dir/nested/../nested///./file", 0, READ).is_ok());
    assert_eq!(guest.open("dir/nested/file\0", 0, READ), Err(Errno::Inval));
    let long = "n".repeat(300);
    assert_eq!(guest.open(&long, CREAT, WRITE), Err(Errno::NameTooLong));
    guest.put(TEXT, &[0x66, 0xff]);
    assert_eq!(guest.call("path_unlink_file", &[ROOT.into(), TEXT.into(), 2]), Err(Errno::Ilseq));
}

#[test]
fn removing_is_for_the_right_kind_of_name() {
    let mut guest = Guest::new();
    guest.create("file");
    guest.at("path_create_directory", "dir").unwrap();
    fs::write(guest.host("dir/inner"), "").unwrap();
    assert_eq!(guest.at("path_remove_directory", "dir"), Err(Errno::NotEmpty));
    assert_eq!(guest.at("path_remove_directory", "file"), Err(Errno::NotDir));
    assert_eq!(guest.at("path_remove_directory", "missing"), Err(Errno::NoEnt));
    assert_eq!(guest.at("path_unlink_file", "dir"), Err(Errno::IsDir));
    assert_eq!(guest.at("path_unlink_file", "missing"), Err(Errno::NoEnt));
    assert_eq!(guest.at("path_unlink_file", "dir/inner"), Ok(()));
    assert_eq!(guest.at("path_remove_directory", "dir"), Ok(()));
    symlink("missing", guest.host("dangling")).unwrap();
    assert_eq!(guest.at("path_remove_directory", "dangling"), Err(Errno::NotDir));
    assert_eq!(guest.at("path_unlink_file", "dangling"), Ok(()));
}

#[test]
fn renaming_replaces_what_it_may() {
    let mut guest = Guest::new();
    guest.create("file");
    guest.create("other");
    for dir in ["dir", "empty", "full"] {
        guest.at("path_create_directory", dir).unwrap();
    }
    fs::write(guest.host("full/inner"), "").unwrap();
    assert_eq!(guest.two("path_rename", "dir", "full"), Err(Errno::NotEmpty));
    assert_eq!(guest.two("path_rename", "dir", "file"), Err(Errno::NotDir));
    assert_eq!(guest.two("path_rename", "file", "dir"), Err(Errno::IsDir));
    assert_eq!(guest.two("path_rename", "missing", "x"), Err(Errno::NoEnt));
    assert_eq!(guest.two("path_rename", "full", "full/below"), Err(Errno::Inval));
    assert_eq!(guest.two("path_rename", "dir", "empty"), Ok(()));
    assert_eq!(guest.two("path_rename", "file", "other"), Ok(()));
    assert_eq!(guest.two("path_rename", "other", "full/moved"), Ok(()));
    assert!(guest.host("full/moved").exists() && !guest.host("file").exists());
}

#[test]
fn renaming_moves_between_open_folders() {
    let mut guest = Guest::new();
    fs::create_dir_all(guest.host("from")).unwrap();
    fs::create_dir_all(guest.host("to")).unwrap();
    fs::write(guest.host("from/a"), "text").unwrap();
    let from = guest.open("from", DIRECTORY, READ).unwrap();
    let to = guest.open("to", DIRECTORY, READ).unwrap();
    let ([old, old_length], [new, new_length]) = (guest.text("a"), guest.other_text("b"));
    guest.call("path_rename", &[from.into(), old, old_length, to.into(), new, new_length]).unwrap();
    assert_eq!(fs::read(guest.host("to/b")).unwrap(), b"text");
    assert!(!guest.host("from/a").exists());
}

#[test]
fn links_share_a_file() {
    let mut guest = Guest::new();
    guest.create("file");
    guest.at("path_create_directory", "dir").unwrap();
    assert_eq!(guest.two("path_link", "file", "link"), Ok(()));
    let (file, link) = (guest.stat(0, "file").unwrap(), guest.stat(0, "link").unwrap());
    assert_eq!((file.ino, file.nlink), (link.ino, 2));
    assert_eq!(guest.two("path_link", "file", "link"), Err(Errno::Exist));
    assert_eq!(guest.two("path_link", "file", "file"), Err(Errno::Exist));
    assert_eq!(guest.two("path_link", "missing", "x"), Err(Errno::NoEnt));
    assert_eq!(guest.two("path_link", "dir", "x"), Err(Errno::Perm));
    symlink("missing", guest.host("dangling")).unwrap();
    assert_eq!(guest.two("path_link", "dangling", "second"), Ok(()));
    assert_eq!(guest.stat(0, "second").unwrap().filetype, 7);
    let ([old, old_length], [new, new_length]) = (guest.text("file"), guest.other_text("x"));
    let root = u64::from(ROOT);
    let following = [root, FOLLOW, old, old_length, root, new, new_length];
    assert_eq!(guest.call("path_link", &following), Err(Errno::Inval));
}

#[test]
fn symbolic_links_are_read_and_followed_only_if_asked() {
    let mut guest = Guest::new();
    let file = guest.create("file");
    guest.write(file, b"text").unwrap();
    assert_eq!(guest.two("path_symlink", "file", "link"), Ok(()));
    assert_eq!(guest.readlink("link", 100).unwrap(), "file");
    assert_eq!(guest.readlink("link", 2).unwrap(), "fi");
    assert_eq!(guest.readlink("link", 0).unwrap(), "");
    assert_eq!(guest.readlink("file", 100), Err(Errno::Inval));
    assert_eq!(guest.readlink("missing", 100), Err(Errno::NoEnt));
    assert_eq!(guest.stat(0, "link").unwrap().filetype, 7);
    assert_eq!(guest.stat(FOLLOW, "link").unwrap().filetype, 4);
    assert_eq!(guest.open("link", 0, READ), Err(Errno::Loop));
    let followed = guest.open_at(ROOT, FOLLOW, "link", 0, READ, 0).unwrap();
    assert_eq!(guest.read(followed, 9).unwrap(), b"text");
}

#[test]
fn dangling_and_circular_links_end() {
    let mut guest = Guest::new();
    for (target, link) in [("missing", "dangling"), ("b", "a"), ("a", "b"), ("self", "self")] {
        guest.two("path_symlink", target, link).unwrap();
    }
    assert_eq!(guest.open_at(ROOT, FOLLOW, "dangling", 0, READ, 0), Err(Errno::NoEnt));
    assert_eq!(guest.open("dangling", 0, READ), Err(Errno::Loop));
    assert_eq!(guest.open("dangling", CREAT | EXCL, WRITE), Err(Errno::Exist));
    for link in ["a", "self"] {
        assert_eq!(guest.open_at(ROOT, FOLLOW, link, 0, READ, 0), Err(Errno::Loop));
        assert_eq!(guest.stat(FOLLOW, link).err(), Some(Errno::Loop));
    }
    // Creating through a dangling link creates what it names.
    assert!(guest.open_at(ROOT, FOLLOW, "dangling", CREAT, WRITE, 0).is_ok());
    assert!(guest.host("missing").exists());
}
