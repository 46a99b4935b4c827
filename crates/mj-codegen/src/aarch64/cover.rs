//! What folds: from an operator and the view of its operands to a form.
//!
//! [`fold`] is the one place that knows which producers fold into which operators: covering asks it, and so does the compiler that has to
//! know one operator ahead.

use mj_asm_aarch64::{fits_add, logical_immediate};
use mj_decode::{Following, Op, Shape, ValType};

use super::Aarch64;
use super::form::{Form, Kind};
use super::integer::width;
use crate::Cond;
use crate::forms::groups;
use crate::isa::{Cover, Operands, Producer, Take};

/// An operator's group: operators of one group are covered alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Group {
    Load,
    Store,
    Test,
    AddSub,
    Logical,
    Mul,
    Shift,
    Rotate,
    Divide,
    Remainder,
    Compare,
    FloatCompare,
    Plain(Kind),
}

const fn group_of(op: Op) -> Group {
    use Group::{AddSub, Compare, Divide, FloatCompare, Logical, Mul, Plain, Remainder, Rotate, Shift};
    match op {
        Op::I32Add | Op::I64Add | Op::I32Sub | Op::I64Sub => AddSub,
        Op::I32And | Op::I32Or | Op::I32Xor | Op::I64And | Op::I64Or | Op::I64Xor => Logical,
        Op::I32Mul | Op::I64Mul => Mul,
        Op::I32Shl | Op::I32ShrS | Op::I32ShrU | Op::I64Shl | Op::I64ShrS | Op::I64ShrU => Shift,
        Op::I32Rotl | Op::I32Rotr | Op::I64Rotl | Op::I64Rotr => Rotate,
        Op::I32DivS | Op::I32DivU | Op::I64DivS | Op::I64DivU => Divide,
        Op::I32RemS | Op::I32RemU | Op::I64RemS | Op::I64RemU => Remainder,
        Op::I32Clz | Op::I32Ctz | Op::I32Popcnt | Op::I64Clz | Op::I64Ctz | Op::I64Popcnt => Plain(Kind::Bits),
        Op::I64ExtendI32S | Op::I32Extend8S | Op::I32Extend16S | Op::I64Extend8S | Op::I64Extend16S | Op::I64Extend32S => {
            Plain(Kind::Extend)
        }
        Op::I32WrapI64 | Op::I64ExtendI32U => Plain(Kind::LowHalf),
        Op::F32Copysign | Op::F64Copysign => Plain(Kind::Copysign),
        Op::F32DemoteF64 | Op::F64PromoteF32 => Plain(Kind::Resize),
        Op::F32ConvertI32S | Op::F32ConvertI64S | Op::F64ConvertI32S | Op::F64ConvertI64S => Plain(Kind::Convert),
        Op::F32ConvertI32U | Op::F32ConvertI64U | Op::F64ConvertI32U | Op::F64ConvertI64U => Plain(Kind::Convert),
        Op::I32TruncF32S | Op::I32TruncF32U | Op::I32TruncF64S | Op::I32TruncF64U => Plain(Kind::Truncate),
        Op::I64TruncF32S | Op::I64TruncF32U | Op::I64TruncF64S | Op::I64TruncF64U => Plain(Kind::Truncate),
        Op::I32ReinterpretF32 | Op::I64ReinterpretF64 | Op::F32ReinterpretI32 | Op::F64ReinterpretI64 => Plain(Kind::Reinterpret),
        _ => match (op.row().shape, op.row().a) {
            (Shape::Load, _) => Group::Load,
            (Shape::Store, _) => Group::Store,
            (Shape::Test, _) => Group::Test,
            (Shape::Compare, ValType::F32 | ValType::F64) => FloatCompare,
            (Shape::Compare, _) => Compare,
            (Shape::Binary, _) => Plain(Kind::FloatRR),
            _ if matches!(op.row().result, ValType::I32 | ValType::I64) => Plain(Kind::Saturate),
            _ => Plain(Kind::FloatUnary),
        },
    }
}

