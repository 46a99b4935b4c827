//! Control flow, padding and traps.

use mj_asm::Label;

use crate::condition::Cc;
use crate::encode::{Asm, Opcode, REL8, REL32};
use crate::memory::Mem;
use crate::register::Gpr;

/// Multi-byte `nop`s as the manual recommends them, by length; first byte lowest.
const NOPS: [u64; 9] =
    [0x00, 0x90, 0x9066, 0x00_1f0f, 0x0040_1f0f, 0x00_0044_1f0f, 0x0000_441f_0f66, 0x00_0000_0080_1f0f, 0x0000_0000_0084_1f0f];

impl Asm {
    /// Jumps to a label. Backward jumps take one byte of distance if that is enough, forward ones four.
    #[inline]
    pub fn jmp(&mut self, to: Label) {
        self.jump(to, 0xeb, 0xe9, 1);
    }

    /// Jumps to a label if the condition holds.
    #[inline]
    pub fn jcc(&mut self, condition: Cc, to: Label) {
        self.jump(to, 0x70 | condition as u64, 0x800f | (condition as u64) << 8, 2);
    }

    #[inline]
    fn jump(&mut self, to: Label, short: u64, long: u64, long_length: usize) {
        let at = self.offset();
        let end = at + long_length + 4;
        if let Some(target) = self.label_offset(to) {
            let distance = target as i64 - (at as i64 + 2);
            if distance == i64::from(distance as i8) {
                return self.buffer.put(short | u64::from(distance as u8) << 8, 2);
            }
            let distance = (target as i64 - end as i64) as u32;
            return self.buffer.put(long | u64::from(distance) << (8 * long_length), long_length + 4);
        }
        self.buffer.put(long, long_length + 4);
        self.buffer.use_label(to, end - 4, end, REL32);
    }

    /// Jumps forward to a label that is known to be bound within 127 bytes.
    #[inline]
    pub fn jmp_short(&mut self, to: Label) {
        self.jump_short(to, 0xeb);
    }

    /// Jumps forward, if the condition holds, to a label that is known to be bound within 127 bytes.
    #[inline]
    pub fn jcc_short(&mut self, condition: Cc, to: Label) {
        self.jump_short(to, 0x70 | condition as u64);
    }

    #[inline]
    fn jump_short(&mut self, to: Label, opcode: u64) {
        let end = self.offset() + 2;
        self.buffer.put(opcode, 2);
        self.buffer.use_label(to, end - 1, end, REL8);
    }

    /// Calls a label of the same function.
    #[inline]
    pub fn call(&mut self, to: Label) {
        let end = self.offset() + 5;
        self.buffer.put(0xe8, 5);
        self.buffer.use_label(to, end - 4, end, REL32);
    }

    /// Calls the address in a register.
    #[inline]
    pub fn call_r(&mut self, to: Gpr) {
        self.encode_rr(Opcode::one(0, 0xff), 0, 2, to.number());
    }

    /// Calls the address in memory.
    #[inline]
    pub fn call_m(&mut self, to: Mem) {
        self.encode_rm(Opcode::one(0, 0xff), 0, 2, to);
    }

    /// Jumps to the address in a register.
    #[inline]
    pub fn jmp_r(&mut self, to: Gpr) {
        self.encode_rr(Opcode::one(0, 0xff), 0, 4, to.number());
    }

    /// Jumps to the address in memory.
    #[inline]
    pub fn jmp_m(&mut self, to: Mem) {
        self.encode_rm(Opcode::one(0, 0xff), 0, 4, to);
    }

    /// Calls through the jump-table slot of a function: a pc-relative operand and a relocation for it.
    #[inline]
    pub fn call_slot(&mut self, function: u32) {
        self.through_slot(0x15ff, function);
    }

    /// Jumps through the jump-table slot of a function.
    #[inline]
    pub fn jmp_slot(&mut self, function: u32) {
        self.through_slot(0x25ff, function);
    }

    #[inline]
    fn through_slot(&mut self, opcode: u64, function: u32) {
        let at = self.offset() + 2;
        self.buffer.put(opcode, 6);
        self.buffer.add_relocation(at, function);
    }

    /// An entry of a jump table: the 32-bit distance from `table`, which is bound, to `target`.
    ///
    /// # Panics
    /// If `table` is not bound.
    #[inline]
    pub fn table_entry(&mut self, table: Label, target: Label) {
        let base = self.label_offset(table).expect("a jump table's label is bound in front of its entries");
        let at = self.offset();
        self.buffer.put(0, 4);
        self.buffer.use_label(target, at, base, REL32);
    }

    /// Returns.
    #[inline]
    pub fn ret(&mut self) {
        self.buffer.put(0xc3, 1);
    }

    /// Returns and pops `bytes` of arguments.
    #[inline]
    pub fn ret_i(&mut self, bytes: u16) {
        self.buffer.put(0xc2 | u64::from(bytes) << 8, 3);
    }

    /// Raises an invalid-opcode fault.
    #[inline]
    pub fn ud2(&mut self) {
        self.buffer.put(0x0b0f, 2);
    }

    /// Raises a breakpoint trap.
    #[inline]
    pub fn int3(&mut self) {
        self.buffer.put(0xcc, 1);
    }

    /// `rsp := rbp`, and pops `rbp`.
    #[inline]
    pub fn leave(&mut self) {
        self.buffer.put(0xc9, 1);
    }

    /// Appends `count` bytes that do nothing.
    #[inline]
    pub fn nop(&mut self, mut count: usize) {
        while count > 8 {
            self.buffer.put(NOPS[8], 8);
            count -= 8;
        }
        self.buffer.put(NOPS[count], count);
    }

    /// Aligns the code with `nop`s, reserving room for them.
    #[inline]
    pub fn align_code(&mut self, alignment: usize) {
        let at = self.offset();
        let count = at.next_multiple_of(alignment) - at;
        self.reserve(count);
        self.nop(count);
    }
}
