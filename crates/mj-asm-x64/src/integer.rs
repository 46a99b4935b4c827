//! Integer instructions.

use crate::condition::Cc;
use crate::encode::{Asm, Immediate, Opcode};
use crate::memory::Mem;
use crate::register::{Gpr, RAX, Width};
use crate::rows::{Alu, RegRm, Shift, Unary};

/// Opcode of an instruction that exists for bytes (`opcode`) and for wider operands (`opcode + 1`).
#[inline]
fn sized(width: Width, opcode: u8) -> Opcode {
    Opcode::one(width.prefix(), opcode | width.wide_bit())
}

/// REX for byte registers: `spl`, `bpl`, `sil` and `dil` need one, else their numbers mean `ah` to `bh`.
#[inline]
fn byte_rex(width: Width, register: Gpr) -> u8 {
    if width == Width::W8 && register.number() >= 4 { 0x40 } else { 0 }
}

/// An immediate as an operand of `width` takes it: sign-extended from its low bits.
#[inline]
fn normalized(width: Width, value: i32) -> i32 {
    match width {
        Width::W8 => i32::from(value as i8),
        Width::W16 => i32::from(value as i16),
        _ => value,
    }
}

impl Asm {
    /// `dst := dst row src` (`cmp`: flags only).
    #[inline]
    pub fn alu_rr(&mut self, row: Alu, width: Width, dst: Gpr, src: Gpr) {
        let rex = width.rex_w() | byte_rex(width, dst) | byte_rex(width, src);
        self.encode_rr(sized(width, row.digit << 3), rex, src.number(), dst.number());
    }

    /// `dst := dst row src`.
    #[inline]
    pub fn alu_rm(&mut self, row: Alu, width: Width, dst: Gpr, src: Mem) {
        let rex = width.rex_w() | byte_rex(width, dst);
        self.encode_rm(sized(width, row.digit << 3 | 2), rex, dst.number(), src);
    }

    /// `dst := dst row src`.
    #[inline]
    pub fn alu_mr(&mut self, row: Alu, width: Width, dst: Mem, src: Gpr) {
        let rex = width.rex_w() | byte_rex(width, src);
        self.encode_rm(sized(width, row.digit << 3), rex, src.number(), dst);
    }

    /// `dst := dst row src`; the immediate is sign-extended to 64 bits, and cut to narrower operands.
    #[inline]
    pub fn alu_ri(&mut self, row: Alu, width: Width, dst: Gpr, src: i32) {
        let src = normalized(width, src);
        let is_byte = width != Width::W8 && src == i32::from(src as i8);
        if dst == RAX && !is_byte {
            // The accumulator's own form saves a byte.
            let rest = u64::from(row.digit << 3 | 4 | width.wide_bit());
            return self.accumulator_immediate(rest, width, src);
        }
        let rex = width.rex_w() | byte_rex(width, dst);
        let opcode = if is_byte { Opcode::one(width.prefix(), 0x83) } else { sized(width, 0x80) };
        self.encode_rri(
            opcode,
            rex,
            row.digit,
            dst.number(),
            Immediate::new(i64::from(src), if is_byte { 1 } else { width.immediate_bytes() }),
        );
    }

    #[inline]
    fn accumulator_immediate(&mut self, opcode: u64, width: Width, src: i32) {
        let immediate = Immediate::new(i64::from(src), width.immediate_bytes());
        match width {
            Width::W8 | Width::W32 => self.encode_immediate(opcode, 1, immediate),
            Width::W16 => self.encode_immediate(0x66 | opcode << 8, 2, immediate),
            Width::W64 => self.encode_immediate(0x48 | opcode << 8, 2, immediate),
        }
    }

    /// `dst := dst row src`; the immediate is sign-extended to 64 bits, and cut to narrower operands.
    #[inline]
    pub fn alu_mi(&mut self, row: Alu, width: Width, dst: Mem, src: i32) {
        let src = normalized(width, src);
        let is_byte = width != Width::W8 && src == i32::from(src as i8);
        let opcode = if is_byte { Opcode::one(width.prefix(), 0x83) } else { sized(width, 0x80) };
        let immediate = Immediate::new(i64::from(src), if is_byte { 1 } else { width.immediate_bytes() });
        self.encode_rmi(opcode, width.rex_w(), row.digit, dst, immediate);
    }

    /// Flags of `a & b`.
    #[inline]
    pub fn test_rr(&mut self, width: Width, a: Gpr, b: Gpr) {
        let rex = width.rex_w() | byte_rex(width, a) | byte_rex(width, b);
        self.encode_rr(sized(width, 0x84), rex, b.number(), a.number());
    }

