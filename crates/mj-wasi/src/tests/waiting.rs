//! `poll_oneoff`: sleeping, readiness, and several subscriptions at once.

use super::*;
use crate::abi::Preview0;
use crate::cli::{InputFile, OutputFile};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

const CLOCK: u8 = 0;
const FD_READ: u8 = 1;
const FD_WRITE: u8 = 2;

const MILLISECOND: u64 = 1_000_000;

/// Where the subscriptions and the events are.
const SUBSCRIPTIONS: u32 = 0x8000;
const EVENTS: u32 = 0xa000;

#[derive(Debug, PartialEq)]
struct Event {
    userdata: u64,
    kind: u8,
    bytes: u64,
    hangup: bool,
}

/// A subscription of preview 1, 48 bytes.
type Subscription = [u8; 48];

fn clock(userdata: u64, id: u32, timeout: u64, flags: u16) -> Subscription {
    let mut bytes = [0; 48];
    bytes[..8].copy_from_slice(&userdata.to_le_bytes());
    bytes[8] = CLOCK;
    bytes[16..20].copy_from_slice(&id.to_le_bytes());
    bytes[24..32].copy_from_slice(&timeout.to_le_bytes());
    bytes[40..42].copy_from_slice(&flags.to_le_bytes());
    bytes
}

fn ready(userdata: u64, kind: u8, fd: u32) -> Subscription {
    let mut bytes = [0; 48];
    bytes[..8].copy_from_slice(&userdata.to_le_bytes());
    bytes[8] = kind;
    bytes[16..20].copy_from_slice(&fd.to_le_bytes());
    bytes
}

impl Guest {
    fn poll(&mut self, subscriptions: &[Subscription]) -> Result<Vec<Event>, Errno> {
        for (at, subscription) in subscriptions.iter().enumerate() {
            self.put(SUBSCRIPTIONS + at as u32 * 48, subscription);
        }
        let count = subscriptions.len() as u64;
        self.call("poll_oneoff", &[SUBSCRIPTIONS.into(), EVENTS.into(), count, RESULT.into()])?;
        Ok(self.events())
    }

    fn events(&self) -> Vec<Event> {
        let event = |at| Event { userdata: self.u64(at), kind: self.u8(at + 10), bytes: self.u64(at + 16), hangup: self.u16(at + 24) == 1 };
        (0..self.u32(RESULT)).map(|at| event(EVENTS + at * 32)).collect()
    }
}

fn clock_event(userdata: u64) -> Event {
    Event { userdata, kind: CLOCK, bytes: 0, hangup: false }
}

/// A guest whose standard input is a pipe, and the pipe's other end.
fn with_pipe() -> (Guest, io::PipeWriter) {
    let (reader, writer) = io::pipe().unwrap();
    let input = InputFile::new(OwnedFd::from(reader).into());
    let guest = Guest::with(|builder| {
        builder.stdin(input);
    });
    (guest, writer)
}

#[test]
fn sleeping_takes_its_time_on_either_clock() {
    let mut guest = Guest::new();
    for id in [0, 1] {
        let start = Instant::now();
        assert_eq!(guest.poll(&[clock(9, id, 20 * MILLISECOND, 0)]), Ok(vec![clock_event(9)]));
        assert!(start.elapsed() >= Duration::from_millis(20));
    }
}

#[test]
fn sleeping_ends_at_a_point_in_time() {
    let mut guest = Guest::new();
    guest.call("clock_time_get", &[1, 0, RESULT.into()]).unwrap();
    let monotonic = guest.u64(RESULT);
    let real = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    for (id, now) in [(0, real), (1, monotonic)] {
        let start = Instant::now();
        assert_eq!(guest.poll(&[clock(1, id, now + 100 * MILLISECOND, 1)]), Ok(vec![clock_event(1)]));
        assert!(start.elapsed() < Duration::from_secs(10), "clock {id}");
        guest.call("clock_time_get", &[id.into(), 0, RESULT.into()]).unwrap();
        assert!(guest.u64(RESULT) >= now + 100 * MILLISECOND, "clock {id}");
    }
    let past = Instant::now();
    assert_eq!(guest.poll(&[clock(1, 0, 1, 1)]), Ok(vec![clock_event(1)]));
    assert!(past.elapsed() < Duration::from_secs(5));
}

