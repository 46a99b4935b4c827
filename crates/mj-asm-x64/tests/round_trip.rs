//! Every row with random operands, decoded again by another disassembler.
//!
//! Each check writes one instruction and says which mnemonic and operands must come back; sizes of memory operands count.

mod disassembly;

use std::cell::Cell;

use disassembly::{Operand, Place, assemble, decode, gpr, operands, text, xmm};
use iced_x86::Register;
use mj_asm_x64::Width::{W8, W16, W32, W64};
use mj_asm_x64::*;

thread_local! {
    /// Where random operands begin, and how many each row is given.
    static PLAN: Cell<(u64, usize)> = const { Cell::new((1, 100)) };
}
const WIDTHS: [Width; 4] = [W8, W16, W32, W64];

/// A reproducible source of operands (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn gpr(&mut self) -> Gpr {
        Gpr::new(self.below(16) as u8)
    }

    fn xmm(&mut self) -> Xmm {
        Xmm::new(self.below(16) as u8)
    }

    /// Of all magnitudes, edges included.
    fn int(&mut self) -> i32 {
        let bits = self.below(33) as u32;
        let value = (self.next() & ((1u64 << bits) - 1)) as u32 as i32;
        match self.below(4) {
            0 => value.wrapping_neg(),
            1 => [0, 127, 128, -128, -129, i32::MAX, i32::MIN, 255][self.below(8) as usize],
            _ => value,
        }
    }

    fn place(&mut self) -> Place {
        let disp = self.int();
        let base = self.gpr();
        let index = loop {
            let index = self.gpr();
            if index != RSP {
                break index;
            }
        };
        let scale_log2 = self.below(4) as u8;
        let register = |register: Gpr| Register::RAX + u32::from(register.number());
        match self.below(5) {
            0 | 1 => Place { mem: Mem::base(base, disp), base: register(base), index: Register::None, scale: 1, disp },
            2 => {
                let mem = Mem::scaled(index, scale_log2, disp);
                Place { mem, base: Register::None, index: register(index), scale: 1 << scale_log2, disp }
            }
            _ => {
                let mem = Mem::indexed(base, index, scale_log2, disp);
                Place { mem, base: register(base), index: register(index), scale: 1 << scale_log2, disp }
            }
        }
    }
}

/// Asserts what one instruction decodes to.
fn check(mnemonic: &str, expected: &[Operand], write: impl FnOnce(&mut Asm)) {
    let code = assemble(write);
    let instructions = decode(&code);
    assert_eq!(instructions.len(), 1, "{mnemonic} {expected:?}: {}", text(&code));
    let found = format!("{:?}", instructions[0].mnemonic()).to_lowercase();
    assert_eq!((found.as_str(), operands(&instructions[0]).as_slice()), (mnemonic, expected), "{code:02x?}");
}

/// An immediate as an operand of `width` shows it: sign-extended from 32 bits, cut to the width.
fn immediate(width: Width, value: i32) -> Operand {
    Operand::Immediate(value as i64 as u64 & u64::MAX >> (64 - 8 * width.bytes()))
}

/// All checks with random operands, from another seed and with fewer rounds: what fuzzers do.
pub fn from_seed(seed: u64, rounds: usize) {
    PLAN.set((seed, rounds));
    two_operand_arithmetic();
    tests_and_moves();
    constants_take_the_shortest_move();
    extensions_and_addresses();
    pushes_and_pops();
    shifts();
    one_operand_and_bit_instructions();
    three_operand_integers();
    conditions();
    calls_and_jumps_through_operands();
    scalar_floats();
    float_moves_comparisons_and_conversions();
    vectors();
}

/// Random operands for every row and every width.
fn each<R: Copy>(rows: &[R], widths: &[Width], mut check: impl FnMut(R, Width, &mut Random)) {
    let (seed, rounds) = PLAN.get();
    let mut random = Random(seed);
    for &row in rows {
        for &width in widths {
            (0..rounds).for_each(|_| check(row, width, &mut random));
        }
    }
}