    /// Flags of `a & b`.
    #[inline]
    pub fn test_mr(&mut self, width: Width, a: Mem, b: Gpr) {
        let rex = width.rex_w() | byte_rex(width, b);
        self.encode_rm(sized(width, 0x84), rex, b.number(), a);
    }

    /// Flags of `a & b`; the immediate is sign-extended to 64 bits, and cut to narrower operands.
    #[inline]
    pub fn test_ri(&mut self, width: Width, a: Gpr, b: i32) {
        if a == RAX {
            return self.accumulator_immediate(u64::from(0xa8 | width.wide_bit()), width, b);
        }
        self.encode_rri(
            sized(width, 0xf6),
            width.rex_w() | byte_rex(width, a),
            0,
            a.number(),
            Immediate::new(i64::from(b), width.immediate_bytes()),
        );
    }

    /// Flags of `a & b`; the immediate is sign-extended to 64 bits, and cut to narrower operands.
    #[inline]
    pub fn test_mi(&mut self, width: Width, a: Mem, b: i32) {
        let immediate = Immediate::new(i64::from(b), width.immediate_bytes());
        self.encode_rmi(sized(width, 0xf6), width.rex_w(), 0, a, immediate);
    }

    /// `dst := src`; 32 bits are zero-extended, narrower ones leave the rest of `dst`.
    #[inline]
    pub fn mov_rr(&mut self, width: Width, dst: Gpr, src: Gpr) {
        let rex = width.rex_w() | byte_rex(width, dst) | byte_rex(width, src);
        self.encode_rr(sized(width, 0x88), rex, src.number(), dst.number());
    }

    /// Loads; 32 bits are zero-extended, narrower ones leave the rest of `dst` (see [`movzx_rm`](Self::movzx_rm)).
    #[inline(always)]
    pub fn mov_rm(&mut self, width: Width, dst: Gpr, src: Mem) {
        let rex = width.rex_w() | byte_rex(width, dst);
        self.encode_rm(sized(width, 0x8a), rex, dst.number(), src);
    }

    /// Stores.
    #[inline(always)]
    pub fn mov_mr(&mut self, width: Width, dst: Mem, src: Gpr) {
        let rex = width.rex_w() | byte_rex(width, src);
        self.encode_rm(sized(width, 0x88), rex, src.number(), dst);
    }

    /// Stores an immediate, sign-extended to 64 bits and cut to narrower operands.
    #[inline]
    pub fn mov_mi(&mut self, width: Width, dst: Mem, src: i32) {
        let immediate = Immediate::new(i64::from(src), width.immediate_bytes());
        self.encode_rmi(sized(width, 0xc6), width.rex_w(), 0, dst, immediate);
    }

    /// `dst := src` in the shortest form that leaves the flags alone. 32 bits and narrower ones are zero-extended from 32.
    #[inline]
    pub fn mov_ri(&mut self, width: Width, dst: Gpr, src: i64) {
        let src = if width == Width::W64 { src } else { i64::from(src as u32) };
        let low = u64::from(dst.number() & 7);
        let b = u64::from(dst.number() >> 3);
        if src == i64::from(src as u32) {
            let opcode = (0xb8 | low) | (src as u64) << 8;
            if b == 0 { self.buffer.put(opcode, 5) } else { self.buffer.put(0x41 | opcode << 8, 6) }
        } else if src == i64::from(src as i32) {
            self.buffer.put((0x48 | b) | 0xc7 << 8 | (0xc0 | low) << 16 | u64::from(src as u32) << 24, 7);
        } else {
            self.buffer.put_pair((0x48 | b) | (0xb8 | low) << 8, 2, src as u64, 8);
        }
    }

    /// `dst := 0` (`xor`): changes the flags.
    #[inline]
    pub fn zero(&mut self, dst: Gpr) {
        self.encode_rr(Opcode::one(0, 0x31), 0, dst.number(), dst.number());
    }

    /// `dst := src`, zero-extended to 64 bits from `from`, which is not `W64`.
    #[inline]
    pub fn movzx_rr(&mut self, from: Width, dst: Gpr, src: Gpr) {
        match from {
            Width::W8 => self.encode_rr(Opcode::two(0, 0xb6), byte_rex(from, src), dst.number(), src.number()),
            Width::W16 => self.encode_rr(Opcode::two(0, 0xb7), 0, dst.number(), src.number()),
            _ => self.mov_rr(from, dst, src),
        }
    }

