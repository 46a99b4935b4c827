//! Branches, tables and constants: what distances come out, through veneers where they are far.

mod disassembly;

use disassembly::{assemble, decode, operands, text};
use mj_asm_aarch64::Width::{W32, W64};
use mj_asm_aarch64::*;
use yaxpeax_arm::armv8::a64::Operand;

/// Where the branch at `at` leads, if there is one.
fn target(code: &[u8], at: usize) -> Option<usize> {
    let instruction = decode(&code[at..at + 4])[0];
    operands(&instruction).into_iter().find_map(|operand| match operand {
        Operand::PCOffset(distance) => Some((at as i64 + distance) as usize),
        _ => None,
    })
}

/// Where control gets to from the branch at `at`, if its condition holds.
fn destination(code: &[u8], at: usize) -> usize {
    let to = target(code, at).expect("a branch");
    if text(&code[to..to + 4]).starts_with("b ") { destination(code, to) } else { to }
}

/// A branch that the one at the label's use may be.
type Write = fn(&mut Asm, mj_asm::Label);

const BRANCHES: [(&str, usize, Write); 7] = [
    ("b", 128 << 20, |asm, to| asm.b(to)),
    ("bl", 128 << 20, |asm, to| asm.bl(to)),
    ("b.ne", 1 << 20, |asm, to| asm.b_cond(Cc::Ne, to)),
    ("cbz", 1 << 20, |asm, to| asm.cbz(W64, X3, to)),
    ("cbnz", 1 << 20, |asm, to| asm.cbnz(W32, X3, to)),
    ("tbz", 32 << 10, |asm, to| asm.tbz(X3, 33, to)),
    ("tbnz", 32 << 10, |asm, to| asm.tbnz(X3, 3, to)),
];

fn pad(asm: &mut Asm, bytes: usize) {
    let end = asm.offset() + bytes;
    while asm.offset() < end {
        asm.reserve(4);
        if asm.offset() < end {
            asm.nop();
        }
    }
}

#[test]
fn branches_reach_as_far_as_their_fields() {
    for (name, reach, write) in BRANCHES.into_iter().filter(|(_, reach, _)| *reach <= 1 << 20) {
        for (backward, distance) in [(true, 4), (true, reach), (false, 8), (false, reach / 2)] {
            let mut at = 0;
            let mut to = 0;
            let code = assemble(|asm| {
                let label = asm.label();
                if backward {
                    asm.bind(label);
                    to = asm.offset();
                    pad(asm, distance);
                }
                asm.reserve(4);
                at = asm.offset();
                write(asm, label);
                if !backward {
                    pad(asm, distance - 4);
                    asm.bind(label);
                    to = asm.offset();
                }
                asm.nop();
            });
            assert_eq!(target(&code, at), Some(to), "{name} over {distance}");
            assert!(text(&code[at..at + 4]).starts_with(name));
        }
    }
}

#[test]
fn far_backward_branches_go_around_a_jump() {
    for (name, reach, write) in BRANCHES.into_iter().filter(|(_, reach, _)| *reach <= 1 << 20) {
        let mut at = 0;
        let code = assemble(|asm| {
            let label = asm.label_here();
            pad(asm, reach + 4);
            asm.reserve(8);
            at = asm.offset();
            write(asm, label);
            asm.ret();
        });
        let inverse =
            [("b.ne", "b.eq"), ("cbz", "cbnz"), ("cbnz", "cbz"), ("tbz", "tbnz"), ("tbnz", "tbz")].iter().find(|pair| pair.0 == name);
        assert!(text(&code[at..at + 4]).starts_with(inverse.unwrap().1), "{name}");
        assert_eq!((target(&code, at), target(&code, at + 4)), (Some(at + 8), Some(0)), "{name}");
    }
}

#[test]
fn far_forward_branches_go_through_veneers() {
    for distance in [40_000, 1_100_000, 2_200_000] {
        let mut uses = Vec::new();
        let mut to = Vec::new();
        let code = assemble(|asm| {
            let labels = [asm.label(), asm.label()];
            for round in 0..50 {
                for (_, _, write) in BRANCHES {
                    pad(asm, 4 * (round % 3));
                    asm.reserve(4);
                    uses.push((asm.offset(), round % 2));
                    write(asm, labels[round % 2]);
                }
            }
            for label in labels {
                pad(asm, distance);
                asm.reserve(4);
                asm.bind(label);
                to.push(asm.offset());
                asm.ret();
            }
        });
        for (at, label) in uses {
            assert_eq!(destination(&code, at), to[label], "distance {distance}, branch at {at:#x}: {}", text(&code[at..at + 4]));
        }
    }
}

