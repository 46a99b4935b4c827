//! Constant expressions (spec 3.4.13): the initial values of globals, offsets of segments, elements.
//!
//! Nearly all are one operator; the others are programs for a small stack machine. They have been validated, so that evaluation cannot
//! fail.

use wasmparser::Operator;

use crate::{DecodeError, ValType};

/// A constant expression.
#[derive(Clone, PartialEq, Debug)]
pub enum ConstExpr {
    /// One operator.
    Value(ConstOp),
    /// A program in postfix order (extended-const).
    Program(Box<[ConstOp]>),
}

/// An operator of a constant expression.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ConstOp {
    /// `i32.const`.
    I32(i32),
    /// `i64.const`.
    I64(i64),
    /// `f32.const`, the value's bits.
    F32(u32),
    /// `f64.const`, the value's bits.
    F64(u64),
    /// `ref.null` of a type.
    RefNull(ValType),
    /// `ref.func`.
    RefFunc(u32),
    /// `global.get`.
    GlobalGet(u32),
    /// `i32.add`.
    I32Add,
    /// `i32.sub`.
    I32Sub,
    /// `i32.mul`.
    I32Mul,
    /// `i64.add`.
    I64Add,
    /// `i64.sub`.
    I64Sub,
    /// `i64.mul`.
    I64Mul,
}

/// What a constant expression may ask about the instance that is being made. Values are their bits, zero-extended; null is 0.
pub trait ConstEnvironment {
    /// The value of a global.
    fn global(&mut self, global: u32) -> u64;
    /// A reference to a function.
    fn function(&mut self, function: u32) -> u64;
}

impl ConstExpr {
    /// The value: bits, zero-extended.
    pub fn evaluate(&self, environment: &mut impl ConstEnvironment) -> u64 {
        let program = match self {
            ConstExpr::Value(op) => return op.push(environment).expect("validated: a single operator is a value"),
            ConstExpr::Program(program) => program,
        };
        let mut stack = Vec::new();
        for op in program {
            let value = op.push(environment).unwrap_or_else(|| {
                let b = stack.pop().expect("validated: two operands");
                let a = stack.pop().expect("validated: two operands");
                op.combine(a, b)
            });
            stack.push(value);
        }
        stack.pop().expect("validated: one result")
    }

    /// The functions the expression refers to.
    pub fn functions(&self) -> impl Iterator<Item = u32> + '_ {
        let ops = match self {
            ConstExpr::Value(op) => std::slice::from_ref(op),
            ConstExpr::Program(program) => program,
        };
        ops.iter().filter_map(|op| if let ConstOp::RefFunc(function) = op { Some(*function) } else { None })
    }

    pub(crate) fn from_parser(expr: &wasmparser::ConstExpr<'_>) -> Result<Self, DecodeError> {
        let mut reader = expr.get_operators_reader();
        let mut ops = Vec::with_capacity(1);
        while !reader.is_end_then_eof() {
            let (operator, offset) = reader.read_with_offset()?;
            ops.push(ConstOp::from_parser(&operator, offset)?);
        }
        Ok(if let [op] = ops[..] { ConstExpr::Value(op) } else { ConstExpr::Program(ops.into()) })
    }
}

impl ConstOp {
    fn from_parser(operator: &Operator<'_>, offset: u64) -> Result<Self, DecodeError> {
        Ok(match *operator {
            Operator::I32Const { value } => ConstOp::I32(value),
            Operator::I64Const { value } => ConstOp::I64(value),
            Operator::F32Const { value } => ConstOp::F32(value.bits()),
            Operator::F64Const { value } => ConstOp::F64(value.bits()),
            Operator::RefNull { hty } => {
                let is_func = hty == wasmparser::HeapType::FUNC;
                ConstOp::RefNull(if is_func { ValType::FuncRef } else { ValType::ExternRef })
            }
            Operator::RefFunc { function_index } => ConstOp::RefFunc(function_index),
            Operator::GlobalGet { global_index } => ConstOp::GlobalGet(global_index),
            Operator::I32Add => ConstOp::I32Add,
            Operator::I32Sub => ConstOp::I32Sub,
            Operator::I32Mul => ConstOp::I32Mul,
            Operator::I64Add => ConstOp::I64Add,
            Operator::I64Sub => ConstOp::I64Sub,
            Operator::I64Mul => ConstOp::I64Mul,
            _ => return Err(DecodeError::new("this operator is not supported in constant expressions", offset)),
        })
    }

    /// The value of an operator without operands.
    #[inline]
    fn push(self, environment: &mut impl ConstEnvironment) -> Option<u64> {
        Some(match self {
            ConstOp::I32(value) => u64::from(value as u32),
            ConstOp::I64(value) => value as u64,
            ConstOp::F32(bits) => u64::from(bits),
            ConstOp::F64(bits) => bits,
            ConstOp::RefNull(_) => 0,
            ConstOp::RefFunc(function) => environment.function(function),
            ConstOp::GlobalGet(global) => environment.global(global),
            _ => return None,
        })
    }

    fn combine(self, a: u64, b: u64) -> u64 {
        let narrow = |value: u64| u64::from(value as u32);
        match self {
            ConstOp::I32Add => narrow(a.wrapping_add(b)),
            ConstOp::I32Sub => narrow(a.wrapping_sub(b)),
            ConstOp::I32Mul => narrow(a.wrapping_mul(b)),
            ConstOp::I64Add => a.wrapping_add(b),
            ConstOp::I64Sub => a.wrapping_sub(b),
            ConstOp::I64Mul => a.wrapping_mul(b),
            _ => unreachable!("{self:?} takes no operands"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl ConstEnvironment for Fixed {
        fn global(&mut self, global: u32) -> u64 {
            u64::from(global) * 100
        }
        fn function(&mut self, function: u32) -> u64 {
            0x1000 + u64::from(function)
        }
    }

    #[test]
    fn programs_wrap_at_their_width() {
        let program = |ops: &[ConstOp]| ConstExpr::Program(ops.into()).evaluate(&mut Fixed);
        assert_eq!(program(&[ConstOp::I32(1), ConstOp::I32(2), ConstOp::I32Sub]), 0xffff_ffff);
        assert_eq!(program(&[ConstOp::I64(1), ConstOp::I64(2), ConstOp::I64Sub]), u64::MAX);
        assert_eq!(program(&[ConstOp::GlobalGet(3), ConstOp::I32(-1), ConstOp::I32Mul, ConstOp::I32(1), ConstOp::I32Add]), 0xffff_fed5);
    }

    #[test]
    fn single_operators_are_their_value() {
        assert_eq!(ConstExpr::Value(ConstOp::I32(-1)).evaluate(&mut Fixed), 0xffff_ffff);
        assert_eq!(ConstExpr::Value(ConstOp::RefFunc(7)).evaluate(&mut Fixed), 0x1007);
        assert_eq!(ConstExpr::Value(ConstOp::RefFunc(7)).functions().collect::<Vec<_>>(), [7]);
    }
}
