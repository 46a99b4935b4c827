//! What folds: from an operator and the view of its operands to a form.

use mj_decode::{Following, Op, Shape, ValType};

use super::X64;
use super::form::{Form, Kind};
use crate::Cond;
use crate::forms::groups;
use crate::isa::{Cover, Operands, Take};

/// An operator's group: operators of one group are covered alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Group {
    Load,
    Store,
    Test,
    Add,
    AluCommutative,
    Sub,
    Mul,
    Shift,
    Rotate,
    Divide,
    Remainder,
    Compare,
    FloatCompare,
    FloatArithmetic,
    Plain(Kind),
}

const fn group_of(op: Op) -> Group {
    use Group::{Add, AluCommutative, Compare, Divide, FloatArithmetic, FloatCompare, Mul, Plain, Remainder, Rotate, Shift, Sub};
    match op {
        Op::I32Add | Op::I64Add => Add,
        Op::I32And | Op::I32Or | Op::I32Xor | Op::I64And | Op::I64Or | Op::I64Xor => AluCommutative,
        Op::I32Sub | Op::I64Sub => Sub,
        Op::I32Mul | Op::I64Mul => Mul,
        Op::I32Shl | Op::I32ShrS | Op::I32ShrU | Op::I64Shl | Op::I64ShrS | Op::I64ShrU => Shift,
        Op::I32Rotl | Op::I32Rotr | Op::I64Rotl | Op::I64Rotr => Rotate,
        Op::I32DivS | Op::I32DivU | Op::I64DivS | Op::I64DivU => Divide,
        Op::I32RemS | Op::I32RemU | Op::I64RemS | Op::I64RemU => Remainder,
        Op::F32Add | Op::F32Sub | Op::F32Mul | Op::F32Div | Op::F64Add | Op::F64Sub | Op::F64Mul | Op::F64Div => FloatArithmetic,
        Op::I32Clz | Op::I32Ctz | Op::I32Popcnt | Op::I64Clz | Op::I64Ctz | Op::I64Popcnt => Plain(Kind::Bits),
        Op::I64ExtendI32S | Op::I32Extend8S | Op::I32Extend16S | Op::I64Extend8S | Op::I64Extend16S | Op::I64Extend32S => {
            Plain(Kind::Extend)
        }
        Op::I32WrapI64 | Op::I64ExtendI32U => Plain(Kind::LowHalf),
        Op::F32Abs | Op::F64Abs | Op::F32Neg | Op::F64Neg => Plain(Kind::FloatSign),
        Op::F32Min | Op::F32Max | Op::F64Min | Op::F64Max => Plain(Kind::FloatMinMax),
        Op::F32Copysign | Op::F64Copysign => Plain(Kind::Copysign),
        Op::F32ConvertI32U | Op::F64ConvertI32U => Plain(Kind::ConvertUnsigned32),
        Op::F32ConvertI64U | Op::F64ConvertI64U => Plain(Kind::ConvertUnsigned64),
        Op::F32ConvertI32S | Op::F32ConvertI64S | Op::F64ConvertI32S | Op::F64ConvertI64S => Plain(Kind::Convert),
        Op::I64TruncF32U | Op::I64TruncF64U => Plain(Kind::TruncateUnsigned64),
        Op::I32TruncF32S | Op::I32TruncF32U | Op::I32TruncF64S | Op::I32TruncF64U | Op::I64TruncF32S | Op::I64TruncF64S => {
            Plain(Kind::Truncate)
        }
        Op::I32ReinterpretF32 | Op::I64ReinterpretF64 | Op::F32ReinterpretI32 | Op::F64ReinterpretI64 => Plain(Kind::Reinterpret),
        _ => match (op.row().shape, op.row().a) {
            (Shape::Load, _) => Group::Load,
            (Shape::Store, _) => Group::Store,
            (Shape::Test, _) => Group::Test,
            (Shape::Compare, ValType::F32 | ValType::F64) => FloatCompare,
            (Shape::Compare, _) => Compare,
            (Shape::Unary, _) if matches!(op.row().result, ValType::I32 | ValType::I64) => Plain(Kind::Saturate),
            _ => Plain(Kind::FloatUnary),
        },
    }
}

groups!(group_of);

fn fits_i32(constant: i64) -> bool {
    i64::from(constant as i32) == constant
}

/// The constant operand, if it fits an instruction's immediate.
fn immediate(operands: &impl Operands, operand: usize) -> Option<i64> {
    operands.constant(operand).filter(|&constant| fits_i32(constant))
}

