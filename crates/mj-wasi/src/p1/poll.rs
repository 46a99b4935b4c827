//! Waiting for time to pass and for files to be ready.
//!
//! All subscriptions become one call of the host's `poll`: descriptors it can wait for go into
//! its list, the nearest timeout is its timeout, and what is ready anyway makes that zero.
//! A program that only sleeps is the same call with an empty list.
//!
//! Invariants: every answer has at least one event, and no wait ends before its time.

use crate::abi::{ABSTIME, Filestat, Filetype, HANGUP, Rights, Version};
use crate::clocks::{Clock, Clocks};
use crate::descriptor::{Descriptors, File, Object};
use crate::errno::Errno;
use crate::interrupt::Interruption;
use crate::memory::Memory;
use crate::p1::WasiP1Ctx;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{fstat, tell};
use rustix::io::ioctl_fionread;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// Bytes of an `event`.
const EVENT: u32 = 32;
/// More subscriptions than this in one call are refused, as more files are by a host's `poll`.
const MOST: u32 = 1 << 16;

/// What is waited for.
enum Wait<'a> {
    /// A time to come, counted from when the call began.
    Time(Duration),
    /// A descriptor of the host.
    Host { fd: BorrowedFd<'a>, flags: PollFlags },
    /// Nothing: ready at once, with so many bytes.
    Nothing { bytes: u64, hangup: bool },
}

/// `eventtype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum EventType {
    Clock = 0,
    FdRead = 1,
    FdWrite = 2,
}

struct Subscription<'a> {
    userdata: [u8; 8],
    kind: EventType,
    wait: Wait<'a>,
}

struct Event {
    userdata: [u8; 8],
    kind: EventType,
    bytes: u64,
    hangup: bool,
}

/// Waits until at least one of `count` subscriptions has an event, and answers all there are.
pub(crate) fn poll_oneoff<V: Version>(
    ctx: &mut WasiP1Ctx,
    memory: &mut Memory,
    subscriptions: u32,
    events: u32,
    count: u32,
    nevents: u32,
) -> Result<(), Errno> {
    memory.check(nevents, 4)?;
    memory.check_array(subscriptions, count, V::SUBSCRIPTION_SIZE)?;
    memory.check_array(events, count, EVENT)?;
    if count == 0 || count > MOST {
        return Err(Errno::Inval);
    }
    let start = Instant::now();
    let mut waits = Vec::with_capacity(count as usize);
    for at in 0..count {
        let bytes = memory.bytes(subscriptions + at * V::SUBSCRIPTION_SIZE, V::SUBSCRIPTION_SIZE)?;
        waits.push(subscription::<V>(bytes, &ctx.descriptors, &ctx.clocks)?);
    }
    let ready = wait(start, &waits, &ctx.interruption)?;
    for (at, event) in ready.iter().enumerate() {
        write_event(event, memory, events + at as u32 * EVENT)?;
    }
    memory.write_u32(nevents, ready.len() as u32)
}

fn subscription<'a, V: Version>(bytes: &[u8], descriptors: &'a Descriptors, clocks: &Clocks) -> Result<Subscription<'a>, Errno> {
    let (kind, wait) = match bytes[8] {
        0 => (EventType::Clock, timer(&bytes[V::SUBSCRIPTION_CLOCK..], clocks)?),
        1 => (EventType::FdRead, for_reading(descriptors, word(bytes, 16))?),
        2 => (EventType::FdWrite, for_writing(descriptors, word(bytes, 16))?),
        _ => return Err(Errno::Inval),
    };
    let mut userdata = [0; 8];
    userdata.copy_from_slice(&bytes[..8]);
    Ok(Subscription { userdata, kind, wait })
}

/// A clock subscription from its clock number on.
fn timer<'a>(bytes: &[u8], clocks: &Clocks) -> Result<Wait<'a>, Errno> {
    let clock = match Clock::from_id(word(bytes, 0)) {
        Some(clock @ (Clock::Realtime | Clock::Monotonic)) => clock,
        // A process that waits uses no processor time, so the wait would never end.
        _ => return Err(Errno::Inval),
    };
    let timeout = u64::from(word(bytes, 8)) | u64::from(word(bytes, 12)) << 32;
    let flags = word(bytes, 24) as u16;
    let timeout = match flags {
        0 => timeout,
        ABSTIME => timeout.saturating_sub(clocks.now(clock)),
        _ => return Err(Errno::Inval),
    };
    Ok(Wait::Time(Duration::from_nanos(timeout)))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn for_reading(descriptors: &Descriptors, fd: u32) -> Result<Wait<'_>, Errno> {
    match &descriptors.get(fd, Rights::POLL_FD_READWRITE)?.object {
        Object::File(file) => file_wait(file, PollFlags::IN),
        Object::Stdin(stdin) => Ok(stream_wait(stdin.stream.host_fd(), PollFlags::IN)),
        Object::Socket(socket) => Ok(stream_wait(Some(socket.as_fd()), PollFlags::IN)),
        Object::Stdout(_) | Object::Dir(_) => Err(Errno::Badf),
    }
}

