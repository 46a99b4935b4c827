//! SSE instructions up to SSE4.1.

use crate::encode::{Asm, Immediate, Opcode};
use crate::memory::Mem;
use crate::register::{Gpr, Width, Xmm};
use crate::rows::{Packed, PackedShift, Scalar};

/// The prefix that tells single from double.
#[inline]
fn scalar_prefix(width: Width) -> u8 {
    debug_assert!(matches!(width, Width::W32 | Width::W64));
    if width == Width::W64 { 0xf2 } else { 0xf3 }
}

/// The prefix that tells packed single from packed double.
#[inline]
fn packed_prefix(width: Width) -> u8 {
    debug_assert!(matches!(width, Width::W32 | Width::W64));
    if width == Width::W64 { 0x66 } else { 0 }
}

impl Asm {
    /// `dst := row(dst, src)`, or `row(src)`, in the low lane; the other lanes of `dst` stay.
    #[inline]
    pub fn scalar_rr(&mut self, row: Scalar, width: Width, dst: Xmm, src: Xmm) {
        self.encode_rr(Opcode::two(scalar_prefix(width), row.opcode), 0, dst.number(), src.number());
    }

    /// As [`scalar_rr`](Self::scalar_rr), from memory.
    #[inline]
    pub fn scalar_rm(&mut self, row: Scalar, width: Width, dst: Xmm, src: Mem) {
        self.encode_rm(Opcode::two(scalar_prefix(width), row.opcode), 0, dst.number(), src);
    }

    /// `dst := row(dst, src)`, 128 bits (the moves: `src`).
    #[inline]
    pub fn packed_rr(&mut self, row: Packed, dst: Xmm, src: Xmm) {
        self.encode_rr(Opcode::two(row.prefix, row.opcode), 0, dst.number(), src.number());
    }

    /// As [`packed_rr`](Self::packed_rr), from memory: 16-aligned unless the row is an unaligned move.
    #[inline]
    pub fn packed_rm(&mut self, row: Packed, dst: Xmm, src: Mem) {
        self.encode_rm(Opcode::two(row.prefix, row.opcode), 0, dst.number(), src);
    }

    /// Shifts every lane by an immediate.
    #[inline]
    pub fn packed_shift(&mut self, row: PackedShift, dst: Xmm, amount: u8) {
        self.encode_rri(Opcode::two(0x66, row.opcode), 0, row.digit, dst.number(), Immediate::byte(amount));
    }

    /// Loads a scalar (`movss`, `movsd`); the other lanes become zero.
    #[inline]
    pub fn movs_xm(&mut self, width: Width, dst: Xmm, src: Mem) {
        self.encode_rm(Opcode::two(scalar_prefix(width), 0x10), 0, dst.number(), src);
    }

    /// Stores a scalar (`movss`, `movsd`).
    #[inline]
    pub fn movs_mx(&mut self, width: Width, dst: Mem, src: Xmm) {
        self.encode_rm(Opcode::two(scalar_prefix(width), 0x11), 0, src.number(), dst);
    }

    /// Merges the low lane of `src` into `dst` (`movss`, `movsd`).
    #[inline]
    pub fn movs_xx(&mut self, width: Width, dst: Xmm, src: Xmm) {
        self.encode_rr(Opcode::two(scalar_prefix(width), 0x10), 0, dst.number(), src.number());
    }

    /// `dst := src`, 128 bits.
    #[inline]
    pub fn movaps_xx(&mut self, dst: Xmm, src: Xmm) {
        self.encode_rr(Opcode::two(0, 0x28), 0, dst.number(), src.number());
    }

    /// Loads 128 bits, 16-aligned.
    #[inline]
    pub fn movaps_xm(&mut self, dst: Xmm, src: Mem) {
        self.encode_rm(Opcode::two(0, 0x28), 0, dst.number(), src);
    }

    /// Stores 128 bits, 16-aligned.
    #[inline]
    pub fn movaps_mx(&mut self, dst: Mem, src: Xmm) {
        self.encode_rm(Opcode::two(0, 0x29), 0, src.number(), dst);
    }

    /// Loads 128 bits.
    #[inline]
    pub fn movups_xm(&mut self, dst: Xmm, src: Mem) {
        self.encode_rm(Opcode::two(0, 0x10), 0, dst.number(), src);
    }

    /// Stores 128 bits.
    #[inline]
    pub fn movups_mx(&mut self, dst: Mem, src: Xmm) {
        self.encode_rm(Opcode::two(0, 0x11), 0, src.number(), dst);
    }

    /// Bits from a general register to the low lane (`movd`, `movq`); the others become zero.
    #[inline]
    pub fn movd_xr(&mut self, width: Width, dst: Xmm, src: Gpr) {
        self.encode_rr(Opcode::two(0x66, 0x6e), width.rex_w(), dst.number(), src.number());
    }

