//! Sockets that the host has opened.

use super::*;
use crate::cli::OutputFile;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;

/// The first socket: after the standard streams and one folder.
const SOCKET: u32 = 4;

impl Guest {
    fn recv(&mut self, fd: u32, length: u32, flags: u64) -> Result<(Vec<u8>, u16), Errno> {
        self.list(BUFFER, length);
        let result = u64::from(RESULT);
        self.call("sock_recv", &[fd.into(), LIST.into(), 1, flags, result, result + 4])?;
        Ok((self.slice(BUFFER, self.u32(RESULT)).to_vec(), self.u16(RESULT + 4)))
    }

    fn send(&mut self, fd: u32, bytes: &[u8]) -> Result<u32, Errno> {
        self.put(BUFFER, bytes);
        self.list(BUFFER, bytes.len() as u32);
        self.call("sock_send", &[fd.into(), LIST.into(), 1, 0, RESULT.into()])?;
        Ok(self.u32(RESULT))
    }
}

#[test]
fn a_listener_accepts_and_the_connection_carries_bytes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut guest = Guest::with(|builder| {
        builder.preopened_socket(listener);
    });
    assert_eq!(guest.fdstat(SOCKET).unwrap().0, 6);
    guest.call("fd_fdstat_set_flags", &[SOCKET.into(), NONBLOCK]).unwrap();
    assert_eq!(guest.call("sock_accept", &[SOCKET.into(), 0, RESULT.into()]), Err(Errno::Again));
    guest.call("fd_fdstat_set_flags", &[SOCKET.into(), 0]).unwrap();
    let mut peer = TcpStream::connect(address).unwrap();
    guest.call("sock_accept", &[SOCKET.into(), NONBLOCK, RESULT.into()]).unwrap();
    let connection = guest.u32(RESULT);
    assert_eq!(connection, SOCKET + 1);
    assert_eq!(guest.fdstat(connection).unwrap().1, NONBLOCK as u16);
    assert_eq!(guest.recv(connection, 10, 0).err(), Some(Errno::Again));
    guest.call("fd_fdstat_set_flags", &[connection.into(), 0]).unwrap();
    peer.write_all(b"request").unwrap();
    assert_eq!(guest.recv(connection, 3, 1).unwrap(), (b"req".to_vec(), 0));
    assert_eq!(guest.recv(connection, 3, 0).unwrap(), (b"req".to_vec(), 0));
    assert_eq!(guest.read(connection, 10).unwrap(), b"uest");
    assert_eq!(guest.send(connection, b"ans"), Ok(3));
    assert_eq!(guest.write(connection, b"wer"), Ok(3));
    assert_eq!(guest.call("sock_shutdown", &[connection.into(), 2]), Ok(()));
    let mut answer = String::new();
    peer.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "answer");
    drop(peer);
    assert_eq!(guest.recv(connection, 10, 0).unwrap(), (vec![], 0));
}

#[test]
fn waiting_for_all_takes_several_messages() {
    let (ours, mut peer) = UnixStream::pair().unwrap();
    let mut guest = Guest::with(|builder| {
        builder.preopened_socket(ours);
    });
    peer.write_all(b"ab").unwrap();
    let sending = std::thread::spawn(move || peer.write_all(b"cd").unwrap());
    assert_eq!(guest.recv(SOCKET, 4, 2).unwrap().0, b"abcd");
    sending.join().unwrap();
}

#[test]
fn a_datagram_too_long_for_the_buffers_is_marked() {
    let (ours, peer) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let (our_address, peer_address) = (ours.local_addr().unwrap(), peer.local_addr().unwrap());
    ours.connect(peer_address).unwrap();
    peer.connect(our_address).unwrap();
    let mut guest = Guest::with(|builder| {
        builder.preopened_socket(ours);
    });
    assert_eq!(guest.fdstat(SOCKET).unwrap().0, 5);
    peer.send(b"datagram").unwrap();
    assert_eq!(guest.recv(SOCKET, 4, 0).unwrap(), (b"data".to_vec(), 1));
    assert_eq!(guest.send(SOCKET, b"reply"), Ok(5));
    let mut reply = [0; 10];
    assert_eq!(peer.recv(&mut reply).unwrap(), 5);
}

#[test]
fn a_closed_connection_is_a_broken_pipe_and_no_signal() {
    let (ours, peer) = UnixStream::pair().unwrap();
    drop(peer);
    let mut guest = Guest::with(|builder| {
        builder.preopened_socket(ours);
    });
    assert_eq!(guest.send(SOCKET, b"x"), Err(Errno::Pipe));
    assert_eq!(guest.write(SOCKET, b"x"), Err(Errno::Pipe));
}

#[test]
fn wrong_uses_of_sockets_are_told_apart() {
    let (ours, _peer) = UnixStream::pair().unwrap();
    let mut guest = Guest::with(|builder| {
        builder.preopened_socket(ours).stdout(OutputFile::new(fs::File::create("/dev/null").unwrap()));
    });
    let fd = u64::from(SOCKET);
    for other in [0, 1, ROOT] {
        assert_eq!(guest.recv(other, 1, 0).err(), Some(Errno::NotSock));
        assert_eq!(guest.send(other, b"x"), Err(Errno::NotSock));
        assert_eq!(guest.call("sock_accept", &[other.into(), 0, RESULT.into()]), Err(Errno::NotSock));
        assert_eq!(guest.call("sock_shutdown", &[other.into(), 1]), Err(Errno::NotSock));
    }
    assert_eq!(guest.call("sock_accept", &[fd, 0, RESULT.into()]), Err(Errno::Inval));
    assert_eq!(guest.call("sock_accept", &[fd, APPEND, RESULT.into()]), Err(Errno::Inval));
    for how in [0, 4] {
        assert_eq!(guest.call("sock_shutdown", &[fd, how]), Err(Errno::Inval));
    }
    assert_eq!(guest.recv(SOCKET, 1, 4).err(), Some(Errno::Inval));
    let flags = [fd, LIST.into(), 1, 1, RESULT.into()];
    assert_eq!(guest.call("sock_send", &flags), Err(Errno::Inval));
    assert_eq!(guest.seek(SOCKET, 0, 1), Err(Errno::Spipe));
    assert_eq!(guest.call("fd_pread", &[fd, LIST.into(), 1, 0, RESULT.into()]), Err(Errno::Spipe));
    assert_eq!(guest.fstat(SOCKET).unwrap().filetype, 6);
}
