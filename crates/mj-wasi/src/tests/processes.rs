//! Arguments, environment, standard streams, time and chance.

use super::*;
use crate::abi::Preview0;
use crate::cli::{InputFile, IsTerminal, OutputFile, StdinStream};
use crate::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use crate::{Deterministic, HostMonotonicClock, HostWallClock};
use std::io::{self, IoSliceMut, Write};
use std::time::{Duration, Instant, SystemTime};

#[test]
fn arguments_and_environment_are_laid_out_with_zero_bytes_between() {
    let mut guest = Guest::with(|builder| {
        builder.arg("prog").args(&["", "x=1"]).env("A", "b").envs(&[("C", "")]);
    });
    guest.call("args_sizes_get", &[0, 4]).unwrap();
    assert_eq!((guest.u32(0), guest.u32(4)), (3, 10));
    guest.call("args_get", &[0x10, 0x40]).unwrap();
    assert_eq!([0x10, 0x14, 0x18].map(|at| guest.u32(at)), [0x40, 0x45, 0x46]);
    assert_eq!(guest.slice(0x40, 10), b"prog\0\0x=1\0");
    guest.call("environ_sizes_get", &[0, 4]).unwrap();
    assert_eq!((guest.u32(0), guest.u32(4)), (2, 7));
    guest.call("environ_get", &[0x10, 0x40]).unwrap();
    assert_eq!(guest.slice(guest.u32(0x10), 4), b"A=b\0");
    assert_eq!(guest.slice(guest.u32(0x14), 3), b"C=\0");
}

#[test]
fn arguments_may_fill_memory_to_its_last_byte_but_not_beyond() {
    let mut guest = Guest::with(|builder| {
        builder.arg("abc");
    });
    let end = MEMORY as u64;
    assert_eq!(guest.call("args_get", &[0, end - 4]), Ok(()));
    assert_eq!(guest.call("args_get", &[0, end - 3]), Err(Errno::Fault));
    assert_eq!(guest.call("args_get", &[end - 3, 0]), Err(Errno::Fault));
    assert_eq!(guest.call("args_sizes_get", &[0, end]), Err(Errno::Fault));
}

#[test]
fn streams_are_pipes_files_or_nothing() {
    let (stdout, stderr) = (MemoryOutputPipe::new(100), MemoryOutputPipe::new(3));
    let mut guest = Guest::with(|builder| {
        builder.stdin(MemoryInputPipe::new("input")).stdout(stdout.clone()).stderr(stderr.clone());
    });
    assert_eq!(guest.read(0, 3).unwrap(), b"inp");
    assert_eq!(guest.read(0, 3).unwrap(), b"ut");
    assert_eq!(guest.read(0, 3).unwrap(), b"");
    assert_eq!(guest.write(1, b"out"), Ok(3));
    assert_eq!(guest.write(2, b"error"), Ok(3));
    assert_eq!(guest.write(2, b"or"), Err(Errno::NoSpc));
    assert_eq!((stdout.contents(), stderr.contents()), (b"out".to_vec(), b"err".to_vec()));
    assert_eq!(guest.write(0, b"x"), Err(Errno::Badf));
    assert_eq!(guest.read(1, 1), Err(Errno::Badf));
    let mut nothing = Guest::new();
    assert_eq!(nothing.read(0, 8).unwrap(), b"");
    assert_eq!(nothing.write(1, b"lost"), Ok(4));
}

#[test]
fn files_can_be_standard_streams() {
    let folder = Folder::new();
    fs::write(folder.0.join("in"), "from a file").unwrap();
    let input = fs::File::open(folder.0.join("in")).unwrap();
    let output = fs::File::create(folder.0.join("out")).unwrap();
    let mut guest = Guest::with(|builder| {
        builder.stdin(InputFile::new(input)).stdout(OutputFile::new(output));
    });
    assert_eq!(guest.read(0, 100).unwrap(), b"from a file");
    guest.write(1, b"to a file").unwrap();
    assert_eq!(fs::read(folder.0.join("out")).unwrap(), b"to a file");
}