#[cfg_attr(test, test)]
fn two_operand_arithmetic() {
    each(Alu::ALL, &WIDTHS, |row, width, random| {
        let (dst, src, place, value) = (random.gpr(), random.gpr(), random.place(), random.int());
        let memory = place.sized(width.bytes());
        check(row.mnemonic, &[gpr(dst, width), gpr(src, width)], |a| a.alu_rr(row, width, dst, src));
        check(row.mnemonic, &[gpr(dst, width), memory.clone()], |a| a.alu_rm(row, width, dst, place.mem));
        check(row.mnemonic, &[memory.clone(), gpr(src, width)], |a| a.alu_mr(row, width, place.mem, src));
        check(row.mnemonic, &[gpr(dst, width), immediate(width, value)], |a| a.alu_ri(row, width, dst, value));
        check(row.mnemonic, &[memory, immediate(width, value)], |a| a.alu_mi(row, width, place.mem, value));
    });
}

#[cfg_attr(test, test)]
fn tests_and_moves() {
    each(&[()], &WIDTHS, |(), width, random| {
        let (dst, src, place, value) = (random.gpr(), random.gpr(), random.place(), random.int());
        let memory = place.sized(width.bytes());
        check("test", &[gpr(dst, width), gpr(src, width)], |a| a.test_rr(width, dst, src));
        check("test", &[memory.clone(), gpr(src, width)], |a| a.test_mr(width, place.mem, src));
        check("test", &[gpr(dst, width), immediate(width, value)], |a| a.test_ri(width, dst, value));
        check("test", &[memory.clone(), immediate(width, value)], |a| a.test_mi(width, place.mem, value));
        check("mov", &[gpr(dst, width), gpr(src, width)], |a| a.mov_rr(width, dst, src));
        check("mov", &[gpr(dst, width), memory.clone()], |a| a.mov_rm(width, dst, place.mem));
        check("mov", &[memory.clone(), gpr(src, width)], |a| a.mov_mr(width, place.mem, src));
        check("mov", &[memory.clone(), immediate(width, value)], |a| a.mov_mi(width, place.mem, value));
        check("xchg", &[gpr(dst, width), gpr(src, width)], |a| a.xchg_rr(width, dst, src));
        check("xchg", &[memory, gpr(src, width)], |a| a.xchg_mr(width, place.mem, src));
    });
}

#[cfg_attr(test, test)]
fn constants_take_the_shortest_move() {
    each(&[()], &[W32, W64], |(), width, random| {
        let dst = random.gpr();
        let value = if random.below(2) == 0 { i64::from(random.int()) } else { random.next() as i64 >> random.below(64) };
        let bits = if width == W64 { value as u64 } else { u64::from(value as u32) };
        let shown = if bits <= u64::from(u32::MAX) { W32 } else { W64 };
        check("mov", &[gpr(dst, shown), Operand::Immediate(bits)], |a| a.mov_ri(width, dst, value));
        let length = match bits {
            0..=0xffff_ffff => 5 + usize::from(dst.number() >= 8),
            _ if bits as i64 == i64::from(bits as i32) => 7,
            _ => 10,
        };
        assert_eq!(assemble(|a| a.mov_ri(width, dst, value)).len(), length);
        check("xor", &[gpr(dst, W32), gpr(dst, W32)], |a| a.zero(dst));
    });
}

#[cfg_attr(test, test)]
fn extensions_and_addresses() {
    each(&[W8, W16, W32], &[W32, W64], |from, to, random| {
        let (dst, src, place) = (random.gpr(), random.gpr(), random.place());
        let memory = place.sized(from.bytes());
        let zero = if from == W32 { "mov" } else { "movzx" };
        check(zero, &[gpr(dst, W32), gpr(src, from)], |a| a.movzx_rr(from, dst, src));
        check(zero, &[gpr(dst, W32), memory.clone()], |a| a.movzx_rm(from, dst, place.mem));
        if from != to {
            let sign = if from == W32 { "movsxd" } else { "movsx" };
            check(sign, &[gpr(dst, to), gpr(src, from)], |a| a.movsx_rr(to, from, dst, src));
            check(sign, &[gpr(dst, to), memory], |a| a.movsx_rm(to, from, dst, place.mem));
        }
        check("lea", &[gpr(dst, to), place.sized(0)], |a| a.lea(to, dst, place.mem));
    });
}

