//! Conditions, as comparisons produce and branches consume them.

macro_rules! conditions {
    ($($name:ident $inverse:ident $swapped:ident,)*) => {
        /// A condition on the flags of the last comparison, `a ? b`.
        ///
        /// Float conditions are false if an operand is NaN; their `Not` forms are then true.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(missing_docs)]
        pub enum Cond { $($name),* }

        impl Cond {
            /// The condition that holds exactly if this one does not.
            #[must_use]
            pub const fn invert(self) -> Self {
                match self { $(Cond::$name => Cond::$inverse),* }
            }

            /// The condition that holds for `b ? a` exactly if this one holds for `a ? b`.
            #[must_use]
            pub const fn swap(self) -> Self {
                match self { $(Cond::$name => Cond::$swapped),* }
            }
        }
    };
}

conditions! {
    Eq Ne Eq,
    Ne Eq Ne,
    LtS GeS GtS,
    LtU GeU GtU,
    GtS LeS LtS,
    GtU LeU LtU,
    LeS GtS GeS,
    LeU GtU GeU,
    GeS LtS LeS,
    GeU LtU LeU,
    FloatEq FloatNotEq FloatEq,
    FloatNotEq FloatEq FloatNotEq,
    FloatLt FloatNotLt FloatGt,
    FloatNotLt FloatLt FloatNotGt,
    FloatGt FloatNotGt FloatLt,
    FloatNotGt FloatGt FloatNotLt,
    FloatLe FloatNotLe FloatGe,
    FloatNotLe FloatLe FloatNotGe,
    FloatGe FloatNotGe FloatLe,
    FloatNotGe FloatGe FloatNotLe,
}

use mj_decode::Op;

impl Cond {
    /// The condition a comparison operator tests; `None` for other operators.
    #[must_use]
    pub const fn of(op: Op) -> Option<Self> {
        Some(match op {
            Op::I32Eq | Op::I64Eq | Op::I32Eqz | Op::I64Eqz | Op::RefIsNull => Cond::Eq,
            Op::I32Ne | Op::I64Ne => Cond::Ne,
            Op::I32LtS | Op::I64LtS => Cond::LtS,
            Op::I32LtU | Op::I64LtU => Cond::LtU,
            Op::I32GtS | Op::I64GtS => Cond::GtS,
            Op::I32GtU | Op::I64GtU => Cond::GtU,
            Op::I32LeS | Op::I64LeS => Cond::LeS,
            Op::I32LeU | Op::I64LeU => Cond::LeU,
            Op::I32GeS | Op::I64GeS => Cond::GeS,
            Op::I32GeU | Op::I64GeU => Cond::GeU,
            Op::F32Eq | Op::F64Eq => Cond::FloatEq,
            Op::F32Ne | Op::F64Ne => Cond::FloatNotEq,
            Op::F32Lt | Op::F64Lt => Cond::FloatLt,
            Op::F32Gt | Op::F64Gt => Cond::FloatGt,
            Op::F32Le | Op::F64Le => Cond::FloatLe,
            Op::F32Ge | Op::F64Ge => Cond::FloatGe,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverting_and_swapping_twice_changes_nothing() {
        for &op in Op::ALL {
            if let Some(condition) = Cond::of(op) {
                assert_eq!(condition.invert().invert(), condition);
                assert_eq!(condition.swap().swap(), condition);
                assert_ne!(condition.invert(), condition);
            }
        }
    }
}
