//! Memory that plumbing uses: the frame, outgoing arguments, fields behind a pointer.
//!
//! Two accesses to neighbouring slots of the frame in a row become one of a pair.

use mj_asm_aarch64::{
    ADD, Extend, Gpr, LDP_D, LDP_X, LDR_D, LDR_S, LDR_W, LDR_X, Mem, SP, STP_D, STP_X, STR_D, STR_S, STR_W, STR_X, SUB, Width, XZR,
    fits_add,
};
use mj_decode::ValType;
use mj_ir::{Class, PReg, RegSet};

use super::Aarch64;
use super::integer::width;
use super::registers::{self, CONTEXT, FLOAT_SCRATCH, FRAME, SPARE, fpr, gpr};
use crate::isa::{FieldWidth, FrameFacts};

/// Offsets of the frame's fixed part from the frame pointer: the context, then the callee-saved registers.
pub(super) const CONTEXT_SLOT: i32 = -8;
const SAVED_SLOTS: i32 = -16;
pub(super) const FIXED_BYTES: i32 = 8 + 8 * registers::CALLEE_SAVED.len() as i32;

/// Bytes of an instruction.
const INSTRUCTION: usize = 4;
/// Bytes of a slot.
const SLOT: i32 = mj_abi::SLOT as i32;

/// The access to the frame that the instruction which ends at `end` does.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameAccess {
    end: usize,
    offset: i32,
    register: PReg,
    is_load: bool,
}

/// Bytes between frame pointer and stack pointer, which is aligned to 16.
pub(super) fn frame_bytes(slot_bytes: u32) -> i32 {
    (FIXED_BYTES + slot_bytes as i32 + 15) & !15
}

/// Whether there is anything between them.
pub(super) fn has_frame(facts: FrameFacts) -> bool {
    facts.keeps_context || facts.slot_bytes > 0 || !facts.saved.is_empty()
}

fn bytes(width: FieldWidth) -> u32 {
    if width == FieldWidth::W32 { 4 } else { 8 }
}

impl Aarch64 {
    /// Loads from the frame.
    pub(super) fn load_slot(&mut self, to: PReg, offset: i32, width: FieldWidth) {
        let access = FrameAccess { end: 0, offset, register: to, is_load: true };
        // Slots are 64 bits wide: narrower loads have no neighbours.
        if width == FieldWidth::W32 || !self.pairs_up(access) {
            self.load_mem(to, FRAME, offset, width);
            self.note_frame_access(access, width);
        }
    }

    /// Stores to the frame. All bits: nobody relies on the upper half of a slot with a 32-bit value, and so more stores are alike.
    pub(super) fn store_slot(&mut self, offset: i32, from: PReg) {
        let access = FrameAccess { end: 0, offset, register: from, is_load: false };
        if !self.pairs_up(access) {
            self.store_mem(FRAME, offset, from, FieldWidth::W64);
            self.note_frame_access(access, FieldWidth::W64);
        }
    }

    fn note_frame_access(&mut self, access: FrameAccess, width: FieldWidth) {
        let can_pair = width == FieldWidth::W64 && self.near(FRAME, access.offset, SLOT as u32).is_some();
        self.frame_access = can_pair.then(|| FrameAccess { end: self.asm.offset(), ..access });
    }

    /// Does the access together with the one that ends here, if it can be.
    fn pairs_up(&mut self, access: FrameAccess) -> bool {
        let Some(last) = self.frame_access.take() else { return false };
        let (low, high) = if last.offset < access.offset { (last, access) } else { (access, last) };
        let pair = self.near_frame(low.offset, |offset| Mem::fits_pair(SLOT as u32, offset.into()));
        let alike = last.is_load == access.is_load && last.register.class() == access.register.class();
        let clash = access.is_load && last.register == access.register;
        let Some(mem) = pair.filter(|_| high.offset - low.offset == SLOT) else { return false };
        if !alike || clash || last.end != self.asm.offset() || self.asm.is_target() {
            return false;
        }
        self.asm.take_back(INSTRUCTION);
        let (low, high) = (low.register, high.register);
        match (low.class(), access.is_load) {
            (Class::Int, true) => self.asm.load_pair(LDP_X, gpr(low), gpr(high), mem),
            (Class::Int, false) => self.asm.store_pair(STP_X, mem, gpr(low), gpr(high)),
            (Class::Float, true) => self.asm.load_pair_v(LDP_D, fpr(low), fpr(high), mem),
            (Class::Float, false) => self.asm.store_pair_v(STP_D, mem, fpr(low), fpr(high)),
        }
        true
    }

    /// `[frame pointer + offset]`, from there or from the stack pointer, if one of them is near enough.
    fn near_frame(&self, offset: i32, is_near: impl Fn(i32) -> bool) -> Option<Mem> {
        let from_stack = self.frame_bytes.map(|distance| (SP, distance + offset));
        let found = core::iter::once((FRAME, offset)).chain(from_stack).find(|&(_, offset)| is_near(offset));
        found.map(|(base, offset)| Mem::base(base, offset))
    }

    /// `[base + offset]` for an access of `bytes`, if an instruction can hold it.
    fn near(&self, base: Gpr, offset: i32, bytes: u32) -> Option<Mem> {
        let fits = |offset: i32| Mem::fits(bytes, offset.into());
        if base == FRAME { self.near_frame(offset, fits) } else { fits(offset).then(|| Mem::base(base, offset)) }
    }