#[test]
fn the_shortest_time_ends_the_wait() {
    let mut guest = Guest::new();
    let long = clock(1, 1, u64::MAX, 0);
    let start = Instant::now();
    assert_eq!(guest.poll(&[long, clock(2, 0, 10 * MILLISECOND, 0)]), Ok(vec![clock_event(2)]));
    assert!(start.elapsed() < Duration::from_secs(10));
    let both = [clock(1, 1, 0, 0), clock(2, 1, 0, 0)];
    assert_eq!(guest.poll(&both), Ok(vec![clock_event(1), clock_event(2)]));
}

#[test]
fn waiting_uses_no_processor_time() {
    let mut guest = Guest::new();
    guest.call("clock_time_get", &[3, 0, RESULT.into()]).unwrap();
    let before = guest.u64(RESULT);
    guest.poll(&[clock(0, 1, 300 * MILLISECOND, 0)]).unwrap();
    guest.call("clock_time_get", &[3, 0, RESULT.into()]).unwrap();
    assert!(guest.u64(RESULT) - before < 100 * MILLISECOND);
}

#[test]
fn input_ends_the_wait_and_tells_how_much_there_is() {
    let (mut guest, mut writer) = with_pipe();
    let wait = [ready(5, FD_READ, 0), clock(6, 1, 20 * MILLISECOND, 0)];
    assert_eq!(guest.poll(&wait), Ok(vec![clock_event(6)]));
    let writing = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        writer.write_all(b"hello").unwrap();
        writer
    });
    let wait = [ready(5, FD_READ, 0), clock(6, 1, u64::MAX, 0)];
    assert_eq!(guest.poll(&wait), Ok(vec![Event { userdata: 5, kind: FD_READ, bytes: 5, hangup: false }]));
    drop(writing.join().unwrap());
    guest.read(0, 10).unwrap();
    assert_eq!(guest.poll(&wait[..1]), Ok(vec![Event { userdata: 5, kind: FD_READ, bytes: 0, hangup: true }]));
}

#[test]
fn a_full_pipe_is_not_ready_and_room_ends_the_wait() {
    let (mut reader, writer) = io::pipe().unwrap();
    let output = OutputFile::new(OwnedFd::from(writer).into());
    let mut guest = Guest::with(|builder| {
        builder.stdout(output);
    });
    let wait = [ready(1, FD_WRITE, 1), clock(2, 1, 10 * MILLISECOND, 0)];
    let room = Event { userdata: 1, kind: FD_WRITE, bytes: 1, hangup: false };
    assert_eq!(guest.poll(&wait), Ok(vec![room]));
    guest.call("fd_fdstat_set_flags", &[1, NONBLOCK]).unwrap();
    let mut written = 0;
    loop {
        match guest.write(1, &[0; 4096]) {
            Ok(bytes) => written += bytes as usize,
            Err(errno) => {
                assert_eq!(errno, Errno::Again);
                break;
            }
        }
    }
    assert_eq!(guest.poll(&wait), Ok(vec![clock_event(2)]));
    io::Read::read_exact(&mut reader, &mut vec![0; written]).unwrap();
    assert_eq!(guest.poll(&wait).unwrap()[0].userdata, 1);
}

#[test]
fn files_are_always_ready_and_do_not_hide_what_else_is() {
    let (mut guest, mut writer) = with_pipe();
    let file = guest.create("file");
    guest.write(file, b"0123456789").unwrap();
    guest.seek(file, 4, 0).unwrap();
    writer.write_all(b"x").unwrap();
    let all = [ready(1, FD_READ, file), ready(2, FD_WRITE, file), ready(3, FD_READ, 0), clock(4, 1, u64::MAX, 0)];
    let event = |userdata, kind, bytes| Event { userdata, kind, bytes, hangup: false };
    assert_eq!(guest.poll(&all), Ok(vec![event(1, FD_READ, 6), event(2, FD_WRITE, 1), event(3, FD_READ, 1)]));
    guest.seek(file, 0, 2).unwrap();
    assert_eq!(guest.poll(&all[..1]), Ok(vec![Event { userdata: 1, kind: FD_READ, bytes: 0, hangup: true }]));
}

