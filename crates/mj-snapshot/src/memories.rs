//! Memories at their current sizes, and what is not zero in them, as segments.

use std::ops::Range;

use mj_jit::AsContext;
use wasm_encoder::reencode::Reencode;
use wasm_encoder::{ConstExpr, DataSection, MemorySection};
use wasmparser::ExternalKind;

use crate::code::Code;
use crate::error::{Reason, SnapshotError};
use crate::layout::Layout;
use crate::parts::Part;

/// Data or element segments that engines accept ("Implementation Limitations" of the JavaScript API).
pub(crate) const MOST_SEGMENTS: usize = 100_000;

/// Bytes of a module that engines accept (as above).
const MOST_BYTES: usize = 1 << 30;

/// Zeros that are worth a segment of their own around them: a segment takes 7 to 11 bytes, and as long to set up as copying a few dozen.
const GAP: usize = 32;

/// Zeros are looked for in blocks of this size.
const BLOCK: usize = 4096;

/// Memories and data segments.
pub(crate) struct Memories {
    pub memories: MemorySection,
    pub data: DataSection,
}

/// Passive segments that code uses come first, then what the memories hold.
pub(crate) fn sections(store: &impl AsContext, parts: &[Part<'_>], layout: &Layout<'_>, code: &Code) -> Result<Memories, SnapshotError> {
    let (mut memories, mut data) = (MemorySection::new(), DataSection::new());
    let mut total = 0;
    for (part, index) in code.segments.data.iter() {
        let segment =
            parts[part].instance.debug_data_segment(store.as_context(), index).expect("an instance has what its module describes");
        total += segment.len();
        data.passive(segment.iter().copied());
    }
    let count = layout.items(ExternalKind::Memory).len();
    for (index, item) in layout.items(ExternalKind::Memory).iter().enumerate() {
        let part = &parts[item.part];
        let memory = part.instance.debug_memory(store, item.index).expect("an instance has what its module describes");
        let mut ty = part.memories[item.index as usize];
        if ty.shared {
            let memory = part.describe(ExternalKind::Memory, item.index);
            return Err(SnapshotError::new(Reason::Proposal, format!("{memory} is shared, which snapshots cannot keep yet")));
        }
        ty.initial = memory.size(store);
        memories.memory(layout.of_part(item.part).memory_type(ty)?);
        let bytes = memory.data(store.as_context());
        let rest = MOST_SEGMENTS.saturating_sub(data.len() as usize);
        for range in join(runs(bytes), GAP, rest / (count - index))? {
            total += range.len();
            if total > MOST_BYTES {
                return Err(SnapshotError::new(
                    Reason::Limit,
                    "the memory holds more than 1 GiB that is not zero, which is more than modules may have",
                ));
            }
            data.active(index as u32, &offset(range.start as u64, ty.memory64), bytes[range].iter().copied());
        }
    }
    Ok(Memories { memories, data })
}

/// Where a segment begins, as an expression.
pub(crate) fn offset(at: u64, is_64_bit: bool) -> ConstExpr {
    if is_64_bit { ConstExpr::i64_const(at.cast_signed()) } else { ConstExpr::i32_const(at as u32 as i32) }
}

/// The smallest ranges that hold all that is not zero and have more than [`GAP`] zeros between them.
fn runs(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (block, start) in bytes.chunks(BLOCK).zip((0..).step_by(BLOCK)) {
        if block == &[0; BLOCK][..block.len()] {
            continue;
        }
        for (at, _) in (start..).zip(block).filter(|(_, byte)| **byte != 0) {
            match runs.last_mut() {
                Some(last) if at - last.end <= GAP => last.end = at + 1,
                _ => runs.push(at..at + 1),
            }
        }
    }
    runs
}

/// Joins ranges with at most `gap` between them; if that leaves more than `most`, larger gaps are closed, too, as few as will do.
pub(crate) fn join(ranges: Vec<Range<usize>>, mut gap: usize, most: usize) -> Result<Vec<Range<usize>>, SnapshotError> {
    if ranges.is_empty() {
        return Ok(ranges);
    }
    if most == 0 {
        return Err(SnapshotError::new(Reason::Limit, format!("the snapshot needs more than {MOST_SEGMENTS} segments of a kind")));
    }
    let mut gaps: Vec<usize> = ranges.windows(2).map(|pair| pair[1].start - pair[0].end).collect();
    if gaps.len() >= most {
        gaps.sort_unstable();
        gap = gap.max(gaps[gaps.len() - most]);
    }
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start - last.end <= gap => last.end = range.end,
            _ => joined.push(range),
        }
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sparse(length: usize, bytes: &[usize]) -> Vec<u8> {
        let mut memory = vec![0; length];
        bytes.iter().for_each(|&at| memory[at] = 1);
        memory
    }

    #[test]
    fn short_gaps_are_kept_and_long_ones_left_out() {
        assert_eq!(runs(&sparse(100, &[0, GAP + 1, 99])), [0..GAP + 2, 99..100]);
        assert_eq!(runs(&sparse(100, &[0, GAP + 2])), [0..1, GAP + 2..GAP + 3]);
        assert_eq!(
            runs(&sparse(5 * BLOCK, &[BLOCK - 1, BLOCK, 4 * BLOCK, 5 * BLOCK - 1])),
            [BLOCK - 1..BLOCK + 1, 4 * BLOCK..4 * BLOCK + 1, 5 * BLOCK - 1..5 * BLOCK]
        );
        assert_eq!(runs(&sparse(3 * BLOCK + 1, &[0, 3 * BLOCK])), [0..1, 3 * BLOCK..3 * BLOCK + 1]);
        assert_eq!(runs(&[0; 10]), []);
        assert_eq!(runs(&[]), []);
    }

    #[test]
    fn the_shortest_gaps_are_closed_when_there_are_too_many_ranges() {
        let ranges = vec![0..1, 5..6, 8..9, 20..21];
        let joined = |gap, most| join(ranges.clone(), gap, most).unwrap();
        assert_eq!(joined(0, 4), ranges);
        assert_eq!(joined(2, 4), [0..1, 5..9, 20..21]);
        assert_eq!(joined(0, 3), [0..1, 5..9, 20..21]);
        assert_eq!(joined(0, 2), [0..9, 20..21]);
        assert_eq!(joined(0, 1).first(), Some(&(0..21)));
        assert_eq!(join(ranges, 0, 0).unwrap_err().reason(), Reason::Limit);
        assert_eq!(join(Vec::new(), 0, 0), Ok(Vec::new()));
    }

    #[test]
    fn offsets_of_the_upper_half_of_a_memory_are_negative_constants() {
        let bytes = |at, is_64_bit| {
            let mut section = wasm_encoder::DataSection::new();
            section.active(0, &offset(at, is_64_bit), []);
            let mut bytes = Vec::new();
            wasm_encoder::Encode::encode(&section, &mut bytes);
            bytes[2..].to_vec()
        };
        assert_eq!(bytes(0xffff_ffff, false), [0, 0x41, 0x7f, 0x0b, 0]);
        assert_eq!(bytes(0x7f, true), [0, 0x42, 0xff, 0, 0x0b, 0]);
    }
}
