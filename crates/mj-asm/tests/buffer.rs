//! Claims about labels, constants and the end of a function.

use mj_abi::{Site, TrapCode};
use mj_asm::{Branch, CodeBuffer, FixupKind, Relocation};

const REL32: FixupKind = FixupKind::new(0, 32, 0);
const REL8: FixupKind = FixupKind::new(0, 8, 0);

fn use_here(buffer: &mut CodeBuffer, label: mj_asm::Label) {
    let at = buffer.offset();
    buffer.put(0, 4);
    buffer.use_label(label, at, at + 4, REL32);
}

#[test]
fn forward_and_backward_uses_meet_at_the_same_label() {
    let mut buffer = CodeBuffer::new();
    buffer.reserve(64);
    let label = buffer.label();
    use_here(&mut buffer, label);
    use_here(&mut buffer, label);
    buffer.bind(label);
    use_here(&mut buffer, label);
    assert_eq!([0, 4, 8].map(|at| buffer.word(at) as i32), [4, 0, -4]);
    assert_eq!(buffer.label_offset(label), Some(8));
}

#[test]
fn chains_of_interleaved_labels_stay_apart() {
    let mut buffer = CodeBuffer::new();
    buffer.reserve(1024);
    let labels: Vec<_> = (0..7).map(|_| buffer.label()).collect();
    let mut uses = Vec::new();
    for i in 0..100 {
        let label = labels[i * i % 7];
        uses.push((buffer.offset(), label));
        use_here(&mut buffer, label);
    }
    for &label in labels.iter().rev() {
        buffer.bind(label);
        buffer.put(0x90, 1);
    }
    for (at, label) in uses {
        let target = buffer.label_offset(label).unwrap();
        assert_eq!(buffer.word(at) as usize, target - (at + 4), "use at {at}");
    }
}

#[test]
fn a_byte_fixup_at_the_end_of_the_code_changes_one_byte() {
    let mut buffer = CodeBuffer::new();
    buffer.reserve(16);
    let label = buffer.label();
    buffer.put(0x00eb, 2);
    buffer.use_label(label, 1, 2, REL8);
    buffer.put(0x44_3322_11aa, 5);
    buffer.bind(label);
    assert_eq!(buffer.code(), [0xeb, 5, 0xaa, 0x11, 0x22, 0x33, 0x44]);
}

#[test]
#[should_panic(expected = "does not fit")]
fn a_distance_beyond_its_field_is_refused() {
    let mut buffer = CodeBuffer::new();
    let label = buffer.label();
    buffer.put_space(4);
    buffer.use_label(label, 0, 1, REL8);
    buffer.put_space(200);
    buffer.bind(label);
}

#[test]
fn equal_constants_are_stored_once_and_aligned() {
    let mut buffer = CodeBuffer::new();
    buffer.reserve(256);
    let numbers = [1u64, 2, 1, u64::MAX, 2];
    let narrow = numbers.map(|bits| buffer.constant8(bits));
    let wide = buffer.constant16(1);
    assert_eq!(narrow[0], narrow[2]);
    assert_eq!(narrow[1], narrow[4]);
    assert_ne!(wide, narrow[0]);
    let places: Vec<_> = [wide, narrow[0], narrow[1], narrow[3]]
        .into_iter()
        .map(|label| {
            let at = buffer.offset();
            use_here(&mut buffer, label);
            at
        })
        .collect();
    buffer.put(0xc3, 1);
    buffer.finish_function(0xcc);
    let target = |index: usize| places[index] + 4 + buffer.word(places[index]) as usize;
    assert_eq!(target(0) % 16, 0);
    assert_eq!(buffer.code().len(), 32 + 16 + 3 * 8);
    let read = |at: usize| u64::from_le_bytes(buffer.code()[at..at + 8].try_into().unwrap());
    assert_eq!((read(target(0)), read(target(0) + 8)), (1, 0));
    assert_eq!([1, 2, 3].map(|index| read(target(index))), [1, 2, u64::MAX]);
    assert!(buffer.code()[17..32].iter().all(|&byte| byte == 0xcc));
}

#[test]
fn many_constants_are_found_again_and_forgotten_with_their_function() {
    let mut buffer = CodeBuffer::new();
    for _ in 0..2 {
        let start = buffer.offset();
        let first: Vec<_> = (0..1000).map(|bits| buffer.constant8(bits)).collect();
        let again: Vec<_> = (0..1000).map(|bits| buffer.constant8(bits)).collect();
        assert_eq!(first, again);
        assert_eq!(first[0].number(), 0);
        buffer.finish_function(0xcc);
        assert_eq!(buffer.offset() - start, 8000);
    }
}

#[test]
fn a_moved_tail_fills_space_left_in_front() {
    let mut buffer = CodeBuffer::new();
    buffer.put_space(8);
    buffer.put_bytes(b"body");
    let tail = buffer.offset();
    buffer.put_bytes(b"head");
    buffer.move_tail(tail, 4);
    assert_eq!(buffer.code(), b"\0\0\0\0headbody");
}

