//! What Linux and macOS do differently. Nobody has run what is written for macOS.

use std::num::NonZeroU64;
use std::os::fd::AsFd;

use rustix::io::Result;

/// How a file will be used: the values of preview 1's `advice`, in order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Advice {
    Normal,
    Sequential,
    Random,
    WillNeed,
    DontNeed,
    NoReuse,
}

#[cfg(target_os = "linux")]
pub(crate) use linux::{NO_SIGNAL, advise, random, sync_contents, without_signal};
#[cfg(target_os = "macos")]
pub(crate) use macos::{NO_SIGNAL, advise, random, sync_contents, without_signal};

#[cfg(target_os = "linux")]
mod linux {
    use rustix::net::SendFlags;
    use rustix::rand::{GetRandomFlags, getrandom};

    use super::{Advice, AsFd, NonZeroU64, Result};

    /// Sends without the signal that a closed connection would raise.
    pub(crate) const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;

    /// Makes sure of that where no flag says it.
    pub(crate) fn without_signal(_: impl AsFd) -> Result<()> {
        Ok(())
    }

    /// Fills a part of `bytes` with random ones, and gives its length.
    pub(crate) fn random(bytes: &mut [u8]) -> Result<usize> {
        getrandom(bytes, GetRandomFlags::empty())
    }

    /// Brings a file's contents to the disk.
    pub(crate) fn sync_contents(file: impl AsFd) -> Result<()> {
        rustix::fs::fdatasync(file)
    }

    /// Tells how a part of a file will be used; all of the rest if there is no length.
    pub(crate) fn advise(file: impl AsFd, offset: u64, length: Option<NonZeroU64>, advice: Advice) -> Result<()> {
        let advice = match advice {
            Advice::Normal => rustix::fs::Advice::Normal,
            Advice::Sequential => rustix::fs::Advice::Sequential,
            Advice::Random => rustix::fs::Advice::Random,
            Advice::WillNeed => rustix::fs::Advice::WillNeed,
            Advice::DontNeed => rustix::fs::Advice::DontNeed,
            Advice::NoReuse => rustix::fs::Advice::NoReuse,
        };
        rustix::fs::fadvise(file, offset, length, advice)
    }
}

#[cfg(target_os = "macos")]
mod macos {
    use std::fs::File;
    use std::io::Read;

    use rustix::io::Errno;
    use rustix::net::SendFlags;

    use super::{Advice, AsFd, NonZeroU64, Result};

    pub(crate) const NO_SIGNAL: SendFlags = SendFlags::empty();

    pub(crate) fn without_signal(socket: impl AsFd) -> Result<()> {
        rustix::net::sockopt::set_socket_nosigpipe(socket, true)
    }

    pub(crate) fn random(bytes: &mut [u8]) -> Result<usize> {
        let read = File::open("/dev/urandom").and_then(|mut source| source.read(bytes));
        read.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }

    /// Nothing less than all of it does.
    pub(crate) fn sync_contents(file: impl AsFd) -> Result<()> {
        rustix::fs::fsync(file)
    }

    /// The system takes no advice on files that it need not have.
    pub(crate) fn advise(_: impl AsFd, _: u64, _: Option<NonZeroU64>, _: Advice) -> Result<()> {
        Ok(())
    }
}
