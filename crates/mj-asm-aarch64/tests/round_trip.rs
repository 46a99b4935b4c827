//! Every row with random operands, decoded again by another disassembler.
//!
//! Each check writes one instruction and says which mnemonic and operands must come back.

mod disassembly;

use std::cell::Cell;

use disassembly::{assemble, decode, extended, gpr, gpr_sp, immediate, memory, operands, quad, scalar, shifted, text, vector};
use mj_asm_aarch64::Extend;
use mj_asm_aarch64::Width::{W32, W64};
use mj_asm_aarch64::*;
use yaxpeax_arm::armv8::a64::{Operand, SIMDSizeCode};

thread_local! {
    /// Where random operands begin, and how many each row is given.
    static PLAN: Cell<(u64, usize)> = const { Cell::new((1, 100)) };
}
const WIDTHS: [Width; 2] = [W32, W64];

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

    fn below(&mut self, limit: u32) -> u32 {
        (self.next() % u64::from(limit)) as u32
    }

    /// A general or the zero register.
    fn gpr(&mut self) -> Gpr {
        Gpr::new(self.below(32) as u8)
    }

    /// A general register or the stack pointer.
    fn gpr_sp(&mut self) -> Gpr {
        match self.below(32) as u8 {
            31 => SP,
            number => Gpr::new(number),
        }
    }

    fn fpr(&mut self) -> Fpr {
        Fpr::new(self.below(32) as u8)
    }

    fn condition(&mut self) -> Cc {
        Cc::ALL[self.below(14) as usize]
    }

    fn shift(&mut self, kinds: u32) -> Shift {
        [Shift::Lsl, Shift::Lsr, Shift::Asr, Shift::Ror][self.below(kinds) as usize]
    }

    /// A memory operand for an access with this logarithm of bytes.
    fn mem(&mut self, log2: u32) -> Mem {
        let base = self.gpr_sp();
        let small = self.below(512) as i32 - 256;
        match self.below(6) {
            0 => Mem::base(base, small),
            1 => Mem::Pre(base, small),
            2 => Mem::Post(base, small),
            3 => {
                let extend = [Extend::Uxtw, Extend::Uxtx, Extend::Sxtw, Extend::Sxtx][self.below(4) as usize];
                Mem::Indexed(base, self.gpr(), extend, self.below(2) == 1)
            }
            _ => Mem::base(base, (self.below(4096) << log2) as i32),
        }
    }

    fn pair_mem(&mut self, log2: u32) -> Mem {
        let base = self.gpr_sp();
        let offset = (self.below(128) as i32 - 64) << log2;
        [Mem::base(base, offset), Mem::Pre(base, offset), Mem::Post(base, offset)][self.below(3) as usize]
    }
}

/// Asserts what one instruction decodes to.
fn check(mnemonic: &str, expected: &[Operand], write: impl FnOnce(&mut Asm)) {
    let code = assemble(write);
    let instructions = decode(&code);
    assert_eq!(instructions.len(), 1, "{mnemonic} {expected:?}: {}", text(&code));
    let found = format!("{:?}", instructions[0].opcode).to_lowercase();
    assert_eq!((found.as_str(), operands(&instructions[0]).as_slice()), (mnemonic, expected), "{code:02x?} {}", text(&code));
}

