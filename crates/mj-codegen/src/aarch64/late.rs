//! What forms leave for behind the body: traps, and what tells one trap from another.
//!
//! In the body stands one branch that is not taken.

use mj_abi::{Helper, Site, TrapCode};
use mj_asm::Label;
use mj_asm_aarch64::{Cc, FCMP, Fpr, Width, X0};

use super::Aarch64;
use super::registers::{FLOAT_SCRATCH, SCRATCH, SPARE};

/// Bytes of the longest piece.
const SPACE: usize = 96;

/// A piece of code behind the body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Late {
    label: Label,
    kind: Kind,
    at: u32,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Trap(TrapCode),
    /// This float does not fit an integer, or is a NaN.
    Unfit(Fpr, Width),
    /// If it is -2^63, it fits, and all is well at the label.
    Smallest(Fpr, Width, Label),
}

impl Aarch64 {
    /// A label behind the body where `code` is raised.
    pub(super) fn trap_behind(&mut self, code: TrapCode, at: u32) -> Label {
        self.behind(Kind::Trap(code), at)
    }

    /// A label behind the body where the right trap is raised for a float that fits no integer.
    pub(super) fn unfit_behind(&mut self, from: Fpr, width: Width, at: u32) -> Label {
        self.behind(Kind::Unfit(from, width), at)
    }

    /// The same for one that did not seem to fit 64 bits, signed; if it does, the code goes on at `back`.
    pub(super) fn smallest_behind(&mut self, from: Fpr, width: Width, back: Label, at: u32) -> Label {
        self.behind(Kind::Smallest(from, width, back), at)
    }

    fn behind(&mut self, kind: Kind, at: u32) -> Label {
        let label = self.asm.label();
        self.late.push(Late { label, kind, at });
        label
    }

    /// Writes all of them.
    pub(super) fn write_late(&mut self) {
        let late = core::mem::take(&mut self.late);
        for &Late { label, kind, at } in &late {
            self.asm.reserve(SPACE);
            self.asm.bind(label);
            match kind {
                Kind::Trap(code) => self.trap_here(code, at),
                Kind::Unfit(from, width) => self.trap_unfit(from, width, at),
                Kind::Smallest(from, width, back) => {
                    let smallest = if width == Width::W32 {
                        u64::from((-9_223_372_036_854_775_808f32).to_bits())
                    } else {
                        (-9_223_372_036_854_775_808f64).to_bits()
                    };
                    self.asm.mov_ri(width, SPARE, smallest as i64);
                    self.asm.fmov_vr(width, FLOAT_SCRATCH, SPARE);
                    self.asm.fcmp(FCMP, width, from, FLOAT_SCRATCH);
                    self.asm.b_cond(Cc::Eq, back);
                    self.trap_unfit(from, width, at);
                }
            }
        }
        self.late = late;
        self.late.clear();
    }

    fn trap_unfit(&mut self, from: Fpr, width: Width, at: u32) {
        let not_a_number = self.asm.label();
        self.asm.fcmp(FCMP, width, from, from);
        self.asm.b_cond(Cc::Vs, not_a_number);
        self.trap_here(TrapCode::IntegerOverflow, at);
        self.asm.bind(not_a_number);
        self.trap_here(TrapCode::BadConversionToInteger, at);
    }

    /// An instruction that traps, and its site; without signals a call.
    pub(super) fn trap_here(&mut self, code: TrapCode, at: u32) {
        if self.faults {
            self.site(code, at);
            return self.asm.udf(code as u16 + 1);
        }
        self.asm.mov_ri(Width::W32, X0, code as i64);
        self.load_helper(SCRATCH, Helper::Trap);
        self.call_register(SCRATCH, at);
    }

    /// A site at the next instruction.
    pub(super) fn site(&mut self, code: TrapCode, at: u32) {
        let offset = self.asm.offset() as u32;
        self.asm.add_site(Site::new(offset, at, code));
    }
}
