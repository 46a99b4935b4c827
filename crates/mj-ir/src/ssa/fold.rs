//! Values of operators on constants (spec 4.3).
//!
//! Constants are 64 bits: integers sign-extended, floats as bits. What traps has no value. Nor has what gives a NaN by arithmetic: the machine
//! chooses its bits, and two tiers must choose alike.

use mj_decode::Op;

/// The value of `op`, whose second operand, if it has one, is `b`; none if it traps, reads memory, or gives a NaN.
#[must_use]
pub fn evaluate(op: Op, a: i64, b: i64) -> Option<i64> {
    use Op::*;
    let within = |first: Op, last: Op| (first as u8..=last as u8).contains(&(op as u8));
    if within(F32Abs, F32Copysign) || within(F32Eq, F32Ge) {
        return single(op, f32::from_bits(a as u32), f32::from_bits(b as u32));
    }
    if within(F64Abs, F64Copysign) || within(F64Eq, F64Ge) {
        return double(op, f64::from_bits(a as u64), f64::from_bits(b as u64));
    }
    if within(I32Eqz, I32GeU) || within(I32Clz, I32Rotr) {
        return word(op, a as i32, b as i32);
    }
    if within(I64Eqz, I64GeU) || within(I64Clz, I64Rotr) {
        return long(op, a, b);
    }
    convert(op, a)
}

fn word(op: Op, a: i32, b: i32) -> Option<i64> {
    use Op::*;
    let (unsigned, divisor) = (a as u32, b as u32);
    let value = match op {
        I32Eqz => i32::from(a == 0),
        I32Eq => i32::from(a == b),
        I32Ne => i32::from(a != b),
        I32LtS => i32::from(a < b),
        I32LtU => i32::from(unsigned < divisor),
        I32GtS => i32::from(a > b),
        I32GtU => i32::from(unsigned > divisor),
        I32LeS => i32::from(a <= b),
        I32LeU => i32::from(unsigned <= divisor),
        I32GeS => i32::from(a >= b),
        I32GeU => i32::from(unsigned >= divisor),
        I32Clz => a.leading_zeros() as i32,
        I32Ctz => a.trailing_zeros() as i32,
        I32Popcnt => a.count_ones() as i32,
        I32Add => a.wrapping_add(b),
        I32Sub => a.wrapping_sub(b),
        I32Mul => a.wrapping_mul(b),
        I32DivS => a.checked_div(b)?,
        I32DivU => unsigned.checked_div(divisor)? as i32,
        // The remainder of the least integer and -1 is 0, without a trap.
        I32RemS => (b != 0).then(|| a.wrapping_rem(b))?,
        I32RemU => unsigned.checked_rem(divisor)? as i32,
        I32And => a & b,
        I32Or => a | b,
        I32Xor => a ^ b,
        I32Shl => a.wrapping_shl(divisor),
        I32ShrS => a.wrapping_shr(divisor),
        I32ShrU => unsigned.wrapping_shr(divisor) as i32,
        I32Rotl => a.rotate_left(divisor & 31),
        I32Rotr => a.rotate_right(divisor & 31),
        _ => return None,
    };
    Some(i64::from(value))
}

fn long(op: Op, a: i64, b: i64) -> Option<i64> {
    use Op::*;
    let (unsigned, divisor) = (a as u64, b as u64);
    Some(match op {
        I64Eqz => i64::from(a == 0),
        I64Eq => i64::from(a == b),
        I64Ne => i64::from(a != b),
        I64LtS => i64::from(a < b),
        I64LtU => i64::from(unsigned < divisor),
        I64GtS => i64::from(a > b),
        I64GtU => i64::from(unsigned > divisor),
        I64LeS => i64::from(a <= b),
        I64LeU => i64::from(unsigned <= divisor),
        I64GeS => i64::from(a >= b),
        I64GeU => i64::from(unsigned >= divisor),
        I64Clz => i64::from(a.leading_zeros()),
        I64Ctz => i64::from(a.trailing_zeros()),
        I64Popcnt => i64::from(a.count_ones()),
        I64Add => a.wrapping_add(b),
        I64Sub => a.wrapping_sub(b),
        I64Mul => a.wrapping_mul(b),
        I64DivS => a.checked_div(b)?,
        I64DivU => unsigned.checked_div(divisor)? as i64,
        I64RemS => (b != 0).then(|| a.wrapping_rem(b))?,
        I64RemU => unsigned.checked_rem(divisor)? as i64,
        I64And => a & b,
        I64Or => a | b,
        I64Xor => a ^ b,
        I64Shl => a.wrapping_shl(b as u32),
        I64ShrS => a.wrapping_shr(b as u32),
        I64ShrU => unsigned.wrapping_shr(b as u32) as i64,
        I64Rotl => a.rotate_left(b as u32 & 63),
        I64Rotr => a.rotate_right(b as u32 & 63),
        _ => return None,
    })
}