    /// Loads `from` bits, zero-extended to 64.
    #[inline]
    pub fn movzx_rm(&mut self, from: Width, dst: Gpr, src: Mem) {
        match from {
            Width::W8 => self.encode_rm(Opcode::two(0, 0xb6), 0, dst.number(), src),
            Width::W16 => self.encode_rm(Opcode::two(0, 0xb7), 0, dst.number(), src),
            _ => self.mov_rm(from, dst, src),
        }
    }

    /// `dst := src`, sign-extended from `from` to `to`, which is `W32` (and zero-extended from there) or `W64`, and wider.
    #[inline]
    pub fn movsx_rr(&mut self, to: Width, from: Width, dst: Gpr, src: Gpr) {
        match from {
            Width::W8 => self.encode_rr(Opcode::two(0, 0xbe), to.rex_w() | byte_rex(from, src), dst.number(), src.number()),
            Width::W16 => self.encode_rr(Opcode::two(0, 0xbf), to.rex_w(), dst.number(), src.number()),
            _ => self.encode_rr(Opcode::one(0, 0x63), to.rex_w(), dst.number(), src.number()),
        }
    }

    /// Loads `from` bits, sign-extended to `to`, as [`movsx_rr`](Self::movsx_rr).
    #[inline]
    pub fn movsx_rm(&mut self, to: Width, from: Width, dst: Gpr, src: Mem) {
        let opcode = match from {
            Width::W8 => Opcode::two(0, 0xbe),
            Width::W16 => Opcode::two(0, 0xbf),
            _ => Opcode::one(0, 0x63),
        };
        self.encode_rm(opcode, to.rex_w(), dst.number(), src);
    }

    /// `dst := address of src`, cut to `width`.
    #[inline]
    pub fn lea(&mut self, width: Width, dst: Gpr, src: Mem) {
        self.encode_rm(Opcode::one(width.prefix(), 0x8d), width.rex_w(), dst.number(), src);
    }

    /// Exchanges two registers.
    #[inline]
    pub fn xchg_rr(&mut self, width: Width, a: Gpr, b: Gpr) {
        let rex = width.rex_w() | byte_rex(width, a) | byte_rex(width, b);
        self.encode_rr(sized(width, 0x86), rex, b.number(), a.number());
    }

    /// Exchanges a register with memory, atomically.
    #[inline]
    pub fn xchg_mr(&mut self, width: Width, a: Mem, b: Gpr) {
        let rex = width.rex_w() | byte_rex(width, b);
        self.encode_rm(sized(width, 0x86), rex, b.number(), a);
    }

    /// Pushes 64 bits.
    #[inline]
    pub fn push_r(&mut self, src: Gpr) {
        self.push_pop(0x50, src);
    }

    /// Pops 64 bits.
    #[inline]
    pub fn pop_r(&mut self, dst: Gpr) {
        self.push_pop(0x58, dst);
    }

    #[inline]
    fn push_pop(&mut self, opcode: u64, register: Gpr) {
        let opcode = opcode | u64::from(register.number() & 7);
        if register.number() < 8 { self.buffer.put(opcode, 1) } else { self.buffer.put(0x41 | opcode << 8, 2) }
    }

    /// Pushes 64 bits of memory.
    #[inline]
    pub fn push_m(&mut self, src: Mem) {
        self.encode_rm(Opcode::one(0, 0xff), 0, 6, src);
    }

    /// Pops 64 bits into memory.
    #[inline]
    pub fn pop_m(&mut self, dst: Mem) {
        self.encode_rm(Opcode::one(0, 0x8f), 0, 0, dst);
    }

    /// Pushes an immediate, sign-extended to 64 bits.
    #[inline]
    pub fn push_i(&mut self, src: i32) {
        if src == i32::from(src as i8) {
            self.buffer.put(0x6a | u64::from(src as u8) << 8, 2);
        } else {
            self.buffer.put(0x68 | u64::from(src as u32) << 8, 5);
        }
    }

    /// Pushes the flags.
    #[inline]
    pub fn pushfq(&mut self) {
        self.buffer.put(0x9c, 1);
    }

    /// Pops the flags.
    #[inline]
    pub fn popfq(&mut self) {
        self.buffer.put(0x9d, 1);
    }

    /// Reverses the bytes of 32 or 64 bits.
    #[inline]
    pub fn bswap(&mut self, width: Width, dst: Gpr) {
        // The register is in the second opcode byte's low bits, where ModRM's `rm` would be with `reg` 1.
        self.encode_rr(Opcode::one(0, 0x0f), width.rex_w(), 1, dst.number());
    }

