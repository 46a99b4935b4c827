//! Nothing outside a preopened folder is reached: not by dots, not by links, not by races.

use super::*;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

/// A guest whose folder is `inside`, next to a file and a folder that it must not reach.
fn guest_beside_secrets() -> (Guest, Folder) {
    let outer = Folder::new();
    fs::create_dir_all(outer.0.join("inside/dir")).unwrap();
    fs::create_dir(outer.0.join("outside")).unwrap();
    fs::write(outer.0.join("secret"), "secret").unwrap();
    fs::write(outer.0.join("outside/secret"), "secret").unwrap();
    let guest = Guest::with(|builder| {
        builder.preopened_dir(outer.0.join("inside"), "in", DirPerms::all(), FilePerms::all()).unwrap();
    });
    (guest, outer)
}

/// The second folder, which [`guest_beside_secrets`] preopens.
const INSIDE: u32 = 4;

/// Every function with a path, made with `path` below `INSIDE`, must answer `expected`.
fn refuse_all(guest: &mut Guest, path: &str, expected: &[Errno]) {
    let fd = u64::from(INSIDE);
    fn answered(name: &str, path: &str, expected: &[Errno], answer: Result<(), Errno>) {
        assert!(answer.is_err_and(|errno| expected.contains(&errno)), "{name} of {path}: {answer:?}");
    }
    for oflags in [0, DIRECTORY, CREAT, CREAT | EXCL, TRUNC] {
        for (lookup, rights) in [(0, READ), (FOLLOW, READ), (FOLLOW, READ | WRITE)] {
            let opened = guest.open_at(INSIDE, lookup, path, oflags, rights, 0).map(drop);
            answered("path_open", path, expected, opened);
        }
    }
    let [p, n] = guest.text(path);
    let result = u64::from(RESULT);
    let mut one = |name: &str, args: &[u64]| answered(name, path, expected, guest.call(name, args));
    one("path_filestat_get", &[fd, FOLLOW, p, n, result]);
    one("path_filestat_set_times", &[fd, FOLLOW, p, n, 1, 1, 5]);
    let [p, n] = guest.text(path);
    let [other, m] = guest.other_text("dir/new");
    let mut name_itself = |name: &str, args: &[u64]| answered(name, path, expected, guest.call(name, args));
    if path.ends_with("secret") {
        name_itself("path_create_directory", &[fd, p, n]);
        name_itself("path_unlink_file", &[fd, p, n]);
        name_itself("path_remove_directory", &[fd, p, n]);
        name_itself("path_readlink", &[fd, p, n, BUFFER.into(), 10, result]);
        name_itself("path_link", &[fd, 0, p, n, fd, other, m]);
        name_itself("path_rename", &[fd, p, n, fd, other, m]);
        name_itself("path_symlink", &[other, m, fd, p, n]);
    }
}

#[test]
fn dots_and_absolute_paths_do_not_lead_out() {
    let (mut guest, outer) = guest_beside_secrets();
    let absolute = outer.0.join("secret");
    for path in ["../secret", "dir/../../secret", "./../secret", "../inside/../secret", "/secret", absolute.to_str().unwrap()] {
        refuse_all(&mut guest, path, &[Errno::Perm]);
    }
    for path in ["..", "../", "dir/../..", "/", "//", "/."] {
        let opened = guest.open_at(INSIDE, FOLLOW, path, DIRECTORY, READ, 0);
        assert_eq!(opened, Err(Errno::Perm), "{path}");
    }
    assert_eq!(fs::read(outer.0.join("secret")).unwrap(), b"secret");
}

#[test]
fn links_do_not_lead_out() {
    let (mut guest, outer) = guest_beside_secrets();
    let inside = outer.0.join("inside");
    symlink("../secret", inside.join("up")).unwrap();
    symlink(outer.0.join("secret"), inside.join("absolute")).unwrap();
    symlink("../outside", inside.join("folder")).unwrap();
    symlink("dir/../../outside", inside.join("winding")).unwrap();
    symlink("up", inside.join("chain")).unwrap();
    symlink("../not-there", inside.join("dangling")).unwrap();
    for path in ["up", "absolute", "chain", "dangling"] {
        let opened = guest.open_at(INSIDE, FOLLOW, path, 0, READ, 0);
        assert_eq!(opened, Err(Errno::Perm), "{path}");
        let opened = guest.open_at(INSIDE, FOLLOW, path, CREAT, WRITE, 0);
        assert_eq!(opened, Err(Errno::Perm), "{path}");
        let opened = guest.open_at(INSIDE, 0, path, 0, READ, 0);
        assert_eq!(opened, Err(Errno::Loop), "{path}");
    }
    assert!(!outer.0.join("not-there").exists());
    for path in ["folder/secret", "winding/secret", "folder/../secret"] {
        refuse_all(&mut guest, path, &[Errno::Perm]);
    }
    for path in ["folder", "folder/", "folder/.", "winding///"] {
        let opened = guest.open_at(INSIDE, FOLLOW, path, DIRECTORY, READ, 0);
        assert_eq!(opened, Err(Errno::Perm), "{path}");
    }
    // A trailing slash makes the host follow a link even where the guest did not ask.
    for path in ["folder/", "folder/."] {
        let opened = guest.open_at(INSIDE, 0, path, DIRECTORY, READ, 0);
        assert!(opened.is_err(), "{path}");
    }
    assert_eq!(fs::read(outer.0.join("secret")).unwrap(), b"secret");
    assert_eq!(fs::read(outer.0.join("outside/secret")).unwrap(), b"secret");
}