#[test]
fn control_passes_over_islands() {
    let mut last = 0;
    let code = assemble(|asm| {
        let label = asm.label();
        asm.tbz(X0, 0, label);
        let constant = asm.constant8(0x1234_5678_9abc_def0);
        asm.load_vm(LDR_D, V0, Mem::Label(constant));
        pad(asm, 2 << 20);
        asm.bind(label);
        last = asm.offset();
        asm.ret();
    });
    // One after the other, branches followed: everything else is a nop.
    let mut at = 8;
    while at < last {
        let line = text(&code[at..at + 4]);
        at = if line.starts_with("b ") { target(&code, at).unwrap() } else { at + 4 };
        assert!(line == "nop" || line.starts_with("b "), "{line} at {at:#x}");
    }
    assert_eq!((at, destination(&code, 0)), (last, last));
    let constant = target(&code, 4).expect("a load of a constant");
    assert_eq!(code[constant..constant + 8], 0x1234_5678_9abc_def0u64.to_le_bytes());
}

#[test]
fn constants_stand_behind_the_code() {
    let code = assemble(|asm| {
        let (word, wide) = (asm.constant8(1), asm.constant16(2));
        asm.load_rm(LDR_X, X0, Mem::Label(word));
        asm.load_rm(LDR_W, X0, Mem::Label(word));
        asm.load_rm(LDRSW, X0, Mem::Label(word));
        asm.load_vm(LDR_S, V0, Mem::Label(word));
        asm.load_vm(LDR_D, V0, Mem::Label(word));
        asm.load_vm(LDR_Q, V0, Mem::Label(wide));
        asm.ret();
    });
    assert_eq!((0..6).map(|index| target(&code, 4 * index).unwrap()).collect::<Vec<_>>(), [48, 48, 48, 48, 48, 32]);
    assert_eq!(code[32..], [&2u128.to_le_bytes()[..], &1u64.to_le_bytes()].concat());
}

#[test]
fn table_entries_are_distances_from_their_table() {
    let mut ends = Vec::new();
    let mut table_at = 0;
    let code = assemble(|asm| {
        let (table, cases) = (asm.label(), [asm.label(), asm.label()]);
        let done = asm.label_here();
        asm.adr(X16, table);
        asm.load_rm(LDRSW, X0, Mem::Indexed(X16, X0, Extend::Sxtw, true));
        asm.add_rrr(ADD, W64, X0, X16, X0);
        asm.br(X0);
        asm.bind(cases[0]);
        asm.b(done);
        asm.jump_table(table, &[cases[1], cases[0], done]);
        table_at = asm.label_offset(table).unwrap();
        asm.bind(cases[1]);
        ends = [done, cases[1], cases[0]].map(|case| asm.label_offset(case).unwrap()).to_vec();
    });
    assert_eq!(target(&code, 0), Some(table_at));
    let entries = code[table_at - 4..table_at + 8].chunks(4).map(|entry| i32::from_le_bytes(entry.try_into().unwrap()));
    assert_eq!(entries.map(|entry| (table_at as i32 + entry) as usize).collect::<Vec<_>>(), ends);
}

#[test]
fn slots_leave_one_relocation_for_two_instructions() {
    let mut asm = Asm::default();
    asm.reserve(64);
    asm.nop();
    asm.load_slot(X16, 7);
    let at = asm.relocations().iter().map(|relocation| (relocation.at, relocation.function)).collect::<Vec<_>>();
    assert_eq!(at, [(4, 7)]);
    assert_eq!(text(asm.code()), "nop\nadrp x16, $+0x0\nldr x16, [x16]");
}

#[test]
fn branches_that_are_moved_have_the_distance_of_their_new_place() {
    let mut asm = Asm::default();
    asm.reserve(64);
    asm.b_from(1000, 4000);
    asm.b_cond_from(1000, Cc::Mi, 0);
    asm.align_code(16);
    assert_eq!(text(asm.code()), "b $+0xbb8\nb.mi $-0x3e8\nnop\nnop");
}

#[test]
fn code_over_128_mebibytes_is_too_large_for_a_loop() {
    let mut asm = Asm::default();
    let start = asm.label_here();
    asm.put_space((128 << 20) - 4);
    asm.reserve(16);
    asm.nop();
    asm.b(start);
    assert!(!asm.take_too_large());
    asm.b(start);
    assert!(asm.take_too_large());
    asm.b_from(0, 4);
    assert!(!asm.take_too_large());
}