fn for_writing(descriptors: &Descriptors, fd: u32) -> Result<Wait<'_>, Errno> {
    match &descriptors.get(fd, Rights::POLL_FD_READWRITE)?.object {
        Object::File(file) => file_wait(file, PollFlags::OUT),
        Object::Stdout(stdout) => Ok(stream_wait(stdout.stream.host_fd(), PollFlags::OUT)),
        Object::Socket(socket) => Ok(stream_wait(Some(socket.as_fd()), PollFlags::OUT)),
        Object::Stdin(_) | Object::Dir(_) => Err(Errno::Badf),
    }
}

fn stream_wait(fd: Option<BorrowedFd<'_>>, flags: PollFlags) -> Wait<'_> {
    match fd {
        Some(fd) => Wait::Host { fd, flags },
        None => Wait::Nothing { bytes: 1, hangup: false },
    }
}

/// Regular files are always ready; at their end, reading is told that nothing will come.
fn file_wait(file: &File, flags: PollFlags) -> Result<Wait<'_>, Errno> {
    let stat = Filestat::from(fstat(&file.file)?);
    if stat.filetype != Filetype::RegularFile {
        return Ok(Wait::Host { fd: file.file.as_fd(), flags });
    }
    if flags == PollFlags::OUT {
        return Ok(Wait::Nothing { bytes: 1, hangup: false });
    }
    let bytes = stat.size.saturating_sub(tell(&file.file)?);
    Ok(Wait::Nothing { bytes, hangup: bytes == 0 })
}

/// Waits for the first events and answers all that are there by then.
fn wait(start: Instant, subscriptions: &[Subscription], interruption: &Interruption) -> Result<Vec<Event>, Errno> {
    let mut polled: Vec<_> = subscriptions
        .iter()
        .filter_map(|subscription| match subscription.wait {
            Wait::Host { fd, flags } => Some(PollFd::from_borrowed_fd(fd, flags)),
            _ => None,
        })
        .collect();
    polled.extend(interruption.watched());
    let timeout = shortest(subscriptions);
    loop {
        let left = timeout.map(|timeout| timespec(timeout.saturating_sub(start.elapsed())));
        match poll(&mut polled, left.as_ref()) {
            Err(rustix::io::Errno::INTR) => continue,
            result => result?,
        };
        let events = events(subscriptions, &polled, start.elapsed());
        if !events.is_empty() {
            return Ok(events);
        }
        if interruption.watched().is_some() && polled.last().is_some_and(|last| !last.revents().is_empty()) {
            return Err(Errno::Intr);
        }
    }
}

/// How long the wait can be; none if only descriptors end it.
fn shortest(subscriptions: &[Subscription]) -> Option<Duration> {
    let timeouts = subscriptions.iter().filter_map(|subscription| match subscription.wait {
        Wait::Time(timeout) => Some(timeout),
        Wait::Nothing { .. } => Some(Duration::ZERO),
        Wait::Host { .. } => None,
    });
    timeouts.min()
}

fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs() as _, tv_nsec: duration.subsec_nanos() as _ }
}

fn events(subscriptions: &[Subscription], polled: &[PollFd], elapsed: Duration) -> Vec<Event> {
    let mut polled = polled.iter();
    let event = |subscription: &Subscription| {
        let (bytes, hangup) = match subscription.wait {
            Wait::Time(timeout) => (timeout <= elapsed).then_some((0, false))?,
            Wait::Nothing { bytes, hangup } => (bytes, hangup),
            Wait::Host { fd, .. } => host_event(fd, subscription.kind, polled.next()?)?,
        };
        Some(Event { userdata: subscription.userdata, kind: subscription.kind, bytes, hangup })
    };
    subscriptions.iter().filter_map(event).collect()
}

/// Bytes and hang-up of a descriptor; none if nothing has happened to it.
fn host_event(fd: BorrowedFd, kind: EventType, polled: &PollFd) -> Option<(u64, bool)> {
    let flags = polled.revents();
    if flags.is_empty() {
        return None;
    }
    let bytes = match kind {
        EventType::FdRead if flags.contains(PollFlags::IN) => ioctl_fionread(fd).unwrap_or(1),
        EventType::FdWrite if flags.contains(PollFlags::OUT) => 1,
        _ => 0,
    };
    Some((bytes, flags.contains(PollFlags::HUP)))
}

fn write_event(event: &Event, memory: &mut Memory, pointer: u32) -> Result<(), Errno> {
    let mut bytes = [0; EVENT as usize];
    bytes[..8].copy_from_slice(&event.userdata);
    bytes[10] = event.kind as u8;
    bytes[16..24].copy_from_slice(&event.bytes.to_le_bytes());
    if event.hangup {
        bytes[24..26].copy_from_slice(&HANGUP.to_le_bytes());
    }
    memory.write(pointer, &bytes)
}