    /// `dst := dst row amount`.
    #[inline]
    pub fn shift_ri(&mut self, row: Shift, width: Width, dst: Gpr, amount: u8) {
        let rex = width.rex_w() | byte_rex(width, dst);
        if amount == 1 {
            return self.encode_rr(sized(width, 0xd0), rex, row.digit, dst.number());
        }
        self.encode_rri(sized(width, 0xc0), rex, row.digit, dst.number(), Immediate::byte(amount));
    }

    /// `dst := dst row cl`.
    #[inline]
    pub fn shift_rc(&mut self, row: Shift, width: Width, dst: Gpr) {
        self.encode_rr(sized(width, 0xd2), width.rex_w() | byte_rex(width, dst), row.digit, dst.number());
    }

    /// `dst := dst row amount`.
    #[inline]
    pub fn shift_mi(&mut self, row: Shift, width: Width, dst: Mem, amount: u8) {
        self.encode_rmi(sized(width, 0xc0), width.rex_w(), row.digit, dst, Immediate::byte(amount));
    }

    /// `dst := row(dst)`, or `rdx:rax` and `dst` for the multiplications and divisions.
    #[inline]
    pub fn unary_r(&mut self, row: Unary, width: Width, dst: Gpr) {
        self.encode_rr(sized(width, 0xf6), width.rex_w() | byte_rex(width, dst), row.digit, dst.number());
    }

    /// As [`unary_r`](Self::unary_r), on memory.
    #[inline]
    pub fn unary_m(&mut self, row: Unary, width: Width, dst: Mem) {
        self.encode_rm(sized(width, 0xf6), width.rex_w(), row.digit, dst);
    }

    /// `edx := sign of eax` (`cdq`), or `rdx := sign of rax` (`cqo`).
    #[inline]
    pub fn sign_to_rdx(&mut self, width: Width) {
        if width == Width::W64 { self.buffer.put(0x9948, 2) } else { self.buffer.put(0x99, 1) }
    }

    /// `dst := row(src)` (`imul`: `dst * src`).
    #[inline]
    pub fn reg_rr(&mut self, row: RegRm, width: Width, dst: Gpr, src: Gpr) {
        debug_assert!(matches!(width, Width::W32 | Width::W64));
        self.encode_rr(Opcode::two(row.prefix, row.opcode), width.rex_w(), dst.number(), src.number());
    }

    /// `dst := row(src)` (`imul`: `dst * src`).
    #[inline]
    pub fn reg_rm(&mut self, row: RegRm, width: Width, dst: Gpr, src: Mem) {
        debug_assert!(matches!(width, Width::W32 | Width::W64));
        self.encode_rm(Opcode::two(row.prefix, row.opcode), width.rex_w(), dst.number(), src);
    }

    /// `dst := src * factor`.
    #[inline]
    pub fn imul_rri(&mut self, width: Width, dst: Gpr, src: Gpr, factor: i32) {
        let is_byte = factor == i32::from(factor as i8);
        let opcode = Opcode::one(width.prefix(), if is_byte { 0x6b } else { 0x69 });
        self.encode_rri(
            opcode,
            width.rex_w(),
            dst.number(),
            src.number(),
            Immediate::new(i64::from(factor), if is_byte { 1 } else { width.immediate_bytes() }),
        );
    }

    /// `dst := src * factor`.
    #[inline]
    pub fn imul_rmi(&mut self, width: Width, dst: Gpr, src: Mem, factor: i32) {
        let is_byte = factor == i32::from(factor as i8);
        let opcode = Opcode::one(width.prefix(), if is_byte { 0x6b } else { 0x69 });
        let immediate = Immediate::new(i64::from(factor), if is_byte { 1 } else { width.immediate_bytes() });
        self.encode_rmi(opcode, width.rex_w(), dst.number(), src, immediate);
    }

    /// Low byte of `dst := condition`; the rest of `dst` stays.
    #[inline]
    pub fn setcc(&mut self, condition: Cc, dst: Gpr) {
        self.encode_rr(Opcode::two(0, 0x90 | condition as u8), byte_rex(Width::W8, dst), 0, dst.number());
    }

    /// `dst := src` if the condition holds. At 32 bits `dst` is zero-extended either way.
    #[inline]
    pub fn cmov_rr(&mut self, condition: Cc, width: Width, dst: Gpr, src: Gpr) {
        self.encode_rr(Opcode::two(width.prefix(), 0x40 | condition as u8), width.rex_w(), dst.number(), src.number());
    }

    /// `dst := src` if the condition holds. The load happens either way.
    #[inline]
    pub fn cmov_rm(&mut self, condition: Cc, width: Width, dst: Gpr, src: Mem) {
        let opcode = Opcode::two(width.prefix(), 0x40 | condition as u8);
        self.encode_rm(opcode, width.rex_w(), dst.number(), src);
    }
}
