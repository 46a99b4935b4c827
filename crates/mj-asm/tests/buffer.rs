//! Claims about labels, constants and the end of a function.

use mj_abi::{Site, TrapCode};
use mj_asm::{CodeBuffer, FixupKind, Relocation};

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