groups!(group_of);

fn is_sub(op: Op) -> bool {
    matches!(op, Op::I32Sub | Op::I64Sub)
}

/// Whether an addition or its inverse can hold the constant.
fn fits_signed_add(constant: i64) -> bool {
    fits_add(constant as u64) || fits_add(constant.wrapping_neg() as u64)
}

/// What a folded producer makes of its user.
#[derive(Clone, Copy, Debug)]
struct Fold {
    kind: Kind,
    immediate: i64,
}

/// How a shifted operand is shifted: `ror` for both rotations.
fn shift_amount(producer: Producer) -> Option<i64> {
    let bits = i64::from(width(producer.op.row().a).bits());
    let constant = producer.constant?;
    match producer.op {
        Op::I32Shl | Op::I64Shl | Op::I32ShrS | Op::I64ShrS | Op::I32ShrU | Op::I64ShrU | Op::I32Rotr | Op::I64Rotr => {
            Some(constant & (bits - 1))
        }
        Op::I32Rotl | Op::I64Rotl => Some(constant.wrapping_neg() & (bits - 1)),
        Op::I32Mul | Op::I64Mul => power_of_two(producer.op, constant),
        _ => None,
    }
}

fn is_rotation(op: Op) -> bool {
    GROUPS[op as usize] == Group::Rotate
}

/// The logarithm of a constant of `op`'s type that is a power of two.
fn power_of_two(op: Op, constant: i64) -> Option<i64> {
    let unsigned = unsigned(op, constant);
    unsigned.is_power_of_two().then(|| i64::from(unsigned.trailing_zeros()))
}

fn unsigned(op: Op, constant: i64) -> u64 {
    if op.row().a == ValType::I64 { constant as u64 } else { u64::from(constant as u32) }
}

/// Whether `producer`, as the operand with this number, folds into `op`, and what comes out.
fn fold(op: Op, operand: usize, producer: Producer) -> Option<Fold> {
    // An i32 may stand for what it is zero-extended to: no instruction extends a shifted operand.
    if producer.op.row().result != op.row().a {
        return None;
    }
    let commutes = !is_sub(op);
    match GROUPS[op as usize] {
        Group::AddSub if operand == 1 || commutes => fold_into_addition(producer),
        Group::Logical => match (producer.op, producer.constant) {
            (Op::I32Xor | Op::I64Xor, Some(-1)) => Some(Fold { kind: Kind::AluInverted, immediate: 0 }),
            _ => Some(Fold { kind: Kind::AluRS, immediate: shift_amount(producer)? }),
        },
        Group::Compare => match producer.op {
            Op::I64ExtendI32S | Op::I64ExtendI32U => Some(Fold { kind: Kind::CmpRE, immediate: 0 }),
            op if is_rotation(op) => None,
            _ => Some(Fold { kind: Kind::CmpRS, immediate: shift_amount(producer)? }),
        },
        Group::Test => match (producer.op, producer.constant) {
            (Op::I32And | Op::I64And, None) => Some(Fold { kind: Kind::TestRR, immediate: 0 }),
            (Op::I32And | Op::I64And, Some(constant)) => {
                logical_immediate(width(producer.op.row().a), constant as u64).map(|_| Fold { kind: Kind::TestRI, immediate: constant })
            }
            _ => None,
        },
        Group::Plain(Kind::Extend) if op == Op::I64ExtendI32S && producer.op == Op::I32Load => {
            Some(Fold { kind: Kind::ExtendM, immediate: 0 })
        }
        _ => None,
    }
}

fn fold_into_addition(producer: Producer) -> Option<Fold> {
    match (producer.op, producer.constant) {
        (Op::I32Mul | Op::I64Mul, None) => Some(Fold { kind: Kind::MulAdd, immediate: 0 }),
        (Op::I64ExtendI32S | Op::I64ExtendI32U, _) => Some(Fold { kind: Kind::AluRE, immediate: 0 }),
        (op, _) if is_rotation(op) => None,
        _ => Some(Fold { kind: Kind::AluRS, immediate: shift_amount(producer)? }),
    }
}