#[cfg_attr(test, test)]
fn pushes_and_pops() {
    each(&[()], &[W64], |(), _, random| {
        let (register, place, value) = (random.gpr(), random.place(), random.int());
        check("push", &[gpr(register, W64)], |a| a.push_r(register));
        check("pop", &[gpr(register, W64)], |a| a.pop_r(register));
        check("push", &[place.sized(8)], |a| a.push_m(place.mem));
        check("pop", &[place.sized(8)], |a| a.pop_m(place.mem));
        check("push", &[immediate(W64, value)], |a| a.push_i(value));
    });
}

#[cfg_attr(test, test)]
fn shifts() {
    each(Shift::ALL, &WIDTHS, |row, width, random| {
        let (dst, place, amount) = (random.gpr(), random.place(), random.below(64) as u8);
        let by = Operand::Immediate(u64::from(amount));
        check(row.mnemonic, &[gpr(dst, width), by.clone()], |a| a.shift_ri(row, width, dst, amount));
        check(row.mnemonic, &[place.sized(width.bytes()), by], |a| a.shift_mi(row, width, place.mem, amount));
        check(row.mnemonic, &[gpr(dst, width), gpr(RCX, W8)], |a| a.shift_rc(row, width, dst));
    });
    each(FreeShift::ALL, &[W32, W64], |row, width, random| {
        let (dst, src, amount, place) = (random.gpr(), random.gpr(), random.gpr(), random.place());
        let (to, by) = (gpr(dst, width), gpr(amount, width));
        let write = |a: &mut Asm| a.free_shift_rrr(row, width, dst, src, amount);
        check(row.mnemonic, &[to.clone(), gpr(src, width), by.clone()], write);
        let write = |a: &mut Asm| a.free_shift_rmr(row, width, dst, place.mem, amount);
        check(row.mnemonic, &[to, place.sized(width.bytes()), by], write);
    });
}

#[cfg_attr(test, test)]
fn one_operand_and_bit_instructions() {
    each(Unary::ALL, &WIDTHS, |row, width, random| {
        let (dst, place) = (random.gpr(), random.place());
        check(row.mnemonic, &[gpr(dst, width)], |a| a.unary_r(row, width, dst));
        check(row.mnemonic, &[place.sized(width.bytes())], |a| a.unary_m(row, width, place.mem));
    });
    each(RegRm::ALL, &[W32, W64], |row, width, random| {
        let (dst, src, place) = (random.gpr(), random.gpr(), random.place());
        check(row.mnemonic, &[gpr(dst, width), gpr(src, width)], |a| a.reg_rr(row, width, dst, src));
        check(row.mnemonic, &[gpr(dst, width), place.sized(width.bytes())], |a| a.reg_rm(row, width, dst, place.mem));
    });
}

#[cfg_attr(test, test)]
fn three_operand_integers() {
    each(&[()], &[W32, W64], |(), width, random| {
        let (dst, src, other, place, value) = (random.gpr(), random.gpr(), random.gpr(), random.place(), random.int());
        let memory = place.sized(width.bytes());
        let factor = immediate(width, value);
        check("imul", &[gpr(dst, width), gpr(src, width), factor.clone()], |a| a.imul_rri(width, dst, src, value));
        check("imul", &[gpr(dst, width), memory.clone(), factor], |a| a.imul_rmi(width, dst, place.mem, value));
        check("andn", &[gpr(dst, width), gpr(src, width), gpr(other, width)], |a| a.andn_rrr(width, dst, src, other));
        let by = Operand::Immediate(9);
        check("rorx", &[gpr(dst, width), gpr(src, width), by.clone()], |a| a.rorx_rri(width, dst, src, 9));
        check("rorx", &[gpr(dst, width), memory, by], |a| a.rorx_rmi(width, dst, place.mem, 9));
        check("bswap", &[gpr(dst, width)], |a| a.bswap(width, dst));
    });
}

