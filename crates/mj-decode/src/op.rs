//! The value operators: one row each, from which names, types and decoding are derived.
//!
//! Control, variable access and calls are methods of [`Translator`](crate::Translator); everything that takes values and
//! gives at most one value, and whose meaning needs at most one immediate, is an [`Op`].
//!
//! Invariant: rows of the two opcode ranges (`0x28..=0x3e` memory, `0x45..=0xc4` numeric) stand in opcode order, so that decoding is
//! an addition.

use crate::ValType;

/// What kind of operator a row is: which operands it has and what may go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// `(addr) -> value`, traps out of bounds.
    Load,
    /// `(addr, value)`, traps out of bounds.
    Store,
    /// `(a) -> value`.
    Unary,
    /// `(a, b) -> value`.
    Binary,
    /// `(a) -> i32`, 0 or 1.
    Test,
    /// `(a, b) -> i32`, 0 or 1.
    Compare,
}

/// One row of the operator table.
#[derive(Clone, Copy, Debug)]
pub struct OpRow {
    /// Name in the text format.
    pub name: &'static str,
    /// Kind of operator.
    pub shape: Shape,
    /// Type of the first operand.
    pub a: ValType,
    /// Type of the second operand; that of the first where there is none.
    pub b: ValType,
    /// Type of the result; `I32` where there is none.
    pub result: ValType,
    /// Bytes that a load or store accesses; 0 for the others.
    pub access: u8,
}

macro_rules! ops {
    (@row $name:literal Load $r:ident $n:literal) => { OpRow { name: $name, shape: Shape::Load, a: ValType::I32, b: ValType::I32, result: ValType::$r, access: $n } };
    (@row $name:literal Store $v:ident $n:literal) => { OpRow { name: $name, shape: Shape::Store, a: ValType::I32, b: ValType::$v, result: ValType::I32, access: $n } };
    (@row $name:literal Unary $a:ident $r:ident) => { OpRow { name: $name, shape: Shape::Unary, a: ValType::$a, b: ValType::$a, result: ValType::$r, access: 0 } };
    (@row $name:literal Binary $a:ident $r:ident) => { OpRow { name: $name, shape: Shape::Binary, a: ValType::$a, b: ValType::$a, result: ValType::$r, access: 0 } };
    (@row $name:literal Test $a:ident $r:ident) => { OpRow { name: $name, shape: Shape::Test, a: ValType::$a, b: ValType::$a, result: ValType::$r, access: 0 } };
    (@row $name:literal Compare $a:ident $r:ident) => { OpRow { name: $name, shape: Shape::Compare, a: ValType::$a, b: ValType::$a, result: ValType::$r, access: 0 } };
    ($($op:ident = $name:literal $shape:ident $a:ident $r:tt,)*) => {
        /// A value operator (spec 5.4.6 and 5.4.7).
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u8)]
        #[allow(missing_docs)]
        pub enum Op { $($op),* }

        impl Op {
            /// All operators, by number.
            pub const ALL: &'static [Op] = &[$(Op::$op),*];
        }

        static ROWS: &[OpRow] = &[$(ops!(@row $name $shape $a $r)),*];
    };
}

