//! Forms: what an operator becomes on this machine, and the constraint row of each.

use core::fmt;

use mj_decode::Op;
use mj_ir::{Class, RegSet};

use super::registers::{RAX_, RCX_, RDX_};
use crate::Cond;
use crate::forms::kinds;
use crate::isa::{Constraints, Definition, Use};

/// A form of an operator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Form {
    pub kind: Kind,
    /// The operator, or the producer of a folded memory access where that says how wide it is.
    pub op: Op,
    /// The condition a select tests.
    pub condition: Cond,
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.op.row().name, self.kind)
    }
}

/// Who emits a form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    Integer,
    Memory,
    Float,
    Select,
}

const ANY: Use = Use::Any;
const ZEXT: Use = Use::ZeroExtended;

const fn row(uses: &'static [Use], definition: Definition) -> Constraints {
    Constraints::new(uses, definition)
}

const fn tied(uses: &'static [Use]) -> Constraints {
    Constraints::new(uses, Definition::Tied)
}

const fn any(uses: &'static [Use]) -> Constraints {
    Constraints::new(uses, Definition::Any)
}

const fn temporary(mut row: Constraints, temporaries: &'static [Class]) -> Constraints {
    row.temporaries = temporaries;
    row
}

const fn early(mut row: Constraints) -> Constraints {
    row.early_definition = true;
    row
}

const fn commutative(mut row: Constraints) -> Constraints {
    row.commutative = true;
    row
}

/// With fixed registers.
const fn special(mut row: Constraints, clobbers: RegSet) -> Constraints {
    row.clobbers = clobbers;
    row.is_plain = false;
    row
}

const INT: &[Class] = &[Class::Int];
const FLOAT: &[Class] = &[Class::Float];

kinds! {
/// Kinds of forms. `r` register, `i` immediate, `m` folded load.
Integer {
    /// `add`, `or`, `and`, `xor`.
    AluCommutative = commutative(tied(&[ANY, ANY]));
    /// `sub`.
    AluRR = tied(&[ANY, ANY]);
    AluRI = tied(&[ANY]);
    AluRM = tied(&[ANY, ZEXT]);
    /// `add` as `lea`: no tie.
    LeaRR = any(&[ANY, ANY]);
    LeaRI = any(&[ANY]);
    /// `a + (b << immediate)`.
    LeaScaled = any(&[ANY, ANY]);
    MulRR = commutative(tied(&[ANY, ANY]));
    MulRI = any(&[ANY]);
    MulRM = tied(&[ANY, ZEXT]);
    ShiftRI = tied(&[ANY]);
    ShiftRC = special(tied(&[ANY, Use::Fixed(RCX_)]), RegSet::EMPTY);
    /// BMI2.
    FreeShift = any(&[ANY, ANY]);
    FreeRotateRI = any(&[ANY]);
    Divide = special(row(&[Use::Fixed(RAX_), ANY], Definition::Fixed(RAX_)), RegSet::of(&[RDX_]));
    Remainder = special(row(&[Use::Fixed(RAX_), ANY], Definition::Fixed(RDX_)), RegSet::of(&[RAX_]));
    /// `lzcnt`, `tzcnt`, `popcnt`.
    Bits = any(&[ANY]);
    /// `bsr`, `bsf` with a case for zero.
    BitScan = early(any(&[ANY]));
    /// Sign extensions.
    Extend = any(&[ANY]);
    ExtendM = any(&[ZEXT]);
    /// `wrap`, `extend_i32_u`: the low half, zero-extended.
    LowHalf = any(&[ANY]);
    CmpRR = row(&[ANY, ANY], Definition::None);
    CmpRI = row(&[ANY], Definition::None);
    CmpRM = row(&[ANY, ZEXT], Definition::None);
    CmpMI = row(&[ZEXT], Definition::None);
    TestZero = row(&[ANY], Definition::None);
    TestRR = row(&[ANY, ANY], Definition::None);
    TestRI = row(&[ANY], Definition::None);
}
Float {
    FloatCmpRR = row(&[ANY, ANY], Definition::None);
    /// `c`: a constant of the pool.
    FloatCmpRC = row(&[ANY], Definition::None);
    FloatCmpRM = row(&[ANY, ZEXT], Definition::None);
}
Memory {
    Load = any(&[ZEXT]);
    LoadConstant = any(&[]);
    LoadChecked = temporary(early(any(&[ZEXT])), INT);
    LoadConstantChecked = temporary(early(any(&[])), INT);
    Store = row(&[ZEXT, ANY], Definition::None);
    StoreI = row(&[ZEXT], Definition::None);
    StoreConstant = row(&[ANY], Definition::None);
    StoreChecked = temporary(row(&[ZEXT, ANY], Definition::None), INT);
    StoreConstantChecked = temporary(row(&[ANY], Definition::None), INT);
}
Float {
    FloatRR = tied(&[ANY, ANY]);
    FloatCommutative = commutative(tied(&[ANY, ANY]));
    FloatRM = tied(&[ANY, ZEXT]);
    FloatRC = tied(&[ANY]);
    /// AVX.
    FloatRRC = any(&[ANY]);
    FloatRRR = any(&[ANY, ANY]);
    FloatRRM = any(&[ANY, ZEXT]);
    /// `sqrt`, roundings, promotions: no tie.
    FloatUnary = any(&[ANY]);
    /// `abs`, `neg`.
    FloatSign = tied(&[ANY]);
    FloatMinMax = tied(&[ANY, ANY]);
    Copysign = temporary(tied(&[ANY, ANY]), FLOAT);
    /// Integer to float.
    Convert = any(&[ANY]);
    ConvertUnsigned32 = any(&[ZEXT]);
    ConvertUnsigned64 = temporary(early(any(&[ANY])), INT);
    /// Float to integer, trapping.
    Truncate = early(any(&[ANY]));
    TruncateUnsigned64 = temporary(early(any(&[ANY])), FLOAT);
    /// Float to integer, saturating.
    Saturate = temporary(early(any(&[ANY])), FLOAT);
    /// Between register files, bits unchanged.
    Reinterpret = any(&[ANY]);
}
Select {
    SelectInt = tied(&[ANY, ANY]);
    SelectFloat = tied(&[ANY, ANY]);
}
}