#[test]
fn streams_in_memory_are_always_ready() {
    let mut guest = Guest::new();
    let events = guest.poll(&[ready(1, FD_READ, 0), ready(2, FD_WRITE, 1), ready(3, FD_WRITE, 2)]).unwrap();
    assert_eq!(events.iter().map(|event| event.userdata).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn wrong_subscriptions_are_told_apart() {
    let mut guest = Guest::new();
    assert_eq!(guest.poll(&[]), Err(Errno::Inval));
    for (kind, fd) in [(FD_READ, 99), (FD_WRITE, 99), (FD_READ, 1), (FD_WRITE, 0), (FD_READ, ROOT), (FD_WRITE, ROOT)] {
        assert_eq!(guest.poll(&[ready(1, kind, fd)]), Err(Errno::Badf), "{kind} of {fd}");
    }
    assert_eq!(guest.poll(&[ready(1, 3, 0)]), Err(Errno::Inval));
    for id in [2, 3, 4] {
        assert_eq!(guest.poll(&[clock(1, id, 0, 0)]), Err(Errno::Inval));
    }
    assert_eq!(guest.poll(&[clock(1, 1, 0, 2)]), Err(Errno::Inval));
    let mut call =
        |subscriptions: u64, events: u64, count: u64, result: u64| guest.call("poll_oneoff", &[subscriptions, events, count, result]);
    let end = MEMORY as u64;
    assert_eq!(call(end - 47, 0, 1, 0), Err(Errno::Fault));
    assert_eq!(call(0, end - 31, 1, 0), Err(Errno::Fault));
    assert_eq!(call(0, 0, 1, end - 3), Err(Errno::Fault));
    assert_eq!(call(0, 0, u64::from(u32::MAX), 0), Err(Errno::Fault));
}

#[test]
fn more_subscriptions_than_a_host_could_have_files_are_refused() {
    let mut guest = Guest::new();
    guest.bytes.resize(8 << 20, 0);
    let count = 100_000;
    assert_eq!(guest.call("poll_oneoff", &[0, 0, count, 0]), Err(Errno::Inval));
}

#[test]
fn preview_0_has_an_identifier_before_the_clock() {
    let mut guest = Guest::new();
    let mut subscription = [0; 56];
    subscription[..8].copy_from_slice(&7u64.to_le_bytes());
    subscription[16..24].copy_from_slice(&[0xff; 8]);
    subscription[24..28].copy_from_slice(&1u32.to_le_bytes());
    subscription[32..40].copy_from_slice(&(10 * MILLISECOND).to_le_bytes());
    guest.put(SUBSCRIPTIONS, &subscription);
    let start = Instant::now();
    let args = [SUBSCRIPTIONS.into(), EVENTS.into(), 1, RESULT.into()];
    guest.call_version::<Preview0>("poll_oneoff", &args).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(10));
    assert_eq!(guest.events(), [clock_event(7)]);
}

#[test]
fn an_interrupter_ends_every_wait_from_another_thread() {
    let (reader, _writer) = io::pipe().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (ours, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut interrupter = None;
    let mut guest = Guest::with(|builder| {
        builder.stdin(InputFile::new(OwnedFd::from(reader).into())).preopened_socket(listener).preopened_socket(ours);
        interrupter = Some(builder.interrupter().unwrap());
    });
    // Nothing is interrupted before its time.
    assert_eq!(guest.poll(&[clock(1, 1, MILLISECOND, 0)]), Ok(vec![clock_event(1)]));
    let interrupting = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        interrupter.unwrap().interrupt();
    });
    assert_eq!(guest.poll(&[clock(1, 1, u64::MAX, 0)]), Err(Errno::Intr));
    interrupting.join().unwrap();
    // It stays that way, for everything that waits.
    assert_eq!(guest.poll(&[ready(1, FD_READ, 0)]), Err(Errno::Intr));
    assert_eq!(guest.read(0, 1), Err(Errno::Intr));
    assert_eq!(guest.call("sock_accept", &[4, 0, RESULT.into()]), Err(Errno::Intr));
    assert_eq!(guest.read(5, 1), Err(Errno::Intr));
    let file = guest.create("file");
    assert_eq!(guest.write(file, b"x"), Ok(1));
}
