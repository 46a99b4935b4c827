//! What a WASI function answers with: error numbers, and their host counterparts.
//!
//! A guest sees a 16-bit number that means the same on every host, so each host error is
//! mapped here, in one table, and an error without a host number is mapped by its kind.
//!
//! Invariant: the numbers are those of `wasi_snapshot_preview1`, which `wasi_unstable` shares.

use rustix::io::Errno as Host;
use std::io::{Error, ErrorKind};

macro_rules! errno {
    ($($number:literal $name:ident $(= $($host:ident)|+)?,)*) => {
        /// A WASI error number (`errno` of preview 1).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub enum Errno {
            $(#[doc = concat!("`", stringify!($name), "`")] $name = $number,)*
        }

        /// Host numbers and what a guest sees for them.
        const FROM_HOST: &[(Host, Errno)] = &[$($($((Host::$host, Errno::$name),)+)?)*];
    };
}

errno! {
    1 TooBig = TOOBIG,
    2 Acces = ACCESS,
    3 AddrInUse = ADDRINUSE,
    4 AddrNotAvail = ADDRNOTAVAIL,
    5 AfNoSupport = AFNOSUPPORT,
    6 Again = AGAIN,
    7 Already = ALREADY,
    8 Badf = BADF,
    9 BadMsg = BADMSG,
    10 Busy = BUSY,
    11 Canceled = CANCELED,
    12 Child = CHILD,
    13 ConnAborted = CONNABORTED,
    14 ConnRefused = CONNREFUSED,
    15 ConnReset = CONNRESET,
    16 Deadlk = DEADLK,
    17 DestAddrReq = DESTADDRREQ,
    18 Dom = DOM,
    19 Dquot = DQUOT,
    20 Exist = EXIST,
    21 Fault = FAULT,
    22 Fbig = FBIG,
    23 HostUnreach = HOSTUNREACH,
    24 Idrm = IDRM,
    25 Ilseq = ILSEQ,
    26 InProgress = INPROGRESS,
    27 Intr = INTR,
    28 Inval = INVAL,
    29 Io = IO,
    30 IsConn = ISCONN,
    31 IsDir = ISDIR,
    32 Loop = LOOP,
    33 Mfile = MFILE,
    34 Mlink = MLINK,
    35 MsgSize = MSGSIZE,
    36 Multihop = MULTIHOP,
    37 NameTooLong = NAMETOOLONG,
    38 NetDown = NETDOWN,
    39 NetReset = NETRESET,
    40 NetUnreach = NETUNREACH,
    41 Nfile = NFILE,
    42 NoBufs = NOBUFS,
    43 NoDev = NODEV,
    44 NoEnt = NOENT,
    45 NoExec = NOEXEC,
    46 NoLck = NOLCK,
    47 NoLink = NOLINK,
    48 NoMem = NOMEM,
    49 NoMsg = NOMSG,
    50 NoProtoOpt = NOPROTOOPT,
    51 NoSpc = NOSPC,
    52 NoSys = NOSYS,
    53 NotConn = NOTCONN,
    54 NotDir = NOTDIR,
    55 NotEmpty = NOTEMPTY,
    56 NotRecoverable = NOTRECOVERABLE,
    57 NotSock = NOTSOCK,
    58 NotSup = NOTSUP | OPNOTSUPP,
    59 NoTty = NOTTY,
    60 Nxio = NXIO,
    61 Overflow = OVERFLOW,
    62 OwnerDead = OWNERDEAD,
    63 Perm = PERM,
    64 Pipe = PIPE,
    65 Proto = PROTO,
    66 ProtoNoSupport = PROTONOSUPPORT,
    67 ProtoType = PROTOTYPE,
    68 Range = RANGE,
    69 Rofs = ROFS,
    70 Spipe = SPIPE,
    71 Srch = SRCH,
    72 Stale = STALE,
    73 TimedOut = TIMEDOUT,
    74 TxtBsy = TXTBSY,
    75 Xdev = XDEV,
    76 NotCapable,
}

impl From<Host> for Errno {
    fn from(host: Host) -> Self {
        let found = FROM_HOST.iter().find(|(number, _)| *number == host);
        found.map_or(Errno::Io, |&(_, errno)| errno)
    }
}

impl From<Error> for Errno {
    fn from(error: Error) -> Self {
        match error.raw_os_error() {
            Some(raw) => Host::from_raw_os_error(raw).into(),
            None => from_kind(error.kind()),
        }
    }
}

/// Errors that no system call made: a path that leaves its folder is `PermissionDenied`.
fn from_kind(kind: ErrorKind) -> Errno {
    match kind {
        ErrorKind::PermissionDenied => Errno::Perm,
        ErrorKind::NotFound => Errno::NoEnt,
        ErrorKind::AlreadyExists => Errno::Exist,
        ErrorKind::InvalidInput => Errno::Inval,
        ErrorKind::InvalidData => Errno::Ilseq,
        ErrorKind::WouldBlock => Errno::Again,
        ErrorKind::Interrupted => Errno::Intr,
        ErrorKind::BrokenPipe => Errno::Pipe,
        ErrorKind::StorageFull => Errno::NoSpc,
        ErrorKind::OutOfMemory => Errno::NoMem,
        ErrorKind::Unsupported => Errno::NotSup,
        ErrorKind::TimedOut => Errno::TimedOut,
        _ => Errno::Io,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_last_numbers_are_those_of_the_specification() {
        assert_eq!(Errno::TooBig as u16, 1);
        assert_eq!(Errno::Badf as u16, 8);
        assert_eq!(Errno::NoEnt as u16, 44);
        assert_eq!(Errno::NotCapable as u16, 76);
    }

    #[test]
    fn host_numbers_and_kinds_are_mapped() {
        assert_eq!(Errno::from(Host::NOTEMPTY), Errno::NotEmpty);
        assert_eq!(Errno::from(Error::from_raw_os_error(Host::LOOP.raw_os_error())), Errno::Loop);
        assert_eq!(Errno::from(Error::new(ErrorKind::PermissionDenied, "outside")), Errno::Perm);
        assert_eq!(Errno::from(Host::XFULL), Errno::Io);
    }
}