macro_rules! float {
    ($name:ident, $float:ty, $bits:ty, [$($op:ident),*]) => {
        fn $name(op: Op, a: $float, b: $float) -> Option<i64> {
            use Op::*;
            #[allow(non_snake_case)]
            let [abs, neg, ceil, floor, trunc, nearest, sqrt, add, sub, mul, div, min, max, copysign, eq, ne, lt, gt, le, ge] = [$($op),*];
            let value = match op {
                _ if op == eq => return Some(i64::from(a == b)),
                _ if op == ne => return Some(i64::from(a != b)),
                _ if op == lt => return Some(i64::from(a < b)),
                _ if op == gt => return Some(i64::from(a > b)),
                _ if op == le => return Some(i64::from(a <= b)),
                _ if op == ge => return Some(i64::from(a >= b)),
                // These work on bits: a NaN's payload stays.
                _ if op == abs => return Some((a.to_bits() & (<$bits>::MAX >> 1)) as i64),
                _ if op == neg => return Some((a.to_bits() ^ !(<$bits>::MAX >> 1)) as i64),
                _ if op == copysign => {
                    let sign = !(<$bits>::MAX >> 1);
                    return Some((a.to_bits() & !sign | b.to_bits() & sign) as i64);
                }
                _ if op == ceil => a.ceil(),
                _ if op == floor => a.floor(),
                _ if op == trunc => a.trunc(),
                _ if op == nearest => a.round_ties_even(),
                _ if op == sqrt => a.sqrt(),
                _ if op == add => a + b,
                _ if op == sub => a - b,
                _ if op == mul => a * b,
                _ if op == div => a / b,
                _ if op == min || op == max => {
                    if a.is_nan() || b.is_nan() {
                        return None;
                    }
                    // Of two zeros the negative one is less.
                    let a_is_less = a < b || a == b && a.is_sign_negative();
                    if a_is_less == (op == min) { a } else { b }
                }
                _ => return None,
            };
            (!value.is_nan()).then_some(value.to_bits() as i64)
        }
    };
}

float!(
    single,
    f32,
    u32,
    [
        F32Abs,
        F32Neg,
        F32Ceil,
        F32Floor,
        F32Trunc,
        F32Nearest,
        F32Sqrt,
        F32Add,
        F32Sub,
        F32Mul,
        F32Div,
        F32Min,
        F32Max,
        F32Copysign,
        F32Eq,
        F32Ne,
        F32Lt,
        F32Gt,
        F32Le,
        F32Ge
    ]
);
float!(
    double,
    f64,
    u64,
    [
        F64Abs,
        F64Neg,
        F64Ceil,
        F64Floor,
        F64Trunc,
        F64Nearest,
        F64Sqrt,
        F64Add,
        F64Sub,
        F64Mul,
        F64Div,
        F64Min,
        F64Max,
        F64Copysign,
        F64Eq,
        F64Ne,
        F64Lt,
        F64Gt,
        F64Le,
        F64Ge
    ]
);