#[test]
fn several_buffers_are_written_and_read_in_one_call() {
    let stdout = MemoryOutputPipe::new(100);
    let mut guest = Guest::with(|builder| {
        builder.stdin(MemoryInputPipe::new("abcdefg")).stdout(stdout.clone());
    });
    guest.put(BUFFER, b"hello world");
    for (at, (pointer, length)) in [(BUFFER + 6, 5u32), (0, 0), (BUFFER, 5)].into_iter().enumerate() {
        guest.put(LIST + at as u32 * 8, &pointer.to_le_bytes());
        guest.put(LIST + at as u32 * 8 + 4, &length.to_le_bytes());
    }
    guest.call("fd_write", &[1, LIST.into(), 3, RESULT.into()]).unwrap();
    assert_eq!(guest.u32(RESULT), 10);
    assert_eq!(stdout.contents(), b"worldhello");
    guest.call("fd_read", &[0, LIST.into(), 3, RESULT.into()]).unwrap();
    assert_eq!(guest.u32(RESULT), 7);
    assert_eq!(guest.slice(BUFFER, 11), b"fglloworld\0"[..5].iter().chain(b" abcde").copied().collect::<Vec<_>>());
}

/// A terminal that is silent.
struct Terminal;

impl IsTerminal for Terminal {
    fn is_terminal(&self) -> bool {
        true
    }
}

impl StdinStream for Terminal {
    fn read_vectored(&self, _: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

#[test]
fn a_terminal_is_a_character_device_that_cannot_seek() {
    let mut guest = Guest::with(|builder| {
        builder.stdin(Terminal);
    });
    assert_eq!(guest.fdstat(0), Ok((2, 0, READ, READ)));
    assert_eq!(guest.fdstat(1), Ok((0, 0, WRITE, WRITE)));
    assert_eq!(guest.fstat(0).unwrap().filetype, 2);
    assert_eq!(guest.seek(0, 0, 1), Err(Errno::Spipe));
    assert_eq!(guest.call("fd_tell", &[1, RESULT.into()]), Err(Errno::Spipe));
    assert_eq!(guest.read(0, 1), Err(Errno::Again));
}

#[test]
fn a_stream_set_not_to_wait_says_that_it_would_have_to() {
    let (reader, mut writer) = io::pipe().unwrap();
    let mut guest = Guest::with(|builder| {
        builder.stdin(InputFile::new(fs::File::from(std::os::fd::OwnedFd::from(reader))));
    });
    guest.call("fd_fdstat_set_flags", &[0, NONBLOCK]).unwrap();
    assert_eq!(guest.fdstat(0).unwrap().1, NONBLOCK as u16);
    assert_eq!(guest.read(0, 4), Err(Errno::Again));
    writer.write_all(b"ab").unwrap();
    assert_eq!(guest.read(0, 4).unwrap(), b"ab");
    drop(writer);
    assert_eq!(guest.read(0, 4).unwrap(), b"");
    assert_eq!(guest.call("fd_fdstat_set_flags", &[0, 1 << 4]), Err(Errno::Inval));
}

#[test]
fn a_closed_pipe_is_told_to_the_guest() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut guest = Guest::with(|builder| {
        builder.stdout(OutputFile::new(fs::File::from(std::os::fd::OwnedFd::from(writer))));
    });
    assert_eq!(guest.write(1, b"x"), Err(Errno::Pipe));
}

#[test]
fn clocks_are_the_hosts() {
    let mut guest = Guest::new();
    let mut time = |id| {
        guest.call("clock_time_get", &[id, 0, RESULT.into()]).unwrap();
        guest.u64(RESULT)
    };
    let host = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    assert!(time(0).abs_diff(host) < 60_000_000_000);
    let first = time(1);
    assert!(time(1) >= first);
    // The processor's time goes on as the test uses it.
    let (process, thread) = (time(2), time(3));
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(20) {}
    assert!(time(2) > process && time(3) > thread);
    for id in 0..4 {
        guest.call("clock_res_get", &[id, RESULT.into()]).unwrap();
        assert!(guest.u64(RESULT) > 0);
    }
    assert_eq!(guest.call("clock_time_get", &[4, 0, RESULT.into()]), Err(Errno::Inval));
    assert_eq!(guest.call("clock_res_get", &[4, RESULT.into()]), Err(Errno::Inval));
}

struct Stopped;

impl HostWallClock for Stopped {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::from_secs(1000)
    }
}