/// Whether the operand is a load that may become a memory operand of an access as wide as `op`'s operands.
fn folds_load(operands: &impl Operands, operand: usize, op: Op) -> Option<Op> {
    let producer = operands.producer(operand)?.op;
    (exact_load(op.row().a) == Some(producer)).then_some(producer)
}

/// The load whose access is exactly as wide as a value of type `ty`.
fn exact_load(ty: ValType) -> Option<Op> {
    match ty {
        ValType::I32 => Some(Op::I32Load),
        ValType::I64 => Some(Op::I64Load),
        ValType::F32 => Some(Op::F32Load),
        ValType::F64 => Some(Op::F64Load),
        _ => None,
    }
}

const REGISTERS: [Take; 2] = [Take::Register, Take::Register];

fn cover(kind: Kind, op: Op, takes: [Take; 2]) -> Cover<Form> {
    Cover { form: Form { kind, op, condition: Cond::Eq }, takes, swap: false, condition: None, immediate: 0 }
}

/// The second operand as an immediate.
fn with_immediate(kind: Kind, op: Op, immediate: i64) -> Cover<Form> {
    Cover { immediate, ..cover(kind, op, [Take::Register, Take::Immediate]) }
}

/// The operand that folds; the other one comes first.
fn with_folded(kind: Kind, op: Op, operand: usize) -> Cover<Form> {
    let mut takes = REGISTERS;
    takes[operand] = Take::Folded;
    Cover { swap: operand == 0, ..cover(kind, op, takes) }
}

impl X64 {
    pub(super) fn cover_operator(&self, op: Op, operands: &impl Operands) -> Cover<Form> {
        match GROUPS[op as usize] {
            Group::Load => self.cover_load(op, operands),
            Group::Store => self.cover_store(op, operands),
            Group::Test => cover_test(op, operands),
            Group::Add => cover_add(op, operands),
            Group::AluCommutative => cover_commutative(op, operands, Kind::AluCommutative, Kind::AluRI, Kind::AluRM),
            Group::Sub => cover_sub(op, operands),
            Group::Mul => cover_mul(op, operands),
            Group::Shift => self.cover_shift(op, operands),
            Group::Rotate => self.cover_rotate(op, operands),
            Group::Divide => cover_divide(op, operands, Kind::Divide),
            Group::Remainder => cover_divide(op, operands, Kind::Remainder),
            Group::Compare => cover_compare(op, operands),
            Group::FloatCompare => cover_float_compare(op, operands),
            Group::FloatArithmetic => self.cover_float(op, operands),
            Group::Plain(Kind::Bits) => self.cover_bits(op),
            Group::Plain(Kind::Extend) if op == Op::I64ExtendI32S && folds_load(operands, 0, op).is_some() => {
                with_folded_only(Kind::ExtendM, op)
            }
            Group::Plain(kind) => cover(kind, op, REGISTERS),
        }
    }

    /// Whether an access is compared with the length of memory.
    fn compares(&self, operands: &impl Operands) -> bool {
        self.explicit_bounds && !operands.is_bounded()
    }

    fn cover_load(&self, op: Op, operands: &impl Operands) -> Cover<Form> {
        match (operands.constant(0), self.compares(operands)) {
            (Some(address), false) => constant_address(Kind::LoadConstant, op, address),
            (Some(address), true) => constant_address(Kind::LoadConstantChecked, op, address),
            (None, false) => cover(Kind::Load, op, REGISTERS),
            (None, true) => cover(Kind::LoadChecked, op, REGISTERS),
        }
    }

    fn cover_store(&self, op: Op, operands: &impl Operands) -> Cover<Form> {
        if let Some(address) = operands.constant(0) {
            let kind = if self.compares(operands) { Kind::StoreConstantChecked } else { Kind::StoreConstant };
            return constant_address(kind, op, address);
        }
        let is_int = matches!(op.row().b, ValType::I32 | ValType::I64);
        match immediate(operands, 1) {
            _ if self.compares(operands) => cover(Kind::StoreChecked, op, REGISTERS),
            Some(constant) if is_int => with_immediate(Kind::StoreI, op, constant),
            _ => cover(Kind::Store, op, REGISTERS),
        }
    }

    fn cover_shift(&self, op: Op, operands: &impl Operands) -> Cover<Form> {
        match operands.constant(1) {
            Some(amount) => with_immediate(Kind::ShiftRI, op, amount),
            None if self.features.bmi2 => cover(Kind::FreeShift, op, REGISTERS),
            None => cover(Kind::ShiftRC, op, REGISTERS),
        }
    }