#[test]
fn a_guest_cannot_make_or_read_an_absolute_link() {
    let (mut guest, outer) = guest_beside_secrets();
    let [target, m] = guest.text("/etc/passwd");
    let [link, n] = guest.other_text("link");
    assert_eq!(guest.call("path_symlink", &[target, m, INSIDE.into(), link, n]), Err(Errno::Perm));
    symlink("/etc/passwd", outer.0.join("inside/host-link")).unwrap();
    let [path, n] = guest.text("host-link");
    let read = guest.call("path_readlink", &[INSIDE.into(), path, n, BUFFER.into(), 100, RESULT.into()]);
    assert_eq!(read, Err(Errno::Perm));
}

#[test]
fn a_link_made_by_the_guest_leads_nowhere_it_could_not_go() {
    let (mut guest, outer) = guest_beside_secrets();
    for (target, link) in [("..", "out"), ("../secret", "file")] {
        let ([t, m], [l, n]) = (guest.text(target), guest.other_text(link));
        guest.call("path_symlink", &[t, m, INSIDE.into(), l, n]).unwrap();
    }
    assert_eq!(guest.open_at(INSIDE, FOLLOW, "file", 0, READ, 0), Err(Errno::Perm));
    assert_eq!(guest.open_at(INSIDE, FOLLOW, "out/secret", 0, READ, 0), Err(Errno::Perm));
    assert_eq!(guest.open_at(INSIDE, FOLLOW, "out/inside/dir", 0, READ, 0), Err(Errno::Perm));
    assert_eq!(guest.open_at(INSIDE, FOLLOW, "out/secret", TRUNC, WRITE, 0), Err(Errno::Perm));
    assert_eq!(fs::read(outer.0.join("secret")).unwrap(), b"secret");
}

#[test]
fn moving_an_open_folder_does_not_widen_it() {
    let (mut guest, outer) = guest_beside_secrets();
    fs::create_dir_all(outer.0.join("inside/a/b")).unwrap();
    let b = guest.open_at(INSIDE, 0, "a/b", DIRECTORY, READ, 0).unwrap();
    fs::rename(outer.0.join("inside/a/b"), outer.0.join("outside/b")).unwrap();
    assert_eq!(guest.open_at(b, FOLLOW, "../secret", 0, READ, 0), Err(Errno::Perm));
    assert_eq!(guest.open_at(b, FOLLOW, "..", DIRECTORY, READ, 0), Err(Errno::Perm));
}

/// While another thread swaps a folder with a link that leads out, no open may follow it.
#[test]
fn a_race_between_a_folder_and_a_link_is_never_won() {
    let (mut guest, outer) = guest_beside_secrets();
    let inside = outer.0.join("inside");
    fs::create_dir(inside.join("swap")).unwrap();
    fs::write(inside.join("swap/secret"), "harmless").unwrap();
    symlink("../outside", inside.join("link")).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let swapping = {
        let (inside, done) = (inside.clone(), done.clone());
        thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                let exchange = |a: &str, b: &str| fs::rename(inside.join(a), inside.join(b)).unwrap();
                exchange("swap", "kept");
                exchange("link", "swap");
                exchange("swap", "link");
                exchange("kept", "swap");
            }
        })
    };
    let (mut tried, mut opened, start) = (0, 0, Instant::now());
    // Long enough that both have been there, however the machine shares its time.
    while tried < 5000 || opened == 0 && start.elapsed() < Duration::from_secs(60) {
        tried += 1;
        if let Ok(file) = guest.open_at(INSIDE, FOLLOW, "swap/secret", 0, READ, 0) {
            assert_eq!(guest.read(file, 100).unwrap(), b"harmless");
            guest.close(file).unwrap();
            opened += 1;
        }
    }
    done.store(true, Ordering::Relaxed);
    swapping.join().unwrap();
    assert!(opened > 0);
}