const CONDITIONS: [&str; 16] = ["o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"];

#[cfg_attr(test, test)]
fn conditions() {
    each(&Cc::ALL, &[W32, W64], |condition, width, random| {
        let (dst, src, place) = (random.gpr(), random.gpr(), random.place());
        let name = CONDITIONS[condition as usize];
        let (cmov, memory) = (format!("cmov{name}"), place.sized(width.bytes()));
        check(&format!("set{name}"), &[gpr(dst, W8)], |a| a.setcc(condition, dst));
        check(&cmov, &[gpr(dst, width), gpr(src, width)], |a| a.cmov_rr(condition, width, dst, src));
        check(&cmov, &[gpr(dst, width), memory], |a| a.cmov_rm(condition, width, dst, place.mem));
        let back = |a: &mut Asm| {
            let here = a.label_here();
            a.jcc(condition, here);
        };
        check(&format!("j{name}"), &[Operand::Immediate(0)], back);
    });
}

#[cfg_attr(test, test)]
fn inverse_conditions_are_the_manual_s_pairs() {
    let pairs = [("o", "no"), ("b", "ae"), ("e", "ne"), ("be", "a"), ("s", "ns"), ("p", "np"), ("l", "ge"), ("le", "g")];
    let name = |condition: Cc| CONDITIONS[condition as usize];
    for condition in Cc::ALL {
        let (one, other) = (name(condition), name(condition.invert()));
        assert!(pairs.contains(&(one, other)) || pairs.contains(&(other, one)), "{one} {other}");
    }
}

#[cfg_attr(test, test)]
fn calls_and_jumps_through_operands() {
    each(&[()], &[W64], |(), _, random| {
        let (register, place, pop) = (random.gpr(), random.place(), random.next() as u16);
        check("call", &[gpr(register, W64)], |a| a.call_r(register));
        check("call", &[place.sized(8)], |a| a.call_m(place.mem));
        check("jmp", &[gpr(register, W64)], |a| a.jmp_r(register));
        check("jmp", &[place.sized(8)], |a| a.jmp_m(place.mem));
        check("ret", &[Operand::Immediate(u64::from(pop))], |a| a.ret_i(pop));
    });
}

#[cfg_attr(test, test)]
fn scalar_floats() {
    each(Scalar::ALL, &[W32, W64], |row, width, random| {
        let (dst, src, other, place) = (random.xmm(), random.xmm(), random.xmm(), random.place());
        let name = format!("{}{}", row.mnemonic, if width == W64 { "d" } else { "s" });
        let memory = place.sized(width.bytes());
        check(&name, &[xmm(dst), xmm(src)], |a| a.scalar_rr(row, width, dst, src));
        check(&name, &[xmm(dst), memory.clone()], |a| a.scalar_rm(row, width, dst, place.mem));
        let name = format!("v{name}");
        check(&name, &[xmm(dst), xmm(src), xmm(other)], |a| a.vscalar_rrr(row, width, dst, src, other));
        check(&name, &[xmm(dst), xmm(src), memory], |a| a.vscalar_rrm(row, width, dst, src, place.mem));
    });
}