    fn cover_rotate(&self, op: Op, operands: &impl Operands) -> Cover<Form> {
        match operands.constant(1) {
            Some(amount) if self.features.bmi2 => with_immediate(Kind::FreeRotateRI, op, amount),
            Some(amount) => with_immediate(Kind::ShiftRI, op, amount),
            None => cover(Kind::ShiftRC, op, REGISTERS),
        }
    }

    fn cover_float(&self, op: Op, operands: &impl Operands) -> Cover<Form> {
        let is_commutative = matches!(op, Op::F32Add | Op::F64Add | Op::F32Mul | Op::F64Mul);
        let folded = if self.features.avx { Kind::FloatRRM } else { Kind::FloatRM };
        let with_constant = if self.features.avx { Kind::FloatRRC } else { Kind::FloatRC };
        if let Some(bits) = operands.constant(1) {
            return with_immediate(with_constant, op, bits);
        }
        if let (true, Some(bits)) = (is_commutative, operands.constant(0)) {
            let takes = [Take::Immediate, Take::Register];
            return Cover { immediate: bits, ..cover(with_constant, op, takes) };
        }
        if folds_load(operands, 1, op).is_some() {
            return with_folded(folded, op, 1);
        }
        if is_commutative && folds_load(operands, 0, op).is_some() {
            return with_folded(folded, op, 0);
        }
        let kind = match (self.features.avx, is_commutative) {
            (true, _) => Kind::FloatRRR,
            (false, true) => Kind::FloatCommutative,
            (false, false) => Kind::FloatRR,
        };
        cover(kind, op, REGISTERS)
    }

    fn cover_bits(&self, op: Op) -> Cover<Form> {
        let has = match op {
            Op::I32Clz | Op::I64Clz => self.features.lzcnt,
            Op::I32Ctz | Op::I64Ctz => self.features.bmi1,
            _ => true,
        };
        cover(if has { Kind::Bits } else { Kind::BitScan }, op, REGISTERS)
    }
}

/// The only operand folds.
fn with_folded_only(kind: Kind, op: Op) -> Cover<Form> {
    cover(kind, op, [Take::Folded, Take::Register])
}

fn constant_address(kind: Kind, op: Op, address: i64) -> Cover<Form> {
    Cover { immediate: i64::from(address as u32), ..cover(kind, op, [Take::Immediate, Take::Register]) }
}

fn cover_commutative(op: Op, operands: &impl Operands, plain: Kind, with_constant: Kind, with_load: Kind) -> Cover<Form> {
    if let Some(constant) = immediate(operands, 1) {
        return with_immediate(with_constant, op, constant);
    }
    if let Some(constant) = immediate(operands, 0) {
        let takes = [Take::Immediate, Take::Register];
        return Cover { immediate: constant, ..cover(with_constant, op, takes) };
    }
    for operand in [1, 0] {
        if folds_load(operands, operand, op).is_some() {
            return with_folded(with_load, op, operand);
        }
    }
    cover(plain, op, REGISTERS)
}

fn cover_add(op: Op, operands: &impl Operands) -> Cover<Form> {
    for operand in [1, 0] {
        if let Some(producer) = operands.producer(operand) {
            let shift = if op == Op::I32Add { Op::I32Shl } else { Op::I64Shl };
            if let (true, Some(amount @ 1..=3)) = (producer.op == shift, producer.constant) {
                return Cover { immediate: amount, ..with_folded(Kind::LeaScaled, op, operand) };
            }
        }
    }
    // An addition is emitted as `lea` where its definition is in neither use's register.
    cover_commutative(op, operands, Kind::LeaRR, Kind::LeaRI, Kind::AluRM)
}

fn cover_sub(op: Op, operands: &impl Operands) -> Cover<Form> {
    if let Some(constant) = immediate(operands, 1) {
        // Adding the negated constant has a form without tie; the smallest integer has no negative.
        return match i32::try_from(-constant) {
            Ok(negated) => with_immediate(Kind::LeaRI, op, i64::from(negated)),
            Err(_) => with_immediate(Kind::AluRI, op, constant),
        };
    }
    if folds_load(operands, 1, op).is_some() {
        return with_folded(Kind::AluRM, op, 1);
    }
    cover(Kind::AluRR, op, REGISTERS)
}

