//! Jumps, tables and constants: what distances come out.

mod disassembly;

use disassembly::{Operand, assemble, decode, operands, text};
use iced_x86::Register;
use mj_asm_x64::Width::{W32, W64};
use mj_asm_x64::*;

/// Branch targets of all instructions that have one.
fn targets(code: &[u8]) -> Vec<u64> {
    decode(code).iter().map(|instruction| instruction.near_branch64()).filter(|&target| target != 0).collect()
}

#[test]
fn backward_jumps_are_short_as_long_as_they_can_be() {
    for (distance, is_short) in [(0, true), (126, true), (127, false), (5000, false)] {
        for conditional in [false, true] {
            let code = assemble(|a| {
                a.nop(1);
                let target = a.label_here();
                a.reserve(distance + 16);
                (0..distance).for_each(|_| a.nop(1));
                if conditional { a.jcc(Cc::Ne, target) } else { a.jmp(target) }
            });
            assert_eq!(targets(&code), [1], "distance {distance}");
            assert_eq!(code.len() == 1 + distance + 2, is_short, "distance {distance}");
        }
    }
}

#[test]
fn forward_jumps_and_calls_reach_their_label() {
    let code = assemble(|a| {
        let target = a.label();
        a.jmp(target);
        a.jcc(Cc::A, target);
        a.call(target);
        a.jmp_short(target);
        a.jcc_short(Cc::P, target);
        a.bind(target);
        a.ret();
    });
    assert_eq!(targets(&code), [20; 5]);
    assert_eq!(text(&code).lines().last(), Some("ret"));
}

#[test]
fn a_label_operand_is_relative_to_the_end_of_its_instruction() {
    let code = assemble(|a| {
        let one = a.constant8(1);
        let wide = a.constant16(2);
        a.scalar_rm(FADD, W64, XMM9, Mem::label(one));
        a.alu_mi(CMP, W64, Mem::label(one), 1000);
        a.alu_mi(CMP, W64, Mem::label(one), 1);
        a.packed_rm(XORPS, XMM0, Mem::label(wide));
        a.rounds_rmi(W64, XMM1, Mem::label(one), 8);
        a.vscalar_rrm(FMUL, W64, XMM1, XMM12, Mem::label(one));
        a.ret();
    });
    let places = decode(&code).into_iter().take(6).map(|instruction| instruction.memory_displacement64());
    let start = (code.len() - 24) as u64;
    assert_eq!(places.collect::<Vec<_>>(), [start + 16, start + 16, start + 16, start, start + 16, start + 16]);
    assert_eq!(code[code.len() - 24..], [&2u128.to_le_bytes()[..], &1u64.to_le_bytes()].concat());
}

#[test]
fn table_entries_are_distances_from_their_table() {
    let mut ends = Vec::new();
    let mut table_at = 0;
    let code = assemble(|a| {
        let (table, cases) = (a.label(), [a.label(), a.label()]);
        let done = a.label_here();
        a.lea(W64, R11, Mem::label(table));
        a.movsx_rm(W64, W32, RAX, Mem::indexed(R11, RAX, 2, 0));
        a.alu_rr(ADD, W64, RAX, R11);
        a.jmp_r(RAX);
        a.bind(cases[0]);
        a.jmp(done);
        a.bind(table);
        table_at = a.offset();
        [cases[1], cases[0], done].into_iter().for_each(|case| a.table_entry(table, case));
        a.bind(cases[1]);
        ends = [cases[1], cases[0], done].map(|case| a.label_offset(case).unwrap()).to_vec();
    });
    let lea = decode(&code)[0];
    assert_eq!(operands(&lea)[1], Operand::Memory(Register::RIP, Register::None, 1, table_at as u64, 0));
    let entries = code[table_at..table_at + 12].chunks(4).map(|entry| i32::from_le_bytes(entry.try_into().unwrap()));
    assert_eq!(entries.map(|entry| (table_at as i32 + entry) as usize).collect::<Vec<_>>(), ends);
}

#[test]
fn slots_leave_a_relocation_at_their_distance() {
    let mut asm = Asm::default();
    asm.reserve(64);
    asm.call_slot(7);
    asm.nop(3);
    asm.jmp_slot(9);
    let at = asm.relocations().iter().map(|relocation| (relocation.at, relocation.function)).collect::<Vec<_>>();
    assert_eq!(at, [(2, 7), (11, 9)]);
}

#[test]
fn padding_of_every_length_is_nops() {
    for count in 0..40 {
        let code = assemble(|a| a.nop(count));
        assert_eq!(code.len(), count);
        assert!(decode(&code).iter().all(|instruction| instruction.mnemonic() == iced_x86::Mnemonic::Nop), "{count}");
    }
    let code = assemble(|a| {
        a.ret();
        a.align_code(32);
    });
    assert_eq!(code.len(), 32);
}