fn convert(op: Op, a: i64) -> Option<i64> {
    use Op::*;
    let single = f32::from_bits(a as u32);
    let double = f64::from_bits(a as u64);
    let from_single = |value: f32| (!value.is_nan()).then_some(i64::from(value.to_bits()));
    let from_double = |value: f64| (!value.is_nan()).then_some(value.to_bits() as i64);
    // A NaN is in no range.
    let in_range = |value: f64, below: f64, above: f64| (value > below && value < above).then_some(value);
    let word = |value: i32| Some(i64::from(value));
    match op {
        I32WrapI64 | I64ExtendI32S | I64Extend32S => word(a as i32),
        I64ExtendI32U => Some(i64::from(a as u32)),
        I32Extend8S | I64Extend8S => Some(i64::from(a as i8)),
        I32Extend16S | I64Extend16S => Some(i64::from(a as i16)),
        I32TruncF32S => word(in_range(f64::from(single), -2_147_483_649.0, 2_147_483_648.0)? as i32),
        I32TruncF64S => word(in_range(double, -2_147_483_649.0, 2_147_483_648.0)? as i32),
        I32TruncF32U => word(in_range(f64::from(single), -1.0, 4_294_967_296.0)? as u32 as i32),
        I32TruncF64U => word(in_range(double, -1.0, 4_294_967_296.0)? as u32 as i32),
        I64TruncF32S => (single >= -TWO_TO_63 as f32).then_some(in_range(f64::from(single), f64::NEG_INFINITY, TWO_TO_63)? as i64),
        I64TruncF64S => (double >= -TWO_TO_63).then_some(in_range(double, f64::NEG_INFINITY, TWO_TO_63)? as i64),
        I64TruncF32U => Some(in_range(f64::from(single), -1.0, 2.0 * TWO_TO_63)? as u64 as i64),
        I64TruncF64U => Some(in_range(double, -1.0, 2.0 * TWO_TO_63)? as u64 as i64),
        I32TruncSatF32S => word(single as i32),
        I32TruncSatF32U => word(single as u32 as i32),
        I32TruncSatF64S => word(double as i32),
        I32TruncSatF64U => word(double as u32 as i32),
        I64TruncSatF32S => Some(single as i64),
        I64TruncSatF32U => Some(single as u64 as i64),
        I64TruncSatF64S => Some(double as i64),
        I64TruncSatF64U => Some(double as u64 as i64),
        F32ConvertI32S => from_single(a as i32 as f32),
        F32ConvertI32U => from_single(a as u32 as f32),
        F32ConvertI64S => from_single(a as f32),
        F32ConvertI64U => from_single(a as u64 as f32),
        F32DemoteF64 => from_single(double as f32),
        F64ConvertI32S => from_double(f64::from(a as i32)),
        F64ConvertI32U => from_double(f64::from(a as u32)),
        F64ConvertI64S => from_double(a as f64),
        F64ConvertI64U => from_double(a as u64 as f64),
        F64PromoteF32 => from_double(f64::from(single)),
        I32ReinterpretF32 => word(a as i32),
        F32ReinterpretI32 => Some(i64::from(a as u32)),
        I64ReinterpretF64 | F64ReinterpretI64 => Some(a),
        _ => None,
    }
}

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn f32_bits(value: f32) -> i64 {
        i64::from(value.to_bits())
    }

    #[test]
    fn what_traps_has_no_value() {
        for (op, a, b) in [
            (Op::I32DivS, i64::from(i32::MIN), -1),
            (Op::I32DivU, 1, 0),
            (Op::I32RemS, 1, 0),
            (Op::I64DivS, i64::MIN, -1),
            (Op::I64RemU, 1, 0),
            (Op::I32TruncF32S, f32_bits(f32::NAN), 0),
            (Op::I32TruncF64S, 2_147_483_648f64.to_bits() as i64, 0),
            (Op::I64TruncF64S, TWO_TO_63.to_bits() as i64, 0),
            (Op::I64TruncF32S, f32_bits(-9.3e18), 0),
            (Op::I64TruncF32U, f32_bits(-1.0), 0),
        ] {
            assert_eq!(evaluate(op, a, b), None, "{op:?}");
        }
    }

    #[test]
    fn limits_of_truncation_have_values() {
        assert_eq!(evaluate(Op::I32TruncF64S, (-2_147_483_648.9f64).to_bits() as i64, 0), Some(i64::from(i32::MIN)));
        assert_eq!(evaluate(Op::I64TruncF64S, (-TWO_TO_63).to_bits() as i64, 0), Some(i64::MIN));
        assert_eq!(evaluate(Op::I64TruncF32S, f32_bits(-TWO_TO_63 as f32), 0), Some(i64::MIN));
        assert_eq!(evaluate(Op::I32TruncF32U, f32_bits(-0.5), 0), Some(0));
        assert_eq!(evaluate(Op::I32TruncF64U, 4_294_967_295.5f64.to_bits() as i64, 0), Some(-1));
        assert_eq!(evaluate(Op::I32TruncSatF32S, f32_bits(f32::NAN), 0), Some(0));
    }

    #[test]
    fn integers_wrap_and_stay_sign_extended() {
        assert_eq!(evaluate(Op::I32Add, i64::from(i32::MAX), 1), Some(i64::from(i32::MIN)));
        assert_eq!(evaluate(Op::I32RemS, i64::from(i32::MIN), -1), Some(0));
        assert_eq!(evaluate(Op::I64RemS, i64::MIN, -1), Some(0));
        assert_eq!(evaluate(Op::I32ShrU, -1, 33), Some(0x7fff_ffff));
        assert_eq!(evaluate(Op::I32Rotl, i64::from(i32::MIN), 1), Some(1));
        assert_eq!(evaluate(Op::I64ExtendI32U, -1, 0), Some(0xffff_ffff));
    }

    #[test]
    fn nans_are_left_to_the_machine_and_zeros_have_signs() {
        let (zero, minus_zero, nan) = (f32_bits(0.0), f32_bits(-0.0), f32_bits(f32::NAN));
        assert_eq!(evaluate(Op::F32Div, zero, zero), None);
        assert_eq!(evaluate(Op::F32Min, zero, nan), None);
        assert_eq!(evaluate(Op::F32Min, zero, minus_zero), Some(minus_zero));
        assert_eq!(evaluate(Op::F32Max, minus_zero, zero), Some(zero));
        assert_eq!(evaluate(Op::F32Neg, nan, 0), Some(nan ^ 0x8000_0000));
        assert_eq!(evaluate(Op::F32Ne, nan, nan), Some(1));
        assert_eq!(evaluate(Op::F64Nearest, 2.5f64.to_bits() as i64, 0), Some(2.0f64.to_bits() as i64));
    }
}
