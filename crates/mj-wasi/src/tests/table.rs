//! The table itself: names, parameter types, and what bad numbers do to any function.

use super::*;

/// The interface as WebAssembly sees it; every function returns an `i32`.
const SIGNATURES: &str = "
args_get i32 i32
args_sizes_get i32 i32
clock_res_get i32 i32
clock_time_get i32 i64 i32
environ_get i32 i32
environ_sizes_get i32 i32
fd_advise i32 i64 i64 i32
fd_allocate i32 i64 i64
fd_close i32
fd_datasync i32
fd_fdstat_get i32 i32
fd_fdstat_set_flags i32 i32
fd_fdstat_set_rights i32 i64 i64
fd_filestat_get i32 i32
fd_filestat_set_size i32 i64
fd_filestat_set_times i32 i64 i64 i32
fd_pread i32 i32 i32 i64 i32
fd_prestat_dir_name i32 i32 i32
fd_prestat_get i32 i32
fd_pwrite i32 i32 i32 i64 i32
fd_read i32 i32 i32 i32
fd_readdir i32 i32 i32 i64 i32
fd_renumber i32 i32
fd_seek i32 i64 i32 i32
fd_sync i32
fd_tell i32 i32
fd_write i32 i32 i32 i32
path_create_directory i32 i32 i32
path_filestat_get i32 i32 i32 i32 i32
path_filestat_set_times i32 i32 i32 i32 i64 i64 i32
path_link i32 i32 i32 i32 i32 i32 i32
path_open i32 i32 i32 i32 i32 i64 i64 i32 i32
path_readlink i32 i32 i32 i32 i32 i32
path_remove_directory i32 i32 i32
path_rename i32 i32 i32 i32 i32 i32
path_symlink i32 i32 i32 i32 i32
path_unlink_file i32 i32 i32
poll_oneoff i32 i32 i32 i32
proc_raise i32
random_get i32 i32
sched_yield
sock_accept i32 i32 i32
sock_recv i32 i32 i32 i32 i32 i32
sock_send i32 i32 i32 i32 i32
sock_shutdown i32 i32
";

/// Name and parameters of each row, `proc_exit` excepted.
fn rows() -> Vec<(&'static str, Vec<&'static str>)> {
    macro_rules! rows {
        ($($name:ident($($arg:ident: $type:ty),*) => $function:path;)*) => {
            vec![$((stringify!($name), vec![$(stringify!($type)),*])),*]
        };
    }
    functions!(rows)
}

#[test]
fn all_functions_have_the_types_of_the_specification() {
    let wasm_type = |rust: &&str| match *rust {
        "u32" => " i32",
        "u64" | "i64" => " i64",
        other => panic!("{other} is no type of a parameter"),
    };
    let signature = |(name, types): &(&str, Vec<&str>)| format!("{name}{}", types.iter().map(wasm_type).collect::<String>());
    let found: Vec<_> = rows().iter().map(signature).collect();
    let expected: Vec<_> = SIGNATURES.trim().lines().collect();
    assert_eq!(found, expected);
    assert_eq!(found.len() + 1, 46, "with proc_exit");
}

#[test]
fn a_descriptor_that_is_not_open_is_bad_whatever_is_done_with_it() {
    for (name, types) in rows() {
        let takes_descriptor = name.starts_with("fd_") || name.starts_with("path_") || name.starts_with("sock_");
        if !takes_descriptor {
            continue;
        }
        for fd in [7, u64::from(u32::MAX)] {
            let mut args = vec![0; types.len()];
            args[if name == "path_symlink" { 2 } else { 0 }] = fd;
            if matches!(name, "fd_seek" | "sock_shutdown") {
                // Arguments that would be refused first: nothing to shut down.
                *args.last_mut().unwrap() = 1;
            }
            let mut guest = Guest::new();
            assert_eq!(guest.call(name, &args), Err(Errno::Badf), "{name} of {fd}");
        }
    }
}

#[test]
fn no_numbers_make_any_function_panic() {
    let numbers = [0, 1, 2, 3, 4, 0xffff, MEMORY as u64 - 1, MEMORY as u64, 1 << 31, u64::from(u32::MAX), u64::MAX];
    // A simple generator is enough to mix the numbers, and repeats them in every run.
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        numbers[(state >> 33) as usize % numbers.len()]
    };
    for (name, types) in rows() {
        let mut guest = Guest::new();
        for fd in [0, 1, 2, ROOT.into(), u64::from(guest.create("file"))] {
            for _ in 0..200 {
                let mut args: Vec<_> = types.iter().map(|_| next()).collect();
                let at = if name == "path_symlink" { 2 } else { 0 };
                if name.contains('_') && args.len() > at && !matches!(name, "poll_oneoff" | "random_get") {
                    args[at] = fd;
                }
                if name == "fd_allocate" {
                    // Room that the host does have.
                    args[2] = args[2].min(4096);
                    args[1] = args[1].min(4096);
                }
                let _ = guest.call(name, &args);
            }
        }
    }
}

#[test]
fn a_result_out_of_memory_is_a_fault_and_nothing_is_done() {
    let mut guest = Guest::new();
    let file = guest.create("file");
    guest.write(file, b"0123456789").unwrap();
    guest.seek(file, 0, 0).unwrap();
    let outside = MEMORY as u64 - 3;
    guest.list(BUFFER, 4);
    let [fd, list] = [u64::from(file), u64::from(LIST)];
    assert_eq!(guest.call("fd_read", &[fd, list, 1, outside]), Err(Errno::Fault));
    assert_eq!(guest.call("fd_write", &[fd, list, 1, outside]), Err(Errno::Fault));
    assert_eq!(guest.call("fd_seek", &[fd, 5, 0, outside]), Err(Errno::Fault));
    assert_eq!(guest.read(file, 4).unwrap(), b"0123");
    let [path, length] = guest.text("new");
    let args = [ROOT.into(), 0, path, length, CREAT, WRITE, 0, 0, outside];
    assert_eq!(guest.call("path_open", &args), Err(Errno::Fault));
    assert!(!guest.host("new").exists());
    let buffer_outside = [fd, list, 1, RESULT.into()];
    guest.list(MEMORY as u32 - 1, 2);
    assert_eq!(guest.call("fd_read", &buffer_outside), Err(Errno::Fault));
    assert_eq!(guest.call("fd_write", &buffer_outside), Err(Errno::Fault));
    assert_eq!(guest.call("path_create_directory", &[ROOT.into(), outside, 4]), Err(Errno::Fault));
}
