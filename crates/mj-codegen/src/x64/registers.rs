//! Which register does what in compiled code.

use mj_asm_x64::{Gpr, R10, R11, R14, R15, RAX, RBP, RCX, RDX, XMM15, Xmm};
use mj_ir::{PReg, RegSet, RegisterFile};

/// The context of the running instance.
pub const CONTEXT: Gpr = R15;
/// Base of memory 0.
pub const MEMORY: Gpr = R14;
/// Never live across anything.
pub const SCRATCH: Gpr = R11;
/// Never live across anything.
pub const FLOAT_SCRATCH: Xmm = XMM15;
/// The frame pointer.
pub const FRAME: Gpr = RBP;

const fn int(register: Gpr) -> PReg {
    PReg::int(register.number())
}

pub const RAX_: PReg = int(RAX);
pub const RCX_: PReg = int(RCX);
pub const RDX_: PReg = int(RDX);

/// Integer argument and result positions: `rax rcx rdx rsi rdi r8 r9 r10`.
pub const INT_POSITIONS: [PReg; 8] = [RAX_, RCX_, RDX_, PReg::int(6), PReg::int(7), PReg::int(8), PReg::int(9), int(R10)];

/// Float argument and result positions: `xmm0` to `xmm7`.
pub const FLOAT_POSITIONS: [PReg; 8] =
    [PReg::float(0), PReg::float(1), PReg::float(2), PReg::float(3), PReg::float(4), PReg::float(5), PReg::float(6), PReg::float(7)];

/// `rbx r12 r13`.
pub const CALLEE_SAVED: RegSet = RegSet::of(&[PReg::int(3), PReg::int(12), PReg::int(13)]);

/// All registers: everything but `rsp rbp r11 r14 r15` and `xmm15`.
pub const FILE: RegisterFile = RegisterFile {
    allocatable: RegSet::of(&INT_POSITIONS).union(CALLEE_SAVED).union(RegSet::of(&FLOAT_POSITIONS)).union(RegSet::of(&[
        PReg::float(8),
        PReg::float(9),
        PReg::float(10),
        PReg::float(11),
        PReg::float(12),
        PReg::float(13),
        PReg::float(14),
    ])),
    callee_saved: CALLEE_SAVED,
    special: RegSet::of(&[RAX_, RCX_, RDX_]),
    int_positions: INT_POSITIONS,
    float_positions: FLOAT_POSITIONS,
};

/// For tests: the registers that instructions insist on, and as many more as one instruction may need.
pub const FEW: RegSet = RegSet::of(&[RAX_, RCX_, RDX_, PReg::int(3), PReg::float(0), PReg::float(1), PReg::float(2)]);

/// The general register of an integer [`PReg`].
#[inline]
pub fn gpr(register: PReg) -> Gpr {
    Gpr::new(register.number())
}

/// The vector register of a float [`PReg`].
#[inline]
pub fn xmm(register: PReg) -> Xmm {
    Xmm::new(register.number())
}
