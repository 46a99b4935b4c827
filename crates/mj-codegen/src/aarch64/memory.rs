//! Loads and stores.
//!
//! Guarded: `[memory base + index]`, the index zero-extended on the way; with an offset, the sum is made in the address register. Every access
//! falls into the reservation or its guard. Checked: the end of the access is compared with the memory's length first.
//!
//! The sum is good for further accesses with the same index, to other fields of one structure; so is that of memory base and a round constant, for
//! variables with fixed addresses. It is forgotten where a label is bound, where the index's register
//! is written, and by all plumbing that does not say that it keeps it.

use mj_abi::{ContextHeader, MemoryDefinition, TrapCode};
use mj_asm_aarch64::{
    ADD, Access, Cc, Extend, LDR_D, LDR_S, LDR_W, LDR_X, LDRB, LDRH, LDRSB_W, LDRSB_X, LDRSH_W, LDRSH_X, LDRSW, Mem, STR_D, STR_S, STR_W,
    STR_X, STRB, STRH, Width, XZR, fits_add,
};
use mj_decode::{Op, ValType};
use mj_ir::PReg;

use super::Aarch64;
use super::form::{Form, Kind};
use super::registers::{ADDRESS, CONTEXT, MEMORY, SCRATCH, SPARE, fpr, gpr};
use crate::isa::Locations;

fn load_row(op: Op) -> Access {
    match op {
        Op::I32Load | Op::I64Load32U => LDR_W,
        Op::I64Load => LDR_X,
        Op::I32Load8U | Op::I64Load8U => LDRB,
        Op::I32Load16U | Op::I64Load16U => LDRH,
        Op::I32Load8S => LDRSB_W,
        Op::I32Load16S => LDRSH_W,
        Op::I64Load8S => LDRSB_X,
        Op::I64Load16S => LDRSH_X,
        Op::I64Load32S => LDRSW,
        _ => unreachable!("{op:?} loads no integer"),
    }
}

fn store_row(bytes: u8) -> Access {
    match bytes {
        1 => STRB,
        2 => STRH,
        4 => STR_W,
        _ => STR_X,
    }
}

/// What the address register holds since the offset `at`: the memory base, and this.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base {
    plus: Plus,
    at: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Plus {
    /// The value of this register.
    Index(PReg),
    Constant(u64),
}

impl Aarch64 {
    /// `[memory base + index + offset]` for an access of `bytes`; may use the spare and the address register. The flags stay.
    pub(super) fn address(&mut self, index: PReg, offset: u64, bytes: u32) -> Mem {
        let is_near = Mem::fits(bytes, offset as i64);
        if is_near && self.based_on() == Some(Plus::Index(index)) {
            return Mem::base(ADDRESS, offset as i32);
        }
        if offset == 0 {
            return Mem::indexed(MEMORY, gpr(index), Extend::Uxtw);
        }
        if is_near {
            self.asm.add_rre(ADD, Width::W64, ADDRESS, MEMORY, gpr(index), Extend::Uxtw, 0);
            self.base = Some(Base { plus: Plus::Index(index), at: self.asm.offset() });
            return Mem::base(ADDRESS, offset as i32);
        }
        self.asm.mov_ri(Width::W64, SPARE, offset as i64);
        self.asm.add_rre(ADD, Width::W64, SPARE, SPARE, gpr(index), Extend::Uxtw, 0);
        Mem::indexed(MEMORY, SPARE, Extend::Uxtx)
    }

    /// What the address register holds besides the memory base, if that is still so.
    fn based_on(&self) -> Option<Plus> {
        self.base.filter(|base| !self.asm.is_target_since(base.at)).map(|base| base.plus)
    }

    /// A register gets a new value: the sum with the old one is of no use any more.
    #[inline]
    pub(super) fn forget_index(&mut self, register: PReg) {
        if self.base.is_some_and(|base| base.plus == Plus::Index(register)) {
            self.base = None;
        }
    }

