//! A guest's memory as seen by one WASI call, with every pointer and length checked.
//!
//! All a guest passes is numbers. Here they become slices, or `EFAULT`; nothing is copied,
//! and nothing is allocated for a scatter-gather list of common length.
//!
//! Invariants: no access outside the slice, no overflow (sums are made in `u64`), and the
//! total length of a scatter-gather list fits an `i32` as on every host.

use crate::errno::Errno;
use std::array;
use std::io::{IoSlice, IoSliceMut};
use std::mem;
use std::ops::Range;

/// Lists up to this length live on the stack.
const SHORT_LIST: usize = 16;
/// Longer lists are refused, as by every POSIX host (`IOV_MAX`).
const LONGEST_LIST: usize = 1024;
/// What Linux reads or writes at most in one call.
const MOST_BYTES: u64 = 0x7fff_f000;
/// Bytes of one list element: pointer and length.
const ELEMENT: u32 = 8;
/// Longer paths are refused before they are looked at or copied (`PATH_MAX` of Linux, less the zero byte).
const LONGEST_PATH: u32 = 4095;

/// One guest's linear memory for the time of one call.
pub(crate) struct Memory<'a>(&'a mut [u8]);

impl<'a> Memory<'a> {
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Memory(bytes)
    }

    fn range(&self, pointer: u32, length: u32) -> Result<Range<usize>, Errno> {
        let end = u64::from(pointer) + u64::from(length);
        if end > self.0.len() as u64 {
            return Err(Errno::Fault);
        }
        Ok(pointer as usize..end as usize)
    }

    /// Fails unless `length` bytes at `pointer` exist: for results, before anything is done.
    pub fn check(&self, pointer: u32, length: u32) -> Result<(), Errno> {
        self.range(pointer, length).map(drop)
    }

    /// Like [`Memory::check`] for `count` elements of `size` bytes.
    pub fn check_array(&self, pointer: u32, count: u32, size: u32) -> Result<(), Errno> {
        let length = count.checked_mul(size).ok_or(Errno::Fault)?;
        self.check(pointer, length)
    }

    pub fn bytes(&self, pointer: u32, length: u32) -> Result<&[u8], Errno> {
        Ok(&self.0[self.range(pointer, length)?])
    }

    pub fn bytes_mut(&mut self, pointer: u32, length: u32) -> Result<&mut [u8], Errno> {
        let range = self.range(pointer, length)?;
        Ok(&mut self.0[range])
    }

    /// A path, which WASI defines as UTF-8.
    pub fn path(&self, pointer: u32, length: u32) -> Result<&str, Errno> {
        let bytes = self.bytes(pointer, length)?;
        if length > LONGEST_PATH {
            return Err(Errno::NameTooLong);
        }
        str::from_utf8(bytes).map_err(|_| Errno::Ilseq)
    }

    /// `N` bytes at `pointer`, for structures and numbers.
    pub fn read<const N: usize>(&self, pointer: u32) -> Result<[u8; N], Errno> {
        let bytes = self.bytes(pointer, N as u32)?;
        Ok(array::from_fn(|at| bytes[at]))
    }

    pub fn write(&mut self, pointer: u32, bytes: &[u8]) -> Result<(), Errno> {
        let length = u32::try_from(bytes.len()).map_err(|_| Errno::Fault)?;
        self.bytes_mut(pointer, length)?.copy_from_slice(bytes);
        Ok(())
    }

    pub fn write_u16(&mut self, pointer: u32, value: u16) -> Result<(), Errno> {
        self.write(pointer, &value.to_le_bytes())
    }

    pub fn write_u32(&mut self, pointer: u32, value: u32) -> Result<(), Errno> {
        self.write(pointer, &value.to_le_bytes())
    }

    pub fn write_u64(&mut self, pointer: u32, value: u64) -> Result<(), Errno> {
        self.write(pointer, &value.to_le_bytes())
    }

    /// Calls `write` with the buffers of a `ciovec` list, in order, empty ones left out.
    pub fn gather<R>(&self, list: u32, count: u32, write: impl FnOnce(&[IoSlice]) -> Result<R, Errno>) -> Result<R, Errno> {
        let mut short = [const { Range { start: 0, end: 0 } }; SHORT_LIST];
        let mut long = Vec::new();
        let ranges = self.list(list, count, &mut short, &mut long)?;
        if ranges.len() <= SHORT_LIST {
            let mut slices = [IoSlice::new(&[]); SHORT_LIST];
            for (slice, range) in slices.iter_mut().zip(ranges.iter()) {
                *slice = IoSlice::new(&self.0[range.clone()]);
            }
            return write(&slices[..ranges.len()]);
        }
        let slices: Vec<_> = ranges.iter().map(|range| IoSlice::new(&self.0[range.clone()])).collect();
        write(&slices)
    }

    /// Calls `read` with the buffers of an `iovec` list, in order, empty ones left out.
    ///
    /// Of buffers that overlap only the first is passed, which makes the read a short one.
    pub fn scatter<R>(&mut self, list: u32, count: u32, read: impl FnOnce(&mut [IoSliceMut]) -> Result<R, Errno>) -> Result<R, Errno> {
        let mut short = [const { Range { start: 0, end: 0 } }; SHORT_LIST];
        let mut long = Vec::new();
        let ranges = self.list(list, count, &mut short, &mut long)?;
        if let [range] = ranges {
            return read(&mut [IoSliceMut::new(&mut self.0[range.clone()])]);
        }
        if ranges.len() <= SHORT_LIST {
            let mut order: [usize; SHORT_LIST] = array::from_fn(|at| at);
            let mut slices: [_; SHORT_LIST] = array::from_fn(|_| IoSliceMut::new(&mut []));
            let used = ranges.len();
            let used = split(self.0, ranges, &mut order[..used], &mut slices[..used]);
            return read(&mut slices[..used]);
        }
        let mut order: Vec<_> = (0..ranges.len()).collect();
        let mut slices: Vec<_> = ranges.iter().map(|_| IoSliceMut::new(&mut [])).collect();
        let used = split(self.0, ranges, &mut order, &mut slices);
        read(&mut slices[..used])
    }

    /// The non-empty ranges that a scatter-gather list describes, cut at [`MOST_BYTES`].
    fn list<'l>(
        &self,
        list: u32,
        count: u32,
        short: &'l mut [Range<usize>; SHORT_LIST],
        long: &'l mut Vec<Range<usize>>,
    ) -> Result<&'l [Range<usize>], Errno> {
        self.check_array(list, count, ELEMENT)?;
        if count as usize > LONGEST_LIST {
            return Err(Errno::Inval);
        }
        let ranges = if count as usize <= SHORT_LIST {
            &mut short[..]
        } else {
            long.resize(count as usize, 0..0);
            &mut long[..]
        };
        let mut used = 0;
        let mut left = MOST_BYTES;
        for at in 0..count {
            let element = u64::from_le_bytes(self.read(list + at * ELEMENT)?);
            let mut range = self.range(element as u32, (element >> 32) as u32)?;
            range.end = range.end.min(range.start + left as usize);
            left -= range.len() as u64;
            if !range.is_empty() {
                ranges[used] = range;
                used += 1;
            }
        }
        Ok(&ranges[..used])
    }
}

