//! Forms: what an operator becomes on this machine, and the constraint row of each.
//!
//! No instruction insists on a register, and none wants its result where an operand was.

use mj_decode::Op;

use crate::Cond;
use crate::forms::kinds;
use crate::isa::{Constraints, Definition, Use};

/// A form of an operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Form {
    pub kind: Kind,
    /// The operator.
    pub op: Op,
    /// The producer that folds, where that says how an operand is shifted or extended; else the operator again.
    pub folded: Op,
    /// The condition a select tests.
    pub condition: Cond,
    /// The access lies inside memory for sure.
    pub bounded: bool,
}

/// Who emits a form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    Integer,
    Bits,
    Compare,
    Memory,
    Float,
    Select,
}

const ANY: Use = Use::Any;

const fn any(uses: &'static [Use]) -> Constraints {
    Constraints::new(uses, Definition::Any)
}

const fn none(uses: &'static [Use]) -> Constraints {
    Constraints::new(uses, Definition::None)
}

const fn tied(uses: &'static [Use]) -> Constraints {
    Constraints::new(uses, Definition::Tied)
}

kinds! {
/// Kinds of forms. `r` register, `i` immediate, `s` register with a folded shift, `e` with a folded extension.
Integer {
    /// `add`, `sub`, `and`, `orr`, `eor`.
    AluRR = any(&[ANY, ANY]);
    AluRI = any(&[ANY]);
    AluRS = any(&[ANY, ANY]);
    AluRE = any(&[ANY, ANY]);
    /// `bic`, `orn`, `eon`.
    AluInverted = any(&[ANY, ANY]);
    Negate = any(&[ANY]);
    Invert = any(&[ANY]);
    MulRR = any(&[ANY, ANY]);
    /// `a + (a << immediate)`.
    MulShiftAdd = any(&[ANY]);
    /// `a + b * c`, `a - b * c`.
    MulAdd = any(&[ANY, ANY, ANY]);
    Divide = any(&[ANY, ANY]);
    /// By a constant that is neither 0 nor -1.
    DivideUnchecked = any(&[ANY, ANY]);
    /// Signed, by `1 << immediate`.
    DividePower = any(&[ANY]);
    Remainder = any(&[ANY, ANY]);
    RemainderUnchecked = any(&[ANY, ANY]);
}
Bits {
    ShiftRI = any(&[ANY]);
    ShiftRR = any(&[ANY, ANY]);
    RotateLeft = any(&[ANY, ANY]);
    /// A bit field, zero- or sign-extended as the operator is an unsigned or a signed shift; the immediate is `immr` and, 8 bits further, `imms`.
    Field = any(&[ANY]);
    /// `clz`, `ctz`, `popcnt`.
    Bits = any(&[ANY]);
    /// Sign extensions.
    Extend = any(&[ANY]);
    ExtendM = any(&[ANY]);
    /// `wrap`, `extend_i32_u`: the low half, zero-extended.
    LowHalf = any(&[ANY]);
}
Compare {
    CmpRR = none(&[ANY, ANY]);
    CmpRI = none(&[ANY]);
    CmpRS = none(&[ANY, ANY]);
    CmpRE = none(&[ANY, ANY]);
    TestZero = none(&[ANY]);
    TestRR = none(&[ANY, ANY]);
    TestRI = none(&[ANY]);
    FloatCmpRR = none(&[ANY, ANY]);
    FloatCmpZero = none(&[ANY]);
}
Memory {
    Load = any(&[ANY]);
    LoadConstant = any(&[]);
    Store = none(&[ANY, ANY]);
    StoreZero = none(&[ANY]);
    StoreConstant = none(&[ANY]);
}
Float {
    FloatRR = any(&[ANY, ANY]);
    FloatUnary = any(&[ANY]);
    Copysign = tied(&[ANY, ANY]);
    /// Between precisions.
    Resize = any(&[ANY]);
    /// Integer to float.
    Convert = any(&[ANY]);
    /// Float to integer, trapping.
    Truncate = any(&[ANY]);
    /// Float to integer, saturating.
    Saturate = any(&[ANY]);
    /// Between register files, bits unchanged.
    Reinterpret = any(&[ANY]);
}
Select {
    SelectInt = any(&[ANY, ANY]);
    /// The second one is 0, 1, -1.
    SelectZero = any(&[ANY]);
    SelectOne = any(&[ANY]);
    SelectOnes = any(&[ANY]);
    SelectFloat = any(&[ANY, ANY]);
}
}