ops! {
    I32Load = "i32.load" Load I32 4,
    I64Load = "i64.load" Load I64 8,
    F32Load = "f32.load" Load F32 4,
    F64Load = "f64.load" Load F64 8,
    I32Load8S = "i32.load8_s" Load I32 1,
    I32Load8U = "i32.load8_u" Load I32 1,
    I32Load16S = "i32.load16_s" Load I32 2,
    I32Load16U = "i32.load16_u" Load I32 2,
    I64Load8S = "i64.load8_s" Load I64 1,
    I64Load8U = "i64.load8_u" Load I64 1,
    I64Load16S = "i64.load16_s" Load I64 2,
    I64Load16U = "i64.load16_u" Load I64 2,
    I64Load32S = "i64.load32_s" Load I64 4,
    I64Load32U = "i64.load32_u" Load I64 4,
    I32Store = "i32.store" Store I32 4,
    I64Store = "i64.store" Store I64 8,
    F32Store = "f32.store" Store F32 4,
    F64Store = "f64.store" Store F64 8,
    I32Store8 = "i32.store8" Store I32 1,
    I32Store16 = "i32.store16" Store I32 2,
    I64Store8 = "i64.store8" Store I64 1,
    I64Store16 = "i64.store16" Store I64 2,
    I64Store32 = "i64.store32" Store I64 4,
    I32Eqz = "i32.eqz" Test I32 I32,
    I32Eq = "i32.eq" Compare I32 I32,
    I32Ne = "i32.ne" Compare I32 I32,
    I32LtS = "i32.lt_s" Compare I32 I32,
    I32LtU = "i32.lt_u" Compare I32 I32,
    I32GtS = "i32.gt_s" Compare I32 I32,
    I32GtU = "i32.gt_u" Compare I32 I32,
    I32LeS = "i32.le_s" Compare I32 I32,
    I32LeU = "i32.le_u" Compare I32 I32,
    I32GeS = "i32.ge_s" Compare I32 I32,
    I32GeU = "i32.ge_u" Compare I32 I32,
    I64Eqz = "i64.eqz" Test I64 I32,
    I64Eq = "i64.eq" Compare I64 I32,
    I64Ne = "i64.ne" Compare I64 I32,
    I64LtS = "i64.lt_s" Compare I64 I32,
    I64LtU = "i64.lt_u" Compare I64 I32,
    I64GtS = "i64.gt_s" Compare I64 I32,
    I64GtU = "i64.gt_u" Compare I64 I32,
    I64LeS = "i64.le_s" Compare I64 I32,
    I64LeU = "i64.le_u" Compare I64 I32,
    I64GeS = "i64.ge_s" Compare I64 I32,
    I64GeU = "i64.ge_u" Compare I64 I32,
    F32Eq = "f32.eq" Compare F32 I32,
    F32Ne = "f32.ne" Compare F32 I32,
    F32Lt = "f32.lt" Compare F32 I32,
    F32Gt = "f32.gt" Compare F32 I32,
    F32Le = "f32.le" Compare F32 I32,
    F32Ge = "f32.ge" Compare F32 I32,
    F64Eq = "f64.eq" Compare F64 I32,
    F64Ne = "f64.ne" Compare F64 I32,
    F64Lt = "f64.lt" Compare F64 I32,
    F64Gt = "f64.gt" Compare F64 I32,
    F64Le = "f64.le" Compare F64 I32,
    F64Ge = "f64.ge" Compare F64 I32,
    I32Clz = "i32.clz" Unary I32 I32,
    I32Ctz = "i32.ctz" Unary I32 I32,
    I32Popcnt = "i32.popcnt" Unary I32 I32,
    I32Add = "i32.add" Binary I32 I32,
    I32Sub = "i32.sub" Binary I32 I32,
    I32Mul = "i32.mul" Binary I32 I32,
    I32DivS = "i32.div_s" Binary I32 I32,
    I32DivU = "i32.div_u" Binary I32 I32,
    I32RemS = "i32.rem_s" Binary I32 I32,
    I32RemU = "i32.rem_u" Binary I32 I32,
    I32And = "i32.and" Binary I32 I32,
    I32Or = "i32.or" Binary I32 I32,
    I32Xor = "i32.xor" Binary I32 I32,
    I32Shl = "i32.shl" Binary I32 I32,
    I32ShrS = "i32.shr_s" Binary I32 I32,
    I32ShrU = "i32.shr_u" Binary I32 I32,
    I32Rotl = "i32.rotl" Binary I32 I32,
    I32Rotr = "i32.rotr" Binary I32 I32,
    I64Clz = "i64.clz" Unary I64 I64,
    I64Ctz = "i64.ctz" Unary I64 I64,
    I64Popcnt = "i64.popcnt" Unary I64 I64,
    I64Add = "i64.add" Binary I64 I64,
    I64Sub = "i64.sub" Binary I64 I64,
    I64Mul = "i64.mul" Binary I64 I64,
    I64DivS = "i64.div_s" Binary I64 I64,
    I64DivU = "i64.div_u" Binary I64 I64,
    I64RemS = "i64.rem_s" Binary I64 I64,
    I64RemU = "i64.rem_u" Binary I64 I64,
    I64And = "i64.and" Binary I64 I64,
    I64Or = "i64.or" Binary I64 I64,
    I64Xor = "i64.xor" Binary I64 I64,
    I64Shl = "i64.shl" Binary I64 I64,
    I64ShrS = "i64.shr_s" Binary I64 I64,
    I64ShrU = "i64.shr_u" Binary I64 I64,
    I64Rotl = "i64.rotl" Binary I64 I64,
    I64Rotr = "i64.rotr" Binary I64 I64,
    F32Abs = "f32.abs" Unary F32 F32,
    F32Neg = "f32.neg" Unary F32 F32,
    F32Ceil = "f32.ceil" Unary F32 F32,
    F32Floor = "f32.floor" Unary F32 F32,
    F32Trunc = "f32.trunc" Unary F32 F32,
    F32Nearest = "f32.nearest" Unary F32 F32,
    F32Sqrt = "f32.sqrt" Unary F32 F32,
    F32Add = "f32.add" Binary F32 F32,
    F32Sub = "f32.sub" Binary F32 F32,
    F32Mul = "f32.mul" Binary F32 F32,
    F32Div = "f32.div" Binary F32 F32,
    F32Min = "f32.min" Binary F32 F32,
    F32Max = "f32.max" Binary F32 F32,
    F32Copysign = "f32.copysign" Binary F32 F32,
    F64Abs = "f64.abs" Unary F64 F64,
    F64Neg = "f64.neg" Unary F64 F64,
    F64Ceil = "f64.ceil" Unary F64 F64,
    F64Floor = "f64.floor" Unary F64 F64,
    F64Trunc = "f64.trunc" Unary F64 F64,
    F64Nearest = "f64.nearest" Unary F64 F64,
    F64Sqrt = "f64.sqrt" Unary F64 F64,
    F64Add = "f64.add" Binary F64 F64,
    F64Sub = "f64.sub" Binary F64 F64,
    F64Mul = "f64.mul" Binary F64 F64,
    F64Div = "f64.div" Binary F64 F64,
    F64Min = "f64.min" Binary F64 F64,
    F64Max = "f64.max" Binary F64 F64,
    F64Copysign = "f64.copysign" Binary F64 F64,
    I32WrapI64 = "i32.wrap_i64" Unary I64 I32,
    I32TruncF32S = "i32.trunc_f32_s" Unary F32 I32,
    I32TruncF32U = "i32.trunc_f32_u" Unary F32 I32,
    I32TruncF64S = "i32.trunc_f64_s" Unary F64 I32,
    I32TruncF64U = "i32.trunc_f64_u" Unary F64 I32,
    I64ExtendI32S = "i64.extend_i32_s" Unary I32 I64,
    I64ExtendI32U = "i64.extend_i32_u" Unary I32 I64,
    I64TruncF32S = "i64.trunc_f32_s" Unary F32 I64,
    I64TruncF32U = "i64.trunc_f32_u" Unary F32 I64,
    I64TruncF64S = "i64.trunc_f64_s" Unary F64 I64,
    I64TruncF64U = "i64.trunc_f64_u" Unary F64 I64,
    F32ConvertI32S = "f32.convert_i32_s" Unary I32 F32,
    F32ConvertI32U = "f32.convert_i32_u" Unary I32 F32,
    F32ConvertI64S = "f32.convert_i64_s" Unary I64 F32,
    F32ConvertI64U = "f32.convert_i64_u" Unary I64 F32,
    F32DemoteF64 = "f32.demote_f64" Unary F64 F32,
    F64ConvertI32S = "f64.convert_i32_s" Unary I32 F64,
    F64ConvertI32U = "f64.convert_i32_u" Unary I32 F64,
    F64ConvertI64S = "f64.convert_i64_s" Unary I64 F64,
    F64ConvertI64U = "f64.convert_i64_u" Unary I64 F64,
    F64PromoteF32 = "f64.promote_f32" Unary F32 F64,
    I32ReinterpretF32 = "i32.reinterpret_f32" Unary F32 I32,
    I64ReinterpretF64 = "i64.reinterpret_f64" Unary F64 I64,
    F32ReinterpretI32 = "f32.reinterpret_i32" Unary I32 F32,
    F64ReinterpretI64 = "f64.reinterpret_i64" Unary I64 F64,
    I32Extend8S = "i32.extend8_s" Unary I32 I32,
    I32Extend16S = "i32.extend16_s" Unary I32 I32,
    I64Extend8S = "i64.extend8_s" Unary I64 I64,
    I64Extend16S = "i64.extend16_s" Unary I64 I64,
    I64Extend32S = "i64.extend32_s" Unary I64 I64,
    I32TruncSatF32S = "i32.trunc_sat_f32_s" Unary F32 I32,
    I32TruncSatF32U = "i32.trunc_sat_f32_u" Unary F32 I32,
    I32TruncSatF64S = "i32.trunc_sat_f64_s" Unary F64 I32,
    I32TruncSatF64U = "i32.trunc_sat_f64_u" Unary F64 I32,
    I64TruncSatF32S = "i64.trunc_sat_f32_s" Unary F32 I64,
    I64TruncSatF32U = "i64.trunc_sat_f32_u" Unary F32 I64,
    I64TruncSatF64S = "i64.trunc_sat_f64_s" Unary F64 I64,
    I64TruncSatF64U = "i64.trunc_sat_f64_u" Unary F64 I64,
    RefIsNull = "ref.is_null" Test FuncRef I32,
}