const REGISTERS: [Take; 2] = [Take::Register, Take::Register];

/// A load or store, compared with the length of memory or not.
fn access(operands: &impl Operands, mut cover: Cover<Form>) -> Cover<Form> {
    cover.form.bounded = operands.is_bounded();
    cover
}

fn cover(kind: Kind, op: Op, takes: [Take; 2]) -> Cover<Form> {
    Cover { form: Form { kind, op, folded: op, condition: Cond::Eq, bounded: false }, takes, swap: false, condition: None, immediate: 0 }
}

/// The operand with this number as an immediate.
fn with_immediate(kind: Kind, op: Op, operand: usize, immediate: i64) -> Cover<Form> {
    let mut takes = REGISTERS;
    takes[operand] = Take::Immediate;
    Cover { immediate, ..cover(kind, op, takes) }
}

/// The operator with an operand that folds, if one does; the other one comes first.
fn with_folded(op: Op, operands: &impl Operands, count: usize) -> Option<(usize, Cover<Form>)> {
    for operand in (0..count).rev() {
        if let Some(producer) = operands.producer(operand)
            && let Some(Fold { kind, immediate }) = fold(op, operand, producer)
        {
            let mut takes = REGISTERS;
            takes[operand] = Take::Folded;
            let mut cover = Cover { immediate, swap: operand == 0 && count == 2, ..cover(kind, op, takes) };
            cover.form.folded = producer.op;
            return Some((operand, cover));
        }
    }
    None
}

impl Aarch64 {
    pub(super) fn cover_operator(&self, op: Op, operands: &impl Operands) -> Cover<Form> {
        match GROUPS[op as usize] {
            Group::Load => match operands.constant(0) {
                Some(address) => access(operands, with_immediate(Kind::LoadConstant, op, 0, i64::from(address as u32))),
                None => access(operands, cover(Kind::Load, op, REGISTERS)),
            },
            Group::Store => access(operands, cover_store(op, operands)),
            Group::Test => cover_test(op, operands),
            Group::AddSub => cover_add_sub(op, operands),
            Group::Logical => cover_logical(op, operands),
            Group::Mul => cover_mul(op, operands),
            Group::Shift => cover_shift(op, operands),
            Group::Rotate => cover_rotate(op, operands),
            Group::Divide => cover_divide(op, operands),
            Group::Remainder => cover_remainder(op, operands),
            Group::Compare => cover_compare(op, operands),
            Group::FloatCompare => cover_float_compare(op, operands),
            Group::Plain(kind) => with_folded(op, operands, 1).map_or_else(|| cover(kind, op, REGISTERS), |(_, cover)| cover),
        }
    }
}

fn cover_store(op: Op, operands: &impl Operands) -> Cover<Form> {
    if let Some(address) = operands.constant(0) {
        return with_immediate(Kind::StoreConstant, op, 0, i64::from(address as u32));
    }
    // The zero register stores floats as well.
    match operands.constant(1) {
        Some(0) => with_immediate(Kind::StoreZero, op, 1, 0),
        _ => cover(Kind::Store, op, REGISTERS),
    }
}

fn cover_add_sub(op: Op, operands: &impl Operands) -> Cover<Form> {
    match (operands.constant(0), operands.constant(1)) {
        (_, Some(constant)) if fits_signed_add(constant) => return with_immediate(Kind::AluRI, op, 1, constant),
        (Some(constant), None) if !is_sub(op) && fits_signed_add(constant) => return with_immediate(Kind::AluRI, op, 0, constant),
        (Some(0), None) => return with_immediate(Kind::Negate, op, 0, 0),
        _ => {}
    }
    with_folded(op, operands, 2).map_or_else(|| cover(Kind::AluRR, op, REGISTERS), |(_, cover)| cover)
}