#[cfg_attr(test, test)]
fn float_moves_comparisons_and_conversions() {
    each(&[W32, W64], &[W32, W64], |int, width, random| {
        let (dst, src, register, place) = (random.xmm(), random.xmm(), random.gpr(), random.place());
        let (wide, memory) = (width == W64, place.sized(width.bytes()));
        let name = |single: &'static str, double: &'static str| if wide { double } else { single };
        let mov = name("movss", "movsd");
        check(mov, &[xmm(dst), memory.clone()], |a| a.movs_xm(width, dst, place.mem));
        check(mov, &[memory.clone(), xmm(src)], |a| a.movs_mx(width, place.mem, src));
        check(mov, &[xmm(dst), xmm(src)], |a| a.movs_xx(width, dst, src));
        check(name("movd", "movq"), &[xmm(dst), gpr(register, width)], |a| a.movd_xr(width, dst, register));
        check(name("movd", "movq"), &[gpr(register, width), xmm(src)], |a| a.movd_rx(width, register, src));
        check(name("ucomiss", "ucomisd"), &[xmm(dst), xmm(src)], |a| a.ucomis_rr(width, dst, src));
        check(name("ucomiss", "ucomisd"), &[xmm(dst), memory.clone()], |a| a.ucomis_rm(width, dst, place.mem));
        let other = place.sized(int.bytes());
        let (to, from) = (name("cvtsi2ss", "cvtsi2sd"), name("cvttss2si", "cvttsd2si"));
        check(to, &[xmm(dst), gpr(register, int)], |a| a.cvtsi2s_xr(width, int, dst, register));
        check(to, &[xmm(dst), other], |a| a.cvtsi2s_xm(width, int, dst, place.mem));
        check(from, &[gpr(register, int), xmm(src)], |a| a.cvtts2si_rx(int, width, register, src));
        check(from, &[gpr(register, int), memory.clone()], |a| a.cvtts2si_rm(int, width, register, place.mem));
        let convert = name("cvtss2sd", "cvtsd2ss");
        check(convert, &[xmm(dst), xmm(src)], |a| a.cvts2s_rr(width, dst, src));
        check(convert, &[xmm(dst), memory.clone()], |a| a.cvts2s_rm(width, dst, place.mem));
        let (round, mode) = (name("roundss", "roundsd"), Operand::Immediate(10));
        check(round, &[xmm(dst), xmm(src), mode.clone()], |a| a.rounds_rri(width, dst, src, 10));
        check(round, &[xmm(dst), memory, mode], |a| a.rounds_rmi(width, dst, place.mem, 10));
        check(name("movmskps", "movmskpd"), &[gpr(register, W32), xmm(src)], |a| a.movmsk_rx(width, register, src));
        let lane = Operand::Immediate(1);
        let operands = [gpr(register, width), xmm(src), lane.clone()];
        check(name("pextrd", "pextrq"), &operands, |a| a.pextr_rxi(width, register, src, 1));
        let operands = [xmm(dst), gpr(register, width), lane];
        check(name("pinsrd", "pinsrq"), &operands, |a| a.pinsr_xri(width, dst, register, 1));
    });
}

#[cfg_attr(test, test)]
fn vectors() {
    each(Packed::ALL, &[W64], |row, _, random| {
        let (dst, src, other, place) = (random.xmm(), random.xmm(), random.xmm(), random.place());
        check(row.mnemonic, &[xmm(dst), xmm(src)], |a| a.packed_rr(row, dst, src));
        check(row.mnemonic, &[xmm(dst), place.sized(16)], |a| a.packed_rm(row, dst, place.mem));
        if !row.mnemonic.starts_with("mov") {
            let name = format!("v{}", row.mnemonic);
            check(&name, &[xmm(dst), xmm(src), xmm(other)], |a| a.vpacked_rrr(row, dst, src, other));
            check(&name, &[xmm(dst), xmm(src), place.sized(16)], |a| a.vpacked_rrm(row, dst, src, place.mem));
        }
        check("movaps", &[xmm(dst), xmm(src)], |a| a.movaps_xx(dst, src));
        check("movaps", &[xmm(dst), place.sized(16)], |a| a.movaps_xm(dst, place.mem));
        check("movaps", &[place.sized(16), xmm(src)], |a| a.movaps_mx(place.mem, src));
        check("movups", &[xmm(dst), place.sized(16)], |a| a.movups_xm(dst, place.mem));
        check("movups", &[place.sized(16), xmm(src)], |a| a.movups_mx(place.mem, src));
    });
    each(PackedShift::ALL, &[W64], |row, _, random| {
        let (dst, amount) = (random.xmm(), random.below(64) as u8);
        let by = Operand::Immediate(u64::from(amount));
        check(row.mnemonic, &[xmm(dst), by], |a| a.packed_shift(row, dst, amount));
    });
}
