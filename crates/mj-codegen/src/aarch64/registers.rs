//! Which register does what in compiled code.

use mj_asm_aarch64::{Fpr, Gpr, V31, X15, X16, X17, X27, X28, X29, X30};
use mj_ir::{PReg, RegSet, RegisterFile};

/// The context of the running instance.
pub const CONTEXT: Gpr = X28;
/// Base of memory 0.
pub const MEMORY: Gpr = X27;
/// Never live across anything.
pub const SCRATCH: Gpr = X16;
/// Never live from one method of the ISA to the next: addresses and constants that instructions cannot hold.
pub const SPARE: Gpr = X17;
/// The sum of memory base and an index, as long as forms can use it again; see `memory`.
pub const ADDRESS: Gpr = X15;
/// Never live across anything.
pub const FLOAT_SCRATCH: Fpr = V31;
/// The frame pointer.
pub const FRAME: Gpr = X29;
/// Where a callee returns to; not live in a body.
pub const LINK: Gpr = X30;

/// Integer argument and result positions: `x0` to `x7`.
pub const INT_POSITIONS: [PReg; 8] = ints(0);

/// Float argument and result positions: `v0` to `v7`.
pub const FLOAT_POSITIONS: [PReg; 8] = floats(0);

/// `x19` to `x26`.
pub const CALLEE_SAVED: RegSet = RegSet::of(&ints(19));

/// All registers: everything but `x15 x16 x17 x18 x27 x28 x29 x30 sp` and `v31`.
pub const FILE: RegisterFile = RegisterFile {
    allocatable: RegSet::of(&INT_POSITIONS)
        .union(RegSet::of(&ints(7)))
        .union(CALLEE_SAVED)
        .union(RegSet::of(&FLOAT_POSITIONS))
        .union(RegSet::of(&floats(8)))
        .union(RegSet::of(&floats(16)))
        .union(RegSet::of(&floats(23))),
    callee_saved: CALLEE_SAVED,
    special: RegSet::EMPTY,
    int_positions: INT_POSITIONS,
    float_positions: FLOAT_POSITIONS,
};

/// For tests: as many registers as one instruction may need.
pub const FEW: RegSet =
    RegSet::of(&[PReg::int(0), PReg::int(1), PReg::int(2), PReg::int(19), PReg::float(0), PReg::float(1), PReg::float(2)]);

/// Eight integer registers from this number on.
const fn ints(first: u8) -> [PReg; 8] {
    let mut registers = [PReg::NONE; 8];
    let mut index = 0;
    while index < 8 {
        registers[index as usize] = PReg::int(first + index);
        index += 1;
    }
    registers
}

/// Eight float registers from this number on.
const fn floats(first: u8) -> [PReg; 8] {
    let mut registers = [PReg::NONE; 8];
    let mut index = 0;
    while index < 8 {
        registers[index as usize] = PReg::float(first + index);
        index += 1;
    }
    registers
}

/// The general register of an integer [`PReg`].
#[inline]
pub fn gpr(register: PReg) -> Gpr {
    Gpr::new(register.number())
}

/// The vector register of a float [`PReg`].
#[inline]
pub fn fpr(register: PReg) -> Fpr {
    Fpr::new(register.number())
}