fn cover_mul(op: Op, operands: &impl Operands) -> Cover<Form> {
    for (operand, other) in [(1, 0), (0, 1)] {
        if let Some(constant) = operands.constant(operand)
            && constant > 0
            && constant.count_ones() == 1
            && operands.constant(other).is_none()
        {
            let shift = if op == Op::I32Mul { Op::I32Shl } else { Op::I64Shl };
            let mut takes = REGISTERS;
            takes[operand] = Take::Immediate;
            return Cover { immediate: i64::from(constant.trailing_zeros()), ..cover(Kind::ShiftRI, shift, takes) };
        }
    }
    cover_commutative(op, operands, Kind::MulRR, Kind::MulRI, Kind::MulRM)
}

fn cover_divide(op: Op, operands: &impl Operands, kind: Kind) -> Cover<Form> {
    let is_64 = op.row().a == ValType::I64;
    let unsigned = |constant: i64| if is_64 { constant as u64 } else { u64::from(constant as u32) };
    match (op, operands.constant(1)) {
        (Op::I32DivU | Op::I64DivU, Some(constant)) if unsigned(constant).is_power_of_two() => {
            let shift = if is_64 { Op::I64ShrU } else { Op::I32ShrU };
            with_immediate(Kind::ShiftRI, shift, i64::from(unsigned(constant).trailing_zeros()))
        }
        (Op::I32RemU | Op::I64RemU, Some(constant)) if unsigned(constant).is_power_of_two() && unsigned(constant) <= 1 << 31 => {
            let and = if is_64 { Op::I64And } else { Op::I32And };
            with_immediate(Kind::AluRI, and, (unsigned(constant) - 1) as i64)
        }
        _ => cover(kind, op, REGISTERS),
    }
}

fn cover_test(op: Op, operands: &impl Operands) -> Cover<Form> {
    let condition = Some(Cond::Eq);
    let and = if op.row().a == ValType::I32 { Op::I32And } else { Op::I64And };
    if let Some(producer) = operands.producer(0) {
        let takes = [Take::Folded, Take::Register];
        if producer.op == and && producer.constant.is_none_or(fits_i32) {
            return match producer.constant {
                Some(constant) => Cover { condition, immediate: constant, ..cover(Kind::TestRI, op, takes) },
                None => Cover { condition, ..cover(Kind::TestRR, op, takes) },
            };
        }
        if folds_load(operands, 0, op).is_some() {
            return Cover { condition, ..cover(Kind::CmpMI, op, takes) };
        }
    }
    Cover { condition, ..cover(Kind::TestZero, op, REGISTERS) }
}

fn cover_compare(op: Op, operands: &impl Operands) -> Cover<Form> {
    let condition = Cond::of(op).expect("a comparison");
    if let Some(constant) = immediate(operands, 1) {
        if folds_load(operands, 0, op).is_some() {
            let takes = [Take::Folded, Take::Immediate];
            return Cover { condition: Some(condition), immediate: constant, ..cover(Kind::CmpMI, op, takes) };
        }
        return Cover { condition: Some(condition), ..with_immediate(Kind::CmpRI, op, constant) };
    }
    if let Some(constant) = immediate(operands, 0) {
        let takes = [Take::Immediate, Take::Register];
        return Cover { condition: Some(condition.swap()), immediate: constant, ..cover(Kind::CmpRI, op, takes) };
    }
    if folds_load(operands, 1, op).is_some() {
        return Cover { condition: Some(condition), ..with_folded(Kind::CmpRM, op, 1) };
    }
    if folds_load(operands, 0, op).is_some() {
        return Cover { condition: Some(condition.swap()), ..with_folded(Kind::CmpRM, op, 0) };
    }
    Cover { condition: Some(condition), ..cover(Kind::CmpRR, op, REGISTERS) }
}

/// `ucomis` sets carry for "less or unordered", so "less" is asked as "greater" with operands exchanged.
fn cover_float_compare(op: Op, operands: &impl Operands) -> Cover<Form> {
    let condition = Cond::of(op).expect("a comparison");
    let exchanged = matches!(condition, Cond::FloatLt | Cond::FloatLe);
    let (first, second) = if exchanged { (1, 0) } else { (0, 1) };
    let condition = Some(if exchanged { condition.swap() } else { condition });
    if let Some(bits) = operands.constant(second) {
        let mut takes = REGISTERS;
        takes[second] = Take::Immediate;
        return Cover { condition, immediate: bits, ..cover(Kind::FloatCmpRC, op, takes) };
    }
    if folds_load(operands, second, op).is_some() {
        return Cover { condition, ..with_folded(Kind::FloatCmpRM, op, second) };
    }
    Cover { condition, swap: first == 1, ..cover(Kind::FloatCmpRR, op, REGISTERS) }
}