    /// `[base + offset]` for an access of `bytes`; may use the spare register, which may be the base.
    pub(super) fn place(&mut self, base: Gpr, offset: i32, bytes: u32) -> Mem {
        if let Some(mem) = self.near(base, offset, bytes) {
            return mem;
        }
        // What is left is not negative, so that it can be scaled.
        let (high, low) = (offset & !0xfff, offset & 0xfff);
        if fits_add(u64::from(high.unsigned_abs())) && Mem::fits(bytes, i64::from(low)) {
            let row = if high < 0 { SUB } else { ADD };
            self.asm.add_rri(row, Width::W64, SPARE, base, high.unsigned_abs());
            return Mem::base(SPARE, low);
        }
        self.add_constant(SPARE, base, offset);
        Mem::base(SPARE, 0)
    }

    /// `to := base + offset`, either of which may be the stack pointer; may use the spare register.
    pub(super) fn add_constant(&mut self, to: Gpr, base: Gpr, offset: i32) {
        // Processors refuse to access memory through a stack pointer that is not, and emulators do not tell.
        debug_assert!(to != SP || offset % 16 == 0, "the stack pointer stays aligned");
        let row = if offset < 0 { SUB } else { ADD };
        let distance = offset.unsigned_abs();
        if fits_add(u64::from(distance)) {
            self.asm.add_rri(row, Width::W64, to, base, distance);
        } else if distance < 1 << 24 {
            self.asm.add_rri(row, Width::W64, to, base, distance & 0xff_f000);
            self.asm.add_rri(row, Width::W64, to, to, distance & 0xfff);
        } else {
            self.asm.mov_ri(Width::W64, SPARE, i64::from(offset));
            self.asm.add_rre(ADD, Width::W64, to, base, SPARE, Extend::Uxtx, 0);
        }
    }

    pub(super) fn load_word(&mut self, to: Gpr, base: Gpr, offset: i32) {
        let mem = self.place(base, offset, 8);
        self.asm.load_rm(LDR_X, to, mem);
    }

    pub(super) fn load_mem(&mut self, to: PReg, base: Gpr, offset: i32, width: FieldWidth) {
        let mem = self.place(base, offset, bytes(width));
        match (to.class(), width) {
            (Class::Int, FieldWidth::W32) => self.asm.load_rm(LDR_W, gpr(to), mem),
            (Class::Int, FieldWidth::W64) => self.asm.load_rm(LDR_X, gpr(to), mem),
            (Class::Float, FieldWidth::W32) => self.asm.load_vm(LDR_S, fpr(to), mem),
            (Class::Float, FieldWidth::W64) => self.asm.load_vm(LDR_D, fpr(to), mem),
        }
    }

    pub(super) fn store_mem(&mut self, base: Gpr, offset: i32, from: PReg, width: FieldWidth) {
        let mem = self.place(base, offset, bytes(width));
        match (from.class(), width) {
            (Class::Int, FieldWidth::W32) => self.asm.store_mr(STR_W, mem, gpr(from)),
            (Class::Int, FieldWidth::W64) => self.asm.store_mr(STR_X, mem, gpr(from)),
            (Class::Float, FieldWidth::W32) => self.asm.store_mv(STR_S, mem, fpr(from)),
            (Class::Float, FieldWidth::W64) => self.asm.store_mv(STR_D, mem, fpr(from)),
        }
    }

    pub(super) fn store_constant(&mut self, base: Gpr, offset: i32, ty: ValType, bits: i64) {
        let width = width(ty);
        let row = if width == Width::W32 { STR_W } else { STR_X };
        if bits == 0 {
            let mem = self.place(base, offset, width.bytes() as u32);
            return self.asm.store_mr(row, mem, XZR);
        }
        self.asm.mov_ri(width, SPARE, bits);
        if let Some(mem) = self.near(base, offset, width.bytes() as u32) {
            return self.asm.store_mr(row, mem, SPARE);
        }
        // The spare register is needed for the address.
        self.asm.fmov_vr(width, FLOAT_SCRATCH, SPARE);
        let mem = self.place(base, offset, width.bytes() as u32);
        self.asm.store_mv(if width == Width::W32 { STR_S } else { STR_D }, mem, FLOAT_SCRATCH);
    }

    /// Copies 8 bytes.
    pub(super) fn copy_word(&mut self, base: Gpr, to: i32, from: i32) {
        let mem = self.place(FRAME, from, 8);
        self.asm.load_vm(LDR_D, FLOAT_SCRATCH, mem);
        let mem = self.place(base, to, 8);
        self.asm.store_mv(STR_D, mem, FLOAT_SCRATCH);
    }

    /// Stores the context and the registers, two at a time.
    pub(super) fn save(&mut self, keeps_context: bool, saved: RegSet) {
        let context = keeps_context.then_some(CONTEXT);
        let first = if keeps_context { CONTEXT_SLOT } else { SAVED_SLOTS };
        let mut registers = context.into_iter().chain(saved.iter().map(gpr));
        let mut offset = first;
        while let Some(high) = registers.next() {
            match registers.next() {
                Some(low) => self.asm.store_pair(STP_X, Mem::base(FRAME, offset - 8), low, high),
                None => self.asm.store_mr(STR_X, Mem::base(FRAME, offset), high),
            }
            offset -= 16;
        }
    }

    pub(super) fn restore(&mut self, saved: RegSet) {
        let mut registers = saved.iter().map(gpr);
        let mut offset = SAVED_SLOTS;
        while let Some(high) = registers.next() {
            match registers.next() {
                Some(low) => self.asm.load_pair(LDP_X, low, high, Mem::base(FRAME, offset - 8)),
                None => self.asm.load_rm(LDR_X, high, Mem::base(FRAME, offset)),
            }
            offset -= 16;
        }
    }
}