impl HostMonotonicClock for Stopped {
    fn resolution(&self) -> u64 {
        7
    }

    fn now(&self) -> u64 {
        42
    }
}

#[test]
fn clocks_and_chance_can_be_given() {
    let mut guest = Guest::with(|builder| {
        builder.wall_clock(Stopped).monotonic_clock(Stopped).secure_random(Deterministic::new(vec![1, 2, 3]));
    });
    guest.call("clock_time_get", &[0, 0, RESULT.into()]).unwrap();
    assert_eq!(guest.u64(RESULT), 1_000_000_000_000);
    guest.call("clock_time_get", &[1, 0, RESULT.into()]).unwrap();
    assert_eq!(guest.u64(RESULT), 42);
    guest.call("clock_res_get", &[1, RESULT.into()]).unwrap();
    assert_eq!(guest.u64(RESULT), 7);
    guest.call("random_get", &[BUFFER.into(), 7]).unwrap();
    assert_eq!(guest.slice(BUFFER, 8), [1, 2, 3, 1, 2, 3, 1, 0]);
}

#[test]
fn random_bytes_fill_all_of_a_large_buffer_and_nothing_else() {
    let mut guest = Guest::new();
    guest.call("random_get", &[BUFFER.into(), 0x1_0000]).unwrap();
    let zeros = guest.slice(BUFFER, 0x1_0000).iter().filter(|&&byte| byte == 0).count();
    assert!((100..500).contains(&zeros), "{zeros} zero bytes of 65,536");
    assert_eq!(guest.slice(BUFFER + 0x1_0000, 64), [0; 64]);
    assert_eq!(guest.call("random_get", &[1, MEMORY as u64]), Err(Errno::Fault));
    assert_eq!(guest.call("random_get", &[MEMORY as u64, 0]), Ok(()));
}

#[test]
fn yielding_works_and_signals_do_not_exist() {
    let mut guest = Guest::new();
    assert_eq!(guest.call("sched_yield", &[]), Ok(()));
    assert_eq!(guest.call("proc_raise", &[15]), Err(Errno::NotSup));
}

#[test]
fn preview_0_orders_whence_differently_and_has_narrow_link_counts() {
    let mut guest = Guest::new();
    let file = guest.create("file");
    guest.write(file, b"0123456789").unwrap();
    let seek = |guest: &mut Guest, offset: i64, whence| {
        let args = [file.into(), offset as u64, whence, RESULT.into()];
        guest.call_version::<Preview0>("fd_seek", &args).unwrap();
        guest.u64(RESULT)
    };
    assert_eq!(seek(&mut guest, 4, 2), 4);
    assert_eq!(seek(&mut guest, 1, 0), 5);
    assert_eq!(seek(&mut guest, -1, 1), 9);
    guest.put(RESULT, &[0xee; 64]);
    guest.call_version::<Preview0>("fd_filestat_get", &[file.into(), RESULT.into()]).unwrap();
    assert_eq!((guest.u32(RESULT + 20), guest.u64(RESULT + 24)), (1, 10));
    assert_eq!(guest.slice(RESULT + 56, 8), [0xee; 8]);
}