    /// Bits of the low lane to a general register (`movd`, `movq`), zero-extended.
    #[inline]
    pub fn movd_rx(&mut self, width: Width, dst: Gpr, src: Xmm) {
        self.encode_rr(Opcode::two(0x66, 0x7e), width.rex_w(), src.number(), dst.number());
    }

    /// Compares low lanes (`ucomiss`, `ucomisd`): unordered sets zero, parity and carry, less carry, equal zero.
    #[inline]
    pub fn ucomis_rr(&mut self, width: Width, a: Xmm, b: Xmm) {
        self.encode_rr(Opcode::two(packed_prefix(width), 0x2e), 0, a.number(), b.number());
    }

    /// As [`ucomis_rr`](Self::ucomis_rr), with memory.
    #[inline]
    pub fn ucomis_rm(&mut self, width: Width, a: Xmm, b: Mem) {
        self.encode_rm(Opcode::two(packed_prefix(width), 0x2e), 0, a.number(), b);
    }

    /// Signed integer of `from` to float of `to`; the upper lanes of `dst` stay, so the instruction waits for `dst`.
    #[inline]
    pub fn cvtsi2s_xr(&mut self, to: Width, from: Width, dst: Xmm, src: Gpr) {
        self.encode_rr(Opcode::two(scalar_prefix(to), 0x2a), from.rex_w(), dst.number(), src.number());
    }

    /// As [`cvtsi2s_xr`](Self::cvtsi2s_xr), from memory.
    #[inline]
    pub fn cvtsi2s_xm(&mut self, to: Width, from: Width, dst: Xmm, src: Mem) {
        self.encode_rm(Opcode::two(scalar_prefix(to), 0x2a), from.rex_w(), dst.number(), src);
    }

    /// Float of `from` to signed integer of `to`, truncated; the lowest integer if it does not fit.
    #[inline]
    pub fn cvtts2si_rx(&mut self, to: Width, from: Width, dst: Gpr, src: Xmm) {
        self.encode_rr(Opcode::two(scalar_prefix(from), 0x2c), to.rex_w(), dst.number(), src.number());
    }

    /// As [`cvtts2si_rx`](Self::cvtts2si_rx), from memory.
    #[inline]
    pub fn cvtts2si_rm(&mut self, to: Width, from: Width, dst: Gpr, src: Mem) {
        self.encode_rm(Opcode::two(scalar_prefix(from), 0x2c), to.rex_w(), dst.number(), src);
    }

    /// Float of `from` to the other width (`cvtss2sd`, `cvtsd2ss`).
    #[inline]
    pub fn cvts2s_rr(&mut self, from: Width, dst: Xmm, src: Xmm) {
        self.encode_rr(Opcode::two(scalar_prefix(from), 0x5a), 0, dst.number(), src.number());
    }

    /// As [`cvts2s_rr`](Self::cvts2s_rr), from memory.
    #[inline]
    pub fn cvts2s_rm(&mut self, from: Width, dst: Xmm, src: Mem) {
        self.encode_rm(Opcode::two(scalar_prefix(from), 0x5a), 0, dst.number(), src);
    }

    /// Rounds (SSE4.1 `roundss`, `roundsd`): 8 nearest even, 9 down, 10 up, 11 towards zero, all without inexact exception.
    #[inline]
    pub fn rounds_rri(&mut self, width: Width, dst: Xmm, src: Xmm, mode: u8) {
        let opcode = 0x0a | u8::from(width == Width::W64);
        self.encode_rri(Opcode::three(0x66, 0x3a, opcode), 0, dst.number(), src.number(), Immediate::byte(mode));
    }

    /// As [`rounds_rri`](Self::rounds_rri), from memory.
    #[inline]
    pub fn rounds_rmi(&mut self, width: Width, dst: Xmm, src: Mem, mode: u8) {
        let opcode = 0x0a | u8::from(width == Width::W64);
        self.encode_rmi(Opcode::three(0x66, 0x3a, opcode), 0, dst.number(), src, Immediate::byte(mode));
    }

    /// Sign bits of all lanes (`movmskps`, `movmskpd`).
    #[inline]
    pub fn movmsk_rx(&mut self, width: Width, dst: Gpr, src: Xmm) {
        self.encode_rr(Opcode::two(packed_prefix(width), 0x50), 0, dst.number(), src.number());
    }

    /// A 32- or 64-bit lane to a general register (SSE4.1 `pextrd`, `pextrq`).
    #[inline]
    pub fn pextr_rxi(&mut self, width: Width, dst: Gpr, src: Xmm, lane: u8) {
        self.encode_rri(Opcode::three(0x66, 0x3a, 0x16), width.rex_w(), src.number(), dst.number(), Immediate::byte(lane));
    }

    /// A general register to a 32- or 64-bit lane (SSE4.1 `pinsrd`, `pinsrq`).
    #[inline]
    pub fn pinsr_xri(&mut self, width: Width, dst: Xmm, src: Gpr, lane: u8) {
        self.encode_rri(Opcode::three(0x66, 0x3a, 0x22), width.rex_w(), dst.number(), src.number(), Immediate::byte(lane));
    }
}