fn cover_logical(op: Op, operands: &impl Operands) -> Cover<Form> {
    for (operand, other) in [(1, 0), (0, 1)] {
        let Some(constant) = operands.constant(operand) else { continue };
        if let Some(field) = shifted_field(op, operands, other, constant) {
            return field;
        }
        if matches!(op, Op::I32Xor | Op::I64Xor) && constant == -1 {
            return with_immediate(Kind::Invert, op, operand, 0);
        }
        if logical_immediate(width(op.row().a), constant as u64).is_some() {
            return with_immediate(Kind::AluRI, op, operand, constant);
        }
    }
    with_folded(op, operands, 2).map_or_else(|| cover(Kind::AluRR, op, REGISTERS), |(_, cover)| cover)
}

/// A form that moves a bit field of the folded operand; the other operand is a constant.
fn field(op: Op, operand: usize, immr: i64, imms: i64) -> Cover<Form> {
    let mut takes = [Take::Immediate, Take::Immediate];
    takes[operand] = Take::Folded;
    Cover { immediate: immr | imms << 8, ..cover(Kind::Field, op, takes) }
}

/// `(x >> n) & mask`, where the mask is of low bits that the shift has not filled.
fn shifted_field(op: Op, operands: &impl Operands, operand: usize, mask: i64) -> Option<Cover<Form>> {
    let (and, shift) = if op.row().a == ValType::I32 { (Op::I32And, Op::I32ShrU) } else { (Op::I64And, Op::I64ShrU) };
    let producer = operands.producer(operand)?;
    let mask = unsigned(op, mask);
    if op != and || producer.op != shift || mask == 0 || mask & mask.wrapping_add(1) != 0 {
        return None;
    }
    let (lowest, count) = (shift_amount(producer)?, i64::from(mask.count_ones()));
    let bits = i64::from(width(op.row().a).bits());
    (lowest + count <= bits).then(|| field(shift, operand, lowest, lowest + count - 1))
}

fn cover_mul(op: Op, operands: &impl Operands) -> Cover<Form> {
    let shift = if op == Op::I32Mul { Op::I32Shl } else { Op::I64Shl };
    for (operand, other) in [(1, 0), (0, 1)] {
        if let Some(constant) = operands.constant(operand)
            && operands.constant(other).is_none()
        {
            if let Some(amount) = power_of_two(op, constant) {
                return with_immediate(Kind::ShiftRI, shift, operand, amount);
            }
            if let Some(amount @ 1..) = power_of_two(op, constant.wrapping_sub(1)) {
                return with_immediate(Kind::MulShiftAdd, op, operand, amount);
            }
        }
    }
    cover(Kind::MulRR, op, REGISTERS)
}

fn cover_shift(op: Op, operands: &impl Operands) -> Cover<Form> {
    let Some(amount) = operands.constant(1) else { return cover(Kind::ShiftRR, op, REGISTERS) };
    let bits = i64::from(width(op.row().a).bits());
    let amount = amount & (bits - 1);
    let Some(producer) = operands.producer(0) else { return with_immediate(Kind::ShiftRI, op, 1, amount) };
    match (op, producer.op) {
        // `x << m >> n`.
        (Op::I32ShrS | Op::I32ShrU, Op::I32Shl) | (Op::I64ShrS | Op::I64ShrU, Op::I64Shl) => match shift_amount(producer) {
            Some(left) => field(op, 0, (amount - left) & (bits - 1), bits - 1 - left),
            None => with_immediate(Kind::ShiftRI, op, 1, amount),
        },
        // A sign-extended value, shifted left.
        (Op::I64Shl, Op::I64ExtendI32S) => field(Op::I64ShrS, 0, -amount & (bits - 1), (bits - 1 - amount).min(31)),
        _ => with_immediate(Kind::ShiftRI, op, 1, amount),
    }
}

