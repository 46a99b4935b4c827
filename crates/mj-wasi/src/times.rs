//! Times of files: as a guest sets them and as the host reports them.

use crate::abi::{Filestat, Filetype, FstFlags};
use crate::errno::Errno;
use cap_fs_ext::SystemTimeSpec;
use cap_std::fs::{Metadata, MetadataExt};
use rustix::fs::{FileType, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use std::time::{Duration, SystemTime};

const NANOSECONDS: u64 = 1_000_000_000;

/// What a time of a file becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamp {
    Unchanged,
    Now,
    /// Nanoseconds since 1970.
    At(u64),
}

/// What both times of a file become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamps {
    accessed: Stamp,
    modified: Stamp,
}

impl Stamps {
    /// From arguments: asking for a given time and for the present one at once is invalid.
    pub fn new(atim: u64, mtim: u64, flags: FstFlags) -> Result<Self, Errno> {
        let stamp = |time, given, now| match (flags.contains(given), flags.contains(now)) {
            (true, true) => Err(Errno::Inval),
            (true, false) => Ok(Stamp::At(time)),
            (false, true) => Ok(Stamp::Now),
            (false, false) => Ok(Stamp::Unchanged),
        };
        Ok(Stamps {
            accessed: stamp(atim, FstFlags::ATIM, FstFlags::ATIM_NOW)?,
            modified: stamp(mtim, FstFlags::MTIM, FstFlags::MTIM_NOW)?,
        })
    }

    /// For an open file.
    pub fn for_file(self) -> Timestamps {
        let spec = |stamp| match stamp {
            Stamp::Unchanged => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            Stamp::Now => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
            // Both parts of a `u64` of nanoseconds fit every type of theirs.
            Stamp::At(time) => Timespec { tv_sec: (time / NANOSECONDS) as _, tv_nsec: (time % NANOSECONDS) as _ },
        };
        Timestamps { last_access: spec(self.accessed), last_modification: spec(self.modified) }
    }

    /// For a path: when accessed, when modified.
    pub fn for_path(self) -> (Option<SystemTimeSpec>, Option<SystemTimeSpec>) {
        let spec = |stamp| match stamp {
            Stamp::Unchanged => None,
            Stamp::Now => Some(SystemTimeSpec::SymbolicNow),
            Stamp::At(time) => {
                let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(time);
                Some(SystemTimeSpec::Absolute(cap_std::time::SystemTime::from_std(time)))
            }
        };
        (spec(self.accessed), spec(self.modified))
    }
}

impl From<Stat> for Filestat {
    #[allow(clippy::unnecessary_cast, reason = "the widths differ between hosts")]
    fn from(stat: Stat) -> Self {
        Filestat {
            dev: stat.st_dev as u64,
            ino: stat.st_ino as u64,
            filetype: FileType::from_raw_mode(stat.st_mode).into(),
            nlink: stat.st_nlink as u64,
            size: stat.st_size as u64,
            atim: nanoseconds(stat.st_atime as i64, stat.st_atime_nsec as i64),
            mtim: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            ctim: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        }
    }
}

impl From<Metadata> for Filestat {
    fn from(stat: Metadata) -> Self {
        Filestat {
            dev: stat.dev(),
            ino: stat.ino(),
            filetype: Filetype::from(FileType::from_raw_mode(stat.mode() as _)),
            nlink: stat.nlink(),
            size: stat.size(),
            atim: nanoseconds(stat.atime(), stat.atime_nsec()),
            mtim: nanoseconds(stat.mtime(), stat.mtime_nsec()),
            ctim: nanoseconds(stat.ctime(), stat.ctime_nsec()),
        }
    }
}

/// Times before 1970 cannot be told to a guest and become 0.
fn nanoseconds(seconds: i64, nanoseconds: i64) -> u64 {
    let total = i128::from(seconds) * i128::from(NANOSECONDS) + i128::from(nanoseconds);
    u64::try_from(total.max(0)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_given_or_now_or_neither_but_not_both() {
        let both = FstFlags::ATIM | FstFlags::ATIM_NOW;
        assert_eq!(Stamps::new(0, 0, both), Err(Errno::Inval));
        let both = FstFlags::MTIM | FstFlags::MTIM_NOW;
        assert_eq!(Stamps::new(0, 0, both), Err(Errno::Inval));
        let stamps = Stamps::new(7, 8, FstFlags::ATIM | FstFlags::MTIM_NOW);
        assert_eq!(stamps, Ok(Stamps { accessed: Stamp::At(7), modified: Stamp::Now }));
    }

    #[test]
    fn times_out_of_range_are_clamped() {
        assert_eq!(nanoseconds(-1, 5), 0);
        assert_eq!(nanoseconds(2, 5), 2_000_000_005);
        assert_eq!(nanoseconds(i64::MAX, 0), u64::MAX);
    }
}