    /// `[memory base + address]` for an address known now.
    fn constant_address(&mut self, address: u64, bytes: u32) -> Mem {
        let fits = |distance: u64| Mem::fits(bytes, distance as i64);
        if fits(address) {
            return Mem::base(MEMORY, address as i32);
        }
        if let Some(Plus::Constant(start)) = self.based_on()
            && address >= start
            && fits(address - start)
        {
            return Mem::base(ADDRESS, (address - start) as i32);
        }
        // What lies close behind a round address is reached from there, and so may others be.
        let start = [address & !0xffff, address & !0xfff].into_iter().find(|start| fits(address - start));
        let Some(start) = start else {
            self.asm.mov_ri(Width::W64, SPARE, address as i64);
            return Mem::indexed(MEMORY, SPARE, Extend::Uxtx);
        };
        if fits_add(start) {
            self.asm.add_rri(ADD, Width::W64, ADDRESS, MEMORY, start as u32);
        } else {
            self.asm.mov_ri(Width::W64, SPARE, start as i64);
            self.asm.add_rrr(ADD, Width::W64, ADDRESS, MEMORY, SPARE);
        }
        self.base = Some(Base { plus: Plus::Constant(start), at: self.asm.offset() });
        Mem::base(ADDRESS, (address - start) as i32)
    }

    /// Traps unless an access that ends `end` bytes behind `index` lies inside memory 0.
    fn check_bounds(&mut self, index: Option<PReg>, end: u64, at: u32) {
        let outside = self.trap_behind(TrapCode::MemoryOutOfBounds, at);
        self.asm.load_rm(LDR_X, SPARE, Mem::base(CONTEXT, ContextHeader::MEMORY0));
        self.asm.load_rm(LDR_X, SPARE, Mem::base(SPARE, MemoryDefinition::LENGTH));
        self.asm.mov_ri(Width::W64, SCRATCH, end as i64);
        if let Some(index) = index {
            self.asm.add_rre(ADD, Width::W64, SCRATCH, SCRATCH, gpr(index), Extend::Uxtw, 0);
        }
        self.asm.cmp_rr(Width::W64, SCRATCH, SPARE);
        self.asm.b_cond(Cc::Hi, outside);
    }

    pub(super) fn emit_memory(&mut self, form: Form, at: &Locations) {
        let bytes = form.op.row().access;
        let mem = if matches!(form.kind, Kind::LoadConstant | Kind::StoreConstant) {
            // The address is the immediate.
            let address = (at.immediate as u64).wrapping_add(at.offset);
            if self.explicit_bounds && !form.bounded {
                self.check_bounds(None, address + u64::from(bytes), at.at);
            }
            self.constant_address(address, u32::from(bytes))
        } else {
            if self.explicit_bounds && !form.bounded {
                self.check_bounds(Some(at.uses[0]), at.offset + u64::from(bytes), at.at);
            }
            self.address(at.uses[0], at.offset, u32::from(bytes))
        };
        let is_store = matches!(form.kind, Kind::Store | Kind::StoreConstant | Kind::StoreZero);
        if is_store && self.precise_stores && !self.explicit_bounds && !form.bounded {
            self.load_overwritten(bytes, mem, at.at);
        }
        self.site(TrapCode::MemoryOutOfBounds, at.at);
        match form.kind {
            Kind::Load | Kind::LoadConstant => self.load(form.op, at.definition, mem),
            Kind::Store => self.store(form.op, mem, at.uses[1]),
            Kind::StoreConstant => self.store(form.op, mem, at.uses[0]),
            Kind::StoreZero => self.asm.store_mr(store_row(bytes), mem, XZR),
            _ => unreachable!("{form:?} does not access memory"),
        }
    }

    /// Loads what a store of more than a byte is going to overwrite: if a part of it is outside memory, this faults, and nothing is written. The
    /// processor may split a store that crosses into a protected page, and write the first part (docs/decisions/0009-stores-at-the-end-of-memory.md).
    fn load_overwritten(&mut self, bytes: u8, mem: Mem, at: u32) {
        let row = match bytes {
            1 => return,
            2 => LDRH,
            4 => LDR_W,
            _ => LDR_X,
        };
        self.site(TrapCode::MemoryOutOfBounds, at);
        self.asm.load_rm(row, XZR, mem);
    }

    fn load(&mut self, op: Op, to: PReg, mem: Mem) {
        match op {
            Op::F32Load => self.asm.load_vm(LDR_S, fpr(to), mem),
            Op::F64Load => self.asm.load_vm(LDR_D, fpr(to), mem),
            _ => self.asm.load_rm(load_row(op), gpr(to), mem),
        }
    }

    fn store(&mut self, op: Op, mem: Mem, from: PReg) {
        match op.row().b {
            ValType::F32 => self.asm.store_mv(STR_S, mem, fpr(from)),
            ValType::F64 => self.asm.store_mv(STR_D, mem, fpr(from)),
            _ => self.asm.store_mr(store_row(op.row().access), mem, gpr(from)),
        }
    }
}