fn cover_rotate(op: Op, operands: &impl Operands) -> Cover<Form> {
    let is_left = matches!(op, Op::I32Rotl | Op::I64Rotl);
    let bits = i64::from(width(op.row().a).bits());
    match operands.constant(1) {
        Some(amount) => with_immediate(Kind::ShiftRI, op, 1, if is_left { amount.wrapping_neg() } else { amount } & (bits - 1)),
        None => cover(if is_left { Kind::RotateLeft } else { Kind::ShiftRR }, op, REGISTERS),
    }
}

/// Whether a divisor is a constant that cannot make the division trap.
fn is_safe(divisor: Option<i64>) -> bool {
    divisor.is_some_and(|divisor| divisor != 0 && divisor != -1)
}

fn cover_divide(op: Op, operands: &impl Operands) -> Cover<Form> {
    let divisor = operands.constant(1);
    let power = divisor.and_then(|divisor| power_of_two(op, divisor));
    let most = i64::from(width(op.row().a).bits()) - 1;
    match (op, power) {
        (Op::I32DivU, Some(power)) => with_immediate(Kind::ShiftRI, Op::I32ShrU, 1, power),
        (Op::I64DivU, Some(power)) => with_immediate(Kind::ShiftRI, Op::I64ShrU, 1, power),
        // The highest power is negative.
        (Op::I32DivS | Op::I64DivS, Some(power @ 1..)) if power < most => with_immediate(Kind::DividePower, op, 1, power),
        _ => cover(if is_safe(divisor) { Kind::DivideUnchecked } else { Kind::Divide }, op, REGISTERS),
    }
}

fn cover_remainder(op: Op, operands: &impl Operands) -> Cover<Form> {
    let divisor = operands.constant(1);
    match (op, divisor.and_then(|divisor| power_of_two(op, divisor))) {
        (Op::I32RemU, Some(power @ 1..)) => with_immediate(Kind::AluRI, Op::I32And, 1, (1 << power) - 1),
        (Op::I64RemU, Some(power @ 1..)) => with_immediate(Kind::AluRI, Op::I64And, 1, (1i64 << power).wrapping_sub(1)),
        _ => cover(if is_safe(divisor) { Kind::RemainderUnchecked } else { Kind::Remainder }, op, REGISTERS),
    }
}

fn cover_test(op: Op, operands: &impl Operands) -> Cover<Form> {
    let cover = with_folded(op, operands, 1).map_or_else(|| cover(Kind::TestZero, op, REGISTERS), |(_, cover)| cover);
    Cover { condition: Some(Cond::Eq), ..cover }
}

fn cover_compare(op: Op, operands: &impl Operands) -> Cover<Form> {
    let condition = Cond::of(op).expect("a comparison");
    match (operands.constant(0), operands.constant(1)) {
        (_, Some(constant)) if fits_signed_add(constant) => {
            return Cover { condition: Some(condition), ..with_immediate(Kind::CmpRI, op, 1, constant) };
        }
        (Some(constant), None) if fits_signed_add(constant) => {
            return Cover { condition: Some(condition.swap()), ..with_immediate(Kind::CmpRI, op, 0, constant) };
        }
        _ => {}
    }
    match with_folded(op, operands, 2) {
        Some((0, cover)) => Cover { condition: Some(condition.swap()), ..cover },
        Some((_, cover)) => Cover { condition: Some(condition), ..cover },
        None => Cover { condition: Some(condition), ..cover(Kind::CmpRR, op, REGISTERS) },
    }
}

fn cover_float_compare(op: Op, operands: &impl Operands) -> Cover<Form> {
    let condition = Cond::of(op).expect("a comparison");
    match (operands.constant(0), operands.constant(1)) {
        (_, Some(0)) => Cover { condition: Some(condition), ..with_immediate(Kind::FloatCmpZero, op, 1, 0) },
        (Some(0), None) => Cover { condition: Some(condition.swap()), ..with_immediate(Kind::FloatCmpZero, op, 0, 0) },
        _ => Cover { condition: Some(condition), ..cover(Kind::FloatCmpRR, op, REGISTERS) },
    }
}