/// Splits `memory` into one slice per range, in list order; answers how many are usable.
fn split<'m>(memory: &'m mut [u8], ranges: &[Range<usize>], order: &mut [usize], slices: &mut [IoSliceMut<'m>]) -> usize {
    order.sort_unstable_by_key(|&at| ranges[at].start);
    if order.windows(2).any(|pair| ranges[pair[0]].end > ranges[pair[1]].start) {
        slices[0] = IoSliceMut::new(&mut memory[ranges[0].clone()]);
        return 1;
    }
    let mut rest = memory;
    let mut base = 0;
    for &at in &*order {
        let range = &ranges[at];
        let (_, tail) = mem::take(&mut rest).split_at_mut(range.start - base);
        let (slice, tail) = tail.split_at_mut(range.len());
        slices[at] = IoSliceMut::new(slice);
        (rest, base) = (tail, range.end);
    }
    ranges.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory of 64 KiB with an iovec list at 0.
    fn with_list(elements: &[(u32, u32)]) -> Vec<u8> {
        let mut bytes = vec![0; 65536];
        for (at, (pointer, length)) in elements.iter().enumerate() {
            bytes[at * 8..][..4].copy_from_slice(&pointer.to_le_bytes());
            bytes[at * 8 + 4..][..4].copy_from_slice(&length.to_le_bytes());
        }
        bytes
    }

    fn gathered(elements: &[(u32, u32)]) -> Result<Vec<usize>, Errno> {
        let mut bytes = with_list(elements);
        let memory = Memory::new(&mut bytes);
        memory.gather(0, elements.len() as u32, |slices| Ok(slices.iter().map(|slice| slice.len()).collect()))
    }

    /// Fills the buffers in order with 1, 2, 3, … and answers the memory and the count.
    fn scattered(elements: &[(u32, u32)]) -> (Vec<u8>, usize) {
        let mut bytes = with_list(elements);
        let count = Memory::new(&mut bytes).scatter(0, elements.len() as u32, |slices| {
            for (at, slice) in slices.iter_mut().enumerate() {
                slice.fill(at as u8 + 1);
            }
            Ok(slices.len())
        });
        (bytes, count.unwrap())
    }

    #[test]
    fn ranges_end_exactly_at_the_end_of_memory() {
        let mut bytes = [0; 16];
        let memory = Memory::new(&mut bytes);
        assert!(memory.bytes(0, 16).is_ok());
        assert!(memory.bytes(16, 0).is_ok());
        assert_eq!(memory.bytes(16, 1), Err(Errno::Fault));
        assert_eq!(memory.bytes(17, 0), Err(Errno::Fault));
        assert_eq!(memory.bytes(u32::MAX, u32::MAX), Err(Errno::Fault));
        assert_eq!(memory.check_array(0, u32::MAX, 48), Err(Errno::Fault));
    }

    #[test]
    fn invalid_utf8_is_an_illegal_sequence() {
        let mut bytes = [0x61, 0xff];
        let memory = Memory::new(&mut bytes);
        assert_eq!(memory.path(0, 1), Ok("a"));
        assert_eq!(memory.path(0, 2), Err(Errno::Ilseq));
    }

    #[test]
    fn a_path_longer_than_any_host_takes_is_refused() {
        let mut bytes = [b'a'; 5000];
        let memory = Memory::new(&mut bytes);
        assert_eq!(memory.path(0, 4095).map(str::len), Ok(4095));
        assert_eq!(memory.path(0, 4096), Err(Errno::NameTooLong));
        assert_eq!(memory.path(0, 5001), Err(Errno::Fault));
    }

    #[test]
    fn gather_leaves_out_empty_buffers_and_keeps_the_order() {
        assert_eq!(gathered(&[(900, 3), (0, 0), (800, 5)]), Ok(vec![3, 5]));
        assert_eq!(gathered(&[]), Ok(vec![]));
        let many: Vec<_> = (1..=40).map(|at| (1000, at)).collect();
        assert_eq!(gathered(&many), Ok((1..=40).collect()));
    }

    #[test]
    fn a_bad_list_or_buffer_is_a_fault_and_a_long_list_is_invalid() {
        assert_eq!(gathered(&[(65536, 1)]), Err(Errno::Fault));
        assert_eq!(gathered(&[(u32::MAX, u32::MAX)]), Err(Errno::Fault));
        let mut bytes = vec![0; 65536];
        let memory = Memory::new(&mut bytes);
        assert_eq!(memory.gather(65530, 1, |_| Ok(())), Err(Errno::Fault));
        assert_eq!(memory.gather(0, u32::MAX, |_| Ok(())), Err(Errno::Fault));
        assert_eq!(memory.gather(0, 1025, |_| Ok(())), Err(Errno::Inval));
    }

    #[test]
    fn scatter_fills_disjoint_buffers_in_list_order() {
        let (bytes, count) = scattered(&[(2000, 2), (1000, 3), (0, 0), (1003, 1)]);
        assert_eq!(count, 3);
        assert_eq!(bytes[2000..2002], [1, 1]);
        assert_eq!(bytes[1000..1004], [2, 2, 2, 3]);
        let many: Vec<_> = (0..40).map(|at| (5000 - at * 10, 10)).collect();
        let (bytes, count) = scattered(&many);
        assert_eq!(count, 40);
        assert_eq!((bytes[5000], bytes[4990], bytes[4610]), (1, 2, 40));
    }

    #[test]
    fn of_overlapping_buffers_only_the_first_is_filled() {
        let (bytes, count) = scattered(&[(2000, 4), (1998, 4)]);
        assert_eq!(count, 1);
        assert_eq!(bytes[1997..2005], [0, 0, 0, 1, 1, 1, 1, 0]);
    }
}
