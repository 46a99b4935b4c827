//! Loads and stores.
//!
//! Guarded: one instruction, `[memory base + index + offset]`; the index is zero-extended and the offset below 2 GiB (larger ones go through the
//! scratch register), so every access falls into the reservation or its guard. Checked: the end of the access is compared with the
//! memory's length first.

use mj_abi::{ContextHeader, MemoryDefinition, TrapCode};
use mj_asm_x64::{ADD, CMP, Cc, Mem, Width};
use mj_decode::{Op, ValType};
use mj_ir::PReg;

use super::X64;
use super::form::{Form, Kind};
use super::registers::{CONTEXT, MEMORY, SCRATCH, gpr, xmm};
use crate::isa::Locations;

impl X64 {
    /// The memory operand of a folded load whose address is the use `index`, and its site.
    pub(super) fn folded(&mut self, at: &Locations, index: usize) -> Mem {
        let mem = self.address(at.uses[index], at.offset);
        self.site(TrapCode::MemoryOutOfBounds, at.at);
        mem
    }

    /// `[memory base + index + offset]`; may use the scratch register. The flags stay.
    fn address(&mut self, index: PReg, offset: u64) -> Mem {
        match i32::try_from(offset) {
            Ok(offset) => Mem::indexed(MEMORY, gpr(index), 0, offset),
            Err(_) => {
                self.asm.mov_ri(Width::W64, SCRATCH, offset as i64);
                self.asm.lea(Width::W64, SCRATCH, Mem::indexed(SCRATCH, gpr(index), 0, 0));
                Mem::indexed(MEMORY, SCRATCH, 0, 0)
            }
        }
    }

    /// `[memory base + address]` for an address known now.
    fn constant_address(&mut self, address: u64) -> Mem {
        match i32::try_from(address) {
            Ok(address) => Mem::base(MEMORY, address),
            Err(_) => {
                self.asm.mov_ri(Width::W64, SCRATCH, address as i64);
                Mem::indexed(MEMORY, SCRATCH, 0, 0)
            }
        }
    }

    /// Traps unless `[index + offset]` and the bytes of the access lie inside memory 0.
    fn check_bounds(&mut self, index: Option<PReg>, end: u64, temporary: PReg, at: u32) {
        let temporary = gpr(temporary);
        match (index, i32::try_from(end)) {
            (Some(index), Ok(end)) => self.asm.lea(Width::W64, SCRATCH, Mem::base(gpr(index), end)),
            (Some(index), Err(_)) => {
                self.asm.mov_ri(Width::W64, SCRATCH, end as i64);
                self.asm.alu_rr(ADD, Width::W64, SCRATCH, gpr(index));
            }
            (None, _) => self.asm.mov_ri(Width::W64, SCRATCH, end as i64),
        }
        self.asm.mov_rm(Width::W64, temporary, Mem::base(CONTEXT, ContextHeader::MEMORY0));
        self.asm.alu_rm(CMP, Width::W64, SCRATCH, Mem::base(temporary, MemoryDefinition::LENGTH));
        let inside = self.asm.label();
        self.asm.jcc_short(Cc::Be, inside);
        self.trap_here(TrapCode::MemoryOutOfBounds, at);
        self.asm.bind(inside);
    }

    pub(super) fn emit_memory(&mut self, form: Form, at: &Locations) {
        let size = u64::from(form.op.row().access);
        // Where the address is constant, it is the immediate.
        let constant = (at.immediate as u64).wrapping_add(at.offset);
        match form.kind {
            Kind::Load | Kind::Store | Kind::StoreI => {
                let mem = self.address(at.uses[0], at.offset);
                self.access(form, mem, at);
            }
            Kind::LoadConstant | Kind::StoreConstant => {
                let mem = self.constant_address(constant);
                self.access(form, mem, at);
            }
            Kind::LoadChecked | Kind::StoreChecked => {
                self.check_bounds(Some(at.uses[0]), at.offset + size, at.temporaries[0], at.at);
                let mem = self.address(at.uses[0], at.offset);
                self.access(form, mem, at);
            }
            Kind::LoadConstantChecked | Kind::StoreConstantChecked => {
                self.check_bounds(None, constant + size, at.temporaries[0], at.at);
                let mem = self.constant_address(constant);
                self.access(form, mem, at);
            }
            _ => unreachable!("{form:?} does not access memory"),
        }
    }

    fn access(&mut self, form: Form, mem: Mem, at: &Locations) {
        self.site(TrapCode::MemoryOutOfBounds, at.at);
        match form.kind {
            Kind::Load | Kind::LoadChecked | Kind::LoadConstant | Kind::LoadConstantChecked => self.load(form.op, at.definition, mem),
            Kind::StoreI => self.asm.mov_mi(store_width(form.op), mem, at.immediate as i32),
            Kind::Store | Kind::StoreChecked => self.store(form.op, mem, at.uses[1]),
            _ => self.store(form.op, mem, at.uses[0]),
        }
    }

    fn load(&mut self, op: Op, to: PReg, mem: Mem) {
        match op {
            Op::F32Load => self.asm.movs_xm(Width::W32, xmm(to), mem),
            Op::F64Load => self.asm.movs_xm(Width::W64, xmm(to), mem),
            Op::I32Load | Op::I64Load32U => self.asm.mov_rm(Width::W32, gpr(to), mem),
            Op::I64Load => self.asm.mov_rm(Width::W64, gpr(to), mem),
            Op::I32Load8U | Op::I64Load8U => self.asm.movzx_rm(Width::W8, gpr(to), mem),
            Op::I32Load16U | Op::I64Load16U => self.asm.movzx_rm(Width::W16, gpr(to), mem),
            Op::I32Load8S => self.asm.movsx_rm(Width::W32, Width::W8, gpr(to), mem),
            Op::I32Load16S => self.asm.movsx_rm(Width::W32, Width::W16, gpr(to), mem),
            Op::I64Load8S => self.asm.movsx_rm(Width::W64, Width::W8, gpr(to), mem),
            Op::I64Load16S => self.asm.movsx_rm(Width::W64, Width::W16, gpr(to), mem),
            Op::I64Load32S => self.asm.movsx_rm(Width::W64, Width::W32, gpr(to), mem),
            _ => unreachable!("{op:?} is not a load"),
        }
    }

    fn store(&mut self, op: Op, mem: Mem, from: PReg) {
        match op.row().b {
            ValType::F32 | ValType::F64 => self.asm.movs_mx(store_width(op), mem, xmm(from)),
            _ => self.asm.mov_mr(store_width(op), mem, gpr(from)),
        }
    }
}

fn store_width(op: Op) -> Width {
    match op.row().access {
        1 => Width::W8,
        2 => Width::W16,
        4 => Width::W32,
        _ => Width::W64,
    }
}