/// Whether [`fold`] can ever give anything for this producer.
#[inline]
pub(super) fn is_foldable(op: Op) -> bool {
    matches!(GROUPS[op as usize], Group::Shift | Group::Rotate | Group::Mul)
        || matches!(op, Op::I32And | Op::I64And | Op::I32Xor | Op::I64Xor | Op::I64ExtendI32S | Op::I64ExtendI32U | Op::I32Load)
}

/// Whether a constant of an operator is no immediate, and nothing else than a register with it does.
pub(super) fn needs_register(op: Op, operand: usize, constant: i64) -> bool {
    match GROUPS[op as usize] {
        Group::AddSub if is_sub(op) && operand == 0 => constant != 0,
        Group::AddSub | Group::Compare => !fits_signed_add(constant),
        Group::Logical => logical_immediate(width(op.row().a), constant as u64).is_none() && constant != -1,
        Group::Mul => power_of_two(op, constant).is_none() && power_of_two(op, constant.wrapping_sub(1)).is_none(),
        Group::Shift | Group::Rotate => operand == 0,
        _ => false,
    }
}

/// Whether a producer is no more than a part of the instructions that it folds into: a shift by a constant. Rotations do not fold into additions, so that
/// they are mostly done once more for these, and what they rotate stays alive.
pub(super) fn is_free(producer: Producer) -> bool {
    !is_rotation(producer.op) && shift_amount(producer).is_some()
}

/// Whether [`Aarch64::cover_operator`] can fold `producer` into the operator that follows.
pub(super) fn may_fold(producer: Op, constant: Option<i64>, following: Following) -> bool {
    let Following { opcode, behind_local_get } = following;
    let producer = Producer { op: producer, constant };
    match opcode {
        // `if`, `br_if` and `select` do `i32.eqz` with their condition.
        0x04 | 0x0d | 0x1b => !behind_local_get && fold(Op::I32Eqz, 0, producer).is_some(),
        0x45..=0xc4 => {
            let op = Op::from_numeric_opcode(opcode);
            let is_binary = matches!(op.row().shape, Shape::Binary | Shape::Compare);
            // What follows a `local.get` takes that last.
            let operand = if is_binary { usize::from(!behind_local_get) } else { 0 };
            (is_binary || !behind_local_get) && fold(op, operand, producer).is_some()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

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

    /// The compiler that goes forward asks `may_fold`, a graph compiler only `cover`.
    #[test]
    fn what_may_fold_is_what_is_covered() {
        let isa = Aarch64::new(crate::aarch64::Features {}, &Options::default());
        let constants = [None, Some(-1), Some(1), Some(5), Some(63), Some(1 << 40)];
        let numeric = &Op::ALL[Op::I32Eqz as usize..Op::I32TruncSatF32S as usize];
        for &producer in Op::ALL.iter().filter(|&&op| is_foldable(op)) {
            for constant in constants {
                let is_binary = producer.row().shape == Shape::Binary;
                let fits = producer.row().result == ValType::I64 || constant.is_none_or(|constant| constant < 1 << 31);
                if constant.is_some() && !is_binary || !fits {
                    continue;
                }
                for (&consumer, opcode) in numeric.iter().zip(0x45..) {
                    let is_binary = matches!(consumer.row().shape, Shape::Binary | Shape::Compare);
                    for operand in 0..=usize::from(is_binary) {
                        let view = View { producer: Producer { op: producer, constant }, operand };
                        let folds = isa.cover_operator(consumer, &view).takes[operand] == Take::Folded;
                        assert!(!folds || producer.row().result == consumer.row().a, "{producer:?} into {consumer:?} is of another width");
                        let following = Following { opcode, behind_local_get: is_binary && operand == 0 };
                        let may = may_fold(producer, constant, following);
                        assert_eq!(may, folds, "{producer:?} {constant:?} into {consumer:?}, operand {operand}");
                    }
                }
            }
        }
    }
}