/// Whether [`may_fold`] can ever be true.
#[inline]
pub(super) fn is_foldable(op: Op) -> bool {
    matches!(op, Op::I32Load | Op::I64Load | Op::F32Load | Op::F64Load | Op::I32Shl | Op::I64Shl | Op::I32And | Op::I64And)
}

/// Whether [`X64::cover_operator`] can fold `producer` into the operator that follows.
pub(super) fn may_fold(producer: Op, constant: Option<i64>, following: Following) -> bool {
    let Following { opcode, behind_local_get } = following;
    match producer {
        // add sub mul and or xor; comparisons; eqz; extend_i32_s.
        Op::I32Load => match opcode {
            0x6a | 0x6c | 0x71 | 0x72 | 0x73 | 0x46..=0x4f => true,
            0x6b | 0x45 | 0xac => !behind_local_get,
            _ => false,
        },
        Op::I64Load => match opcode {
            0x7c | 0x7e | 0x83 | 0x84 | 0x85 | 0x51..=0x5a => true,
            0x7d | 0x50 => !behind_local_get,
            _ => false,
        },
        // add mul commute; sub div do not. `lt` and `le` take their first operand from memory, the others their second.
        Op::F32Load => match opcode {
            0x92 | 0x94 => true,
            0x93 | 0x95 | 0x5b | 0x5c | 0x5e | 0x60 => !behind_local_get,
            0x5d | 0x5f => behind_local_get,
            _ => false,
        },
        Op::F64Load => match opcode {
            0xa0 | 0xa2 => true,
            0xa1 | 0xa3 | 0x61 | 0x62 | 0x64 | 0x66 => !behind_local_get,
            0x63 | 0x65 => behind_local_get,
            _ => false,
        },
        Op::I32Shl => opcode == 0x6a && matches!(constant, Some(1..=3)),
        Op::I64Shl => opcode == 0x7c && matches!(constant, Some(1..=3)),
        // eqz, br_if, if, select.
        Op::I32And => matches!(opcode, 0x45 | 0x0d | 0x04 | 0x1b) && !behind_local_get,
        Op::I64And => opcode == 0x50 && !behind_local_get && constant.is_none_or(fits_i32),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use crate::isa::Producer;
    use crate::x64::Features;

    /// A producer as one operand, a value in a register as the other.
    struct View {
        producer: Producer,
        operand: usize,
    }

    impl Operands for View {
        fn constant(&self, _: usize) -> Option<i64> {
            None
        }

        fn producer(&self, operand: usize) -> Option<Producer> {
            (operand == self.operand).then_some(self.producer)
        }
    }

    /// The compiler that goes forward asks `may_fold`, a graph compiler only `cover`: an operator that is deferred in vain costs time, one that
    /// is never deferred costs code.
    #[test]
    fn what_may_fold_is_what_is_covered() {
        let isa = X64::new(Features { lzcnt: true, bmi1: true, bmi2: true, avx: true }, &Options::default());
        let constants = [None, Some(1), Some(3), Some(4), Some(1 << 40)];
        let numeric = &Op::ALL[Op::I32Eqz as usize..Op::I32TruncSatF32S as usize];
        let consumers: Vec<(Op, u8)> = numeric.iter().copied().zip(0x45..).collect();
        for &producer in Op::ALL.iter().filter(|&&op| is_foldable(op)) {
            for constant in constants {
                if producer.row().result == ValType::I32 && !constant.is_none_or(fits_i32) {
                    continue;
                }
                for &(consumer, opcode) in &consumers {
                    let is_binary = matches!(consumer.row().shape, Shape::Binary | Shape::Compare);
                    let ty = consumer.row().a;
                    if producer.row().result != ty || producer.row().shape == Shape::Load && constant.is_some() {
                        continue;
                    }
                    for operand in 0..=usize::from(is_binary) {
                        let view = View { producer: Producer { op: producer, constant }, operand };
                        let folds = isa.cover_operator(consumer, &view).takes[operand] == Take::Folded;
                        let following = Following { opcode, behind_local_get: is_binary && operand == 0 };
                        assert_eq!(
                            may_fold(producer, constant, following),
                            folds,
                            "{producer:?} {constant:?} into {consumer:?}, operand {operand}"
                        );
                    }
                }
            }
        }
    }
}