#[test]
fn rewinding_forgets_a_function_and_nothing_else() {
    let mut buffer = CodeBuffer::new();
    buffer.put_bytes(&[0x90; 8]);
    buffer.add_site(Site::new(8, 1, TrapCode::Call));
    buffer.add_relocation(2, 5);
    buffer.finish_function(0);
    let mark = buffer.mark();
    let label = buffer.label();
    buffer.put_space(4);
    buffer.use_label(label, 8, 12, REL32);
    buffer.constant8(3);
    buffer.add_site(Site::new(9, 2, TrapCode::UnreachableCodeReached));
    buffer.add_relocation(8, 6);
    buffer.rewind(mark);
    buffer.finish_function(0);
    let (code, sites, relocations) = buffer.take();
    assert_eq!(code, [0x90; 8]);
    assert_eq!(sites, [Site::new(8, 1, TrapCode::Call)]);
    assert_eq!(relocations, [Relocation { at: 2, function: 5 }]);
    assert!(buffer.code().is_empty());
}

/// A branch as some machine might have it: distances in words.
const BRANCH: Branch = Branch { word: 0x1400_0000, kind: FixupKind::new(0, 26, 2).with_veneer() };
const NEAR: FixupKind = FixupKind::new(5, 14, 2).with_veneer();
const MIDDLE: FixupKind = FixupKind::new(5, 19, 2).with_veneer();
const LOAD: FixupKind = FixupKind::new(5, 19, 2).of_constant();

/// Where the branch at `at` leads, through veneers.
fn destination(buffer: &CodeBuffer, at: usize) -> usize {
    let word = buffer.word(at);
    let field = |lowest: u32, bits: u32| ((word << (32 - lowest - bits)) as i32 >> (32 - bits)) as i64 * 4;
    match word >> 24 {
        0x36 => destination(buffer, (at as i64 + field(5, 14)) as usize),
        0x54 => destination(buffer, (at as i64 + field(5, 19)) as usize),
        0x14..=0x17 => destination(buffer, (at as i64 + field(0, 26)) as usize),
        _ => at,
    }
}

/// Puts words until the code ends at `end`, as a compiler would.
fn pad(buffer: &mut CodeBuffer, end: usize) {
    while buffer.offset() < end {
        buffer.reserve(4);
        if buffer.needs_island(4) {
            buffer.put_island(4, BRANCH, 0);
        }
        buffer.put(0xd503_201f, 4);
    }
}

fn branch(buffer: &mut CodeBuffer, label: mj_asm::Label, opcode: u64, kind: FixupKind) -> usize {
    pad(buffer, buffer.offset() + 4);
    let at = buffer.offset();
    buffer.reserve(8);
    buffer.put(opcode, 4);
    buffer.use_label(label, at, at, kind);
    at
}

#[test]
fn branches_reach_labels_beyond_their_fields() {
    for distance in [100, 32_000, 40_000, 1_000_000, 1_100_000, 2_500_000] {
        let mut buffer = CodeBuffer::new();
        let labels = [buffer.label(), buffer.label()];
        let mut branches = Vec::new();
        for round in 0..200 {
            let label = labels[round % 2];
            branches.push((branch(&mut buffer, label, 0x3600_0000, NEAR), label));
            branches.push((branch(&mut buffer, label, 0x5400_0000, MIDDLE), label));
        }
        for label in labels {
            let end = buffer.offset() + distance;
            pad(&mut buffer, end);
            buffer.bind(label);
        }
        pad(&mut buffer, 3_000_000);
        for (at, label) in branches {
            assert_eq!(Some(destination(&buffer, at)), buffer.label_offset(label), "distance {distance}, branch at {at}");
        }
    }
}

#[test]
fn labels_that_are_bound_in_time_need_no_island() {
    let mut buffer = CodeBuffer::new();
    for _ in 0..30_000 {
        let label = buffer.label();
        let at = branch(&mut buffer, label, 0x3600_0000, NEAR);
        pad(&mut buffer, at + 200);
        buffer.bind(label);
    }
    assert_eq!(buffer.offset(), 30_000 * 204);
}

#[test]
fn constants_stay_in_reach() {
    let mut buffer = CodeBuffer::new();
    let mut loads = Vec::new();
    for round in 0..3000u64 {
        let bits = round % 700;
        let label = buffer.constant8(bits);
        loads.push((branch(&mut buffer, label, 0x5800_0000, LOAD), bits));
        let end = buffer.offset() + 1000;
        pad(&mut buffer, end);
    }
    buffer.finish_function(0);
    for (at, bits) in loads {
        let distance = ((buffer.word(at) << 8) as i32 >> 13) as i64 * 4;
        let place = (at as i64 + distance) as usize;
        assert_eq!(buffer.word(place), bits as u32, "load at {at}");
    }
}

#[test]
fn many_far_branches_cost_in_proportion() {
    let mut buffer = CodeBuffer::new();
    let label = buffer.label();
    let mut branches = Vec::new();
    for _ in 0..400_000 {
        branches.push(branch(&mut buffer, label, 0x5400_0000, MIDDLE));
        branches.push(branch(&mut buffer, label, 0x3600_0000, NEAR));
    }
    buffer.bind(label);
    let end = buffer.offset();
    pad(&mut buffer, end + 8);
    assert!(branches.iter().all(|&at| destination(&buffer, at) == end));
}