impl Op {
    /// The operator's row.
    #[must_use]
    #[inline]
    pub const fn row(self) -> &'static OpRow {
        &ROWS[self as usize]
    }

    /// Whether the operator may trap; stores count as ones that do.
    #[must_use]
    #[inline]
    pub const fn may_trap(self) -> bool {
        use Op::{I32DivS, I32DivU, I32RemS, I32RemU, I64DivS, I64DivU, I64RemS, I64RemU};
        use Op::{I32TruncF32S, I32TruncF32U, I32TruncF64S, I32TruncF64U, I64TruncF32S, I64TruncF32U, I64TruncF64S, I64TruncF64U};
        match self {
            I32DivS | I32DivU | I32RemS | I32RemU | I64DivS | I64DivU | I64RemS | I64RemU => true,
            I32TruncF32S | I32TruncF32U | I32TruncF64S | I32TruncF64U => true,
            I64TruncF32S | I64TruncF32U | I64TruncF64S | I64TruncF64U => true,
            _ => matches!(self.row().shape, Shape::Load | Shape::Store),
        }
    }

    /// The load or store with this opcode (`0x28..=0x3e`).
    #[inline]
    pub(crate) fn from_memory_opcode(byte: u8) -> Op {
        Op::ALL[usize::from(byte - 0x28)]
    }

    /// The numeric operator with this opcode (`0x45..=0xc4`).
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    #[inline]
    pub fn from_numeric_opcode(byte: u8) -> Op {
        Op::ALL[usize::from(byte - 0x45) + Op::I32Eqz as usize]
    }

    /// The saturating truncation with this sub-opcode (`0..=7` behind `0xfc`).
    #[inline]
    pub(crate) fn from_saturating_opcode(sub: u32) -> Op {
        Op::ALL[sub as usize + Op::I32TruncSatF32S as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opcodes_meet_their_rows() {
        for (byte, name) in [(0x28, "i32.load"), (0x35, "i64.load32_u"), (0x36, "i32.store"), (0x3e, "i64.store32")] {
            assert_eq!(Op::from_memory_opcode(byte).row().name, name);
        }
        for (byte, name) in
            [(0x45, "i32.eqz"), (0x6a, "i32.add"), (0x7f, "i64.div_s"), (0xa0, "f64.add"), (0xa7, "i32.wrap_i64"), (0xc4, "i64.extend32_s")]
        {
            assert_eq!(Op::from_numeric_opcode(byte).row().name, name);
        }
        assert_eq!(Op::from_saturating_opcode(7).row().name, "i64.trunc_sat_f64_u");
    }
}
