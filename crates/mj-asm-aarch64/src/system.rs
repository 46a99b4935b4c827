//! Barriers, hints and system registers.

use crate::encode::Asm;
use crate::register::Gpr;
use crate::rows::{Barrier, SystemRegister};

impl Asm {
    /// A barrier.
    #[inline]
    pub fn barrier(&mut self, row: Barrier) {
        self.word(0xd503_301f | row.crm << 8 | row.opcode << 5);
    }

    /// A hint by number: 20 is `csdb`, 34 is `bti c`, 36 is `bti j`.
    #[inline]
    pub fn hint(&mut self, number: u32) {
        debug_assert!(number < 128);
        self.word(0xd503_201f | number << 5);
    }

    /// `dst := system register`.
    #[inline]
    pub fn mrs(&mut self, dst: Gpr, row: SystemRegister) {
        self.word(0xd530_0000 | row.field << 5 | dst.or_zero());
    }

    /// `system register := src`.
    #[inline]
    pub fn msr(&mut self, row: SystemRegister, src: Gpr) {
        self.word(0xd510_0000 | row.field << 5 | src.or_zero());
    }
}
