//! Sockets of preview 1: accepting, receiving and sending on ones that the host has opened.

use crate::abi::{FdFlags, Filetype, RECV_DATA_TRUNCATED, RiFlags, Rights, SdFlags, flags};
use crate::descriptor::Object;
use crate::errno::Errno;
use crate::memory::Memory;
use crate::p1::WasiP1Ctx;
use crate::system::{NO_SIGNAL, without_signal};
use rustix::event::PollFlags;
use rustix::io::{fcntl_setfd, ioctl_fionbio, retry_on_intr};
use rustix::net::sockopt::socket_type;
use rustix::net::{
    RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendAncillaryBuffer, Shutdown, SocketType, accept, recvmsg, sendmsg, shutdown,
};
use std::io::IoSlice;
use std::os::fd::{AsFd, OwnedFd};

/// Datagram sockets are told apart from all others.
pub(crate) fn filetype(socket: impl AsFd) -> Filetype {
    match socket_type(socket) {
        Ok(SocketType::DGRAM) => Filetype::SocketDgram,
        _ => Filetype::SocketStream,
    }
}

/// Waits for a connection to a listener and opens it.
pub(crate) fn sock_accept(ctx: &mut WasiP1Ctx, memory: &mut Memory, fd: u32, new: u32, accepted: u32) -> Result<(), Errno> {
    memory.check(accepted, 4)?;
    let new: FdFlags = flags(new)?;
    if !(new - FdFlags::NONBLOCK).is_empty() {
        return Err(Errno::Inval);
    }
    let listener = ctx.descriptors.socket(fd, Rights::SOCK_ACCEPT)?;
    ctx.interruption.wait_before(listener, PollFlags::IN)?;
    let socket = retry_on_intr(|| accept(listener))?;
    // Not for processes that the host starts.
    fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    ioctl_fionbio(&socket, new.contains(FdFlags::NONBLOCK))?;
    let opened = ctx.descriptors.insert(Object::Socket(socket).into())?;
    memory.write_u32(accepted, opened)
}

/// Receives a message.
pub(crate) fn sock_recv(
    ctx: &mut WasiP1Ctx,
    memory: &mut Memory,
    fd: u32,
    ri_data: u32,
    ri_data_len: u32,
    ri_flags: u32,
    datalen: u32,
    ro_flags: u32,
) -> Result<(), Errno> {
    memory.check(datalen, 4)?;
    memory.check(ro_flags, 2)?;
    let asked: RiFlags = flags(ri_flags)?;
    let mut host = RecvFlags::empty();
    host.set(RecvFlags::PEEK, asked.contains(RiFlags::RECV_PEEK));
    host.set(RecvFlags::WAITALL, asked.contains(RiFlags::RECV_WAITALL));
    let socket = ctx.descriptors.socket(fd, Rights::FD_READ)?;
    ctx.interruption.wait_before(socket, PollFlags::IN)?;
    let received = memory.scatter(ri_data, ri_data_len, |buffers| {
        let mut no_control = RecvAncillaryBuffer::default();
        Ok(retry_on_intr(|| recvmsg(socket, buffers, &mut no_control, host))?)
    })?;
    let truncated = received.flags.contains(ReturnFlags::TRUNC);
    memory.write_u32(datalen, received.bytes as u32)?;
    memory.write_u16(ro_flags, if truncated { RECV_DATA_TRUNCATED } else { 0 })
}

/// Sends a message. There are no flags to it.
pub(crate) fn sock_send(
    ctx: &mut WasiP1Ctx,
    memory: &mut Memory,
    fd: u32,
    si_data: u32,
    si_data_len: u32,
    si_flags: u32,
    datalen: u32,
) -> Result<(), Errno> {
    memory.check(datalen, 4)?;
    if si_flags != 0 {
        return Err(Errno::Inval);
    }
    let socket = ctx.descriptors.socket(fd, Rights::FD_WRITE)?;
    let sent = memory.gather(si_data, si_data_len, |buffers| send(socket, buffers))?;
    memory.write_u32(datalen, sent as u32)
}

/// Sends without the signal that a closed connection would raise.
pub(crate) fn send(socket: &OwnedFd, buffers: &[IoSlice]) -> Result<usize, Errno> {
    let mut no_control = SendAncillaryBuffer::default();
    without_signal(socket)?;
    Ok(retry_on_intr(|| sendmsg(socket, buffers, &mut no_control, NO_SIGNAL))?)
}

/// Ends one or both directions of a connection.
pub(crate) fn sock_shutdown(ctx: &mut WasiP1Ctx, _: &mut Memory, fd: u32, how: u32) -> Result<(), Errno> {
    let how: SdFlags = flags(how)?;
    let how = match (how.contains(SdFlags::RD), how.contains(SdFlags::WR)) {
        (true, true) => Shutdown::Both,
        (true, false) => Shutdown::Read,
        (false, true) => Shutdown::Write,
        (false, false) => return Err(Errno::Inval),
    };
    Ok(shutdown(ctx.descriptors.socket(fd, Rights::SOCK_SHUTDOWN)?, how)?)
}