/// All checks with random operands, from another seed and with fewer rounds: what fuzzers do.
pub fn from_seed(seed: u64, rounds: usize) {
    PLAN.set((seed, rounds));
    additions();
    logic();
    constants_take_few_moves();
    bit_fields();
    shifts_by_immediates_are_what_they_say();
    sources();
    selections_and_conditional_comparisons();
    loads_and_stores();
    pairs();
    scalar_floats();
    conversions();
    vectors();
    branches_through_registers_and_exceptions();
    system_registers_and_masks();
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
fn additions() {
    each(AddSub::ALL, &WIDTHS, |row, width, random| {
        let (dst, a, b) = (random.gpr(), random.gpr(), random.gpr());
        let sets_flags = row.mnemonic.ends_with('s');
        check(row.mnemonic, &[gpr(width, dst), gpr(width, a), shifted(width, b, Shift::Lsl, 0)], |asm| asm.add_rrr(row, width, dst, a, b));
        let (shift, amount) = (random.shift(3), random.below(width.bits()));
        let operands = [gpr(width, dst), gpr(width, a), shifted(width, b, shift, amount)];
        check(row.mnemonic, &operands, |asm| asm.add_rrs(row, width, dst, a, b, shift, amount));
        let (a, to) = (random.gpr_sp(), if sets_flags { dst } else { random.gpr_sp() });
        let shown = if sets_flags { gpr(width, to) } else { gpr_sp(width, to) };
        let immediate = if random.below(2) == 0 { random.below(4096) } else { random.below(4096) << 12 };
        let operands = [shown, gpr_sp(width, a), Operand::Immediate(immediate)];
        check_text(row.mnemonic, &operands[..2], immediate, |asm| asm.add_rri(row, width, to, a, immediate));
        if width == W64 {
            use Extend::{Sxtb, Sxth, Sxtw, Sxtx, Uxtb, Uxth, Uxtw, Uxtx};
            let extend = [Uxtb, Uxth, Uxtw, Uxtx, Sxtb, Sxth, Sxtw, Sxtx][random.below(8) as usize];
            let amount = random.below(5);
            let operands = [shown, gpr_sp(width, a), extended(b, extend, amount)];
            check(row.mnemonic, &operands, |asm| asm.add_rre(row, width, to, a, b, extend, amount));
        }
    });
}

/// As [`check`], for an immediate that may be shown shifted.
fn check_text(mnemonic: &str, expected: &[Operand], immediate: u32, write: impl FnOnce(&mut Asm)) {
    let code = assemble(write);
    let instruction = decode(&code)[0];
    let (last, first) = (operands(&instruction)[2], operands(&instruction)[..2].to_vec());
    assert_eq!((format!("{:?}", instruction.opcode).to_lowercase().as_str(), first.as_slice()), (mnemonic, expected));
    let found = match last {
        Operand::Immediate(value) => value,
        Operand::ImmShift(value, shift) => u32::from(value) << shift,
        other => panic!("{other:?} is no immediate"),
    };
    assert_eq!(found, immediate);
}

#[cfg_attr(test, test)]
fn logic() {
    each(Logical::ALL, &WIDTHS, |row, width, random| {
        let (dst, a, b) = (random.gpr(), random.gpr(), random.gpr());
        let (shift, amount) = (random.shift(4), random.below(width.bits()));
        let operands = [gpr(width, dst), gpr(width, a), shifted(width, b, shift, amount)];
        check(row.mnemonic, &operands, |asm| asm.logic_rrs(row, width, dst, a, b, shift, amount));
        check(row.mnemonic, &[gpr(width, dst), gpr(width, a), shifted(width, b, Shift::Lsl, 0)], |asm| {
            asm.logic_rrr(row, width, dst, a, b)
        });
    });
}

/// Every constant that logical instructions can hold: a run of ones, rotated, repeated.
fn logical_constants(width: Width) -> Vec<u64> {
    let mut constants = Vec::new();
    for size in [2, 4, 8, 16, 32, 64].into_iter().filter(|&size| size <= width.bits()) {
        for ones in 1..size {
            for rotation in 0..size {
                let bit = |index: u32| (index + rotation) % size < ones;
                let ones = (0..width.bits()).filter(|&index| bit(index)).map(|index| 1u64 << index);
                constants.push(ones.sum());
            }
        }
    }
    constants
}

#[cfg_attr(test, test)]
fn all_logical_immediates_come_back() {
    for (width, count) in [(W32, 1302), (W64, 5334)] {
        let constants = logical_constants(width);
        assert_eq!(constants.len(), count);
        for constant in constants {
            for (row, sets_flags) in [(AND, false), (ORR, false), (EOR, false), (ANDS, true)] {
                let code = assemble(|asm| asm.logic_rri(row, width, X3, X5, constant));
                let instruction = decode(&code)[0];
                let to = if sets_flags { gpr(width, X3) } else { gpr_sp(width, X3) };
                assert_eq!(operands(&instruction)[..2], [to, gpr(width, X5)]);
                let found = match operands(&instruction)[2] {
                    Operand::Immediate(value) => u64::from(value),
                    Operand::Imm64(value) => value,
                    other => panic!("{other:?} is no immediate"),
                };
                assert_eq!(found, constant, "{width:?} {:?}", instruction.opcode);
            }
        }
    }
}

/// What a chain of moves to one register leaves there.
fn value_of(code: &[u8]) -> (u64, usize) {
    let mut value = 0u64;
    let instructions = decode(code);
    for instruction in &instructions {
        let shown = operands(instruction);
        let wide = |operand: Operand| match operand {
            Operand::ImmShift(bits, shift) => (u64::from(bits), u32::from(shift)),
            Operand::Imm16(bits) => (u64::from(bits), 0),
            Operand::Immediate(bits) => (u64::from(bits), 0),
            other => panic!("{other:?} is no immediate of a wide move"),
        };
        let is_64 = text(code).starts_with("mov x");
        let mask = if is_64 { u64::MAX } else { u64::from(u32::MAX) };
        value = match format!("{:?}", instruction.opcode).as_str() {
            "MOVZ" => wide(shown[1]).0 << wide(shown[1]).1,
            "MOVN" => !(wide(shown[1]).0 << wide(shown[1]).1) & mask,
            "MOVK" => value & !(0xffff << wide(shown[1]).1) | wide(shown[1]).0 << wide(shown[1]).1,
            "ORR" => match shown[2] {
                Operand::Immediate(bits) => u64::from(bits),
                Operand::Imm64(bits) => bits,
                other => panic!("{other:?} is no logical immediate"),
            },
            other => panic!("{other} is no move"),
        };
    }
    (value, instructions.len())
}

#[cfg_attr(test, test)]
fn constants_take_few_moves() {
    let (seed, rounds) = PLAN.get();
    let mut random = Random(seed);
    for round in 0..200 * rounds {
        let bits = random.next() >> random.below(64);
        let halves = random.below(16);
        let keep = (0..4).filter(|half| halves >> half & 1 == 1).fold(0u64, |mask, half| mask | 0xffff << (16 * half));
        let value = match round % 4 {
            0 => bits,
            1 => bits & keep,
            2 => bits | !keep,
            _ => logical_constants(W64)[random.below(5334) as usize % 5334],
        };
        for width in WIDTHS {
            let code = assemble(|asm| asm.mov_ri(width, X7, value as i64));
            let wanted = if width == W64 { value } else { u64::from(value as u32) };
            let (found, count) = value_of(&code);
            assert_eq!(found, wanted, "{}", text(&code));
            let most = if wanted <= u64::from(u32::MAX) { 2 } else { 4 };
            assert!(count <= most, "{}", text(&code));
            if logical_immediate(W64, wanted).is_some() {
                assert!(count == 1 || count == 2 && wanted <= u64::from(u32::MAX), "{}", text(&code));
            }
        }
        if round > 2000 && round % 4 == 3 {
            break;
        }
    }
}

#[cfg_attr(test, test)]
fn bit_fields() {
    each(Bitfield::ALL, &WIDTHS, |row, width, random| {
        let (dst, src) = (random.gpr(), random.gpr());
        let (immr, imms) = (random.below(width.bits()), random.below(width.bits()));
        let operands = [gpr(width, dst), gpr(width, src), immediate(immr), immediate(imms)];
        check(row.mnemonic, &operands, |asm| asm.bitfield_rri(row, width, dst, src, immr, imms));
        let lowest = random.below(width.bits());
        let count = 1 + random.below(width.bits() - lowest);
        let operands = [gpr(width, dst), gpr(width, src), immediate(lowest), immediate(lowest + count - 1)];
        check(row.mnemonic, &operands, |asm| asm.extract_field(row, width, dst, src, lowest, count));
        let operands = [gpr(width, dst), gpr(width, src), immediate((width.bits() - lowest) % width.bits()), immediate(count - 1)];
        check(row.mnemonic, &operands, |asm| asm.insert_field(row, width, dst, src, lowest, count));
    });
    each(&[()], &WIDTHS, |(), width, random| {
        let (dst, a, b, amount) = (random.gpr(), random.gpr(), random.gpr(), random.below(width.bits()));
        let operands = [gpr(width, dst), gpr(width, a), gpr(width, b), immediate(amount)];
        check("extr", &operands, |asm| asm.extr_rrri(width, dst, a, b, amount));
    });
}

#[cfg_attr(test, test)]
fn shifts_by_immediates_are_what_they_say() {
    let names = |line: String| line.split_once(' ').map(|(name, rest)| (name.to_owned(), rest.to_owned())).unwrap();
    for width in WIDTHS {
        let register = if width == W64 { "x" } else { "w" };
        for amount in 0..width.bits() {
            let expected = format!("{register}1, {register}2, #{amount:#x}");
            for (name, write) in [
                ("lsl", Asm::lsl_rri as fn(&mut Asm, Width, Gpr, Gpr, u32)),
                ("lsr", Asm::lsr_rri),
                ("asr", Asm::asr_rri),
                ("ror", Asm::ror_rri),
            ] {
                let (found, rest) = names(text(&assemble(|asm| write(asm, width, X1, X2, amount))));
                // A shift to the left by 0 reads as one to the right.
                let same = found == name || amount == 0 && found == "lsr";
                assert!(same && rest == expected, "{name} {expected}: {found} {rest}");
            }
        }
    }
}

#[cfg_attr(test, test)]
fn sources() {
    each(TwoSource::ALL, &WIDTHS, |row, width, random| {
        let (dst, a, b) = (random.gpr(), random.gpr(), random.gpr());
        check(row.mnemonic, &[gpr(width, dst), gpr(width, a), gpr(width, b)], |asm| asm.two_source(row, width, dst, a, b));
    });
    each(OneSource::ALL, &WIDTHS, |row, width, random| {
        let (dst, a) = (random.gpr(), random.gpr());
        check(row.mnemonic, &[gpr(width, dst), gpr(width, a)], |asm| asm.one_source(row, width, dst, a));
        check("rev", &[gpr(width, dst), gpr(width, a)], |asm| asm.rev(width, dst, a));
    });
    each(MulAdd::ALL, &WIDTHS, |row, width, random| {
        let (dst, a, b, c) = (random.gpr(), random.gpr(), random.gpr(), random.gpr());
        let operands = [gpr(width, dst), gpr(width, a), gpr(width, b), gpr(width, c)];
        check(row.mnemonic, &operands, |asm| asm.mul_add(row, width, dst, a, b, c));
    });
    each(MulAddLong::ALL, &[W64], |row, _, random| {
        let (dst, a, b, c) = (random.gpr(), random.gpr(), random.gpr(), random.gpr());
        let operands = [gpr(W64, dst), gpr(W32, a), gpr(W32, b), gpr(W64, c)];
        check(row.mnemonic, &operands, |asm| asm.mul_add_long(row, dst, a, b, c));
    });
    each(MulHigh::ALL, &[W64], |row, _, random| {
        let (dst, a, b) = (random.gpr(), random.gpr(), random.gpr());
        check(row.mnemonic, &[gpr(W64, dst), gpr(W64, a), gpr(W64, b)], |asm| asm.mul_high(row, dst, a, b));
    });
}

#[cfg_attr(test, test)]
fn selections_and_conditional_comparisons() {
    each(Select::ALL, &WIDTHS, |row, width, random| {
        let (dst, a, b, condition) = (random.gpr(), random.gpr(), random.gpr(), random.condition());
        let operands = [gpr(width, dst), gpr(width, a), gpr(width, b), Operand::ConditionCode(condition as u8)];
        check(row.mnemonic, &operands, |asm| asm.select(row, width, dst, a, b, condition));
    });
    each(CondCompare::ALL, &WIDTHS, |row, width, random| {
        let (a, b, condition, flags, value) = (random.gpr(), random.gpr(), random.condition(), random.below(16), random.below(32));
        let shown = Operand::ConditionCode(condition as u8);
        let operands = [gpr(width, a), gpr(width, b), immediate(flags), shown];
        check(row.mnemonic, &operands, |asm| asm.cond_compare_rr(row, width, a, b, flags, condition));
        let operands = [gpr(width, a), immediate(value), immediate(flags), shown];
        check(row.mnemonic, &operands, |asm| asm.cond_compare_ri(row, width, a, value, flags, condition));
    });
}

#[cfg_attr(test, test)]
fn inverse_conditions_are_the_manual_s_pairs() {
    use Cc::{Eq, Ge, Gt, Hi, Hs, Le, Lo, Ls, Lt, Mi, Ne, Pl, Vc, Vs};
    for (one, other) in [(Eq, Ne), (Hs, Lo), (Mi, Pl), (Vs, Vc), (Hi, Ls), (Ge, Lt), (Gt, Le)] {
        assert_eq!((one.invert(), other.invert()), (other, one));
    }
}

/// The name of an access with such a memory operand: offsets that are no multiples of the size have names of their own.
fn access_name(mnemonic: &str, mem: Mem, log2: u32) -> String {
    match mem {
        Mem::Base(_, offset) if offset < 0 || offset & ((1 << log2) - 1) != 0 => mnemonic.replacen("st", "stu", 1).replacen("ld", "ldu", 1),
        _ => mnemonic.to_owned(),
    }
}

/// Logarithm of the bytes that a row accesses, and the width of its register.
fn access_size(row: Access) -> (u32, Width) {
    match row {
        STRB | LDRB | LDRSB_W => (0, W32),
        LDRSB_X => (0, W64),
        STRH | LDRH | LDRSH_W => (1, W32),
        LDRSH_X => (1, W64),
        STR_W | LDR_W => (2, W32),
        LDRSW => (2, W64),
        _ => (3, W64),
    }
}

#[cfg_attr(test, test)]
fn loads_and_stores() {
    each(Access::ALL, &[W64; 5], |row, _, random| {
        let (log2, width) = access_size(row);
        let (register, mem) = (random.gpr(), random.mem(log2));
        let name = access_name(row.mnemonic, mem, log2);
        check(&name, &[gpr(width, register), memory(mem, log2)], |asm| {
            if row.mnemonic.starts_with("st") { asm.store_mr(row, mem, register) } else { asm.load_rm(row, register, mem) }
        });
    });
    each(FloatAccess::ALL, &[W64; 5], |row, _, random| {
        let log2 = [(STR_S, 2), (LDR_S, 2), (STR_D, 3), (LDR_D, 3), (STR_Q, 4), (LDR_Q, 4)].iter().find(|(one, _)| *one == row).unwrap().1;
        let (register, mem) = (random.fpr(), random.mem(log2));
        let shown = [scalar(W32, register), scalar(W64, register), quad(register)][log2 as usize - 2];
        let name = access_name(row.mnemonic, mem, log2);
        check(&name, &[shown, memory(mem, log2)], |asm| {
            if row.mnemonic == "str" { asm.store_mv(row, mem, register) } else { asm.load_vm(row, register, mem) }
        });
    });
}

#[cfg_attr(test, test)]
fn pairs() {
    each(Pair::ALL, &[W64], |row, _, random| {
        let (width, log2) = if row == STP_W || row == LDP_W { (W32, 2) } else { (W64, 3) };
        let (first, mem) = (random.gpr(), random.pair_mem(log2));
        let second = Gpr::new((first.number() + 1 + random.below(31) as u8) % 32);
        check(row.mnemonic, &[gpr(width, first), gpr(width, second), memory(mem, log2)], |asm| {
            if row.mnemonic == "stp" { asm.store_pair(row, mem, first, second) } else { asm.load_pair(row, first, second, mem) }
        });
    });
    each(FloatPair::ALL, &[W64], |row, _, random| {
        let log2 = [(STP_S, 2), (LDP_S, 2), (STP_D, 3), (LDP_D, 3), (STP_Q, 4), (LDP_Q, 4)].iter().find(|(one, _)| *one == row).unwrap().1;
        let (first, mem) = (random.fpr(), random.pair_mem(log2));
        let second = Fpr::new((first.number() + 1 + random.below(31) as u8) % 32);
        let shown = |register| [scalar(W32, register), scalar(W64, register), quad(register)][log2 as usize - 2];
        check(row.mnemonic, &[shown(first), shown(second), memory(mem, log2)], |asm| {
            if row.mnemonic == "stp" { asm.store_pair_v(row, mem, first, second) } else { asm.load_pair_v(row, first, second, mem) }
        });
    });
}

#[cfg_attr(test, test)]
fn scalar_floats() {
    each(FloatTwoSource::ALL, &WIDTHS, |row, width, random| {
        let (dst, a, b) = (random.fpr(), random.fpr(), random.fpr());
        check(row.mnemonic, &[scalar(width, dst), scalar(width, a), scalar(width, b)], |asm| asm.float_vvv(row, width, dst, a, b));
    });
    each(FloatOneSource::ALL, &WIDTHS, |row, width, random| {
        let (dst, a) = (random.fpr(), random.fpr());
        check(row.mnemonic, &[scalar(width, dst), scalar(width, a)], |asm| asm.float_vv(row, width, dst, a));
        let other = if width == W64 { W32 } else { W64 };
        check("fcvt", &[scalar(other, dst), scalar(width, a)], |asm| asm.fcvt(width, dst, a));
    });
    each(FloatCompare::ALL, &WIDTHS, |row, width, random| {
        let (dst, a, b, condition, flags) = (random.fpr(), random.fpr(), random.fpr(), random.condition(), random.below(16));
        check(row.mnemonic, &[scalar(width, a), scalar(width, b)], |asm| asm.fcmp(row, width, a, b));
        let shown = Operand::ConditionCode(condition as u8);
        check("fccmp", &[scalar(width, a), scalar(width, b), immediate(flags), shown], |asm| asm.fccmp(width, a, b, flags, condition));
        let operands = [scalar(width, dst), scalar(width, a), scalar(width, b), shown];
        check("fcsel", &operands, |asm| asm.fcsel(width, dst, a, b, condition));
        let line = text(&assemble(|asm| asm.fcmp_zero(row, width, a)));
        assert_eq!(line, format!("{} {}{}, #0.0", row.mnemonic, if width == W64 { "d" } else { "s" }, a.number()));
    });
}

#[cfg_attr(test, test)]
fn conversions() {
    for float in WIDTHS {
        each(FloatToInt::ALL, &WIDTHS, |row, int, random| {
            let (dst, src) = (random.gpr(), random.fpr());
            check(row.mnemonic, &[gpr(int, dst), scalar(float, src)], |asm| asm.float_to_int(row, int, float, dst, src));
        });
        each(IntToFloat::ALL, &WIDTHS, |row, int, random| {
            let (dst, src) = (random.fpr(), random.gpr());
            check(row.mnemonic, &[scalar(float, dst), gpr(int, src)], |asm| asm.int_to_float(row, float, int, dst, src));
        });
    }
    each(&[()], &WIDTHS, |(), width, random| {
        let (register, vector) = (random.gpr(), random.fpr());
        check("fmov", &[scalar(width, vector), gpr(width, register)], |asm| asm.fmov_vr(width, vector, register));
        check("fmov", &[gpr(width, register), scalar(width, vector)], |asm| asm.fmov_rv(width, register, vector));
    });
}

#[cfg_attr(test, test)]
fn all_float_immediates_come_back() {
    for imm8 in 0..=255u32 {
        // VFPExpandImm of the manual, single precision.
        let (sign, b, rest) = (imm8 >> 7, imm8 >> 6 & 1, imm8 & 0x3f);
        let single = f32::from_bits(sign << 31 | (1 - b) << 30 | (b * 0x1f) << 25 | rest << 19);
        check("fmov", &[scalar(W32, V3), Operand::ImmediateDouble(f64::from(single))], |asm| {
            asm.fmov_vi(W32, V3, u64::from(single.to_bits()));
        });
        check("fmov", &[scalar(W64, V3), Operand::ImmediateDouble(f64::from(single))], |asm| {
            asm.fmov_vi(W64, V3, f64::from(single).to_bits());
        });
    }
}

#[cfg_attr(test, test)]
fn vectors() {
    use SIMDSizeCode::{B, D, H, S};
    each(VectorLogical::ALL, &[W64], |row, _, random| {
        let (dst, a, b) = (random.fpr(), random.fpr(), random.fpr());
        let operands = [vector(128, dst, B), vector(128, a, B), vector(128, b, B)];
        check(row.mnemonic, &operands, |asm| asm.vector_vvv(row, dst, a, b));
    });
    each(VectorShift::ALL, &WIDTHS, |row, width, random| {
        let (dst, src, amount) = (random.fpr(), random.fpr(), random.below(width.bits()));
        let amount = if row.mnemonic.ends_with('r') || row.mnemonic == "sri" { amount + 1 } else { amount };
        let shown = |register| if width == W64 { scalar(W64, register) } else { vector(64, register, S) };
        let by = if width == W64 { Operand::Imm16(amount as u16) } else { immediate(amount) };
        check(row.mnemonic, &[shown(dst), shown(src), by], |asm| asm.vector_shift(row, width, dst, src, amount));
    });
    each(VectorSign::ALL, &WIDTHS, |row, width, random| {
        let (dst, src, element) = (random.fpr(), random.fpr(), if width == W64 { D } else { S });
        check(row.mnemonic, &[vector(128, dst, element), vector(128, src, element)], |asm| asm.vector_sign(row, width, dst, src));
    });
    each(Across::ALL, &[W64], |row, _, random| {
        let (dst, src) = (random.fpr(), random.fpr());
        let size = if row == ADDV { B } else { H };
        let operands = [Operand::SIMDRegister(size, u16::from(dst.number())), vector(64, src, B)];
        check(row.mnemonic, &operands, |asm| asm.across(row, dst, src));
        check("cnt", &[vector(64, dst, B), vector(64, src, B)], |asm| asm.cnt(dst, src));
    });
}

#[cfg_attr(test, test)]
fn branches_through_registers_and_exceptions() {
    each(&[()], &[W64], |(), _, random| {
        let (register, number) = (random.gpr(), random.next() as u16);
        check("br", &[gpr(W64, register)], |asm| asm.br(register));
        check("blr", &[gpr(W64, register)], |asm| asm.blr(register));
        assert_eq!(text(&assemble(|asm| asm.udf(number | 1))), format!("udf #{:#x}", number | 1));
        assert_eq!(text(&assemble(|asm| asm.brk(number))), format!("brk #{number:#x}"));
    });
}

#[cfg_attr(test, test)]
fn system_registers_and_masks() {
    each(SystemRegister::ALL, &[W64], |row, _, random| {
        let register = random.gpr();
        let line = text(&assemble(|asm| asm.mrs(register, row)));
        assert!(line.starts_with(&format!("mrs {}, ", gpr(W64, register))), "{line}");
        // The decoder looks at four bits of this register.
        let register = Gpr::new(random.below(16) as u8);
        let line = text(&assemble(|asm| asm.msr(row, register)));
        assert!(line.ends_with(&format!(", {}", gpr(W64, register))), "{line}");
    });
    each(&[()], &[W64], |(), _, random| {
        let (register, mask, shift) = (random.fpr(), random.next() as u8, 8 * random.below(4));
        let bytes = (0..8).filter(|bit| mask >> bit & 1 == 1).fold(0u64, |value, bit| value | 0xff << (8 * bit));
        let line = text(&assemble(|asm| asm.movi_bytes(register, mask)));
        assert_eq!(line, format!("movi d{}, #{bytes:#x}", register.number()));
        let line = text(&assemble(|asm| asm.movi_words(register, mask, shift)));
        let expected = format!("movi v{}.2s, #{mask:#x}", register.number());
        assert_eq!(line, if shift == 0 { expected } else { format!("{expected}, lsl #{shift}") });
    });
}
